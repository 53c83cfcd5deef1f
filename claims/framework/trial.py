"""What a check is handed: seeded random streams and a counterexample search."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from lemmata.toy_models.cache import cache_folder

if TYPE_CHECKING:
    import numpy as np
    import torch
    from hypothesis.strategies import SearchStrategy

Instance = TypeVar("Instance")


@dataclass
class Search:
    """Result of :meth:`Trial.search`: how many instances were tried, and the shrunk counterexample if there is one."""

    instances: int = 0
    failures: int = 0
    counterexample: str = field(default="")


@dataclass(frozen=True)
class Trial:
    """One execution of a check. Every stream derives from (seed, claim id, name), never from order or time.

    The controls of a claim get the same trial, so that they see the same instances with one departure.
    """

    seed: int
    claim: str

    def entropy(self, name: str = "") -> int:
        """A 64-bit seed derived from (seed, claim id, name)."""
        digest = hashlib.sha256(f"{self.seed}/{self.claim}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big")

    def rng(self, name: str = "") -> np.random.Generator:
        """A fresh numpy generator for the stream `name`."""
        import numpy as np

        return np.random.default_rng(self.entropy(name))

    def torch_generator(self, name: str = "") -> torch.Generator:
        """A fresh torch generator on the CPU for the stream `name`."""
        import torch

        return torch.Generator().manual_seed(self.entropy(name) % 2**63)

    def search(self, strategy: SearchStrategy[Instance], fails: Callable[[Instance], bool], examples: int) -> Search:
        """Try `examples` random instances; stop at the first for which `fails` is true, and shrink it.

        Parameters
        ----------
        strategy : hypothesis strategy
            Draws the instances. Hypothesis runs with this trial's seed, without a database and without a deadline.
        fails : callable
            Whether the claim fails on the instance.
        examples : int
            Number of instances.

        Returns
        -------
        Search
            `failures` is 0, or 1 with the shrunk `counterexample`; `instances` counts those tried before shrinking.
        """
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache_folder() / "hypothesis"))  # not the user's cwd
        from hypothesis import HealthCheck, Phase, given, seed, settings

        result = Search()
        last: dict[str, Any] = {}

        @seed(self.entropy("hypothesis"))
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            print_blob=False,
            report_multiple_bugs=False,
        )
        @given(strategy)
        def attempt(instance: Instance) -> None:
            result.instances += not result.failures
            if fails(instance):
                result.failures = 1
                last["instance"] = instance
                raise _Counterexample

        try:
            attempt()
        except _Counterexample:
            result.counterexample = str(last["instance"])
        return result


class _Counterexample(Exception):
    """Raised inside a search so that Hypothesis shrinks the instance."""
