"""Exact mixtures of experts: two enumerations of their regions against each other and against points and volumes."""

from dataclasses import replace
from fractions import Fraction
from itertools import product as pairs

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.spatial import ConvexHull, HalfspaceIntersection

from lemmata.theory.moe_expressivity.boxes import NotAxisParallelError, enumerate_boxes
from lemmata.theory.moe_expressivity.deep import cubes, digits, zigzag
from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.feasible import decide, verifies_multipliers, verifies_point
from lemmata.theory.moe_expressivity.integers import matmul, product, rational
from lemmata.theory.moe_expressivity.mutants.pieces import CUBE_MUTANTS, DIGIT_MUTANTS
from lemmata.theory.moe_expressivity.obstructions import (
    continuous_rows,
    fitted_residual,
    hinge_net,
    hinges,
    random_moe,
    rank_residual,
    rational_circle,
    ring_range,
    route,
    sampled_maps,
    separating_gate,
    table_moe,
)
from lemmata.theory.moe_expressivity.pieces import count
from lemmata.theory.moe_expressivity.polytopes import enumerate_polytopes

# ------------------------------------------------------------------------------------------------ integers


@given(
    st.lists(st.integers(-(2**70), 2**70), min_size=4, max_size=4), st.lists(st.integers(-9, 9), min_size=4, max_size=4)
)
def test_integer_products_do_not_overflow(large: list[int], small: list[int]) -> None:
    a, b = rational(np.array(large, dtype=object).reshape(2, 2))[0], np.array(small).reshape(2, 2)
    assert product(a, b).tolist() == [
        [large[0] * small[0], large[1] * small[1]],
        [large[2] * small[2], large[3] * small[3]],
    ]
    expected = [[sum(large[2 * i + k] * small[2 * k + j] for k in range(2)) for j in range(2)] for i in range(2)]
    assert matmul(a, b).tolist() == expected
    assert product(a, 2**65).tolist() == [[x * 2**65 for x in large[:2]], [x * 2**65 for x in large[2:]]]


def test_products_just_below_and_above_int64_are_exact() -> None:
    a = np.array([[2**31, 2**31 - 1]])
    for b in (2**30, 2**31, 2**32):
        assert product(a, b).tolist() == [[2**31 * b, (2**31 - 1) * b]]
        assert matmul(a, np.full((2, 1), b)).tolist() == [[(2**32 - 1) * b]]


def test_floats_are_not_taken_for_exact() -> None:
    assert rational([Fraction(1, 2), 3, Fraction(-2, 3)])[0].tolist() == [3, 18, -4]
    with pytest.raises(ValueError, match="entry 0.5 is not an integer or a Fraction"):
        rational([0.5])


# ------------------------------------------------------------------------------------------------ feasibility


@given(st.integers(1, 3), st.integers(1, 7), st.integers(0, 10**6))
def test_feasibility_agrees_with_a_float_linear_programme(dimension: int, count_rows: int, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-3, 4, (count_rows, dimension + 1))
    decision = decide([tuple(map(Fraction, row.tolist())) for row in rows])
    # max t subject to g·x + h ≥ t, t ≤ 1; integers up to 3 keep t away from 0 unless it is 0
    solved = linprog(
        [*[0] * dimension, -1], np.column_stack([-rows[:, :-1], np.ones(count_rows)]), rows[:, -1],
        bounds=[(None, None)] * dimension + [(None, 1)],
    )  # fmt: skip
    assert decision.feasible == (solved.x[-1] > 1e-7)
    exact = [tuple(map(Fraction, row.tolist())) for row in rows]
    if decision.point is not None:
        assert verifies_point(exact, decision.point)
    else:
        assert decision.multipliers is not None
        assert verifies_multipliers(exact, decision.multipliers)


