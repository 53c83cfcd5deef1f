r"""Rate against intrinsic dimension: targets that are equally rough everywhere, fitted chart by chart.

A smooth target would be learned at the fit's own best rate in any dimension. To see d, the target must be rough at
every place and scale: a random field on R^D,

    ``f(z) = Σ_j r_j^{-α} cos(⟨r_j w_j, z⟩ + θ_j)``, w_j uniform on the sphere, r_j log-uniform from 2 to 2000,

is Hölder-smooth of order α between these scales and no smoother, and so is its restriction to a d-dimensional
submanifold. Whatever depends on m numbers continuously approximates such functions no faster than ``m^{-α/d}`` (DeVore,
Howard and Micchelli 1989); fits of width m reach about that.

References
----------
moe_expressivity sheet, rows ME13 to ME15.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.approximator import single_layer, two_layer_experts
from lemmata.theory.moe_expressivity.atlas import (
    LinearAtlas,
    circle_atlas,
    icosahedron_axes,
    projective_atlas,
    sphere_atlas,
    torus_atlas,
)
from lemmata.theory.moe_expressivity.curve import curve_atlas
from lemmata.theory.moe_expressivity.fits import TwoLayer, fit
from lemmata.theory.moe_expressivity.layer import MoE
from lemmata.theory.moe_expressivity.manifolds import circle, curve, sphere, torus, veronese

Field = Callable[[Float[Tensor, "batch D"]], Float[Tensor, " batch"]]
"""A function on R^D."""

BATCH = 4_000  # points times waves in memory at once stay below 20 MB


def rough_field(order: float, dim: int, generator: torch.Generator, waves: int = 400) -> Field:
    """The random field of the top of this module, of unit variance. `order` is α."""
    direction = torch.randn(dim, waves, generator=generator, dtype=torch.float64)
    place = (torch.arange(waves) + torch.rand(waves, generator=generator, dtype=torch.float64)) / waves
    radius = 2 * 1000**place
    frequency = direction / direction.norm(dim=0) * radius
    phase = 2 * math.pi * torch.rand(waves, generator=generator, dtype=torch.float64)
    amplitude = radius**-order
    amplitude = amplitude * (2**0.5 / amplitude.norm())

    def value(z: Float[Tensor, "batch D"]) -> Float[Tensor, " batch"]:
        return torch.cat([(part @ frequency + phase).cos() @ amplitude for part in z.split(BATCH)])

    return value


def shell_field(dim: int, generator: torch.Generator) -> Field:
    """``| |z − q| − |q| |`` for a random q of norm 0.8: Lipschitz, with a crease along a sphere (a kink)."""
    centre = torch.randn(dim, generator=generator, dtype=torch.float64)
    centre = 0.8 * centre / centre.norm()
    return lambda z: ((z - centre).norm(dim=-1) - 0.8).abs()


def smooth_field(dim: int, generator: torch.Generator) -> Field:
    """``sin(3⟨a, z⟩) + cos(2⟨b, z⟩)⟨a, z⟩`` with random unit vectors a, b: analytic."""
    a, b = torch.randn(2, dim, generator=generator, dtype=torch.float64)
    a, b = a / a.norm(), b / b.norm()
    return lambda z: (3 * (z @ a)).sin() + (2 * (z @ b)).cos() * (z @ a)


def fit_functions(
    atlas: LinearAtlas,
    points: Float[Tensor, "batch D"],
    values: Float[Tensor, " batch"],
    width: int,
    generator: torch.Generator,
    margin: float = 0.05,
) -> list[TwoLayer]:
    """A fit of width m on each chart, from the points of its cell and those that miss it by less than `margin` (in the
    gate's score)."""
    scores = points @ atlas.centres.T - (atlas.centres**2).sum(-1) / 2
    behind = scores.amax(-1, keepdim=True) - scores
    functions = []
    for chart in range(len(atlas)):
        near = behind[:, chart] <= margin
        functions.append(fit(atlas.coordinates(points[near], chart), values[near, None], width, generator))
    return functions


def torus_chart_error(dim: int, width: int, target: Field, generator: torch.Generator) -> float:
    """Sup error on one chart of T^d (arcs of a quarter turn): 5,000 points to fit (on arcs 5 % longer), 7,000 more.

    The other charts are images of this one under rotations.
    """
    half = math.pi / 4
    t = half * (2 * torch.rand(12_000, dim, generator=generator, dtype=torch.float64) - 1)
    t[:5_000] *= 1.05
    values = target(torus(t))
    net = fit(t[:5_000].sin(), values[:5_000, None], width, generator)
    return float((net(t[5_000:].sin())[:, 0] - values[5_000:]).abs().max())


@dataclass(frozen=True, eq=False)
class Sample:
    """A target on a manifold: points to fit and points to measure on, in the span, with their values."""

    fitted: Float[Tensor, "fitted span"]
    fitted_values: Float[Tensor, " fitted"]
    held_out: Float[Tensor, "held_out span"]
    held_out_values: Float[Tensor, " held_out"]

    @classmethod
    def of(cls, target: Field, points: Float[Tensor, "batch span"], fitted: int) -> Sample:
        """The first `fitted` points are for the fit."""
        values = target(points)
        return cls(points[:fitted], values[:fitted], points[fitted:], values[fitted:])

    @torch.no_grad()
    def error(self, network: MoE, isometry: Float[Tensor, "ambient span"]) -> float:
        """Sup error of a network on R^D over the held-out points."""
        return float((network(self.held_out @ isometry.T)[:, 0] - self.held_out_values).abs().max())


def mixture(
    sample: Sample,
    atlas: LinearAtlas,
    width: int,
    isometry: Float[Tensor, "ambient span"],
    generator: torch.Generator,
    margin: float = 0.05,
) -> MoE:
    """The depth-1 network with fitted experts of width m on the embedded atlas; the fit sees the points in R^D."""
    moved = atlas.embed(isometry)
    points = sample.fitted @ isometry.T
    return single_layer(moved, fit_functions(moved, points, sample.fitted_values, width, generator, margin))


def dense(sample: Sample, width: int, isometry: Float[Tensor, "ambient span"], generator: torch.Generator) -> MoE:
    """A two-layer dense network of x in R^D (one expert, nothing to choose), fitted in the same way."""
    net = fit(sample.fitted @ isometry.T, sample.fitted_values[:, None], width, generator)
    return MoE([two_layer_experts([net], torch.zeros(1, len(isometry), dtype=torch.float64))])


def turns(count: int, dim: int, generator: torch.Generator) -> Float[Tensor, "count dim"]:
    """Independent uniform angles."""
    return 2 * math.pi * torch.rand(count, dim, generator=generator, dtype=torch.float64)


MANIFOLDS: dict[str, tuple[Callable[[], LinearAtlas], Callable[[int, torch.Generator], Tensor]]] = {
    "circle": (lambda: circle_atlas(5), lambda count, generator: circle(turns(count, 1, generator)[:, 0])),
    "torus": (lambda: torus_atlas(2), lambda count, generator: torus(turns(count, 2, generator))),
    "sphere": (sphere_atlas, sphere),
    "projective plane": (
        lambda: projective_atlas(icosahedron_axes()),
        lambda count, generator: veronese(sphere(count, generator)),
    ),
    "curve": (lambda: curve_atlas(16, 8), lambda count, generator: curve(turns(count, 1, generator)[:, 0], 16, 3.0)),
}
"""Atlas and random points of each manifold, in the span; all have centres of equal norm, as a linear gate needs."""
