"""Single manifolds: sphere, projective plane, products of circles, and the dense control."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER


@PAPER.claim(
    "sphere",
    source="Corollary 4.9",
    statement=r"""On $S^2$ six experts behind the linear gate with rows $\pm e_i$ suffice at depth 1, without bias:
    slopes below $-1/2$ for analytic targets and for rough ones of order $3/2$, whose limit $-3/4$ fits of these widths
    do not reach.""",
    kind="statistical",
    cost="standard",
    rows=["ME14"],
    controls=[Control("two rows of the gate exchanged", {"swapped": True})],
)
def sphere(trial: Trial, swapped: bool = False) -> Iterator[Evidence]:
    """m = 16 to 128 in R^16; twelve targets of each kind with their own random neurons, 6,000 points to fit and 6,000
    to measure; slopes with 95 % intervals."""
    import numpy as np

    from lemmata.theory.moe_expressivity.atlas import sphere_atlas
    from lemmata.theory.moe_expressivity.dimension import Sample, mixture, rough_field, smooth_field
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.manifolds import sphere as points
    from lemmata.theory.moe_expressivity.rates import rate

    generator, widths, replicates = trial.torch_generator(), np.array([16, 32, 64, 128]), 12
    kinds = (("analytic", smooth_field, (-2.0, -0.5)), ("rough", lambda n, g: rough_field(1.5, n, g), (-1.1, -0.5)))
    for name, field, band in kinds:
        table = np.empty((replicates, len(widths)))
        for row in range(replicates):
            sample = Sample.of(field(3, generator), points(12_000, generator), 6_000)
            frame = isometry(3, 16, generator)
            for column, width in enumerate(widths.tolist()):
                network = mixture(sample, sphere_atlas(), width, frame, generator)
                if swapped:
                    gate = next(iter(network)).gate.data
                    gate[[0, 1]] = gate[[1, 0]]
                table[row, column] = sample.error(network, frame)
        fitted = rate(widths, table)
        yield Evidence(f"{name}: slope in m", fitted.slope, "in", band, replicates, fitted.interval)
    yield Evidence("rough: R^2 of the line", fitted.r_squared, ">=", 0.97, replicates, precondition=not swapped)


@PAPER.claim(
    "dense_control",
    source="Table 1",
    statement=r"""A dense two-layer net of width $6m$ that reads $x \in \mathbb{R}^{256}$ is as accurate on the sphere
    as six experts of width $m$, to within a factor 3, and its rate follows $d$ as well: what the mixture saves is
    active width, $m$ in place of $6m$, not error at equal total width.""",
    kind="statistical",
    cost="standard",
    rows=["ME15"],
    controls=[
        Control("Table 1 read as rates: the dense net's slope near $-1/D$", {"literal": True}, literal=True),
        Control("a dense net of the active width, $m$", {"share": 6}),
    ],
    correction=Correction(
        paper_says=r"""Table 1 sets $m^{-\min(\kappa/d, 1/2)}$ for the mixture against $m^{-\min(\kappa/D, 1/2)}$ for
        dense networks; both are upper bounds.""",
        true_is=r"""The dense net's error on the same manifold follows $d$ too; the comparison of bounds shows no
        separation.""",
    ),
)
def dense_control(trial: Trial, literal: bool = False, share: int = 1) -> Iterator[Evidence]:
    """Rough fields of order 3/2 on a sphere in R^256, m = 16, 32, 64; nine targets, both fits from the same 6,000
    points and measured on 6,000 others, random neurons in their own inputs. Ratio of errors: geometric mean with its
    95 % interval."""
    import numpy as np
    from scipy import stats

    from lemmata.theory.moe_expressivity.atlas import sphere_atlas
    from lemmata.theory.moe_expressivity.dimension import Sample, dense, mixture, rough_field
    from lemmata.theory.moe_expressivity.manifolds import isometry, sphere
    from lemmata.theory.moe_expressivity.rates import rate

    generator, widths, replicates, ambient = trial.torch_generator(), np.array([16, 32, 64]), 9, 256
    mixed, single = np.empty((2, replicates, len(widths)))
    for row in range(replicates):
        sample = Sample.of(rough_field(1.5, 3, generator), sphere(12_000, generator), 6_000)
        frame = isometry(3, ambient, generator)
        for column, width in enumerate(widths.tolist()):
            mixed[row, column] = sample.error(mixture(sample, sphere_atlas(), width, frame, generator), frame)
            single[row, column] = sample.error(dense(sample, 6 * width // share, frame, generator), frame)
    ratio = np.log(single / mixed).mean(1)
    half = stats.t.ppf(0.975, replicates - 1) * ratio.std(ddof=1) / replicates**0.5
    ends = tuple(np.exp([ratio.mean() - half, ratio.mean() + half]))
    yield Evidence(
        "error of the dense net over the mixture's", np.exp(ratio.mean()), "in", (1 / 3, 1.5), replicates, ends
    )
    fitted = rate(widths, single)
    band = (-0.2, 0.0) if literal else (-1.1, -0.4)
    yield Evidence("slope of the dense net", fitted.slope, "in", band, replicates, fitted.interval)
    fitted = rate(widths, mixed)
    yield Evidence("slope of the mixture", fitted.slope, "in", (-1.1, -0.4), replicates, fitted.interval)


@PAPER.claim(
    "projective_plane",
    source="Corollary 4.9, Example 4.6",
    statement=r"""On the projective plane, which no two charts cover and no orientation fits, six linear charts along
    the axes of the icosahedron suffice behind a linear gate without bias (every line is within $37.4$ degrees of an
    axis, charts are injective up to $45$); with the three coordinate axes they do not: up to $m = 128$ the error falls
    more slowly than the claimed $m^{-1/2}$.""",
    kind="statistical",
    cost="standard",
    controls=[
        Control("the three coordinate axes in place of the six", {"axes": "coordinate"}),
        Control("the same, judged by the rate alone", {"axes": "coordinate", "geometry": False}),
    ],
)
def projective_plane(trial: Trial, axes: str = "icosahedron", geometry: bool = True) -> Iterator[Evidence]:
    """Veronese surface in R^256, m = 16 to 128, twelve rough targets of order 3/2 and their own random neurons, slope
    with its 95 % interval; inverse charts measured on 2,000 points (bound 1/cos of twice 37.4 degrees). Three charts
    are fitted to the same targets, for the same widths. The first control misses the covering radius before any fit."""
    import math

    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.atlas import icosahedron_axes, inverse_lipschitz, projective_atlas
    from lemmata.theory.moe_expressivity.dimension import MANIFOLDS, Sample, mixture, rough_field
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    _, points = MANIFOLDS["projective plane"]
    coordinate = projective_atlas(torch.eye(3, dtype=torch.float64))
    atlas = coordinate if axes == "coordinate" else projective_atlas(icosahedron_axes())
    generator, widths, replicates = trial.torch_generator(), np.array([16, 32, 64, 128]), 12
    x = points(2_000, generator)
    away = torch.cdist(x, atlas.centres).amin(1).max()
    worst = math.acos(math.sqrt((5 + 2 * math.sqrt(5)) / 15))  # the covering angle of the six axes, 37.38 degrees
    if geometry:
        yield Evidence("farthest point from its centre", away, "<=", math.sqrt(2) * math.sin(worst) + 1e-9, len(x))
        constant, pairs = inverse_lipschitz(atlas, x, math.sqrt(2) * math.sin(worst))
        yield Evidence("largest constant of an inverse chart", constant.max(), "<=", 1 / math.cos(2 * worst), pairs)
    table, three = np.empty((2, replicates, len(widths)))
    for row in range(replicates):
        sample = Sample.of(rough_field(1.5, 6, generator), points(12_000, generator), 8_000)
        frame = isometry(6, 256, generator)
        table[row] = [sample.error(mixture(sample, atlas, m, frame, generator), frame) for m in widths.tolist()]
        three[row] = [sample.error(mixture(sample, coordinate, m, frame, generator), frame) for m in widths.tolist()]
    fitted = rate(widths, table)
    yield Evidence("slope in m", fitted.slope, "in", (-1.1, -0.5), replicates, fitted.interval)
    slow = rate(widths, three)
    yield Evidence("slope in m of three charts", slow.slope, ">=", -0.5, replicates, slow.interval)
    floor = np.exp(np.log(three[:, -1]).mean() - np.log(table[:, -1]).mean())
    yield Evidence("m = 128: error of three charts over that of six", floor, ">=", 2, len(three))


@PAPER.claim(
    "product",
    source="Theorem 5.2",
    statement=r"""On a product of $L$ circles the depth-$2L$ network computes the vector of $L$ functions with the error
    of its worst factor, $O(m^{-2})$, takes $E^L$ different paths, and holds $LE$ routed experts.""",
    kind="numeric",
    cost="standard",
    rows=["ME16"],
    controls=[
        Control("the gate of every layer reads the next circle", {"mutant": "read_next_manifold"}),
        Control("two rows of the last gate exchanged", {"mutant": "swap_last_gate_rows"}),
    ],
)
def product(trial: Trial, mutant: str = "intact") -> Iterator[Evidence]:
    """(E, L) = (4, 1), (4, 2), (4, 3), (3, 2), (3, 3); each circle in its own R^4, another random polynomial on each,
    m = 16 to 128. Every circle sees the 4,001 points on which its own network is measured, each in another random order
    (the rarest of 64 paths is missed with probability 64 (1 - 1/64)^4001 < 1e-25), so that the error has to be the
    largest of the factors' own, up to rounding: 1e-13 beside errors of 1e-4."""
    import math

    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.approximator import product_network
    from lemmata.theory.moe_expressivity.atlas import circle_atlas
    from lemmata.theory.moe_expressivity.circle import (
        arc_functions,
        arc_scores,
        circle_error,
        circle_network,
        harmonic_target,
    )
    from lemmata.theory.moe_expressivity.manifolds import circle, isometry
    from lemmata.theory.moe_expressivity.mutants.atlas import PRODUCT_MUTANTS
    from lemmata.theory.moe_expressivity.rates import rate

    generator, widths, count = trial.torch_generator(), np.array([16, 32, 64, 128]), 4_001
    for charts, factors in ((4, 1), (4, 2), (4, 3), (3, 2), (3, 3)):
        frames = [isometry(2, 4, generator) for _ in range(factors)]
        atlases = [circle_atlas(charts).embed(frame) for frame in frames]
        targets = [harmonic_target(5, generator) for _ in range(factors)]
        grid = torch.linspace(0, 2 * math.pi, count, dtype=torch.float64)
        t = torch.stack([grid[torch.randperm(count, generator=generator)] for _ in range(factors)], 1)
        places = [circle(t[:, i]) @ frame.T for i, frame in enumerate(frames)]
        x = torch.cat([*places, torch.zeros(count, factors, dtype=torch.float64)], 1)
        truth = torch.stack([target(t[:, i]) for i, target in enumerate(targets)], 1)
        errors, ratios, depth, paths = [], [], 0, 0
        for width in widths.tolist():
            scores = [arc_scores(atlas) for atlas in atlases]
            functions = [arc_functions(target, charts, width) for target in targets]
            network = PRODUCT_MUTANTS[mutant](product_network(atlases, functions, scores))
            with torch.no_grad():
                errors.append(float((network(x)[:, 4 * factors :] - truth).abs().max()))
                if width == widths[0]:
                    paths, depth = len(torch.unique(network.paths(x)[:, 1::2], dim=0)), len(network.layers)
            single = [
                circle_error(circle_network(target, charts, width, frame), target, frame)[0]
                for target, frame in zip(targets, frames, strict=True)
            ]
            ratios.append(errors[-1] / max(single))
        name = f"E = {charts}, L = {factors}"
        yield Evidence(f"{name}: depth", depth, "==", 2 * factors)
        yield Evidence(f"{name}: paths", paths, "==", charts**factors, count)
        yield Evidence(f"{name}: largest error over the worst factor's", max(ratios), "<=", 1 + 1e-6, len(widths))
        yield Evidence(f"{name}: least error over the worst factor's", min(ratios), ">=", 1 - 1e-6, len(widths))
        slope = rate(widths, np.array([errors])).slope
        yield Evidence(f"{name}: slope in m", slope, "in", (-2.2, -1.7), len(widths))
