"""Wrong variants of construction A, each the smallest departure that must break it.

``ATLAS_MUTANTS`` change the two layers of a network made by ``approximator.atlas_network``, ``PRODUCT_MUTANTS`` one
made by ``approximator.product_network``; each returns a new network.

References
----------
moe_expressivity sheet, section 4.2.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from lemmata.theory.moe_expressivity.layer import MoE, MoELayer


def intact(network: MoE) -> MoE:
    """No departure."""
    return network


def swap_gate_rows(network: MoE) -> MoE:
    """The gate sends the points of the first two charts to each other's experts."""
    changed, (_, second) = _copy(network)
    second.gate.data[[0, 1]] = second.gate.data[[1, 0]]
    return changed


def equal_gate_rows(network: MoE) -> MoE:
    """All rows of the gate are the first one: all scores tie, and expert 1 gets everything."""
    changed, (_, second) = _copy(network)
    second.gate.data[:] = second.gate.data[:1].clone()
    return changed


def negative_score(network: MoE) -> MoE:
    """The first score has the wrong sign."""
    changed, (first, _) = _copy(network)
    column = first.experts.widths[0]
    first.experts.weights[-1].data[..., column] *= -1
    return changed


def positive_part(network: MoE) -> MoE:
    """The first layer passes ``relu(x)`` on instead of x: the neurons ``relu(−x)`` are not read."""
    changed, (first, _) = _copy(network)
    ambient = first.experts.widths[0]
    first.experts.weights[-1].data[:, ambient : 2 * ambient] = 0
    return changed


def shift_charts(network: MoE) -> MoE:
    """Expert i has the chart and the function of chart i + 1."""
    changed, (_, second) = _copy(network)
    for parameter in second.experts.parameters():
        parameter.data = parameter.data.roll(-1, 0)
    return changed


def soft_mixture(network: MoE) -> MoE:
    """The same gate and experts, mixed by softmax in place of the top-1 choice."""
    changed, (_, second) = _copy(network)
    second.gating = "soft"
    return changed


def drop_last_neuron(network: MoE) -> MoE:
    """The last hidden neuron of expert 1 is not read: the interpolant misses its last change of slope."""
    changed, (_, second) = _copy(network)
    second.experts.weights[-1].data[0, -1] = 0
    return changed


def _copy(network: MoE) -> tuple[MoE, list[MoELayer]]:
    changed = copy.deepcopy(network)
    return changed, list(changed)


ATLAS_MUTANTS: dict[str, Callable[[MoE], MoE]] = {
    function.__name__: function
    for function in (
        intact,
        swap_gate_rows,
        equal_gate_rows,
        negative_score,
        positive_part,
        shift_charts,
        soft_mixture,
        drop_last_neuron,
    )
}


# ------------------------------------------------------------------------------------------------------ products


def swap_last_gate_rows(network: MoE) -> MoE:
    """The last layer exchanges the points of its first two charts."""
    changed, layers = _copy(network)
    gate = layers[-1].gate.data
    gate[[0, 1]] = gate[[1, 0]]
    return changed


def read_next_manifold(network: MoE) -> MoE:
    """Every pair of layers computes the scores of the next manifold; all have one ambient dimension."""
    changed, layers = _copy(network)
    factors = len(layers) // 2
    for first in layers[::2]:
        width = first.experts.widths[0]
        scores = first.experts.weights[0].data[:, : width - factors, 2 * width :]
        scores[:] = scores.roll((width - factors) // factors, 1).clone()
    return changed


PRODUCT_MUTANTS: dict[str, Callable[[MoE], MoE]] = {
    function.__name__: function for function in (intact, swap_last_gate_rows, read_next_manifold)
}
