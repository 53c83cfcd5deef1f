"""Depth: what several layers of sparse patterns can tell apart, and how many it takes."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.uap.paper import PAPER


@PAPER.claim(
    "path_order",
    source="Definition 4",
    statement=r"""Token $i$ depends on token $j$ after layers $N_1, \ldots, N_m$ if and only if
    $(I + A_m) \ldots (I + A_1)$ has an entry at $(i, j)$: the later layer stands on the left.""",
    kind="property",
    controls=[
        Control("the layers in the other order", {"backwards": True}),
        Control("$N(i)$ read from column $i$", {"transposed": True}),
    ],
)
def path_order(trial: Trial, backwards: bool = False, transposed: bool = False) -> Iterator[Evidence]:
    """Softmax attention over 100 random sequences of one to three directed patterns on 3 to 6 tokens. A sample is
    compared with copies in which one token is moved: the others differ exactly where they can depend on it, and are
    equal to the last bit where they cannot. A dependence through a weight below 1e-16 would be missed; at scale 0.7
    the smallest weights are near 1e-3."""
    from lemmata.theory.uap.distinguish import forward
    from lemmata.theory.uap.families import gaussian, sparse
    from lemmata.theory.uap.mutants import received_backwards
    from lemmata.theory.uap.patterns import random_directed, received

    rng, generator = trial.rng(), trial.torch_generator()
    missed = leaked = cells = 0
    for index in range(100):
        tokens, depth = 3 + index % 4, 1 + index % 3
        layers = list(random_directed(tokens, 0.3, rng, count=depth))
        families = [sparse(pattern) for pattern in layers]
        parameters = [family.sample(generator, 2, tokens, 0.7, 4) for family in families]
        x = gaussian(generator, 1.0, tokens, 2).repeat(tokens + 1, 1, 1)
        x[range(tokens), range(tokens)] += 1.0
        out = forward(families, parameters, x.expand(4, *x.shape))
        depends = (out[:, :-1] != out[:, -1:]).any(-1).any(0).T.numpy()  # (i, j): token i moved with token j
        if transposed:
            layers = [pattern.T for pattern in layers]
        expected = (received_backwards if backwards else received)(layers)
        missed += int((expected & ~depends).sum())
        leaked += int((depends & ~expected).sum())
        cells += tokens**2
    yield Evidence("pairs (i, j) with a path and no dependence", missed, "==", 0, cells)
    yield Evidence("pairs (i, j) with a dependence and no path", leaked, "==", 0, cells)


@PAPER.claim(
    "weisfeiler_leman",
    source="Corollary 2, Lemma 1",
    statement=r"""Layers $N_1, \ldots, N_m$ of kernel attention distinguish $X$ and $Y$ if and only if no token of $X$
    has the colour of a token of $Y$ after the layered Weisfeiler-Leman refinement
    $c_p(i) = (c_{p-1}(i), \{c_{p-1}(j) : j \in N_p(i)\})$.""",
    kind="property",
    cost="standard",
    rows=["U4"],
    controls=[
        Control("inclusion of the sets of colours in place of equality", {"step": "one_sided"}),
        Control("a token forgets its own colour", {"step": "without_residual"}),
        Control("$N(i)$ read from column $i$", {"step": "transposed"}),
    ],
)
def weisfeiler_leman(trial: Trial, step: str = "intact") -> Iterator[Evidence]:
    """300 random sequences of one to three directed patterns on 3 to 5 tokens, the samples a permutation of each other
    or equal in all tokens but one, softmax and RBF attention, the best of 16 draws against the exact decision. Gaps are
    either above 5e-3 or at most 1e-15; 1e-9 lies between."""
    import numpy as np

    from lemmata.theory.uap.colouring import distinguished, equal_tokens
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import sparse
    from lemmata.theory.uap.kernel import SOFTMAX, rbf
    from lemmata.theory.uap.mutants import STEPS
    from lemmata.theory.uap.pairs import far_token, generic
    from lemmata.theory.uap.patterns import random_directed

    rng, generator = trial.rng(), trial.torch_generator()
    wrong, apart, together = {"softmax": 0, "rbf": 0}, 0, 0
    largest_equal, least_apart = 0.0, np.inf
    for index in range(300):
        tokens, depth = 3 + index % 3, 1 + index // 3 % 3
        layers = list(random_directed(tokens, rng.choice([0.3, 0.6]), rng, count=depth))
        pair = far_token(generator, tokens, 2)
        if index % 2:
            pair = generic(generator, tokens, 2)
            pair[1] = pair[0, rng.permutation(tokens)]
        exact = bool(distinguished(layers, equal_tokens(*pair.numpy()), STEPS[step]))
        for name, kernel in (("softmax", SOFTMAX), ("rbf", rbf(1.0))):
            gap = search([sparse(pattern, kernel) for pattern in layers], pair, depth, draws=16, seed=generator).margin
            wrong[name] += (gap > 1e-9) != exact
            if exact:
                least_apart = min(least_apart, gap)
            else:
                largest_equal = max(largest_equal, gap)
        apart, together = apart + exact, together + (not exact)
    for name, count in wrong.items():
        yield Evidence(f"{name}: sequences decided otherwise", count, "==", 0, 300)
    yield Evidence("pairs that are distinguished", apart, ">", 30, 300, precondition=True)
    yield Evidence("pairs that are not", together, ">", 30, 300, precondition=True)
    yield Evidence("least gap where colours differ", least_apart, ">", 1e-6, apart)
    yield Evidence("largest gap where a colour is shared", largest_equal, "<=", 1e-12, together)


@PAPER.claim(
    "window_hops",
    source="Corollary 2, sliding window",
    statement=r"""A window of width $w$ tells samples that differ in the last of $n$ tokens apart with
    $\lceil (n-1)/w \rceil$ layers, and not with one fewer: there the gap is exactly 0.""",
    kind="numeric",
    rows=["U14"],
    controls=[
        Control("a window one wider", {"wider": 1}),
        Control("$\\lceil n/2w \\rceil$ layers", {"both_sides": True}),
    ],
)
def window_hops(trial: Trial, wider: int = 0, both_sides: bool = False) -> Iterator[Evidence]:
    """Ten random pairs for each (n, w), the best of 64 draws; measured gaps are 0.001 and more at the threshold, and
    equal tokens go through the same operations below it, so that they stay equal to the last bit."""
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import sparse
    from lemmata.theory.uap.pairs import far_token
    from lemmata.theory.uap.patterns import window

    for tokens, width in ((5, 1), (5, 2), (7, 2), (7, 3), (8, 3)):
        rng = trial.torch_generator(f"{tokens} {width}")
        family = sparse(window(tokens, width + wider))
        needed = -(-tokens // (2 * width)) if both_sides else -(-(tokens - 1) // width)
        pairs = [far_token(rng, tokens, 2) for _ in range(10)]
        reached = min(search(family, pair, needed, seed=rng).margin for pair in pairs)
        yield Evidence(f"n = {tokens}, w = {width}: least gap at {needed} layers", reached, ">", 1e-6, len(pairs))
        if needed > 1:
            before = max(search(family, pair, needed - 1, seed=rng).margin for pair in pairs)
            yield Evidence(f"n = {tokens}, w = {width}: largest gap at {needed - 1}", before, "==", 0, len(pairs))


@PAPER.claim(
    "unreached",
    source="Corollary 2, what connection is for",
    statement=r"""Where a token never receives the token in which two samples differ (blocks without a path between
    them; a causal mask and a later token), it stays the same to the last bit at every depth.""",
    kind="numeric",
    controls=[Control("one key more: token 0 attends to the last token", {"bridge": True})],
)
def unreached(trial: Trial, bridge: bool = False) -> Iterator[Evidence]:
    """Two blocks of three tokens, and a causal mask on six; ten pairs that differ in the last token, one to six layers,
    64 draws each."""
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import sparse
    from lemmata.theory.uap.pairs import far_token
    from lemmata.theory.uap.patterns import blocks, causal

    for name, pattern in (("blocks", blocks(6, 3)), ("causal", causal(6))):
        pattern[0, 5] |= bridge
        rng = trial.torch_generator(name)
        pairs = [far_token(rng, 6, 2) for _ in range(10)]
        for layers in range(1, 7):
            gap = max(search(sparse(pattern), pair, layers, seed=rng).margin for pair in pairs)
            yield Evidence(f"{name}: largest gap at {layers} layers", gap, "==", 0, len(pairs))


@PAPER.claim(
    "convolution_hops",
    source="Corollary 4, circular convolution",
    statement=r"""A circular convolution that looks $\ell$ tokens ahead tells samples that differ in the token $n - 1$
    ahead apart with $\lceil (n-1)/\ell \rceil$ layers and not with fewer.""",
    kind="numeric",
    rows=["U15"],
    controls=[Control("a convolution that looks one token further", {"further": 1})],
)
def convolution_hops(trial: Trial, further: int = 0) -> Iterator[Evidence]:
    """(n, l) = (6, 1), (6, 2), (7, 3), (5, 4): 5, 3, 2 and 1 layers. Token 0 is the last to learn of token n − 1. Exact
    zeros as for window_hops."""
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import CircularConvolution
    from lemmata.theory.uap.pairs import far_token

    for tokens, reach in ((6, 1), (6, 2), (7, 3), (5, 4)):
        rng = trial.torch_generator(f"{tokens} {reach}")
        pairs = [far_token(rng, tokens, 2) for _ in range(10)]
        family = CircularConvolution(reach + further)
        expected, needed = -(-(tokens - 1) // reach), 0
        for layers in range(1, expected + 2):
            gaps = [search(family, pair, layers, seed=rng).margin for pair in pairs]
            if min(gaps) > 1e-6:
                needed = layers
                break
            yield Evidence(f"n = {tokens}, l = {reach}: largest gap at {layers}", max(gaps), "==", 0, len(gaps))
        yield Evidence(f"n = {tokens}, l = {reach}: layers needed", needed, "==", expected, len(pairs))


@PAPER.claim(
    "circular_symmetry",
    source="Corollary 4",
    statement=r"""The $D_n$ mixer never tells $X$ from its $2n$ rotations and reflections, and tells it from every other
    permutation with hops $+ 1$ layers; the $C_n$ mixer and the circular convolution do so for the $n$ rotations.""",
    kind="numeric",
    cost="standard",
    rows=["U6"],
    controls=[
        Control("the two-sided window is taken for the one-sided one", {"two_sided": True}),
        Control("one key fewer: token 0 does not attend to token 1", {"cut": True}),
    ],
)
def circular_symmetry(trial: Trial, two_sided: bool = False, cut: bool = False) -> Iterator[Evidence]:
    """All 120 permutations of five random tokens of dimension 2, the best of 16 draws; gaps are above 1e-5 or below
    1e-13, and 1e-9 lies between."""
    import numpy as np

    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import (
        AttentionFamily,
        CircularConvolution,
        KernelAttention,
        cyclic,
        dihedral,
        sparse,
    )
    from lemmata.theory.uap.pairs import generic
    from lemmata.theory.uap.patterns import permutations_of

    mixers: dict[str, tuple[AttentionFamily, int, int]] = {
        "D_n mixer": (dihedral(5), 3, 10),
        "C_n mixer": (dihedral(5) if two_sided else cyclic(5), 5, 5),
        "circular convolution": (CircularConvolution(1), 4, 5),
    }
    for name, (family, layers, order) in mixers.items():
        if cut and isinstance(family, KernelAttention) and family.pattern is not None:
            pattern = family.pattern.copy()
            pattern[0, 1] = False
            family = sparse(pattern)
        rng = trial.torch_generator(name)
        pair = generic(rng, 5, 2)
        gaps = []
        for sigma in permutations_of(5):
            pair[1] = pair[0, sigma]
            gaps.append(search(family, pair, layers, draws=16, seed=rng).margin)
        found = np.array(gaps)
        yield Evidence(f"{name}: permutations not told apart", int((found <= 1e-9).sum()), "==", order, len(gaps))
        yield Evidence(f"{name}: gaps between 1e-12 and 1e-6", int(((found > 1e-12) & (found < 1e-6)).sum()), "==", 0)


@PAPER.claim(
    "rank_collapse",
    source="Corollary 1, numerics",
    statement=r"""Where $X$ and $Y$ share all tokens but one, the least gap of a shared token after one softmax layer is
    there at every scale of queries and keys, and out of reach of float64 at large ones: its median is above $0.01$ up
    to scale $1$, and at scale $30$ nine of ten gaps are below $10^{-12}$.""",
    kind="statistical",
    controls=[
        Control(
            "the kernel $(1 + x \\cdot y)^2$, which does not saturate, at the same scales", {"family": "polynomial"}
        )
    ],
)
def rank_collapse(trial: Trial, family: str = "softmax") -> Iterator[Evidence]:
    """2,000 draws, each with its own samples of 6 tokens of dimension 2. The median's interval ends at the order
    statistics four deviations from the middle; the share's is four standard errors wide on each side."""
    import numpy as np

    from lemmata.theory.uap.collapse import shared_token_gaps
    from lemmata.theory.uap.families import FAMILIES

    draws, aside = 2_000, 90
    for scale in (0.1, 1.0):
        gaps = np.sort(shared_token_gaps(FAMILIES[family], trial.torch_generator(), scale, draws).numpy())
        low, median, high = gaps[[draws // 2 - aside, draws // 2, draws // 2 + aside]]
        yield Evidence(f"scale {scale:g}: median gap", median, ">", 0.01, draws, interval=(low, high))
    lost = float((shared_token_gaps(FAMILIES[family], trial.torch_generator(), 30.0, draws) < 1e-12).double().mean())
    error = 4 * (lost * (1 - lost) / draws) ** 0.5
    yield Evidence("scale 30: share below 1e-12", lost, ">=", 0.9, draws, interval=(lost - error, lost + error))
