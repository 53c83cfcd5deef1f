"""A made-up experiment for the tests of sweeps: a random walk. Run as a script, it sweeps over itself."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from lemmata.toy_models.training.experiment import Outcome, experiment


@dataclass(frozen=True)
class Walk:
    """A walk of `steps` normal steps of size `scale`."""

    steps: int = 100
    scale: float = 1.0
    pause: float = 0.0
    fails: bool = False


SLOW = [{"scale": 1.0, "pause": 0.03}, {"scale": 2.0, "pause": 0.03}]


@experiment("walks.walk", Walk)
def walk(config: Walk, seed: int) -> Outcome:
    """A random walk that leaves a line in the file WALKS, if that is set."""
    if config.fails and seed == 1:
        raise ArithmeticError("the walk fell")
    time.sleep(config.pause)
    path = config.scale * torch.randn(config.steps, generator=torch.Generator().manual_seed(seed)).cumsum(0)
    if "WALKS" in os.environ:
        with open(os.environ["WALKS"], "a", encoding="utf-8") as file:
            file.write(f"{config.scale} {seed}\n")
    return Outcome({"end": path[-1].item(), "high": path.max().item()}, {"path": path})


if __name__ == "__main__":
    from lemmata.toy_models.training.store import Store
    from lemmata.toy_models.training.sweep import open_executor, sweep

    with open_executor("processes", 2) as pool:
        sweep(walk, SLOW, range(30), executor=pool, store=Store(Path(sys.argv[1])))