def test_certificates_are_verified_strictly() -> None:
    rows = [(Fraction(1), Fraction(0)), (Fraction(-1), Fraction(0))]  # x > 0 and −x > 0
    assert verifies_multipliers(rows, [Fraction(1), Fraction(1)])
    assert not verifies_multipliers(rows, [Fraction(1), Fraction(2)])
    assert not verifies_multipliers(rows, [Fraction(0), Fraction(0)])
    assert not verifies_multipliers(rows, [Fraction(-1), Fraction(-1)])
    assert not verifies_multipliers([(*rows[0][:1], Fraction(1)), rows[1]], [Fraction(1), Fraction(1)])
    both = [(Fraction(1), Fraction(0)), (Fraction(2), Fraction(1))]  # x > 0 and 2x + 1 > 0 have a solution
    assert not verifies_multipliers(both, [Fraction(2), Fraction(-1)])
    assert not verifies_point(rows, [Fraction(0)])
    with pytest.raises(ValueError, match="are not a system"):
        decide([])
    with pytest.raises(ValueError, match="are not a system"):
        decide([(Fraction(1),), (Fraction(1), Fraction(2))])


# ------------------------------------------------------------------------------------------------ enumeration


@pytest.mark.parametrize(("mutant", "size"), [*pairs(CUBE_MUTANTS, [(2, 2), (3, 2)]), ("drop_sign", (2, 3))])
def test_boxes_and_polytopes_count_alike(mutant: str, size: tuple[int, int]) -> None:
    moe = CUBE_MUTANTS[mutant](cubes(*size))
    assert count(moe, "boxes") == count(moe, "polytopes")
    assert enumerate_boxes(moe).volume() == size[0] ** size[1]


@pytest.mark.slow
@pytest.mark.parametrize("size", [(5, 2), (4, 2), (3, 3), (2, 4), (2, 5)])
def test_boxes_and_polytopes_count_alike_in_larger_cases(size: tuple[int, int]) -> None:
    for form in ("linear", "affine"):
        assert count(cubes(*size, gate=form), "boxes") == count(cubes(*size, gate=form), "polytopes")


@pytest.mark.parametrize(
    ("mutant", "paths", "maps"),
    [
        ("intact", 9, 9),
        ("shift_cells", 6, 6),  # E − 1 cells of x_1 − 1 meet the domain
        ("read_neighbour", 3, 3),  # i_1 = i_2
        ("repeat_expert", 9, 6),
        ("drop_expert", 6, 6),
        ("negate_gate", 9, 9),  # another cell for each expert, as many cells
        ("drop_sign", 9, 12),  # relu of zigzag has the maps x, 3 − 2x, 0, 3x − 7, with 0 in two cells
    ],
)
def test_each_mutant_has_the_pieces_that_it_should(mutant: str, paths: int, maps: int) -> None:
    found = count(CUBE_MUTANTS[mutant](cubes(3, 2)))
    assert (found.paths, found.maps) == (paths, maps)


