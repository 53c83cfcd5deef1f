"""The circle: rates in width and experts, whatever the ambient dimension, and what they need."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER

SHEET = (1.15e-1, 3.18e-2, 8.17e-3, 2.05e-3, 5.13e-4, 1.28e-4)  # sup errors at m = 8 … 256, three digits


@PAPER.claim(
    "circle_rate",
    source="Theorem 4.8, Corollary 4.9",
    statement=r"""On the circle in $\mathbb{R}^D$ the depth-2 network with $E = 4$ two-layer experts of width $m$ and
    gates without bias routes every point to its arc and has sup error $O(m^{-2})$, far below the
    $O(m^{-1/2})$ that is claimed, and the same error for $D = 2, 16, 128, 256$.""",
    kind="numeric",
    cost="standard",
    rows=["ME9"],
    controls=[
        Control("two rows of the gate exchanged", {"mutant": "swap_gate_rows"}),
        Control("every expert with its neighbour's chart", {"mutant": "shift_charts"}),
        Control("$x$ passed on as its positive part", {"mutant": "positive_part"}),
        Control("one score with the wrong sign", {"mutant": "negative_score"}),
        Control("one neuron of one expert not read", {"mutant": "drop_last_neuron"}),
        Control("scores that end just short of the border, at 0.99 half-widths", {"reach": 0.99}),
    ],
)
def circle_rate(trial: Trial, mutant: str = "intact", reach: float = 1.5) -> Iterator[Evidence]:
    """The target of the paper's experiment, sin(5 x1) + cos(3 x2), at m = 8 to 256 and 4,001 points: routes, error
    against the sheet's three digits (0.5 %), and change with D: a thousand sums of products, each rounded to 1e-16
    and compared with errors of 1e-4, leave 1e-9. The slope and its 95 % interval are over eight random trigonometric
    polynomials at m = 32 to 256 in R^16."""
    import numpy as np
    from torch import Tensor

    from lemmata.theory.moe_expressivity.approximator import atlas_network
    from lemmata.theory.moe_expressivity.atlas import circle_atlas
    from lemmata.theory.moe_expressivity.circle import (
        Target,
        arc_functions,
        arc_scores,
        circle_error,
        experiment_target,
        harmonic_target,
    )
    from lemmata.theory.moe_expressivity.layer import MoE
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.mutants.atlas import ATLAS_MUTANTS
    from lemmata.theory.moe_expressivity.rates import rate

    generator = trial.torch_generator()

    def network(target: Target, width: int, frame: Tensor) -> MoE:
        atlas = circle_atlas(4).embed(frame)
        return ATLAS_MUTANTS[mutant](atlas_network(atlas, arc_functions(target, 4, width), arc_scores(atlas, reach)))

    widths, errors, outside = [8, 16, 32, 64, 128, 256], {}, 0
    for ambient in (2, 16, 128, 256):
        frame = isometry(2, ambient, generator)
        found = [circle_error(network(experiment_target, width, frame), experiment_target, frame) for width in widths]
        errors[ambient] = np.array([error for error, _ in found])
        outside += sum(misrouted for _, misrouted in found)
    yield Evidence("points routed to another arc", outside, "==", 0, 4 * len(widths) * 4_001)
    off = np.abs(errors[2] / np.array(SHEET) - 1).max()
    yield Evidence("largest departure from the sheet's errors", off, "<=", 0.005, len(widths))
    change = max(np.abs(errors[ambient] / errors[2] - 1).max() for ambient in (16, 128, 256))
    yield Evidence("largest relative change of the error with D", change, "<=", 1e-9, 3 * len(widths))
    frame = isometry(2, 16, generator)
    targets = [harmonic_target(6, generator) for _ in range(8)]
    table = [[circle_error(network(f, m, frame), f, frame)[0] for m in widths[2:]] for f in targets]
    fitted = rate(np.array(widths[2:]), np.array(table))
    yield Evidence("R^2 of the line", fitted.r_squared, ">=", 0.99, 8, precondition=mutant == "intact" and reach > 1)
    yield Evidence("slope in m", fitted.slope, "in", (-2.1, -1.85), 8, fitted.interval)


@PAPER.claim(
    "circle_experts",
    source="Theorem 4.8, number of charts",
    statement=r"""At $m = 8$ the circle's error falls as $E^{-2}$ for $E = 4$ to $64$: what counts is the number $mE$ of
    pieces.""",
    kind="numeric",
    rows=["ME10"],
    controls=[Control("the same number of pieces shared by four experts, as $E$ grows", {"experts": 4})],
)
def circle_experts(trial: Trial, experts: int = 0) -> Iterator[Evidence]:
    """E = 4, 8, 16, 32, 64 in R^16, the paper's target and six random polynomials; slope with its 95 % interval. The
    product of error and (mE)^2 is compared over all m in 8, 16 and E for the paper's target: second derivatives of
    f as a function of the chart's coordinate move by a factor below 3 from wide charts to narrow ones."""
    import numpy as np

    from lemmata.theory.moe_expressivity.circle import (
        circle_error,
        circle_network,
        experiment_target,
        harmonic_target,
    )
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = trial.torch_generator()
    frame = isometry(2, 16, generator)
    charts = np.array([4, 8, 16, 32, 64])
    targets = [experiment_target, *(harmonic_target(6, generator) for _ in range(6))]
    table = [
        [circle_error(circle_network(f, experts or e, 8, frame), f, frame)[0] for e in charts.tolist()] for f in targets
    ]
    fitted = rate(charts, np.maximum(table, 1e-16))
    yield Evidence("slope in E", fitted.slope, "in", (-2.15, -1.8), len(targets), fitted.interval)
    scaled = []
    for e in charts.tolist():
        for m in (8, 16):
            network = circle_network(experiment_target, experts or e, m, frame)
            scaled.append(circle_error(network, experiment_target, frame)[0] * (m * e) ** 2)
    yield Evidence("largest over smallest error times (mE)^2", max(scaled) / min(scaled), "<=", 3, len(scaled))


