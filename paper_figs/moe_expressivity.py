"""Figures of the mixture-of-experts constructions: charts and rates, pieces, routing, and what training finds."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")

# ------------------------------------------------------------------------------------------- charts and their rates


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


@figure("moe_expressivity.trained_circle", "Trained and hand-written on the circle")
def trained_circle(full: bool = False) -> Drawing:
    """Mean square test error on a circle turned into R^16 while a mixture of four experts of width 10 (soft, and top-1
    with switch gating) and a dense network with as many parameters are trained with Adam: geometric mean and range over
    the replicas. The line is the hand-written top-1 mixture of the same size. At 2,000 steps the three are alike; at
    20,000 (full size) the top-1 mixture is the worst."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.moe_expressivity.approximator import single_layer
    from lemmata.theory.moe_expressivity.atlas import circle_atlas
    from lemmata.theory.moe_expressivity.circle import arc_functions, experiment_target
    from lemmata.theory.moe_expressivity.manifolds import angles, circle, isometry
    from lemmata.toy_models.moe_expressivity.manifold import ManifoldConfig, train

    steps, replicas = (20_000, 10) if full else (2_000, 4)
    marks = np.unique(np.geomspace(50, steps, 14).astype(int)).tolist()
    frame, t = isometry(2, 16, torch.Generator().manual_seed(1)), angles(2_000)
    network = single_layer(circle_atlas(4).embed(frame), arc_functions(experiment_target, 4, 10))
    with torch.no_grad():
        built = float(((network(circle(t) @ frame.T)[:, 0] - experiment_target(t)) ** 2).mean())
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    table: dict[str, list[float]] = {"step": marks, "hand-written": [built] * len(marks)}
    names = {"soft": "soft mixture", "switch": "top-1 mixture (switch)", "dense": "dense"}
    for (model, name), color in zip(names.items(), COLORS, strict=False):
        config = ManifoldConfig(model, "rotated", steps=steps, replicas=replicas)  # type: ignore[arg-type]
        losses = train(config, torch.Generator().manual_seed(0), tuple(marks)).losses.double().numpy()
        mean = np.exp(np.log(losses).mean(1))
        axes.fill_between(marks, losses.min(1), losses.max(1), color=color, alpha=0.15, lw=0)
        axes.plot(marks, mean, "o-", color=color, ms=4, label=f"{name}, {config.parameters} parameters")
        table |= {f"{model}, mean": mean.tolist(), f"{model}, least": losses.min(1).tolist()}
        table |= {f"{model}, largest": losses.max(1).tolist()}
    axes.axhline(built, color="black", lw=1, label=f"hand-written, top-1, {network.total_parameters} parameters")
    axes.set(xscale="log", yscale="log", xlabel="Adam step (128 samples each)", ylabel="mean square test error")
    axes.grid(alpha=0.3)
    axes.set_title(f"Circle in R^16, sin 5x₁ + cos 3x₂, {replicas} replicas, {steps:,} steps")
    axes.legend(fontsize=8, loc="center left")
    return Drawing(fig, table)


# ------------------------------------------------------------------------------------------------ deep mixtures


