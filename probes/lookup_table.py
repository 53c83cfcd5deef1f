"""Is an MLP a lookup table, with one unit for each key?

In the hand-written networks each transition has a unit of its own, which is active in its case and silent in all
others: as many distinct active units as used pairs (state, symbols read).

References
----------
turing sheet, section 9 (FFN = lookup table).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from lemmata.toy_models.hooked.base import RelativeTransformer


class LookupTable(NamedTuple):
    """How the units of an MLP go with some keys.

    Attributes
    ----------
    keys : int
        Distinct keys among the windows.
    units : int
        Units that are active in some window; equal to `keys` for a lookup table.
    active : float
        Mean number of active units, in [0, d_mlp]; 1 for a lookup table.
    score : float
        Share of keys with exactly one active unit, always the same one, that no other key has, in [0, 1].
    """

    keys: int
    units: int
    active: float
    score: float


@torch.no_grad()
def lookup_table(
    model: RelativeTransformer, tokens: Int[Tensor, "batch window"], keys: Int[Tensor, " batch"], layer: int = -1
) -> LookupTable:
    """Compare the active units at the newest token with a key for each window.

    Parameters
    ----------
    model : RelativeTransformer
    tokens : int tensor, shape (batch, window)
    keys : int tensor, shape (batch,)
        What a table would be indexed by: the number of a pair (state, symbols read).
    layer : int
        Whose MLP; the last one by default.

    Raises
    ------
    ValueError
        If the layer has no MLP, or there are no windows.
    """
    if len(tokens) == 0:
        raise ValueError("0 windows; at least 1")
    block = model.block(layer)
    if block.mlp is None:
        raise ValueError(f"layer {layer} has no MLP")
    name = f"blocks.{layer % model.cfg.n_layers}.mlp.hook_post"
    _, cache = model.run_with_cache(tokens, names_filter=name, newest_only=True)
    active: Bool[Tensor, "batch d_mlp"] = cache[name][:, -1] > 0
    distinct, number = keys.unique(return_inverse=True)
    share = torch.zeros(len(distinct), active.shape[1]).index_add_(0, number, active.float())
    occurs = share > 0
    always = (share == number.bincount()[:, None]) & (occurs.sum(0) == 1)
    sound = (occurs.sum(1) == 1) & always.any(1)
    return LookupTable(
        len(distinct), int(occurs.any(0).sum()), active.sum(1).double().mean().item(), sound.double().mean().item()
    )
