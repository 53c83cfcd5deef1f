"""A certificate for recorded rows: the network takes each of them, whatever else the window holds.

For one queue, :mod:`lemmata.theory.turing.certificate` proves the network equal to its machine on every input, since
|P|·|Γ| cases are all there are. Here a step depends on the state and K symbols, |P|·|Γ|^K cases; so the certificate
covers the rows ``(state, K fronts) → (K pushes, state')`` that some runs have used, and nothing else. It is read off
the weights:

1. *Heads.* The score of head q depends on the distance alone, and the score at ``m_q − 1`` leads those at all others,
   the distances beyond the table (bias 0) included: hardmax reads that token, without a tie, in every window of at
   least ``B^k'`` tokens.
2. *Unread parts.* The rest of the network sees a window as a sum of vectors, one for each track and state at each
   distance at which some head looks. A row fixes the fronts, each at its head's distance, and the newest state. All
   else is free; its vectors, as the feed-forward layer and the logits see them, fall into classes, and every
   combination of classes is a *reading*. As compiled there is one: what a row does not fix is not seen.
3. *Cases.* For every row and reading the right symbol of each track and the right state lead, with no tie.

By induction over the tokens, greedy decoding from a prompt continues the recorded runs token by token, and every run
on another input all of whose rows are among the recorded ones. Not covered: a row that was not recorded; and machines
with more than one tape, for which nothing is built (section 5.1 has 6kk' queues for k tapes).

References
----------
turing sheet, sections 5.2 and 5.3, rows T16 and T17; Theorem 3 of the second paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int

from lemmata.theory.turing.multiqueue.layout import Layout
from lemmata.theory.turing.multiqueue.machine import Configuration, MultiQueueMachine
from lemmata.theory.turing.multiqueue.table import RecordedTable, recorded_rules, recorded_table
from lemmata.theory.turing.multiqueue.weights import MultiQueueWeights, weights_of_rules

_CHUNK = 512  # rows at a time; each takes a float64 for every unit and logit


@dataclass(frozen=True)
class RowsCertificate:
    """The proof object: what was enumerated, and what was found.

    Attributes
    ----------
    machine : str
    levels : int
        k'; the network has 6k' heads.
    window : int
        The smallest window, ``B^k'`` tokens; larger ones are covered too.
    head_lead : int
        Least lead of a head's score at its distance over all other distances; must be positive.
    rows, states : int
        Recorded rows, and the control states among them.
    conflicts : int
        Rows recorded with two different right-hand sides; must be 0.
    readings : int
        Ways in which the unread parts of a window can be seen; 1 as compiled.
    wrong : int
        Cases (row and reading) in which a symbol or the state is another one than recorded, or a tie.
    margin : int
        Least lead of a right symbol or state over the second, in all cases.
    """

    machine: str
    levels: int
    window: int
    head_lead: int
    rows: int
    states: int
    conflicts: int
    readings: int
    wrong: int
    margin: int

    @property
    def cases(self) -> int:
        """Cases enumerated."""
        return self.rows * self.readings

    @property
    def proved(self) -> bool:
        """Whether the network takes every recorded row, in every window that is large enough."""
        return self.head_lead > 0 and self.rows > 0 and self.conflicts == 0 and self.wrong == 0

    @property
    def covers(self) -> str:
        """What the certificate is about, in words."""
        return (
            f"{self.rows} recorded rows of {self.machine} with k' = {self.levels}, whatever else the window holds, in "
            f"every window of at least {self.window} tokens; hence every run that uses no other row. Recorded rows "
            "only: other rows, and machines with more than one tape, are not covered."
        )


def certify_rows(machine: MultiQueueMachine, configurations: Iterable[Configuration]) -> RowsCertificate:
    """Record the runs from some start configurations, compile their rules to weights, and certify the rows.

    Raises
    ------
    ValueError
        If no run makes a step.
    """
    starts = list(configurations)
    weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, starts))
    return certify_weights(machine, recorded_table(machine, starts), weights)


def certify_weights(
    machine: MultiQueueMachine, table: RecordedTable, weights: MultiQueueWeights, limit: int = 4096
) -> RowsCertificate:
    """Decide whether `weights` take every row of `table`, by the enumeration of this module.

    Parameters
    ----------
    machine : MultiQueueMachine
        Its layout says at which distance each front lies.
    table : RecordedTable
        What the network has to do.
    weights : MultiQueueWeights
        Any weights of the right shapes, compiled or changed.
    limit : int
        Most readings enumerated.

    Returns
    -------
    RowsCertificate
        ``proved`` is sound, and complete for weights whose heads read where they should: it is false exactly if some
        window with a recorded row is continued wrongly.

    Raises
    ------
    ValueError
        If the table is empty or has a state that the weights lack, the shapes do not fit the layout, or there are more
        than `limit` readings.
    """
    layout, blocks = machine.layout, weights.blocks
    if not table.rows:
        raise ValueError("the table has no rows; record a run first")
    if weights.relative_bias.shape != (layout.queues, layout.window):
        raise ValueError(f"weights of {weights.relative_bias.shape} heads and window; {(layout.queues, layout.window)}")
    number = {state: index for index, state in enumerate(weights.states)}
    if unknown := table.states.keys() - number.keys():
        raise ValueError(f"control state {unknown.pop()} is not among the {len(number)} states of these weights")
    starts, g = np.asarray(blocks.starts), blocks.symbols
    keys, values = list(table.rows), list(table.rows.values())
    fronts = np.asarray([read for _, read in keys]) + starts
    before = np.asarray([number[state] for state, _ in keys]) + g
    right = np.asarray([[*(starts + row.pushes), g + number[row.state]] for row in values])
    seen = _seen(weights, layout)

    fixed = seen[0][before]
    free: list[Float[np.ndarray, "classes readouts"]] = []
    for distance, parts in seen.items():
        for track, here in enumerate(layout.distances):
            if here == distance:
                fixed = fixed + parts[fronts[:, track]]
            else:
                free.append(_classes(parts[starts[track] : starts[track] + blocks.alphabets[track]]))
        if distance:
            free.append(_classes(parts[g:]))
    readings = int(np.prod([len(classes) for classes in free], dtype=object))
    if readings > limit:
        raise ValueError(f"{readings} readings of the unread parts of a window; more than limit {limit}")

    # What no row fixes and no code changes is one vector; only parts with several classes are enumerated.
    fixed = fixed + sum(classes[0] for classes in free)
    several = [classes - classes[0] for classes in free if len(classes) > 1]
    leads = [
        _leads(weights, fixed[at : at + _CHUNK] + sum(chosen), right[at : at + _CHUNK])
        for chosen in product(*several)
        for at in range(0, len(fixed), _CHUNK)
    ]
    lead = np.concatenate(leads)
    return RowsCertificate(
        machine=machine.control.turing.name,
        levels=layout.levels,
        window=layout.window,
        head_lead=_head_lead(weights, layout),
        rows=len(keys),
        states=len(table.states),
        conflicts=len(table.conflicts),
        readings=readings,
        wrong=int((lead <= 0).sum()),
        margin=int(lead.min()),
    )


def _head_lead(weights: MultiQueueWeights, layout: Layout) -> int:
    """Least lead of a head's bias at the prescribed distance; every distance beyond the table has bias 0."""
    bias = np.pad(weights.relative_bias.astype(np.int64), ((0, 0), (0, 1)))
    heads = np.arange(len(bias))
    own = bias[heads, layout.distances]
    bias[heads, layout.distances] = np.iinfo(np.int64).min
    return int((own - bias.max(axis=1)).min())


