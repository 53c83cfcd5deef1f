"""Executing claims: verdicts, crashes, time limits, dead workers, interruption, reproducibility, records."""

import os
import signal
import threading
from dataclasses import replace

import made_up
import pytest

from lemmata.claims.framework import Claim, Control, Evidence, Kind, Paper, Trial, Verdict
from lemmata.claims.runner import results
from lemmata.claims.runner.execute import execute
from lemmata.claims.runner.pool import run_claims, time_limit
from lemmata.kernels.records import Record, read_record, write_record
from lemmata.kernels.source_hash import source_hash


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("good", "holds", ""),
        ("corrected", "holds", ""),
        ("wrong", "refuted", "x: 2 == 1"),
        ("weak", "broken", "control 'no departure at all' is holds, not refuted"),
        ("crash", "error", "RuntimeError: the check crashed here"),
        ("crashing_control", "broken", "is error, not refuted"),
        ("yields_true", "error", "must yield Evidence"),
        ("silent", "error", "no evidence"),
        ("wrong_and_weak", "broken", "not refuted"),
        ("fit", "inconclusive", "precondition missed: R²: 0.5 >= 0.9"),
    ],
)
def test_verdicts_of_whole_claims(page: Paper, name: str, verdict: str, reason: str) -> None:
    result = execute(page.claims[f"turing.{name}"], seed=0)
    assert result.verdict == verdict
    assert reason in result.outcome.reason


def test_a_crash_keeps_its_traceback(page: Paper) -> None:
    assert "the check crashed here" in execute(page.claims["turing.crash"], 0).outcome.traceback
    assert "None is not a number" in execute(page.claims["turing.crashing_control"], 0).outcome.traceback


def test_the_same_seed_gives_the_same_evidence_and_another_seed_does_not(page: Paper) -> None:
    claim = page.claims["turing.random"]
    first, again, other = (execute(claim, seed).outcome.evidence for seed in (3, 3, 4))
    assert first == again != other


def test_streams_depend_on_seed_claim_and_name_only() -> None:
    draws = {
        (seed, claim, name): Trial(seed, claim).rng(name).random()
        for seed in (0, 1)
        for claim in ("a.b", "a.c")
        for name in ("", "x")
    }
    assert len(set(draws.values())) == len(draws)
    assert Trial(1, "a.c").rng("x").random() == draws[1, "a.c", "x"]


def test_a_search_counts_instances_and_shrinks_the_counterexample() -> None:
    from hypothesis import strategies as st

    trial = Trial(0, "a.b")
    found = trial.search(st.integers(0, 1000), lambda n: n >= 17, examples=200)
    assert (found.failures, found.counterexample) == (1, "17")
    none = trial.search(st.integers(0, 1000), lambda n: n > 1000, examples=50)
    assert (none.failures, none.instances, none.counterexample) == (0, 50, "")


def test_workers_run_claims_and_one_that_dies_or_hangs_is_an_error(page: Paper) -> None:
    names = ["good", "killed", "slow", "wrong", "crash"]
    chosen = [page.claims[f"turing.{name}"] for name in names]
    seen = []
    session = run_claims(chosen, jobs=2, limit=4.0, finished=lambda claim, _: seen.append(claim.id), task=made_up.run)
    verdicts = {result.claim: (result.verdict, result.outcome.reason) for result in session.results}
    assert [result.claim for result in session.results] == [claim.id for claim in chosen]
    assert sorted(seen) == sorted(verdicts)
    assert verdicts["turing.good"][0] is Verdict.HOLDS
    assert verdicts["turing.wrong"][0] is Verdict.REFUTED
    assert verdicts["turing.crash"][0] is Verdict.ERROR
    assert verdicts["turing.killed"] == (Verdict.ERROR, verdicts["turing.killed"][1])
    assert "worker died" in verdicts["turing.killed"][1]
    assert verdicts["turing.slow"] == (Verdict.ERROR, "stopped after its time limit of 4 s")


def test_ctrl_c_keeps_what_is_finished(page: Paper) -> None:
    chosen = [page.claims["turing.good"], page.claims["turing.slow"]]

    def interrupt(claim: Claim, result: object) -> None:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    session = run_claims(chosen, jobs=2, finished=interrupt, task=made_up.run)
    assert session.interrupted
    assert [result.claim for result in session.results] == ["turing.good"]


def test_limits_leave_a_slow_machine_room() -> None:
    from lemmata.claims.framework import Cost

    assert [time_limit(cost) for cost in Cost] == [10, 100, 900]


# --------------------------------------------------------------------------------------------------------- records


