"""Figures of the mixture-of-experts constructions: pieces, routing, and what training finds."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure

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
