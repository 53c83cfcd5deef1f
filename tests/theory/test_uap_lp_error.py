"""The approximator of Theorem 1, its enclosed error and the receptive-field bound, against sampled values."""

import numpy as np
import pytest
import torch
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.theory.uap import patterns
from lemmata.theory.uap.approximator import (
    approximate,
    ramp_share,
    repeated_share,
    repeats,
    split_error,
    swirl,
)
from lemmata.theory.uap.enclosure import above, below
from lemmata.theory.uap.lp_error import Stairs, enclosed_error, segments, squared_distance, swirl_moments
from lemmata.theory.uap.network import FeedForwardLayer
from lemmata.theory.uap.receptive import receptive_bound
from lemmata.theory.uap.staircase import Staircase, Units, negative

# -------------------------------------------------------------------------------------------------- the approximator


@pytest.fixture(scope="module")
def coarse():
    return approximate(swirl, 2, 2, 2, np.random.default_rng(0))


@pytest.fixture(scope="module")
def fine():
    return approximate(swirl, 2, 2, 4, np.random.default_rng(0))


def test_the_target_is_equivariant_and_not_invariant() -> None:
    x = torch.rand(50, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(swirl(x.flip(1)), swirl(x).flip(1))
    assert (swirl(x) - swirl(x).flip(1)).abs().max() > 0.1


@pytest.mark.parametrize("cells", [2, 3, 4])
def test_the_quantiser_is_constant_on_plateaus(cells: int) -> None:
    built = approximate(swirl, 2, 2, cells, np.random.default_rng(1))
    x = 2 * torch.rand(4_000, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1
    with torch.no_grad():
        quantised = x + built.network.layers[0](x)
    corner = -1 + 2 / cells * torch.from_numpy(np.searchsorted(np.linspace(-1, 1, cells + 1), x.numpy(), "right") - 1.0)
    flat = ~built.on_ramp(x)
    torch.testing.assert_close(quantised[flat], corner[flat], atol=1e-12, rtol=0)
    torch.testing.assert_close(built.corner(x), corner, atol=1e-12, rtol=0)
    assert (quantised[~flat] - corner[~flat]).abs().amax((1, 2)).min() > 0
    share = (~flat).double().mean().item()
    assert share == pytest.approx(ramp_share(2, 2, cells, 0.005), abs=4 * (0.015 / 4_000) ** 0.5)
    assert repeats(corner).double().mean().item() == pytest.approx(repeated_share(2, 2, cells), abs=0.03)


def test_the_grid_has_one_sample_of_each_orbit(coarse, fine) -> None:
    assert (len(coarse.grid), len(fine.grid)) == (6, 120)
    for built in (coarse, fine):
        assert len({frozenset(map(tuple, sample)) for sample in built.grid.tolist()}) == len(built.grid)
        with torch.no_grad():
            assert (built.network(built.grid) - swirl(built.grid)).abs().max() < 1e-9


def test_the_error_splits_into_disjoint_parts_and_four_terms(fine) -> None:
    points = 2 * torch.rand(3_000, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) - 1
    split = split_error(fine, swirl, points)
    with torch.no_grad():
        plain = (fine.network(points) - swirl(points)).square().sum((1, 2))
    assert split.total == pytest.approx(plain.mean().sqrt().item())
    assert split.largest == pytest.approx(plain.max().sqrt().item())
    assert split.total**2 == pytest.approx(split.good**2 + split.repeated**2 + split.ramp**2)
    assert split.good <= split.continuity + split.interpolation + 1e-12
    assert split.total <= sum(split.terms.values())
    assert split.interpolation < 1e-9
    assert split.norm == pytest.approx(
        sum(float(square) for _, square in swirl_moments(((-1.0, 1.0),) * 4)) ** 0.5, rel=0.05
    )


def test_bad_sizes_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"ramp 1\.0 is not between 0 and 1"):
        approximate(swirl, 2, 2, 2, rng, ramp=1.0)
    with pytest.raises(ValueError, match="cells 1: there must be at least 2"):
        approximate(swirl, 2, 2, 1, rng)


def test_points_that_measure_nothing_are_refused(coarse) -> None:
    for points in (torch.zeros(3, 2, 2), torch.zeros(0, 2, 2).double(), torch.zeros(3, 4, 1).double()):
        with pytest.raises(ValueError, match=r"must be float64 \(count ≥ 1, \*\(2, 2\)\)"):
            split_error(coarse, swirl, points)
    other = approximate(torch.sin, 3, 2, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"shape \(2, 3\); swirl_moments are for \(2, 2\)"):
        enclosed_error(other, swirl_moments, 0)
    for layers, count, message in (([], 9, "layers is empty"), ([patterns.full(2)], 1, "count 1 is not at least 2")):
        with pytest.raises(ValueError, match=message):
            receptive_bound(swirl, lambda *_: torch.zeros(1, 2, 2), layers, torch.Generator(), count)


# --------------------------------------------------------------------------------------------------- enclosed error


@given(st.integers(0, 10**6))
@settings(max_examples=15)
def test_moments_over_boxes_are_those_of_quadrature(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.uniform(-1, 0.5, 4)
    high = low + rng.uniform(0.01, 0.5, 4)
    node, weight = np.polynomial.legendre.leggauss(12)
    places = [(a + b) / 2 + (b - a) / 2 * node for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, 2, 2)
    weights = np.prod(np.stack(np.meshgrid(*[weight / 2] * 4, indexing="ij"), -1), -1).ravel()
    values = swirl(torch.from_numpy(grid)).flatten(1).numpy()
    for entry, (mean, square) in enumerate(swirl_moments(tuple(zip(low.tolist(), high.tolist(), strict=True)))):
        assert float(mean) == pytest.approx(weights @ values[:, entry], abs=1e-12)
        assert float(square) == pytest.approx(weights @ values[:, entry] ** 2, abs=1e-12)


def test_the_enclosed_error_holds_the_sampled_one_and_shrinks(coarse) -> None:
    points = 2 * torch.rand(100_000, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) - 1
    with torch.no_grad():
        squares = (coarse.network(points) - swirl(points)).square().sum((1, 2))
    low, high = ((squares.mean() + sign * 4 * squares.std() / 100_000**0.5).sqrt().item() for sign in (-1, 1))
    rough, better = (enclosed_error(coarse, swirl_moments, boxes) for boxes in (0, 400))
    assert rough.lower <= better.lower <= better.upper <= rough.upper
    assert (rough.boxes, better.boxes) == (81, 481)
    assert better.upper - better.lower < 0.015
    assert better.lower <= high
    assert better.upper >= low


@pytest.mark.parametrize("ramp", [0.1, 0.4])
def test_the_enclosed_error_holds_the_sampled_one_where_ramps_matter(ramp: float) -> None:
    built = approximate(swirl, 2, 2, 2, np.random.default_rng(0), ramp=ramp)
    points = 2 * torch.rand(50_000, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) - 1
    with torch.no_grad():
        squares = (built.network(points) - swirl(points)).square().sum((1, 2))
    low, high = ((squares.mean() + sign * 4 * squares.std() / 50_000**0.5).sqrt().item() for sign in (-1, 1))
    found = enclosed_error(built, swirl_moments, 200)
    assert found.lower < low < high < found.upper


def test_the_distance_over_a_box_is_within_minkowskis_radius() -> None:
    values = [arb(1, 3), arb(-2, 4)]  # radius 5 in all
    at_centre = squared_distance(values, [(arb(1), arb(1)), (arb(-2), arb(4))])  # F is the centre: F̂ − F may be (3, 4)
    assert [float(bound) for bound in at_centre] == pytest.approx([0, 25])
    away = squared_distance(values, [(arb(1), arb(1)), (arb(5), arb(25))])  # F is 7 away
    assert [float(bound) for bound in away] == pytest.approx([2**2, 12**2])


def test_the_segments_are_plateaus_and_ramps(fine) -> None:
    ends = [(-1 + 0.5 * k, -1 + 0.5 * (k + 1)) for k in range(4)]
    knots = sorted({-1.0, 1.0} | {b - 0.0025 for _, b in ends[:-1]} | {b for _, b in ends[:-1]})
    found = segments(fine.network.layers[0])
    np.testing.assert_allclose([a for a, _ in found] + [1.0], knots, atol=1e-12)


@given(st.integers(0, 10**6))
@settings(max_examples=25)
def test_the_range_of_a_staircase_contains_its_values_and_no_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stairs = Staircase.through(rng.standard_normal(2), rng.standard_normal((6, 2)), rng.standard_normal((6, 2)))
    layer = FeedForwardLayer(Units.join(stairs.units(), negative(2)))
    centre, radius = rng.standard_normal(2), 10 ** rng.uniform(-4, 0)
    box = [arb(v, radius) for v in centre.tolist()]
    x = torch.from_numpy(centre + radius * np.stack(np.meshgrid(*[np.linspace(-1, 1, 41)] * 2), -1).reshape(-1, 2))
    with torch.no_grad():
        values = (x + layer(x)).numpy()
    for ball, column in zip(Stairs(layer).range(box), values.T, strict=True):
        assert below(ball) <= column.min() + 1e-9
        assert above(ball) >= column.max() - 1e-9
        steepest = np.abs(stairs.slopes).max() * np.abs(stairs.clock).sum() * radius / 20
        assert above(ball) - below(ball) <= np.ptp(column) + 2 * steepest + 1e-9


def test_a_layer_that_is_no_staircase_is_refused(coarse) -> None:
    last = coarse.network.feed_forward[-1]
    broken = FeedForwardLayer(Units(*(p.detach().numpy().copy() for p in (last.output, last.input, last.bias))))
    with torch.no_grad():
        broken.output[0, 3] *= 1 + 1e-9
    with pytest.raises(ValueError, match="not a wide staircase"):
        Stairs(broken)


# --------------------------------------------------------------------------------------------------- receptive field


def test_the_bound_is_the_variance_of_what_was_not_received() -> None:
    weights = torch.randn(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def uniform(count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.rand(count, 5, 2, generator=generator, dtype=torch.float64)

    for layers in (1, 2, 4):
        found = receptive_bound(
            lambda x: weights @ x, uniform, [patterns.window(5, 1)] * layers, torch.Generator().manual_seed(1)
        )
        for i in range(5):
            expected = sum(weights[i, j].item() ** 2 for j in range(5) if abs(i - j) > layers) / 12
            assert abs(found.bound[i].item() - expected) <= 4 * found.error[i].item()
    assert (found.bound == 0).all()
