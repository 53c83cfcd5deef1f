"""The literal decoder: the network as matrix products on the window, and greedy generation with it.

``h_j = emb(v_j) + pos(i − j)`` for every token j of the window of query i (the newest), hardmax attention, residuals,
ReLU FFN, argmax. This is the specification that faster decoders are compared with; nothing here knows the machine.

Hardmax averages over the argmax set. To stay in integers when n keys tie, the residual stream is carried n times
larger: every map here is positively homogeneous once the bias is scaled as well, so the argmax is the same.

References
----------
turing sheet, section 2 (transformer, hardmax) and section 4.3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy.typing import DTypeLike

from lemmata.theory.turing.post import check_window
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights


@dataclass(frozen=True, eq=False)
class Activations:
    """What the network computes at the newest token of each window. All integers.

    Attributes
    ----------
    scores : shape (batch, window)
        Attention logits, by position in the window (0 is the oldest).
    tied_keys : shape (batch,)
        Size of the argmax set of the scores; 1 means that hardmax is unambiguous.
    residual : shape (batch, d)
        The last residual stream, times `tied_keys`.
    hidden : shape (batch, H)
        FFN activations after the ReLU, times `tied_keys`.
    logits : shape (batch, vocabulary)
        Times `tied_keys`.
    """

    scores: Int[np.ndarray, "batch window"]
    tied_keys: Int[np.ndarray, " batch"]
    residual: Int[np.ndarray, "batch d"]
    hidden: Int[np.ndarray, "batch H"]
    logits: Int[np.ndarray, "batch vocabulary"]

    @property
    def tokens(self) -> Int[np.ndarray, " batch"]:
        """The greedy next tokens."""
        return np.argmax(self.logits, axis=-1)

    @property
    def margins(self) -> Int[np.ndarray, " batch"]:
        """Best logit minus the second best; 0 is a tie, and greedy decoding is then undefined."""
        top = np.partition(self.logits.astype(np.int64), -2, axis=-1)
        return top[:, -1] - top[:, -2]

    @property
    def clear(self) -> np.ndarray:
        """Whether neither the attention nor the output argmax had a tie, shape (batch,)."""
        return (self.tied_keys == 1) & (self.margins > 0)

    @property
    def largest(self) -> int:
        """Largest absolute value anywhere; at most 127 is what int8 holds."""
        parts = (self.scores, self.residual, self.hidden, self.logits)
        return max(int(np.abs(part.astype(np.int64)).max(initial=0)) for part in parts)


def forward(weights: Weights, windows: Int[np.ndarray, "batch window"], dtype: DTypeLike = np.int8) -> Activations:
    """Apply the network to windows of tokens, oldest first.

    Parameters
    ----------
    weights : Weights
    windows : int array, shape (batch, window)
        Token numbers, the oldest first.
    dtype : dtype
        Integer type of every product and sum. int8 is exact for compiled machines (values stay in −1…2); changed
        weights may overflow it, use int64 for those.

    Returns
    -------
    Activations
    """
    newest_first = weights.positions(windows.shape[1]).astype(dtype)
    stream = weights.embedding.astype(dtype)[windows] + newest_first[::-1]  # h_j = emb(v_j) + pos(i − j)
    newest = stream[:, -1]

    scores = (stream @ weights.key.astype(dtype))[:, :, 0] * (newest @ weights.query.astype(dtype))
    chosen = scores == scores.max(axis=1, keepdims=True)
    tied = chosen.sum(axis=1)
    if tied.max(initial=1) > 1:
        dtype = np.dtype(np.int64)
    scale = tied.astype(dtype)[:, None]
    total = np.einsum("bn,bnd->bd", chosen.astype(dtype), stream.astype(dtype)) @ weights.value.astype(dtype)
    middle = scale * newest.astype(dtype) + total

    hidden = np.maximum(middle @ weights.hidden.astype(dtype) + scale * weights.hidden_bias.astype(dtype), 0)
    residual = middle + hidden @ weights.output.astype(dtype)
    return Activations(scores, tied, residual, hidden, residual @ weights.unembedding.astype(dtype))


@dataclass(frozen=True)
class Transcript:
    """What a decoder generated.

    Attributes
    ----------
    tokens : tuple of int
        The generated tokens, the prompt not among them.
    halted : bool
        Whether the last token is a stop token.
    tie : int or None
        Number (from 1) of the first token whose attention or output argmax was a tie. Generation goes on from there
        with the lowest-numbered token, as a greedy decoder would.
    """

    tokens: tuple[int, ...]
    halted: bool
    tie: int | None = None


def check_generation(prompt: Sequence[int], vocabulary: int, max_tokens: int) -> None:
    """ValueError unless `prompt` fills a window with tokens and `max_tokens` is a number of them."""
    check_window(len(prompt))
    for token in prompt:
        if not isinstance(token, (int, np.integer)):
            raise ValueError(f"prompt holds {token!r}, which is not an integer")
        if not 0 <= token < vocabulary:
            raise ValueError(f"prompt holds {token}, a token outside of the vocabulary 0 … {vocabulary - 1}")
    if not isinstance(max_tokens, (int, np.integer)) or max_tokens < 0:
        raise ValueError(f"max_tokens {max_tokens} is {'negative' if max_tokens < 0 else 'not an integer'}")


def generate(
    weights: Weights,
    prompt: Sequence[int],
    stop: Collection[int],
    max_tokens: int,
    dtype: DTypeLike = np.int8,
) -> Transcript:
    """Greedy generation with a sliding window of ``len(prompt)`` tokens.

    Parameters
    ----------
    weights : Weights
    prompt : sequence of int
        Fills the window exactly.
    stop : collection of int
        Tokens at which to stop, see :meth:`TokenTable.halting_tokens`.
    max_tokens : int
        Cut-off.
    dtype : dtype
        As in :func:`forward`.

    Raises
    ------
    ValueError
        If `prompt` has fewer than 2 tokens or one outside of the vocabulary, or `max_tokens` is negative.
    """
    check_generation(prompt, len(weights.embedding), max_tokens)
    window = len(prompt)
    text = np.empty(window + max_tokens, np.int64)
    text[:window] = prompt
    tie = None
    for count in range(max_tokens):
        step = forward(weights, text[None, count : count + window], dtype)
        if tie is None and not step.clear[0]:
            tie = count + 1
        text[window + count] = token = int(step.tokens[0])
        if token in stop:
            return Transcript(tuple(text[window : window + count + 1].tolist()), True, tie)
    return Transcript(tuple(text[window:].tolist()), False, tie)


def teacher_forced(
    weights: Weights, prompt: Sequence[int], tokens: Sequence[int], dtype: DTypeLike = np.int8, batch: int = 512
) -> tuple[int, int | None]:
    """Check that the network generates `tokens` from `prompt`: all windows of the known text at once.

    If every window of the text is continued rightly and without a tie, greedy generation yields `tokens`, by
    induction; so this replaces the sequential loop where only equality is asked.

    Returns
    -------
    largest : int
        Largest absolute activation seen.
    first_wrong : int or None
        Number (from 1) of the first token that differs or whose argmax is a tie; None if all agree.
    """
    check_window(len(prompt))
    text = np.array([*prompt, *tokens])
    windows = np.lib.stride_tricks.sliding_window_view(text[:-1], len(prompt))
    largest = 0
    for start in range(0, len(windows), batch):
        step = forward(weights, windows[start : start + batch], dtype)
        largest = max(largest, step.largest)
        wrong = (step.tokens != text[len(prompt) + start :][: len(step.tokens)]) | ~step.clear
        if wrong.any():
            return largest, start + int(np.argmax(wrong)) + 1
    return largest, None


def run(weights: Weights, table: TokenTable, word: str | Sequence[str], window: int, max_tokens: int) -> Transcript:
    """Generate from the prompt of `word`, stopping at the halting tokens of `table`.

    Where the machine reaches an undefined pair, the network's argmax is not prescribed and generation goes on without
    meaning; the machine's own run ends there.
    """
    return generate(weights, table.prompt(word, window), table.halting_tokens(), max_tokens)
