"""One-tape Turing machines: tables, text files, and the reference interpreter.

A machine is ``(Σ, Q, δ, q_0, halting set)`` with one tape, blank ``#`` (or any symbol named first) and
``δ(q, a) = (q', b, D)``, ``D`` in ``{L, R}``. Stay moves are composed away when a table is read.

The text format
---------------
One rule is ``state symbol -> state' symbol' move`` written without spaces, ``r1->r1R`` (``→`` works too): the last
character on the left is the symbol read, and on the right the last two are the symbol written and the move ``L``,
``R`` or ``S``; what is left of them is a state of any length. Rules are separated by commas or line ends; ``;`` starts
a comment. In a file, lines ``name:``, ``start:``, ``blank:``, ``halt:`` (comma separated) may stand anywhere. By
default the first rule's state is the start, ``#`` is the blank, and states without a rule of their own halt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int16

MOVES = {"L": -1, "R": 1}


class Transition(NamedTuple):
    """``δ(q, a) = (state, symbol, move)``; the move is ``"L"`` or ``"R"``."""

    state: str
    symbol: str
    move: str


class TuringTable(NamedTuple):
    """The transition function as integer arrays over (live state, symbol); any leading dimensions are machines.

    States are numbered live first, then halting; the first live state is the start and symbol 0 the blank.
    ``move`` is −1 (L) or +1 (R); entries without a transition are −1 in ``state`` and ``symbol`` and 0 in ``move``.
    """

    state: Int16[np.ndarray, "*machines live symbols"]
    symbol: Int16[np.ndarray, "*machines live symbols"]
    move: Int16[np.ndarray, "*machines live symbols"]


@dataclass(frozen=True)
class Step:
    """One step of a run: what the head saw and did. ``tape`` maps cells to non-blank symbols *after* the step."""

    state: str
    head: int
    read: str
    done: Transition
    tape: Mapping[int, str]


@dataclass(frozen=True)
class Run:
    """A finished or cut-off run of a Turing machine.

    Attributes
    ----------
    steps : tuple of Step
        Every executed step.
    halted : bool
        Whether the last step entered a halting state (otherwise it was cut off, or no transition was defined).
    word : tuple of str
        The input.
    """

    steps: tuple[Step, ...]
    halted: bool
    word: tuple[str, ...]

    @property
    def visited(self) -> tuple[int, int]:
        """First and last cell that was read or holds input; the cell that the last move enters does not count."""
        heads = [step.head for step in self.steps] or [0]
        return min(*heads, 0), max(*heads, len(self.word) - 1, 0)

    @property
    def space(self) -> int:
        """Number of cells in the visited interval, s(n)."""
        low, high = self.visited
        return high - low + 1

    @property
    def final_state(self) -> str | None:
        """The state after the last step; None when no step was possible."""
        return self.steps[-1].done.state if self.steps else None

    def tape(self, blank: str) -> str:
        """The visited interval after the last step, as a string."""
        cells = self.steps[-1].tape if self.steps else dict(enumerate(self.word))
        low, high = self.visited
        return "".join(cells.get(cell, blank) for cell in range(low, high + 1))


@dataclass(frozen=True)
class TuringMachine:
    """A deterministic one-tape Turing machine.

    Parameters
    ----------
    symbols : tuple of str
        Tape alphabet Σ, the blank first.
    states : tuple of str
        The live states, the start state first.
    halting : tuple of str
        The states in which the machine stops.
    transitions : mapping
        ``(state, symbol) -> Transition``; a missing pair is undefined, and a run that reaches it is cut off there.
    name : str
        For messages and figures.

    Raises
    ------
    ValueError
        If a symbol or state is unknown or repeated, a halting state has a transition, or a move is not L or R.

    References
    ----------
    turing sheet, section 2 (definition of TM).
    """

    symbols: tuple[str, ...]
    states: tuple[str, ...]
    halting: tuple[str, ...]
    transitions: Mapping[tuple[str, str], Transition] = field(hash=False)
    name: str = "machine"

    def __post_init__(self) -> None:
        if not self.symbols or not self.states or not self.halting:
            raise ValueError(f"{self.name}: a machine needs at least one symbol, one live and one halting state")
        names = self.states + self.halting
        for what, values in (("symbol", self.symbols), ("state", names)):
            repeated = {value for value in values if values.count(value) > 1}
            if repeated:
                raise ValueError(f"{self.name}: {what} {min(repeated)!r} is listed more than once")
        for (state, symbol), (target, written, move) in self.transitions.items():
            rule = f"{self.name}: rule ({state!r}, {symbol!r}) -> ({target!r}, {written!r}, {move!r})"
            if state not in self.states:
                raise ValueError(f"{rule}: {state!r} is not a live state; these are {', '.join(self.states)}")
            if target not in names:
                raise ValueError(f"{rule}: {target!r} is not a state; these are {', '.join(names)}")
            for value in (symbol, written):
                if value not in self.symbols:
                    raise ValueError(f"{rule}: {value!r} is not a symbol; these are {' '.join(self.symbols)}")
            if move not in MOVES:
                raise ValueError(f"{rule}: move {move!r} is not L or R")

    # ------------------------------------------------------------------------------------------------ making one

    @classmethod
    def from_dict(
        cls,
        rules: Mapping[tuple[str, str], tuple[str, str, str]],
        *,
        start: str | None = None,
        blank: str = "#",
        halting: Sequence[str] = (),
        name: str = "machine",
    ) -> TuringMachine:
        """Build a machine from ``{(state, symbol): (state', symbol', move)}``, where a move may also be ``S`` (stay).

        Parameters
        ----------
        rules : mapping
            The transition function.
        start : str, optional
            Start state; by default that of the first rule.
        blank : str
            The blank symbol; it joins Σ even when no rule names it.
        halting : sequence of str
            Halting states; states that have no rule of their own halt as well.
        name : str
            For messages and figures.

        Raises
        ------
        ValueError
            As the constructor, and if there are no rules, the start has no rule, or stay moves loop in place.
        """
        if not rules:
            raise ValueError(f"{name}: no rules given")
        first = next(iter(rules))[0]
        start = first if start is None else start
        live = dict.fromkeys([start, *(state for state, _ in rules)])
        if start not in {state for state, _ in rules}:
            raise ValueError(
                f"{name}: start state {start!r} has no rule; states with rules are {', '.join(list(live)[1:])}"
            )
        targets = dict.fromkeys(target for target, _, _ in rules.values())
        stops = dict.fromkeys([*halting, *(target for target in targets if target not in live)])
        if not stops:
            raise ValueError(f"{name}: no halting state; name one in `halting`")
        symbols = dict.fromkeys([blank, *(s for (_, a), (_, b, _) in rules.items() for s in (a, b))])
        moved = {pair: _compose_stay(rules, pair, set(stops), name) for pair in rules}
        transitions = {pair: rule for pair, rule in moved.items() if rule is not None}
        return cls(tuple(symbols), tuple(live), tuple(stops), transitions, name)

    @classmethod
    def from_table(
        cls,
        table: str,
        *,
        start: str | None = None,
        blank: str | None = None,
        halting: Sequence[str] = (),
        name: str | None = None,
    ) -> TuringMachine:
        """Build a machine from the text format of this module, ``"r0->r0R, r1->r1R, …"``; arguments win over headers.

        Raises
        ------
        ValueError
            As :meth:`from_dict`, and if a rule cannot be read or is given twice.
        """
        header: dict[str, str] = {}
        rules: dict[tuple[str, str], tuple[str, str, str]] = {}
        for number, line in enumerate(table.splitlines(), 1):
            code = line.split(";", 1)[0].strip()
            key, colon, value = code.partition(":")
            if colon and key.strip() in ("name", "start", "blank", "halt"):
                header[key.strip()] = value.strip()
                continue
            where = name or header.get("name", "machine")
            for rule in filter(None, (part.strip() for part in code.split(","))):
                pair, action = _parse_rule(rule, number, where)
                if pair in rules:
                    raise ValueError(
                        f"{where}, line {number}: a second rule for state {pair[0]!r} and symbol {pair[1]!r}"
                    )
                rules[pair] = action
        name = name or header.get("name", "machine")
        blank = header.get("blank", "#") if blank is None else blank
        if len(blank) != 1 or not blank.isprintable() or blank.isspace():
            raise ValueError(f"{name}: blank {blank!r} is not one printable character")
        named = [state.strip() for state in header.get("halt", "").split(",") if state.strip()]
        return cls.from_dict(
            rules,
            start=start or header.get("start"),
            blank=blank,
            halting=[*halting, *named],
            name=name,
        )

    @classmethod
    def from_file(cls, path: str | Path) -> TuringMachine:
        """Read a machine from a text file in the format of this module; its name is by default the file's."""
        path = Path(path)
        text = path.read_text(encoding="utf-8")
        named = any(line.lstrip().startswith("name:") for line in text.splitlines())
        return cls.from_table(text, name=None if named else path.stem)

    # ----------------------------------------------------------------------------------------------- running it

    def read_word(self, word: str | Sequence[str]) -> tuple[str, ...]:
        """The input as a tuple of symbols; ValueError if one is not in the alphabet."""
        for position, symbol in enumerate(word):
            if symbol not in self.symbols:
                known = " ".join(self.symbols)
                raise ValueError(f"{self.name}: input symbol {symbol!r} at position {position} is not one of {known}")
        return tuple(word)

    def steps(self, word: str | Sequence[str]) -> Iterator[Step]:
        """Execute step by step from the first cell of `word`, until a halting state or an undefined pair."""
        blank = self.symbols[0]
        tape = {cell: symbol for cell, symbol in enumerate(self.read_word(word)) if symbol != blank}
        state, head = self.states[0], 0
        while state not in self.halting:
            read = tape.get(head, blank)
            done = self.transitions.get((state, read))
            if done is None:
                return
            if done.symbol == blank:
                tape.pop(head, None)
            else:
                tape[head] = done.symbol
            yield Step(state, head, read, done, dict(tape))
            state, head = done.state, head + MOVES[done.move]

    def run(self, word: str | Sequence[str], max_steps: int) -> Run:
        """Run for at most `max_steps` steps; see :class:`Run`."""
        done = tuple(step for step, _ in zip(self.steps(word), range(max_steps), strict=False))
        halted = bool(done) and done[-1].done.state in self.halting
        return Run(done, halted, self.read_word(word))

    def table(self) -> TuringTable:
        """The transition function as integer arrays, see :class:`TuringTable`."""
        state_id = {state: index for index, state in enumerate(self.states + self.halting)}
        symbol_id = {symbol: index for index, symbol in enumerate(self.symbols)}
        state, symbol = (np.full((len(self.states), len(self.symbols)), -1, np.int16) for _ in range(2))
        move = np.zeros_like(state)
        for (q, a), done in self.transitions.items():
            at = state_id[q], symbol_id[a]
            state[at], symbol[at], move[at] = state_id[done.state], symbol_id[done.symbol], MOVES[done.move]
        return TuringTable(state, symbol, move)

    def __str__(self) -> str:
        rules = ", ".join(f"{q}{a}→{t}{b}{d}" for (q, a), (t, b, d) in self.transitions.items())
        return f"{self.name}: {rules}"


