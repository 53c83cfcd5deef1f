"""Stacked training is the members' own training: against torch.optim and plain loops, step by step."""

import re

import pytest
import torch
from torch import Tensor, nn

from lemmata.toy_models.training.ensemble import Ensemble, group_size, train
from lemmata.toy_models.training.optimisers import SGD, Adam, AdamW, NormalisedSGD, Optimiser

MEMBERS, STEPS = 5, 12


class Net(nn.Module):
    """Two layers, a frozen parameter and a buffer."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.first, self.second = nn.Parameter(draw(3, 7)), nn.Parameter(draw(7, 2))
        self.frozen = nn.Parameter(draw(7), requires_grad=False)
        self.register_buffer("offset", draw(2))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.first + self.frozen) @ self.second + self.get_buffer("offset")


def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return (model(x) - y).square().mean()


def batches(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1000 + step)
    x = torch.randn(MEMBERS, 6, 3, generator=generator, dtype=torch.float64)
    return x, torch.randn(MEMBERS, 6, 2, generator=generator, dtype=torch.float64)


RATES = torch.tensor([0.3, 0.1, 0.03, 0.01, 0.0], dtype=torch.float64)
CASES = {
    "SGD": (SGD(RATES), lambda p, lr: torch.optim.SGD(p, lr=lr)),
    "SGD with momentum": (SGD(RATES, momentum=0.9), lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)),
    "Adam": (Adam(RATES, betas=(0.8, 0.95)), lambda p, lr: torch.optim.Adam(p, lr=lr, betas=(0.8, 0.95))),
    "Adam with decay": (Adam(RATES, weight_decay=0.1), lambda p, lr: torch.optim.Adam(p, lr=lr, weight_decay=0.1)),
    "AdamW": (AdamW(RATES, weight_decay=0.2), lambda p, lr: torch.optim.AdamW(p, lr=lr, weight_decay=0.2)),
}


def plain(optimiser_of: object, member: int, schedule: object = lambda step: 1.0) -> Net:
    """One member by torch's own module, autograd and optimiser."""
    model = Net(member)
    parameters = [model.first, model.second]
    optimiser = optimiser_of(parameters, RATES[member].item())  # type: ignore[operator]
    for step in range(STEPS):
        x, y = batches(step)
        optimiser.param_groups[0]["lr"] = RATES[member].item() * schedule(step)  # type: ignore[operator]
        optimiser.zero_grad()
        loss(model, x[member], y[member]).backward()
        optimiser.step()
    return model


@pytest.mark.parametrize("group", [None, 1, 2])
@pytest.mark.parametrize("case", CASES)
def test_every_member_goes_where_torch_optim_takes_it_alone(case: str, group: int | None) -> None:
    optimiser, reference = CASES[case]
    ensemble = Ensemble.of([Net(seed) for seed in range(MEMBERS)])

    def schedule(step: int) -> float:
        return 1.0 if step < 8 else 0.25

    train(ensemble, loss, batches, optimiser, STEPS, group=group, schedule=schedule)
    for member in range(MEMBERS):
        alone = plain(reference, member, schedule).state_dict()
        for name, value in ensemble.member(member).state_dict().items():
            # float64: a dozen steps of some hundred roundings each
            torch.testing.assert_close(value, alone[name], rtol=1e-11, atol=1e-11)


def test_a_normalised_step_has_the_length_of_the_rate_and_a_zero_gradient_moves_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    before = {name: torch.randn(5, 3, 2, generator=generator, dtype=torch.float64) for name in "ab"}
    gradients = {name: torch.randn(5, 3, 2, generator=generator, dtype=torch.float64) for name in "ab"}
    for value in gradients.values():
        value[4] = 0
    rates = torch.tensor([0.5, 0.1, 2.0, 0.0, 1.0], dtype=torch.float64)
    after = {name: value.clone() for name, value in before.items()}
    optimiser = NormalisedSGD(rates)
    optimiser.step(after, gradients, optimiser.init(after))
    moved = torch.cat([(after[name] - before[name]).flatten(1) for name in "ab"], 1)
    torch.testing.assert_close(moved.norm(dim=1), rates * torch.tensor([1, 1, 1, 1, 0.0]), rtol=1e-12, atol=0)
    along = torch.cat([gradients[name].flatten(1) for name in "ab"], 1)
    cosine = torch.nn.functional.cosine_similarity(moved[:3], along[:3])
    torch.testing.assert_close(cosine, -torch.ones(3, dtype=torch.float64), rtol=1e-12, atol=0)