@PAPER.claim(
    "two_arcs",
    source="Example 4.6, limits",
    statement=r"""Two linear charts are too few for the circle: at the ends of a half circle the inverse chart has
    infinite slope and the rate drops to $m^{-1/2}$. With three or four it is $m^{-2}$.""",
    kind="numeric",
    rows=["ME11"],
    controls=[
        Control("three charts in place of two", {"few": 3}),
        Control("two charts in place of three", {"enough": 2}),
    ],
)
def two_arcs(trial: Trial, few: int = 2, enough: int = 3) -> Iterator[Evidence]:
    """m = 32 to 512 in R^4; the sheet's target sin(t + 0.3) exp(cos(2t)/2) and five random polynomials, slopes with
    95 % intervals. Near the end of a half circle f is a + b sqrt(distance), b its slope there, and the first interval
    of length h leaves an error b sqrt(h)/4: the slope is -1/2 wherever b is not small."""
    import numpy as np

    from lemmata.theory.moe_expressivity.circle import (
        circle_error,
        circle_network,
        harmonic_target,
        two_chart_target,
    )
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = trial.torch_generator()
    frame = isometry(2, 4, generator)
    widths = np.array([32, 64, 128, 256, 512])
    targets = [two_chart_target, *(harmonic_target(3, generator) for _ in range(5))]
    for charts, band in ((few, (-0.65, -0.4)), (enough, (-2.1, -1.75)), (4, (-2.1, -1.85))):
        table = [
            [circle_error(circle_network(f, charts, m, frame), f, frame)[0] for m in widths.tolist()] for f in targets
        ]
        fitted = rate(widths, np.array(table))
        yield Evidence(f"R^2, {charts} charts", fitted.r_squared, ">=", 0.99, len(targets), precondition=True)
        yield Evidence(f"slope in m, {charts} charts", fitted.slope, "in", band, len(targets), fitted.interval)


@PAPER.claim(
    "two_curved_charts",
    source="Theorem 4.8, three-layer experts",
    statement=r"""Two charts are enough if they may curve: with stereographic charts, approximated by the first hidden
    layer of three-layer experts, the error is at most the largest $|g_i - f(\phi_i^{-1})|$ plus the Lipschitz constant
    of $f(\phi_i^{-1})$ times the largest $|\psi_i - \phi_i|$, as the theorem splits it, and falls faster than
    $m^{-3/2}$.""",
    kind="statistical",
    cost="standard",
    controls=[
        Control("the chart's error left out of the bound", {"split": 0.0}),
        Control("linear charts in their place", {"curved": False}),
    ],
)
def two_curved_charts(trial: Trial, split: float = 1.0, curved: bool = True) -> Iterator[Evidence]:
    """m = 8 to 128 in R^16, five draws of the random neurons that fit the charts, slope with its 95 % interval. Both
    sides of the split are sup norms over grids, which the error stays below by more than they leave out."""
    import numpy as np

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network, two_chart_target
    from lemmata.theory.moe_expressivity.curved import curved_network
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = trial.torch_generator()
    frame = isometry(2, 16, generator)
    widths, table, ratio = np.array([8, 16, 32, 64, 128]), [], 0.0
    for _ in range(5):
        row = []
        for width in widths.tolist():
            made = curved_network(two_chart_target, width, frame, generator)
            network = made.network if curved else circle_network(two_chart_target, 2, width, frame)
            error, _ = circle_error(network, two_chart_target, frame)
            ratio = max(ratio, error / (made.function_error + split * made.lipschitz * made.chart_error))
            row.append(error)
        table.append(row)
    fitted = rate(widths, np.array(table))
    yield Evidence("largest error over the bound of the split", ratio, "<=", 1 + 1e-6, len(widths) * len(table))
    yield Evidence("R^2 of the line", fitted.r_squared, ">=", 0.96, len(table), precondition=curved and split == 1)
    yield Evidence("slope in m", fitted.slope, "<=", -1.5, len(table), fitted.interval)


