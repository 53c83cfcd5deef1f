"""What no FFN can repair: the error that is left at a token which has not received another one.

If token i has received only the tokens in V(i) after all attention layers, its output is a function of them, whatever
the FFN layers in between, and

    E‖F̂_i − F_i‖² ≥ E Var(F_i | x_j, j ∈ V(i)) = ½ E‖F_i(X) − F_i(X')‖²,

where X' shares the tokens in V(i) with X and has the others drawn afresh. This is the necessary side of Corollary 2. (A
family that is not token-distinguishing is no such obstacle: Definition 3 is sufficient, not necessary.)

References
----------
uap sheet, section 4.5; uap: Definition 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.patterns import Pattern, received

Target = Callable[[Tensor], Tensor]
Sampler = Callable[[int, torch.Generator], Tensor]


@dataclass(frozen=True, eq=False)
class ReceptiveBound:
    """Lower bound for the mean squared error of one output entry, token by token.

    Attributes
    ----------
    bound : shape (n,)
        The estimate; exactly 0 for a token that has received all others.
    error : shape (n,)
        Its standard error.
    """

    bound: Float[Tensor, " n"]
    error: Float[Tensor, " n"]


def receptive_bound(
    target: Target, sample: Sampler, layers: Sequence[Pattern], generator: torch.Generator, count: int = 20_000
) -> ReceptiveBound:
    """Estimate the bound for a target, a law of the samples and the patterns of the attention layers.

    Parameters
    ----------
    target : callable
        (count, n, d) to (count, n, d).
    sample : callable
        ``sample(count, generator)``, shape (count, n, d), with independent tokens.
    layers : sequence of bool arrays, shape (n, n)
        The attention pattern of each layer, the first layer first.
    generator : torch.Generator
    count : int
        Pairs of samples.

    Raises
    ------
    ValueError
        For no layer, or fewer than two pairs, which have no standard error.
    """
    if count < 2:
        raise ValueError(f"count {count} is not at least 2")
    visible = torch.from_numpy(received(layers))
    x, fresh = sample(count, generator), sample(count, generator)
    means, errors = [], []
    for token, shared in enumerate(visible):
        again = torch.where(shared[:, None], x, fresh)
        half = (target(x)[:, token] - target(again)[:, token]).square().mean(-1) / 2
        means.append(half.mean())
        errors.append(half.std() / count**0.5)
    return ReceptiveBound(torch.stack(means), torch.stack(errors))
