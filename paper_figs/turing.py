"""Figures of the constant bit-size construction (the paper prints none)."""

from __future__ import annotations

from lemmata.paper_figs.framework import Drawing, figure


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
