"""A compiled interpreter of Turing machines, for runs of millions of steps.

:class:`lemmata.theory.turing.machine.TuringMachine` keeps every step of a run; this one keeps only where it ended and
what it took, on a tape that doubles when the head leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from numba import njit

from lemmata.theory.turing.machine import TuringMachine


@dataclass(frozen=True)
class LongRun:
    """Where a run ended and what it took.

    Attributes
    ----------
    state : str
        The state after the last step.
    halted : bool
        Whether that is a halting state; otherwise the run was cut off, or no transition was defined.
    steps, left_moves : int
        Steps executed, and how many of them, the last one left out, moved to the left.
    first_cell : int
        The first visited cell, relative to the start.
    tape : tuple of str
        The visited cells: those that were read or hold input, as in :attr:`lemmata.theory.turing.machine.Run.visited`.
    """

    state: str
    halted: bool
    steps: int
    left_moves: int
    first_cell: int
    tape: tuple[str, ...]

    @property
    def space(self) -> int:
        """Number of visited cells, s(n)."""
        return len(self.tape)

    def tokens(self, window: int) -> int:
        """``2 + n_R + N·n_L``: tokens that the network of the machine generates in a window of N.

        ValueError if the run did not halt: where no transition is defined, the network goes on to look for the mark.
        """
        if not self.halted:
            raise ValueError(f"the run did not halt but ended in {self.state}; only a run that halts has a last token")
        return 2 + (self.steps - 1 - self.left_moves) + window * self.left_moves


def long_run(machine: TuringMachine, word: str | Sequence[str], max_steps: int) -> LongRun:
    """Run for at most `max_steps` steps from the first cell of `word`.

    Raises
    ------
    ValueError
        If `word` has a symbol outside of the alphabet, or `max_steps` is negative.
    """
    if max_steps < 0:
        raise ValueError(f"max_steps {max_steps} is negative")
    number = {symbol: index for index, symbol in enumerate(machine.symbols)}
    letters = [number[symbol] for symbol in machine.read_word(word)]
    table = machine.table()
    origin = 64
    tape = np.zeros(origin + len(letters) + 64, np.int16)
    tape[origin : origin + len(letters)] = letters
    state, steps, left, tape, origin, low, high = _run(
        table.state, table.symbol, table.move, tape, origin, max(len(letters) - 1, 0), max_steps
    )
    cells = tape[origin + low : origin + high + 1].tolist()
    return LongRun(
        state=(machine.states + machine.halting)[state],
        halted=state >= len(machine.states),
        steps=steps,
        left_moves=left,
        first_cell=low,
        tape=tuple(machine.symbols[symbol] for symbol in cells),
    )


@njit(cache=True)
@no_type_check
def _run(to_state, to_symbol, to_move, tape, origin, high, max_steps):
    """(state, steps, left moves before the last step, tape, index of cell 0, first and last visited cell)."""
    live = to_state.shape[0]
    state, head, low, left, last = 0, 0, 0, 0, 0
    steps = 0
    while steps < max_steps and state < live:
        place = origin + head
        if place < 0 or place >= tape.size:
            grown = np.zeros(3 * tape.size, tape.dtype)
            grown[tape.size : 2 * tape.size] = tape
            origin += tape.size
            place += tape.size
            tape = grown
        read = tape[place]
        target = to_state[state, read]
        if target < 0:
            break
        low, high = min(low, head), max(high, head)
        left += last
        tape[place] = to_symbol[state, read]
        last = 1 if to_move[state, read] < 0 else 0
        head += to_move[state, read]
        state = target
        steps += 1
    if high >= tape.size - origin:
        high = tape.size - origin - 1
    return state, steps, left, tape, origin, low, high
