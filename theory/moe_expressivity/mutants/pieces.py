"""Wrong variants of the deep constructions, each the smallest departure that must change what is counted or computed.

``CUBE_MUTANTS`` change block 1 of a mixture made by ``deep.cubes`` with linear gates (its layers 1 and 2, indices 0
and 1), ``DIGIT_MUTANTS`` the last layer of one made by ``deep.digits``.

References
----------
moe_expressivity sheet, section 4.3 and row ME4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE


def intact(moe: ExactMoE) -> ExactMoE:
    """No departure."""
    return moe


def shift_cells(moe: ExactMoE) -> ExactMoE:
    """``τ_i = i x − i(i + 1)/2`` in place of ``i(i − 1)/2``: the argmax is the cell of x − 1."""
    layer = moe.layers[0]
    output = layer.maps[1].matrix.copy()
    output[:, 2 * moe.inputs :, -1] -= np.arange(1, layer.experts + 1)
    return _with(moe, 0, replace(layer, maps=(layer.maps[0], Affine(output))))


def read_neighbour(moe: ExactMoE) -> ExactMoE:
    """The gate of block 1 is shown the cell of the second input."""
    layer = moe.layers[0]
    output = layer.maps[1].matrix.copy()
    output[:, 2 * moe.inputs :, [0, 1]] = output[:, 2 * moe.inputs :, [1, 0]]
    return _with(moe, 0, replace(layer, maps=(layer.maps[0], Affine(output))))


def repeat_expert(moe: ExactMoE) -> ExactMoE:
    """Expert 2 of block 1 has the slope and the offset of expert 1."""
    layer = moe.layers[1]
    output = layer.maps[1]
    matrix = output.matrix.copy()
    matrix[1] = matrix[0]
    return _with(moe, 1, replace(layer, maps=(layer.maps[0], replace(output, matrix=matrix))))


def drop_expert(moe: ExactMoE) -> ExactMoE:
    """The layer that fills block 1 has lost its last expert."""
    layer = moe.layers[1]
    maps = tuple(replace(affine, matrix=affine.matrix[:-1]) for affine in layer.maps)
    return _with(moe, 1, ExactLayer(layer.gate[:-1], maps))


def negate_gate(moe: ExactMoE) -> ExactMoE:
    """The gate of block 1 reads −τ_1 in place of τ_1."""
    layer = moe.layers[1]
    gate = layer.gate.copy()
    gate[0] *= -1
    return _with(moe, 1, replace(layer, gate=gate))


def drop_sign(moe: ExactMoE) -> ExactMoE:
    """Layer 2L − 1 copies y_1 without subtracting relu(−y_1): a kink wherever y_1 changes its sign."""
    layer = moe.layers[-2]
    output = layer.maps[1].matrix.copy()
    output[:, moe.inputs, 2 * moe.inputs] = 0
    return _with(moe, len(moe.layers) - 2, replace(layer, maps=(layer.maps[0], Affine(output))))


def _with(moe: ExactMoE, number: int, layer: ExactLayer) -> ExactMoE:
    return replace(moe, layers=(*moe.layers[:number], layer, *moe.layers[number + 1 :]))


def shift_digit(moe: ExactMoE) -> ExactMoE:
    """Expert 2 of the last layer passes ``E z − 2`` on in place of ``E z − 1``."""
    layer = moe.layers[-1]
    matrix = layer.maps[0].matrix.copy()
    matrix[1, 0, -1] -= 1
    return _with(moe, len(moe.layers) - 1, replace(layer, maps=(Affine(matrix),)))


def skew_gate(moe: ExactMoE) -> ExactMoE:
    """The last gate scores ``2E i z − i(i − 1) − 1`` for i = 2: its first two digits do not meet at 1/E."""
    layer = moe.layers[-1]
    gate = layer.gate.copy()
    gate[1, -1] -= 1
    return _with(moe, len(moe.layers) - 1, replace(layer, gate=gate))


CUBE_MUTANTS: dict[str, Callable[[ExactMoE], ExactMoE]] = {
    function.__name__: function
    for function in (intact, shift_cells, read_neighbour, repeat_expert, drop_expert, negate_gate, drop_sign)
}

DIGIT_MUTANTS: dict[str, Callable[[ExactMoE], ExactMoE]] = {
    function.__name__: function for function in (intact, shift_digit, skew_gate)
}
