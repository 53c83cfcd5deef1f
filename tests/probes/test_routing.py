"""Routing probes are at their best on the deep construction and far from it on random routers; margins stated."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from lemmata.probes.routing import (
    composition_score,
    entropy,
    expert_overlap,
    mutual_information,
    routing,
    routing_information,
    swap_effect,
    swap_interaction,
    swap_locality,
    swapped,
    visited_paths,
)
from lemmata.theory.moe_expressivity.deep import cubes, zigzag
from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.mutants.pieces import read_neighbour
from lemmata.toy_models.hooked.moe_expressivity import deep_mixture, memorising_mixture, random_router

SIZES = [(3, 2), (2, 4), (4, 3)]


def balanced(experts: int, blocks: int, repeats: int, seed: int = 0):
    """Inputs with equally many points in each of the E^L cells, and the cells."""
    axis = [torch.arange(experts)] * blocks
    cells = torch.cartesian_prod(*axis).repeat(repeats, 1)
    inside = torch.rand(cells.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return cells + 0.001 + 0.998 * inside, cells


@pytest.mark.parametrize("size", SIZES)
def test_the_construction_routes_each_layer_by_its_own_coordinate(size: tuple[int, int]) -> None:
    experts, blocks = size
    inputs, cells = balanced(experts, blocks, 10)
    paths = routing(deep_mixture(cubes(*size)), inputs)
    information = routing_information(paths, cells)
    expected = torch.zeros(2 * blocks, blocks, dtype=torch.float64)
    expected[1::2] = math.log(experts) * torch.eye(blocks, dtype=torch.float64)
    torch.testing.assert_close(information, expected, rtol=0, atol=1e-12)
    assert visited_paths(paths) == experts**blocks
    assert composition_score(paths, cells) == pytest.approx(1, abs=1e-12)
    for layer in range(blocks):
        assert expert_overlap(paths[:, 2 * layer + 1], cells[:, layer]) == 0
        assert expert_overlap(paths[:, 2 * layer + 1], cells[:, layer - 1]) == pytest.approx(1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_a_random_router_scores_low(size: tuple[int, int], seed: int) -> None:
    experts, blocks = size
    inputs, cells = balanced(experts, blocks, 6000 // experts**blocks)
    model = random_router(cubes(*size), torch.Generator().manual_seed(seed))
    paths = routing(model, inputs)
    # over six seeds and these sizes: score 0.11 to 0.62 against 1, overlap from 0.16 against 0
    assert composition_score(paths, cells) < 0.75
    assert expert_overlap(paths[:, 1], cells[:, 0]) > 0.05
    generator = torch.Generator().manual_seed(0)
    locality = [swap_locality(model, inputs, 2 * layer + 1, 0, layer, generator) for layer in range(blocks)]
    assert sum(locality) / blocks < 0.75  # 0.15 to 0.66, against 1
    assert swap_interaction(model, inputs, (1, 0), (3, 1)) > 1  # from 8, against 1e-14


@pytest.mark.parametrize("size", SIZES)
def test_swaps_in_the_construction_are_local_and_do_not_interact(size: tuple[int, int]) -> None:
    experts, blocks = size
    inputs, cells = balanced(experts, blocks, 20)
    model = deep_mixture(cubes(*size))
    slopes, offsets = (torch.from_numpy(array) for array in zigzag(*size))
    generator = torch.Generator().manual_seed(0)
    for layer in range(blocks):
        x, cell = inputs[:, layer], cells[:, layer]
        for expert in range(experts):
            effect = swap_effect(model, inputs, 2 * layer + 1, expert)[:, 0]
            own = slopes[layer, cell] * x + offsets[layer, cell]
            expected = slopes[layer, expert] * x + offsets[layer, expert] - own
            torch.testing.assert_close(effect, expected, rtol=0, atol=1e-12)
        assert swap_locality(model, inputs, 2 * layer + 1, 0, layer, generator) == pytest.approx(1, abs=1e-12)
        assert swap_locality(model, inputs, 2 * layer + 1, 0, layer - 1, generator) < 0.2
    assert swap_interaction(model, inputs, (1, 0), (3, 1)) < 1e-12  # float64 sums of numbers below 100


def test_a_gate_that_reads_the_neighbour_is_seen() -> None:
    inputs, cells = balanced(3, 2, 20)
    model = deep_mixture(read_neighbour(cubes(3, 2)))
    paths = routing(model, inputs)
    information = routing_information(paths, cells)
    assert information[1].tolist() == pytest.approx([0, math.log(3)], abs=1e-12)
    assert visited_paths(paths) == 3


def test_information_and_entropy_are_those_of_the_table() -> None:
    first = torch.tensor([0, 0, 1, 1, 2, 2, 2, 2])
    second = torch.tensor([0, 1, 0, 1, 0, 0, 1, 1])
    assert entropy(first) == pytest.approx(1.5 * math.log(2))
    assert mutual_information(first, second) == pytest.approx(0, abs=1e-15)
    assert mutual_information(first, first) == pytest.approx(entropy(first))
    assert mutual_information(first, (first > 1).long()) == pytest.approx(math.log(2))


def test_a_choice_by_two_coordinates_is_half_explained_by_one() -> None:
    cells = torch.cartesian_prod(torch.arange(2), torch.arange(2)).repeat(3, 1)
    joint = (2 * cells[:, 0] + cells[:, 1])[:, None]
    assert composition_score(joint, cells) == pytest.approx(0.5)
    constant = torch.zeros_like(joint)  # a layer that does not route does not count
    assert composition_score(torch.cat([joint, constant, cells[:, :1]], 1), cells) == pytest.approx(0.75)


def test_overlap_is_the_common_mass() -> None:
    choice, cell = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 1, 0, 1])
    assert expert_overlap(choice, cell) == pytest.approx(0.5 + 0.25)
    with pytest.raises(ValueError, match="has 1 expert"):
        expert_overlap(torch.zeros(3, dtype=torch.long), torch.arange(3))


def test_no_swap_is_the_model_and_a_swap_to_the_chosen_expert_changes_nothing() -> None:
    model = deep_mixture(cubes(3, 2))
    inputs, cells = balanced(3, 2, 3)
    with torch.no_grad():
        assert torch.equal(swapped(model, inputs, []), model(inputs))
    first = inputs[cells[:, 0] == 1]
    assert swap_effect(model, first, 1, 1).abs().max() == 0


def test_locality_is_the_share_of_the_variance() -> None:
    # Two blocks with one routed layer in front: expert 2 adds 2 x_1 + x_2, so that x_1 explains 4/5 of the variance.
    identity = np.concatenate([np.eye(2, 3, dtype=np.int64), np.zeros((1, 3), np.int64)])
    out = np.zeros((2, 1, 4), np.int64)
    out[1, 0, :2] = 2, 1
    layer = ExactLayer(np.array([[0, 0, 1], [0, 0, 0]]), (Affine(np.stack([identity] * 2)), Affine(out)))
    inlet, readout = Affine(np.eye(2, 3, dtype=np.int64)[None]), Affine(np.array([[[1, 0]]]))
    model = deep_mixture(ExactMoE((layer,), inlet, readout, (Fraction(0),) * 2, (Fraction(1),) * 2))
    inputs = torch.rand(40_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # sampling error about 1/sqrt(40,000)
    for coordinate, share in ((0, 0.8), (1, 0.2)):
        found = swap_locality(model, inputs, 0, 1, coordinate, torch.Generator().manual_seed(1))
        assert found == pytest.approx(share, abs=0.02)


def test_where_nothing_routes_or_varies_there_is_no_score() -> None:
    model = deep_mixture(cubes(1, 2))
    inputs, cells = balanced(1, 2, 5)
    with pytest.raises(ValueError, match="no routing to explain"):
        composition_score(routing(model, inputs), cells)
    with pytest.raises(ValueError, match="nothing varies"):
        swap_locality(model, inputs, 1, 0, 0, torch.Generator().manual_seed(0))


def test_overlap_is_the_mean_over_pairs() -> None:
    choice, cell = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 0, 0, 1, 1, 1])
    assert expert_overlap(choice, cell) == pytest.approx((0.5 + 0 + 0.5) / 3)


@pytest.mark.parametrize("size", [(3, 2), (2, 3), (4, 2)])
def test_a_memorising_mixture_scores_one_over_the_number_of_coordinates(size: tuple[int, int]) -> None:
    """Its one layer has one expert a joint cell: of log E^L nats a coordinate explains log E."""
    experts, blocks = size
    model = memorising_mixture(experts, blocks)
    inputs, cells = balanced(experts, blocks, 4)
    paths = routing(model, inputs)
    assert visited_paths(paths) == experts**blocks
    assert composition_score(paths, cells) == pytest.approx(1 / blocks)
    number = (cells * experts ** torch.arange(blocks - 1, -1, -1)).sum(1)
    assert model(inputs)[:, 0].tolist() == number.tolist()


def test_wrong_layers_experts_and_lengths_are_named() -> None:
    model, inputs = deep_mixture(cubes(3, 2)), torch.ones(2, 2, dtype=torch.float64)
    for swap, message in (((4, 0), "layer 4 is not one of 0 to 3"), ((1, 3), "expert 3 is not one of 0 to 2 of")):
        with pytest.raises(ValueError, match=message):
            swapped(model, inputs, [swap])
    with pytest.raises(Exception, match=r"3 labels and second 2|batch"):
        mutual_information(torch.zeros(3, dtype=torch.long), torch.zeros(2, dtype=torch.long))
