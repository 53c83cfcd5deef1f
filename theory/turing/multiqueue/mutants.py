"""Wrong variants, each the smallest departure: the controls of the claims about the multi-queue machine.

Machines: :func:`long_timing_ring`, :func:`long_half`, :func:`skipped_rotation`, :func:`swapped_moves`,
:func:`hasty_append`, :func:`no_swap`, :func:`thrashing`, :func:`lost_push`. Weights: :func:`shifted_head`,
:func:`flipped_unit`, :func:`eager_unit`, :func:`single_changes`. What a recorded state may forget or count:
:func:`without`, :func:`counted`.

References
----------
turing sheet, section 5.2 (what each part is for), rows T13 to T17.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lemmata.theory.turing.multiqueue.control import Control, Decision, Fronts
from lemmata.theory.turing.multiqueue.layout import LEFT, RIGHT, TIMING, Layout, track
from lemmata.theory.turing.multiqueue.machine import Configuration, Loading, MultiQueueMachine
from lemmata.theory.turing.multiqueue.state import ControlState, Fill, Phase
from lemmata.theory.turing.multiqueue.weights import MultiQueueWeights


def long_timing_ring(machine: MultiQueueMachine, stack: int = LEFT, level: int = 1) -> MultiQueueMachine:
    """One timing ring one cell longer: the bit comes out a step late, past the last chunk's start."""
    index = 3 * (stack * machine.layout.levels + level - 1) + TIMING
    sizes = tuple(size + (at == index) for at, size in enumerate(machine.layout.sizes))
    return replace(machine, layout=replace(machine.layout, sizes=sizes))


def long_half(machine: MultiQueueMachine, stack: int = LEFT, level: int = 1) -> MultiQueueMachine:
    """One half one cell longer: it falls out of phase with the other rings."""
    index = 3 * (stack * machine.layout.levels + level - 1)
    sizes = tuple(size + (at == index) for at, size in enumerate(machine.layout.sizes))
    return replace(machine, layout=replace(machine.layout, sizes=sizes))


class _SkippedRotation(MultiQueueMachine):
    def initial(self, word: str | Sequence[str], loading: Loading = "padded") -> Configuration:
        state, rings = super().initial(word, loading)
        late = track(LEFT, 1, 0, self.layout.levels)
        ring = rings[late]
        return Configuration(state, (*rings[:late], ring[-1:] + ring[:-1], *rings[late + 1 :]))


def skipped_rotation(machine: MultiQueueMachine) -> MultiQueueMachine:
    """A half of the left stack's first level has missed one rotation and lags behind by a cell.

    With one level this changes nothing but the number of steps: phases between levels are all that must agree.
    """
    return _SkippedRotation(machine.control, machine.layout)


class _SwappedMoves(Control):
    def _push(self, now: ControlState) -> ControlState:
        return super()._push(now._replace(pushed=RIGHT if now.pushed == LEFT else LEFT))


def swapped_moves(machine: MultiQueueMachine) -> MultiQueueMachine:
    """The sign of every move flipped: left moves push the left stack."""
    return _with_control(machine, _SwappedMoves)


class _HastyAppend(Control):
    def _append_align(self, now: ControlState, fronts: Fronts) -> ControlState | Decision:
        return now._replace(phase=Phase.APPEND_SEEK)


def hasty_append(machine: MultiQueueMachine) -> MultiQueueMachine:
    """A push does not wait for the origin, so that it may find a free slot that is not the first."""
    return _with_control(machine, _HastyAppend)


class _NoSwap(Control):
    def _lower(self, now: ControlState) -> ControlState:
        lowered = super()._lower(now)
        level = lowered.stacks[now.pushed][lowered.level - 1]
        stack = list(lowered.stacks[now.pushed])
        stack[lowered.level - 1] = level._replace(bottom=1 - level.bottom)
        stacks = list(lowered.stacks)
        stacks[now.pushed] = tuple(stack)
        return lowered._replace(stacks=(stacks[0], stacks[1]))


def no_swap(machine: MultiQueueMachine) -> MultiQueueMachine:
    """After its bottom half has moved down, a level keeps calling it the bottom."""
    return _with_control(machine, _NoSwap)


