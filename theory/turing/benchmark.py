"""How fast the decoders are, in one process: ``python -m lemmata.theory.turing.benchmark``.

The literal decoder (matrix products on the window) and the ring decoder run the same weights; compilation is timed
apart. With ``--busy-beaver`` the five-state busy beaver follows through the multi-queue machine, under a progress bar.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from lemmata.theory.turing import compile_machine, generate
from lemmata.theory.turing.fast import RingDecoder
from lemmata.theory.turing.library import BB4, BB5, PAL
from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.tables import alternating

LITERAL_TOKENS = 10_000


def compare(machine: TuringMachine, word: Sequence[str], window: int, repetitions: int) -> tuple[float, float]:
    """Tokens per second of the ring decoder, over `repetitions` whole runs, and of the literal one on 10^4 tokens."""
    table, weights = compile_machine(machine)
    prompt, stop = table.prompt(word, window), table.halting_tokens()
    decoder = RingDecoder.from_weights(weights, stop)
    tokens, halted = decoder.count(prompt, 10**9)  # compiles, and says how long the run is
    if not halted:
        raise RuntimeError(f"{machine.name} did not halt")
    start = time.perf_counter()
    for _ in range(repetitions):
        decoder.count(prompt, 10**9)
    ring = repetitions * tokens / (time.perf_counter() - start)
    made = 0
    start = time.perf_counter()
    while made < LITERAL_TOKENS:
        made += len(generate(weights, prompt, stop, min(tokens, LITERAL_TOKENS - made)).tokens)
    return ring, made / (time.perf_counter() - start)


def busy_beaver(levels: int = 4) -> str:
    """Run the five-state busy beaver through the multi-queue machine and say what came of it."""
    from rich.progress import Progress

    from lemmata.theory.turing.multiqueue.fast import FastRun
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine

    steps, space = 47_176_870, 12_289
    machine = MultiQueueMachine.from_turing(BB5, levels=levels, space=space)
    run = FastRun(machine, machine.initial("", "pushed"))
    start = time.perf_counter()
    with Progress() as bar:
        task = bar.add_task("five-state busy beaver", total=steps)
        done = run.advance(turing_steps=0)
        while not (done.halted or done.stuck):
            done = run.advance(turing_steps=250_000)
            bar.update(task, completed=done.turing_steps)
    seconds = time.perf_counter() - start
    view = run.decode()
    ones = sum(view.left) + sum(view.right) + view.symbol
    return (
        f"halted {done.halted} after {done.turing_steps:,} Turing steps, {done.machine_steps:,} machine steps "
        f"({machine.layout.queues} queues, window {machine.layout.window:,}), {ones:,} ones; {seconds:.0f} s, "
        f"{done.machine_steps / seconds:.3g} machine steps a second"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Tokens per second of the decoders of lemmata.theory.turing")
    parser.add_argument("--busy-beaver", action="store_true", help="also run the five-state busy beaver (minutes)")
    arguments = parser.parse_args()
    start = time.perf_counter()
    compare(BB4, "", 14, 1)
    print(f"compilation and warm-up: {time.perf_counter() - start:.1f} s")
    print(f"{'run':22} {'ring decoder':>14} {'literal':>12} {'ratio':>9}   (tokens a second, one core)")
    for name, machine, word, window, repetitions in (
        ("BB4, N = 14", BB4, "", 14, 10_000),
        ("PAL, n = 256, N = 257", PAL, alternating(256), 257, 20),
    ):
        ring, literal = compare(machine, word, window, repetitions)
        print(f"{name:22} {ring:14,.0f} {literal:12,.0f} {ring / literal:9,.0f}")
    if arguments.busy_beaver:
        print(busy_beaver())


if __name__ == "__main__":
    main()
