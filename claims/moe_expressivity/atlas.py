"""Charts, their partition functions, and the gate that assigns every point exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER


@PAPER.claim(
    "exact_assignment",
    source="Theorem 4.8, Layer 1",
    statement=r"""If $|\tau_i(x) - \rho_i(x)| \le \varepsilon < 1/(2\nu)$ for every chart and at most $\nu$ charts
    overlap at $x$, then $x$ lies in the chart with the largest $\tau_i(x)$; for every $\varepsilon > 1/(2\nu)$ there is
    a case where it does not.""",
    kind="property",
    rows=["ME5"],
    controls=[
        Control("errors of 1.001 times the threshold", {"factor": 1.001}),
        Control("one overlapping chart too few counted in $\\nu$", {"miscount": 1}),
    ],
)
def exact_assignment(trial: Trial, factor: float = 0.999, miscount: int = 0) -> Iterator[Evidence]:
    """5,000 partitions of unity for each overlap from 2 to 5, over overlap + 3 charts: Dirichlet of concentration 1/3,
    1, 10 and 1,000, and a fifth of them at the corner where all are 1/overlap. The shifts point the worst way (down
    inside the support, up outside) and are as long as allowed, or in half of the cases a random part of that. Then the
    explicit case just above the threshold, for overlaps from 1 to 8."""
    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.atlas import counterexample, misassigned, threshold

    rng, count, wrong, total = trial.rng(), 5_000, 0, 0
    for overlap in range(2, 6):
        charts = overlap + 3
        kinds = [rng.dirichlet(np.full(overlap, c), count // 5) for c in (1 / 3, 1, 10, 1_000)]
        inside = np.concatenate([*kinds, np.full((count // 5, overlap), 1 / overlap)])
        partition = np.zeros((count, charts))
        place = rng.permuted(np.tile(np.arange(charts), (count, 1)), axis=1)[:, :overlap]
        np.put_along_axis(partition, place, inside, 1)
        length = factor * threshold(overlap - miscount)
        size = length * np.where(rng.random((count, 1)) < 0.5, 1.0, rng.random((count, charts)))
        approximate = partition + np.where(partition > 0, -size, size)
        wrong += int(misassigned(torch.from_numpy(partition), torch.from_numpy(approximate)).sum())
        total += count
    yield Evidence("points assigned to a chart that does not contain them", wrong, "==", 0, total)
    above = sum(bool(misassigned(*counterexample(overlap, 1.001 * threshold(overlap)))) for overlap in range(1, 9))
    yield Evidence("overlaps whose explicit case just above the threshold fails", above, "==", 8, 8)


@PAPER.claim(
    "partition_network",
    source="Theorem 4.8, $m \\ge \\Omega(E^2)$",
    statement=r"""On the circle, $3E$ ReLU neurons bring all $E$ functions of a $C^{\infty}$ partition of unity within
    $1/(2\nu) = 1/4$ and assign every point exactly: the accuracy that Layer 1 needs does not depend on $E$, and width
    $O(E)$ does what the theorem allows $\Omega(E^2)$ for.""",
    kind="numeric",
    controls=[
        Control("two neurons a chart in place of three", {"segments": 1}),
        Control("the first of the $E$ approximations raised by 0.1", {"raised": 0.1}),
    ],
)
def partition_network(trial: Trial, segments: int = 2, raised: float = 0.0) -> Iterator[Evidence]:
    """4, 8, 16, 32 and 64 arcs of a circle in R^32, 20,001 points. Between points 3e-4 apart no function involved moves
    by more than 0.007 even at 64 arcs, which the measured error (0.21) leaves room for."""
    from dataclasses import replace

    import torch

    from lemmata.theory.moe_expressivity.atlas import arc_partition, misassigned
    from lemmata.theory.moe_expressivity.circle import partition_scores
    from lemmata.theory.moe_expressivity.manifolds import angles, circle, isometry

    frame = isometry(2, 32, trial.torch_generator())
    t = angles(20_001)
    x = circle(t) @ frame.T
    for charts in (4, 8, 16, 32, 64):
        scores = partition_scores(charts, segments, frame)
        constant = scores.constant.clone()
        constant[0] += raised
        approximate, partition = replace(scores, constant=constant)(x), arc_partition(t, charts)
        error = (approximate - partition).abs().max()
        yield Evidence(f"E = {charts}: largest error of a partition function", error, "<", 1 / 4, len(t))
        wrong = misassigned(partition, approximate).sum()
        yield Evidence(f"E = {charts}: points assigned outside of their chart", wrong, "==", 0, len(t))
        most = torch.count_nonzero(partition, 1).max()
        yield Evidence(f"E = {charts}: charts that overlap", most, "==", 2, len(t))
        yield Evidence(f"E = {charts}: neurons", scores.inner.shape[1], "<=", 3 * charts)


@PAPER.claim(
    "nearest_centre",
    source="Example 4.6, Corollary 4.9",
    statement=r"""With linear charts the assignment needs no partition of unity: the nearest centre is the argmax of
    $p_i \cdot x - |p_i|^2/2$, a linear gate without bias at depth 1 where all centres have one norm (circle,
    sphere, torus, projective plane, the curve with all coordinates), and $E$ neurons of Layer 1 elsewhere.""",
    kind="numeric",
    controls=[
        Control("the half squared norm left out of the scores", {"norms": False}),
        Control("the first two rows of the gate exchanged", {"swapped": True}),
    ],
)
def nearest_centre(trial: Trial, norms: bool = True, swapped: bool = False) -> Iterator[Evidence]:
    """The routes of the built networks for 4,000 random points of each manifold, moved into R^64 by a random isometry,
    against distances to the centres. Random points are nowhere near a tie: rounding moves a score by 1e-15."""
    import math

    import torch

    from lemmata.theory.moe_expressivity.approximator import atlas_network, centre_scores, single_layer
    from lemmata.theory.moe_expressivity.atlas import LinearAtlas, farthest_points
    from lemmata.theory.moe_expressivity.dimension import MANIFOLDS
    from lemmata.theory.moe_expressivity.fits import TwoLayer
    from lemmata.theory.moe_expressivity.manifolds import isometry, ring, ring_frame

    generator, count = trial.torch_generator(), 4_000
    for name, (atlas, sample) in MANIFOLDS.items():
        points = sample(count, generator)
        frame = isometry(points.shape[1], 64, generator)
        moved = atlas().embed(frame)
        zero = TwoLayer(*(torch.zeros(size).double() for size in ((moved.frames.shape[1], 1), (1,), (1, 1), (1,))))
        (layer,) = single_layer(moved, [zero] * len(moved))
        if swapped:
            layer.gate.data[[0, 1]] = layer.gate.data[[1, 0]]
        x = points @ frame.T
        wrong = (layer.route(x) != moved.nearest(x)).sum()
        yield Evidence(f"{name}: points routed elsewhere than to the nearest centre, depth 1", wrong, "==", 0, count)
    t = 2 * math.pi * torch.rand(count, 2, generator=generator, dtype=torch.float64)
    frame = isometry(3, 64, generator)
    chosen = farthest_points(ring(t), 0.9)
    moved = LinearAtlas(ring(t)[chosen], ring_frame(t[chosen])).embed(frame)
    scores = centre_scores(moved, 10.0)
    if not norms:
        scores = TwoLayer(scores.inner, torch.full_like(scores.bias, 10.0), scores.outer, scores.constant)
    zero = TwoLayer(*(torch.zeros(size).double() for size in ((2, 1), (1,), (1, 1), (1,))))
    network = atlas_network(moved, [zero] * len(moved), scores)
    x = ring(t) @ frame.T
    wrong = (network.paths(x)[:, 1] != moved.nearest(x)).sum()
    yield Evidence("ring in R^3: points routed elsewhere than to the nearest centre, depth 2", wrong, "==", 0, count)


@PAPER.claim(
    "chart_inverse",
    source="Example 4.6",
    statement=r"""On a manifold of reach $R$, charts that project the ball of radius $r = R/2$ about a centre onto its
    tangent space are injective, and their inverses have Lipschitz constants of at most
    $1/\mathrm{cos}(2 a(r/2R) + a(r/R)) \approx 1.94$ with $a$ the inverse sine; centres so dense that every point is
    within $r$ of one therefore make an atlas in which every point has a chart.""",
    kind="numeric",
    controls=[
        Control("balls of radius $1.1 R$ with the same bound", {"ratio": 1.1}),
        Control("the angle of the chord at the centre only, $1/\\mathrm{cos}(a(r/2R))$", {"chord_only": True}),
    ],
)
def chart_inverse(trial: Trial, ratio: float = 0.5, chord_only: bool = False) -> Iterator[Evidence]:
    """The projective plane (reach 1/sqrt 2 exactly, Veronese) and the torus of revolution with radii 2 and 1 (reach 1),
    centres farthest from one another among 2,500 points; distances of 2,500 other points against their images, for
    all pairs in a ball. The centres cover with radius 0.35 R, so that a gap between sampled points does not matter."""
    import math

    import torch

    from lemmata.theory.moe_expressivity.atlas import (
        LinearAtlas,
        farthest_points,
        inverse_lipschitz,
        inverse_lipschitz_bound,
        projective_atlas,
    )
    from lemmata.theory.moe_expressivity.manifolds import PROJECTIVE_REACH, ring, ring_frame, sphere, veronese

    generator = trial.torch_generator()
    lines = sphere(5_000, generator)
    t = 2 * math.pi * torch.rand(5_000, 2, generator=generator, dtype=torch.float64)
    bound = 1 / math.cos(math.asin(0.25)) if chord_only else inverse_lipschitz_bound(0.5)
    for name, points, reach in (("projective plane", veronese(lines), PROJECTIVE_REACH), ("ring", ring(t), 1.0)):
        chosen = farthest_points(points[:2_500], 0.35 * reach)
        if name == "ring":
            atlas = LinearAtlas(points[chosen], ring_frame(t[chosen]))
        else:
            atlas = projective_atlas(lines[chosen])
        away = torch.cdist(points[2_500:], atlas.centres).amin(1).max()
        yield Evidence(f"{name}: farthest point from its nearest centre", away, "<=", 0.5 * reach, 2_500)
        constant, pairs = inverse_lipschitz(atlas, points[2_500:], ratio * reach)
        yield Evidence(f"{name}: largest Lipschitz constant of an inverse chart", constant.max(), "<=", bound, pairs)


@PAPER.claim(
    "overlap",
    source="Theorem 4.8, first inequality",
    statement=r"""The partition error never enters: with scores wrong by up to $0.2 < 1/(2\nu)$ the network's error
    is at most the largest error of an expert on its chart, $|f(x) - g_i(\phi_i(x))|$ for $x \in U_i$, and falls as
    $m^{-2}$. It takes charts that overlap: with experts that know their own cell only, the same wrong scores cost a
    constant.""",
    kind="numeric",
    controls=[
        Control("experts fitted on their cells, without the overlap", {"domain": 1.0}),
        Control("scores wrong by 0.3, above the threshold 1/4", {"amplitude": 0.3}),
    ],
)
def overlap(trial: Trial, domain: float = 1.5, amplitude: float = 0.195) -> Iterator[Evidence]:
    """Four arcs of the circle in R^16, the paper's target, m = 16 to 128; Layer 1 computes the partition of unity to
    within 0.005 (16 segments), and each of its outputs is then shifted by + or - the amplitude, in all 16 ways. The
    bound is the experts' own error on the charts, of 1.5 half-widths."""
    from dataclasses import replace
    from itertools import product

    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.approximator import atlas_network
    from lemmata.theory.moe_expressivity.atlas import circle_atlas
    from lemmata.theory.moe_expressivity.circle import (
        arc_error,
        arc_functions,
        circle_error,
        experiment_target,
        partition_scores,
    )
    from lemmata.theory.moe_expressivity.manifolds import isometry
    from lemmata.theory.moe_expressivity.rates import rate

    frame = isometry(2, 16, trial.torch_generator())
    atlas, scores = circle_atlas(4).embed(frame), partition_scores(4, 16, frame)
    widths, worst, outside, excess = (16, 32, 64, 128), [], 0, 0.0
    for width in widths:
        functions = arc_functions(experiment_target, 4, width, domain)
        bound, errors = arc_error(arc_functions(experiment_target, 4, width, 1.5), experiment_target, 1.5), []
        for signs in product((-1.0, 1.0), repeat=4):
            shift = amplitude * torch.tensor(signs, dtype=torch.float64)
            network = atlas_network(atlas, functions, replace(scores, constant=scores.constant + shift))
            error, misrouted = circle_error(network, experiment_target, frame, 1_001, half_widths=1.5)
            errors.append(error)
            outside += misrouted
        excess = max(excess, max(errors) / bound)
        worst.append(max(errors))
    yield Evidence("points routed outside of their chart", outside, "==", 0, 64 * 1_001)
    yield Evidence("largest error over the experts' own on the charts", excess, "<=", 1 + 1e-6, 64)
    slope = rate(np.array(widths), np.array([worst])).slope
    yield Evidence("slope of the worst error in m", slope, "in", (-2.2, -1.8), len(widths))


