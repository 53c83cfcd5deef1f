"""The patching probe is high/high/0 on a planted queue reader, and low on a content lookup, with the margin stated."""

import pytest
import torch
from transformer_lens import patching

from lemmata.probes.patching import altered, dependence_profile, most_likely, queue_dependence
from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.library import BB3, INC, PAL
from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
from lemmata.theory.turing.multiqueue.table import recorded_table
from lemmata.theory.turing.multiqueue.weights import weights_of_rows
from lemmata.theory.turing.mutants.network import WEIGHT_MUTANTS, reposition
from lemmata.toy_models.hooked.base import RelativeTransformer
from lemmata.toy_models.hooked.turing import content_lookup, queue_transformer
from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer
from lemmata.toy_models.turing import QueueReaderConfig, QueueTask, train_queue_reader

WINDOW = 9


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def planted(machine, window=WINDOW, change=lambda weights: weights):
    table, weights = compile_machine(machine)
    tokens, _ = QueueTask(table, window).sample(500, generator(1))
    return queue_transformer(change(weights), window), tokens, table


@pytest.mark.parametrize("machine", [INC, PAL, BB3], ids=lambda machine: machine.name)
@pytest.mark.parametrize("window", [2, WINDOW])
def test_a_planted_queue_reader_depends_on_state_and_oldest_symbol_only(machine, window: int) -> None:
    model, tokens, table = planted(machine, window)
    found = queue_dependence(model, tokens, table.n_symbols, generator())
    # Two states may continue alike (both rotate, or both make the same Turing step): a few in a hundred of the pairs.
    assert found.newest_state > 0.95
    assert found.oldest_symbol == 1
    assert found.other == 0
    assert found.signature > 0.95


def test_a_content_lookup_scores_zero() -> None:
    tokens = torch.rand(500, WINDOW, generator=generator()).argsort(-1)
    found = queue_dependence(content_lookup(WINDOW, WINDOW), tokens, 3, generator())
    # The oldest token matters if it is, or becomes, the partner of the newest: 2/9 at most. Margin 0.7.
    assert found.oldest_symbol < 0.3
    assert found.other > 0.9
    assert found.signature < 0.1


def test_an_oldest_flag_one_token_too_young_loses_the_signature() -> None:
    model, tokens, table = planted(INC, change=lambda weights: reposition(weights, 2, from_window=True))
    assert queue_dependence(model, tokens, table.n_symbols, generator()).signature == 0


def test_values_that_ignore_the_mark_lower_the_symbols_share() -> None:
    model, tokens, table = planted(INC, change=WEIGHT_MUTANTS["ignore_mark"])
    assert queue_dependence(model, tokens, table.n_symbols, generator()).oldest_symbol < 0.9


