"""Definition 3 by random witnesses: does a family distinguish X and Y with m layers, and by which margin?

By analyticity in the parameters, one draw separates with probability 1 if any does. What remains is float64: at a large
scale of queries and keys the softmax saturates and the gap falls below rounding although it is not zero. Queries and
keys are therefore drawn relative to the size of the tokens, so that c·X is searched as X is, and a search says
"indistinguishable" only where neither the scale nor the tokens could hide a gap.

References
----------
uap: Definition 3, Theorem 2; uap sheet, sections 4.1 and 11.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.families import (
    AttentionFamily,
    BiasMixer,
    CircularConvolution,
    FeedForward,
    KernelAttention,
    Linformer,
    Parameters,
    Rng,
)

DISTINCT = 1e-8  # a relative gap above this is no rounding
ROUNDING = 1e-12  # a relative gap below this may be: measured at most 1.3e-15 over four layers where it is zero
SCALE = 0.7  # standard deviation of the parameters; the gap collapses from about 3 on
SAFE_SCALES = (0.1, 1.0)  # where a gap neither collapses nor drowns in the residual
RESOLVED = 1e-4  # tokens, and differences of tokens, below this share of the largest entry may be lost in rounding
PAIRS_AT_ONCE = 1 << 24  # pairs of tokens in memory

#: Families that map c·X to c times what they make of X, once these parameters are multiplied by a power of c.
HOMOGENEOUS = (KernelAttention, Linformer, BiasMixer, FeedForward, CircularConvolution)
POWERS = {"query": -1, "key": -1, "weight": -1, "input": -1, "amplitude": 1, "output": 1}

Layers = AttentionFamily | Sequence[AttentionFamily]
Samples = Tensor | np.ndarray


class CollapseWarning(UserWarning):
    """The parameters are so large that float64 hides the gap."""


class Verdict(StrEnum):
    """What a search found."""

    DISTINGUISHED = "distinguished"
    INDISTINGUISHABLE = "indistinguishable"  # every draw's gap is at the level of rounding, and no collapse explains it
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class Witness:
    """The best draw of a search.

    Attributes
    ----------
    verdict : Verdict
    margin : float
        Least max-norm distance between two of the tokens, over all samples, divided by ``max(|X|_∞, |Y|_∞)``.
    closest : pair of (sample, token)
        Where the margin is attained.
    parameters : tuple of mappings
        The draw's parameters, one mapping a layer, tensors without the leading dimension of draws.
    draw, seed, scale
        ``search`` with this seed and scale has these parameters at index `draw`; no seed where it was a generator.
    gaps : float64 tensor, shape (draws,)
        The margin of every draw.
    """

    verdict: Verdict
    margin: float
    closest: tuple[tuple[int, int], tuple[int, int]]
    parameters: tuple[Parameters, ...]
    draw: int
    seed: int | None
    scale: float
    gaps: Float[Tensor, " draws"]

    @property
    def collapsed(self) -> float:
        """Share of the draws with a gap at the level of rounding."""
        return float((self.gaps <= ROUNDING).double().mean())

    @property
    def distinguished(self) -> bool:
        """Whether the verdict is that."""
        return self.verdict is Verdict.DISTINGUISHED


def distinguishes(
    family: Layers,
    x: Samples,
    y: Samples,
    layers: int = 1,
    *,
    draws: int = 64,
    scale: float = SCALE,
    seed: int = 0,
) -> Witness:
    """Whether a family distinguishes X and Y with that many layers, and the parameters that do.

    Parameters
    ----------
    family : AttentionFamily, or a sequence of them
        One for all layers, or one a layer.
    x, y : float arrays or tensors, shape (n, d)
        Samples in general position, tokens as rows.
    layers : int
    draws : int
        Random parameters that are tried.
    scale : float
        Their standard deviation, for tokens of the norm of a standard normal one in the plane; see :func:`token_size`.
    seed : int

    Returns
    -------
    Witness

    Raises
    ------
    ValueError
        For inputs that the theory leaves out: d = 1, a zero token, two equal tokens in a sample, x equal to y; and for
        what :func:`search` refuses.

    Warns
    -----
    CollapseWarning
        Where draws' gaps are at the level of rounding and fewer are at the scale 0.7, or a quarter of it. If no draw
        separates, the verdict is that of the repeated search.

    References
    ----------
    uap: Definition 3 and Theorem 2.
    """
    samples = torch.stack([as_sample("x", x), as_sample("y", y)]) if np.shape(x) == np.shape(y) else None
    if samples is None:
        raise ValueError(f"x and y have shapes {tuple(np.shape(x))} and {tuple(np.shape(y))}; they must agree")
    check_samples(samples, ("x", "y"))
    found = search(family, samples, layers, draws=draws, scale=scale, seed=seed)
    collapsed = found.collapsed
    for other in (SCALE, SCALE / 4):
        if not collapsed or other == scale:
            continue
        again = search(family, samples, layers, draws=draws, scale=other, seed=seed)
        fewer = again.collapsed < collapsed
        report = f"scale {scale:g}: {collapsed:.0%} of the draws have a gap below {ROUNDING:g}"
        if not found.distinguished and (fewer or found.verdict is Verdict.UNDECIDED):
            found, report = again, f"{report}; searched again at scale {other:g}"
        if fewer:
            warnings.warn(report, CollapseWarning, stacklevel=2)
            break
    return found


def as_sample(name: str, sample: Samples) -> Float[Tensor, "n d"]:
    """A sample as a float64 tensor of shape (n, d). ValueError for another shape, or numbers that are not finite."""
    tensor = torch.as_tensor(sample, dtype=torch.float64)
    if tensor.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}, not (tokens, dim)")
    if not tensor.isfinite().all():
        raise ValueError(f"{name} has numbers that are not finite")
    return tensor


def check_samples(samples: Float[Tensor, "samples n d"], names: Sequence[str] = ()) -> None:
    """Refuse what the theory leaves out.

    Raises
    ------
    ValueError
        For d = 1, a zero token, two equal tokens in one sample, or two samples that are equal.
    """
    names = names or [f"sample {index}" for index in range(len(samples))]
    if samples.shape[-1] < 2:
        raise ValueError(
            "tokens have dimension 1; the theory needs d >= 2, since on a line token-wise flows keep order"
        )
    zero = (samples == 0).all(-1).nonzero().tolist()
    if zero:
        sample, token = zero[0]
        raise ValueError(
            f"{names[sample]}: token {token} is zero, and as a query it weighs all keys alike; shift all tokens first"
        )
    for name, sample_ in zip(names, samples, strict=True):
        same = (sample_[:, None] == sample_).all(-1).triu(1).nonzero().tolist()
        if same:
            raise ValueError(f"{name}: tokens {same[0][0]} and {same[0][1]} are equal: it is not in general position")
    twins = (samples[:, None] == samples).all((-1, -2)).triu(1).nonzero().tolist()
    if twins:
        raise ValueError(f"{names[twins[0][0]]} and {names[twins[0][1]]} are equal")


def search(
    family: Layers,
    samples: Float[Tensor, "samples n d"],
    layers: int = 1,
    *,
    draws: int = 64,
    scale: float = SCALE,
    seed: int | Rng = 0,
) -> Witness:
    """The draw with the largest gap among all tokens of all samples: Definition 3 for a finite set, with one θ.

    As :func:`distinguishes`, without refusing inputs.

    Raises
    ------
    ValueError
        For a number of layers, draws or families or a scale that makes no sense, or where no draw gives finite tokens.
    """
    families = per_layer(family, layers)
    if draws < 1:
        raise ValueError(f"draws {draws} is not at least 1")
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale {scale} is not positive and finite")
    rng = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
    *_, tokens, dim = samples.shape
    size = token_size(samples)
    parameters = [relative(one, one.sample(rng, dim, tokens, scale, draws), size) for one in families]
    states = forward(families, parameters, samples.expand(draws, *samples.shape))
    gaps = token_gaps(states)
    draw = int(gaps.argmax())
    margin = float(gaps[draw])
    if not states[draw].isfinite().all():
        raise ValueError(f"no draw at scale {scale:g} leaves finite tokens after {layers} layers")
    verdict = Verdict.UNDECIDED
    if margin > DISTINCT:
        verdict = Verdict.DISTINGUISHED
    elif margin <= ROUNDING and SAFE_SCALES[0] <= scale <= SAFE_SCALES[1] and resolved(families, samples):
        verdict = Verdict.INDISTINGUISHABLE
    chosen = tuple({name: tensor[draw] for name, tensor in layer.items()} for layer in parameters)
    number = seed if isinstance(seed, int) else None
    return Witness(verdict, margin, closest_tokens(states[draw]), chosen, draw, number, scale, gaps)


def token_size(samples: Float[Tensor, "samples n d"]) -> float:
    """Root mean square norm of the tokens, over √2, that of a standard normal token in the plane; 1 if all are zero."""
    largest = float(samples.abs().max())
    if largest == 0:
        return 1.0
    return largest * float((samples / largest).square().sum(-1).mean().div(2).sqrt())


def relative(family: AttentionFamily, parameters: Parameters, size: float) -> Parameters:
    """Parameters for tokens of that size, which do to X what the given ones do to X / size; others' are left alone."""
    if not isinstance(family, HOMOGENEOUS):
        return parameters
    return {name: value * size ** POWERS.get(name, 0) for name, value in parameters.items()}


