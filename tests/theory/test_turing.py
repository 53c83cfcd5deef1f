"""The turing construction: each stage alone, then the whole, against runs that share no code with it."""

import inspect
from dataclasses import replace
from itertools import product
from typing import no_type_check

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import TuringMachine, compile_machine, run
from lemmata.theory.turing.decode import check_generation, forward, generate, teacher_forced
from lemmata.theory.turing.ensemble import History, all_machines, compare_with_post, only, run_turing
from lemmata.theory.turing.library import BB3, BB3_ONES, INC, PAL
from lemmata.theory.turing.machine import Transition, TuringTable
from lemmata.theory.turing.mutants.network import TABLE_MUTANTS, WEIGHT_MUTANTS, reposition
from lemmata.theory.turing.post import PostMachine, predicted_steps, turing_times
from lemmata.theory.turing.strategies import machines, machines_with_words
from lemmata.theory.turing.tables import RUNS, SIZES
from lemmata.theory.turing.tokens import TokenTable
from lemmata.theory.turing.weights import Weights

# ------------------------------------------------------------------------------------------------ Turing machines


@pytest.mark.parametrize("value", range(1, 40))
def test_increment_machine_adds_one(value: int) -> None:
    done = INC.run(f"{value:b}", 1_000)
    assert done.halted
    assert int(done.tape("#").strip("#"), 2) == value + 1


@pytest.mark.parametrize("length", range(7))
def test_palindrome_machine_decides_palindromes(length: int) -> None:
    for word in map("".join, product("01", repeat=length)):
        assert PAL.run(word, 10_000).final_state == ("A" if word == word[::-1] else "X")


def test_busy_beavers_have_their_known_scores() -> None:
    assert (len(BB3.run("", 100).steps), BB3.run("", 100).tape("0").count("1")) == (21, 5)
    assert (len(BB3_ONES.run("", 100).steps), BB3_ONES.run("", 100).tape("0").count("1")) == (14, 6)


@given(machines())
def test_a_machine_is_what_its_printed_table_says(machine: TuringMachine) -> None:
    again = TuringMachine.from_table(str(machine).partition(": ")[2], halting=machine.halting)
    assert again.transitions == machine.transitions


def test_a_file_with_headers_and_comments_is_read(tmp_path) -> None:
    path = tmp_path / "flip.tm"
    path.write_text("; flips bits\nblank: _\nstart: go\nhalt: end\ngo0->go1R, go1->go0R\ngo_→end_L\n", encoding="utf-8")
    machine = TuringMachine.from_file(path)
    assert (machine.name, machine.symbols[0], machine.states, machine.halting) == ("flip", "_", ("go",), ("end",))
    assert machine.run("0110", 100).tape("_") == "1001_"


