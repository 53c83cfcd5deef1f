"""Turing machine → synchronous Post machine: a finite control and one queue of fixed size N.

Every step pops one symbol and pushes one, ``δ: P × Γ → P × Γ``. The tape lives on a ring of ``R = N + 1`` cells: the
queue and one register ``buf`` in the control. A popped symbol is pushed one step later, so the cell to the *left* of
the mark is still in hand when the mark comes round. TM cell c is ring cell c mod R.

* ``Γ = Σ × {0, 1}``: a tape symbol and a mark bit.
* ``P = {start} ∪ {run, left} × Q_live × Σ ∪ {halt} × Q_halt × Σ``; the last factor is ``buf``.
* In mode *run*, ``buf`` is the head cell h, the front of the queue is cell h+1 and the rear is cell h−1 (cyclically).

With ``T_k`` the Post step that executes Turing step k: ``T_1 = 2`` and ``T_{k+1} = T_k + 1`` after a move to the right,
``T_k + N`` after a move to the left. So K Turing steps take exactly ``2 + n_R + N·n_L`` Post steps, ``n_R`` and ``n_L``
counted over the first K − 1 moves.

References
----------
turing sheet, section 4.1; Theorem 1 of the paper for the order of growth, s(n) steps per Turing step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16

from lemmata.theory.turing.machine import TuringMachine, TuringTable


class Mode(StrEnum):
    """The four kinds of control state."""

    START = "start"
    RUN = "run"
    LEFT = "left"
    HALT = "halt"


class PostState(NamedTuple):
    """A control state: its mode, the Turing machine's state, and the register (both None in the start state)."""

    mode: Mode
    state: str | None
    register: str | None


class PostSymbol(NamedTuple):
    """A queue symbol: tape symbol and mark bit."""

    symbol: str
    mark: int


class PostTable(NamedTuple):
    """``δ`` as integer arrays over (state, symbol), −1 where undefined; any leading dimensions are machines.

    States: 0 is the start, then run(q, buf), left(q, buf), halt(h, buf) in row-major order. Symbol ``2a + m`` is tape
    symbol a with mark bit m.
    """

    state: Int16[np.ndarray, "*machines states symbols"]
    symbol: Int16[np.ndarray, "*machines states symbols"]


def post_table(turing: TuringTable, halting: int) -> PostTable:
    """The construction of section 4.1, for one machine or for a stack of machines with equal |Q| and |Σ|.

    Parameters
    ----------
    turing : TuringTable
        Shapes (..., live, symbols).
    halting : int
        Number of halting states.

    Returns
    -------
    PostTable
        Shapes (..., 1 + 2·live·symbols + halting·symbols, 2·symbols).
    """
    *machines, live, sigma = turing.state.shape
    if 1 + (2 * live + halting) * sigma > np.iinfo(np.int16).max:
        raise ValueError(f"{live} live states and {sigma} symbols give more control states than int16 can number")
    pairs = live * sigma
    run, left, halt = (
        1 + np.arange(n * sigma).reshape(n, sigma) + k * pairs for n, k in ((live, 0), (live, 1), (halting, 2))
    )
    next_state, push = np.full((2, *machines, 1 + 2 * pairs + halting * sigma, 2 * sigma), -1, np.int16)

    unmarked = 2 * np.arange(sigma)
    next_state[..., 0, unmarked] = run[0]  # load the first letter; the slot it leaves becomes the spare blank cell
    push[..., 0, unmarked] = 0

    q, buf, popped = np.ogrid[:live, :sigma, :sigma]
    next_state[..., left[q, buf], 2 * popped] = left[q, popped]  # rotate, one step delayed
    push[..., left[q, buf], 2 * popped] = 2 * buf

    # One Turing step at cell `buf`, with the cell to its right in hand: the control takes it or the mark came round.
    target, written, move = (part[..., None] for part in turing)
    after = np.where(
        target >= live,
        halt[np.clip(target - live, 0, halting - 1), popped],
        np.where(move > 0, run[np.clip(target, 0, live - 1), popped], left[np.clip(target, 0, live - 1), popped]),
    )
    marked = (move < 0) & (target < live)  # a left move marks the old head cell
    pushed = 2 * written + marked
    defined = target >= 0
    for mode, popped_symbol in ((run, 2 * popped), (left, 2 * popped + 1)):
        next_state[..., mode[q, buf], popped_symbol] = np.where(defined, after, -1)
        push[..., mode[q, buf], popped_symbol] = np.where(defined, pushed, -1)
    return PostTable(next_state, push)