def diagonal(seed: int) -> ExactMoE:
    """Random layers whose gates and hidden units read one input each: experts ``Σ_k w_k relu(c_k x_j(k) + b_k)``."""
    rng = np.random.default_rng(seed)
    inputs, experts, hidden = (int(rng.integers(1, 4)) for _ in range(3))
    layers = []
    for _ in range(int(rng.integers(1, 3))):
        gate = np.zeros((experts, inputs + 1), np.int64)
        gate[:, rng.integers(inputs)] = rng.integers(-3, 4, experts)
        gate[:, -1] = rng.integers(-3, 4, experts)
        into = np.zeros((experts, inputs * hidden, inputs + 1), np.int64)
        out = np.zeros((experts, inputs, inputs * hidden + 1), np.int64)
        for coordinate in range(inputs):  # every output is a function of the input with the same index
            own = slice(coordinate * hidden, (coordinate + 1) * hidden)
            into[:, own, coordinate] = rng.integers(-2, 3, (experts, hidden))
            into[:, own, -1] = rng.integers(-2, 3, (experts, hidden))
            out[:, coordinate, own] = rng.integers(-2, 3, (experts, hidden))
        out[..., -1] = rng.integers(-2, 3, (experts, inputs))
        layers.append(ExactLayer(gate, (Affine(into, 3), Affine(out, 2))))
    identity = Affine(np.eye(inputs, inputs + 1, dtype=np.int64)[None])
    return ExactMoE(tuple(layers), identity, identity, (Fraction(-2),) * inputs, (Fraction(2),) * inputs)


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_boxes_and_polytopes_agree_on_random_axis_parallel_mixtures(seed: int) -> None:
    moe = diagonal(seed)
    by_boxes, by_polytopes = count(moe, "boxes"), count(moe, "polytopes")
    # the two may cut unneeded regions differently, never maps or paths
    assert (by_boxes.paths, by_boxes.maps, by_boxes.slopes) == (
        by_polytopes.paths,
        by_polytopes.maps,
        by_polytopes.slopes,
    )
    boxes = enumerate_boxes(moe)
    assert boxes.volume() == 4**moe.inputs
    low, high = (end[..., 0] / end[..., 1] for end in (boxes.low, boxes.high))
    for index in np.random.default_rng(seed).integers(0, len(boxes), 5):
        middle = [Fraction(float(a + b) / 2) for a, b in zip(low[index], high[index], strict=True)]
        output, path = moe.at(middle)
        forms = boxes.form[index].tolist()
        assert path == tuple(boxes.path[index])
        assert output == tuple(
            sum((a * x for a, x in zip(form, [*middle, 1], strict=True)), Fraction(0)) / boxes.denominator
            for form in forms
        )


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from([None, 2]))
def test_polytopes_tile_the_domain_and_carry_the_function(seed: int, hidden: int | None) -> None:
    rng = np.random.default_rng(seed)
    moe = random_moe(3, 2, 2, rng, hidden=hidden, spread=4)
    regions = enumerate_polytopes(moe)
    area = 0.0
    for region in regions:
        assert verifies_point(region.rows, region.point)
        halfspaces = -np.array([[float(entry) for entry in row] for row in region.rows])
        scale = np.abs(halfspaces).max(1, keepdims=True)  # rows of later layers have large entries
        corners = HalfspaceIntersection(
            halfspaces / scale, np.array([float(x) for x in centre(region.rows)])
        ).intersections
        area += ConvexHull(corners).volume
    assert area == pytest.approx(4, abs=1e-6)  # float geometry of regions down to 1e-8 of the domain
    for _ in range(10):
        x = [Fraction(int(k), 9973) for k in rng.integers(-9972, 9973, 2)]
        output, path = moe.at(x)
        (own,) = [region for region in regions if verifies_point(region.rows, x)]
        assert own.path == path
        assert tuple(own.form @ np.array([*x, Fraction(1)], dtype=object)) == output


def centre(rows) -> tuple[Fraction, ...]:
    """A point well inside, from the optimum of the linear programme."""
    point = decide(rows).point
    assert point is not None
    return point


def test_numbers_beyond_int64_are_counted_as_python_integers() -> None:
    big = 10**13
    layer = ExactLayer(np.array([[0, 0], [1, 0]]), (Affine(np.array([[[big, 1]], [[big, -1]]])),))
    identity = Affine(np.array([[[1, 0]]]))
    moe = ExactMoE((layer,) * 4, identity, identity, (Fraction(-1),), (Fraction(1),))
    found = count(moe, "boxes")
    assert found == count(moe, "polytopes")
    assert int(enumerate_boxes(moe).form[0, 0, 0]) == big**4
    assert enumerate_boxes(moe).volume() == 2


def test_denominators_beyond_int64_are_kept_exactly() -> None:
    small = Affine(np.array([[[3, 1]], [[0, 0]]]), 10**7)  # z -> (3 z + 1) / 10^7, or 0
    layer = ExactLayer(np.array([[1, 0], [0, 0]]), (small,))
    identity = Affine(np.array([[[1, 0]]]))
    for depth in (2, 3, 4, 9):
        moe = ExactMoE((layer,) * depth, identity, identity, (Fraction(-1),), (Fraction(1),))
        boxes = enumerate_boxes(moe)
        assert count(moe, "boxes") == count(moe, "polytopes")
        assert Fraction(int(boxes.form[0, 0, 0]), boxes.denominator) == Fraction(3, 10**7) ** depth
        last = int(np.flatnonzero(boxes.path[:, 0])[-1])
        value = moe.at([Fraction(-1, 2)])[0][0]
        assert boxes.form[last, 0].tolist() == [0, value * boxes.denominator]
    nothing = ExactLayer(np.array([[1, 0]]), (Affine(np.zeros((1, 1, 2), np.int64), 10**30),))
    moe = ExactMoE((nothing,), identity, identity, (Fraction(-1),), (Fraction(1),))
    assert enumerate_boxes(moe).form.tolist() == [[[0, 0]]]


