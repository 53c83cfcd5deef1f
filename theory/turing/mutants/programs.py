"""Wrong growing Post machines, tag systems, and machines with one rule changed.

References
----------
turing sheet, section 4.2 (the rules that the growing mutants change).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lemmata.theory.turing.growing import GrowingTable, Mutation, Places
from lemmata.theory.turing.machine import Transition, TuringMachine
from lemmata.theory.turing.quantified import QUANTIFIED
from lemmata.theory.turing.tag import TaggedMachine
from lemmata.theory.turing.universal import UNIVERSAL

# ------------------------------------------------------------------------------------------- growing Post machine


def intact_growing(table: GrowingTable, at: Places) -> GrowingTable:
    """No departure."""
    return table


def forgotten_seam(table: GrowingTable, at: Places) -> GrowingTable:
    """Where the mark comes while ``$`` is in hand, nothing is pushed: the ring loses its seam."""
    push = table.push.copy()
    rows = push[..., at.left[:, -1], 1:-2:2]  # the marked symbols
    push[..., at.left[:, -1], 1:-2:2] = np.full_like(rows, -1)
    return table._replace(push=push)


def swapped_neighbours(table: GrowingTable, at: Places) -> GrowingTable:
    """Mode *grow* steps at nxt with the new blank to its right, in place of the other way round."""
    state, push = table.state.copy(), table.push.copy()
    for part in (state, push):
        part[..., at.grow, -1] = part[..., at.run, 0]
    return GrowingTable(state, push)


def unmarked_growing(table: GrowingTable, at: Places) -> GrowingTable:
    """A left move pushes the written symbol without its mark."""
    return table._replace(push=np.where(table.push >= 0, table.push & ~np.int16(1), table.push))


def walled_left(table: GrowingTable, at: Places) -> GrowingTable:
    """The tape does not grow to the left: the head stays on the first cell."""
    state = table.state.copy()
    grown = np.isin(state, at.grow)
    state[grown] -= (at.grow[0, 0] - at.run[0, 0]).astype(np.int16)
    return table._replace(state=state)


def forgotten_right_seam(table: GrowingTable, at: Places) -> GrowingTable:
    """A left move from mode *seam* holds a blank in place of ``$``."""
    state = table.state.copy()
    here = state[..., at.seam, -1]
    state[..., at.seam, -1] = np.where(np.isin(here, at.left[:, -1]), here - (at.left.shape[1] - 1), here)
    return table._replace(state=state)


GROWING_MUTANTS: dict[str, Mutation] = {
    function.__name__: function
    for function in (
        intact_growing,
        forgotten_seam,
        swapped_neighbours,
        unmarked_growing,
        walled_left,
        forgotten_right_seam,
    )
}


# ---------------------------------------------------------------------------------------------------- tag systems


def intact_tags(tagged: TaggedMachine) -> TaggedMachine:
    """No departure."""
    return tagged


def forgotten_lead(tagged: TaggedMachine) -> TaggedMachine:
    """``D_0 → F x`` in place of ``x F x``: an even number leaves the next word one letter short."""
    lead = tagged.filler
    rules = {a: word.removeprefix(lead) if len(word) == 3 else word for a, word in tagged.system.rules.items()}
    return replace(tagged, system=replace(tagged.system, rules=rules))


def forgotten_digit(tagged: TaggedMachine) -> TaggedMachine:
    """``F → C x`` whatever was written: every written letter is the blank."""
    rules = {a: word[:2] if len(word) == 4 and word[0] != word[2] else word for a, word in tagged.system.rules.items()}
    return replace(tagged, system=replace(tagged.system, rules=rules))


TAG_MUTANTS: dict[str, Callable[[TaggedMachine], TaggedMachine]] = {
    function.__name__: function for function in (intact_tags, forgotten_lead, forgotten_digit)
}


# ------------------------------------------------------------------------------------------------------- machines


def changed_rule(
    machine: TuringMachine, state: str, symbol: str, target: str, written: str, move: str
) -> TuringMachine:
    """The machine with one rule changed."""
    return replace(machine, transitions={**machine.transitions, (state, symbol): Transition(target, written, move)})


UNIVERSAL_MUTANTS: dict[str, TuringMachine] = {
    "intact": UNIVERSAL,
    "unrestored_zero": changed_rule(UNIVERSAL, "U", "o", "U", "1", "L"),  # a copied 0 comes back as a 1
    "unrestored_mark": changed_rule(UNIVERSAL, "V", "!", "V", "!", "R"),  # separators keep their marks
    "one_letter_deleted": changed_rule(UNIVERSAL, "S", "0", "C", "x", "L"),  # a step deletes one letter, not two
}
"""The universal machine, and three that differ from it in one rule."""

QUANTIFIED_MUTANTS: dict[str, TuringMachine] = {
    "intact": QUANTIFIED,
    "one_branch": changed_rule(QUANTIFIED, "w", "0", "l", "0", "L"),  # the second branch is never tried
    "no_turns": changed_rule(QUANTIFIED, "w", "1", "w", "0", "L"),  # what is won below is won by the one above, too
    "sign": changed_rule(QUANTIFIED, "f", "p", "s", "P", "R"),  # a literal holds where its variable is false
}
"""The machine for quantified formulas, and three that differ from it in one rule."""
