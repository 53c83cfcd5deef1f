"""The L² error of a built approximator over the whole cube, enclosed: no sampling.

The quantiser is piecewise linear in each coordinate, with its knots among its own biases, so that the cube falls into
boxes of plateaus and ramps. On a box the network's output lies in a ball (:mod:`lemmata.theory.uap.enclosure`), of
radius almost zero where every coordinate is on a plateau, and the target enters by its mean and mean square, in closed
form. With ``v`` the centre and ``e`` the radius of the ball, Minkowski's inequality on the box B reads

    | ‖F̂ − F‖_{L²(B)} − ‖v − F‖_{L²(B)} | ≤ e,        ‖v − F‖² = v² − 2 v·E[F] + E‖F‖².

The box that contributes most to the uncertainty is halved across its longest ramp, until enough is known.

References
----------
uap: proof of Theorem 1, steps (c) and (d); uap sheet, section 4.4.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat

from lemmata.theory.uap.approximator import Approximator
from lemmata.theory.uap.enclosure import PRECISION, above, below, enclose, feed_forward, precision
from lemmata.theory.uap.network import FeedForwardLayer, Network
from lemmata.theory.uap.staircase import negative

Range = tuple[float, float]
#: For the ranges of all coordinates, token by token: mean and mean square of each output entry over the box.
Moments = Callable[[tuple[Range, ...]], list[tuple[arb, arb]]]


@dataclass(frozen=True)
class EnclosedError:
    """A proven interval for ``(E‖F̂ − F‖²)^{1/2}``, the points being uniform on the cube.

    Attributes
    ----------
    lower, upper : float
    boxes : int
        How many boxes it took.
    """

    lower: float
    upper: float
    boxes: int


class _Box(NamedTuple):
    """One box, ordered by how much of the uncertainty it holds, with a bound on both sides for its share of E‖F̂−F‖²."""

    doubt: float
    number: int
    ranges: tuple[Range, ...]
    lower: arb
    upper: arb


def enclosed_error(built: Approximator, moments: Moments, boxes: int = 1000) -> EnclosedError:
    """Enclose the L² error of an approximator.

    Parameters
    ----------
    built : Approximator
    moments : callable
        The target's means and mean squares over boxes, for example :func:`swirl_moments`.
    boxes : int
        How many boxes may be evaluated beyond those of the quantiser; more boxes, a narrower interval.

    Raises
    ------
    ValueError
        For other samples than two tokens of dimension 2 where the moments are those of the swirl, a negative number of
        boxes, and what :func:`lemmata.theory.uap.enclosure.mix` refuses.
    """
    if moments is swirl_moments and built.grid.shape[1:] != (2, 2):
        raise ValueError(f"built is for samples of shape {tuple(built.grid.shape[1:])}; swirl_moments are for (2, 2)")
    if boxes < 0:
        raise ValueError(f"boxes {boxes} is not at least 0")
    quantise, *rest = built.network
    assert isinstance(quantise, FeedForwardLayer)
    _, tokens, dim = built.grid.shape
    middle, stairs = Network(rest[:-1]), Stairs(built.network.feed_forward[-1])
    count = itertools.count()

    @cache
    def corner(x: float) -> arb:
        """The quantised coordinate; the quantiser treats all coordinates alike."""
        return feed_forward(quantise, arb_mat([[x] * dim]))[0, 0]

    def quantised(ends: Range) -> arb:
        return corner(ends[0]).union(corner(ends[1]))  # linear in between

    def output(ranges: tuple[Range, ...]) -> list[arb]:
        balls = arb_mat(tokens, dim, [quantised(ends) for ends in ranges])
        return [value for row in enclose(middle, balls, tokens).tolist() for value in stairs.range(row)]

    def box(ranges: tuple[Range, ...], values: list[arb]) -> _Box:
        share = arb(1)
        for low, high in ranges:
            share *= (arb(high) - arb(low)) / 2
        lower, upper = (share * bound for bound in squared_distance(values, moments(ranges)))
        return _Box(-float(upper - lower), next(count), ranges, lower, upper)

    with precision(PRECISION):
        heap = [box(ranges, output(ranges)) for ranges in itertools.product(segments(quantise), repeat=tokens * dim)]
        heapq.heapify(heap)
        for _ in range(boxes // 2):
            _, _, ranges, _, _ = heapq.heappop(heap)
            longest = max(range(len(ranges)), key=lambda i: float(quantised(ranges[i]).rad()))
            for half in _halves(ranges[longest]):
                part = (*ranges[:longest], half, *ranges[longest + 1 :])
                heapq.heappush(heap, box(part, output(part)))
        lower = sum((item.lower for item in heap), arb(0)).sqrt()
        upper = sum((item.upper for item in heap), arb(0)).sqrt()
        return EnclosedError(below(lower), above(upper), next(count))


def squared_distance(values: list[arb], moments: list[tuple[arb, arb]]) -> tuple[arb, arb]:
    """Bounds of ``E‖F̂ − F‖²`` over a box: `values` hold all that F̂ is on it, `moments` are F's mean and mean square."""
    distance, radius = arb(0), arb(0)
    for value, (mean, square) in zip(values, moments, strict=True):
        centre = value.mid()
        distance += centre**2 - 2 * centre * mean + square
        radius += value.rad() ** 2
    distance, radius = distance.nonnegative_part().sqrt(), radius.sqrt()
    return (distance - radius).nonnegative_part() ** 2, (distance + radius) ** 2


def segments(quantise: FeedForwardLayer) -> list[Range]:
    """The intervals of [−1, 1] between neighbouring knots of the quantiser, on each of which it is linear."""
    slope = quantise.input.sum(1)  # each unit reads one coordinate, by 1 or −1, or none
    found = (quantise.bias * slope)[slope != 0].tolist()
    knots = sorted({-1.0, 1.0} | {knot for knot in found if -1 < knot < 1})
    return list(itertools.pairwise(knots))


