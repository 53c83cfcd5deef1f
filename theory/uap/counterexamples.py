"""Samples that a family provably confuses, in exact rationals where the reason is algebraic.

* Polynomial kernels of degree p see a sample through its moments of degree at most p + 1: Prouhet-Tarry-Escott sets.
* Un-normalised linear attention sees ``XXᵀ`` only, at every depth: two tokens rotated into each other.
* A hardmax layer tells each pair of a set of four samples apart and never all four: Theorem 2 needs analyticity in θ.
* A family that is analytic in θ but not in X does the same with two layers: at more than one layer, Theorem 2 needs
  analyticity in both.

References
----------
uap sheet, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.families import Parameters, Rng, gaussian

Rational = np.ndarray  # object array of Fraction

#: Integers with equal sums of powers up to the key and different ones beyond it.
PROUHET_TARRY_ESCOTT: Mapping[int, tuple[tuple[int, ...], tuple[int, ...]]] = {
    1: ((0, 3), (1, 2)),
    2: ((0, 4, 5), (1, 2, 6)),
    3: ((0, 4, 7, 11), (1, 2, 9, 10)),
}


def fractions(values: Any) -> Rational:
    """An object array of exact rationals."""
    array = np.array(values, dtype=object)
    return np.vectorize(Fraction, otypes=[object])(array)


def moment_twins(order: int) -> tuple[Rational, Rational]:
    """Samples ``(order + 2, 2)`` that share token 0 and all moments of degree up to `order`, and not those beyond.

    The other tokens are ``(1, −2) + a (1, 1/2)`` for the a of a Prouhet-Tarry-Escott set: on a line, a moment of the
    tokens is a polynomial of its degree in a.

    Raises
    ------
    ValueError
        For another order than 1, 2, 3.
    """
    if order not in PROUHET_TARRY_ESCOTT:
        raise ValueError(f"order {order} is not one of {', '.join(map(str, PROUHET_TARRY_ESCOTT))}")
    shared = [[Fraction(-1, 3), Fraction(2)]]
    left, right = (
        fractions(shared + [[1 + Fraction(a), -2 + Fraction(a, 2)] for a in side])
        for side in PROUHET_TARRY_ESCOTT[order]
    )
    return left, right


def rotation_twins(cos: Fraction = Fraction(3, 5), sin: Fraction = Fraction(4, 5)) -> tuple[Rational, Rational]:
    """Samples (4, 2) with one ``XXᵀ`` that differ in tokens 1 and 2, rotated into each other; cos² + sin² = 1."""
    x = fractions([[1, 2], [3, -1], [-2, Fraction(1, 2)], [Fraction(1, 3), -3]])
    y = x.copy()
    y[1], y[2] = cos * x[1] + sin * x[2], cos * x[2] - sin * x[1]
    return x, y


def random_rationals(rng: np.random.Generator, *shape: int) -> Rational:
    """Fractions with numerators −6, …, 6 over denominators 1, …, 5."""
    top, bottom = rng.integers(-6, 7, shape), rng.integers(1, 6, shape)
    return np.vectorize(lambda a, b: Fraction(int(a), int(b)), otypes=[object])(top, bottom)


def exact_attention(x: Rational, query: Rational, key: Rational, value: Rational, *, degree: int | None) -> Rational:
    """``g(X)`` in exact rationals: the kernel ``(1 + x·y)^degree``, normalised; for None, ``x·y`` un-normalised.

    Parameters
    ----------
    x : object array, shape (n, d)
    query, key, value : object arrays, shape (d, d)
    degree : int or None

    Raises
    ------
    ZeroDivisionError
        Where the weights of a token add up to 0.
    """
    score = (x @ query.T) @ (x @ key.T).T
    if degree is None:
        return score @ (x @ value.T)
    weights = (1 + score) ** degree
    return (weights @ (x @ value.T)) / weights.sum(1, keepdims=True)


#: Four samples (t, a or a', b or b'): whichever of a, a', b, b' has the largest score, two of them coincide at t.
HARDMAX_QUADRUPLE: Float[Tensor, "4 3 2"] = torch.tensor(
    [[[1, 1], a, b] for b in ([0.9, 0.2], [0.3, 1.1]) for a in ([1.3, 0.4], [0.5, 1.6])], dtype=torch.float64
)


class Clock:
    """Tokens (u, s, clock): ``clock += a`` and ``u += b · mean(u) · relu(s · clock)`` with θ = (a, b).

    Polynomial in θ for each X, but not analytic in X. From clock 0, one layer moves only the clock, and the second one
    then serves the samples with s = 1 or those with s = −1, by the sign of the clock, and not both.
    """

    name = "clock"

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``tick`` (a) and ``push`` (b) of shape (draws,)."""
        return {"tick": gaussian(rng, scale, draws), "push": gaussian(rng, scale, draws)}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n 3"]) -> Float[Tensor, "draws *batch n 3"]:
        """See :class:`lemmata.theory.uap.families.AttentionFamily`."""
        u, sign, clock = x.unbind(-1)
        tick, push = (parameters[name].reshape(-1, *(1,) * (u.ndim - 1)) for name in ("tick", "push"))
        moved = push * u.mean(-1, keepdim=True) * self.opens(sign * clock)
        return torch.stack([moved, torch.zeros_like(u), tick.expand_as(u)], -1)

    def opens(self, signed_clock: Tensor) -> Tensor:
        """How far a clock that runs in the sample's direction lets u move."""
        return signed_clock.relu()


def clock_quadruple() -> Float[Tensor, "4 2 3"]:
    """Two samples with s = 1 and the same two with s = −1; within a pair, u is (1, 2) or (1, 3), and clock is 0."""
    return torch.tensor(
        [[[u, sign, 0] for u in (1, other)] for sign in (1, -1) for other in (2, 3)], dtype=torch.float64
    )
