"""The softmax decoder with every intermediate number rounded to a float format: which gap, and which format, suffice.

The weights are −1, 0, 1 and exact in every format; what is rounded is, in this order (fl is rounding),

1. the gap, ``β̂ = fl(β)``; scores are β̂ at the oldest token and 0 elsewhere; the maximum is subtracted (or not);
2. the exponentials, ``w_0 = fl(exp(β̂ − β̂)) = 1`` and ``w = fl(exp(−β̂))``;
3. their sum S, over tokens from the oldest to the newest;
4. the masses ``p_0 = fl(w_0/S)`` and ``p = fl(w/S)``, or with the reciprocal, ``fl(w · fl(1/S))``;
5. the mass ``R_x`` that each symbol x has been given, a sum over tokens in the same order;
6. the hidden units ``relu(T_q + R_x − 1)``, with T_q = 1 in the current state q (terms in this order);
7. the outputs S'_b and T'_q', sums over hidden units, and the logits ``S'_b + T'_q'``.

A sum is accumulated in one of two ways. ``narrow``: every partial sum is rounded to the format. ``wide``: partial sums,
a bias included, are float32 and the result is rounded to the format once, as matrix units do.

**What to expect.** Let u be the unit roundoff, η the least positive number, n = N − 1, and m' the mantissa bits of the
accumulator. :func:`predicted_gap` is the conjunction of these:

* w, p_0, p and R_x carry a relative error u each, and adding n equal terms at most n u' more, or a factor of 2 (what a
  term adds is rounded to at most twice itself, or to nothing). So R_wrong/p_0 is ``n e^{−β}`` up to that. Both are at
  most 1, and logits have a spacing of at most 4u: with two more roundings of u, p_0 and R_wrong are told apart when
  they differ by 6u. So the least gap is ``ln n`` within that drift and [−4u, 16u].
* *Stagnation*: a sum of equal terms p stops at ``A(p) = 2^⌈log2 p⌉/u'``. So from ``β ≥ (m' + 2) ln 2`` on the wrong
  symbol has at most half of p_0 however long the window, and below ``(m' + 1) ln 2`` it has more than p_0 if n ≥ 2/u'.
* *Underflow*: ``e^{−β}`` is 0 from ``β > ln(2/η)`` on, and ``p < 1/n`` is 0 when n > 2/η: rounding has made softmax
  hard, as soon as ``S ≈ n e^{−β}`` neither overflows nor makes p_0 vanish beside η. (The latter needs an accumulator
  that lets S grow beyond 2/η.)

Wrong tokens spread over several symbols that lead to one state stop at A(p) each, and want one or two binary orders
more: ``(m' + 4) ln 2``.

References
----------
turing sheet, section 4.6, rows T8 and T9.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from lemmata.theory.turing.formats import FLOAT32, FORMATS, Format, repeated_sum, round_to
from lemmata.theory.turing.post import check_window
from lemmata.theory.turing.tokens import TokenTable


@dataclass(frozen=True)
class Arithmetic:
    """How the decoder computes.

    Attributes
    ----------
    form : Format
        Of every stored number.
    wide : bool
        Sums in float32 accumulators, rounded once; otherwise every partial sum is rounded to `form`.
    subtract_max : bool
        Whether the largest score is subtracted before the exponential.
    reciprocal : bool
        Masses as products with a rounded reciprocal instead of rounded quotients.
    """

    form: Format
    wide: bool = True
    subtract_max: bool = True
    reciprocal: bool = False

    def round(self, x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """To the stored format; what overflows becomes infinity or NaN."""
        return round_to(self.form, x)

    @property
    def accumulator(self) -> Format:
        """Format of partial sums; float64 keeps its own."""
        return FLOAT32 if self.wide and self.form.bits < FLOAT32.bits else self.form

    def add(self, *terms: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The sum of a few terms, one after the other."""
        total = terms[0]
        for term in terms[1:]:
            total = round_to(self.accumulator, total + term)
        return self.round(total)

    def add_repeated(
        self, start: Float[np.ndarray, "*shape"], term: Float[np.ndarray, "*shape"], count: int
    ) -> Float[np.ndarray, "*shape"]:
        """``start`` and then `count` equal terms, one after the other."""
        return self.round(repeated_sum(self.accumulator, start, term, count))


