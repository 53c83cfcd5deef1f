"""Softmax in place of hardmax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing.paper import PAPER

if TYPE_CHECKING:
    from lemmata.theory.turing.formats import Format


@PAPER.claim(
    "softmax_threshold",
    source="Theorem 1, hardmax",
    statement=r"""With softmax and a logit gap $\beta$ in place of hardmax, the network makes every step of the
    increment machine rightly in the worst case if and only if $N - 1 < e^{\beta}$: up to $N = 3, 8, 21, 55$ for
    $\beta = 1, 2, 3, 4$.""",
    kind="numeric",
    rows=["T8"],
    controls=[
        Control("the threshold $N < e^{\\beta}$", {"shift": 1}),
        Control("a gap that is larger by 0.1", {"more": 0.1}),
    ],
)
def softmax_threshold(trial: Trial, shift: int = 0, more: float = 0.0) -> Iterator[Evidence]:
    """Every transition with every wrong symbol on all other tokens, in float64, for all windows up to 64. At the
    threshold the masses differ by more than 0.002, far above rounding."""
    import math

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.library import INC
    from lemmata.theory.turing.softmax import failures

    table, weights = compile_machine(INC)
    for beta in (1, 2, 3, 4):
        found = [failures(table, weights, window, beta + more) for window in range(2, 65)]
        working = [window for window, (failed, _) in enumerate(found, 2) if not failed]
        largest = math.floor(math.exp(beta)) + 1 - shift
        tried = sum(total for _, total in found)
        yield Evidence(f"beta = {beta}: largest window that works", max(working), "==", largest, tried)
        yield Evidence(f"beta = {beta}: windows that work", len(working), "==", largest - 1, len(found))


@PAPER.claim(
    "softmax_scaling",
    source="Theorem 1, hardmax",
    statement=r"""A gap of $\beta = \ln(N - 1) + 0.1$ suffices at every window: log-length scaling of one logit replaces
    hardmax.""",
    kind="numeric",
    rows=["T9"],
    controls=[Control("$\\beta = \\ln(N - 1) - 0.1$", {"above": -0.1})],
)
def softmax_scaling(trial: Trial, above: float = 0.1) -> Iterator[Evidence]:
    """The adversarial windows of the increment machine at N = 3, 10, 50, 300 and 2,000, in float64."""
    import math

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.library import INC
    from lemmata.theory.turing.softmax import failures

    table, weights = compile_machine(INC)
    for window in (3, 10, 50, 300, 2_000):
        failed, total = failures(table, weights, window, math.log(window - 1) + above)
        yield Evidence(f"N = {window}: windows decoded wrongly", failed, "==", 0, total)


@PAPER.claim(
    "float_formats",
    source="Theorem 1, constant precision",
    statement=r"""Let every intermediate number of the softmax decoder be rounded to a float format with unit roundoff
    $u$, least positive number $\eta$, and sums accumulated with $m'$ mantissa bits. The least gap that decodes the
    worst-case windows is $\ln(N-1)$ within rounding, but never more than $(m' + 2) \ln 2$, where sums of equal terms
    stop growing, or $\ln(2/\eta)$, where $e^{-\beta}$ is 0. At $\beta = \ln(N-1) + 0.1$ and float32 accumulators,
    16 bits agree at every window; with 8 bits, e5m2 agrees at none up to $N = 300$ and e4m3 at fewer than half of them
    (where $\beta$ is rounded up enough), but e4m3 at all from $N = 2000$ on, by underflow.""",
    kind="numeric",
    cost="standard",
    rows=["T8", "T9"],
    controls=[
        Control("the maximum is not subtracted, and $e^{\\beta}$ overflows", {"subtract_max": False}),
        Control("a prediction in which sums never stop growing", {"stagnates": False}),
        Control("$\\beta = \\ln(N - 1) - 0.1$", {"margin": -0.1}),
        Control("one binary order less of gap against spread windows", {"orders": 3}),
    ],
)
def float_formats(
    trial: Trial, subtract_max: bool = True, stagnates: bool = True, margin: float = 0.1, orders: int = 4
) -> Iterator[Evidence]:
    """float64, float32, float16, bfloat16 and both 8-bit formats, the rounding of each an exact function of its bits.
    In theory/turing/rounded.py: every operation that is rounded, both ways to accumulate, and the prediction, which
    counts as rounding 16u, one spacing of the format, and the drift of long sums (n roundings of the accumulator, but
    at most ln 2), and has no lower bound where masses are subnormal. The sums of up to 10^9 equal terms leap through
    binades, bit for bit the same as one by one. Spread windows divide the other tokens among up to three wrong
    symbols."""
    import math

    import numpy as np

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.formats import BFLOAT16, E4M3, E5M2, FLOAT16, FORMATS
    from lemmata.theory.turing.library import INC
    from lemmata.theory.turing.rounded import Arithmetic, Reading, contests, failures, predicted_gap, smallest_gap

    table, _ = compile_machine(INC)
    kinds = contests(table)
    small, large = (3, 10, 50, 300), (2_000, 20_000, 100_000, 10**9)
    ways = ({"wide": True}, {"wide": True, "reciprocal": True}, {"wide": False})
    for form in FORMATS:
        off = 0
        for way in ways:
            how = Arithmetic(form, **way, subtract_max=subtract_max)
            for window in small + large:
                low, high = predicted_gap(how, window, stagnates)
                off += not low <= smallest_gap(kinds, how, window)[1] <= high
        yield Evidence(f"{form.name}: least gaps off the prediction", off, "==", 0, len(ways) * len(small + large))

    def agreeing(form: Format, windows: Sequence[int]) -> int:
        """Windows at which every contest is won with the gap ln(N − 1) + margin."""
        how = Arithmetic(form, subtract_max=subtract_max)
        readings = (Reading(how, window, np.array([math.log(window - 1) + margin])) for window in windows)
        return sum(all(reading.wins(kind)[0] for kind in kinds) for reading in readings)

    short, long = range(3, 301, 4), [*large, *np.geomspace(2_000, 10**6, 30).astype(int).tolist()]
    for form in (FLOAT16, BFLOAT16):
        agree = agreeing(form, [*short, *long])
        yield Evidence(f"{form.name}: windows that agree", agree, "==", len(short) + len(long), len(short) + len(long))
    yield Evidence("e5m2, N <= 300: windows that agree", agreeing(E5M2, short), "==", 0, len(short))
    yield Evidence("e4m3, N <= 300: windows that agree", agreeing(E4M3, short), "<", len(short) / 2, len(short))
    yield Evidence("e4m3, N >= 2,000: windows that agree", agreeing(E4M3, long), "==", len(long), len(long))
    lost = tried = 0
    for form in FORMATS[1:]:
        gap = (form.mantissa_bits + orders) * math.log(2)
        gap += 2.0 ** (math.floor(math.log2(gap)) - form.mantissa_bits)  # rounded up
        for window in (20_000, 10**9):
            found = failures(table, Arithmetic(form, wide=False, subtract_max=subtract_max), window, gap, 3)
            lost, tried = lost + found[0], tried + found[1]
    yield Evidence("sums in the format, spread windows: lost", lost, "==", 0, tried)
