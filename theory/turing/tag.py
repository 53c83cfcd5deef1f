"""2-tag systems, and Turing machine → 2-tag system: the construction by which tag systems are universal.

A 2-tag system has a word; each step reads the first letter a, deletes the first two letters, and appends ``rules[a]``.
It halts where the word has fewer than two letters or its first one has no rule.

A two-symbol Turing machine is in state q on a letter a; the cells to the left, the nearest first, are the binary number
M and those to the right N, least significant digit first. A move to the right over a written b makes ``M' = 2M + b``,
reads ``N mod 2`` and leaves ``N' = ⌊N/2⌋``; a move to the left swaps M and N. So in every step one number is doubled
and the other one halved. With ``z = (q, a, d)``, d the last move, the word of a configuration is

    F_z x (f_z x)^m  G_z x (g_z x)^n,      (m, n) = (M, N) if d = R and (N, M) if d = L,

the number that was doubled last in front. A Turing step is four sweeps over the word, the first of them only if the
direction turns, which exchanges the two parts:

1. ``F → F' x, f → f' x``; and F', f' do in the next sweep what G, g would do.
2. ``F → C x (c x)^b, f → c x c x`` (G, g after an exchange) double; ``G → S, g → s`` make the other part single.
3. ``C → D_1 D_0, c → d_1 d_0, S → T_1 T_0, s → t_1 t_0``. If n is even, the n + 1 letters ``S s^n`` are odd in number,
   and from here on every second letter, index 0, is read; else index 1.
4. ``D_1 → F x, d_1 → f x, T_1 → G x, t_1 → g x`` with z' = (q', 1, D); with index 0 the same for z' = (q', 0, D), but
   ``D_0 → x F x``, whose first letter falls to the last deletion.

That takes at most ``5(M + N) + 9`` steps: with D doubled and H halved, H + 1 in sweep 1, D + H + 2 in sweep 2, and
``2(2D + 2) + H + 2`` in the others.

References
----------
J. Cocke and M. Minsky, Universality of tag systems with P = 2, Journal of the ACM 11 (1964). The letters and the
exchange of parts are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import NamedTuple

from lemmata.theory.turing.machine import MOVES, TuringMachine


@dataclass(frozen=True)
class TagSystem:
    """A 2-tag system.

    Parameters
    ----------
    rules : mapping
        Word to append for each letter that has a rule; letters are single characters.
    name : str
        For messages.
    letters : str
        Letters without a rule that words may hold besides those of productions, for their codes.

    Raises
    ------
    ValueError
        If there is no rule, a key is not one character, or a production is no word.
    """

    rules: Mapping[str, str] = field(hash=False)
    name: str = "tag system"
    letters: str = ""

    def __post_init__(self) -> None:
        if not self.rules:
            raise ValueError(f"{self.name}: no rules given")
        for letter, word in self.rules.items():
            if not isinstance(letter, str) or len(letter) != 1:
                raise ValueError(f"{self.name}: {letter!r} is not one letter")
            if not isinstance(word, str):
                raise ValueError(f"{self.name}: the production {word!r} of {letter} is not a word")

    @property
    def halting(self) -> tuple[str, ...]:
        """The letters of productions, and of `letters`, that have no rule, in order of appearance."""
        words = (*self.rules.values(), self.letters)
        return tuple(dict.fromkeys(a for word in words for a in word if a not in self.rules))

    def steps(self, word: str) -> Iterator[str]:
        """The words after each step, by slices of strings."""
        while len(word) >= 2 and word[0] in self.rules:
            word = word[2:] + self.rules[word[0]]
            yield word

    def run(self, word: str, max_steps: int) -> tuple[str, ...]:
        """The words after at most `max_steps` steps; ValueError if it is negative."""
        if max_steps < 0:
            raise ValueError(f"max_steps {max_steps} is negative")
        return tuple(islice(self.steps(word), max_steps))

    def number(self, letter: str) -> int:
        """How many ones encode a letter.

        Raises
        ------
        ValueError
            If the letter is unknown.
        """
        known = [*self.rules, "", *self.halting]  # n + 1 is left out: it would mark all separators and not run out
        if not letter or letter not in known:
            raise ValueError(
                f"{self.name}: letter {letter!r} is not one of {' '.join(filter(None, known))}; more go in letters"
            )
        return known.index(letter) + 1


def _letters(name: str) -> Iterator[str]:
    """The characters U+4E00 to U+9FFF, then ValueError."""
    places = range(0x4E00, 0xA000)
    yield from map(chr, places)
    raise ValueError(f"{name} needs more than {len(places):,} letters; it has too many states")


class Situation(NamedTuple):
    """What a letter F of :func:`from_turing` stands for: state, letter under the head, and the last move."""

    state: str
    read: str
    move: str


class Configuration(NamedTuple):
    """A Turing machine's configuration: state, letter under the head, and the numbers left and right of it."""

    state: str
    read: str
    left: int
    right: int


