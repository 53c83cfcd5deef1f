"""The literal decoder, matrix products and an argmax, and the replay of a table from the window alone.

A token is an integer vector of K + 1 entries: the K cell codes pushed, then the number of the state after the step.
A window is an array of tokens, the oldest first; the newest is at distance 0.

References
----------
turing sheet, section 5.3 and row T17; section 2 for hardmax.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Int8, Int32

from lemmata.theory.turing.multiqueue.machine import Configuration, MultiQueueMachine
from lemmata.theory.turing.multiqueue.table import Row
from lemmata.theory.turing.multiqueue.weights import MultiQueueWeights

Token = tuple[tuple[int, ...], Hashable]
"""K cell codes and a control state."""


class AmbiguousTokenError(ValueError):
    """The most likely token, or the token that a head attends to, is not unique."""


def prompt(machine: MultiQueueMachine, configuration: Configuration) -> tuple[Token, ...]:
    """The window before the first step, oldest token first.

    The token at distance r carries the cell of track q that was "pushed" r steps ago, if ``r < m_q``, else code 0; the
    state in every token is the start state.
    """
    window = machine.layout.window
    columns = [(0,) * (window - len(ring)) + tuple(ring) for ring in configuration.rings]
    return tuple((codes, configuration.state) for codes in zip(*columns, strict=True))


def encode(weights: MultiQueueWeights, tokens: Sequence[Token]) -> Int32[np.ndarray, "tokens tracks_and_state"]:
    """Tokens as integers; ValueError if a state is unknown to the weights."""
    number = {state: index for index, state in enumerate(weights.states)}
    for _, state in tokens:
        if state not in number:
            raise ValueError(f"control state {state} is not among the {len(number)} states of these weights")
    return np.asarray([[*codes, number[state]] for codes, state in tokens], np.int32)


def embed(
    weights: MultiQueueWeights, tokens: Int32[np.ndarray, "tokens tracks_and_state"]
) -> Int8[np.ndarray, "tokens dim"]:
    """The sum of K symbol embeddings and the state's, for each token."""
    rows = tokens[:, :-1] + np.asarray(weights.blocks.starts, np.int32)
    stream: Int8[np.ndarray, "tokens dim"] = weights.embed_symbol[rows].sum(axis=1, dtype=np.int8)
    stream += weights.embed_state[tokens[:, -1]]
    return stream


def factor_logits(
    weights: MultiQueueWeights, stream: Int8[np.ndarray, "*batch window dim"]
) -> tuple[Int8[np.ndarray, "*batch symbols"], Int8[np.ndarray, "*batch states"]]:
    """Logits of the next token's K symbols, track by track, and of its state, for windows of embedded tokens.

    Raises
    ------
    AmbiguousTokenError
        If a head's largest score is attained twice.
    """
    scores = weights.relative_bias[:, ::-1]  # by place in the window instead of by distance
    largest = scores == scores.max(axis=1, keepdims=True)
    if (largest.sum(axis=1) != 1).any():
        raise AmbiguousTokenError("a head's largest score is attained more than once")
    mixed = largest.astype(np.int8) @ stream
    owner = np.repeat(np.arange(len(weights.blocks.alphabets)), weights.blocks.alphabets)
    own = np.einsum("gd,...gd->...g", weights.value, mixed[..., owner, :])  # each head keeps its own value rows
    hidden = stream[..., -1, :] + own @ weights.output.T
    active = np.maximum(hidden @ weights.ffn_in.T + weights.ffn_bias, 0)
    hidden = hidden + active @ weights.ffn_out.T
    return hidden @ weights.unembed_symbol.T, hidden @ weights.unembed_state.T


def next_token(
    weights: MultiQueueWeights, stream: Int8[np.ndarray, "window dim"]
) -> Int32[np.ndarray, " tracks_and_state"]:
    """The most likely next token after a window of embedded tokens, the oldest first.

    Raises
    ------
    AmbiguousTokenError
        If a head's largest score or a factor's largest logit is attained twice.
    """
    symbol_logits, state_logits = factor_logits(weights, stream)
    factors = [*np.split(symbol_logits, weights.blocks.starts[1:]), state_logits]
    token = np.empty(len(factors), np.int32)
    for index, logits in enumerate(factors):
        best = np.flatnonzero(logits == logits.max())
        if len(best) != 1:
            raise AmbiguousTokenError(f"{len(best)} largest logits in factor {index} of {len(factors)}")
        token[index] = best[0]
    return token


def generate(weights: MultiQueueWeights, start: Sequence[Token], max_tokens: int) -> Iterator[Token]:
    """Greedy decoding from a prompt, by matrix products on the last ``window`` tokens only.

    Raises
    ------
    ValueError
        If the prompt is not exactly one window long.
    AmbiguousTokenError
        If no single token is the most likely one, as when no unit of the feed-forward layer fires.
    """
    window = weights.relative_bias.shape[1]
    if len(start) != window:
        raise ValueError(f"prompt of {len(start)} tokens; exactly the window, {window}")
    stream = embed(weights, encode(weights, start))
    for _ in range(max_tokens):
        token = next_token(weights, stream)
        yield tuple(token[:-1].tolist()), weights.states[token[-1]]
        stream = np.concatenate([stream[1:], embed(weights, token[None])])


def replay(
    rows: Mapping[tuple[Hashable, tuple[int, ...]], Row],
    distances: Sequence[int],
    start: Sequence[Token],
    max_tokens: int,
) -> Iterator[Token]:
    """Continue a sliding list of tokens by table look-up: track q of the token at ``distances[q]``, and the state.

    Stops where the table has no row.

    Parameters
    ----------
    rows : mapping
        A recorded table's rows.
    distances : sequence of int
        Where each head looks, by track.
    start : sequence of Token
        The prompt, oldest first; only as many tokens as this are ever visible.
    max_tokens : int
        Cut-off.
    """
    tokens = deque(start, maxlen=len(start))
    for _ in range(max_tokens):
        fronts = tuple(tokens[-1 - distance][0][index] for index, distance in enumerate(distances))
        row = rows.get((tokens[-1][1], fronts))
        if row is None:
            return
        tokens.append((row.pushes, row.state))
        yield tokens[-1]