def masses(
    how: Arithmetic, window: int, gaps: Float[np.ndarray, " gaps"]
) -> tuple[Float[np.ndarray, " gaps"], Float[np.ndarray, " gaps"]]:
    """Softmax masses of the oldest token and of each other one, steps 1 to 4; NaN after an overflow.

    Parameters
    ----------
    how : Arithmetic
    window : int
        N.
    gaps : float64 array
        β before rounding.
    """
    check_window(window)
    beta = how.round(gaps)
    zero = np.zeros_like(beta)
    with np.errstate(over="ignore", invalid="ignore"):
        oldest, other = (how.round(np.exp(score)) for score in ((zero, -beta) if how.subtract_max else (beta, zero)))
        total = how.add_repeated(oldest, other, window - 1)
        if how.reciprocal:
            inverse = how.round(1 / total)
            return how.round(oldest * inverse), how.round(other * inverse)
        return how.round(oldest / total), how.round(other / total)


@dataclass(frozen=True)
class Contest:
    """The symbols of a window, seen from one control state: all that the FFN's arithmetic depends on.

    Attributes
    ----------
    right : int
        Which of them the oldest token carries; all other tokens are spread evenly over the rest.
    pushed, state : tuples of int
        For each symbol, in the order of the hidden units, which output S' and T' its unit feeds, numbered from 0.
    """

    right: int
    pushed: tuple[int, ...]
    state: tuple[int, ...]


def contests(table: TokenTable, symbols: int | None = 1) -> Counter[Contest]:
    """Every defined transition against every set of up to `symbols` wrong ones (None: of any size), and how often.

    With one wrong symbol these are the windows of :func:`lemmata.theory.turing.softmax.adversarial_windows`. (No two
    symbols lead from one state to the same token: the next state's register keeps the letter.)
    """
    found: Counter[Contest] = Counter()
    for state in np.unique(table.state):
        (rows,) = np.nonzero(table.state == state)
        targets = list(zip(table.pushed[rows].tolist(), table.next_state[rows].tolist(), strict=True))
        for size in range(1, min(symbols or len(rows), len(rows) - 1) + 1):
            for chosen in combinations(range(len(rows)), size + 1):
                for right in chosen:
                    pushed, reached = zip(*(targets[unit] for unit in chosen), strict=True)
                    found[Contest(chosen.index(right), _numbered(pushed), _numbered(reached))] += 1
    return found


def _numbered(names: tuple[int, ...]) -> tuple[int, ...]:
    """The names in order of first appearance: 0, 1, …"""
    order = list(dict.fromkeys(names))
    return tuple(map(order.index, names))


class Reading:
    """What the attention hands to the FFN at one window and many gaps, steps 1 to 5."""

    def __init__(self, how: Arithmetic, window: int, gaps: Float[np.ndarray, " gaps"]) -> None:
        oldest, other = masses(how, window, gaps)
        self.how, self.others = how, window - 1
        self.valid = np.isfinite(oldest) & np.isfinite(other)
        self.oldest, self._other = np.where(self.valid, oldest, 0.0), np.where(self.valid, other, 0.0)
        self._sums: dict[int, Float[np.ndarray, " gaps"]] = {}

    def mass(self, tokens: int) -> Float[np.ndarray, " gaps"]:
        """``R_x`` of a symbol that `tokens` of the other tokens carry."""
        if tokens not in self._sums:
            self._sums[tokens] = self.how.add_repeated(np.zeros_like(self._other), self._other, tokens)
        return self._sums[tokens]

    def wins(self, contest: Contest) -> Bool[np.ndarray, " gaps"]:
        """Whether the right token's logit is strictly the largest, steps 6 and 7; False after an overflow.

        A wrong mass that rounding has raised above 1 counts as lost: hidden units of other states would fire.
        """
        how, zero, one = self.how, np.zeros_like(self.oldest), np.ones_like(self.oldest)
        rivals = len(contest.pushed) - 1
        read = [self.mass(len(range(rival, self.others, rivals))) for rival in range(rivals)]
        read.insert(contest.right, self.oldest)
        fires = [np.maximum(how.add(one, mass, -one), 0) for mass in read]

        def outputs(place: tuple[int, ...]) -> list[Float[np.ndarray, " gaps"]]:
            """One sum for each output that is fed, and a last one that is not."""
            fed = [[unit for unit, at in zip(fires, place, strict=True) if at == output] for output in set(place)]
            return [*(how.add(zero, *units) for units in fed), zero]

        symbols, states = outputs(contest.pushed), outputs(contest.state)
        logits = {(b, q): how.add(s, t) for b, s in enumerate(symbols) for q, t in enumerate(states)}
        right = logits.pop((contest.pushed[contest.right], contest.state[contest.right]))
        best = np.max(list(logits.values()), axis=0)
        return self.valid & (right > best) & (np.max(read, axis=0) <= 1)