def test_scores_near_the_end_of_int64_are_compared_exactly() -> None:
    big = 2**61
    for gate in ([[big, -big], [-big, big]], [[big, big - 1], [big, big]], [[-big, big], [big, -big]]):
        layer = ExactLayer(np.array(gate), (Affine(np.array([[[0, 0]], [[0, 1]]])),))
        identity = Affine(np.array([[[1, 0]]]))
        moe = ExactMoE((layer,), identity, identity, (Fraction(0),), (Fraction(2),))
        assert count(moe, "boxes") == count(moe, "polytopes")
        assert enumerate_boxes(moe).path[:, 0].tolist() == sorted({moe.at([Fraction(k, 7)])[1][0] for k in range(15)})


def test_units_whose_kinks_cancel_do_not_cut() -> None:
    def net(*columns: int) -> ExactMoE:
        hidden = Affine(np.array([[[2, 1], [-4, -2], [6, 3]]]))  # one hyperplane, x = −1/2
        layer = ExactLayer(np.zeros((1, 2), np.int64), (hidden, Affine(np.array([[[*columns, 5]]]))))
        identity = Affine(np.array([[[1, 0]]]))
        return ExactMoE((layer,), identity, identity, (Fraction(-1),), (Fraction(1),))

    for method in ("boxes", "polytopes"):
        assert count(net(2, -1, 0), method).regions == 1  # 2|2| − |4| = 0
        assert count(net(1, -2, 1), method).regions == 1  # |2| − 2|4| + |6| = 0
        assert count(net(1, -2, 0), method).regions == 2
        assert count(net(0, 0, 1), method).maps == 2
    assert net(1, -2, 1).at([Fraction(1, 2)])[0] == (2 + 6 + 5,)
    assert enumerate_boxes(net(1, -2, 1)).form.tolist() == [[[8, 9]]]


def test_equal_kinks_in_different_inputs_do_not_cancel() -> None:
    identity = Affine(np.eye(2, 3, dtype=np.int64)[None])
    difference = Affine(np.array([[[1, -1, 0]]]))  # relu(x_1) − relu(x_2)
    layer = ExactLayer(np.zeros((1, 3), np.int64), (identity, difference))
    moe = ExactMoE((layer,), identity, Affine(np.array([[[1, 0]]])), (Fraction(-1),) * 2, (Fraction(1),) * 2)
    for method in ("boxes", "polytopes"):
        assert (count(moe, method).regions, count(moe, method).maps) == (4, 4)


def test_cuts_that_are_not_axis_parallel_are_refused_by_boxes_and_counted_by_polytopes() -> None:
    moe = random_moe(3, 1, 2, np.random.default_rng(0))
    with pytest.raises(NotAxisParallelError, match="layer 0: .* read several inputs"):
        count(moe, "boxes")
    assert count(moe) == count(moe, "polytopes")
    with pytest.raises((ValueError, TypeError), match="sampling"):  # TypeError where annotations are checked
        count(moe, "sampling")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ constructions


@pytest.mark.parametrize("gate", ["linear", "affine"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 2), (5, 1)])
def test_cubes_compute_the_target_in_fractions_and_in_float64(gate, size: tuple[int, int]) -> None:
    experts, blocks = size
    rng = np.random.default_rng(sum(size))
    slopes, offsets = rng.integers(-9, 10, (2, blocks, experts))
    moe = cubes(experts, blocks, slopes, offsets, gate=gate, output="vector")
    cells = np.array(list(pairs(range(experts), repeat=blocks)))
    points = cells + rng.integers(1, 16, cells.shape) / 16
    network = moe.to_torch()
    start = torch.zeros(len(points), 2 * blocks, dtype=torch.float64)
    start[:, :blocks] = torch.from_numpy(points)
    with torch.no_grad():
        floats = network(start)[:, blocks:].numpy()
    expected = slopes[np.arange(blocks), cells] * points + offsets[np.arange(blocks), cells]
    np.testing.assert_array_equal(floats, expected)
    for point, values, cell in zip(points.tolist(), expected.tolist(), cells.tolist(), strict=True):
        output, path = moe.at([Fraction(x) for x in point])
        assert list(output) == values
        assert list(path[1::2] if gate == "linear" else path) == cell
    assert len(moe.layers) == (2 if gate == "linear" else 1) * blocks
    assert all(layer.bias_free for layer in moe.layers) == (gate == "linear" or experts == 1)


