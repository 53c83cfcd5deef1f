"""Pairs of samples that a family may fail to tell apart, drawn at random: tensors (2, n, d) of X and Y.

All but the generic one share token 0, so that its output must show what is around it.

References
----------
uap sheet, sections 5 and 8 (figure A).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.families import Rng, gaussian

Pair = Float[Tensor, "2 n d"]


def generic(rng: Rng, tokens: int, dim: int) -> Pair:
    """Two independent samples."""
    return gaussian(rng, 1.0, 2, tokens, dim)


def shared_token(rng: Rng, tokens: int, dim: int) -> Pair:
    """Independent but for token 0."""
    pair = generic(rng, tokens, dim)
    pair[1, 0] = pair[0, 0]
    return pair


def same_mean(rng: Rng, tokens: int, dim: int) -> Pair:
    """Token 0 and the sum of the tokens agree."""
    pair = shared_token(rng, tokens, dim)
    pair[1, 1:] += (pair[0] - pair[1]).sum(0) / (tokens - 1)
    return pair


def same_second_moment(rng: Rng, tokens: int, dim: int) -> Pair:
    """``XXᵀ = YYᵀ`` in the paper's columns: tokens 1 and 2 rotated into each other, the rest shared."""
    pair = generic(rng, tokens, dim)
    pair[1] = pair[0]
    angle = 0.5 + abs(float(gaussian(rng, 0.3, 1)))
    cos, sin = math.cos(angle), math.sin(angle)
    pair[1, 1] = cos * pair[0, 1] + sin * pair[0, 2]
    pair[1, 2] = cos * pair[0, 2] - sin * pair[0, 1]
    return pair


def permuted(rng: Rng, tokens: int, dim: int) -> Pair:
    """X, and X with its tokens shifted by one place."""
    pair = generic(rng, tokens, dim)
    pair[1] = pair[0].roll(1, 0)
    return pair


def zero_token(rng: Rng, tokens: int, dim: int) -> Pair:
    """As :func:`same_mean`, with token 0 at the origin."""
    pair = same_mean(rng, tokens, dim)
    pair[:, 0] = 0
    return pair


def far_token(rng: Rng, tokens: int, dim: int) -> Pair:
    """Equal but for the last token."""
    pair = generic(rng, tokens, dim)
    pair[1, :-1] = pair[0, :-1]
    return pair


PAIRS: dict[str, Callable[[Rng, int, int], Pair]] = {
    "generic": generic,
    "shared token": shared_token,
    "same mean": same_mean,
    "same second moment": same_second_moment,
    "permuted": permuted,
    "zero token": zero_token,
}
