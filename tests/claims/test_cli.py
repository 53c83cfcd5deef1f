"""The command line as a user meets it: output, exit codes, one line for bad input, nothing half-written."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LEMMATA = str(Path(sys.executable).parent / "lemmata")


def run(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LEMMATA, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False)


def cpu(*arguments: str) -> float:
    """Seconds of CPU that a command takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run(*arguments).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "turig"], ["turig", "turing"]),
        (["verify", "turing.simulatoin"], ["turing.simulatoin", "turing.simulation"]),
        (["verify", "--jobs", "-1"], ["--jobs", "-1", "at least 1"]),
        (["verify", "--jobs", "two"], ["--jobs", "two"]),
        (["verify", "--seed", "-3"], ["--seed", "-3", "at least 0"]),
        (["verify", "--cost", "free"], ["--cost", "free", "quick"]),
        (["verify", "--kind", "guess"], ["--kind", "guess", "exact"]),
        (["verify", "--time-limit", "0"], ["--time-limit", "at least"]),
        (["verify", "--json", "/nonexistent/out.json"], ["--json", "/nonexistent"]),
        (["verify", "--json", "."], ["--json", "folder"]),
        (["verify", "--cots", "quick"], ["--cots", "--cost"]),
        (["verfy"], ["verfy"]),
        (["show", "turing.nothing"], ["turing.nothing"]),
        (["show"], ["CLAIM"]),
        (["list", "turin"], ["turin", "turing"]),
        (["figure", "turing.tokns"], ["turing.tokns", "turing.tokens"]),
        (["figure", "--out", "/proc/nowhere"], ["--out", "/proc/nowhere"]),
        (["report", "--from", "missing.json"], ["--from", "missing.json"]),
        (["report", "--from", "x.json", "turing"], ["--from"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, words, tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


FRAME = '{"environment": {}, "interrupted": false, "summary": {}, "claims": %s}'


@pytest.mark.parametrize("text", ["not json", "[]", '{"claims": []}', FRAME % "5", FRAME % "[{}]"])
def test_a_results_file_that_is_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    done = run("report", "--from", "x.json", folder=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "site").exists()


def test_verify_writes_json_and_says_that_all_hold(tmp_path: Path) -> None:
    done = run("verify", "turing", "--json", "out.json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["summary"]["holds"] == len(data["claims"]) >= 6
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    for claim in data["claims"]:
        assert {control["verdict"] for control in claim["controls"]} == {"refuted"}


def test_two_runs_with_one_seed_print_the_same_evidence(tmp_path: Path) -> None:
    runs = []
    for name in ("a.json", "b.json"):
        run("verify", "turing.token_count", "turing.mutations", "--seed", 7, "--json", name, folder=tmp_path)
        data = json.loads((tmp_path / name).read_text())
        runs.append([(c["id"], c["seed"], c["evidence"], c["controls"]) for c in data["claims"]])
    assert runs[0] == runs[1]


def test_show_tells_the_claim_and_after_verify_its_last_evidence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LEMMATA_CACHE", str(tmp_path))
    assert "none yet" in run("show", "turing.bit_size").stdout
    run("verify", "turing.bit_size")
    shown = run("show", "turing.bit_size").stdout
    assert "holds on" in shown
    assert "18933 == 18933" in shown
    assert "(exact, quick)" in shown
    assert "\\" not in shown


def test_list_names_every_claim_and_coverage_every_open_row() -> None:
    from lemmata.claims.framework import registry

    listed, coverage = run("list").stdout, run("list", "--coverage").stdout
    for paper in registry.papers().values():
        assert all(claim in listed for claim in paper.claims)
        assert all(f"  {row}  " in coverage for row in paper.uncovered())


def test_ctrl_c_reports_what_is_finished_and_exits_with_130(tmp_path: Path) -> None:
    command = [LEMMATA, "verify", "turing.bit_size", "turing.learned_reader", "--json", "out.json", "--jobs", "2"]
    running = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(6)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "1 claims not finished" in out
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["interrupted"]
    assert [claim["id"] for claim in data["claims"]] == ["turing.bit_size"]


def test_a_claim_over_its_time_limit_is_an_error_and_exit_code_1() -> None:
    done = run("verify", "turing.learned_reader", "--time-limit", "0.5")
    assert done.returncode == 1
    assert "time limit of 0.5 s" in done.stdout


def test_help_is_instant_and_does_not_import_torch(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['lemmata', '--help']\nfrom lemmata.claims.cli import main\ntry:\n    main()\n"
    code += "except SystemExit as stop:\n    assert not stop.code\n"
    code += "heavy = {'torch', 'numpy', 'sympy', 'transformer_lens', 'matplotlib'} & set(sys.modules)\n"
    code += "assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    cpu("--help")  # warms the file cache
    assert min(cpu("--help") for _ in range(3)) < 0.3


def test_list_and_show_answer_quickly() -> None:
    for command in (["list"], ["show", "turing.simulation"]):
        cpu(*command)
        assert min(cpu(*command) for _ in range(3)) < 0.5


def test_a_report_opens_from_disk_without_network_or_scripts(tmp_path: Path) -> None:
    run("verify", "turing", "--json", "out.json", folder=tmp_path)
    done = run("report", "--from", "out.json", "--out", "site", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["index.html", "turing.html"]
    page = (tmp_path / "site" / "turing.html").read_text()
    assert page.count("<math") >= 6
    assert 'src="data:image/png;base64,' in page
    for forbidden in ("<script", 'src="http', "<link", "@import"):
        assert forbidden not in page
    for claim in json.loads((tmp_path / "out.json").read_text())["claims"]:
        assert f'id="{claim["id"]}"' in page


def test_the_report_lists_an_erratum(tmp_path: Path) -> None:
    run("verify", "turing.bit_size", "--json", "out.json", folder=tmp_path)
    data = json.loads((tmp_path / "out.json").read_text())
    data["claims"][0]["correction"] = {"paper_says": "$x < 1$", "true_is": "$x \\le 1$"}
    (tmp_path / "out.json").write_text(json.dumps(data))
    run("report", "--from", "out.json", "--out", "site", folder=tmp_path)
    for name in ("index.html", "turing.html"):
        page = (tmp_path / "site" / name).read_text()
        assert "the paper says" in page
        assert "<mo>&#x02264;</mo>" in page or "≤" in page
