"""Sweeps: many configurations and seeds of an experiment, over any executor, each finished run kept.

What is stored already is not run again; what is damaged is said and run again; what finishes is stored at once, by the
process that asked. So a sweep that was killed at any moment goes on where it was, and ends with the same bits, because
a run depends on nothing but (experiment, configuration, seed, code).
"""

from __future__ import annotations

import dataclasses
import importlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lemmata.toy_models.training.experiment import Experiment, Outcome, Scalar, find
from lemmata.toy_models.training.store import CorruptEntryError, Run, Store
from lemmata.toy_models.training.workers import prepare_worker


@dataclass
class Sweep:
    """What a sweep left.

    Attributes
    ----------
    runs : list of Run
        Finished runs, in the order asked: configurations slow, seeds fast.
    found : int
        How many of them were stored already.
    corrupt : list of str
        What was wrong with stored entries that were recomputed.
    failed : list of (Run, str)
        Runs that raised, and the error; the others go on.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    runs: list[Run] = field(default_factory=list)
    found: int = 0
    corrupt: list[str] = field(default_factory=list)
    failed: list[tuple[Run, str]] = field(default_factory=list)
    interrupted: bool = False


def sweep(
    experiment: Experiment[Any] | str,
    configurations: Iterable[Mapping[str, Any]],
    seeds: Sequence[int],
    *,
    executor: Executor | None = None,
    store: Store | None = None,
    finished: Callable[[int, int, Run], None] = lambda done, total, run: None,
) -> Sweep:
    """Run an experiment for each configuration and seed.

    Parameters
    ----------
    experiment : Experiment or str
        Or its name.
    configurations : iterable of mapping
        Changes of the experiment's default configuration; see :func:`grid`.
    seeds : sequence of int
    executor : concurrent.futures.Executor, optional
        By default the runs happen here, one after the other; see :func:`open_executor`.
    store : Store, optional
        By default the per-user one.
    finished : callable
        Called with (done, total, run) after each run, the stored ones first.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        For an unknown experiment or field, a value of another type, or a seed that is negative; before anything runs.
    """
    chosen = find(experiment) if isinstance(experiment, str) else experiment
    store = Store() if store is None else store
    asked = list(_asked(chosen, configurations, seeds))
    total, result = len({run.key for run in asked}), Sweep()
    done: dict[str, Run] = {}
    waiting: dict[str, Run] = {}
    for run in asked:
        try:
            stored = store.get(run)
        except CorruptEntryError as error:
            result.corrupt.append(str(error))
            stored = None
        if stored is None:
            waiting[run.key] = run
        elif run.key not in done:
            done[run.key] = stored
            finished(len(done), total, stored)
    result.found = len(done)
    try:
        for run, outcome in _outcomes(chosen, list(waiting.values()), executor):
            if isinstance(outcome, Run):
                store.put(outcome)
                done[outcome.key] = outcome
            else:
                result.failed.append((run, outcome))
            finished(len(done) + len(result.failed), total, run)
    except KeyboardInterrupt:
        result.interrupted = True
    result.runs = [done[run.key] for run in asked if run.key in done]
    return result


def _asked(
    experiment: Experiment[Any], configurations: Iterable[Mapping[str, Any]], seeds: Sequence[int]
) -> Iterator[Run]:
    for seed in seeds:
        if seed < 0:
            raise ValueError(f"seed {seed} is negative")
    code = experiment.code_version()
    for changes in configurations:
        config = dataclasses.asdict(experiment.configure(changes))
        yield from (Run(experiment.name, config, seed, code) for seed in seeds)


def _outcomes(
    experiment: Experiment[Any], waiting: Sequence[Run], executor: Executor | None
) -> Iterator[tuple[Run, Run | str]]:
    """Each run with what came of it, as they finish."""
    if executor is None:
        for run in waiting:
            yield run, _result(run, lambda run=run: execute(experiment.module, run))  # type: ignore[misc]
        return
    futures: dict[Future[tuple[Outcome, float]], Run] = {
        executor.submit(execute, experiment.module, run): run for run in waiting
    }
    try:
        for future in as_completed(futures):
            yield futures[future], _result(futures[future], future.result)
    finally:
        for future in futures:
            future.cancel()


def _result(run: Run, get: Callable[[], tuple[Outcome, float]]) -> Run | str:
    try:
        outcome, seconds = get()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return dataclasses.replace(run, outcome=outcome, seconds=seconds)


def execute(module: str, run: Run) -> tuple[Outcome, float]:
    """In a worker: find the experiment, which importing `module` registers, and execute one run.

    Raises
    ------
    RuntimeError
        If the worker's code is another version than the one that was asked for.
    """
    if module not in ("__main__", "__mp_main__"):
        importlib.import_module(module)
    experiment = find(run.experiment)
    code = experiment.code_version()
    if code != run.code:
        raise RuntimeError(f"this worker has version {code} of {run.experiment}, not {run.code}")
    start = time.perf_counter()
    outcome = experiment.run(experiment.config(**run.config), run.seed)
    return outcome, time.perf_counter() - start


@contextmanager
def open_executor(address: str = "processes", jobs: int | None = None) -> Iterator[Executor | None]:
    """An executor by name.

    Parameters
    ----------
    address : str
        ``processes`` (spawned, one thread each), ``here`` (this process, one run after the other), or
        ``dask://host:port``, a running scheduler of dask.distributed whose workers have lemmata installed.
    jobs : int, optional
        Number of processes; by default the number of cores.

    Raises
    ------
    ValueError
        For another address, or a scheduler that does not answer within five seconds.
    """
    if address == "here":
        yield None
    elif address == "processes":
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=context, initializer=prepare_worker)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    elif address.startswith("dask://"):
        try:
            from distributed import Client
        except ImportError:
            raise ValueError(f"executor {address!r} needs dask.distributed: pip install 'lemmata[cluster]'") from None
        try:
            client = Client(f"tcp://{address.removeprefix('dask://')}", timeout=5, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise ValueError(f"executor {address!r}: no scheduler answers there ({type(error).__name__})") from None
        with client:
            # A run is a pure function, but its errors are the user's to see once, not to retry.
            yield client.get_executor(pure=False, retries=0)  # type: ignore[no-untyped-call]
    else:
        raise ValueError(f"executor {address!r} is not one of processes, here, dask://host:port")


def table(runs: Sequence[Run]) -> tuple[list[str], list[list[Scalar]]]:
    """Column names and a row a run: the fields that vary, the seed, and the metrics."""
    finished = [run for run in runs if run.outcome is not None]
    fields = list(dict.fromkeys(name for run in finished for name in run.config))
    varied = [name for name in fields if len({run.config.get(name) for run in finished}) > 1]
    metrics = list(dict.fromkeys(name for run in finished if run.outcome for name in run.outcome.metrics))
    rows = [
        [*(run.config[name] for name in varied), run.seed, *(run.outcome.metrics.get(name, "") for name in metrics)]
        for run in finished
        if run.outcome is not None
    ]
    return [*varied, "seed", *metrics], rows
