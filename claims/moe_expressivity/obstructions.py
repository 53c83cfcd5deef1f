"""What linear gates, small states and continuous nets cannot do: why the construction has the form it has."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER


@PAPER.claim(
    "convex_cells",
    source="Section 5, linear gates",
    statement=r"""The cells of an affine top-1 gate are convex, and cones if the gate has no bias.""",
    kind="property",
    rows=["ME6"],
    controls=[
        Control("one hidden ReLU layer in front of the gate", {"hidden": True}),
        Control("a bias in the gate, for cones", {"cone_bias": True}),
    ],
)
def convex_cells(trial: Trial, hidden: bool = False, cone_bias: bool = False) -> Iterator[Evidence]:
    """20,000 pairs of integer points, 2 to 6 experts, 1 to 5 inputs, all in integers: where both ends of a pair are
    routed alike, so is their midpoint, and three times a point is routed as the point is."""
    import numpy as np

    from lemmata.theory.moe_expressivity.obstructions import convexity_violations, route

    rng = trial.rng()
    pairs = bent = cones = 0
    for experts in range(2, 7):
        for inputs in range(1, 6):
            cases = 800
            gate = rng.integers(-99, 100, (cases, experts, inputs))
            bias = rng.integers(-99, 100, (cases, experts))
            first, second = rng.integers(-99, 100, (2, cases, inputs))
            middle = first + second
            if hidden:  # scores W relu(x): the gate of a routed layer that follows a dense one
                first, second, middle = (np.maximum(points, 0) for points in (first, second, middle))
            same, violated = convexity_violations(gate, bias, first, second, middle)
            pairs += int(same.sum())
            bent += int(violated.sum())
            linear = bias * cone_bias
            cones += int((route(gate, linear, first) != route(gate, linear, 3 * first)).sum())
    yield Evidence("pairs routed alike whose midpoint is not", bent, "==", 0, pairs)
    yield Evidence("points whose multiple is routed otherwise", cones, "==", 0, 25 * cases)


@PAPER.claim(
    "circles",
    source="Section 5, why a layer in front of the gate",
    statement=r"""No affine gate routes two concentric circles to two experts. Three ReLU units in front of it do:
    $\tau(x) = \sum_j \mathrm{relu}(u_j \cdot x)$ with directions at equal angles is in $[0.866, 1] r$ on the circle of
    radius $r$. Two such units do not.""",
    kind="exact",
    rows=["ME7"],
    controls=[
        Control("the outer circle moved aside, centre (4, 0)", {"center": 4}),
        Control("two directions", {"directions": 2}),
    ],
)
def circles(trial: Trial, center: int = 0, directions: int = 3) -> Iterator[Evidence]:
    """Sixteen rational points on each of the circles of radius 1 and 2 suffice: an exact simplex method returns
    multipliers that prove the system of 32 strict inequalities infeasible, and they are verified in Fractions. The
    range of τ is taken at its kinks and peaks, with float64 angles (1e-12 of doubt)."""
    import math

    from lemmata.theory.moe_expressivity.obstructions import rational_circle, ring_range, separating_gate

    inner, outer = rational_circle(1), rational_circle(2, center=center)
    decision = separating_gate(inner, outer)
    yield Evidence("affine gates found", int(decision.feasible), "==", 0, len(inner) + len(outer))
    low, high = ring_range(directions)
    yield Evidence(f"{directions} directions: least value on radius 1", low, ">=", math.sqrt(3) / 2 - 1e-12)
    yield Evidence(f"{directions} directions: largest value on radius 1", high, "<=", 1 + 1e-12)
    for number in {directions, *range(3, 7)} if directions > 2 else {directions}:
        low, high = ring_range(number)
        yield Evidence(f"{number} directions: gap between radii 2 and 1", 2 * low - high, ">", 1e-12)
    low, high = ring_range(2)
    yield Evidence("2 directions: gap between radii 2 and 1", 2 * low - high, "<", 0)


@PAPER.claim(
    "scalar_gate",
    source="Section 5, why a layer in front of the gate",
    statement=r"""A linear gate without bias that reads one positive number uses one expert, whatever its weights. This,
    and not linearity, is why the construction on cubes has odd layers.""",
    kind="property",
    rows=["ME8"],
    controls=[
        Control("a bias in the gate", {"bias": True}),
        Control("a number of either sign", {"low": -1}),
    ],
)
def scalar_gate(trial: Trial, bias: bool = False, low: int = 0) -> Iterator[Evidence]:
    """500 random integer gates of 2 to 8 experts; the experts used on an interval are counted by exact enumeration."""
    from fractions import Fraction

    import numpy as np

    from lemmata.theory.moe_expressivity import obstructions
    from lemmata.theory.moe_expressivity.pieces import count

    rng = trial.rng()
    most, cases = 0, 500
    for _ in range(cases):
        weights = rng.integers(-99, 100, int(rng.integers(2, 9)))
        biases = rng.integers(-99, 100, len(weights)) if bias else np.zeros_like(weights)
        most = max(most, count(obstructions.scalar_gate(weights, biases, Fraction(low)), "boxes").paths)
    yield Evidence("most experts used", most, "==", 1, cases)


@PAPER.claim(
    "rank",
    source="Section 5, without compositional sparsity",
    statement=r"""A depth-2 mixture whose layer $l$ is routed by $x_l$, with affine experts that carry $r$ numbers from
    layer 1 to 2, constant on each cell of $x_1$, represents a table $C_{i_1 i_2}$ up to rank $r$ after one row is taken
    out: the least error is the tail of the singular values of $C$ minus its column means. Experts of layer 1 that read
    $x_2$ as well carry $v_i + u_i x_2$ and come closer.""",
    kind="numeric",
    cost="standard",
    rows=["ME17"],
    controls=[
        Control("column means not taken out", {"centred": False}),
        Control("one more singular value in the tail", {"shift": 1}),
        Control("experts of layer 1 read the other coordinate too", {"reads_second": True}),
    ],
)
def rank(trial: Trial, centred: bool = True, shift: int = 0, reads_second: bool = False) -> Iterator[Evidence]:
    """Random normal 3 × 3 and 4 × 4 tables, every r. The mixture built from the singular vectors is evaluated as a
    torch network at the centres of the cells (float64: 1e-12); L-BFGS from 12 random starts over all numbers of such a
    mixture finds nothing below the tail and gets within 1e-6 of it.

    Erratum of the sheet (U4, ME17): it states the bound for all affine experts. At the centres of the cells it is
    false for experts of layer 1 that read x_2, as the fits over (v, u, w, b) show: far below the tail. For a table
    represented without error on whole cells the rank does bind: what u_i x_2 adds must then be the same for all i."""
    import numpy as np

    from lemmata.theory.moe_expressivity.obstructions import centre_table, fitted_residual, rank_residual, table_moe

    rng = trial.rng()
    built = below = above = 0.0
    cases = 0
    for size in (3, 3, 4, 4):
        table = rng.normal(size=(size, size))
        for state in range(1, size):
            bound = rank_residual(table, state - shift, centred)
            network = centre_table(table_moe(table, state), size, size)
            built = max(built, abs(float(np.linalg.norm(network - table)) - bound))
            fitted = fitted_residual(table, state, rng, 12, reads_second)
            below, above = max(below, bound - fitted), max(above, fitted - bound)
            cases += 1
    size = 3
    table = rng.normal(size=(size, size))
    beyond = fitted_residual(table, 1, rng, 12, reads_second=True) / rank_residual(table, 1)
    yield Evidence("built network: largest distance from the bound", built, "<=", 1e-12, cases)
    yield Evidence("3 × 3, r = 1, experts that read x_2: least error over the tail", beyond, "<=", 0.5)
    yield Evidence("best fit: most below the bound", below, "<=", 1e-6, cases)
    yield Evidence("best fit: most above the bound", above, "<=", 1e-6, cases)


@PAPER.claim(
    "jumps",
    source="Section 5, discontinuous targets",
    statement=r"""On a target with a jump $J$ every continuous net has sup error at least $J/2$, however many knots; a
    mixture of two constant experts with the border of its gate at the jump has none off the border.""",
    kind="exact",
    rows=["ME18"],
    controls=[
        Control("a target without the jump", {"jump": 0}),
        Control("the border of the gate moved to 3/4", {"border": 3}),
    ],
)
def jumps(trial: Trial, jump: int = 1, border: int = 4) -> Iterator[Evidence]:
    """Whether a continuous piecewise-linear function comes within less than J/2 is decided by an exact linear programme
    with a verified certificate, as is that it comes within 0.501 J. For 64 and 128 knots the certificate is written
    down, the sum of the two inequalities at the jump, and verified. J = 1; the mixture is compared with the target on
    800 points of [0, 2]."""
    from fractions import Fraction

    from lemmata.theory.moe_expressivity.feasible import decide, verifies_multipliers
    from lemmata.theory.moe_expressivity.obstructions import continuous_rows, jump_moe

    knots = (2, 3, 4, 8, 11, 16)
    half = Fraction(1, 2)
    fits = [decide(continuous_rows(number, Fraction(jump), half)).feasible for number in knots]
    yield Evidence("piecewise-linear functions within less than 1/2", sum(fits), "==", 0, len(knots))
    many = [continuous_rows(number, Fraction(jump), half) for number in (64, 128)]
    proved = [verifies_multipliers(rows, [Fraction(k in (2, 3)) for k in range(len(rows), 0, -1)]) for rows in many]
    yield Evidence("certificates for 64 and 128 knots that verify", sum(proved), "==", 2, len(many))
    near = [decide(continuous_rows(number, Fraction(jump), Fraction(501, 1000))).feasible for number in knots]
    yield Evidence("piecewise-linear functions within 0.501", sum(near), "==", len(knots), len(knots))
    wrong, points = 0, [Fraction(k, 400) for k in range(801) if k != 400]
    moe = jump_moe(Fraction(jump), Fraction(border, 4))
    for x in points:
        wrong += moe.at([x])[0][0] != jump * (x > 1)
    yield Evidence("points at which the mixture errs", wrong, "==", 0, len(points))


@PAPER.claim(
    "target_smoothness",
    source="Experiment II",
    statement=r"""The target $f_i(z) = i (i - 1 - z)^2 (z - i)^2$ on $[i - 1, i]$ is continuously differentiable: value
    and slope are 0 on both sides of every integer, and the second derivative jumps from $2i$ to $2(i + 1)$.""",
    kind="exact",
    controls=[
        Control("a target of smoothness 0: the slope jumps at every integer", {"smoothness": 0}, True),
        Control("one factor not squared", {"power": 1}),
    ],
    correction=Correction(
        paper_says="The target of Experiment II is 0-order continuous.",
        true_is="It has a continuous derivative; the second derivative is the first that jumps.",
    ),
)
def target_smoothness(trial: Trial, smoothness: int = 1, power: int = 2) -> Iterator[Evidence]:
    """Derivatives of the polynomials at the integers, by differentiating their coefficients, for i up to 9."""
    import numpy as np
    from numpy.polynomial import Polynomial

    def piece(i: int) -> Polynomial:
        return i * Polynomial([i - 1, -1]) ** 2 * Polynomial([-i, 1]) ** power

    first_jump, off, borders = [], 0, 8
    for i in range(1, borders + 1):
        jumps_by_order = [float(piece(i + 1).deriv(k)(i) - piece(i).deriv(k)(i)) for k in range(4)]
        first_jump.append(int(np.flatnonzero(jumps_by_order)[0]))
        off += jumps_by_order[2] != 2
    yield Evidence("least order of a derivative that jumps", min(first_jump), "==", smoothness + 1, borders)
    yield Evidence("largest order of the first derivative that jumps", max(first_jump), "==", smoothness + 1, borders)
    yield Evidence("integers where the second derivative does not jump by 2", off, "==", 0, borders)
