"""The layer of the paper: against a loop over inputs, its gating variants and its counts."""

import numpy as np
import pytest
import torch

from lemmata.theory.moe_expressivity.atlas import (
    circle_atlas,
    inverse_lipschitz_bound,
)
from lemmata.theory.moe_expressivity.fits import interpolate
from lemmata.theory.moe_expressivity.layer import MoE, MoELayer, active_parameters, layer_parameters
from lemmata.theory.moe_expressivity.manifolds import (
    curve,
    isometry,
)
from lemmata.theory.moe_expressivity.rates import rate

GATINGS = ("selected", "switch", "soft")


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by_hand(layer: MoELayer, x: np.ndarray) -> np.ndarray:
    """The layer's definition for one input, in numpy."""
    scores = layer.gate.numpy() @ x + (0 if layer.gate_bias is None else layer.gate_bias.numpy())
    everything = np.exp(scores - scores.max())
    everything /= everything.sum()
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    chosen = order if layer.gating == "soft" else order[: layer.top_k]
    weights = everything[chosen]
    if layer.gating == "selected":
        weights = weights / weights.sum()
    total = np.zeros(layer.experts.widths[-1])
    for weight, expert in zip(weights, chosen, strict=True):
        state = x
        for number, (w, b) in enumerate(zip(layer.experts.weights, layer.experts.biases, strict=True)):
            state = (np.maximum(state, 0) if number else state) @ w[expert].numpy() + b[expert].numpy()
        total += weight * state
    return total


@pytest.mark.parametrize("gating", GATINGS)
@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("widths", [(5, 7, 2), (5, 6, 4, 3)])
@pytest.mark.parametrize("gate_bias", [False, True])
def test_the_layer_computes_its_definition(gating, top_k: int, widths: tuple[int, ...], gate_bias: bool) -> None:
    generator = seeded(1)
    layer = MoELayer(4, widths, top_k=top_k, gating=gating, gate_bias=gate_bias, generator=generator)
    x = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    expected = np.array([by_hand(layer, row) for row in x.numpy()])
    for layer.dispatch in ("sparse", "dense"):
        np.testing.assert_allclose(layer(x), expected, atol=1e-13)
    running = 4 if gating == "soft" else top_k
    assert (
        layer.total_parameters == sum(p.numel() for p in layer.parameters()) == layer_parameters(4, widths, gate_bias)
    )
    assert layer.active_parameters == active_parameters(4, widths, gate_bias, running)


def test_ties_go_to_the_lowest_index() -> None:
    layer = MoELayer(5, (2, 3, 1), top_k=2, generator=seeded(2))
    layer.gate.data[:] = torch.tensor([[0.0, 1], [1, 0], [0, 1], [1, 0], [1, 0]])
    x = torch.tensor([[1.0, 1], [2, 1], [1, 2]], dtype=torch.float64)
    assert layer.chosen(layer.scores(x)).tolist() == [[0, 1], [1, 3], [0, 2]]
    assert layer.route(x).tolist() == [0, 1, 0]


def test_the_selected_weight_of_one_expert_is_one_and_its_gate_has_no_gradient() -> None:
    with torch.enable_grad():
        for gating, moves in (("selected", False), ("switch", True)):
            layer = MoELayer(3, (2, 4, 1), gating=gating, generator=seeded(3))
            layer(torch.ones(5, 2, dtype=torch.float64)).sum().backward()
            assert bool((layer.gate.grad != 0).any()) == moves


def test_a_stack_routes_its_own_states() -> None:
    generator = seeded(4)
    layers = [MoELayer(3, widths, generator=generator) for widths in ((4, 6, 5), (5, 6, 2))]
    network, x = MoE(layers), torch.randn(40, 4, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(network(x), layers[1](layers[0](x)))
    assert (network.paths(x) == torch.stack([layers[0].route(x), layers[1].route(layers[0](x))], 1)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MoELayer(0, (2, 3)), "experts 0 is not at least 1"),
        (lambda: MoELayer(2, (2,)), r"widths \(2,\) are not two or more"),
        (lambda: MoELayer(2, (2, 3, 1), top_k=3), "top_k 3 is not from 1 to 2"),
        (lambda: MoELayer(2, (2, 3, 1), gating="hard"), "gating 'hard' is not one of selected, switch, soft"),
        (lambda: MoE([MoELayer(2, (2, 3, 4)), MoELayer(2, (5, 3, 1))]), "layer 2 takes 5 numbers, not the 4"),
        (lambda: circle_atlas(1), "charts 1 is not a whole number from 2 on"),
        (lambda: isometry(4, 3, seeded(0)), "ambient dimension 3 is below 4"),
        (lambda: curve(torch.zeros(2).double(), 5, 1.0), "ambient dimension 5 is not an even number"),
        (lambda: interpolate(torch.tensor([0.0, 0]).double(), torch.zeros(2).double()), "knots are not two or more"),
        (lambda: inverse_lipschitz_bound(0.8), "ratio 0.8 of radius to reach"),
        (lambda: rate(np.array([1.0, 2]), np.ones((1, 2))), "are not three or more"),
        (lambda: rate(np.array([1.0, 2, 3]), np.zeros((1, 3))), "not all positive"),
    ],
)
def test_bad_input_is_named(make, message: str) -> None:
    error = Exception if "gating" in message else ValueError  # a shape checker may refuse the literal first
    with pytest.raises(error, match=None if error is Exception else message):
        make()
