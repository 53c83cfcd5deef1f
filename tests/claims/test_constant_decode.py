"""Row T21 is judged from a record: what made-up records of each sort lead to, and that a measurement makes one."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from lemmata.claims.framework import registry
from lemmata.claims.runner.execute import execute
from lemmata.kernels import source_hash
from lemmata.kernels.decode.offsets import bench
from lemmata.kernels.records import read_record, write_record

CLAIM = registry.find(bench.CLAIM)


def made_up(offsets=lambda window: 8e-6, dense=lambda window: 1e-5 + 1.5e-9 * window):
    """A record of times that were never measured, for the tests of the judgement only."""
    values = {"window": [float(window) for window in bench.WINDOWS]}
    for name, time in (("offsets", offsets), ("dense", dense)):
        # A wobble of 2 %, the same every time.
        values[f"{name}_seconds"] = [time(w) * (1 + 0.02 * math.sin(3 * i)) for i, w in enumerate(bench.WINDOWS)]
    values["dense_bytes"] = [2 * 2 * 8 * 64.0 * window for window in bench.WINDOWS]
    return bench.record_of(values, "made up")


def verdict(folder, record) -> str:
    write_record(record, folder)
    return execute(CLAIM, 0, folder).verdict


def test_it_is_unavailable_without_a_record(tmp_path) -> None:
    result = execute(CLAIM, 0, tmp_path)
    assert result.verdict == "unavailable"
    assert "decode.offsets" in result.outcome.reason


def test_constant_time_beside_linear_time_holds(tmp_path) -> None:
    write_record(made_up(), tmp_path)
    result = execute(CLAIM, 0, tmp_path)
    assert result.verdict == "holds"
    assert [control.outcome.verdict for control in result.controls] == ["refuted", "refuted"]


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("a flat ratio", {"dense": lambda window: 1e-4}),
        ("offsets that slow down", {"offsets": lambda window: 8e-6 * (window / 1024) ** 0.2}),
        ("offsets as slow as dense", {"offsets": lambda window: 1e-5 + 1.5e-9 * window}),
    ],
)
def test_what_does_not_scale_as_claimed_does_not_hold(name: str, times: dict, tmp_path) -> None:
    write_record(made_up(**times), tmp_path)
    assert execute(CLAIM, 0, tmp_path).outcome.verdict in ("refuted", "broken")
    outcome = execute(replace(CLAIM, controls=()), 0, tmp_path)
    assert outcome.verdict == "refuted"


def test_noise_and_missing_windows_are_inconclusive(tmp_path) -> None:
    record = made_up(offsets=lambda window: 8e-6 * (1 + 0.9 * math.sin(window)))
    assert execute(replace(CLAIM, controls=()), 0, _with(tmp_path, record)).verdict == "inconclusive"
    small = replace(made_up(), values=made_up().values | {"dense_bytes": [1e6] * 8 + [1e9] * 3})
    assert execute(replace(CLAIM, controls=()), 0, _with(tmp_path, small)).verdict == "inconclusive"
    short = replace(made_up(), values={name: column[:6] for name, column in made_up().values.items()})
    assert execute(replace(CLAIM, controls=()), 0, _with(tmp_path, short)).verdict == "inconclusive"


def _with(folder, record):
    write_record(record, folder)
    return folder


def test_a_record_of_another_source_is_stale(tmp_path) -> None:
    assert verdict(tmp_path, replace(made_up(), source="0" * 32)) == "stale"


def test_the_hash_of_a_record_covers_the_kernel_and_its_reference() -> None:
    closure = source_hash._closure(f"lemmata.kernels.{bench.OPERATION}")
    assert {f"lemmata.kernels.{bench.OPERATION}.{name}" for name in ("triton", "reference")} <= set(closure)


def test_what_a_measurement_returns_is_a_record_of_the_claim(tmp_path) -> None:
    """The whole path on a CPU with a clock that is not one, so that nothing looks like a measurement."""
    ticks = iter(range(1, 100))
    values = bench.measure(
        (16, 32), lambda call: [call() is not None and float(next(ticks))] * 3, device="cpu", dtype=bench.torch.float32
    )
    record = bench.record_of(values, "no device")
    write_record(record, tmp_path)
    assert read_record(bench.OPERATION, bench.CLAIM, tmp_path) == record
    assert not record.stale
    assert record.values["window"] == [16.0, 32.0]
    assert record.values["dense_seconds"] == [2.0, 4.0]
    assert execute(replace(CLAIM, controls=()), 0, tmp_path).verdict == "inconclusive"


@pytest.mark.parametrize("window", [2**power for power in range(2, 12)])
def test_the_ring_of_the_bench_is_full_and_read_across_its_seam(window: int) -> None:
    _, k, _, length, distances = bench.arguments(window, 4, 2, bench.torch.float32, "cpu")
    assert k.shape[2] == window < length
    newest = int(length - 1) % window
    slots = [(int(length) - 1 - distance) % window for distance in distances.flatten().tolist()]
    assert max(slots) > newest  # tokens older than the seam, in slots that follow that of the newest
    assert distances.max() == window - 1


@pytest.mark.parametrize("error", [1e-3, 2e-5])
def test_nothing_is_measured_of_a_wrong_kernel(error: float, monkeypatch) -> None:
    right = bench.offset_attention
    monkeypatch.setattr(bench, "offset_attention", lambda *a, **b: right(*a, **b) * (1 + error))
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        bench.measure((16,), lambda call: [1.0, 1.0, 1.0], device="cpu", dtype=bench.torch.float32)


def test_the_bench_needs_a_gpu_and_few_packages() -> None:
    """On the GPU machine there are torch, triton, numpy, jaxtyping, typer and rich, and no more."""
    blocked = ("transformer_lens", "scipy", "matplotlib", "hypothesis", "pebble", "jinja2", "numba", "platformdirs")
    code = (
        f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
        "import typer\nfrom lemmata.kernels.decode.offsets import bench\n"
        "bench.torch.cuda.is_available = lambda: False\ntyper.run(bench.main)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stderr.strip()) == (2, "bench: needs a GPU; torch finds none")
