"""What can be measured of the one-queue construction: step times, agreement of whole runs, single changes of weights.

References
----------
turing sheet, section 4.1 and rows T2, T6.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from lemmata.theory.turing.decode import forward
from lemmata.theory.turing.machine import Run, TuringMachine
from lemmata.theory.turing.post import PostMachine, predicted_steps, turing_times
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights


def departs_from_formula(
    machine: TuringMachine, word: str | Sequence[str], window: int, cutoff: int, *, period: int = 0, load: int = 2
) -> bool:
    """Whether some Turing step is not at Post step ``load + n_R + (N + period)·n_L``, or leaves another state.

    Parameters
    ----------
    machine, word, window
        The run.
    cutoff : int
        Turing steps looked at.
    period, load : int
        0 and 2 give the formula of section 4.1; other values are wrong formulas.
    """
    steps = machine.run(word, cutoff).steps
    moves = [step.done.move for step in steps]
    predicted = [predicted_steps(moves[:k], window + period) + load - 2 for k in range(1, len(moves) + 1)]
    post = PostMachine.from_turing(machine)
    made = post.run(word, window, predicted_steps(moves, window))
    states = [post.states[step.state].state for step in made if step.turing]
    return turing_times(made) != predicted or states != [step.done.state for step in steps]


def simulation_is_wrong(machine: TuringMachine, done: Run, window: int) -> bool:
    """Whether the Post machine with queue size `window` gets a halted run wrong.

    A run is right if every Turing step has the machine's state and letter, and in the end each visited cell c stands in
    ring cell ``c mod (N + 1)``. Any window of at least 2 that holds the input may be tried, too small ones as well.
    """
    post = PostMachine.from_turing(machine)
    made = post.run(done.word, window, 2 * predicted_steps([step.done.move for step in done.steps], window))
    acts = [(post.states[step.state].state, post.symbols[step.pushed].symbol) for step in made if step.turing]
    if acts != [(step.done.state, step.done.symbol) for step in done.steps]:
        return True
    last = done.steps[-1]
    queue = [*post.initial_queue(done.word, window), *(step.pushed for step in made)][-window:]
    content = [post.states[made[-1].state].register, *(post.symbols[symbol].symbol for symbol in queue)]
    ring = {(last.head + 1 + place) % (window + 1): letter for place, letter in enumerate(content)}
    low, high = done.visited
    blank = machine.symbols[0]
    return any(ring[cell % (window + 1)] != last.tape.get(cell, blank) for cell in range(low, high + 1))


def ring_after(table: TokenTable, window: Sequence[int]) -> tuple[str | None, tuple[str, ...]]:
    """The Turing state and the N + 1 tape letters on the ring at a window of N tokens, the register's cell first.

    If the newest token executed a Turing step at cell h, these are cells h + 1, …, h modulo N + 1.
    """
    _, state, register = table.post.states[table.split(window[-1])[1]]
    letters = (table.post.symbols[table.split(token)[0]].symbol for token in window)
    return state, (register or table.post.turing.symbols[0], *letters)


def prescribed(
    table: TokenTable, windows: Int[np.ndarray, "batch window"]
) -> tuple[Int[np.ndarray, "kept window"], Int[np.ndarray, " kept"]]:
    """The windows whose step is defined, and the tokens that follow them."""
    state, symbol = windows[:, -1] // table.n_symbols, windows[:, 0] % table.n_symbols
    target = table.post.table.state[state, symbol].astype(np.int64)
    kept = target >= 0
    tokens = target * table.n_symbols + table.post.table.symbol[state, symbol]
    return windows[kept], tokens[kept]


def all_pairs(table: TokenTable, window: int, rng: np.random.Generator) -> Int[np.ndarray, "pairs window"]:
    """Windows with every pair (oldest, newest) of tokens, random in between."""
    pairs = np.stack(np.meshgrid(np.arange(table.vocabulary), np.arange(table.vocabulary)), -1).reshape(-1, 2)
    windows = rng.integers(table.vocabulary, size=(len(pairs), window))
    windows[:, [0, -1]] = pairs
    return windows


def errs(weights: Weights, windows: Int[np.ndarray, "batch window"], tokens: Int[np.ndarray, " batch"]) -> bool:
    """Whether the literal decoder continues one of the windows wrongly or with a tie."""
    step = forward(weights, windows, "int64")
    return bool(((step.tokens != tokens) | ~step.clear).any())
