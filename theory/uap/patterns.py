"""Sparse attention patterns: boolean matrices with N(i) in row i, what they let a token receive, their symmetries.

A model is a sequence of patterns, the first layer first. Token i has received token j after layers N_1, …, N_m where
``(I + A_m) ⋯ (I + A_1)`` has an entry at (i, j): later layers stand on the left. A permutation σ is a tuple with
``[σX]_i = x_{σ(i)}``.

References
----------
uap: Definition 4, eqs. (12), (18), (22), Corollaries 2 and 4; uap sheet, section 2 and errata 6.1, 6.5, 6.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Int

Pattern = np.ndarray  # bool, shape (n, n)


def checked(pattern: Pattern) -> Bool[np.ndarray, "n n"]:
    """The pattern as a bool array.

    Raises
    ------
    ValueError
        If it is not square, has other entries than 0 and 1, or leaves a token with no neighbour: then its kernel
        attention divides zero by zero.
    """
    array = np.asarray(pattern)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or not array.size:
        raise ValueError(f"pattern of shape {array.shape} is not a square matrix")
    if not np.isin(array, (0, 1)).all():
        raise ValueError("pattern has entries other than 0 and 1")
    empty = np.flatnonzero(~array.astype(bool).any(1))
    if len(empty):
        raise ValueError(f"pattern: N({empty[0]}) is empty; a token has to attend to at least one token")
    return array.astype(bool)


def from_sets(neighbours: Sequence[Iterable[int]]) -> Bool[np.ndarray, "n n"]:
    """The pattern with N(i) = ``neighbours[i]``, counted from 0. ValueError for a token that does not exist."""
    n = len(neighbours)
    pattern = np.zeros((n, n), bool)
    for i, row in enumerate(neighbours):
        for j in row:
            if not 0 <= j < n:
                raise ValueError(f"N({i}) contains {j}, which is not a token 0, …, {n - 1}")
            pattern[i, j] = True
    return checked(pattern)


# ------------------------------------------------------------------------------------------------------- constructors


def _at_least(least: int, **arguments: int) -> None:
    """ValueError for an argument below `least`."""
    for name, value in arguments.items():
        if value < least:
            raise ValueError(f"{name} {value} is not at least {least}")


def _offsets(n: int) -> Int[np.ndarray, "n n"]:
    """``j − i`` at (i, j)."""
    if n < 1:
        raise ValueError(f"{n} tokens are not at least 1")
    return np.arange(n) - np.arange(n)[:, None]


def full(n: int) -> Bool[np.ndarray, "n n"]:
    """N(i) = [n]."""
    return _offsets(n) == _offsets(n)


def window(n: int, width: int) -> Bool[np.ndarray, "n n"]:
    """Sliding window: ``|i − j| ≤ width``."""
    _at_least(0, width=width)
    return abs(_offsets(n)) <= width


def circular_window(n: int, width: int) -> Bool[np.ndarray, "n n"]:
    """The D_n mixer's pattern: at most `width` apart on a circle."""
    _at_least(0, width=width)
    ahead = _offsets(n) % n
    return np.minimum(ahead, n - ahead) <= width


def one_sided_window(n: int, width: int) -> Bool[np.ndarray, "n n"]:
    """The C_n mixer's pattern: N(i) = {i, i + 1, …, i + width} modulo n."""
    _at_least(0, width=width)
    return _offsets(n) % n <= width


def causal(n: int) -> Bool[np.ndarray, "n n"]:
    """Itself and everything before."""
    return _offsets(n) <= 0


def blocks(n: int, size: int) -> Bool[np.ndarray, "n n"]:
    """Blocks of `size` consecutive tokens; the local half of strided attention, disconnected by itself."""
    _at_least(1, size=size, n=n)
    block = np.arange(n) // size
    return block == block[:, None]


def strided(n: int, stride: int) -> Bool[np.ndarray, "n n"]:
    """Tokens a multiple of `stride` apart; with ``blocks(n, stride)`` it connects within two layers."""
    _at_least(1, stride=stride)
    return _offsets(n) % stride == 0


def star(n: int) -> Bool[np.ndarray, "n n"]:
    """Token 0 and every other token attend to each other, and each to itself."""
    return with_globals(np.eye(n, dtype=bool), 1)


def with_globals(pattern: Pattern, count: int) -> Bool[np.ndarray, "n n"]:
    """The first `count` tokens attend to all, and all to them."""
    _at_least(0, count=count)
    widened = checked(pattern).copy()
    widened[:count] = True
    widened[:, :count] = True
    return widened


def longformer(n: int, width: int, count: int = 1) -> Bool[np.ndarray, "n n"]:
    """Sliding window and `count` global tokens."""
    return with_globals(window(n, width), count)


def bigbird(n: int, width: int, count: int, extra: int, rng: np.random.Generator) -> Bool[np.ndarray, "n n"]:
    """Sliding window, `count` global tokens, and `extra` random keys for each query."""
    pattern = longformer(n, width, count)
    picked = rng.random((n, n)).argsort(1)[:, :extra]
    np.put_along_axis(pattern, picked, True, 1)
    return pattern


def random_directed(n: int, density: float, rng: np.random.Generator, count: int = 1) -> Bool[np.ndarray, "count n n"]:
    """`count` patterns with each entry set with probability `density`, and one more where a row would be empty."""
    pattern = rng.random((count, n, n)) < density
    chosen = rng.integers(n, size=(count, n, 1)) == np.arange(n)
    return np.asarray(pattern | chosen & ~pattern.any(2, keepdims=True))


