r"""Routing regions of any mixture of experts with rational weights: open polytopes, one after the other.

A region is a list of strict inequalities; whether its interior is empty is decided by an exact linear programme with a
verified certificate. Everything is a Fraction: slow, general, and sharing no arithmetic with ``boxes``.

References
----------
moe_expressivity sheet, section 4.5, U1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from jaxtyping import Shaped

from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.feasible import decide, verifies_point
from lemmata.theory.moe_expressivity.integers import Integers

Fractions = Shaped[np.ndarray, "..."]  # dtype object, of Fraction
Row = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class Polytope:
    """An open polytope of inputs on which path and state are known.

    Attributes
    ----------
    path : tuple of int
        Expert of each layer so far.
    point : tuple of Fraction
        A point of it.
    rows : tuple of rows
        ``(g, h)`` for each inequality ``g·x + h > 0``.
    form : array of Fraction, shape (state, input + 1)
        The affine form of the state.
    """

    path: tuple[int, ...]
    point: tuple[Fraction, ...]
    rows: tuple[Row, ...]
    form: Fractions

    def cut(self, row: Row) -> Polytope | None:
        """The part of it with ``row > 0``; None if that is empty."""
        if not any(row[:-1]):
            return self if row[-1] > 0 else None
        rows = (*self.rows, row)
        point = self.point if verifies_point([row], self.point) else decide(rows).point
        return None if point is None else replace(self, rows=rows, point=point)


def enumerate_polytopes(moe: ExactMoE) -> list[Polytope]:
    """The regions after the last layer and the readout."""
    d = moe.inputs
    identity = np.array([[Fraction(int(i == j)) for j in range(d + 1)] for i in range(d)], dtype=object)
    sides = [*(identity[i] - _constant(d, moe.low[i]) for i in range(d))]
    sides += [_constant(d, moe.high[i]) - identity[i] for i in range(d)]
    centre = tuple((low + high) / 2 for low, high in zip(moe.low, moe.high, strict=True))
    regions = [_apply(moe.inlet, 0, Polytope((), centre, tuple(map(tuple, sides)), identity))]
    for layer in moe.layers:
        regions = [part for region in regions for routed in _route(layer, region) for part in _experts(layer, routed)]
    return [_apply(moe.readout, 0, region) for region in regions]


def _route(layer: ExactLayer, region: Polytope) -> Iterator[Polytope]:
    scores = _compose(layer.gate, region)
    for expert in range(layer.experts):
        part: Polytope | None = replace(region, path=(*region.path, expert))
        for rival in range(layer.experts):
            lead = scores[expert] - scores[rival]
            if lead.any() or rival < expert:  # on a tie everywhere the lower index wins
                part = part and part.cut(tuple(lead))
        if part is not None:
            yield part


def _experts(layer: ExactLayer, region: Polytope) -> list[Polytope]:
    expert = region.path[-1]
    parts = [_apply(layer.maps[0], expert, region)]
    for affine in layer.maps[1:]:
        parts = [_apply(affine, expert, part) for whole in parts for part in _rectify(affine, expert, whole)]
    return parts


def _rectify(following: Affine, expert: int, region: Polytope) -> Iterator[Polytope]:
    """ReLU of the state; cut only at hyperplanes whose units' kinks do not cancel in `following`."""
    kinks: dict[Row, Fractions] = {}
    for column, form in zip(following.matrix[expert].T, region.form, strict=False):
        if form[:-1].any():
            scale = next(entry for entry in form[:-1] if entry)
            kinks[tuple(form / scale)] = kinks.get(tuple(form / scale), 0) + column * abs(scale)
    parts = [region]
    for plane, kink in kinks.items():
        if kink.any():
            opposite = tuple(-entry for entry in plane)
            parts = [half for part in parts for side in (plane, opposite) if (half := part.cut(side)) is not None]
    for part in parts:
        active = [_active(part, form) for form in region.form]
        yield replace(part, form=part.form * np.array(active, dtype=object)[:, None])


def _active(region: Polytope, form: Fractions) -> int:
    """1 where the unit is positive. Units of an uncut hyperplane take the side on which its normal form is positive."""
    if not form[:-1].any():
        return int(form[-1] > 0)
    if region.cut(tuple(form)) is None:
        return 0
    if region.cut(tuple(-form)) is None:
        return 1
    return int(next(entry for entry in form[:-1] if entry) > 0)


def _apply(affine: Affine, expert: int, region: Polytope) -> Polytope:
    return replace(region, form=_compose(affine.matrix[expert], region) / affine.denominator)


def _compose(matrix: Integers, region: Polytope) -> Fractions:
    """``matrix (state, 1)`` as forms of the input."""
    form = np.concatenate([region.form, _constant(region.form.shape[1] - 1, Fraction(1))[None]])
    return matrix.astype(object) @ form


def _constant(inputs: int, value: Fraction) -> Fractions:
    return np.array([Fraction(0)] * inputs + [Fraction(value)], dtype=object)
