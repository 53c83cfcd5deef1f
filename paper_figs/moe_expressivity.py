"""Figures of the mixture-of-experts constructions (the paper prints tables only)."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


@figure("moe_expressivity.ambient", "Error against width in 2 to 256 dimensions")
def ambient(full: bool = False) -> Drawing:
    """Sup error of the hand-written depth-2 mixture on a circle that is turned into R^D at random, target
    sin 5x₁ + cos 3x₂, against the width m of its experts. The lines of all D lie on one another; all have slope −2. The
    grey line is the rate that the theorem claims."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network, experiment_target
    from lemmata.theory.moe_expressivity.manifolds import isometry

    generator = torch.Generator().manual_seed(0)
    widths = np.array([8, 16, 32, 64, 128, 256] + ([512, 1024] if full else []))
    table: dict[str, list[float]] = {"m": widths.tolist()}
    for ambient_dim in (2, 16, 128, 256):
        frame = isometry(2, ambient_dim, generator)
        table[f"D = {ambient_dim}"] = [
            circle_error(circle_network(experiment_target, 4, int(m), frame), experiment_target, frame)[0]
            for m in widths
        ]
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    styles = (("o", 11), ("s", 8), ("^", 6), (".", 6))
    for (name, errors), color, (marker, size) in zip(list(table.items())[1:], COLORS, styles, strict=True):
        axes.plot(widths, errors, marker, color=color, ms=size, label=name, mfc="none" if marker != "." else color)
    axes.plot(widths, table["D = 2"][-1] * (widths / widths[-1]) ** -2.0, "k-", lw=0.8, label="slope −2")
    axes.plot(
        widths, table["D = 2"][0] * (widths / widths[0]) ** -0.5, color="0.6", lw=1.2, label="claimed, slope −1/2"
    )
    axes.set(xscale="log", yscale="log", xlabel="width m of an expert", ylabel="sup error")
    axes.set_xticks(widths, [str(m) for m in widths])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"Circle in R^D, E = 4 experts, m = {widths[0]} … {widths[-1]}")
    axes.legend(fontsize=8)
    return Drawing(fig, table)


