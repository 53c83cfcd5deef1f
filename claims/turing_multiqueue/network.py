"""The network: a certificate for recorded rows, what it rejects, and heads spread over layers."""

from __future__ import annotations

from collections.abc import Iterator

from lemmata.claims.framework import Control, Evidence, Trial
from lemmata.claims.turing_multiqueue.paper import PAPER


@PAPER.claim(
    "certificate",
    source="Theorem 3",
    statement=r"""Proved from the weights: every head's score leads at distance $m_q - 1$ in every window of at least
    $B^{k'}$ tokens, and every recorded row is continued rightly and without a tie whatever the rest of the window
    holds. Recorded rows only, and one tape.""",
    kind="exact",
    cost="standard",
    rows=["T16", "T17"],
    controls=[
        Control("one head reads one token too late", {"mutant": "shifted_head"}),
        Control("the sign of one unit's output flipped", {"mutant": "flipped_unit"}),
        Control("the bias of one unit one too high", {"mutant": "eager_unit"}),
    ],
)
def certificate(trial: Trial, mutant: str = "") -> Iterator[Evidence]:
    """Rows are recorded from runs of INC on 1011 and 11 and of PAL on 0110, with one and two levels, and compiled to
    rules. For each row the units and logits are computed from the weights for all that a window can hold besides."""
    from lemmata.theory.turing.library import INC, PAL
    from lemmata.theory.turing.multiqueue import mutants
    from lemmata.theory.turing.multiqueue.certificate import certify_weights
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules

    for turing, words in ((INC, ("1011", "11")), (PAL, ("0110",))):
        for levels in (1, 2):
            space = max(space_used(turing, word, 1_000) for word in words)
            machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space)
            starts = [machine.initial(word) for word in words]
            weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, starts))
            weights = getattr(mutants, mutant)(weights, 0) if mutant else weights
            found = certify_weights(machine, recorded_table(machine, starts), weights)
            name = f"{turing.name}, k' = {levels}"
            yield Evidence(f"{name}: least lead of a head's score", found.head_lead, ">=", 1, machine.layout.queues)
            yield Evidence(f"{name}: rows with two continuations", found.conflicts, "==", 0, found.rows)
            yield Evidence(f"{name}: rows continued wrongly", found.wrong, "==", 0, found.cases)


@PAPER.claim(
    "certificate_rejects",
    source="Theorem 3",
    statement=r"""Of the networks with one weight changed, the certificate rejects exactly those that continue a
    recorded row wrongly in some window.""",
    kind="exact",
    cost="standard",
    rows=["T17"],
    controls=[Control("the recorded run itself in place of the certificate", {"checker": "run"})],
)
def certificate_rejects(trial: Trial, checker: str = "certificate") -> Iterator[Evidence]:
    """A machine that appends a 1, on 11 with one level: every 97th of 24,933 weights, from a random one on; each 0
    becomes 1 and each other weight 0. The literal decoder runs every row in windows in which each symbol and state
    stands at each place that the row leaves free. All of the changes are made in a slow test."""
    import numpy as np

    from lemmata.theory.turing.machine import TuringMachine
    from lemmata.theory.turing.multiqueue.certificate import certify_weights
    from lemmata.theory.turing.multiqueue.decode import encode, prompt
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import errs, row_windows, space_used
    from lemmata.theory.turing.multiqueue.mutants import single_changes
    from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules

    turing, word, every = TuringMachine.from_table("a1→a1R, a#→b1L, b1→H1R", name="append"), "11", 97
    machine = MultiQueueMachine.from_turing(turing, levels=1, space=space_used(turing, word, 100))
    start = machine.initial(word)
    table = recorded_table(machine, [start])
    weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start]))
    suites = [row_windows(weights, machine.layout, table, fill) for fill in range(len(weights.states))]
    text = encode(weights, [*prompt(machine, start), *((step.pushes, step.after) for step in machine.steps(start))])
    window = machine.layout.window
    run = np.lib.stride_tricks.sliding_window_view(text[:-1], window, axis=0).swapaxes(1, 2), text[window:]
    total = rejected = passed_and_errs = rejected_and_sound = 0
    for _, changed in single_changes(weights, int(trial.rng().integers(every)), every):
        total += 1
        passes = not errs(changed, *run) if checker == "run" else certify_weights(machine, table, changed).proved
        wrong = any(errs(changed, *suite) for suite in suites)
        rejected += not passes
        passed_and_errs += passes and wrong
        rejected_and_sound += not passes and not wrong
    yield Evidence("changes that pass and alter a row", passed_and_errs, "==", 0, total)
    yield Evidence("changes that are rejected and alter no row", rejected_and_sound, "==", 0, total)
    yield Evidence("changes that are rejected", rejected, "in", (1, total - 1), total)


@PAPER.claim(
    "head_layer_product",
    source="Theorem 3, head-layer product K",
    statement=r"""The $K = 6k'$ heads may stand in one layer or be spread over $L$ layers of $K/L$ heads, for every $L$
    that divides $K$, with the feed-forward layer after the last: the logits are the same.""",
    kind="numeric",
    cost="standard",
    controls=[
        Control("the feed-forward layer after the first group of heads", {"early": True}),
        Control("the last head one token off", {"shift": -1}),
    ],
)
def head_layer_product(trial: Trial, early: bool = False, shift: int = 0) -> Iterator[Evidence]:
    """PAL on 0110 with two levels, K = 12, in 1, 2, 3, 4, 6 and 12 layers of the hooked network: the logits after every
    window of the run are compared with the literal decoder's (sums of small integers, exact in float32), and so is the
    text that the network writes from the prompt."""
    import numpy as np
    import torch

    from lemmata.theory.turing.library import PAL
    from lemmata.theory.turing.multiqueue.decode import embed, encode, factor_logits
    from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
    from lemmata.theory.turing.multiqueue.measure import space_used
    from lemmata.theory.turing.multiqueue.mutants import shifted_head
    from lemmata.theory.turing.multiqueue.table import recorded_rules
    from lemmata.theory.turing.multiqueue.weights import weights_of_rules
    from lemmata.toy_models.hooked.base import greedy
    from lemmata.toy_models.hooked.turing_multiqueue import RecordedTexts, multiqueue_transformer

    word = "0110"
    machine = MultiQueueMachine.from_turing(PAL, levels=2, space=space_used(PAL, word, 1_000))
    start = machine.initial(word)
    weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start]))
    texts = RecordedTexts.of(machine, [start])
    tokens = encode(weights, texts.vocabulary)
    stream = embed(weights, tokens)[texts.windows.numpy()]
    symbols, states = factor_logits(weights, stream)
    expected = (
        symbols[:, tokens[:, :-1] + np.asarray(weights.blocks.starts)].sum(-1, dtype=int) + states[:, tokens[:, -1]]
    )
    queues = machine.layout.queues
    for layers in [number for number in range(1, queues + 1) if queues % number == 0]:
        changed = shifted_head(weights, queues - 1, shift) if shift else weights
        network = multiqueue_transformer(changed, texts.vocabulary, layers)
        if early:
            network.block(0).mlp, network.block(layers - 1).mlp = network.block(layers - 1).mlp, network.block(0).mlp
        with torch.no_grad():
            logits = network(texts.windows, newest_only=True)[:, -1].numpy()
        off = int((logits != expected).any(1).sum())
        yield Evidence(f"L = {layers}: windows with another logit", off, "==", 0, len(logits))
        made = greedy(network, texts.windows[0], len(texts.following))
        wrong = int((made != texts.following).sum())
        yield Evidence(f"L = {layers}: tokens written wrongly", wrong, "==", 0, len(made))
