r"""What an expert computes behind its chart map: a two-layer ReLU function of the chart's coordinates.

``g(s) = relu(s A + b) C + c``. Two ways to get one for a given function of the coordinates:

* d = 1: piecewise-linear interpolation at m + 1 equidistant knots ``k_0 … k_m``,
  ``g(s) = y_0 + Σ_{j<m} a_j relu(s − k_j)``, a_0 the first slope, a_j the change of slope at k_j: m neurons, sup error
  ``h² max|f''| / 8``;
* any d: m random neurons, each with its hinge through a random point of the domain, and the outer layer by least
  squares. The best net of width m is at least as good, so that a fast rate is evidence for the theorem and a slow one
  is no evidence against it.

References
----------
moe_expressivity sheet, sections 4.2 and 9.10.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

RIDGE = 1e-6
"""Penalty on outer weights, relative to the mean square of a neuron's output. Without it, neurons that nearly coincide
get large opposite weights and make spikes between the points; with it, errors do not fall below about 1e-4."""


@dataclass(frozen=True, eq=False)
class TwoLayer:
    """``relu(x A + b) C + c``: a two-layer ReLU net as a value.

    Attributes
    ----------
    inner : shape (d_in, m)
    bias : shape (m,)
    outer : shape (m, d_out)
    constant : shape (d_out,)
    """

    inner: Float[Tensor, "d_in m"]
    bias: Float[Tensor, " m"]
    outer: Float[Tensor, "m d_out"]
    constant: Float[Tensor, " d_out"]

    def __call__(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The value at each row of x."""
        return (x @ self.inner + self.bias).relu() @ self.outer + self.constant

    def after(self, frame: Float[Tensor, "d_in D"], centre: Float[Tensor, " D"]) -> TwoLayer:
        """The same net of the coordinates ``s = frame (x − centre)``: an affine map merges into the first layer."""
        inner = frame.T @ self.inner
        return TwoLayer(inner, self.bias - centre @ inner, self.outer, self.constant)


def interpolate(knots: Float[Tensor, " knots"], values: Float[Tensor, " knots"]) -> TwoLayer:
    """Piecewise-linear interpolation with a neuron at each knot but the last; constant left of the first knot.

    Raises
    ------
    ValueError
        If there are fewer than two knots or they do not increase.
    """
    step = knots.diff()
    if len(step) < 1 or not bool((step > 0).all()):
        raise ValueError("knots are not two or more increasing numbers")
    slopes = values.diff() / step
    outer = torch.cat([slopes[:1], slopes.diff()])
    return TwoLayer(torch.ones_like(outer)[None], -knots[:-1], outer[:, None], values[:1])


def random_neurons(
    width: int, points: Float[Tensor, "batch d"], generator: torch.Generator
) -> tuple[Float[Tensor, "d width"], Float[Tensor, " width"]]:
    """Inner weights and biases: Gaussian directions of unit length, each hinge through a random one of the points."""
    inner = torch.randn(points.shape[1], width, generator=generator, dtype=torch.float64)
    inner = inner / inner.norm(dim=0)
    through = points[torch.randint(len(points), (width,), generator=generator)]
    return inner, -(through * inner.T).sum(-1)


def fit(
    points: Float[Tensor, "batch d"],
    values: Float[Tensor, "batch out"],
    width: int,
    generator: torch.Generator,
    ridge: float = RIDGE,
) -> TwoLayer:
    """Random neurons and the outer layer by least squares on the points, with a penalty on its weights.

    ValueError if there are not more points than neurons.
    """
    if len(points) <= width:
        raise ValueError(f"points {len(points)} are not more than the {width} neurons to fit")
    inner, bias = random_neurons(width, points, generator)
    hidden = torch.cat([(points @ inner + bias).relu(), torch.ones(len(points), 1, dtype=torch.float64)], 1)
    size = hidden.square().mean(0).sqrt() + 1e-9  # a neuron whose hinge lies on the border may be 0 on all points
    scaled = hidden / size
    gram = scaled.T @ scaled / len(points)
    gram.diagonal().add_(ridge)
    outer = torch.linalg.solve(gram, scaled.T @ values / len(points)) / size[:, None]
    return TwoLayer(inner, bias, outer[:-1], outer[-1])
