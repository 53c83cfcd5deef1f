"""Does a head read at a fixed distance? Two numbers from the attention pattern of the newest token.

A queue reader attends by relative distance and by nothing else; a lookup attends by content. Both probes take a model,
windows of tokens, a layer and a head, and read ``blocks.{layer}.attn.hook_pattern``.

References
----------
turing sheet, section 9.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lemmata.toy_models.hooked.base import HookedModel


@torch.no_grad()
def newest_pattern(
    model: HookedModel, tokens: Int[Tensor, "batch window"], layer: int = 0, head: int = 0
) -> Float[Tensor, "batch distance"]:
    """Attention of the newest token by distance (0 is the token itself), for each window."""
    name = f"blocks.{layer}.attn.hook_pattern"
    _, cache = model.run_with_cache(tokens, names_filter=name)
    pattern: Tensor = cache[name][:, head, -1]
    return pattern.flip(-1)


def relative_offset_score(
    model: HookedModel, tokens: Int[Tensor, "batch window"], layer: int = 0, head: int = 0
) -> float:
    """How little the pattern depends on content: 1 − mean total variation distance to the mean pattern.

    Parameters
    ----------
    model : HookedModel
    tokens : int tensor, shape (batch, window)
        Windows with varied content; at least two.
    layer, head : int

    Returns
    -------
    float
        In [0, 1]. 1 exactly if every window has the same pattern over distances; 1/window for a head that attends to
        one token at a uniformly random place. A uniform head scores 1 as well: see :func:`read_mass` for *where*.

    Raises
    ------
    ValueError
        With fewer than two windows.
    """
    if len(tokens) < 2:
        raise ValueError(f"tokens has {len(tokens)} windows; content cannot vary in fewer than 2")
    pattern = newest_pattern(model, tokens, layer, head).double()
    return 1 - 0.5 * (pattern - pattern.mean(0)).abs().sum(-1).mean().item()


def read_mass(
    model: HookedModel, tokens: Int[Tensor, "batch window"], distance: int, layer: int = 0, head: int = 0
) -> float:
    """Mean attention from the newest token to the token at `distance`.

    Returns
    -------
    float
        In [0, 1]; 1/window for a uniform head. A softmax reader that decodes the majority symbol needs
        more than 1/2 in the worst case (sheet, section 4.6); on random windows less will do.

    Raises
    ------
    ValueError
        If the distance is not in 0 … window − 1.
    """
    if not 0 <= distance < tokens.shape[1]:
        raise ValueError(f"distance {distance} is not in 0 … {tokens.shape[1] - 1}")
    return newest_pattern(model, tokens, layer, head)[:, distance].double().mean().item()
