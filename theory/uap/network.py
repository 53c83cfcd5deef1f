"""A transformer as the paper has it: token mixers and token-wise ReLU layers, each with a residual, no normalisation.

    x ← x + g(x; θ)                      (a mixer of any attention family)
    x ← x + W relu(A x − b)              (an FFN layer, the same at every token)

The zero map is in both families, so that any order of the two is a composition of the paper's blocks.

References
----------
uap: eq. (1), Definition 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lemmata.theory.uap.families import AttentionFamily, Parameters
from lemmata.theory.uap.staircase import Units


class Mixer(nn.Module):
    """One attention layer with its weights, ``g(·; θ)``.

    Parameters
    ----------
    family : AttentionFamily
    parameters : mapping
        One draw of the family: tensors with a leading dimension of 1.
    """

    def __init__(self, family: AttentionFamily, parameters: Parameters) -> None:
        super().__init__()
        self.family = family
        self.weights = nn.ParameterDict({name: nn.Parameter(value.clone()) for name, value in parameters.items()})

    def forward(self, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
        """``g(x; θ)``, without the residual."""
        return self.family.apply(dict(self.weights.items()), x[None])[0]


class FeedForwardLayer(nn.Module):
    """One FFN layer, ``h(x) = W relu(A x − b)`` at every token."""

    def __init__(self, units: Units) -> None:
        super().__init__()
        self.output, self.input, self.bias = (nn.Parameter(torch.from_numpy(array.copy())) for array in units)

    @property
    def width(self) -> int:
        """Number of hidden units."""
        return len(self.bias)

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        """``h(x)``, without the residual."""
        return (x @ self.input.T - self.bias).relu() @ self.output.T


class Network(nn.Module):
    """A sequence of mixers and FFN layers, each with a residual; float64.

    Tokens are rows: the input has shape (*batch, n, d).
    """

    def __init__(self, layers: Iterable[Mixer | FeedForwardLayer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def __iter__(self) -> Iterator[Mixer | FeedForwardLayer]:
        for layer in self.layers:
            assert isinstance(layer, Mixer | FeedForwardLayer)
            yield layer

    @property
    def mixers(self) -> list[Mixer]:
        """The attention layers, in order."""
        return [layer for layer in self if isinstance(layer, Mixer)]

    @property
    def feed_forward(self) -> list[FeedForwardLayer]:
        """The FFN layers, in order."""
        return [layer for layer in self if isinstance(layer, FeedForwardLayer)]

    @property
    def width(self) -> int:
        """The most hidden units of an FFN layer."""
        return max((layer.width for layer in self.feed_forward), default=0)

    def forward(self, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
        """All layers with their residuals."""
        for layer in self.layers:
            x = x + layer(x)
        return x
