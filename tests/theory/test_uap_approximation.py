"""The FFN half: staircases, interpolators and their enclosures, against exact and sampled values."""

import math
import time
from fractions import Fraction
from inspect import unwrap

import numpy as np
import pytest
import torch
from flint import arb, arb_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from lemmata.theory.uap import FAMILIES, patterns, sparse
from lemmata.theory.uap.enclosure import PRECISION, above, below, deviation, enclose, exact, mix, precision
from lemmata.theory.uap.families import KernelAttention
from lemmata.theory.uap.ffn import between
from lemmata.theory.uap.interpolate import _refuse, depth, interpolate, token_gap
from lemmata.theory.uap.kernel import SOFTMAX, Kernel, dot
from lemmata.theory.uap.mutants import NETWORKS
from lemmata.theory.uap.network import FeedForwardLayer, Mixer, Network
from lemmata.theory.uap.staircase import Staircase, Units, constant, narrow_depth, negative, smallest_gap, spread

ENCLOSED = ("softmax", "rbf", "skyformer", "linformer", "bias")
ALSO_ENCLOSED = (
    "performer1",
    "performer4",
    "exp_sum",
    "weighted_softmax",
    "sum_of_exp",
    "linear",
    "constant",
    "polynomial",
)


def problem(seed: int, count: int, tokens: int, dim: int):
    rng = np.random.default_rng(seed)
    samples = torch.from_numpy(rng.standard_normal((count, tokens, dim)))
    return samples, torch.from_numpy(rng.uniform(-1, 1, (count, tokens, dim))), rng


def apply(units: Units, x: np.ndarray) -> np.ndarray:
    """``W relu(A x − b)`` of one token, unit by unit."""
    out = np.zeros(len(units.output))
    for j, bias in enumerate(units.bias):
        out += units.output[:, j] * max(float(units.input[j] @ x) - bias, 0.0)
    return out


# ------------------------------------------------------------------------------------------------------- staircases


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(2, 5))
def test_a_staircase_is_linear_interpolation_between_its_ramp_ends(seed: int, count: int, dim: int) -> None:
    rng = np.random.default_rng(seed)
    points, values, clock = (
        rng.standard_normal((count, dim)),
        rng.standard_normal((count, dim)),
        rng.standard_normal(dim),
    )
    stairs = Staircase.through(clock, points, values)
    order = np.argsort(points @ clock)
    s = (points @ clock)[order]
    knots = np.stack([s[:-1] + np.diff(s) / 3, s[:-1] + 2 * np.diff(s) / 3], 1).ravel()
    heights = np.repeat(values[order], 2, axis=0)[1:-1]
    for x in [*points, *rng.standard_normal((20, dim))]:
        made = apply(stairs.units(), x)
        expected = [np.interp(x @ clock, knots, column) for column in heights.T] if count > 1 else values[0]
        # slopes of at most 3·|Δf|/gap enlarge rounding
        np.testing.assert_allclose(made, expected, atol=1e-12 * (1 + 1 / smallest_gap(s)))


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(2, 5))
def test_narrow_layers_have_width_d_and_add_up_to_the_staircase(seed: int, count: int, dim: int) -> None:
    rng = np.random.default_rng(seed)
    stairs = Staircase.through(
        rng.standard_normal(dim), rng.standard_normal((count, dim)), rng.standard_normal((count, dim))
    )
    layers = list(stairs.layers())
    assert {len(layer.bias) for layer in layers} == {dim}
    assert len(layers) == narrow_depth(count, dim)
    x = rng.standard_normal(dim)
    whole = apply(stairs.units(), x)
    np.testing.assert_allclose(sum(apply(layer, x) for layer in layers), whole, atol=1e-9, rtol=1e-9)


def test_the_number_of_layers_is_that_of_the_sheet() -> None:
    for plateaus in range(2, 30):
        assert narrow_depth(plateaus, 2) == plateaus
        assert narrow_depth(plateaus, 3) == plateaus - 1
        assert narrow_depth(plateaus, 4) == 1 + math.ceil((plateaus - 2) / 2)
    assert (depth(60, 8, 4), depth(40, 5, 3)) == (480, 398)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.sampled_from([1e-6, 0.01, 0.3]))
