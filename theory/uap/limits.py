"""The condition of Corollary 1: ``k(x, t W y_1) / k(x, t W y_2)`` tends to 0 or ∞ for almost every W.

For ``exp(w·x) + exp(w·y)`` it holds unless both ``w·W y_1`` and ``w·W y_2`` are negative; with W Gaussian these are
Gaussian with the correlation ``cos ∠(y_1, y_2)``, so that it holds with probability ``1/2 + ∠(y_1, y_2) / 2π``.

References
----------
uap: Corollary 1 and its verification; uap sheet, errata 6.2 and 6.3, row U7.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lemmata.theory.uap.families import Rng, gaussian
from lemmata.theory.uap.kernel import Kernel

DISTANCE = 1e9  # t: a Gaussian exponent is below LARGE / t with probability 2e-8; squares keep the linear term's digits
LARGE = 20.0  # |log ratio| that counts as divergent


def diverges(
    kernel: Kernel,
    rng: Rng,
    query: Float[Tensor, " d"],
    first: Float[Tensor, " d"],
    second: Float[Tensor, " d"],
    draws: int,
) -> Bool[Tensor, " draws"]:
    """Whether ``|log k(x, tWy_1) − log k(x, tWy_2)| > 20`` at t = 10⁹, for each random W (and constants)."""
    dim = len(query)
    key = gaussian(rng, 1.0, draws, dim, dim)
    constants = {name: gaussian(rng, 1.0, draws, count, dim) for name, count in kernel.constants.items()}
    far = DISTANCE * torch.stack([first, second]) @ key.transpose(-1, -2)
    log = kernel.log(query.expand(draws, 1, dim), far, constants)[:, 0]
    return (log[:, 0] - log[:, 1]).abs() > LARGE


def different_norms(
    rng: Rng, first: Float[Tensor, " d"], second: Float[Tensor, " d"], draws: int
) -> Bool[Tensor, " draws"]:
    """Whether ``‖Wy_1‖² ≠ ‖Wy_2‖²``, the paper's step for the RBF kernel, for each random W."""
    dim = len(first)
    images = torch.stack([first, second]) @ gaussian(rng, 1.0, draws, dim, dim).transpose(-1, -2)
    squares = images.square().sum(-1)
    return (squares[:, 0] - squares[:, 1]).abs() > 1e-12 * squares.amax(1)


def sum_of_exp_share(first: Float[Tensor, " d"], second: Float[Tensor, " d"]) -> float:
    """Probability ``1/2 + angle / 2π`` that ``exp(w·x) + exp(w·y)`` meets the condition."""
    cosine = float(first @ second / (first.norm() * second.norm()))
    return 0.5 + math.acos(max(-1.0, min(1.0, cosine))) / (2 * math.pi)
