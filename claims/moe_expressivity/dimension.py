"""Intrinsic against ambient dimension: rates in width and charts, and where D can hide."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
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
