"""Wrong networks and Post machines.

References
----------
turing sheet, row T7 (the first three).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int8

from lemmata.theory.turing.post import PostTable
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
