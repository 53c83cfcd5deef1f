"""Wrong simulators in linear space, and a decoder with a head that reads nothing.

References
----------
turing sheet, section 4.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import no_type_check

from lemmata.theory.turing.converse import StreamingDecoder
from lemmata.theory.turing.memory import Field, Memory, bits_for
from lemmata.theory.turing.saturating import Decoders


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