def test_spreading_keeps_the_order_and_moves_only_what_is_too_near(values: list[float], gap: float) -> None:
    before = np.array(values)
    after = spread(before, gap)
    assert smallest_gap(after) >= gap * (1 - 1e-9) or len(values) == 1
    assert (after >= before - 1e-12).all()
    assert (after <= before + gap * len(values)).all()
    assert all(after[i] < after[j] for i in range(len(values)) for j in range(len(values)) if before[i] < before[j])
    if len(values) == 1 or smallest_gap(before) >= gap:
        np.testing.assert_allclose(after, before, atol=1e-12)


def test_a_clock_that_ties_is_refused() -> None:
    with pytest.raises(ValueError, match="1 pairs of points have the same clock value"):
        Staircase.through(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 2.0]]), np.zeros((2, 2)))


# ---------------------------------------------------------------------------------------------------- interpolators


@pytest.mark.parametrize("form", ["wide", "narrow"])
@pytest.mark.parametrize("name", ENCLOSED)
@pytest.mark.parametrize(("count", "tokens", "dim"), [(5, 3, 2), (6, 4, 3), (5, 2, 4)])
def test_every_mixer_interpolates(form: str, name: str, count: int, tokens: int, dim: int) -> None:
    samples, targets, rng = problem(1, count, tokens, dim)
    built = interpolate(samples, targets, [FAMILIES[name]], rng, form)
    with torch.no_grad():
        assert (built.network(samples) - targets).abs().max().item() == built.error < 1e-9
    assert deviation(built.network, samples, targets)[1] < 1e-13
    assert built.width == (2 * count * tokens - 1 + 2 * dim if form == "wide" else dim)
    assert built.depth == (1 if form == "wide" else depth(count, tokens, dim))
    assert len(built.network.mixers) == 1
    assert {parameter.dtype for parameter in built.network.parameters()} == {torch.float64}


def test_sixty_samples_are_enclosed_below_1e9_in_five_seconds() -> None:
    samples, targets, rng = problem(2, 60, 8, 4)
    start = time.process_time()
    built = interpolate(samples, targets, [FAMILIES["softmax"]], rng)
    low, high = deviation(built.network, samples, targets)
    assert time.process_time() - start < 5
    assert 0 <= low <= high < 1e-9
    assert built.token_gap > 1e-3


def test_several_sparse_layers_interpolate_where_one_cannot() -> None:
    samples, targets, rng = problem(3, 4, 4, 2)
    samples[1] = samples[0]
    samples[1, 3] += 1.0  # token 0 hears of token 3 after three layers of window 1
    mixer = sparse(patterns.window(4, 1))
    assert deviation(interpolate(samples, targets, [mixer] * 3, rng).network, samples, targets)[1] < 1e-12
    with pytest.raises(ValueError, match="do not distinguish the samples"):
        interpolate(samples, targets, [mixer] * 2, rng)


def test_the_best_draw_and_the_best_clock_are_kept() -> None:
    samples, targets, _ = problem(10, 10, 4, 2)

    def gaps(form: str, **sizes: int) -> tuple[float, float]:
        built = interpolate(samples, targets, [FAMILIES["softmax"]], np.random.default_rng(0), form, **sizes)
        return built.token_gap, built.clock_gap

    for form in ("wide", "narrow"):
        assert gaps(form, draws=30)[0] > 1.5 * gaps(form, draws=1)[0]  # the first draw is the same
        assert gaps(form, directions=1000)[1] > 3 * gaps(form, directions=1)[1]


def test_the_token_gap_is_the_least_distance() -> None:
    tokens = np.random.default_rng(0).standard_normal((30, 3))
    pairs = [np.linalg.norm(tokens[i] - tokens[j]) for i in range(30) for j in range(i)]
    assert token_gap(tokens) == pytest.approx(min(pairs), rel=1e-12)
    assert token_gap(np.vstack([tokens, tokens[:1]])) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[..., :1], "dimension d = 1; the theory needs d ≥ 2"),
        (
            lambda x: x.index_put((torch.tensor(1), torch.tensor(2)), torch.zeros(2, dtype=x.dtype)),
            r"samples\[1\] has a zero token",
        ),
        (lambda x: x.index_put((torch.tensor(2), torch.tensor(0)), x[2, 1]), r"samples\[2\] repeats a token"),
        (lambda x: torch.cat([x, x[:1].flip(1)]), "do not distinguish the samples"),
        (lambda x: x.float(), "must be float64"),
        (lambda x: x * torch.inf, "not finite"),
    ],
)
def test_samples_that_break_an_assumption_are_refused_with_the_reason(change, message: str) -> None:
    samples, _, rng = problem(4, 5, 3, 2)
    samples = change(samples)
    with pytest.raises(ValueError, match=message):
        interpolate(samples, torch.zeros_like(samples), [FAMILIES["softmax"]], rng)


