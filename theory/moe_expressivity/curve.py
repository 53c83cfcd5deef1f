r"""Construction A on a closed curve that uses every coordinate of R^D.

``γ(t) = (k^{-a} cos kt, k^{-a} sin kt)_{k ≤ D/2}`` is the orbit of a point under rotations of R^D, so that E equal arcs
are images of one another. The chart of an arc is the projection onto the tangent at its middle,

    ``φ(δ) = Σ_k k^{1-2a} sin kδ / |γ'|``, ``φ'(δ) = Σ_k k^{2-2a} cos kδ / |γ'|``.

For a = 3 the curve has bounded curvature and the arcs can be chosen once for all D. For a = 1, φ' is Dirichlet's
kernel, whose first zero is at ``δ = π/(D/2 + 1)``: linear charts need more than ``D/2 + 1`` equal arcs, so that the
ambient dimension comes back in the number of experts.

References
----------
moe_expressivity sheet, section 6 (Experiment I, the curve); the count of charts is derived here.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.approximator import single_layer
from lemmata.theory.moe_expressivity.atlas import LinearAtlas
from lemmata.theory.moe_expressivity.circle import Target
from lemmata.theory.moe_expressivity.fits import TwoLayer, interpolate
from lemmata.theory.moe_expressivity.layer import MoE
from lemmata.theory.moe_expressivity.manifolds import angles, curve, curve_velocity


def curve_atlas(ambient: int, charts: int, decay: float = 3.0) -> LinearAtlas:
    """E equal arcs of γ with their tangents; arc centres as on the circle."""
    centre = angles(charts, math.pi / charts)
    velocity = curve_velocity(centre, ambient, decay)
    return LinearAtlas(curve(centre, ambient, decay), velocity[:, None] / velocity.norm(dim=-1)[:, None, None])


def chart_of_offset(offset: Float[Tensor, "*batch"], ambient: int, decay: float) -> Float[Tensor, "*batch"]:
    """``φ(δ)``."""
    k = torch.arange(1, ambient // 2 + 1, dtype=torch.float64)
    return (k * offset[..., None]).sin() @ k ** (1 - 2 * decay) / (k ** (2 - 2 * decay)).sum().sqrt()


def offset_of_chart(
    s: Float[Tensor, " batch"], end: float, ambient: int, decay: float, steps: int = 60
) -> Float[Tensor, " batch"]:
    """``φ^{-1}(s)`` in ``[−end, end]`` by bisection; φ has to increase there."""
    low, high = torch.full_like(s, -end), torch.full_like(s, end)
    for _ in range(steps):
        middle = (low + high) / 2
        below = chart_of_offset(middle, ambient, decay) < s
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def curve_network(target: Target, ambient: int, charts: int, width: int, decay: float = 3.0) -> MoE:
    """The depth-1 network (all centres have one norm) with interpolating experts of width m."""
    end = math.pi / charts
    limit = float(chart_of_offset(torch.tensor(end, dtype=torch.float64), ambient, decay))
    knots = torch.linspace(-limit, limit, width + 1, dtype=torch.float64)
    offset = offset_of_chart(knots, end, ambient, decay)
    functions: list[TwoLayer] = [interpolate(knots, target(centre + offset)) for centre in angles(charts, end)]
    return single_layer(curve_atlas(ambient, charts, decay), functions)


@torch.no_grad()
def curve_error(network: MoE, target: Target, ambient: int, decay: float = 3.0, points: int = 4001) -> float:
    """Sup error over equidistant parameters."""
    t = torch.linspace(0, 2 * math.pi, points, dtype=torch.float64)
    return float((network(curve(t, ambient, decay))[:, 0] - target(t)).abs().max())


def least_charts(ambient: int, decay: float, most: int = 1_000, points: int = 400) -> int:
    """The least number of equal arcs on which ``φ' > 0`` up to the ends, over `points` offsets; 0 if above `most`."""
    k = torch.arange(1, ambient // 2 + 1, dtype=torch.float64)
    place = torch.linspace(0, 1, points, dtype=torch.float64)
    for charts in range(2, most + 1):
        slope = (k * (place * math.pi / charts)[:, None]).cos() @ k ** (2 - 2 * decay)
        if bool((slope > 1e-9 * slope[0]).all()):
            return charts
    return 0
