"""Fixed geometric offsets: one on the planted multi-queue network, zero on lookups; drift is the other way round."""

import pytest
import torch

from lemmata.probes.lookup_table import lookup_table
from lemmata.probes.offset_heads import attended_distances, geometric_offsets, offset_drift, offset_heads
from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.library import BB3, COPY, INC, PAL
from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
from lemmata.theory.turing.multiqueue.measure import space_used
from lemmata.theory.turing.multiqueue.mutants import shifted_head
from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
from lemmata.theory.turing.multiqueue.weights import weights_of_rows, weights_of_rules
from lemmata.toy_models.hooked.base import RelativeTransformer
from lemmata.toy_models.hooked.turing import content_lookup, queue_transformer, tape_lookup
from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer
from lemmata.toy_models.turing import QueueTask

MACHINES = [(PAL, "0110", 2), (INC, "10110", 2), (BB3, "", 3)]


def planted(turing, word, levels):
    machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space_used(turing, word, 1_000))
    starts = [machine.initial(word)]
    weights = weights_of_rows(machine.control, machine.layout, recorded_table(machine, starts))
    return machine, weights, RecordedTexts.of(machine, starts)


def permutations(count, window):
    return torch.rand(count, window, generator=torch.Generator().manual_seed(0)).argsort(-1)


@pytest.mark.parametrize("layers", [1, 2, 6])
@pytest.mark.parametrize(("turing", "word", "levels"), MACHINES)
def test_a_planted_network_has_fixed_geometric_heads_that_do_not_drift(turing, word, levels, layers: int) -> None:
    machine, weights, texts = planted(turing, word, levels)
    distances = attended_distances(multiqueue_transformer(weights, texts.vocabulary, layers), texts.windows)
    assert tuple(distances.flatten(0, 1)[:, 0].tolist()) == machine.layout.distances
    assert offset_heads(distances) == (1, 1, machine.layout.base)
    assert offset_drift(distances) == 0


def test_a_head_one_token_off_leaves_the_series() -> None:
    _, weights, texts = planted(PAL, "0110", 2)
    for head in (2, 3, 4, 5):
        model = multiqueue_transformer(shifted_head(weights, head), texts.vocabulary)
        found = offset_heads(attended_distances(model, texts.windows))
        assert found.fixed == 1
        assert found.geometric == pytest.approx(11 / 12)


@pytest.mark.parametrize("heads", [1, 6])
def test_a_content_lookup_has_no_fixed_head(heads: int) -> None:
    distances = attended_distances(content_lookup(12, 12, heads), permutations(300, 12))
    assert offset_heads(distances)[:2] == (0, 0)
    # A partner at a uniformly random one of 11 places: it differs from the one before in 10/11 of the steps.
    assert offset_drift(distances) > 0.8


def test_several_lookup_heads_look_for_successive_tokens() -> None:
    tokens = permutations(50, 7)
    distances = attended_distances(content_lookup(7, 7, 3), tokens)
    for head in range(3):
        found = tokens.flip(-1).gather(1, distances[0, head][:, None])[:, 0]
        assert (found == (tokens[:, -1] + 1 + head) % 7).all()


@pytest.mark.parametrize(("turing", "word"), [(PAL, "01011010"), (COPY, "111"), (BB3, "")])
def test_a_tape_lookup_follows_the_head(turing, word) -> None:
    window = 10
    cells = torch.tensor([step.head for step in turing.run(word, 1_000).steps])
    cells -= cells.min()
    windows = cells.unfold(0, window, 1)
    distances = attended_distances(tape_lookup(int(cells.max()) + 1, window), windows)
    for text, distance in zip(windows.tolist(), distances[0, 0].tolist(), strict=True):
        earlier = [back for back in range(1, window) if text[-1 - back] == text[-1]]
        assert distance == (earlier[0] if earlier else 1)
    assert offset_heads(distances).fixed == 0
    assert offset_drift(distances) > 0.6  # margin 0.6 over the planted network's 0


def test_on_the_way_back_the_distance_of_a_tape_lookup_grows_by_two() -> None:
    windows = torch.tensor([0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0]).unfold(0, 7, 1)
    assert attended_distances(tape_lookup(6, 7), windows)[0, 0].tolist() == [2, 4, 6, 1, 1]


def test_geometric_offsets_are_those_of_the_sheet() -> None:
    assert geometric_offsets(9, 80) == {7, 8, 71, 80}  # PAL at n = 64, k' = 2
    assert geometric_offsets(2, 20) == {0, 1, 3, 7, 15}
    assert geometric_offsets(5, 2) == set()
    for base in (1, 2.5):
        with pytest.raises(
            (ValueError, TypeError), match=f"base {base} is not an integer of at least 2|geometric_offsets"
        ):
            geometric_offsets(base, 10)


def test_arithmetic_offsets_are_not_geometric() -> None:
    for heads in (12, 18):
        distances = torch.arange(heads)[None, :, None].expand(1, -1, 3)
        assert offset_heads(distances).fixed == 1
        assert offset_heads(distances).geometric < 0.4


