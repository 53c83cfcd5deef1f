"""How many pieces: the deep constructions counted exactly, the upper bound, and what else reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from lemmata.claims.framework import Control, Correction, Evidence, Trial
from lemmata.claims.moe_expressivity.paper import PAPER

if TYPE_CHECKING:
    from lemmata.theory.moe_expressivity.deep import GateForm

LARGEST = 4096
SHOWN = ((8, 4), (4, 6), (2, 12))


def sizes(largest: int = LARGEST) -> list[tuple[int, int]]:
    """All (E, L) with E, L ≥ 2 and E^L ≤ `largest`."""
    pairs = [(experts, blocks) for experts in range(2, largest) for blocks in range(2, 13)]
    return [(experts, blocks) for experts, blocks in pairs if experts**blocks <= largest]


@PAPER.claim(
    "deep_pieces",
    source="Theorem 5.3",
    statement=r"""The mixture of depth $2L$ with $E$ experts a layer and bias-free linear gates has exactly $E^L$
    routing paths and $E^L$ affine pieces on $[0, E]^L$, for all $E, L \ge 2$ with $E^L \le 4096$. (One layer of $LE$
    affine experts has at most $LE$.)""",
    kind="exact",
    cost="standard",
    rows=["ME1"],
    controls=[
        Control(r"$i(i + 1)/2$ in place of $i(i - 1)/2$ in one $\tau$", {"mutant": "shift_cells"}),
        Control("one gate shown the cell of the neighbouring input", {"mutant": "read_neighbour"}),
        Control("one layer without its last expert", {"mutant": "drop_expert"}),
        Control("one expert the copy of another", {"mutant": "repeat_expert"}),
        Control(r"one $\mathrm{relu}(-y)$ not subtracted", {"mutant": "drop_sign"}),
    ],
)
def deep_pieces(trial: Trial, mutant: str = "intact") -> Iterator[Evidence]:
    """Routing regions are enumerated layer by layer from the integer weights: a region is cut by every score difference
    and by every hidden unit with a kink in it, and its parts are kept if their interior is nonempty. All cuts are
    found to be axis-parallel, so that intervals decide; for E^L up to 9 the same weights go through exact linear
    programmes instead. That the regions miss nothing is seen from their volumes, which add up to E^L.
    Affine maps are compared as integer tuples. Controls stop at E^L = 64."""
    from lemmata.theory.moe_expressivity.boxes import enumerate_boxes
    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.mutants.pieces import CUBE_MUTANTS
    from lemmata.theory.moe_expressivity.pieces import count, summarise

    tried = sizes(LARGEST if mutant == "intact" else 64)
    off_paths = off_maps = off_volume = off_depth = off_polytopes = compared = 0
    found = {}
    for experts, blocks in tried:
        moe = CUBE_MUTANTS[mutant](cubes(experts, blocks))
        boxes = enumerate_boxes(moe)
        pieces = summarise(boxes)
        found[experts, blocks] = pieces.maps
        off_paths += pieces.paths != experts**blocks
        off_maps += pieces.maps != experts**blocks
        off_depth += len(moe.layers) != 2 * blocks or not all(layer.bias_free for layer in moe.layers)
        off_volume += boxes.volume() != experts**blocks
        if experts**blocks <= 9:
            compared += 1
            off_polytopes += count(moe, "polytopes") != pieces
    for experts, blocks in SHOWN:
        if (experts, blocks) in found:
            name = f"pieces at (E, L) = ({experts}, {blocks}), where LE = {experts * blocks}"
            yield Evidence(name, found[experts, blocks], "==", experts**blocks)
    yield Evidence("sizes whose number of pieces is not E^L", off_maps, "==", 0, len(tried))
    yield Evidence("sizes whose number of paths is not E^L", off_paths, "==", 0, len(tried))
    yield Evidence("sizes of another depth than 2L, or with a bias in a gate", off_depth, "==", 0, len(tried))
    yield Evidence("sizes whose regions do not fill the domain", off_volume, "==", 0, len(tried))
    yield Evidence("sizes at which linear programmes count otherwise", off_polytopes, "==", 0, compared)


@PAPER.claim(
    "deep_values",
    source="Theorem 5.3",
    statement=r"""The same mixture computes $\sum_l f_{l,i_l}(x_l)$ exactly, $x_l \in [i_l - 1, i_l]$, borders included
    where $f_l$ is continuous, and as a float64 network without any rounding.""",
    kind="exact",
    cost="standard",
    rows=["ME1"],
    controls=[
        Control(r"one gate with $-\tau_1$ for $\tau_1$", {"mutant": "negate_gate"}),
        Control(r"one $\mathrm{relu}(-y)$ not subtracted", {"mutant": "drop_sign"}),
        Control("an offset that breaks the continuity of one target at one border", {"jump": 1}),
    ],
)
def deep_values(trial: Trial, mutant: str = "intact", jump: int = 0) -> Iterator[Evidence]:
    """E = 2, 3, 4 and L = 1, 2, 3 with random slopes and continuous offsets: two random dyadic points of every cell,
    and the corners of all cells, in Fractions layer by layer and by the float64 modules, against the definition of the
    target. At a corner the target's cell is the upper one, the gate's (lowest index on a tie) the lower one."""
    from fractions import Fraction
    from itertools import product

    import numpy as np
    import torch

    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.mutants.pieces import CUBE_MUTANTS

    rng = trial.rng()
    points_seen = wrong = wrong_path = wrong_float = 0
    for experts, blocks in product((2, 3, 4), (1, 2, 3)):
        slopes = np.stack([rng.permutation(np.arange(-experts, experts + 1))[:experts] for _ in range(blocks)])
        steps = np.cumsum((slopes[:, :-1] - slopes[:, 1:]) * np.arange(1, experts), 1)
        offsets = np.concatenate([np.zeros((blocks, 1), np.int64), steps], 1) - 1
        offsets[0, -1] += jump
        moe = CUBE_MUTANTS[mutant](cubes(experts, blocks, slopes, offsets))
        cells = np.array(list(product(range(experts), repeat=blocks)))
        inside = np.concatenate([cells * 64 + rng.integers(1, 64, cells.shape) for _ in range(2)])
        points = np.concatenate([inside, cells * 64])
        states = torch.zeros(len(points), 2 * blocks, dtype=torch.float64)
        states[:, :blocks] = torch.from_numpy(points / 64)
        with torch.no_grad():
            floats = moe.to_torch()(states)[:, blocks:].sum(1).tolist()
        for point, value in zip(points.tolist(), floats, strict=True):
            x = [Fraction(coordinate, 64) for coordinate in point]
            cell = [coordinate // 64 for coordinate in point]
            pairs = [(int(slopes[j, i]), int(offsets[j, i])) for j, i in enumerate(cell)]
            target = sum((a * z + b for (a, b), z in zip(pairs, x, strict=True)), Fraction(0))
            (output,), path = moe.at(x)
            wrong += output != target
            wrong_float += Fraction(value) != output
            wrong_path += all(c % 64 for c in point) and list(path[1::2]) != cell
            points_seen += 1
    yield Evidence("points with another value than the target's", wrong, "==", 0, points_seen)
    yield Evidence("points inside a cell with another path than its indices", wrong_path, "==", 0, points_seen)
    yield Evidence("points where the float64 network rounds", wrong_float, "==", 0, points_seen)


@PAPER.claim(
    "affine_gate",
    source="Section 5, the role of the odd layers",
    statement=r"""With a bias in the gate (or a constant coordinate) depth $L$ suffices for the same $E^L$ pieces on
    cubes: the odd layers are needed because the gate has no bias, not because it is linear.""",
    kind="exact",
    cost="standard",
    rows=["ME1"],
    controls=[
        Control("the biases of the gates left out", {"bias": False}),
        Control("the odd layers are needed, as the paper explains them: depth $L$ falls short", {"depth": 2}, True),
    ],
    correction=Correction(
        paper_says="A linear gate cannot tell the pieces of a nonlinear partition apart, so that each routed layer "
        r"needs a layer in front of it: depth $2L$.",
        true_is=r"Cells of boxes, arcs and hemispheres are convex: on $[0, E]^L$ an affine gate routes exactly at "
        "depth $L$. The layer in front is needed for cells that are not convex, or for gates without a bias.",
    ),
)
def affine_gate(trial: Trial, bias: bool = True, depth: int = 1) -> Iterator[Evidence]:
    """As `deep_pieces`, with depth L, for all E^L up to 1024. The literal control asks for depth 2L."""
    from dataclasses import replace

    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.pieces import count

    tried = sizes(1024 if bias else 64)
    off = off_depth = 0
    for experts, blocks in tried:
        moe = cubes(experts, blocks, gate="affine")
        if not bias:
            layers = tuple(replace(layer, gate=layer.gate * ([1] * layer.width_in + [0])) for layer in moe.layers)
            moe = replace(moe, layers=layers)
        off += count(moe, "boxes").maps != experts**blocks
        off_depth += len(moe.layers) < depth * blocks
    yield Evidence("sizes whose number of pieces is not E^L", off, "==", 0, len(tried))
    yield Evidence(f"sizes of depth below {'' if depth == 1 else depth}L", off_depth, "==", 0, len(tried))


@PAPER.claim(
    "digits",
    source="Section 5, derived: composition on one input",
    statement=r"""$L$ layers of $E$ affine experts on one number $z \in [0, 1)$ have $E^L$ pieces: piece $j$ is
    $[j E^{-L}, (j + 1) E^{-L}]$, its path is $j$ in base $E$ and its map $E^L z - j$. A net on one input with $M$
    hinges has at most $M + 1$ pieces, so that this count is out of reach for $O(LE)$ neurons of one layer.""",
    kind="exact",
    cost="standard",
    rows=["ME2"],
    controls=[
        Control("one expert of the last layer passes $E z - 2$ for $E z - 1$", {"mutant": "shift_digit"}),
        Control("one score of the last gate lower by 1", {"mutant": "skew_gate"}),
    ],
)
def digits(trial: Trial, mutant: str = "intact") -> Iterator[Evidence]:
    """All E, L ≥ 2 with E^L ≤ 4096; regions enumerated from the weights as in `deep_pieces`, then every end, path and
    map compared with the formula. Bias-free gates with a constant carried in the state: E^L ≤ 64."""
    import numpy as np

    from lemmata.theory.moe_expressivity import deep
    from lemmata.theory.moe_expressivity.boxes import enumerate_boxes
    from lemmata.theory.moe_expressivity.mutants.pieces import DIGIT_MUTANTS
    from lemmata.theory.moe_expressivity.pieces import count

    tried = sizes(LARGEST if mutant == "intact" else 64)
    wrong = off = pieces = 0
    found = {}
    for experts, depth in tried:
        moe = DIGIT_MUTANTS[mutant](deep.digits(experts, depth))
        boxes = enumerate_boxes(moe)
        number = (boxes.path * experts ** np.arange(depth - 1, -1, -1)).sum(1)
        total = experts**depth
        at = [boxes.low[:, 0, 0] * total == number * boxes.low[:, 0, 1]]
        at += [boxes.high[:, 0, 0] * total == (number + 1) * boxes.high[:, 0, 1]]
        at += [boxes.form[:, 0, 0] == total * boxes.denominator, boxes.form[:, 0, 1] == -number * boxes.denominator]
        wrong += int((~np.logical_and.reduce(at)).sum())
        pieces += len(boxes)
        found[experts, depth] = count(moe, "boxes").maps
        off += found[experts, depth] != total
        if total <= 64:
            linear = DIGIT_MUTANTS[mutant](deep.digits(experts, depth, gate="linear"))
            off += count(linear, "polytopes").maps != total or not all(layer.bias_free for layer in linear.layers)
    for size in SHOWN:
        if size in found:
            yield Evidence(f"pieces at (E, L) = {size}", found[size], "==", size[0] ** size[1])
    yield Evidence("sizes whose number of pieces is not E^L", off, "==", 0, len(tried))
    yield Evidence("pieces off the formula", wrong, "==", 0, pieces)


@PAPER.claim(
    "upper_bound",
    source="Section 5, the naive bound",
    statement=r"""With affine experts, a mixture of depth $L$ with $E$ experts a layer has at most $E^L$ affine pieces,
    and one layer of $N$ experts at most $N$: so $E^L$ is optimal, and one layer of $LE$ experts cannot reach it.""",
    kind="property",
    cost="standard",
    rows=["ME3"],
    controls=[Control("two ReLU units in every expert", {"hidden": 2})],
)
def upper_bound(trial: Trial, hidden: int | None = None) -> Iterator[Evidence]:
    """Fifteen random mixtures a size on [−1, 1]², weights from −9 to 9, counted by exact linear programmes. The largest
    count is far below E^L: the bound needs the construction. The enumeration follows paths and maps of affine experts
    one to one, and so could not exceed E^L if it were wrong; the pieces are therefore also counted from below by
    another route, the gradients of the outputs by finite differences at 81 points of a rational grid, evaluated in
    Fractions. (h = 1/10^6; a difference across a border is not a gradient, and is dropped where the paths of the three
    points differ.) They must not exceed the enumeration either. The control stops at depth 2."""
    from lemmata.theory.moe_expressivity.obstructions import random_moe, sampled_maps
    from lemmata.theory.moe_expressivity.pieces import count

    rng = trial.rng()
    for experts, depth in ((2, 1), (6, 1), (2, 2), (3, 2), (2, 4), (3, 3), (4, 3)):
        if hidden is not None and depth > 2:
            continue
        moes = [random_moe(experts, depth, 2, rng, hidden=hidden) for _ in range(15)]
        counts = [count(moe) for moe in moes]
        seen = [sampled_maps(moe) for moe in moes[:5]]
        name = f"(E, L) = ({experts}, {depth}): most pieces"
        yield Evidence(name, max(found.maps for found in counts), "<=", experts**depth, len(counts))
        yield Evidence(f"{name[:-7]} paths", max(found.paths for found in counts), "<=", experts**depth, len(counts))
        yield Evidence(f"{name[:-7]} pieces on a grid", max(seen), "<=", experts**depth, len(seen))
        missed = sum(some > found.maps for some, found in zip(seen, counts, strict=False))
        yield Evidence(f"{name[:-7]} grids with a piece that was not enumerated", missed, "==", 0, len(seen))


@PAPER.claim(
    "repeats",
    source="Theorem 5.3, derived: when it has fewer pieces",
    statement=r"""If experts of a block coincide, the vector of the $L$ values has $\prod_l d_l$ pieces, $d_l$ the
    number of different experts of block $l$; the number of paths stays $E^L$.""",
    kind="exact",
    rows=["ME4"],
    controls=[
        Control("every expert counted, repeats included", {"repeats_count": True}),
        Control("different slopes counted, offsets ignored", {"slopes_only": True}),
    ],
)
def repeats(trial: Trial, repeats_count: bool = False, slopes_only: bool = False) -> Iterator[Evidence]:
    """Forty mixtures, E = 2, 3, 4 and L = 1, 2, 3, with slopes from {0, 1} and offsets from {−1, 0, 1} at random."""
    from math import prod

    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.pieces import count

    rng = trial.rng()
    off = off_paths = fewer = cases = 0
    for _ in range(40):
        experts, blocks = int(rng.integers(2, 5)), int(rng.integers(1, 4))
        slopes, offsets = rng.integers(0, 2, (blocks, experts)), rng.integers(-1, 2, (blocks, experts))
        found = count(cubes(experts, blocks, slopes, offsets, output="vector"))
        pairs = [list(zip(a, b, strict=True)) for a, b in zip(slopes.tolist(), offsets.tolist(), strict=True)]
        kinds = [[a for a, _ in row] if slopes_only else row for row in pairs]
        expected = prod(len(row) if repeats_count else len(set(row)) for row in kinds)
        off += found.maps != expected
        off_paths += found.paths != experts**blocks
        fewer += found.maps < experts**blocks
        cases += 1
    yield Evidence("mixtures with another number of pieces than the product", off, "==", 0, cases)
    yield Evidence("mixtures with another number of paths than E^L", off_paths, "==", 0, cases)
    yield Evidence("mixtures with fewer pieces than E^L", fewer, ">=", 10, cases, precondition=True)


@PAPER.claim(
    "naive_bound",
    source="Section 5, the naive bound",
    statement=r"""$E^L$ pieces separate deep mixtures from one layer of $LE$ affine experts, but not from dense nets: if
    the target $\sum_l f_l(x_l)$ is continuous, a dense net with one hidden layer and $L(E - 1)$ hinges equals it, with
    all of its $E^L$ pieces.""",
    kind="exact",
    rows=["ME1"],
    controls=[
        Control("one hinge left out", {"drop": 1}),
        Control("$LE$ pieces as a bound for the whole network", {"naive": True}, True),
    ],
    correction=Correction(
        paper_says=r"The naive bound for $L$ layers of $E$ experts is $LE$ pieces, and $E^L$ is exponential power.",
        true_is=r"$LE$ bounds no deep network: with affine experts the bound is $E^L$ at depth $L$, and $N$ for one "
        r"layer of $N$. A dense net of one hidden layer with $L(E - 1)$ hinges reaches $E^L$ as well; composition on "
        "one input (claim digits) and jumps (claim jumps) are what it cannot do.",
    ),
)
def naive_bound(trial: Trial, drop: int = 0, naive: bool = False) -> Iterator[Evidence]:
    """Counted by the same enumeration, cut at hidden units; the affine maps of the dense net are those of the mixture,
    as sets of integer tuples. Hinges are the units of the dense net's weights that are read and have their kink inside
    the domain."""
    from lemmata.theory.moe_expressivity.boxes import enumerate_boxes
    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.obstructions import hinge_net, hinges
    from lemmata.theory.moe_expressivity.pieces import count

    for experts, blocks in ((3, 2), (4, 2), (3, 3), (8, 4)):
        net, deep = hinge_net(experts, blocks, drop=drop), cubes(experts, blocks)
        bound = experts * blocks if naive else experts**blocks
        name = f"(E, L) = ({experts}, {blocks}): pieces of the"
        yield Evidence(f"{name} deep mixture", count(deep).maps, "<=" if naive else "==", bound)
        yield Evidence(f"{name} dense net", count(net).maps, "<=" if naive else "==", bound)
        maps = [{tuple(form.ravel().tolist()) for form in enumerate_boxes(moe).form} for moe in (net, deep)]
        yield Evidence(f"{name} net that the mixture does not have", len(maps[0] - maps[1]), "==", 0, len(maps[0]))
        yield Evidence(f"{name[:-14]} hinges of the dense net", hinges(net), "==", blocks * (experts - 1) - drop)


@PAPER.claim(
    "expert_counts",
    source="Theorem 5.3, size of the network",
    statement=r"""The network of depth $2L$ has $2LE$ experts, of which $LE$ route and $LE$ are copies of $L$ shared
    ones; its modules hold as many parameters as the formulas say, in total and for each input.""",
    kind="exact",
    controls=[
        Control("a bias in each gate counted", {"gate_bias": True}),
        Control("$LE$ experts in all", {"experts_formula": "routed"}, True),
    ],
    correction=Correction(
        paper_says=r"$LE$ experts represent $E^L$ pieces.",
        true_is=r"The network has $2LE$ experts; $LE$ of them do routed work, and the $E$ experts of each odd layer "
        "are one dense layer, held E times.",
    ),
)
def expert_counts(
    trial: Trial, gate_bias: bool = False, experts_formula: Literal["all", "routed"] = "all"
) -> Iterator[Evidence]:
    """Formulas of section 4.6 of the sheet, for E, L = 2, 3, 4, against the number of elements of the torch modules and
    the number of experts counted in the layers."""
    from lemmata.theory.moe_expressivity.deep import cubes
    from lemmata.theory.moe_expressivity.layer import active_parameters, layer_parameters

    gates: list[GateForm] = ["linear", "affine"]
    cases = off_total = off_active = off_experts = off_routed = 0
    for experts in (2, 3, 4):
        for blocks in (2, 3, 4):
            for gate in gates:
                moe = cubes(experts, blocks, gate=gate)
                modules = moe.to_torch()
                state, hidden = 2 * blocks, 3 * blocks
                odd, even = (state, hidden, state + experts), (state + experts, hidden, state)
                widths = [odd, even] * blocks if gate == "linear" else [(state, hidden, state)] * blocks
                bias = gate_bias or gate == "affine"
                total = sum(layer_parameters(experts, width, bias) for width in widths)
                active = sum(active_parameters(experts, width, bias) for width in widths)
                all_experts = len(widths) * experts
                off_total += total != modules.total_parameters
                off_active += active != modules.active_parameters
                counted = blocks * experts if experts_formula == "routed" else all_experts
                off_experts += counted != sum(layer.experts.count for layer in modules)
                off_routed += moe.routed_experts != blocks * experts
                cases += 1
    yield Evidence("networks off the formula for all parameters", off_total, "==", 0, cases)
    yield Evidence("networks off the formula for active parameters", off_active, "==", 0, cases)
    yield Evidence("networks off the number of experts", off_experts, "==", 0, cases)
    yield Evidence("networks whose routed experts are not LE", off_routed, "==", 0, cases)
