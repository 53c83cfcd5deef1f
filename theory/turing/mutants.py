"""Wrong variants of the construction, each the smallest departure that must break it: what the checks have to catch.

``WEIGHT_MUTANTS`` change one part of the network, ``TABLE_MUTANTS`` one rule of the Post machine, ``STREAMING_MUTANTS``
one rule of the simulator in linear space.

References
----------
turing sheet, row T7 (the first three) and section 4.5 (the simulator).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Int8

from lemmata.theory.turing.converse import StreamingDecoder
from lemmata.theory.turing.memory import Field, Memory, bits_for
from lemmata.theory.turing.post import PostTable
from lemmata.theory.turing.saturating import Decoders
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


# ------------------------------------------------------------------------------------------------- streaming decoder


class LeftToRight(StreamingDecoder):
    """Queries from left to right: they look at vectors that are already those of the next layer."""

    def queries(self, m: Memory) -> range:
        return range(self.window - 1, -1, -1) if m.layer + 1 < self.layers else range(1)


class Unmasked(StreamingDecoder):
    """No causal mask: newer tokens are seen too, as at distance 0."""

    def keys(self, m: Memory) -> range:
        return range(self.window)

    @no_type_check
    def distance(self, m: Memory) -> int:
        return max(0, m.key - m.query)


class TowardsZero(StreamingDecoder):
    """Means are rounded towards zero instead of down."""

    @no_type_check
    def mean(self, total: int, count: int) -> int:
        return total // count if total >= 0 else -(-total // count)


class LocalVariable(StreamingDecoder):
    """Right, but with a number that the meter does not see."""

    @no_type_check
    def mean(self, total: int, count: int) -> int:
        mean = total // count
        return mean


class FirstMaximum(StreamingDecoder):
    """No ties: the newest of the best keys is read alone."""

    def admit(self, m: Memory) -> None:
        if m.ties == 0:
            m.ties = 1
            for m.row in range(self.width):
                self.project(m, self.w["value"][m.layer][m.head][m.row])
                m.total[m.row] = m.inner


class WrapAround(StreamingDecoder):
    """Overflow wraps around as in two's complement instead of saturating."""

    @no_type_check
    def saturate(self, value: int) -> int:
        return (value + self.half) % (2 * self.half) - self.half


class LastMaximum(StreamingDecoder):
    """Among equal logits the last token is generated instead of the first."""

    def choose(self, m: Memory) -> None:
        for m.candidate in range(self.vocabulary):
            m.inner = 0
            for m.column in range(self.width):
                m.inner = self.saturate(
                    m.inner + self.saturate(self.w["unembedding"][m.candidate][m.column] * m.buffer[0, m.column])
                )
            if m.candidate == 0 or m.inner >= m.best:
                m.best = m.inner
                m.chosen = m.candidate


class ShortCounter(StreamingDecoder):
    """A tie counter of ``⌈log2 N⌉`` bits: N ties do not fit where N is a power of two."""

    def fields(self) -> dict[str, Field]:
        return StreamingDecoder.fields(self) | {"ties": Field(bits_for(self.window))}


class TwoBuffers(StreamingDecoder):
    """Right, but with a second buffer of hidden vectors, the layer's input, so that any order of queries will do."""

    def fields(self) -> dict[str, Field]:
        fields = StreamingDecoder.fields(self)
        return fields | {"old": fields["buffer"]}

    def queries(self, m: Memory) -> range:
        """From left to right, after a copy of the layer's input."""
        for m.key in range(self.window):
            for m.column in range(self.width):
                m.old[m.key, m.column] = m.buffer[m.key, m.column]
        return range(self.window - 1, -1, -1)

    @no_type_check
    def seen(self, m: Memory) -> int:
        return self.saturate(m.old[m.key, m.column] + self.w["position"][m.layer][self.distance(m)][m.column])


STREAMING_MUTANTS: dict[str, type[StreamingDecoder]] = {"intact": StreamingDecoder} | {
    mutant.__name__: mutant
    for mutant in (
        LeftToRight, Unmasked, TowardsZero, FirstMaximum, WrapAround, LastMaximum,
        ShortCounter, LocalVariable, TwoBuffers,
    )
}  # fmt: skip


def as_built(decoders: Decoders) -> Decoders:
    """No departure."""
    return decoders


def blind_head(decoders: Decoders) -> Decoders:
    """The last head reads 0, whatever it attends to."""
    value = decoders.value.copy()
    value[:, :, -1] = 0
    return replace(decoders, value=value)


DECODER_MUTANTS: dict[str, Callable[[Decoders], Decoders]] = {
    function.__name__: function for function in (as_built, blind_head)
}
