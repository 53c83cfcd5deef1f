"""Theorem 1 with weights: from a continuous equivariant target to a network, and where its error comes from.

On ``K = [−1, 1]^{n×d}`` with c cells a coordinate (``δ = 2/c``), for an S_n-equivariant target F:

1. an FFN layer that quantises each coordinate to the left corner of its cell, constant but for a ramp in the last
   ``1 − α`` of each cell;
2. an FFN layer that shifts all tokens by one constant, so that none is zero;
3. attention, and one wide FFN layer that interpolates F on the grid samples, one of each orbit and no repeated tokens.

The error splits over disjoint parts of K as in the proof: on the plateaus of cells with distinct corner tokens there
remain the *continuity* of F over a cell and the *interpolation* on the grid; the cells with *repeated* corner tokens
and the *ramps* are small in measure, and nothing more is known there: the theorem is about L^p, not the supremum.

References
----------
uap: Theorem 1 and its proof, steps (b) to (d); uap sheet, section 4.4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lemmata.theory.uap.families import FAMILIES, AttentionFamily
from lemmata.theory.uap.interpolate import Interpolator, interpolate
from lemmata.theory.uap.network import FeedForwardLayer, Network
from lemmata.theory.uap.staircase import Staircase, Units, constant, negative

Target = Callable[[Tensor], Tensor]


def swirl(x: Float[Tensor, "*batch 2 2"]) -> Float[Tensor, "*batch 2 2"]:
    """The sheet's S_2-equivariant target: ``F_{tk} = sin(2 x_{tk'}) cos(x_{1k'} + x_{2k'}) + (x_{1k}² + x_{2k}²)/4``.

    k' is the other coordinate. The norm ``(E‖F‖²)^{1/2}`` over the cube is 1.2078.
    """
    turning = (2 * x).sin() * x.sum(-2, keepdim=True).cos()
    return turning.flip(-1) + 0.5 * x.square().mean(-2, keepdim=True)


@dataclass(frozen=True, eq=False)
class Approximator:
    """A network for a target on the cube, and the grid that it was built on.

    Attributes
    ----------
    network : Network
    cells : int
        c.
    ramp : float
        ``1 − α``, the share of a cell that its ramp takes.
    grid : float64 tensor, shape (N, n, d)
        Corner samples, one of each orbit, tokens distinct.
    interpolator : Interpolator
        The part after the shift, on the shifted grid.
    """

    network: Network
    cells: int
    ramp: float
    grid: Float[Tensor, "N n d"]
    interpolator: Interpolator

    def corner(self, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
        """The left corner of the cell of each coordinate."""
        width = 2 / self.cells
        return ((x + 1) / width).floor().clamp(0, self.cells - 1) * width - 1

    def on_ramp(self, x: Float[Tensor, "*batch n d"]) -> Bool[Tensor, "*batch"]:
        """Whether any coordinate lies on a ramp."""
        return ((x - self.corner(x) > (1 - self.ramp) * 2 / self.cells) & (x < 1 - 2 / self.cells)).flatten(-2).any(-1)


def approximate(
    target: Target,
    dim: int,
    tokens: int,
    cells: int,
    rng: np.random.Generator,
    ramp: float = 0.005,
    mixers: Sequence[AttentionFamily] = (FAMILIES["softmax"],),
    directions: int = 300,
) -> Approximator:
    """Build the network of Theorem 1 for an S_n-equivariant target on ``[−1, 1]^{tokens×dim}``.

    Parameters
    ----------
    target : callable
        (*batch, n, d) to the same shape, equivariant under permutations of the tokens.
    dim, tokens, cells : int
        d, n and c; the grid has ``C(c^d, n)`` samples.
    rng : numpy Generator
    ramp : float
        ``1 − α``.
    mixers : sequence of AttentionFamily
        S_n-equivariant ones.
    directions : int
        How many clocks are compared.

    Raises
    ------
    ValueError
        For a ramp outside of (0, 1), fewer than two cells, more tokens than corners, or what :func:`interpolate`
        refuses (d = 1).
    """
    if not 0 < ramp < 1:
        raise ValueError(f"ramp {ramp} is not between 0 and 1")
    if cells < 2 or cells**dim < tokens:
        raise ValueError(f"cells {cells}: there must be at least 2, with cells^d ≥ {tokens} tokens")
    corners = -1 + 2 / cells * np.indices((cells,) * dim).reshape(dim, -1).T
    grid = torch.from_numpy(corners[list(itertools.combinations(range(len(corners)), tokens))])
    shift = np.full(dim, 1 + 1 / cells)  # the least token, −1, comes to rest half a cell above 0
    built = interpolate(grid + torch.from_numpy(shift), target(grid), mixers, rng, directions=directions)
    first = [FeedForwardLayer(quantiser(dim, cells, ramp)), FeedForwardLayer(constant(shift))]
    return Approximator(Network([*first, *built.network]), cells, ramp, grid, built)


def quantiser(dim: int, cells: int, ramp: float) -> Units:
    """``x ↦ q(x) − x``, with q the staircase of each coordinate onto the left corners of its cells."""
    corners = -1 + 2 / cells * np.arange(cells)
    high = corners[1:]
    low = high - ramp * 2 / cells
    stairs = [Staircase(axis, low, high, corners[:, None] * axis).units() for axis in np.eye(dim)]
    return Units.join(negative(dim), *stairs)


# ----------------------------------------------------------------------------------------------------------- the error


@dataclass(frozen=True)
class ErrorSplit:
    """Root mean squares over points of the cube; each part counts as zero elsewhere.

    ``total² = good² + repeated² + ramp²`` and ``good ≤ continuity + interpolation``, so that the four terms of the
    proof add up to at least the total.

    Attributes
    ----------
    total, good : float
    continuity, interpolation, repeated, ramp : float
        The four terms.
    largest, largest_good : float
        Largest ``‖F̂ − F‖`` at a point, and at a point of a plateau with distinct corner tokens.
    norm : float
        Of F itself.
    """

    total: float
    good: float
    continuity: float
    interpolation: float
    repeated: float
    ramp: float
    largest: float
    largest_good: float
    norm: float

    @property
    def terms(self) -> dict[str, float]:
        """The four terms by name."""
        return {name: getattr(self, name) for name in ("continuity", "interpolation", "repeated", "ramp")}


@torch.no_grad()
def split_error(built: Approximator, target: Target, points: Float[Tensor, "count n d"]) -> ErrorSplit:
    """The error at points, uniform on the cube, and its four terms.

    Raises
    ------
    ValueError
        For no points, points of another shape than the approximator's samples, or not in float64.
    """
    if points.dtype != torch.float64 or not len(points) or points.shape[1:] != built.grid.shape[1:]:
        shape = tuple(built.grid.shape[1:])
        raise ValueError(f"points ({points.dtype}, {tuple(points.shape)}) must be float64 (count ≥ 1, *{shape})")
    chunk = max(1, 2**20 // (points.shape[1] * built.network.width))  # hidden activations that fit a cache
    output = torch.cat([built.network(part) for part in points.split(chunk)])
    value, corner = target(points), built.corner(points)
    on_ramp = built.on_ramp(points)
    repeated = ~on_ramp & repeats(corner)
    good = ~on_ramp & ~repeated
    distance = (output - value).flatten(-2).norm(dim=-1)

    def rms(lengths: Tensor, where: Tensor | None = None) -> float:
        return (lengths if where is None else lengths * where).square().mean().sqrt().item()

    at_corner = target(corner)
    return ErrorSplit(
        total=rms(distance),
        good=rms(distance, good),
        continuity=rms((at_corner - value).flatten(-2).norm(dim=-1), good),
        interpolation=rms((output - at_corner).flatten(-2).norm(dim=-1), good),
        repeated=rms(distance, repeated),
        ramp=rms(distance, on_ramp),
        largest=distance.max().item(),
        largest_good=(distance * good).max().item(),
        norm=rms(value.flatten(-2).norm(dim=-1)),
    )


def repeats(x: Float[Tensor, "*batch n d"]) -> Bool[Tensor, "*batch"]:
    """Whether two tokens are equal."""
    return (x[..., :, None, :] == x[..., None, :, :]).all(-1).sum((-1, -2)) > x.shape[-2]


def ramp_share(dim: int, tokens: int, cells: int, ramp: float) -> float:
    """Share of the cube with a coordinate on a ramp: ``1 − (1 − (1 − α)(c − 1)/c)^{dn}``; the last cell has no ramp."""
    return 1 - (1 - ramp * (cells - 1) / cells) ** (dim * tokens)


def repeated_share(dim: int, tokens: int, cells: int) -> float:
    """Share of the cube in cells with a repeated corner token: ``1 − Π_{k<n} (1 − k/c^d)``, of order δ^d."""
    return 1 - math.prod(1 - k / cells**dim for k in range(tokens))
