"""Evidence: a measured number beside its bound, and the verdict that follows from a list of them.

A check never says "true". It returns numbers, and the rules here turn them into a verdict:

* `error` without evidence, with a number that is not finite, or with evidence that rests on zero instances;
* `inconclusive` when a *precondition* (a sample size, the R² of a fit) misses its bound;
* `refuted` when a number violates its bound, or its whole interval does;
* `inconclusive` when an interval lies across the bound;
* `holds` otherwise.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from numbers import Rational
from typing import Any

Number = int | float | Fraction

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "in": lambda measured, bound: bound[0] <= measured <= bound[1],
}


class Verdict(StrEnum):
    """What became of a claim or of a control."""

    HOLDS = "holds"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    UNAVAILABLE = "unavailable"
    STALE = "stale"
    ERROR = "error"
    BROKEN = "broken"

    @property
    def fails(self) -> bool:
        """Whether the command line exits with 1 on it."""
        return self in (Verdict.REFUTED, Verdict.ERROR, Verdict.BROKEN)


@dataclass(frozen=True)
class Evidence:
    """One measured number and its bound.

    Parameters
    ----------
    name : str
        What was measured, with its unit if it has one.
    measured : int, Fraction or float
        The number. Integers and fractions are compared exactly.
    relation : str
        One of ``== != <= >= < > in``.
    bound : number, or (low, high) for ``in``
        What the claim says about it.
    instances : int
        How many instances the number rests on.
    interval : (low, high), optional
        Confidence interval or enclosure of the measured value. When given, it decides instead of `measured`.
    precondition : bool
        A requirement for the other numbers to mean anything; missing it is inconclusive, not refuted.
    detail : str
        One line for people, for example a counterexample.

    Raises
    ------
    ValueError
        For an unknown relation, a bound that does not fit it, or an interval that does not contain `measured`.
    TypeError
        If a value is not a number; a bool is not one.
    """

    # Any on the way in (numpy scalars too); once constructed: Number, Number or a pair, int, a pair of Number.
    name: str
    measured: Any
    relation: str
    bound: Any
    instances: Any = 1
    interval: Any = None
    precondition: bool = False
    detail: str = ""

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f"evidence {self.name!r}: relation {self.relation!r} is not one of {' '.join(RELATIONS)}")
        if isinstance(self.bound, tuple) != (self.relation == "in"):
            raise ValueError(f"evidence {self.name!r}: relation {self.relation!r} does not fit bound {self.bound!r}")
        if isinstance(self.bound, tuple) and (len(self.bound) != 2 or self.bound[0] > self.bound[1]):
            raise ValueError(f"evidence {self.name!r}: bound {self.bound!r} is not (low, high)")
        bound = tuple(map(self._number, self.bound)) if isinstance(self.bound, tuple) else self._number(self.bound)
        object.__setattr__(self, "measured", self._number(self.measured))
        object.__setattr__(self, "bound", bound)
        if int(self._number(self.instances)) != self.instances:
            raise ValueError(f"evidence {self.name!r}: instances {self.instances!r} is not a whole number")
        object.__setattr__(self, "instances", int(self._number(self.instances)))
        if self.interval is not None:
            low, high = map(self._number, self.interval)
            if not (math.isnan(low) or math.isnan(high)) and not low <= self.measured <= high:
                raise ValueError(f"evidence {self.name!r}: interval [{low}, {high}] does not contain {self.measured}")
            object.__setattr__(self, "interval", (low, high))

    def _number(self, value: Any) -> Number:
        plain = value.item() if hasattr(value, "item") else value
        if isinstance(plain, int | float | Fraction) and not isinstance(plain, bool):
            return plain
        raise TypeError(f"evidence {self.name!r}: {value!r} is not a number")

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every number in it, for finiteness."""
        bound = self.bound if isinstance(self.bound, tuple) else (self.bound,)
        return (self.measured, *bound, *(self.interval or ()))

    @property
    def finite(self) -> bool:
        """Whether every number is finite."""
        return all(isinstance(x, Rational) or math.isfinite(x) for x in self.numbers)

    @property
    def holds(self) -> bool | None:
        """Whether the relation holds; None where the interval lies across the bound and decides nothing."""
        if self.interval is None or self.interval[0] == self.interval[1]:
            return RELATIONS[self.relation](self.measured, self.bound)
        low, high = self.interval
        if self.relation in ("==", "!="):
            if low <= self.bound <= high:
                return None
            return self.relation == "!="
        ends = [RELATIONS[self.relation](end, self.bound) for end in (low, high)]
        if all(ends):
            return True
        if isinstance(self.bound, tuple):
            return False if high < self.bound[0] or low > self.bound[1] else None
        return None if any(ends) else False

    def __str__(self) -> str:
        within = "" if self.interval is None else f" [{show(self.interval[0])}, {show(self.interval[1])}]"
        bound = f"[{show(self.bound[0])}, {show(self.bound[1])}]" if isinstance(self.bound, tuple) else show(self.bound)
        return f"{self.name}: {show(self.measured)}{within} {self.relation} {bound}"


def show(value: Number) -> str:
    """A number for people: integers in full, floats to six significant digits."""
    return f"{value:,}" if isinstance(value, int) else str(value) if isinstance(value, Fraction) else f"{value:.6g}"


def judge(evidence: Sequence[Evidence]) -> tuple[Verdict, str]:
    """The verdict and, unless it is `holds`, the reason: the rules at the top of this module, in that order."""
    if not evidence:
        return Verdict.ERROR, "the check returned no evidence"
    for item in evidence:
        if not item.finite:
            return Verdict.ERROR, f"not finite: {item}"
        if item.instances < 1:
            return Verdict.ERROR, f"rests on zero instances: {item}"
    for item in evidence:
        if item.precondition and item.holds is not True:
            return Verdict.INCONCLUSIVE, f"precondition missed: {item}"
    for item in evidence:
        if item.holds is False:
            return Verdict.REFUTED, str(item) + (f" ({item.detail})" if item.detail else "")
    for item in evidence:
        if item.holds is None:
            return Verdict.INCONCLUSIVE, f"the interval does not decide: {item}"
    return Verdict.HOLDS, ""
