"""Attention of one new token at fixed distances: each head reads a constant number of rows, whatever the window.

``reference.py`` has the mathematics twice (masked and gathered), ``triton.py`` the kernel, ``cost.py`` its FLOPs and
bytes beside those of dense attention, ``bench.py`` measures both on a GPU and writes the record of row T21.

References
----------
turing sheet, section 5.3: the heads of the multi-queue transformer.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

BACKENDS = ("auto", "reference", "triton")
KERNEL_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LARGEST_DIM = 256


def offset_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    length: Tensor,
    distances: Tensor,
    bias: Tensor | None = None,
    *,
    scale: float | None = None,
    backend: str = "auto",
) -> Tensor:
    """Decode one token: every head attends to the tokens at its own distances.

    Parameters
    ----------
    q : float tensor, shape (batch, head, dim)
        The new token's queries.
    k, v : float tensors, shapes (batch, head, window, dim) and (batch, head, window, value dim)
        The cache, a ring: token number t lies in slot t mod window. Rows that no head reads are not touched and may
        hold anything.
    length : integer tensor, shape (batch,)
        Tokens written so far, the new one included; may exceed the window.
    distances : integer tensor, shape (head, rows)
        0 is the newest token. A distance outside of 0 … min(length, window) − 1 is masked; a head that sees nothing
        returns zeros. A distance that is listed twice counts twice.
    bias : float tensor, shape (head, rows), optional
        Added to the scaled scores; −∞ masks a row.
    scale : float, optional
        By default 1/√dim.
    backend : {"auto", "reference", "triton"}
        "auto" is the kernel on a GPU and the reference elsewhere. The kernel accumulates in float32, takes float32,
        float16 and bfloat16, and has no backward pass; on the CPU it runs under Triton's interpreter only.

    Returns
    -------
    tensor, shape (batch, head, value dim)
        Of the dtype of `q`.

    Raises
    ------
    ValueError
        If a shape, dtype, device, stride or backend does not fit.
    """
    _check(q, k, v, length, distances, bias)
    if backend not in BACKENDS:
        raise ValueError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
    scale = q.shape[-1] ** -0.5 if scale is None else float(scale)
    if bias is None:
        bias = torch.zeros(distances.shape, dtype=torch.float32, device=q.device)
    if backend == "reference" or (backend == "auto" and not q.is_cuda):
        from lemmata.kernels.decode.offsets import reference

        return reference.gather(q, k, v, length, distances, bias, scale)
    _check_kernel(q, k, v, bias)
    from lemmata.kernels.decode.offsets import triton

    return triton.decode(q, k, v, length, distances, bias, scale)


def _check(q: Tensor, k: Tensor, v: Tensor, length: Tensor, distances: Tensor, bias: Tensor | None) -> None:
    """Shapes, dtypes and devices."""
    if q.dim() != 3 or not q.numel():
        raise ValueError(f"q has shape {tuple(q.shape)}, not (batch, head, dim) with at least one of each")
    batch, heads, dim = q.shape
    if k.dim() != 4 or k.shape[:2] != (batch, heads) or k.shape[3] != dim or not k.shape[2]:
        raise ValueError(f"k has shape {tuple(k.shape)}, not ({batch}, {heads}, window, {dim}) with at least one slot")
    if v.dim() != 4 or v.shape[:3] != k.shape[:3] or not v.shape[3]:
        raise ValueError(f"v has shape {tuple(v.shape)}, not {(*k.shape[:3],)} and at least one value dim")
    if length.shape != (batch,):
        raise ValueError(f"length has shape {tuple(length.shape)}, not ({batch},)")
    if distances.dim() != 2 or distances.shape[0] != heads or not distances.shape[1]:
        raise ValueError(f"distances has shape {tuple(distances.shape)}, not ({heads}, rows) with at least one row")
    if bias is not None and bias.shape != distances.shape:
        raise ValueError(f"bias has shape {tuple(bias.shape)}, not that of distances, {tuple(distances.shape)}")
    for name, tensor in (("length", length), ("distances", distances)):
        if tensor.dtype not in (torch.int32, torch.int64):
            raise ValueError(f"{name} has dtype {tensor.dtype}; int32 or int64")
    floats = [("q", q), ("k", k), ("v", v)] + ([] if bias is None else [("bias", bias)])
    for name, tensor in floats:
        if not tensor.is_floating_point():
            raise ValueError(f"{name} has dtype {tensor.dtype}; a floating-point one")
    if not q.dtype == k.dtype == v.dtype:
        raise ValueError(f"q, k and v have dtypes {q.dtype}, {k.dtype}, {v.dtype}; one for all three")
    for name, tensor in (*floats, ("length", length), ("distances", distances)):
        if tensor.device != q.device:
            raise ValueError(f"{name} is on {tensor.device} and q on {q.device}; one device for all")


def _check_kernel(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> None:
    """What the kernel wants beyond that."""
    if q.dtype not in KERNEL_DTYPES:
        raise ValueError(f"q has dtype {q.dtype}; the kernel takes {', '.join(map(str, KERNEL_DTYPES))}")
    if max(q.shape[2], v.shape[3]) > LARGEST_DIM:
        raise ValueError(f"dim {q.shape[2]} and value dim {v.shape[3]}; the kernel takes up to {LARGEST_DIM}")
    for name, tensor in (("q", q), ("k", k), ("v", v)):
        if tensor.stride(-1) != 1 and tensor.shape[-1] > 1:
            raise ValueError(f"{name} has stride {tensor.stride(-1)} in its last dimension; the kernel wants 1")
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (q, k, v, bias)):
        raise ValueError("a tensor requires a gradient; the kernel has no backward pass, backend='reference' has")
    if not q.is_cuda and os.environ.get("TRITON_INTERPRET") != "1":
        raise ValueError(f"backend 'triton' on {q.device} needs Triton's interpreter, TRITON_INTERPRET=1 at the start")
