"""Which part of which token does the next token depend on? Activation patching at the embeddings.

A queue reader takes the state from the newest token and the symbol from the oldest, and nothing else: replace the
newest token's state or the oldest token's symbol, and the next token changes; replace anything else, and it does not.
The patches go through ``hook_embed`` (layer 0's ``hook_resid_pre`` is the same activation). A next token "changes" when
the set of most likely tokens becomes another: networks with integer weights can tie, and a tie is no token.

transformer-lens's own ``patching`` functions draw a progress bar at each call and average over windows before it can be
asked whether *some* token of a window matters; so the loop is here, and a test compares it with theirs.

References
----------
turing sheet, section 9 (queue mechanism signature).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformer_lens.hook_points import HookPoint

from lemmata.toy_models.hooked.base import RelativeTransformer


@torch.no_grad()
def most_likely(model: RelativeTransformer, tokens: Int[Tensor, "batch window"]) -> Bool[Tensor, "batch d_vocab"]:
    """Which tokens share the largest logit after each window."""
    logits = model(tokens, newest_only=True)[:, -1]
    return logits == logits.amax(-1, keepdim=True)


@torch.no_grad()
def altered(
    model: RelativeTransformer,
    tokens: Int[Tensor, "batch window"],
    embeddings: Float[Tensor, "batch d_model"],
    distance: int,
) -> Bool[Tensor, " batch"]:
    """Whose next token changes when the embedding of the token at `distance` (0 is the newest) is replaced.

    Parameters
    ----------
    model : RelativeTransformer
    tokens : int tensor, shape (batch, window)
    embeddings : float tensor, shape (batch, d_model)
        What is put in place, for each window; ``model.W_E[other]`` puts another token there.
    distance : int

    Raises
    ------
    ValueError
        If the distance is not in 0 … window − 1.
    """
    if not 0 <= distance < tokens.shape[1]:
        raise ValueError(f"distance {distance} is not in 0 … {tokens.shape[1] - 1}")

    def patch(stream: Float[Tensor, "batch window d_model"], hook: HookPoint) -> Float[Tensor, "batch window d_model"]:
        stream[:, -1 - distance] = embeddings
        return stream

    before = most_likely(model, tokens)
    with model.hooks(fwd_hooks=[("hook_embed", patch)]):
        after = most_likely(model, tokens)
    return (before != after).any(-1)


def dependence_profile(
    model: RelativeTransformer, tokens: Int[Tensor, "batch window"], source: Int[Tensor, "batch window"]
) -> Float[Tensor, " distance"]:
    """Share of windows whose next token changes when the token at a distance is replaced by that of `source`.

    Returns
    -------
    float tensor, shape (window,)
        By distance, in [0, 1]. Positive only where the model reads; how large depends on how often the source differs
        in what is read.

    Raises
    ------
    ValueError
        If `source` has another shape than `tokens`, or there are no windows.
    """
    if source.shape != tokens.shape:
        raise ValueError(f"source has shape {tuple(source.shape)}, not that of tokens, {tuple(tokens.shape)}")
    if len(tokens) == 0:
        raise ValueError("0 windows; at least 1")
    shares = [altered(model, tokens, model.W_E[source[:, -1 - at]], at) for at in range(tokens.shape[1])]
    return torch.stack(shares).double().mean(1)


class QueueDependence(NamedTuple):
    """Shares of windows whose next token changes, each in [0, 1].

    Attributes
    ----------
    newest_state : float
        When the state of the newest token is replaced.
    oldest_symbol : float
        When the symbol of the oldest token is replaced.
    other : float
        When any single one of the rest is replaced: a token at a middle distance, the newest token's symbol or the
        oldest token's state. A window counts once.
    """

    newest_state: float
    oldest_symbol: float
    other: float

    @property
    def signature(self) -> float:
        """``min(newest_state, oldest_symbol, 1 − other)``, in [0, 1]: near 1 for a queue reader and nothing else."""
        return min(self.newest_state, self.oldest_symbol, 1 - self.other)


def queue_dependence(
    model: RelativeTransformer, tokens: Int[Tensor, "batch window"], n_symbols: int, generator: torch.Generator
) -> QueueDependence:
    """Patch states and symbols apart, on a vocabulary of tokens ``state·n_symbols + symbol``.

    What is put in place is uniform among the *other* states and symbols, so that every patch makes a difference to the
    embedding.

    Parameters
    ----------
    model : RelativeTransformer
    tokens : int tensor, shape (batch, window)
        Windows of at least two tokens.
    n_symbols : int
        |Γ|; the vocabulary is ``|Γ|·|P|``.
    generator : torch.Generator

    Raises
    ------
    ValueError
        If the vocabulary does not consist of at least two states of `n_symbols` ≥ 2 symbols, a window has one token, or
        there are no windows.
    """
    n_states, rest = divmod(model.cfg.d_vocab, n_symbols) if n_symbols > 0 else (0, 1)
    if rest or n_symbols < 2 or n_states < 2:
        raise ValueError(
            f"n_symbols {n_symbols} does not split {model.cfg.d_vocab} tokens into 2 or more states and symbols"
        )
    if tokens.shape[1] < 2:
        raise ValueError("windows of 1 token; oldest and newest must differ, so at least 2")
    if len(tokens) == 0:
        raise ValueError("0 windows; at least 1")
    state, symbol = tokens // n_symbols, tokens % n_symbols
    new_state = (state + torch.randint(1, n_states, tokens.shape, generator=generator)) % n_states
    new_symbol = (symbol + torch.randint(1, n_symbols, tokens.shape, generator=generator)) % n_symbols

    def changed(
        states: Int[Tensor, "batch window"], symbols: Int[Tensor, "batch window"], distance: int
    ) -> Bool[Tensor, " batch"]:
        token = states[:, -1 - distance] * n_symbols + symbols[:, -1 - distance]
        return altered(model, tokens, model.W_E[token], distance)

    oldest = tokens.shape[1] - 1
    rest_of_window = [changed(state, new_symbol, 0), changed(new_state, symbol, oldest)]
    rest_of_window += [changed(new_state, new_symbol, distance) for distance in range(1, oldest)]
    return QueueDependence(
        newest_state=changed(new_state, symbol, 0).double().mean().item(),
        oldest_symbol=changed(state, new_symbol, oldest).double().mean().item(),
        other=torch.stack(rest_of_window).any(0).double().mean().item(),
    )
