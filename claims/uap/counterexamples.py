"""What the assumptions are for: families and samples that miss one of them."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.uap.paper import PAPER


@PAPER.claim(
    "moments",
    source="Corollary 1, what polynomial kernels miss",
    statement=r"""With the kernel $(1 + x \cdot y)^p$, one layer sees the other tokens through their moments of degree
    $\le p + 1$: a token shared by two Prouhet-Tarry-Escott samples of order $K$ gets the same vector for all weights if
    $p + 1 \le K$, and different vectors otherwise.""",
    kind="exact",
    rows=["U8"],
    controls=[
        Control("one more moment agrees: $p \\le K$", {"shift": 1}),
        Control("one of the numbers of the set is one larger", {"moved": True}),
    ],
)
def moments(trial: Trial, shift: int = 0, moved: bool = False) -> Iterator[Evidence]:
    """Rational weights, twenty for each p = 0, …, 3 and K = 1, 2, 3, in exact arithmetic; weights whose normaliser is 0
    are drawn again. Equality is for all twenty. Where the vectors may differ, a matrix of low rank can hide it, and at
    least half have to show it."""
    from lemmata.theory.uap.counterexamples import exact_attention, moment_twins, random_rationals

    rng = trial.rng()
    for order in (1, 2, 3):
        x, y = moment_twins(order)
        if moved:
            y[-1] += [1, 0]
        for degree in (0, 1, 2, 3):
            equal = tried = 0
            while tried < 20:
                weights = [random_rationals(rng, 2, 2) for _ in range(3)]
                try:
                    left, right = (exact_attention(sample, *weights, degree=degree)[0] for sample in (x, y))
                except ZeroDivisionError:
                    continue
                equal, tried = equal + bool((left == right).all()), tried + 1
            name = f"K = {order}, p = {degree}: weights that merge the shared token"
            if degree + 1 <= order + shift:
                yield Evidence(name, equal, "==", 20, 20)
            else:
                yield Evidence(name, equal, "<=", 10, 20)


@PAPER.claim(
    "second_moments",
    source="Corollary 1, what un-normalised linear attention misses",
    statement=r"""Un-normalised linear attention sees a sample through $X X^T$ alone, at every depth: two samples with
    one $X X^T$ keep it, and a token that they share stays shared.""",
    kind="exact",
    rows=["U9"],
    controls=[
        Control("normalised, $k(x, y) = 1 + x \\cdot y$", {"degree": 1}),
        Control("cosine and sine $3/5, 4/5$ replaced by $3/5, 3/5$", {"sine": 3}),
    ],
)
def second_moments(trial: Trial, degree: int | None = None, sine: int = 4) -> Iterator[Evidence]:
    """Two tokens rotated into each other by the rational angle (3/5, 4/5), ten random rational weights, three layers,
    exact arithmetic."""
    from fractions import Fraction

    from lemmata.theory.uap.counterexamples import exact_attention, random_rationals, rotation_twins

    rng = trial.rng()
    start = rotation_twins(sin=Fraction(sine, 5))
    for layers in (1, 2, 3):
        tokens = squares = 0
        for _ in range(10):
            x, y = start
            for _ in range(layers):
                weights = [random_rationals(rng, 2, 2) for _ in range(3)]
                x, y = (sample + exact_attention(sample, *weights, degree=degree) for sample in (x, y))
            tokens += bool((x[0] != y[0]).any())
            squares += bool((x.T @ x != y.T @ y).any())
        yield Evidence(f"{layers} layers: weights that part the shared token", tokens, "==", 0, 10)
        yield Evidence(f"{layers} layers: weights that part the second moments", squares, "==", 0, 10)
    differ = sum(bool((a != b).any()) for a, b in zip(*start, strict=True))
    yield Evidence("tokens that differ at the start", differ, "==", 2, 4)


@PAPER.claim(
    "hardmax",
    source="Theorem 2, analyticity in the parameters",
    statement=r"""One hardmax layer tells every two of four samples $(t, a_i, b_j)$ apart and never all four: whichever
    of the $a_i, b_j$ has the largest score is in two of them, which then coincide at $t$. One softmax layer tells all
    four apart.""",
    kind="statistical",
    rows=["U17"],
    controls=[
        Control("softmax in place of hardmax", {"family": "softmax"}),
        Control("three of the samples", {"samples": 3}),
    ],
)
def hardmax(trial: Trial, family: str = "hardmax", samples: int = 4) -> Iterator[Evidence]:
    """20,000 draws. Each pair is told apart in more than 40 % of them (the least is 46 %, with a standard error of 0.4
    %); the tokens that coincide do so to the last bit."""
    from itertools import combinations

    from lemmata.theory.uap.counterexamples import HARDMAX_QUADRUPLE
    from lemmata.theory.uap.distinguish import ROUNDING, search
    from lemmata.theory.uap.families import FAMILIES

    draws, rng = 20_000, trial.torch_generator()
    for pair in combinations(range(samples), 2):
        gaps = search(FAMILIES[family], HARDMAX_QUADRUPLE[list(pair)], draws=draws, seed=rng).gaps
        share = float((gaps > ROUNDING).double().mean())
        yield Evidence(f"samples {pair[0]} and {pair[1]}: share of draws that part them", share, ">", 0.4, draws)
    gaps = search(FAMILIES[family], HARDMAX_QUADRUPLE[:samples], draws=draws, seed=rng).gaps
    yield Evidence(f"draws that part all {samples}", int((gaps > ROUNDING).sum()), "==", 0, draws)
    gaps = search(FAMILIES["softmax"], HARDMAX_QUADRUPLE, draws=2_000, seed=rng).gaps
    yield Evidence("softmax: draws that do not part all four", int((gaps <= ROUNDING).sum()), "==", 0, 2_000)


@PAPER.claim(
    "joint_analyticity",
    source="Theorem 2, a uniform number of layers",
    statement=r"""A family can be analytic in $\theta$ for each $X$, tell every two of four samples apart with two
    layers, and never all four: that $m$ layers for pairs are $m$ layers for finite sets takes analyticity in $(X,
    \theta)$ for $m \ge 2$. Three layers do tell the four apart.""",
    kind="numeric",
    rows=["U18"],
    controls=[
        Control("two layers tell all four apart", {"four": "apart"}, literal=True),
        Control("three layers", {"layers": 3}),
        Control("the second layer without its ReLU", {"linear": True}),
    ],
    correction=Correction(
        r"If $m$ layers tell pairs apart and $g(X; \theta)$ is analytic in $\theta$, $m$ layers tell finite sets.",
        (
            r"The composition of $m \ge 2$ layers is analytic in the parameters if $g$ is analytic in $(X, \theta)$, "
            r"as it is in all corollaries; analyticity in $\theta$ alone is not enough."
        ),
    ),
)
def joint_analyticity(
    trial: Trial, four: str = "together", layers: int = 2, linear: bool = False
) -> Iterator[Evidence]:
    """The clock family on four samples of two tokens, 4,000 draws. Two samples that no clock serves stay equal to the
    last bit in a token."""
    from itertools import combinations

    from lemmata.theory.uap.counterexamples import Clock, clock_quadruple
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.mutants import LinearClock

    family, samples, rng = LinearClock() if linear else Clock(), clock_quadruple(), trial.torch_generator()
    for pair in combinations(range(4), 2):
        gap = search(family, samples[list(pair)], 2, draws=4_000, seed=rng).margin
        yield Evidence(f"samples {pair[0]} and {pair[1]}: best gap with 2 layers", gap, ">", 0.1, 4_000)
    gap = search(family, samples, layers, draws=4_000, seed=rng).margin
    relation, bound = ("==", 0.0) if four == "together" else (">", 1e-3)
    yield Evidence(f"all four: best gap with {layers} layers", gap, relation, bound, 4_000)
    gap = search(family, samples, 3, draws=4_000, seed=rng).margin
    yield Evidence("all four: best gap with 3 layers", gap, ">", 0.01, 4_000)


@PAPER.claim(
    "feedforward_first",
    source="Definition 3, sufficient and not necessary",
    statement=r"""Attention with a constant kernel misses Definition 3 at every depth, for samples that share a token
    and the mean; one token-wise layer before it makes it tell them apart. Definition 3 is sufficient for the universal
    approximation property, and not necessary.""",
    kind="numeric",
    rows=["U19"],
    controls=[
        Control("the token-wise layer is affine", {"affine": True}),
        Control("the samples share a token and not the mean", {"kind": "shared token"}),
    ],
)
def feedforward_first(trial: Trial, affine: bool = False, kind: str = "same mean") -> Iterator[Evidence]:
    """Ten pairs of samples of 4 tokens of dimension 2, one to four attention layers, the best of 64 draws each; then
    the layer ``x + W relu(Ax − b)`` before one attention layer."""
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import FAMILIES, FeedForward
    from lemmata.theory.uap.mutants import AffineFeedForward
    from lemmata.theory.uap.pairs import PAIRS

    rng, constant = trial.torch_generator(), FAMILIES["constant"]
    pairs = [PAIRS[kind](rng, 4, 2) for _ in range(10)]
    for layers in (1, 2, 3, 4):
        gap = max(search(constant, pair, layers, seed=rng).margin for pair in pairs)
        yield Evidence(f"{layers} attention layers: largest gap", gap, "<=", 1e-13, len(pairs))
    first = AffineFeedForward() if affine else FeedForward()
    gap = min(search([first, constant], pair, 2, seed=rng).margin for pair in pairs)
    yield Evidence("a token-wise layer first: least of the best gaps", gap, ">", 1e-6, len(pairs))


@PAPER.claim(
    "zero_token",
    source="Corollary 1, samples without zero tokens",
    statement=r"""A zero token weighs all keys alike in one layer of softmax attention: if two samples share it and the
    mean, it stays shared. A second layer parts them.""",
    kind="numeric",
    controls=[
        Control("the shared token has length $0.1$ or more", {"kind": "same mean"}),
        Control("the RBF kernel", {"family": "rbf"}),
    ],
)
def zero_token(trial: Trial, kind: str = "zero token", family: str = "softmax") -> Iterator[Evidence]:
    """Ten pairs of samples of 4 tokens of dimension 2, the best of 64 draws."""
    from lemmata.theory.uap.distinguish import search
    from lemmata.theory.uap.families import FAMILIES
    from lemmata.theory.uap.pairs import PAIRS

    rng = trial.torch_generator()
    pairs = [PAIRS[kind](rng, 4, 2) for _ in range(10)]
    one, two = ([search(FAMILIES[family], pair, m, seed=rng).margin for pair in pairs] for m in (1, 2))
    yield Evidence("one layer: largest gap", max(one), "<=", 1e-12, len(pairs))
    yield Evidence("two layers: least of the best gaps", min(two), ">", 1e-6, len(pairs))
