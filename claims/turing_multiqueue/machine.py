"""The machine of many queues: it simulates, its cost, its synchrony, its finite control, and what a window shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, product

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing_multiqueue.paper import PAPER


@PAPER.claim(
    "simulation",
    source="Theorem 2",
    statement=r"""With $6k'$ queues of sizes $B^i$ and $B^i - B^{i-1}$, $B = \lceil s^{1/k'} \rceil$, the synchronous
    multi-queue machine has the Turing machine's state, head symbol and whole tape after every Turing step, for
    $k' = 1, 2, 3$.""",
    kind="property",
    cost="standard",
    rows=["T13"],
    controls=[
        Control("one timing ring one cell longer", {"mutant": "long_timing_ring"}),
        Control("the sign of every move flipped", {"mutant": "swapped_moves"}),
        Control("a push that does not wait for the origin", {"mutant": "hasty_append"}),
    ],
)
def simulation(trial: Trial, mutant: str = "") -> Iterator[Evidence]:
    """Increment, palindromes and a busy beaver, and thirty random machines, each with one, two and three
    levels: fifteen that halt after 10 steps or more and fifteen that are cut off after 200. After every Turing step
    both stacks are decoded and compared with the tape."""
    from lemmata.theory.turing.library import BB3, INC, PAL
    from lemmata.theory.turing.multiqueue import mutants
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import agreement, random_machine, space_used

    rng = trial.rng()
    runs = [(INC, "1011"), (PAL, "0110"), (PAL, "01011010"), (BB3, "")]
    wanted = {True: 15, False: 15}
    while any(wanted.values()):
        machine = random_machine(rng, int(rng.integers(2, 5)), int(rng.integers(2, 4)))
        done = machine.run("", 200)
        if len(done.steps) >= 10 and wanted[done.halted]:
            wanted[done.halted] -= 1
            runs.append((machine, ""))
    errors = compared = 0
    for machine, word in runs:
        for levels in (1, 2, 3):
            built = MultiQueueMachine.from_turing(machine, levels=levels, space=max(space_used(machine, word, 200), 2))
            found = agreement(getattr(mutants, mutant)(built) if mutant else built, word, max_steps=200)
            errors += found.errors
            compared += found.turing_steps
    yield Evidence("Turing steps with a wrong state, head or tape", errors, "==", 0, compared)
    yield Evidence("Turing steps compared", compared, ">=", 10 * 3 * len(runs), len(runs))


@PAPER.claim(
    "step_bound",
    source="Theorem 2, O(t s^(1/k'))",
    statement=r"""$K$ Turing steps take at most $5k'B K + 2\sum_i 3B^i$ machine steps.""",
    kind="numeric",
    cost="standard",
    rows=["T14"],
    controls=[Control("no hysteresis: a full bottom half moves down at once", {"mutant": "thrashing"})],
)
def step_bound(trial: Trial, mutant: str = "") -> Iterator[Evidence]:
    """A machine that worries one level boundary for ever, at B = 16 and 32 and two levels, 2,000 Turing steps each; and
    thirty random machines that run for 50 to 2,000 steps, with one to three levels. The bound is the sheet's without
    its term 4k', which the derivation in measure.step_bound does not need."""
    from lemmata.theory.turing.multiqueue import measure, mutants
    from lemmata.theory.turing.multiqueue.control import Control as QueueControl
    from lemmata.theory.turing.multiqueue.fast import FastRun
    from lemmata.theory.turing.multiqueue.layout import Layout
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine

    steps = 2_000
    for base in (16, 32):
        turing = measure.zigzag_machine(base - 1)
        machine = MultiQueueMachine(QueueControl(turing, 2), Layout.of(2, base))
        machine = getattr(mutants, mutant)(machine) if mutant else machine
        run = FastRun(machine, machine.initial("", "pushed"))
        bound = measure.step_bound(machine.layout, steps, slack=0)
        made = run.advance(turing_steps=steps, machine_steps=10 * bound)
        yield Evidence(f"machine steps, B = {base}", made.machine_steps, "<=", bound, steps)
    rng = trial.rng()
    ratios: dict[int, list[float]] = {1: [], 2: [], 3: []}
    while len(ratios[1]) < 30:
        turing = measure.random_machine(rng, int(rng.integers(2, 5)), int(rng.integers(2, 4)))
        steps = len(turing.run("", 2_000).steps)
        if steps < 50:
            continue
        space = measure.space_used(turing, "", steps)
        for levels, found in ratios.items():
            machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space)
            machine = getattr(mutants, mutant)(machine) if mutant else machine
            run = FastRun(machine, machine.initial("", "pushed"))
            bound = measure.step_bound(machine.layout, steps, slack=0)
            made = run.advance(turing_steps=steps, machine_steps=10 * bound)
            missing = steps - made.turing_steps
            found.append(made.machine_steps / bound if missing == 0 else 10.0)  # what did not get there is over it
    for levels, found in ratios.items():
        yield Evidence(f"k' = {levels}: random machines' largest share of the bound", max(found), "<=", 1, len(found))