def _parse_rule(rule: str, line: int, name: str) -> tuple[tuple[str, str], tuple[str, str, str]]:
    left, arrow, right = rule.replace("→", "->").partition("->")
    left, right = "".join(left.split()), "".join(right.split())
    if not arrow or len(left) < 2 or len(right) < 3 or right[-1] not in "LRS":
        raise ValueError(f"{name}, line {line}: cannot read rule {rule!r}; a rule looks like q0->p1R (move L, R or S)")
    return (left[:-1], left[-1]), (right[:-2], right[-2], right[-1])


def _compose_stay(
    rules: Mapping[tuple[str, str], tuple[str, str, str]], pair: tuple[str, str], halting: set[str], name: str
) -> Transition | None:
    """The first moving step from `pair`: ``(q,a) → (q',b,S)`` becomes what ``(q',b)`` does.

    A stay into a halting state becomes a move to the right: the tape and the verdict are the same, and the head's last
    place is not part of a run. None when the chain of stays ends where nothing is defined.
    """
    seen = [pair]
    while (rule := rules.get(seen[-1])) is not None:
        state, symbol, move = rule
        if move != "S":
            return Transition(state, symbol, move)
        if state in halting:
            return Transition(state, symbol, "R")
        if (state, symbol) in seen:
            raise ValueError(
                f"{name}: the stay moves from state {pair[0]!r} on symbol {pair[1]!r} loop in place for ever"
            )
        seen.append((state, symbol))
    return None
