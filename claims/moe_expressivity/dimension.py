"""Intrinsic against ambient dimension: surfaces, products, the dense control, and where D can hide."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER


@PAPER.claim(
    "intrinsic_dimension",
    source="Theorem 4.8, rate",
    statement=r"""For targets that are equally rough everywhere, Hölder-smooth of order $\alpha = 3/2$ (so
    $\kappa = 1$), the sup error on a chart of $T^d$ falls about as $m^{-\alpha/d}$ for $d = 1, 2, 3$: the intrinsic
    dimension sets the rate, and it is nowhere slower than the $m^{-\min(1/d, 1/2)}$ claimed.""",
    kind="statistical",
    cost="standard",
    rows=["ME13"],
    controls=[
        Control("one more dimension than assumed", {"more": 1}),
        Control("targets rougher by 1/2 than assumed", {"rougher": 0.5}),
    ],
)
def intrinsic_dimension(trial: Trial, more: int = 0, rougher: float = 0.0) -> Iterator[Evidence]:
    """m = 16 to 256; ten random fields for each d, with random neurons and least squares for d = 2 and 3 and
    interpolation on the whole circle for d = 1. The slope's 95 % interval has to lie between 0.7 and 1.25 times
    -alpha/d: fits reach about 0.88 of it at these sizes, where the coarsest scales are not yet resolved, and
    neighbouring d differ by factors 2 and 1.5."""
    import numpy as np
    from torch import Tensor

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network
    from lemmata.theory.moe_expressivity.dimension import rough_field, torus_chart_error
    from lemmata.theory.moe_expressivity.manifolds import circle, isometry
    from lemmata.theory.moe_expressivity.rates import rate

    order, widths, replicates = 1.5, np.array([16, 32, 64, 128, 256]), 10
    for assumed in (1, 2, 3):
        dim = assumed + more
        generator = trial.torch_generator(f"d = {dim}")
        table = np.empty((replicates, len(widths)))
        for row in range(replicates):
            field = rough_field(order - rougher, 2 * dim, generator)
            if dim == 1:
                frame = isometry(2, 16, generator)

                def target(t: Tensor, field=field) -> Tensor:  # type: ignore[no-untyped-def]
                    return field(circle(t.reshape(-1))).reshape(t.shape)

                table[row] = [
                    circle_error(circle_network(target, 4, m, frame), target, frame)[0] for m in widths.tolist()
                ]
            else:
                table[row] = [torus_chart_error(dim, m, field, generator) for m in widths.tolist()]
        fitted = rate(widths, table)
        yield Evidence(
            f"d = {assumed}: R^2 of the line", fitted.r_squared, ">=", 0.97, replicates, precondition=not more
        )
        band = (-1.25 * order / assumed, -0.7 * order / assumed)
        yield Evidence(f"d = {assumed}: slope in m", fitted.slope, "in", band, replicates, fitted.interval)
        claimed = -min(1 / assumed, 1 / 2)
        name = f"d = {assumed}: slope against the claimed one"
        yield Evidence(name, fitted.slope, "<=", claimed, replicates, fitted.interval)


@PAPER.claim(
    "ambient_dimension",
    source="Theorem 4.8, rate",
    statement=r"""The ambient dimension changes nothing: on torus, sphere and projective plane, moved isometrically into
    $\mathbb{R}^D$ with $D = 256$, the networks with the same neurons have the same errors as in the span, and the whole
    torus network (16 experts) is as good as its worst chart.""",
    kind="numeric",
    controls=[Control("one direction of the span stretched by 1 %, no isometry any more", {"stretch": 1.01})],
)
def ambient_dimension(trial: Trial, stretch: float = 1.0) -> Iterator[Evidence]:
    """Rough fields, experts of width 32 fitted in the span, whose weights are then moved by Q: sup error of the built
    networks over 4,000 points. (This is an identity of the construction; `slopes_in_space` fits in R^D.) Rounding,
    1e-16 times the weights (up to 1e3) and the 256 terms of a sum, leaves 1e-9. The stretch is along the diagonal of
    the span, which no chart drops."""
    import torch

    from lemmata.theory.moe_expressivity.approximator import single_layer
    from lemmata.theory.moe_expressivity.dimension import MANIFOLDS, Sample, fit_functions, rough_field
    from lemmata.theory.moe_expressivity.manifolds import isometry

    generator, width = trial.torch_generator(), 32
    for name in ("torus", "sphere", "projective plane"):
        make, points = MANIFOLDS[name]
        atlas = make()
        span = atlas.centres.shape[1]
        sample = Sample.of(rough_field(1.5, span, generator), points(12_000, generator), 8_000)
        functions = fit_functions(atlas, sample.fitted, sample.fitted_values, width, generator)
        own = sample.error(single_layer(atlas, functions), torch.eye(span, dtype=torch.float64))
        frame = isometry(span, 256, generator)
        moved = single_layer(atlas.embed(frame), functions)
        frame = frame + (stretch - 1) / span * frame.sum(1, keepdim=True)
        change = abs(sample.error(moved, frame) / own - 1)
        yield Evidence(f"{name}: relative change of the error from D = {span} to 256", change, "<=", 1e-9, 4_000)
        cell = atlas.nearest(sample.held_out)
        worst = max(
            float((net(atlas.coordinates(x, chart))[:, 0] - sample.held_out_values[cell == chart]).abs().max())
            for chart, net in enumerate(functions)
            for x in [sample.held_out[cell == chart]]
        )
        yield Evidence(f"{name}: the network's error over its worst chart's", own / worst, "in", (1 - 1e-9, 1 + 1e-9))


@PAPER.claim(
    "slopes_in_space",
    source="Theorem 4.8, rate",
    statement=r"""Whole networks (gate, charts, experts) whose experts are fitted to data in $\mathbb{R}^D$, on torus,
    sphere and projective plane ($d = 2$): for targets of order $3/2$ the sup error falls faster than the claimed
    $m^{-1/2}$ for $D = 16$ and $256$, and the two slopes differ by less than $0.2$.""",
    kind="statistical",
    cost="long",
    controls=[
        Control("targets of order $1/2$", {"order": 0.5}),
        Control("one chart in R^256 sees one of its two coordinates twice", {"flat": True}),
    ],
)
def slopes_in_space(trial: Trial, order: float = 1.5, flat: bool = False) -> Iterator[Evidence]:
    """m = 32 to 256; ten targets, each with 20,000 points to fit and 8,000 to measure on. Both D
    see the same targets and points, in their own random isometries and with random neurons of their own; slopes, and
    the slope of the ratio of the two errors, with 95 % intervals. One dimension more (d = 3) would change -3/4 to
    -1/2, and a rate in D would leave nothing of it: 0.2 is less than both. Controls are tried on the projective
    plane."""
    import numpy as np

    from lemmata.theory.moe_expressivity.atlas import LinearAtlas
    from lemmata.theory.moe_expressivity.dimension import MANIFOLDS, Sample, mixture, rough_field
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator, widths = trial.torch_generator(), np.array([32, 64, 128, 256])
    intact = order == 1.5 and not flat
    replicates = 10
    for name in ("torus", "sphere", "projective plane") if intact else ("projective plane",):
        make, points = MANIFOLDS[name]
        atlases = {16: make(), 256: make()}
        span = atlases[16].centres.shape[1]
        if flat:
            frames = atlases[256].frames.clone()
            frames[0, 1] = frames[0, 0]
            atlases[256] = LinearAtlas(atlases[256].centres, frames)
        errors = {ambient: np.empty((replicates, len(widths))) for ambient in atlases}
        for row in range(replicates):
            sample = Sample.of(rough_field(order, span, generator), points(28_000, generator), 20_000)
            for ambient, atlas in atlases.items():
                frame = isometry(span, ambient, generator)
                errors[ambient][row] = [
                    sample.error(mixture(sample, atlas, m, frame, generator), frame) for m in widths.tolist()
                ]
        for ambient, table in errors.items():
            fitted = rate(widths, table)
            title = f"{name}, D = {ambient}"
            yield Evidence(f"{title}: R^2 of the line", fitted.r_squared, ">=", 0.95, replicates, precondition=intact)
            yield Evidence(f"{title}: slope in m", fitted.slope, "in", (-1.1, -0.5), replicates, fitted.interval)
        apart = rate(widths, errors[256] / errors[16])
        yield Evidence(f"{name}: difference of slopes", apart.slope, "in", (-0.2, 0.2), replicates, apart.interval)


@PAPER.claim(
    "experts_in_space",
    source="Theorem 4.8, number of charts",
    statement=r"""At $m = 32$ the sup error on the torus falls with the number $E$ of charts (products of 4 to 8 arcs),
    and on the sphere with the number of tangent charts at points far apart, about as $E^{-\alpha/d}$: with
    $\alpha = 3/2$ and $d = 2$ the slope is between $-0.4$ and $-0.85$.""",
    kind="statistical",
    cost="long",
    controls=[Control("all experts share the neurons of the smallest mixture, as $E$ grows", {"shared": True})],
)
def experts_in_space(trial: Trial, shared: bool = False) -> Iterator[Evidence]:
    """A chart of E equal ones has diameter E^(-1/d). A target of order alpha varies on it by E^(-alpha/d), and rescaled
    to unit size is as rough as before, so that a fit of fixed width leaves m^(-alpha/d) of that: (mE)^(-alpha/d)
    together. Forty targets in R^64, 24,000 points to fit and 8,000 to measure on; slope with its 95 % interval. Wide
    charts do not yet resolve the coarsest scales, as with m, and reach about 0.8 of the exponent 3/4: the band is from
    0.53 to 1.13 times it."""
    import numpy as np

    from lemmata.theory.moe_expressivity.atlas import farthest_points, tangent_atlas, torus_atlas
    from lemmata.theory.moe_expressivity.dimension import MANIFOLDS, Sample, mixture, rough_field
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.manifolds import sphere as sphere_points
    from lemmata.theory.moe_expressivity.rates import rate

    generator, replicates, width = trial.torch_generator(), 40, 32
    cover = sphere_points(4_000, generator)
    families = {
        "torus": [torus_atlas(2, arcs) for arcs in (4, 5, 6, 8)],
        "sphere": [tangent_atlas(cover[farthest_points(cover, radius)]) for radius in (0.8, 0.6, 0.45, 0.34)],
    }
    for name, atlases in families.items():
        _, points = MANIFOLDS[name]
        span = atlases[0].centres.shape[1]
        charts = np.array([len(atlas) for atlas in atlases])
        table = np.empty((replicates, len(charts)))
        for row in range(replicates):
            sample = Sample.of(rough_field(1.5, span, generator), points(32_000, generator), 24_000)
            frame = isometry(span, 64, generator)
            for column, atlas in enumerate(atlases):
                neurons = max(width * len(atlases[0]) // len(atlas), 1) if shared else width
                # overlaps in proportion to the charts: scores are squares of distances
                network = mixture(sample, atlas, neurons, frame, generator, margin=2.4 / len(atlas))
                table[row, column] = sample.error(network, frame)
        fitted = rate(charts, table)
        title = f"{name}, E = {charts[0]} to {charts[-1]}"
        yield Evidence(f"{title}: R^2 of the line", fitted.r_squared, ">=", 0.93, replicates, precondition=not shared)
        yield Evidence(f"{title}: slope in E", fitted.slope, "in", (-0.85, -0.4), replicates, fitted.interval)


@PAPER.claim(
    "full_curve",
    source="Theorem 4.8, experiment on the circle",
    statement=r"""On a curve that uses all coordinates, $(k^{-3} \mathrm{cos}(kt), k^{-3} \mathrm{sin}(kt))$ for
    $k \le D/2$, eight tangent charts and a linear gate at depth 1 give $m^{-2}$ with a constant that
    $D = 16, 64, 256$ changes by less than 1 %.""",
    kind="numeric",
    controls=[Control("a curve that falls as $k^{-2}$ under charts made for $k^{-3}$", {"decay": 2.0})],
)
def full_curve(trial: Trial, decay: float = 3.0) -> Iterator[Evidence]:
    """The paper's target as a function of t and five random polynomials; m = 8 to 128. The coordinates from the ninth
    pair on have amplitudes below 1/9^3 = 0.0014, which bounds what they can change."""
    import numpy as np

    from lemmata.theory.moe_expressivity.circle import experiment_target, harmonic_target
    from lemmata.theory.moe_expressivity.curve import curve_error, curve_network
    from lemmata.theory.moe_expressivity.rates import rate

    generator, widths, found = trial.torch_generator(), np.array([8, 16, 32, 64, 128]), {}
    targets = [experiment_target, *(harmonic_target(6, generator) for _ in range(5))]
    for ambient in (16, 64, 256):
        table = np.empty((len(targets), len(widths)))
        for row, target in enumerate(targets):
            for column, width in enumerate(widths.tolist()):
                network = curve_network(target, ambient, 8, width)
                table[row, column] = curve_error(network, target, ambient, decay, 1_001)
        found[ambient] = table
        fitted = rate(widths, table)
        yield Evidence(f"D = {ambient}: slope", fitted.slope, "in", (-2.1, -1.8), len(targets), fitted.interval)
    change = max(np.abs(found[ambient] / found[16] - 1).max() for ambient in (64, 256))
    yield Evidence("largest relative change of an error with D", change, "<=", 0.01, 2 * found[16].size)


@PAPER.claim(
    "chart_count",
    source="Theorem 4.8, number of charts",
    statement=r"""The ambient dimension can hide in $E$: on $(k^{-1} \mathrm{cos}(kt), k^{-1} \mathrm{sin}(kt))$ for
    $k \le D/2$, a curve with $d = 1$, equal arcs have tangent charts with bounded inverses only from $E = D/2 + 2$
    on.""",
    kind="numeric",
    controls=[Control("one chart less", {"fewer": 1})],
)
def chart_count(trial: Trial, fewer: int = 0) -> Iterator[Evidence]:
    """The derivative of the chart is Dirichlet's kernel, whose first zero is at pi/(D/2 + 1). Its sign is read at 400
    offsets, the arc's end among them, for D = 2 to 256; the smooth curve (exponent 3) needs three charts for all D."""
    from lemmata.theory.moe_expressivity.curve import least_charts

    for ambient in (2, 4, 8, 16, 32, 64, 128, 256):
        least = least_charts(ambient, 1.0)
        yield Evidence(f"D = {ambient}: least number of charts", least, "==", ambient // 2 + 2 - fewer)
    yield Evidence("D = 256, exponent 3: least number of charts", least_charts(256, 3.0), "==", 3)


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
