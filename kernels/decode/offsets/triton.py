"""The kernel: one program a (batch, head), which reads the rows at its head's distances and no others.

Accumulation is float32, with a running maximum and sum over blocks of rows (online softmax); addresses are 64-bit. The
ring, the mask and the bias are those of ``reference.py``.
"""

from __future__ import annotations

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

BLOCK_ROWS = 16
"""Most rows that a program holds at once."""


@triton.jit
@no_type_check
def offsets_kernel(
    q,
    k,
    v,
    length,
    distances,
    bias,
    out,
    scale,
    heads,
    window,
    q_batch,
    q_head,
    k_batch,
    k_head,
    k_slot,
    v_batch,
    v_head,
    v_slot,
    ROWS: tl.constexpr,
    DIM: tl.constexpr,
    VALUE: tl.constexpr,
    BLOCK_R: tl.constexpr,
    BLOCK_D: tl.constexpr,
    BLOCK_V: tl.constexpr,
):
    """Grid (batch · heads,). `k_batch` and the like are strides in elements; `distances` and `bias` are contiguous."""
    program = tl.program_id(0).to(tl.int64)
    batch = program // heads
    head = program % heads
    written = tl.load(length + batch).to(tl.int64)
    there = tl.minimum(written, window)
    at = tl.arange(0, BLOCK_D)
    at_value = tl.arange(0, BLOCK_V)
    query = tl.load(q + batch * q_batch + head * q_head + at, mask=at < DIM, other=0.0).to(tl.float32) * scale
    largest = -float("inf")
    total = 0.0
    weighted = tl.zeros([BLOCK_V], dtype=tl.float32)
    for start in range(0, ROWS, BLOCK_R):
        row = start + tl.arange(0, BLOCK_R)
        listed = row < ROWS
        distance = tl.load(distances + head * ROWS + row, mask=listed, other=-1).to(tl.int64)
        seen = (distance >= 0) & (distance < there)
        slot = tl.where(seen, (written - 1 - distance) % window, 0)
        key = tl.load(
            k + batch * k_batch + head * k_head + slot[:, None] * k_slot + at[None, :],
            mask=seen[:, None] & (at < DIM)[None, :],
            other=0.0,
        ).to(tl.float32)
        value = tl.load(
            v + batch * v_batch + head * v_head + slot[:, None] * v_slot + at_value[None, :],
            mask=seen[:, None] & (at_value < VALUE)[None, :],
            other=0.0,
        ).to(tl.float32)
        score = tl.sum(key * query[None, :], 1)
        score += tl.load(bias + head * ROWS + row, mask=listed, other=0.0)
        score = tl.where(seen, score, -float("inf"))
        now = tl.maximum(largest, tl.max(score, 0))
        # Where nothing has been seen yet the maximum is −∞; 0 in its place keeps exp(−∞ − (−∞)) from being NaN.
        base = tl.where(now == -float("inf"), 0.0, now)
        shrink = tl.exp(largest - base)
        weight = tl.exp(score - base)
        total = total * shrink + tl.sum(weight, 0)
        weighted = weighted * shrink + tl.sum(weight[:, None] * value, 0)
        largest = now
    result = weighted / tl.where(total > 0.0, total, 1.0)
    tl.store(out + program * VALUE + at_value, result.to(out.dtype.element_ty), mask=at_value < VALUE)


def blocks(rows: int, dim: int, value: int) -> dict[str, int]:
    """The kernel's compile-time arguments for a shape."""
    return {
        "ROWS": rows,
        "DIM": dim,
        "VALUE": value,
        "BLOCK_R": min(BLOCK_ROWS, triton.next_power_of_2(rows)),
        "BLOCK_D": triton.next_power_of_2(dim),
        "BLOCK_V": triton.next_power_of_2(value),
    }


def warps(dim: int, value: int) -> int:
    """Warps of a program: one for each 64 elements of a row, two a thread."""
    return max(1, triton.next_power_of_2(max(dim, value)) // 64)


def decode(q: Tensor, k: Tensor, v: Tensor, length: Tensor, distances: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Launch the kernel on arguments that :func:`lemmata.kernels.decode.offsets.offset_attention` has checked."""
    batch, heads, dim = q.shape
    value = v.shape[3]
    out = torch.empty((batch, heads, value), dtype=q.dtype, device=q.device)
    offsets_kernel[(batch * heads,)](
        q,
        k,
        v,
        length,
        distances.contiguous(),
        bias.to(torch.float32).contiguous(),
        out,
        scale,
        heads,
        k.shape[2],
        *q.stride()[:2],
        *k.stride()[:3],
        *v.stride()[:3],
        **blocks(distances.shape[1], dim, value),
        num_warps=warps(dim, value),
    )
    return out


CONFIGURATIONS = tuple({"rows": rows, "dim": dim} for rows, dim in ((1, 64), (12, 64), (16, 128), (40, 256)))
"""Shapes that stand for every choice of blocks and warps that :func:`decode` makes."""


def compilation(rows: int, dim: int, dtype: str = "bf16") -> tuple[dict[str, str], dict[str, int], dict[str, int]]:
    """Signature, constants and options with which the kernel is compiled ahead of time."""
    constants = blocks(rows, dim, dim)
    signature = dict.fromkeys(offsets_kernel.arg_names, "i64")  # strides; 32 bits are what small ones become
    signature |= dict.fromkeys(("q", "k", "v", "out"), f"*{dtype}")
    signature |= {
        "length": "*i64",
        "distances": "*i64",
        "bias": "*fp32",
        "scale": "fp32",
        "heads": "i32",
        "window": "i32",
    }
    signature |= dict.fromkeys(constants, "constexpr")
    return signature, constants, {"num_warps": warps(dim, dim)}
