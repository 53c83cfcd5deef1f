"""Trained and exported mixtures: replicas are the layers of theory, the export computes the construction exactly."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from transformer_lens import ActivationCache

from lemmata.theory.moe_expressivity.deep import cubes, digits
from lemmata.theory.moe_expressivity.mutants.pieces import CUBE_MUTANTS
from lemmata.toy_models.hooked.moe_expressivity import deep_mixture, random_router
from lemmata.toy_models.moe_expressivity.pieces import (
    PiecesConfig,
    ReplicatedMoE,
    grid_error,
    target,
    train_pieces,
)

SMALL = PiecesConfig(width=8, steps=150, batch=64, replicas=3)


@pytest.mark.parametrize(
    ("width", "deep", "shallow"), [(16, 459, 408), (32, 891, 792), (64, 1755, 1560), (128, 3483, 3096)]
)
def test_both_mixtures_have_the_tabulated_number_of_parameters(width: int, deep: int, shallow: int) -> None:
    assert PiecesConfig(width=width).parameters == deep
    config = PiecesConfig(depth=1, experts=6, width=width)
    assert config.parameters == shallow
    model = ReplicatedMoE(config, torch.Generator().manual_seed(0))
    assert sum(tensor.numel() for tensor in model.parameters()) == config.replicas * shallow


def test_the_target_is_the_sum_of_the_polynomials() -> None:
    x = torch.tensor([[0.5, 1.5], [2.25, 0.0], [3.0, 1.0], [1.25, 2.5]], dtype=torch.float64)
    bump = {0.5: 1 / 16, 1.5: 2 / 16, 2.25: 3 * (0.25 * 0.75) ** 2, 1.25: 2 * (0.25 * 0.75) ** 2, 2.5: 3 / 16}
    expected = [sum(bump.get(z, 0.0) for z in pair) for pair in x.tolist()]
    assert target(x).tolist() == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("gating", ["soft", "switch"])
@pytest.mark.parametrize(("depth", "experts"), [(2, 3), (1, 6), (3, 2)])
def test_each_replica_is_the_mixture_of_theory(gating, depth: int, experts: int) -> None:
    config = replace(SMALL, gating=gating, depth=depth, experts=experts)
    model = ReplicatedMoE(config, torch.Generator().manual_seed(1))
    x = 3 * torch.rand(config.replicas, 50, 2, generator=torch.Generator().manual_seed(2))
    outputs = model(x)
    for index in range(config.replicas):
        # float32 sums in another order
        torch.testing.assert_close(outputs[index], model.replica(index)(x[index])[:, 0], rtol=1e-5, atol=1e-6)
    assert model.replica(0).total_parameters == config.parameters


def test_replicas_do_not_touch_each_other() -> None:
    model = ReplicatedMoE(SMALL, torch.Generator().manual_seed(3))
    x = 3 * torch.rand(SMALL.replicas, 40, 2, generator=torch.Generator().manual_seed(4))
    model(x)[1].square().sum().backward()
    for weight, _ in [*model.gates, *(pair for maps in model.experts for pair in maps)]:
        assert weight.grad is not None
        moved = weight.grad.view(SMALL.replicas, -1).abs().sum(1)
        assert moved[1] > 0
        assert moved[[0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize("gating", ["soft", "switch"])
def test_training_is_reproducible_and_lowers_the_error_of_every_replica(gating) -> None:
    config = replace(SMALL, gating=gating)
    first, second = (grid_error(train_pieces(config, torch.Generator().manual_seed(5))) for _ in range(2))
    assert torch.equal(first, second)
    untrained = grid_error(ReplicatedMoE(config, torch.Generator().manual_seed(5)))
    assert (first < untrained / 2).all()
    assert (first < 0.02).all()  # the target's mean square is 0.024


def test_sizes_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="replicas 0 is not at least 1"):
        PiecesConfig(replicas=0)
    with pytest.raises((ValueError, TypeError), match="hard"):
        PiecesConfig(gating="hard")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ hooked models


@pytest.mark.parametrize(("gate", "mutant"), [("linear", "intact"), ("linear", "negate_gate"), ("affine", "intact")])
def test_the_export_computes_the_exact_mixture(gate, mutant: str) -> None:
    moe = CUBE_MUTANTS[mutant](cubes(3, 2, gate=gate, output="vector"))
    points = np.random.default_rng(0).integers(1, 3 * 32, (60, 2))
    model = deep_mixture(moe)
    outputs, cache = model.run_with_cache(torch.from_numpy(points / 32))
    for number, (point, output) in enumerate(zip(points.tolist(), outputs.tolist(), strict=True)):
        exact, path = moe.at([Fraction(x, 32) for x in point])
        assert [Fraction(x) for x in output] == list(exact)
        seen = [int(cache[f"blocks.{layer}.mlp.hook_expert_indices"][number, 0]) for layer in range(len(moe.layers))]
        assert tuple(seen) == path


def test_transformer_lens_caches_hooks_and_patches_it() -> None:
    model = deep_mixture(cubes(3, 2))
    x = torch.tensor([[0.5, 2.5], [1.5, 0.5]], dtype=torch.float64)
    output, cache = model.run_with_cache(x)
    assert isinstance(cache, ActivationCache)
    for name in ("router_scores", "expert_indices", "expert_weights", "pre", "post", "expert_outputs"):
        assert f"blocks.3.mlp.hook_{name}" in cache
    assert cache["blocks.1.mlp.hook_expert_outputs"].shape == (2, 3, 4)
    assert cache["resid_post", 0].shape == (2, 7)
    torch.testing.assert_close(cache["resid_pre", 1], cache["mlp_out", 0])
    assert cache["blocks.1.mlp.hook_router_scores"].argmax(-1).tolist() == [0, 1]

    def last_expert(scores, hook):
        return scores + torch.tensor([0.0, 0.0, 100.0], dtype=scores.dtype)

    def half_of_each(weights, hook):
        return torch.full_like(weights, 1 / 3)

    # zigzag: f_1 = x, 3 − 2x, 3x − 7
    patched = model.run_with_hooks(x, fwd_hooks=[("blocks.1.mlp.hook_router_scores", last_expert)])
    assert (patched - output)[:, 0].tolist() == [3 * 0.5 - 7 - 0.5, 3 * 1.5 - 7 - 0]
    mixed = model.run_with_hooks(x, fwd_hooks=[("blocks.1.mlp.hook_expert_weights", half_of_each)])
    mean = [(z + 3 - 2 * z + 3 * z - 7) / 3 for z in (0.5, 1.5)]
    assert (mixed - output)[:, 0].tolist() == pytest.approx([mean[0] - 0.5, mean[1] - 0.0])


def test_a_random_router_keeps_the_experts_and_changes_the_routed_gates_only() -> None:
    moe = cubes(3, 2)
    planted, random = deep_mixture(moe), random_router(moe, torch.Generator().manual_seed(0))
    for layer, exact in enumerate(moe.layers):
        assert torch.equal(planted.experts(layer).W_out, random.experts(layer).W_out)
        assert torch.equal(planted.experts(layer).W_gate, random.experts(layer).W_gate) != exact.routes
    assert random.experts(0).n_experts == 3


def test_experts_of_one_affine_map_are_refused() -> None:
    with pytest.raises(ValueError, match="layer 0 has experts of 1 affine maps"):
        deep_mixture(digits(2, 2))
