"""When does a token hear of another one? Two prompts that differ in one token, and the first layer where it shows.

Information travels through attention only, one hop a layer: at position i the two runs are *bit for bit* equal until
the layer whose number is the hop distance from the changed token j, and differ from there on. A difference before it is
an error in a mask; none at it, a head that does not look.

References
----------
uap: Definition 4; uap sheet, section 10.
"""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from lemmata.toy_models.hooked.base import HookedModel

#: No attention layer tells the prompts apart at this position.
NEVER = -1


@torch.no_grad()
def first_difference(model: HookedModel, prompt: Tensor, other: Tensor) -> Int[Tensor, " pos"]:
    """For each position, the number of attention layers after which the two runs first differ.

    Reads ``hook_embed`` and ``blocks.{layer}.hook_resid_mid`` of the blocks that have attention. The prompts run one by
    one, since matrix products may round differently at another place of a batch.

    Parameters
    ----------
    model : HookedModel
    prompt, other : tensors, shape (pos, …)
        Equal but for one token.

    Returns
    -------
    int tensor, shape (pos,)
        0 at the changed token, otherwise 1, 2, …, or :data:`NEVER`.

    Raises
    ------
    ValueError
        If the shapes differ, or not exactly one token does.
    """
    if prompt.shape != other.shape:
        raise ValueError(f"prompts of shapes {tuple(prompt.shape)} and {tuple(other.shape)} cannot be compared")
    changed = int((prompt != other).reshape(len(prompt), -1).any(-1).sum())
    if changed != 1:
        raise ValueError(f"prompts differ in {changed} tokens, not in one")
    names = ["hook_embed"]
    names += [f"blocks.{i}.hook_resid_mid" for i, block in enumerate(model.blocks) if block.attn is not None]
    runs = [model.run_with_cache(tokens[None], names_filter=names)[1] for tokens in (prompt, other)]
    differs = torch.stack([(runs[0][name][0] != runs[1][name][0]).any(-1) for name in names])
    return torch.where(differs.any(0), differs.int().argmax(0), NEVER)
