"""How far apart do attention layers keep tokens? The distinguishability margin, layer by layer.

A stack of attention layers distinguishes a set of samples if all their tokens become different vectors (Definition 3).
The margin says by how much: the least distance between two tokens of a probe set, in units of their spread. It jumps
from zero at the layer where the tokens become distinct, and decays towards zero where the stack collapses them.

References
----------
uap: Definition 3; uap sheet, section 10.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.toy_models.hooked.base import HookedModel


@torch.no_grad()
def distinguishability_margin(model: HookedModel, samples: Tensor) -> Float[Tensor, " layer"]:
    """Margin before the first and after each attention layer.

    Reads ``hook_embed`` and ``blocks.{layer}.hook_resid_mid`` of the blocks that have attention. At each, all tokens of
    all samples are taken together, centred by their mean, and divided by their root mean square norm.

    Parameters
    ----------
    model : HookedModel
    samples : tensor, shape (N, n, …)
        Inputs of the model, N·n ≥ 2 tokens in all.

    Returns
    -------
    float64 tensor, shape (1 + attention layers,)
        In ``[0, (2M/(M−1))^{1/2}]`` for M tokens; 0 exactly where two tokens are equal or all are.

    Raises
    ------
    ValueError
        With fewer than two tokens, or where the model's residual stream is not finite.
    """
    if samples.shape[0] * samples.shape[1] < 2:
        raise ValueError(f"samples of shape {tuple(samples.shape)} have fewer than 2 tokens")
    names = ["hook_embed"]
    names += [f"blocks.{i}.hook_resid_mid" for i, block in enumerate(model.blocks) if block.attn is not None]
    _, cache = model.run_with_cache(samples, names_filter=names)
    for name in names:
        if not cache[name].isfinite().all():
            raise ValueError(f"samples give numbers at {name} that are not finite")
    return torch.stack([_margin(cache[name].flatten(0, 1).double()) for name in names])


def _margin(tokens: Float[Tensor, "token d"]) -> Float[Tensor, ""]:
    spread = (tokens - tokens.mean(0)).square().sum(-1).mean().sqrt()
    # Differences rather than products, so that equal tokens are at distance zero exactly.
    least = torch.cdist(tokens, tokens, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf).min()
    return least / spread if spread > 0 else torch.zeros_like(spread)
