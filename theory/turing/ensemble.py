"""Many Turing machines at once: their runs and their Post machines in lockstep, compared at every Turing step.

Machines are stacked :class:`TuringTable` arrays with equal numbers of states and symbols; one numpy operation advances
all of them, so that "every two-state machine" is a matter of a second. The construction under test is the same
:func:`lemmata.theory.turing.post.post_table`; the interpreters here share nothing with those of single machines.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int8

from lemmata.theory.turing.growing import Mutation, Places, growing_table
from lemmata.theory.turing.machine import TuringTable
from lemmata.theory.turing.post import PostTable, post_table


def all_machines(states: int, symbols: int) -> TuringTable:
    """Every total machine with `states` live states, one halting state and `symbols` symbols.

    There are ``((states + 1)·symbols·2) ** (states·symbols)``: 20,736 with two states and two symbols.
    """
    choices = np.array(list(itertools.product(range(states + 1), range(symbols), (-1, 1))), np.int16)
    pick = np.indices((len(choices),) * (states * symbols), dtype=np.int16).reshape(states * symbols, -1).T
    chosen = choices[pick].reshape(-1, states, symbols, 3)
    return TuringTable(*np.moveaxis(chosen, -1, 0))


@dataclass(frozen=True, eq=False)
class History:
    """Runs of stacked machines on the blank tape, entry k after k steps. Machines that halt stay as they are.

    Attributes
    ----------
    state, head : int arrays, shape (steps + 1, machines)
    tape : int8 array, shape (steps + 1, machines, cells)
        Cell `origin` is the first one.
    length : int array, shape (machines,)
        Steps until halting; −1 for those that did not.
    origin : int
    """

    state: Int[np.ndarray, "time machines"]
    head: Int[np.ndarray, "time machines"]
    tape: Int8[np.ndarray, "time machines cells"]
    length: Int[np.ndarray, " machines"]
    origin: int

    def only(self, chosen: Bool[np.ndarray, " machines"]) -> History:
        """The runs of the chosen machines."""
        return History(
            self.state[:, chosen], self.head[:, chosen], self.tape[:, chosen], self.length[chosen], self.origin
        )

    def visited(self) -> tuple[Int[np.ndarray, " machines"], Int[np.ndarray, " machines"]]:
        """First and last cell that the head read, relative to the start cell."""
        time = np.arange(len(self.head))[:, None]
        read = time < np.where(self.length < 0, len(self.head), self.length)
        return (np.where(read, self.head, 0).min(0), np.where(read, self.head, 0).max(0))


def only(machines: TuringTable, chosen: Bool[np.ndarray, " machines"]) -> TuringTable:
    """The chosen machines of a stack."""
    return TuringTable(*(part[chosen] for part in machines))


def run_turing(machines: TuringTable, steps: int) -> History:
    """Run every machine on the blank tape for at most `steps` steps."""
    count, live, _ = machines.state.shape
    each = np.arange(count)
    state, head = np.zeros((2, steps + 1, count), np.int64)
    tape = np.zeros((steps + 1, count, 2 * steps + 3), np.int8)
    origin = steps + 1
    length = np.full(count, -1)
    for k in range(steps):
        tape[k + 1] = tape[k]
        running = state[k] < live
        q = np.where(running, state[k], 0)
        read = tape[k, each, head[k] + origin]
        at = each, q, read
        state[k + 1] = np.where(running, machines.state[at], state[k])
        head[k + 1] = head[k] + np.where(running, machines.move[at], 0)
        tape[k + 1, each, head[k] + origin] = np.where(running, machines.symbol[at], read)
        length = np.where(running & (state[k + 1] >= live), k + 1, length)
    return History(state, head, tape, length, origin)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Outcome of :func:`compare_with_post`, by machine.

    Attributes
    ----------
    agrees : bool array
        The Post machine had the right state and the right content in every ring cell at every Turing step, did every
        step at the predicted time ``T_k``, and halted.
    turing_steps : int array
        Turing steps compared.
    """

    agrees: Bool[np.ndarray, " machines"]
    turing_steps: Int[np.ndarray, " machines"]


