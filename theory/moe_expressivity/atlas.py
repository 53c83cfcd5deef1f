r"""Atlases of linear charts, and the lemma that makes the assignment exact.

A *highly regular* atlas (the paper's Example 4.6) has affine charts ``φ_i(x) = F_i (x − p_i)``, F_i an orthonormal
frame of the tangent space at p_i, on the part U_i of the manifold near p_i. Points may go to the nearest centre:

    ``argmin_i |x − p_i| = argmax_i (⟨p_i, x⟩ − |p_i|²/2)``,

an affine gate, and a linear one where all centres have the same norm.

*Exact assignment.* Let ``ρ_i ≥ 0`` vanish outside of U_i and sum to 1, at most ν of them be positive at a point, and
``|τ_i − ρ_i| ≤ ε``. If ``ε < 1/(2ν)`` then ``x ∈ U_{argmax τ(x)}``: some ρ_j ≥ 1/ν, so that the largest τ is at least
``1/ν − ε > ε``, and τ_i ≤ ε where ρ_i = 0. For ``ε > 1/(2ν)`` it fails (:func:`counterexample`).

*Reach.* Within distance r of p_i on a manifold of reach R, the chord between two points makes an angle of at most
``2 arcsin(r/2R) + arcsin(r/R)`` with the tangent space at p_i, so that φ_i is injective there and its inverse has
Lipschitz constant at most one over the cosine (:func:`inverse_lipschitz_bound`).

References
----------
moe_expressivity sheet, sections 3 and 4.1; Federer (1959), theorem 4.8; Boissonnat, Lieutier and Wintraecken (2019) for
the angle between tangent spaces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lemmata.theory.moe_expressivity.manifolds import angles, circle, torus, veronese


@dataclass(frozen=True, eq=False)
class LinearAtlas:
    """Affine charts ``φ_i(x) = F_i (x − p_i)``.

    Attributes
    ----------
    centres : shape (E, D)
        ``p_i``.
    frames : shape (E, d, D)
        ``F_i``, orthonormal rows.
    """

    centres: Float[Tensor, "charts D"]
    frames: Float[Tensor, "charts d D"]

    def __len__(self) -> int:
        """E."""
        return len(self.centres)

    def coordinates(self, x: Float[Tensor, "batch D"], chart: int) -> Float[Tensor, "batch d"]:
        """``φ_i(x)``."""
        return (x - self.centres[chart]) @ self.frames[chart].T

    def nearest(self, x: Float[Tensor, "batch D"]) -> Int[Tensor, " batch"]:
        """Index of the nearest centre, by distances (the gate's scores are compared with it)."""
        return torch.cdist(x, self.centres, compute_mode="donot_use_mm_for_euclid_dist").argmin(-1)

    def embed(self, isometry: Float[Tensor, "ambient D"]) -> LinearAtlas:
        """The same atlas of the manifold moved by ``x ↦ Q x``."""
        return LinearAtlas(self.centres @ isometry.T, self.frames @ isometry.T)


def circle_atlas(charts: int) -> LinearAtlas:
    """E equal arcs with centres ``c_i = 2π(i − 1/2)/E``; ``φ_i(x) = sin(t − c_i)``. At least 2 charts."""
    if charts < 2 or charts != int(charts):
        raise ValueError(f"charts {charts} is not a whole number from 2 on")
    centre = angles(charts, math.pi / charts)
    return LinearAtlas(circle(centre), circle(centre + math.pi / 2)[:, None])


def torus_atlas(dim: int, arcs: int = 4) -> LinearAtlas:
    """Products of arcs: ``arcs^dim`` charts of T^dim, numbered with the last factor fastest."""
    if dim < 1:
        raise ValueError(f"dim {dim} is not at least 1")
    arc = circle_atlas(arcs)
    number = torch.cartesian_prod(*[torch.arange(arcs)] * dim).reshape(-1, dim)
    frames = torch.zeros(len(number), dim, 2 * dim, dtype=torch.float64)
    for factor in range(dim):
        frames[:, factor, 2 * factor : 2 * factor + 2] = arc.frames[number[:, factor], 0]
    return LinearAtlas(torus(angles(arcs, math.pi / arcs)[number]), frames)


def sphere_atlas() -> LinearAtlas:
    """Six charts of S²: centres ±e_i, each dropping the coordinate i."""
    unit = torch.eye(3, dtype=torch.float64)
    frames = torch.stack([unit[[1, 2]], unit[[0, 2]], unit[[0, 1]]])
    return LinearAtlas(torch.cat([unit, -unit]), torch.cat([frames, frames]))


def tangent_atlas(centres: Float[Tensor, "charts D"]) -> LinearAtlas:
    """Charts of the unit sphere at any unit vectors: projections onto the tangent planes."""
    return LinearAtlas(centres, torch.linalg.svd(centres[:, None], full_matrices=True).Vh[:, 1:])


def icosahedron_axes() -> Float[Tensor, "6 3"]:
    """Unit vectors along the six five-fold axes; every line is within 37.38° of one."""
    golden = (1 + math.sqrt(5)) / 2
    axes = torch.tensor(
        [[0, 1, golden], [0, 1, -golden], [1, golden, 0], [1, -golden, 0], [golden, 0, 1], [golden, 0, -1]],
        dtype=torch.float64,
    )
    return axes / axes.norm(dim=-1, keepdim=True)


def projective_atlas(axes: Float[Tensor, "charts 3"]) -> LinearAtlas:
    """Charts of the Veronese projective plane: projections onto the tangent planes at ``c cᵀ``, c the given lines.

    ``⟨c cᵀ, x xᵀ⟩ = ⟨c, x⟩²``: the nearest centre belongs to the nearest line.
    """
    # Tangent vectors at c cᵀ are (c vᵀ + v cᵀ)/√2 with v ⟂ c; polarisation gets them from the Veronese map itself.
    orthogonal = torch.linalg.svd(axes[:, None], full_matrices=True).Vh[:, 1:]
    both = veronese((axes[:, None] + orthogonal).flatten(0, 1)) - veronese((axes[:, None] - orthogonal).flatten(0, 1))
    return LinearAtlas(veronese(axes), both.reshape(len(axes), 2, 6) / (2 * math.sqrt(2)))


def farthest_points(points: Float[Tensor, "batch D"], radius: float) -> Int[Tensor, " chosen"]:
    """Indices of points, each the farthest from those before it, until every point is within `radius` of one."""
    chosen = [0]
    distance = (points - points[0]).norm(dim=-1)
    while float(distance.max()) > radius:
        chosen.append(int(distance.argmax()))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).norm(dim=-1))
    return torch.tensor(chosen)