def test_other_bad_arguments_are_refused() -> None:
    samples, targets, rng = problem(5, 2, 2, 2)
    with pytest.raises(ValueError, match="form 'thin' is not one of wide, narrow"):
        interpolate(samples, targets, [FAMILIES["softmax"]], rng, "thin")
    with pytest.raises(ValueError, match="mixers is empty"):
        interpolate(samples, targets, [], rng)
    with pytest.raises(ValueError, match="mixers is the one family 'softmax'"):
        unwrap(_refuse)(samples, targets, FAMILIES["softmax"], "wide")
    for name, value in {"draws": 0, "directions": 0, "tie": 0.0, "scale": -1.0}.items():
        with pytest.raises(ValueError, match=f"{name} {value} is not"):
            interpolate(samples, 0 * targets, [FAMILIES["softmax"]], rng, "narrow", **{name: value})
    with pytest.raises(ValueError, match=r"N\(1\) is empty"):
        sparse(np.array([[True, True], [False, False]]))
    with pytest.raises(ValueError, match="do not distinguish"):
        interpolate(torch.stack([samples[0], samples[0] + 0]), targets, [FAMILIES["softmax"]], rng)


def test_the_clock_gap_of_the_narrow_form_is_the_least_of_both_sweeps() -> None:
    for seed in range(4):
        samples, targets, rng = problem(seed, 6, 3, 2)
        built = interpolate(samples, targets, [FAMILIES["softmax"]], rng, "narrow")
        layers, half = built.network.feed_forward, built.depth // 2
        gaps = []
        with torch.no_grad():
            for skipped in (layers, layers[half:]):  # before the first sweep, and before the second
                x = Network(layer for layer in built.network if layer not in skipped)(samples).flatten(0, 1)
                rows = skipped[1].input  # the first one may hold a constant only
                clock = rows[rows.norm(dim=1).argmax()]
                gaps.append(smallest_gap((x @ (clock / clock.norm())).numpy()).item())
        assert built.clock_gap == pytest.approx(min(gaps), rel=1e-6)
        assert max(gaps) > 1.01 * min(gaps)


# ------------------------------------------------------------------------------------------------------- enclosures


def exact_layers(layers: list[Units], x: list[Fraction]) -> list[Fraction]:
    """Residual FFN layers in rational arithmetic."""
    for units in layers:
        out = list(x)
        for j, bias in enumerate(units.bias.tolist()):
            before = sum((Fraction(a) * v for a, v in zip(units.input[j].tolist(), x, strict=True)), Fraction(0))
            active = max(before - Fraction(bias), Fraction(0))
            out = [o + Fraction(w) * active for o, w in zip(out, units.output[:, j].tolist(), strict=True)]
        x = out
    return x


