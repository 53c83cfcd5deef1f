"""The certificate for all inputs and the decoder read off the weights, against the literal decoder."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import certify, certify_weights, compile_machine
from lemmata.theory.turing.certificate import NetworkStep
from lemmata.theory.turing.decode import forward, generate
from lemmata.theory.turing.fast import RingDecoder
from lemmata.theory.turing.library import BB4, COPY, INC, MACHINES, PAL
from lemmata.theory.turing.mutants.network import WEIGHT_MUTANTS, single_changes
from lemmata.theory.turing.post import PostTable
from lemmata.theory.turing.strategies import machines, machines_with_words
from lemmata.theory.turing.tables import alternating


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_machine_of_the_library_is_certified(machine) -> None:
    found = certify(machine)
    table, _ = compile_machine(machine)
    assert found.proved
    assert (found.newest_classes, found.oldest_classes) == (table.n_states, table.n_symbols)
    assert (found.cases, found.transitions) == (table.n_states * table.n_symbols, len(table.state))
    assert (found.attention_margin, found.logit_margin) == (1, 1)


@given(machines())
def test_random_machines_are_certified(machine) -> None:
    assert certify(machine).proved


@pytest.mark.parametrize("name", [name for name in WEIGHT_MUTANTS if name != "intact"])
@pytest.mark.parametrize("machine", [INC, PAL, BB4], ids=lambda machine: machine.name)
def test_mutants_are_rejected(machine, name: str) -> None:
    table, weights = compile_machine(machine)
    assert not certify_weights(table, WEIGHT_MUTANTS[name](weights)).proved


def test_single_changes_are_rejected_or_alter_no_step() -> None:
    table, weights = compile_machine(INC)
    tokens = np.arange(table.vocabulary)
    windows = np.stack(np.meshgrid(tokens, tokens), -1).reshape(-1, 2)
    state, symbol = windows[:, 1] // table.n_symbols, windows[:, 0] % table.n_symbols
    target = table.post.table.state[state, symbol].astype(int)
    right = target * table.n_symbols + table.post.table.symbol[state, symbol]
    passed = []
    for number, (_, _, changed) in enumerate(single_changes(weights)):
        if number % 101:
            continue
        step = forward(changed, windows[target >= 0], "int64")
        sound = bool(((step.tokens == right[target >= 0]) & step.clear).all())
        if certify_weights(table, changed).proved:
            assert sound
            passed.append(number)
        elif NetworkStep.of(changed).attention_margin > 0:
            assert not sound
    assert 0 < len(passed) < 188


@pytest.mark.parametrize(
    ("changes", "largest", "largest_sum"),
    [({"query": 127, "key": 2}, 254, 254), ({"query": 2, "key": 127}, 254, 254), ({"unembedding": 100}, 200, 200)],
)
def test_what_overflows_int8_is_not_proved(changes: dict[str, int], largest: int, largest_sum: int) -> None:
    table, weights = compile_machine(INC)
    scaled = {name: getattr(weights, name) * np.int8(factor) for name, factor in changes.items()}
    found = certify_weights(table, replace(weights, **scaled))
    assert (found.largest, found.largest_sum, found.fits_int8, found.proved) == (largest, largest_sum, False, False)
    expected = table.expected("1011", 6, 1_000)
    made = generate(replace(weights, **scaled), table.prompt("1011", 6), table.halting_tokens(), len(expected))
    assert made.tie is not None or made.tokens != expected


def test_the_bound_on_sums_holds_for_partial_ones() -> None:
    table, weights = compile_machine(INC)
    value = weights.value.copy()
    value[0], value[8] = 70, -70  # the flags and S cancel where all are summed, but not on the way
    assert NetworkStep.of(weights).largest_sum < 8
    assert certify_weights(table, replace(weights, value=value)).largest_sum > 127


def test_a_key_that_scores_the_newest_token_as_the_oldest_is_rejected() -> None:
    table, weights = compile_machine(INC)
    found = certify_weights(table, replace(weights, key=weights.key + weights.query))
    assert (found.attention_margin, found.wrong, found.proved) == (0, 0, False)


def test_a_table_without_transitions_proves_nothing() -> None:
    table, weights = compile_machine(INC)
    nothing = PostTable(*(np.full_like(part, -1) for part in table.post.table))
    found = certify_weights(replace(table, post=replace(table.post, table=nothing)), weights)
    assert (found.wrong, found.transitions, found.proved) == (0, 0, False)


def test_the_classes_see_all_that_the_literal_decoder_sees() -> None:
    table, weights = compile_machine(INC)
    step = NetworkStep.of(weights)
    windows = np.random.default_rng(0).integers(table.vocabulary, size=(500, 6))
    logits = step.logits[step.newest_class[windows[:, -1]], step.oldest_class[windows[:, 0]]]
    np.testing.assert_array_equal(logits, forward(weights, windows, "int64").logits)


def test_the_classes_see_every_path_to_the_logits() -> None:
    table, weights = compile_machine(INC)
    rng = np.random.default_rng(1)
    # Dense output maps: now the newest token's own stream, what it read and what the FFN wrote all reach the logits.
    changed = replace(
        weights,
        unembedding=rng.integers(-1, 2, weights.unembedding.shape).astype(np.int8),
        output=rng.integers(-1, 2, weights.output.shape).astype(np.int8),
    )
    step = NetworkStep.of(changed)
    windows = rng.integers(table.vocabulary, size=(200, 6))
    logits = step.logits[step.newest_class[windows[:, -1]], step.oldest_class[windows[:, 0]]]
    np.testing.assert_array_equal(logits, forward(changed, windows, "int64").logits)


@given(machines_with_words(), st.integers(0, 3))
def test_the_ring_decoder_generates_what_the_literal_decoder_does(instance, extra: int) -> None:
    machine, word = instance
    table, weights = compile_machine(machine)
    window = max(2, len(word)) + extra
    stop, prompt = table.halting_tokens(), table.prompt(word, window)
    steps = len(table.expected(word, window, 60))  # an undefined transition may come after a ring that is too small
    literal = generate(weights, prompt, stop, steps)
    decoder = RingDecoder.from_weights(weights, stop)
    assert decoder.generate(prompt, steps) == literal
    assert decoder.count(prompt, steps) == (len(literal.tokens), literal.halted)


def test_the_ring_decoder_runs_long_inputs() -> None:
    table, weights = compile_machine(PAL)
    decoder = RingDecoder.from_weights(weights, table.halting_tokens())
    n = 64
    assert decoder.count(table.prompt(alternating(n), n + 1), 10**8) == (69_730, True)


def test_the_ring_decoder_refuses_weights_that_read_elsewhere() -> None:
    table, weights = compile_machine(INC)
    for name in ("zero_key", "attend_newest"):
        with pytest.raises(ValueError, match="attention margin"):
            RingDecoder.from_weights(WEIGHT_MUTANTS[name](weights), table.halting_tokens())
    with pytest.raises(ValueError, match="window 1 is too small"):
        RingDecoder.from_weights(weights, table.halting_tokens()).count([0], 5)


@pytest.mark.parametrize(
    ("prompt", "count", "message"),
    [
        ([0, -1], 3, "prompt holds -1, a token outside of the vocabulary 0 … 95"),
        ([96, 0], 3, "prompt holds 96, a token"),
        ([0], 3, "window 1 is too small"),
        ([], 3, "window 0 is too small"),
        ([0, 1], -1, "max_tokens -1 is negative"),
    ],
)
def test_the_ring_decoder_refuses_what_the_literal_one_does(prompt: list[int], count: int, message: str) -> None:
    table, weights = compile_machine(INC)
    decoder = RingDecoder.from_weights(weights, table.halting_tokens())
    for call in (decoder.generate, decoder.count, decoder.ending):
        with pytest.raises(ValueError, match=message):
            call(prompt, count)
    with pytest.raises(ValueError, match=message):
        generate(weights, prompt, table.halting_tokens(), count)


def test_a_tie_stops_the_ring_decoder() -> None:
    table, weights = compile_machine(INC)
    silent = weights.output * 0
    decoder = RingDecoder.from_weights(replace(weights, output=silent), table.halting_tokens())
    made = decoder.generate(table.prompt("1", 4), 10)
    assert (made.tokens, made.halted, made.tie) == ((), False, 1)


def test_library_machines_do_what_they_say() -> None:
    done = BB4.run("", 1_000)
    assert (len(done.steps), done.tape("0").count("1")) == (107, 13)
    for n in range(1, 8):
        assert COPY.run("1" * n, 10_000).tape("#").strip("#") == "x" * n + "#" + "1" * n


@pytest.mark.slow
@pytest.mark.parametrize("run", ["BB4, '', 14, 10_000", "PAL, alternating(256), 257, 20"], ids=["BB4", "PAL"])
def test_the_ring_decoder_makes_a_hundred_million_tokens_a_second(run: str) -> None:
    # An idle core makes 2.6e8 and 4.7e8, 7,897 and 36,246 times what the literal decoder does; the bounds leave a
    # factor of 2.6 for slower processors. In a process of its own, without type checks, which would slow the literal
    # decoder; the best of three, since others may use the core.
    code = f"from lemmata.theory.turing.benchmark import *; print(*max(compare({run}) for _ in range(3)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    ring, literal = map(float, done.stdout.split())
    assert ring >= 1e8
    assert ring >= 1_000 * literal
