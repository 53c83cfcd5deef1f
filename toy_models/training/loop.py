"""Gradient descent on fresh data, for one model at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def descend(
    optimizer: torch.optim.Optimizer,
    loss: Callable[[], Tensor],
    steps: int,
    before: Callable[[int], None] = lambda step: None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Make `steps` steps of an optimizer.

    Parameters
    ----------
    optimizer : torch Optimizer
    loss : callable
        The scalar loss of a fresh batch.
    steps : int
    before : callable
        Called with the number of each step before it, for learning-rate schedules.
    progress : callable
        Called with the step and its loss every 100 steps.
    """
    for step in range(steps):
        before(step)
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step % 100 == 0:
            progress(step, value.item())
