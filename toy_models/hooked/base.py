"""The base class of hooked models, and the transformer with a relative attention bias.

``scores(i, j) = q_i·k_j + bias[i − j]`` for the last `window` tokens j ≤ i of each query, attention by softmax or
hardmax (uniform over the argmax set), residuals, a ReLU MLP, no normalisation. Hook names and weight names are
transformer-lens's, so that caching, hooks and patching work unchanged.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformer_lens import ActivationCache
from transformer_lens.config.transformer_lens_config import TransformerLensConfig
from transformer_lens.hook_points import HookPoint
from transformer_lens.HookedRootModule import HookedRootModule

AttentionKind = Literal["softmax", "hardmax"]


class HookedModel(HookedRootModule):
    """A model whose ``run_with_cache`` returns transformer-lens's ActivationCache.

    Subclasses set `cfg`, `embed`-like parameters and ``blocks``, then call :meth:`setup`.
    """

    cfg: TransformerLensConfig
    blocks: nn.ModuleList

    def run_with_cache(self, *args: Any, return_cache_object: bool = True, **kwargs: Any) -> tuple[Tensor, Any]:
        """As transformer-lens's; ``return_cache_object=False`` gives the plain dictionary."""
        output, cache = super().run_with_cache(*args, **kwargs)
        return output, ActivationCache(cache, self) if return_cache_object else cache

    def block(self, layer: int) -> Block:
        """``blocks[layer]``, typed."""
        block = self.blocks[layer]
        assert isinstance(block, Block)
        return block


class RelativeAttention(nn.Module):
    """Attention heads with a bias per relative distance, over a sliding window."""

    def __init__(self, cfg: TransformerLensConfig, kind: AttentionKind) -> None:
        super().__init__()
        self.cfg, self.kind = cfg, kind
        heads, width, d_head = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(heads, width, d_head)) for _ in range(3))
        self.W_O = nn.Parameter(torch.zeros(heads, d_head, width))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(heads, d_head)) for _ in range(3))
        self.b_O = nn.Parameter(torch.zeros(width))
        self.relative_bias = nn.Parameter(torch.zeros(heads, cfg.n_ctx))
        self.hook_q, self.hook_k, self.hook_v, self.hook_z = (HookPoint() for _ in range(4))
        self.hook_attn_scores, self.hook_pattern = HookPoint(), HookPoint()

    def forward(
        self, stream: Float[Tensor, "batch pos d_model"], queries: slice
    ) -> Float[Tensor, "batch query d_model"]:
        """Attend from the positions `queries` of the stream to the whole of it."""
        window = self.cfg.n_ctx
        q = self.hook_q(torch.einsum("bpd,hde->bphe", stream[:, queries], self.W_Q) + self.b_Q)
        k = self.hook_k(torch.einsum("bpd,hde->bphe", stream, self.W_K) + self.b_K)
        v = self.hook_v(torch.einsum("bpd,hde->bphe", stream, self.W_V) + self.b_V)
        place = torch.arange(stream.shape[1], device=stream.device)
        distance = place[queries, None] - place
        outside = (distance < 0) | (distance >= window)
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k) + self.relative_bias[:, distance.clamp(0, window - 1)]
        scores = self.hook_attn_scores(scores.masked_fill(outside, -torch.inf))
        pattern = self.hook_pattern(attend(scores, self.kind))
        z = self.hook_z(torch.einsum("bhqk,bkhe->bqhe", pattern, v))
        return torch.einsum("bqhe,hed->bqd", z, self.W_O) + self.b_O


def attend(scores: Float[Tensor, "batch head query key"], kind: AttentionKind) -> Float[Tensor, "batch head query key"]:
    """Softmax, or hardmax: uniform over the largest scores."""
    if kind == "softmax":
        return scores.softmax(-1)
    chosen = (scores == scores.amax(-1, keepdim=True)).to(scores.dtype)
    return chosen / chosen.sum(-1, keepdim=True)


ACTIVATIONS = {"relu": torch.relu, "gelu": torch.nn.functional.gelu}


class MLP(nn.Module):
    """``act(x W_in + b_in) W_out + b_out`` with the activation ``cfg.act_fn``, one of :data:`ACTIVATIONS`."""

    def __init__(self, cfg: TransformerLensConfig, d_mlp: int) -> None:
        super().__init__()
        assert cfg.act_fn is not None
        self.activation = ACTIVATIONS[cfg.act_fn]
        self.W_in = nn.Parameter(torch.zeros(cfg.d_model, d_mlp))
        self.b_in = nn.Parameter(torch.zeros(d_mlp))
        self.W_out = nn.Parameter(torch.zeros(d_mlp, cfg.d_model))
        self.b_out = nn.Parameter(torch.zeros(cfg.d_model))
        self.hook_pre, self.hook_post = HookPoint(), HookPoint()

    def forward(self, stream: Float[Tensor, "batch pos d_model"]) -> Float[Tensor, "batch pos d_model"]:
        """Apply it to every position."""
        post = self.hook_post(self.activation(self.hook_pre(stream @ self.W_in + self.b_in)))
        return post @ self.W_out + self.b_out


