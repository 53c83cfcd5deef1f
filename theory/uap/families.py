"""Attention families 𝒢: a set of token mixers ``g(X; θ)``, with parameters that can be drawn at random.

A family is anything with a `name`, a way to draw parameters and a map; see :class:`AttentionFamily`. All that mix by
kernel weights share :func:`attend`, with the kernel and the pattern as data. A new family takes a few lines::

    class Difference:
        name = "difference to the next token"

        def sample(self, rng, dim, tokens, scale, draws):
            return {"value": gaussian(rng, scale, draws, dim, dim)}

        def apply(self, parameters, x):
            return each_token(parameters["value"], (x.roll(-1, -2) - x).tanh())

Tokens are rows, ``(draws, *batch, n, d)``: the transpose of the paper's matrix X. Each draw has its own parameters, and
the samples of a batch share them. ``apply`` is ``g``; the layer of the paper is ``Id + g``.

References
----------
uap: eqs. (3), (12), (19)-(23).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lemmata.theory.uap import patterns
from lemmata.theory.uap.kernel import (
    CONSTANT,
    EXP_SUM,
    LINEAR,
    SOFTMAX,
    SUM_OF_EXP,
    WEIGHTED_SOFTMAX,
    Kernel,
    performer,
    polynomial,
    rbf,
)

Parameters = Mapping[str, Tensor]
Rng = np.random.Generator | torch.Generator


@runtime_checkable
class AttentionFamily(Protocol):
    """What a family has to offer."""

    @property
    def name(self) -> str:
        """For people."""

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """Random parameters of mixers on `tokens` tokens of dimension `dim`.

        Parameters
        ----------
        rng : numpy or torch Generator
        dim, tokens : int
        scale : float
            Standard deviation of each entry; at large scales the gap between samples collapses in float64.
        draws : int
            Leading dimension of every tensor.
        """

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """``g(X; θ)`` without the residual."""


def gaussian(rng: Rng, scale: float, *shape: int) -> Tensor:
    """A float64 tensor of independent normal numbers with standard deviation `scale`."""
    if isinstance(rng, np.random.Generator):
        return torch.from_numpy(rng.standard_normal(shape) * scale)
    return torch.randn(shape, generator=rng, dtype=torch.float64) * scale


def each_token(
    matrix: Float[Tensor, "draws out d"], x: Float[Tensor, "draws *batch n d"]
) -> Float[Tensor, "draws *batch n out"]:
    """``W x_i`` at every token."""
    return x @ _over_batch(matrix, x).transpose(-1, -2)


def across_tokens(
    matrix: Float[Tensor, "draws m n"], x: Float[Tensor, "draws *batch n d"]
) -> Float[Tensor, "draws *batch m d"]:
    """``Σ_j M_ij x_j``: a weighted sum of tokens."""
    return _over_batch(matrix, x) @ x


def _over_batch(matrix: Tensor, x: Tensor) -> Tensor:
    """With a dimension of 1 for each of the batch: one product a sample, so that equal samples give equal bits."""
    return matrix.reshape(len(matrix), *(1,) * (x.ndim - 3), *matrix.shape[1:])


def attend(
    score: Float[Tensor, "draws *batch n m"],
    values: Float[Tensor, "draws *batch m d"],
    exponential: bool = True,
    weighting: str = "mean",
    pattern: Bool[Tensor, "n m"] | None = None,
) -> Float[Tensor, "draws *batch n d"]:
    """Kernel attention, eq. (12): ``Σ_{j∈N(i)} k_ij v_j``, divided by ``Σ_{j∈N(i)} k_ij`` where `weighting` is mean.

    Parameters
    ----------
    score : float64 tensor
        ``log k_ij`` where `exponential`, otherwise ``k_ij``.
    values : float64 tensor
    exponential : bool
    weighting : str
        ``mean``, ``sum``, or ``hardmax`` (the mean over the keys with the largest score).
    pattern : bool tensor, optional
        N(i) in row i; without it, everything.
    """
    if weighting == "mean" and exponential:
        masked = score if pattern is None else score.masked_fill(~pattern, -torch.inf)
        return masked.softmax(-1) @ values
    if weighting == "hardmax":
        masked = score if pattern is None else score.masked_fill(~pattern, -torch.inf)
        weights = (masked == masked.amax(-1, keepdim=True)).to(values.dtype)
    else:
        weights = score.exp() if exponential else score
        weights = weights if pattern is None else weights * pattern
    return (weights / weights.sum(-1, keepdim=True) if weighting != "sum" else weights) @ values


@dataclass(frozen=True, eq=False)
class KernelAttention:
    """Attention by a kernel over a pattern, with free ``W_Q``, ``W_K``, ``W_V``; one head.

    Attributes
    ----------
    kernel : Kernel
    pattern : bool array, shape (n, n), optional
        N(i) in row i, no row empty; without it, N(i) = [n] for every n.
    weighting : str
        ``mean``, ``sum`` or ``hardmax``, see :func:`attend`.
    label : str
        A name to show in place of the kernel's.

    Raises
    ------
    ValueError
        For an unknown weighting, or a pattern with an empty neighbourhood.

    References
    ----------
    uap: eqs. (3), (12), (20), (22).
    """

    kernel: Kernel
    pattern: Bool[np.ndarray, "n n"] | None = None
    weighting: str = "mean"
    label: str = ""

    def __post_init__(self) -> None:
        if self.weighting not in ("mean", "sum", "hardmax"):
            raise ValueError(f"weighting {self.weighting!r} is not one of mean, sum, hardmax")
        if self.pattern is not None:
            object.__setattr__(self, "pattern", patterns.checked(self.pattern))

    @property
    def name(self) -> str:
        """The label, or the kernel's name."""
        return self.label or self.kernel.name

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``query``, ``key``, ``value`` of shape (draws, d, d), and the kernel's own constants."""
        matrices = {name: gaussian(rng, scale, draws, dim, dim) for name in ("query", "key", "value")}
        return matrices | {name: gaussian(rng, 1.0, draws, n, dim) for name, n in self.kernel.constants.items()}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """See :class:`AttentionFamily`."""
        queries, keys, values = (each_token(parameters[name], x) for name in ("query", "key", "value"))
        score = self.kernel.score(queries, keys, parameters)
        return attend(score, values, self.kernel.exponential, self.weighting, _mask(self.pattern, x))


