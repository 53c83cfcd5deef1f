"""Attention kernels ``k(x, y)`` as data: a score for each pair of a query and a key, and whether it is an exponent.

Kernels that are exponentials are given by their logarithm, so that normalising them is a softmax and large arguments
do not overflow. The scores are functions, or callables with their constants as fields, so that what a kernel computes
can be read off it: its name is for people.

References
----------
uap: Corollary 1 and its verification, eq. (14); uap sheet, sections 2 and 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

Score = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Kernel:
    """One kernel.

    Attributes
    ----------
    name : str
    score : callable
        ``score(queries, keys, constants)``: queries ``(draws, *batch, n, d)`` and keys ``(draws, *batch, m, d)`` to
        ``(draws, *batch, n, m)``.
    exponential : bool
        The kernel is ``exp(score)``; otherwise it is the score itself.
    constants : mapping
        Constants of the kernel that are drawn at random, standard normal: name and number of d-vectors.
    """

    name: str
    score: Score
    exponential: bool = True
    constants: Mapping[str, int] = field(default_factory=dict)

    def log(
        self,
        queries: Float[Tensor, "draws *batch n d"],
        keys: Float[Tensor, "draws *batch m d"],
        constants: Mapping[str, Tensor],
    ) -> Float[Tensor, "draws *batch n m"]:
        """``log |k(x, y)|``."""
        score = self.score(queries, keys, constants)
        return score if self.exponential else score.abs().log()


def dot(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor] | None = None) -> Tensor:
    """``x·y``."""
    return queries @ keys.transpose(-1, -2)


def zero(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """0."""
    return torch.zeros_like(dot(queries, keys))


def _squared_distance(queries: Tensor, keys: Tensor) -> Tensor:
    return (queries.unsqueeze(-2) - keys.unsqueeze(-3)).square().sum(-1)


def _along(vectors: Tensor, x: Tensor) -> Tensor:
    """``ω_r · x_i`` for the vectors ω of each draw: ``(draws, count, d)`` to ``(draws, *batch, n, count)``."""
    return torch.einsum("rcd,r...nd->r...nc", vectors, x)


def features(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """``log 1/m Σ_r exp(ω_r·x + ω_r·y)``."""
    on_queries, on_keys = _along(constants["features"], queries), _along(constants["features"], keys)
    return (on_queries.unsqueeze(-2) + on_keys.unsqueeze(-3)).logsumexp(-1) - math.log(on_keys.shape[-1])


def along_sum(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """``w·x + w·y``."""
    direction = constants["direction"]
    return _along(direction, queries) + _along(direction, keys).transpose(-1, -2)


def log_sum_of_exponentials(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """``log(exp(w·x) + exp(w·y))``."""
    direction = constants["direction"]
    return torch.logaddexp(_along(direction, queries), _along(direction, keys).transpose(-1, -2))


def log_weighted(queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """``log(1 + ‖x − y‖²) + x·y``."""
    return torch.log1p(_squared_distance(queries, keys)) + dot(queries, keys)


@dataclass(frozen=True)
class Gaussian:
    """``−γ‖x − y‖²``."""

    gamma: float

    def __call__(self, queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Kernel`."""
        return -self.gamma * _squared_distance(queries, keys)


@dataclass(frozen=True)
class Power:
    """``(1 + x·y)^degree``."""

    degree: int

    def __call__(self, queries: Tensor, keys: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
        """See :class:`Kernel`."""
        return (1 + dot(queries, keys)) ** self.degree


def rbf(gamma: float) -> Kernel:
    """``exp(−γ‖x − y‖²)``. ValueError unless γ is positive and finite."""
    if not 0 < gamma < math.inf:
        raise ValueError(f"gamma {gamma} is not positive and finite")
    return Kernel(f"rbf({gamma:g})", Gaussian(gamma))


def performer(count: int) -> Kernel:
    """``φ(x)·φ(y)`` with `count` (m) random features ``φ(x) = m^{-1/2} (e^{ω_r·x})_r``. ValueError for none."""
    if count < 1:
        raise ValueError(f"{count} features are not at least 1")
    return Kernel(f"performer({count})", features, constants={"features": count})


def polynomial(degree: int) -> Kernel:
    """``(1 + x·y)^degree``; not positive for odd degrees. ValueError unless the degree is a whole number from 0 on."""
    if not isinstance(degree, int) or degree < 0:
        raise ValueError(f"degree {degree} is not a whole number from 0 on")
    return Kernel(f"polynomial({degree})", Power(degree), exponential=False)


SOFTMAX = Kernel("softmax", dot)
LINEAR = Kernel("linear", dot, exponential=False)
CONSTANT = Kernel("constant", zero)
#: ``exp(w·(x + y))``, the main text's example.
EXP_SUM = Kernel("exp(w·(x+y))", along_sum, constants={"direction": 1})
#: ``exp(w·x) + exp(w·y)``, printed in its place in the paper's appendix.
SUM_OF_EXP = Kernel("exp(w·x)+exp(w·y)", log_sum_of_exponentials, constants={"direction": 1})
#: ``p(x − y) exp(x·y)`` with the positive polynomial ``p(z) = 1 + ‖z‖²``.
WEIGHTED_SOFTMAX = Kernel("(1+|x-y|²)exp(x·y)", log_weighted)

#: The kernels above by name.
KERNELS: dict[str, Kernel] = {
    "softmax": SOFTMAX,
    "rbf": rbf(1.0),
    "performer1": performer(1),
    "performer4": performer(4),
    "exp_sum": EXP_SUM,
    "weighted_softmax": WEIGHTED_SOFTMAX,
    "sum_of_exp": SUM_OF_EXP,
    "polynomial": polynomial(2),
    "linear": LINEAR,
    "constant": CONSTANT,
}
