"""Softmax in place of hardmax: how large the logit gap has to be.

With logit β on the oldest token and 0 on the others, the oldest gets mass ``e^β / (e^β + N − 1)``. The FFN and the
argmax behind it decode the symbol with the largest mass, so that in the worst case, all other tokens agreeing on a
wrong symbol, the step is right if and only if ``N − 1 < e^β``: constant precision is bought by hardmax, or by
``β > ln(N − 1)``.

References
----------
turing sheet, section 4.6, rows T8 and T9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from lemmata.theory.turing.post import check_window
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights

BATCH = 100_000  # tokens of windows in memory at once


def soft_logits(
    weights: Weights, windows: Int[np.ndarray, "batch window"], inverse_temperature: float
) -> Float[np.ndarray, "batch vocabulary"]:
    """The network's logits at the newest token with softmax attention, in float64.

    Parameters
    ----------
    weights : Weights
    windows : int array, shape (batch, window)
        Tokens, the oldest first.
    inverse_temperature : float
        β; the scores of the weights are multiplied by it.
    """
    w = {name: array.astype(np.float64) for name, array in weights.arrays().items()}
    stream = w["embedding"][windows] + weights.positions(windows.shape[1]).astype(np.float64)[::-1]
    newest = stream[:, -1]
    scores = inverse_temperature * (stream @ w["key"])[..., 0] * (newest @ w["query"])
    mass = np.exp(scores - scores.max(1, keepdims=True))
    mass /= mass.sum(1, keepdims=True)
    middle = newest + np.einsum("bn,bnd->bd", mass, stream) @ w["value"]
    hidden = np.maximum(middle @ w["hidden"] + w["hidden_bias"], 0)
    return (middle + hidden @ w["output"]) @ w["unembedding"]


def adversarial_windows(table: TokenTable, window: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of (windows, right next tokens): every transition, with all other tokens on one wrong symbol.

    Only wrong symbols whose own transition in that state is defined and leads elsewhere are taken: the others cannot
    outvote.
    """
    right = table.next_state.astype(np.int64) * table.n_symbols + table.pushed
    of = np.full((table.n_states, table.n_symbols), -1)
    of[table.state, table.symbol] = right
    rows, wrong = np.nonzero((of[table.state] >= 0) & (of[table.state] != right[:, None]))
    size = max(1, BATCH // window)
    for start in range(0, len(rows), size):
        row, other = rows[start : start + size], wrong[start : start + size]
        windows = np.repeat(other[:, None], window, axis=1)  # state 0: only the newest token's state matters
        windows[:, 0] = table.symbol[row]
        windows[:, -1] += table.state[row] * table.n_symbols
        yield windows, right[row]


def failures(table: TokenTable, weights: Weights, window: int, inverse_temperature: float) -> tuple[int, int]:
    """Number of adversarial windows on which the right token does not win strictly, and of all of them.

    Raises
    ------
    ValueError
        If `window` is less than 2, or `inverse_temperature` is not finite.
    """
    check_window(window)
    if not math.isfinite(inverse_temperature):
        raise ValueError(f"inverse_temperature {inverse_temperature} is not finite")
    failed = total = 0
    for windows, right in adversarial_windows(table, window):
        logits = soft_logits(weights, windows, inverse_temperature)
        chosen = np.take_along_axis(logits, right[:, None], 1)[:, 0]
        np.put_along_axis(logits, right[:, None], -np.inf, 1)
        failed += int((chosen <= logits.max(1)).sum())
        total += len(right)
    return failed, total
