"""The converse: a window of N tokens needs space linear in N, and decides what finitely many states can."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing.paper import PAPER


@PAPER.claim(
    "linear_space",
    source="Theorem 2, WINDOW[s] in SPACE[s]",
    statement=r"""A decoder of fixed precision $p$ with window $N$ is simulated token by token with
    $N \lceil \log_2 |V| \rceil + N d p + p + \lceil \log_2(N+1) \rceil + d (p + \lceil \log_2(N+1) \rceil)
    + 2 \lceil \log_2 N \rceil + c$ bits, $c$ independent of $N$: the window, one buffer of hidden vectors that each
    layer overwrites from right to left, and for averaging hardmax a best score, a tie counter and a sum.""",
    kind="property",
    cost="standard",
    rows=["T10"],
    controls=[
        Control("from left to right, so that a query sees new vectors", {"mutant": "LeftToRight"}),
        Control("the causal mask dropped", {"mutant": "Unmasked"}),
        Control("means rounded towards zero", {"mutant": "TowardsZero"}),
        Control("the first maximum instead of the mean over all", {"mutant": "FirstMaximum"}),
        Control("a sum that wraps around instead of saturating", {"mutant": "WrapAround"}),
        Control("the last of the tied tokens instead of the first", {"mutant": "LastMaximum"}),
        Control("a tie counter of $\\lceil \\log_2 N \\rceil$ bits", {"mutant": "ShortCounter"}),
        Control("a mean kept in a variable outside of the memory", {"mutant": "LocalVariable"}),
        Control("a second buffer of hidden vectors", {"mutant": "TwoBuffers"}),
    ],
)
def linear_space(trial: Trial, mutant: str = "intact") -> Iterator[Evidence]:
    """Four random decoders for each N from 2 to 12, one or two layers, one or two heads, with 3 to 6 bits, generate
    three tokens after a random prompt, in the simulator and in a vectorised reference that shares no code
    with it. The meter adds the widths of the simulator's fields, which refuse what does not fit; the bytecode shows
    that it has no other variable. Ties and means that are negative and not whole must be common (they are 0.4 and
    0.2 of the hardmaxes), or rounding and the tie counter would go untested."""
    import numpy as np

    from lemmata.theory.turing.converse import generate_streaming, scratch_bits, space_bits, unmetered
    from lemmata.theory.turing.mutants.decoders import STREAMING_MUTANTS
    from lemmata.theory.turing.saturating import Sizes, generate_batch, random_decoders

    simulator, rng = STREAMING_MUTANTS[mutant], trial.rng()
    differ = tokens = refused = off = hardmaxes = tied = rounded = 0
    cases = [(window, layers, heads) for window in range(2, 13) for layers in (1, 2) for heads in (1, 2)]
    for window, layers, heads in cases:
        vocabulary, width, precision, key_width, units = rng.integers([2, 2, 3, 1, 1], [6, 4, 7, 3, 4]).tolist()
        sizes = Sizes(window, vocabulary, width, precision, layers, heads, key_width, units)
        decoders = random_decoders(rng, 4, sizes)
        prompts = rng.integers(vocabulary, size=(4, window))
        right = generate_batch(decoders, prompts[:, None], 3)
        hardmaxes, tied, rounded = hardmaxes + right.hardmaxes, tied + right.tied, rounded + right.rounded_down
        for index, (prompt, expected) in enumerate(zip(prompts.tolist(), right.tokens, strict=True)):
            streaming = simulator.of(decoders, index)
            tokens += len(expected)
            try:
                differ += int((expected != generate_streaming(streaming, prompt, len(expected))).sum())
            except OverflowError:
                refused += 1
        formula = space_bits(window, vocabulary, width, precision)
        formula += scratch_bits(window, vocabulary, width, precision, layers, heads, key_width, units)
        off += streaming.memory(prompt).bits != formula
    yield Evidence("tokens that differ", differ, "==", 0, tokens)
    yield Evidence("runs with a number that does not fit into its field", refused, "==", 0, 4 * len(cases))
    yield Evidence("instructions that keep a value outside of the memory", len(unmetered(simulator)), "==", 0)
    yield Evidence("decoders whose bits are not those of the formula", off, "==", 0, len(cases))
    bits = []
    for window in range(2, 65):
        decoders = random_decoders(
            rng, 1, Sizes(window, vocabulary=5, width=4, precision=6, layers=2, heads=2, key_width=2, units=4)
        )
        logs = 2 * int(np.ceil(np.log2(window))) + (1 + 4) * int(np.ceil(np.log2(window + 1)))
        bits.append(simulator.of(decoders).memory([0] * window).bits - logs)
    yield Evidence("least bits a token of the window, logarithms apart", np.diff(bits).min(), "==", 3 + 4 * 6, 62)
    yield Evidence("most bits a token of the window, logarithms apart", np.diff(bits).max(), "==", 3 + 4 * 6, 62)
    share = tied / hardmaxes
    yield Evidence("share of hardmaxes with a tie", share, ">=", 0.2, hardmaxes, precondition=True)
    share = rounded / hardmaxes
    yield Evidence("share of hardmaxes with a mean rounded down", share, ">=", 0.05, hardmaxes, precondition=True)


@PAPER.claim(
    "eventual_period",
    source="Theorem 2, corollary",
    statement=r"""Greedy decoding with a window of $N$ tokens is eventually periodic, with preperiod and period of at
    most $|V|^N$ tokens together, so that a fixed window decides only what finitely many states can. Over all maps from
    windows to tokens and all start windows, $|V| (|V|!)^{|V|^{N-1}}$ runs attain it; so does a transformer with one
    layer, two heads and three bits, for $|V| = 2$ and $N = 2, 3, 4, 6, 7$.""",
    kind="exhaustive",
    cost="standard",
    rows=["T11"],
    controls=[
        Control("the bound $|V|^N - 1$", {"slack": -1}),
        Control("a decoder that sees $N + 1$ tokens", {"unseen": 1}),
        Control("a decoder that also sees whether the time is even", {"clocks": 2}),
        Control("the transformer's averaging head reads nothing", {"mutant": "blind_head"}),
    ],
)
def eventual_period(
    trial: Trial, slack: int = 0, unseen: int = 0, clocks: int = 1, mutant: str = "as_built"
) -> Iterator[Evidence]:
    """Every map from windows to tokens, with two tokens and N up to 4 or three tokens and N up to 2, runs from every
    window (every pair of maps, with up to 8 windows, for the decoder that sees the time); preperiod and period are read
    off the windows that it passes. So do 480 random saturating decoders with up to 81 windows."""
    from fractions import Fraction

    from lemmata.theory.turing.mutants.decoders import DECODER_MUTANTS
    from lemmata.theory.turing.periodicity import (
        cycle_length,
        de_bruijn_decoder,
        de_bruijn_maps,
        every_map,
        longest_runs,
        preperiod_and_period,
        run_all,
        tabulate,
    )
    from lemmata.theory.turing.saturating import Sizes, random_decoders

    rng = trial.rng()
    for vocabulary, window in ((2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2)):
        seen = window + unseen
        if vocabulary ** (clocks * vocabulary**seen) > 2**16:
            continue
        name, states = f"|V| = {vocabulary}, N = {window}", clocks * vocabulary**seen
        maps = every_map(vocabulary, seen, clocks)
        preperiod, period = preperiod_and_period(run_all(maps, vocabulary, 3 * states), states)
        longest, bound = (preperiod + period).max(), vocabulary**window + slack
        yield Evidence(f"{name}: longest preperiod and period together", longest, "<=", bound, period.size)
        if clocks == 1:
            attained = int((preperiod + period == states).sum())
            yield Evidence(f"{name}: runs that attain it", attained, "==", longest_runs(vocabulary, seen), period.size)
            cycles = int((period == states).all(1).sum())
            expected = de_bruijn_maps(vocabulary, seen)
            yield Evidence(f"{name}: maps with one cycle through all windows", cycles, "==", expected, len(maps))
    largest, runs = Fraction(0), 0
    for vocabulary, window in ((2, 2), (2, 3), (2, 4), (2, 5), (3, 2), (3, 3), (3, 4), (4, 3)):
        states = vocabulary**window
        for layers in (1, 2):
            for heads in (1, 2):
                sizes = Sizes(window, vocabulary, 3, 5, layers, heads, 2, 3)
                next_token = tabulate(random_decoders(rng, 15, sizes))[:, None]
                preperiod, period = preperiod_and_period(run_all(next_token, vocabulary, 3 * states), states)
                largest = max(largest, Fraction(int((preperiod + period).max()), states))
                runs += period.size
    yield Evidence("random decoders: largest share of |V|^N", largest, "<=", 1, runs)
    for window in (2, 3, 4, 6, 7):
        made = tabulate(DECODER_MUTANTS[mutant](de_bruijn_decoder(window)))[0]
        yield Evidence(
            f"transformer, N = {window}: tokens until zeros return", cycle_length(made, 2, 0), "==", 2**window
        )
