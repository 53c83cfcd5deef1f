r"""The mixture-of-experts layer of the paper, and stacks of it.

``g(x) = W_R x`` (no bias unless asked for), ``K(x)`` the K largest scores, ties to the lowest index, and

* `selected` (the paper): ``y = Σ_{k∈K} softmax_K(g)_k f^(k)(x)``, the softmax over the selected set, so that K = 1 has
  weight 1 and ``y = f^(argmax g)(x)``;
* `switch`: ``y = Σ_{k∈K} p_k f^(k)(x)`` with ``p = softmax(g)`` over all experts;
* `soft`: ``y = Σ_k p_k f^(k)(x)`` over all experts.

An expert is an l-layer dense ReLU net with biases: l affine maps, l − 1 hidden layers.

References
----------
moe_expressivity sheet, section 3 (definition), 4.6 (counts) and 9.1 (the variants).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Gating = Literal["selected", "switch", "soft"]
Dispatch = Literal["sparse", "dense"]


class Experts(nn.Module):
    """E dense ReLU nets of the same widths, stacked in batched arrays.

    Parameters
    ----------
    count : int
        E.
    widths : sequence of int
        ``(d_in, m, …, d_out)``; an l-layer expert has l + 1 widths.
    generator : torch.Generator, optional
        Draws the weights as torch's Linear does, uniform in ``±1/√fan_in``; without it they are 0.
    dtype : torch.dtype

    Attributes
    ----------
    weights : ParameterList, shapes (E, fan_in, fan_out)
    biases : ParameterList, shapes (E, fan_out)

    Raises
    ------
    ValueError
        For fewer than one expert, fewer than two widths, or a width below 1.
    """

    def __init__(
        self,
        count: int,
        widths: Sequence[int],
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        if count < 1:
            raise ValueError(f"experts {count} is not at least 1")
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths {tuple(widths)} are not two or more whole numbers from 1 on: d_in, m, …, d_out")
        self.count, self.widths = count, tuple(widths)
        self.weights = nn.ParameterList([uniform((count, a, b), a, generator, dtype) for a, b in pairwise(self.widths)])
        self.biases = nn.ParameterList([uniform((count, b), a, generator, dtype) for a, b in pairwise(self.widths)])

    def forward(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "experts batch d_out"]:
        """Every expert on every input."""
        weights, biases = list(self.weights), list(self.biases)
        # One product for all experts, since they read the same x.
        state = torch.einsum("bi,eio->ebo", x, weights[0]) + biases[0][:, None]
        for weight, bias in zip(weights[1:], biases[1:], strict=True):
            state = state.relu() @ weight + bias[:, None]
        return state

    def one(self, expert: int, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The expert with this index on every input."""
        state = x
        for number, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            state = (state.relu() if number else state) @ weight[expert] + bias[expert]
        return state