class _Thrashing(Control):
    def _push(self, now: ControlState) -> ControlState:
        stack = now.stacks[now.pushed]
        for level, registers in enumerate(stack, 1):
            room = registers.fill[registers.bottom] is not Fill.FULL
            if room or (level == self.levels and not registers.full):
                return now._replace(phase=Phase.APPEND_ALIGN, level=level)
        return super()._push(now)


def thrashing(machine: MultiQueueMachine) -> MultiQueueMachine:
    """Correct, but without hysteresis: a level moves its bottom half down although the top half is free.

    The amortised bound then fails on :func:`~lemmata.theory.turing.multiqueue.measure.zigzag_machine` at depth B − 1.
    """
    return _with_control(machine, _Thrashing)


class _LostPush(Control):
    def step(self, state: ControlState, fronts: Sequence[int]) -> tuple[tuple[int, ...], ControlState]:
        pushes, after = super().step(state, fronts)
        return pushes[:-1], after


def lost_push(machine: MultiQueueMachine) -> MultiQueueMachine:
    """The last queue is never pushed: not synchronous."""
    return _with_control(machine, _LostPush)


def _with_control(machine: MultiQueueMachine, kind: type[Control]) -> MultiQueueMachine:
    return MultiQueueMachine(kind(machine.control.turing, machine.control.levels), machine.layout)


def shifted_head(weights: MultiQueueWeights, head: int, by: int = -1) -> MultiQueueWeights:
    """One head looks `by` tokens further back; ValueError if that is outside the window."""
    window = weights.relative_bias.shape[1]
    distance = weights.distances[head] + by
    if not 0 <= distance < window:
        raise ValueError(f"head {head} would look at distance {distance}; the window is 0 to {window - 1}")
    bias = weights.relative_bias.copy()
    bias[head] = np.arange(window) == distance
    return replace(weights, relative_bias=bias)


def flipped_unit(weights: MultiQueueWeights, unit: int) -> MultiQueueWeights:
    """The sign of what one feed-forward unit adds to the next state's logit flipped."""
    out = weights.ffn_out.copy()
    rows = slice(weights.blocks.next_state(0), None)
    out[rows, unit] = -out[rows, unit]
    return replace(weights, ffn_out=out)


def eager_unit(weights: MultiQueueWeights, unit: int) -> MultiQueueWeights:
    """The bias of one feed-forward unit is one too high: it fires with one of its conditions unmet."""
    bias = weights.ffn_bias.copy()
    bias[unit] += 1
    return replace(weights, ffn_bias=bias)


def single_changes(
    weights: MultiQueueWeights, first: int = 0, every: int = 1
) -> Iterator[tuple[str, MultiQueueWeights]]:
    """Parameters changed one at a time: 0 becomes 1 and anything else 0. Yields (array's name, weights).

    Parameters
    ----------
    weights : MultiQueueWeights
        The relative bias is changed too.
    first, every : int
        Which ones, counted over all arrays; by default all.
    """
    at = first
    for name, array in weights.arrays().items():
        while at < array.size:
            changed = array.copy()
            changed.flat[at] = 1 if array.flat[at] == 0 else 0
            change: dict[str, Any] = {name: changed}
            yield name, replace(weights, **change)
            at += every
        at -= array.size


def without(*registers: str) -> Callable[[ControlState], Hashable]:
    """A projection of control states that forgets some registers, for :func:`recorded_table`.

    Raises
    ------
    ValueError
        If a name is not a field of :class:`ControlState`.
    """
    for name in registers:
        if name not in ControlState._fields:
            raise ValueError(f"register {name!r} is unknown; these are {', '.join(ControlState._fields)}")

    def project(state: ControlState) -> Hashable:
        return tuple(value for name, value in zip(state._fields, state, strict=True) if name not in registers)

    return project


def counted(states: Iterable[ControlState], layout: Layout) -> set[tuple[ControlState, int]]:
    """The control states without timing rings: a state that waits for ``B^i − B^(i−1)`` steps counts them itself."""
    waits = {level: layout.base**level - layout.base ** (level - 1) for level in range(1, layout.levels + 1)}
    return {
        (state, step) for state in states for step in range(waits[state.level] if state.phase is Phase.POP_WAIT else 1)
    }
