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
