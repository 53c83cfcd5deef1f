"""Judge one claim with its controls, in this process."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from lemmata.claims.framework.claim import Claim, Kind
from lemmata.claims.framework.evidence import Evidence, Verdict, judge
from lemmata.claims.framework.trial import Trial
from lemmata.kernels.records import Record, read_record


@dataclass(frozen=True)
class Outcome:
    """Verdict of one execution of a check, with the evidence behind it."""

    verdict: Verdict
    reason: str = ""
    evidence: tuple[Evidence, ...] = ()
    traceback: str = ""


@dataclass(frozen=True)
class ControlOutcome:
    """What became of a control; anything but `refuted` breaks its claim."""

    description: str
    outcome: Outcome


@dataclass(frozen=True)
class Result:
    """What became of a claim."""

    claim: str
    outcome: Outcome
    controls: tuple[ControlOutcome, ...] = ()
    seconds: float = 0.0
    seed: int = 0
    record: Record | None = field(default=None)

    @property
    def verdict(self) -> Verdict:
        """The verdict, the controls taken into account."""
        return self.outcome.verdict


def execute(claim: Claim, seed: int, records: Path | None = None) -> Result:
    """Run the check of a claim and each of its controls, and judge them.

    A claim of kind `measured` is judged from its record: `unavailable` without one, `stale` (its evidence still shown)
    when the kernel's source has changed since. `records` is the folder that stands for ``kernels/``, for tests.
    """
    begin = time.perf_counter()
    record = None
    prefix: tuple[object, ...] = ()
    if claim.kind is Kind.MEASURED and claim.operation is not None:
        try:
            record = read_record(claim.operation, claim.id, records)
            stale = record is not None and record.stale
        except ValueError as error:
            return Result(claim.id, Outcome(Verdict.ERROR, str(error)), seed=seed)
        if record is None:
            reason = f"needs a GPU: no record of {claim.operation} has been measured yet"
            return Result(claim.id, Outcome(Verdict.UNAVAILABLE, reason), seed=seed)
        prefix = (record.values,)
    trial = Trial(seed, claim.id)
    outcome = _attempt(claim, trial, prefix, {})
    controls = tuple(
        ControlOutcome(control.description, _attempt(claim, trial, prefix, dict(control.changes)))
        for control in claim.controls
    )
    if record is not None and stale and not outcome.verdict.fails:
        reason = f"measured on {record.device} on {record.date}; the kernel's source has changed since"
        outcome = replace(outcome, verdict=Verdict.STALE, reason=reason)
    broken = [control for control in controls if control.outcome.verdict is not Verdict.REFUTED]
    if broken and outcome.verdict is not Verdict.ERROR:
        names = "; ".join(f"control {c.description!r} is {c.outcome.verdict}, not refuted" for c in broken)
        traces = outcome.traceback + "".join(c.outcome.traceback for c in broken)
        outcome = replace(outcome, verdict=Verdict.BROKEN, reason=names, traceback=traces)
    return Result(claim.id, outcome, controls, time.perf_counter() - begin, seed, record)


def _attempt(claim: Claim, trial: Trial, prefix: tuple[object, ...], changes: dict[str, object]) -> Outcome:
    """One execution of the check; an exception is a verdict of `error`, never anything else."""
    evidence: list[Evidence] = []
    try:
        produced: Iterable[Evidence] = claim.check(trial, *prefix, **changes)
        for item in produced:
            if not isinstance(item, Evidence):
                raise TypeError(f"the check of {claim.id} yielded {item!r}; it must yield Evidence")
            evidence.append(item)
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return Outcome(Verdict.ERROR, text, tuple(evidence), traceback.format_exc())
    verdict, reason = judge(evidence)
    return Outcome(verdict, reason, tuple(evidence))
