"""The mechanism as probes see it: fixed geometric offsets, and a feed-forward layer that is a lookup table."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing_multiqueue.paper import PAPER


@PAPER.claim(
    "offset_heads",
    source="Theorem 3, fixed distances",
    statement=r"""Seen from outside, in the attention pattern: no head's distance varies, all distances are $B^i - 1$ or
    $B^i - B^{i-1} - 1$ for the $B$ of the construction, and replacing a token changes the next one at these distances
    and at the newest token only.""",
    kind="numeric",
    cost="standard",
    controls=[
        Control("window − 2 heads of the same architecture that look up content instead", {"model": "content"}),
        Control("a head that looks up the tape cell under the Turing machine's head", {"model": "tape"}),
        Control("one head reads one token too late", {"shift": -1}),
    ],
)
def offset_heads(trial: Trial, model: str = "queues", shift: int = 0) -> Iterator[Evidence]:
    """The hooked network that reads all windows of PAL on 0110, with two and three levels; every token is patched by
    that of the window before. The lookups see random permutations and the cells that PAL visits."""
    import torch

    from lemmata.probes import offset_heads as probe
    from lemmata.probes.patching import dependence_profile
    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.mutants import shifted_head
    from lemmata.theory.turing.multiqueue.table import recorded_table
    from lemmata.theory.turing.multiqueue.weights import weights_of_rows
    from lemmata.toy_models.hooked.turing import content_lookup, tape_lookup
    from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer

    word, generator = "0110", trial.torch_generator()
    for levels in (2, 3):
        machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=space_used(PAL, word, 1_000))
        starts = [machine.initial(word)]
        window, base = machine.layout.window, machine.layout.base
        if model == "queues":
            texts = RecordedTexts.of(machine, starts)
            weights = weights_of_rows(machine.control, machine.layout, recorded_table(machine, starts))
            weights = shifted_head(weights, 3 * levels - 3, shift) if shift else weights  # of the largest queues
            network, windows = multiqueue_transformer(weights, texts.vocabulary), texts.windows
        elif model == "content":
            network = content_lookup(window, window, heads=window - 2)
            windows = torch.rand(200, window, generator=generator).argsort(-1)
        else:
            cells = torch.tensor([step.head for step in PAL.run(word * 3, 1_000).steps])
            windows = (cells - cells.min()).unfold(0, window, 1)
            network = tape_lookup(int(windows.max()) + 1, window)
        distances = probe.attended_distances(network, windows)
        found = probe.offset_heads(distances)
        name, heads = f"k' = {levels}", distances.shape[0] * distances.shape[1]
        yield Evidence(f"{name}: heads at a fixed distance (share)", found.fixed, "==", 1, heads)
        yield Evidence(f"{name}: heads at a geometric distance (share)", found.geometric, "==", 1, heads)
        yield Evidence(f"{name}: ratio of the distances", found.base, "==", base, heads)
        drift = probe.offset_drift(distances)
        yield Evidence(f"{name}: steps at which a distance changes (share)", drift, "==", 0, len(windows) - 1)
        profile = dependence_profile(network, windows, windows.roll(1, 0))
        read = {0, *machine.layout.distances}
        off = len(read.symmetric_difference(profile.nonzero()[:, 0].tolist()))
        yield Evidence(f"{name}: distances that matter and should not, or the reverse", off, "==", 0, window)


@PAPER.claim(
    "lookup_units",
    source="Theorem 3, the feed-forward layer",
    statement=r"""The feed-forward layer is a lookup table: as many units are ever active as rows (state, $6k'$ fronts)
    are used, in each window exactly one, and each row has its own.""",
    kind="numeric",
    cost="standard",
    controls=[
        Control("the bias of one unit one too high", {"mutant": "eager_unit"}),
        Control("one head reads one token too late", {"mutant": "shifted_head"}),
    ],
)
def lookup_units(trial: Trial, mutant: str = "") -> Iterator[Evidence]:
    """The hooked network reads all windows of PAL on 0110 with one and two levels, in one layer and in two."""
    from lemmata.probes.lookup_table import lookup_table
    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue import mutants
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.table import recorded_table
    from lemmata.theory.turing.multiqueue.weights import weights_of_rows
    from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer

    word = "0110"
    for levels in (1, 2):
        machine = MultiQueueMachine.from_turing(PAL, levels=levels, space=space_used(PAL, word, 1_000))
        starts = [machine.initial(word)]
        texts = RecordedTexts.of(machine, starts)
        weights = weights_of_rows(machine.control, machine.layout, recorded_table(machine, starts))
        weights = getattr(mutants, mutant)(weights, 0) if mutant else weights
        for layers in (1, 2):
            network = multiqueue_transformer(weights, texts.vocabulary, layers)
            found, name = lookup_table(network, texts.windows, texts.rows), f"k' = {levels}, {layers} layers"
            yield Evidence(f"{name}: units in use less rows in use", found.units - found.keys, "==", 0, found.keys)
            yield Evidence(f"{name}: mean number of active units", found.active, "==", 1, len(texts.windows))
            yield Evidence(f"{name}: rows with a unit of their own (share)", found.score, "==", 1, found.keys)
