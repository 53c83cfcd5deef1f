"""The multi-queue machine itself: K rings, and a stepper that asserts synchrony.

:class:`MultiQueueMachine` is the specification that everything faster is compared with: a loop that pops one symbol
from each queue, asks :class:`~lemmata.theory.turing.multiqueue.control.Control`, and pushes one symbol on each.

Two ways to put the input in:

* ``"padded"``: the right stack's last level holds one full half, the input padded with blanks to ``B^k'`` cells, and
  the machine begins by popping. The start state does not depend on the input, nor on its length.
* ``"pushed"``: the head stands on the first letter and the rest has been pushed on the right stack beforehand, as in
  the sheet's prototype. The start state then depends on the input's length and first letter.

References
----------
turing sheet, sections 5.2 (construction), 5.3 (prompt and the remark on prefilling).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from lemmata.theory.turing.machine import MOVES, Step, TuringMachine
from lemmata.theory.turing.multiqueue.control import Control, UndefinedStepError
from lemmata.theory.turing.multiqueue.layout import (
    DUMMY,
    LEFT,
    RIGHT,
    TIMING,
    Layout,
    cell,
    origin_of,
    track,
    value_of,
)
from lemmata.theory.turing.multiqueue.state import EMPTY_LEVEL, ControlState, Fill, LevelState, Phase, Stacks

Loading = Literal["padded", "pushed"]
"""How the input gets into the queues."""


class Configuration(NamedTuple):
    """A control state and the content of every queue, front first."""

    state: ControlState
    rings: tuple[tuple[int, ...], ...]


class QueueStep(NamedTuple):
    """One step: the state before, the K symbols popped, the K symbols pushed, the state after."""

    before: ControlState
    fronts: tuple[int, ...]
    pushes: tuple[int, ...]
    after: ControlState


class TapeView(NamedTuple):
    """A Turing configuration in indices: state, symbol under the head, and both stacks, nearest cell first."""

    state: int
    symbol: int
    left: tuple[int, ...]
    right: tuple[int, ...]


class SynchronyError(AssertionError):
    """A queue did not pop exactly one and push exactly one symbol in a step, or its size changed."""


@dataclass(frozen=True)
class MultiQueueMachine:
    """A synchronous machine with K = 6k' queues that simulates a one-tape Turing machine.

    Attributes
    ----------
    control : Control
        The finite control.
    layout : Layout
        The queue sizes.

    Raises
    ------
    ValueError
        If control and layout differ in the number of levels.
    """

    control: Control
    layout: Layout

    def __post_init__(self) -> None:
        if self.control.levels != self.layout.levels:
            raise ValueError(f"layout of {self.layout.levels} levels for a control of {self.control.levels} levels")

    @classmethod
    def from_turing(cls, turing: TuringMachine, *, levels: int, space: int) -> MultiQueueMachine:
        """Compile a Turing machine that uses at most `space` cells, with k' = `levels` (section 5.2).

        Raises
        ------
        ValueError
            If `levels` or `space` is smaller than 1.
        """
        return cls(Control(turing, levels), Layout.for_space(space, levels))

    # --------------------------------------------------------------------------------------------------- the start

    def initial(self, word: str | Sequence[str], loading: Loading = "padded") -> Configuration:
        """The configuration before the first step.

        Raises
        ------
        ValueError
            If a letter or `loading` is unknown, or the word has more than ``B^k'`` letters.
        """
        turing, layout = self.control.turing, self.layout
        letters = [turing.symbols.index(letter) for letter in turing.read_word(word)]
        room = layout.base**layout.levels
        if len(letters) > room:
            raise ValueError(f"a word of {len(letters)} letters does not fit; B^k' = {room} is the longest")
        empty = (EMPTY_LEVEL,) * layout.levels
        content: dict[int, list[int]] = {}
        if loading == "padded":
            last = LevelState(0, (Fill.FULL, Fill.EMPTY))
            content[track(RIGHT, layout.levels, 0, layout.levels)] = [0] * (room - len(letters)) + letters[::-1]
            stacks: Stacks = (empty, (*empty[1:], last))
            start = ControlState(Phase.POP_ALIGN, layout.levels, 0, -1, LEFT, 0, stacks)
        elif loading == "pushed":
            registers, halves = _filled(letters[:0:-1], layout)
            content = {track(RIGHT, i, half, layout.levels): part for (i, half), part in halves.items()}
            start = ControlState(Phase.READY, 0, 0, letters[0] if letters else 0, 0, 0, (empty, registers))
        else:
            raise ValueError(f"loading {loading!r} is unknown; 'padded' or 'pushed'")
        rings = []
        for index, size in enumerate(layout.sizes):
            if index % 3 == TIMING:
                rings.append((0,) * size)
            else:
                part = [symbol + 1 for symbol in content.get(index, ())]
                values = part + [DUMMY] * (size - len(part))
                rings.append(tuple(cell(value, int(offset == 0)) for offset, value in enumerate(values)))
        return Configuration(start, tuple(rings))

    # -------------------------------------------------------------------------------------------------------- steps

    def steps(self, configuration: Configuration) -> Iterator[QueueStep]:
        """Execute from a configuration until the machine halts or has no transition.

        Raises
        ------
        SynchronyError
            If a queue pops or pushes anything but exactly one symbol, or changes size.
        """
        for step, _ in self.trace(configuration):
            yield step

    def trace(self, configuration: Configuration) -> Iterator[tuple[QueueStep, list[deque[int]]]]:
        """Like :meth:`steps`, and with each step the live queues after it, which the next step changes."""
        state, queues = configuration.state, [deque(ring) for ring in configuration.rings]
        while not self.control.halts(state):
            fronts = tuple(queue.popleft() for queue in queues)
            try:
                pushes, after = self.control.step(state, fronts)
            except UndefinedStepError:
                return
            if len(pushes) != len(queues):
                raise SynchronyError(f"{len(pushes)} symbols pushed on {len(queues)} queues")
            for queue, code, size in zip(queues, pushes, self.layout.sizes, strict=True):
                queue.append(code)
                if len(queue) != size:
                    raise SynchronyError(f"a queue of {size} cells has {len(queue)} after a step")
            yield QueueStep(state, fronts, pushes, after), queues
            state = after

    def decode(self, state: ControlState, rings: Sequence[Sequence[int]]) -> TapeView:
        """The Turing configuration in a settled control state (READY or HALTED).

        Parameters
        ----------
        state : ControlState
            The control state.
        rings : sequence of sequences of int
            The queues, front first.

        Raises
        ------
        ValueError
            If the state is in the midst of a Turing step.
        """
        if not self.control.at_turing_step(state):
            raise ValueError(
                f"{self.control.describe(state)} is in the midst of a Turing step; decode in READY or HALTED"
            )
        left, right = (self._stack(stack, state.stacks[stack], rings) for stack in (LEFT, RIGHT))
        return TapeView(state.state, state.symbol, left, right)

    def _stack(self, stack: int, registers: Sequence[LevelState], rings: Sequence[Sequence[int]]) -> tuple[int, ...]:
        symbols: list[int] = []
        for level, register in enumerate(registers, 1):
            for half in (1 - register.bottom, register.bottom):
                ring = list(rings[track(stack, level, half, self.layout.levels)])
                origin = next((at for at, code in enumerate(ring) if origin_of(code)), 0)
                real = [value_of(code) - 1 for code in ring[origin:] + ring[:origin] if value_of(code) != DUMMY]
                symbols += real[::-1]
        return tuple(symbols)


def _filled(pushes: Sequence[int], layout: Layout) -> tuple[tuple[LevelState, ...], dict[tuple[int, int], list[int]]]:
    """Registers and halves of a stack after these pushes, without the waiting that the queues need."""
    halves: dict[tuple[int, int], list[int]] = {(i, h): [] for i in range(1, layout.levels + 1) for h in (0, 1)}
    bottom = [0] * (layout.levels + 1)

    def append(level: int, chunk: list[int]) -> None:
        size = layout.base**level
        lower, upper = halves[level, bottom[level]], halves[level, 1 - bottom[level]]
        if len(lower) == len(upper) == size:
            append(level + 1, lower[:])
            lower.clear()
            bottom[level] = 1 - bottom[level]
            lower, upper = upper, lower
        (lower if len(lower) < size else upper).extend(chunk)

    def fill(part: list[int], size: int) -> Fill:
        return Fill.FULL if len(part) == size else Fill.PARTIAL if part else Fill.EMPTY

    for symbol in pushes:
        append(1, [symbol])
    registers = []
    for level in range(1, layout.levels + 1):
        size = layout.base**level
        registers.append(LevelState(bottom[level], (fill(halves[level, 0], size), fill(halves[level, 1], size))))
    return tuple(registers), halves


def agrees(turing: TuringMachine, view: TapeView, step: Step) -> bool:
    """Whether a decoded configuration is the Turing machine's after `step`: state, and every cell of the tape.

    After a halting step the head counts as not having moved, since the machine stops at once.
    """
    halted = step.done.state in turing.halting
    head = step.head + (0 if halted else MOVES[step.done.move])
    names = turing.states + turing.halting
    return names[view.state] == step.done.state and tape_of(turing, view, head) == dict(step.tape)


def tape_of(turing: TuringMachine, view: TapeView, head: int) -> Mapping[int, str]:
    """The non-blank cells of a decoded configuration whose head stands on cell `head`."""
    cells = {head: view.symbol}
    cells |= {head - 1 - distance: symbol for distance, symbol in enumerate(view.left)}
    cells |= {head + 1 + distance: symbol for distance, symbol in enumerate(view.right)}
    return {at: turing.symbols[symbol] for at, symbol in cells.items() if symbol != 0}