def _seen(weights: MultiQueueWeights, layout: Layout) -> dict[int, Float[np.ndarray, "parts readouts"]]:
    """By distance: what each symbol of each track, and each state, of the token there adds to units and logits.

    The distances are those at which some head looks, and 0, where the residual stream itself is. Integers in float64.
    """
    parts = np.vstack([weights.embed_symbol, weights.embed_state]).astype(np.float64)
    readout = np.vstack([weights.ffn_in, weights.unembed_symbol, weights.unembed_state]).astype(np.float64)
    read, written = parts @ weights.value.T, (readout @ weights.output).T
    owner = np.repeat(layout.distances, weights.blocks.alphabets)
    seen = {at: (read * (owner == at)) @ written for at in sorted({0, *layout.distances})}
    seen[0] = seen[0] + parts @ readout.T
    return seen


def _classes(parts: Float[np.ndarray, "codes readouts"]) -> Float[np.ndarray, "classes readouts"]:
    """The distinct rows."""
    return parts[:1] if (parts == parts[0]).all() else np.unique(parts, axis=0)


def _leads(
    weights: MultiQueueWeights, stream: Float[np.ndarray, "rows readouts"], right: Int[np.ndarray, "rows factors"]
) -> Float[np.ndarray, " rows"]:
    """Least lead of the right symbols and state over the second, for each row; `stream` as units and logits see it."""
    units = len(weights.ffn_bias)
    active = np.maximum(stream[:, :units] + weights.ffn_bias, 0)
    unembed = np.vstack([weights.unembed_symbol, weights.unembed_state]).astype(np.float64)
    logits = stream[:, units:] + active @ (unembed @ weights.ffn_out).T
    own = np.take_along_axis(logits, right, 1)
    np.put_along_axis(logits, right, -np.inf, 1)
    rivals = np.maximum.reduceat(logits, [*weights.blocks.starts, weights.blocks.symbols], axis=1)
    return (own - rivals).min(axis=1)
