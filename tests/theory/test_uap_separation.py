"""Attention families against loops over tokens, the witness search, and the exact counterexamples."""

import math
import warnings
from fractions import Fraction
from inspect import unwrap

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.theory.uap import FAMILIES, CollapseWarning, Verdict, automorphisms, distinguishes, patterns, sparse
from lemmata.theory.uap.collapse import shared_token_gaps
from lemmata.theory.uap.counterexamples import (
    PROUHET_TARRY_ESCOTT,
    Clock,
    clock_quadruple,
    exact_attention,
    moment_twins,
    random_rationals,
    rotation_twins,
)
from lemmata.theory.uap.distinguish import forward, per_layer, search, token_gaps
from lemmata.theory.uap.families import (
    AttentionFamily,
    BiasMixer,
    CircularConvolution,
    FeedForward,
    KernelAttention,
    Linformer,
    cyclic,
    dihedral,
    each_token,
    gaussian,
)
from lemmata.theory.uap.kernel import KERNELS, SOFTMAX, performer, polynomial, rbf
from lemmata.theory.uap.limits import sum_of_exp_share
from lemmata.theory.uap.pairs import PAIRS, far_token, generic, permuted, same_mean, same_second_moment

LOOSE = [[0, 1, 3], [1, 2], [0], [0, 1, 2, 3]]  # a directed pattern on four tokens
MIXERS: dict[str, AttentionFamily] = {
    **FAMILIES,
    "sparse": sparse(patterns.from_sets(LOOSE)),
    "sparse bias": BiasMixer(pattern=patterns.from_sets(LOOSE)),
    "convolution": CircularConvolution(2),
    "feed-forward": FeedForward(),
}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -------------------------------------------------------------------------------------------------- against loops


def kernel_value(name: str, x, y, parameters) -> float:
    dot, square = float(x @ y), float(((x - y) ** 2).sum())
    if name.startswith("performer"):
        features = parameters["features"].numpy()
        return float(np.mean([math.exp(w @ x) * math.exp(w @ y) for w in features]))
    w = parameters["direction"].numpy()[0] if "direction" in parameters else x
    return {
        "softmax": math.exp(dot),
        "rbf": math.exp(-square),
        "exp_sum": math.exp(w @ (x + y)),
        "weighted_softmax": (1 + square) * math.exp(dot),
        "sum_of_exp": math.exp(w @ x) + math.exp(w @ y),
        "polynomial": (1 + dot) ** 2,
        "linear": dot,
        "constant": 1.0,
    }[name]


def by_loops(name: str, x, neighbours, parameters, normalised: bool):
    query, key, value = (parameters[part].numpy() for part in ("query", "key", "value"))
    rows = []
    for i, row in enumerate(neighbours):
        weights = [kernel_value(name, query @ x[i], key @ x[j], parameters) for j in row]
        total = sum(w * (value @ x[j]) for w, j in zip(weights, row, strict=True))
        rows.append(total / sum(weights) if normalised else total)
    return np.array(rows)


@pytest.mark.parametrize("weighting", ["mean", "sum"])
@pytest.mark.parametrize("name", list(KERNELS))
def test_kernel_attention_is_the_double_loop_over_tokens(name: str, weighting: str) -> None:
    for neighbours in (LOOSE, [[0, 1, 2, 3]] * 4):
        pattern = None if len(neighbours[2]) == 4 else patterns.from_sets(neighbours)
        family = KernelAttention(KERNELS[name], pattern, weighting)
        parameters = family.sample(rng(1), 2, 4, 0.7, 3)
        x = gaussian(rng(2), 1.0, 3, 5, 4, 2)
        out = family.apply(parameters, x)
        for draw in range(3):
            own = {key: tensor[draw] for key, tensor in parameters.items()}
            expected = by_loops(name, x[draw, 2].numpy(), neighbours, own, weighting == "mean")
            np.testing.assert_allclose(out[draw, 2].numpy(), expected, rtol=1e-10, atol=1e-12)


