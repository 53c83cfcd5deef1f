"""Figures of universal approximation by transformer-type architectures (the paper prints none)."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure


@figure("uap.families", "Which family tells which pair apart")
def families(full: bool = False) -> Drawing:
    """Gap after one layer between samples that a family may confuse, the median over random pairs of the best draw:
    below 10⁻¹² there is none. Equivariant families never separate a permuted sample, the constant kernel sees the mean
    only, un-normalised linear attention the second moment only, and the zero token weighs all keys alike wherever the
    kernel depends on the query through a product."""
    import numpy as np
    import torch
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import FAMILIES
    from lemmata.theory.uap.pairs import PAIRS

    repeats = 51 if full else 5
    rng = torch.Generator().manual_seed(0)
    gaps = np.array(
        [
            [
                np.median([search(family, make(rng, 4, 2), seed=rng).margin for _ in range(repeats)])
                for make in PAIRS.values()
            ]
            for family in FAMILIES.values()
        ]
    )
    names = [family.name for family in FAMILIES.values()]
    fig = Figure(figsize=(7.2, 5.6), layout="constrained")
    axes = fig.add_subplot()
    image = axes.imshow(np.maximum(gaps, 1e-17), cmap="RdYlBu", norm=LogNorm(1e-17, 1), aspect="auto")
    for (row, column), gap in np.ndenumerate(gaps):
        text = "0" if gap == 0 else f"{gap:.0e}".replace("e-0", "e-")
        color = "black" if 1e-13 < gap < 1e-3 else "white"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(PAIRS)), list(PAIRS), rotation=20, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"One layer, n = 4, d = 2: median over {repeats} pairs of the best of 64 draws", fontsize=10)
    fig.colorbar(image, label="relative gap")
    place = [(name, kind) for name in names for kind in PAIRS]
    columns = {"family": [name for name, _ in place], "pair": [kind for _, kind in place]}
    return Drawing(fig, columns | {"gap": gaps.ravel().tolist()})


@figure("uap.depth", "Layers needed against hops")
def depth(full: bool = False) -> Drawing:
    """All static patterns that are ever connected, by hops and by the layers that they need to tell every permutation
    outside of their group apart. Where the paper's count of layers is the number of hops, the hatched bars need one
    more; none needs two more."""
    import numpy as np
    from matplotlib.figure import Figure

    from lemmata.theory.uap.colouring import layers_needed
    from lemmata.theory.uap.patterns import all_patterns, hops, up_to_relabelling

    fig = Figure(figsize=(7.2, 3.8), layout="constrained")
    panels = fig.subplots(1, 2)
    rows: list[tuple[int, int, int, int]] = []
    for axes, tokens in zip(panels, (3, 4), strict=True):
        patterns, count = up_to_relabelling(all_patterns(tokens))
        distance, needed = hops(patterns), layers_needed(patterns)
        for number in range(1, tokens):
            for extra in (0, 1):
                total = int(count[(distance == number) & (needed == number + extra)].sum())
                rows.append((tokens, number, number + extra, total))
                bar = axes.bar(
                    number + 0.4 * extra - 0.2,
                    total,
                    width=0.38,
                    color=("#0072b2", "#d55e00")[extra],
                    hatch=("", "//")[extra],
                    edgecolor="white",
                    label=("as many layers as hops", "one layer more")[extra] if number == 1 else None,
                )
                axes.bar_label(bar, [f"{total:,}"], fontsize=9, padding=1)
        axes.set(
            yscale="log", xlabel="hops", title=f"n = {tokens}: {int(count[distance > 0].sum()):,} connected patterns"
        )
        axes.set_ylim(0.7, 4 * max(total for size, _, _, total in rows if size == tokens))
        axes.set_xticks(np.arange(1, tokens))
    panels[0].set_ylabel("patterns")
    panels[0].legend(fontsize=8, loc="upper left")
    return Drawing(
        fig, dict(zip(("tokens", "hops", "layers", "patterns"), map(list, zip(*rows, strict=True)), strict=True))
    )


@figure("uap.collapse", "The gap against the scale of queries and keys")
def collapse(full: bool = False) -> Drawing:
    """Samples that share all tokens but one: least gap of a shared token after one layer, by the scale of the queries
    and keys. Softmax selects single keys at large scales, and float64 loses a gap that is there in theory; a kernel
    that does not saturate keeps it."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.uap.collapse import shared_token_gaps
    from lemmata.theory.uap.distinguish import ROUNDING, SCALE
    from lemmata.theory.uap.families import FAMILIES

    draws = 5_000 if full else 1_000
    scales = np.geomspace(0.01, 100, 33 if full else 17)
    fig = Figure(figsize=(7.2, 3.8), layout="constrained")
    left, right = fig.subplots(1, 2)
    columns: dict[str, list[float]] = {"scale": scales.tolist()}
    for key, color in (("softmax", "#0072b2"), ("rbf", "#d55e00"), ("polynomial", "#009e73")):
        name = FAMILIES[key].name
        gaps = [
            shared_token_gaps(FAMILIES[key], torch.Generator().manual_seed(index), float(scale), draws)
            for index, scale in enumerate(scales)
        ]
        median = [float(gap.median()) for gap in gaps]
        lost = [float((gap < ROUNDING).double().mean()) for gap in gaps]
        left.plot(scales, np.maximum(median, 1e-18), "o-", ms=4, color=color, label=name)
        right.plot(scales, lost, "o-", ms=4, color=color, label=name)
        columns |= {f"{name}: median gap": median, f"{name}: share below {ROUNDING:g}": lost}
    left.axhline(ROUNDING, color="gray", lw=1, ls=":")
    left.set(xscale="log", yscale="log", xlabel="scale of queries and keys", ylabel="median gap (0 is drawn at 1e-18)")
    right.set(
        xscale="log", xlabel="scale of queries and keys", ylabel=f"share of gaps below {ROUNDING:g}", ylim=(-0.03, 1.03)
    )
    for axes in (left, right):
        axes.axvline(SCALE, color="gray", lw=1, ls="--")
        axes.grid(alpha=0.3)
    right.annotate("scale of the search", (SCALE, 0.5), rotation=90, ha="right", va="center", fontsize=8, color="gray")
    left.legend(fontsize=8, loc="lower left")
    fig.suptitle(f"n = 6 tokens, d = 2, all shared but one, {draws:,} draws a point", fontsize=10)
    return Drawing(fig, columns)


