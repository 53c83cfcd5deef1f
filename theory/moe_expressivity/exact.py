r"""Mixtures of experts with rational weights, top-1: what they are, and their value at a point in exact arithmetic.

Scores ``g(h) = W h + c`` route a state to the expert with the largest one (the lowest index on a tie); an expert is a
chain of affine maps with ReLU between them; a layer's output is that expert's, unweighted.

References
----------
moe_expressivity sheet, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lemmata.theory.moe_expressivity.integers import Integers, largest, rational
from lemmata.theory.moe_expressivity.layer import MoE, MoELayer


@dataclass(frozen=True, eq=False)
class Affine:
    """One affine map an expert, ``h -> (A h + b) / denominator``.

    Attributes
    ----------
    matrix : integers, shape (experts, out, in + 1)
        A, and b as the last column.
    denominator : int
        Positive.
    """

    matrix: Integers
    denominator: int = 1

    @classmethod
    def of(cls, matrix: Any) -> Affine:
        """From integers and fractions, shape (experts, out, in + 1)."""
        return cls(*rational(matrix))

    @property
    def width_in(self) -> int:
        """Numbers that it takes."""
        return self.matrix.shape[2] - 1

    @property
    def width_out(self) -> int:
        """Numbers that it gives."""
        return self.matrix.shape[1]

    def at(self, expert: int, state: Sequence[Fraction]) -> list[Fraction]:
        """Its value at a point."""
        point = [*state, Fraction(1)]
        return [
            sum((int(a) * x for a, x in zip(row, point, strict=True)), Fraction(0)) / self.denominator
            for row in self.matrix[expert]
        ]


@dataclass(frozen=True, eq=False)
class ExactLayer:
    """A gate and its experts.

    Attributes
    ----------
    gate : integers, shape (experts, in + 1)
        Scores, the bias as the last column. A common positive factor of all rows routes the same.
    maps : tuple of Affine
        The affine maps of the experts, ReLU between them; one map is an affine expert.

    Raises
    ------
    ValueError
        If numbers of experts or widths do not fit together.
    """

    gate: Integers
    maps: tuple[Affine, ...]

    def __post_init__(self) -> None:
        if not self.maps or any(len(affine.matrix) != len(self.gate) for affine in self.maps):
            raise ValueError(f"gate has {len(self.gate)} rows; every affine map must have as many experts, and one map")
        if self.gate.shape[1] != self.width_in + 1:
            raise ValueError(f"gate reads {self.gate.shape[1] - 1} numbers, its experts {self.width_in}")
        for before, after in pairwise(self.maps):
            if before.width_out != after.width_in:
                raise ValueError(f"an affine map gives {before.width_out} numbers and the next takes {after.width_in}")

    @property
    def experts(self) -> int:
        """E."""
        return len(self.gate)

    @property
    def width_in(self) -> int:
        """Width of the state before."""
        return self.maps[0].width_in

    @property
    def bias_free(self) -> bool:
        """Whether the gate is linear, as the paper's."""
        return not self.gate[:, -1].any()

    @property
    def routes(self) -> bool:
        """Whether the choice can matter: some expert differs from the first."""
        return any((affine.matrix != affine.matrix[:1]).any() for affine in self.maps)

    @property
    def parameters(self) -> int:
        """E experts and the gate; a bias-free gate has no bias to count."""
        gate = self.gate.shape[0] * (self.gate.shape[1] - self.bias_free)
        return gate + sum(affine.matrix.size for affine in self.maps)

    def choose(self, state: Sequence[Fraction]) -> int:
        """The expert of a state."""
        scores = Affine(self.gate[None]).at(0, state)
        return scores.index(max(scores))


@dataclass(frozen=True, eq=False)
class ExactMoE:
    """A stack of layers between an input map and a readout, on a box.

    Attributes
    ----------
    layers : tuple of ExactLayer
    inlet : Affine
        Input to first state; one expert.
    readout : Affine
        Last state to output; one expert.
    low, high : tuple of Fraction
        The domain, a box.
    """

    layers: tuple[ExactLayer, ...]
    inlet: Affine
    readout: Affine
    low: tuple[Fraction, ...]
    high: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        widths = [(self.inlet.width_in, self.inlet.width_out)]
        widths += [(layer.width_in, layer.maps[-1].width_out) for layer in self.layers]
        widths += [(self.readout.width_in, self.readout.width_out)]
        for (_, given), (taken, _) in pairwise(widths):
            if given != taken:
                raise ValueError(f"a layer takes {taken} numbers and the one before it gives {given}")
        if not len(self.low) == len(self.high) == self.inlet.width_in:
            raise ValueError(f"the box has {len(self.low)} and {len(self.high)} ends for {self.inlet.width_in} inputs")

    @property
    def inputs(self) -> int:
        """Dimension of the input."""
        return self.inlet.width_in

    @property
    def experts(self) -> int:
        """Number of experts in all layers."""
        return sum(layer.experts for layer in self.layers)

    @property
    def routed_experts(self) -> int:
        """Number of experts in the layers where the choice can matter."""
        return sum(layer.experts for layer in self.layers if layer.routes)

    def at(self, x: Sequence[Fraction]) -> tuple[tuple[Fraction, ...], tuple[int, ...]]:
        """Output and routing path at a point, layer by layer in Fractions.

        Returns
        -------
        tuple of Fraction
            Output.
        tuple of int
            The expert of each layer.
        """
        state, path = self.inlet.at(0, [Fraction(coordinate) for coordinate in x]), []
        for layer in self.layers:
            path.append(layer.choose(state))
            for number, affine in enumerate(layer.maps):
                hidden = [max(unit, Fraction(0)) for unit in state] if number else state
                state = affine.at(path[-1], hidden)
        return tuple(self.readout.at(0, state)), tuple(path)

    def to_torch(self) -> MoE:
        """The layers as modules of float64, without inlet and readout.

        Raises
        ------
        ValueError
            If a weight is not an integer below 2**53, which float64 might round.
        """
        layers = []
        for number, layer in enumerate(self.layers):
            for affine in layer.maps:
                if affine.denominator != 1 or max(largest(affine.matrix), largest(layer.gate)) >= 2**53:
                    raise ValueError(f"layer {number} has weights that are not integers below 2**53")
            gate = _tensor(layer.gate)
            maps = [_tensor(affine.matrix) for affine in layer.maps]
            layers.append(
                MoELayer.from_weights(
                    gate[:, :-1],
                    [matrix[:, :, :-1].transpose(1, 2) for matrix in maps],
                    [matrix[:, :, -1] for matrix in maps],
                    gate_bias=None if layer.bias_free else gate[:, -1],
                )
            )
        return MoE(layers)


def _tensor(array: Integers) -> Tensor:
    return torch.from_numpy(array.astype(np.float64))
