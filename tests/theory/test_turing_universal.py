"""The universal machine against a tag system run on strings, step by step, directly and from the network's weights."""

import inspect
from itertools import islice
from typing import no_type_check

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lemmata.theory.turing import TuringMachine, certify, compile_machine
from lemmata.theory.turing.compiled import long_run
from lemmata.theory.turing.fast import RingDecoder
from lemmata.theory.turing.library import BB4, BB5, PAL
from lemmata.theory.turing.measure import ring_after
from lemmata.theory.turing.mutants.programs import UNIVERSAL_MUTANTS
from lemmata.theory.turing.strategies import machines_with_words
from lemmata.theory.turing.tag import TagSystem
from lemmata.theory.turing.universal import (
    ADDING,
    COLLATZ,
    UNIVERSAL,
    decode,
    decode_ring,
    decode_word,
    encode,
    encode_word,
)


@st.composite
def systems_with_words(draw: st.DrawFn) -> tuple[TagSystem, str]:
    """Systems with one to four letters, two more without a rule, one that only the word may have, and a word."""
    letters = "abcd"[: draw(st.integers(1, 4))]
    productions = st.text(st.sampled_from(letters + "HJ"), max_size=3)
    system = TagSystem({letter: draw(productions) for letter in letters}, letters="K")
    return system, draw(st.text(st.sampled_from(letters + "".join(system.halting)), max_size=5))


def words_on_the_tape(system: TagSystem, word: str, count: int) -> list[str]:
    """What stands on the tape whenever the universal machine enters S at the first letter, separators restored."""
    found = []
    for step in islice(UNIVERSAL.steps(encode(system, word)), 200_000):
        if step.state == "V" and step.done.state == "S":
            found.append(decode(system, [step.tape[cell] for cell in sorted(step.tape)]))
            if len(found) == count:
                break
    return found


@given(systems_with_words())
def test_each_step_of_the_tag_system_is_found_on_the_tape(instance) -> None:
    system, word = instance
    words = [word, *system.run(word, 6)]
    assert words_on_the_tape(system, word, len(words)) == words


@given(systems_with_words())
def test_the_last_word_is_read_back_from_a_halted_tape(instance) -> None:
    system, word = instance
    words = [word, *system.run(word, 60)]
    assume(len(words) <= 60)
    done = long_run(UNIVERSAL, encode(system, word), 10**7)
    assert done.halted
    assert done.state == ("E" if words[-1] == "" or (len(words[-1]) < 2 and words[-1] in system.rules) else "H")
    assert decode(system, done.tape) == words[-1]


@given(systems_with_words())
def test_a_word_is_read_back_from_its_code(instance) -> None:
    system, word = instance
    assert decode_word(system, encode_word(system, word)) == word


@pytest.mark.parametrize("n", [2, 3, 5, 6, 8])
def test_the_network_computes_the_collatz_sequence(n: int) -> None:
    table, weights = compile_machine(UNIVERSAL)
    decoder = RingDecoder.from_weights(weights, table.halting_tokens())
    done = long_run(UNIVERSAL, encode(COLLATZ, "a" * n), 10**7)
    window = done.space - 1
    made = decoder.generate(table.prompt(encode(COLLATZ, "a" * n), window), 10**7)
    assert (made.halted, len(made.tokens)) == (True, done.tokens(window))
    assert table.post.states[table.split(made.tokens[-1])[1]].state == done.state == "E"
    value, powers = n, []
    while value > 1:
        value = value // 2 if value % 2 == 0 else (3 * value + 1) // 2
        powers.append("a" * value)
    assert [word for word in COLLATZ.run("a" * n, 10**4) if set(word) == {"a"}] == powers
    assert decode(COLLATZ, done.tape) == "a"
    ending = decoder.ending(table.prompt(encode(COLLATZ, "a" * n), window), 10**7)
    assert ending is not None
    assert ending.tokens == len(made.tokens)
    assert ending.window[-1] == made.tokens[-1]
    literal = [*table.prompt(encode(COLLATZ, "a" * n), window), *made.tokens][-window:]
    assert ring_after(table, ending.window) == ring_after(table, literal)
    assert decode_ring(COLLATZ, ring_after(table, literal)[1]) == "a"


def test_the_universal_network_is_certified_for_every_program() -> None:
    found = certify(UNIVERSAL)
    assert found.proved
    assert (len(UNIVERSAL.states), len(UNIVERSAL.symbols), found.cases) == (10, 7, 155 * 14)