def test_hardmax_takes_the_value_of_the_best_key_and_shares_ties() -> None:
    family = FAMILIES["hardmax"]
    parameters = family.sample(rng(), 2, 3, 1.0, 1)
    x = gaussian(rng(1), 1.0, 1, 3, 2)
    query, key, value = (parameters[part][0].numpy() for part in ("query", "key", "value"))
    tokens = x[0].numpy()
    best = [max(tokens, key=lambda y, own=own: float((query @ own) @ (key @ y))) for own in tokens]
    np.testing.assert_allclose(family.apply(parameters, x)[0].numpy(), [value @ y for y in best], atol=1e-14)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in parameters.items()} | {"value": parameters["value"]}
    mean = value @ tokens.mean(0)
    np.testing.assert_allclose(family.apply(zeros, x)[0].numpy(), [mean] * 3, atol=1e-14)


def test_the_other_mixers_are_what_their_equations_say() -> None:
    x = gaussian(rng(3), 1.0, 1, 4, 2)
    tokens = x[0].numpy()

    linformer = Linformer(3)
    drawn = linformer.sample(rng(), 2, 4, 0.7, 1)
    own = {name: tensor[0].numpy() for name, tensor in drawn.items()}
    weights = np.exp((tokens @ own["query"].T) @ (own["mix_keys"] @ tokens @ own["key"].T).T)
    weights /= weights.sum(1, keepdims=True)
    expected = weights @ (own["mix_values"] @ tokens @ own["value"].T)
    np.testing.assert_allclose(linformer.apply(drawn, x)[0].numpy(), expected, atol=1e-12)

    bias = BiasMixer(pattern=patterns.from_sets(LOOSE))
    drawn = bias.sample(rng(), 2, 4, 0.7, 1)
    own = {name: tensor[0].numpy() for name, tensor in drawn.items()}
    expected = [own["amplitude"] * sum(np.tanh(own["weight"] @ tokens[j] + own["bias"]) for j in row) for row in LOOSE]
    np.testing.assert_allclose(bias.apply(drawn, x)[0].numpy(), expected, atol=1e-12)

    convolution = CircularConvolution(2)
    drawn = convolution.sample(rng(), 2, 4, 0.7, 1)
    taps = drawn["taps"][0].numpy()
    expected = [sum(taps[j] * tokens[(i + j) % 4] for j in range(3)) for i in range(4)]
    np.testing.assert_allclose(convolution.apply(drawn, x)[0].numpy(), expected, atol=1e-12)

    token_wise = FeedForward()
    drawn = token_wise.sample(rng(), 2, 4, 0.7, 1)
    own = {name: tensor[0].numpy() for name, tensor in drawn.items()}
    expected = [own["output"] @ np.maximum(own["input"] @ token - own["threshold"], 0) for token in tokens]
    np.testing.assert_allclose(token_wise.apply(drawn, x)[0].numpy(), expected, atol=1e-12)


# ------------------------------------------------------------------------------------------------------- properties


@pytest.mark.parametrize("name", list(MIXERS))
def test_each_draw_has_its_own_parameters_and_samples_share_them(name: str) -> None:
    family = MIXERS[name]
    parameters = family.sample(rng(), 3, 4, 0.7, 5)
    assert all(len(tensor) == 5 for tensor in parameters.values())
    x = gaussian(rng(1), 1.0, 5, 2, 3, 4, 3)
    out = family.apply(parameters, x)
    assert out.shape == x.shape
    alone = family.apply({key: tensor[4:] for key, tensor in parameters.items()}, x[4:, 1, 2])
    torch.testing.assert_close(out[4:, 1, 2], alone)
    again = family.sample(np.random.default_rng(0), 3, 4, 0.7, 5)
    assert {key: tensor.shape for key, tensor in again.items()} == {k: t.shape for k, t in parameters.items()}


@given(st.sampled_from(sorted(set(FAMILIES) - {"linformer"})), st.permutations(range(5)), st.integers(0, 99))
def test_families_on_all_tokens_are_equivariant(name: str, order: list[int], seed: int) -> None:
    family = FAMILIES[name]
    parameters = family.sample(rng(seed), 2, 5, 0.7, 2)
    x = gaussian(rng(seed + 1), 1.0, 2, 5, 2)
    torch.testing.assert_close(family.apply(parameters, x[:, order]), family.apply(parameters, x)[:, order])


