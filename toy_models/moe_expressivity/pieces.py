r"""Depth against width at equal size: a mixture of two layers of three experts and one of one layer of six.

The target on ``[0, 3]^2`` is ``f(x_1) + f(x_2)`` with ``f(z) = i (i − 1 − z)^2 (z − i)^2`` on ``[i − 1, i]`` for
i = 1, 2, 3: nine pieces. Experts are two-layer ReLU nets of m hidden units; the state between two layers has as many
numbers as the input, so that both mixtures have about the same number of parameters. Gates are affine and move under
training: `soft` weighs all experts by the softmax of the scores, `switch` the chosen one by its own (with the paper's
weights and K = 1 a gate has no gradient).

Replicas (seeds) train side by side in batched matrix products; Adam works element by element, so that each takes the
steps that it would take alone.

References
----------
moe_expressivity sheet, section 6 (Experiment II), and 9.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.layer import MoE, MoELayer, layer_parameters

Gating = Literal["soft", "switch"]
SIDE = 3  # cells an axis


@dataclass(frozen=True)
class PiecesConfig:
    """Size and training; the defaults are the paper's "2-3-MoE".

    Attributes
    ----------
    depth, experts, width : int
        Layers, E, and the hidden units m of an expert.
    state : int
        Numbers between two layers.
    gating : "soft" or "switch"
    steps, batch : int
    learning_rate : float
        Of Adam.
    replicas : int
        Seeds that train side by side.

    Raises
    ------
    ValueError
        For a number below 1, or an unknown gating.
    """

    depth: int = 2
    experts: int = 3
    width: int = 16
    state: int = 2
    gating: Gating = "soft"
    steps: int = 5000
    batch: int = 128
    learning_rate: float = 1e-3
    replicas: int = 5

    def __post_init__(self) -> None:
        for name in ("depth", "experts", "width", "state", "steps", "batch", "replicas"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is not at least 1")
        if self.gating not in get_args(Gating):
            raise ValueError(f"gating {self.gating!r} is not one of {', '.join(get_args(Gating))}")

    @property
    def layer_widths(self) -> list[tuple[int, int, int]]:
        """``(d_in, m, d_out)`` of the experts of each layer."""
        states = [2, *[self.state] * (self.depth - 1), 1]
        return [(a, self.width, b) for a, b in pairwise(states)]

    @property
    def parameters(self) -> int:
        """Of one mixture."""
        return sum(layer_parameters(self.experts, widths, gate_bias=True) for widths in self.layer_widths)


def target(x: Float[Tensor, "*batch 2"]) -> Float[Tensor, " *batch"]:
    """``f(x_1) + f(x_2)``."""
    i = x.floor().clamp(0, SIDE - 1) + 1
    return (i * (i - 1 - x) ** 2 * (x - i) ** 2).sum(-1)


class ReplicatedMoE:
    """Mixtures of one shape with different weights, side by side, in float32.

    Attributes
    ----------
    gates : list of tensors, shapes (replica, d_in, experts) and (replica, 1, experts)
        Weight and bias of each layer's gate.
    experts : list of tensors, shapes (replica · experts, fan_in, fan_out) and (replica · experts, 1, fan_out)
        Weight and bias of the two affine maps of each layer's experts.
    """

    def __init__(self, config: PiecesConfig, generator: torch.Generator) -> None:
        self.config = config

        def draw(count: int, fan_in: int, fan_out: int) -> tuple[Tensor, Tensor]:
            """As torch's Linear draws its weights: uniform in ``±1/√fan_in``."""
            pair = [2 * torch.rand(count, size, fan_out, generator=generator) - 1 for size in (fan_in, 1)]
            weight, bias = ((tensor * fan_in**-0.5).requires_grad_() for tensor in pair)
            return weight, bias

        replicas, experts = config.replicas, config.experts
        self.gates = [draw(replicas, d_in, experts) for d_in, _, _ in config.layer_widths]
        self.experts = [[draw(replicas * experts, a, b) for a, b in pairwise(ws)] for ws in config.layer_widths]

    def parameters(self) -> list[Tensor]:
        """Every tensor that is trained."""
        return [
            tensor
            for gate, maps in zip(self.gates, self.experts, strict=True)
            for pair in (gate, *maps)
            for tensor in pair
        ]

    def __call__(self, x: Float[Tensor, "replica batch 2"]) -> Float[Tensor, "replica batch"]:
        """Each replica on its own inputs."""
        replicas, experts, batch = self.config.replicas, self.config.experts, x.shape[1]
        state = x
        for (gate, gate_bias), ((into, into_bias), (out, out_bias)) in zip(self.gates, self.experts, strict=True):
            weights = torch.baddbmm(gate_bias, state, gate).softmax(-1)
            if self.config.gating == "switch":
                weights = weights * torch.nn.functional.one_hot(weights.argmax(-1), experts)
            copies = state[:, None].expand(-1, experts, -1, -1).reshape(replicas * experts, batch, -1)
            hidden = torch.baddbmm(into_bias, copies, into).relu()
            values = torch.baddbmm(out_bias, hidden, out).view(replicas, experts, batch, -1)
            state = (weights.transpose(1, 2)[..., None] * values).sum(1)
        return state[..., 0]

    def replica(self, index: int) -> MoE:
        """One of them as modules."""
        count, layers = self.config.experts, []
        for (gate, gate_bias), maps in zip(self.gates, self.experts, strict=True):
            own = slice(index * count, (index + 1) * count)
            layers.append(
                MoELayer.from_weights(
                    gate[index].T.detach(),
                    [weight[own].detach() for weight, _ in maps],
                    [bias[own, 0].detach() for _, bias in maps],
                    gate_bias=gate_bias[index, 0].detach(),
                    gating=self.config.gating,
                )
            )
        return MoE(layers)


def train_pieces(
    config: PiecesConfig,
    generator: torch.Generator,
    progress: Callable[[int], None] = lambda step: None,
) -> ReplicatedMoE:
    """Train the replicas with Adam on the squared error, fresh uniform points in every step.

    Parameters
    ----------
    config : PiecesConfig
    generator : torch.Generator
        Weights and data; the same state gives the same models, bit by bit, with one torch thread.
    progress : callable
        Called with the step every 500 steps.
    """
    model = ReplicatedMoE(config, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    for step in range(config.steps):
        x = SIDE * torch.rand(config.replicas, config.batch, 2, generator=generator)
        loss = (model(x) - target(x)).square().mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            progress(step)
    return model


@torch.no_grad()
def grid_error(model: ReplicatedMoE, points: int = 150) -> Float[Tensor, " replica"]:
    """Mean squared error of each replica on the midpoints of a `points` × `points` grid of ``[0, 3]^2``."""
    axis = (torch.arange(points) + 0.5) * (SIDE / points)
    x = torch.cartesian_prod(axis, axis)
    return (model(x.expand(model.config.replicas, -1, -1)) - target(x)).square().mean(1)
