r"""Routing regions of a mixture of experts whose cuts are all axis-parallel: open boxes, all of a layer at once.

A box is nonempty exactly if each of its intervals is. That every score difference and every hidden unit reads one
input at most is checked on the weights, and refused otherwise; nothing is known of how the weights were made. All
numbers are integers over a common denominator.

References
----------
moe_expressivity sheet, sections 4.3 and 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.integers import SAFE, Integers, matmul, narrow, product


class NotAxisParallelError(ValueError):
    """A score difference or a hidden unit reads two inputs at once, so that regions need not be boxes."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Open boxes of inputs on each of which path and state are known.

    Attributes
    ----------
    path : int array, shape (box, layer)
        Expert of each layer so far.
    low, high : integers, shape (box, input, 2)
        Ends as numerator and denominator.
    form : integers, shape (box, state, input + 1)
        Numerators of the affine form of the state.
    denominator : int
        Of all of them.
    """

    path: Int[np.ndarray, "box layer"]
    low: Integers
    high: Integers
    form: Integers
    denominator: int

    def __len__(self) -> int:
        return len(self.path)

    def take(self, index: Any) -> Boxes:
        """Some of the boxes, in a new order."""
        return replace(self, path=self.path[index], low=self.low[index], high=self.high[index], form=self.form[index])

    def volume(self) -> Fraction:
        """The sum of their volumes: that of the domain, as they are disjoint and cover it up to their faces."""
        low, high = self.low.astype(object), self.high.astype(object)
        widths = high[..., 0] * low[..., 1] - low[..., 0] * high[..., 1]
        numerator, denominator = widths.prod(1), (high[..., 1] * low[..., 1]).prod(1)
        common = lcm(*set(denominator.tolist()))
        return Fraction(int((numerator * (common // denominator)).sum()), common)


def enumerate_boxes(moe: ExactMoE) -> Boxes:
    """The boxes after the last layer and the readout.

    Raises
    ------
    NotAxisParallelError
        If a cut is not axis-parallel; the message names the layer.
    """
    low, high = _pairs(moe.low), _pairs(moe.high)
    identity = np.eye(moe.inputs, moe.inputs + 1, dtype=np.int64)[None]
    boxes = Boxes(np.zeros((1, 0), np.int64), low[None], high[None], identity, 1)
    boxes = apply(moe.inlet, np.zeros(1, np.int64), boxes)
    for number, layer in enumerate(moe.layers):
        try:
            boxes = run_experts(layer, route(layer, boxes))
        except NotAxisParallelError as error:
            raise NotAxisParallelError(f"layer {number}: {error}") from None
    return apply(moe.readout, np.zeros(len(boxes), np.int64), boxes)


def route(layer: ExactLayer, boxes: Boxes) -> Boxes:
    """Cut each box by the gate; the path grows by the expert of each part."""
    scores = _compose(layer.gate, boxes)  # (box, expert, input + 1)
    experts, shape = layer.experts, (len(boxes), layer.experts, *boxes.low.shape[1:])
    low, high = (np.broadcast_to(end[:, None], shape) for end in (boxes.low, boxes.high))
    alive = np.ones(shape[:2], bool)
    for rival in range(experts):
        lead = scores - scores[:, rival : rival + 1]  # positive where the expert beats the rival
        place, slope, offset = _axis(lead)
        tied = np.arange(experts) <= rival  # on a tie everywhere the lower index wins
        alive &= (slope != 0) | (offset > 0) | ((offset == 0) & tied)
        low = _tighten(low, place, -offset, slope, (slope > 0) & alive)
        high = _tighten(high, place, offset, -slope, (slope < 0) & alive, upper=True)
    alive &= _less(low, high).all(-1)
    box, expert = alive.nonzero()
    parts = boxes.take(box)
    path = np.concatenate([parts.path, expert[:, None]], 1)
    return replace(parts, path=path, low=low[box, expert], high=high[box, expert])


def run_experts(layer: ExactLayer, boxes: Boxes) -> Boxes:
    """Apply to each box the expert at the end of its path, cutting it where a hidden unit has a kink."""
    boxes = apply(layer.maps[0], boxes.path[:, -1], boxes)
    for affine in layer.maps[1:]:
        boxes = rectify(affine, boxes)
        boxes = apply(affine, boxes.path[:, -1], boxes)
    return boxes


def rectify(following: Affine, boxes: Boxes) -> Boxes:
    """ReLU of the state, which `following` reads next.

    Units of one hyperplane whose kinks cancel do not cut: with pre-activations ``c_k·φ(x)`` and columns ``w_k`` of
    `following`, ``Σ w_k relu(c_k φ)`` is affine across ``φ = 0`` exactly if ``Σ w_k |c_k| = 0``, as for
    ``relu(y) − relu(−y) = y``.
    """
    while True:
        place, slope, offset = _axis(boxes.form)
        at_low, at_high = (_signs(end, place, slope, offset) for end in (boxes.low, boxes.high))
        unsure = at_low * at_high < 0
        kinked = unsure & _kinks(following, boxes, place, slope, offset, unsure)
        if not kinked.any():
            break
        boxes = _split(boxes, kinked, place, slope, offset)
    # Units of an uncut hyperplane: the form on either side of it serves for both.
    active = np.where(unsure, slope > 0, at_low + at_high > 0)
    return replace(boxes, form=boxes.form * active[..., None])


def apply(affine: Affine, expert: Int[np.ndarray, " box"], boxes: Boxes) -> Boxes:
    """The affine map of each box's expert on its state."""
    groups = np.unique(expert)
    parts = [_compose(affine.matrix[index], boxes.take(expert == index)) for index in groups]
    form = np.empty((len(boxes), *parts[0].shape[1:]), np.result_type(*parts)) if parts else boxes.form
    for index, part in zip(groups, parts, strict=True):
        form[expert == index] = part
    denominator = boxes.denominator * affine.denominator
    divisor = gcd(int(np.gcd.reduce(form.ravel())), denominator)
    if divisor >= SAFE:
        form = form.astype(object)
    return replace(boxes, form=narrow(form // divisor), denominator=denominator // divisor)


def _compose(matrix: Integers, boxes: Boxes) -> Integers:
    """Numerators of ``matrix (state, 1)`` over the denominator of the boxes."""
    form = matmul(matrix[:, :-1], boxes.form)
    bias = product(matrix[:, -1], boxes.denominator)
    constant = form[..., -1] + bias
    return np.concatenate([form[..., :-1], constant[..., None]], -1)


def _axis(forms: Integers) -> tuple[Int[np.ndarray, "*shape"], Integers, Integers]:
    """The input that each affine form reads, its slope in it (0 if it is constant), and its offset."""
    reads = forms[..., :-1] != 0
    several = reads.sum(-1) > 1
    if several.any():
        raise NotAxisParallelError(f"{int(several.sum())} of {several.size} cuts read several inputs at once")
    place = reads.argmax(-1)
    return place, np.take_along_axis(forms[..., :-1], place[..., None], -1)[..., 0], forms[..., -1]


def _less(a: Integers, b: Integers) -> Bool[np.ndarray, "*shape"]:
    """``a < b`` for fractions in the last axis, denominators positive."""
    return product(a[..., 0], b[..., 1]) < product(b[..., 0], a[..., 1])


def _tighten(
    ends: Integers,
    place: Int[np.ndarray, "*shape"],
    numerator: Integers,
    denominator: Integers,
    where: Bool[np.ndarray, "*shape"],
    upper: bool = False,
) -> Integers:
    """Move the ends at `place` to ``numerator / denominator`` where that is tighter (and `where` holds)."""
    divisor = np.where(where, np.gcd(numerator, denominator), 1)
    cut = np.stack([numerator // divisor, np.where(where, denominator, 1) // divisor], -1)
    index = place[..., None, None]
    old = np.take_along_axis(ends, index, -2)[..., 0, :]
    tighter = where & (_less(cut, old) if upper else _less(old, cut))
    new = np.where(tighter[..., None], cut, old)
    ends = ends.astype(np.result_type(ends, new))  # a copy
    np.put_along_axis(ends, index, new[..., None, :], -2)
    return ends


def _signs(ends: Integers, place: Int[np.ndarray, "*shape"], slope: Integers, offset: Integers) -> Integers:
    """Sign at an end of the box of each form."""
    end = np.take_along_axis(ends, place[..., None], 1)  # (box, form, 2)
    return np.sign(product(slope, end[..., 0]) + product(offset, end[..., 1])).astype(np.int64)


def _kinks(
    following: Affine,
    boxes: Boxes,
    place: Int[np.ndarray, "box unit"],
    slope: Integers,
    offset: Integers,
    unsure: Bool[np.ndarray, "box unit"],
) -> Bool[np.ndarray, "box unit"]:
    """Which units belong to a hyperplane across which what `following` reads is not affine."""
    kinked = np.zeros(unsure.shape, bool)
    box, unit = unsure.nonzero()
    if not len(box):
        return kinked
    same = unsure[box] & (place[box] == place[box, unit][:, None])
    same &= product(slope[box], offset[box, unit][:, None]) == product(offset[box], slope[box, unit][:, None])
    change = np.where(same, np.abs(slope[box]), 0)  # (pair, unit)
    columns = following.matrix[boxes.path[box, -1], :, :-1]  # (pair, out, unit)
    kinked[box, unit] = matmul(columns, change[..., None]).any((1, 2))
    return kinked


def _split(
    boxes: Boxes, kinked: Bool[np.ndarray, "box unit"], place: Integers, slope: Integers, offset: Integers
) -> Boxes:
    """Cut each box that has a kinked unit at its first one."""
    cut = np.asarray(kinked.any(1))
    first = np.arange(len(boxes)), kinked.argmax(1)
    place, slope, offset = place[first], slope[first], offset[first]
    sign = np.where(slope < 0, -1, 1)
    below = _tighten(boxes.high, place, -offset * sign, slope * sign, cut, upper=True)
    above = _tighten(boxes.low, place, -offset * sign, slope * sign, cut)
    halves = [replace(boxes, high=below), replace(boxes, low=above).take(cut)]
    path, low, high, form = (
        np.concatenate([getattr(half, name) for half in halves]) for name in ("path", "low", "high", "form")
    )
    return Boxes(path, low, high, form, boxes.denominator)


def _pairs(ends: Any) -> Integers:
    return narrow(np.array([[end.numerator, end.denominator] for end in ends], dtype=object))