@figure("moe_expressivity.pieces", "Affine pieces against depth")
def pieces(full: bool = False) -> Drawing:
    """Affine pieces of the deep mixture, counted exactly from its weights (dots), on E^L (lines); LE, the most that one
    layer with as many affine experts can have (dashed); and the most found among ten random affine mixtures on two
    inputs (crosses)."""
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.obstructions import random_moe
    from lemmata.theory.moe_expressivity.pieces import count

    deepest = {2: 12 if full else 10, 3: 7 if full else 6, 4: 6 if full else 5}
    rng = np.random.default_rng(0)
    fig = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = fig.add_subplot()
    table: dict[str, list[object]] = {name: [] for name in ("E", "L", "pieces", "E^L", "LE", "random, most of ten")}
    for (experts, last), color in zip(deepest.items(), ("#0072b2", "#d55e00", "#009e73"), strict=True):
        depths = range(1, last + 1)
        counted = [count(cubes(experts, depth)).maps for depth in depths]
        tried = [depth for depth in depths if depth <= (4 if full else 3)]
        found = [max(count(random_moe(experts, depth, 2, rng)).maps for _ in range(10)) for depth in tried]
        axes.plot(depths, [experts**depth for depth in depths], color=color, lw=1.2)
        axes.plot(depths, counted, "o", color=color, ms=5)
        axes.plot(depths, [experts * depth for depth in depths], color=color, lw=1.2, ls="--")
        axes.plot(tried, found, "x", color=color, ms=6)
        axes.annotate(f"E = {experts}", (last, counted[-1]), xytext=(5, 0), textcoords="offset points", color=color,
                      va="center", fontsize=9)  # fmt: skip
        for depth, number in zip(depths, counted, strict=True):
            row = (experts, depth, number, experts**depth, experts * depth, found[depth - 1] if depth in tried else "")
            for column, value in zip(table.values(), row, strict=True):
                column.append(value)
    axes.set(yscale="log", xlabel="routed layers L", ylabel="affine pieces", xlim=(0.7, max(deepest.values()) + 1.2))
    axes.set_xticks(range(1, max(deepest.values()) + 1))
    axes.set_title(f"Exact counts, up to {max(experts**last for experts, last in deepest.items()):,} pieces")
    axes.grid(alpha=0.3)
    styles = [("o", "none", "deep mixture, counted"), ("none", "-", "E^L"), ("none", "--", "LE: one layer, LE experts"),
              ("x", "none", "random mixtures, most of ten")]  # fmt: skip
    handles = [Line2D([], [], color="black", marker=marker, ls=line) for marker, line, _ in styles]
    axes.legend(handles, [text for *_, text in styles], fontsize=8, loc="lower right")
    return Drawing(fig, table)


@figure("moe_expressivity.routing", "Routing map of the deep mixture")
def routing(full: bool = False) -> Drawing:
    """Left: the path of every point of [0, 3]² through the deep mixture, E = 3 and L = 2, one colour a path, the pair
    of chosen experts written into its cell. Right: the same experts behind random gates, where cells are cut by
    slanted lines and paths are missing."""
    import numpy as np
    import torch
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    from lemmata.probes.routing import composition_score, routing, visited_paths
    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.toy_models.hooked.moe_expressivity import deep_mixture, random_router

    side, points = 3, 600 if full else 240
    axis = (torch.arange(points, dtype=torch.float64) + 0.5) * side / points
    x = torch.cartesian_prod(axis, axis)
    moe = cubes(side, 2)
    models = {
        "construction": deep_mixture(moe),
        "random gates": random_router(moe, torch.Generator().manual_seed(1)),
    }
    colors = ListedColormap(["#a6cee3", "#1f78b4", "#b2df8a", "#33a02c", "#fb9a99", "#e31a1c", "#fdbf6f", "#ff7f00",
                             "#cab2d6"])  # fmt: skip
    fig = Figure(figsize=(7.6, 4.1), layout="constrained")
    table: dict[str, list[object]] = {name: [] for name in ("gates", "path", "share of the inputs")}
    for place, (name, model) in enumerate(models.items(), 1):
        paths = routing(model, x)[:, 1::2]
        number = (paths[:, 0] * side + paths[:, 1]).reshape(points, points).numpy()
        axes = fig.add_subplot(1, 2, place)
        axes.imshow(number.T, origin="lower", extent=(0, side, 0, side), cmap=colors, vmin=-0.5, vmax=8.5,
                    interpolation="nearest")  # fmt: skip
        for path in np.unique(number):
            here = number == path
            first, second = divmod(int(path), side)
            label, share = f"{first + 1},{second + 1}", float(here.mean())
            if share > 0.005:
                where = np.argwhere(here)
                spot = where[np.abs(where - where.mean(0)).sum(1).argmin()]
                axes.annotate(label, axis.numpy()[spot], ha="center", va="center", fontsize=9)
            for column, value in zip(table.values(), (name, label, share), strict=True):
                column.append(value)
        score = composition_score(paths, x.long())
        axes.set_title(f"{name}: {visited_paths(paths)} paths, composition score {score:.2f}", fontsize=9)
        axes.set(xlabel="x₁", ylabel="x₂", xticks=range(side + 1), yticks=range(side + 1))
    fig.suptitle(f"Experts chosen in layers 2 and 4 of the mixture with E = 3, L = 2 ({points}² points)", fontsize=10)
    return Drawing(fig, table)


