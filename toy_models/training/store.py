"""The store of finished runs: two files a run, a JSON that people can read and a safetensors file beside it.

A run's address is the hash of (experiment, configuration, seed, code version). The tensors are written first and the
JSON last, each into a temporary file that is then renamed, so that a JSON file means a finished run. It carries the
tensor file's checksum and its own; an entry that does not match is reported as corrupt and never used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from lemmata.toy_models.cache import cache_folder
from lemmata.toy_models.training.experiment import Outcome, Scalar


class CorruptEntryError(ValueError):
    """A stored run whose files do not match their checksums or cannot be read."""


@dataclass(frozen=True)
class Run:
    """One run of an experiment: what was asked, and what came out (None while it has not run)."""

    experiment: str
    config: Mapping[str, Scalar]
    seed: int
    code: str
    outcome: Outcome | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """Hash of experiment, configuration, seed and code version: 32 hexadecimal digits."""
        asked = [self.experiment, dict(self.config), self.seed, self.code]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


class Store:
    """A folder of runs.

    Parameters
    ----------
    folder : Path, optional
        By default ``runs`` in the per-user cache folder. It is made when the first run is stored.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = cache_folder() / "runs" if folder is None else folder

    def path(self, run: Run) -> Path:
        """The run's JSON file."""
        return self.folder / run.experiment / f"{run.key}.json"

    def put(self, run: Run) -> None:
        """Store a finished run, atomically; a run without an outcome is refused."""
        if run.outcome is None:
            raise ValueError(f"run {run.key} of {run.experiment} has no outcome to store")
        path = self.path(run)
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = save({name: value.detach().contiguous() for name, value in run.outcome.tensors.items()})
        entry = dataclasses.asdict(dataclasses.replace(run, outcome=None)) | {
            "metrics": dict(run.outcome.metrics),
            "tensors": hashlib.sha256(tensors).hexdigest(),
        }
        del entry["outcome"]
        _write(path.with_suffix(".safetensors"), tensors)
        _write(path, (json.dumps(entry | {"checksum": _checksum(entry)}, indent=1, sort_keys=True) + "\n").encode())

    def get(self, run: Run) -> Run | None:
        """The finished run, or None if it is not stored.

        Raises
        ------
        CorruptEntryError
            If there is an entry but it is damaged, or not the run's.
        """
        path = self.path(run)
        if not path.exists():
            return None
        found = _read(path)
        if found.key != run.key:
            raise CorruptEntryError(f"{path}: holds another run")
        return found

    def entries(self, experiment: str | None = None) -> Iterator[Run | CorruptEntryError]:
        """Every stored run, or of one experiment, in the order of the files; damaged ones as the error that says so."""
        for path in sorted(self.folder.glob(f"{experiment or '*'}/*.json")):
            try:
                yield _read(path)
            except CorruptEntryError as error:
                yield error

    def status(self) -> list[tuple[str, str, int, float]]:
        """(experiment, code version, runs, seconds spent) for each experiment and version in the store."""
        runs = [run for run in self.entries() if isinstance(run, Run)]
        counts = Counter((run.experiment, run.code) for run in runs)
        seconds: Counter[tuple[str, str]] = Counter()
        for run in runs:
            seconds[run.experiment, run.code] += run.seconds  # type: ignore[assignment]
        return [(name, code, count, float(seconds[name, code])) for (name, code), count in sorted(counts.items())]


def _write(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: into a temporary file beside it, to the disk, and renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> Run:
    try:
        entry: dict[str, Any] = json.loads(path.read_bytes())
        checksum = entry.pop("checksum")
        if checksum != _checksum(entry):
            raise CorruptEntryError(f"{path}: its checksum does not match")
        tensors = path.with_suffix(".safetensors").read_bytes()
        if hashlib.sha256(tensors).hexdigest() != entry.pop("tensors"):
            raise CorruptEntryError(f"{path.with_suffix('.safetensors')}: its checksum does not match")
        outcome = Outcome(entry.pop("metrics"), load(tensors))
        return Run(**entry, outcome=outcome)
    except CorruptEntryError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise CorruptEntryError(f"{path}: cannot be read ({type(error).__name__})") from error


def _checksum(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
