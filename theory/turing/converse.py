"""WINDOW[s] ⊆ SPACE[s]: a fixed-precision decoder in space linear in its window, and a meter that counts the bits.

A step of a decoder (:mod:`lemmata.theory.turing.saturating`) is a function of the last N tokens. The simulator here
computes it with

* the window, ``N⌈log2 |V|⌉`` bits;
* **one** buffer of hidden vectors, ``N·d·p`` bits. Within a layer the queries go from right to left: query i replaces
  its own vector, and the queries that come after it only look at j < i, where the old vectors still stand;
* for averaging hardmax a best score, a tie counter and an exact sum: ``p + ⌈log2(N+1)⌉ + d(p + ⌈log2(N+1)⌉)`` bits;
* a few vectors and counters: see :func:`scratch_bits`.

Between two tokens nothing but the window matters: every step starts from the embeddings. So the decoder is a finite
automaton with ``|V|^N`` states, its runs are eventually periodic (:mod:`lemmata.theory.turing.periodicity`), and
whether it ever generates a halting token is known after ``|V|^N`` tokens: a fixed window decides only what finitely
many states can, and the window has to grow with the input where the space does. Parameters and position rule are
read-only; `pos` must be computable in that space, and the number of program lines does not depend on N.

**The meter.** All that the program changes lies in a :class:`lemmata.theory.turing.memory.Memory`, whose fields are
declared with their width and refuse any other value. Loop counters are fields too (``for m.query in range(…)``), and
:func:`unmetered` shows, from the bytecode of all that a step reaches, that no method keeps a local variable, sets
anything but the memory, or calls itself. What one saturating operation
computes before it is clipped lives for that operation only. (Methods that run for every number are ``no_type_check``:
checking their arguments costs ten times as much as they do.)

References
----------
turing sheet, section 4.5, row T10; Theorem 2 of the paper (the inclusion ⊆).
"""

from __future__ import annotations

import dataclasses
import dis
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, no_type_check

from lemmata.theory.turing.memory import Field, Memory, bits_for
from lemmata.theory.turing.saturating import Decoders

# --------------------------------------------------------------------------------------------------------- formulas


def space_bits(window: int, vocabulary: int, width: int, precision: int) -> int:
    """The formula of section 4.5: the window, one buffer, and hardmax's best score, tie counter and sums."""
    count = math.ceil(math.log2(window + 1))
    held = window * math.ceil(math.log2(vocabulary)) + window * width * precision
    return held + precision + count + width * (precision + count)


def scratch_bits(
    window: int, vocabulary: int, width: int, precision: int, layers: int, heads: int, key_width: int, units: int
) -> int:
    """What the formula of section 4.5 leaves out: ``2⌈log2 N⌉`` and a number that does not depend on the window.

    Two positions; the attention's output, the head's query, one inner product and one score; the best token so far
    and the one being scored; counters of layers, heads, units, rows and columns.
    """
    numbers = (width + key_width + 2) * precision
    counters = [vocabulary, vocabulary, layers, heads, units, max(width, key_width), width]
    return 2 * math.ceil(math.log2(window)) + numbers + sum(math.ceil(math.log2(count)) for count in counters)


# -------------------------------------------------------------------------------------------------------- simulator