# ------------------------------------------------------------------------------------------------ exact assignment


def threshold(overlap: int) -> float:
    """``1/(2ν)``: errors of the partition functions below it leave the assignment exact."""
    if overlap < 1:
        raise ValueError(f"overlap {overlap} is not at least 1")
    return 1 / (2 * overlap)


def misassigned(
    partition: Float[Tensor, "batch charts"], approximate: Float[Tensor, "batch charts"]
) -> Bool[Tensor, " batch"]:
    """Where ``argmax τ`` is a chart in which ρ vanishes: the point is not in it."""
    return partition.gather(-1, approximate.argmax(-1, keepdim=True))[:, 0] <= 0


def counterexample(overlap: int, error: float) -> tuple[Float[Tensor, "1 charts"], Float[Tensor, "1 charts"]]:
    """(ρ, τ) with ``|τ − ρ| = error`` everywhere: ρ = (0, 1/ν, …, 1/ν), shifts (+, −, …, −).

    The chart that does not contain the point wins if ``error ≥ 1/(2ν)``.
    """
    partition = torch.full((1, overlap + 1), 1 / overlap, dtype=torch.float64)
    partition[0, 0] = 0
    shift = torch.full_like(partition, -error)
    shift[0, 0] = error
    return partition, partition + shift


def smooth_step(x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """0 below 0, 1 above 1, of class C^∞, and ``S(x) + S(1 − x) = 1``."""
    inside = x.clamp(1e-9, 1 - 1e-9)  # so that no exponent overflows; the ends are set below
    value = torch.sigmoid(1 / (1 - inside) - 1 / inside)
    return torch.where(x <= 0, torch.zeros_like(x), torch.where(x >= 1, torch.ones_like(x), value))


def arc_bump(offset: Float[Tensor, "*batch"], charts: int) -> Float[Tensor, "*batch"]:
    """ρ(t − c_i) on the circle: 1 up to half an arc's half-width π/E, 0 beyond one and a half; ν = 2, Σ_i ρ_i = 1."""
    return 1 - smooth_step(offset.abs() * charts / math.pi - 0.5)


def arc_partition(t: Float[Tensor, " batch"], charts: int) -> Float[Tensor, "batch charts"]:
    """The partition of unity ``ρ_i(t) = ρ(t − c_i)`` subordinate to the circle's arcs of half-width 1.5 π/E."""
    offset = t[:, None] - angles(charts, math.pi / charts)
    return arc_bump(torch.remainder(offset + math.pi, 2 * math.pi) - math.pi, charts)


# ----------------------------------------------------------------------------------------------------------- reach


def inverse_lipschitz_bound(ratio: float) -> float:
    """Bound of the Lipschitz constant of ``φ_i^{-1}`` on a ball of radius `ratio` times the reach.

    Raises
    ------
    ValueError
        If the angle reaches 90°, that is from the ratio √3 − 1 = 0.732… on.
    """
    angle = 2 * math.asin(ratio / 2) + math.asin(ratio) if 0 < ratio < 1 else math.pi
    if angle >= math.pi / 2:
        raise ValueError(f"ratio {ratio} of radius to reach is not in (0, 0.73), where projections are injective")
    return 1 / math.cos(angle)


def inverse_lipschitz(
    atlas: LinearAtlas, points: Float[Tensor, "batch D"], radius: float
) -> tuple[Float[Tensor, " charts"], int]:
    """Largest ``|x − y| / |φ_i(x) − φ_i(y)|`` over pairs within `radius` of each centre, and the number of pairs."""
    largest, pairs = torch.zeros(len(atlas), dtype=torch.float64), 0
    for chart in range(len(atlas)):
        near = points[(points - atlas.centres[chart]).norm(dim=-1) <= radius]
        image = atlas.coordinates(near, chart)
        apart = torch.pdist(near)
        largest[chart] = (apart / torch.pdist(image)).max() if len(near) > 1 else 1.0
        pairs += len(apart)
    return largest, pairs
