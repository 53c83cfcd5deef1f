"""Arrays of integers that never overflow: int64 while a bound proves that it suffices, Python integers otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from jaxtyping import Shaped

Integers = Shaped[np.ndarray, "..."]  # dtype int64, or object holding Python integers
SAFE = 2**60  # sums of up to eight numbers below it fit in int64: two products, and differences of such sums


def largest(array: Integers) -> int:
    """The largest absolute value; 0 of an empty array."""
    return max(int(array.max()), -int(array.min())) if array.size else 0


def product(a: Integers, b: Integers | int) -> Integers:
    """Elementwise ``a · b``, exact."""
    size = abs(b) if isinstance(b, int) else largest(b)
    if largest(a) * size < SAFE and size < SAFE:
        return a * b
    return a.astype(object) * (b if isinstance(b, int) else b.astype(object))


def matmul(a: Integers, b: Integers) -> Integers:
    """``a @ b``, exact."""
    if a.shape[-1] * largest(a) * largest(b) < SAFE:
        return a @ b
    return a.astype(object) @ b.astype(object)


def narrow(array: Integers) -> Integers:
    """The same numbers as int64 if they fit."""
    return array.astype(np.int64) if array.dtype == object and largest(array) < SAFE else array


def rational(array: Any) -> tuple[Integers, int]:
    """Integer numerators and the least common denominator of an array of integers or fractions.

    Raises
    ------
    ValueError
        If an entry is neither an integer nor a Fraction (a float is not exact by intention).
    """
    entries = np.asarray(array, dtype=object)
    fractions = [_fraction(entry) for entry in entries.flat]
    denominator = lcm(*(fraction.denominator for fraction in fractions))
    numerators = [fraction.numerator * (denominator // fraction.denominator) for fraction in fractions]
    return narrow(np.array(numerators, dtype=object).reshape(entries.shape)), denominator


def _fraction(entry: object) -> Fraction:
    if isinstance(entry, int | Fraction) and not isinstance(entry, bool):
        return Fraction(entry)
    if isinstance(entry, np.integer):
        return Fraction(int(entry))
    raise ValueError(f"entry {entry!r} is not an integer or a Fraction")


def distinct(rows: Iterable[Integers]) -> int:
    """How many different arrays there are."""
    return len({tuple(row.ravel().tolist()) for row in rows})
