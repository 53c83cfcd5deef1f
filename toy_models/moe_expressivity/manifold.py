r"""A function on a closed curve in R^D, learned from samples by a mixture of experts and by a dense network.

The curve is the unit circle in two of the coordinates (*plain*, the paper's), the same circle turned by a random
isometry (*rotated*), or ``x(t) = (k^{-1} cos kt, k^{-1} sin kt)_{k ≤ D/2}``, which no rotation brings into few
coordinates (*full*). The target is ``f(t) = sin(5 cos t) + cos(3 sin t)`` on each. The mixture is one layer of E
experts, each a two-layer ReLU net, with a gate that training can move: `soft` or `switch` (with the paper's weights and
K = 1 the gate has no gradient). The dense network has as many parameters as the mixture, to within one neuron.

Replicas (seeds) train side by side: the parameters have a leading axis, the step is ``vmap``-ed over it. Adam works
element by element, so that every replica takes the steps that it would take alone.

References
----------
moe_expressivity sheet, section 6 (Experiment I) and 9.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, vmap

from lemmata.theory.moe_expressivity.circle import experiment_target
from lemmata.theory.moe_expressivity.layer import Experts, MoELayer, expert_parameters, layer_parameters
from lemmata.theory.moe_expressivity.manifolds import curve, isometry

Embedding = Literal["plain", "rotated", "full"]
Model = Literal["soft", "switch", "dense"]


@dataclass(frozen=True)
class ManifoldConfig:
    """Task, size and training; the defaults are the paper's.

    Attributes
    ----------
    model : "soft", "switch" or "dense"
    embedding : "plain", "rotated" or "full"
        See the top of this module.
    ambient : int
        D, even.
    experts, width : int
        E and the hidden neurons of an expert.
    steps, batch : int
    learning_rate : float
        Of Adam; falls to 0 along half a cosine if `anneal`.
    anneal : bool
    replicas : int
        Seeds that train side by side.
    """

    model: Model = "soft"
    embedding: Embedding = "plain"
    ambient: int = 16
    experts: int = 4
    width: int = 10
    steps: int = 2_000
    batch: int = 128
    learning_rate: float = 1e-3
    anneal: bool = False
    replicas: int = 5

    def __post_init__(self) -> None:
        for name, allowed in (("model", get_args(Model)), ("embedding", get_args(Embedding))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} {getattr(self, name)!r} is not one of {', '.join(allowed)}")
        if self.ambient < 2 or self.ambient % 2:
            raise ValueError(f"ambient {self.ambient} is not an even number from 2 on")
        for name in ("experts", "width", "steps", "batch", "replicas"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is not at least 1")

    @property
    def mixture_parameters(self) -> int:
        """Parameters of the mixture."""
        return layer_parameters(self.experts, (self.ambient, self.width, 1))

    @property
    def dense_width(self) -> int:
        """Hidden neurons of the dense network that has no more parameters than the mixture, and nearly as many."""
        return (self.mixture_parameters - 1) // (self.ambient + 2)

    @property
    def parameters(self) -> int:
        """Parameters of the chosen model."""
        if self.model == "dense":
            return expert_parameters((self.ambient, self.dense_width, 1))
        return self.mixture_parameters

    def build(self, generator: torch.Generator) -> torch.nn.Module:
        """One replica, freshly drawn."""
        if self.model == "dense":
            return Experts(1, (self.ambient, self.dense_width, 1), generator, torch.float32)
        layer = MoELayer(
            self.experts, (self.ambient, self.width, 1), gating=self.model, generator=generator, dtype=torch.float32
        )
        layer.dispatch = "dense"
        return layer


@dataclass(frozen=True, eq=False)
class Trained:
    """Replicas after training.

    Attributes
    ----------
    config : ManifoldConfig
    parameters : dict
        Arrays by name, the leading axis counts the replicas.
    frames : shape (replicas, D, 2), or None
        The isometry of each replica.
    losses : shape (points, replicas)
        Test error (mean square over equidistant points) at the steps asked for.
    """

    config: ManifoldConfig
    parameters: dict[str, Tensor]
    frames: Tensor | None
    losses: Float[Tensor, "points replicas"]


def embed(t: Float[Tensor, "replicas batch"], config: ManifoldConfig, frames: Tensor | None) -> Tensor:
    """Points of the curve, shape (replicas, batch, D)."""
    if frames is not None:
        return torch.stack([t.cos(), t.sin()], -1) @ frames.mT
    return curve(t, config.ambient, 1.0)


def train(
    config: ManifoldConfig,
    generator: torch.Generator,
    report: tuple[int, ...] = (),
    progress: Callable[[int], None] = lambda step: None,
) -> Trained:
    """Train the replicas on fresh samples, t uniform.

    Parameters
    ----------
    config : ManifoldConfig
    generator : torch.Generator
        Isometries, weights and samples.
    report : tuple of int
        Steps after which the test error is recorded; the last step is always one.
    progress : callable
        Called with the step, every 500.
    """
    frames = None
    if config.embedding == "plain":
        frames = torch.eye(config.ambient)[:, :2].expand(config.replicas, -1, -1)
    elif config.embedding == "rotated":
        frames = torch.stack([isometry(2, config.ambient, generator).float() for _ in range(config.replicas)])
    models = [config.build(generator) for _ in range(config.replicas)]
    names = [name for name, _ in models[0].named_parameters()]
    stacked = {
        name: torch.stack([model.get_parameter(name).detach() for model in models]).requires_grad_() for name in names
    }
    template = models[0]

    def output(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        value: Tensor = functional_call(template, parameters, (x,))
        return value.reshape(len(x))

    outputs = vmap(output)
    optimizer = torch.optim.Adam(list(stacked.values()), lr=config.learning_rate)
    test = torch.linspace(0, 2 * math.pi, 2_001)[:-1].expand(config.replicas, -1)
    test_x, test_y = embed(test, config, frames), experiment_target(test)
    marks = sorted({step for step in report if 0 < step < config.steps} | {config.steps})
    losses = []
    for step in range(config.steps):
        if config.anneal:
            scale = (1 + math.cos(math.pi * step / config.steps)) / 2
            optimizer.param_groups[0]["lr"] = config.learning_rate * scale
        t = 2 * math.pi * torch.rand(config.replicas, config.batch, generator=generator)
        error = outputs(stacked, embed(t, config, frames)) - experiment_target(t)
        loss = (error**2).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step + 1 in marks:
            with torch.no_grad():
                losses.append(((outputs(stacked, test_x) - test_y) ** 2).mean(1))
        if step % 500 == 0:
            progress(step)
    return Trained(config, {name: value.detach() for name, value in stacked.items()}, frames, torch.stack(losses))
