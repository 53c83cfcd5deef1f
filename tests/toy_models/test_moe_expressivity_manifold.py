"""Trained mixtures on a curve: reproducible, replicas do not mix, and they learn."""

from dataclasses import replace

import pytest
import torch

from lemmata.toy_models.moe_expressivity.manifold import ManifoldConfig, embed, train


@pytest.mark.parametrize("model", ["soft", "switch", "dense"])
def test_training_is_reproducible_and_learns(model) -> None:
    config = ManifoldConfig(model, "rotated", steps=120, learning_rate=1e-2, replicas=2)
    first, second = (train(config, torch.Generator().manual_seed(1), report=(10,)) for _ in range(2))
    assert torch.equal(first.losses, second.losses)
    assert first.losses.shape == (2, 2)
    assert bool((first.losses[1] < 0.5 * first.losses[0]).all())
    assert sum(value[0].numel() for value in first.parameters.values()) == config.parameters


def test_replicas_take_the_steps_that_they_would_take_alone() -> None:
    """Two replicas with the same start and data end alike; one step equals Adam on a plain network."""
    from lemmata.theory.moe_expressivity.circle import experiment_target

    config = ManifoldConfig("soft", "full", ambient=6, steps=1, replicas=3)
    generator = torch.Generator().manual_seed(5)
    trained = train(config, generator)
    generator = torch.Generator().manual_seed(5)
    models = [config.build(generator) for _ in range(3)]
    t = 2 * torch.pi * torch.rand(3, config.batch, generator=generator)
    for number, model in enumerate(models):
        optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
        x = embed(t, config, None)[number]
        ((model(x)[:, 0] - experiment_target(t[number])) ** 2).mean().backward()
        optimizer.step()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(trained.parameters[name][number], parameter.detach(), atol=1e-6, rtol=0)


def test_the_dense_network_has_nearly_as_many_parameters() -> None:
    for ambient in (16, 64, 128):
        mixture, dense = (ManifoldConfig(model, ambient=ambient) for model in ("switch", "dense"))
        assert 0 <= mixture.parameters - dense.parameters < ambient + 2


def test_bad_configurations_are_named() -> None:
    with pytest.raises(ValueError, match="ambient 15 is not an even number"):
        ManifoldConfig(ambient=15)
    with pytest.raises(Exception, match="hard"):  # a shape checker may refuse the literal first
        replace(ManifoldConfig(), **{"model": "hard"})


def test_the_second_of_two_annealed_steps_is_half_as_long() -> None:
    """Half a cosine over two steps: 1 and 1/2 times the rate."""
    runs = {}
    for name, steps, anneal in (("one", 1, False), ("plain", 2, False), ("annealed", 2, True)):
        config = ManifoldConfig("dense", steps=steps, anneal=anneal, replicas=1)
        runs[name] = train(config, torch.Generator().manual_seed(3)).parameters
    for name, start in runs["one"].items():
        half = (runs["plain"][name] - start) / 2
        torch.testing.assert_close(runs["annealed"][name] - start, half, atol=2e-7, rtol=0)
    assert max(float((runs["plain"][name] - start).abs().max()) for name, start in runs["one"].items()) > 1e-4


@pytest.mark.parametrize("name", ["steps", "batch", "replicas"])
def test_nothing_to_train_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} 0 is not at least 1"):
        ManifoldConfig(**{name: 0})