def test_stay_moves_are_composed_with_the_next_step() -> None:
    staying = TuringMachine.from_dict(
        {("a", "0"): ("b", "1", "S"), ("b", "1"): ("H", "2", "L"), ("b", "0"): ("a", "0", "R")}
    )
    assert staying.transitions["a", "0"] == Transition("H", "2", "L")
    halting = TuringMachine.from_dict({("a", "0"): ("H", "1", "S")})
    assert halting.transitions["a", "0"] == Transition("H", "1", "R")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("a0->b", "cannot read rule"),
        ("a0->a1X", "cannot read rule"),
        ("a0->H1R, a0->H0R", "second rule"),
        ("a0->b1S, b1->a0S, a1->H0R", "loop in place"),
        ("a0->a1R", "no halting state"),
        ("", "no rules"),
        ("start: z\na0->H1R", "start state 'z'"),
        ("blank:\na0->H1R", "not one printable character"),
        ("blank: ##\na0->H1R", "not one printable character"),
    ],
)
def test_bad_tables_are_refused_with_the_reason(table: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TuringMachine.from_table(table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({("A", "#"): Transition("Z", "#", "R")}, "'Z' is not a state"),
        ({("A", "#"): Transition("H", "9", "R")}, "'9' is not a symbol"),
        ({("A", "#"): Transition("H", "#", "S")}, "move 'S'"),
        ({("H", "#"): Transition("A", "#", "R")}, "'H' is not a live state"),
    ],
)
def test_bad_transitions_are_refused_with_the_reason(change, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TuringMachine(("#", "0"), ("A",), ("H",), change)


def test_an_input_outside_of_the_alphabet_or_the_window_is_refused() -> None:
    table, _ = compile_machine(INC)
    with pytest.raises(ValueError, match="'2' at position 1"):
        INC.run("121", 10)
    with pytest.raises(ValueError, match="does not fit a window of 2"):
        table.prompt("101", 2)
    with pytest.raises(ValueError, match="window 1 is too small"):
        table.prompt("1", 1)


# --------------------------------------------------------------------------------------------------- Post machine


@given(machines_with_words(), st.integers(0, 4))
def test_the_post_machine_holds_the_tape_at_every_turing_step(instance, extra: int) -> None:
    machine, word = instance
    done = machine.run(word, 40)
    window = max(done.space - 1, 2, len(word)) + extra
    post = PostMachine.from_turing(machine)
    moves = [step.done.move for step in done.steps]
    queue, count, times = list(post.initial_queue(word, window)), 0, []
    low, _ = done.visited
    for number, step in enumerate(post.run(word, window, predicted_steps(moves, window)), 1):
        queue = [*queue[1:], step.pushed]
        if not step.turing:
            continue
        turing, state = done.steps[count], post.states[step.state]
        count += 1
        times.append(number)
        ring = [state.register, *(post.symbols[symbol].symbol for symbol in queue)]
        cells = [low + (turing.head + 1 + i - low) % (window + 1) for i in range(window + 1)]
        assert ring == [turing.tape.get(cell, "#") for cell in cells]
        assert state.state == turing.done.state
    assert count == len(done.steps)
    assert times == [predicted_steps(moves[:k], window) for k in range(1, count + 1)]


def test_the_post_machine_has_the_predicted_number_of_transitions() -> None:
    for machine in (INC, PAL, BB3, BB3_ONES):
        sigma, live = len(machine.symbols), len(machine.states)
        assert PostMachine.from_turing(machine).transitions == sigma + 3 * live * sigma**2


def test_every_small_machine_agrees_and_wrong_tables_do_not() -> None:
    stack = all_machines(2, 2)
    history = run_turing(stack, 30)
    chosen = history.length > 0
    assert (len(chosen), chosen.sum(), history.length.max()) == (20_736, 9_784, 6)
    low, high = history.visited()
    windows = np.maximum(high - low, 2)[chosen]
    agreeing = {
        name: compare_with_post(only(stack, chosen), history.only(chosen), windows, mutate).agrees.mean()
        for name, mutate in TABLE_MUTANTS.items()
    }
    assert agreeing.pop("intact_table") == 1
    assert max(agreeing.values()) < 0.9


def test_the_lockstep_interpreter_equals_the_reference_interpreter() -> None:
    stack = all_machines(2, 2)
    history = run_turing(stack, 30)
    for index in range(0, 20_736, 411):
        rules = {
            (f"q{q}", str(a)): (
                f"q{stack.state[index, q, a]}",
                str(stack.symbol[index, q, a]),
                "R" if stack.move[index, q, a] > 0 else "L",
            )
            for q in range(2)
            for a in range(2)
        }
        done = TuringMachine.from_dict(rules, blank="0", start="q0", halting=["q2"]).run("", 30)
        assert (history.length[index] > 0) == done.halted
        if done.halted:
            assert history.length[index] == len(done.steps)
            cells = {c - history.origin: "1" for c in np.flatnonzero(history.tape[-1, index])}
            assert cells == dict(done.steps[-1].tape)


def small_machines() -> tuple[TuringTable, History, np.ndarray, np.ndarray]:
    """The small machines that halt after two steps or more: table, history, tightest windows, and their numbers."""
    stack = all_machines(2, 2)
    history = run_turing(stack, 30)
    chosen = history.length > 1
    history = history.only(chosen)
    low, high = history.visited()
    return only(stack, chosen), history, np.maximum(high - low, 2), np.arange(len(low))


def test_the_comparison_sees_one_wrong_cell_anywhere_on_the_ring() -> None:
    stack, history, windows, each = small_machines()
    low, high = history.visited()
    rng = np.random.default_rng(0)
    cell = low + (rng.random(len(low)) * (high - low + 1)).astype(int)
    history.tape[history.length, each, cell + history.origin] ^= 1
    assert not compare_with_post(stack, history, windows).agrees.any()


def test_the_comparison_sees_a_wrong_state_and_a_wrong_time() -> None:
    stack, history, windows, each = small_machines()
    history.state[1, each] ^= 1
    assert not compare_with_post(stack, history, windows).agrees.any()
    history.state[1, each] ^= 1
    history.head[1:] *= -1  # every step's move is mirrored: the first step's time stays, that of the second does not
    assert not compare_with_post(stack, history, windows).agrees.any()


@given(machines_with_words())
def test_space_counts_the_cells_that_were_read_or_hold_input(instance) -> None:
    machine, word = instance
    done = machine.run(word, 30)
    cells = {step.head for step in done.steps} | set(range(len(word))) | {0}
    assert done.space == max(cells) - min(cells) + 1


def test_rejection_is_told_from_acceptance() -> None:
    table, weights = compile_machine(PAL)
    for word, verdict in (("01", "X"), ("011", "X"), ("11", "A"), ("010", "A")):
        made = run(weights, table, word, 5, 1_000)
        assert table.post.states[table.split(made.tokens[-1])[1]].state == verdict


# ----------------------------------------------------------------------------------------------- tokens and weights


@given(machines(), st.integers(0, 10**6))
def test_tokens_split_into_what_they_were_made_of(machine: TuringMachine, draw: int) -> None:
    table = TokenTable.from_post(PostMachine.from_turing(machine))
    token = draw % table.vocabulary
    assert table.token(*table.split(token)) == token
    assert 0 <= table.split(token)[0] < table.n_symbols


@pytest.mark.parametrize("row", SIZES, ids=lambda row: row.machine.name)
def test_sizes_are_those_of_the_sheet(row) -> None:
    table, weights = compile_machine(row.machine)
    found = (table.n_states, table.n_symbols, len(table.state), table.vocabulary, weights.embedding.shape[1])
    assert found == row[1:6]
    assert (weights.parameters, weights.bits) == (row.parameters, row.bits)


def test_the_bit_meter_refuses_a_weight_that_is_not_ternary() -> None:
    _, weights = compile_machine(BB3)
    weights.value[0, 0] = 2
    with pytest.raises(ValueError, match="weights value span"):
        _ = weights.bits


def test_weights_do_not_know_the_window_and_positions_do() -> None:
    _, weights = compile_machine(INC)
    for window in (2, 3, 17):
        positions = weights.positions(window)
        assert positions.shape[0] == window
        assert np.flatnonzero(positions.any(1)).tolist() == [0, window - 1]
        assert not (positions[0] == positions[-1]).all()


# ------------------------------------------------------------------------------------------------------- decoding


@pytest.mark.parametrize(
    "row", [row for row in RUNS if row.tokens < 300], ids=lambda r: f"{r.machine.name}-{r.word}-{r.window}"
)
def test_the_network_generates_the_run(row) -> None:
    table, weights = compile_machine(row.machine)
    made = run(weights, table, row.word, row.window, 10_000)
    assert made.tokens == table.expected(row.word, row.window, 10_000)
    assert (len(made.tokens), made.halted, made.tie) == (row.tokens, True, None)


@given(machines(max_states=3, max_symbols=2), st.integers(2, 5), st.data())
def test_on_any_window_the_network_makes_the_post_step(machine: TuringMachine, window: int, data) -> None:
    table, weights = compile_machine(machine)
    tokens = data.draw(st.lists(st.integers(0, table.vocabulary - 1), min_size=window, max_size=window))
    step = forward(weights, np.array([tokens]))
    symbol, state = table.split(tokens[0])[0], table.split(tokens[-1])[1]
    target = table.post.table.state[state, symbol]
    assert step.tied_keys[0] == 1
    if target >= 0:
        assert step.tokens[0] == table.token(int(table.post.table.symbol[state, symbol]), int(target))
        assert step.margins[0] > 0


@given(st.integers(0, 2**32 - 1))
def test_int8_and_int64_agree_on_compiled_machines(seed: int) -> None:
    table, weights = compile_machine(INC)
    windows = np.random.default_rng(seed).integers(table.vocabulary, size=(50, 7))
    narrow, wide = forward(weights, windows), forward(weights, windows, "int64")
    np.testing.assert_array_equal(narrow.logits, wide.logits)
    assert wide.largest <= 2


def test_hardmax_averages_over_ties() -> None:
    table, weights = compile_machine(BB3)
    tied = WEIGHT_MUTANTS["zero_key"](weights)
    windows = np.random.default_rng(0).integers(table.vocabulary, size=(40, 5))
    step = forward(tied, windows, "int64")
    # The same mean in floating point, written out.
    stream = weights.embedding.astype(float)[windows] + tied.positions(5)[::-1]
    middle = stream[:, -1] + stream.mean(1) @ weights.value
    hidden = np.maximum(middle @ weights.hidden + weights.hidden_bias, 0)
    logits = (middle + hidden @ weights.output) @ weights.unembedding
    assert (step.tied_keys == 5).all()
    np.testing.assert_allclose(step.logits / 5, logits, atol=1e-12)  # sums of at most 400 terms of size 1


def test_a_logit_tie_is_not_a_clear_step() -> None:
    table, weights = compile_machine(BB3)
    mute = replace(weights, output=np.zeros_like(weights.output))
    step = forward(mute, np.array([table.prompt("", 4)]))
    assert (step.tied_keys[0], step.margins[0], step.clear[0]) == (1, 0, False)
    assert generate(mute, table.prompt("", 4), (), 3).tie == 1


def test_averaging_over_many_ties_does_not_overflow() -> None:
    table, weights = compile_machine(BB3)
    tied = WEIGHT_MUTANTS["zero_key"](weights)
    windows = np.random.default_rng(1).integers(table.vocabulary, size=(5, 300))
    np.testing.assert_array_equal(forward(tied, windows).logits, forward(tied, windows, "int64").logits)


def test_generation_refuses_bad_prompts_and_lengths() -> None:
    _, weights = compile_machine(BB3)
    with pytest.raises(ValueError, match="outside of the vocabulary 0 … 59"):
        generate(weights, [0, 60], (), 3)
    with pytest.raises(ValueError, match="max_tokens -1"):
        generate(weights, [0, 1], (), -1)
    with pytest.raises(ValueError, match="window 1 is too small"):
        weights.positions(1)
    with pytest.raises(ValueError, match="window 0 is too small"):
        weights.positions(0)


@no_type_check
def test_numbers_that_are_not_whole_are_refused() -> None:
    check = inspect.unwrap(check_generation)  # as in a session without type checks, which the tests have
    with pytest.raises(ValueError, match=r"prompt holds 1.7, which is not an integer"):
        check([0, 1.7], 60, 3)
    with pytest.raises(ValueError, match=r"max_tokens 2.5 is not an integer"):
        check([0, 1], 60, 2.5)


def test_tokens_are_shown_with_symbol_mark_and_state() -> None:
    table, _ = compile_machine(INC)
    assert [table.show(token) for token in (0, 1, 6)] == ["# start", "#' start", "# run(r,#)"]


@pytest.mark.parametrize("name", [name for name in WEIGHT_MUTANTS if name != "intact"])
def test_every_weight_mutant_is_caught_on_the_palindrome_machine(name: str) -> None:
    table, weights = compile_machine(PAL)
    expected = table.expected("0110", 6, 1_000)
    wrong = WEIGHT_MUTANTS[name](weights)
    made = generate(wrong, table.prompt("0110", 6), table.halting_tokens(), len(expected), "int64")
    # The blank is loaded first only on the empty word, where the dropped transition is the first.
    if name == "drop_transition":
        empty = table.expected("", 3, 1_000)
        made = generate(wrong, table.prompt("", 3), table.halting_tokens(), len(empty), "int64")
        expected = empty
    assert made.tokens != expected or made.tie is not None


@pytest.mark.parametrize(("distance", "from_window"), [(3, False), (2, True), (3, True)])
def test_a_misplaced_oldest_vector_is_caught(distance: int, from_window: bool) -> None:
    table, weights = compile_machine(INC)
    expected = table.expected("1011", 6, 100)
    wrong = reposition(weights, distance, from_window)
    assert teacher_forced(wrong, table.prompt("1011", 6), expected, "int64")[1] is not None


@pytest.mark.parametrize(
    ("distance", "from_window", "place"), [(3, False, 3), (2, True, 4), (3, True, 3), (1, True, 5), (9, False, 5)]
)
def test_a_misplaced_oldest_vector_stands_where_it_is_said(distance: int, from_window: bool, place: int) -> None:
    _, weights = compile_machine(INC)
    wrong = reposition(weights, distance, from_window)
    positions = wrong.positions(6)
    assert np.flatnonzero(positions.any(1)).tolist() == [0, place]
    np.testing.assert_array_equal(positions[[0, place]], [weights.position_current, weights.position_oldest])
    for name, array in weights.arrays().items():
        np.testing.assert_array_equal(array, wrong.arrays()[name])


@given(machines_with_words(max_length=3))
def test_teacher_forcing_says_what_generation_says(instance) -> None:
    machine, word = instance
    table, weights = compile_machine(machine)
    expected = table.expected(word, 4, 30)
    if not expected:
        return
    for name in ("intact", "ignore_mark", "attend_newest"):
        changed = WEIGHT_MUTANTS[name](weights)
        made = generate(changed, table.prompt(word, 4), (), len(expected), "int64")
        first = teacher_forced(changed, table.prompt(word, 4), expected, "int64", batch=7)[1]
        agrees = made.tokens == expected and made.tie is None
        assert agrees == (first is None)


def test_turing_times_count_only_turing_steps() -> None:
    post = PostMachine.from_turing(BB3)
    times = turing_times(post.run("", 9, 1_000))
    assert (len(times), times[0], times[-1]) == (21, 2, 102)
    assert set(np.diff(times).tolist()) == {1, 9}


def test_weights_are_int8_and_ternary() -> None:
    for array in Weights.from_tokens(compile_machine(PAL)[0]).arrays().values():
        assert array.dtype == np.int8
        assert set(np.unique(array)) <= {-1, 0, 1}
