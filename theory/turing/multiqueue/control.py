"""The finite control: a pure function (control state, K fronts) → (K pushes, control state).

Everything the machine knows beyond its queues is in :class:`~lemmata.theory.turing.multiqueue.state.ControlState`: a
program counter (phase, level, which stack was pushed), the Turing machine's state and one symbol, and per level which
half is the bottom and how full each half is. There is no counter and no size in it: the control depends on the Turing
machine and on k' alone, and every distance is measured by waiting for an origin flag or for the bit in a timing ring.

One Turing step ``(q', b, D)`` from READY: push b on the stack that the head leaves behind (left for D = R), pop the
other stack into the head. With ``c_i = B^(i−1)`` symbols as the chunk of level i:

* *append* to level i: wait for the target half's origin (APPEND_ALIGN), then for the first free slot (APPEND_SEEK),
  copy one chunk from the bottom half of level i − 1 (APPEND_COPY); at level 1 the chunk is the pushed symbol.
* *pop* from level i: wait for the source half's origin (POP_ALIGN), then, unless it is full, for its first free slot
  (POP_SEEK); put a 1 in the timing ring and wait until it comes out (POP_WAIT), ``B^i − c_i`` steps later, when the
  start of the last chunk is at the front; copy it to the bottom half of level i − 1 (POP_COPY), or at level 1 take it.

A push that finds level 1 full starts at the first level with room and works its way down; a pop that finds level 1
empty starts at the first level with content. All rings have turned equally often and the sizes ``B^i`` divide each
other, so when a chunk has moved at level i, the front of level i − 1 is its origin again and the next transfer starts
in the same step. A half holds whole chunks from its origin on, so its first free slot begins where a chunk does, and
there the front of level i − 1 is its origin: the sheet's test for the start of a slot is implied.

A step reads only the fronts it needs (`fronts` is indexed lazily), and a queue that it does not name in its writes
pushes back what it popped.

References
----------
turing sheet, section 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.multiqueue.layout import (
    DUMMY,
    LEFT,
    RIGHT,
    TIMING,
    cell,
    check_levels,
    origin_of,
    track,
    value_of,
)
from lemmata.theory.turing.multiqueue.state import EMPTY_LEVEL, ControlState, Fill, Phase


@runtime_checkable
class Fronts(Protocol):
    """The symbols at the fronts of the queues, by track."""

    def __getitem__(self, index: int, /) -> int: ...


class Decision(NamedTuple):
    """What one step does: the next control state, and the tracks that do not push back what they popped."""

    state: ControlState
    writes: tuple[tuple[int, int], ...] = ()


class UndefinedStepError(LookupError):
    """The control has no transition here: the Turing machine has none, or the fronts contradict the control state."""


@dataclass(frozen=True)
class Control:
    """The control of the multi-queue machine for one Turing machine.

    Parameters
    ----------
    turing : TuringMachine
        The machine to simulate.
    levels : int
        k', levels of each stack; K = 6k' queues.

    Raises
    ------
    ValueError
        If `levels` is smaller than 1.
    """

    turing: TuringMachine
    levels: int
    _delta: tuple[tuple[tuple[int, int, int] | None, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_levels(self.levels)
        table = self.turing.table()
        rows = (zip(*(part[q].tolist() for part in table), strict=True) for q in range(len(self.turing.states)))
        object.__setattr__(self, "_delta", tuple(tuple(rule if rule[0] >= 0 else None for rule in row) for row in rows))

    # ------------------------------------------------------------------------------------------------ the alphabets

    @property
    def queues(self) -> int:
        """K."""
        return 6 * self.levels

    def symbols(self, index: int) -> int:
        """Size of the alphabet of track `index`: 2 for a timing ring, ``2(|Σ| + 1)`` for a half."""
        return 2 if index % 3 == TIMING else 2 * (len(self.turing.symbols) + 1)

    def halts(self, state: ControlState) -> bool:
        """Whether the machine stops in `state`."""
        return state.phase is Phase.HALTED

    def at_turing_step(self, state: ControlState) -> bool:
        """Whether the stacks and the head are settled, so that a Turing configuration can be read off."""
        return state.phase in (Phase.READY, Phase.HALTED)

    # -------------------------------------------------------------------------------------------------------- steps

    def step(self, state: ControlState, fronts: Sequence[int]) -> tuple[tuple[int, ...], ControlState]:
        """``δ(state, fronts) = (pushes, state')``, one symbol popped and one pushed by each of the K queues.

        Raises
        ------
        UndefinedStepError
            If there is no transition.
        """
        done = self.decide(state, fronts)
        pushes = list(fronts)
        for index, code in done.writes:
            pushes[index] = code
        return tuple(pushes), done.state

    def decide(self, state: ControlState, fronts: Fronts) -> Decision:
        """The same transition with only the changes named; looks at ``fronts[q]`` for no more tracks than it needs."""
        result: ControlState | Decision = state
        while isinstance(result, ControlState):
            result = self._continue(result, fronts)
        return result

    def _continue(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        """Either the decision of this step, or the state in which the same step goes on."""
        match now.phase:
            case Phase.READY:
                return self._ready(now, fronts)
            case Phase.APPEND_ALIGN:
                return self._append_align(now, fronts)
            case Phase.APPEND_SEEK:
                return self._append_seek(now, fronts)
            case Phase.APPEND_COPY:
                return self._append_copy(now, fronts)
            case Phase.POP_ALIGN:
                return self._pop_align(now, fronts)
            case Phase.POP_SEEK:
                return self._pop_seek(now, fronts)
            case Phase.POP_WAIT:
                return self._pop_wait(now, fronts)
            case Phase.POP_COPY:
                return self._pop_copy(now, fronts)
            case Phase.HALTED:
                raise UndefinedStepError("a halted machine makes no step")

    def _track(self, stack: int, level: int, ring: int) -> int:
        return track(stack, level, ring, self.levels)

    def _ready(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        rule = self._delta[now.state][now.symbol]
        if rule is None:
            raise UndefinedStepError(f"{self.turing.name} has no rule for {self.describe(now)}")
        state, written, move = rule
        if state >= len(self.turing.states):
            return Decision(ControlState(Phase.HALTED, 0, state, written, 0, 0, now.stacks))
        return self._push(now._replace(state=state, symbol=written, pushed=LEFT if move > 0 else RIGHT))

    def _push(self, now: ControlState) -> ControlState:
        for level, registers in enumerate(now.stacks[now.pushed], 1):
            if not registers.full:
                return now._replace(phase=Phase.APPEND_ALIGN, level=level)
        raise UndefinedStepError(f"no room left in the last level: {self.describe(now)}")

    def _pop(self, now: ControlState) -> ControlState | Decision:
        for level, registers in enumerate(now.stacks[1 - now.pushed], 1):
            if not registers.empty:
                return now._replace(phase=Phase.POP_ALIGN, level=level)
        return Decision(self._read(now, DUMMY + 1))  # beyond the stack lies the blank

    def _read(self, now: ControlState, value: int) -> ControlState:
        if value == DUMMY:
            raise UndefinedStepError(f"popped a free cell in {self.describe(now)}")
        return ControlState(Phase.READY, 0, now.state, value - 1, 0, 0, now.stacks)

    # ------------------------------------------------------------------------------------------------------- append

    def _target(self, now: ControlState) -> int:
        return self._track(now.pushed, now.level, now.stacks[now.pushed][now.level - 1].target)

    def _bottom_below(self, now: ControlState, stack: int) -> int:
        """Track of the bottom half of the next smaller level, where a chunk of the present level comes from or goes."""
        return self._track(stack, now.level - 1, now.stacks[stack][now.level - 2].bottom)

    def _append_align(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        seek = origin_of(fronts[self._target(now)])
        return now._replace(phase=Phase.APPEND_SEEK) if seek else Decision(now)

    def _append_seek(self, now: ControlState, fronts: Fronts) -> Decision:
        target = self._target(now)
        if value_of(fronts[target]) != DUMMY:
            return Decision(now)
        if now.level == 1:
            placed = now._replace(phase=Phase.APPEND_COPY, symbol=-1)
            return Decision(placed, ((target, cell(now.symbol + 1, origin_of(fronts[target]))),))
        source = self._bottom_below(now, now.pushed)
        return self._transfer(now._replace(phase=Phase.APPEND_COPY), source, target, fronts)

    def _append_copy(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        target = self._target(now)
        if now.level > 1:
            source = self._bottom_below(now, now.pushed)
            if not origin_of(fronts[source]):
                return self._transfer(now, source, target, fronts)
        registers = now.stacks[now.pushed][now.level - 1]
        fill = Fill.FULL if origin_of(fronts[target]) else Fill.PARTIAL
        now = now.with_level(now.pushed, now.level, registers.with_fill(registers.target, fill))
        if now.level == 1:
            return self._pop(now)
        return self._lower(now)

    def _lower(self, now: ControlState) -> ControlState:
        """The bottom half of the level below has been copied: it is empty now and becomes the top half."""
        below = now.stacks[now.pushed][now.level - 2]
        emptied = below.with_fill(below.bottom, Fill.EMPTY)._replace(bottom=1 - below.bottom)
        now = now.with_level(now.pushed, now.level - 1, emptied)
        return now._replace(phase=Phase.APPEND_ALIGN, level=now.level - 1)

    # ---------------------------------------------------------------------------------------------------------- pop

    def _source(self, now: ControlState) -> tuple[int, int]:
        stack = 1 - now.pushed
        return stack, self._track(stack, now.level, now.stacks[stack][now.level - 1].source)

    def _pop_align(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        stack, source = self._source(now)
        if not origin_of(fronts[source]):
            return Decision(now)
        registers = now.stacks[stack][now.level - 1]
        if registers.fill[registers.source] is Fill.FULL:
            return self._mark(now, fronts)
        return now._replace(phase=Phase.POP_SEEK)

    def _pop_seek(self, now: ControlState, fronts: Fronts) -> Decision:
        _, source = self._source(now)
        if value_of(fronts[source]) != DUMMY:
            return Decision(now)
        return self._mark(now, fronts)

    def _mark(self, now: ControlState, fronts: Fronts) -> Decision:
        timing = self._track(1 - now.pushed, now.level, TIMING)
        if fronts[timing]:
            raise UndefinedStepError(f"a second bit in timing ring {timing} in {self.describe(now)}")
        return Decision(now._replace(phase=Phase.POP_WAIT), ((timing, 1),))

    def _pop_wait(self, now: ControlState, fronts: Fronts) -> Decision:
        stack, source = self._source(now)
        timing = self._track(stack, now.level, TIMING)
        if not fronts[timing]:
            return Decision(now)
        from_origin = origin_of(fronts[source])
        if now.level == 1:
            settled = self._taken(now._replace(from_origin=from_origin))
            free = (source, cell(DUMMY, from_origin))
            return Decision(self._read(settled, value_of(fronts[source])), ((timing, 0), free))
        moved = now._replace(phase=Phase.POP_COPY, from_origin=from_origin)
        first = self._transfer(moved, source, self._bottom_below(now, stack), fronts)
        return Decision(first.state, ((timing, 0), *first.writes))

    def _pop_copy(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        stack, source = self._source(now)
        target = self._bottom_below(now, stack)
        if not origin_of(fronts[target]):
            return self._transfer(now, source, target, fronts)
        now = self._taken(now)
        below = now.stacks[stack][now.level - 2]
        now = now.with_level(stack, now.level - 1, below.with_fill(below.bottom, Fill.FULL))
        return now._replace(phase=Phase.POP_ALIGN, level=now.level - 1)

    def _taken(self, now: ControlState) -> ControlState:
        """The source half has lost its last chunk; it is empty if that chunk began at the origin."""
        stack = 1 - now.pushed
        registers = now.stacks[stack][now.level - 1]
        fill = Fill.EMPTY if now.from_origin else Fill.PARTIAL
        taken = registers.with_fill(registers.source, fill)
        if taken.empty:
            taken = EMPTY_LEVEL  # either half may be the bottom of an empty level; always half 0 makes fewer states
        return now.with_level(stack, now.level, taken)._replace(from_origin=0)

    def _transfer(self, after: ControlState, source: int, target: int, fronts: Fronts) -> Decision:
        """Move a cell's value from the front of `source` to the rear of `target`; origin flags stay in their rings."""
        value, taken, placed = value_of(fronts[source]), origin_of(fronts[source]), origin_of(fronts[target])
        if value == DUMMY or value_of(fronts[target]) != DUMMY:
            raise UndefinedStepError(f"cannot move a cell from track {source} to {target} in {self.describe(after)}")
        return Decision(after, ((source, cell(DUMMY, taken)), (target, cell(value, placed))))

    def describe(self, state: ControlState) -> str:
        """A control state in words, for messages."""
        names = self.turing.states + self.turing.halting
        symbol = repr(self.turing.symbols[state.symbol]) if state.symbol >= 0 else "no symbol"
        return f"{state.phase.name} at level {state.level}, Turing state {names[state.state]!r}, {symbol} in hand"