def resolved(families: Sequence[AttentionFamily], samples: Float[Tensor, "samples n d"]) -> bool:
    """Whether float64 keeps what the tokens differ in: none is tiny beside another, nor two nearly equal.

    What a family of one's own does to large or to tiny tokens is not known, so that these must be of size about 1.
    """
    tokens = samples.flatten(0, 1)
    tokens = tokens / tokens.abs().max()
    lengths = torch.cat([tokens.abs().amax(-1), torch.cdist(tokens, tokens, p=torch.inf).flatten()])
    ordinary = all(type(family) in HOMOGENEOUS for family in families) or 0.2 <= token_size(samples) <= 5
    return ordinary and bool((lengths[lengths > 0] >= RESOLVED).all())


def per_layer(family: Layers, layers: int) -> list[AttentionFamily]:
    """One family a layer. ValueError if their number is not `layers`, or that is below 1."""
    if not isinstance(layers, int) or layers < 1:
        raise ValueError(f"layers {layers} is not at least 1, a whole number")
    if isinstance(family, AttentionFamily):
        return [family] * layers
    given: object = family
    if isinstance(given, str) or not all(isinstance(one, AttentionFamily) for one in family):
        raise ValueError(f"family {family!r} is no AttentionFamily and no sequence of them; FAMILIES has some by name")
    if len(family) != layers:
        raise ValueError(f"{len(family)} families for {layers} layers")
    return list(family)


