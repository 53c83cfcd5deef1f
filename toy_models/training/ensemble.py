"""Ensembles: many members of one architecture, trained side by side in one batched program.

The members' parameters are stacked along a leading dimension and the model is mapped over it (``torch.func.vmap`` over
``functional_call``). Where a member is small, launching operations costs more than arithmetic and a batched program
wins by an order of magnitude; where it is large, batching only moves memory. :func:`group_size` says how many members
to batch, as a pure function of shapes, so that the same run always takes the same path and ends in the same bits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from lemmata.toy_models.training.optimisers import Optimiser, Stacked

Batch = tuple[Tensor, ...]
"""Inputs and targets of a step, each of shape (members, …)."""
Loss = Callable[..., Tensor]
"""``loss(model, *batch)`` of one member, where `model` is called like the module: a scalar."""

# Largest number of members batched, by the floats of one member's activations (width · length · batch), as measured by
# training.benchmark on one core: beyond 16k floats the loop over members is as fast.
GROUPS = ((4_096, 64), (16_384, 16), (65_536, 4))


def group_size(width: int, length: int, batch: int) -> int:
    """How many members of this size to batch; 1 means a loop. A pure function of shapes.

    Parameters
    ----------
    width, length, batch : int
        Model width, sequence length and sequences a step, of one member.
    """
    for name, value in (("width", width), ("length", length), ("batch", batch)):
        if value < 1:
            raise ValueError(f"{name} {value} is too small; at least 1")
    return next((group for floats, group in GROUPS if width * length * batch <= floats), 1)


@dataclass(eq=False)
class Ensemble:
    """Members of one architecture.

    Attributes
    ----------
    template : nn.Module
        The architecture; its own parameters are not used.
    parameters : mapping of name to tensor, shape (members, …)
        What is trained, changed in place by :func:`train`.
    fixed : mapping of name to tensor, shape (members, …)
        Buffers, and parameters that do not require a gradient.
    """

    template: nn.Module
    parameters: Stacked
    fixed: Stacked

    @classmethod
    def of(cls, modules: Sequence[nn.Module]) -> Ensemble:
        """Stack modules of equal architecture, each with its own values.

        Raises
        ------
        ValueError
            Without a module, or for modules whose names or shapes of parameters differ.
        """
        if not modules:
            raise ValueError("modules is empty; an ensemble needs at least one member")
        shapes = [{name: tuple(value.shape) for name, value in module.state_dict().items()} for module in modules]
        for index, other in enumerate(shapes):
            if other != shapes[0]:
                raise ValueError(f"modules[{index}] differs from modules[0] in names or shapes of its parameters")
        parameters, buffers = stack_module_state(list(modules))
        needs = {name: value.requires_grad for name, value in modules[0].named_parameters()}
        trained = {name: value.detach().clone() for name, value in parameters.items() if needs[name]}
        frozen = {name: value.detach().clone() for name, value in parameters.items() if not needs[name]}
        template = copy.deepcopy(modules[0]).to("meta")
        return cls(template, trained, frozen | {name: value.clone() for name, value in buffers.items()})

    def __len__(self) -> int:
        return next(iter(self.parameters.values())).shape[0]

    def member(self, index: int) -> nn.Module:
        """A module with the values of one member, for probes and hooks; a copy."""
        module = copy.deepcopy(self.template).to_empty(device=next(iter(self.parameters.values())).device)
        module.load_state_dict({name: value[index] for name, value in (self.parameters | self.fixed).items()})
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name in self.parameters)
        return module

    def map(self, function: Callable[..., Any], *inputs: Tensor, group: int | None = None) -> Any:
        """``function(model, *inputs)`` of each member, stacked; inputs have a leading dimension of members.

        No gradient is recorded.
        """
        with torch.no_grad():
            parts = [self._apply(function, part, inputs) for part in _parts(len(self), group or len(self))]
        if isinstance(parts[0], tuple):
            return tuple(torch.cat(column) for column in zip(*parts, strict=True))
        return torch.cat(parts)

    def _apply(self, function: Callable[..., Any], part: slice, inputs: Sequence[Tensor]) -> Any:
        state = {name: value[part] for name, value in (self.parameters | self.fixed).items()}
        return _mapped(self.template, function, state, [value[part] for value in inputs])

    def gradients(self, loss: Loss, batch: Batch, group: int | None = None) -> tuple[Tensor, Stacked]:
        """Losses, shape (members,), and stacked gradients of each member's own loss."""
        losses, gradients = [], {name: torch.empty_like(value) for name, value in self.parameters.items()}
        for part in _parts(len(self), group or len(self)):
            leaves = {name: value[part].detach().requires_grad_() for name, value in self.parameters.items()}
            state = leaves | {name: value[part] for name, value in self.fixed.items()}
            values = _mapped(self.template, loss, state, [value[part] for value in batch])
            # The members share nothing, so that the gradient of the sum holds each member's own.
            found = torch.autograd.grad(values.sum(), list(leaves.values()))
            for name, gradient in zip(leaves, found, strict=True):
                gradients[name][part] = gradient
            losses.append(values.detach())
        return torch.cat(losses), gradients


