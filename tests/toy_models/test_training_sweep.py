"""Sweeps: nothing finished is lost or repeated, whatever is damaged is seen, and any executor gives the same bits."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import walks

from lemmata.toy_models.training.experiment import experiment, find, grid
from lemmata.toy_models.training.store import CorruptEntryError, Run, Store
from lemmata.toy_models.training.sweep import Sweep, execute, open_executor, sweep, table

SCALES = [{"scale": 1.0}, {"scale": 2.0}]


def same(first: Sweep, second: Sweep) -> bool:
    """Equal runs in equal order, bit by bit."""
    return len(first.runs) == len(second.runs) and all(
        a.key == b.key
        and a.outcome is not None
        and b.outcome is not None
        and a.outcome.metrics == b.outcome.metrics
        and all(torch.equal(a.outcome.tensors[name], b.outcome.tensors[name]) for name in a.outcome.tensors)
        for a, b in zip(first.runs, second.runs, strict=True)
    )


def log_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []


def test_a_second_sweep_finds_everything_and_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALKS", str(tmp_path / "log"))
    first = sweep(walks.walk, SCALES, range(4), store=Store(tmp_path / "store"))
    assert (len(first.runs), first.found, len(log_of(tmp_path / "log"))) == (8, 0, 8)
    seen: list[tuple[int, int]] = []
    second = sweep(
        "walks.walk", SCALES, range(5), store=Store(tmp_path / "store"), finished=lambda d, t, run: seen.append((d, t))
    )
    assert (len(second.runs), second.found, len(log_of(tmp_path / "log"))) == (10, 8, 10)
    assert seen == [(done, 10) for done in range(1, 11)]
    assert [run.seed for run in second.runs] == [*range(5), *range(5)]


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_a_killed_sweep_goes_on_with_the_same_bits_and_repeats_no_finished_run(tmp_path: Path, kills: int) -> None:
    wanted = sweep(walks.walk, walks.SLOW, range(30), store=Store(tmp_path / "whole"))
    store, log = tmp_path / "store", tmp_path / "log"
    command = [sys.executable, walks.__file__, str(store)]
    environment = os.environ | {"WALKS": str(log)}
    rng = random.Random(kills)
    kept: set[str] = set()
    for _ in range(kills):
        child = subprocess.Popen(command, env=environment)
        target = len(kept) + rng.randint(3, 10)
        deadline = time.monotonic() + 120
        while len(list(store.glob("*/*.json"))) < target and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        child.send_signal(signal.SIGKILL)
        child.wait()
        time.sleep(1.5)  # its workers notice that it is gone
        kept = {f"{run.config['scale']} {run.seed}" for run in Store(store).entries() if isinstance(run, Run)}
        assert target <= len(kept) < 60
        log.unlink()
    subprocess.run(command, env=environment, check=True)
    assert len(log_of(log)) == 60 - len(kept)
    assert not kept & set(log_of(log))
    resumed = sweep(walks.walk, walks.SLOW, range(30), store=Store(store))
    assert resumed.found == 60
    assert same(resumed, wanted)


@pytest.mark.parametrize(
    "damage", ["tensors cut", "tensors flipped", "metrics changed", "json cut", "json empty", "gone"]
)
def test_a_damaged_entry_is_said_and_computed_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    whole = sweep(walks.walk, SCALES, range(2), store=store)
    text = store.path(whole.runs[1])
    tensors = text.with_suffix(".safetensors")
    data = tensors.read_bytes()
    match damage:
        case "tensors cut":
            tensors.write_bytes(data[:-1])
        case "tensors flipped":
            tensors.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "metrics changed":
            entry = json.loads(text.read_text(encoding="utf-8"))
            entry["metrics"]["end"] += 1
            text.write_text(json.dumps(entry), encoding="utf-8")
        case "json cut":
            text.write_bytes(text.read_bytes()[:-20])
        case "json empty":
            text.write_bytes(b"")
        case "gone":
            tensors.unlink()
    with pytest.raises(CorruptEntryError, match=whole.runs[1].key):
        store.get(whole.runs[1])
    again = sweep(walks.walk, SCALES, range(2), store=store)
    assert (again.found, len(again.corrupt)) == (3, 1)
    assert whole.runs[1].key in again.corrupt[0]
    assert same(again, whole)
    assert sweep(walks.walk, SCALES, range(2), store=store).found == 4


def test_an_entry_under_another_run_s_name_is_corrupt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    runs = sweep(walks.walk, SCALES, [0], store=store).runs
    for suffix in (".json", ".safetensors"):
        store.path(runs[0]).with_suffix(suffix).write_bytes(store.path(runs[1]).with_suffix(suffix).read_bytes())
    with pytest.raises(CorruptEntryError, match="holds another run"):
        store.get(runs[0])


def test_the_address_depends_on_experiment_configuration_seed_and_code() -> None:
    run = Run("a.b", {"x": 1, "y": 2.0}, 0, "code")
    others = [
        Run("a.c", {"x": 1, "y": 2.0}, 0, "code"),
        Run("a.b", {"x": 2, "y": 2.0}, 0, "code"),
        Run("a.b", {"x": 1, "y": 2.0}, 1, "code"),
        Run("a.b", {"x": 1, "y": 2.0}, 0, "edoc"),
    ]
    assert run.key == Run("a.b", {"y": 2.0, "x": 1}, 0, "code").key
    assert len({run.key, *(other.key for other in others)}) == 5


def test_processes_give_the_bits_that_this_process_gives(tmp_path: Path) -> None:
    with open_executor("processes", 2) as pool:
        apart = sweep(walks.walk, SCALES, range(3), executor=pool, store=Store(tmp_path / "apart"))
    assert same(apart, sweep(walks.walk, SCALES, range(3), store=Store(tmp_path / "here")))


def test_a_dask_cluster_gives_the_bits_that_this_process_gives(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    environment = {"PYTHONPATH": os.pathsep.join([str(Path(walks.__file__).parent), os.environ.get("PYTHONPATH", "")])}
    with (
        pytest.MonkeyPatch.context() as patch,
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            protocol="tcp://",
            host="127.0.0.1",
            scheduler_port=0,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
    ):
        patch.setenv("PYTHONPATH", environment["PYTHONPATH"])
        address = cluster.scheduler_address.removeprefix("tcp://")
        assert cluster.scheduler_address.startswith("tcp://")
        with open_executor(f"dask://{address}") as pool:
            far = sweep(walks.walk, SCALES, range(4), executor=pool, store=Store(tmp_path / "far"))
            again = sweep(walks.walk, SCALES, range(4), executor=pool, store=Store(tmp_path / "far"))
    assert not far.failed
    assert same(far, sweep(walks.walk, SCALES, range(4), store=Store(tmp_path / "here")))
    assert again.found == 8


def test_a_run_that_raises_does_not_end_the_others_and_is_tried_again(tmp_path: Path) -> None:
    done = sweep(walks.walk, [{"fails": True}], range(3), store=Store(tmp_path))
    assert [run.seed for run in done.runs] == [0, 2]
    assert [(run.seed, why) for run, why in done.failed] == [(1, "ArithmeticError: the walk fell")]
    assert sweep(walks.walk, [{"fails": True}], range(3), store=Store(tmp_path)).found == 2


def test_a_worker_with_other_code_refuses_the_run() -> None:
    run = Run("walks.walk", asdict(walks.Walk()), 0, "0" * 32)
    with pytest.raises(RuntimeError, match="this worker has version .* of walks.walk, not 0000"):
        execute("walks", run)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    def stop(done: int, total: int, run: Run) -> None:
        if done == 3:
            raise KeyboardInterrupt

    cut = sweep(walks.walk, SCALES, range(4), store=Store(tmp_path), finished=stop)
    assert cut.interrupted
    assert len(cut.runs) == 3
    assert sweep(walks.walk, SCALES, range(4), store=Store(tmp_path)).found == 3


def test_the_table_shows_what_varies_and_the_metrics(tmp_path: Path) -> None:
    columns, rows = table(sweep(walks.walk, SCALES, range(2), store=Store(tmp_path)).runs)
    assert columns == ["scale", "seed", "end", "high"]
    assert [row[:2] for row in rows] == [[1.0, 0], [1.0, 1], [2.0, 0], [2.0, 1]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stps": 3}, "no field 'stps'; did you mean 'steps'"),
        ({"steps": 2.5}, "field 'steps': 2.5 is not a whole number"),
        ({"steps": "many"}, "field 'steps': 'many' is not a whole number"),
        ({"scale": True}, "field 'scale': True is not a float"),
        ({"fails": "perhaps"}, "field 'fails': 'perhaps' is not a bool"),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_runs(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sweep(walks.walk, [{}, changes], range(2), store=Store(tmp_path))
    assert not list(tmp_path.iterdir())


def test_words_of_a_command_line_are_read_as_the_field_s_type() -> None:
    config = walks.walk.configure({"steps": "1e2", "scale": "0.5", "fails": "no"})
    assert config == walks.Walk(steps=100, scale=0.5, fails=False)
    assert list(grid({"a": [1, 2], "b": "xy"})) == [{"a": a, "b": b} for a in (1, 2) for b in "xy"]  # type: ignore[dict-item]


def test_unknown_experiments_executors_and_taken_names_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'walks.walk'"):
        find("walks.wlk")
    with pytest.raises(ValueError, match="executor 'threads' is not one of"), open_executor("threads"):
        pass
    with pytest.raises(ValueError, match="seed -1 is negative"):
        sweep(walks.walk, [{}], [-1])
    with pytest.raises(ValueError, match="registered already"):
        experiment("walks.walk", walks.Walk)(lambda config, seed: walks.Outcome({}))


def test_the_code_version_sees_constants_and_not_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lemmata.kernels.source_hash import source_hash

    monkeypatch.syspath_prepend(str(tmp_path))
    hashes = []
    for text in ("x = 1", "x = 1  # one", "x = 2"):
        (tmp_path / "made_up_module.py").write_text(text, encoding="utf-8")
        hashes.append(source_hash("made_up_module"))
    assert hashes[0] == hashes[1] != hashes[2]
