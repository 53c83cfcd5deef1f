"""Turing machine → growing-queue Post machine: no space bound in advance, and the queue is as long as the tape so far.

A *general* Post machine pops at most one symbol a step and pushes 0, 1 or 2; this one pushes at most one. It is not for
a fixed window; it shows what the window stands for. The ring is the tape visited so far, with a seam ``$`` between its
last and its first cell: ``queue + register = x_lo … x_hi $``, turned. The tape grows at either side of the seam.

* ``Γ = Σ × {0, 1} ∪ {$}``.
* ``P``: *start*; *run* (q, buf); *left* (q, buf), where buf may be ``$``; *seam* (q), which the sheet calls runS;
  *grow* (q, nxt), which it calls run2; *halt* (q, buf), where buf may be ``$``. In all
  ``1 + |Q_live|(3|Σ| + 2) + |Q_halt|(|Σ| + 1)``.
* Start: load the first letter, or with no input the ``$`` (mode seam). Nothing is pushed.
* In mode *run*, buf is the head cell h, the queue's front is cell h+1 or ``$`` and its rear is cell h−1 or ``$``.
* In mode *seam*, the head has stepped over the right end: the head cell is a new blank and ``$``, in hand, is next.
* In mode *left*, the head is the left neighbour of the marked cell, which comes round. If the mark comes while ``$`` is
  in hand, the head has stepped over the left end: ``$`` is pushed, and in mode *grow* the head cell is a new blank and
  the cell that had the mark, ``nxt``, is its right neighbour.

A Turing step ``δ(q, b) = (q', b', D)`` with right neighbour a, a letter or ``$``, is the same in every mode: push
``(b', D = L)`` and go to *halt* (q', a), if q' halts; *left* (q', a), if D = L; *seam* (q'), if a is ``$``; else *run*
(q', a). Modes seam and grow have their right neighbour in the control and pop nothing.

With ``s_k`` the cells visited in the first k Turing steps (the input's count), after step k the queue has exactly
``s_k`` symbols; before the first step it has n + 1. With ``T_k`` the Post step that executes Turing step k, ``T_1 = 2``
and ``T_{k+1} = T_k + 1`` after a move to the right, ``T_k + s_k`` after a move to the left, and one more if that left
the visited cells.

References
----------
turing sheet, section 4.2 (modes and seam) and row T18. The sheet's bound on the queue, visited cells + 1, is met with
equality only before the first step of a machine that never leaves its input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Int16

from lemmata.theory.turing.machine import MOVES, Step, TuringMachine, TuringTable

SEAM = "$"
"""How the symbol between the last and the first cell is shown; it is a number of its own beside the tape symbols."""


class GrowingMode(StrEnum):
    """The six kinds of control state."""

    START = "start"
    RUN = "run"
    LEFT = "left"
    SEAM = "seam"
    GROW = "grow"
    HALT = "halt"


class GrowingTable(NamedTuple):
    """``δ`` as integer arrays over (state, symbol); any leading dimensions are machines.

    States are numbered as in :class:`Places`. Symbol ``2a + m`` is tape symbol a with mark bit m, ``2|Σ|`` is ``$``,
    and the last column stands for no symbol: a state with an entry there pops nothing and has no other entry. `state`
    is −1 where δ is undefined, `push` also where nothing is pushed.
    """

    state: Int16[np.ndarray, "*machines states columns"]
    push: Int16[np.ndarray, "*machines states columns"]


@dataclass(frozen=True)
class Places:
    """Where the control states stand: one index array a mode. A register that may hold ``$`` has it last."""

    run: Int[np.ndarray, "live symbols"]
    left: Int[np.ndarray, "live registers"]
    seam: Int[np.ndarray, " live"]
    grow: Int[np.ndarray, "live symbols"]
    halt: Int[np.ndarray, "halting registers"]

    @classmethod
    def of(cls, live: int, sigma: int, halting: int) -> Places:
        """State 0 is the start; then run, left, seam, grow, halt in row-major order."""
        shapes = ((live, sigma), (live, sigma + 1), (live,), (live, sigma), (halting, sigma + 1))
        ends = np.cumsum([1, *(int(np.prod(shape)) for shape in shapes)])
        return cls(*(at + np.arange(np.prod(shape)).reshape(shape) for at, shape in zip(ends, shapes, strict=False)))

    @property
    def states(self) -> int:
        """|P|."""
        return int(self.halt[-1, -1]) + 1


def growing_table(turing: TuringTable, halting: int) -> GrowingTable:
    """The construction of this module, for one machine or for a stack of machines with equal |Q| and |Σ|.

    Parameters
    ----------
    turing : TuringTable
        Shapes (..., live, symbols).
    halting : int
        Number of halting states.

    Raises
    ------
    ValueError
        If there are more control states than int16 can number.
    """
    *machines, live, sigma = turing.state.shape
    at = Places.of(live, sigma, halting)
    if at.states > np.iinfo(np.int16).max:
        raise ValueError(f"{live} live states and {sigma} symbols give more control states than int16 can number")
    dollar, nothing = 2 * sigma, 2 * sigma + 1
    state, push = np.full((2, *machines, at.states, 2 * sigma + 2), -1, np.int16)
    letters = np.arange(sigma)
    unmarked = 2 * letters

    # One Turing step at cell b with right neighbour a; index sigma of the last dimension is a = $.
    target, written, move = (part[..., None] for part in turing)
    live_target = np.clip(target, 0, live - 1)
    neighbour = np.arange(sigma + 1)
    to_run = np.where(neighbour == sigma, at.seam[live_target], at.run[live_target, np.minimum(neighbour, sigma - 1)])
    to_live = np.where(move > 0, to_run, at.left[live_target, neighbour])
    after = np.where(target >= live, at.halt[np.clip(target - live, 0, halting - 1), neighbour], to_live)
    after = np.where(target < 0, -1, after)
    left_mark = np.where(target < 0, -1, 2 * written + (move < 0))
    pushed = np.broadcast_to(left_mark, after.shape)

    state[..., 0, unmarked], state[..., 0, dollar] = at.run[0], at.seam[0]

    q, b, a = np.ogrid[:live, :sigma, :sigma]
    for mode, popped in ((at.run, 2 * a), (at.left, 2 * a + 1)):
        state[..., mode[q, b], popped] = after[..., :-1]
        push[..., mode[q, b], popped] = pushed[..., :-1]
    state[..., at.run, dollar], push[..., at.run, dollar] = after[..., -1], pushed[..., -1]
    state[..., at.seam, nothing], push[..., at.seam, nothing] = after[..., 0, -1], pushed[..., 0, -1]
    state[..., at.grow, nothing], push[..., at.grow, nothing] = after[..., 0, :-1], pushed[..., 0, :-1]

    # Rotation in mode left, one step delayed; then the mark that comes while $ is in hand.
    held = np.arange(sigma + 1)
    for letter in range(sigma):
        state[..., at.left, 2 * letter], push[..., at.left, 2 * letter] = at.left[:, letter, None], 2 * held
    state[..., at.left[:, :-1], dollar], push[..., at.left[:, :-1], dollar] = at.left[:, -1:], unmarked
    state[..., at.left[:, -1:], unmarked + 1], push[..., at.left[:, -1:], unmarked + 1] = at.grow, dollar
    return GrowingTable(state, push)


class GrowingState(NamedTuple):
    """A control state; `held` is a symbol's number: the register, in mode grow ``nxt``, in mode seam ``$``."""

    mode: GrowingMode
    state: str | None
    held: int | None


