"""Hypothesis strategies: random Turing machines, inputs and decoders, for tests and claims of kind `property`."""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lemmata.theory.turing.machine import Transition, TuringMachine
from lemmata.theory.turing.saturating import Decoders

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


@st.composite
@no_type_check  # the type of `draw` is a protocol that cannot be checked at run time
def decoders_with_prompts(draw: st.DrawFn, max_window: int = 6) -> tuple[Decoders, tuple[int, ...]]:
    """One saturating decoder of 2 to 5 bits, with any parameters, and a prompt that fills its window."""
    window, vocabulary, precision = draw(st.integers(2, max_window)), draw(st.integers(1, 4)), draw(st.integers(2, 5))
    layers, heads, key_width, width, units = (draw(st.integers(1, most)) for most in (2, 2, 2, 3, 3))
    half = 2 ** (precision - 1)
    # Mostly small numbers, so that keys tie, and the whole range, so that sums saturate.
    number = st.one_of(st.integers(-1, 1), st.integers(-half, half - 1))

    def parameters(*shape: int) -> np.ndarray:
        return draw(arrays(np.int64, (1, *shape), elements=number))

    decoders = Decoders(
        precision=precision,
        embedding=parameters(vocabulary, width),
        position=parameters(layers, window, width),
        bias=parameters(layers, heads, window),
        query=parameters(layers, heads, key_width, width),
        key=parameters(layers, heads, key_width, width),
        value=parameters(layers, heads, width, width),
        hidden=parameters(layers, units, width),
        hidden_bias=parameters(layers, units),
        output=parameters(layers, width, units),
        unembedding=parameters(vocabulary, width),
    )
    return decoders, tuple(draw(st.lists(st.integers(0, vocabulary - 1), min_size=window, max_size=window)))
