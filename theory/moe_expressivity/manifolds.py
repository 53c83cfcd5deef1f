r"""Manifolds: parametrisations, isometric embeddings, and dense sets of points to measure on.

Each manifold lives in a space of small dimension (its *span*): circle in R², sphere in R³, torus T^d in R^{2d},
projective plane in R⁶ (Veronese, ``x ↦ x xᵀ``), and the curve

    ``γ(t) = (k^{-a} cos kt, k^{-a} sin kt)_{k ≤ D/2}``,

which uses every coordinate of R^D. A random isometry ``Q`` moves the span into R^D.

References
----------
moe_expressivity sheet, sections 4.2 and 6 (Experiment I); Federer, Curvature measures (1959), for the reach.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

PROJECTIVE_REACH = math.sqrt(0.5)
"""Reach of the Veronese projective plane. Every pair of points lies on a planar circle of radius 1/√2 whose tangent is
one of the surface, so that Federer's quotient ``|y − x|² / (2 dist(y − x, T_x))`` is 1/√2 for all pairs."""


def isometry(span: int, ambient: int, generator: torch.Generator) -> Float[Tensor, "ambient span"]:
    """Orthonormal columns, uniformly distributed: ``x = Q z`` embeds R^span isometrically in R^ambient.

    Raises
    ------
    ValueError
        If the ambient dimension is below that of the span.
    """
    if ambient < span:
        raise ValueError(f"ambient dimension {ambient} is below {span}, that of the span")
    gaussian = torch.randn(ambient, span, generator=generator, dtype=torch.float64)
    orthonormal, triangular = torch.linalg.qr(gaussian)
    return orthonormal * triangular.diagonal().sign()


def angles(count: int, start: float = 0.0) -> Float[Tensor, " count"]:
    """`count` equidistant angles of a full turn."""
    return start + torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)


def circle(t: Float[Tensor, " batch"]) -> Float[Tensor, "batch 2"]:
    """``(cos t, sin t)``."""
    return torch.stack([t.cos(), t.sin()], -1)


def torus(t: Float[Tensor, "batch d"]) -> Float[Tensor, "batch 2*d"]:
    """The product of d unit circles in R^{2d}: ``(cos t_1, sin t_1, …, cos t_d, sin t_d)``."""
    return torch.stack([t.cos(), t.sin()], -1).flatten(1)


def sphere(count: int, generator: torch.Generator, dim: int = 3) -> Float[Tensor, "count dim"]:
    """Uniform points of the unit sphere in R^dim."""
    gaussian = torch.randn(count, dim, generator=generator, dtype=torch.float64)
    return gaussian / gaussian.norm(dim=-1, keepdim=True)


def veronese(x: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 6"]:
    """``x xᵀ`` in coordinates in which the Euclidean is the Frobenius norm; x and −x are the same point."""
    root = math.sqrt(2)
    a, b, c = x.unbind(-1)
    return torch.stack([a * a, b * b, c * c, root * a * b, root * a * c, root * b * c], -1)


def curve(t: Float[Tensor, "*batch"], ambient: int, decay: float) -> Float[Tensor, "*batch ambient"]:
    """``γ(t)`` with a = `decay`, see the top of this module. ValueError if `ambient` is odd or below 2."""
    if ambient < 2 or ambient % 2:
        raise ValueError(f"ambient dimension {ambient} is not an even number from 2 on")
    k = torch.arange(1, ambient // 2 + 1, dtype=t.dtype)
    angle = k * t[..., None]
    return torch.cat([angle.cos(), angle.sin()], -1) / torch.cat([k, k]) ** decay


def curve_velocity(t: Float[Tensor, "*batch"], ambient: int, decay: float) -> Float[Tensor, "*batch ambient"]:
    """``γ'(t)``. Its norm does not depend on t: a shift of t is a rotation of R^D."""
    k = torch.arange(1, ambient // 2 + 1, dtype=t.dtype)
    angle = k * t[..., None]
    return torch.cat([-angle.sin(), angle.cos()], -1) / torch.cat([k, k]) ** (decay - 1)


def ring(t: Float[Tensor, "batch 2"], radius: float = 2.0, minor: float = 1.0) -> Float[Tensor, "batch 3"]:
    """The torus of revolution in R³; its reach is ``min(minor, radius − minor)``."""
    u, v = t.unbind(-1)
    out = radius + minor * v.cos()
    return torch.stack([out * u.cos(), out * u.sin(), minor * v.sin()], -1)


def ring_frame(t: Float[Tensor, "batch 2"]) -> Float[Tensor, "batch 2 3"]:
    """Orthonormal tangent vectors of :func:`ring` along u and v."""
    u, v = t.unbind(-1)
    zero = torch.zeros_like(u)
    along_u = torch.stack([-u.sin(), u.cos(), zero], -1)
    along_v = torch.stack([-v.sin() * u.cos(), -v.sin() * u.sin(), v.cos()], -1)
    return torch.stack([along_u, along_v], 1)
