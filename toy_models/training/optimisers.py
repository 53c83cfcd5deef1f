"""Optimisers of stacked parameters: every tensor has a leading dimension of members, and each member its own rate.

torch.optim has one learning rate a parameter tensor; here the rate is a number or a tensor of shape (members,), so that
a grid of rates trains in one program. Each rule is elementwise but for normalised SGD, whose norm is taken over all
parameters of a member.

* SGD: ``v ← μ v + g``, ``θ ← θ − η v``
* NormalisedSGD: ``θ ← θ − η g / ‖g‖``
* Adam: ``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, ``θ ← θ − η m̂ / (√v̂ + ε)`` with the bias corrections
  ``m̂ = m / (1 − β₁ᵗ)``, ``v̂ = v / (1 − β₂ᵗ)``; a weight decay λ adds ``λ θ`` to g
* AdamW: the same after ``θ ← (1 − η λ) θ``

References
----------
Kingma and Ba, Adam (2015), algorithm 1; Loshchilov and Hutter, Decoupled weight decay regularization (2019).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor

Stacked: TypeAlias = dict[str, Tensor]
"""Parameters or gradients by name, each of shape (members, …)."""
Rate: TypeAlias = float | Tensor
"""A learning rate or weight decay: one number, or a tensor of shape (members,)."""


@dataclass
class State:
    """What an optimiser carries from step to step: the number of steps made, and buffers by name."""

    steps: int = 0
    buffers: dict[str, Stacked] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Optimiser(ABC):
    """A rule that changes stacked parameters in place.

    Attributes
    ----------
    learning_rate : float or tensor of shape (members,)
        η, not negative.

    Raises
    ------
    ValueError
        For a rate that is negative, not finite or of a shape that is not (members,).
    """

    learning_rate: Rate

    def __post_init__(self) -> None:
        _check_rate("learning_rate", self.learning_rate)

    def init(self, parameters: Mapping[str, Tensor]) -> State:
        """The state before the first step; ValueError if a rate's number of members is not the parameters'."""
        members = next(iter(parameters.values())).shape[0]
        for name in ("learning_rate", "weight_decay"):
            rate = getattr(self, name, 0.0)
            if isinstance(rate, Tensor) and len(rate) != members:
                raise ValueError(f"{name} has {len(rate)} members; the parameters have {members}")
        return State()

    @torch.no_grad()
    def step(self, parameters: Stacked, gradients: Mapping[str, Tensor], state: State, scale: float = 1.0) -> None:
        """One update, in place.

        Parameters
        ----------
        parameters, gradients : mapping of name to tensor, shape (members, …)
        state : State
        scale : float
            Factor of the learning rate in this step, for schedules.
        """
        state.steps += 1
        self._update(parameters, gradients, state, scale)

    @abstractmethod
    def _update(self, parameters: Stacked, gradients: Mapping[str, Tensor], state: State, scale: float) -> None: ...

    def _rate(self, like: Tensor, scale: float) -> Rate:
        return _spread(self.learning_rate, like) * scale


@dataclass(frozen=True, eq=False)
class SGD(Optimiser):
    """Gradient descent with momentum μ."""

    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_share("momentum", self.momentum)

    def _update(self, parameters: Stacked, gradients: Mapping[str, Tensor], state: State, scale: float) -> None:
        velocity = state.buffers.setdefault("velocity", {})
        for name, parameter in parameters.items():
            gradient = gradients[name]
            if self.momentum:
                if name not in velocity:
                    velocity[name] = torch.zeros_like(parameter)
                gradient = velocity[name].mul_(self.momentum).add_(gradient)
            parameter.sub_(self._rate(parameter, scale) * gradient)


@dataclass(frozen=True, eq=False)
class NormalisedSGD(Optimiser):
    """Gradient descent with a step of length η, whatever the gradient's norm; a member with gradient 0 stays."""

    def _update(self, parameters: Stacked, gradients: Mapping[str, Tensor], state: State, scale: float) -> None:
        squares = [gradients[name].flatten(1).square().sum(1) for name in parameters]
        norm = torch.stack(squares).sum(0).sqrt()
        inverse = torch.where(norm > 0, 1 / norm, 0.0)
        for name, parameter in parameters.items():
            parameter.sub_(self._rate(parameter, scale) * _spread(inverse, parameter) * gradients[name])


@dataclass(frozen=True, eq=False)
class Adam(Optimiser):
    """Adam; a weight decay λ is added to the gradient, as an L² penalty."""

    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: Rate = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_rate("weight_decay", self.weight_decay)
        for name, beta in zip(("betas[0]", "betas[1]"), self.betas, strict=True):
            _check_share(name, beta)

    def _update(self, parameters: Stacked, gradients: Mapping[str, Tensor], state: State, scale: float) -> None:
        first, second = (state.buffers.setdefault(name, {}) for name in ("first moment", "second moment"))
        (beta1, beta2), t = self.betas, state.steps
        for name, parameter in parameters.items():
            if name not in first:
                first[name], second[name] = torch.zeros_like(parameter), torch.zeros_like(parameter)
            gradient = self._decay(parameter, gradients[name], scale)
            first[name].lerp_(gradient, 1 - beta1)
            second[name].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            denominator = second[name].sqrt().div_((1 - beta2**t) ** 0.5).add_(self.epsilon)
            parameter.sub_(self._rate(parameter, scale / (1 - beta1**t)) * (first[name] / denominator))

    def _decay(self, parameter: Tensor, gradient: Tensor, scale: float) -> Tensor:
        if isinstance(self.weight_decay, Tensor) or self.weight_decay:
            return gradient + _spread(self.weight_decay, parameter) * parameter
        return gradient


@dataclass(frozen=True, eq=False)
class AdamW(Adam):
    """Adam with decoupled weight decay λ: the parameters shrink by 1 − ηλ before each step."""

    weight_decay: Rate = 1e-2

    def _decay(self, parameter: Tensor, gradient: Tensor, scale: float) -> Tensor:
        parameter.mul_(1 - self._rate(parameter, scale) * _spread(self.weight_decay, parameter))
        return gradient


def _spread(rate: Rate, like: Tensor) -> Rate:
    """A rate of shape (members,) as (members, 1, …, 1), in the dtype of `like`."""
    return rate.to(like).reshape(-1, *[1] * (like.dim() - 1)) if isinstance(rate, Tensor) else rate


def _check_rate(name: str, rate: Rate) -> None:
    values: Iterator[float] = iter(rate.reshape(-1).tolist() if isinstance(rate, Tensor) else [rate])
    if isinstance(rate, Tensor) and rate.dim() != 1:
        raise ValueError(f"{name} has shape {tuple(rate.shape)}; one number, or one for each member")
    for value in values:
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} {value} is out of range; finite and not negative")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} {value} is out of range; in [0, 1)")
