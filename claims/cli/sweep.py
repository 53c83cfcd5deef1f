"""``lemmata sweep``: many runs of an experiment, each kept when it is finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lemmata.claims.cli.options import Jobs, checked, usage, writable_file, writable_folder

app = typer.Typer(
    help="Train many small models; finished runs are kept, and a killed sweep goes on.", no_args_is_help=True
)

StoreFolder = Annotated[
    Path | None, typer.Option("--store", metavar="FOLDER", help="Where runs are kept; a per-user folder by default.")
]


@app.command("list")
def list_experiments() -> None:
    """List the experiments and the fields of their configurations."""
    from dataclasses import asdict

    from lemmata.toy_models.training.experiment import experiments

    for name, experiment in experiments().items():
        print(f"{name}  {experiment.doc}")
        print("  " + " ".join(f"{key}={value}" for key, value in asdict(experiment.config()).items()))


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Such as turing.queue_reader; see list.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=V[,V]...", help="Values of a field; several fields make a grid."),
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="N | A:B", help="Seeds 0 to N-1, or A to B-1.")] = "1",
    executor: Annotated[str, typer.Option(help="processes, here, or dask://host:port.")] = "processes",
    jobs: Jobs = None,
    store: StoreFolder = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the table as CSV.")] = None,
) -> None:
    """Run an experiment for every combination of the values given and every seed.

    Runs that are stored already are not repeated. Exit 1 if a run failed, 130 after Ctrl-C.
    """
    from lemmata.claims.runner import show
    from lemmata.toy_models.training.experiment import find, grid
    from lemmata.toy_models.training.store import Store
    from lemmata.toy_models.training.sweep import open_executor, table
    from lemmata.toy_models.training.sweep import sweep as sweep_over

    chosen = checked(find, experiment)
    configurations = list(checked(grid, _axes(changes or [])))
    for changed in configurations:
        checked(chosen.configure, changed)
    numbers = _seeds(seeds)
    if csv_file is not None:
        writable_file(csv_file, "--csv")
    kept = Store(store if store is None else writable_folder(store, "--store"))
    opened = open_executor(executor, jobs)
    pool = checked(opened.__enter__)
    try:
        with show.steps(f"{experiment}: runs") as advance:
            done = sweep_over(chosen, configurations, numbers, executor=pool, store=kept, finished=advance)
    finally:
        opened.__exit__(None, None, None)
    for line in done.corrupt:
        typer.echo(f"lemmata: corrupt, computed again: {line}", err=True)
    for failed, reason in done.failed:
        typer.echo(f"lemmata: seed {failed.seed} of {dict(failed.config)} failed: {reason}", err=True)
    columns, rows = table(done.runs)
    show.rows(columns, rows)
    if csv_file is not None:
        import csv

        with csv_file.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *rows])
    asked = len(configurations) * len(numbers)
    cut = "; interrupted" if done.interrupted else ""
    print(f"\n{len(done.runs)} of {asked} runs, {done.found} of them found in {kept.folder}{cut}")
    if done.interrupted:
        raise SystemExit(130)
    raise SystemExit(bool(done.failed))


@app.command()
def status(store: StoreFolder = None) -> None:
    """What the store holds: runs and seconds by experiment and code version, and damaged entries."""
    from lemmata.claims.runner import show
    from lemmata.toy_models.training.experiment import experiments
    from lemmata.toy_models.training.store import CorruptEntryError, Store

    if store is not None and not store.is_dir():
        usage(f"--store {store}: is not a folder")
    kept = Store(store)
    known = experiments()
    current = {name: item.code_version() for name, item in known.items()}
    rows = [
        [name, code[:8], "yes" if current.get(name) == code else "no", count, f"{seconds:.1f}"]
        for name, code, count, seconds in kept.status()
    ]
    show.rows(["experiment", "code", "current", "runs", "seconds"], rows)
    for entry in kept.entries():
        if isinstance(entry, CorruptEntryError):
            print(f"corrupt: {entry}")
    print(f"store: {kept.folder}")


def _axes(changes: list[str]) -> dict[str, list[Any]]:
    axes: dict[str, list[Any]] = {}
    for change in changes:
        name, equals, values = change.partition("=")
        if not equals or not name or not values:
            usage(f"--set {change}: must be FIELD=VALUE or FIELD=VALUE,VALUE,…")
        if name in axes:
            usage(f"--set {change}: field {name!r} is set twice")
        axes[name] = values.split(",")
    return axes


def _seeds(text: str) -> list[int]:
    first, colon, last = text.partition(":")
    try:
        start, end = (int(first), int(last)) if colon else (0, int(first))
    except ValueError:
        start = end = 0
    if not 0 <= start < end:
        usage(f"--seeds {text}: must be a number of at least 1, or A:B with 0 <= A < B")
    return list(range(start, end))