@dataclass(frozen=True)
class GrowingStep:
    """One step: the state reached and the queue after it (front first), as indices into `states` and `symbols`.

    `turing` says whether it executed a Turing step.
    """

    state: int
    queue: tuple[int, ...]
    turing: bool


class Configuration(NamedTuple):
    """A Turing machine's configuration. `tape` holds the visited cells, and `head` counts from the first of them.

    The cell that the last move entered need not be among them: `head` may be −1 or ``len(tape)``.
    """

    state: str
    head: int
    tape: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GrowingMachine:
    """A Post machine with a growing queue that simulates a Turing machine.

    Attributes
    ----------
    turing : TuringMachine
        The machine it came from.
    states : tuple of GrowingState
        P.
    table : GrowingTable
        The transition function.
    """

    turing: TuringMachine
    states: tuple[GrowingState, ...]
    table: GrowingTable

    @classmethod
    def from_turing(cls, turing: TuringMachine) -> GrowingMachine:
        """Compile a Turing machine."""
        sigma = len(turing.symbols)
        letters, dollar = range(0, 2 * sigma, 2), 2 * sigma
        states = [GrowingState(GrowingMode.START, None, None)]
        for mode, names, registers in (
            (GrowingMode.RUN, turing.states, [*letters]),
            (GrowingMode.LEFT, turing.states, [*letters, dollar]),
            (GrowingMode.SEAM, turing.states, [dollar]),
            (GrowingMode.GROW, turing.states, [*letters]),
            (GrowingMode.HALT, turing.halting, [*letters, dollar]),
        ):
            states += [GrowingState(mode, q, held) for q in names for held in registers]
        return cls(turing, tuple(states), growing_table(turing.table(), len(turing.halting)))

    @property
    def seam(self) -> int:
        """The number of the symbol ``$``."""
        return 2 * len(self.turing.symbols)

    def show(self, symbol: int) -> str:
        """A queue symbol for people: the letter, with ``'`` if marked, or ``$``."""
        return SEAM if symbol == self.seam else self.turing.symbols[symbol // 2] + "'" * (symbol % 2)

    def initial_queue(self, word: str | Sequence[str]) -> tuple[int, ...]:
        """The input, unmarked, and the seam."""
        letters = self.turing.read_word(word)
        return (*(2 * self.turing.symbols.index(letter) for letter in letters), self.seam)

    def steps(self, word: str | Sequence[str]) -> Iterator[GrowingStep]:
        """Execute until a halting state or an undefined pair."""
        line, state = deque(self.initial_queue(word)), 0
        while self.states[state].mode is not GrowingMode.HALT:
            mode, _, held = self.states[state]
            popped = -1  # the last column: no symbol
            if self.table.state[state, popped] < 0:
                if not line:
                    return
                popped = line.popleft()
            turing = mode not in (GrowingMode.START, GrowingMode.LEFT)
            turing |= mode is GrowingMode.LEFT and held != self.seam and popped != self.seam and popped % 2 == 1
            state, pushed = int(self.table.state[state, popped]), int(self.table.push[state, popped])
            if state < 0:
                return
            if pushed >= 0:
                line.append(pushed)
            yield GrowingStep(state, tuple(line), turing)

    def run(self, word: str | Sequence[str], max_steps: int) -> tuple[GrowingStep, ...]:
        """At most `max_steps` steps on `word`; ValueError if it is negative."""
        if max_steps < 0:
            raise ValueError(f"max_steps {max_steps} is negative")
        return tuple(islice(self.steps(word), max_steps))

    def decode(self, step: GrowingStep) -> Configuration:
        """The Turing machine's configuration after a step that executed a Turing step.

        The queue's rear is the cell just written, its mark bit the move, and the register the cell to its right.

        Raises
        ------
        ValueError
            If the step executed no Turing step, or the ring has no seam (which a wrong table may lose).
        """
        _, state, held = self.states[step.state]
        if not step.turing or state is None or held is None:
            raise ValueError(f"step to state {step.state} executed no Turing step; only after one can a tape be read")
        ring = [*step.queue, held]
        if ring.count(self.seam) != 1:
            raise ValueError(f"the ring holds {ring.count(self.seam)} seams; exactly one is needed to read a tape")
        cut = ring.index(self.seam) + 1
        tape = tuple(self.turing.symbols[symbol // 2] for symbol in ring[cut:] + ring[: cut - 1])
        rear = (len(ring) - 2 - cut) % len(ring)
        return Configuration(state, rear + (-1 if ring[-2] % 2 else 1), tape)


def expected(machine: TuringMachine, word: Sequence[str], steps: Sequence[Step]) -> Iterator[tuple[Configuration, int]]:
    """By the Turing machine's own steps: the configuration after each, and the Post step ``T_k`` that executes it."""
    low, high, time = 0, len(word) - 1, 2
    for step in steps:
        low, high = min(low, step.head), max(high, step.head)
        tape = tuple(step.tape.get(cell, machine.symbols[0]) for cell in range(low, high + 1))
        head = step.head + MOVES[step.done.move]
        yield Configuration(step.done.state, head - low, tape), time
        time += 1 if step.done.move == "R" else high - low + 1 + (head < low)


Mutation = Callable[[GrowingTable, Places], GrowingTable]


def departs(
    machine: TuringMachine,
    word: str | Sequence[str],
    max_steps: int,
    mutate: Mutation = lambda table, at: table,
    spare: int = 0,
) -> bool:
    """Whether, within `max_steps` Turing steps, one is wrong: in the configuration after it, its time or the queue.

    The time must be ``T_k``, and the queue's length the number of visited cells + `spare`.

    Parameters
    ----------
    machine, word, max_steps
        The run.
    mutate : callable
        Changes the compiled table, for controls.
    spare : int
        0 is right; another value is a wrong formula.
    """
    done = machine.run(word, max_steps)
    wanted = list(expected(machine, done.word, done.steps))
    growing = GrowingMachine.from_turing(machine)
    at = Places.of(len(machine.states), len(machine.symbols), len(machine.halting))
    growing = replace(growing, table=mutate(growing.table, at))
    made = [(step, k) for k, step in enumerate(growing.run(word, wanted[-1][1] if wanted else 2), 1) if step.turing]
    if len(made) != len(wanted):
        return True
    for (step, time), (configuration, due) in zip(made, wanted, strict=True):
        seams = [*step.queue, growing.states[step.state].held].count(growing.seam)
        if seams != 1 or growing.decode(step) != configuration:
            return True
        if time != due or len(step.queue) != len(configuration.tape) + spare:
            return True
    return False  # a run that halts has done so: the last configuration names a halting state
