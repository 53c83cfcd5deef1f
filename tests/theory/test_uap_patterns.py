"""Patterns, their symmetries and the layered colouring, against definitions written out with sets."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import shortest_path

from lemmata.theory.uap import automorphisms, confused, connected, distinguished, hops, layers_needed, received
from lemmata.theory.uap import patterns as shapes
from lemmata.theory.uap.colouring import equal_tokens, late_symmetries, permuted_tokens, shared_colours, violates
from lemmata.theory.uap.mutants import STEPS, received_backwards


def sequences(max_layers: int = 3, max_tokens: int = 5):
    """Sequences of patterns as lists of lists of sets of neighbours."""

    def of_size(n: int):
        pattern = st.lists(st.sets(st.integers(0, n - 1), min_size=1), min_size=n, max_size=n)
        return st.lists(pattern, min_size=1, max_size=max_layers)

    return st.integers(2, max_tokens).flatmap(of_size)


def arrays(sets):
    return [shapes.from_sets(layer) for layer in sets]


@given(sequences())
def test_a_token_receives_what_the_tokens_that_it_attends_to_had_received(sets) -> None:
    held = [{i} for i in range(len(sets[0]))]
    for layer in sets:
        held = [held[i].union(*(held[j] for j in layer[i])) for i in range(len(layer))]
    found = received(arrays(sets))
    assert [set(np.flatnonzero(row).tolist()) for row in found] == held
    assert connected(arrays(sets)) == all(len(row) == len(held) for row in held)


def test_the_order_of_layers_matters() -> None:
    layers = arrays([[{1}, {1}, {2}], [{0}, {1}, {0}]])  # 1 → 0, then 0 → 2
    assert received(layers)[2, 1]
    assert not received_backwards(layers)[2, 1]


@given(sequences(max_layers=1))
def test_hops_are_the_longest_shortest_path(sets) -> None:
    pattern = arrays(sets)[0]
    longest = shortest_path(np.ascontiguousarray(pattern.T, float), unweighted=True).max()
    assert hops(pattern) == (longest if np.isfinite(longest) else 0)


@given(sequences(max_layers=2))
def test_automorphisms_are_the_permutations_that_map_neighbourhoods_to_neighbourhoods(sets) -> None:
    tokens = range(len(sets[0]))
    expected = [
        list(sigma)
        for sigma in permutations(tokens)
        if all({sigma[j] for j in layer[i]} == layer[sigma[i]] for layer in sets for i in tokens)
    ]
    assert automorphisms(*arrays(sets)).tolist() == expected


def test_automorphisms_of_every_pattern_on_four_tokens() -> None:
    orders = shapes.permutations_of(4)
    representatives, _ = shapes.up_to_relabelling(shapes.all_patterns(4))
    kept = shapes.invariant(orders, representatives)
    for pattern, row in zip(representatives, kept, strict=True):
        assert automorphisms(pattern).tolist() == orders[row].tolist()


@given(sequences(max_layers=1), st.randoms(use_true_random=False))
def test_relabelling_leaves_the_class(sets, random) -> None:
    pattern = arrays(sets)[0]
    order = list(range(len(pattern)))
    random.shuffle(order)
    both = np.stack([pattern, pattern[np.ix_(order, order)]])
    representatives, count = shapes.up_to_relabelling(both)
    assert (len(representatives), count.tolist()) == (1, [2])


def test_classes_under_relabelling_have_the_sizes_of_orbits() -> None:
    for n, total in ((2, 9), (3, 343)):
        representatives, count = shapes.up_to_relabelling(shapes.all_patterns(n))
        orders = [len(automorphisms(pattern)) for pattern in representatives]
        assert count.tolist() == [len(list(permutations(range(n)))) // order for order in orders]
        assert count.sum() == total


@pytest.mark.parametrize(
    ("pattern", "neighbours"),
    [
        (shapes.window(4, 1), ["01", "012", "123", "23"]),
        (shapes.circular_window(5, 1), ["014", "012", "123", "234", "034"]),
        (shapes.one_sided_window(4, 2), ["012", "123", "023", "013"]),
        (shapes.causal(3), ["0", "01", "012"]),
        (shapes.blocks(5, 2), ["01", "01", "23", "23", "4"]),
        (shapes.strided(5, 2), ["024", "13", "024", "13", "024"]),
        (shapes.star(4), ["0123", "01", "02", "03"]),
        (shapes.longformer(5, 1), ["01234", "012", "0123", "0234", "034"]),
    ],
)
def test_named_patterns_have_their_neighbourhoods(pattern, neighbours) -> None:
    assert ["".join(map(str, np.flatnonzero(row))) for row in pattern] == neighbours


def test_bigbird_adds_keys_at_random() -> None:
    pattern = shapes.bigbird(12, 1, 1, 2, np.random.default_rng(0))
    added = pattern.sum(1) - shapes.longformer(12, 1).sum(1)
    assert (pattern >= shapes.longformer(12, 1)).all()
    assert added.max() == 2
    assert added.sum() > 10


# ------------------------------------------------------------------------------------------------------------ colours


def colours(layers, labels):
    """The recursion of the sheet with nested frozen sets as colours."""
    colour = list(labels)
    for layer in layers:
        colour = [(colour[i], frozenset(colour[j] for j in layer[i])) for i in range(len(layer))]
    return colour


@given(sequences(), st.data())
def test_shared_colours_are_those_of_nested_sets(sets, data) -> None:
    n = len(sets[0])
    other = data.draw(st.permutations(range(2 * n)))[:n]  # some tokens shared, in other places
    left, right = colours(sets, range(n)), colours(sets, other)
    expected = [[a == b for b in right] for a in left]
    equal = np.arange(n)[:, None] == np.array(other)
    assert shared_colours(arrays(sets), equal).tolist() == expected
    assert distinguished(arrays(sets), equal) == (not set(left) & set(right))


@given(st.permutations(range(5)))
def test_a_permuted_sample_has_the_tokens_of_its_places(order: list[int]) -> None:
    x = np.random.default_rng(0).normal(size=(5, 2))
    assert (permuted_tokens(np.array([order]))[0] == equal_tokens(x, x[order])).all()


@given(sequences())
def test_automorphisms_are_never_told_apart_and_confusion_is_the_rest(sets) -> None:
    layers = arrays(sets)
    orders = shapes.permutations_of(len(sets[0]))
    together = ~distinguished(layers, permuted_tokens(orders))
    group = {tuple(sigma) for sigma in automorphisms(*layers).tolist()}
    member = np.array([tuple(sigma) in group for sigma in orders.tolist()])
    assert together[member].all()
    assert (confused(layers) == together & ~member).all()


@given(sequences(max_layers=1))
def test_a_static_pattern_needs_its_hops_or_one_layer_more(sets) -> None:
    pattern = arrays(sets)[0]
    distance = int(hops(pattern))
    one_more = distance > 0 and confused([pattern] * distance).any()
    assert layers_needed(pattern) == distance + one_more
    assert not confused([pattern] * (distance + 1)).any() or not distance


@given(sequences(max_layers=4, max_tokens=4))
def test_what_a_connected_sequence_confuses_is_a_late_symmetry(sets) -> None:
    layers = arrays(sets)
    if connected(layers):
        assert not (confused(layers) & ~late_symmetries(layers)).any()


@given(sequences(max_layers=4, max_tokens=4))
def test_late_symmetries_keep_each_pattern_whose_later_layers_connect(sets) -> None:
    n = len(sets[0])
    expected = []
    for sigma in permutations(range(n)):
        kept = True
        for p, layer in enumerate(sets[:-1]):
            held = [{i} for i in range(n)]
            for later in sets[p + 1 :]:
                held = [held[i].union(*(held[j] for j in later[i])) for i in range(n)]
            if all(len(tokens) == n for tokens in held):
                kept = kept and all({sigma[j] for j in layer[i]} == set(layer[sigma[i]]) for i in range(n))
        expected.append(kept)
    assert late_symmetries(arrays(sets)).tolist() == expected


def test_late_symmetries_are_those_of_every_such_pattern() -> None:
    cycle, star = shapes.circular_window(4, 1), shapes.star(4)
    found = late_symmetries([cycle, star, shapes.full(4)])
    assert found.sum() == 2  # of 8 of the cycle and 6 of the star
    assert found.sum() == len(automorphisms(cycle, star))


def test_random_patterns_have_their_density_and_one_key_where_a_row_would_be_empty() -> None:
    found = shapes.random_directed(4, 0.45, np.random.default_rng(0), count=20_000)
    assert found.any(-1).all()
    assert found.mean() == pytest.approx(0.45 + 0.55**4 / 4, abs=0.005)  # 0.473
    alone = shapes.random_directed(3, 0.0, np.random.default_rng(0), count=3_000)
    assert (alone.sum(-1) == 1).all()
    np.testing.assert_allclose(alone.mean((0, 1)), 1 / 3, atol=0.03)


def test_two_hops_may_need_three_layers() -> None:
    pattern = shapes.longformer(6, 1)
    assert (hops(pattern), layers_needed(pattern)) == (2, 3)


def test_the_smallest_violation_is_the_swap_of_two_tokens() -> None:
    pattern = shapes.from_sets([{1, 2}, {0, 2}, {0, 1, 2}])
    assert len(automorphisms(pattern)) == 2
    swap = [0, 2, 1]
    assert confused([pattern])[shapes.permutations_of(3).tolist().index(swap)]
    assert shared_colours([pattern], permuted_tokens(np.array([swap])))[0, 0, 0]


def test_counts_on_three_tokens() -> None:
    patterns = shapes.all_patterns(3)
    assert (int(connected([patterns]).sum()), int(violates([patterns]).sum())) == (8, 6)
    pairs = [patterns[:, None], patterns]
    assert (int(connected(pairs).sum()), int(violates(pairs).sum())) == (62_920, 14_148)


@pytest.mark.parametrize("name", [name for name in STEPS if name != "intact"])
def test_wrong_recursions_differ_from_nested_sets(name: str) -> None:
    patterns = shapes.all_patterns(3)
    pairs = [patterns[:, None], patterns]
    assert int(violates(pairs, STEPS[name]).sum()) != 14_148


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shapes.from_sets([{0}, set()]), r"N\(1\) is empty"),
        (lambda: shapes.from_sets([{0}, {2}]), "contains 2, which is not a token 0, …, 1"),
        (lambda: shapes.checked(np.ones((2, 3))), "not a square matrix"),
        (lambda: shapes.checked(np.full((2, 2), 2)), "entries other than 0 and 1"),
        (lambda: shapes.all_patterns(5), "enumerated for 1 to 4"),
        (lambda: shapes.window(0, 1), "not at least 1"),
        (lambda: automorphisms(), "not of one size"),
        (lambda: automorphisms(shapes.full(2), shapes.full(3)), "not of one size"),
        (lambda: automorphisms(shapes.full(5), limit=100), "more than limit = 100"),
        (lambda: equal_tokens(np.ones((2, 2)), np.ones((3, 2))), "not two of shape"),
        (lambda: equal_tokens(np.ones((2, 2)), np.eye(2)), "x has two equal tokens"),
        (lambda: equal_tokens(np.eye(2), np.array([[0.0, 0.0], [1.0, 0.0]])), "y has a zero token"),
        (lambda: shapes.blocks(4, 0), "size 0 is not at least 1"),
        (lambda: shapes.strided(4, 0), "stride 0 is not at least 1"),
        (lambda: shapes.window(4, -1), "width -1 is not at least 0"),
        (lambda: shapes.circular_window(4, -1), "width -1 is not at least 0"),
        (lambda: shapes.one_sided_window(4, -1), "width -1 is not at least 0"),
        (lambda: shapes.with_globals(shapes.full(3), -1), "count -1 is not at least 0"),
        (lambda: received([]), "layers is empty"),
        (lambda: connected([]), "layers is empty"),
        (lambda: confused([]), "layers is empty"),
    ],
)
def test_bad_patterns_and_samples_are_refused_with_the_reason(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_all_patterns_are_all_of_them() -> None:
    rows = list(product([False, True], repeat=2))[1:]
    expected = {tuple(map(tuple, choice)) for choice in product(rows, repeat=2)}
    assert {tuple(map(tuple, pattern)) for pattern in shapes.all_patterns(2).tolist()} == expected
