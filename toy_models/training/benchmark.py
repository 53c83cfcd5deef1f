"""What batching buys: ``python -m lemmata.toy_models.training.benchmark [--members 64] [--seconds 2]``.

Ensembles of a one-layer attention model trained with Adam, by width = length = batch, in one process with one thread:
the plain loop (each member its own module, autograd and torch.optim), and the batched program in groups of 1, 4, 16 and
all members. Ratios of the plain loop's time a member and step over the batched one's; the group that
:func:`group_size` picks is marked.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from lemmata.toy_models.hooked.base import RelativeTransformer
from lemmata.toy_models.training.ensemble import Batch, Ensemble, group_size, train
from lemmata.toy_models.training.optimisers import Adam

SIZES = ((8, 8, 8), (16, 16, 16), (32, 32, 32), (64, 64, 64), (64, 256, 16))
VOCABULARY = 16


def make(width: int, length: int, seed: int) -> RelativeTransformer:
    """A member: one layer, one head, no MLP."""
    model = RelativeTransformer(VOCABULARY, width, length, d_mlp=None, d_head=width)
    model.init_weights(torch.Generator().manual_seed(seed))
    return model


def loss(model: nn.Module, tokens: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy at every position."""
    return nn.functional.cross_entropy(model(tokens).flatten(0, 1), target.flatten())


def plain(members: list[RelativeTransformer], batch: Batch, steps: int) -> None:
    """The loop that everybody writes first."""
    optimisers = [torch.optim.Adam(member.parameters(), lr=1e-3) for member in members]
    for _ in range(steps):
        for index, (member, optimiser) in enumerate(zip(members, optimisers, strict=True)):
            optimiser.zero_grad()
            loss(member, *(value[index] for value in batch)).backward()
            optimiser.step()


def batched(members: list[RelativeTransformer], batch: Batch, group: int, steps: int) -> None:
    """The same training as an ensemble."""
    train(Ensemble.of(members), loss, lambda step: batch, Adam(1e-3), steps, group=group)


def seconds_a_step(run: Callable[[int], object], members: int, budget: float) -> float:
    """Seconds a member and step: the steps are doubled until they take the budget."""
    run(1)
    steps, taken = 1, 0.0
    while taken < budget:
        steps *= 2
        start = time.perf_counter()
        run(steps)
        taken = time.perf_counter() - start
    return taken / steps / members


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=1.0, help="least time of each measurement")
    options = parser.parse_args()
    torch.set_num_threads(1)
    groups = sorted({1, 4, 16, options.members})
    print(f"{options.members} members; times as fast as the plain loop, by group (* the one that is picked)")
    print(f"{'width':>6}{'length':>7}{'batch':>6}{'plain ms':>10}" + "".join(f"{group:>9}" for group in groups))
    for width, length, batch in SIZES:
        members = [make(width, length, seed) for seed in range(options.members)]
        generator = torch.Generator().manual_seed(0)
        shape = (options.members, batch, length)
        data = tuple(torch.randint(VOCABULARY, shape, generator=generator) for _ in range(2))
        alone = seconds_a_step(partial(plain, members, data), len(members), options.seconds)
        row = ""
        for group in groups:
            ratio = alone / seconds_a_step(partial(batched, members, data, group), len(members), options.seconds)
            row += f"{ratio:>8.2f}{'*' if group == min(group_size(width, length, batch), options.members) else ' '}"
        print(f"{width:>6}{length:>7}{batch:>6}{alone * 1e3:>10.2f}{row}", flush=True)


if __name__ == "__main__":
    main()
