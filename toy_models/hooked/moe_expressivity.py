"""The deep mixtures of ``theory.moe_expressivity`` as hooked models, and random routers as their opposite.

Ground truth for routing probes: which expert computes what is known by construction. Hook names are transformer-lens's
for mixtures (``blocks.{l}.mlp.hook_router_scores``, ``hook_expert_indices``, ``hook_expert_weights``, ``hook_pre``,
``hook_post``) with ``hook_expert_outputs`` beside them. There is no skip connection: a layer's output is the next
state.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens.config.transformer_lens_config import TransformerLensConfig
from transformer_lens.hook_points import HookPoint

from lemmata.theory.moe_expressivity.deep import cell_scores
from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.layer import MoELayer
from lemmata.toy_models.hooked.base import HookedModel


class HookedExperts(nn.Module):
    """A layer of two-layer ReLU experts behind a top-1 gate, every expert run on every input.

    Editing ``hook_router_scores`` re-routes; ``hook_expert_indices`` forces the choice; ``hook_expert_weights`` mixes
    outputs; each is downstream of the one before it.
    """

    def __init__(self, layer: MoELayer) -> None:
        super().__init__()
        gate_bias = torch.zeros_like(layer.gate[:, 0]) if layer.gate_bias is None else layer.gate_bias.detach().clone()
        self.W_gate, self.b_gate = nn.Parameter(layer.gate.detach().T.clone()), nn.Parameter(gate_bias)
        (w_in, w_out), (b_in, b_out) = layer.experts.weights, layer.experts.biases
        self.W_in, self.b_in = nn.Parameter(w_in.detach().clone()), nn.Parameter(b_in.detach().clone())
        self.W_out, self.b_out = nn.Parameter(w_out.detach().clone()), nn.Parameter(b_out.detach().clone())
        self.hook_router_scores, self.hook_expert_indices, self.hook_expert_weights = (HookPoint() for _ in range(3))
        self.hook_pre, self.hook_post, self.hook_expert_outputs = (HookPoint() for _ in range(3))

    @property
    def n_experts(self) -> int:
        """E."""
        return self.W_gate.shape[1]

    def forward(self, state: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The chosen expert's output; the lowest index among equal scores."""
        scores = self.hook_router_scores(state @ self.W_gate + self.b_gate)
        indices = self.hook_expert_indices(scores.argmax(-1, keepdim=True))
        weights = self.hook_expert_weights(torch.zeros_like(scores).scatter(-1, indices, 1.0))
        pre = self.hook_pre(torch.einsum("bd,edm->bem", state, self.W_in) + self.b_in)
        post = self.hook_post(pre.relu())
        outputs = self.hook_expert_outputs(torch.einsum("bem,emo->beo", post, self.W_out) + self.b_out)
        return torch.einsum("be,beo->bo", weights, outputs)


