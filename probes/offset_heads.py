"""Do all heads look at fixed distances, and do the distances stand in a geometric ratio? Or do they drift?

The multi-queue network has the first signature: within a head the attended distance has no variance, and the distances
are ``B^i − 1`` and ``B^i − B^(i−1) − 1``. A network that looks the tape up by the place of the head (the other way to
simulate a Turing machine) has the second: its distance changes when the head moves.

References
----------
turing sheet, section 9 (multi-queue, alternative B) and section 5.3 (the distances).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor

from lemmata.toy_models.hooked.base import RelativeTransformer


@torch.no_grad()
def attended_distances(
    model: RelativeTransformer, tokens: Int[Tensor, "batch window"]
) -> Int[Tensor, "layer head batch"]:
    """How far back the newest token of each window looks: where more than half of the attention lies, −1 if nowhere."""
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(model.cfg.n_layers)]
    _, cache = model.run_with_cache(tokens, names_filter=names, newest_only=True)
    newest = torch.stack([cache[name][:, :, -1] for name in names])
    most, distance = newest.flip(-1).max(-1)
    return torch.where(most > 0.5, distance, -1).transpose(
        1, 2
    )  # a tie is no distance: uniform attention looks nowhere


def geometric_offsets(base: int, largest: int) -> frozenset[int]:
    """The ``B^i − 1`` and ``B^i − B^(i−1) − 1``, i ≥ 1, up to `largest`; ValueError unless B is whole and ≥ 2."""
    if not isinstance(base, int) or base < 2:
        raise ValueError(f"base {base} is not an integer of at least 2")
    found, power = set(), base
    while power - power // base - 1 <= largest:
        found |= {power - 1, power - power // base - 1}
        power *= base
    return frozenset(distance for distance in found if distance <= largest)


class OffsetHeads(NamedTuple):
    """What the attended distances of all heads show.

    Attributes
    ----------
    fixed : float
        Share of heads that look at one distance in all windows, in [0, 1].
    geometric : float
        Share of heads that are fixed at one of :func:`geometric_offsets` of the best B, in [0, 1].
    base : int
        That B, at least 2: the smallest one of the best.
    """

    fixed: float
    geometric: float
    base: int


def offset_heads(distances: Int[Tensor, "layer head batch"]) -> OffsetHeads:
    """Summarise :func:`attended_distances`.

    Two heads at random places fit some B easily; the share is telling with many more heads than values of B that fit,
    as for K = 6k' heads with k' ≥ 2.

    Raises
    ------
    ValueError
        With fewer than two windows, in which nothing can vary.
    """
    if distances.shape[-1] < 2:
        raise ValueError(f"distances from {distances.shape[-1]} windows; at least 2")
    heads = distances.flatten(0, 1)
    still = (heads == heads[:, :1]).all(1) & (heads[:, 0] >= 0)
    offsets: list[int] = heads[still, 0].tolist()
    bases = range(2, max(offsets, default=0) + 3)
    counts = {base: _matches(offsets, geometric_offsets(base, max(offsets, default=0))) for base in bases}
    best = max(counts, key=lambda base: (counts[base], -base))
    return OffsetHeads(still.double().mean().item(), counts[best] / len(heads), best)


def _matches(offsets: Iterable[int], allowed: frozenset[int]) -> int:
    return sum(offset in allowed for offset in offsets)


def offset_drift(distances: Int[Tensor, "layer head batch"]) -> float:
    """Share of steps at which a head's distance differs from the step before, the largest over all heads.

    Parameters
    ----------
    distances : int tensor, shape (layer, head, steps)
        From the successive windows of one text.

    Returns
    -------
    float
        In [0, 1]: 0 for a queue reader, high where the distance follows the moves of a head on a tape. A head that
        looks nowhere stays at −1 and drifts by 0 too; it is not `fixed` in :func:`offset_heads`.

    Raises
    ------
    ValueError
        With fewer than two windows.
    """
    if distances.shape[-1] < 2:
        raise ValueError(f"distances from {distances.shape[-1]} windows; at least 2")
    return (distances.diff(dim=-1) != 0).double().mean(-1).max().item()
