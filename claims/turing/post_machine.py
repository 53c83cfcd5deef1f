"""Turing machine to Post machine: every step, its time, and the room it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing.paper import PAPER

if TYPE_CHECKING:
    from lemmata.theory.turing import TuringMachine


@PAPER.claim(
    "post_machine",
    source="Theorem 1, Turing machine to Post machine",
    statement=r"""For every two-state two-symbol Turing machine that halts on the blank tape within 30 steps, the
    synchronous Post machine with queue size $N = \max(s - 1, 2)$, $s$ the number of visited cells, has the machine's
    state and the whole tape in its ring of $N + 1$ cells at each Turing step, and executes step $k$ at time $T_k$ with
    $T_1 = 2$ and $T_{k+1} - T_k \in \{1, N\}$.""",
    kind="exhaustive",
    rows=["T1"],
    controls=[
        Control("a left move pushes its letter without the mark", {"mutant": "unmarked_left"}),
        Control("the register remembers the next letter of $\\Sigma$", {"mutant": "swapped_register"}),
        Control("a ring one cell smaller than the visited interval, where that has 4 cells or more", {"short": 1}),
    ],
)
def post_machine(trial: Trial, mutant: str = "intact_table", short: int = 0) -> Iterator[Evidence]:
    """All 20,736 machines run in lockstep; each that halts is compared with its Post machine after every Turing step:
    state, register and every queue cell against the tape, the step's time against the formula, and the end."""
    import numpy as np

    from lemmata.theory.turing.ensemble import all_machines, compare_with_post, only, run_turing
    from lemmata.theory.turing.mutants.network import TABLE_MUTANTS

    machines = all_machines(states=2, symbols=2)
    history = run_turing(machines, steps=30)
    halting = history.length > 0
    low, high = history.visited()
    space = high - low + 1
    chosen = halting & (space - 1 - short >= 2) if short else halting
    windows = np.maximum(space[chosen] - 1 - short, 2)
    found = compare_with_post(only(machines, chosen), history.only(chosen), windows, TABLE_MUTANTS[mutant])
    yield Evidence("machines that halt within 30 steps", halting.sum(), "==", 9_784, len(halting))
    yield Evidence("machines whose Post machine departs", (~found.agrees).sum(), "==", 0, chosen.sum())
    yield Evidence("Turing steps compared", found.turing_steps.sum(), ">=", chosen.sum(), chosen.sum())


@PAPER.claim(
    "token_count",
    source="Theorem 1, s(n) tokens a Turing step",
    statement=r"""With window $N \ge \max(s - 1, n, 2)$ on an input of $n$ symbols, Turing step $K$ is executed at token
    $2 + n_R + N \cdot n_L$ exactly, $n_R$ and $n_L$ the right and left moves among the first $K - 1$ steps, and in the
    Turing machine's state: a step costs 1 or $N$ tokens.""",
    kind="property",
    rows=["T2"],
    controls=[
        Control("the period of a left move is the ring's $N + 1$ cells instead of the queue's $N$", {"period": 1}),
        Control("no loading step: $1 + n_R + N \\cdot n_L$", {"load": 1}),
    ],
)
def token_count(trial: Trial, period: int = 0, load: int = 2) -> Iterator[Evidence]:
    """Random machines with 1 to 4 states and 2 or 3 symbols on random words, halting or cut off after 40 steps, with
    windows from the tightest to 4 cells more; the time of every Turing step is compared with the formula and the state
    after it with the machine's. A failing machine is shrunk. The sheet's eighteen
    tabulated runs are counted as well."""
    from hypothesis import strategies as st

    from lemmata.theory.turing.measure import departs_from_formula
    from lemmata.theory.turing.post import PostMachine
    from lemmata.theory.turing.strategies import machines_with_words
    from lemmata.theory.turing.tables import RUNS

    def departs(machine: TuringMachine, word: str, window: int, cutoff: int) -> bool:
        return departs_from_formula(machine, word, window, cutoff, period=period, load=load)

    def fails(instance: tuple[tuple[TuringMachine, str], int]) -> bool:
        (machine, word), extra = instance
        return departs(machine, word, max(machine.run(word, 40).space - 1, 2, len(word)) + extra, 40)

    search = trial.search(st.tuples(machines_with_words(), st.integers(0, 4)), fails, examples=300)
    yield Evidence(
        "random machines off the formula", search.failures, "==", 0, search.instances, detail=search.counterexample
    )
    wrong = sum(departs(row.machine, row.word, row.window, row.turing_steps) for row in RUNS)
    yield Evidence("tabulated runs off the formula", wrong, "==", 0, len(RUNS))
    counts = [len(PostMachine.from_turing(row.machine).run(row.word, row.window, 10_000)) for row in RUNS]
    off = sum(count != row.tokens + load - 2 for count, row in zip(counts, RUNS, strict=True))
    yield Evidence("runs off the tabulated number of tokens", off, "==", 0, len(RUNS))