def test_members_do_not_see_each_other() -> None:
    def final(seeds: list[int]) -> Tensor:
        ensemble = Ensemble.of([Net(seed) for seed in seeds])
        train(ensemble, loss, batches, Adam(0.1), STEPS)
        return ensemble.parameters["first"]

    torch.testing.assert_close(final([0, 1, 2, 3, 4])[2], final([7, 8, 2, 9, 5])[2], rtol=1e-12, atol=1e-12)


def test_the_same_run_ends_in_the_same_bits() -> None:
    def final() -> Tensor:
        ensemble = Ensemble.of([Net(seed) for seed in range(MEMBERS)])
        train(ensemble, loss, batches, AdamW(RATES), STEPS, group=2)
        return ensemble.parameters["second"]

    assert torch.equal(final(), final())


def test_what_does_not_require_a_gradient_stays_and_losses_are_those_before_each_step() -> None:
    ensemble = Ensemble.of([Net(seed) for seed in range(MEMBERS)])
    seen: list[tuple[int, float]] = []
    history = train(
        ensemble, loss, batches, SGD(0.1), 3, watch=lambda step, values: seen.append((step, values[1].item()))
    )
    for member in range(MEMBERS):
        assert torch.equal(ensemble.member(member).get_parameter("frozen"), Net(member).frozen)
        x, y = batches(0)
        torch.testing.assert_close(history[0, member], loss(Net(member), x[member], y[member]).detach())
    assert seen == [(step, history[step, 1].item()) for step in range(3)]
    assert not ensemble.member(0).get_parameter("frozen").requires_grad


def test_map_applies_each_member_to_its_own_inputs() -> None:
    ensemble = Ensemble.of([Net(seed) for seed in range(MEMBERS)])
    x, y = batches(3)
    for group in (None, 1, 2):
        outputs, errors = ensemble.map(lambda model, a, b: (model(a), loss(model, a, b)), x, y, group=group)
        for member in range(MEMBERS):
            torch.testing.assert_close(outputs[member], Net(member)(x[member]).detach())
            torch.testing.assert_close(errors[member], loss(Net(member), x[member], y[member]).detach())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate -0.1 is out of range"),
        (lambda: Adam(torch.ones(2, 2)), "learning_rate has shape (2, 2)"),
        (lambda: Adam(0.1, betas=(0.9, 1.0)), "betas[1] 1.0 is out of range"),
        (lambda: AdamW(0.1, weight_decay=float("nan")), "weight_decay nan is out of range"),
        (lambda: SGD(0.1, momentum=1.5), "momentum 1.5 is out of range"),
        (lambda: Ensemble.of([]), "modules is empty"),
        (lambda: Ensemble.of([Net(0), nn.Linear(2, 2)]), "modules[1] differs from modules[0]"),
        (lambda: group_size(8, 0, 8), "length 0 is too small"),
    ],
)
def test_bad_input_is_refused_in_one_line(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_a_rate_or_a_batch_for_another_number_of_members_is_refused() -> None:
    ensemble = Ensemble.of([Net(seed) for seed in range(3)])
    optimiser: Optimiser = SGD(torch.ones(4))
    with pytest.raises(ValueError, match="learning_rate has 4 members; the parameters have 3"):
        train(ensemble, loss, batches, optimiser, 1)
    with pytest.raises(ValueError, match="batch.0. has 5 members at step 0, not 3"):
        train(ensemble, loss, batches, SGD(0.1), 1)