def contains(ball: arb, value: Fraction) -> bool:
    low, high = ball.lower().man_exp(), ball.upper().man_exp()
    ends = [Fraction(int(man)) * Fraction(2) ** int(exp) for man, exp in (low, high)]
    return ends[0] <= value <= ends[1]


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=40)
def test_layers_in_balls_contain_the_rational_result(seed: int, depth: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [
        Units(*(rng.standard_normal(shape) for shape in ((3, width), (width, 3), (width,)))) for _ in range(depth)
    ]
    network = Network(map(FeedForwardLayer, layers))
    points = rng.standard_normal((4, 3))
    balls = enclose(network, exact(points), 1)
    # A box around each point: the image of any point of it lies in the ball.
    radius = 0.3
    wide = enclose(network, arb_mat([[arb(v, radius) for v in row] for row in points.tolist()]), 1)
    for row, point in enumerate(points.tolist()):
        for column, value in enumerate(exact_layers(layers, [Fraction(v) for v in point])):
            assert contains(balls[row, column], value)
            assert float(balls[row, column].rad()) < 1e-35
        inside = [
            Fraction(v) + Fraction(str(radius)) * Fraction(int(k), 4)
            for v, k in zip(point, rng.integers(-4, 5, 3), strict=True)
        ]
        for column, value in enumerate(exact_layers(layers, inside)):
            assert contains(wide[row, column], value)


def test_hundreds_of_layers_keep_balls_small_because_ramps_cancel() -> None:
    samples, targets, rng = problem(6, 20, 4, 2)
    built = interpolate(samples, targets, [FAMILIES["softmax"]], rng, "narrow")
    assert built.depth == 160
    output = enclose(built.network, exact(samples.flatten(0, 1)), 4)
    assert max(float(entry.rad()) for entry in output.entries()) < 1e-35


@pytest.mark.parametrize("pattern", [None, [[0, 2], [0, 1], [1, 2]]])
@pytest.mark.parametrize("name", [*ENCLOSED, *ALSO_ENCLOSED])
def test_mixers_in_balls_are_those_of_the_families(name: str, pattern) -> None:
    family = FAMILIES[name]
    if pattern is not None:
        if name == "linformer":
            pytest.skip("Linformer has no pattern")
        family = type(family)(**{**vars(family), "pattern": patterns.from_sets(pattern)})
    rng = np.random.default_rng(7)
    mixer = Mixer(family, family.sample(rng, 2, 3, 0.7, 1))
    x = torch.from_numpy(rng.standard_normal((4, 3, 2)))
    with precision(PRECISION):
        balls = mix(mixer, exact(x.flatten(0, 1)), 3)
    assert max(float(entry.rad()) for entry in balls.entries()) < 1e-40
    with torch.no_grad():
        expected = mixer(x).flatten().tolist()
    np.testing.assert_allclose([float(entry) for entry in balls.entries()], expected, rtol=1e-13, atol=1e-13)
    boxes = mix(mixer, arb_mat([[arb(v, 0.1) for v in row] for row in x.flatten(0, 1).tolist()]), 3)
    with torch.no_grad():
        moved = mixer(x + 0.1 * (2 * torch.rand(x.shape, generator=torch.Generator().manual_seed(0)).double() - 1))
    assert all(ball.contains(arb(value)) for ball, value in zip(boxes.entries(), moved.flatten().tolist(), strict=True))


def test_the_deviation_is_that_of_arithmetic_with_fifty_digits() -> None:
    samples, targets, rng = problem(8, 3, 3, 2)
    built = interpolate(samples, targets, [FAMILIES["softmax"]], rng)
    query, key, value = (built.network.mixers[0].weights[name][0].tolist() for name in ("query", "key", "value"))
    layer = built.network.feed_forward[0]
    worst = mpf(0)
    with mp.workdps(50):

        def times(matrix, vector):
            return [sum(mpf(a) * v for a, v in zip(row, vector, strict=True)) for row in matrix]

        for sample, target in zip(samples.tolist(), targets.tolist(), strict=True):
            for i, token in enumerate(sample):
                scores = [
                    sum(a * b for a, b in zip(times(query, token), times(key, other), strict=True)) for other in sample
                ]
                mass = [mp.exp(score) for score in scores]
                mixed = [
                    mpf(token[c])
                    + sum(m * times(value, other)[c] for m, other in zip(mass, sample, strict=True)) / sum(mass)
                    for c in range(2)
                ]
                hidden = [
                    max(h - mpf(b), mpf(0))
                    for h, b in zip(times(layer.input.tolist(), mixed), layer.bias.tolist(), strict=True)
                ]
                out = [m + h for m, h in zip(mixed, times(layer.output.tolist(), hidden), strict=True)]
                worst = max(worst, *(abs(o - mpf(t)) for o, t in zip(out, target[i], strict=True)))
        low, high = deviation(built.network, samples, targets)
        assert mpf(low) <= worst <= mpf(high)
        assert high - low < 1e-25


@pytest.mark.parametrize("mutant", [name for name in NETWORKS if name != "intact"])
@pytest.mark.parametrize("form", ["wide", "narrow"])
def test_mutants_of_a_built_network_deviate(form: str, mutant: str) -> None:
    samples, targets, rng = problem(9, 4, 3, 2)
    built = interpolate(samples, targets, [FAMILIES["softmax"]], rng, form)
    assert deviation(NETWORKS[mutant](built.network), samples, targets)[0] > 1e-8
    assert deviation(built.network, samples, targets)[1] < 1e-13  # the original is as it was


class OwnAttention(KernelAttention):
    def apply(self, parameters, x):
        return 2 * super().apply(parameters, x)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (KernelAttention(Kernel("rbf(l1)", lambda q, k, _: -torch.cdist(q, k, p=1))), r"kernel 'rbf\(l1\)' has no enc"),
        (
            KernelAttention(Kernel("softmax", lambda q, k, _: 2 * dot(q, k))),
            "kernel 'softmax' has no .* tanh bias mixer",
        ),
        (OwnAttention(SOFTMAX), "mixer 'softmax' has no enclosure; there are those of kernel attention"),
        (KernelAttention(SOFTMAX, weighting="hardmax"), "its weighting is 'hardmax'"),
    ],
)
def test_a_mixer_without_an_enclosure_is_refused_whatever_its_name(family, message: str) -> None:
    network = Network([Mixer(family, family.sample(np.random.default_rng(0), 2, 3, 1.0, 1))])
    with pytest.raises(ValueError, match=message):
        enclose(network, exact(np.random.default_rng(0).standard_normal((3, 2))), 3)


