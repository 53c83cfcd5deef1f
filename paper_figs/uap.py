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