@dataclass(frozen=True, eq=False, slots=True)
class StreamingDecoder:
    """The simulator: parameters to read, and a program on a :class:`Memory`.

    Places are counted from the newest token, 0, to the oldest, N − 1, so that "right to left" is upwards.

    Attributes
    ----------
    window, vocabulary, width, precision, layers, heads, key_width, units : int
        N, |V|, d, p and the rest of the sizes.
    half : int
        ``2^(p−1)``.
    w : mapping
        The parameters as nested tuples, by the names of :class:`lemmata.theory.turing.saturating.Decoders`.
    """

    window: int
    vocabulary: int
    width: int
    precision: int
    layers: int
    heads: int
    key_width: int
    units: int
    half: int
    w: Mapping[str, Any]

    @classmethod
    def of(cls, decoders: Decoders, index: int = 0) -> StreamingDecoder:
        """The simulator of one decoder of a stack."""
        w = MappingProxyType({name: _tuples(array[index].tolist()) for name, array in decoders.arrays().items()})
        _, layers, units, width = decoders.hidden.shape
        _, _, heads, key_width, _ = decoders.key.shape
        p = decoders.precision
        return cls(decoders.window, decoders.vocabulary, width, p, layers, heads, key_width, units, 2 ** (p - 1), w)

    def fields(self) -> dict[str, Field]:
        """Every number that the program keeps, with its width."""
        p, places, count = self.precision, bits_for(self.window), bits_for(self.window + 1)
        return {
            "tokens": Field(bits_for(self.vocabulary), shape=(self.window,)),
            "buffer": Field(p, signed=True, shape=(self.window, self.width)),
            "best": Field(p, signed=True),
            "ties": Field(count),
            "total": Field(p + count, signed=True, shape=(self.width,)),
            "middle": Field(p, signed=True, shape=(self.width,)),
            "asked": Field(p, signed=True, shape=(self.key_width,)),
            "inner": Field(p, signed=True),
            "score": Field(p, signed=True),
            "chosen": Field(bits_for(self.vocabulary)),
            "candidate": Field(bits_for(self.vocabulary)),
            "layer": Field(bits_for(self.layers)),
            "head": Field(bits_for(self.heads)),
            "query": Field(places),
            "key": Field(places),
            "unit": Field(bits_for(self.units)),
            "row": Field(bits_for(max(self.width, self.key_width))),
            "column": Field(bits_for(self.width)),
        }

    def memory(self, prompt: Sequence[int]) -> Memory:
        """A memory with `prompt`, oldest token first, in its window."""
        if len(prompt) != self.window:
            raise ValueError(f"prompt has {len(prompt)} tokens, the window {self.window}")
        for token in prompt:
            if not 0 <= token < self.vocabulary:
                raise ValueError(f"prompt holds {token}, a token outside of the vocabulary 0 … {self.vocabulary - 1}")
        memory = Memory(self.fields())
        for place, token in enumerate(reversed(prompt)):
            memory.tokens[place] = int(token)
        return memory

    # The program: methods that change the memory and keep nothing else.

    def step(self, m: Memory) -> None:
        """Generate a token; it is then ``m.tokens[0]``."""
        self.embed(m)
        for m.layer in range(self.layers):
            for m.query in self.queries(m):  # noqa: B020  (sets a field of m, not m)
                self.attend(m)
                self.transform(m)
        self.choose(m)
        for m.key in range(self.window - 1, 0, -1):
            m.tokens[m.key] = m.tokens[m.key - 1]
        m.tokens[0] = m.chosen

    def embed(self, m: Memory) -> None:
        """Fill the buffer with the embeddings of the window."""
        for m.key in range(self.window):
            for m.column in range(self.width):
                m.buffer[m.key, m.column] = self.w["embedding"][m.tokens[m.key]][m.column]

    def queries(self, m: Memory) -> range:
        """Right to left; of the last layer only the newest position is read."""
        return range(self.window if m.layer + 1 < self.layers else 1)

    def keys(self, m: Memory) -> range:
        """The query itself and what is older."""
        return range(m.query, self.window)

    def attend(self, m: Memory) -> None:
        """``middle`` becomes y, the query's own vector plus what its heads read."""
        m.key = m.query
        for m.column in range(self.width):
            m.middle[m.column] = self.seen(m)
        for m.head in range(self.heads):
            m.key = m.query
            for m.row in range(self.key_width):
                self.project(m, self.w["query"][m.layer][m.head][m.row])
                m.asked[m.row] = m.inner
            m.ties = 0
            for m.key in self.keys(m):  # noqa: B020
                self.rate(m)
                if m.ties == 0 or m.score > m.best:
                    m.best = m.score
                    m.ties = 0
                    for m.row in range(self.width):
                        m.total[m.row] = 0
                if m.score == m.best:
                    self.admit(m)
            for m.row in range(self.width):
                m.middle[m.row] = self.saturate(m.middle[m.row] + self.mean(m.total[m.row], m.ties))

    @no_type_check
    def seen(self, m: Memory) -> int:
        """Component ``column`` of h, the key's vector as the query sees it."""
        return self.saturate(m.buffer[m.key, m.column] + self.w["position"][m.layer][self.distance(m)][m.column])

    @no_type_check
    def distance(self, m: Memory) -> int:
        """From the query back to the key."""
        return m.key - m.query

    @no_type_check
    def project(self, m: Memory, weights: Sequence[int]) -> None:
        """``inner`` becomes the product of a row of weights with h."""
        m.inner = 0
        for m.column in range(self.width):
            m.inner = self.saturate(m.inner + self.saturate(weights[m.column] * self.seen(m)))

    def rate(self, m: Memory) -> None:
        """``score`` becomes the key's score."""
        m.score = 0
        for m.row in range(self.key_width):
            self.project(m, self.w["key"][m.layer][m.head][m.row])
            m.score = self.saturate(m.score + self.saturate(m.asked[m.row] * m.inner))
        m.score = self.saturate(m.score + self.w["bias"][m.layer][m.head][self.distance(m)])

    def admit(self, m: Memory) -> None:
        """Count the key among the best ones and add its value to their sum."""
        m.ties += 1
        for m.row in range(self.width):
            self.project(m, self.w["value"][m.layer][m.head][m.row])
            m.total[m.row] += m.inner

    @no_type_check
    def mean(self, total: int, count: int) -> int:
        """Rounded down."""
        return total // count

    def transform(self, m: Memory) -> None:
        """The FFN, from ``middle`` into the buffer: no query that follows looks at this position."""
        for m.row in range(self.width):
            m.buffer[m.query, m.row] = m.middle[m.row]
        for m.unit in range(self.units):
            m.inner = self.w["hidden_bias"][m.layer][m.unit]
            for m.column in range(self.width):
                m.inner = self.saturate(
                    m.inner + self.saturate(self.w["hidden"][m.layer][m.unit][m.column] * m.middle[m.column])
                )
            m.inner = max(m.inner, 0)
            for m.row in range(self.width):
                m.buffer[m.query, m.row] = self.saturate(
                    m.buffer[m.query, m.row] + self.saturate(self.w["output"][m.layer][m.row][m.unit] * m.inner)
                )

    def choose(self, m: Memory) -> None:
        """``chosen`` becomes the first token with the largest logit."""
        for m.candidate in range(self.vocabulary):
            m.inner = 0
            for m.column in range(self.width):
                m.inner = self.saturate(
                    m.inner + self.saturate(self.w["unembedding"][m.candidate][m.column] * m.buffer[0, m.column])
                )
            if m.candidate == 0 or m.inner > m.best:
                m.best = m.inner
                m.chosen = m.candidate

    @no_type_check
    def saturate(self, value: int) -> int:
        """Clip to p bits."""
        if -self.half <= value < self.half:
            return value
        return -self.half if value < 0 else self.half - 1


