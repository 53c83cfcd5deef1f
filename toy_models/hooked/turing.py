"""The hand-written network of ``theory.turing`` as a hooked model, and two lookups as its opposites.

The exported model is ground truth: a circuit known by construction, on which probes are calibrated.
"""

from __future__ import annotations

import numpy as np
import torch

from lemmata.theory.turing.weights import Weights
from lemmata.toy_models.hooked.base import AttentionKind, RelativeTransformer


def queue_transformer(weights: Weights, window: int, attention: AttentionKind = "hardmax") -> RelativeTransformer:
    """Export compiled weights as a hooked model that computes the same logits at the newest token.

    The positional vectors ``pos(i − j)`` depend on the query, so they cannot be added to the stream once: the score's
    share becomes a bias per distance, ``b_Q·W_K pos(r)`` with ``b_Q = W_Q pos(0)``, and the query's own ``pos(0)``
    moves into the biases of the MLP and of the unembedding. Logits are exactly those of the literal decoder.

    Parameters
    ----------
    weights : Weights
    window : int
        Window N.
    attention : ``"hardmax"`` (the paper's) or ``"softmax"``

    Returns
    -------
    RelativeTransformer
        One layer, one head, in evaluation mode.

    Raises
    ------
    ValueError
        If the weights mix content and position in a way that a relative bias cannot express: queries that read
        content, or values that read positions.
    """
    w = {name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.arrays().items()}
    positions = torch.from_numpy(weights.positions(window).astype(np.float32))
    if (w["embedding"] @ w["query"]).any():
        raise ValueError("weights.query reads token content; a relative bias cannot express its product with positions")
    if (positions @ w["value"]).any():
        raise ValueError("weights.value reads positions; a model with a relative bias on scores cannot")
    d_vocab, d_model = w["embedding"].shape
    model = RelativeTransformer(
        d_vocab, d_model, window, d_mlp=w["hidden"].shape[1], d_head=d_model, attention=attention
    )
    block = model.block(0)
    assert block.mlp is not None
    own = positions[0]
    query = own @ w["query"]
    with torch.no_grad():
        model.W_E.copy_(w["embedding"])
        block.attn.b_Q[0, 0] = query[0]
        block.attn.W_K[0, :, :1] = w["key"]
        block.attn.relative_bias[0] = (positions @ w["key"])[:, 0] * query[0]
        block.attn.W_V[0] = w["value"]
        block.attn.W_O[0] = torch.eye(d_model)
        block.mlp.W_in.copy_(w["hidden"])
        block.mlp.b_in.copy_(w["hidden_bias"] + own @ w["hidden"])
        block.mlp.W_out.copy_(w["output"])
        model.W_U.copy_(w["unembedding"])
        model.b_U.copy_(own @ w["unembedding"])
    return model.eval()


def content_lookup(d_vocab: int, window: int, heads: int = 1) -> RelativeTransformer:
    """Heads that look content up: head h of token v attends to the tokens v + 1 + h (mod vocabulary) of the window.

    The mechanism that a queue reader is not: its attention depends on the tokens and on no distance. Where the partner
    is absent all keys tie, and hardmax is uniform.
    """
    model = RelativeTransformer(
        d_vocab, d_vocab, window, d_mlp=None, d_head=d_vocab, n_heads=heads, attention="hardmax"
    )
    attention = model.block(0).attn
    with torch.no_grad():
        model.W_E.copy_(torch.eye(d_vocab))
        for head in range(heads):
            attention.W_Q[head] = torch.eye(d_vocab).roll(1 + head, dims=1)
        attention.W_K.copy_(torch.eye(d_vocab))
        attention.W_V.copy_(torch.eye(d_vocab))
        attention.W_O.copy_(torch.eye(d_vocab))
        model.W_U.copy_(torch.eye(d_vocab))
    return model.eval()


def tape_lookup(cells: int, window: int) -> RelativeTransformer:
    """The other way to simulate a Turing machine: find the latest token that was written on the same tape cell.

    Token t is the number of the cell under the machine's head at step t. The attention score is ``window + 1`` for an
    equal cell, minus the distance: the latest earlier token of that cell wins, or the one before if there is none. So
    the attended distance follows the moves of the head: on its way back over fresh cells it grows by 2 a step, one for
    the query and one for the key.
    """
    model = RelativeTransformer(cells, cells, window, d_mlp=None, d_head=cells, attention="hardmax")
    attention = model.block(0).attn
    with torch.no_grad():
        model.W_E.copy_(torch.eye(cells))
        attention.W_Q[0] = (window + 1) * torch.eye(cells)
        attention.W_K[0] = torch.eye(cells)
        attention.W_V[0] = torch.eye(cells)
        attention.W_O[0] = torch.eye(cells)
        attention.relative_bias[0] = -torch.arange(window)
        attention.relative_bias[0, 0] = -2 * (window + 1)  # not itself
        model.W_U.copy_(torch.eye(cells))
    return model.eval()
