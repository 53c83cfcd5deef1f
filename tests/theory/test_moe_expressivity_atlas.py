"""The atlas construction: charts against geometry, networks against shortcuts."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lemmata.theory.moe_expressivity.approximator import (
    atlas_network,
    atlas_parameters,
    centre_scores,
    product_network,
    single_layer,
    with_encoder,
)
from lemmata.theory.moe_expressivity.atlas import (
    LinearAtlas,
    arc_partition,
    circle_atlas,
    counterexample,
    farthest_points,
    icosahedron_axes,
    inverse_lipschitz,
    inverse_lipschitz_bound,
    misassigned,
    projective_atlas,
    sphere_atlas,
    tangent_atlas,
    threshold,
    torus_atlas,
)
from lemmata.theory.moe_expressivity.circle import (
    arc_functions,
    arc_scores,
    circle_error,
    circle_network,
    experiment_target,
    harmonic_target,
    partition_scores,
    two_chart_target,
)
from lemmata.theory.moe_expressivity.curve import chart_of_offset, curve_atlas, curve_network, offset_of_chart
from lemmata.theory.moe_expressivity.curved import curved_network
from lemmata.theory.moe_expressivity.dimension import MANIFOLDS, fit_functions, rough_field
from lemmata.theory.moe_expressivity.fits import fit, interpolate
from lemmata.theory.moe_expressivity.manifolds import (
    circle,
    curve,
    curve_velocity,
    isometry,
    ring,
    ring_frame,
    sphere,
    veronese,
)
from lemmata.theory.moe_expressivity.mutants.atlas import ATLAS_MUTANTS, PRODUCT_MUTANTS
from lemmata.theory.moe_expressivity.rates import rate


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -------------------------------------------------------------------------------------------------------- charts


def finite_difference(f, t: torch.Tensor, step: float = 1e-6) -> torch.Tensor:
    columns = []
    for axis in range(t.shape[1]):
        shift = torch.zeros_like(t)
        shift[:, axis] = step
        columns.append((f(t + shift) - f(t - shift)) / (2 * step))
    return torch.stack(columns, 1)


def test_frames_are_orthonormal_and_tangent() -> None:
    t = torch.rand(30, 2, generator=seeded(5), dtype=torch.float64) * 6
    cases = {
        "ring": (LinearAtlas(ring(t), ring_frame(t)), finite_difference(ring, t)),
        "curve": (
            curve_atlas(12, 9),
            finite_difference(
                lambda t: curve(t[:, 0], 12, 3.0), (2 * math.pi * (torch.arange(9).double() + 0.5) / 9)[:, None]
            ),
        ),
    }
    axes = sphere(20, seeded(6))
    tangent = torch.linalg.svd(axes[:, None], full_matrices=True).Vh[:, 1:]
    moved = [veronese(axes + s * 1e-6 * tangent[:, i]) for i in (0, 1) for s in (1, -1)]
    velocity = torch.stack([moved[0] - moved[1], moved[2] - moved[3]], 1) / 2e-6
    cases["projective"] = (projective_atlas(axes), velocity)
    for atlas, velocity in cases.values():
        d = atlas.frames.shape[1]
        torch.testing.assert_close(atlas.frames @ atlas.frames.mT, torch.eye(d).double().expand(len(atlas), d, d))
        inside = velocity @ atlas.frames.mT @ atlas.frames  # the velocities lie in the span of the frame
        torch.testing.assert_close(inside, velocity, atol=1e-7, rtol=1e-7)
    for atlas in (circle_atlas(5), torus_atlas(3), sphere_atlas()):
        d = atlas.frames.shape[1]
        torch.testing.assert_close(atlas.frames @ atlas.frames.mT, torch.eye(d).double().expand(len(atlas), d, d))
        assert (atlas.frames @ atlas.centres[:, :, None]).abs().max() < 1e-15


@pytest.mark.parametrize("name", MANIFOLDS)
def test_isometries_keep_distances_and_chart_coordinates(name: str) -> None:
    make, sample = MANIFOLDS[name]
    atlas, x = make(), sample(50, seeded(7))
    frame = isometry(x.shape[1], 40, seeded(8))
    torch.testing.assert_close(torch.pdist(x @ frame.T), torch.pdist(x))
    for chart in range(len(atlas)):
        torch.testing.assert_close(atlas.embed(frame).coordinates(x @ frame.T, chart), atlas.coordinates(x, chart))


def test_every_line_is_near_an_axis_of_the_icosahedron() -> None:
    lines = sphere(20_000, seeded(9))
    nearest = (lines @ icosahedron_axes().T).abs().amax(1).acos() * 180 / math.pi
    assert 36.5 < nearest.max() < 37.378  # the covering angle is 37.377


def test_the_reach_of_the_projective_plane_is_attained_by_every_pair() -> None:
    axes = sphere(300, seeded(10))
    atlas = projective_atlas(axes)
    for chart in range(0, 300, 30):
        chord = veronese(axes) - atlas.centres[chart]
        normal = chord - chord @ atlas.frames[chart].T @ atlas.frames[chart]
        away = chord.norm(dim=1) > 1e-3
        quotient = chord[away].square().sum(1) / (2 * normal[away].norm(dim=1))
        torch.testing.assert_close(quotient, torch.full_like(quotient, math.sqrt(0.5)))


@given(ratio=st.floats(0.05, 0.6))
def test_on_the_circle_the_inverse_chart_stays_below_the_bound_of_its_reach(ratio: float) -> None:
    """Circle of radius 1: the chart of the arc within chord r has slope cos of the angle 2 arcsin(r/2) at its end."""
    exact = 1 / math.cos(2 * math.asin(ratio / 2))
    assert 1 < exact < inverse_lipschitz_bound(ratio)
    atlas = circle_atlas(3)
    half = 2 * math.asin(ratio / 2)
    points = circle(math.pi / 3 + torch.linspace(-half, half, 80, dtype=torch.float64) * (1 - 1e-9))
    found, pairs = inverse_lipschitz(LinearAtlas(atlas.centres[:1], atlas.frames[:1]), points, ratio)
    assert pairs == 80 * 79 // 2
    assert 0.95 * exact < float(found[0]) <= exact + 1e-9


def test_farthest_points_cover_and_stay_apart() -> None:
    points = sphere(800, seeded(11))
    chosen = farthest_points(points, 0.5)
    assert torch.cdist(points, points[chosen]).amin(1).max() <= 0.5
    assert torch.pdist(points[chosen]).min() > 0.5


# ---------------------------------------------------------------------------------------------------- assignment


@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 0.9999))
def test_errors_below_the_threshold_never_misassign(overlap: int, seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    partition = np.zeros((50, overlap + 2))
    partition[:, 1 : overlap + 1] = rng.dirichlet(np.full(overlap, 10.0 ** rng.integers(-1, 4)), 50)
    error = factor * threshold(overlap) * rng.uniform(-1, 1, partition.shape)
    assert not misassigned(torch.from_numpy(partition), torch.from_numpy(partition + error)).any()


@pytest.mark.parametrize("overlap", range(1, 8))
def test_the_threshold_is_tight(overlap: int) -> None:
    for factor, fails in ((0.999, False), (1.001, True)):
        partition, approximate = counterexample(overlap, factor * threshold(overlap))
        assert partition.sum() == pytest.approx(1)
        assert (approximate - partition).abs().max() == pytest.approx(factor * threshold(overlap))
        assert bool(misassigned(partition, approximate)) == fails


@pytest.mark.parametrize("charts", [2, 3, 7, 32])
def test_the_partition_of_unity_is_one_and_its_network_close(charts: int) -> None:
    t = torch.linspace(-7, 7, 5_000, dtype=torch.float64)
    partition = arc_partition(t, charts)
    torch.testing.assert_close(partition.sum(1), torch.ones(5_000).double())
    assert int(torch.count_nonzero(partition, 1).max()) == 2
    frame = isometry(2, 6, seeded(12))
    if charts > 2:
        errors = [(partition_scores(charts, k, frame)(circle(t) @ frame.T) - partition).abs().max() for k in (4, 32)]
        assert errors[0] < 0.05
        assert errors[1] < 0.002


# ------------------------------------------------------------------------------------------------------ networks


@given(st.integers(1, 12), st.integers(0, 10_000))
def test_interpolants_are_numpys(intervals: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.uniform(0.1, 1, intervals + 1))
    values = rng.normal(size=intervals + 1)
    x = rng.uniform(knots[0] - 1, knots[-1], 200)
    net = interpolate(torch.from_numpy(knots), torch.from_numpy(values))
    assert net.inner.shape == (1, intervals)
    np.testing.assert_allclose(net(torch.from_numpy(x)[:, None])[:, 0], np.interp(x, knots, values), atol=1e-12)


@pytest.mark.parametrize("ambient", [2, 5, 64])
@pytest.mark.parametrize("charts", [3, 4, 9])
def test_the_circle_network_is_the_interpolation_on_the_nearest_arc(ambient: int, charts: int) -> None:
    frame, width = isometry(2, ambient, seeded(13)), 12
    t = torch.rand(500, generator=seeded(14), dtype=torch.float64) * 2 * math.pi
    network = circle_network(experiment_target, charts, width, frame)
    arc = np.floor(t.numpy() * charts / (2 * math.pi)).astype(int)
    assert (network.paths(circle(t) @ frame.T)[:, 1].numpy() == arc).all()
    centre = 2 * math.pi * (arc + 0.5) / charts
    knots = np.linspace(-math.sin(math.pi / charts), math.sin(math.pi / charts), width + 1)
    expected = [
        np.interp(math.sin(a - c), knots, experiment_target(torch.from_numpy(c + np.arcsin(knots))).numpy())
        for a, c in zip(t.tolist(), centre.tolist(), strict=True)
    ]
    np.testing.assert_allclose(network(circle(t) @ frame.T)[:, 0], expected, atol=1e-11)
    assert network.total_parameters == atlas_parameters(ambient, charts, width)
    assert all(layer.gate_bias is None for layer in network)


def test_interpolation_error_meets_its_classical_bound() -> None:
    """h² max|g''| / 8 with g(s) = f(c + arcsin s): g'' from finite differences of the target."""
    frame, width, worst = isometry(2, 3, seeded(15)), 64, 0.0
    end = math.sin(math.pi / 4)
    s = torch.linspace(-end, end, 20_001, dtype=torch.float64)
    for centre in (torch.arange(4) + 0.5) * math.pi / 2:
        values = experiment_target(centre + s.asin())
        worst = max(worst, float((values.diff().diff() / (s[1] - s[0]) ** 2).abs().max()))
    bound = (2 * end / width) ** 2 * worst / 8
    error, outside = circle_error(circle_network(experiment_target, 4, width, frame), experiment_target, frame)
    assert outside == 0
    assert 0.8 * bound < error <= bound * (1 + 1e-3)


@pytest.mark.parametrize("mutant", [name for name in ATLAS_MUTANTS if name != "intact"])
def test_every_mutant_is_at_least_half_as_bad_again(mutant: str) -> None:
    frame = isometry(2, 8, seeded(16))
    network = circle_network(experiment_target, 4, 64, frame)
    before = circle_error(network, experiment_target, frame)[0]
    assert circle_error(ATLAS_MUTANTS[mutant](network), experiment_target, frame)[0] > 1.5 * before
    assert circle_error(network, experiment_target, frame)[0] == before  # mutants copy


@pytest.mark.parametrize("mutant", [name for name in PRODUCT_MUTANTS if name != "intact"])
def test_every_mutant_of_a_product_is_off(mutant: str) -> None:
    frames = [isometry(2, 3, seeded(seed)) for seed in (30, 31)]
    atlases = [circle_atlas(4).embed(frame) for frame in frames]
    functions = [arc_functions(harmonic_target(4, seeded(32)), 4, 20) for _ in frames]
    network = product_network(atlases, functions, [arc_scores(atlas) for atlas in atlases])
    t = torch.rand(100, 2, generator=seeded(33), dtype=torch.float64) * 2 * math.pi
    places = [circle(t[:, i]) @ frame.T for i, frame in enumerate(frames)]
    x = torch.cat([*places, torch.zeros(100, 2, dtype=torch.float64)], 1)
    assert (PRODUCT_MUTANTS[mutant](network)(x) - network(x)).abs().max() > 0.1


def test_depth_one_depth_two_and_encoder_are_one_function() -> None:
    frame = isometry(2, 10, seeded(17))
    atlas, functions = circle_atlas(5).embed(frame), arc_functions(two_chart_target, 5, 9)
    x = circle(torch.rand(300, generator=seeded(18), dtype=torch.float64) * 7) @ frame.T
    two = atlas_network(atlas, functions, arc_scores(atlas))(x)
    torch.testing.assert_close(single_layer(atlas, functions)(x), two, atol=1e-12, rtol=0)
    torch.testing.assert_close(with_encoder(atlas, functions)(x), two, atol=1e-12, rtol=0)


def test_charts_that_are_not_tangent_to_a_sphere_keep_their_offsets() -> None:
    """Frames with ⟨F_i, p_i⟩ ≠ 0: the coordinates are those of x − p_i, in merged and in separate charts."""
    generator = seeded(29)
    centres = sphere(4, generator, 6)
    frames = torch.stack([isometry(2, 6, generator) for _ in range(4)]).mT
    atlas, x = LinearAtlas(centres, frames), torch.randn(200, 6, generator=generator, dtype=torch.float64)
    functions = [fit(torch.rand(50, 2, generator=generator).double(), x[:50, :1], 8, generator) for _ in range(4)]
    chart = (x @ centres.T).argmax(1)
    coordinates = torch.einsum("bdn,bn->bd", frames[chart], x - centres[chart])
    hidden = [(coordinates[i] @ functions[c].inner + functions[c].bias).relu() for i, c in enumerate(chart.tolist())]
    expected = [h @ functions[c].outer + functions[c].constant for h, c in zip(hidden, chart.tolist(), strict=True)]
    torch.testing.assert_close(single_layer(atlas, functions)(x), torch.stack(expected), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(with_encoder(atlas, functions)(x), torch.stack(expected), atol=1e-9, rtol=1e-9)


def test_centres_of_different_norms_need_the_second_layer() -> None:
    t = torch.rand(400, 2, generator=seeded(19), dtype=torch.float64) * 2 * math.pi
    chosen = farthest_points(ring(t), 1.0)
    atlas = LinearAtlas(ring(t)[chosen], ring_frame(t[chosen]))
    functions = fit_functions(atlas, ring(t), t.sin()[:, 0], 3, seeded(20), margin=1.0)
    with pytest.raises(ValueError, match="centres have norms from"):
        single_layer(atlas, functions)
    paths = atlas_network(atlas, functions, centre_scores(atlas, 10.0)).paths(ring(t))
    assert (paths[:, 1] == atlas.nearest(ring(t))).all()


def test_the_product_network_is_its_factors_side_by_side() -> None:
    generator, charts = seeded(21), 3
    frames = [isometry(2, d, generator) for d in (2, 4, 3)]
    atlases = [circle_atlas(charts).embed(frame) for frame in frames]
    functions = [arc_functions(harmonic_target(4, generator), charts, 7) for _ in frames]
    t = 2 * math.pi * torch.rand(200, 3, generator=generator, dtype=torch.float64)
    places = [circle(t[:, i]) @ frame.T for i, frame in enumerate(frames)]
    network = product_network(atlases, functions, [arc_scores(atlas) for atlas in atlases])
    state = network(torch.cat([*places, torch.zeros(200, 3, dtype=torch.float64)], 1))
    expected = [single_layer(atlas, f)(x)[:, 0] for atlas, f, x in zip(atlases, functions, places, strict=True)]
    torch.testing.assert_close(state[:, 9:], torch.stack(expected, 1), atol=1e-12, rtol=0)
    torch.testing.assert_close(state[:, :9], torch.cat(places, 1), atol=1e-14, rtol=0)
    assert len(network.layers) == 6


def test_the_charts_of_the_curve_invert() -> None:
    end = math.pi / 8
    offset = torch.linspace(-end, end, 50, dtype=torch.float64)
    for ambient in (2, 16, 128):
        s = chart_of_offset(offset, ambient, 3.0)
        torch.testing.assert_close(offset_of_chart(s, end, ambient, 3.0), offset, atol=1e-12, rtol=0)
        atlas, centre = curve_atlas(ambient, 8), math.pi / 8
        torch.testing.assert_close(atlas.coordinates(curve(centre + offset, ambient, 3.0), 0)[:, 0], s)
    speed = curve_velocity(torch.linspace(0, 6, 20, dtype=torch.float64), 16, 3.0).norm(dim=1)
    torch.testing.assert_close(speed, speed[:1].expand(20))
    network = curve_network(experiment_target, 64, 8, 64)
    t = torch.linspace(0, 6.28, 400, dtype=torch.float64)
    assert (network(curve(t, 64, 3.0))[:, 0] - experiment_target(t)).abs().max() < 6e-4


def test_curved_charts_keep_the_split_of_the_theorem() -> None:
    frame = isometry(2, 7, seeded(22))
    made = curved_network(two_chart_target, 48, frame, seeded(23))
    error, outside = circle_error(made.network, two_chart_target, frame)
    assert outside == 0
    assert made.function_error < error < made.bound < 0.2
    assert [layer.experts.widths for layer in made.network] == [(7, 16, 9), (9, 48, 48, 1)]


def test_a_fit_reproduces_what_its_neurons_can_express() -> None:
    points = torch.rand(400, 2, generator=seeded(24), dtype=torch.float64)
    net = fit(points, (points @ torch.tensor([[1.0], [-2.0]]).double()) + 0.5, 40, seeded(25), 1e-12)
    assert (net(points) - points @ torch.tensor([[1.0], [-2.0]]).double() - 0.5).abs().mean() < 3e-3
    through = (points @ net.inner + net.bias).abs().amin(0)
    assert through.max() < 1e-12  # every hinge passes through one of the points
    with pytest.raises(ValueError, match="points 30 are not more than the 30 neurons"):
        fit(points[:30], points[:30, :1], 30, seeded(26))


def test_a_rough_field_has_the_increments_of_its_order() -> None:
    """Mean square increments over distance h grow as h^(2α) between the scales 1/2000 and 1/2."""
    fields = [rough_field(0.75, 3, seeded(seed)) for seed in range(40)]
    x = torch.rand(200, 3, generator=seeded(27), dtype=torch.float64)
    direction = sphere(200, seeded(28))
    steps = [0.01, 0.02, 0.04, 0.08]
    mean = [np.mean([float((f(x + h * direction) - f(x)).square().mean()) for f in fields]) for h in steps]
    slopes = [math.log2(b / a) / 2 for a, b in pairwise(mean)]
    assert all(abs(slope - 0.75) < 0.1 for slope in slopes)
    assert np.mean([float(f(x).square().mean()) for f in fields]) == pytest.approx(1, abs=0.15)


@given(st.floats(-3, 1), st.integers(2, 9), st.integers(0, 1_000))
def test_rates_are_polyfits_and_their_interval_is_students(slope: float, replicates: int, seed: int) -> None:
    sizes = np.array([8.0, 16, 32, 64])
    noise = np.random.default_rng(seed).normal(size=(replicates, 4)) * 0.1
    errors = 3 * sizes**slope * np.exp(noise)
    found = rate(sizes, errors)
    each = [np.polyfit(np.log(sizes), np.log(row), 1)[0] for row in errors]
    assert found.slope == pytest.approx(np.mean(each))
    interval = stats.t.interval(0.95, replicates - 1, np.mean(each), stats.sem(each))
    assert found.interval == (pytest.approx(interval[0]), pytest.approx(interval[1]))
    assert rate(sizes, errors[:1]).interval == (pytest.approx(each[0]), pytest.approx(each[0]))
    assert rate(sizes, 3 * sizes[None] ** -1.5).r_squared == pytest.approx(1)


def test_the_bound_of_the_inverse_chart_is_the_secant_of_both_angles() -> None:
    """Ratio 1/2: cos(2 arcsin 1/4 + 30°) with cos(2 arcsin 1/4) = 7/8 and sin = √15/8, by the addition theorem."""
    cosine = 7 / 8 * math.sqrt(3) / 2 - math.sqrt(15) / 8 / 2
    assert inverse_lipschitz_bound(0.5) == pytest.approx(1 / cosine) == pytest.approx(1.9391, abs=1e-4)
    with pytest.raises(ValueError, match="ratio"):
        inverse_lipschitz_bound(math.sqrt(3) - 1 + 1e-9)


def test_the_bound_of_curved_charts_is_recomputed_from_the_weights() -> None:
    """ψ and g are read off the experts: the first bias behind ψ is its constant, for the first knot is 0."""
    frame = isometry(2, 7, seeded(40))
    made = curved_network(two_chart_target, 24, frame, seeded(41))
    experts = list(made.network)[1].experts
    offset = torch.linspace(-math.pi / 2, math.pi / 2, 8_001, dtype=torch.float64)
    s = (1 + torch.tan(offset / 2)) / 2
    chart = function = lipschitz = 0.0
    for number in range(2):
        (w, u, v), (a, b, c) = ([part[number] for part in group] for group in (experts.weights, experts.biases))
        t = (number + 0.5) * math.pi + offset
        x = circle(t) @ frame.T
        psi = (x @ w[:7] + a).relu() @ u[:, 0] + b[0]
        g = (s[:, None] + b - b[0]).relu() @ v + c
        truth = two_chart_target(t)
        chart = max(chart, float((psi - s).abs().max()))
        function = max(function, float((g[:, 0] - truth).abs().max()))
        lipschitz = max(lipschitz, float((truth.diff() / s.diff()).abs().max()))
    assert made.bound == pytest.approx(function + lipschitz * chart, rel=1e-2)
    assert lipschitz * chart > 0.05 * function  # so that a factor on the chart's term would be seen


def test_bad_numbers_of_charts_are_named() -> None:
    with pytest.raises(ValueError, match="dim 0 is not at least 1"):
        torus_atlas(0)
    with pytest.raises(ValueError, match="overlap 0 is not at least 1"):
        threshold(0)
    with pytest.raises(Exception, match=r"2\.5"):  # a shape checker may refuse the type first
        circle_atlas(2.5)  # type: ignore[arg-type]


def test_tangent_charts_of_the_sphere_are_orthonormal_and_tangent() -> None:
    centres = sphere(20, seeded(42))
    atlas = tangent_atlas(centres)
    torch.testing.assert_close(atlas.frames @ atlas.frames.mT, torch.eye(2).double().expand(20, 2, 2))
    assert (atlas.frames @ centres[:, :, None]).abs().max() < 1e-14