def test_the_default_target_is_continuous_with_different_slopes() -> None:
    slopes, offsets = zigzag(7, 3)
    border = np.arange(1, 7)
    np.testing.assert_array_equal(slopes[:, :-1] * border + offsets[:, :-1], slopes[:, 1:] * border + offsets[:, 1:])
    assert all(len(set(row)) == 7 for row in slopes.tolist())


@pytest.mark.parametrize("gate", ["affine", "linear"])
@pytest.mark.parametrize("size", [(2, 5), (3, 3), (10, 2)])
def test_digits_are_read_from_the_left_and_the_rest_remains(gate, size: tuple[int, int]) -> None:
    experts, depth = size
    moe = digits(experts, depth, gate=gate)
    for number in range(experts**depth):
        z = Fraction(2 * number + 1, 2 * experts**depth)
        (rest,), path = moe.at([z])
        assert rest == Fraction(1, 2)
        assert sum(digit * experts**k for k, digit in enumerate(reversed(path[-depth:]))) == number
    assert all(layer.bias_free for layer in moe.layers) == (gate == "linear")


@pytest.mark.parametrize("mutant", ["shift_digit", "skew_gate"])
def test_digit_mutants_change_the_function(mutant: str) -> None:
    right, wrong = digits(3, 3), DIGIT_MUTANTS[mutant](digits(3, 3))
    points = [Fraction(k, 27 * 64) for k in range(27 * 64)]
    assert any(right.at([z])[0] != wrong.at([z])[0] for z in points)


def test_the_hinge_net_equals_the_mixture() -> None:
    net, deep = hinge_net(4, 2), cubes(4, 2)
    points = [[Fraction(a, 8), Fraction(b, 8)] for a in range(0, 33, 3) for b in range(33)]
    assert all(net.at(x)[0] == deep.at(x)[0] for x in points)
    assert count(net).maps == 16
    assert count(hinge_net(4, 2, drop=2)).maps == 8


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="experts 0 is not at least 1"):
        cubes(0, 2)
    with pytest.raises(ValueError, match=r"slopes has shape \(2, 3\), not \(2, 2\)"):
        cubes(2, 2, np.ones((2, 3), np.int64), np.ones((2, 2), np.int64))
    one, identity = np.zeros((1, 2), np.int64), Affine(np.array([[[1, 0]]]))
    with pytest.raises(ValueError, match="gate has 2 rows"):
        ExactLayer(np.zeros((2, 2), np.int64), (identity,))
    with pytest.raises(ValueError, match="gate reads 2 numbers"):
        ExactLayer(np.zeros((1, 3), np.int64), (identity,))
    wide = Affine(np.zeros((1, 1, 4), np.int64))
    with pytest.raises(ValueError, match="gives 1 numbers and the next takes 3"):
        ExactLayer(one, (identity, wide))
    layer = ExactLayer(one, (identity,))
    with pytest.raises(ValueError, match="takes 3 numbers and the one before it gives 1"):
        ExactMoE((layer,), identity, wide, (Fraction(0),), (Fraction(1),))
    with pytest.raises(ValueError, match="the box has 2 and 1 ends"):
        ExactMoE((layer,), identity, identity, (Fraction(0),) * 2, (Fraction(1),))
    with pytest.raises(ValueError, match="layer 0 has weights that are not integers"):
        ExactMoE(
            (ExactLayer(one, (replace(identity, denominator=2),)),), identity, identity, (Fraction(0),), (Fraction(1),)
        ).to_torch()


# ------------------------------------------------------------------------------------------------ obstructions


