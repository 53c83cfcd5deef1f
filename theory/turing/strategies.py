"""Hypothesis strategies: random Turing machines and inputs, for tests and for claims of kind `property`."""

from __future__ import annotations

from typing import no_type_check

from hypothesis import strategies as st

from lemmata.theory.turing.machine import Transition, TuringMachine

STATES, HALTING, SYMBOLS = "ABCD", ("H", "X"), "#01"


@st.composite
@no_type_check  # the type of `draw` is a protocol that cannot be checked at run time
def machines(draw: st.DrawFn, max_states: int = 4, max_symbols: int = 3) -> TuringMachine:
    """Total machines: 1 to `max_states` (≤ 4) live states, 1 or 2 halting ones, 2 to `max_symbols` (≤ 3) symbols."""
    states = tuple(STATES[: draw(st.integers(1, max_states))])
    symbols = tuple(SYMBOLS[: draw(st.integers(2, max_symbols))])
    halting = HALTING[: draw(st.integers(1, 2))]
    rule = st.builds(Transition, st.sampled_from([*states, *halting]), st.sampled_from(symbols), st.sampled_from("LR"))
    rules = {(state, symbol): draw(rule) for state in states for symbol in symbols}
    return TuringMachine(symbols, states, halting, rules, "random machine")


@st.composite
@no_type_check  # the type of `draw` is a protocol that cannot be checked at run time
def machines_with_words(draw: st.DrawFn, max_length: int = 6) -> tuple[TuringMachine, str]:
    """A machine and an input of at most `max_length` symbols."""
    machine = draw(machines())
    return machine, draw(st.text(st.sampled_from(machine.symbols), max_size=max_length))
