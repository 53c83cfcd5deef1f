"""Floating-point formats as rounding functions, and the sum of many equal terms in one of them.

A format with e exponent bits and m mantissa bits has unit roundoff ``u = 2^−(m+1)``, least positive (subnormal) number
``η = 2^(e_min − m)``, and rounds to nearest, ties to even. Adding one term t again and again stops at

    A(t) = 2^⌈log2 t⌉ / u,

the first power of two of which t is at most half a spacing: after between 1/u and about 2/u terms a sum no longer
grows. A softmax over equal scores meets exactly this sum.

References
----------
turing sheet, section 4.6 (constant precision); IEEE 754-2019 for float64, float32 and float16; the Open Compute
Project's 8-bit specification for e4m3 and e5m2, of which e4m3 has no infinity and one NaN code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Format:
    """A binary floating-point format with subnormal numbers.

    Attributes
    ----------
    name : str
        As torch names the dtype.
    exponent_bits, mantissa_bits : int
        e, and m without the leading bit.
    infinity : bool
        Whether the top exponent is kept for infinities and NaN (IEEE); otherwise only its last code is NaN.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    infinity: bool = True

    @property
    def bits(self) -> int:
        """Storage, with the sign."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def roundoff(self) -> float:
        """``u``: the largest relative error of a rounding in the normal range."""
        return 2.0 ** -(self.mantissa_bits + 1)

    @property
    def least_exponent(self) -> int:
        """Exponent of the smallest normal number."""
        return 2 - int(2 ** (self.exponent_bits - 1))

    @property
    def least(self) -> float:
        """``η``: the smallest positive (subnormal) number."""
        return float(np.ldexp(1.0, self.least_exponent - self.mantissa_bits))

    @property
    def largest(self) -> float:
        """The largest finite number."""
        top = int(2 ** (self.exponent_bits - 1)) - self.infinity
        fraction = 2 - (1 if self.infinity else 2) * 2.0**-self.mantissa_bits
        return float(np.ldexp(fraction, top))


FLOAT64 = Format("float64", 11, 52)
FLOAT32 = Format("float32", 8, 23)
FLOAT16 = Format("float16", 5, 10)
BFLOAT16 = Format("bfloat16", 8, 7)
E4M3 = Format("float8_e4m3fn", 4, 3, infinity=False)
E5M2 = Format("float8_e5m2", 5, 2)

FORMATS = (FLOAT64, FLOAT32, FLOAT16, BFLOAT16, E4M3, E5M2)
"""Every format of this module, the widest first."""


def round_to(form: Format, x: Float[np.ndarray, "*shape"], saturate: bool = False) -> Float[np.ndarray, "*shape"]:
    """Round to nearest, ties to even.

    Parameters
    ----------
    form : Format
    x : float64 array
        Rounded once, from float64. A sum, product or quotient of two numbers of a format with m ≤ 24, computed in
        float64 first, is rounded as if computed exactly (53 ≥ 2(m + 1) + 2).
    saturate : bool
        What overflows (from half a spacing above the largest number on) becomes the largest number with its sign;
        otherwise infinity or, where the format has none, NaN. Infinities of `x` overflow too.

    Returns
    -------
    float64 array
        Numbers of the format.
    """
    if form.mantissa_bits == FLOAT64.mantissa_bits:
        return np.asarray(x, np.float64)
    exponent = np.maximum(np.frexp(x)[1] - 1, form.least_exponent) - form.mantissa_bits
    rounded = np.ldexp(np.rint(np.ldexp(x, -exponent)), exponent)
    limit = form.largest if saturate else np.inf if form.infinity else np.nan
    return np.where(np.abs(rounded) > form.largest, np.copysign(limit, x), rounded)


def repeated_sum(
    form: Format,
    start: Float[np.ndarray, "*shape"],
    term: Float[np.ndarray, "*shape"],
    count: int,
) -> Float[np.ndarray, "*shape"]:
    """``start + term + term + …``, `count` terms one after the other, every partial sum rounded to the format.

    Between two powers of two the spacing U of the format is constant, and so is what a term adds after rounding (a tie
    goes to an even sum, and from an even sum to an even one). So the sum leaps through a binade and steps across its
    ends: about 2 log2(count) operations, bit for bit the same as `count` additions.

    Parameters
    ----------
    form : Format
    start, term : float64 arrays
        Non-negative numbers of the format.
    count : int

    Raises
    ------
    ValueError
        For a negative count, start or term.
    """
    if count < 0:
        raise ValueError(f"count {count} is not a number of terms; at least 0")
    total, term = np.broadcast_arrays(np.asarray(start, np.float64), np.asarray(term, np.float64))
    if (total < 0).any() or (term < 0).any():
        raise ValueError(f"start {total.min()} and term {term.min()} must not be negative")
    left = np.full(total.shape, count, np.int64)
    while (left > 0).any():
        # Three honest steps: the last starts from a sum that a step within the binade has made even where there are
        # ties, so that all further ones up to the end of the binade add the same.
        sums = [total]
        for _ in range(3):
            sums.append(np.where(left > 0, round_to(form, sums[-1] + term), sums[-1]))
            left = np.maximum(left - 1, 0)
        first, second, total = sums[1:]
        added = np.where(np.isfinite(total), total - second, 0.0)
        ends = [np.maximum(np.frexp(x)[1], form.least_exponent + 1) for x in (first, total)]
        steady = (added > 0) & (ends[0] == ends[1])
        room = np.divide(np.ldexp(1.0, ends[1]) - total, added, out=np.zeros_like(total), where=steady)
        leap = np.clip(np.ceil(room) - 1, 0, left)
        total = total + leap * added
        left = np.where(added > 0, left - leap.astype(np.int64), 0)
    return total


def stagnation(form: Format, term: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """``A(t) = 2^⌈log2 t⌉ / u``, where a sum of equal terms t > 0 stops growing (if that does not overflow)."""
    fraction, exponent = np.frexp(term)
    return np.ldexp(1.0, exponent - (fraction == 0.5) + form.mantissa_bits + 1)