@PAPER.claim(
    "step_costs",
    source="Theorem 1, s(n) tokens a Turing step in the worst case",
    statement=r"""A machine that moves left for ever takes exactly $N$ tokens a Turing step, and one that moves right
    for ever exactly 1: the paper's $s(n)$ tokens a step is the worst case, and it is reached.""",
    kind="exact",
    rows=["T12"],
    controls=[Control("a machine that turns back once, on its third step", {"turn": True})],
)
def step_costs(trial: Trial, turn: bool = False) -> Iterator[Evidence]:
    """Windows 2, 7 and 20, 100 Turing steps each: the least and the largest difference between the times of two Turing
    steps."""
    import numpy as np

    from lemmata.theory.turing import PostMachine, TuringMachine
    from lemmata.theory.turing.post import turing_times

    back = {"L": "R", "R": "L"}
    for move in "LR":
        rules = {("a", "#"): ("b", "#", move), ("b", "#"): ("c", "#", move)}
        rules[("c", "#")] = ("d", "#", back[move] if turn else move)
        rules[("d", "#")] = ("d", "#", move)
        post = PostMachine.from_turing(TuringMachine.from_dict(rules, halting=["H"], name=f"{move} for ever"))
        for window in (2, 7, 20):
            gaps = np.diff(turing_times(post.run("", window, 100 * window)))
            cost = window if move == "L" else 1
            yield Evidence(f"{move}, N = {window}: least tokens a step", gaps.min(), "==", cost, len(gaps))
            yield Evidence(f"{move}, N = {window}: most tokens a step", gaps.max(), "==", cost, len(gaps))


@PAPER.claim(
    "small_ring",
    source="Theorem 1, the window is the space",
    statement=r"""With one cell too few, $N = s - 2$, most simulations of random halting machines that visit $s \ge 4$
    cells go wrong: the window has to be as large as the space.""",
    kind="statistical",
    cost="standard",
    rows=["T6"],
    controls=[Control("one cell more, $N = s - 1$", {"missing": 0})],
)
def small_ring(trial: Trial, missing: int = 1) -> Iterator[Evidence]:
    """Eighty random machines with 2 to 4 states and 2 or 3 symbols that halt on the blank tape within 60 steps. A run
    is right if every Turing step has the machine's state and letter and in the end each visited cell stands on the
    ring; 95 % Wilson interval of the share of wrong runs (the sheet found 109 of 132)."""
    from scipy.stats import binomtest

    from lemmata.theory.turing.measure import simulation_is_wrong
    from lemmata.theory.turing.multiqueue.measure import random_machine

    rng = trial.rng()
    wrong = runs = 0
    while runs < 80:
        machine = random_machine(rng, int(rng.integers(2, 5)), int(rng.integers(2, 4)))
        done = machine.run("", 60)
        if done.halted and done.space >= 4:
            runs += 1
            wrong += simulation_is_wrong(machine, done, done.space - 1 - missing)
    interval = binomtest(wrong, runs).proportion_ci(0.95, method="wilson")
    low_share, high_share = float(interval.low), float(interval.high)
    share = wrong / runs
    yield Evidence("share of wrong runs", share, ">=", 0.5, runs, (min(low_share, share), max(high_share, share)))


@PAPER.claim(
    "growing_queue",
    source="Theorem 1, the queue without a space bound",
    statement=r"""A Post machine whose queue grows needs no bound on the space: with a seam between the last and the
    first cell it has, after each Turing step $k$, the Turing machine's state, head and tape, and a queue of exactly
    $s_k$ symbols, $s_k$ the cells visited so far (those of the input count). A move to the right costs 1 step, a move
    to the left $s_k$, and one more where the tape grows to the left.""",
    kind="property",
    cost="standard",
    rows=["T18"],
    controls=[
        Control("the seam is not pushed back where the mark meets it", {"mutant": "forgotten_seam"}),
        Control("a right neighbour in hand swapped with the head's cell", {"mutant": "swapped_neighbours"}),
        Control("a left move pushes its letter without the mark", {"mutant": "unmarked_growing"}),
        Control("the tape does not grow to the left", {"mutant": "walled_left"}),
        Control("the seam lost by a left move from the right end", {"mutant": "forgotten_right_seam"}),
        Control("a queue of $s_k + 1$ symbols", {"spare": 1}),
    ],
)
def growing_queue(trial: Trial, mutant: str = "intact_growing", spare: int = 0) -> Iterator[Evidence]:
    """500 random machines with 1 to 4 states and 2 or 3 symbols that halt on a random word within 60 steps, a failing
    one shrunk: the configuration read back after every Turing step against the machine's, the queue's length and the
    step's time against the formulas. All 20,736 two-state two-symbol machines, halting or not, through their
    first 8 steps in lockstep: every ring cell, the mark and the seam (here the control `spare` has no part)."""
    from lemmata.theory.turing.ensemble import all_machines, compare_with_growing, run_turing
    from lemmata.theory.turing.growing import departs
    from lemmata.theory.turing.mutants.programs import GROWING_MUTANTS
    from lemmata.theory.turing.strategies import machines_with_words

    mutate = GROWING_MUTANTS[mutant]

    def halts(instance: tuple[TuringMachine, str]) -> bool:
        machine, word = instance
        return machine.run(word, 60).halted

    def fails(instance: tuple[TuringMachine, str]) -> bool:
        return departs(*instance, 60, mutate, spare)

    search = trial.search(machines_with_words().filter(halts), fails, examples=500)
    yield Evidence(
        "random machines that depart", search.failures, "==", 0, search.instances, detail=search.counterexample
    )
    machines = all_machines(states=2, symbols=2)
    found = compare_with_growing(machines, run_turing(machines, steps=8), mutate)
    yield Evidence("small machines that depart", (~found.agrees).sum(), "==", 0, len(found.agrees))
    yield Evidence("Turing steps compared", found.turing_steps.sum(), ">=", len(found.agrees), len(found.agrees))
