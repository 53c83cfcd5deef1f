"""Tag systems of Turing machines: their words against the machine's own runs, and the whole way through the network."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import TuringMachine, compile_machine
from lemmata.theory.turing.compiled import long_run
from lemmata.theory.turing.fast import RingDecoder
from lemmata.theory.turing.library import BB3, BB3_ONES, INC
from lemmata.theory.turing.machine import MOVES
from lemmata.theory.turing.measure import ring_after
from lemmata.theory.turing.mutants.programs import TAG_MUTANTS
from lemmata.theory.turing.strategies import machines
from lemmata.theory.turing.tag import Configuration, TaggedMachine, TagSystem, departs, turing_configurations
from lemmata.theory.turing.universal import UNIVERSAL, decode, decode_ring, encode

INVERT = TuringMachine.from_table("a0→H1R, a1→H0R", blank="0", name="invert")
SEARCH = TuringMachine.from_table("a0→H1L, a1→a1R", blank="0", name="search")


@given(machines(max_states=3, max_symbols=2), st.text(st.sampled_from("#0"), max_size=4))
def test_the_words_hold_state_letter_and_both_sides_of_the_tape(machine: TuringMachine, word: str) -> None:
    done = machine.run(word, 6)
    found = list(islice(TaggedMachine.from_turing(machine).configurations(word, 20_000), len(done.steps) + 1))
    assert len(found) == len(done.steps) + 1
    for step, (state, read, left, right) in zip(done.steps, found[1:], strict=True):
        head = step.head + MOVES[step.done.move]
        assert (state, read) == (step.done.state, step.tape.get(head, "#"))
        digits = {head - 1 - k: "0" for k in range(20) if left >> k & 1}
        digits |= {head + 1 + k: "0" for k in range(20) if right >> k & 1}
        assert digits == {cell: letter for cell, letter in step.tape.items() if cell != head}
    assert not departs(machine, word, 6)


@pytest.mark.parametrize(("machine", "steps", "ones"), [(BB3, 21, 5), (BB3_ONES, 14, 6)])
def test_busy_beavers_end_with_their_ones(machine: TuringMachine, steps: int, ones: int) -> None:
    found = list(TaggedMachine.from_turing(machine).configurations("", 10**5))
    assert len(found) == steps + 1
    state, read, left, right = found[-1]
    assert (state, left.bit_count() + right.bit_count() + int(read)) == ("H", ones)


def test_a_word_that_is_no_configuration_is_told() -> None:
    tagged = TaggedMachine.from_turing(BB3)
    start = tagged.encode("1")
    assert tagged.decode(start) == Configuration("A", "1", 0, 0)
    assert tagged.decode(tagged.encode("011")) == Configuration("A", "0", 0, 3)
    assert tagged.decode(start[1:]) is None
    assert tagged.decode("") is None
    with pytest.raises(ValueError, match="is not F x"):
        tagged.decode(start[:-1])


def test_machines_that_are_not_binary_or_not_total_are_refused() -> None:
    with pytest.raises(ValueError, match="INC has 3 symbols"):
        TaggedMachine.from_turing(INC)
    with pytest.raises(ValueError, match="no rule for"):
        TaggedMachine.from_turing(TuringMachine.from_table("a0→H1R", blank="0"))


def test_a_machine_with_more_letters_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="needs more than 20,992 letters"):
        TaggedMachine.from_turing(many_states(700))


def many_states(count: int) -> TuringMachine:
    """Walks to the right or left, through all of its states."""
    rules = {(f"q{k}", a): (f"q{k + 1}", a, "RL"[k % 2]) for k in range(count) for a in "01"}
    return TuringMachine.from_dict(rules, blank="0", start="q0", halting=[f"q{count}"])


@pytest.mark.parametrize("name", [name for name in TAG_MUTANTS if name != "intact_tags"])
def test_wrong_tag_systems_are_caught(name: str) -> None:
    assert departs(BB3, "", 10, TAG_MUTANTS[name])


def test_the_bound_on_the_steps_is_reached() -> None:
    left = TuringMachine.from_table("a0→H1L, a1→H0L", blank="0")
    assert not departs(left, "", 1)
    assert departs(left, "", 1, constant=8)


def test_a_tag_system_stops_at_a_letter_without_a_rule_or_at_one_letter() -> None:
    system = TagSystem({"a": "bc", "b": "a"})
    assert system.run("aaa", 10) == ("abc", "cbc")
    assert system.run("ab", 10) == ("bc", "a")
    assert system.halting == ("c",)


@pytest.mark.parametrize("machine", [INVERT, SEARCH], ids=lambda machine: machine.name)
def test_the_universal_machine_runs_a_turing_machine(machine: TuringMachine) -> None:
    tagged = TaggedMachine.from_turing(machine)
    done = long_run(UNIVERSAL, encode(tagged.system, tagged.encode("1")), 10**8)
    assert tagged.decode(decode(tagged.system, done.tape)) == turing_configurations(machine, "1", 10)[-1]


def test_the_network_of_the_universal_machine_runs_a_turing_machine() -> None:
    tagged = TaggedMachine.from_turing(INVERT)
    tape = encode(tagged.system, tagged.encode("1"))
    table, weights = compile_machine(UNIVERSAL)
    window = long_run(UNIVERSAL, tape, 10**8).space - 1
    made = RingDecoder.from_weights(weights, table.halting_tokens()).ending(table.prompt(tape, window), 10**9)
    assert made is not None
    assert (made.tokens, len(made.window)) == (113_062_751, window)
    state, ring = ring_after(table, made.window)
    assert state == "H"
    assert tagged.decode(decode_ring(tagged.system, ring)) == Configuration("H", "0", 0, 0)


@pytest.mark.slow
def test_the_two_state_busy_beaver_runs_on_the_universal_machine() -> None:
    beaver = TuringMachine.from_table("A0→B1R, A1→B1L, B0→A1L, B1→H1R", blank="0", name="BB2")
    tagged = TaggedMachine.from_turing(beaver)
    done = long_run(UNIVERSAL, encode(tagged.system, tagged.encode("")), 10**9)
    assert done.steps == 463_217_788
    assert tagged.decode(decode(tagged.system, done.tape)) == Configuration("H", "1", 3, 1)