def forward(
    families: Iterable[AttentionFamily], parameters: Iterable[Parameters], x: Float[Tensor, "draws *batch n d"]
) -> Float[Tensor, "draws *batch n d"]:
    """``(Id + g_m) ∘ ⋯ ∘ (Id + g_1)``, attention layers with residuals and nothing between them."""
    for family, layer in zip(families, parameters, strict=True):
        x = x + family.apply(layer, x)
    return x


def token_gaps(states: Float[Tensor, "draws samples n d"]) -> Float[Tensor, " draws"]:
    """Least max-norm distance of two tokens in each draw, over ``|X|_∞``; 0 where one is not finite, or all are 0."""
    tokens = states.flatten(1, 2)
    size = tokens.abs().amax((1, 2))
    count = tokens.shape[1]
    itself = torch.eye(count, dtype=torch.bool)
    least = [
        torch.cdist(part, part, p=torch.inf).masked_fill(itself, torch.inf).amin((1, 2))
        for part in tokens.split(max(1, PAIRS_AT_ONCE // count**2))
    ]
    gaps = torch.cat(least) / size
    return torch.where(gaps.isfinite(), gaps, 0.0)


def closest_tokens(state: Float[Tensor, "samples n d"]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two closest tokens, each as (sample, token)."""
    tokens = state.flatten(0, 1)
    distance = torch.cdist(tokens, tokens, p=torch.inf).fill_diagonal_(torch.inf)
    first, second = divmod(int(distance.argmin()), len(tokens))
    n = state.shape[1]
    return divmod(first, n), divmod(second, n)