def train(
    ensemble: Ensemble,
    loss: Loss,
    batches: Callable[[int], Batch],
    optimiser: Optimiser,
    steps: int,
    *,
    group: int | None = None,
    schedule: Callable[[int], float] = lambda step: 1.0,
    watch: Callable[[int, Tensor], None] = lambda step, losses: None,
) -> Tensor:
    """Train every member on its own batches, in place.

    Parameters
    ----------
    ensemble : Ensemble
    loss : callable
        ``loss(model, *batch)`` of one member, a scalar; mapped over the members.
    batches : callable
        ``batches(step)``: the step's tensors, each of shape (members, …).
    optimiser : Optimiser
    steps : int
        Not negative.
    group : int, optional
        Members batched together, see :func:`group_size`; all by default. It changes results by rounding only.
    schedule : callable
        Factor of the learning rate by step.
    watch : callable
        Called after each step with its number (from 0) and the losses before it, shape (members,).

    Returns
    -------
    Tensor, shape (steps, members)
        The losses before each step.

    Raises
    ------
    ValueError
        If `steps` is negative, `group` smaller than 1, or a batch has another number of members.
    """
    if steps < 0:
        raise ValueError(f"steps {steps} is negative")
    if group is not None and group < 1:
        raise ValueError(f"group {group} is too small; at least 1")
    state = optimiser.init(ensemble.parameters)
    history = torch.empty(steps, len(ensemble), dtype=next(iter(ensemble.parameters.values())).dtype)
    for step in range(steps):
        batch = batches(step)
        for index, value in enumerate(batch):
            if len(value) != len(ensemble):
                raise ValueError(f"batch[{index}] has {len(value)} members at step {step}, not {len(ensemble)}")
        history[step], gradients = ensemble.gradients(loss, batch, group)
        optimiser.step(ensemble.parameters, gradients, state, schedule(step))
        watch(step, history[step])
    return history


def _parts(members: int, group: int) -> Iterator[slice]:
    return (slice(start, min(start + group, members)) for start in range(0, members, group))


def _mapped(template: nn.Module, function: Callable[..., Any], state: Stacked, inputs: Sequence[Tensor]) -> Any:
    """``function(model, *inputs)`` over the members of `state`; one member goes without vmap."""

    def of_member(values: Stacked, *arguments: Tensor) -> Any:
        return function(lambda *x, **named: functional_call(template, values, x, named), *arguments)

    if next(iter(state.values())).shape[0] == 1:
        result = of_member({name: value[0] for name, value in state.items()}, *(value[0] for value in inputs))
        return tuple(part[None] for part in result) if isinstance(result, tuple) else result[None]
    return vmap(of_member, randomness="different")(state, *inputs)
