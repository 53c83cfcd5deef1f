"""Hooked models of patterns: the export computes the built network, and training reverses what it has received."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformer_lens import ActivationCache

from lemmata.theory.uap import FAMILIES, patterns, sparse
from lemmata.theory.uap.approximator import approximate, swirl
from lemmata.theory.uap.interpolate import interpolate
from lemmata.toy_models.hooked.uap import PatternTransformer, interpolator_transformer
from lemmata.toy_models.uap import SMALL, ReversalConfig, reversal, token_errors, train_reversal, uniform_tokens


def samples_and_targets(seed: int, count: int, tokens: int, dim: int):
    rng = np.random.default_rng(seed)
    samples = torch.from_numpy(rng.standard_normal((count, tokens, dim)))
    return samples, torch.from_numpy(rng.uniform(-1, 1, (count, tokens, dim))), rng


@pytest.mark.parametrize("form", ["wide", "narrow"])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_export_computes_the_built_network(form: str, layers: int) -> None:
    samples, targets, rng = samples_and_targets(0, 4, 4, 3)
    mixers = [FAMILIES["softmax"]] if layers == 1 else [sparse(patterns.window(4, 1))] * layers
    built = interpolate(samples, targets, mixers, rng, form)
    model = interpolator_transformer(built.network, 4)
    with torch.no_grad():
        torch.testing.assert_close(model(samples), targets, atol=1e-9, rtol=0)
        fresh = torch.from_numpy(rng.standard_normal((20, 4, 3)))
        torch.testing.assert_close(model(fresh), built.network(fresh), atol=1e-8, rtol=0)  # sums in another order
    assert len(model.blocks) == layers - 1 + built.depth
    assert model.cfg.n_layers == len(model.blocks)


def test_ffn_layers_before_attention_are_blocks_of_their_own() -> None:
    built = approximate(swirl, 2, 2, 2, np.random.default_rng(0))
    model = interpolator_transformer(built.network, 2)
    assert [block.attn is None for block in model.blocks] == [True, True, False]
    points = torch.rand(50, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(points), built.network(points), atol=1e-10, rtol=0)


def test_transformer_lens_caches_hooks_and_patches_it() -> None:
    samples, targets, rng = samples_and_targets(1, 3, 4, 2)
    built = interpolate(samples, targets, [FAMILIES["softmax"]], rng, "narrow")
    model = interpolator_transformer(built.network, 4)
    output, cache = model.run_with_cache(samples)
    assert isinstance(cache, ActivationCache)
    assert cache["pattern", 0].shape == (3, 1, 4, 4)
    torch.testing.assert_close(cache["pattern", 0].sum(-1), torch.ones(3, 1, 4, dtype=torch.float64))
    assert cache["blocks.1.hook_attn_out"].abs().max() == 0
    torch.testing.assert_close(cache["blocks.23.hook_resid_post"], output)
    uniform = model.run_with_hooks(
        samples, fwd_hooks=[("blocks.0.attn.hook_pattern", lambda pattern, hook: torch.full_like(pattern, 0.25))]
    )
    assert (uniform - output).abs().max() > 0.1


def test_attention_is_the_mean_over_neighbours_head_by_head() -> None:
    pattern = patterns.from_sets([[1], [0, 2], [0, 1, 2]])
    model = PatternTransformer([pattern], [None], d_token=2, d_model=4, d_head=2, n_heads=2)
    model.init_weights(torch.Generator().manual_seed(0))
    x = torch.randn(1, 3, 2, generator=torch.Generator().manual_seed(1))
    attn, stream = model.blocks[0].attn, (x @ model.W_E)[0]
    expected = stream.clone()
    for i in range(3):
        for head in range(2):
            keys = [j for j in range(3) if pattern[i, j]]
            query = stream[i] @ attn.W_Q[head]
            mass = torch.stack([(query @ (stream[j] @ attn.W_K[head])).exp() for j in keys])
            value = sum(m * (stream[j] @ attn.W_V[head]) for m, j in zip(mass / mass.sum(), keys, strict=True))
            expected[i] += value @ attn.W_O[head]
    torch.testing.assert_close(model(x)[0], expected @ model.W_U, atol=1e-5, rtol=1e-5)


def test_what_the_hooked_model_cannot_express_is_refused() -> None:
    samples, targets, rng = samples_and_targets(2, 3, 3, 2)
    built = interpolate(samples, targets, [FAMILIES["rbf"]], rng)
    with pytest.raises(ValueError, match="'RBF' is not softmax attention"):
        interpolator_transformer(built.network, 3)
    with pytest.raises(ValueError, match=r"1 patterns of sizes \{3\} and 2 MLPs"):
        PatternTransformer([patterns.full(3)], [4, 4], d_token=2, d_model=2, d_head=2)
    with pytest.raises(ValueError, match=r"N\(0\) is empty"):
        PatternTransformer([np.zeros((2, 2), bool)], [None], d_token=2, d_model=2, d_head=2)


def test_hops_are_counted_in_windows() -> None:
    assert ReversalConfig().hops == 4
    assert [replace(ReversalConfig(), tokens=9, window=w).hops for w in (1, 3, 4, 8)] == [8, 3, 2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers 0 is not at least 1"),
        ({"window": 0}, "window 0 is not at least 1"),
        ({"steps": 0}, "steps 0 is not at least 1"),
        ({"heads": 3}, "heads 3 do not divide d_model 32"),
        ({"learning_rate": 0.0}, "learning_rate 0.0 is not positive"),
    ],
)
def test_sizes_that_make_no_model_are_refused(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReversalConfig(**change)


def test_training_is_reproducible_and_two_layers_reach_one_hop_each() -> None:
    config = replace(SMALL, tokens=3, layers=2, steps=300)
    models = [train_reversal(config, torch.Generator().manual_seed(3)) for _ in range(2)]
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(first, second)
    shallow = train_reversal(replace(config, layers=1), torch.Generator().manual_seed(3))
    x = uniform_tokens(config, 4_000, torch.Generator().manual_seed(4))
    assert token_errors(models[0], x).mean() < 0.02
    assert token_errors(shallow, x)[:, [0, 2]].mean() > 1 / 12 - 0.005


def test_the_errors_are_those_of_the_reversal() -> None:
    model = PatternTransformer([patterns.full(3)], [None], d_token=2, d_model=2, d_head=2)
    x = torch.rand(5, 3, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([x[:, 2 - i].square().mean(-1) for i in range(3)], 1)
    torch.testing.assert_close(token_errors(model, x), expected)  # all weights are zero
    assert torch.equal(reversal(x)[:, 0], x[:, 2])
