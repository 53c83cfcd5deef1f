"""Records of measurements: ``kernels/<operation>/records/<claim>.json``.

A record holds the values, the device, the versions, the date and the hash of the kernel's source. It is judged by the
claim of the same id; when the source has changed since, it is stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from lemmata.kernels.source_hash import source_hash


@dataclass(frozen=True)
class Record:
    """What was measured for one claim.

    Attributes
    ----------
    claim : str
        Claim id.
    operation : str
        Kernel folder below ``kernels``, with dots (``"softmax"``, ``"decode.tpa"``).
    values : mapping
        Measured numbers (ratios, fractions, lists of them) by name.
    device : str
        The card.
    versions : mapping
        Package versions by name.
    date : str
        ISO date.
    source : str
        :func:`source_hash` of the operation when it was measured.
    """

    claim: str
    operation: str
    values: Mapping[str, float | list[float]]
    device: str
    versions: Mapping[str, str]
    date: str
    source: str

    @property
    def stale(self) -> bool:
        """Whether the operation's source has changed since the measurement."""
        return self.source != source_hash(f"lemmata.kernels.{self.operation}")


def record_path(operation: str, claim: str, root: Path | None = None) -> Path:
    """Where the record of a claim lies; `root` is the kernels folder, by default the installed one."""
    root = Path(__file__).parent if root is None else root
    return root.joinpath(*operation.split("."), "records", f"{claim}.json")


def read_record(operation: str, claim: str, root: Path | None = None) -> Record | None:
    """The record of a claim, or None if nothing was measured yet.

    Raises
    ------
    ValueError
        If the file is not a record of this claim.
    """
    path = record_path(operation, claim, root)
    if not path.exists():
        return None
    try:
        record = Record(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, json.JSONDecodeError) as error:
        names = ", ".join(field.name for field in fields(Record))
        raise ValueError(f"record {path.name}: not a JSON object with {names}: {error}") from error
    if (record.claim, record.operation) != (claim, operation):
        raise ValueError(f"record {path.name} is for {record.claim} of {record.operation}, not {claim} of {operation}")
    return record


def write_record(record: Record, root: Path | None = None) -> Path:
    """Write a record in its place, atomically; returns the path."""
    path = record_path(record.operation, record.claim, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(record), indent=2, sort_keys=True) + "\n", encoding="utf-8")
    part.replace(path)
    return path
