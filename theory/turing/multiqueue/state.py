"""Control states of the multi-queue machine: program counter, the Turing machine's state, and the levels' registers.

References
----------
turing sheet, section 5.2 ("Control keeps, per level").
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from lemmata.theory.turing.multiqueue.layout import LEFT


class Phase(IntEnum):
    """The program counter, less its level and stack."""

    READY = 0
    APPEND_ALIGN = 1
    APPEND_SEEK = 2
    APPEND_COPY = 3
    POP_ALIGN = 4
    POP_SEEK = 5
    POP_WAIT = 6
    POP_COPY = 7
    HALTED = 8


class Fill(IntEnum):
    """How full a half is; the real symbols fill it from offset 0."""

    EMPTY = 0
    PARTIAL = 1
    FULL = 2


class LevelState(NamedTuple):
    """What the control knows of one level: which half is the bottom, and the fill of halves 0 and 1."""

    bottom: int
    fill: tuple[Fill, Fill]

    @property
    def target(self) -> int:
        """The half that takes the next chunk: the top half once the bottom half is full."""
        return self.bottom if self.fill[self.bottom] is not Fill.FULL else 1 - self.bottom

    @property
    def source(self) -> int:
        """The half that gives the next chunk: the top half unless it is empty."""
        top = 1 - self.bottom
        return top if self.fill[top] is not Fill.EMPTY else self.bottom

    @property
    def full(self) -> bool:
        """Whether both halves are full."""
        return self.fill == (Fill.FULL, Fill.FULL)

    @property
    def empty(self) -> bool:
        """Whether both halves are empty."""
        return self.fill == (Fill.EMPTY, Fill.EMPTY)

    def with_fill(self, half: int, fill: Fill) -> LevelState:
        """The same level after `half` has become `fill`."""
        return LevelState(self.bottom, (fill, self.fill[1]) if half == 0 else (self.fill[0], fill))


EMPTY_LEVEL = LevelState(0, (Fill.EMPTY, Fill.EMPTY))

Stacks = tuple[tuple[LevelState, ...], tuple[LevelState, ...]]
"""Registers of the left and the right stack, level 1 first."""


class ControlState(NamedTuple):
    """A control state. Registers that a phase does not use hold a fixed value, so that equal states are equal.

    Attributes
    ----------
    phase : Phase
        Program counter.
    level : int
        Level at work, 1..k'; 0 in READY and HALTED.
    state : int
        The Turing machine's state, live first and then halting; between READY states it is already the next one.
    symbol : int
        The symbol under the head in READY and HALTED, the symbol in hand while a push waits for its place; else −1.
    pushed : int
        The stack that this Turing step pushes (LEFT or RIGHT); 0 in READY and HALTED.
    from_origin : int
        In POP_COPY, whether the chunk in transit began at the origin, so that its half is empty afterwards; else 0.
    stacks : Stacks
        Registers of both stacks.
    """

    phase: Phase
    level: int
    state: int
    symbol: int
    pushed: int
    from_origin: int
    stacks: Stacks

    def with_level(self, stack: int, level: int, registers: LevelState) -> ControlState:
        """The same state with other registers for one level."""
        old = self.stacks[stack]
        new = (*old[: level - 1], registers, *old[level:])
        return self._replace(stacks=(new, self.stacks[1]) if stack == LEFT else (self.stacks[0], new))
