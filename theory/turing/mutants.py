"""Wrong variants of the construction, each the smallest departure that must break it: what the checks have to catch.

``WEIGHT_MUTANTS`` change one part of the network, ``TABLE_MUTANTS`` one rule of the Post machine, ``GROWING_MUTANTS``
one rule of the Post machine whose queue grows, ``TAG_MUTANTS`` one kind of rule of a machine's tag system;
``UNIVERSAL_MUTANTS`` and ``QUANTIFIED_MUTANTS`` are machines with one rule changed.

References
----------
turing sheet, row T7 (the first three), section 4.2 (the rules that the growing mutants change).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int8

from lemmata.theory.turing.growing import GrowingTable, Mutation, Places
from lemmata.theory.turing.machine import Transition, TuringMachine
from lemmata.theory.turing.post import PostTable
from lemmata.theory.turing.quantified import QUANTIFIED
from lemmata.theory.turing.tag import TaggedMachine
from lemmata.theory.turing.universal import UNIVERSAL
from lemmata.theory.turing.weights import Weights


def intact(weights: Weights) -> Weights:
    """No departure."""
    return weights


def zero_key(weights: Weights) -> Weights:
    """``W_K = 0``: no key is told from another, so every token ties."""
    return replace(weights, key=np.zeros_like(weights.key))


def attend_newest(weights: Weights) -> Weights:
    """``W_K = e_C`` in place of ``e_O``: the head reads the newest token instead of the oldest."""
    return replace(weights, key=weights.query.copy())


def ignore_mark(weights: Weights) -> Weights:
    """``W_V`` copies a marked symbol as the unmarked one: the mark comes round unseen."""
    value = weights.value.copy()
    rows, columns = np.nonzero(value)
    marked = (rows % 2) == 1  # symbol 2a + 1 is tape symbol a with its mark, and S is the first block
    value[rows[marked], columns[marked]] = 0
    value[rows[marked], columns[marked] - 1] = 1
    return replace(weights, value=value)


def zero_bias(weights: Weights) -> Weights:
    """No FFN bias: a unit already fires when only one of its two conditions is met."""
    return replace(weights, hidden_bias=np.zeros_like(weights.hidden_bias))


def drop_transition(weights: Weights) -> Weights:
    """One hidden unit less: the first transition, loading a blank, has no output."""
    output = weights.output.copy()
    output[0] = 0
    return replace(weights, output=output)


def single_changes(weights: Weights) -> Iterator[tuple[str, int, Weights]]:
    """Every parameter changed once: 0 becomes 1 and anything else 0. Yields (array's name, flat index, weights)."""
    for name, array in weights.arrays().items():
        for index in range(array.size):
            changed = array.copy()
            changed.flat[index] = 1 if array.flat[index] == 0 else 0
            yield name, index, replace(weights, **{name: changed})


WEIGHT_MUTANTS: dict[str, Callable[[Weights], Weights]] = {
    function.__name__: function
    for function in (intact, zero_key, attend_newest, ignore_mark, zero_bias, drop_transition)
}


@dataclass(frozen=True, eq=False)
class Repositioned(Weights):
    """Weights whose position rule is wrong: "oldest" stands at a distance that does not follow the window."""

    distance: int = 0
    from_window: bool = False

    def positions(self, window: int) -> Int8[np.ndarray, "window d"]:
        """As :meth:`Weights.positions`, with ``pos`` = oldest at `distance` (or at window − `distance`)."""
        table = np.tile(self.position_other, (window, 1))
        table[0] = self.position_current
        at = window - self.distance if self.from_window else self.distance
        table[min(at, window - 1)] = self.position_oldest
        return table


def reposition(weights: Weights, distance: int, from_window: bool = False) -> Repositioned:
    """Put "oldest" at a fixed distance, or (`from_window`) at ``window − distance``; the right one is window − 1."""
    return Repositioned(**weights.arrays(), distance=distance, from_window=from_window)


# ---------------------------------------------------------------------------------------------------- Post machine


def intact_table(table: PostTable) -> PostTable:
    """No departure."""
    return table


def unmarked_left(table: PostTable) -> PostTable:
    """A left move pushes the written symbol without its mark: the rotation never ends."""
    return table._replace(symbol=np.where(table.symbol >= 0, table.symbol & ~np.int16(1), table.symbol))


def swapped_register(table: PostTable) -> PostTable:
    """Every step remembers the next letter of Σ instead of the one that it popped."""
    sigma = table.state.shape[-1] // 2
    block, register = np.divmod(table.state - 1, sigma)
    turned = 1 + block * sigma + (register + 1) % sigma
    return table._replace(state=np.where(table.state > 0, turned, table.state).astype(np.int16))


TABLE_MUTANTS: dict[str, Callable[[PostTable], PostTable]] = {
    function.__name__: function for function in (intact_table, unmarked_left, swapped_register)
}


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