@dataclass(frozen=True)
class TaggedMachine:
    """A two-symbol Turing machine as a 2-tag system.

    Attributes
    ----------
    turing : TuringMachine
    system : TagSystem
        The letters are consecutive characters from U+4E00 on; letters F of halting states have no rule.
    filler : str
        The letter x.
    letters : mapping
        The letters ``(F, f, G, g)`` of each situation.
    """

    turing: TuringMachine
    system: TagSystem
    filler: str
    letters: Mapping[Situation, tuple[str, ...]] = field(hash=False)

    @classmethod
    def from_turing(cls, turing: TuringMachine) -> TaggedMachine:
        """The construction of this module, for the situations that can follow from a start.

        Raises
        ------
        ValueError
            If the machine has not exactly two symbols, is not total, or needs more than 20,992 letters.
        """
        if len(turing.symbols) != 2:
            raise ValueError(f"{turing.name} has {len(turing.symbols)} symbols; two are needed, digits of a number")
        missing = {(q, a) for q in turing.states for a in turing.symbols} - set(turing.transitions)
        if missing:
            raise ValueError(f"{turing.name} has no rule for {min(missing)}; it must be total")
        fresh = _letters(turing.name)
        x = next(fresh)
        rules = {x: x}  # never read; a letter with a rule, and the first one, has a short code
        letters: dict[Situation, tuple[str, ...]] = {}
        waiting: list[Situation] = []

        def letters_of(z: Situation) -> tuple[str, ...]:
            if z not in letters:
                letters[z] = tuple(islice(fresh, 4))
                waiting.append(z)
            return letters[z]

        for a in turing.symbols:
            letters_of(Situation(turing.states[0], a, "R"))
        while waiting:
            z = waiting.pop()
            if z.state in turing.halting:
                continue
            front, front_unit, back, back_unit = letters[z]
            state, written, move = turing.transitions[z.state, z.read]
            if move != z.move:
                turned, turned_unit = islice(fresh, 2)
                rules |= {front: turned + x, front_unit: turned_unit + x}
                front, front_unit, back, back_unit = back, back_unit, turned, turned_unit
            big, small, single, single_unit = (next(fresh) for _ in range(4))  # C c S s
            rules[front] = big + x + (small + x) * turing.symbols.index(written)
            rules |= {front_unit: (small + x) * 2, back: single, back_unit: single_unit}
            zeros, ones = [letters_of(Situation(state, a, move)) for a in turing.symbols]
            for letter, zero, one in zip((big, small, single, single_unit), zeros, ones, strict=True):
                odd, even = next(fresh), next(fresh)
                lead = x if letter == big else ""
                rules |= {letter: odd + even, odd: one + x, even: lead + zero + x}
        return cls(turing, TagSystem(rules, turing.name), x, letters)

    def encode(self, word: str | Sequence[str]) -> str:
        """The word of the start: the head on the first letter of the input, nothing to the left."""
        first, *rest = [*self.turing.read_word(word)] or [self.turing.symbols[0]]
        right = sum(2**k for k, letter in enumerate(rest) if letter == self.turing.symbols[1])
        return self._word(self.letters[Situation(self.turing.states[0], first, "R")], 0, right)

    @cached_property
    def _situations(self) -> dict[str, Situation]:
        return {letters[0]: z for z, letters in self.letters.items()}

    def _word(self, letters: tuple[str, ...], front: int, back: int) -> str:
        counts = (1, front, 1, back)
        return "".join((letter + self.filler) * count for letter, count in zip(letters, counts, strict=True))

    def decode(self, word: str) -> Configuration | None:
        """The configuration that a word stands for; None within a Turing step.

        Raises
        ------
        ValueError
            If the word begins like a configuration's and is none.
        """
        z = self._situations.get(word[:1])
        if z is None:
            return None
        letters = self.letters[z]
        front, back = word.count(letters[1]), word.count(letters[3])
        if word != self._word(letters, front, back):
            raise ValueError(f"{self.turing.name}: the word of {z.state}, {z.read} is not F x (f x)^m G x (g x)^n")
        return Configuration(z.state, z.read, *((front, back) if z.move == "R" else (back, front)))

    def configurations(self, word: str | Sequence[str], max_steps: int) -> Iterator[Configuration]:
        """The configurations that the tag system passes through, the start first, in `max_steps` of its steps."""
        start = self.encode(word)
        for now in chain([start], islice(self.system.steps(start), max_steps)):
            found = self.decode(now)
            if found is not None:
                yield found


def turing_configurations(machine: TuringMachine, word: str | Sequence[str], max_steps: int) -> list[Configuration]:
    """The configurations of a two-symbol Turing machine by its own steps, the start first."""
    done = machine.run(word, max_steps)
    moments = [(machine.states[0], 0, dict(enumerate(done.word)))]
    moments += [(step.done.state, step.head + MOVES[step.done.move], dict(step.tape)) for step in done.steps]
    found = []
    for state, head, tape in moments:
        ones = [cell for cell, letter in tape.items() if letter == machine.symbols[1]]
        left, right = (sum(2 ** (way * (c - head) - 1) for c in ones if way * (c - head) > 0) for way in (-1, 1))
        found.append(Configuration(state, machine.symbols[int(head in ones)], left, right))
    return found


def departs(
    machine: TuringMachine,
    word: str | Sequence[str],
    max_steps: int,
    mutate: Callable[[TaggedMachine], TaggedMachine] = lambda tagged: tagged,
    constant: int = 9,
) -> bool:
    """Whether the tag system passes through other configurations in the first `max_steps` Turing steps, or is too slow.

    Parameters
    ----------
    machine, word, max_steps
        The run.
    mutate : callable
        Changes the tag system, for controls.
    constant : int
        A Turing step may take ``5(M + N) + constant`` steps. With 9 that is enough, and needed where the direction
        turns, 1 is written, and M = N = 0.
    """
    wanted = turing_configurations(machine, word, max_steps)
    budget = sum(5 * (now.left + now.right) + constant for now in wanted[:-1])
    try:
        found = mutate(TaggedMachine.from_turing(machine)).configurations(word, budget)
        return list(islice(found, len(wanted))) != wanted
    except ValueError:  # a word that is no configuration's
        return True