class Block(nn.Module):
    """Attention and an MLP, each with its residual; without one of them its hook is on zeros."""

    attn: Any  # the model's attention module, or None
    mlp: MLP | None

    def __init__(self, attn: nn.Module | None, mlp: MLP | None) -> None:
        super().__init__()
        self.attn, self.mlp = attn, mlp
        self.hook_resid_pre, self.hook_attn_out, self.hook_resid_mid = HookPoint(), HookPoint(), HookPoint()
        self.hook_mlp_out, self.hook_resid_post = HookPoint(), HookPoint()

    def forward(
        self, stream: Float[Tensor, "batch pos d_model"], queries: slice
    ) -> Float[Tensor, "batch query d_model"]:
        """The stream after the block, at the positions `queries`."""
        stream = self.hook_resid_pre(stream)
        queried = stream[:, queries]
        attended = torch.zeros_like(queried) if self.attn is None else self.attn(stream, queries)
        middle = self.hook_resid_mid(queried + self.hook_attn_out(attended))
        out = self.hook_mlp_out(torch.zeros_like(middle) if self.mlp is None else self.mlp(middle))
        return self.hook_resid_post(middle + out)


class RelativeTransformer(HookedModel):
    """A decoder whose only knowledge of position is a bias per head and relative distance.

    Parameters
    ----------
    d_vocab, d_model, d_head, n_heads, n_layers : int
    window : int
        How many tokens a query sees, itself included; distances 0 … window − 1.
    d_mlp : int or None
        MLP width; None for attention only.
    attention : ``"softmax"`` or ``"hardmax"``

    Notes
    -----
    All parameters start at zero: exporters fill them, and training calls :meth:`init_weights`.
    """

    def __init__(
        self,
        d_vocab: int,
        d_model: int,
        window: int,
        d_mlp: int | None,
        d_head: int,
        n_heads: int = 1,
        n_layers: int = 1,
        attention: AttentionKind = "softmax",
    ) -> None:
        super().__init__()
        self.cfg = TransformerLensConfig(
            d_model=d_model,
            d_head=d_head,
            n_layers=n_layers,
            n_ctx=window,
            n_heads=n_heads,
            d_mlp=d_mlp,
            d_vocab=d_vocab,
            device="cpu",
            attn_only=d_mlp is None,
            act_fn="relu",
            normalization_type=None,
            positional_embedding_type="relative_positional_bias",
            default_prepend_bos=False,
        )
        self.W_E = nn.Parameter(torch.zeros(d_vocab, d_model))
        self.W_U = nn.Parameter(torch.zeros(d_model, d_vocab))
        self.b_U = nn.Parameter(torch.zeros(d_vocab))
        self.hook_embed = HookPoint()
        self.blocks = nn.ModuleList(
            Block(RelativeAttention(self.cfg, attention), None if d_mlp is None else MLP(self.cfg, d_mlp))
            for _ in range(n_layers)
        )
        self.setup()  # type: ignore[no-untyped-call]

    def forward(
        self, tokens: Int[Tensor, "batch pos"], newest_only: bool = False
    ) -> Float[Tensor, "batch query d_vocab"]:
        """Logits at every position, or at the newest one only (the last block then computes one query)."""
        stream = self.hook_embed(self.W_E[tokens])
        for index, block in enumerate(self.blocks):
            last = newest_only and index == len(self.blocks) - 1
            stream = block(stream, slice(tokens.shape[1] - 1 if last else 0, None))
        return stream @ self.W_U + self.b_U

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw every matrix from a normal law with variance 1 / fan-in; biases, relative ones too, stay zero."""
        for name, parameter in self.named_parameters():
            if name.rpartition(".")[2].startswith("W_"):
                fan_in = parameter.shape[-2] if name != "W_E" else parameter.shape[-1]
                with torch.no_grad():
                    parameter.normal_(0.0, fan_in**-0.5, generator=generator)


@torch.no_grad()
def greedy(model: RelativeTransformer, prompt: Int[Tensor, " prompt"], count: int) -> Int[Tensor, " count"]:
    """The `count` tokens that follow a prompt: after each window the most likely one, which then enters the window.

    Raises
    ------
    ValueError
        If the prompt is empty.
    """
    if not len(prompt):
        raise ValueError("prompt of 0 tokens; at least 1")
    text = torch.cat([prompt, prompt.new_zeros(count)])
    for at in range(len(prompt), len(text)):
        window = text[max(0, at - model.cfg.n_ctx) : at]
        text[at] = model(window[None], newest_only=True)[0, -1].argmax()
    return text[len(prompt) :]