@figure("moe_expressivity.charts", "Two linear charts are too few")
def charts(full: bool = False) -> Drawing:
    """Sup error on the circle with E = 2, 3 and 4 linear charts, and with two stereographic ones (three-layer experts,
    best of three random fits of a chart). At the ends of a half circle the inverse of a linear chart has infinite
    slope, so that two of them give m^−1/2 in place of m^−2."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network, two_chart_target
    from lemmata.theory.moe_expressivity.curved import curved_network
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = torch.Generator().manual_seed(0)
    frame = isometry(2, 16, generator)
    widths = np.array([8, 16, 32, 64, 128] + ([256, 512] if full else []))
    table: dict[str, list[float]] = {"m": widths.tolist()}
    for count in (2, 3, 4):
        networks = [circle_network(two_chart_target, count, int(m), frame) for m in widths]
        table[f"E = {count}, linear"] = [circle_error(net, two_chart_target, frame)[0] for net in networks]
    table["E = 2, stereographic"] = [
        circle_error(curved_network(two_chart_target, int(m), frame, generator).network, two_chart_target, frame)[0]
        for m in widths
    ]
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    for (name, errors), color, marker in zip(list(table.items())[1:], COLORS, "osD^", strict=True):
        slope = rate(widths, np.array([errors])).slope
        axes.plot(
            widths, errors, marker + "-", color=color, ms=5, label=f"{name} (slope {slope:.2f})".replace("-", "−")
        )
    axes.set(xscale="log", yscale="log", xlabel="width m of an expert", ylabel="sup error")
    axes.set_xticks(widths, [str(m) for m in widths])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"Circle in R^16, sin(t + 0.3) exp(cos(2t)/2), m = {widths[0]} … {widths[-1]}")
    axes.legend(fontsize=8)
    return Drawing(fig, table)


@figure("moe_expressivity.intrinsic", "The intrinsic dimension sets the rate")
def intrinsic(full: bool = False) -> Drawing:
    """Sup error on a chart of the torus T^d, d = 1, 2, 3, for random targets of Hölder order 3/2: geometric mean (dots)
    and range over the targets, with lines of slope −3/(2d). Interpolation for d = 1 (the whole circle), random neurons
    and least squares for d = 2, 3."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure
    from torch import Tensor

    from lemmata.theory.moe_expressivity.circle import circle_error, circle_network
    from lemmata.theory.moe_expressivity.dimension import rough_field, torus_chart_error
    from lemmata.theory.moe_expressivity.manifolds import circle, isometry
    from lemmata.theory.moe_expressivity.rates import rate

    generator = torch.Generator().manual_seed(0)
    widths, replicates = np.array([16, 32, 64, 128, 256]), 20 if full else 6
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    table: dict[str, list[float]] = {"m": widths.tolist()}
    for dim, color, marker in zip((1, 2, 3), COLORS, "osD", strict=False):
        errors = np.empty((replicates, len(widths)))
        for row in range(replicates):
            field = rough_field(1.5, 2 * dim, generator)
            if dim == 1:
                frame = isometry(2, 16, generator)

                def target(t: Tensor, field=field) -> Tensor:  # type: ignore[no-untyped-def]
                    return field(circle(t.reshape(-1))).reshape(t.shape)

                errors[row] = [circle_error(circle_network(target, 4, int(m), frame), target, frame)[0] for m in widths]
            else:
                errors[row] = [torus_chart_error(dim, int(m), field, generator) for m in widths]
        mean, fitted = np.exp(np.log(errors).mean(0)), rate(widths, errors)
        low, high = fitted.interval
        label = f"d = {dim}: slope {fitted.slope:.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")
        axes.fill_between(widths, errors.min(0), errors.max(0), color=color, alpha=0.15, lw=0)
        axes.plot(widths, mean, marker, color=color, ms=6, label=label)
        line = mean[2] * (widths / widths[2]) ** (-1.5 / dim)
        axes.plot(widths, line, color=color, lw=0.8, ls="--", label="lines: slope −3/(2d)" if dim == 3 else None)
        table |= {
            f"d = {dim}, mean": mean.tolist(),
            f"d = {dim}, least": errors.min(0).tolist(),
            f"d = {dim}, largest": errors.max(0).tolist(),
        }
    axes.set(xscale="log", yscale="log", xlabel="width m of an expert", ylabel="sup error")
    axes.set_xticks(widths, [str(m) for m in widths])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"T^d, targets of Hölder order 3/2, {replicates} targets each, m = {widths[0]} … {widths[-1]}")
    axes.legend(fontsize=8, loc="lower left")
    return Drawing(fig, table)


@figure("moe_expressivity.chart_count", "Where the ambient dimension can hide")
def chart_count(full: bool = False) -> Drawing:
    """Least number of equal arcs with invertible tangent charts on the curves (k^−a cos kt, k^−a sin kt), k ≤ D/2, all
    of intrinsic dimension 1: constant for a = 3, but D/2 + 2 for a = 1."""
    from matplotlib.figure import Figure

    from lemmata.theory.moe_expressivity.curve import least_charts

    dims = [2, 4, 8, 16, 32, 64, 128, 256] + ([512] if full else [])
    table: dict[str, list[int]] = {"D": dims}
    for decay in (1.0, 1.1, 1.25, 3.0):
        table[f"a = {decay:g}"] = [least_charts(d, decay) for d in dims]
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    axes.plot(dims, [d / 2 + 2 for d in dims], color="0.6", lw=1.2, label="D/2 + 2")
    for (name, counts), color, marker in zip(list(table.items())[1:], COLORS, "osD^", strict=True):
        axes.plot(dims, counts, marker, color=color, ms=6, label=name)
    axes.set(xscale="log", yscale="log", xlabel="ambient dimension D", ylabel="charts E")
    axes.set_xticks(dims, [str(d) for d in dims])
    axes.set_yticks([2, 4, 8, 16, 32, 64, 128], ["2", "4", "8", "16", "32", "64", "128"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set_title(f"Closed curves in R^D, D = 2 … {dims[-1]}")
    axes.legend(fontsize=8)
    return Drawing(fig, table)