class Stairs:
    """The last layer, read off its weights: ``x + h(x) = st(p·x)``, a piecewise linear function of one number.

    Knowing its plateaus gives its exact range over an interval, where adding the balls of its units would not.

    Raises
    ------
    ValueError
        If the layer is not that of :func:`lemmata.theory.uap.interpolate.wide`.
    """

    def __init__(self, layer: FeedForwardLayer) -> None:
        output, inward, bias = (array.detach().numpy() for array in (layer.output, layer.input, layer.bias))
        dim = len(output)
        ramps, rest = slice(1, len(bias) - 2 * dim), slice(len(bias) - 2 * dim, None)
        low, high = bias[ramps].reshape(-1, 2).T
        erase = negative(dim)
        if not (
            (inward[0] == 0).all()
            and bias[0] == -1
            and (inward[ramps] == inward[1]).all()
            and (output[:, ramps][:, ::2] == -output[:, ramps][:, 1::2]).all()
            and (low < high).all()
            and (high[:-1] <= low[1:]).all()
            and all((a == b).all() for a, b in zip((output[:, rest], inward[rest], bias[rest]), erase, strict=True))
        ):
            raise ValueError("layer is not a wide staircase: its weights are not a constant, ramps along one clock, −x")
        self._clock, self._low, self._high = inward[1].tolist(), low.tolist(), high.tolist()
        self._slopes = output[:, ramps][:, ::2].T.tolist()
        plateau = [arb(value) for value in output[:, 0].tolist()]
        self._plateaus = [plateau]
        for a, b, slopes in zip(self._low, self._high, self._slopes, strict=True):
            rise = arb(b) - arb(a)
            plateau = [value + arb(slope) * rise for value, slope in zip(plateau, slopes, strict=True)]
            self._plateaus.append(plateau)
        self._bounds = np.array([[(below(value), above(value)) for value in row] for row in self._plateaus])

    def range(self, token: list[arb]) -> list[arb]:
        """Each coordinate of ``st(p·x)`` for a token in a box, as a ball around its range."""
        clock = sum((arb(p) * entry for p, entry in zip(self._clock, token, strict=True)), arb(0))
        low, high = clock.lower(), clock.upper()  # exact numbers: all comparisons below are decided
        ends = [self._at(low), self._at(high)]
        # Plateau k lies between the end of ramp k − 1 and the beginning of ramp k; these meet the interval.
        met = self._bounds[bisect_left(self._low, low) : bisect_right(self._high, high) + 1]
        found = []
        for coordinate, (ball, other) in enumerate(zip(*ends, strict=True)):
            ball = ball.union(other)
            if len(met):
                ball = ball.union(arb(met[:, coordinate, 0].min())).union(arb(met[:, coordinate, 1].max()))
            found.append(ball)
        return found

    def _at(self, clock: arb) -> list[arb]:
        """The value at an exact clock reading."""
        begun = bisect_left(self._low, clock)
        if begun == 0 or clock >= self._high[begun - 1]:
            return self._plateaus[begun]
        along = clock - arb(self._low[begun - 1])
        slopes = self._slopes[begun - 1]
        return [value + arb(slope) * along for value, slope in zip(self._plateaus[begun - 1], slopes, strict=True)]


def _halves(ends: Range) -> Iterator[Range]:
    middle = (ends[0] + ends[1]) / 2
    yield ends[0], middle
    yield middle, ends[1]


# ---------------------------------------------------------------------------------------------------------- the target


def swirl_moments(ranges: tuple[Range, ...]) -> list[tuple[arb, arb]]:
    """Mean and mean square of each entry of :func:`lemmata.theory.uap.approximator.swirl` over a box.

    With a, b the other coordinate of the token itself and of the other token, and x, y the two values of this one,

        F = A + B,   A = sin 2a cos(a + b) = (sin(3a + b) + sin(a − b))/2,   B = (x² + y²)/4,

    where A and B are independent; and for a uniform on m ± r, ``E e^{iωa} = e^{iωm} sin(ωr)/(ωr)``.
    """
    middle = [(arb(low) + arb(high)) / 2 for low, high in ranges]
    radius = [(arb(high) - arb(low)) / 2 for low, high in ranges]
    second = [m**2 + r**2 / 3 for m, r in zip(middle, radius, strict=True)]
    fourth = [m**4 + 2 * m**2 * r**2 + r**4 / 5 for m, r in zip(middle, radius, strict=True)]

    def wave(token: int, coordinate: int, own: int, other: int) -> tuple[arb, arb]:
        """Means of cosine and sine of ``own · a + other · b``, for a coordinate of this and of the other token."""
        a, b = 2 * token + coordinate, 2 * (1 - token) + coordinate
        sine, cosine = (own * middle[a] + other * middle[b]).sin_cos()
        damping = (own * radius[a]).sinc() * (other * radius[b]).sinc()
        return cosine * damping, sine * damping

    found = []
    for token, k in itertools.product(range(2), repeat=2):
        turning = (wave(token, 1 - k, 3, 1)[1] + wave(token, 1 - k, 1, -1)[1]) / 2
        cosines = [wave(token, 1 - k, *of)[0] for of in ((6, 2), (2, -2), (2, 2), (4, 0))]
        turning_square = (1 - (cosines[0] + cosines[1]) / 2 + cosines[2] - cosines[3]) / 4
        bowl = (second[k] + second[2 + k]) / 4
        bowl_square = (fourth[k] + 2 * second[k] * second[2 + k] + fourth[2 + k]) / 16
        found.append((turning + bowl, turning_square + 2 * turning * bowl + bowl_square))
    return found
