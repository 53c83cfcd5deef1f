"""What a network does in exact arithmetic, enclosed in balls: rigorous bounds instead of rounding and luck.

The float64 weights are read as the rational numbers that they are, and the real-number network with these weights is
evaluated in ball arithmetic (Arb): every result is a ball that contains the true value. One device keeps the balls
small through hundreds of layers. Where the signs of all pre-activations of a token are certain, the layer is *affine*
on its whole ball,

    x + W relu(A x − b) = (I + W D A) x − W D b,        D = diag(signs),

and the matrix is summed before it meets the ball: the two ends of a finished ramp cancel exactly, whereas two separate
balls never would. Units whose sign is not certain add the ball ``W · [0, upper end]`` on top.

References
----------
uap sheet, sections 4.3 and 4.4; F. Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic,
IEEE Transactions on Computers 66 (2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import numpy as np
import torch
from flint import arb, arb_mat, ctx
from torch import Tensor

from lemmata.theory.uap.families import BiasMixer, KernelAttention, Linformer
from lemmata.theory.uap.kernel import (
    SOFTMAX,
    Gaussian,
    Kernel,
    Power,
    along_sum,
    dot,
    features,
    log_sum_of_exponentials,
    log_weighted,
    zero,
)
from lemmata.theory.uap.network import FeedForwardLayer, Mixer, Network

#: Bits of precision. A product of two float64 numbers has 106, so that sums of them cancel exactly.
PRECISION = 160

Balls = Any  # arb_mat, which has no type: rows are tokens


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Ball arithmetic with `bits` bits inside the context."""
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def exact(array: Tensor | np.ndarray) -> Balls:
    """A matrix of float64 numbers as balls of radius zero."""
    return arb_mat(array.detach().tolist() if isinstance(array, Tensor) else array.tolist())


def enclose(network: Network, x: Balls, tokens: int, bits: int = PRECISION) -> Balls:
    """Balls that contain the output of the network on every input in the balls `x`.

    Parameters
    ----------
    network : Network
        Mixers of the families that :func:`mix` knows.
    x : arb_mat, shape (N · tokens, d)
        The samples, one after the other.
    tokens : int
        Tokens of each sample.
    bits : int
        Precision.

    Returns
    -------
    arb_mat, shape (N · tokens, d)
    """
    with precision(bits):
        for layer in network:
            x = x + mix(layer, x, tokens) if isinstance(layer, Mixer) else feed_forward(layer, x)
    return x


def deviation(network: Network, samples: Tensor, targets: Tensor, bits: int = PRECISION) -> tuple[float, float]:
    """A proven interval for ``max |network(samples) − targets|``, the largest deviation of an entry.

    Samples and targets have the shape (N, n, d). The bounds are for the real-number network with the given float64
    weights, samples and targets. Where the ball of an output is not bounded, the upper bound is infinite.

    Raises
    ------
    ValueError
        For shapes that differ or are not (N, n, d), samples, targets or weights that are not finite, and mixers without
        an enclosure, see :func:`mix`.
    """
    if samples.ndim != 3 or samples.shape != targets.shape or not samples.numel():
        raise ValueError(f"samples {tuple(samples.shape)} and targets {tuple(targets.shape)} must both be (N, n, d)")
    for name, values in (("samples", samples), ("targets", targets), *network.named_parameters()):
        if not values.isfinite().all():
            raise ValueError(f"{name} has numbers that are not finite")
    with precision(bits):
        output = enclose(network, exact(samples.flatten(0, 1)), samples.shape[1], bits)
        difference = (output - exact(targets.flatten(0, 1))).entries()
        bounded = [entry for entry in difference if entry.is_finite()]  # a NaN would pass through max unnoticed
        lower = max((below(entry.abs_lower()) for entry in bounded), default=0.0)
        if len(bounded) < len(difference):
            return max(0.0, lower), math.inf
        return max(0.0, lower), max(above(entry.abs_upper()) for entry in bounded)


def below(x: arb) -> float:
    """A float64 number that is at most every number in the ball."""
    return math.nextafter(float(x.lower()), -math.inf)


def above(x: arb) -> float:
    """A float64 number that is at least every number in the ball."""
    return math.nextafter(float(x.upper()), math.inf)


# ---------------------------------------------------------------------------------------------------------- FFN layer


def feed_forward(layer: FeedForwardLayer, x: Balls) -> Balls:
    """``x + W relu(A x − b)`` for each row of `x`; rows with the same certain signs share one affine map."""
    inward, outward = layer.input.detach().numpy(), layer.output.detach().numpy()
    bias = layer.bias.detach().numpy()
    width, (rows, dim) = len(bias), (x.nrows(), x.ncols())
    before = (x * exact(inward).transpose() - arb_mat([bias.tolist()] * rows)).entries()
    signs = [tuple(map(_sign, before[row * width : (row + 1) * width])) for row in range(rows)]
    new = x.tolist()
    for pattern, members in groupby(sorted(range(rows), key=signs.__getitem__), signs.__getitem__):
        group, on = list(members), np.array(pattern) == 1
        if not on.any():
            continue  # x stays
        half = exact(outward[:, on])
        matrix, shift = half * exact(inward[on]), (half * exact(bias[on, None])).entries()
        if all(entry.is_zero() for entry in matrix.entries()):
            moved = [new[row] for row in group]
        else:
            identity = arb_mat(dim, dim, [int(i == j) for i in range(dim) for j in range(dim)])
            moved = (arb_mat([new[row] for row in group]) * (identity + matrix).transpose()).tolist()
        for row, entries in zip(group, moved, strict=True):
            new[row] = [entry - step for entry, step in zip(entries, shift, strict=True)]
    for row, pattern in enumerate(signs):
        for unit in np.flatnonzero(np.array(pattern) == 0) if 0 in pattern else ():
            rest = before[row * width + unit].nonnegative_part()
            new[row] = [entry + rest * arb(float(w)) for entry, w in zip(new[row], outward[:, unit], strict=True)]
    return arb_mat(new)