def test_what_is_altered_is_what_the_token_table_says() -> None:
    model, tokens, table = planted(INC, 5)
    states = torch.randint(table.n_states, (500,), generator=generator(2))
    patched = tokens[:, -1] % table.n_symbols + states * table.n_symbols
    rule = {
        (int(p), int(x)): (int(q), int(b))
        for p, x, q, b in zip(table.state, table.symbol, table.next_state, table.pushed, strict=True)
    }
    read = (tokens[:, 0] % table.n_symbols).tolist()
    expected = [
        rule.get((old, x)) != rule.get((new, x))
        for old, new, x in zip((tokens[:, -1] // table.n_symbols).tolist(), states.tolist(), read, strict=True)
    ]
    assert altered(model, tokens, model.W_E[patched], 0).tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_the_profile_is_that_of_transformer_lens() -> None:
    for model, tokens in (
        planted(INC, 6)[:2],
        (content_lookup(6, 6), torch.rand(100, 6, generator=generator()).argsort(-1)),
    ):
        source = tokens.roll(1, 0)
        before = most_likely(model, tokens)

        def share(logits, before=before):
            newest = logits[:, -1]
            return ((newest == newest.amax(-1, keepdim=True)) != before).any(-1).double().mean()

        theirs = patching.get_act_patch_resid_pre(model, tokens, model.run_with_cache(source)[1], share)
        ours = dependence_profile(model, tokens, source)
        torch.testing.assert_close(ours, theirs[0].flip(0).double(), rtol=0, atol=1e-6)  # theirs is float32


@pytest.mark.parametrize("layers", [1, 2, 12])
def test_the_multiqueue_network_depends_on_its_offsets_and_on_the_newest_token(layers: int) -> None:
    machine = MultiQueueMachine.from_turing(PAL, levels=2, space=9)
    starts = [machine.initial("0110"), machine.initial("010")]
    weights = weights_of_rows(machine.control, machine.layout, recorded_table(machine, starts))
    texts = RecordedTexts.of(machine, starts)
    model = multiqueue_transformer(weights, texts.vocabulary, layers)
    chosen = torch.randperm(len(texts.windows), generator=generator())[:100]
    profile = dependence_profile(model, texts.windows[chosen], texts.windows[chosen.roll(1)])
    assert set(profile.nonzero()[:, 0].tolist()) == {0, *machine.layout.distances}
    assert profile[0] > 0.9


@pytest.mark.parametrize("at", ["oldest state", "newest symbol", "middle"])
def test_a_model_that_reads_one_of_the_other_places_is_seen_to(at: str) -> None:
    """One head at one distance, logits that tell one half of its token: nothing but that half matters."""
    window, n_symbols, n_states = 5, 3, 4
    states = at == "oldest state"
    distance = {"oldest state": window - 1, "newest symbol": 0, "middle": 2}[at]
    model = RelativeTransformer(12, 12, window, d_mlp=None, d_head=12, attention="hardmax")
    token = torch.arange(12)
    half = token // n_symbols if states else token % n_symbols
    attention = model.block(0).attn
    with torch.no_grad():
        model.W_E.copy_(torch.eye(12))
        attention.relative_bias[0, distance] = 1
        attention.W_V[0] = torch.nn.functional.one_hot(half, 12).float()
        attention.W_O[0] = torch.eye(12).roll(12 - (n_states if states else n_symbols), 1)  # apart from the stream
        model.W_U.copy_(torch.eye(12))
        attention.W_O[0] *= 2  # more than the newest token's own embedding
    tokens = torch.randint(12, (200, window), generator=generator())
    found = queue_dependence(model.eval(), tokens, n_symbols, generator())
    assert found == (0, 0, 1)


@pytest.mark.slow
def test_a_trained_reader_has_the_signature_and_one_without_a_bias_has_not() -> None:
    table, _ = compile_machine(INC)
    task, scores = QueueTask(table, 4), []
    for bias in (True, False):
        config = QueueReaderConfig(window=4, d_model=32, d_mlp=96, steps=600, batch=256, relative_bias=bias)
        model = train_queue_reader(task, config, generator(3))
        tokens, _ = task.sample(1_000, generator(4))
        scores.append(queue_dependence(model, tokens, table.n_symbols, generator()).signature)
    assert scores[0] > 0.8
    assert scores[1] < 0.5


def test_bad_input_is_refused() -> None:
    model, tokens, table = planted(INC, 4)
    with pytest.raises(ValueError, match="distance 4 is not in 0 … 3"):
        altered(model, tokens, model.W_E[tokens[:, 0]], 4)
    for n_symbols in (0, 1, 5, 96):
        with pytest.raises(ValueError, match=f"n_symbols {n_symbols} does not split 96 tokens"):
            queue_dependence(model, tokens, n_symbols, generator())
    with pytest.raises(ValueError, match="windows of 1 token"):
        queue_dependence(model, tokens[:, :1], table.n_symbols, generator())
    with pytest.raises(ValueError, match="0 windows; at least 1"):
        queue_dependence(model, tokens[:0], table.n_symbols, generator())
    with pytest.raises(ValueError, match="0 windows; at least 1"):
        dependence_profile(model, tokens[:0], tokens[:0])


@pytest.mark.parametrize("source", [(500, 3), (3, 4)])
def test_a_source_of_another_shape_is_refused(source) -> None:
    model, tokens, _ = planted(INC, 4)
    # A TypeError, with less to say, where annotations are checked at run time.
    with pytest.raises((ValueError, TypeError), match="source"):
        dependence_profile(model, tokens, torch.zeros(source, dtype=torch.long))
