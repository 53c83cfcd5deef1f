"""Theorem 1, with weights: the FFN half, interpolation, and the approximation that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.uap.paper import PAPER


@PAPER.claim(
    "affine_invariance",
    source="Definition 2",
    statement=r"""The FFN family of width $r$ is closed under affine maps on both sides, for every activation: with
    $h(x) = W_2 \sigma(W_1 x - b_1)$, the map $x \to W h(A x - b)$ is
    $(W W_2) \sigma((W_1 A) x - (b_1 + W_1 b))$, again of width $r$.""",
    kind="symbolic",
    rows=["U20"],
    controls=[
        Control("$b_1 - W_1 b$ as the new bias", {"sign": -1}),
        Control("the inner map on the other side, $A W_1$", {"swapped": True}),
    ],
)
def affine_invariance(trial: Trial, sign: int = 1, swapped: bool = False) -> Iterator[Evidence]:
    """Sympy, with all entries of all matrices as symbols and an unspecified activation, for d = r = 1, 2, 3: how many
    output entries differ."""
    import numpy as np
    import sympy

    from lemmata.theory.uap.ffn import between
    from lemmata.theory.uap.staircase import Units

    activation = np.vectorize(sympy.Function("sigma"), otypes=[object])
    for dim in (1, 2, 3):
        names = ("W1", "W2", "W", "A")
        w1, w2, left, right = (np.array(sympy.symbols(f"{name}_:{dim}_:{dim}")).reshape(dim, dim) for name in names)
        b1, b, x = (np.array(sympy.symbols(f"{name}_:{dim}")) for name in ("b1", "b", "x"))
        direct = left @ (w2 @ activation(_expanded(w1 @ (right @ x - b) - b1)))
        made = between(Units(w2, w1, b1), left, right, sign * b)
        inward = right @ w1 if swapped else made.input
        other = made.output @ activation(_expanded(inward @ x - made.bias))
        differ = sum(sympy.expand(one - two) != 0 for one, two in zip(direct, other, strict=True))
        yield Evidence(f"d = {dim}: entries that differ", differ, "==", 0, dim)
        yield Evidence(f"d = {dim}: hidden units", len(made.bias), "==", dim, 1)


def _expanded(vector: Any) -> Any:
    """Each entry multiplied out, so that equal arguments of the activation are the same expression."""
    import numpy as np

    return np.array([entry.expand() for entry in vector])


@PAPER.claim(
    "wide_interpolation",
    source="Proposition 1",
    statement=r"""One attention layer and one ReLU layer of width $1 + 2(M - 1) + 2d$ take $N$ samples to $N$ targets,
    $M = N n$ tokens in all: the deviation of the network with its float64 weights is proven to be below $10^{-9}$, up
    to $(d, n, N) = (4, 8, 60)$, with softmax, RBF, Linformer, SkyFormer and bias mixers.""",
    kind="enclosed",
    cost="standard",
    rows=["U10"],
    controls=[
        Control("one of the ramps left out", {"mutant": "without_ramp"}),
        Control("the weights rounded to float32", {"mutant": "single"}),
    ],
)
def wide_interpolation(trial: Trial, mutant: str = "intact") -> Iterator[Evidence]:
    """Random normal samples, targets uniform in [−1, 1]. Interval of the largest deviation in ball arithmetic at 160
    bits, attention included. (Evaluated in float64, rounding makes it 1e-14 to 1e-9: slopes are as steep as the
    clock gap is small.)"""
    from lemmata.theory.uap.enclosure import deviation
    from lemmata.theory.uap.mutants import NETWORKS

    for (dim, tokens, count), name, built, samples, targets in _built(trial, "wide"):
        case = f"({dim}, {tokens}, {count}), {name}"
        low, high = deviation(NETWORKS[mutant](built.network), samples, targets)
        yield Evidence(f"{case}: deviation", (low + high) / 2, "<", 1e-9, samples.numel(), (low, high))
        yield Evidence(f"{case}: width", built.width, "==", 2 * count * tokens - 1 + 2 * dim, 1)


@PAPER.claim(
    "narrow_interpolation",
    source="Proposition 1, for d ≥ 2",
    statement=r"""Layers $x + W \mathrm{relu}(A x - b)$ of width $d$ suffice: two sweeps of
    $1 + \lceil (M - 1 - \lfloor (d-1)/2 \rfloor) / \lfloor d/2 \rfloor \rceil$ layers each interpolate as well, with a
    proven deviation below $10^{-12}$ where no two targets tie, up to 480 layers.""",
    kind="enclosed",
    cost="standard",
    rows=["U11"],
    controls=[
        Control("no plateaus: ramps from one clock value to the next", {"rise": (0.0, 1.0)}),
        Control("one of the layers left out", {"mutant": "without_layer"}),
        Control("the constant alone in its layer, one ramp later", {"beside": 0}),
    ],
)
def narrow_interpolation(
    trial: Trial, mutant: str = "intact", rise: tuple[float, float] = (1 / 3, 2 / 3), beside: int = 1
) -> Iterator[Evidence]:
    """As for the wide form. The bound is 100 times what rounding the weights of 480 layers to float64 leaves (1e-14);
    without plateaus a layer reads the rounding errors of all before it, times its slope. In float64 the errors of
    evaluation come on top: at most 1e-6 where the clock gap exceeds 1e-5."""
    from lemmata.theory.uap.enclosure import deviation
    from lemmata.theory.uap.mutants import NETWORKS

    for (dim, tokens, count), name, built, samples, targets in _built(trial, "narrow", rise):
        case = f"({dim}, {tokens}, {count}), {name}"
        low, high = deviation(NETWORKS[mutant](built.network), samples, targets)
        yield Evidence(f"{case}: clock gap", built.clock_gap, ">", 1e-5, precondition=True)
        yield Evidence(f"{case}: deviation", (low + high) / 2, "<", 1e-12, samples.numel(), (low, high))
        yield Evidence(f"{case}: deviation in float64", built.error, "<=", 1e-6, samples.numel())
        layers = 1 - (-(count * tokens - 1 - beside * ((dim - 1) // 2)) // (dim // 2))
        yield Evidence(f"{case}: layers", built.depth, "==", 2 * layers)
        yield Evidence(f"{case}: width", built.width, "==", dim)


def _built(trial: Trial, form: str, rise: tuple[float, float] = (1 / 3, 2 / 3)) -> Iterator[Any]:
    """Interpolators of random samples: size, mixer, interpolator, samples, targets."""
    import torch

    from lemmata.theory.uap.families import FAMILIES
    from lemmata.theory.uap.interpolate import interpolate

    for size, name in CASES:
        dim, tokens, count = size
        rng = trial.rng(f"{size} {name}")
        samples = torch.from_numpy(rng.standard_normal((count, tokens, dim)))
        targets = torch.from_numpy(rng.uniform(-1, 1, (count, tokens, dim)))
        built = interpolate(samples, targets, [FAMILIES[name]], rng, form, rise=rise)
        yield size, name, built, samples, targets


#: Dimension, tokens and number of samples, and the mixer.
CASES = (
    ((2, 3, 5), "softmax"),
    ((2, 4, 20), "rbf"),
    ((2, 4, 20), "linformer"),
    ((3, 5, 20), "skyformer"),
    ((3, 5, 20), "bias"),
    ((4, 8, 60), "softmax"),
)


@PAPER.claim(
    "tied_targets",
    source="Proposition 1, for d ≥ 2",
    statement=r"""Equal targets are no obstacle to the narrow form: $k$ tokens with one target are moved apart by
    multiples of $\tau = 10^{-6}$ along the second clock, and the deviation is at most $k \tau$.""",
    kind="enclosed",
    rows=["U11"],
    controls=[Control("all multiples of $\\tau$ twice as large", {"factor": 2})],
)
def tied_targets(trial: Trial, factor: int = 1) -> Iterator[Evidence]:
    """Twelve samples of three tokens in two dimensions, with 2, 6, 18 and all 36 tokens on one target. A row of k ties
    moves its last member by (k − 1)τ, along a unit vector, so that the largest entry is between 0.7 and 1 times it."""
    import torch

    from lemmata.theory.uap.enclosure import deviation
    from lemmata.theory.uap.families import FAMILIES
    from lemmata.theory.uap.interpolate import interpolate

    tie = 1e-6
    for tied in (2, 6, 18, 36):
        rng = trial.rng(f"{tied}")
        samples = torch.from_numpy(rng.standard_normal((12, 3, 2)))
        targets = torch.from_numpy(rng.uniform(-1, 1, (36, 2)))
        targets[:tied] = targets[0]
        targets = targets[rng.permutation(36)].reshape(12, 3, 2)
        built = interpolate(samples, targets, [FAMILIES["softmax"]], rng, "narrow", tie=factor * tie)
        low, high = deviation(built.network, samples, targets)
        yield Evidence(f"{tied} tied: deviation", (low + high) / 2, "<=", tied * tie, 72, (low, high))
        yield Evidence(f"{tied} tied: deviation in float64", built.error, "<=", 1.01 * tied * tie, 72)


@PAPER.claim(
    "equivariance",
    source="Theorem 1, Corollary 2",
    statement=r"""A built network is equivariant under the symmetries of its patterns and under no others:
    $T(\sigma X) = \sigma T(X)$ for every $\sigma \in \cap_p \mathrm{Aut}(N_p)$ and every $X$, not only for
    the samples that it was built on.""",
    kind="property",
    cost="standard",
    rows=["U13"],
    controls=[
        Control("one entry of each pattern removed, the group kept", {"removed": True}),
        Control("one permutation outside of the group", {"outside": 1}),
    ],
)
def equivariance(trial: Trial, removed: bool = False, outside: int = 0) -> Iterator[Evidence]:
    """Interpolators of 6 samples of 4 tokens, wide and narrow, over the full pattern (24 symmetries), the circular
    window (8) and the sliding window (2), tested on 50 new samples and all 24 permutations: largest deviation within
    the group, least largest deviation outside of it. Sums run in another order after a permutation, and slopes of up
    to 1e4 enlarge the rounding errors: once in the wide form (1e-13 to 1e-12 over 20 seeds), several times on the way
    through the narrow one, for tokens that lie on ramps."""
    import numpy as np
    import torch

    from lemmata.theory.uap.families import sparse
    from lemmata.theory.uap.interpolate import interpolate
    from lemmata.theory.uap.patterns import automorphisms, circular_window, full, permutations_of, window

    everything = [tuple(row) for row in permutations_of(4).tolist()]
    patterns = {"full": (full(4), 1), "circular": (circular_window(4, 1), 3), "sliding": (window(4, 1), 4)}
    for name, (pattern, layers) in patterns.items():
        group = [tuple(row) for row in automorphisms(pattern).tolist()]
        used = pattern.copy()
        used[0, 1] &= not removed
        inside = group + [sigma for sigma in everything if sigma not in group][:outside]
        for form in ("wide", "narrow"):
            rng = trial.rng(f"{name} {form}")
            samples, fresh = (torch.from_numpy(rng.standard_normal((count, 4, 2))) for count in (6, 50))
            targets = torch.from_numpy(rng.uniform(-1, 1, (6, 4, 2)))
            built = interpolate(samples, targets, [sparse(used)] * layers, rng, form)
            with torch.no_grad():
                base = built.network(fresh)
                off = {
                    sigma: (built.network(fresh[:, sigma]) - base[:, sigma]).abs().max().item() for sigma in everything
                }
            case = f"{name}, {form}"
            worst = max(off[sigma] for sigma in inside)
            bound = 1e-10 if form == "wide" else 1e-6
            yield Evidence(f"{case}: deviation within the group", worst, "<=", bound, 50 * len(inside))
            others = [off[sigma] for sigma in everything if sigma not in inside]
            if others:
                yield Evidence(f"{case}: deviation outside", np.min(others), ">=", 1e-2, 50 * len(others))


@PAPER.claim(
    "lp_error",
    source="Theorem 1",
    statement=r"""Theorem 1 with weights, for an $S_2$-equivariant target on $[-1, 1]^{2 \times 2}$: with $c = 2, 4, 8$
    cells a coordinate the $L^2$ error falls from 1.1 over 0.8 to 0.46, and most of it is the continuity of the
    target over a cell. In the supremum the error does not fall: cells with repeated corner tokens and ramps keep an
    error above 1.3.""",
    kind="numeric",
    cost="standard",
    rows=["U12"],
    controls=[
        Control("ramps of half a cell", {"ramp": 0.5}),
        Control("the supremum over plateaus with distinct corners only", {"everywhere": False}),
    ],
)
def lp_error(trial: Trial, ramp: float = 0.005, everywhere: bool = True) -> Iterator[Evidence]:
    """4,000 points uniform on the cube for each c. What the network does on cells with repeated tokens, and with it the
    error, depends on the draw of its weights: over ten seeds it is 1.13, 0.80 and 0.451 with standard deviations of
    0.02, 0.014 and 0.009, and the largest error 2.0 with 0.14; every bound is four of them away or more. The continuity
    term does not depend on the draw, only on the points (standard deviation below 0.01)."""
    import torch

    from lemmata.theory.uap.approximator import approximate, split_error, swirl

    expected = {2: ((0.98, 1.28), 1.0), 4: ((0.7, 0.9), 0.716), 8: ((0.4, 0.5), 0.392)}
    count = 4_000
    for cells, (within, continuity) in expected.items():
        rng = trial.rng(f"{cells}")
        built = approximate(swirl, 2, 2, cells, rng, ramp=ramp)
        points = torch.from_numpy(rng.uniform(-1, 1, (count, 2, 2)))
        split = split_error(built, swirl, points)
        yield Evidence(f"c = {cells}: L2 error", split.total, "in", within, count)
        yield Evidence(f"c = {cells}: sum of the four terms", sum(split.terms.values()), ">=", split.total, count)
        near = (continuity - 0.05, continuity + 0.05)
        yield Evidence(f"c = {cells}: continuity term", split.continuity, "in", near, count)
        yield Evidence(f"c = {cells}: interpolation term", split.interpolation, "<=", 1e-6, count)
        largest = split.largest if everywhere else split.largest_good
        yield Evidence(f"c = {cells}: largest error", largest, ">=", 1.3, count)


@PAPER.claim(
    "lp_enclosed",
    source="Theorem 1",
    statement=r"""The $L^2$ error over the whole cube, not over points of it: from $c = 2$ to $c = 4$ it falls by more
    than 0.1, proven in ball arithmetic on cells that follow the network's own plateaus and ramps.""",
    kind="enclosed",
    cost="standard",
    rows=["U12"],
    controls=[
        Control("the target's two coordinates exchanged", {"exchanged": True}),
        Control("the fine grid no finer than the coarse one", {"fine": 2}),
    ],
)
def lp_enclosed(trial: Trial, exchanged: bool = False, fine: int = 4) -> Iterator[Evidence]:
    """Ball arithmetic at 160 bits on 81 and 2,401 boxes, of which 200 are halved; on plateaus the network is constant
    and the target enters by closed-form means. The intervals are about 0.01 and 0.08 wide; what the networks do on
    ramps makes most of that."""
    from lemmata.theory.uap.approximator import approximate, swirl
    from lemmata.theory.uap.lp_error import enclosed_error, swirl_moments

    found = []
    for cells in (2, fine):
        rng = trial.rng(f"{cells}")
        built = approximate((lambda x: swirl(x).flip(-1)) if exchanged else swirl, 2, 2, cells, rng)
        error = enclosed_error(built, swirl_moments, boxes=400)
        found.append(error)
        middle, ends = (error.lower + error.upper) / 2, (error.lower, error.upper)
        yield Evidence(f"c = {cells}: L2 error", middle, "<=", {2: 1.28, 4: 0.95}[cells], error.boxes, ends)
    coarse, finer = found
    fall = coarse.lower - finer.upper, coarse.upper - finer.lower
    yield Evidence("fall of the L2 error", sum(fall) / 2, ">=", 0.1, coarse.boxes + finer.boxes, fall)