def test_a_deviation_is_not_claimed_of_other_shapes_or_of_what_is_not_finite() -> None:
    samples, targets, rng = problem(9, 5, 3, 2)
    network = interpolate(samples, targets, [FAMILIES["softmax"]], rng).network
    last = samples.clone()
    last[-1, -1, -1] = torch.nan
    for call, message in (
        ((network, samples, targets.reshape(3, 5, 2)), r"\(5, 3, 2\) and targets \(3, 5, 2\) must both be"),
        ((network, samples[0], targets[0]), r"must both be \(N, n, d\)"),
        ((network, last, targets), "samples has numbers that are not finite"),
        ((network, samples, last), "targets has numbers that are not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            deviation(*call)
    with torch.no_grad():
        network.feed_forward[0].bias[-1] = torch.inf
    with pytest.raises(ValueError, match="bias has numbers that are not finite"):
        deviation(network, samples, targets)


def test_a_ball_without_a_bound_gives_no_finite_upper_bound() -> None:
    family = FAMILIES["polynomial"]
    eye = torch.eye(2, dtype=torch.float64)[None]
    network = Network([Mixer(family, {"query": eye, "key": -eye, "value": eye})])
    good = torch.tensor([[[0.5, 0.25], [2.0, 3.0]]], dtype=torch.float64)
    alone = torch.tensor([[[0.6, 0.8], [0.6, 0.8]]], dtype=torch.float64) * torch.tensor([1.0, 0.0]).double() / 0.6
    samples = torch.cat([good, alone])  # (1 − x·y)² adds up to 0 in the last sample: 0 / 0
    low, high = deviation(network, samples, torch.zeros_like(samples))
    assert low > 0
    assert high == math.inf


def test_float_bounds_lie_outside_of_the_ball() -> None:
    third = arb(1) / 3
    assert Fraction(below(third)) < Fraction(1, 3) < Fraction(above(third))
    assert above(third) - below(third) < 1e-15


# ------------------------------------------------------------------------------------------------------ Definition 2


@given(st.integers(0, 10**6))
def test_affine_maps_on_both_sides_stay_in_the_family(seed: int) -> None:
    rng = np.random.default_rng(seed)
    units = Units(rng.standard_normal((3, 5)), rng.standard_normal((5, 3)), rng.standard_normal(5))
    left, right, offset, x = (rng.standard_normal(shape) for shape in ((3, 3), (3, 3), 3, 3))
    np.testing.assert_allclose(
        apply(between(units, left, right, offset), x), left @ apply(units, right @ x - offset), atol=1e-12
    )


def test_constants_and_the_negative_are_in_the_family() -> None:
    x = np.array([0.3, -1.2])
    np.testing.assert_array_equal(apply(constant(np.array([2.0, -5.0])), x), [2, -5])
    np.testing.assert_array_equal(apply(negative(2), x), -x)
