"""Figures of the constant bit-size construction (the paper prints none)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lemmata.paper_figs.framework import Drawing, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@figure("turing.tokens", "Generated tokens against input length")
def tokens(full: bool = False) -> Drawing:
    """Tokens that the network generates to increment 1…1 and to recognise a palindrome, counted on the Post machine
    that it equals token by token (dots), with the exact formulas (lines). Both grow as time × space: n² and n³."""
    import numpy as np
    from matplotlib.figure import Figure

    from lemmata.theory.turing.library import INC, PAL
    from lemmata.theory.turing.post import PostMachine
    from lemmata.theory.turing.tables import alternating

    lengths = [4, 8, 16, 32, 64, 128] + ([256, 512] if full else [])
    n = np.array(lengths)
    increment, palindrome = PostMachine.from_turing(INC), PostMachine.from_turing(PAL)
    # The window is n + 1: both machines visit one cell beyond the input, and the ring has one cell more than the queue.
    series = {
        "INC on 1…1": (
            [len(increment.run("1" * length, length + 1, 10**9)) for length in lengths],
            2 + n + (n + 1) * (n + 1),
            "2 + n + N(n+1)",
        ),
        "PAL on (01)…(10)…": (
            [len(palindrome.run(alternating(length), length + 1, 10**9)) for length in lengths],
            2 + n * (n + 2) // 4 + n // 2 + (n + 1) * n * (n + 2) // 4,
            "2 + n(n+2)/4 + n/2 + N n(n+2)/4",
        ),
    }
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    for (name, (counted, formula, text)), color in zip(series.items(), ("#0072b2", "#d55e00"), strict=True):
        slope = np.diff(np.log(counted[-2:]))[0] / np.diff(np.log(n[-2:]))[0]
        axes.plot(n, formula, color=color, lw=1.5, label=f"{name.split()[0]}: {text}")
        axes.plot(n, counted, "o", color=color, ms=6, label=f"{name}, counted (last slope {slope:.2f})")
    axes.set(xscale="log", yscale="log", xlabel="input length n", ylabel="generated tokens")
    axes.set_xticks(n, [str(length) for length in lengths])
    axes.minorticks_off()
    axes.set_title(f"Tokens at window N = n + 1, n = {lengths[0]} … {lengths[-1]}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    table: dict[str, list[int]] = {"n": lengths, "window": (n + 1).tolist()}
    for name, (counted, formula, _) in series.items():
        table |= {f"{name.split()[0]} counted": counted, f"{name.split()[0]} formula": formula.tolist()}
    return Drawing(fig, table)


@figure("turing.gaps", "Tokens between two Turing steps")
def gaps(full: bool = False) -> Drawing:
    """Tokens from one Turing step to the next on a palindrome: a move to the right costs 1, a move to the left exactly
    N, and nothing lies in between."""
    import numpy as np
    from matplotlib.figure import Figure

    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.post import PostMachine, turing_times
    from lemmata.theory.turing.tables import alternating

    length = 128 if full else 32
    window = length + 1
    steps = PostMachine.from_turing(PAL).run(alternating(length), window, 10**9)
    sizes, counts = np.unique(np.diff(turing_times(steps)), return_counts=True)
    fig = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = fig.add_subplot()
    axes.bar(sizes, counts, width=0.8, color="#0072b2")
    for size, count in zip(sizes, counts, strict=True):
        axes.annotate(f"{count} steps of {size}", (size, count), ha="center", va="bottom", fontsize=9)
    axes.set(xlabel="tokens from one Turing step to the next", ylabel="Turing steps", ylim=(0, counts.max() * 1.15))
    axes.set_xlim(-0.1 * window, 1.15 * window)
    axes.set_title(f"PAL on (01)…(10)…, n = {length}, window N = {window}")
    return Drawing(fig, {"tokens": sizes.tolist(), "steps": counts.tolist()})


@figure("turing.softmax", "Where softmax attention decodes rightly")
def softmax(full: bool = False) -> Drawing:
    """Share of adversarial windows that the increment network decodes rightly with softmax and logit gap β: all of them
    below the curve N = 1 + exp(β), none above."""
    import numpy as np
    from matplotlib.figure import Figure

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.library import INC
    from lemmata.theory.turing.softmax import failures

    gap = np.linspace(0.25, 4.25, 33 if full else 17)
    windows = np.unique(np.geomspace(2, 96, 40 if full else 20).astype(int))
    table, weights = compile_machine(INC)
    right = np.empty((len(windows), len(gap)))
    for i, window in enumerate(windows):
        for j, beta in enumerate(gap):
            failed, total = failures(table, weights, int(window), float(beta))
            right[i, j] = 1 - failed / total
    fig = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = fig.add_subplot()
    mesh = axes.pcolormesh(gap, windows, right, cmap="RdYlBu", vmin=0, vmax=1, shading="nearest")
    line = np.linspace(gap[0], gap[-1], 200)
    axes.plot(line, 1 + np.exp(line), color="black", lw=1.5, label="N = 1 + exp(β)")
    axes.set(yscale="log", xlabel="logit gap β of the oldest token", ylabel="window N", ylim=(2, windows[-1]))
    axes.set_title(f"INC, worst-case windows, N = 2 … {windows[-1]}")
    axes.legend(loc="upper left")
    fig.colorbar(mesh, label="share decoded rightly")
    place = np.stack(np.meshgrid(windows, gap, indexing="ij"), -1).reshape(-1, 2)
    columns = {"window": place[:, 0].astype(int).tolist(), "gap": place[:, 1].tolist()}
    return Drawing(fig, columns | {"share decoded rightly": right.ravel().tolist()})


@figure("turing.formats", "The smallest float format that still decodes rightly")
def formats(full: bool = False) -> Drawing:
    """Softmax in place of hardmax, every intermediate number rounded to the format. A cell is blue where all worst-case
    windows are decoded rightly at the gap ln(N − 1) + 0.1, red where one is not; the number is the least gap that does,
    to be compared with ln(N − 1) below; a frame marks the formats with the fewest bits. Low precision makes softmax
    hard at long windows: exp(−β) underflows, or a sum of equal terms stops growing."""
    import math

    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.formats import FORMATS
    from lemmata.theory.turing.library import INC
    from lemmata.theory.turing.rounded import format_table, predicted_gap, smallest_formats

    windows = (3, 10, 50, 300, 2_000, 20_000, 100_000) + ((10**6, 10**7, 10**8, 10**9) if full else ())
    table, _ = compile_machine(INC)
    fig = Figure(figsize=(2.4 + 0.9 * len(windows), 6.6), layout="constrained")
    columns: dict[str, list[object]] = {
        name: []
        for name in (
            "accumulator",
            "format",
            "bits",
            "window",
            "agrees",
            "smallest",
            "least gap",
            "ln(N-1)",
            "low",
            "high",
        )
    }
    for axes, wide in zip(fig.subplots(2, 1), (True, False), strict=True):
        rows = format_table(table, windows, wide)
        for row in rows:
            form = row.how.form
            x, y = windows.index(row.window), FORMATS.index(form)
            smallest = form.name in smallest_formats(rows, row.window)
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, color="#9ecae1" if row.agrees else "#f4a582"))
            if smallest:
                axes.add_patch(
                    Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, lw=2, edgecolor="black", zorder=2)
                )
            axes.annotate(f"{row.gap:.2f}", (x, y), ha="center", va="center", fontsize=9)
            low, high = predicted_gap(row.how, row.window)
            values = ("float32" if wide else "the format", form.name, form.bits, row.window, row.agrees, smallest)
            numbers = (row.gap, math.log(row.window - 1), low, high)
            for column, value in zip(columns.values(), values + numbers, strict=True):
                column.append(value)
        axes.set(xlim=(-0.5, len(windows) - 0.5), ylim=(len(FORMATS) - 0.5, -0.5))
        axes.set_yticks(range(len(FORMATS)), [form.name for form in FORMATS])
        axes.set_xticks(range(len(windows)), [f"{n:,}\n{math.log(n - 1):.2f}" for n in windows], fontsize=9)
        axes.tick_params(length=0)
        axes.set_title("sums accumulated in " + ("float32, rounded once" if wide else "the format itself"), fontsize=10)
    axes.set_xlabel("window N, and ln(N − 1)")
    fig.suptitle(
        f"INC, worst-case windows, N = 3 … {windows[-1]:,}: least gap; blue where ln(N − 1) + 0.1 suffices;\n"
        "framed where no format with fewer bits does",
        fontsize=10,
    )
    return Drawing(fig, columns)


@figure("turing.sizes", "Sizes of the networks")
def sizes(full: bool = False) -> Drawing:
    """The compiled networks, and in brackets what the sheet's table says: states P and symbols g of the Post machine,
    transitions H, vocabulary, width d, parameters, and bits at two a parameter."""
    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.tables import SIZES

    names = ("P", "g", "H", "|V|", "d", "parameters", "bits")
    cells: list[list[str]] = []
    columns: dict[str, list[object]] = {"machine": [row.machine.name for row in SIZES]}
    for row in SIZES:
        table, weights = compile_machine(row.machine)
        width = weights.embedding.shape[1]
        ours = (
            table.n_states,
            table.n_symbols,
            len(table.state),
            table.vocabulary,
            width,
            weights.parameters,
            weights.bits,
        )
        cells.append([row.machine.name, *(f"{a:,}  ({b:,})" for a, b in zip(ours, row[1:], strict=True))])
        for name, a, b in zip(names, ours, row[1:], strict=True):
            columns.setdefault(f"{name} compiled", []).append(a)
            columns.setdefault(f"{name} in the sheet", []).append(b)
    fig = _drawn_table(("machine", *names), cells, "Compiled networks (in brackets: the sheet)", width=9.6)
    return Drawing(fig, columns)


# The sheet's section 3: work, precision, width, window, tokens a Turing step (t = time, s = space, n = input length).
_COMPARED = (
    ("Pérez et al. 2021", "O(log t)", "O(1)", "n + t", "1"),
    ("Li et al. 2024", "O(1)", "O(log t)", "O(t log t)", "O(log t)"),
    ("Schuurmans et al. 2024", "", "", "", "O(s³)"),
    ("PENCIL 2025", "grows", "", "∝ s", ""),
    ("Li and Wang, paper A", "O(1)", "O(1)", "s", "s"),
    ("Li and Wang, paper B", "O(1)", "O(1)", "s", "sᶜ"),
)


@figure("turing.comparison", "Constructions compared")
def comparison(full: bool = False) -> Drawing:
    """Precision, width, window and tokens per Turing step as the works state them (the sheet's section 3; an empty cell
    is not stated there), and what papers A and B cost here: two sweeps over all s cells, at two values of s. B has two
    levels and the FFN units that the run uses, at 2 bits a weight and 8 a bias; its number of units saturates in s."""
    import math

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import sweep_cost, sweeping_machine
    from lemmata.theory.turing.multiqueue.table import recorded_rules
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules
    from lemmata.theory.turing.post import PostMachine

    spaces = (256, 1024) if full else (64, 256)
    turing = sweeping_machine(2)
    _, weights = compile_machine(turing)
    post = PostMachine.from_turing(turing)
    measured: dict[str, list[tuple[int, int, float]]] = {"Li and Wang, paper A": [], "Li and Wang, paper B": []}
    for space in spaces:
        word = "$" + "0" * (space - 2)
        tokens = len(post.run(word, space - 1, 10**9)) / len(turing.run(word, 10**9).steps)
        measured["Li and Wang, paper A"].append((weights.bits, space - 1, tokens))
        machine = MultiQueueMachine.from_turing(turing, levels=2, space=space)
        queues = weights_of_rules(
            machine.control, machine.layout, recorded_rules(machine, [machine.initial(word, "pushed")])
        )
        bits = 2 * (queues.parameters - queues.ffn_bias.size) + 8 * queues.ffn_bias.size
        measured["Li and Wang, paper B"].append((bits, machine.layout.window, sweep_cost(2, space)))
    stated = ("work", "precision", "width", "window", "tokens a Turing step")
    ours = ("bits", "window", "tokens a step")
    header = [*stated, *(f"{name}, s = {space}" for space in spaces for name in ours), "exponent in s"]
    cells: list[list[str]] = []
    columns: dict[str, list[object]] = {name: [] for name in header}
    for row in _COMPARED:
        found = measured.get(row[0], [])
        numbers: list[object] = [value for triple in found for value in triple] or [""] * (len(ours) * len(spaces))
        growth: object = ""
        if found:
            growth = math.log(found[1][2] / found[0][2]) / math.log(spaces[1] / spaces[0])
        for name, value in zip(header, (*row, *numbers, growth), strict=True):
            columns[name].append(value)
        shown = [f"{x:,}" if isinstance(x, int) else f"{x:.1f}" if isinstance(x, float) else "" for x in numbers]
        cells.append([*row, *shown, f"{growth:.2f}" if found else ""])
    wrapped = [name.replace(", s", ",\ns").replace("tokens a ", "tokens a\n") for name in header]
    title = f"As stated, and as measured on a sweep over s = {spaces[0]} and {spaces[1]:,} cells"
    return Drawing(_drawn_table(wrapped, cells, title, width=13.6), columns)


def _drawn_table(header: Sequence[str], cells: Sequence[Sequence[str]], title: str, width: float) -> Figure:
    """A table as a figure: the first column to the left, numbers centred, as wide as their text."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    lines = max(name.count("\n") + 1 for name in header)
    fig = Figure(figsize=(width, 0.6 + 0.28 * (len(cells) + lines)))
    axes = fig.add_axes((0.01, 0.02, 0.98, 0.86))
    axes.axis("off")
    axes.set_title(title, fontsize=11)
    drawn = axes.table(
        cellText=[list(row) for row in cells], colLabels=list(header), cellLoc="center", bbox=Bbox.unit()
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    drawn.auto_set_column_width(list(range(len(header))))
    weights = [
        max(len(line) for text in column for line in text.split("\n")) + 2
        for column in zip(header, *cells, strict=True)
    ]
    for (row, column), cell in drawn.get_celld().items():
        cell.set(edgecolor="#bbbbbb", width=weights[column] / sum(weights))
        cell.set_height((lines if row == 0 else 1) / (lines + len(cells)))
        if row == 0:
            cell.set(facecolor="#eeeeee")
        if column == 0:
            cell.set_text_props(ha="left")
            cell.PAD = 0.04
    return fig