@pytest.fixture
def measured(page: Paper) -> Claim:
    """A claim judged from a record: the ratio must be at least 2; its control asks for 10."""

    @page.claim(
        "ratio",
        source="Table 1",
        statement="At least twice as fast.",
        kind="measured",
        operation="records",  # any module below kernels serves as the operation here
        controls=[Control("ten times as fast", {"least": 10.0})],
    )
    def ratio(trial, values, least=2.0):
        """Reads the ratio of the record."""
        yield Evidence("ratio", values["ratio"], ">=", least)

    return page.claims["turing.ratio"]


def record(**changes) -> Record:
    fresh = Record(
        claim="turing.ratio",
        operation="records",
        values={"ratio": 3.0},
        device="a card",
        versions={"torch": "2"},
        date="2026-01-01",
        source=source_hash("lemmata.kernels.records"),
    )
    return replace(fresh, **changes)


def test_without_a_record_a_measured_claim_is_unavailable(measured: Claim, tmp_path) -> None:
    result = execute(measured, 0, records=tmp_path)
    assert (result.verdict, result.controls) == (Verdict.UNAVAILABLE, ())
    assert measured.kind is Kind.MEASURED


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "holds"),
        ({"values": {"ratio": 1.0}}, "refuted"),
        ({"values": {"ratio": 20.0}}, "broken"),
        ({"values": {"ratio": 1.0}, "source": "0" * 32}, "refuted"),
        ({"source": "0" * 32}, "stale"),
    ],
)
def test_a_record_is_judged_and_a_changed_kernel_makes_it_stale(measured: Claim, tmp_path, changes, verdict) -> None:
    write_record(record(**changes), tmp_path)
    result = execute(measured, 0, records=tmp_path)
    assert result.verdict == verdict
    assert result.outcome.evidence


def test_a_record_that_is_not_one_is_an_error_in_one_line(measured: Claim, tmp_path) -> None:
    path = write_record(record(), tmp_path)
    assert read_record("records", "turing.ratio", tmp_path) == record()
    path.write_text('{"claim": "turing.ratio"}', encoding="utf-8")
    result = execute(measured, 0, records=tmp_path)
    assert result.verdict is Verdict.ERROR
    assert "not a JSON object with claim, operation" in result.outcome.reason


# ------------------------------------------------------------------------------------------------------ JSON, cache


def test_the_json_of_a_session_has_the_promised_fields() -> None:
    from lemmata.claims.framework import registry

    claim = registry.find("turing.mutations")
    data = results.session_json([execute(claim, 0)], interrupted=False)
    assert set(data) == {"environment", "interrupted", "summary", "claims"}
    assert data["summary"]["holds"] == 1
    entry = data["claims"][0]
    promised = "id paper source statement kind cost verdict reason seconds seed evidence controls correction".split()
    assert set(promised) <= set(entry)
    assert set("name measured relation bound holds".split()) <= set(entry["evidence"][0])
    assert all({"description", "verdict", "evidence"} <= set(control) for control in entry["controls"])


def test_the_last_evidence_is_remembered_and_a_change_of_code_is_said(monkeypatch) -> None:
    from lemmata.claims.framework import registry

    claim = registry.find("turing.bit_size")
    results.remember([execute(claim, 5)])
    last = results.recall(claim)
    assert (last["verdict"], last["seed"], last["changed"]) == ("holds", 5, False)
    monkeypatch.setattr(results, "code_hash", lambda claim: "another")
    assert results.recall(claim)["changed"]


def test_numbers_that_json_lacks_are_written_as_words(page: Paper) -> None:
    import json

    claim = page.claims["turing.good"]
    result = execute(claim, 0)
    odd = Evidence("x", float("nan"), "<=", float("inf"), interval=(float("nan"), float("nan")))
    half = Evidence("y", 1.5, "in", (1, 2), interval=(1, 2))
    result = replace(result, outcome=replace(result.outcome, evidence=(odd, half)))
    first, second = json.loads(json.dumps(results.claim_json(claim, result), allow_nan=False))["evidence"]
    assert (first["measured"], first["bound"], first["holds"]) == ("nan", "inf", None)
    assert (second["interval"], second["bound"], second["holds"]) == ([1, 2], [1, 2], True)


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_regular_file_is_written_to_and_not_replaced(kind: str, tmp_path) -> None:
    target = tmp_path / "out"
    if kind == "link":
        (tmp_path / "real").write_text("old")
        target.symlink_to(tmp_path / "real")
        results.write_text(target, "new")
        assert target.is_symlink()
        assert (tmp_path / "real").read_text() == "new"
        return
    os.mkfifo(target)
    read = []
    reader = threading.Thread(target=lambda: read.append(target.read_text()))
    reader.start()
    results.write_text(target, "new")
    reader.join(timeout=10)
    assert read == ["new"]
    assert target.is_fifo()


def test_every_control_is_executed(page: Paper) -> None:
    for name in ("turing.two_controls",):
        result = execute(page.claims[name], 0)
        assert [control.outcome.verdict for control in result.controls] == ["refuted", "holds"]
        assert result.verdict is Verdict.BROKEN