def failures(table: TokenTable, how: Arithmetic, window: int, gap: float, symbols: int | None = 1) -> tuple[int, int]:
    """As :func:`lemmata.theory.turing.softmax.failures`, in rounded arithmetic; see :func:`contests` for `symbols`."""
    kinds = contests(table, symbols)
    reading = Reading(how, window, np.array([gap]))
    lost = sum(times for kind, times in kinds.items() if not reading.wins(kind)[0])
    return lost, sum(kinds.values())


STEP = 1 / 64
GAPS = np.arange(0, 30 / STEP) * STEP
"""Gaps that :func:`smallest_gap` tries, before rounding; 30 exceeds ln(N − 1) for every N below 10^13."""


def smallest_gap(kinds: Counter[Contest], how: Arithmetic, window: int) -> tuple[float, float]:
    """The least gap, rounded to the format, at which all contests are won, and the least from which on they stay won.

    The two differ where rounding makes ties at single gaps. Infinity where there is none up to 30.
    """
    reading = Reading(how, window, GAPS)
    won = np.all([reading.wins(kind) for kind in kinds], axis=0)
    gaps = how.round(GAPS)
    first = gaps[won].min(initial=math.inf)
    lost = np.flatnonzero(~won)
    start = lost[-1] + 1 if len(lost) else 0
    return float(first), float(gaps[start]) if start < len(gaps) else math.inf


def predicted_gap(how: Arithmetic, window: int, stagnates: bool = True) -> tuple[float, float]:
    """Bounds of the gap from which on every contest with one wrong symbol is won, with the maximum subtracted.

    The upper bound includes the spacing of the format at the gap and the step of :data:`GAPS`. The lower one is 0 where
    the masses are below the format's normal range. `stagnates` = False leaves stagnation out, for comparison.
    """
    form, acc, others = how.form, how.accumulator, window - 1
    u, growth = form.roundoff, others * acc.roundoff
    drift = min(math.log(2), -math.log1p(-growth) if growth < 1 else math.inf)
    low, high = math.log(others) - drift - 4 * u, math.log(others) + drift + 16 * u
    if stagnates:
        high = min(high, (acc.mantissa_bits + 2) * math.log(2))
        if growth >= 2:
            low = min(low, (acc.mantissa_bits + 1) * math.log(2) - 4 * u)
    high = min(high, math.log(2 / form.least))
    if min(others * math.exp(-drift), 1 / acc.roundoff) * form.least > 2 * (1 + 4 * u):
        high = min(high, max(0.0, math.log(others / min(form.largest, 1 / form.least))) + 4 * u)
    if others > 2.0 ** -(form.least_exponent + 1):
        low = 0.0
    spacing = 2.0 ** (math.floor(math.log2(max(high, 1))) - form.mantissa_bits)
    return max(low, 0.0), high + spacing + STEP


class FormatRow(NamedTuple):
    """One cell of the table format × window: whether the format agrees at ``ln(N − 1) + margin``, and its least gap."""

    window: int
    how: Arithmetic
    agrees: bool
    gap: float


def format_table(
    table: TokenTable, windows: Sequence[int], wide: bool, margin: float = 0.1, forms: Sequence[Format] = FORMATS
) -> list[FormatRow]:
    """Every window with every format; contests with one wrong symbol."""
    kinds = contests(table)
    return [
        FormatRow(
            window,
            how,
            not failures(table, how, window, math.log(window - 1) + margin)[0],
            smallest_gap(kinds, how, window)[1],
        )
        for window in windows
        for how in (Arithmetic(form, wide) for form in forms)
    ]


def smallest_formats(rows: Sequence[FormatRow], window: int) -> list[str]:
    """Names of the formats with the fewest bits that agree at a window; more than one where they have equally many."""
    agreeing = [row.how.form for row in rows if row.window == window and row.agrees]
    fewest = min((form.bits for form in agreeing), default=0)
    return [form.name for form in agreeing if form.bits == fewest]
