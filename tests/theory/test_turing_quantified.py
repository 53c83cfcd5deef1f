"""The machine for quantified formulas against their definition, its space and its time, and its network."""

import inspect
from functools import cache
from typing import no_type_check

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.compiled import long_run
from lemmata.theory.turing.decode import run
from lemmata.theory.turing.fast import RingDecoder
from lemmata.theory.turing.mutants.programs import QUANTIFIED_MUTANTS
from lemmata.theory.turing.quantified import QUANTIFIED, Formula, encode, evaluate, hard_formula, input_length


@st.composite
def formulas(draw: st.DrawFn, max_variables: int = 5, max_clauses: int = 4) -> Formula:
    """Any quantifiers, and clauses without a variable and its negation; an empty clause is allowed."""
    prefix = draw(st.text(st.sampled_from("EA"), min_size=1, max_size=max_variables))
    row = st.lists(st.integers(-1, 1), min_size=len(prefix), max_size=len(prefix))
    rows = draw(st.lists(row, max_size=max_clauses))
    return Formula(prefix, tuple(tuple(s * j for j, s in enumerate(row, 1) if s) for row in rows))


def truth(formula: Formula, values: tuple[bool, ...] = ()) -> bool:
    """By recursion over the quantifiers: another way than the table of `evaluate`."""
    if len(values) == len(formula.prefix):
        return all(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in formula.clauses)
    branches = (truth(formula, (*values, value)) for value in (True, False))
    return any(branches) if formula.prefix[len(values)] == "E" else all(branches)


def lookups(formula: Formula) -> int:
    """How many assignments a search looks at that tries False first and cuts a decided variable's second branch."""
    seen = 0

    def value(values: tuple[bool, ...]) -> bool:
        nonlocal seen
        if len(values) == len(formula.prefix):
            seen += 1
            return truth(formula, values)
        wanted = formula.prefix[len(values)] == "E"
        return wanted if value((*values, False)) == wanted else value((*values, True))

    value(())
    return seen


@given(formulas())
def test_the_machine_decides_every_formula_within_its_code_and_two_blanks(formula: Formula) -> None:
    done = long_run(QUANTIFIED, encode(formula), 10**7)
    assert done.halted
    assert (done.state == "T") == evaluate(formula) == truth(formula)
    assert done.space == len(encode(formula)) + 2 == input_length(formula) + 2
    assert "".join(done.tape).strip("#") == encode(formula)  # values are back at 0, and every mark is off


@given(formulas())
def test_padding_to_alternating_quantifiers_keeps_the_truth(formula: Formula) -> None:
    padded = formula.alternating()
    assert padded.prefix == "EA" * (len(padded.prefix) // 2)
    assert evaluate(padded) == evaluate(formula)
    assert padded.alternating() == padded
    assert len(padded.prefix) <= 2 * len(formula.prefix)


def test_the_classic_pair_of_quantifier_orders() -> None:
    equal = ((1, -2), (-1, 2))
    assert [evaluate(Formula(prefix, equal)) for prefix in ("AE", "EA", "EE", "AA")] == [True, False, True, False]


def test_the_code_is_a_block_a_variable() -> None:
    assert encode(Formula("EA", ((1, -2), (2,)))) == "0p.0np"
    assert encode(Formula("A", ((1,),))) == "0.0p"
    assert encode(Formula("E", ())) == "00"


@given(formulas(max_variables=3, max_clauses=2), st.integers(0, 3))
def test_the_network_decides_in_a_window_of_the_prompt_or_more(formula: Formula, extra: int) -> None:
    table, decoder = network()
    word = encode(formula)
    done = decoder.ending(table.prompt(word, len(word) + extra), 10**6)
    assert done is not None
    assert table.post.states[table.split(done.window[-1])[1]].state == ("T" if evaluate(formula) else "F")


@cache
def network():
    table, weights = compile_machine(QUANTIFIED)
    return table, RingDecoder.from_weights(weights, table.halting_tokens())


def test_the_literal_decoder_says_the_same() -> None:
    table, weights = compile_machine(QUANTIFIED)
    for clauses, state in ((((1,),), "T"), (((2,),), "F")):
        word = encode(Formula("EA", clauses))
        made = run(weights, table, word, len(word), 400)
        assert made.halted
        assert made.tie is None
        assert table.post.states[table.split(made.tokens[-1])[1]].state == state
        assert network()[1].generate(table.prompt(word, len(word)), 400).tokens == made.tokens


@pytest.mark.parametrize("variables", [2, 4, 6, 8, 10])
def test_a_hard_formula_makes_the_search_try_every_assignment(variables: int) -> None:
    formula = hard_formula(variables)
    assert lookups(formula) == 2**variables
    assert evaluate(formula)
    done, length = long_run(QUANTIFIED, encode(formula), 10**8), input_length(formula)
    # A check of an assignment whose first false clause is the c-th takes 2c walks over the code, else 2m + 2.
    m = variables // 2
    failing = [2 ** (variables - 2 * c) for c in range(1, m + 1)]  # values that end in 0 and 2c − 1 ones
    walks = sum(2 * c * count for c, count in enumerate(failing, 1)) + (2 * m + 2) * (2**variables - sum(failing))
    assert done.steps == walks * (length + 1)
    assert 9 * walks == (6 * variables + 20) * 2**variables - 2


@pytest.mark.parametrize("name", [name for name in QUANTIFIED_MUTANTS if name != "intact"])
def test_a_machine_with_one_rule_changed_is_caught(name: str) -> None:
    formulas = [Formula("EA", clauses) for clauses in (((1,),), ((2,),), ((1, -2),), ((-1,), (1, 2)))]
    machine = QUANTIFIED_MUTANTS[name]
    answers = [(done := long_run(machine, encode(f), 10**4)).halted and done.state == "T" for f in formulas]
    assert answers != [evaluate(f) for f in formulas]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Formula("", ()), "prefix '' is not"),
        (lambda: Formula("EX", ()), "prefix 'EX' is not"),
        (lambda: Formula("E", ((2,),)), "literal 2 of clause"),
        (lambda: Formula("E", ((0,),)), "literal 0 of clause"),
        (lambda: Formula("E", ((1, -1),)), "always holds"),
        (lambda: hard_formula(3), "variables 3 is not an even number"),
        (lambda: hard_formula(4, 3), "clauses 3 is not in 0 to 2"),
    ],
)
def test_bad_formulas_are_refused_with_the_reason(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@no_type_check
def test_a_literal_in_place_of_a_clause_is_refused() -> None:
    formula = object.__new__(Formula)  # as in a session without type checks, which the tests have
    vars(formula).update(prefix="EA", clauses=(1, 2))
    with pytest.raises(ValueError, match=r"clause 1 is not a tuple of literals; one alone is written \(1,\)"):
        inspect.unwrap(Formula.__post_init__)(formula)


@pytest.mark.slow
def test_the_window_stays_linear_where_a_billion_tokens_are_generated() -> None:
    table, decoder = network()
    word = encode(hard_formula(14))
    assert len(word) == 112
    tokens, halted = decoder.count(table.prompt(word, len(word)), 2 * 10**9)
    assert (tokens, halted) == (1_208_751_848, True)
