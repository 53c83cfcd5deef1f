"""Exported and trained models: the export computes the decoder's logits, the data is the task, training learns it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformer_lens import ActivationCache

from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.decode import forward
from lemmata.theory.turing.library import BB3, INC
from lemmata.theory.turing.mutants.network import WEIGHT_MUTANTS, reposition
from lemmata.toy_models.hooked.turing import content_lookup, queue_transformer
from lemmata.toy_models.turing import QueueReaderConfig, QueueTask, accuracy, extend_window, train_queue_reader


@pytest.mark.parametrize("mutant", WEIGHT_MUTANTS)
@pytest.mark.parametrize("window", [2, 7])
def test_the_export_computes_the_logits_of_the_literal_decoder(mutant: str, window: int) -> None:
    table, weights = compile_machine(INC)
    weights = WEIGHT_MUTANTS[mutant](weights)
    tokens = np.random.default_rng(window).integers(table.vocabulary, size=(300, window))
    expected = forward(weights, tokens, "int64")
    logits = queue_transformer(weights, window)(torch.from_numpy(tokens))[:, -1]
    # float32 sums of at most a hundred small integers over the number of tied keys
    np.testing.assert_allclose(logits.detach(), expected.logits / expected.tied_keys[:, None], atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_export_is_exact_for_random_weights_that_it_accepts(seed: int) -> None:
    _, weights = compile_machine(BB3)
    rng = np.random.default_rng(seed)
    random = {name: rng.integers(-1, 2, array.shape).astype(np.int8) for name, array in weights.arrays().items()}
    position = [name for name in random if name.startswith("position")]
    flags = np.flatnonzero(weights.position_current | weights.position_oldest)
    content = np.setdiff1d(np.arange(len(weights.position_other)), flags)
    for name in position:
        random[name][content] = 0
    random["query"][content] = 0  # queries read flags only, and values content only; all else is random
    random["value"][flags] = 0
    random["embedding"][:, flags] = 0
    changed = replace(weights, **random)
    tokens = rng.integers(60, size=(100, 6))
    expected = forward(changed, tokens, "int64")
    logits = queue_transformer(changed, 6)(torch.from_numpy(tokens))[:, -1].detach()
    # float32: sums of some hundred integers below 10^5
    np.testing.assert_allclose(logits, expected.logits / expected.tied_keys[:, None], rtol=1e-4, atol=0.05)


def test_one_query_is_the_last_of_all_queries() -> None:
    table, weights = compile_machine(BB3)
    model = queue_transformer(weights, 5)
    tokens = torch.randint(table.vocabulary, (20, 9), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model(tokens, newest_only=True)[:, 0], model(tokens)[:, -1])
    torch.testing.assert_close(model(tokens)[:, 6], model(tokens[:, 2:7])[:, -1])  # a window of 5 and nothing else


def test_transformer_lens_caches_hooks_and_patches_it() -> None:
    table, weights = compile_machine(INC)
    model = queue_transformer(weights, 6)
    prompt = torch.tensor([table.prompt("1011", 6)])
    logits, cache = model.run_with_cache(prompt)
    assert isinstance(cache, ActivationCache)
    assert cache["pattern", 0].shape == (1, 1, 6, 6)
    assert cache["pattern", 0][0, 0, -1].tolist() == [1, 0, 0, 0, 0, 0]
    for name in (
        "hook_resid_pre",
        "hook_resid_mid",
        "hook_resid_post",
        "hook_attn_out",
        "hook_mlp_out",
        "mlp.hook_post",
    ):
        assert f"blocks.0.{name}" in cache

    def read_the_newest(pattern, hook):
        return torch.zeros_like(pattern).index_fill_(-1, torch.tensor([5]), 1.0)

    patched = model.run_with_hooks(prompt, fwd_hooks=[("blocks.0.attn.hook_pattern", read_the_newest)])
    assert table.show(int(logits[0, -1].argmax())) == "# run(r,1)"
    assert int(patched[0, -1].argmax()) != int(logits[0, -1].argmax())


def test_weights_that_a_relative_bias_cannot_express_are_refused() -> None:
    _, weights = compile_machine(BB3)
    query = weights.query.copy()
    query[0] = 1
    with pytest.raises(ValueError, match="query reads token content"):
        queue_transformer(replace(weights, query=query), 4)
    value = weights.value.copy()
    value[weights.position_oldest.argmax(), 0] = 1
    with pytest.raises(ValueError, match="value reads positions"):
        queue_transformer(replace(weights, value=value), 4)
    assert queue_transformer(reposition(weights, 2, from_window=True), 4).cfg.n_ctx == 4


def test_labels_are_what_the_literal_decoder_generates() -> None:
    table, weights = compile_machine(INC)
    task = QueueTask(table, 5)
    tokens, label = task.sample(2_000, torch.Generator().manual_seed(0))
    assert (forward(weights, tokens.numpy()).tokens == label.numpy()).all()
    assert (label >= 0).all()
    rows = {(int(t[-1]) // 6, int(t[0]) % 6) for t in tokens}
    assert len(rows) == len(table.state)  # every transition occurs


def test_training_is_reproducible_and_learns_a_small_queue() -> None:
    table, _ = compile_machine(INC)
    task = QueueTask(table, 4)
    config = QueueReaderConfig(window=4, d_model=32, d_mlp=96, steps=600, batch=256)
    models = [train_queue_reader(task, config, torch.Generator().manual_seed(3)) for _ in range(2)]
    for first, second in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(first, second)
    test = task.sample(2_000, torch.Generator().manual_seed(4))
    assert accuracy(models[0], *test) > 0.99
    blind = train_queue_reader(task, replace(config, relative_bias=False), torch.Generator().manual_seed(3))
    assert accuracy(blind, *test) < 0.7


def test_an_extended_window_keeps_the_mass_of_the_oldest_token() -> None:
    table, weights = compile_machine(INC)
    model = queue_transformer(weights, 5, attention="softmax")
    for window in (9, 40):
        longer = extend_window(model, window)
        tokens = torch.randint(table.vocabulary, (1, window), generator=torch.Generator().manual_seed(0))
        short = model.run_with_cache(tokens[:, -5:])[1]["pattern", 0][0, 0, -1, 0]
        long = longer.run_with_cache(tokens)[1]["pattern", 0][0, 0, -1, 0]
        # e^b / (e^b + 4) in both: all other distances have bias 0
        torch.testing.assert_close(long, short)
    with pytest.raises(ValueError, match="window 5 is not larger than 5"):
        extend_window(model, 5)


def test_a_model_without_an_mlp_has_none_and_its_hook_sees_zeros() -> None:
    model = content_lookup(5, 4)
    assert not [name for name, _ in model.named_parameters() if "mlp" in name]
    _, cache = model.run_with_cache(torch.tensor([[0, 1, 2, 3]]))
    assert not cache["blocks.0.hook_mlp_out"].any()