def _sign(x: arb) -> int:
    """1 for a ball without negative numbers, −1 for one without positive numbers, 0 for one with both."""
    if x > 0:
        return 1
    if x < 0:
        return -1
    return 1 if x.lower() >= 0 else -1 if x.upper() <= 0 else 0


# -------------------------------------------------------------------------------------------------------------- mixers


#: What :func:`mix` knows; a subclass may compute something else.
ENCLOSED = (
    "kernel attention and Linformer by the kernels of lemmata.theory.uap.kernel (weighting mean or sum, any pattern), "
    "and the tanh bias mixer"
)


def mix(mixer: Mixer, x: Balls, tokens: int) -> Balls:
    """``g(x; θ)`` for each sample of `tokens` rows.

    Raises
    ------
    ValueError
        For a family or kernel without an enclosure: KernelAttention by the kernels of
        :mod:`lemmata.theory.uap.kernel` with weighting mean or sum over any pattern, Linformer and the tanh bias mixer
        have one; their subclasses and kernels with other scores do not, whatever their names.
    """
    family = mixer.family
    weights = {name: exact(value[0] if value.ndim > 2 else value) for name, value in mixer.weights.items()}
    rows = x.tolist()
    samples = [arb_mat(rows[start : start + tokens]) for start in range(0, len(rows), tokens)]
    if type(family) is BiasMixer and family.activation is torch.tanh:
        mixed = [_bias(family, weights, sample) for sample in samples]
    elif type(family) is KernelAttention or type(family) is Linformer:
        mixed = [_attention(family, weights, sample) for sample in samples]
    else:
        raise ValueError(f"mixer {family.name!r} has no enclosure; there are those of {ENCLOSED}")
    return arb_mat([row for sample in mixed for row in sample.tolist()])


def _attention(family: KernelAttention | Linformer, weights: dict[str, Balls], x: Balls) -> Balls:
    queries, keys, values = (x * weights[name].transpose() for name in ("query", "key", "value"))
    if isinstance(family, Linformer):
        kernel, weighting, pattern = SOFTMAX, "mean", None
        keys, values = weights["mix_keys"] * keys, weights["mix_values"] * values
    else:
        kernel, weighting, pattern = family.kernel, family.weighting, family.pattern
    if weighting not in ("mean", "sum"):
        raise ValueError(f"mixer {family.name!r} has no enclosure: its weighting is {weighting!r}")
    scores = _scores(kernel, weights, queries, keys)
    mass = [
        [
            arb(0) if pattern is not None and not pattern[i, j] else entry.exp() if kernel.exponential else entry
            for j, entry in enumerate(row)
        ]
        for i, row in enumerate(scores)
    ]
    if weighting == "mean":
        totals = [sum(row, arb(0)) for row in mass]
        mass = [[entry / total for entry in row] for row, total in zip(mass, totals, strict=True)]
    return arb_mat(mass) * values


def _scores(kernel: Kernel, weights: dict[str, Balls], queries: Balls, keys: Balls) -> list[list[arb]]:
    """``kernel.score`` for each query and key: decided by the score itself, since a name may say anything."""
    score = kernel.score
    product = (queries * keys.transpose()).tolist()
    if score is dot:
        return product
    if score is zero:
        return [[arb(0) for _ in row] for row in product]
    if type(score) is Power:
        return [[(1 + entry) ** score.degree for entry in row] for row in product]
    if type(score) is Gaussian:
        gamma = arb(score.gamma)
        return [[-gamma * entry for entry in row] for row in _squared_distances(queries, keys)]
    if score is log_weighted:
        squares = _squared_distances(queries, keys)
        return [[(1 + s).log() + e for s, e in zip(*rows, strict=True)] for rows in zip(squares, product, strict=True)]
    if score is features or score is along_sum or score is log_sum_of_exponentials:
        along = weights["features" if score is features else "direction"].transpose()
        on_keys = (keys * along).tolist()
        return [[_along(score, q, k) for k in on_keys] for q in (queries * along).tolist()]
    raise ValueError(f"kernel {kernel.name!r} has no enclosure; there are those of {ENCLOSED}")


def _along(score: Any, query: list[arb], key: list[arb]) -> arb:
    """The score from the products of the random vectors with a query and a key."""
    if score is log_sum_of_exponentials:
        return (query[0].exp() + key[0].exp()).log()
    sums = [q + k for q, k in zip(query, key, strict=True)]
    return sums[0] if score is along_sum else (sum((entry.exp() for entry in sums), arb(0)) / len(sums)).log()


def _squared_distances(queries: Balls, keys: Balls) -> list[list[arb]]:
    """``‖x_i − y_j‖²``."""
    rows = keys.tolist()
    return [[sum(((a - b) ** 2 for a, b in zip(q, k, strict=True)), arb(0)) for k in rows] for q in queries.tolist()]


def _bias(family: BiasMixer, weights: dict[str, Balls], x: Balls) -> Balls:
    hidden = (x * weights["weight"].transpose()).tolist()
    bias, amplitude = weights["bias"].tolist()[0], weights["amplitude"].tolist()[0]
    active = arb_mat([[(entry + b).tanh() for entry, b in zip(row, bias, strict=True)] for row in hidden])
    n = len(hidden)
    pattern = np.ones((n, n)) if family.pattern is None else family.pattern.astype(float)
    received = (exact(pattern) * active).tolist()
    return arb_mat([[a * entry for a, entry in zip(amplitude, row, strict=True)] for row in received])
