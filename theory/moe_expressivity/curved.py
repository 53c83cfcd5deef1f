r"""Theorem 4.8 with charts that are not linear: two half circles, three-layer experts.

Two arcs are enough for the circle if the charts may curve: ``φ_i(x) = (1 + tan((t − c_i)/2))/2``, stereographic
projection, maps the half circle about c_i to [0, 1] and is analytic on a neighbourhood of it in the plane. Expert i is

    ``g_i ∘ clip ∘ ψ_i``, ψ_i a two-layer net close to φ_i, g_i interpolating ``f ∘ φ_i^{-1}`` at m knots of [0, 1],

and the error splits as in the theorem:

    ``sup|f − Ψ| ≤ max_i sup|g_i − f ∘ φ_i^{-1}| + max_i Lip(f ∘ φ_i^{-1}) · max_i sup|ψ_i − φ_i|``.

References
----------
moe_expressivity sheet, section 4 (theorem 4.8) and 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.approximator import centre_scores, pass_through, read_scores, shared_layer
from lemmata.theory.moe_expressivity.atlas import circle_atlas
from lemmata.theory.moe_expressivity.circle import Target
from lemmata.theory.moe_expressivity.fits import TwoLayer, fit, interpolate
from lemmata.theory.moe_expressivity.layer import MoE, MoELayer
from lemmata.theory.moe_expressivity.manifolds import angles, circle

CHARTS = 2
RIDGE = 1e-11  # the charts are fitted to better than 1e-4
REACH = 1.05
"""The charts' domains are half circles, lengthened by this factor for the fit of ψ."""


def stereographic(offset: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """``φ`` as a function of ``t − c_i``."""
    return (1 + (offset / 2).tan()) / 2


def from_stereographic(s: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Its inverse, ``t − c_i = 2 arctan(2s − 1)``."""
    return 2 * (2 * s - 1).atan()


@dataclass(frozen=True, eq=False)
class CurvedNetwork:
    """The network, and what its error is made of.

    Attributes
    ----------
    network : MoE
        Depth 2, three-layer experts: the class ``H^{2,2}_{3,m}``.
    function_error, chart_error : float
        ``max_i sup|g_i − f ∘ φ_i^{-1}|`` and ``max_i sup|ψ_i − φ_i|``.
    lipschitz : float
        ``max_i Lip(f ∘ φ_i^{-1})``.
    """

    network: MoE
    function_error: float
    chart_error: float
    lipschitz: float

    @property
    def bound(self) -> float:
        """The right side of the split."""
        return self.function_error + self.lipschitz * self.chart_error


def curved_network(
    target: Target, width: int, isometry: Float[Tensor, "D 2"], generator: torch.Generator
) -> CurvedNetwork:
    """Build it with m = `width` neurons in each hidden layer of an expert; each ψ_i is the best of three fits."""
    centre = angles(CHARTS, math.pi / CHARTS)
    atlas = circle_atlas(CHARTS).embed(isometry)
    knots = torch.linspace(0, 1, width, dtype=torch.float64)
    fine = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    near = torch.linspace(-REACH, REACH, 12 * width + 1, dtype=torch.float64) * math.pi / 2
    inside = torch.linspace(-1, 1, 4_001, dtype=torch.float64) * math.pi / 2
    maps, functions = [], []
    function_error = chart_error = lipschitz = 0.0
    for number in range(CHARTS):
        x = circle(centre[number] + near) @ isometry.T
        on_arc = circle(centre[number] + inside) @ isometry.T

        def apart(net: TwoLayer, on_arc: Tensor = on_arc) -> float:
            return float((net(on_arc)[:, 0] - stereographic(inside)).abs().max())

        fits = [fit(x, stereographic(near)[:, None], width, generator, RIDGE) for _ in range(3)]
        psi = min(fits, key=apart)
        g = constant_beyond(interpolate(knots, target(centre[number] + from_stereographic(knots))))
        truth = target(centre[number] + from_stereographic(fine))
        maps.append(psi)
        functions.append(g)
        chart_error = max(chart_error, apart(psi))
        function_error = max(function_error, float((g(fine[:, None])[:, 0] - truth).abs().max()))
        lipschitz = max(lipschitz, float(truth.diff().abs().max()) * (len(fine) - 1))
    ambient = len(isometry)
    # All scores but one may be 0 at a point; the shift keeps the largest positive.
    first = shared_layer(pass_through(ambient, centre_scores(atlas, 1.5)), CHARTS)
    unread = torch.zeros(CHARTS, width, dtype=torch.float64)
    second = MoELayer.from_weights(
        read_scores(ambient, CHARTS),
        [
            torch.stack([torch.cat([psi.inner, unread]) for psi in maps]),
            torch.stack([psi.outer @ g.inner for psi, g in zip(maps, functions, strict=True)]),
            torch.stack([g.outer for g in functions]),
        ],
        [
            torch.stack([psi.bias for psi in maps]),
            torch.stack([g.bias + psi.constant @ g.inner for psi, g in zip(maps, functions, strict=True)]),
            torch.stack([g.constant for g in functions]),
        ],
    )
    return CurvedNetwork(MoE([first, second]), function_error, chart_error, lipschitz)


def constant_beyond(net: TwoLayer) -> TwoLayer:
    """An interpolant on [0, 1], constant from 1 on: one more neuron, which clips its argument."""
    last = -net.outer.sum(0, keepdim=True)
    one = torch.ones(1, dtype=torch.float64)
    return TwoLayer(
        torch.cat([net.inner, one[None]], 1), torch.cat([net.bias, -one]), torch.cat([net.outer, last]), net.constant
    )
