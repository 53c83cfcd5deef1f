"""Interpolation by a transformer, with weights: Proposition 1 of the paper made explicit.

1. *Distinguish.* Draw the weights of the attention layers, and keep the draw with the largest distance between any two
   tokens of the samples. By Theorem 2 almost every draw makes all of them distinct.
2. *Steer.* FFN layers carry the M distinct tokens to their targets, by staircases along a clock:

   * wide: one layer ``h(x) = st_y(p·x) − x`` of width ``1 + 2(M − 1) + 2d``;
   * narrow: layers of width d only. Sweep 1 has clock p and increments ``(I − pp^T)(y_k − u_k)``, which leave the clock
     as it is and turn everything orthogonal to it into the target; sweep 2 has a clock ``w ⟂ p``, which now reads
     ``w·y_k``, and increments along p. Targets that w does not tell apart are moved by multiples of `tie` along w.

References
----------
uap: Proposition 1, Theorems 1 and 2; uap sheet, section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from torch import Tensor

from lemmata.theory.uap.families import AttentionFamily, Parameters
from lemmata.theory.uap.network import FeedForwardLayer, Mixer, Network
from lemmata.theory.uap.staircase import RISE, Staircase, Units, narrow_depth, negative, smallest_gap, spread

#: Tokens nearer than this after the attention layers count as equal: rounding leaves 1e-15, generic draws 1e-4 or more.
INDISTINCT = 1e-10


@dataclass(frozen=True, eq=False)
class Interpolator:
    """A network that takes samples to targets, and what it is made of.

    Attributes
    ----------
    network : Network
    form : ``"wide"`` or ``"narrow"``
    token_gap : float
        Least distance between two tokens after the attention layers.
    clock_gap : float
        Least distance between two values of a clock, over all sweeps; rounding errors grow as its inverse.
    error : float
        Largest deviation from a target, in float64. For a proof see :mod:`lemmata.theory.uap.enclosure`.
    """

    network: Network
    form: str
    token_gap: float
    clock_gap: float
    error: float

    @property
    def width(self) -> int:
        """The most hidden units of a layer."""
        return self.network.width

    @property
    def depth(self) -> int:
        """Number of FFN layers."""
        return len(self.network.feed_forward)


def interpolate(
    samples: Float[Tensor, "N n d"],
    targets: Float[Tensor, "N n d"],
    mixers: Sequence[AttentionFamily],
    rng: np.random.Generator,
    form: str = "wide",
    scale: float = 0.7,
    draws: int = 32,
    directions: int = 1000,
    tie: float = 1e-6,
    rise: tuple[float, float] = RISE,
) -> Interpolator:
    """A network with ``network(samples[i]) = targets[i]`` up to rounding (and, where it has to break ties, `tie`).

    Parameters
    ----------
    samples, targets : float64 tensors, shape (N, n, d)
        For mixers with a symmetry, one sample of each orbit: the network is equivariant by itself.
    mixers : sequence of AttentionFamily
        The families of the attention layers, in order. Any will do; for a proof of the error afterwards they must be of
        those that :func:`lemmata.theory.uap.enclosure.mix` encloses.
    rng : numpy Generator
    form : ``"wide"`` or ``"narrow"``
    scale, draws
        Standard deviation of the attention weights, and how many draws are compared.
    directions : int
        How many clocks are compared.
    tie : float
        Least distance of two clock values in the narrow form's second sweep.
    rise : pair of float
        Where a ramp lies between two clock values; (0, 1) is plain linear interpolation, without plateaus.

    Raises
    ------
    ValueError
        For d = 1, shapes that differ, no mixer or a family that is not in a sequence, an unknown form, no draws or
        directions, a scale or tie that is not positive, a sample with a repeated token (not in general position) or a
        zero token, or mixers that leave two tokens of the samples equal.
    """
    _refuse(samples, targets, mixers, form)
    for name, value in (("draws", draws), ("directions", directions)):
        if value < 1:
            raise ValueError(f"{name} {value} is not at least 1")
    for name, number in (("tie", tie), ("scale", scale)):
        if not 0 < number < float("inf"):
            raise ValueError(f"{name} {number} is not positive and finite")
    parameters, mixed, gap = distinguish(samples, mixers, rng, scale, draws)
    tokens, values = mixed.flatten(0, 1).numpy(), targets.flatten(0, 1).numpy()
    if form == "wide":
        units, clock_gap = wide(tokens, values, rng, directions, rise)
        layers = [units]
    else:
        layers, clock_gap = narrow(tokens, values, rng, directions, tie, rise)
    attention = [Mixer(family, weights) for family, weights in zip(mixers, parameters, strict=True)]
    network = Network([*attention, *map(FeedForwardLayer, layers)])
    with torch.no_grad():
        error = (network(samples) - targets).abs().max().item()
    return Interpolator(network, form, gap, clock_gap, error)


def distinguish(
    samples: Float[Tensor, "N n d"],
    mixers: Sequence[AttentionFamily],
    rng: np.random.Generator,
    scale: float = 0.7,
    draws: int = 32,
) -> tuple[list[Parameters], Float[Tensor, "N n d"], float]:
    """The draw of attention weights that keeps tokens furthest apart.

    Returns
    -------
    list of Parameters
        For each layer, with a leading dimension of 1.
    float64 tensor, shape (N, n, d)
        The samples after the layers.
    float
        Least distance between two of their tokens.

    Raises
    ------
    ValueError
        If two tokens stay equal in every draw.
    """
    _, n, dim = samples.shape
    best: tuple[list[Parameters], Tensor, float] = ([], samples, -1.0)
    for _ in range(draws):
        x, drawn = samples[None], []
        for family in mixers:
            drawn.append(family.sample(rng, dim, n, scale, 1))
            x = x + family.apply(drawn[-1], x)
        gap = token_gap(x[0].flatten(0, 1).numpy())
        if gap > best[2]:
            best = (drawn, x[0], gap)
    if best[2] < INDISTINCT:
        names = ", ".join(family.name for family in mixers)
        raise ValueError(
            f"mixers ({names}) do not distinguish the samples: two tokens stay within {best[2]:.1e} in {draws} draws; "
            "drop samples of one orbit, connect the pattern, or add layers"
        )
    return best


def token_gap(tokens: Float[np.ndarray, "M d"]) -> float:
    """Least distance between two of the M tokens."""
    return float(cKDTree(tokens).query(tokens, k=2)[0][:, 1].min())


def wide(
    tokens: Float[np.ndarray, "M d"],
    targets: Float[np.ndarray, "M d"],
    rng: np.random.Generator,
    directions: int,
    rise: tuple[float, float] = RISE,
) -> tuple[Units, float]:
    """One layer ``st(p·x) − x`` from tokens to targets, and its clock gap."""
    candidates = _orthonormal(rng, directions, tokens.shape[1])[:, 0]
    gaps = smallest_gap(candidates @ tokens.T)
    stairs = Staircase.through(candidates[gaps.argmax()], tokens, targets, rise)
    return Units.join(stairs.units(), negative(tokens.shape[1])), gaps.max().item()


def narrow(
    tokens: Float[np.ndarray, "M d"],
    targets: Float[np.ndarray, "M d"],
    rng: np.random.Generator,
    directions: int,
    tie: float,
    rise: tuple[float, float] = RISE,
) -> tuple[list[Units], float]:
    """Two sweeps of layers of width d, and their clock gap."""
    candidates = _orthonormal(rng, directions, tokens.shape[1])
    first = smallest_gap(candidates[:, 0] @ tokens.T)
    second = smallest_gap(candidates[:, 1] @ np.unique(targets, axis=0).T)  # equal targets tie in every direction
    p, w = candidates[np.minimum(first, second).argmax()]
    aims = targets + np.outer(spread(targets @ w, tie) - targets @ w, w)
    across = aims - tokens
    along = across @ p
    turned = tokens + across - np.outer(along, p)  # after sweep 1: the target but for its share along p
    sweeps = [
        Staircase.through(p, tokens, across - np.outer(along, p), rise),
        Staircase.through(w, turned, np.outer(along, p), rise),
    ]
    gap = min(smallest_gap(tokens @ p), smallest_gap(turned @ w))
    return [units for stairs in sweeps for units in stairs.layers()], gap.item()


def depth(samples: int, tokens: int, dim: int) -> int:
    """FFN layers of the narrow form: two sweeps over ``M = samples · tokens`` tokens."""
    return 2 * narrow_depth(samples * tokens, dim)


def _orthonormal(rng: np.random.Generator, count: int, dim: int) -> Float[np.ndarray, "count 2 d"]:
    """`count` random pairs of orthonormal vectors."""
    p, w = rng.standard_normal((2, count, dim))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    w -= (p * w).sum(1, keepdims=True) * p
    return np.stack([p, w / np.linalg.norm(w, axis=1, keepdims=True)], 1)


def _refuse(samples: Tensor, targets: Tensor, mixers: Sequence[AttentionFamily], form: str) -> None:
    if form not in ("wide", "narrow"):
        raise ValueError(f"form {form!r} is not one of wide, narrow")
    if isinstance(mixers, AttentionFamily):
        raise ValueError(f"mixers is the one family {mixers.name!r}; it must be a sequence, such as [family]")
    if not mixers:
        raise ValueError("mixers is empty; at least one attention layer has to distinguish the samples")
    if samples.ndim != 3 or samples.shape != targets.shape or not samples.numel():
        raise ValueError(f"samples {tuple(samples.shape)} and targets {tuple(targets.shape)} must both be (N, n, d)")
    if samples.dtype != torch.float64 or targets.dtype != torch.float64:
        raise ValueError(f"samples ({samples.dtype}) and targets ({targets.dtype}) must be float64")
    if samples.shape[-1] < 2:
        raise ValueError(
            "samples have tokens of dimension d = 1; the theory needs d ≥ 2, since flows on a line keep order"
        )
    if not (samples.isfinite().all() and targets.isfinite().all()):
        raise ValueError("samples or targets are not finite")
    zero = (samples == 0).all(-1).any(-1).nonzero()
    if len(zero):
        raise ValueError(f"samples[{zero[0].item()}] has a zero token, which attends uniformly: shift all tokens first")
    same = (samples[:, :, None] == samples[:, None]).all(-1).sum((1, 2)) > samples.shape[1]
    if same.any():
        raise ValueError(f"samples[{same.nonzero()[0].item()}] repeats a token: it is not in general position")
