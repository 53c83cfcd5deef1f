"""Run many claims in persistent worker processes that can be killed.

Workers are spawned, use one torch thread, and get a claim by its id. A claim that outlives its time limit is killed
with its worker, and one that takes its process down is an error; the others go on. After Ctrl-C what is finished is
kept.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lemmata.claims.framework.claim import Claim, Cost
from lemmata.claims.framework.evidence import Verdict
from lemmata.claims.runner.execute import Outcome, Result
from lemmata.toy_models.training.workers import prepare_worker

LIMIT_FACTOR = 5.0  # a machine may be five times slower than the one on which budgets are held


@dataclass
class Session:
    """What a run of the pool left: results in the order of the claims, and whether it was interrupted."""

    results: list[Result] = field(default_factory=list)
    interrupted: bool = False


def time_limit(cost: Cost) -> float:
    """Seconds after which a claim of this cost is stopped, if the command line does not say otherwise."""
    return LIMIT_FACTOR * cost.seconds


def has_gpu() -> bool:
    """Whether a GPU's device node exists; asked without importing torch."""
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/kfd"))


def prepare_claim_worker(interpret: bool) -> None:
    """Set up a worker, with Triton's interpreter or without."""
    prepare_worker()
    if interpret:
        os.environ["TRITON_INTERPRET"] = "1"
    else:
        os.environ.pop("TRITON_INTERPRET", None)


def run_claim(claim_id: str, seed: int) -> Result:
    """In a worker: find the claim and execute it."""
    from lemmata.claims.framework.registry import find
    from lemmata.claims.runner.execute import execute

    return execute(find(claim_id), seed)


def run_claims(
    claims: Sequence[Claim],
    seed: int = 0,
    jobs: int | None = None,
    limit: float | None = None,
    finished: Callable[[Claim, Result], None] = lambda claim, result: None,
    task: Callable[[str, int], Result] = run_claim,
) -> Session:
    """Execute claims in worker processes.

    Parameters
    ----------
    claims : sequence of Claim
    seed : int
        Seed of every random stream, together with the claim's id.
    jobs : int, optional
        Number of worker processes; by default the number of cores.
    limit : float, optional
        Seconds a claim may take; by default :func:`time_limit` of its cost.
    finished : callable
        Called with each claim and its result as they come, for progress.
    task : callable
        What a worker does with (claim id, seed); another one only in tests.

    Returns
    -------
    Session
        Results of what finished, in the order of `claims`.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(claims)) or 1
    session = Session()
    results: dict[str, Result] = {}
    # The most expensive first, so that the last worker is not left alone with it.
    order = sorted(claims, key=lambda claim: -claim.cost.seconds)
    try:
        with closing(_results(order, seed, jobs, limit, task)) as stream:
            for claim, result in stream:
                results[claim.id] = result
                finished(claim, result)
    except KeyboardInterrupt:
        session.interrupted = True
    session.results = [results[claim.id] for claim in claims if claim.id in results]
    return session


def _results(
    claims: Sequence[Claim], seed: int, jobs: int, limit: float | None, task: Callable[[str, int], Result]
) -> Generator[tuple[Claim, Result], None, None]:
    """Results as they finish. Claims that need Triton's compiler get workers of their own, without its interpreter."""
    from concurrent.futures import FIRST_COMPLETED, wait

    from pebble import ProcessPool

    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pools: dict[bool, ProcessPool] = {}

        def pool(claim: Claim) -> ProcessPool:
            interpret = "compiler" not in claim.needs and not has_gpu()
            if interpret not in pools:
                created = ProcessPool(jobs, context=context, initializer=prepare_claim_worker, initargs=(interpret,))
                stack.callback(created.join)
                stack.callback(created.stop)  # runs before join
                pools[interpret] = created
            return pools[interpret]

        waiting: dict[Any, tuple[Claim, float]] = {}
        for claim in claims:
            seconds = limit or time_limit(claim.cost)
            waiting[pool(claim).schedule(task, args=(claim.id, seed), timeout=seconds)] = claim, seconds
        while waiting:
            for future in wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED).done:
                claim, seconds = waiting.pop(future)
                try:
                    result = future.result()
                except FutureTimeout:
                    reason = f"stopped after its time limit of {seconds:g} s"
                    result = Result(claim.id, Outcome(Verdict.ERROR, reason), seconds=seconds, seed=seed)
                except Exception as error:
                    reason = f"its worker died: {type(error).__name__}: {error}"
                    trace = str(getattr(error, "traceback", ""))
                    result = Result(claim.id, Outcome(Verdict.ERROR, reason, traceback=trace), seed=seed)
                yield claim, result
