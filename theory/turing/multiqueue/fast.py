"""The same machine at tens of millions of steps per second: a compiled loop over a table of rules.

The loop knows nothing of stacks and levels. It reads a decision tree (a node looks at the front of one track, its child
depends on the cell found there, a leaf is a rule), and K rings in one array; every ring turns by one cell per step, so
that pushing means writing where the popped cell stood. When the tree has no child for what the fronts show, the loop
returns and :class:`FastRun` asks the finite control for the missing rule, or refuses if its table is closed.

References
----------
turing sheet, sections 5.2 and 5.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, no_type_check

import numba
import numpy as np

from lemmata.theory.turing.multiqueue.control import UndefinedStepError
from lemmata.theory.turing.multiqueue.machine import Configuration, MultiQueueMachine, TapeView
from lemmata.theory.turing.multiqueue.state import ControlState, Phase
from lemmata.theory.turing.multiqueue.table import Rule, rule_of

MISSING = -1
"""Code of a child that no rule has reached yet; nodes are ≥ 0, leaf l is ``−2 − l``."""

_MAX_WRITES = 3  # a timing bit, a source cell and a target cell
_UNSETTLED, _READY, _HALTED = 0, 1, 2
_AT_LIMIT, _NO_RULE, _STOPPED = 0, 1, 2


@numba.njit(cache=True, boundscheck=False)
@no_type_check
def _run_table(
    cells,
    offsets,
    sizes,
    size_of,
    clocks,
    clocked,
    roots,
    nodes,
    children,
    leaves,
    settled,
    state,
    time,
    turing,
    limits,
):
    """Run until a limit, a missing rule or a halting state; (state, time, turing steps, why).

    `clocks[j]` is the place of the front in every ring of the j-th size, as of step `clocked[j]`; it is brought up to
    date when a ring of that size is looked at.
    """
    time_limit, turing_limit = limits
    while time < time_limit and turing < turing_limit:
        code = roots[state]
        while code >= 0:
            track = nodes[code]
            size_index = size_of[track]
            place = clocks[size_index] + (time - clocked[size_index])
            size = sizes[size_index]
            if place >= size:
                place -= size
                if place >= size:
                    place %= size
            clocks[size_index] = place
            clocked[size_index] = time
            code = children[code, cells[offsets[track] + place]]
        if code == -1:
            return state, time, turing, 1
        leaf = -2 - code
        for write in range(leaves[leaf, 1]):
            track = leaves[leaf, 2 + 2 * write]
            cells[offsets[track] + clocks[size_of[track]]] = leaves[leaf, 3 + 2 * write]
        state = leaves[leaf, 0]
        time += 1
        if settled[state] != 0:
            turing += 1
            if settled[state] == 2:
                return state, time, turing, 2
    return state, time, turing, 0


def _grown(array: np.ndarray, length: int, fill: int) -> np.ndarray:
    if length <= len(array):
        return array
    larger = np.full((2 * length, *array.shape[1:]), fill, array.dtype)
    larger[: len(array)] = array
    return larger


class CompiledTable:
    """A decision tree over rules, grown rule by rule.

    Parameters
    ----------
    alphabet : int
        Upper bound on the cell codes of every track.

    Attributes
    ----------
    states : list of ControlState
        The control states by number.
    rules : int
        Number of rules.
    """

    def __init__(self, alphabet: int) -> None:
        self.states: list[ControlState] = []
        self.rules = 0
        self._number: dict[ControlState, int] = {}
        self._nodes = 0
        self.roots = np.full(64, MISSING, np.int32)
        self.settled = np.zeros(64, np.uint8)
        self.nodes = np.full(64, MISSING, np.int32)
        self.children = np.full((64, alphabet), MISSING, np.int32)
        self.leaves = np.zeros((64, 2 + 2 * _MAX_WRITES), np.int32)

    def number(self, state: ControlState) -> int:
        """The number of a control state; a new one gets the next number."""
        if state not in self._number:
            index = self._number[state] = len(self.states)
            self.states.append(state)
            self.roots = _grown(self.roots, index + 1, MISSING)
            self.settled = _grown(self.settled, index + 1, _UNSETTLED)
            self.settled[index] = {Phase.READY: _READY, Phase.HALTED: _HALTED}.get(state.phase, _UNSETTLED)
        return self._number[state]

    def add(self, rule: Rule) -> None:
        """Hang a rule into the tree of its state.

        Raises
        ------
        ValueError
            If the rule overlaps one that is there already, or writes a track that it does not read.
        """
        if len(rule.writes) > _MAX_WRITES or not {track for track, _ in rule.writes} <= {
            track for track, _ in rule.reads
        }:
            raise ValueError(
                f"rule writes {rule.writes} after reading {rule.reads}; only tracks that it reads, at most 3"
            )
        at, after = self.number(rule.state), self.number(rule.next_state)
        leaf = self.rules
        self.leaves = _grown(self.leaves, leaf + 1, 0)
        self.leaves[leaf, :2] = after, len(rule.writes)
        self.leaves[leaf, 2 : 2 + 2 * len(rule.writes)] = [part for write in rule.writes for part in write]
        parent: tuple[int, int] | None = None
        for track, code in rule.reads:
            child = int(self.roots[at] if parent is None else self.children[parent])
            if child == MISSING:
                child = self._new_node(track)
                self._hang(at, parent, child)
            if child < 0 or self.nodes[child] != track:
                raise ValueError(f"rule reading {rule.reads} overlaps another rule of the same state")
            parent = child, code
        if int(self.roots[at] if parent is None else self.children[parent]) != MISSING:
            raise ValueError(f"rule reading {rule.reads} overlaps another rule of the same state")
        self._hang(at, parent, -2 - leaf)
        self.rules += 1

    def _new_node(self, track: int) -> int:
        node = self._nodes
        self._nodes += 1
        self.nodes = _grown(self.nodes, node + 1, MISSING)
        self.children = _grown(self.children, node + 1, MISSING)
        self.nodes[node] = track
        return node

    def _hang(self, state: int, parent: tuple[int, int] | None, code: int) -> None:
        if parent is None:
            self.roots[state] = code
        else:
            self.children[parent] = code


class Progress(NamedTuple):
    """How far a run has come.

    Attributes
    ----------
    machine_steps : int
        Steps of the multi-queue machine, one token each.
    turing_steps : int
        Settled configurations after the start; a padded start's loading phase is not one of them.
    halted, stuck : bool
        Whether it has halted, or has no transition.
    """

    machine_steps: int
    turing_steps: int
    halted: bool
    stuck: bool


@dataclass(eq=False)
class FastRun:
    """A run in progress, with a table that grows as it goes.

    Parameters
    ----------
    machine : MultiQueueMachine
        Control and layout.
    configuration : Configuration
        Where to start; READY means that the first Turing step comes next, any other phase that loading comes first.
    rules : iterable of Rule, optional
        A closed table, for instance one read off the weights: a missing rule then stops the run as ``stuck``. By
        default rules are asked of the control when they are missing.
    """

    machine: MultiQueueMachine
    configuration: Configuration
    rules: Iterable[Rule] | None = None

    def __post_init__(self) -> None:
        control, layout = self.machine.control, self.machine.layout
        self.table = CompiledTable(2 * (len(control.turing.symbols) + 1))
        for rule in self.rules or ():
            self.table.add(rule)
        self._state = self.table.number(self.configuration.state)
        self._time = 0
        self._settled = 0 if self.configuration.state.phase is Phase.READY else -1
        self._stuck = False
        self._cells = np.concatenate([np.asarray(ring, np.uint8) for ring in self.configuration.rings])
        self._offsets = np.concatenate([[0], np.cumsum(layout.sizes)[:-1]]).astype(np.int64)
        self._sizes, size_of = np.unique(np.asarray(layout.sizes, np.int64), return_inverse=True)
        self._size_of = size_of.astype(np.int64)
        self._clocks = np.zeros(len(self._sizes), np.int64)
        self._clocked = np.zeros(len(self._sizes), np.int64)

    @property
    def state(self) -> ControlState:
        """The present control state."""
        return self.table.states[self._state]

    @property
    def progress(self) -> Progress:
        """How far the run has come."""
        halted = self.machine.control.halts(self.state)
        return Progress(self._time, max(self._settled, 0), halted, self._stuck)

    def advance(self, *, turing_steps: int | None = None, machine_steps: int | None = None) -> Progress:
        """Run on until as many more Turing steps or machine steps are done, or the machine halts or is stuck.

        Raises
        ------
        ValueError
            If neither limit is given, or one is negative.
        """
        limits = [2**62, 2**62]
        for index, (name, more, done) in enumerate(
            (("machine_steps", machine_steps, self._time), ("turing_steps", turing_steps, max(self._settled, 0)))
        ):
            if more is not None:
                if more < 0:
                    raise ValueError(f"{name} {more} is negative")
                limits[index] = done + more
        if machine_steps is None and turing_steps is None:
            raise ValueError("give turing_steps or machine_steps; a machine may never halt")
        why = _AT_LIMIT if self.progress.halted or self._stuck else _NO_RULE
        table = self.table
        while why == _NO_RULE:
            self._state, self._time, self._settled, why = _run_table(
                self._cells,
                self._offsets,
                self._sizes,
                self._size_of,
                self._clocks,
                self._clocked,
                table.roots,
                table.nodes,
                table.children,
                table.leaves,
                table.settled,
                self._state,
                self._time,
                self._settled,
                (limits[0], limits[1]),
            )
            if why == _NO_RULE and not self._discover():
                self._stuck = True
                break
        return self.progress

    def _discover(self) -> bool:
        if self.rules is not None:
            return False
        try:
            self.table.add(rule_of(self.machine.control, self.state, self.fronts()))
        except UndefinedStepError:
            return False
        return True

    def fronts(self) -> tuple[int, ...]:
        """The K symbols that the next step pops."""
        places = self._time % self._sizes[self._size_of]
        return tuple(self._cells[self._offsets + places].tolist())

    def rings(self) -> tuple[tuple[int, ...], ...]:
        """A copy of every queue, front first."""
        cells, rings = self._cells.tolist(), []
        for at, size in zip(self._offsets.tolist(), self.machine.layout.sizes, strict=True):
            front = at + self._time % size
            rings.append((*cells[front : at + size], *cells[at:front]))
        return tuple(rings)

    def decode(self) -> TapeView:
        """The Turing configuration, if the control is settled; see :meth:`MultiQueueMachine.decode`."""
        return self.machine.decode(self.state, self.rings())