@given(st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=4, max_size=4), st.integers(0, 99))
def test_sparse_attention_is_equivariant_under_automorphisms(sets, seed: int) -> None:
    pattern = patterns.from_sets(sets)
    family = sparse(pattern)
    parameters, x = family.sample(rng(seed), 2, 4, 0.7, 1), gaussian(rng(seed + 1), 1.0, 1, 4, 2)
    for order in automorphisms(pattern).tolist():
        torch.testing.assert_close(family.apply(parameters, x[:, order]), family.apply(parameters, x)[:, order])


@pytest.mark.parametrize(("family", "rotations", "reflection"), [(dihedral(5), True, True), (cyclic(5), True, False)])
def test_circular_mixers_keep_their_group(family, rotations: bool, reflection: bool) -> None:
    parameters, x = family.sample(rng(), 2, 5, 0.7, 1), gaussian(rng(1), 1.0, 1, 5, 2)
    out = family.apply(parameters, x)
    torch.testing.assert_close(family.apply(parameters, x.roll(2, 1)), out.roll(2, 1))
    assert torch.allclose(family.apply(parameters, x.flip(1)), out.flip(1)) == reflection
    assert not torch.allclose(family.apply(parameters, x[:, [1, 0, 2, 3, 4]]), out[:, [1, 0, 2, 3, 4]])


@pytest.mark.parametrize("kind", list(PAIRS))
def test_pairs_share_what_their_names_say(kind: str) -> None:
    x, y = PAIRS[kind](rng(4), 5, 3)
    assert not torch.equal(x, y)
    if kind not in ("generic", "permuted"):
        assert torch.equal(x[0], y[0])
    if kind in ("same mean", "zero token", "permuted"):
        torch.testing.assert_close(x.mean(0), y.mean(0))
    if kind in ("same second moment", "permuted"):
        torch.testing.assert_close(x.T @ x, y.T @ y)
    assert (kind == "zero token") == bool((x[0] == 0).all())


# ------------------------------------------------------------------------------------------------------ the search


class Difference:
    """A family of one's own, as the documentation shows it."""

    name = "difference to the next token"

    def sample(self, rng, dim, tokens, scale, draws):
        return {"value": gaussian(rng, scale, draws, dim, dim)}

    def apply(self, parameters, x):
        return each_token(parameters["value"], (x.roll(-1, -2) - x).tanh())


def test_a_new_family_takes_a_few_lines() -> None:
    assert isinstance(Difference(), AttentionFamily)
    x, y = same_mean(rng(), 4, 2)
    assert distinguishes(Difference(), x, y, 1).distinguished
    x, y = far_token(rng(), 4, 2)
    assert distinguishes(Difference(), x, y, 2).verdict is Verdict.INDISTINGUISHABLE
    assert distinguishes(Difference(), x, y, 3).distinguished


@pytest.mark.parametrize("name", list(MIXERS))
def test_the_witness_has_the_margin_that_it_states(name: str) -> None:
    family = MIXERS[name]
    samples = generic(rng(7), 4, 2)
    found = distinguishes(family, *samples, layers=2, draws=16, seed=3)
    assert found.distinguished
    assert all(not torch.equal(tensor, found.parameters[1][key]) for key, tensor in found.parameters[0].items())
    state = samples[None]
    for layer in found.parameters:
        state = state + family.apply({key: tensor[None] for key, tensor in layer.items()}, state)
    tokens = state.reshape(-1, 2).tolist()
    distance = {
        (i, j): max(abs(p - q) for p, q in zip(tokens[i], tokens[j], strict=True)) for i in range(8) for j in range(i)
    }
    size = max(abs(entry) for token in tokens for entry in token)
    assert found.margin == pytest.approx(min(distance.values()) / size, rel=1e-9)
    assert found.margin == float(found.gaps.max()) == float(found.gaps[found.draw])
    first, second = (4 * sample + token for sample, token in found.closest)
    assert distance[max(first, second), min(first, second)] / size == pytest.approx(found.margin, rel=1e-9)
    again = distinguishes(family, *samples, layers=2, draws=16, seed=3)
    assert torch.equal(again.gaps, found.gaps)