@figure("moe_expressivity.trained_pieces", "Trained: depth against width on nine pieces")
def trained_pieces(full: bool = False) -> Drawing:
    """Mean squared test error of each seed (dots) and geometric mean (lines) of two layers of three experts, one layer
    of six, and dense nets of the same depth and about the same size, on the nine-piece target; crosses are the paper's.
    CPU size: soft gates, two seeds, 1,200 steps with learning rate 5e-3; full: both gates, eight seeds, and the paper's
    5,000 steps with 1e-3."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.toy_models.moe_expressivity.pieces import Gating, PiecesConfig, grid_error, train_pieces

    gatings: tuple[Gating, ...] = ("soft", "switch") if full else ("soft",)
    widths, seeds = ((16, 32, 64, 128), 8) if full else ((16, 32), 2)
    steps, rate = (5000, 1e-3) if full else (1200, 5e-3)
    printed = {
        "2 layers of 3": [8.32e-5, 1.41e-5, 4.73e-6, 2.59e-6],
        "1 layer of 6": [7.96e-5, 2.17e-5, 2.65e-5, 4.60e-5],
    }
    fig = Figure(figsize=(5.2 * len(gatings) + 1.2, 4.2), layout="constrained")
    table: dict[str, list[object]] = {
        name: [] for name in ("gating", "network", "m", "parameters", "seed", "error", "paper")
    }
    for place, gating in enumerate(gatings, 1):
        axes = fig.add_subplot(1, len(gatings), place)
        shapes = {
            "2 layers of 3": (2, 3, 1, "#0072b2"),
            "1 layer of 6": (1, 6, 1, "#d55e00"),
            "dense, 2 layers": (2, 1, 3, "#56b4e9"),
            "dense, 1 layer": (1, 1, 6, "#e69f00"),
        }
        for name, (depth, experts, factor, color) in shapes.items():
            errors = np.empty((len(widths), seeds))
            for row, width in enumerate(widths):
                config = PiecesConfig(
                    depth, experts, factor * width, gating=gating, steps=steps, replicas=seeds, learning_rate=rate
                )
                generator = torch.Generator().manual_seed(100 * depth + width)
                errors[row] = grid_error(train_pieces(config, generator)).numpy()
                for seed, error in enumerate(errors[row].tolist()):
                    known = printed[name][row] if name in printed else ""
                    values = (gating, name, width, config.parameters, seed, error, known)
                    for column, value in zip(table.values(), values, strict=True):
                        column.append(value)
            axes.plot(np.repeat(widths, seeds), errors.ravel(), ".", color=color, alpha=0.5)
            style = "--" if experts == 1 else "-"
            axes.plot(widths, np.exp(np.log(errors).mean(1)), style, color=color, label=name)
            if name in printed:
                axes.plot(widths, printed[name][: len(widths)], "x", color=color, label=f"{name}, printed")
        axes.set(xscale="log", yscale="log", xlabel="hidden units m of an expert", ylabel="mean squared error")
        axes.set_xticks(widths, [str(width) for width in widths])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.set_title(f"{gating} gates, {seeds} seeds, {steps:,} steps of rate {rate:g}", fontsize=10)
    fig.legend(*axes.get_legend_handles_labels(), fontsize=8, loc="outside right upper")
    return Drawing(fig, table)