@PAPER.claim(
    "scaling",
    source="Theorem 2, O(t s^(1/k'))",
    statement=r"""On a sweeping machine the steps per Turing step are those of the sheet's table within 1 %, at most
    $3k'B$, and their exponents in $s$ lie between $1/k'$ and $1/k' + 0.1$ and decrease in $k'$.""",
    kind="numeric",
    cost="standard",
    rows=["T14"],
    controls=[
        Control("one level in place of two", {"levels": (1, 1, 3, 4)}),
        Control("three levels in place of four", {"levels": (1, 2, 3, 3)}),
        Control("a sweep over four cells less than the table's", {"unused": 5}),
    ],
)
def scaling(trial: Trial, levels: tuple[int, ...] = (1, 2, 3, 4), unused: int = 1) -> Iterator[Evidence]:
    """Six sweeps over s − 1 cells, which is what reproduces the table (the sheet says two sweeps, which is off by up to
    6 %), for one to four levels. The counts are deterministic; 1 % covers the table's rounding and its sweeps.
    The exponent falls by 1/k' − 1/(k' + 1) with one level more; half of it tells that from no fall at all."""
    from lemmata.theory.turing.multiqueue.layout import base_for
    from lemmata.theory.turing.multiqueue.measure import SHEET_SWEEP_COST, fitted_exponent, sweep_cost

    exponents = []
    for (of_table, row), used in zip(SHEET_SWEEP_COST.items(), levels, strict=True):
        costs = [sweep_cost(used, space, round_trips=6, unused=unused) for space in row]
        off = max(abs(cost / expected - 1) for cost, expected in zip(costs, row.values(), strict=True))
        yield Evidence(f"k' = {of_table}: largest departure from the table", off, "<=", 0.01, len(row))
        ratio = max(cost / base_for(space, of_table) for cost, space in zip(costs, row, strict=True))
        yield Evidence(f"k' = {of_table}: largest ratio to B", ratio, "<=", 3 * of_table, len(row))
        exponents.append(fitted_exponent(list(row), costs))
        slopes = (1 / of_table, 1 / of_table + 0.1)
        yield Evidence(f"k' = {of_table}: exponent", exponents[-1], "in", slopes, len(row))
    falls = [fewer - more for fewer, more in pairwise(exponents)]
    smallest = min(fall * k * (k + 1) for k, fall in enumerate(falls, 1))
    yield Evidence("smallest fall of the exponent over 1/k' − 1/(k' + 1)", smallest, ">=", 0.5, len(falls))