@figure("uap.lp_error", "L² error of the built network against the size of a cell")
def lp_error(full: bool = False) -> Drawing:
    """Theorem 1 with weights: root mean square error over the cube for d = n = 2, the four terms of the proof that
    bound it, and its interval in ball arithmetic up to c = 4. The supremum, at the sampled points, does not fall."""
    import numpy as np
    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.uap.approximator import approximate, split_error, swirl
    from lemmata.theory.uap.lp_error import enclosed_error, swirl_moments

    cells = [2, 3, 4] + ([6, 8] if full else [])
    count = 20_000 if full else 5_000
    splits, intervals, grids = [], [], []
    for number in cells:
        rng = np.random.default_rng(number)
        built = approximate(swirl, 2, 2, number, rng)
        splits.append(split_error(built, swirl, torch.from_numpy(rng.uniform(-1, 1, (count, 2, 2)))))
        grids.append(len(built.grid))
        boxes = 2_000 if full else 200
        enclosed = enclosed_error(built, swirl_moments, boxes) if number <= 4 else None
        intervals.append((enclosed.lower, enclosed.upper) if enclosed else (np.nan, np.nan))
    delta = 2 / np.array(cells)
    fig = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = fig.add_subplot()
    axes.plot(delta, [split.largest for split in splits], "^--", color="#cc79a7", label="largest error at a point")
    axes.axhline(splits[-1].norm, color="grey", lw=1, ls=":", label="norm of the target")
    axes.plot(delta, [split.total for split in splits], "o-", color="black", ms=4, label="L² error, sampled")
    low, high = np.array(intervals).T
    axes.fill_between(delta, low, high, color="#d55e00", alpha=0.4, lw=0, label="L² error, enclosed at c = 2, 3, 4")
    styles = {
        "continuity": ("s-", "#0072b2", "continuity over a cell"),
        "repeated": ("d-", "#009e73", "cells with repeated corner tokens"),
        "ramp": ("v-", "#e69f00", "ramps"),
    }
    for name, (style, color, label) in styles.items():
        values = [split.terms[name] for split in splits]
        axes.plot(delta, values, style, color=color, ms=5, lw=1, label=label)
    worst = max(split.interpolation for split in splits)
    axes.set(xscale="log", yscale="log", xlabel="cell size δ = 2/c", ylabel="root mean square over the cube")
    axes.set_xticks(delta, [f"{2 / number:.3g}" for number in cells])
    axes.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_title(f"d = n = 2, α = 0.995, c = 2 … {cells[-1]}; interpolation term below {worst:.0e}", fontsize=10)
    axes.grid(alpha=0.3)
    fig.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    table = {
        "cells": cells,
        "grid samples": grids,
        "L2 error": [split.total for split in splits],
        "enclosed, lower": low.tolist(),
        "enclosed, upper": high.tolist(),
        "largest error": [split.largest for split in splits],
    }
    return Drawing(fig, table | {name: [split.terms[name] for split in splits] for name in splits[0].terms})