def test_a_tie_goes_to_the_lowest_index() -> None:
    gate, bias = np.zeros((1, 3, 1), np.int64), np.array([[0, 1, 1]])
    assert route(gate, bias, np.ones((1, 1), np.int64)).tolist() == [1]
    constant = ExactLayer(np.array([[0, 0], [0, 1], [0, 1]]), (Affine(np.arange(6).reshape(3, 1, 2)),))
    identity = Affine(np.array([[[1, 0]]]))
    moe = ExactMoE((constant,), identity, identity, (Fraction(0),), (Fraction(1),))
    assert enumerate_boxes(moe).path.tolist() == [[1]]
    assert [region.path for region in enumerate_polytopes(moe)] == [(1,)]
    assert moe.at([Fraction(1, 2)])[1] == (1,)


@pytest.mark.parametrize("directions", range(1, 9))
def test_the_range_of_a_ring_is_that_of_a_fine_grid(directions: int) -> None:
    angle = np.linspace(0, 2 * np.pi, 100_001)
    units = 2 * np.pi * np.arange(directions) / directions
    tau = np.maximum(np.cos(angle[:, None] - units), 0).sum(1)
    assert ring_range(directions) == pytest.approx((tau.min(), tau.max()), abs=1e-4)
    assert ring_range(directions, radius=2.0) == pytest.approx([2 * end for end in ring_range(directions)])


def test_rational_circles_lie_on_their_circle() -> None:
    points = rational_circle(3, parameters=5, center=2)
    assert all((x - 2) ** 2 + y**2 == 9 for x, y in points)
    assert len(points) == len(set(points)) == 20
    assert separating_gate(rational_circle(1), rational_circle(1, center=5)).feasible
    assert not separating_gate(rational_circle(1), rational_circle(1, center=1)).feasible


def test_hinges_are_counted_from_the_weights() -> None:
    for experts, blocks in ((2, 1), (3, 2), (5, 3)):
        assert [hinges(hinge_net(experts, blocks, drop=drop)) for drop in (0, 1)] == [
            blocks * (experts - 1),
            blocks * (experts - 1) - 1,
        ]


def test_a_grid_meets_the_pieces_that_are_enumerated() -> None:
    assert sampled_maps(cubes(3, 2)) == count(cubes(3, 2)).maps == 9
    for seed in range(4):
        moe = random_moe(3, 2, 2, np.random.default_rng(seed))
        assert 1 < sampled_maps(moe) <= count(moe).maps


def test_the_rank_residual_is_what_a_fit_finds_and_zero_for_a_table_of_that_rank() -> None:
    rng = np.random.default_rng(3)
    table = np.outer(rng.normal(size=5), rng.normal(size=4)) + rng.normal(size=4)
    assert rank_residual(table, 1) < 1e-12
    assert rank_residual(table, 0) > 0.1
    noisy = table + 0.1 * rng.normal(size=table.shape)
    assert fitted_residual(noisy, 1, rng, starts=8) == pytest.approx(rank_residual(noisy, 1), abs=1e-6)
    # 3 · 3 numbers from v, u, w, b, 12 of them: experts that read x_2 reach the whole table at the centres
    assert fitted_residual(noisy[:3, :3], 1, rng, 8, reads_second=True) < 1e-3 < 0.1 * rank_residual(noisy[:3, :3], 1)
    assert [layer.experts.count for layer in table_moe(table, 2)] == [5, 4]


def test_a_jump_halves_for_every_number_of_knots() -> None:
    for knots in (2, 5, 6):
        for jump in (Fraction(1), Fraction(3, 7)):
            assert not decide(continuous_rows(knots, jump, jump / 2)).feasible
            assert decide(continuous_rows(knots, jump, jump / 2 + Fraction(1, 10**6))).feasible
    with pytest.raises(ValueError, match="knots 1 is not at least 2"):
        continuous_rows(1, Fraction(1), Fraction(1))


def test_unknown_names_and_lists_are_refused() -> None:
    """A shape checker may refuse them first, with the value or the name in its message."""
    for refused, named in (({"output": "foo"}, "foo"), ({"gate": "x"}, "'x'"), ({"slopes": [[1, 2]]}, "slopes")):
        with pytest.raises(Exception, match=named):
            cubes(2, 1, **refused)
    with pytest.raises(Exception, match="'x'"):
        digits(2, 2, gate="x")  # type: ignore[arg-type]
