"""What can be measured of the multi-queue machine and network: agreement, step counts and their bound, scaling in the
space, and recorded rows in windows that are filled at will.

References
----------
turing sheet, sections 5.1 (Theorem 2) and 5.2 (bound, table), rows T13 and T14.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from lemmata.theory.turing.machine import Transition, TuringMachine
from lemmata.theory.turing.multiqueue.decode import AmbiguousTokenError, embed, factor_logits
from lemmata.theory.turing.multiqueue.fast import FastRun, Progress
from lemmata.theory.turing.multiqueue.layout import Layout
from lemmata.theory.turing.multiqueue.machine import Loading, MultiQueueMachine, agrees
from lemmata.theory.turing.multiqueue.table import RecordedTable
from lemmata.theory.turing.multiqueue.weights import MultiQueueWeights

SHEET_SWEEP_COST: dict[int, dict[int, float]] = {
    1: {16: 47.5, 64: 191.5, 256: 767.5},
    2: {16: 16.9, 64: 39.6, 256: 87.4, 1024: 183.3},
    3: {64: 25.8, 512: 62.5, 4096: 135.6},
    4: {256: 35.6, 1296: 60.3},
}
"""Machine steps per Turing step in the sheet's table, ``{levels: {space: steps}}``."""


class Agreement(NamedTuple):
    """How a run compares with the Turing machine's.

    Attributes
    ----------
    turing_steps : int
        Turing steps compared.
    errors : int
        How many of them left another state, head or tape, or did not happen.
    machine_steps : int
        Steps of the multi-queue machine.
    ratio : float
        Machine steps over :func:`step_bound`.
    """

    turing_steps: int
    errors: int
    machine_steps: int
    ratio: float


def agreement(
    machine: MultiQueueMachine, word: str | Sequence[str], *, max_steps: int = 1000, loading: Loading = "padded"
) -> Agreement:
    """Decode the queues after every Turing step and compare state and tape with the Turing machine's.

    Parameters
    ----------
    machine : MultiQueueMachine
        The machine, or a mutant of it.
    word : str or sequence of str
        The input.
    max_steps : int
        Turing steps compared at most.
    loading : {"padded", "pushed"}
        How the input gets into the queues.
    """
    turing = machine.control.turing
    run = FastRun(machine, machine.initial(word, loading))
    now = run.advance(turing_steps=0)
    budget = 2 * step_bound(machine.layout, 10)
    compared = errors = 0
    for step in turing.run(word, max_steps).steps:
        compared += 1
        before = now
        now = _next_settled(run, budget)
        if now.turing_steps == before.turing_steps:
            errors += 1
            continue
        errors += not agrees(turing, run.decode(), step)
    steps = now.machine_steps
    return Agreement(compared, errors, steps, steps / step_bound(machine.layout, compared, loading=loading))


def _next_settled(run: FastRun, budget: int) -> Progress:
    """On to the next Turing step; a mutant may wait for ever, so no further than `budget` machine steps."""
    return run.advance(turing_steps=1, machine_steps=budget)


def step_bound(layout: Layout, turing_steps: int, *, loading: Loading = "pushed", slack: int = 4) -> int:
    """``K_TM (5k'B + slack·k') + 2 Σ_i 3B^i`` machine steps for `turing_steps` Turing steps.

    An append at level i takes at most ``2B^i − 1`` steps and a pop ``3B^i − B^(i−1) − 1``; two transfers at level i of
    one stack lie at least ``B^(i−1)`` operations of the later one's kind apart; each Turing step is one push and one
    pop. The first transfer of each stack and level is the second term. So the sheet's slack of 4 can be 0.

    Parameters
    ----------
    layout : Layout
        k' and B.
    turing_steps : int
        K_TM.
    loading : {"padded", "pushed"}
        A padded start adds the pop that fetches the first letter, ``Σ_i 3B^i``.
    slack : int
        4 as in the sheet, or 0.
    """
    powers = sum(int(layout.base**level) for level in range(1, layout.levels + 1))
    first = 6 * powers + (3 * powers if loading == "padded" else 0)
    return turing_steps * (5 * layout.levels * layout.base + slack * layout.levels) + first


def sweeping_machine(round_trips: int | None = 2) -> TuringMachine:
    """A machine that walks over ``$0…0`` to the first blank and back, `round_trips` times and halts; None: for ever.

    Raises
    ------
    ValueError
        If `round_trips` is smaller than 1.
    """
    if round_trips is not None and round_trips < 1:
        raise ValueError(f"round_trips {round_trips} is too small; at least 1")
    trips = round_trips or 1
    rules: dict[tuple[str, str], tuple[str, str, str]] = {}
    for trip in range(trips):
        right, left = f"r{trip}", f"l{trip}"
        after = f"r{trip + 1}" if trip + 1 < trips else "r0" if round_trips is None else "H"
        rules |= {(right, "$"): (right, "$", "R"), (right, "0"): (right, "0", "R"), (right, "#"): (left, "#", "L")}
        rules |= {(left, "0"): (left, "0", "L"), (left, "$"): (after, "$", "R")}
    return TuringMachine.from_dict(rules, halting=("H",), name=f"sweep {round_trips or 'for ever'}")


