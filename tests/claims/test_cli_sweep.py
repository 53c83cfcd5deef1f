"""``lemmata sweep``: runs, keeps, finds again, and refuses bad input in one line."""

from pathlib import Path

import pytest

from lemmata.claims.cli import app, main


def call(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr("sys.argv", ["lemmata", "sweep", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


SMALL = ("turing.queue_reader", "--set", "steps=1", "--set", "batch=8", "--set", "window=3,4", "--executor", "here")


def test_a_sweep_is_run_kept_found_again_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--seeds", "1:3", "--store", tmp_path / "store", "--csv", tmp_path / "runs.csv")
    assert call(monkeypatch, "run", *SMALL, *where) == 0
    first = capsys.readouterr().out
    assert "4 of 4 runs, 0 of them found" in first
    table = (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "window,seed,accuracy"
    assert [row.split(",")[:2] for row in table[1:]] == [["3", "1"], ["3", "2"], ["4", "1"], ["4", "2"]]
    assert call(monkeypatch, "run", *SMALL, *where) == 0
    assert "4 of 4 runs, 4 of them found" in capsys.readouterr().out
    next((tmp_path / "store").glob("*/*.safetensors")).write_bytes(b"x")
    assert call(monkeypatch, "status", "--store", tmp_path / "store") == 0
    text = capsys.readouterr().out
    assert "turing.queue_reader" in text
    assert "checksum does not match" in text
    assert call(monkeypatch, "run", *SMALL, *where) == 0
    captured = capsys.readouterr()
    assert "corrupt, computed again" in captured.err
    assert "3 of them found" in captured.out


def test_the_list_names_experiments_and_their_fields(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "list") == 0
    text = capsys.readouterr().out
    assert "turing.queue_reader" in text
    assert "learning_rate=0.003" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "turing.quee_reader"), "unknown experiment 'turing.quee_reader'; did you mean 'turing.queue_reader'?"),
        (("run", *SMALL, "--set", "stps=3"), "has no field 'stps'; did you mean 'steps'?"),
        (("run", *SMALL, "--set", "steps=3"), "--set steps=3: field 'steps' is set twice"),
        (("run", *SMALL, "--set", "d_model"), "--set d_model: must be FIELD=VALUE"),
        (("run", *SMALL, "--set", "d_model=x"), "field 'd_model': 'x' is not a whole number"),
        (("run", *SMALL, "--seeds", "3:3"), "--seeds 3:3: must be a number of at least 1, or A:B with 0 <= A < B"),
        (("run", *SMALL[:-1], "threads"), "executor 'threads' is not one of processes, here, dask://host:port"),
        (("run", *SMALL, "--jobs", "0"), "--jobs 0: must be a whole number of at least 1"),
        (("run", *SMALL, "--csv", "/nowhere/x.csv"), "--csv /nowhere/x.csv: there is no folder /nowhere"),
        (("status", "--store", "/nowhere"), "--store /nowhere: is not a folder"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("lemmata: ")
    assert message in error
    assert error.count("\n") == 1


def test_the_command_is_registered() -> None:
    assert any(group.name == "sweep" for group in app.registered_groups)
