r"""What a mixture with linear gates cannot do, and what a dense net can: the bounds beside the constructions.

U1 affine experts have at most E^L pieces · U2 cells of a linear gate are convex · U3 a bias-free gate on a positive
scalar uses one expert · U4 a table is realised up to its rank, if what is
carried is constant on the cells of layer 1 · U5 a jump costs a continuous net half of it · U6 a
dense two-layer net with L(E − 1) hinges reaches E^L pieces as well.

References
----------
moe_expressivity sheet, section 4.5.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from lemmata.theory.moe_expressivity.deep import zigzag
from lemmata.theory.moe_expressivity.exact import Affine, ExactLayer, ExactMoE
from lemmata.theory.moe_expressivity.feasible import Decision, decide
from lemmata.theory.moe_expressivity.integers import Integers
from lemmata.theory.moe_expressivity.layer import MoE, MoELayer

Point = tuple[Fraction, Fraction]

# -------------------------------------------------------------------------------------------- U1: how many pieces


def random_moe(
    experts: int, depth: int, inputs: int, rng: np.random.Generator, *, hidden: int | None = None, spread: int = 9
) -> ExactMoE:
    """Affine gates and experts with integer weights from −`spread` to `spread`, state as wide as the input.

    Parameters
    ----------
    experts, depth, inputs : int
    rng : numpy Generator
    hidden : int, optional
        Experts with that many ReLU units in place of affine ones.

    Returns
    -------
    ExactMoE
        On ``[−1, 1]^inputs``, with a vector output.
    """

    def draw(*shape: int) -> Integers:
        return rng.integers(-spread, spread + 1, shape)

    widths = [inputs, *([] if hidden is None else [hidden]), inputs]
    layers = [
        ExactLayer(
            draw(experts, inputs + 1),
            tuple(Affine(draw(experts, b, a + 1)) for a, b in pairwise(widths)),
        )
        for _ in range(depth)
    ]
    identity = Affine(np.eye(inputs, inputs + 1, dtype=np.int64)[None])
    return ExactMoE(tuple(layers), identity, identity, (Fraction(-1),) * inputs, (Fraction(1),) * inputs)


def hinge_net(experts: int, blocks: int, slopes: Integers | None = None, drop: int = 0) -> ExactMoE:
    """U6: a dense two-layer ReLU net with L(E − 1) hinges inside ``[0, E]^L``, equal to the continuous cube target.

    ``f_l(x) = a_{l,1} relu(x) + Σ_i (a_{l,i+1} − a_{l,i}) relu(x − i)``; the L units relu(x) have no kink inside.

    Parameters
    ----------
    experts, blocks : int
        E and L of the target.
    slopes : integers, shape (blocks, experts)
        Slopes of the continuous target that starts at 0; :func:`~lemmata.theory.moe_expressivity.deep.zigzag`'s by
        default.
    drop : int
        Hinges left out, the last ones.

    Returns
    -------
    ExactMoE
        One layer with one expert.
    """
    slopes = zigzag(experts, blocks)[0] if slopes is None else slopes
    hidden = np.zeros((blocks, experts, blocks + 1), np.int64)
    for block in range(blocks):
        hidden[block, :, block] = 1
        hidden[block, :, -1] = -np.arange(experts)
    change = np.diff(slopes, axis=1, prepend=0).reshape(1, 1, -1)
    change[..., change.shape[-1] - drop :] = 0
    output = np.concatenate([change, np.zeros((1, 1, 1), np.int64)], -1)
    layer = ExactLayer(np.zeros((1, blocks + 1), np.int64), (Affine(hidden.reshape(1, -1, blocks + 1)), Affine(output)))
    identity = Affine(np.eye(blocks, blocks + 1, dtype=np.int64)[None])
    readout = Affine(np.array([[[1, 0]]]))
    return ExactMoE((layer,), identity, readout, (Fraction(0),) * blocks, (Fraction(experts),) * blocks)


def hinges(net: ExactMoE) -> int:
    """Hidden units of a single two-layer expert on a box that are read and have a kink inside of it, from the weights.

    A unit with its largest and least value over the box of different signs has one: they lie at corners.
    """
    (layer,) = net.layers
    inner, outer = (affine.matrix[0] for affine in layer.maps)
    low = np.array([int(x) for x in net.low]), np.array([int(x) for x in net.high])
    ends = np.stack([inner[:, :-1] * low[0], inner[:, :-1] * low[1]])
    least, most = (pick.sum(1) + inner[:, -1] for pick in (ends.min(0), ends.max(0)))
    return int(((least < 0) & (most > 0) & outer[:, :-1].any(0)).sum())


def sampled_maps(moe: ExactMoE, side: int = 9) -> int:
    """Different affine maps met on a grid of `side`² points of a box in two inputs: from values in Fractions alone.

    A map is read off the values at a point and two neighbours, 10⁻⁶ away, where all three take one path; a map counts
    once however often it is met. No more than there are, if no hidden unit has its kink between such points.
    """
    step = Fraction(1, 10**6)
    found: set[tuple[tuple[Fraction, Fraction, Fraction], ...]] = set()
    (x0, y0), (x1, y1) = moe.low, moe.high
    for k in range(side * side):
        x = x0 + (x1 - x0) * Fraction(2 * (k // side) + 1, 2 * side)
        y = y0 + (y1 - y0) * Fraction(2 * (k % side) + 1, 2 * side)
        here, right, up = (moe.at(point) for point in ((x, y), (x + step, y), (x, y + step)))
        if here[1] == right[1] == up[1]:
            slopes = [((b - a) / step, (c - a) / step) for a, b, c in zip(here[0], right[0], up[0], strict=True)]
            found.add(tuple((p, q, a - p * x - q * y) for a, (p, q) in zip(here[0], slopes, strict=True)))
    return len(found)


# -------------------------------------------------------------------------------------------- U2: shape of the cells


def route(
    gate: Int[np.ndarray, "case experts d"],
    bias: Int[np.ndarray, "case experts"],
    points: Int[np.ndarray, "case d"],
    scale: int = 1,
) -> Int[np.ndarray, " case"]:
    """Expert of the point ``points / scale`` in each case, in integers (lowest index on a tie)."""
    return (np.einsum("ced,cd->ce", gate, points) + scale * bias).argmax(1)


def convexity_violations(
    gate: Int[np.ndarray, "case experts d"],
    bias: Int[np.ndarray, "case experts"],
    first: Int[np.ndarray, "case d"],
    second: Int[np.ndarray, "case d"],
    total: Int[np.ndarray, "case d"],
) -> tuple[Bool[np.ndarray, " case"], Bool[np.ndarray, " case"]]:
    """For pairs of points: are they routed alike, and is their midpoint routed elsewhere though they are?

    `total` is what the gate reads at the midpoint, twice: ``first + second`` if it reads the points themselves.
    """
    together = route(gate, bias, first)
    same = together == route(gate, bias, second)
    return same, same & (route(gate, bias, total, scale=2) != together)


def rational_circle(radius: int, parameters: int = 4, center: int = 0) -> list[Point]:
    """Rational points of a circle around (center, 0): ``((1 − u²), 2u)/(1 + u²)`` in all four quadrants."""
    points = set()
    for number in range(parameters):
        u = Fraction(number, parameters)
        cosine, sine = (1 - u * u) / (1 + u * u), 2 * u / (1 + u * u)
        for x, y in ((cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine)):
            points.add((center + radius * x, radius * y))
    return sorted(points)


def separating_gate(inner: list[Point], outer: list[Point]) -> Decision:
    """Is there an affine gate ``w·x + b`` that is positive on `inner` and negative on `outer`? Decided exactly."""
    rows = [(x, y, Fraction(1), Fraction(0)) for x, y in inner]
    rows += [(-x, -y, Fraction(-1), Fraction(0)) for x, y in outer]
    return decide(rows)


def ring_range(directions: int, radius: float = 1.0) -> tuple[float, float]:
    """Least and largest value on a circle of ``τ(x) = Σ_j relu(<u_j, x>)``, directions u_j at equal angles.

    Between two angles at which some ``<u_j, x>`` changes sign, τ is ``<Σ_active u_j, x>``, concave where positive, so
    that the least value is at such an angle; the largest is at one too, or where x is parallel to the sum.
    """
    angle = 2 * np.pi * np.arange(directions) / directions
    kinks = np.sort(np.concatenate([angle + np.pi / 2, angle - np.pi / 2]) % (2 * np.pi))
    ends = np.append(kinks, kinks[0] + 2 * np.pi)
    middle = (ends[1:] + ends[:-1]) / 2
    active = np.cos(middle[:, None] - angle) > 0
    peak = np.angle((active * np.exp(1j * angle)).sum(1))
    inside = (peak - ends[:-1]) % (2 * np.pi) <= ends[1:] - ends[:-1]
    places = np.concatenate([kinks, peak[inside]])
    values = radius * np.maximum(np.cos(places[:, None] - angle), 0).sum(1)
    return float(values.min()), float(values.max())


# -------------------------------------------------------------------------------------------- U3: one positive scalar


def scalar_gate(weights: Integers, biases: Integers, low: Fraction = Fraction(0)) -> ExactMoE:
    """Constant, different experts behind a gate that reads one scalar, on ``[low, 1]``; count its paths."""
    count = len(weights)
    constants = np.stack([np.zeros(count, np.int64), np.arange(count)], 1)[:, None]
    layer = ExactLayer(np.stack([weights, biases], 1), (Affine(constants),))
    identity = Affine(np.array([[[1, 0]]]))
    return ExactMoE((layer,), identity, identity, (low,), (Fraction(1),))


# -------------------------------------------------------------------------------------------- U4: rank


def rank_residual(table: Float[np.ndarray, "rows columns"], rank: int, centred: bool = True) -> float:
    """Least Frobenius distance from a table to those of the form ``v_i·w_j + b_j`` with v, w of `rank` numbers.

    The tail singular values of the table without its column means, which are the best b; with `centred` False, b = 0.
    """
    tail = np.linalg.svd(table - table.mean(0) * centred, compute_uv=False)[rank:]
    return float(np.sqrt((tail**2).sum()))


def table_moe(table: Float[np.ndarray, "rows columns"], rank: int) -> MoE:
    """The depth-2 mixture that comes nearest to a table: gate l reads x_l, the state between carries `rank` numbers.

    Row i of the table is the cell ``[i − 1, i]`` of x_1, column j that of x_2. Layer 1: expert i sets the state to
    ``(x_2, v_i)``; layer 2: expert j returns ``w_j·v + b_j``. Affine gates and affine experts.
    """
    rows, columns = table.shape
    mean = table.mean(0)
    u, s, vt = np.linalg.svd(table - mean, full_matrices=False)
    first = np.zeros((rows, 2, 1 + rank))
    first[:, 1, 0] = 1
    carried = np.concatenate([np.zeros((rows, 1)), u[:, :rank] * s[:rank]], 1)
    second = np.concatenate([np.zeros((columns, 1)), vt[:rank].T], 1)[:, :, None]
    return MoE(
        [
            _cell_layer(rows, 2, 0, first, carried),
            _cell_layer(columns, 1 + rank, 0, second, mean[:, None]),
        ]
    )


def _cell_layer(
    cells: int,
    width: int,
    place: int,
    weight: Float[np.ndarray, "cells width out"],
    bias: Float[np.ndarray, "cells out"],
) -> MoELayer:
    """Affine experts behind the affine gate ``i x − i(i − 1)/2`` on one number of the state."""
    number = torch.arange(1, cells + 1, dtype=torch.float64)
    gate = torch.zeros(cells, width, dtype=torch.float64)
    gate[:, place] = number
    weights, biases = [torch.from_numpy(weight)], [torch.from_numpy(bias)]
    return MoELayer.from_weights(gate, weights, biases, gate_bias=-number * (number - 1) / 2)


def centre_table(moe: MoE, rows: int, columns: int) -> Float[np.ndarray, "rows columns"]:
    """What a mixture on ``[0, rows] × [0, columns]`` returns at the centres of the cells."""
    x, y = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    with torch.no_grad():
        return moe(torch.stack([x.flatten(), y.flatten()], 1).double()).reshape(rows, columns).numpy()


def fitted_residual(
    table: Float[np.ndarray, "rows columns"],
    rank: int,
    rng: np.random.Generator,
    starts: int,
    reads_second: bool = False,
) -> float:
    """The least distance that L-BFGS finds from random starts over all v, w, b: no singular values involved.

    With `reads_second` the experts of layer 1 read x_2 as well: what they carry is ``v_i + u_i x_2``, and u is fitted
    too. At the centre ``c_j = j + 1/2`` of a column this is another vector for each j, and the rank no longer binds.
    """
    from scipy.optimize import minimize

    rows, columns = table.shape
    shapes = [(rows, rank), (columns, rank), (columns, 1), (rows, rank)][: 4 if reads_second else 3]
    cuts = np.cumsum([a * b for a, b in shapes])
    centre = np.arange(columns)[:, None] + 0.5

    def loss(flat: Float[np.ndarray, " n"]) -> tuple[float, Float[np.ndarray, " n"]]:
        v, w, b, *more = (part.reshape(shape) for part, shape in zip(np.split(flat, cuts[:-1]), shapes, strict=True))
        error = v @ w.T + b.T - table
        by_column = error.T @ v
        for u in more:
            error = error + centre.T * (u @ w.T)
            by_column = error.T @ v + centre * (error.T @ u)
        gradient = [error @ w, by_column, error.sum(0), *[error @ (centre * w) for _ in more]]
        return float((error**2).sum()), 2 * np.concatenate([part.ravel() for part in gradient])

    options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    best = min(
        minimize(loss, rng.normal(size=cuts[-1]), jac=True, method="L-BFGS-B", options=options).fun
        for _ in range(starts)
    )
    return float(np.sqrt(best))


# -------------------------------------------------------------------------------------------- U5: jumps


def continuous_rows(knots: int, jump: Fraction, error: Fraction) -> list[tuple[Fraction, ...]]:
    """Inequalities for a continuous piecewise-linear function to be within less than `error` of a jump.

    The target on [0, 2] is 0 up to 1 and `jump` after it. The unknowns are the values at `knots` equidistant knots; the
    supremum of the error lies at a knot or on one of the two sides of 1. The last four rows are those at 1: above and
    below 0, above and below `jump`.
    """
    if knots < 2:
        raise ValueError(f"knots {knots} is not at least 2")
    place = [Fraction(2 * k, knots - 1) for k in range(knots)]
    rows: list[tuple[Fraction, ...]] = []

    def within(weights: list[Fraction], value: Fraction) -> None:
        rows.append((*weights, error - value))
        rows.append((*(-weight for weight in weights), error + value))

    for k, x in enumerate(place):
        if x != 1:
            within([Fraction(int(j == k)) for j in range(knots)], jump if x > 1 else Fraction(0))
    at_border = [max(Fraction(0), 1 - abs(x - 1) * (knots - 1) / 2) for x in place]
    within(at_border, Fraction(0))
    within(at_border, jump)
    return rows


def jump_moe(jump: Fraction, border: Fraction = Fraction(1)) -> ExactMoE:
    """Two constant experts, 0 and `jump`, behind an affine gate ``(0, x − border)``, on [0, 2]."""
    gate = np.array([[0, 0], [border.denominator, -border.numerator]])
    layer = ExactLayer(gate, (Affine.of(np.array([[[0, 0]], [[0, jump]]], dtype=object)),))
    identity = Affine(np.array([[[1, 0]]]))
    return ExactMoE((layer,), identity, identity, (Fraction(0),), (Fraction(2),))