NOT_PLAIN = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR | inspect.CO_COROUTINE


def _tuples(nested: Any) -> Any:
    """Nested lists as nested tuples, which cannot be written to."""
    return tuple(map(_tuples, nested)) if isinstance(nested, list) else nested


def generate_streaming(decoder: StreamingDecoder, prompt: Sequence[int], count: int) -> tuple[int, ...]:
    """`count` tokens after `prompt`; they are read off the window, one a step. ValueError if `count` is negative."""
    if count < 0:
        raise ValueError(f"count {count} is negative")
    memory = decoder.memory(prompt)
    made = []
    for _ in range(count):
        decoder.step(memory)
        made.append(memory.tokens[0])
    return tuple(made)


def unmetered(decoder: type[StreamingDecoder]) -> list[str]:
    """Instructions of the program that could keep a value outside of the memory: ``"method: instruction argument"``.

    The program is ``step`` and every method that it reaches. A method may set a field or a cell, build the pair that
    addresses a cell, and call methods, `range`, `max` and `min`; but not itself, be it through others, since every call
    in progress has arguments of its own. It may name the memory's fields, methods, and the decoder's sizes and
    parameters, and no other attribute: of what these reach, only the memory can be changed, as the decoder is frozen
    and its parameters are tuples. Arguments and iterators of `range` repeat what the memory holds.
    """
    any_size: dict[str, Any] = {field.name: 2 for field in dataclasses.fields(StreamingDecoder)}
    known = {*any_size, *decoder(**any_size | {"w": MappingProxyType({})}).fields()}
    found, calls, waiting = [], dict[str, set[str]](), ["step"]
    for name in waiting:
        calls[name] = set()
        function = inspect.unwrap(getattr(decoder, name))
        if function.__defaults__ or function.__kwdefaults__ or function.__code__.co_flags & NOT_PLAIN:
            found.append(f"{name}: defaults, *arguments or a generator")
        for line in dis.get_instructions(function):
            attribute = line.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "LOAD_SUPER_ATTR")
            method = attribute and inspect.isfunction(getattr(decoder, line.argval, None)) and line.argval[0] != "_"
            unknown = attribute and not method and line.argval not in known
            stores = line.opname.startswith("STORE_") and line.opname not in ("STORE_ATTR", "STORE_SUBSCR")
            builds = line.opname.startswith(("BUILD_", "MAKE_")) and line.opname != "BUILD_TUPLE"
            outside = line.opname in ("LOAD_GLOBAL", "LOAD_NAME") and line.argval not in ("range", "max", "min")
            if unknown or stores or builds or outside or line.opname.endswith(("DEREF", "CLOSURE")):
                found.append(f"{name}: {line.opname} {line.argval}")
            if method:
                calls[name].add(line.argval)
        waiting += sorted(calls[name] - {*waiting})
    for name in sorted(calls):
        reached = list(calls[name])
        for callee in reached:
            reached += calls[callee] - {*reached}
        if name in reached:
            found.append(f"{name}: calls itself")
    owned = {name for base in decoder.__mro__ for name in vars(base)} - set(StreamingDecoder.__slots__)
    return found + [f"class: holds {name}" for name in sorted(known & owned)]