class MoELayer(nn.Module):
    """A layer of E experts behind a linear gate.

    Parameters
    ----------
    experts : int
        E.
    widths : sequence of int
        ``(d_in, m, …, d_out)`` of each expert.
    top_k : int
        K, from 1 to E; `soft` gating ignores it.
    gating : "selected", "switch" or "soft"
        See the top of this module.
    gate_bias : bool
        Whether the gate is affine; the paper's is not.
    generator : torch.Generator, optional
        Draws gate and experts; without it they are 0.
    dtype : torch.dtype

    Attributes
    ----------
    experts : Experts
    gate : Parameter, shape (E, d_in)
        ``W_R``.
    gate_bias : Parameter of shape (E,), or None
    dispatch : "sparse" or "dense"
        How the chosen experts are run: each on its own inputs only, or all on all inputs and then weighed. The result
        is the same; `dense` has static shapes, as ``torch.func.vmap`` needs.

    Raises
    ------
    ValueError
        If `top_k` or `gating` is not allowed, or the experts' sizes are not.
    """

    def __init__(
        self,
        experts: int,
        widths: Sequence[int],
        *,
        top_k: int = 1,
        gating: Gating = "selected",
        gate_bias: bool = False,
        generator: torch.Generator | None = None,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        super().__init__()
        self.experts = Experts(experts, widths, generator, dtype)
        if not 1 <= top_k <= experts:
            raise ValueError(f"top_k {top_k} is not from 1 to {experts}, the number of experts")
        if gating not in get_args(Gating):
            raise ValueError(f"gating {gating!r} is not one of {', '.join(get_args(Gating))}")
        self.top_k, self.gating = top_k, gating
        self.dispatch: Dispatch = "sparse"
        self.gate = uniform((experts, widths[0]), widths[0], generator, dtype)
        self.gate_bias = uniform((experts,), widths[0], generator, dtype) if gate_bias else None

    @classmethod
    def from_weights(
        cls,
        gate: Float[Tensor, "experts d_in"],
        weights: Sequence[Float[Tensor, "experts _ _"]],
        biases: Sequence[Float[Tensor, "experts _"]],
        *,
        gate_bias: Float[Tensor, " experts"] | None = None,
        top_k: int = 1,
        gating: Gating = "selected",
    ) -> MoELayer:
        """A layer with weights written by hand, in their dtype.

        Raises
        ------
        ValueError
            If the shapes do not follow from those of `gate` and of the first axis of each array.
        """
        count, d_in = gate.shape
        widths = [d_in, *(weight.shape[-1] for weight in weights)]
        affine = gate_bias is not None
        layer = cls(count, widths, top_k=top_k, gating=gating, gate_bias=affine, dtype=gate.dtype)
        given = [gate, *weights, *biases] + ([] if gate_bias is None else [gate_bias])
        own = [layer.gate, *layer.experts.weights, *layer.experts.biases]
        own += [] if layer.gate_bias is None else [layer.gate_bias]
        if len(given) != len(own):
            raise ValueError(f"biases {len(biases)} are not as many as weights, {len(weights)}")
        with torch.no_grad():
            for parameter, value in zip(own, given, strict=True):
                if parameter.shape != value.shape:
                    raise ValueError(f"an array of shape {tuple(value.shape)} is not {tuple(parameter.shape)}")
                parameter.copy_(value)
        return layer

    def scores(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch experts"]:
        """``g(x) = W_R x``, plus the bias if there is one."""
        scores = x @ self.gate.T
        return scores if self.gate_bias is None else scores + self.gate_bias

    def chosen(self, scores: Float[Tensor, "batch experts"]) -> Int[Tensor, "batch top_k"]:
        """``K(x)``, best first; among equal scores the lowest index is first."""
        return scores.argsort(stable=True, dim=-1, descending=True)[:, : self.top_k]

    def combination(self, scores: Float[Tensor, "batch experts"]) -> Float[Tensor, "batch experts"]:
        """The weight of every expert, 0 for those that are not chosen."""
        if self.gating == "soft":
            return scores.softmax(-1)
        chosen = self.chosen(scores)
        if self.gating == "switch":
            weights = scores.softmax(-1).gather(-1, chosen)
        else:
            weights = scores.gather(-1, chosen).softmax(-1)
        return torch.zeros_like(scores).scatter(-1, chosen, weights)

    def route(self, x: Float[Tensor, "batch d_in"]) -> Int[Tensor, " batch"]:
        """The expert with the largest score, the lowest index among equals."""
        return self.scores(x).argmax(-1)

    def forward(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The layer's output; see the top of this module."""
        scores = self.scores(x)
        combination = self.combination(scores)
        if self.gating == "soft" or self.dispatch == "dense":
            return torch.einsum("be,ebo->bo", combination, self.experts(x))
        selected = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, self.chosen(scores), True)
        output = x.new_zeros(len(x), self.experts.widths[-1])
        for expert in range(self.experts.count):
            (rows,) = selected[:, expert].nonzero(as_tuple=True)
            if len(rows):
                weighed = combination[rows, expert, None] * self.experts.one(expert, x[rows])
                output = output.index_add(0, rows, weighed)
        return output

    @property
    def total_parameters(self) -> int:
        """Number of parameters, counted in the module."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def active_parameters(self) -> int:
        """Parameters that touch one input, counted in the module: the gate and the experts that run."""
        running = self.experts.count if self.gating == "soft" else self.top_k
        experts = sum(parameter[0].numel() for parameter in self.experts.parameters())
        gate = self.gate.numel() + (0 if self.gate_bias is None else self.gate_bias.numel())
        return gate + running * experts


class MoE(nn.Module):
    """``h^(L) ∘ … ∘ h^(1)``, each an :class:`MoELayer`. ValueError if the widths of two neighbours differ."""

    def __init__(self, layers: Sequence[MoELayer]) -> None:
        super().__init__()
        for number, (before, after) in enumerate(pairwise(layers), 2):
            given, taken = before.experts.widths[-1], after.experts.widths[0]
            if given != taken:
                raise ValueError(f"layer {number} takes {taken} numbers, not the {given} that layer {number - 1} gives")
        self.layers = nn.ModuleList(layers)

    def __iter__(self) -> Iterator[MoELayer]:
        """The layers in order."""
        for layer in self.layers:
            assert isinstance(layer, MoELayer)
            yield layer

    def states(self, x: Float[Tensor, "batch d_in"]) -> list[Float[Tensor, "batch width"]]:
        """The input, and the state after each layer."""
        states = [x]
        for layer in self:
            states.append(layer(states[-1]))
        return states

    def forward(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The last layer's output."""
        return self.states(x)[-1]

    def paths(self, x: Float[Tensor, "batch d_in"]) -> Int[Tensor, "batch layer"]:
        """The routing path of each input: the expert with the largest score in each layer."""
        states = self.states(x)
        return torch.stack([layer.route(state) for layer, state in zip(self, states, strict=False)], 1)

    @property
    def total_parameters(self) -> int:
        """Number of parameters, counted in the modules."""
        return sum(layer.total_parameters for layer in self)

    @property
    def active_parameters(self) -> int:
        """Parameters that touch one input, counted in the modules."""
        return sum(layer.active_parameters for layer in self)


def expert_parameters(widths: Sequence[int]) -> int:
    """``Σ (fan_in + 1) fan_out``: for two layers ``m(d_in + 1) + d_out(m + 1)``."""
    return sum((a + 1) * b for a, b in pairwise(widths))


def layer_parameters(experts: int, widths: Sequence[int], gate_bias: bool = False) -> int:
    """``E · expert + E · d_in``, and E more with a bias in the gate."""
    return experts * (expert_parameters(widths) + widths[0] + gate_bias)


def active_parameters(experts: int, widths: Sequence[int], gate_bias: bool = False, top_k: int = 1) -> int:
    """``K · expert + E · d_in``, and E more with a bias in the gate. With `soft` gating, K = E."""
    return top_k * expert_parameters(widths) + experts * (widths[0] + gate_bias)


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None, dtype: torch.dtype) -> nn.Parameter:
    """A parameter drawn as torch's Linear draws its own, uniform in ``±1/√fan_in``; zeros without a generator."""
    if generator is None:
        return nn.Parameter(torch.zeros(shape, dtype=dtype))
    bound = fan_in**-0.5
    return nn.Parameter((2 * torch.rand(shape, generator=generator, dtype=dtype) - 1) * bound)