@pytest.mark.parametrize("name", list(MIXERS))
def test_the_scale_multiplies_every_parameter_but_a_kernels_own(name: str) -> None:
    one, ten = (MIXERS[name].sample(rng(), 2, 4, scale, 3) for scale in (1.0, 10.0))
    for part, tensor in one.items():
        factor = 1 if part in ("features", "direction") else 10
        torch.testing.assert_close(ten[part], factor * tensor)


def test_gaps_of_many_tokens_are_those_of_each_draw_alone(monkeypatch) -> None:
    states = gaussian(rng(), 1.0, 7, 3, 4, 2)
    whole = token_gaps(states)
    monkeypatch.setattr("lemmata.theory.uap.distinguish.PAIRS_AT_ONCE", 1)
    assert torch.equal(token_gaps(states), whole)
    states[2, 1, 0, 0] = torch.nan
    assert token_gaps(states)[2] == 0


def test_different_layers_may_have_different_families() -> None:
    x, y = far_token(rng(), 4, 2)
    chain = [
        sparse(patterns.from_sets(sets)) for sets in ([[0], [1], [3], [3]], [[0], [2], [2], [3]], [[1], [1], [2], [3]])
    ]
    assert distinguishes(chain, x, y, 3).distinguished
    assert distinguishes(chain[::-1], x, y, 3).margin == 0


def test_an_equivariant_family_cannot_tell_a_permuted_sample() -> None:
    found = distinguishes(FAMILIES["softmax"], *permuted(rng(), 4, 2), layers=3)
    assert found.verdict is Verdict.INDISTINGUISHABLE
    assert found.margin < 1e-14


def test_collapse_at_a_large_scale_is_measured_and_warned_of() -> None:
    x, y = far_token(rng(), 6, 2)
    with pytest.warns(CollapseWarning, match=r"scale 30: \d+% of the draws have a gap below 1e-12"):
        found = distinguishes(FAMILIES["softmax"], x, y, scale=30.0, draws=8)
    assert found.distinguished
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert distinguishes(FAMILIES["softmax"], x, y).collapsed == 0


def test_where_no_draw_survives_the_collapse_the_search_is_repeated_at_a_small_scale() -> None:
    x, y = far_token(rng(), 6, 2)
    seed = next(
        seed
        for seed in range(99)
        if search(FAMILIES["softmax"], torch.stack([x, y]), draws=1, scale=30.0, seed=seed).margin == 0
    )
    with pytest.warns(CollapseWarning, match="100% of the draws.*searched again at scale 0.7"):
        found = distinguishes(FAMILIES["softmax"], x, y, scale=30.0, draws=1, seed=seed)
    assert found.distinguished
    assert found.scale == 0.7


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("hardmax", "linear", "polynomial")])
@pytest.mark.parametrize("factor", [1e-13, 10.0, 1e12])
def test_a_search_does_not_depend_on_the_unit_of_the_tokens(name: str, factor: float) -> None:
    samples = far_token(rng(), 40, 2)
    found = [search(FAMILIES[name], size * samples, draws=8) for size in (1.0, factor)]
    torch.testing.assert_close(found[1].gaps, found[0].gaps, rtol=1e-3, atol=1e-12)
    assert found[0].verdict is found[1].verdict
    x, y = factor * samples
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert distinguishes(FAMILIES["softmax"], x, y).distinguished
    assert distinguishes(FAMILIES["softmax"], *(factor * generic(rng(), 4, 2))).distinguished
    assert distinguishes(FAMILIES["softmax"], *(factor * permuted(rng(), 4, 2))).verdict is Verdict.INDISTINGUISHABLE


@pytest.mark.parametrize("scale", [1.0 / 64, 5.0])
def test_other_scales_do_not_hide_a_gap_either(scale: float) -> None:
    x, y = far_token(rng(), 40, 2)
    with pytest.warns(CollapseWarning) if scale > 1 else warnings.catch_warnings():
        assert distinguishes(FAMILIES["softmax"], x, y, draws=16, scale=scale).distinguished
    assert search(FAMILIES["softmax"], permuted(rng(), 4, 2), scale=scale).verdict is Verdict.UNDECIDED