@dataclass(frozen=True)
class Linformer:
    """Softmax over `rank` (k) mixtures of the tokens, ``W_V X F softmax((W_K X E)ᵀ W_Q X)``, with trainable E and F.

    References
    ----------
    uap: eq. (19), Corollary 3.
    """

    rank: int = 2

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank {self.rank} is not at least 1")

    @property
    def name(self) -> str:
        """With its rank."""
        return f"Linformer({self.rank})"

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``query``, ``key``, ``value``: (draws, d, d); ``mix_keys`` (Eᵀ), ``mix_values`` (Fᵀ): (draws, rank, n)."""
        matrices = {name: gaussian(rng, scale, draws, dim, dim) for name in ("query", "key", "value")}
        return matrices | {name: gaussian(rng, scale, draws, self.rank, tokens) for name in ("mix_keys", "mix_values")}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """See :class:`AttentionFamily`."""
        queries, keys, values = (each_token(parameters[name], x) for name in ("query", "key", "value"))
        keys = across_tokens(parameters["mix_keys"], keys)
        values = across_tokens(parameters["mix_values"], values)
        return attend(SOFTMAX.score(queries, keys, {}), values)


@dataclass(frozen=True, eq=False)
class BiasMixer:
    """``a Σ_{j∈N(i)} α(W x_j + b)``, with α of polynomial growth and not a polynomial.

    The paper prints two shapes. Here W is d × d and b and a are d-vectors (a acts on each coordinate), which contains
    the other one, ``a α(w·x_j + b)`` with scalar b and vector a, by equal rows of W and equal entries of b.

    References
    ----------
    uap: eq. (21), Corollary 5.
    """

    activation: Callable[[Tensor], Tensor] = torch.tanh
    pattern: Bool[np.ndarray, "n n"] | None = None
    label: str = "bias mixer"

    def __post_init__(self) -> None:
        if self.pattern is not None:
            object.__setattr__(self, "pattern", patterns.checked(self.pattern))

    @property
    def name(self) -> str:
        """The label."""
        return self.label

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``weight`` of shape (draws, d, d), ``bias`` and ``amplitude`` of shape (draws, d)."""
        weight, bias = gaussian(rng, scale, draws, dim, dim), gaussian(rng, scale, draws, dim)
        return {"weight": weight, "bias": bias, "amplitude": gaussian(rng, scale, draws, dim)}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """See :class:`AttentionFamily`."""
        over_batch = (len(x), *(1,) * (x.ndim - 2), x.shape[-1])
        bias, amplitude = (parameters[name].reshape(over_batch) for name in ("bias", "amplitude"))
        hidden = self.activation(each_token(parameters["weight"], x) + bias)
        mask = _mask(self.pattern, x)
        received = hidden.sum(-2, keepdim=True).expand_as(hidden) if mask is None else mask.to(x.dtype) @ hidden
        return amplitude * received