def all_patterns(n: int) -> Bool[np.ndarray, "count n n"]:
    """All ``(2^n − 1)^n`` patterns without empty rows. ValueError for n > 4."""
    if not 1 <= n <= 4:
        raise ValueError(f"{n} tokens: the patterns are enumerated for 1 to 4")
    rows = (np.arange(1, 2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    return rows[np.indices((len(rows),) * n).reshape(n, -1).T]


def up_to_relabelling(
    patterns: Bool[np.ndarray, "count n n"],
) -> tuple[Bool[np.ndarray, "m n n"], Int[np.ndarray, " m"]]:
    """One pattern of each class under relabelling of the tokens, and how many of the given ones are in the class.

    What a pattern tells apart does not depend on the labels, so that a count over all patterns is a sum over classes.
    """
    n = patterns.shape[-1]
    bits = 1 << np.arange(n * n)
    code = np.full(len(patterns), np.iinfo(np.int64).max)
    for order in permutations_of(n):
        code = np.minimum(code, patterns[:, order][:, :, order].reshape(-1, n * n) @ bits)
    _, first, count = np.unique(code, return_index=True, return_counts=True)
    return patterns[first], count


def permutations_of(n: int) -> Int[np.ndarray, "count n"]:
    """All n! permutations, one a row."""
    return np.array(list(permutations(range(n))))


# ------------------------------------------------------------------------------------------------------ who receives


def received(layers: Sequence[Pattern]) -> Bool[np.ndarray, "*batch n n"]:
    """Whether token i has received token j after the layers in order: ``(I + A_m) ⋯ (I + A_1)`` has an entry there.

    Each layer is one pattern or a batch of them, ``(*batch, n, n)``. ValueError for no layer.
    """
    if not len(layers):
        raise ValueError("layers is empty; it must have a pattern")
    reach: np.ndarray = np.eye(np.shape(layers[0])[-1], dtype=bool)
    for pattern in layers:
        reach = reach | np.asarray(np.asarray(pattern, np.float32) @ reach.astype(np.float32) > 0)
    return reach


def connected(layers: Sequence[Pattern]) -> Bool[np.ndarray, "*batch"]:
    """Definition 4, in the order in which layers act: every token has received every token."""
    return np.asarray(received(layers).all((-1, -2)))


def hops(pattern: Pattern) -> Int[np.ndarray, "*batch"]:
    """Least number of layers of one pattern (or of each of a batch) that connects it; 0 where none does or n = 1."""
    pattern = np.asarray(pattern, bool)
    n = pattern.shape[-1]
    found = np.zeros(pattern.shape[:-2], np.int64)
    reach = np.eye(n, dtype=np.float32)
    step = pattern | np.eye(n, dtype=bool)
    for layers in range(1, n):
        reach = (step.astype(np.float32) @ reach > 0).astype(np.float32)
        found[(found == 0) & (reach > 0).all((-1, -2))] = layers
    return found


# -------------------------------------------------------------------------------------------------------- symmetries


def automorphisms(*layers: Pattern, limit: int = 100_000) -> Int[np.ndarray, "order n"]:
    """``G = ∩_p Aut(N_p)`` with ``Aut(N) = {σ : σ(N(i)) = N(σ(i)) for all i}``, one permutation a row, sorted.

    The images of 0, 1, … are chosen one after the other, for all partial maps at once, among tokens of the same refined
    colour (see :func:`refine`).

    Parameters
    ----------
    *layers : bool arrays, shape (n, n)
    limit : int
        Most maps that are kept.

    Raises
    ------
    ValueError
        For more than `limit` automorphisms or partial ones, no pattern, or patterns of different sizes.
    """
    if len({np.shape(pattern) for pattern in layers}) != 1:
        raise ValueError(f"patterns of shapes {[np.shape(pattern) for pattern in layers]} are not of one size")
    stack = np.stack([checked(pattern) for pattern in layers])
    colour = refine(*layers)
    maps = np.zeros((1, 0), np.int64)
    for i, own in enumerate(colour):
        images = np.flatnonzero(colour == own)
        maps = np.hstack([np.repeat(maps, len(images), 0), np.tile(images, len(maps))[:, None]])
        last = maps[:, -1:]
        keep = (maps[:, :-1] != last).all(1)
        for pattern in stack:
            keep &= (pattern[last, maps] == pattern[i, : i + 1]).all(1)
            keep &= (pattern[maps, last] == pattern[: i + 1, i]).all(1)
        maps = maps[keep]
        if len(maps) > limit:
            raise ValueError(f"the patterns have more than limit = {limit:,} automorphisms or partial ones")
    return maps


def refine(*layers: Pattern) -> Int[np.ndarray, " n"]:
    """The coarsest stable colouring of the tokens: same colour, same numbers of neighbours of each colour both ways.

    Automorphisms keep it, so that it narrows their search.
    """
    n = np.shape(layers[0])[-1]
    colour = np.zeros(n, np.int64)
    while True:
        member = np.eye(n, dtype=np.int64)[colour]
        counts = [
            np.asarray(matrix, np.int64) @ member for pattern in layers for matrix in (pattern, np.transpose(pattern))
        ]
        refined = np.unique(np.hstack([colour[:, None], *counts]), axis=0, return_inverse=True)[1].ravel()
        if refined.max() == colour.max():
            return refined
        colour = refined


def invariant(permutations: Int[np.ndarray, "count n"], pattern: Pattern) -> Bool[np.ndarray, "*batch count"]:
    """Whether each permutation is an automorphism of the pattern (or of each of a batch of patterns)."""
    pattern = np.asarray(pattern)
    moved = pattern[..., permutations[:, :, None], permutations[:, None, :]]
    return (moved == pattern[..., None, :, :]).all((-1, -2))