class MoEBlock(nn.Module):
    """One layer, with the names that a transformer's block has."""

    def __init__(self, layer: MoELayer) -> None:
        super().__init__()
        self.mlp = HookedExperts(layer)
        self.hook_resid_pre, self.hook_mlp_out, self.hook_resid_post = HookPoint(), HookPoint(), HookPoint()

    def forward(self, state: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_out"]:
        """The next state."""
        return self.hook_resid_post(self.hook_mlp_out(self.mlp(self.hook_resid_pre(state))))


class HookedMoE(HookedModel):
    """A stack of mixtures between a linear input map and a linear readout, float64.

    Parameters
    ----------
    moe : ExactMoE
        Every layer's experts have two affine maps, with integer weights.

    Raises
    ------
    ValueError
        If an expert has another number of affine maps, or a weight is not an integer.
    """

    def __init__(self, moe: ExactMoE) -> None:
        super().__init__()
        for number, layer in enumerate(moe.layers):
            if len(layer.maps) != 2:
                raise ValueError(f"layer {number} has experts of {len(layer.maps)} affine maps, not of two")
        modules = list(moe.to_torch())
        self.cfg = TransformerLensConfig(
            d_model=moe.inlet.width_out,
            d_head=1,
            n_layers=len(modules),
            n_ctx=1,
            n_heads=1,
            d_mlp=moe.layers[0].maps[0].width_out,
            d_vocab=moe.readout.width_out,
            device="cpu",
            act_fn="relu",
            normalization_type=None,
            default_prepend_bos=False,
            dtype=torch.float64,
        )
        ends = [torch.from_numpy(end.matrix[0].astype(float) / end.denominator).T for end in (moe.inlet, moe.readout)]
        self.W_E, self.b_E = nn.Parameter(ends[0][:-1].clone()), nn.Parameter(ends[0][-1].clone())
        self.W_U, self.b_U = nn.Parameter(ends[1][:-1].clone()), nn.Parameter(ends[1][-1].clone())
        self.hook_embed = HookPoint()
        self.blocks = nn.ModuleList(MoEBlock(layer) for layer in modules)
        self.setup()  # type: ignore[no-untyped-call]

    def experts(self, layer: int) -> HookedExperts:
        """``blocks[layer].mlp``, typed."""
        block = self.blocks[layer]
        assert isinstance(block, MoEBlock)
        return block.mlp

    def forward(self, x: Float[Tensor, "batch inputs"]) -> Float[Tensor, "batch outputs"]:
        """The readout of the last state."""
        state = self.hook_embed(x @ self.W_E + self.b_E)
        for block in self.blocks:
            state = block(state)
        return state @ self.W_U + self.b_U


def deep_mixture(moe: ExactMoE) -> HookedMoE:
    """Export ``theory.moe_expressivity.deep.cubes`` (or another exact mixture) in evaluation mode."""
    return HookedMoE(moe).eval()


def random_router(moe: ExactMoE, generator: torch.Generator) -> HookedMoE:
    """The same experts behind gates with normal weights on the whole state, balanced at the centre of the domain.

    The mechanism that the construction is not: a choice depends on all inputs, and on what earlier layers computed.
    Gates of layers whose experts are all the same stay as they are.
    """
    model = HookedMoE(moe).eval()
    centre = torch.tensor([[float(low + high) / 2 for low, high in zip(moe.low, moe.high, strict=True)]]).double()
    with torch.no_grad():
        state = model.hook_embed(centre @ model.W_E + model.b_E)
        for number, (layer, block) in enumerate(zip(moe.layers, model.blocks, strict=True)):
            if layer.routes:
                experts = model.experts(number)
                experts.W_gate.normal_(generator=generator)
                experts.b_gate.copy_(-(state @ experts.W_gate)[0])
            state = block(state)
    return model


def memorising_mixture(experts: int, blocks: int) -> HookedMoE:
    """One layer with one expert for each of the E^L joint cells of ``[0, E]^L``; each returns its own number.

    Opposite to the construction as well: it routes without error, and no choice is a function of one coordinate.
    The score of a cell is the sum of the :func:`~lemmata.theory.moe_expressivity.deep.cell_scores` of its indices.
    """
    scores, count = cell_scores(experts), experts**blocks
    cells = np.indices((experts,) * blocks).reshape(blocks, -1).T
    gate = np.concatenate([scores[cells, 0], scores[cells, 1].sum(1, keepdims=True)], 1)
    hidden = np.repeat(np.eye(blocks, blocks + 1, dtype=np.int64)[None], count, 0)
    own = np.zeros((count, 1, blocks + 1), np.int64)
    own[:, 0, -1] = np.arange(count)
    layer = ExactLayer(gate, (Affine(hidden), Affine(own)))
    ends = Affine(hidden[:1]), Affine(np.array([[[1, 0]]]))
    return deep_mixture(ExactMoE((layer,), *ends, (Fraction(0),) * blocks, (Fraction(experts),) * blocks))