@PAPER.claim(
    "limited_smoothness",
    source="Theorem 4.8, smoothness",
    statement=r"""On the circle the exponent is the smoothness of the target where that is below 2: for
    $|\mathrm{sin}(t - t_0)|^a$ with $a = 1/2, 1, 3/2$ the error falls as $m^{-a}$, so never slower than the
    $m^{-\min(\kappa, 1/2)}$ claimed.""",
    kind="statistical",
    cost="standard",
    rows=["ME12"],
    controls=[Control("targets that are smoother by 1/2 than assumed", {"smoother": 0.5})],
)
def limited_smoothness(trial: Trial, smoother: float = 0.0) -> Iterator[Evidence]:
    """40 random places t0 for each a, m = 8 to 256, E = 4, R^4, 1,001 points and both kinks. The error depends on where
    t0 lies between two knots; the worst of each five places hardly does, and makes one of eight replicates. Slope with
    its 95 % interval, which has to lie within 0.2 of -a, less than half of the distance between the three."""
    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network, rough_target
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = trial.torch_generator()
    frame = isometry(2, 4, generator)
    widths = np.array([8, 16, 32, 64, 128, 256])
    places = (torch.rand(40, generator=generator, dtype=torch.float64) * np.pi).tolist()
    for order in (0.5, 1.0, 1.5):
        table = np.empty((len(places), len(widths)))
        for row, place in enumerate(places):
            target, kinks = rough_target(order + smoother, place), (place, place + np.pi)
            for column, width in enumerate(widths.tolist()):
                network = circle_network(target, 4, width, frame)
                table[row, column], _ = circle_error(network, target, frame, 1_001, also=kinks)
        fitted = rate(widths, table.reshape(8, 5, -1).max(1))
        yield Evidence(f"a = {order}: R^2 of the line", fitted.r_squared, ">=", 0.97, 40, precondition=True)
        band = (-order - 0.2, -order + 0.2)
        yield Evidence(f"a = {order}: slope in m", fitted.slope, "in", band, 40, fitted.interval)


@PAPER.claim(
    "hard_choice",
    source="Definition of the layer, K = 1",
    statement=r"""The choice of one expert is what makes the network exact: the same scores and experts, mixed by
    softmax or behind a gate of equal rows, keep a sup error above $1$ for every $m$ from 16 to 256, where top-1 falls
    below $2 \cdot 10^{-4}$.""",
    kind="numeric",
    controls=[
        Control("top-1 in place of the softmax mixture", {"blurred": "intact"}),
        Control("the softmax mixture in place of top-1", {"sharp": "soft_mixture"}),
    ],
)
def hard_choice(trial: Trial, blurred: str = "soft_mixture", sharp: str = "intact") -> Iterator[Evidence]:
    """The circle in R^16 with E = 4 and the paper's target, of which the sup norm is about 2."""
    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network, experiment_target
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.mutants.atlas import ATLAS_MUTANTS

    frame = isometry(2, 16, trial.torch_generator())
    networks = [circle_network(experiment_target, 4, width, frame) for width in (16, 32, 64, 128, 256)]

    def errors(mutant: str) -> list[float]:
        return [circle_error(ATLAS_MUTANTS[mutant](network), experiment_target, frame)[0] for network in networks]

    yield Evidence("least error, softmax mixture", min(errors(blurred)), ">=", 1.0, len(networks))
    yield Evidence("least error, equal rows", min(errors("equal_gate_rows")), ">=", 1.0, len(networks))
    yield Evidence("error at m = 256, top-1", errors(sharp)[-1], "<=", 2e-4)
