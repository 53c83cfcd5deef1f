r"""Deep mixtures of experts with exactly E^L affine pieces, in integers.

*Cubes* (construction B): inputs ``x ∈ [0, E]^L``, target ``Σ_l f_l(x_l)`` with ``f_l(x) = a_{l,i} x + b_{l,i}`` on
``[i − 1, i]``, i = 1 … E. With ``τ_i = i x_l − i(i − 1)/2`` one has ``τ_{i+1} − τ_i = x_l − i``, so that argmax τ is
the cell of x_l.

*Digits* (construction C): ``z ∈ [0, 1)``; each layer shows the next digit of z in base E to its gate and passes the
rest on, ``z -> E z − (i − 1)``.

References
----------
moe_expressivity sheet, sections 4.3 and 4.4; Theorem 5.3 of the paper.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

import numpy as np

from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.integers import Integers

GateForm = Literal["linear", "affine"]


def zigzag(experts: int, blocks: int) -> tuple[Integers, Integers]:
    """Slopes and offsets of a continuous target: slopes 1, −2, 3, −4, … in every block, times l in block l.

    Returns
    -------
    slopes, offsets : integers, shape (blocks, experts)
    """
    number = np.arange(1, experts + 1)
    slope = number * np.where(number % 2, 1, -1)
    offset = np.concatenate([[0], np.cumsum((slope[:-1] - slope[1:]) * number[:-1])])
    scale = np.arange(1, blocks + 1)[:, None]
    return scale * slope, scale * offset


def cubes(
    experts: int,
    blocks: int,
    slopes: Integers | None = None,
    offsets: Integers | None = None,
    *,
    gate: GateForm = "linear",
    output: Literal["sum", "vector"] = "sum",
) -> ExactMoE:
    """Construction B.

    Parameters
    ----------
    experts : int
        E.
    blocks : int
        L, the dimension of the input.
    slopes, offsets : arrays of integers or fractions, shape (blocks, experts)
        ``a_{l,i}`` and ``b_{l,i}``; :func:`zigzag` by default.
    gate : "linear" or "affine"
        With the paper's bias-free gates the depth is 2L: an odd layer shows τ to the gate of the next one. With a bias
        in the gate the depth is L.
    output : "sum" or "vector"
        ``f_out``: the sum of the L values, or all of them (the paper's).

    Returns
    -------
    ExactMoE
        State ``(x, y)``, and ``(x, y, τ)`` after odd layers; experts of 3L hidden units ``relu(x), relu(±y)``.

    Raises
    ------
    ValueError
        For fewer than one expert or block, an unknown name, or arrays of another shape.
    """
    _check(experts, blocks)
    _check_name("gate", gate, get_args(GateForm))
    _check_name("output", output, ("sum", "vector"))
    if slopes is None or offsets is None:
        default = zigzag(experts, blocks)
        slopes, offsets = (
            given if given is not None else own for given, own in zip((slopes, offsets), default, strict=True)
        )
    for name, array in (("slopes", slopes), ("offsets", offsets)):
        if not hasattr(array, "shape"):
            raise ValueError(f"{name} is a {type(array).__name__}, not an array")
        if array.shape != (blocks, experts):
            raise ValueError(f"{name} has shape {array.shape}, not ({blocks}, {experts})")
    layers = []
    for block in range(blocks):
        if gate == "linear":
            layers.append(_show_cells(experts, blocks, block))
        layers.append(_fill_block(experts, blocks, block, slopes[block], offsets[block], gate))
    start = np.zeros((1, 2 * blocks, blocks + 1), np.int64)
    start[0, :blocks, :blocks] = np.eye(blocks, dtype=np.int64)
    end = np.zeros((1, blocks, 2 * blocks + 1), np.int64)
    end[0, :, blocks:-1] = np.eye(blocks, dtype=np.int64)
    if output == "sum":
        end = end.sum(1, keepdims=True)
    domain = (Fraction(0),) * blocks, (Fraction(experts),) * blocks
    return ExactMoE(tuple(layers), Affine(start), Affine(end), *domain)


def cell_scores(experts: int) -> Integers:
    """``τ_i = i x − i(i − 1)/2`` as rows (slope, offset); their argmax is the cell of x among [0, 1], …, [E − 1, E]."""
    number = np.arange(1, experts + 1)
    return np.stack([number, -(number * (number - 1) // 2)], 1)


def _hidden(blocks: int) -> Integers:
    """``(x, y) -> (x, y, −y)``, before ReLU."""
    unit = np.eye(2 * blocks, 2 * blocks + 1, dtype=np.int64)
    return np.concatenate([unit, -unit[blocks:]])


def _copy(blocks: int) -> Integers:
    """``(relu(x), relu(y), relu(−y)) -> (x, y)`` for x ≥ 0."""
    unit = np.eye(2 * blocks, 3 * blocks + 1, dtype=np.int64)
    unit[blocks:, 2 * blocks : -1] = -np.eye(blocks, dtype=np.int64)
    return unit


def _show_cells(experts: int, blocks: int, block: int) -> ExactLayer:
    """Layer 2l − 1: all experts the same, ``(x, y) -> (x, y, τ(x_l))``; its gate is 0."""
    tau = np.zeros((experts, 3 * blocks + 1), np.int64)
    tau[:, [block, -1]] = cell_scores(experts)
    output = np.concatenate([_copy(blocks), tau])
    gate = np.zeros((experts, 2 * blocks + 1), np.int64)
    return ExactLayer(gate, (_shared(experts, _hidden(blocks)), _shared(experts, output)))


def _fill_block(
    experts: int, blocks: int, block: int, slopes: Integers, offsets: Integers, form: GateForm
) -> ExactLayer:
    """Layer 2l: expert i sets ``y_l = a_{l,i} x_l + b_{l,i}`` and copies the rest of (x, y)."""
    own = np.stack([_copy(blocks)] * experts).astype(object)
    own[:, blocks + block] = 0
    own[:, blocks + block, block], own[:, blocks + block, -1] = slopes, offsets
    if form == "affine":
        gate = np.zeros((experts, 2 * blocks + 1), np.int64)
        gate[:, [block, -1]] = cell_scores(experts)
        hidden = _hidden(blocks)
    else:
        gate = np.eye(experts, 2 * blocks + experts + 1, 2 * blocks, dtype=np.int64)
        hidden = np.insert(_hidden(blocks), [2 * blocks] * experts, 0, axis=1)
    return ExactLayer(gate, (_shared(experts, hidden), Affine.of(own)))


def digits(experts: int, depth: int, *, gate: GateForm = "affine") -> ExactMoE:
    """Construction C: ``z -> frac(E^L z)`` on [0, 1), whose routing path is z in base E.

    Parameters
    ----------
    experts : int
        E.
    depth : int
        L, the number of layers that route.
    gate : "affine" or "linear"
        A linear gate needs a constant beside z in the state; one more layer in front of the others makes it.

    Returns
    -------
    ExactMoE
        Affine experts. Scores ``2E (i z − i(i − 1)/(2E))``, in integers.
    """
    _check(experts, depth)
    _check_name("gate", gate, get_args(GateForm))
    number = np.arange(1, experts + 1)
    slope, offset = 2 * experts * number, -number * (number - 1)
    shift = np.full(experts, experts), 1 - number
    if gate == "affine":
        layer = ExactLayer(np.stack([slope, offset], 1), (Affine(np.stack(shift, 1)[:, None]),))
        layers = (layer,) * depth
    else:
        first = np.array([[1, 0], [0, 1]])  # z -> (z, 1)
        constant = ExactLayer(np.zeros((experts, 2), np.int64), (_shared(experts, first),))
        zero, one = np.zeros_like(number), np.ones_like(number)
        rest = np.stack([np.stack([*shift, zero], 1), np.stack([zero, one, zero], 1)], 1)
        routed = ExactLayer(np.stack([slope, offset, zero], 1), (Affine(rest),))
        layers = (constant, *(routed,) * depth)
    width = layers[-1].maps[-1].width_out
    inlet, readout = Affine(np.array([[[1, 0]]])), Affine(np.eye(1, width + 1, dtype=np.int64)[None])
    return ExactMoE(layers, inlet, readout, (Fraction(0),), (Fraction(1),))


def _shared(experts: int, matrix: Integers) -> Affine:
    return Affine(np.repeat(matrix[None], experts, 0))


def _check_name(argument: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{argument} {value!r} is not one of {', '.join(allowed)}")


def _check(experts: int, layers: int) -> None:
    for name, value in (("experts", experts), ("layers", layers)):
        if value < 1:
            raise ValueError(f"{name} {value} is not at least 1")
