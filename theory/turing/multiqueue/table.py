"""Finite tables of the control: recorded rows over all K fronts, and rules over the fronts that matter.

* A *row* is ``(state, K fronts) → (K pushes, state')``, recorded from a run. Two rows with one key and different values
  are a *conflict*: the control would know something that its state does not say.
* A *rule* is the same transition with "don't care" for every track that the control did not look at, and with only the
  changed pushes named: ``(state, {track: cell}) → ({track: cell}, state')``. A track that no write names pushes back
  what it popped. Rules of one state are disjoint, and one rule stands for as many rows as there are fronts it ignores;
  so a table of rules keeps predicting on fronts that no run has shown, and :func:`complete_rules` are a table for every
  input and every space.

References
----------
turing sheet, section 5.2 (finite control check), 5.3 (rows of the feed-forward layer), row T16.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lemmata.theory.turing.multiqueue.control import Control, Fronts
from lemmata.theory.turing.multiqueue.machine import Configuration, MultiQueueMachine, QueueStep
from lemmata.theory.turing.multiqueue.state import ControlState


class Row(NamedTuple):
    """The right-hand side of a recorded row: K pushes and the next state."""

    pushes: tuple[int, ...]
    state: Hashable


class Conflict(NamedTuple):
    """Two different right-hand sides recorded for one state and one tuple of fronts."""

    state: Hashable
    fronts: tuple[int, ...]
    first: Row
    second: Row


@dataclass(eq=False)
class RecordedTable:
    """Rows recorded from runs.

    Parameters
    ----------
    project : callable, optional
        What counts as the control state; by default all of it. A projection that forgets a register shows what that
        register is for: conflicts appear.

    Attributes
    ----------
    rows : dict
        ``(state, fronts) -> Row``, the first one recorded.
    conflicts : list of Conflict
        Every later row that differs from the first.
    states : dict
        The states seen, in order of appearance, each with its number.
    """

    project: Callable[[ControlState], Hashable] = lambda state: state
    rows: dict[tuple[Hashable, tuple[int, ...]], Row] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    states: dict[Hashable, int] = field(default_factory=dict)

    def record(self, step: QueueStep) -> None:
        """Add one step of a run."""
        before, after = self.project(step.before), self.project(step.after)
        for state in (before, after):
            self.states.setdefault(state, len(self.states))
        row = Row(step.pushes, after)
        first = self.rows.setdefault((before, step.fronts), row)
        if first != row:
            self.conflicts.append(Conflict(before, step.fronts, first, row))


def recorded_table(
    machine: MultiQueueMachine,
    configurations: Iterable[Configuration],
    *,
    max_steps: int = 1_000_000,
    project: Callable[[ControlState], Hashable] | None = None,
) -> RecordedTable:
    """Record the runs from some start configurations, each for at most `max_steps` steps.

    Parameters
    ----------
    machine : MultiQueueMachine
        The machine.
    configurations : iterable of Configuration
        Where to start, see :meth:`MultiQueueMachine.initial`.
    max_steps : int
        Cut-off of each run.
    project : callable, optional
        See :class:`RecordedTable`.
    """
    table = RecordedTable() if project is None else RecordedTable(project)
    for configuration in configurations:
        for step, _ in zip(machine.steps(configuration), range(max_steps), strict=False):
            table.record(step)
    return table


class Rule(NamedTuple):
    """One transition over the tracks that matter.

    Attributes
    ----------
    state, next_state : ControlState
        Control states before and after.
    reads : tuple of (track, cell)
        The fronts that were looked at, in the order of looking.
    writes : tuple of (track, cell)
        The pushes that may differ from what was popped; each of these tracks is among the reads.
    """

    state: ControlState
    reads: tuple[tuple[int, int], ...]
    writes: tuple[tuple[int, int], ...]
    next_state: ControlState


class _Witness:
    """Fronts that remember which tracks were looked at."""

    def __init__(self, fronts: Fronts) -> None:
        self.fronts = fronts
        self.seen: dict[int, int] = {}

    def __getitem__(self, index: int) -> int:
        return self.seen.setdefault(index, self.fronts[index])


def rule_of(control: Control, state: ControlState, fronts: Fronts) -> Rule:
    """The rule that applies to these fronts; UndefinedStepError if none does."""
    witness = _Witness(fronts)
    done = control.decide(state, witness)
    return Rule(state, tuple(witness.seen.items()), done.writes, done.state)


def rules_of(control: Control, state: ControlState) -> Iterator[Rule]:
    """Every rule of a control state: all fronts, the impossible ones aside, fall under exactly one.

    The decision tree of :meth:`Control.decide` is walked by supplying one more front whenever it looks at a new track.
    """
    pending: list[dict[int, int]] = [{}]
    while pending:
        known = pending.pop()
        try:
            yield rule_of(control, state, known)
        except KeyError as missing:
            index = int(missing.args[0])
            pending += [{**known, index: code} for code in reversed(range(control.symbols(index)))]
        except LookupError:  # these fronts contradict the state, or the Turing machine has no rule
            continue


def complete_rules(control: Control, start: ControlState, limit: int = 100_000) -> tuple[Rule, ...]:
    """The rules of all control states that some sequence of fronts leads to, whatever the queue sizes.

    More than any run uses, since the fronts of a run are tied together. A table of these rules never lacks one: it is
    the whole control, for every input and every space at once, and its size is a constant of the Turing machine and k'.

    Raises
    ------
    ValueError
        If there are more than `limit` states.
    """
    found, pending, rules = {start}, [start], []
    while pending:
        state = pending.pop()
        if control.halts(state):
            continue
        for rule in rules_of(control, state):
            rules.append(rule)
            if rule.next_state not in found:
                found.add(rule.next_state)
                pending.append(rule.next_state)
        if len(found) > limit:
            raise ValueError(f"more than limit {limit} control states are reachable")
    return tuple(rules)


def recorded_rules(
    machine: MultiQueueMachine, configurations: Iterable[Configuration], *, max_steps: int = 1_000_000
) -> tuple[Rule, ...]:
    """The distinct rules used in some runs, in order of first use; see :func:`recorded_table`."""
    used: dict[tuple[ControlState, tuple[tuple[int, int], ...]], Rule] = {}
    for configuration in configurations:
        for step, _ in zip(machine.steps(configuration), range(max_steps), strict=False):
            rule = rule_of(machine.control, step.before, step.fronts)
            used.setdefault((step.before, rule.reads), rule)
    return tuple(used.values())


def ordered_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The same rules, with the reads of each state's rules in an order that makes them a decision tree.

    For rules that come from where no order of looking is kept, such as a matrix.

    Raises
    ------
    ValueError
        If the rules of some state cannot be told apart by looking at one front after the other.
    """
    order: dict[int, list[int]] = {unit: [] for unit in range(len(rules))}
    reads = [dict(rule.reads) for rule in rules]
    by_state: dict[ControlState, list[int]] = {}
    for unit, rule in enumerate(rules):
        by_state.setdefault(rule.state, []).append(unit)
    pending = list(by_state.values())
    while pending:
        group = pending.pop()
        left = [reads[unit].keys() - set(order[unit]) for unit in group]
        common = set.intersection(*map(set, left))
        if not common:
            if len(group) > 1:
                raise ValueError(f"{len(group)} rules of one state overlap: no front tells them apart")
            continue
        track = min(common)
        parts: dict[int, list[int]] = {}
        for unit in group:
            order[unit].append(track)
            parts.setdefault(reads[unit][track], []).append(unit)
        pending += parts.values()
    return tuple(
        rule._replace(reads=tuple((track, reads[unit][track]) for track in order[unit]))
        for unit, rule in enumerate(rules)
    )


def pushes_of(rule: Rule, fronts: Sequence[int]) -> tuple[int, ...]:
    """The K pushes of a rule: what it writes, and elsewhere what was popped."""
    pushes = list(fronts)
    for index, code in rule.writes:
        pushes[index] = code
    return tuple(pushes)
