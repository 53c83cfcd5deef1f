"""Softmax in place of hardmax."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing.paper import PAPER


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
