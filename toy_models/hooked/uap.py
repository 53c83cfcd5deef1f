"""A transformer on vectors with a sparse pattern per layer, and the interpolators of ``theory.uap`` exported to it.

Blocks as in the paper: attention over the neighbours N(i) of each token, an MLP, residuals, no normalisation, no
positions. An exported interpolator is ground truth: its tokens are known to be distinct after attention, and the sets
of tokens that each position has received are known from the patterns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformer_lens.config.transformer_lens_config import TransformerLensConfig
from transformer_lens.hook_points import HookPoint

from lemmata.theory.uap.families import KernelAttention
from lemmata.theory.uap.kernel import SOFTMAX
from lemmata.theory.uap.network import FeedForwardLayer, Mixer, Network
from lemmata.theory.uap.patterns import Pattern, checked, full
from lemmata.toy_models.hooked.base import MLP, Block, HookedModel


class PatternAttention(nn.Module):
    """Softmax heads over the neighbours of each token; scores ``q_i·k_j`` without a scale."""

    pattern: Tensor

    def __init__(self, cfg: TransformerLensConfig, pattern: Pattern) -> None:
        super().__init__()
        heads, width, d_head = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(heads, width, d_head)) for _ in range(3))
        self.W_O = nn.Parameter(torch.zeros(heads, d_head, width))
        self.register_buffer("pattern", torch.from_numpy(checked(pattern)))
        self.hook_q, self.hook_k, self.hook_v, self.hook_z = (HookPoint() for _ in range(4))
        self.hook_attn_scores, self.hook_pattern = HookPoint(), HookPoint()

    def forward(
        self, stream: Float[Tensor, "batch pos d_model"], queries: slice
    ) -> Float[Tensor, "batch query d_model"]:
        """Attend from the positions `queries` to the neighbours of each."""
        q = self.hook_q(torch.einsum("bpd,hde->bphe", stream[:, queries], self.W_Q))
        k = self.hook_k(torch.einsum("bpd,hde->bphe", stream, self.W_K))
        v = self.hook_v(torch.einsum("bpd,hde->bphe", stream, self.W_V))
        scores = torch.einsum("bqhe,bkhe->bhqk", q, k).masked_fill(~self.pattern[queries], -torch.inf)
        pattern = self.hook_pattern(self.hook_attn_scores(scores).softmax(-1))
        z = self.hook_z(torch.einsum("bhqk,bkhe->bqhe", pattern, v))
        return torch.einsum("bqhe,hed->bqd", z, self.W_O)


class PatternTransformer(HookedModel):
    """A transformer from vectors to vectors, with a pattern for each attention layer.

    Parameters
    ----------
    patterns : sequence of (n, n) bool arrays or None
        N(i) in row i, a block each; None for a block without attention.
    d_mlps : sequence of int or None
        MLP width of each block; None for a block without.
    d_token, d_model, d_head, n_heads : int
        Dimension of the tokens on both ends, and sizes of the model.
    act_fn : ``"relu"`` or ``"gelu"``

    Raises
    ------
    ValueError
        For no block, numbers of patterns and widths that differ, a pattern with an empty neighbourhood, or patterns of
        different sizes.

    Notes
    -----
    All parameters start at zero: exporters fill them, and training calls :meth:`init_weights`.
    """

    def __init__(
        self,
        patterns: Sequence[Pattern | None],
        d_mlps: Sequence[int | None],
        d_token: int,
        d_model: int,
        d_head: int,
        n_heads: int = 1,
        act_fn: str = "relu",
    ) -> None:
        super().__init__()
        sizes = {len(pattern) for pattern in patterns if pattern is not None}
        if len(patterns) != len(d_mlps) or len(sizes) != 1:
            raise ValueError(f"{len(patterns)} patterns of sizes {sizes} and {len(d_mlps)} MLPs do not make blocks")
        widths = [width for width in d_mlps if width is not None]
        self.cfg = TransformerLensConfig(
            d_model=d_model,
            d_head=d_head,
            n_layers=len(patterns),
            n_ctx=sizes.pop(),
            n_heads=n_heads,
            d_mlp=max(widths, default=None),
            d_vocab=d_token,
            device="cpu",
            attn_only=not widths,
            act_fn=act_fn,
            normalization_type=None,
            default_prepend_bos=False,
        )
        self.W_E = nn.Parameter(torch.zeros(d_token, d_model))
        self.W_U = nn.Parameter(torch.zeros(d_model, d_token))
        self.b_U = nn.Parameter(torch.zeros(d_token))
        self.hook_embed = HookPoint()
        self.blocks = nn.ModuleList(
            Block(
                None if pattern is None else PatternAttention(self.cfg, pattern),
                None if width is None else MLP(self.cfg, width),
            )
            for pattern, width in zip(patterns, d_mlps, strict=True)
        )
        self.setup()  # type: ignore[no-untyped-call]

    def forward(self, tokens: Float[Tensor, "batch pos d_token"]) -> Float[Tensor, "batch pos d_token"]:
        """The output vector at every position."""
        stream = self.hook_embed(tokens @ self.W_E)
        for block in self.blocks:
            stream = block(stream, slice(None))
        return stream @ self.W_U + self.b_U

    def init_weights(self, generator: torch.Generator) -> None:
        """Draw every matrix from a normal law with torch's variance, 1 / (3 fan-in); biases stay zero.

        Queries get a variance that is smaller by ``d_head``, in place of a scale of the scores.
        """
        for name, parameter in self.named_parameters():
            last = name.rpartition(".")[2]
            if last.startswith("W_"):
                variance = 1 / (3 * parameter.shape[-2]) / (self.cfg.d_head if last == "W_Q" else 1)
                with torch.no_grad():
                    parameter.normal_(0.0, variance**0.5, generator=generator)


def interpolator_transformer(network: Network, tokens: int) -> PatternTransformer:
    """Export a network of softmax attention and FFN layers, for samples of `tokens` tokens; float64.

    Each attention layer opens a block, and an FFN layer closes it.

    Raises
    ------
    ValueError
        For a mixer that is not softmax attention.
    """
    blocks: list[tuple[Mixer | None, FeedForwardLayer | None]] = []
    for layer in network:
        if isinstance(layer, Mixer):
            blocks.append((layer, None))
        elif blocks and blocks[-1][1] is None:
            blocks[-1] = (blocks[-1][0], layer)
        else:
            blocks.append((None, layer))
    mixers = [mixer for mixer, _ in blocks]
    dim = len(network.feed_forward[0].output)
    model = PatternTransformer(
        [None if mixer is None else _pattern(mixer, tokens) for mixer in mixers],
        [None if layer is None else layer.width for _, layer in blocks],
        d_token=dim,
        d_model=dim,
        d_head=dim,
    ).double()
    with torch.no_grad():
        model.W_E.copy_(torch.eye(dim))
        model.W_U.copy_(torch.eye(dim))
        for index, (mixer, dense) in enumerate(blocks):
            block = model.block(index)
            if mixer is not None:
                block.attn.W_O[0] = torch.eye(dim)
                for name, weight in (("W_Q", "query"), ("W_K", "key"), ("W_V", "value")):
                    getattr(block.attn, name)[0] = mixer.weights[weight][0].T
            if dense is not None:
                assert block.mlp is not None
                block.mlp.W_in.copy_(dense.input.T)
                block.mlp.b_in.copy_(-dense.bias)
                block.mlp.W_out.copy_(dense.output.T)
    return model.eval()


def _pattern(mixer: Mixer, tokens: int) -> np.ndarray:
    family = mixer.family
    if not isinstance(family, KernelAttention) or family.kernel != SOFTMAX or family.weighting != "mean":
        raise ValueError(f"mixer {family.name!r} is not softmax attention, the only one that the hooked model has")
    return full(tokens) if family.pattern is None else family.pattern