def test_where_a_collapse_cannot_be_excluded_the_search_is_undecided() -> None:
    class Saturated(Difference):
        def apply(self, parameters, x):
            return each_token(parameters["value"], x.mean(-2, keepdim=True).tanh().expand_as(x))

    x, y = same_mean(rng(), 4, 2)
    assert distinguishes(Saturated(), x, y).verdict is Verdict.INDISTINGUISHABLE
    assert distinguishes(Saturated(), 100 * x, 100 * y).verdict is Verdict.UNDECIDED
    near = x.clone()
    near[3] += 1e-14
    assert distinguishes(FAMILIES["softmax"], x, near).verdict is Verdict.UNDECIDED


def test_gaps_of_shared_tokens_are_those_of_one_draw_alone() -> None:
    gaps = shared_token_gaps(FAMILIES["constant"], rng(), 5.0, 400)
    assert float(gaps.min()) > 0  # the mean moves with the one token that differs
    assert float((shared_token_gaps(FAMILIES["softmax"], rng(), 100.0, 400) == 0).double().mean()) > 0.8


SAMPLE = [[1.0, 2.0], [3.0, 4.0]]
OTHER = [[1.0, 2.5], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("x", "y", "layers", "message"),
    [
        ([[1.0], [2.0]], [[1.0], [3.0]], 1, "dimension 1; the theory needs d >= 2"),
        ([[0.0, 0.0], [3.0, 4.0]], OTHER, 1, "x: token 0 is zero"),
        (SAMPLE, [[3.0, 4.0], [0.0, 0.0]], 1, "y: token 1 is zero"),
        ([[3.0, 4.0], [3.0, 4.0]], OTHER, 1, "x: tokens 0 and 1 are equal"),
        (SAMPLE, SAMPLE, 1, "x and y are equal"),
        (SAMPLE, [*OTHER, [5.0, 5.0]], 1, "they must agree"),
        ([1.0, 2.0], [1.0, 3.0], 1, "not \\(tokens, dim\\)"),
        (SAMPLE, [[math.nan, 1.0], [2.0, 3.0]], 1, "y has numbers that are not finite"),
        (SAMPLE, OTHER, 0, "layers 0 is not at least 1"),
    ],
)
def test_inputs_outside_of_the_theory_are_refused_with_the_reason(x, y, layers: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distinguishes(FAMILIES["softmax"], np.array(x), np.array(y), layers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: KernelAttention(SOFTMAX, weighting="median"), "weighting 'median' is not one of"),
        (lambda: sparse(np.zeros((2, 2), bool)), r"N\(0\) is empty"),
        (lambda: Linformer(0), "rank 0 is not at least 1"),
        (lambda: CircularConvolution(0), "reach 0 is not at least 1"),
        (lambda: dihedral(6, 2), r"window 2 is not between 1 and ⌊\(n−1\)/2⌋ − 1 = 1"),
        (lambda: cyclic(4, 3), "window 3 is not between 1 and n − 2 = 2"),
        (
            lambda: distinguishes(FAMILIES["softmax"], np.array(SAMPLE), np.array(OTHER), scale=0.0),
            "scale 0.0 is not pos",
        ),
        (lambda: search(FAMILIES["softmax"], torch.ones(1, 2, 2).double(), scale=-1.0), "scale -1.0 is not positive"),
        (lambda: unwrap(per_layer)("softmax", 7), "'softmax' is no AttentionFamily"),
        (lambda: unwrap(per_layer)(FAMILIES["softmax"], 1.5), "layers 1.5 is not at least 1, a whole number"),
        (lambda: rbf(-1.0), "gamma -1.0 is not positive"),
        (lambda: polynomial(-1), "degree -1 is not a whole number from 0 on"),
        (lambda: performer(0), "0 features are not at least 1"),
        (lambda: distinguishes([FAMILIES["softmax"]] * 2, np.array(SAMPLE), np.array(OTHER), 3), "2 families for 3"),
        (lambda: distinguishes(FAMILIES["softmax"], np.array(SAMPLE), np.array(OTHER), draws=0), "draws 0"),
        (lambda: distinguishes(sparse(patterns.full(3)), np.array(SAMPLE), np.array(OTHER)), "x has 2 tokens; the pat"),
        (lambda: distinguishes(FAMILIES["linear"], np.array(SAMPLE), np.array(OTHER), 9, scale=1e30), "finite tokens"),
        (lambda: moment_twins(4), "order 4 is not one of 1, 2, 3"),
    ],
)
def test_bad_arguments_are_refused_with_the_reason(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


# --------------------------------------------------------------------------------------------------- counterexamples


@pytest.mark.parametrize("order", [1, 2, 3])
def test_moments_agree_up_to_the_order_and_not_beyond(order: int) -> None:
    left, right = PROUHET_TARRY_ESCOTT[order]
    x, y = moment_twins(order)
    for degree in range(order + 2):
        assert (sum(a**degree for a in left) == sum(b**degree for b in right)) == (degree <= order)
        mixed = [
            sum(a**i * b ** (degree - i) for a, b in x) == sum(a**i * b ** (degree - i) for a, b in y)
            for i in range(degree + 1)
        ]
        assert all(mixed) == (degree <= order)
    assert (x[0] == y[0]).all()


def test_rotated_tokens_keep_the_second_moment_exactly() -> None:
    x, y = rotation_twins()
    assert (x.T @ x == y.T @ y).all()
    assert (x != y).any(1).tolist() == [False, True, True, False]
    assert all(isinstance(entry, Fraction) for entry in (x.T @ x).ravel())


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0, 2]))
@settings(max_examples=25)
def test_exact_attention_is_the_family_in_float64(seed: int, degree: int | None) -> None:
    numbers = np.random.default_rng(seed)
    x, query, key, value = (random_rationals(numbers, *shape) for shape in ((3, 2), (2, 2), (2, 2), (2, 2)))
    family = {
        None: FAMILIES["linear"],
        0: FAMILIES["constant"],
        2: FAMILIES["polynomial"],
    }[degree]
    try:
        exact = exact_attention(x, query, key, value, degree=degree)
    except ZeroDivisionError:
        return
    as_float = {
        name: torch.from_numpy(part.astype(float))[None]
        for name, part in (("query", query), ("key", key), ("value", value))
    }
    found = family.apply(as_float, torch.from_numpy(x.astype(float))[None])[0]
    np.testing.assert_allclose(found.numpy(), exact.astype(float), rtol=1e-9, atol=1e-9)


