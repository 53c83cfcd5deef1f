"""Sparse patterns: the depth that Corollary 2 promises, the depth that it takes, and the groups that are left."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.uap.paper import PAPER


@PAPER.claim(
    "depth",
    source="Corollary 2",
    statement=r"""A static pattern with hop number $h$ tells $X$ from every $\sigma X$ outside of its orbit with $h + 1$
    layers: so do all $144$ patterns on three tokens and all $25696$ on four that are ever connected. $6$ and $7646$ of
    them need the extra layer.""",
    kind="exhaustive",
    cost="standard",
    rows=["U5"],
    controls=[
        Control("with $h$ layers", {"extra": 0}, literal=True),
        Control("a token forgets its own colour", {"step": "without_residual"}),
    ],
    correction=Correction(
        r"If $\Phi$ is connected within $m$ layers, $m$ attention layers suffice.",
        (
            r"$N = (\{2,3\}, \{1,3\}, \{1,2,3\})$ is connected within one layer; one layer confuses $X$ with its copy "
            r"in which tokens 2 and 3 change places, which is not in $Aut(N)$. For a static pattern, $h + 1$ suffice."
        ),
    ),
)
def depth(trial: Trial, extra: int = 1, step: str = "intact") -> Iterator[Evidence]:
    """Every pattern without empty rows (one for each class under relabelling, counted as the class), every permutation,
    the exact layered colouring; on five tokens, 500 random patterns."""
    import numpy as np

    from lemmata.theory.uap.colouring import confused
    from lemmata.theory.uap.mutants import STEPS
    from lemmata.theory.uap.patterns import all_patterns, hops, random_directed, up_to_relabelling

    def confusing(patterns: np.ndarray, distance: np.ndarray, more: int) -> np.ndarray:
        found = np.zeros(len(patterns), bool)
        for number in range(1, patterns.shape[-1]):
            chosen = distance == number
            found[chosen] = confused([patterns[chosen]] * (number + more), step=STEPS[step]).any(-1)
        return found

    for tokens, connected, short in ((3, 144, 6), (4, 25_696, 7_646)):
        patterns, count = up_to_relabelling(all_patterns(tokens))
        distance = hops(patterns)
        total = count[distance > 0].sum()
        yield Evidence(f"n = {tokens}: patterns that are ever connected", total, "==", connected, count.sum())
        at_hops = count[confusing(patterns, distance, 0)].sum()
        yield Evidence(f"n = {tokens}: of them, confusing with as many layers as hops", at_hops, "==", short, total)
        found = count[confusing(patterns, distance, extra)].sum()
        yield Evidence(f"n = {tokens}: of them, confusing at hops + {extra}", found, "==", 0, total)
    patterns = random_directed(5, 0.4, trial.rng(), count=500)
    distance = hops(patterns)
    found = confusing(patterns, distance, extra).sum()
    yield Evidence(f"n = 5: confusing at hops + {extra}", found, "==", 0, int((distance > 0).sum()))


@PAPER.claim(
    "depth_counts",
    source="Corollary 2, how often one layer more is needed",
    statement=r"""On three tokens, $6$ of the $8$ patterns that are connected within one layer confuse some $X$ with
    some $\sigma X$ outside of its orbit, $14148$ of the $62920$ connected sequences of two layers do, and none of the
    $144$ static sequences of three. $136$ static patterns have two hops and need two layers, $6$ have one and need two,
    $2$ have one and need one.""",
    kind="exhaustive",
    cost="standard",
    rows=["U5"],
    controls=[
        Control("inclusion of the sets of colours in place of equality", {"step": "one_sided"}),
        Control("a token forgets its own colour", {"step": "without_residual"}),
    ],
)
def depth_counts(trial: Trial, step: str = "intact") -> Iterator[Evidence]:
    """All 343 patterns and all 117,649 sequences of two, with all six permutations, by the exact colouring."""
    import numpy as np

    from lemmata.theory.uap.colouring import confused, violates
    from lemmata.theory.uap.mutants import STEPS
    from lemmata.theory.uap.patterns import all_patterns, connected, hops

    rule, patterns = STEPS[step], all_patterns(3)
    pairs = [patterns[:, None], patterns]
    for name, layers, total, violating in (
        ("one layer", [patterns], 8, 6),
        ("two layers", pairs, 62_920, 14_148),
        ("three equal layers", [patterns] * 3, 144, 0),
    ):
        instances = int(np.prod(np.broadcast_shapes(*(layer.shape[:-2] for layer in layers))))
        yield Evidence(f"{name}: connected sequences", int(connected(layers).sum()), "==", total, instances)
        yield Evidence(f"{name}: of them, violating", int(violates(layers, rule).sum()), "==", violating, instances)
    distance = hops(patterns)
    for number, needed, expected in ((1, 1, 2), (1, 2, 6), (2, 2, 136)):
        chosen = patterns[distance == number]
        enough = ~confused([chosen] * needed, step=rule).any(-1)
        if needed > number:
            enough &= confused([chosen] * number, step=rule).any(-1)
        yield Evidence(f"{number} hops, need {needed} layers", int(enough.sum()), "==", expected, len(chosen))


@PAPER.claim(
    "late_symmetries",
    source="Corollary 2, sequences of patterns",
    statement=r"""A permutation that a connected sequence $N_1, \ldots, N_m$ cannot tell from the identity lies in
    $Aut(N_p)$ for every $p$ for which the layers after $p$ are connected.""",
    kind="exhaustive",
    cost="standard",
    rows=["U5"],
    controls=[
        Control("in $Aut(N_p)$ for every $p$", {"every": True}, literal=True),
        Control("one layer earlier: layers $p, \\ldots, m$ connected", {"early": 1}),
    ],
    correction=Correction(
        r"It lies in $\cap_p Aut(N_p)$, so that $m$ layers that connect suffice.",
        r"What a layer sees counts only if the layers after it carry it everywhere.",
    ),
)
def late_symmetries(trial: Trial, every: bool = False, early: int = 0) -> Iterator[Evidence]:
    """All 62,920 connected sequences of two patterns on three tokens, and 5,000 random sequences of three and four on
    four tokens, with all permutations, by the exact colouring."""
    import numpy as np

    from lemmata.theory.uap.colouring import distinguished, late_symmetries, permuted_tokens
    from lemmata.theory.uap.patterns import all_patterns, connected, invariant, permutations_of, random_directed

    rng, patterns = trial.rng(), all_patterns(3)
    sampled = random_directed(4, 0.45, rng, count=4 * 5_000).reshape(4, 5_000, 4, 4)
    for name, layers in {
        "n = 3, two layers": [patterns[:, None], patterns],
        "n = 4, three layers": list(sampled[:3]),
        "n = 4, four layers": list(sampled),
    }.items():
        permutations = permutations_of(layers[0].shape[-1])
        reached = connected(layers)
        together = ~distinguished([layer[..., None, :, :] for layer in layers], permuted_tokens(permutations))
        if every:
            allowed = np.logical_and.reduce(np.broadcast_arrays(*(invariant(permutations, layer) for layer in layers)))
        else:
            allowed = late_symmetries(layers, permutations, early)
        outside = int((together & ~allowed & reached[..., None]).sum())
        yield Evidence(f"{name}: permutations outside", outside, "==", 0, int(reached.sum()))


@PAPER.claim(
    "longformer",
    source="Corollary 2, sliding window with global tokens",
    statement=r"""A window of width $1$ with one global token on six tokens connects within $2$ layers and takes
    $3$: two layers of softmax attention give a token of $X$ and one of some $\sigma X$ outside of its orbit the same
    vector.""",
    kind="numeric",
    cost="standard",
    rows=["U5"],
    controls=[
        Control("with two layers, the number of hops", {"layers": 2}, literal=True),
    ],
    correction=Correction(
        r"It is connected within two layers, so two attention layers suffice.",
        r"Two layers confuse some permutations, three none.",
    ),
)
def longformer(trial: Trial, layers: int = 3) -> Iterator[Evidence]:
    """All 720 permutations by the exact colouring, and by softmax attention those that some smaller number of layers
    confuses (at most 20 of them) with the best of 64 draws; gaps are above 1e-4 or at rounding."""
    from lemmata.theory.uap.colouring import confused
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import sparse
    from lemmata.theory.uap.pairs import generic
    from lemmata.theory.uap.patterns import connected, permutations_of
    from lemmata.theory.uap.patterns import longformer as pattern

    tested, rng = pattern(6, 1), trial.torch_generator()
    yield Evidence("tokens that do not receive all at 2 layers", int(not connected([tested] * 2)), "==", 0, 36)
    still = confused([tested] * layers)
    yield Evidence(f"permutations confused at {layers} layers", int(still.sum()), "==", 0, len(still))
    before = permutations_of(6)[confused([tested] * (layers - 1))]
    hard = before if not still.any() else permutations_of(6)[still]
    pair, gaps = generic(rng, 6, 2), []
    for sigma in hard[:20]:
        pair[1] = pair[0, sigma]
        gaps.append(search(sparse(tested), pair, layers, seed=rng).margin)
    yield Evidence(f"least gap of them at {layers} layers", min(gaps), ">", 1e-6, len(gaps))


@PAPER.claim(
    "automorphisms",
    source="Corollaries 2 and 4",
    statement=r"""$Aut(N)$ has order $2n$ for a circular window with $1 \le w \le \lfloor (n-1)/2 \rfloor - 1$, order
    $n$ for a one-sided circular window with $w \le n - 2$, and order $2$ for a sliding window with
    $w \le \lfloor (n-1)/2 \rfloor$, for all $n \le 8$; beyond the bounds, $(n, w) = (6, 2), (8, 3), (4, 2)$ have order
    $48$, $384$ and $24$.""",
    kind="exhaustive",
    rows=["U6"],
    controls=[
        Control("windows one wider", {"wider": 1}),
        Control("one-sided windows made symmetric", {"symmetric": True}),
    ],
)
def automorphisms(trial: Trial, wider: int = 0, symmetric: bool = False) -> Iterator[Evidence]:
    """All automorphisms are listed. Outside of the first bound, (4, 1) has 8 = 2n as well: the bound is not sharp."""
    from lemmata.theory.uap import patterns

    def order(pattern: patterns.Pattern) -> int:
        return len(patterns.automorphisms(pattern | pattern.T if symmetric else pattern))

    for n in (4, 5, 6, 7, 8):
        widths = range(1, (n - 1) // 2)
        if widths:
            off = sum(order(patterns.circular_window(n, w + wider)) != 2 * n for w in widths)
            yield Evidence(f"n = {n}: circular windows of another order than 2n", off, "==", 0, len(widths))
        widths = range(1, n - 1 - wider)
        off = sum(order(patterns.one_sided_window(n, w)) != n for w in widths)
        yield Evidence(f"n = {n}: one-sided windows of another order than n", off, "==", 0, len(widths))
        widths = range(1, (n - 1) // 2 + 1)
        off = sum(order(patterns.window(n, w + wider)) != 2 for w in widths)
        yield Evidence(f"n = {n}: sliding windows of another order than 2", off, "==", 0, len(widths))
    for n, w, expected in ((6, 2, 48), (8, 3, 384), (4, 2, 24), (4, 1, 8)):
        found = order(patterns.circular_window(n, w + wider))
        yield Evidence(f"n = {n}, w = {w}: order", found, "==", expected, 1)


@PAPER.claim(
    "named_patterns",
    source="Corollary 2, examples",
    statement=r"""Strided (block, then stride), sliding window, star, Longformer and BigBird patterns are connected, and
    one layer more than their hops leaves exactly $G = \cap_p Aut(N_p)$: every other permutation is told apart.""",
    kind="exhaustive",
    cost="standard",
    rows=["U5"],
    controls=[
        Control("as many layers as hops", {"extra": 0}),
        Control("the causal pattern among them", {"causal": True}),
    ],
)
def named_patterns(trial: Trial, extra: int = 1, causal: bool = False) -> Iterator[Evidence]:
    """Each on six tokens, all 720 permutations, by the exact colouring: those that are not told apart are counted and
    compared with the order of G. The strided sequence block, stride is repeated once more for its extra layers."""
    from lemmata.theory.uap import patterns
    from lemmata.theory.uap.colouring import distinguished, permuted_tokens
    from lemmata.theory.uap.patterns import permutations_of

    n, rng = 6, trial.rng()
    static = {
        "window(1)": patterns.window(n, 1),
        "window(2)": patterns.window(n, 2),
        "star": patterns.star(n),
        "Longformer(1, 1)": patterns.longformer(n, 1),
        "BigBird(1, 1, 1)": patterns.bigbird(n, 1, 1, 1, rng),
    }
    if causal:
        static["causal"] = patterns.causal(n)
    sequences = {name: [pattern] * (int(patterns.hops(pattern)) + extra) for name, pattern in static.items()}
    sequences["strided(3)"] = [patterns.blocks(n, 3), patterns.strided(n, 3)] * (1 + extra)
    for name, layers in sequences.items():
        together = int((~distinguished(layers, permuted_tokens(permutations_of(n)))).sum())
        order = len(patterns.automorphisms(*layers))
        yield Evidence(
            f"{name}: not connected after {len(layers)} layers", int(not patterns.connected(layers)), "==", 0, 36
        )
        yield Evidence(f"{name}: permutations not told apart", together, "==", order, 720)