def sweep_cost(levels: int, space: int, *, round_trips: int = 2, unused: int = 0, loading: Loading = "pushed") -> float:
    """Machine steps per Turing step of the sweeping machine, which is stopped after some round trips.

    Parameters
    ----------
    levels : int
        k'.
    space : int
        s, the space bound for which the queues are laid out.
    round_trips : int
        Sweeps to the right and back.
    unused : int
        How many cells of the bound are never visited; the machine visits ``space − unused``.
    loading : {"padded", "pushed"}
        How the input gets in.

    Raises
    ------
    ValueError
        If fewer than 3 cells would be visited, or another argument is out of range.
    """
    if space - unused < 3:
        raise ValueError(f"space {space} less {unused} unused cells; the sweep needs at least 3 cells")
    if round_trips < 1:
        raise ValueError(f"round_trips {round_trips} is too small; at least 1")
    machine = MultiQueueMachine.from_turing(sweeping_machine(None), levels=levels, space=space)
    run = FastRun(machine, machine.initial("$" + "0" * (space - unused - 2), loading))
    steps = 2 * round_trips * (space - unused - 1)
    done = run.advance(turing_steps=steps, machine_steps=step_bound(machine.layout, steps, loading=loading))
    if done.turing_steps < steps:
        raise RuntimeError(f"the sweep over {space} cells with {levels} levels did not end within its bound")
    return done.machine_steps / done.turing_steps


def fitted_exponent(spaces: Sequence[int], costs: Sequence[float]) -> float:
    """Slope of the least-squares line through ``(log space, log cost)``.

    Raises
    ------
    ValueError
        If there are fewer than two points.
    """
    if len(spaces) < 2 or len(spaces) != len(costs):
        raise ValueError(f"{len(spaces)} spaces and {len(costs)} costs; as many of one as of the other, at least 2")
    return float(np.polyfit(np.log(spaces), np.log(costs), 1)[0])


def zigzag_machine(depth: int) -> TuringMachine:
    """A machine that writes 1 on `depth` cells to the right and then moves R R L L for ever.

    It worries one level boundary of the left stack; without hysteresis each excursion would move a chunk out and in.

    Raises
    ------
    ValueError
        If `depth` is smaller than 1.
    """
    if depth < 1:
        raise ValueError(f"depth {depth} is too small; at least 1")
    chain = [*(f"w{at}" for at in range(depth)), "R1"]
    moves = {"R1": ("R2", "R"), "R2": ("L1", "R"), "L1": ("L2", "L"), "L2": ("R1", "L")}
    rules = {(old, a): Transition(new, "1", "R") for old, new in pairwise(chain) for a in "#1"}
    rules |= {(old, a): Transition(new, "1", move) for old, (new, move) in moves.items() for a in "#1"}
    states = (*chain, "R2", "L1", "L2")
    return TuringMachine(("#", "1"), states, ("H",), rules, f"zigzag at {depth}")


def random_machine(rng: np.random.Generator, states: int, symbols: int) -> TuringMachine:
    """A total machine with uniform entries and one halting state besides `states` live ones.

    Raises
    ------
    ValueError
        If `states` is smaller than 1 or `symbols` is not in 2..10.
    """
    if states < 1:
        raise ValueError(f"states {states} is too small; at least 1")
    if not 2 <= symbols <= 10:
        raise ValueError(f"symbols {symbols} is out of range; 2 to 10")
    alphabet = "#123456789"[:symbols]
    live = tuple(f"q{index}" for index in range(states))
    names = (*live, "H")
    rules = {
        (q, a): Transition(names[rng.integers(len(names))], alphabet[rng.integers(symbols)], "LR"[rng.integers(2)])
        for q in live
        for a in alphabet
    }
    return TuringMachine(tuple(alphabet), live, ("H",), rules, "random")


def space_used(turing: TuringMachine, word: str | Sequence[str], max_steps: int) -> int:
    """Visited cells within `max_steps` steps, the cell entered last included."""
    run = turing.run(word, max_steps)
    low, high = run.visited
    if run.steps:
        last = run.steps[-1].head + (1 if run.steps[-1].done.move == "R" else -1)
        low, high = min(low, last), max(high, last)
    return high - low + 1


def row_windows(
    weights: MultiQueueWeights, layout: Layout, table: RecordedTable, fill: int
) -> tuple[Int[np.ndarray, "rows window tracks_and_state"], Int[np.ndarray, "rows tracks_and_state"]]:
    """A window for each recorded row, and the token that has to follow it.

    The row's fronts and state stand where they are read. Everything else in the window is symbol ``fill mod |Γ_q|`` on
    track q and state ``fill mod |P|``; so each symbol and state occurs at each place for some fill below the largest of
    these sizes.
    """
    number = {state: index for index, state in enumerate(weights.states)}
    rest = np.mod(fill, [*weights.blocks.alphabets, len(weights.states)])
    windows = np.tile(rest, (len(table.rows), layout.window, 1))
    places = layout.window - 1 - np.asarray(layout.distances)
    windows[:, places, np.arange(layout.queues)] = [fronts for _, fronts in table.rows]
    windows[:, -1, -1] = [number[state] for state, _ in table.rows]
    return windows, np.asarray([[*row.pushes, number[row.state]] for row in table.rows.values()])


def errs(
    weights: MultiQueueWeights,
    windows: Int[np.ndarray, "batch window tracks_and_state"],
    tokens: Int[np.ndarray, "batch tracks_and_state"],
) -> bool:
    """Whether the literal decoder continues one of the windows wrongly or with a tie."""
    stream = embed(weights, windows.reshape(-1, windows.shape[-1]).astype(np.int32)).reshape(*windows.shape[:2], -1)
    try:
        symbol_logits, state_logits = factor_logits(weights, stream)
    except AmbiguousTokenError:
        return True
    factors = [*np.split(symbol_logits, weights.blocks.starts[1:], axis=1), state_logits]
    for logits, right in zip(factors, tokens.T, strict=True):
        own = np.take_along_axis(logits, right[:, None], 1)
        if ((logits >= own).sum(1) > 1).any():
            return True
    return False
