r"""Construction A: a mixture of experts on an atlas, with every weight written down.

Depth 2, state (x, τ) between the layers, τ one score a chart:

* layer 1 (all experts equal, gate 0): hidden ``[relu(x); relu(−x); hidden of τ]``, output ``[x; τ(x)]``;
* layer 2: gate ``W_R = [0 | I_E]``, so that the chart with the largest score is taken; expert i reads x only and is
  ``g_i ∘ φ_i``, the affine φ_i merged into its first layer.

Where the scores are linear in x the second layer alone does it (:func:`single_layer`, depth 1); for L manifolds at once
the pair of layers is repeated (:func:`product_network`, depth 2L).

References
----------
moe_expressivity sheet, sections 4.2 (construction A), 4.3 (several manifolds), 4.6 (counts); theorems 4.8 and 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lemmata.theory.moe_expressivity.atlas import LinearAtlas
from lemmata.theory.moe_expressivity.fits import TwoLayer
from lemmata.theory.moe_expressivity.layer import MoE, MoELayer, expert_parameters, layer_parameters


def centre_scores(atlas: LinearAtlas, shift: float = 0.0) -> TwoLayer:
    """``τ_i(x) = relu(⟨p_i, x⟩ − |p_i|²/2 + shift)``: E neurons whose argmax is the nearest centre.

    The shift has to be so large that at every point of the manifold some score is positive.
    """
    count = len(atlas)
    identity = torch.eye(count, dtype=torch.float64)
    bias = shift - (atlas.centres**2).sum(-1) / 2
    return TwoLayer(atlas.centres.T, bias, identity, torch.zeros(count, dtype=torch.float64))


def pass_through(ambient: int, scores: TwoLayer) -> TwoLayer:
    """``x ↦ (x, τ(x))`` as one two-layer net of width ``2D + width(τ)``, since ``x = relu(x) − relu(−x)``."""
    charts = scores.outer.shape[1]
    identity = torch.eye(ambient, dtype=torch.float64)
    inner = torch.cat([identity, -identity, scores.inner], 1)
    bias = torch.cat([torch.zeros(2 * ambient, dtype=torch.float64), scores.bias])
    outer = torch.zeros(len(bias), ambient + charts, dtype=torch.float64)
    outer[:ambient, :ambient], outer[ambient : 2 * ambient, :ambient] = identity, -identity
    outer[2 * ambient :, ambient:] = scores.outer
    return TwoLayer(inner, bias, outer, torch.cat([torch.zeros(ambient, dtype=torch.float64), scores.constant]))


def shared_layer(net: TwoLayer, experts: int) -> MoELayer:
    """A layer of E equal experts: whatever its gate does, it computes `net`. The gate is 0."""
    return two_layer_experts([net] * experts, torch.zeros(experts, len(net.inner), dtype=torch.float64))


def two_layer_experts(nets: Sequence[TwoLayer], gate: Float[Tensor, "experts d_in"]) -> MoELayer:
    """A layer with these experts behind this gate, bias-free, top-1."""
    return MoELayer.from_weights(
        gate,
        [torch.stack([net.inner for net in nets]), torch.stack([net.outer for net in nets])],
        [torch.stack([net.bias for net in nets]), torch.stack([net.constant for net in nets])],
    )


def on_charts(atlas: LinearAtlas, functions: Sequence[TwoLayer]) -> list[TwoLayer]:
    """``g_i ∘ φ_i`` as nets of x. ValueError if there are not as many functions as charts."""
    if len(functions) != len(atlas):
        raise ValueError(f"functions {len(functions)} are not as many as charts, {len(atlas)}")
    return [net.after(atlas.frames[i], atlas.centres[i]) for i, net in enumerate(functions)]


def pad_inputs(net: TwoLayer, width: int) -> TwoLayer:
    """The same net in a state of this width, of which it reads the first coordinates only."""
    below = torch.zeros(width - len(net.inner), net.inner.shape[1], dtype=torch.float64)
    return TwoLayer(torch.cat([net.inner, below]), net.bias, net.outer, net.constant)


def read_scores(ambient: int, charts: int) -> Float[Tensor, "charts width"]:
    """``[0 | I_E]``: the gate of the second layer."""
    return torch.cat([torch.zeros(charts, ambient), torch.eye(charts)], 1).double()


def atlas_network(atlas: LinearAtlas, functions: Sequence[TwoLayer], scores: TwoLayer) -> MoE:
    """The depth-2 network.

    Parameters
    ----------
    atlas : LinearAtlas
        E charts in R^D.
    functions : E TwoLayer
        ``g_i``, functions of the coordinates of chart i, all of one width m.
    scores : TwoLayer
        ``τ``, from R^D to R^E.

    Returns
    -------
    MoE
        Two layers of E two-layer experts, gates without bias: the class ``H^{2,E}_{2,m}`` of corollary 4.9.
    """
    ambient, charts = atlas.centres.shape[1], len(atlas)
    experts = [pad_inputs(net, ambient + charts) for net in on_charts(atlas, functions)]
    first = shared_layer(pass_through(ambient, scores), charts)
    return MoE([first, two_layer_experts(experts, read_scores(ambient, charts))])


def single_layer(atlas: LinearAtlas, functions: Sequence[TwoLayer]) -> MoE:
    """The depth-1 network, for centres of equal norm: the gate's rows are the centres.

    Raises
    ------
    ValueError
        If the centres differ in norm, in which case the nearest one is no linear function's argmax.
    """
    norms = atlas.centres.norm(dim=-1)
    if float(norms.max() - norms.min()) > 1e-9 * float(norms.max()):
        raise ValueError(f"centres have norms from {float(norms.min()):.4g} to {float(norms.max()):.4g}, not one norm")
    return MoE([two_layer_experts(on_charts(atlas, functions), atlas.centres)])


def with_encoder(atlas: LinearAtlas, functions: Sequence[TwoLayer]) -> MoE:
    """:func:`single_layer` with three-layer experts that keep φ_i apart, as ``φ = relu(φ) − relu(−φ)``.

    The same function; ``2d(D + 1) + m(2d + 1) + m + 1`` parameters an expert in place of ``m(D + 1) + m + 1``.
    """
    frames, centres = atlas.frames, atlas.centres
    offset = torch.einsum("edn,en->ed", frames, centres)
    inner = torch.stack([net.inner for net in functions])
    return MoE(
        [
            MoELayer.from_weights(
                centres,
                [
                    torch.cat([frames, -frames], 1).mT,
                    torch.cat([inner, -inner], 1),
                    torch.stack([net.outer for net in functions]),
                ],
                [
                    torch.cat([-offset, offset], 1),
                    torch.stack([net.bias for net in functions]),
                    torch.stack([net.constant for net in functions]),
                ],
            )
        ]
    )


def product_network(
    atlases: Sequence[LinearAtlas],
    functions: Sequence[Sequence[TwoLayer]],
    scores: Sequence[TwoLayer],
) -> MoE:
    """Depth 2L for ``f(x_1, …, x_L) = (f_1(x_1), …, f_L(x_L))`` on L manifolds, E charts each.

    The state is ``(x_1, …, x_L, y_1, …, y_L)`` and, between the layers of a pair, τ^(l) of x_l. Layer 2l − 1 computes
    τ^(l) beside everything else; layer 2l has the gate ``[0 | I_E]``, and its expert i copies all but y_l and puts
    ``g_{l,i}(φ_{l,i}(x_l))`` there.
    """
    charts = len(atlases[0])
    starts = [0]
    for atlas in atlases:
        starts.append(starts[-1] + atlas.centres.shape[1])
    ambient, factors = starts[-1], len(atlases)
    width = ambient + factors
    layers = []
    for factor, (atlas, nets, tau) in enumerate(zip(atlases, functions, scores, strict=True)):
        part = slice(starts[factor], starts[factor + 1])
        spread = torch.zeros(width, tau.inner.shape[1], dtype=torch.float64)
        spread[part] = tau.inner
        widened = TwoLayer(spread, tau.bias, tau.outer, tau.constant)
        layers.append(shared_layer(pass_through(width, widened), charts))
        experts = []
        for net in on_charts(atlas, nets):
            inner = torch.zeros(width, net.inner.shape[1], dtype=torch.float64)
            inner[part] = net.inner
            # pass_through gives (x, y, g); the last column is then added to y_l, which is still 0
            whole = pass_through(width, TwoLayer(inner, net.bias, net.outer, net.constant))
            outer, constant = whole.outer[:, :-1].clone(), whole.constant[:-1].clone()
            outer[:, ambient + factor] += whole.outer[:, -1]
            constant[ambient + factor] += whole.constant[-1]
            experts.append(pad_inputs(TwoLayer(whole.inner, whole.bias, outer, constant), width + charts))
        layers.append(two_layer_experts(experts, read_scores(width, charts)))
    return MoE(layers)


# ---------------------------------------------------------------------------------------------------------- counts


def atlas_parameters(ambient: int, charts: int, width: int) -> int:
    """Parameters of :func:`atlas_network` with :func:`centre_scores`: m = `width` neurons an expert."""
    first = layer_parameters(charts, (ambient, 2 * ambient + charts, ambient + charts))
    return first + layer_parameters(charts, (ambient + charts, width, 1))


def atlas_active_parameters(ambient: int, charts: int, width: int) -> int:
    """Those that touch one input: one expert and the gate of each layer."""
    first = expert_parameters((ambient, 2 * ambient + charts, ambient + charts)) + charts * ambient
    return first + expert_parameters((ambient + charts, width, 1)) + charts * (ambient + charts)


def dense_parameters(ambient: int, width: int) -> int:
    """A two-layer dense net from R^D to R."""
    return expert_parameters((ambient, width, 1))