@pytest.mark.parametrize("name", [name for name in UNIVERSAL_MUTANTS if name != "intact"])
def test_a_universal_machine_with_one_rule_changed_is_caught(name: str) -> None:
    word = "aaaaa"
    done = long_run(UNIVERSAL_MUTANTS[name], encode(COLLATZ, word), 10**5)
    right = long_run(UNIVERSAL, encode(COLLATZ, word), 10**5)
    assert (done.state, done.steps, done.tape) != (right.state, right.steps, right.tape)


def test_a_letter_of_the_word_alone_halts() -> None:
    system = TagSystem({"a": "aa"}, letters="b")
    done = long_run(UNIVERSAL, encode(system, "aab"), 10**5)
    assert (done.state, decode(system, done.tape), system.run("aab", 9)[-1]) == ("H", "baa", "baa")
    with pytest.raises(ValueError, match="letter 'b' is not one of a; more go in letters"):
        encode(TagSystem({"a": "aa"}), "aab")


@no_type_check
def wrong_system(rules) -> None:
    """As in a session without type checks, which the tests have."""
    system = object.__new__(TagSystem)
    vars(system).update(rules=rules, name="wrong")
    inspect.unwrap(TagSystem.__post_init__)(system)


def test_letters_without_a_rule_halt_and_bad_letters_are_refused() -> None:
    assert ADDING.halting == ("H",)
    assert encode_word(ADDING, "H") == "111110"
    done = long_run(UNIVERSAL, encode(ADDING, "aab"), 10**5)
    assert (done.state, decode(ADDING, done.tape), ADDING.run("aab", 100)[-1]) == ("H", "Haa", "Haa")
    with pytest.raises(ValueError, match="letter 'z' is not one of a b c H"):
        encode(ADDING, "az")
    with pytest.raises(ValueError, match="'ab' is not one letter"):
        TagSystem({"ab": "a"})
    for rules, message in (({"a": 5}, "the production 5 of a is not a word"), ({5: "a"}, "5 is not one letter")):
        with pytest.raises(ValueError, match=message):
            wrong_system(rules)
    with pytest.raises(ValueError, match="max_steps -1 is negative"):
        ADDING.run("aab", -1)
    with pytest.raises(ValueError, match="no rules"):
        TagSystem({})
    with pytest.raises(ValueError, match="'1101' is not a sequence of codes"):
        decode_word(ADDING, "1101")
    with pytest.raises(ValueError, match="no blank"):
        decode_ring(ADDING, "|x10")


# ------------------------------------------------------------------------------------------- compiled interpreter


@given(machines_with_words())
def test_the_compiled_interpreter_ends_where_the_reference_does(instance) -> None:
    machine, word = instance
    for cutoff in (1, 40):
        reference, compiled = machine.run(word, cutoff), long_run(machine, word, cutoff)
        assert (compiled.steps, compiled.halted) == (len(reference.steps), reference.halted)
        assert compiled.state == (reference.final_state or machine.states[0])
        if reference.steps:
            assert "".join(compiled.tape) == reference.tape("#")
            assert compiled.first_cell == reference.visited[0]
            assert compiled.left_moves == sum(step.done.move == "L" for step in reference.steps[:-1])


@pytest.mark.parametrize("move", ["L", "R"])
def test_the_tape_grows_on_either_side(move: str) -> None:
    walker = TuringMachine.from_table(f"a#→a1{move}, a1→H1R")
    done = long_run(walker, "", 1_000)
    assert (done.steps, done.space, set(done.tape)) == (1_000, 1_000, {"1"})
    assert done.first_cell == (-999 if move == "L" else 0)


def test_token_counts_are_those_of_the_decoder() -> None:
    table, weights = compile_machine(BB4)
    done = long_run(BB4, "", 1_000)
    decoder = RingDecoder.from_weights(weights, table.halting_tokens())
    for window in (done.space - 1, 20):
        assert decoder.count(table.prompt("", window), 10**6) == (done.tokens(window), True)


def test_a_run_that_does_not_halt_has_no_last_token() -> None:
    stuck = TuringMachine.from_table("a1→b1L, b1→H1R")
    with pytest.raises(ValueError, match="did not halt but ended in b"):
        long_run(stuck, "1", 10).tokens(5)
    with pytest.raises(ValueError, match="did not halt"):
        long_run(BB4, "", 106).tokens(14)


def test_the_five_state_busy_beaver_ends() -> None:
    done = long_run(BB5, "", 10**8)
    assert (done.steps, done.halted, done.tape.count("1"), done.space) == (47_176_870, True, 4_098, 12_289)


def test_bad_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="max_steps -1"):
        long_run(PAL, "", -1)
    with pytest.raises(ValueError, match="input symbol '2'"):
        long_run(PAL, "2", 10)
