"""Verdicts follow from numbers, and only from numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.claims.framework import Evidence, Verdict
from lemmata.claims.framework.evidence import RELATIONS, judge

numbers = st.integers(-5, 5) | st.fractions(-5, 5) | st.floats(-5, 5)


@given(numbers, st.sampled_from([name for name in RELATIONS if name != "in"]), numbers)
def test_a_point_holds_exactly_when_the_relation_does(measured, relation: str, bound) -> None:
    expected = {
        "==": measured == bound,
        "!=": measured != bound,
        "<=": measured <= bound,
        ">=": measured >= bound,
        "<": measured < bound,
        ">": measured > bound,
    }
    assert Evidence("x", measured, relation, bound).holds is expected[relation]


@given(numbers, numbers, numbers, st.sampled_from(["<=", ">=", "<", ">"]), numbers)
def test_an_interval_decides_only_when_all_of_it_agrees(a, b, c, relation: str, bound) -> None:
    low, middle, high = sorted([a, b, c])
    ends = {Evidence("x", end, relation, bound).holds for end in (low, high)}
    found = Evidence("x", middle, relation, bound, interval=(low, high)).holds
    assert found is (ends.pop() if len(ends) == 1 else None)


@pytest.mark.parametrize(
    ("interval", "relation", "bound", "holds"),
    [
        ((1, 2), "in", (0, 3), True),
        ((1, 2), "in", (1.5, 3), None),
        ((1, 2), "in", (3, 4), False),
        ((1, 2), "in", (2, 3), None),
        ((1, 2), "in", (1, 2), True),
        ((1, 2), "in", (1.4, 1.6), None),
        ((1, 2), "==", 1.5, None),
        ((1, 2), "==", 3, False),
        ((1, 2), "!=", 3, True),
        ((2, 2), "==", 2, True),
    ],
)
def test_intervals_against_intervals_and_points(interval, relation: str, bound, holds) -> None:
    middle = Fraction(sum(interval), 2)
    assert Evidence("x", middle, relation, bound, interval=interval).holds is holds


def test_integers_and_fractions_are_compared_exactly() -> None:
    assert Evidence("x", 2**60 + 1, "==", 2**60).holds is False
    assert Evidence("x", Fraction(1, 3), "==", 1 / 3).holds is False


@pytest.mark.parametrize("value", [True, np.True_, "1", None, 1j])
def test_what_is_not_a_number_is_not_evidence(value) -> None:
    with pytest.raises(TypeError, match="not a number"):
        Evidence("x", value, "==", 1)


def test_malformed_evidence_is_refused() -> None:
    with pytest.raises(ValueError, match="relation"):
        Evidence("x", 1, "=~", 1)
    with pytest.raises(ValueError, match="does not fit"):
        Evidence("x", 1, "in", 1)
    for bound in ((3, 2), (1, 2, 3), (1,)):
        with pytest.raises(ValueError, match=r"not \(low, high\)"):
            Evidence("x", 1, "in", bound)
    with pytest.raises(ValueError, match="not a whole number"):
        Evidence("x", 1, "==", 1, instances=2.7)
    with pytest.raises(ValueError, match="does not contain"):
        Evidence("x", 5, "<=", 1, interval=(0, 1))


good, bad = Evidence("good", 1, "==", 1), Evidence("bad", 1, "==", 2)


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ([], Verdict.ERROR),
        ([good], Verdict.HOLDS),
        ([good, bad], Verdict.REFUTED),
        ([good, Evidence("x", math.nan, "<=", 1)], Verdict.ERROR),
        ([good, Evidence("x", 1, "<=", 2, interval=(math.nan, math.nan))], Verdict.ERROR),
        ([bad, Evidence("x", 1, "<=", math.inf)], Verdict.ERROR),
        ([Evidence("x", 0, "==", 0, instances=0)], Verdict.ERROR),
        ([bad, Evidence("samples", 3, ">=", 100, precondition=True)], Verdict.INCONCLUSIVE),
        ([good, Evidence("x", 1, "<=", 1.5, interval=(0, 2))], Verdict.INCONCLUSIVE),
        ([bad, Evidence("x", 1, "<=", 1.5, interval=(0, 2))], Verdict.REFUTED),
    ],
)
def test_the_verdict_of_a_list_of_evidence(evidence, verdict: Verdict) -> None:
    found, reason = judge(evidence)
    assert found is verdict
    assert bool(reason) == (verdict is not Verdict.HOLDS)
