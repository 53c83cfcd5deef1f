"""The hooked multi-queue network: logits of the literal decoder, one generation for every split into layers, hooks."""

import numpy as np
import pytest
import torch
from transformer_lens import ActivationCache

from lemmata.theory.turing.library import BB3, INC, PAL
from lemmata.theory.turing.multiqueue import mutants
from lemmata.theory.turing.multiqueue.decode import embed, encode, factor_logits, next_token
from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
from lemmata.theory.turing.multiqueue.measure import space_used
from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
from lemmata.theory.turing.multiqueue.weights import weights_of_rows, weights_of_rules
from lemmata.toy_models.hooked.base import greedy
from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer


def compiled(turing, words, levels):
    space = max(space_used(turing, word, 1_000) for word in words)
    machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space)
    starts = [machine.initial(word) for word in words]
    weights = (
        weights_of_rules(machine.control, machine.layout, recorded_rules(machine, starts)),
        weights_of_rows(machine.control, machine.layout, recorded_table(machine, starts)),
    )
    return machine, starts, weights, RecordedTexts.of(machine, starts)


def divisors(number):
    return [layers for layers in range(1, number + 1) if number % layers == 0]


@pytest.mark.parametrize(("turing", "words", "levels"), [(INC, ["1", "11"], 1), (BB3, [""], 2), (PAL, ["0110"], 3)])
def test_logits_are_the_literal_decoders_in_every_number_of_layers(turing, words, levels) -> None:
    _, _, both, texts = compiled(turing, words, levels)
    for correct in both:
        tokens = encode(correct, texts.vocabulary)
        stream = embed(correct, tokens[texts.windows.numpy()].reshape(-1, tokens.shape[1]))
        stream = stream.reshape(*texts.windows.shape, -1)
        for weights in (correct, mutants.flipped_unit(correct, 3), mutants.shifted_head(correct, 1)):
            symbols, states = factor_logits(weights, stream)
            at = tokens[:, :-1] + np.asarray(weights.blocks.starts)
            expected = symbols[:, at].sum(-1, dtype=int) + states[:, tokens[:, -1]]
            for layers in divisors(6 * levels):
                model = multiqueue_transformer(weights, texts.vocabulary, layers)
                logits = model(texts.windows, newest_only=True)[:, -1].detach()
                # integers below 100 are exact in float32
                np.testing.assert_array_equal(logits.numpy(), expected)


def test_many_windows_at_once_are_the_windows_one_by_one() -> None:
    _, _, (weights, _), texts = compiled(INC, ["11"], 2)
    tokens = encode(weights, texts.vocabulary)
    for window, following in zip(texts.windows[::7], texts.following[::7], strict=True):
        made = next_token(weights, embed(weights, tokens[window.numpy()]))
        assert made.tolist() == tokens[following].tolist()


@pytest.mark.parametrize(("turing", "word", "levels"), [(INC, "101", 1), (PAL, "0110", 2), (BB3, "", 3)])
def test_every_number_of_layers_that_divides_the_queues_generates_the_same(turing, word, levels) -> None:
    machine, starts, (weights, _), texts = compiled(turing, [word], levels)
    wanted = [(step.pushes, step.after) for step in machine.steps(starts[0])]
    for layers in divisors(6 * levels):
        model = multiqueue_transformer(weights, texts.vocabulary, layers)
        assert model.cfg.n_layers * model.cfg.n_heads == 6 * levels
        made = greedy(model, texts.windows[0], len(wanted))
        assert [texts.vocabulary[token] for token in made] == wanted


def test_the_right_token_leads_by_one_and_scores_one_for_each_factor() -> None:
    _, _, both, texts = compiled(PAL, ["010"], 2)
    for weights in both:
        logits = multiqueue_transformer(weights, texts.vocabulary)(texts.windows, newest_only=True)[:, -1]
        top = logits.topk(2, -1)
        assert (top.indices[:, 0] == texts.following).all()
        assert set(top.values[:, 0].tolist()) == {13}
        assert top.values[:, 1].max() <= 12


def test_texts_number_tokens_windows_and_rows() -> None:
    machine, starts, _, texts = compiled(INC, ["1", "0", "1"], 1)
    first, second, third = texts.starts
    assert first == 0
    assert torch.equal(texts.windows[:second], texts.windows[third:])  # the same word again
    assert torch.equal(texts.windows[1:second, -1], texts.following[: second - 1])
    used = {}
    for window, row in zip(texts.windows.tolist(), texts.rows.tolist(), strict=True):
        fronts = tuple(texts.vocabulary[window[-size]][0][track] for track, size in enumerate(machine.layout.sizes))
        used.setdefault((texts.vocabulary[window[-1]][1], fronts), row)
    assert list(used) == list(recorded_table(machine, starts).rows)
    assert list(used.values()) == list(range(len(used)))


@pytest.mark.parametrize("layers", [1, 3])
def test_transformer_lens_caches_hooks_and_patches_it(layers: int) -> None:
    machine, _, (weights, _), texts = compiled(INC, ["11"], 2)
    model = multiqueue_transformer(weights, texts.vocabulary, layers)
    logits, cache = model.run_with_cache(texts.windows)
    assert isinstance(cache, ActivationCache)
    per_layer = 12 // layers
    for queue, size in enumerate(machine.layout.sizes):
        layer, head = divmod(queue, per_layer)
        newest = cache["pattern", layer][:, head, -1]
        assert (newest[:, -size] == 1).all()
        assert (newest.sum(-1) == 1).all()
    active = cache["post", layers - 1][:, -1]
    assert (active.sum(-1) == 1).all()
    for layer in range(layers - 1):
        assert not cache["mlp_out", layer].any()

    def read_the_newest(pattern, hook):
        pattern[:, :, -1] = 0
        pattern[:, :, -1, -1] = 1
        return pattern

    patched = model.run_with_hooks(texts.windows, fwd_hooks=[("blocks.0.attn.hook_pattern", read_the_newest)])
    for queue in range(per_layer):
        weights = mutants.shifted_head(weights, queue, -weights.distances[queue])
    expected = multiqueue_transformer(weights, texts.vocabulary, layers)(texts.windows)
    assert torch.equal(patched[:, -1], expected[:, -1])
    assert not torch.equal(patched[:, -1], logits[:, -1])


def test_what_cannot_be_exported_is_named() -> None:
    machine, starts, (weights, _), texts = compiled(INC, ["1"], 1)
    with pytest.raises(ValueError, match="layers 4 does not divide the number of queues, K = 6"):
        multiqueue_transformer(weights, texts.vocabulary, 4)
    with pytest.raises(ValueError, match="layers 0"):
        multiqueue_transformer(weights, texts.vocabulary, 0)
    with pytest.raises(ValueError, match="names a token twice"):
        multiqueue_transformer(weights, texts.vocabulary * 2)
    with pytest.raises(ValueError, match="vocabulary of 0 tokens"):
        multiqueue_transformer(weights, ())
    codes, state = texts.vocabulary[0]
    with pytest.raises(ValueError, match="is not among the"):
        multiqueue_transformer(weights, [(codes, state._replace(state=7))])
    with pytest.raises(ValueError, match="no step in any of the runs"):
        RecordedTexts.of(machine, starts, max_steps=0)
    with pytest.raises(ValueError, match="prompt of 0 tokens"):
        greedy(multiqueue_transformer(weights, texts.vocabulary), torch.zeros(0, dtype=torch.long), 1)
