"""The margin and the collision probe, on stacks whose tokens are known to be apart, and on ones that merge them."""

import numpy as np
import pytest
import torch

from lemmata.probes.collision import NEVER, first_difference
from lemmata.probes.token_margin import distinguishability_margin
from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.library import INC
from lemmata.theory.uap import FAMILIES, patterns, received
from lemmata.theory.uap.interpolate import interpolate
from lemmata.theory.uap.patterns import Pattern
from lemmata.toy_models.hooked.turing import queue_transformer
from lemmata.toy_models.hooked.uap import PatternTransformer, interpolator_transformer


def stack(layers: list[Pattern | None], seed: int = 0, dim: int = 2) -> PatternTransformer:
    """Random attention layers over the patterns, float64; None is a block with an FFN layer only."""
    widths = [8 if pattern is None else None for pattern in layers]
    model = PatternTransformer(layers, widths, d_token=dim, d_model=dim, d_head=dim).double()
    model.init_weights(torch.Generator().manual_seed(seed))
    return model.eval()


def pair(n: int, changed: int, seed: int = 0, dim: int = 2):
    generator = torch.Generator().manual_seed(seed)
    prompt = torch.randn(n, dim, dtype=torch.float64, generator=generator)
    other = prompt.clone()
    other[changed] += torch.randn(dim, dtype=torch.float64, generator=generator)
    return prompt, other


# ------------------------------------------------------------------------------------------------------------- margin


@pytest.mark.parametrize("form", ["wide", "narrow"])
def test_a_planted_interpolator_keeps_its_tokens_apart(form: str) -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_normal(2)
    samples = rng.standard_normal((10, 4, 2))
    samples[:, 0] = shared  # one token in common: before attention nothing tells the samples apart there
    samples = torch.from_numpy(samples)
    built = interpolate(
        samples,
        torch.rand(10, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
        [FAMILIES["softmax"]],
        rng,
        form,
    )
    model = interpolator_transformer(built.network, 4)
    margin = distinguishability_margin(model, samples)
    assert margin.shape == (2,)
    assert margin[0] == 0
    # The least of 780 distances, in units of the spread; absent it is below 1e-14 (next test).
    assert margin[1] > 1e-3


def test_uniform_attention_merges_a_token_shared_by_samples_of_one_mean() -> None:
    prompt, _ = pair(4, 0)
    other = prompt.clone()
    other[1] += 0.7
    other[2] -= 0.7
    model = stack([patterns.full(4)] * 3)
    with torch.no_grad():
        for block in model.blocks:
            block.attn.W_Q.zero_()
    merged = distinguishability_margin(model, torch.stack([prompt, other]))
    assert merged.max() < 1e-14
    assert distinguishability_margin(stack([patterns.full(4)] * 3), torch.stack([prompt, other]))[1:].min() > 1e-4


@pytest.mark.parametrize(("n", "width"), [(5, 1), (7, 2), (7, 3)])
def test_the_margin_jumps_at_the_layer_where_colours_become_distinct(n: int, width: int) -> None:
    hops = -(-(n - 1) // width)
    margin = distinguishability_margin(stack([patterns.window(n, width)] * (hops + 1)), torch.stack(pair(n, n - 1)))
    assert (margin[:hops] == 0).all()
    assert (margin[hops:] > 1e-7).all()  # absent it is zero, see above


def test_rank_collapse_shows_as_decay() -> None:
    model = stack([patterns.full(5)] * 12)
    with torch.no_grad():
        for block in model.blocks:
            block.attn.W_Q.zero_()
            block.attn.W_V[0] = 2 * torch.eye(2)
            block.attn.W_O[0] = torch.eye(2)
    # x ← x + 2 mean: two samples part threefold a layer, while the tokens of each stay as near as they were.
    sample = pair(5, 2)[0]
    margin = distinguishability_margin(model, torch.stack([sample, sample + 3]))
    assert (margin[2:] < 0.5 * margin[1:-1]).all()
    assert margin[-1] < 1e-4 * margin[0]


def test_the_margin_does_not_depend_on_scale_and_place() -> None:
    samples = torch.stack(pair(4, 1))
    model = stack([patterns.full(4)])
    expected = distinguishability_margin(model, samples[:1])[0]
    torch.testing.assert_close(distinguishability_margin(model, 7 * samples[:1] + 3)[0], expected)
    tokens = samples[0].numpy()
    spread = np.sqrt(((tokens - tokens.mean(0)) ** 2).sum(1).mean())
    least = min(np.linalg.norm(tokens[i] - tokens[j]) for i in range(4) for j in range(i))
    with torch.no_grad():
        model.W_E.copy_(torch.eye(2))
    assert distinguishability_margin(model, samples[:1])[0].item() == pytest.approx(least / spread)


# ---------------------------------------------------------------------------------------------------------- collision


@pytest.mark.parametrize("seed", range(6))
def test_a_difference_arrives_after_as_many_layers_as_hops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = [*patterns.random_directed(6, 0.25, rng, count=5)]
    with_ffn = [block for pattern in layers for block in (pattern, None)]
    for changed in range(6):
        found = first_difference(stack(with_ffn, seed), *pair(6, changed, seed))
        for i in range(6):
            after = [np.eye(6, dtype=bool), *(received(layers[:m]) for m in range(1, 6))]
            arrived = [m for m in range(6) if after[m][i, changed]]
            assert found[i] == (min(arrived) if arrived else NEVER)


def test_one_entry_too_many_in_a_mask_is_seen() -> None:
    window = patterns.window(7, 1)
    leaky = window.copy()
    leaky[0, 6] = True
    prompts = pair(7, 6)
    assert first_difference(stack([window] * 6), *prompts).tolist() == [6, 5, 4, 3, 2, 1, 0]
    assert first_difference(stack([leaky] * 6), *prompts).tolist() == [1, 2, 3, 3, 2, 1, 0]


def test_a_head_that_does_not_look_passes_nothing_on() -> None:
    model = stack([patterns.full(4)] * 3)
    with torch.no_grad():
        for block in model.blocks:
            block.attn.W_V.zero_()
    assert first_difference(model, *pair(4, 2)).tolist() == [NEVER, NEVER, 0, NEVER]


def test_it_works_on_token_ids_too() -> None:
    table, weights = compile_machine(INC)
    prompt = torch.tensor(table.prompt("1011", 6))
    other = prompt.clone()
    other[2] = (other[2] + 1) % table.vocabulary
    # Token 5 reads the oldest token of its window and no other; 3 and 4 have none that is old enough, and read all.
    assert first_difference(queue_transformer(weights, 6), prompt, other).tolist() == [NEVER, NEVER, 0, 1, 1, NEVER]


def test_bad_input_is_refused() -> None:
    model = stack([patterns.full(3)])
    prompt, other = pair(3, 1)
    with pytest.raises(ValueError, match="differ in 0 tokens"):
        first_difference(model, prompt, prompt)
    with pytest.raises(ValueError, match="differ in 3 tokens"):
        first_difference(model, prompt, other + 1)
    with pytest.raises(ValueError, match="cannot be compared"):
        first_difference(model, prompt, other[:2])
    with pytest.raises(ValueError, match="fewer than 2 tokens"):
        distinguishability_margin(model, prompt[None, :1])
    with pytest.raises(ValueError, match="samples give numbers at hook_embed that are not finite"):
        distinguishability_margin(model, torch.stack([prompt, other * torch.nan]))
