"""Measure decoding at fixed distances beside dense attention on a GPU, and write the record of row T21.

Both are timed in the same run on the same cache, after the kernel has been found right at every window: medians with
20 % and 80 % quantiles of event times, the L2 cache flushed before each call, outputs of both written. Dense attention
is PyTorch's scaled_dot_product_attention of one query over all W keys. Run it as

    python -m lemmata.kernels.decode.offsets.bench

Clocks are not locked; what is judged are ratios and slopes within one run.
"""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import torch
import triton
import typer
from torch import Tensor

from lemmata.kernels.decode.offsets import cost, offset_attention, reference
from lemmata.kernels.records import Record, write_record
from lemmata.kernels.source_hash import source_hash
from lemmata.kernels.testing.budgets import softmax_budget

CLAIM = "turing_multiqueue.constant_decode"
OPERATION = "decode.offsets"
WINDOWS = tuple(2**power for power in range(10, 21))
QUANTILES = (0.5, 0.2, 0.8)

Timer = Callable[[Callable[[], object]], Sequence[float]]
"""Seconds of a call: median, 20 % and 80 % quantile."""


def geometric_distances(heads: int, window: int) -> Tensor:
    """One distance a head, shape (heads, 1), as in the machine with B = 2: ``window / 2^h − 1``, at least 0."""
    return torch.tensor([[max(window >> head, 1) - 1] for head in range(heads)])


def arguments(window: int, heads: int, dim: int, dtype: torch.dtype, device: str) -> tuple[Tensor, ...]:
    """q, k, v, length and distances of one sequence whose ring is full and has wrapped round."""
    g = torch.Generator(device).manual_seed(window)
    q = torch.randn(1, heads, dim, generator=g, device=device, dtype=dtype)
    k, v = (torch.randn(1, heads, window, dim, generator=g, device=device, dtype=dtype) for _ in range(2))
    length = torch.tensor([window + window // 3], device=device)
    return q, k, v, length, geometric_distances(heads, window).to(device)


def worst_ratio(q: Tensor, k: Tensor, v: Tensor, length: Tensor, distances: Tensor, backend: str) -> float:
    """Largest error of the kernel over its budget, against the reference in float64: at most 1 when it is right."""
    out = offset_attention(q, k, v, length, distances, backend=backend).double()
    scale = q.shape[-1] ** -0.5
    seen, keys, values = (x.double() if x.is_floating_point() else x for x in reference.rows(k, v, length, distances))
    query = q.double()[..., None]
    scores = torch.where(seen, (keys @ query)[..., 0] * scale, -torch.inf)
    weights = torch.softmax(scores, -1)
    wanted = (weights[..., None, :] @ values)[..., 0, :]
    budget = 4 * 2.0**-24 * softmax_budget(weights, values, (keys.abs() @ query.abs())[..., 0] * scale)
    budget += wanted.abs() * torch.finfo(q.dtype).eps / 2 + torch.finfo(q.dtype).tiny
    return float(((out - wanted).abs() / budget).nan_to_num(nan=torch.inf).max())


def measure(
    windows: Sequence[int],
    timer: Timer,
    *,
    heads: int = 8,
    dim: int = 64,
    dtype: torch.dtype = torch.float16,
    device: str = "cuda",
    backend: str = "triton",
    track: Callable[[Sequence[int]], Sequence[int]] = lambda windows: windows,
) -> dict[str, list[float]]:
    """Seconds of both at every window, with quantiles, and the roofline bytes of dense attention.

    Raises
    ------
    RuntimeError
        If the kernel is wrong at some window: nothing is measured of a wrong kernel.
    """
    values: dict[str, list[float]] = {"window": [], "dense_bytes": [], "offsets_bytes": []}
    names = [f"{subject}_seconds{suffix}" for subject in ("offsets", "dense") for suffix in ("", "_q20", "_q80")]
    values |= {name: [] for name in names}
    for window in track(windows):
        q, k, v, length, distances = arguments(window, heads, dim, dtype, device)
        ratio = worst_ratio(q, k, v, length, distances, backend)
        if not ratio <= 1:
            raise RuntimeError(f"the kernel errs by {ratio:.3g} budgets at window {window}; nothing is recorded")
        times = [
            *timer(lambda q=q, k=k, v=v, n=length, d=distances: offset_attention(q, k, v, n, d, backend=backend)),  # type: ignore[misc]
            *timer(lambda q=q, k=k, v=v: torch.nn.functional.scaled_dot_product_attention(q[:, :, None], k, v)),  # type: ignore[misc]
        ]
        shape = cost.Shape(1, heads, window, dim, dim, rows=1, element=q.element_size())
        values["window"].append(float(window))
        values["dense_bytes"].append(float(cost.dense(shape).bytes))
        values["offsets_bytes"].append(float(cost.offsets(shape).bytes))
        for name, seconds in zip(names, times, strict=True):
            values[name].append(float(seconds))
    return values


def gpu_timer(call: Callable[[], object]) -> Sequence[float]:
    """Quantiles of event times on the GPU in seconds; Triton's timer flushes the L2 cache before each call."""
    return [float(ms) / 1e3 for ms in triton.testing.do_bench(call, warmup=50, rep=200, quantiles=list(QUANTILES))]


def record_of(values: dict[str, list[float]], device: str) -> Record:
    """The record of a measurement made now, with this source."""
    versions = {"torch": torch.__version__, "triton": triton.__version__, "python": platform.python_version()}
    versions["cuda"] = str(torch.version.cuda or torch.version.hip)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return Record(CLAIM, OPERATION, values, device, versions, today, source_hash(f"lemmata.kernels.{OPERATION}"))


def main(out: Annotated[Path | None, typer.Option(help="Folder that stands for kernels/.")] = None) -> None:
    """Measure on this machine's GPU and write the record."""
    from rich.progress import track

    if not torch.cuda.is_available():
        typer.echo("bench: needs a GPU; torch finds none", err=True)
        raise typer.Exit(2)
    values = measure(WINDOWS, gpu_timer, track=lambda windows: track(windows, "windows"))  # type: ignore[arg-type,return-value]
    typer.echo(write_record(record_of(values, torch.cuda.get_device_name()), out))


if __name__ == "__main__":
    typer.run(main)