@PAPER.claim(
    "parameter_counts",
    source="Section 4, cost",
    statement=r"""The depth-2 network has $E[(2D+E)(D+1) + (D+E)(2D+E+1) + D] + E[m(D+E+1) + m + 1 + D + E]$ parameters,
    one expert and the gate of each layer touch an input. A dense net of width $Em$ activates about
    $E (D+2)/(D+E+2)$ times as many when $m$ is far above $D$, but fewer at $m = D$ and $E = 4$, since passing $x$ on
    costs about $4D^2$; with a linear gate at depth 1 that cost is gone.""",
    kind="exact",
    controls=[
        Control("$D$ hidden neurons counted for passing $x$ on instead of $2D$", {"pass_neurons": 1}),
        Control("the gates left out", {"gates": 0}),
    ],
)
def parameter_counts(trial: Trial, pass_neurons: int = 2, gates: int = 1) -> Iterator[Evidence]:
    """Modules are built for D = 2, 16 and 64, E = 3 and 6, m = 8 and 40, and their arrays counted; so are depth-1
    networks with merged and with separate charts."""
    from lemmata.theory.moe_expressivity.approximator import (
        atlas_active_parameters,
        atlas_parameters,
        dense_parameters,
        single_layer,
        with_encoder,
    )
    from lemmata.theory.moe_expressivity.atlas import circle_atlas
    from lemmata.theory.moe_expressivity.circle import arc_functions, circle_network, experiment_target
    from lemmata.theory.moe_expressivity.manifolds import isometry

    generator, wrong, modules = trial.torch_generator(), 0, 0
    for d in (2, 16, 64):
        frame = isometry(2, d, generator)
        for e in (3, 6):
            for m in (8, 40):
                network = circle_network(experiment_target, e, m, frame)
                hidden = pass_neurons * d + e
                first, second = hidden * (d + 1) + (d + e) * (hidden + 1), m * (d + e + 1) + m + 1
                gate = gates * (e * d + e * (d + e))
                wrong += network.total_parameters != e * (first + second) + gate
                wrong += network.active_parameters != first + second + gate
                wrong += network.total_parameters != atlas_parameters(d, e, m)
                wrong += network.active_parameters != atlas_active_parameters(d, e, m)
                atlas, functions = circle_atlas(e).embed(frame), arc_functions(experiment_target, e, m)
                merged, apart = single_layer(atlas, functions), with_encoder(atlas, functions)
                wrong += merged.active_parameters != m * (d + 1) + m + 1 + gates * e * d
                wrong += apart.active_parameters != 2 * (d + 1) + 3 * m + m + 1 + gates * e * d
                modules += 3
    yield Evidence("counts off their formula", wrong, "==", 0, 2 * modules)
    d, e = 64, 4
    ratio = dense_parameters(d, e * 10**7) / atlas_active_parameters(d, e, 10**7)
    yield Evidence(
        "D = 64, E = 4, m = 10^7: dense over active", ratio, "in", (0.999 * e * 66 / 70, 1.001 * e * 66 / 70)
    )
    ratio = dense_parameters(d, e * d) / atlas_active_parameters(d, e, d)
    yield Evidence("D = 64, E = 4, m = 64: dense over active, depth 2", ratio, "<", 0.8)
    ratio = dense_parameters(d, e * d) / (d * (d + 1) + d + 1 + e * d)
    yield Evidence("D = 64, E = 4, m = 64: dense over active, depth 1", ratio, ">", 3.5)