@dataclass(frozen=True)
class PostStep:
    """One step: the state reached and the symbol pushed, as indices into the machine's `states` and `symbols`.

    `turing` says whether it executed a Turing step (mode run on an unmarked symbol, or mode left on the mark).
    """

    state: int
    pushed: int
    turing: bool


@dataclass(frozen=True, eq=False)
class PostMachine:
    """A synchronous Post machine that simulates a Turing machine.

    Attributes
    ----------
    turing : TuringMachine
        The machine it came from.
    states, symbols : tuple
        P and Γ; ``states[i]`` is the meaning of index i in `table`.
    table : PostTable
        The transition function.
    """

    turing: TuringMachine
    states: tuple[PostState, ...]
    symbols: tuple[PostSymbol, ...]
    table: PostTable

    @classmethod
    def from_turing(cls, turing: TuringMachine) -> PostMachine:
        """Compile a Turing machine (section 4.1)."""
        modes = ((Mode.RUN, turing.states), (Mode.LEFT, turing.states), (Mode.HALT, turing.halting))
        states = [PostState(Mode.START, None, None)]
        states += [PostState(mode, q, buf) for mode, names in modes for q in names for buf in turing.symbols]
        symbols = tuple(PostSymbol(a, m) for a in turing.symbols for m in (0, 1))
        return cls(turing, tuple(states), symbols, post_table(turing.table(), len(turing.halting)))

    @property
    def transitions(self) -> int:
        """Number of defined transitions, H; ``|Σ| + 3|Q_live||Σ|²`` for a total Turing machine."""
        return int((self.table.state >= 0).sum())

    def halts(self, state: int) -> bool:
        """Whether control state `state` is a halting one."""
        return self.states[state].mode is Mode.HALT

    def initial_queue(self, word: str | Sequence[str], window: int) -> tuple[int, ...]:
        """The input, unmarked and padded with blanks to `window` symbols; ValueError if it does not fit."""
        letters = self.turing.read_word(word)
        check_window(window, len(letters))
        ids = [2 * self.turing.symbols.index(letter) for letter in letters]
        return tuple(ids + [0] * (window - len(ids)))

    def steps(self, queue: Sequence[int]) -> Iterator[PostStep]:
        """Execute from a queue (front first) until a halting state or an undefined pair."""
        line, state = deque(queue), 0
        while not self.halts(state):
            at = state, line.popleft()
            mode, mark = self.states[state].mode, self.symbols[at[1]].mark
            turing = mode is (Mode.LEFT if mark else Mode.RUN)
            state, pushed = int(self.table.state[at]), int(self.table.symbol[at])
            if state < 0:
                return
            line.append(pushed)
            yield PostStep(state, pushed, turing)

    def run(self, word: str | Sequence[str], window: int, max_steps: int) -> tuple[PostStep, ...]:
        """At most `max_steps` steps on `word` with a queue of size `window`."""
        return tuple(
            step for step, _ in zip(self.steps(self.initial_queue(word, window)), range(max_steps), strict=False)
        )


def turing_times(steps: Sequence[PostStep]) -> list[int]:
    """``T_1, T_2, …``: the numbers (from 1) of the Post steps that executed a Turing step."""
    return [number for number, step in enumerate(steps, 1) if step.turing]


def check_window(window: int, length: int = 0) -> None:
    """ValueError unless ``2 <= window`` and the input of `length` symbols fits."""
    if window < 2:
        raise ValueError(f"window {window} is too small; the oldest and the newest token must differ, so at least 2")
    if length > window:
        raise ValueError(f"an input of {length} symbols does not fit a window of {window}")


def predicted_steps(moves: Sequence[str], window: int) -> int:
    """``2 + n_R + N·n_L`` Post steps for Turing steps with these `moves`; the last one's direction does not matter."""
    counted = moves[:-1]
    return 2 + counted.count("R") + window * counted.count("L")