@PAPER.claim(
    "synchrony",
    source="Theorem 2, synchronous",
    statement=r"""At every step every queue pops exactly one symbol and pushes exactly one, so that its size is
    constant.""",
    kind="exact",
    cost="standard",
    rows=["T15"],
    controls=[Control("the last queue is never pushed", {"mutant": "lost_push"})],
)
def synchrony(trial: Trial, mutant: str = "") -> Iterator[Evidence]:
    """The specification on palindromes and increments with one to three levels: pops, pushes and sizes of all queues
    are counted after every step from outside; the stepper itself refuses a violation, which counts as one too."""
    from lemmata.theory.turing.library import INC, PAL
    from lemmata.theory.turing.multiqueue import mutants
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine, SynchronyError
    from lemmata.theory.turing.multiqueue.measure import space_used

    violations = steps = 0
    for turing, word in ((INC, "10111011"), (PAL, "01011010")):
        for levels in (1, 2, 3):
            machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space_used(turing, word, 1_000))
            machine = getattr(mutants, mutant)(machine) if mutant else machine
            sizes = machine.layout.sizes
            try:
                for step, rings in machine.trace(machine.initial(word)):
                    steps += 1
                    kept = tuple(map(len, rings)) == sizes
                    violations += not (len(step.fronts) == len(step.pushes) == len(sizes) and kept)
            except SynchronyError:
                violations += 1
    yield Evidence("runs with a queue out of step", violations, "==", 0, 6)
    yield Evidence("machine steps watched", steps, ">=", 1_000, 6)