def compare_with_post(
    machines: TuringTable,
    history: History,
    windows: Int[np.ndarray, " machines"],
    mutate: Callable[[PostTable], PostTable] = lambda table: table,
) -> Comparison:
    """Run the Post machines of halting machines and compare state, whole ring and step times at every Turing step.

    Parameters
    ----------
    machines : TuringTable
        With one halting state; all must halt in `history`.
    history : History
        Of the same machines.
    windows : int array, shape (machines,)
        Queue size N of each, at least 2.
    mutate : callable
        Changes the compiled table, for controls.

    Raises
    ------
    ValueError
        If a machine did not halt or a window is smaller than 2.
    """
    if (history.length < 0).any():
        raise ValueError("history: every machine must have halted")
    if (windows < 2).any():
        raise ValueError(f"windows: {windows.min()} is too small, at least 2")
    count, live, sigma = machines.state.shape
    table = mutate(post_table(machines, halting=1))
    left_start, halt_start = 1 + live * sigma, 1 + 2 * live * sigma
    each, slots = np.arange(count), np.arange(int(windows.max()) + 1)
    low, _ = history.visited()
    ring = windows + 1

    # T_k = 2 + right moves + N · left moves before step k.
    moved = np.diff(history.head, axis=0)
    due = 2 + np.vstack([np.zeros(count, int), np.cumsum(np.where(moved > 0, 1, windows), axis=0)])

    queue = np.zeros((count, int(windows.max())), np.int16)
    state, done = np.zeros(count, np.int64), np.zeros(count, np.int64)
    agrees = np.ones(count, bool)
    for time in range(1, int(due[history.length - 1, each].max()) + 1):
        active = agrees & (state < halt_start)
        slot = (time - 1) % windows
        popped = queue[each, slot]
        is_turing = np.where(state >= left_start, popped % 2 == 1, (state > 0) & (popped % 2 == 0)) & active
        target, pushed = table.state[each, state, popped], table.symbol[each, state, popped]
        agrees &= ~(active & (target < 0))  # an undefined transition was reached
        active &= target >= 0
        state = np.where(active, target, state)
        queue[each, slot] = np.where(active, pushed, popped)
        done += is_turing
        agrees &= ~(is_turing & (done > history.length))
        k = np.minimum(done, history.length)

        # After Turing step k at head cell h: register = cell h + 1, queue front … rear = cells h + 2, …, h (mod R).
        head = history.head[k - 1, each]
        mode, register = np.divmod(state - 1, sigma)
        turing_state = np.where(state >= halt_start, live, mode % live)
        cells = low[:, None] + (head[:, None] + 1 + slots - low[:, None]) % ring[:, None]
        index = np.clip(cells + history.origin, 0, history.tape.shape[2] - 1)
        expected = history.tape[k[:, None], each[:, None], index]
        content = np.empty((count, len(slots)), np.int64)
        content[:, 0] = register
        content[:, 1:] = queue[each[:, None], (time + slots[:-1]) % windows[:, None]] // 2
        same = ((content == expected) | (slots >= ring[:, None])).all(1)
        right = same & (turing_state == history.state[k, each]) & (due[k - 1, each] == time)
        agrees &= ~is_turing | right
    agrees &= (state >= halt_start) & (done == history.length)
    return Comparison(agrees, done)


