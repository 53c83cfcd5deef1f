"""Attention at fixed distances, one new token, in plain PyTorch: the judge of the kernel. Runs in float64.

The cache is a ring: token number t (from 0) lies in slot ``t mod W``. After `length` tokens the newest has number
``length − 1``, the token at distance r has number ``length − 1 − r``, and it is there if ``0 ≤ r < min(length, W)``.
Head h looks at the distances ``distances[h]`` and at nothing else:

    s_i = scale · q·k(r_i) + bias_i,    out = Σ_i softmax(s)_i v(r_i)        over the i whose token is there;

zero where none is. Two formulations, with nothing in common but this paragraph:

* :func:`dense` scores every slot of the ring and masks: O(W) per head;
* :func:`gather` fetches the rows that are looked at: O(rows) per head, whatever W is.

References
----------
turing sheet, section 5.3 and row T21: in the multi-queue machine head q reads at the one distance ``m_q − 1``.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def dense(
    q: Float[Tensor, "batch head dim"],
    k: Float[Tensor, "batch head window dim"],
    v: Float[Tensor, "batch head window value"],
    length: Int[Tensor, " batch"],
    distances: Int[Tensor, "head rows"],
    bias: Float[Tensor, "head rows"],
    scale: float,
) -> Float[Tensor, "batch head value"]:
    """Masked softmax over all slots. A distance that a head lists twice counts twice."""
    window = k.shape[2]
    slot = torch.arange(window, device=k.device)
    distance = (length[:, None] - 1 - slot) % window  # (batch, window)
    filled = distance < length[:, None]
    listed = distance[:, None, None, :] == distances[None, :, :, None]  # (batch, head, rows, window)
    listed &= filled[:, None, None, :]
    own_bias = torch.where(listed, bias.to(q.dtype)[None, :, :, None], -torch.inf).logsumexp(2)
    there = own_bias > -torch.inf
    key = torch.where(there[..., None], k, 0)  # what is masked may hold anything, NaN too
    value = torch.where(there[..., None], v, 0)
    scores = torch.einsum("bhd,bhwd->bhw", q, key) * scale + own_bias
    largest = scores.amax(-1, keepdim=True).nan_to_num(neginf=0.0)
    weights = torch.exp(scores - largest)
    total = weights.sum(-1, keepdim=True)
    return torch.einsum("bhw,bhwd->bhd", weights / torch.where(total > 0, total, 1), value)


def gather(
    q: Float[Tensor, "batch head dim"],
    k: Float[Tensor, "batch head window dim"],
    v: Float[Tensor, "batch head window value"],
    length: Int[Tensor, " batch"],
    distances: Int[Tensor, "head rows"],
    bias: Float[Tensor, "head rows"],
    scale: float,
) -> Float[Tensor, "batch head value"]:
    """Softmax over the rows that each head lists."""
    seen, keys, values = rows(k, v, length, distances)
    scores = (keys @ q[..., None])[..., 0] * scale + bias.to(q.dtype)
    scores = torch.where(seen, scores, -torch.inf)
    # A head that sees nothing would get NaN from the softmax: no weight at all instead.
    nothing = (scores == -torch.inf).all(-1, keepdim=True)
    weights = torch.where(nothing, 0, torch.softmax(torch.where(nothing, 0, scores), -1))
    return (weights[..., None, :] @ values)[..., 0, :]


def rows(
    k: Float[Tensor, "batch head window dim"],
    v: Float[Tensor, "batch head window value"],
    length: Int[Tensor, " batch"],
    distances: Int[Tensor, "head rows"],
) -> tuple[Tensor, Float[Tensor, "batch head rows dim"], Float[Tensor, "batch head rows value"]]:
    """Which listed tokens are there, shape (batch, head, rows), and their keys and values; zeros where they are not."""
    window = k.shape[2]
    number = length[:, None, None].long() - 1 - distances[None]
    seen = (distances >= 0)[None] & (distances[None] < length.clamp(max=window)[:, None, None])
    slot = torch.where(seen, number, 0) % window
    zero = torch.zeros((), dtype=k.dtype, device=k.device)
    key, value = (
        torch.where(seen[..., None], torch.take_along_dim(cache, slot[..., None], 2), zero) for cache in (k, v)
    )
    return seen, key, value
