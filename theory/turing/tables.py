"""The numbers that the sheet tabulates for this construction, so that code and claims are compared with one copy.

References
----------
turing sheet, tables of sections 4.3 and 4.4.
"""

from __future__ import annotations

from typing import NamedTuple

from lemmata.theory.turing.library import BB3, BB3_ONES, INC, PAL
from lemmata.theory.turing.machine import TuringMachine


class RunRow(NamedTuple):
    """A run of section 4.4: machine, input, window N, Turing steps K, and generated tokens (CoT)."""

    machine: TuringMachine
    word: str
    window: int
    turing_steps: int
    tokens: int


def alternating(length: int) -> str:
    """``(01)^{n/4}(10)^{n/4}``, a palindrome of `length` (a multiple of 4) letters."""
    return "01" * (length // 4) + "10" * (length // 4)


RUNS = (
    RunRow(INC, "1011", 6, 8, 24),
    RunRow(INC, "1111", 6, 10, 36),
    RunRow(INC, "1111", 5, 10, 31),
    RunRow(INC, "10101111", 12, 14, 70),
    RunRow(INC, "1111111", 30, 16, 249),
    RunRow(PAL, "0110", 6, 15, 46),
    RunRow(PAL, "10101", 8, 21, 85),
    RunRow(PAL, "11011011", 12, 45, 266),
    RunRow(PAL, alternating(4), 5, 15, 40),
    RunRow(PAL, alternating(8), 9, 45, 206),
    RunRow(PAL, alternating(16), 17, 153, 1306),
    RunRow(PAL, alternating(32), 33, 561, 9266),
    RunRow(BB3, "", 6, 21, 72),
    RunRow(BB3, "", 9, 21, 102),
    RunRow(BB3, "", 20, 21, 212),
    RunRow(BB3_ONES, "", 6, 14, 45),
    RunRow(BB3_ONES, "", 9, 14, 63),
    RunRow(BB3_ONES, "", 20, 14, 129),
)


class SizeRow(NamedTuple):
    """A network of section 4.3: control states P, symbols g, transitions H, vocabulary, width d, parameters, bits."""

    machine: TuringMachine
    states: int
    symbols: int
    transitions: int
    vocabulary: int
    width: int
    parameters: int
    bits: int


SIZES = (
    SizeRow(INC, 16, 6, 57, 96, 52, 18_933, 37_866),
    SizeRow(PAL, 43, 6, 165, 258, 106, 101_607, 203_214),
    SizeRow(BB3, 15, 4, 38, 60, 44, 10_818, 21_636),
)
