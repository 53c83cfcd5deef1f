r"""Construction A on the circle: E arcs, piecewise-linear experts, in any ambient dimension.

``x = Q (cos t, sin t)``, arc centres ``c_i = 2π(i − 1/2)/E``, charts ``φ_i(x) = ⟨v_i, x⟩ = sin(t − c_i)`` with range
``|s| ≤ sin(π/E)`` and inverse ``t = c_i + arcsin s``, scores ``τ_i = relu(⟨u_i, x⟩ − cos(1.5π/E))``, and g_i the
interpolation of ``s ↦ f(c_i + arcsin s)`` at m + 1 equidistant knots. Two arcs do not work: their half-angle is π/2,
where arcsin has infinite slope.

References
----------
moe_expressivity sheet, section 4.2; rows ME9 to ME12.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.approximator import atlas_network, centre_scores
from lemmata.theory.moe_expressivity.atlas import LinearAtlas, arc_bump, circle_atlas
from lemmata.theory.moe_expressivity.fits import TwoLayer, interpolate
from lemmata.theory.moe_expressivity.layer import MoE
from lemmata.theory.moe_expressivity.manifolds import angles, circle

Target = Callable[[Float[Tensor, "*batch"]], Float[Tensor, "*batch"]]
"""A function of the angle."""


def experiment_target(t: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """``sin 5x_1 + cos 3x_2``, the target of the paper's experiment on the circle."""
    return (5 * t.cos()).sin() + (3 * t.sin()).cos()


def two_chart_target(t: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """``sin(t + 0.3) exp(cos(2t)/2)``: smooth, and with slope where two arcs meet."""
    return (t + 0.3).sin() * ((2 * t).cos() / 2).exp()


def rough_target(exponent: float, place: float = 0.3) -> Target:
    """``|sin(t − place)|^exponent``, Hölder-smooth of that order and no more (for an exponent below 2)."""
    return lambda t: (t - place).sin().abs() ** exponent


def harmonic_target(degree: int, generator: torch.Generator) -> Target:
    """A random trigonometric polynomial, of the size of a function with two derivatives."""
    k = torch.arange(1, degree + 1, dtype=torch.float64)
    weights = torch.randn(2, degree, generator=generator, dtype=torch.float64) / k**2
    return lambda t: (k * t[..., None]).cos() @ weights[0] + (k * t[..., None]).sin() @ weights[1]


def arc_scores(atlas: LinearAtlas, reach: float = 1.5) -> TwoLayer:
    """``τ_i = relu(⟨u_i, x⟩ − cos(reach · π/E))``: positive on the arc of `reach` half-widths about u_i."""
    return centre_scores(atlas, 0.5 - math.cos(reach * math.pi / len(atlas)))


def arc_functions(target: Target, charts: int, width: int, domain: float = 1.0) -> list[TwoLayer]:
    """The interpolants ``g_i`` on ``|s| ≤ sin(domain · π/E)``, m = `width` neurons each."""
    end = math.sin(min(domain * math.pi / charts, math.pi / 2))
    knots = torch.linspace(-end, end, width + 1, dtype=torch.float64)
    return [interpolate(knots, target(centre + knots.asin())) for centre in angles(charts, math.pi / charts)]


def circle_network(target: Target, charts: int, width: int, isometry: Float[Tensor, "D 2"]) -> MoE:
    """The depth-2 network for a target on the circle that `isometry` embeds."""
    atlas = circle_atlas(charts).embed(isometry)
    return atlas_network(atlas, arc_functions(target, charts, width), arc_scores(atlas))


@torch.no_grad()
def circle_error(
    network: MoE,
    target: Target,
    isometry: Float[Tensor, "D 2"],
    points: int = 4001,
    half_widths: float = 1.0,
    also: tuple[float, ...] = (),
) -> tuple[float, int]:
    """Sup error over equidistant points and the angles `also`, and how many are routed to a chart without them.

    A chart is the arc of `half_widths` times π/E on both sides of its centre. A point on the border of two arcs belongs
    to both; rounding moves it by less than 1e-9.
    """
    t = torch.cat([torch.linspace(0, 2 * math.pi, points, dtype=torch.float64), torch.tensor(also).double()])
    x = circle(t) @ isometry.T
    first, second = network
    state = first(x)
    charts = second.experts.count
    offset = t - angles(charts, math.pi / charts)[second.route(state)]
    outside = offset.cos() < math.cos(half_widths * math.pi / charts) - 1e-9
    return float((second(state)[:, 0] - target(t)).abs().max()), int(outside.sum())


def partition_scores(charts: int, segments: int, isometry: Float[Tensor, "D 2"], cut: float = 1.5) -> TwoLayer:
    """τ close to the partition of unity :func:`~.atlas.arc_partition`: ``segments + 1`` neurons a chart.

    ρ(t − c_i) is even in t − c_i, and so a function of the one number ``⟨u_i, x⟩ = cos(t − c_i)``, interpolated at
    equal steps of the angle between 0.5 and `cut` half-widths (1.5, where the support of ρ ends).
    """
    centres = circle_atlas(charts).centres @ isometry.T
    offset = torch.linspace(cut, 0.5, segments + 1, dtype=torch.float64) * math.pi / charts
    knots = torch.cat([offset.cos(), torch.ones(1, dtype=torch.float64)])
    values = arc_bump(torch.cat([offset * 1.5 / cut, torch.zeros(1, dtype=torch.float64)]), charts)
    ramp = interpolate(knots, values)
    inner = (centres.T[:, :, None] * ramp.inner[0]).flatten(1)
    outer = torch.block_diag(*[ramp.outer] * charts)
    return TwoLayer(inner, ramp.bias.repeat(charts), outer, ramp.constant.repeat(charts))


def arc_error(functions: list[TwoLayer], target: Target, half_widths: float, points: int = 4001) -> float:
    """``max_i sup |f − g_i ∘ φ_i|`` over the arcs of `half_widths` times π/E on both sides of the centres."""
    charts = len(functions)
    offset = torch.linspace(-half_widths, half_widths, points, dtype=torch.float64) * math.pi / charts
    centres = angles(charts, math.pi / charts)
    errors = [
        (net(offset.sin()[:, None])[:, 0] - target(centre + offset)).abs().max()
        for net, centre in zip(functions, centres, strict=True)
    ]
    return float(torch.stack(errors).max())
