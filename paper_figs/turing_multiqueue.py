"""Figures of the multi-queue simulation (the paper prints none)."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


@figure("turing_multiqueue.steps", "Steps per Turing step against space")
def steps(full: bool = False) -> Drawing:
    """Steps per Turing step of a machine that sweeps six times over its tape and back: many queues with one to four
    levels (dots), the sheet's table (hollow), and 3k' s^(1/k'), which they approach from below. One queue pays a turn
    of the ring for each left move (black); it is the cheaper one on small tapes."""
    import numpy as np
    from matplotlib.figure import Figure

    from lemmata.theory.turing import compile_machine
    from lemmata.theory.turing.fast import RingDecoder
    from lemmata.theory.turing.multiqueue.measure import SHEET_SWEEP_COST, sweep_cost, sweeping_machine

    trips, formulas = 6, ("3 s", "6 s^{1/2}", "9 s^{1/3}", "12 s^{1/4}")
    largest = {1: 1_024, 2: 16_384, 3: 65_536, 4: 65_536} if full else {1: 256, 2: 4_096, 3: 4_096, 4: 4_096}
    table: dict[str, list[object]] = {"machine": [], "space": [], "steps per Turing step": [], "sheet": []}

    def note(machine: str, space: int, cost: float, sheet: float | str = "") -> float:
        for name, value in zip(table, (machine, space, cost, sheet), strict=True):
            table[name].append(value)
        return cost

    fig = Figure(figsize=(6.8, 4.8), layout="constrained")
    axes = fig.add_subplot()
    for levels, color in zip(SHEET_SWEEP_COST, _COLORS, strict=True):
        printed = SHEET_SWEEP_COST[levels]
        spaces = sorted({at for at in (4**i for i in range(2, 9)) if at <= largest[levels]} | printed.keys())
        costs = [
            note(
                f"k' = {levels}", space, sweep_cost(levels, space, round_trips=trips, unused=1), printed.get(space, "")
            )
            for space in spaces
        ]
        line = np.geomspace(16, max(spaces), 100)
        axes.plot(line, 3 * levels * line ** (1 / levels), color=color, lw=1.2)
        axes.plot(spaces, costs, "o", color=color, ms=4, label=f"$k' = {levels}$, line ${formulas[levels - 1]}$")
        axes.plot([*printed], [*printed.values()], "o", color=color, ms=9, mfc="none", mew=1.2)
    axes.plot([], [], "o", color="gray", ms=9, mfc="none", mew=1.2, label="the sheet's table")

    tokens, weights = compile_machine(sweeping_machine(trips))
    decoder = RingDecoder.from_weights(weights, tokens.halting_tokens())
    spaces = [2**i for i in range(4, 13 if full else 11)]
    costs = []
    for space in spaces:
        word = "$" + "0" * (space - 3)  # visits space − 1 cells, as with many queues
        made, halted = decoder.count(tokens.prompt(word, space - 1), 10**10)
        assert halted
        costs.append(
            note("one queue", space, made / (2 * trips * (space - 2) + 1))
        )  # per walk s − 2 moves, then a halt
    axes.plot(spaces, costs, "s-", color="black", ms=4, lw=1, zorder=1, label="one queue, N = s − 1")
    axes.set(xlabel="space s (tape cells)", ylabel="steps per Turing step")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_title(f"Sweeping machine, {trips} sweeps, s = 16 … {max(largest.values()):,}")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return Drawing(fig, table)


@figure("turing_multiqueue.offsets", "Where the heads look, token by token")
def offsets(full: bool = False) -> Drawing:
    """Where the newest token attends, read from the attention patterns of two hooked models while PAL runs. Left, the
    multi-queue network: each head looks back by a fixed distance, the sizes of its queues, B^i and B^i - B^(i-1)
    (lines). Right, a head that finds the latest token of the same tape cell: its distance follows the moves."""
    import torch
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator

    from lemmata.probes.offset_heads import attended_distances
    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.table import recorded_rules
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules
    from lemmata.toy_models.hooked.turing import tape_lookup
    from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer

    levels, word, rows = 3, "01" * 4 + "10" * 4 if full else "01011010", 120 if full else 28
    machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=PAL.run(word, 10_000).space)
    start, layout = machine.initial(word), machine.layout
    texts = RecordedTexts.of(machine, [start], max_steps=rows)
    weights = weights_of_rules(machine.control, layout, recorded_rules(machine, [start], max_steps=rows))
    queues = multiqueue_transformer(weights, texts.vocabulary)
    cells = torch.tensor([step.head for step in PAL.run(word, 10_000).steps])
    cells -= cells.min()
    window = min(layout.window, int(cells.max()) * 2 + 1)
    lookup = tape_lookup(int(cells.max()) + 1, window)
    # The last token of a window is the newest; a distance of 0 is drawn as 1 token back, the size of its queue.
    back = {
        "multi-queue network": attended_distances(queues, texts.windows)[0] + 1,
        "lookup of the tape cell": attended_distances(lookup, cells.unfold(0, window, 1)[:rows])[0] + 1,
    }

    fig = Figure(figsize=(8.4, 5.0), layout="constrained")
    axes = fig.subplots(1, 2, sharey=True, sharex=True)
    table: dict[str, list[object]] = {"model": [], "token": [], "head": [], "tokens back": []}
    for axis, (name, heads) in zip(axes, back.items(), strict=True):
        for level in range(1, levels + 1):
            for size, style in ((layout.base**level, "-"), (layout.base**level - layout.base ** (level - 1), ":")):
                axis.axvline(size, color=_COLORS[level - 1], lw=1, ls=style, alpha=0.6)
        for head, sizes in enumerate(heads.tolist()):
            level = head // 3 % levels
            color = _COLORS[level] if name == "multi-queue network" else "black"
            axis.plot(sizes, range(1, len(sizes) + 1), "o", color=color, ms=3)
            table["model"] += [name] * len(sizes)
            table["token"] += range(1, len(sizes) + 1)
            table["head"] += [head] * len(sizes)
            table["tokens back"] += sizes
        axis.set_xscale("log", base=2)
        axis.set(title=name, xlabel="tokens back", xlim=(0.85, 1.2 * layout.window))
    ticks = sorted(set(layout.sizes))
    axes[0].xaxis.set_major_locator(FixedLocator(ticks))
    axes[0].xaxis.set_minor_locator(NullLocator())
    axes[0].xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
    axes[0].set_ylabel("generated token")
    axes[0].set_ylim(rows + 1, 0)
    axes[0].plot([], [], "-", color="gray", lw=1, label=r"halves of level $i$: $B^i$")
    axes[0].plot([], [], ":", color="gray", lw=1, label=r"timing rings: $B^i - B^{i-1}$")
    fig.legend(loc="outside lower center", ncols=2, fontsize=9, frameon=False)
    title = f"PAL on {word}, k' = {levels}, B = {layout.base}: K = {layout.queues} heads, window {layout.window}"
    fig.suptitle(title)
    return Drawing(fig, table)
