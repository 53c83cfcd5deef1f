"""The exact decision for kernel attention on sparse patterns: a Weisfeiler-Leman colouring, layer by layer.

The colour of a token is its vector at first, and then ``c_p(i) = (c_{p−1}(i), {c_{p−1}(j) : j ∈ N_p(i)})``. For the
kernels of Corollary 1 and tokens that are not zero, layers N_1, …, N_m distinguish X and Y if and only if no token of X
ends with the colour of a token of Y: by Lemma 1 one layer tells tokens with different colours apart, and by analyticity
one draw of the parameters does so for all of them.

Colours are never named here. All that matters is the relation ``E_p(i, j)``: after p layers, token i of X has the
colour of token j of Y. It follows from E_{p−1} alone::

    E_p(i, j)  =  E_{p−1}(i, j)  and  every k ∈ N(i) has some l ∈ N(j) with E_{p−1}(k, l),  and the other way round,

a bisimulation, on a batch of patterns and pairs at once.

References
----------
uap: Corollary 2, Lemma 1; uap sheet, section 4.2 and erratum 6.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Int

from lemmata.theory.uap.patterns import Pattern, connected, hops, invariant, permutations_of

Relation = np.ndarray  # bool, shape (*batch, n, n)
Step = Callable[[Relation, Pattern], Relation]


def refine_relation(equal: Relation, pattern: Pattern) -> Relation:
    """``E_p`` from ``E_{p−1}`` through one pattern (or one for each member of the batch)."""
    return equal & covered(equal, pattern) & np.swapaxes(covered(np.swapaxes(equal, -1, -2), pattern), -1, -2)


def covered(equal: Relation, pattern: Pattern) -> Relation:
    """At (i, j): every k ∈ N(i) has some l ∈ N(j) with ``E(k, l)``."""
    pattern = np.asarray(pattern, np.float32)
    met = equal.astype(np.float32) @ np.swapaxes(pattern, -1, -2)  # (k, j): how many of N(j) have k's colour
    return np.asarray(pattern @ (met == 0).astype(np.float32) == 0)


def shared_colours(layers: Sequence[Pattern], equal: Relation, step: Step = refine_relation) -> Relation:
    """``E_m``: which tokens of X and Y have one colour after all layers.

    Parameters
    ----------
    layers : sequence of bool arrays, shape (*batch, n, n)
        The first layer first.
    equal : bool array, shape (*batch, n, n)
        ``E_0(i, j)``: whether token i of X equals token j of Y; see :func:`equal_tokens`, :func:`permuted_tokens`.
    step : callable
        One layer; another one only to show that it would be wrong.
    """
    for pattern in layers:
        equal = step(equal, pattern)
    return equal


def distinguished(layers: Sequence[Pattern], equal: Relation, step: Step = refine_relation) -> Bool[np.ndarray, "*b"]:
    """Whether the layers distinguish X and Y (Definition 3, for one pair), exactly."""
    return np.asarray(~shared_colours(layers, equal, step).any((-1, -2)))


def equal_tokens(x: np.ndarray, y: np.ndarray) -> Bool[np.ndarray, "n n"]:
    """``E_0`` of two samples of shape (n, d).

    Raises
    ------
    ValueError
        For different shapes, or where a sample has two equal tokens or a zero token, which the criterion leaves out.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"samples of shapes {x.shape} and {y.shape} are not two of shape (n, d)")
    for name, sample in (("x", x), ("y", y)):
        if len(np.unique(sample, axis=0)) < len(sample):
            raise ValueError(f"{name} has two equal tokens: it is not in general position")
        if not sample.any(1).all():
            raise ValueError(f"{name} has a zero token: as a query it cannot tell keys apart")
    return (x[:, None] == y).all(-1)


def permuted_tokens(permutations: Int[np.ndarray, "count n"]) -> Bool[np.ndarray, "count n n"]:
    """``E_0`` of X and σX for each permutation, where ``[σX]_j = x_{σ(j)}`` and X is in general position."""
    tokens = np.arange(permutations.shape[-1])
    return tokens[:, None] == permutations[..., None, :]


# ---------------------------------------------------------------------------------- Corollary 2, over all permutations


def confused(
    layers: Sequence[Pattern], permutations: Int[np.ndarray, "count n"] | None = None, step: Step = refine_relation
) -> Bool[np.ndarray, "*batch count"]:
    """For each permutation σ, whether the layers fail to distinguish X from σX although σ ∉ G = ∩ Aut(N_p).

    Parameters
    ----------
    layers : sequence of bool arrays, shape (*batch, n, n)
        Batches broadcast against each other.
    permutations : int array, optional
        All of them by default.
    """
    if not len(layers):
        raise ValueError("layers is empty; it must have a pattern")
    n = np.shape(layers[0])[-1]
    permutations = permutations_of(n) if permutations is None else permutations
    apart = distinguished(
        [np.asarray(pattern)[..., None, :, :] for pattern in layers], permuted_tokens(permutations), step
    )
    symmetric = np.ones((), bool)
    for pattern in layers:
        symmetric = symmetric & invariant(permutations, pattern)
    return ~apart & ~symmetric


def violates(layers: Sequence[Pattern], step: Step = refine_relation) -> Bool[np.ndarray, "*batch"]:
    """Whether the sequence is connected and yet confuses some X with some σX outside of its orbit."""
    return connected(layers) & confused(layers, step=step).any(-1)


def layers_needed(pattern: Pattern, step: Step = refine_relation) -> Int[np.ndarray, "*batch"]:
    """Least number of equal layers that connects the pattern and confuses nothing; 0 where it is never connected.

    At most ``hops + 1`` (the corrected bound): the first layer records N(j) at every token j, the next ones carry all
    of that to every token, and a bijection of distinct tokens that respects it is in Aut(N).
    """
    pattern = np.asarray(pattern, bool)
    distance = hops(pattern)
    found = np.zeros_like(distance)
    for layers in range(1, pattern.shape[-1] + 1):
        open_ = (distance > 0) & (distance <= layers) & (found == 0)
        if open_.any():
            passed = np.zeros_like(open_)
            passed[open_] = ~confused([pattern[open_]] * layers, step=step).any(-1)
            found[passed] = layers
    if (found[distance > 0] == 0).any():
        raise AssertionError("a connected pattern needs more than n layers: the bound hops + 1 is wrong")
    return found


def late_symmetries(
    layers: Sequence[Pattern], permutations: Int[np.ndarray, "count n"] | None = None, early: int = 0
) -> Bool[np.ndarray, "*batch count"]:
    """Whether σ ∈ Aut(N_p) for every p for which the layers after p are connected: the corrected Corollary 2.

    For a sequence, only what a layer sees early enough to be carried everywhere is known everywhere.

    Parameters
    ----------
    layers : sequence of bool arrays, shape (*batch, n, n)
        Batches broadcast against each other.
    permutations : int array, optional
        All of them by default.
    early : int
        1 to count layer p among those that carry, which is wrong.
    """
    n = np.shape(layers[0])[-1]
    permutations = permutations_of(n) if permutations is None else permutations
    allowed = np.ones(len(permutations), bool)
    for p, pattern in enumerate(layers):
        carrying = layers[p + 1 - early :]
        if carrying:
            allowed = allowed & (~connected(carrying)[..., None] | invariant(permutations, pattern))
    return allowed