@figure("uap.hops", "What training reaches against the number of layers")
def hops(full: bool = False) -> Drawing:
    """A sliding-window transformer (w = 1) trained to reverse its tokens: mean squared error of each token (dots),
    and the bound for what a token has not received (lines). At as many layers as hops the bound is gone and training
    finds the target."""
    from dataclasses import replace

    import torch
    from matplotlib.figure import Figure

    from lemmata.theory.uap.patterns import window
    from lemmata.theory.uap.receptive import receptive_bound
    from lemmata.toy_models.uap import SMALL, ReversalConfig, reversal, token_errors, train_reversal, uniform_tokens

    config = ReversalConfig() if full else SMALL
    rows: list[tuple[int, int, float, float]] = []
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    depths = range(1, config.hops + 1)
    for depth in depths:
        generator = torch.Generator().manual_seed(depth)
        deep = replace(config, layers=depth)
        model = train_reversal(deep, generator)
        errors = token_errors(model, uniform_tokens(deep, 10_000, generator)).mean(0)
        layers = [window(config.tokens, config.window)] * depth
        bound = receptive_bound(
            reversal, lambda count, stream: uniform_tokens(config, count, stream), layers, generator
        )
        for token in range(config.tokens):
            place = depth + 0.7 * (token / (config.tokens - 1) - 0.5)
            rows.append((depth, token + 1, errors[token].item(), bound.bound[token].item()))
            axes.plot(
                [place], rows[-1][2:3], "o", color=f"C{token}", label=f"token {token + 1}" if depth == 1 else None
            )
            if rows[-1][3] > 0:
                label = "bound, from pairs of samples" if len(rows) == 1 else ""
                axes.hlines(rows[-1][3], place - 0.08, place + 0.08, color="black", lw=2, label=label)
    axes.axhline(1 / 12, color="grey", lw=1, ls=":", label="1/12")
    axes.set(yscale="log", xlabel="layers m", ylabel="mean squared error per entry")
    axes.set_xticks(list(depths))
    size = f"n = {config.tokens}, w = {config.window}, d = {config.dim}, width {config.d_model}"
    axes.set_title(f"{size}, {config.steps:,} steps of {config.batch}; {config.hops} hops", fontsize=10)
    axes.grid(alpha=0.3, axis="y")
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda index: (not labels[index].startswith("token"), index))
    axes.legend([handles[i] for i in order], [labels[i] for i in order], fontsize=8, loc="lower left")
    names = ("layers", "token", "mean squared error", "bound")
    return Drawing(fig, {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})