@PAPER.claim(
    "finite_control",
    source="Theorem 3, constant bit size",
    statement=r"""The control is finite: the recorded table from (control state, $6k'$ fronts) to (pushes, control
    state) has no conflicts; the control states met at more and more space $s$ stop growing in number; and with one
    level all are among those of one table that no space enters.""",
    kind="exact",
    cost="standard",
    rows=["T16"],
    controls=[
        Control("waiting by a counter in the state in place of a timing ring", {"counter": True}),
        Control("states told apart without their phase", {"forget": "phase"}),
        Control("states told apart without the symbol under the head", {"forget": "symbol"}),
    ],
)
def finite_control(trial: Trial, forget: str = "", counter: bool = False) -> Iterator[Evidence]:
    """Runs of the palindrome machine with one and two levels. Two different right-hand sides for one left-hand side are
    a conflict. The states are collected over the words (01)^m (10)^m of n = 4m letters on n + 2 cells, n = 4, 8, …;
    none may be new beyond half of the largest n. With a counter, a wait at level i is ``B^i − B^(i−1)`` states."""
    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue.fast import FastRun
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.mutants import counted, without
    from lemmata.theory.turing.multiqueue.table import complete_rules, recorded_table

    word = "01011010"
    for levels in (1, 2):
        machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=space_used(PAL, word, 1_000))
        project = without(forget) if forget else None
        table = recorded_table(machine, [machine.initial(word)], project=project)
        yield Evidence(f"k' = {levels}: conflicts", len(table.conflicts), "==", 0, len(table.rows))

    for levels, largest in ((1, 128), (2, 256)):
        early: set[object] = set()
        late: set[object] = set()
        sizes = range(4, largest + 1, 4)
        for n in sizes:
            machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=n + 2)
            run = FastRun(machine, machine.initial("01" * (n // 4) + "10" * (n // 4)))
            run.advance(turing_steps=n**2)  # more than the palindrome machine takes
            met = counted(run.table.states, machine.layout) if counter else set(run.table.states)
            (early if 2 * n <= largest else late).update(met)
        name, bound = f"k' = {levels}: control states", f"n ≤ {largest // 2}"
        yield Evidence(f"{name} of {bound}", len(early), ">=", 60, len(sizes) // 2, precondition=True)
        yield Evidence(f"{name} of larger n and not of {bound}", len(late - early), "==", 0, len(sizes) // 2)
        if levels == 1:
            rules = complete_rules(machine.control, machine.initial("").state)
            closed = {rule.state for rule in rules} | {rule.next_state for rule in rules}
            yield Evidence(f"{name} outside the closed table", len((early | late) - closed), "==", 0, len(closed))


@PAPER.claim(
    "fixed_offsets",
    source="Theorem 3",
    statement=r"""The transformer reads track $q$ at the fixed distance $m_q - 1$, $m_q$ the queue's size: from the last
    $B^{k'}$ tokens and the table alone, and by integer matrix products, it reproduces every token.""",
    kind="exact",
    cost="standard",
    rows=["T17"],
    controls=[Control("one head reads one token too late", {"shift": -1})],
)
def fixed_offsets(trial: Trial, shift: int = 0) -> Iterator[Evidence]:
    """The palindrome machine on 01011010 and on 16 letters, with one and two levels: the run is replayed from a sliding
    list of tokens and the recorded table, and generated from int8 weights; both are compared token by token."""
    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue.decode import AmbiguousTokenError, generate, prompt, replay
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.mutants import shifted_head
    from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules

    for levels, word in product((1, 2), ("01011010", "01" * 4 + "10" * 4)):
        name = f"k' = {levels}, n = {len(word)}"
        machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=space_used(PAL, word, 1_000))
        start = machine.initial(word)
        wanted = [(step.pushes, step.after) for step in machine.steps(start)]
        begin, distances = prompt(machine, start), machine.layout.distances
        rows = recorded_table(machine, [start]).rows
        made = list(replay(rows, (distances[0] + shift, *distances[1:]), begin, len(wanted)))
        same = sum(a == b for a, b in zip(made, wanted, strict=False))
        yield Evidence(f"{name}: tokens replayed wrongly or not", len(wanted) - same, "==", 0, len(wanted))
        weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start]))
        weights = shifted_head(weights, 0, shift) if shift else weights
        same = 0
        try:
            for token, right in zip(generate(weights, begin, len(wanted)), wanted, strict=False):
                same += token == right
        except AmbiguousTokenError:
            pass  # a network without a unique next token generates nothing further
        yield Evidence(f"{name}: tokens generated wrongly or not", len(wanted) - same, "==", 0, len(wanted))


@PAPER.claim(
    "constant_decode",
    source="Theorem 3, fixed offsets",
    statement=r"""On a GPU the time to decode one token with heads at fixed distances does not depend on the window $W$,
    while dense attention over $W$ keys takes a time whose ratio to it grows as $W$ once the keys are too many for the
    cache.""",
    kind="measured",
    cost="standard",
    operation="decode.offsets",
    rows=["T21"],
    controls=[
        Control("dense attention timed in place of the offsets", {"subject": "dense_seconds"}),
        Control("a ratio that grows as $\\sqrt{W}$", {"exponent": 0.5}),
    ],
)
def constant_decode(
    trial: Trial, values: Mapping[str, list[float]], subject: str = "offsets_seconds", exponent: float = 1.0
) -> Iterator[Evidence]:
    """Medians of one run, W = 2^10 to 2^20, by kernels/decode/offsets/bench.py, which checks the kernel first. Slopes
    in log-log scale with 95 % intervals: that of the time over all windows, and that of the ratio over those where
    dense attention moves at least 128 MiB, beyond the L2 cache of any card. A tenth covers clocks that are not locked
    and, for the ratio, the share of the launch that does not grow."""
    import numpy as np
    from scipy.stats import t

    window, seconds, dense = (np.array(values[name]) for name in ("window", subject, "dense_seconds"))
    yield Evidence("smallest window", window.min(), "<=", 2**10, len(window), precondition=True)
    yield Evidence("largest window", window.max(), ">=", 2**20, len(window), precondition=True)
    bound = np.array(values["dense_bytes"]) >= 2**27
    yield Evidence("windows beyond the cache", int(bound.sum()), ">=", 4, len(window), precondition=True)
    if bound.sum() < 3:
        return  # a slope with an interval wants three points
    for name, chosen, time, wanted in (
        ("time with offsets: exponent of W", window > 0, seconds, 0.0),
        ("time ratio dense / offsets: exponent of W", bound, dense / seconds, exponent),
    ):
        x, y = np.log(window[chosen]), np.log(time[chosen])
        slope = float(np.polyfit(x, y, 1)[0])
        left = y - y.mean() - slope * (x - x.mean())
        error = float(np.sqrt((left @ left) / (len(x) - 2) / ((x - x.mean()) @ (x - x.mean()))))
        half = error * float(t.ppf(0.975, len(x) - 2))
        yield Evidence(name, slope, "in", (wanted - 0.1, wanted + 0.1), len(x), interval=(slope - half, slope + half))
