"""A small universal machine: ten states and seven symbols that run every 2-tag system, written for this house.

A *2-tag system* has a word; each step reads its first letter a, deletes the first two letters, and appends the word
``rules[a]``. It halts where the word has fewer than two letters or its first one has no rule. 2-tag systems simulate
every Turing machine (Cocke and Minsky), so the fixed network of :data:`UNIVERSAL`, with a window as long as needed,
computes every computable function: the program is part of the prompt. Module ``tag`` has a Turing machine's tag system.

The tape is ``| P_n | … | P_2 | P_1 | x word``. Letter i is ``1…1 0`` with i ones, a production ``P_i`` and the word are
letters one after the other. Letters with a rule are numbered 1 … n, those without from n + 2 on.

1. *Select* (S, F, B): each 1 of the first letter becomes x and marks one more ``|``, from the right, as ``!``. So
   letter i leaves ``P_i`` to the left of the last mark. A letter without a rule runs out of separators: halt in H.
2. *Delete* (D): the second letter becomes x…x. If there is none: halt in E.
3. *Copy* (C, K, I, O): the first cell of ``P_i`` that is not copied yet is marked as copied (1 as x, 0 as o) and
   written behind the word.
4. *Restore* (U, V): copied cells and separators lose their marks; on to the first letter that is left.

The machine was designed for this purpose; it is no record of smallness, and takes space in proportion to the letters
ever appended, since deleted ones stay as x.

References
----------
J. Cocke and M. Minsky, Universality of tag systems with P = 2, Journal of the ACM 11 (1964). turing sheet, section 3
(remark: a universal machine makes one fixed transformer for all computable functions).
"""

from __future__ import annotations

from collections.abc import Sequence

from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.tag import TagSystem

UNIVERSAL = TuringMachine.from_table(
    """
    V0→V0R, V1→V1R, V|→V|R, V!→V|R, Vx→SxR             ; restore separators, to the word
    Sx→SxR, S1→FxL, S0→DxR, S#→E#L                     ; first letter: one 1 more, or its end
    F0→F0L, F1→F1L, Fx→FxL, F!→F!L, F|→B!R, F#→H#R     ; mark one more separator
    B0→B0R, B1→B1R, B!→B!R, Bx→SxR                     ; and back
    D1→DxR, D0→CxL, D#→E#L                             ; delete the second letter
    C0→C0L, C1→C1L, Cx→CxL, Co→CoL, C!→C!L, C|→K|R     ; to the left end of the selected production
    Kx→KxR, Ko→KoR, K1→IxR, K0→OoR, K!→U!L             ; first cell that is not copied yet
    I0→I0R, I1→I1R, Ix→IxR, Io→IoR, I!→I!R, I#→C1L     ; append 1
    O0→O0R, O1→O1R, Ox→OxR, Oo→OoR, O!→O!R, O#→C0L     ; append 0
    Ux→U1L, Uo→U0L, U|→V|R                             ; restore the production
    """,
    name="UNIVERSAL",
)
"""Runs a 2-tag system: halts in H at a letter without a rule, in E where the word has fewer than two letters."""


def encode_word(system: TagSystem, word: str) -> str:
    """``1…1 0`` a letter."""
    return "".join("1" * system.number(letter) + "0" for letter in word)


def encode(system: TagSystem, word: str) -> str:
    """The tape of :data:`UNIVERSAL` for a tag system and its word: ``| P_n | … | P_1 | x word``.

    Raises
    ------
    ValueError
        If the word has a letter that is in no rule and not among the system's `letters`.
    """
    table = "".join("|" + encode_word(system, system.rules[letter]) for letter in reversed([*system.rules]))
    return table + "|x" + encode_word(system, word)


def decode_word(system: TagSystem, code: str) -> str:
    """The word of a code, the inverse of :func:`encode_word`.

    Raises
    ------
    ValueError
        If it is not a sequence of codes of letters.
    """
    letters = {system.number(letter): letter for letter in (*system.rules, *system.halting)}
    parts = code.split("0")
    if parts[-1] or any(set(part) != {"1"} or len(part) not in letters for part in parts[:-1]):
        raise ValueError(f"{system.name}: {code!r} is not a sequence of codes of its letters")
    return "".join(letters[len(part)] for part in parts[:-1])


def decode(system: TagSystem, tape: str | Sequence[str]) -> str:
    """The tag system's word on a tape, at the start of a step or where :data:`UNIVERSAL` has halted.

    Where it has halted the first letter is half deleted; the marked separators and the x after the last whole deletion
    tell which one it was: with a mark on every separator, one more x than separators and what is left of the letter.
    """
    text = "".join(tape).strip("#")
    rest = text.replace("!", "|").rpartition("|")[2].lstrip("x")
    marks, separators = text.count("!"), len(system.rules) + 1
    if marks < separators:  # no mark: a whole word is left; some: its only letter, deleted
        return decode_word(system, "1" * marks + "0" * (marks > 0) + rest)
    return decode_word(system, "1" * (separators + 1) + rest)


def decode_ring(system: TagSystem, ring: Sequence[str]) -> str:
    """The word on a ring of cells that starts anywhere: it is cut at a blank, of which there is one beside the tape.

    Raises
    ------
    ValueError
        If there is no blank, or no word of the system between the blanks.
    """
    cells = "".join(ring)
    if "#" not in cells:
        raise ValueError(f"{system.name}: the ring has no blank at which to cut it")
    cut = cells.index("#")
    return decode(system, cells[cut:] + cells[:cut])


COLLATZ = TagSystem({"a": "bc", "b": "a", "c": "aaa"}, "Collatz")
"""From a…a with n letters through a…a with n/2 or (3n + 1)/2 letters, down to a single a: the Collatz sequence."""

ADDING = TagSystem({"a": "bH", "b": "aa", "c": "c"}, "halting letter")
"""A small system with a letter H that has no rule."""
