"""The hand-written multi-queue network of ``theory.turing.multiqueue`` as a hooked model, in one layer or several.

A token of that network is K pushed symbols and a control state, and its vocabulary ``Γ_1 × … × Γ_K × P`` is factored:
embeddings and logits are sums over K + 1 factors. A hooked model has a plain vocabulary, so here that consists of the
distinct tokens of some recorded texts (prompts and the runs that follow them). A token's embedding is still the sum of
its one-hot vectors, and its logit the sum of its factors' logits: K + 1 for the right token and at most K for another.
What is lost: a token outside of the recorded texts cannot be named.

References
----------
turing sheet, sections 5.1 (Theorem 3), 5.3 and 10; Theorem 3 of the second paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from lemmata.theory.turing.multiqueue.decode import Token, embed, encode, prompt
from lemmata.theory.turing.multiqueue.machine import Configuration, MultiQueueMachine
from lemmata.theory.turing.multiqueue.weights import MultiQueueWeights
from lemmata.toy_models.hooked.base import RelativeTransformer


@dataclass(frozen=True, eq=False)
class RecordedTexts:
    """What a multi-queue machine writes from some start configurations, as token numbers.

    Attributes
    ----------
    vocabulary : tuple of Token
        The distinct tokens in order of appearance; a token's number is its place here.
    windows : int tensor, shape (steps, window)
        Every window of every text that a token follows, oldest token first, run by run.
    following : int tensor, shape (steps,)
        The token that follows each window.
    rows : int tensor, shape (steps,)
        Number of the recorded row (state, K fronts) that each step uses, in order of first use.
    starts : tuple of int
        Where each run's windows begin.
    """

    vocabulary: tuple[Token, ...]
    windows: Int[Tensor, "steps window"]
    following: Int[Tensor, " steps"]
    rows: Int[Tensor, " steps"]
    starts: tuple[int, ...]

    @classmethod
    def of(
        cls, machine: MultiQueueMachine, configurations: Iterable[Configuration], max_steps: int = 10_000
    ) -> RecordedTexts:
        """Record the runs from `configurations`, each for at most `max_steps` steps.

        Raises
        ------
        ValueError
            If no run makes a step.
        """
        number: dict[Token, int] = {}
        row: dict[tuple[object, tuple[int, ...]], int] = {}
        windows, following = [], []
        rows: list[int] = []
        starts: list[int] = []
        for configuration in configurations:
            text = list(prompt(machine, configuration))
            steps = [step for step, _ in zip(machine.steps(configuration), range(max_steps), strict=False)]
            text += [(step.pushes, step.after) for step in steps]
            starts.append(len(rows))
            rows += [row.setdefault((step.before, step.fronts), len(row)) for step in steps]
            numbers = torch.tensor([number.setdefault(token, len(number)) for token in text])
            windows.append(numbers.unfold(0, machine.layout.window, 1)[: len(steps)])
            following.append(numbers[machine.layout.window :])
        if not rows:
            raise ValueError("no step in any of the runs; a text needs at least one")
        return cls(tuple(number), torch.cat(windows), torch.cat(following), torch.tensor(rows), tuple(starts))


def multiqueue_transformer(
    weights: MultiQueueWeights, vocabulary: Sequence[Token], layers: int = 1
) -> RelativeTransformer:
    """Export the weights as a hooked model whose head-layer product is K.

    Queue q is head ``q mod (K/layers)`` of layer ``q div (K/layers)``. A head copies its track from the token
    embedding, which no layer overwrites, and its relative bias is all that it knows of position; so every layer count
    computes the same. The MLP of the last layer is the network's, those before it are zero.

    Parameters
    ----------
    weights : MultiQueueWeights
    vocabulary : sequence of Token
        The tokens that the model can read and write, see :class:`RecordedTexts`.
    layers : int
        L, a divisor of K.

    Returns
    -------
    RelativeTransformer
        Hardmax attention, in evaluation mode.

    Raises
    ------
    ValueError
        If `layers` does not divide K, or the vocabulary is empty, names a token twice or a state that the weights lack.

    References
    ----------
    Theorem 3: K queues for any split of K into heads and layers.
    """
    sizes, starts = weights.blocks.alphabets, weights.blocks.starts
    if layers < 1 or len(sizes) % layers:
        raise ValueError(f"layers {layers} does not divide the number of queues, K = {len(sizes)}")
    if not vocabulary or len(set(vocabulary)) < len(vocabulary):
        raise ValueError(f"vocabulary of {len(vocabulary)} tokens is empty or names a token twice")
    tokens = encode(weights, vocabulary)
    logits = (
        weights.unembed_symbol[tokens[:, :-1] + np.asarray(starts)].sum(axis=1) + weights.unembed_state[tokens[:, -1]]
    )
    units, d_model = weights.ffn_in.shape
    heads, d_head = len(sizes) // layers, max(sizes)
    model = RelativeTransformer(
        len(vocabulary),
        d_model,
        weights.relative_bias.shape[1],
        d_mlp=units,
        d_head=d_head,
        n_heads=heads,
        n_layers=layers,
        attention="hardmax",
    )
    w = {name: torch.from_numpy(array.astype(np.float32)) for name, array in weights.arrays().items()}
    with torch.no_grad():
        model.W_E.copy_(torch.from_numpy(embed(weights, tokens)))
        model.W_U.copy_(torch.from_numpy(logits.T))
        for queue, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            layer, head = divmod(queue, heads)
            attention, own = model.block(layer).attn, slice(start, start + size)
            attention.relative_bias[head] = w["relative_bias"][queue]
            attention.W_V[head, :, :size] = w["value"][own].T
            attention.W_O[head, :size] = w["output"][:, own].T
        mlp = model.block(layers - 1).mlp
        assert mlp is not None
        mlp.W_in.copy_(w["ffn_in"].T)
        mlp.b_in.copy_(w["ffn_bias"])
        mlp.W_out.copy_(w["ffn_out"].T)
    return model.eval()