@dataclass(frozen=True)
class CircularConvolution:
    """``Σ_{j≤reach} ψ_j x_{(i+j) mod n}`` with scalars ψ: equivariant under rotations only.

    References
    ----------
    uap: eq. (23), Corollary 4.
    """

    reach: int = 1

    def __post_init__(self) -> None:
        if self.reach < 1:
            raise ValueError(f"reach {self.reach} is not at least 1")

    @property
    def name(self) -> str:
        """With its reach."""
        return f"circular convolution({self.reach})"

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``taps`` (ψ) of shape (draws, reach + 1)."""
        return {"taps": gaussian(rng, scale, draws, self.reach + 1)}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """See :class:`AttentionFamily`."""
        ahead = torch.stack([x.roll(-step, -2) for step in range(self.reach + 1)], 1)
        return torch.einsum("rc,rc...->r...", parameters["taps"], ahead)


@dataclass(frozen=True)
class FeedForward:
    """No mixer: the token-wise ``W relu(A x_i − b)`` of width d, so that a stack can hold layers of both kinds.

    References
    ----------
    uap: Definition 2.
    """

    name: str = "feed-forward"

    def sample(self, rng: Rng, dim: int, tokens: int, scale: float, draws: int) -> Parameters:
        """``input`` (A) and ``output`` (W) of shape (draws, d, d), ``threshold`` (b) of shape (draws, d)."""
        drawn = {name: gaussian(rng, scale, draws, dim, dim) for name in ("input", "output")}
        return drawn | {"threshold": gaussian(rng, scale, draws, dim)}

    def apply(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """See :class:`AttentionFamily`."""
        return each_token(parameters["output"], self.hidden(parameters, x))

    def hidden(self, parameters: Parameters, x: Float[Tensor, "draws *batch n d"]) -> Float[Tensor, "draws *batch n d"]:
        """``relu(A x_i − b)``."""
        threshold = parameters["threshold"].reshape(len(x), *(1,) * (x.ndim - 2), -1)
        return (each_token(parameters["input"], x) - threshold).relu()


def _mask(pattern: np.ndarray | None, x: Tensor) -> Tensor | None:
    if pattern is None:
        return None
    if len(pattern) != x.shape[-2]:
        raise ValueError(f"x has {x.shape[-2]} tokens; the pattern is for {len(pattern)}")
    return torch.from_numpy(pattern)


def sparse(pattern: Bool[np.ndarray, "n n"], kernel: Kernel = SOFTMAX) -> KernelAttention:
    """Kernel attention over a pattern of :mod:`lemmata.theory.uap.patterns`."""
    return KernelAttention(kernel, pattern, label=f"{kernel.name}, sparse")


def dihedral(tokens: int, window: int = 1, kernel: Kernel = SOFTMAX) -> KernelAttention:
    """The D_n mixer, eq. (22): a circular window on both sides.

    Raises
    ------
    ValueError
        Outside of the paper's ``1 ≤ window ≤ ⌊(n−1)/2⌋ − 1``.
    """
    largest = (tokens - 1) // 2 - 1
    if not 1 <= window <= largest:
        raise ValueError(f"window {window} is not between 1 and ⌊(n−1)/2⌋ − 1 = {largest} (n = {tokens} tokens)")
    return KernelAttention(kernel, patterns.circular_window(tokens, window), label=f"D_n mixer({window})")


def cyclic(tokens: int, window: int = 1, kernel: Kernel = SOFTMAX) -> KernelAttention:
    """The C_n mixer: a circular window on one side, N(i) = {i, …, i + window}. ValueError unless 1 ≤ window ≤ n − 2."""
    if not 1 <= window <= tokens - 2:
        raise ValueError(f"window {window} is not between 1 and n − 2 = {tokens - 2}")
    return KernelAttention(kernel, patterns.one_sided_window(tokens, window), label=f"C_n mixer({window})")


#: Families for any number of tokens. Those of Corollaries 1, 3 and 5 separate; the last four are what they must not be.
FAMILIES: dict[str, AttentionFamily] = {
    "softmax": KernelAttention(SOFTMAX),
    "rbf": KernelAttention(rbf(1.0), label="RBF"),
    "performer1": KernelAttention(performer(1), label="Performer(1)"),
    "performer4": KernelAttention(performer(4), label="Performer(4)"),
    "exp_sum": KernelAttention(EXP_SUM),
    "weighted_softmax": KernelAttention(WEIGHTED_SOFTMAX),
    "sum_of_exp": KernelAttention(SUM_OF_EXP),
    "skyformer": KernelAttention(rbf(0.5), weighting="sum", label="SkyFormer"),
    "linformer": Linformer(2),
    "bias": BiasMixer(),
    "hardmax": KernelAttention(SOFTMAX, weighting="hardmax", label="hardmax"),
    "polynomial": KernelAttention(polynomial(2)),
    "linear": KernelAttention(LINEAR, weighting="sum", label="linear, un-normalised"),
    "constant": KernelAttention(CONSTANT, label="constant kernel"),
}
