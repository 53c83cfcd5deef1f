"""The staircase: a piecewise linear map of one *clock* ``p·x`` that is flat wherever data lies.

With clock values ``s_1 < … < s_M`` and values ``f_1, …, f_M``,

    st(x) = f_1 relu(0·x + 1) + Σ_{k≥2} (f_k − f_{k−1}) [relu(p·x − lo_k) − relu(p·x − hi_k)] / (hi_k − lo_k),

with each ramp ``[lo_k, hi_k]`` in the middle third between ``s_{k−1}`` and ``s_k``. The plateaus at the data are what
makes it usable: a clock that is off by less than a third of a gap reads the same value, so that rounding, and what
other layers left behind, do not accumulate. Plain linear interpolation between the data has no such slack.

References
----------
uap sheet, section 4.3, step 2; Theorem 1, steps (a) and (c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

#: Where a ramp lies between two clock values.
RISE = (1 / 3, 2 / 3)


class Units(NamedTuple):
    """Hidden units of ``x ↦ W relu(A x − b)``.

    Attributes
    ----------
    output : W, shape (d, width)
    input : A, shape (width, d)
    bias : b, shape (width,)
    """

    output: Float[np.ndarray, "d width"]
    input: Float[np.ndarray, "width d"]
    bias: Float[np.ndarray, " width"]

    @classmethod
    def join(cls, *parts: Units) -> Units:
        """All units side by side: the sum of the maps."""
        output, inward, bias = zip(*parts, strict=True)
        return cls(np.hstack(output), np.vstack(inward), np.hstack(bias))

    def padded(self, width: int) -> Units:
        """With silent units up to `width`."""
        missing = width - len(self.bias)
        return Units(
            np.pad(self.output, ((0, 0), (0, missing))),
            np.pad(self.input, ((0, missing), (0, 0))),
            np.pad(self.bias, (0, missing)),
        )


def constant(value: Float[np.ndarray, " d"]) -> Units:
    """``x ↦ value``, one unit: ``value · relu(0·x + 1)``."""
    return Units(value[:, None], np.zeros((1, len(value))), -np.ones(1))


def negative(dim: int) -> Units:
    """``x ↦ −x`` with 2·dim units: ``relu(−x) − relu(x)``; with the residual it erases the token."""
    eye = np.eye(dim)
    return Units(np.hstack([eye, -eye]), np.vstack([-eye, eye]), np.zeros(2 * dim))


@dataclass(frozen=True, eq=False)
class Staircase:
    """A staircase along one clock.

    Attributes
    ----------
    clock : shape (d,)
        p.
    low, high : shape (M − 1,)
        Ends of the ramps, ``low_1 < high_1 ≤ low_2 < …``.
    values : shape (M, d)
        The value on each plateau.
    """

    clock: Float[np.ndarray, " d"]
    low: Float[np.ndarray, " ramps"]
    high: Float[np.ndarray, " ramps"]
    values: Float[np.ndarray, "plateaus d"]

    @classmethod
    def through(
        cls,
        clock: Float[np.ndarray, " d"],
        points: Float[np.ndarray, "M d"],
        values: Float[np.ndarray, "M d"],
        rise: tuple[float, float] = RISE,
    ) -> Staircase:
        """The staircase with ``st(points_k) = values_k``.

        Raises
        ------
        ValueError
            If two points have the same clock value.
        """
        position = points @ clock
        order = np.argsort(position)
        start, gap = position[order][:-1], np.diff(position[order])
        if len(gap) and gap.min() <= 0:
            raise ValueError(f"clock: {(gap <= 0).sum()} pairs of points have the same clock value; they must differ")
        return cls(clock, start + rise[0] * gap, start + rise[1] * gap, values[order])

    @property
    def slopes(self) -> Float[np.ndarray, "ramps d"]:
        """``(f_k − f_{k−1}) / (hi_k − lo_k)``."""
        return np.diff(self.values, axis=0) / (self.high - self.low)[:, None]

    def ramps(self, part: slice) -> Units:
        """Two units a ramp, ``relu(p·x − lo)`` and ``−relu(p·x − hi)`` times its slope."""
        slopes = np.repeat(self.slopes[part], 2, axis=0) * np.tile([1.0, -1.0], len(self.low[part]))[:, None]
        bias = np.stack([self.low[part], self.high[part]], 1).ravel()
        return Units(slopes.T, np.tile(self.clock, (len(bias), 1)), bias)

    def units(self) -> Units:
        """The whole staircase, ``1 + 2(M − 1)`` units."""
        return Units.join(constant(self.values[0]), self.ramps(slice(None)))

    def layers(self) -> Iterator[Units]:
        """The staircase as a sum of layers of d units each: the narrow form.

        The first layer holds the constant and ``⌊(d−1)/2⌋`` ramps, each further one ``⌊d/2⌋``. It is the same map only
        if no layer moves the clock, that is where all increments are orthogonal to it.
        """
        dim = len(self.clock)
        first, each = (dim - 1) // 2, dim // 2
        yield Units.join(constant(self.values[0]), self.ramps(slice(0, first))).padded(dim)
        for start in range(first, len(self.low), each):
            yield self.ramps(slice(start, start + each)).padded(dim)


def narrow_depth(plateaus: int, dim: int) -> int:
    """How many layers :meth:`Staircase.layers` has: ``1 + ⌈(M − 1 − ⌊(d−1)/2⌋) / ⌊d/2⌋⌉``.

    M for d = 2, M − 1 for d = 3, ``1 + ⌈(M − 2)/2⌉`` for d = 4.
    """
    rest = max(plateaus - 1 - (dim - 1) // 2, 0)
    return 1 - (-rest // (dim // 2))


def smallest_gap(values: Float[np.ndarray, "*batch M"]) -> Float[np.ndarray, "*batch"]:
    """The least distance between two of the M numbers; infinite for one number."""
    return np.asarray(np.diff(np.sort(values, axis=-1), axis=-1).min(axis=-1, initial=np.inf))


def spread(values: Float[np.ndarray, " M"], gap: float) -> Float[np.ndarray, " M"]:
    """The numbers, moved up just enough to lie at least `gap` apart, in their order; ties count as in the input."""
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    moved = np.empty_like(values)
    moved[order] = np.maximum.accumulate(values[order] - steps) + steps
    return moved