def compare_with_growing(
    machines: TuringTable, history: History, mutate: Mutation = lambda table, at: table
) -> Comparison:
    """Run the growing-queue Post machines and compare, at every Turing step of `history`, halted or not.

    Compared are the control state, the whole ring (every cell, the seam, the mark), the queue's length, which is the
    number of cells visited so far, and the step's time; a machine that halts in `history` must halt.

    Parameters
    ----------
    machines : TuringTable
        With one halting state.
    history : History
        Of the same machines.
    mutate : callable
        Changes the compiled table, for controls.
    """
    count, live, sigma = machines.state.shape
    at = Places.of(live, sigma, 1)
    table = mutate(growing_table(machines, halting=1), at)
    dollar, nothing = 2 * sigma, 2 * sigma + 1
    each = np.arange(count)

    # What a control state stands for: Turing state, and what is held to the right of the cell just written.
    turing_state, held = np.full((2, at.states), -1)
    registers = 2 * np.arange(sigma + 1)
    for place, register in ((at.run, registers[:-1]), (at.left, registers), (at.halt, registers), (at.seam, dollar)):
        first = live if place is at.halt else 0
        turing_state[place] = (first + np.arange(len(place))).reshape(-1, *[1] * (place.ndim - 1))
        held[place] = register

    steps = np.where(history.length < 0, len(history.head) - 1, history.length)
    read = np.where(np.arange(len(history.head))[:, None] < steps, history.head, 0)
    low, high = np.minimum.accumulate(read), np.maximum.accumulate(read)  # row k: visited in the first k + 1 steps
    moved = np.diff(history.head, axis=0)
    wait = np.where(moved > 0, 1, (high - low + 1)[:-1] + (history.head[1:] < low[:-1]))
    due = 2 + np.vstack([np.zeros(count, int), np.cumsum(wait, axis=0)])

    size = int((high - low).max()) + 4
    slots = np.arange(size)
    queue = np.zeros((count, size), np.int16)
    queue[:, 0] = dollar  # the blank tape: nothing but the seam
    front, length = np.zeros(count, np.int64), np.ones(count, np.int64)
    state, done = np.zeros(count, np.int64), np.zeros(count, np.int64)
    agrees = np.ones(count, bool)
    for time in range(1, int(due[steps - 1, each].max()) + 1):
        active = agrees & (done < steps)
        idle = table.state[each, state, nothing] >= 0
        popped = np.where(idle, nothing, queue[each, front % size])
        agrees &= ~(active & ~idle & (length == 0))
        target, pushed = table.state[each, state, popped], table.push[each, state, popped]
        agrees &= ~(active & (target < 0))
        active &= agrees
        in_left = (state >= at.left[0, 0]) & (state < at.seam[0])
        met = (popped < dollar) & (popped % 2 == 1) & (held[state] != dollar)
        is_turing = active & (state > 0) & np.where(in_left, met, True)
        state = np.where(active, target, state)
        front += active & ~idle
        length -= active & ~idle
        adds = active & (pushed >= 0)
        queue[each[adds], ((front + length) % size)[adds]] = pushed[adds]
        length += adds
        agrees &= length < size
        done += is_turing

        # The ring from the register on, h + 1, …, h around the seam, against the tape; only where a step was made.
        m = np.flatnonzero(is_turing)
        k = done[m] - 1
        first, cells = low[k, m], (high - low)[k, m] + 1
        ring = (history.head[k, m] - first)[:, None] + 1 + slots
        ring %= (cells + 1)[:, None]
        index = np.minimum(first[:, None] + ring + history.origin, history.tape.shape[2] - 1)
        wanted = 2 * history.tape[done[m, None], m[:, None], index].astype(np.int64)
        wanted[ring == cells[:, None]] = dollar
        wanted[np.arange(len(m)), cells] += moved[k, m] < 0  # the cell just written, marked after a left move
        content = np.empty_like(wanted)
        content[:, 0] = held[state[m]]
        content[:, 1:] = queue[m[:, None], (front[m, None] + slots[:-1]) % size]
        right = ((content == wanted) | (slots > cells[:, None])).all(1) & (length[m] == cells)
        right &= (turing_state[state[m]] == history.state[done[m], m]) & (due[k, m] == time)
        agrees[m] &= right
    halted = state >= at.halt[0, 0]
    agrees &= (done == steps) & (halted == (history.length >= 0))
    return Comparison(agrees, done)