def test_the_clock_serves_one_sign_at_a_time() -> None:
    samples, family = clock_quadruple(), Clock()
    parameters = [{"tick": torch.tensor([a]).double(), "push": torch.tensor([1.0]).double()} for a in (1.0, 1.0)]
    out = forward([family] * 2, parameters, samples[None])[0]
    assert not torch.equal(out[0, 0], out[1, 0])  # s = 1: the shared token has moved by the mean of u
    assert torch.equal(out[2, 0], out[3, 0])  # s = −1: it has not
    parameters[0]["tick"] *= -1
    out = forward([family] * 2, parameters, samples[None])[0]
    assert torch.equal(out[0, 0], out[1, 0])
    assert not torch.equal(out[2, 0], out[3, 0])


@pytest.mark.parametrize("degrees", [0, 30, 90, 135, 180])
def test_two_projections_are_both_negative_as_often_as_the_angle_says(degrees: int) -> None:
    angle = math.radians(degrees)
    first, second = torch.tensor([1.0, 0.0]).double(), 3 * torch.tensor([math.cos(angle), math.sin(angle)]).double()
    directions = 2 * math.pi * (np.arange(100_000) + 0.5) / 100_000  # what w·W does to the plane, evenly
    negative = (np.cos(directions) < 0) & (np.cos(directions - angle) < 0)
    assert 1 - negative.mean() == pytest.approx(sum_of_exp_share(first, second), abs=1e-4)


def test_second_moment_pairs_collapse_only_without_normalisation() -> None:
    samples = same_second_moment(rng(), 4, 2)
    assert search(FAMILIES["linear"], samples, 2).margin < 1e-13
    assert search(FAMILIES["polynomial"], samples, 1).margin > 1e-3
