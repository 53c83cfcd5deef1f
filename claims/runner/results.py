"""Results as JSON, and the last evidence of each claim in the user's cache."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lemmata.claims.framework.claim import Claim
from lemmata.claims.framework.evidence import Evidence, Number, Verdict
from lemmata.claims.framework.registry import find
from lemmata.claims.runner.execute import Outcome, Result
from lemmata.kernels.source_hash import source_hash
from lemmata.toy_models.cache import cache_folder

CLAIM_FIELDS = (
    "id",
    "paper",
    "source",
    "cite",
    "statement",
    "kind",
    "cost",
    "verdict",
    "reason",
    "seconds",
    "seed",
    "evidence",
    "controls",
    "correction",
)
PACKAGES = ("lemmata", "numpy", "scipy", "torch", "triton", "sympy", "transformer-lens", "hypothesis")


def environment() -> dict[str, Any]:
    """Python, platform, cores and package versions; torch and the like are not imported for it."""

    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": {package: installed(package) for package in PACKAGES},
    }


def _number(value: Number) -> int | float | str:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)  # JSON has no name for them
    return value


def _evidence(item: Evidence) -> dict[str, Any]:
    bound = [_number(end) for end in item.bound] if isinstance(item.bound, tuple) else _number(item.bound)
    return {
        "name": item.name,
        "measured": _number(item.measured),
        "relation": item.relation,
        "bound": bound,
        "holds": item.holds if item.finite else None,
        "instances": item.instances,
        "interval": None if item.interval is None else [_number(end) for end in item.interval],
        "precondition": item.precondition,
        "detail": item.detail,
    }


def claim_json(claim: Claim, result: Result) -> dict[str, Any]:
    """One claim of the JSON file, see :func:`session_json`."""

    def outcome(part: Outcome) -> dict[str, Any]:
        return {"verdict": part.verdict, "reason": part.reason, "evidence": [_evidence(e) for e in part.evidence]}

    correction = claim.correction
    judged = outcome(result.outcome)
    entry = {
        "id": claim.id,
        "paper": claim.paper,
        "source": claim.source,
        "cite": claim.cite,
        "statement": claim.statement,
        "kind": claim.kind,
        "cost": claim.cost,
        "verdict": judged["verdict"],
        "reason": judged["reason"],
        "seconds": round(result.seconds, 3),
        "seed": result.seed,
        "evidence": judged["evidence"],
        "controls": [{"description": c.description, **outcome(c.outcome)} for c in result.controls],
        "correction": correction and {"paper_says": correction.paper_says, "true_is": correction.true_is},
    }
    if result.record is not None:
        entry["record"] = {key: getattr(result.record, key) for key in ("device", "versions", "date", "source")}
    return entry


def session_json(results: Sequence[Result], interrupted: bool) -> dict[str, Any]:
    """What ``lemmata verify --json`` writes: environment, summary by verdict, claims."""
    counts = {verdict.value: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    return {
        "environment": environment(),
        "interrupted": interrupted,
        "summary": counts,
        "claims": [claim_json(find(result.claim), result) for result in results],
    }


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; what is no regular file (a pipe, a device) is written to as it is."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    part = path.with_name(".lemmata.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


# ------------------------------------------------------------------------------------------- last evidence, by claim


def evidence_folder() -> Path:
    """Where the last evidence lies."""
    return cache_folder() / "evidence"


def remember(results: Sequence[Result]) -> None:
    """Keep what was found, for ``lemmata show``; verification itself never reads it. A read-only cache is skipped."""
    try:
        evidence_folder().mkdir(parents=True, exist_ok=True)
        for result in results:
            claim = find(result.claim)
            entry = claim_json(claim, result) | {"date": environment()["date"], "code": code_hash(claim)}
            write_text(evidence_folder() / f"{claim.id}.json", json.dumps(entry))
    except OSError:
        return


def recall(claim: Claim) -> dict[str, Any] | None:
    """The last evidence of a claim, ``"changed"`` if the code behind it is another since; None if it never ran."""
    try:
        entry: dict[str, Any] = json.loads((evidence_folder() / f"{claim.id}.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
    return entry | {"changed": entry.get("code") != code_hash(claim)}


def code_hash(claim: Claim) -> str:
    """Hash of the claim's page and of everything of ours that it imports."""
    return source_hash(f"lemmata.claims.{claim.paper}")


def read_session(path: Path) -> dict[str, Any]:
    """Read what ``verify --json`` wrote. ValueError if the file is missing or is something else."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"--from {path}: cannot be read as results of `lemmata verify --json`: {error}") from error
    foreign = ValueError(f"--from {path}: not a file that `lemmata verify --json` wrote")
    if not isinstance(data, dict) or not {"environment", "interrupted", "summary", "claims"} <= set(data):
        raise foreign
    if not isinstance(data["claims"], list) or not isinstance(data["summary"], dict):
        raise foreign
    for entry in data["claims"]:
        if not isinstance(entry, dict) or not set(CLAIM_FIELDS) <= set(entry):
            raise foreign
        try:
            find(entry["id"])
        except ValueError as error:
            raise ValueError(f"--from {path}: {error}") from error
    return data
