"""A sliding-window transformer that is trained to reverse its tokens: do hops bound what training reaches?

Target ``F(X)_i = x_{n+1−i}`` on tokens uniform in [0, 1]^d: equivariant under the reflection, the only symmetry of the
window. Token 1 has to receive token n, which takes ``⌈(n−1)/w⌉`` layers; before that its mean squared error per entry
is at least the variance 1/12.

References
----------
uap sheet, section 8 (figure C) and row U16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.uap.patterns import window
from lemmata.toy_models.hooked.uap import PatternTransformer
from lemmata.toy_models.training.loop import descend


@dataclass(frozen=True)
class ReversalConfig:
    """Size and training of a reversing transformer; the defaults are the sheet's.

    Attributes
    ----------
    tokens, dim : int
        n and d.
    window, layers : int
        w and m.
    heads, d_model, d_mlp : int
    steps, batch : int
        Adam steps and samples a step.
    learning_rate : float
        The peak of a one-cycle schedule.

    Raises
    ------
    ValueError
        For a size below 1, heads that do not divide d_model, or a learning rate that is not positive.
    """

    tokens: int = 5
    dim: int = 2
    window: int = 1
    layers: int = 4
    heads: int = 2
    d_model: int = 32
    d_mlp: int = 96
    steps: int = 2500
    batch: int = 256
    learning_rate: float = 4e-3

    def __post_init__(self) -> None:
        for name in ("tokens", "dim", "window", "layers", "heads", "d_model", "d_mlp", "steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} is not at least 1")
        if self.d_model % self.heads:
            raise ValueError(f"heads {self.heads} do not divide d_model {self.d_model}")
        if not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate {self.learning_rate} is not positive and finite")

    @property
    def hops(self) -> int:
        """``⌈(n−1)/w⌉``."""
        return -(-(self.tokens - 1) // self.window)


#: A size that trains in seconds: 4 tokens, 3 hops.
SMALL = ReversalConfig(tokens=4, layers=3, d_model=16, d_mlp=48, steps=600, batch=32, learning_rate=8e-3)


def uniform_tokens(config: ReversalConfig, count: int, generator: torch.Generator) -> Float[Tensor, "count n d"]:
    """Samples with independent tokens, uniform in the unit cube."""
    return torch.rand(count, config.tokens, config.dim, generator=generator)


def reversal(x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
    """The tokens in reverse order."""
    return x.flip(-2)


def train_reversal(
    config: ReversalConfig,
    generator: torch.Generator,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> PatternTransformer:
    """Train one transformer with Adam on fresh samples.

    Parameters
    ----------
    config : ReversalConfig
    generator : torch.Generator
        Weights and data; the same generator state gives the same model, bit by bit, with one torch thread.
    progress : callable
        Called with the step and its loss every 100 steps.

    Returns
    -------
    PatternTransformer
        In evaluation mode.
    """
    model = PatternTransformer(
        [window(config.tokens, config.window)] * config.layers,
        [config.d_mlp] * config.layers,
        d_token=config.dim,
        d_model=config.d_model,
        d_head=config.d_model // config.heads,
        n_heads=config.heads,
        act_fn="gelu",
    )
    model.init_weights(generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=config.steps)

    def loss() -> Tensor:
        x = uniform_tokens(config, config.batch, generator)
        return (model(x) - reversal(x)).square().mean()

    descend(optimizer, loss, config.steps, lambda step: schedule.step() if step else None, progress)
    return model.eval()


@torch.no_grad()
def token_errors(model: PatternTransformer, x: Float[Tensor, "count n d"]) -> Float[Tensor, "count n"]:
    """Mean squared error per entry of each token of each sample."""
    return (model(x) - reversal(x)).square().mean(-1)