@pytest.mark.parametrize("attention", ["softmax", "hardmax"])
def test_uniform_attention_looks_at_no_distance(attention) -> None:
    zero = RelativeTransformer(12, 8, 12, d_mlp=None, d_head=4, n_heads=6, n_layers=2, attention=attention)
    for parameter in zero.parameters():
        torch.nn.init.zeros_(parameter)
    distances = attended_distances(zero.eval(), permutations(50, 12))
    assert (distances == -1).all()
    assert offset_heads(distances)[:2] == (0, 0)


def test_a_tie_of_two_distances_is_none_and_the_larger_share_is_one() -> None:
    model = RelativeTransformer(6, 4, 6, d_mlp=None, d_head=4, n_heads=2)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    bias = model.block(0).attn.relative_bias.data
    bias -= 50
    bias[0, [1, 4]] = 0  # a half each
    bias[1, 1], bias[1, 4] = 0, 0.1  # 0.475 and 0.525
    assert attended_distances(model.eval(), permutations(5, 6))[0].tolist() == [[-1] * 5, [4] * 5]


def test_of_several_best_ratios_the_smallest_is_given() -> None:
    one = torch.tensor([[[7, 7]]])  # B − 1 for 8, B^3 − 1 for 2
    assert offset_heads(one) == (1, 1, 2)


def test_one_window_off_is_enough_to_be_not_fixed() -> None:
    distances = torch.tensor([[[3, 3, 3, 3], [3, 3, 4, 3]]])
    assert offset_heads(distances).fixed == 0.5
    assert offset_drift(distances) == pytest.approx(2 / 3)
    for probe in (offset_heads, offset_drift):
        with pytest.raises(ValueError, match="from 1 windows; at least 2"):
            probe(distances[..., :1])


# ------------------------------------------------------------------------------------------------------ lookup tables


@pytest.mark.parametrize(("turing", "word", "levels"), MACHINES)
def test_the_planted_mlp_has_a_unit_for_each_used_row(turing, word, levels) -> None:
    machine, weights, texts = planted(turing, word, levels)
    rows = len(weights.ffn_bias)
    for layers in (1, 2):
        model = multiqueue_transformer(weights, texts.vocabulary, layers)
        assert lookup_table(model, texts.windows, texts.rows) == (rows, rows, 1, 1)
    rules = recorded_rules(machine, [machine.initial(word)])
    model = multiqueue_transformer(weights_of_rules(machine.control, machine.layout, rules), texts.vocabulary)
    found = lookup_table(model, texts.windows, texts.rows)
    assert (found.keys, found.units, found.active) == (rows, len(rules), 1)  # a rule stands for several rows
    assert found.score < 1


def test_the_one_queue_network_has_a_unit_for_each_transition() -> None:
    table, weights = compile_machine(INC)
    tokens, _ = QueueTask(table, 6).sample(1_000, torch.Generator().manual_seed(0))
    pairs = tokens[:, -1] // 6 * 6 + tokens[:, 0] % 6
    assert lookup_table(queue_transformer(weights, 6), tokens, pairs) == (57, 57, 1, 1)
    assert lookup_table(queue_transformer(weights, 6), tokens, tokens[:, -1] // 6).score < 0.2  # not by state alone
    random = RelativeTransformer(table.vocabulary, 32, 6, d_mlp=96, d_head=32)
    random.init_weights(torch.Generator().manual_seed(1))
    found = lookup_table(random.eval(), tokens, pairs)
    assert found.score == 0  # about half of all units are active: margin 1
    assert found.active > 20


def test_a_model_without_an_mlp_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 0 has no MLP"):
        lookup_table(content_lookup(4, 4), torch.zeros(2, 4, dtype=torch.long), torch.zeros(2, dtype=torch.long), 0)
    model = content_lookup(4, 4)
    with pytest.raises(ValueError, match="0 windows; at least 1"):
        lookup_table(model, torch.zeros(0, 4, dtype=torch.long), torch.zeros(0, dtype=torch.long), 0)


def test_a_key_with_a_second_unit_that_is_active_now_and_then_has_no_unit_of_its_own() -> None:
    model = RelativeTransformer(4, 4, 2, d_mlp=4, d_head=4)
    with torch.no_grad():
        model.W_E.copy_(torch.eye(4))
        mlp = model.block(0).mlp
        mlp.W_in[0, 0] = mlp.W_in[1, 0] = 1  # tokens 0 and 1 are one key, with unit 0 ...
        mlp.W_in[1, 1] = 1  # ... and in the case of token 1 another
        mlp.W_in[2, 2] = 1
    tokens = torch.tensor([[3, 0], [3, 1], [3, 2]])
    assert lookup_table(model.eval(), tokens, torch.tensor([0, 0, 1])) == (2, 3, pytest.approx(4 / 3), 0.5)
