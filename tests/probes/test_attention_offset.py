"""The offset probes are high on a planted queue reader and low on a content lookup, with the margin stated."""

import pytest
import torch

from lemmata.probes.attention_offset import newest_pattern, read_mass, relative_offset_score
from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.library import BB3, INC
from lemmata.toy_models.hooked.turing import content_lookup, queue_transformer

WINDOW = 9


@pytest.fixture
def permutations():
    return torch.rand(500, WINDOW, generator=torch.Generator().manual_seed(0)).argsort(-1)


@pytest.mark.parametrize("machine", [INC, BB3], ids=lambda m: m.name)
def test_a_planted_queue_reader_scores_one(machine) -> None:
    table, weights = compile_machine(machine)
    tokens = torch.randint(table.vocabulary, (200, WINDOW), generator=torch.Generator().manual_seed(1))
    model = queue_transformer(weights, WINDOW)
    assert relative_offset_score(model, tokens) == pytest.approx(1, abs=1e-12)
    assert read_mass(model, tokens, WINDOW - 1) == 1
    assert read_mass(model, tokens, 0) == 0


def test_a_content_lookup_scores_like_chance(permutations) -> None:
    model = content_lookup(WINDOW, WINDOW)
    # One place in WINDOW, uniformly random: 1/9 = 0.111, with a sampling error below 0.02 at 500 windows. Margin 0.8.
    assert relative_offset_score(model, permutations) < 0.2
    assert read_mass(model, permutations, WINDOW - 1) < 0.2


def test_the_lookup_finds_the_partner_of_each_token(permutations) -> None:
    pattern = newest_pattern(content_lookup(WINDOW, WINDOW), permutations).flip(-1)
    partner = (permutations[:, -1] + 1) % WINDOW
    assert (permutations.gather(1, pattern.argmax(-1, keepdim=True))[:, 0] == partner).all()


def test_layers_and_heads_are_told_apart() -> None:
    from lemmata.toy_models.hooked.base import RelativeTransformer

    model = RelativeTransformer(4, 4, 5, d_mlp=None, d_head=2, n_heads=2, n_layers=2, attention="hardmax").eval()
    with torch.no_grad():
        for layer in range(2):
            for head in range(2):
                model.block(layer).attn.relative_bias[head, 2 * layer + head] = 1
    tokens = torch.randint(4, (10, 5), generator=torch.Generator().manual_seed(0))
    for layer in range(2):
        for head in range(2):
            masses = [read_mass(model, tokens, distance, layer, head) for distance in range(5)]
            assert masses == [float(distance == 2 * layer + head) for distance in range(5)]


def test_the_scores_are_means_over_windows() -> None:
    from lemmata.toy_models.hooked.base import HookedModel

    class Fixed(HookedModel):
        """Attention to distance 0 in three windows and to distance 1 in the fourth."""

        def run_with_cache(self, tokens, names_filter):
            pattern = torch.zeros(4, 1, 2, 2)
            pattern[:3, 0, 1, 1] = 1
            pattern[3, 0, 1, 0] = 1
            return None, {names_filter: pattern}

    tokens = torch.zeros(4, 2, dtype=torch.long)
    assert relative_offset_score(Fixed(), tokens) == pytest.approx(1 - (3 * 0.25 + 0.75) / 4)


def test_a_uniform_head_has_offset_score_one_and_mass_one_over_window() -> None:
    table, weights = compile_machine(INC)
    model = queue_transformer(weights, WINDOW, attention="softmax")
    with torch.no_grad():
        model.blocks[0].attn.relative_bias.zero_()
    tokens = torch.randint(table.vocabulary, (50, WINDOW), generator=torch.Generator().manual_seed(2))
    assert relative_offset_score(model, tokens) == pytest.approx(1, abs=1e-6)  # float32 softmax
    assert read_mass(model, tokens, WINDOW - 1) == pytest.approx(1 / WINDOW, abs=1e-6)


def test_bad_input_is_refused() -> None:
    model = content_lookup(WINDOW, WINDOW)
    with pytest.raises(ValueError, match="fewer than 2"):
        relative_offset_score(model, torch.zeros(1, WINDOW, dtype=torch.long))
    with pytest.raises(ValueError, match="distance 9 is not in 0 … 8"):
        read_mass(model, torch.zeros(2, WINDOW, dtype=torch.long), WINDOW)
