"""The growing queue against the Turing machine's own runs: one machine at a time, and every small one in lockstep."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lemmata.theory.turing import TuringMachine
from lemmata.theory.turing.ensemble import all_machines, compare_with_growing, run_turing
from lemmata.theory.turing.growing import GrowingMachine, GrowingMode, GrowingTable, Places, departs, growing_table
from lemmata.theory.turing.library import BB4, COPY, INC, MACHINES, PAL
from lemmata.theory.turing.machine import Run, TuringTable
from lemmata.theory.turing.mutants.programs import GROWING_MUTANTS
from lemmata.theory.turing.strategies import machines, machines_with_words

WRONG = [name for name in GROWING_MUTANTS if name != "intact_growing"]


def visited(done: Run, steps: int) -> list[int]:
    """The cells read in the first `steps` steps or holding input, in order."""
    cells = {step.head for step in done.steps[:steps]} | set(range(len(done.word)))
    return list(range(min(cells), max(cells) + 1))


@given(machines_with_words())
def test_state_head_and_tape_are_read_back_after_every_turing_step(instance) -> None:
    machine, word = instance
    done = machine.run(word, 40)
    growing = GrowingMachine.from_turing(machine)
    count = 0
    for step in growing.run(word, 2_500):
        if not step.turing:
            continue
        if count == len(done.steps):
            break
        turing = done.steps[count]
        count += 1
        cells = visited(done, count)
        state, head, tape = growing.decode(step)
        assert state == turing.done.state
        assert cells[0] + head == turing.head + (1 if turing.done.move == "R" else -1)
        assert tape == tuple(turing.tape.get(cell, "#") for cell in cells)
        assert len(step.queue) == len(cells)
    assert count == len(done.steps)


@given(machines_with_words())
def test_a_run_ends_where_the_turing_machine_ends(instance) -> None:
    machine, word = instance
    done = machine.run(word, 40)
    assert not departs(machine, word, 40)
    if done.halted:
        growing = GrowingMachine.from_turing(machine)
        made = growing.run(word, 10_000)
        assert growing.states[made[-1].state].mode is GrowingMode.HALT
        assert sum(step.turing for step in made) == len(done.steps)


@given(machines_with_words())
def test_between_turing_steps_the_queue_keeps_its_length(instance) -> None:
    machine, word = instance
    done = machine.run(word, 40)
    growing = GrowingMachine.from_turing(machine)
    turing = 0
    for step in growing.run(word, 2_500):
        turing += step.turing
        if turing > len(done.steps):
            break
        assert len(step.queue) == (len(visited(done, turing)) if turing else len(word))


@given(machines())
def test_a_state_pops_nothing_or_always_one_and_pushes_at_most_one(machine: TuringMachine) -> None:
    growing = GrowingMachine.from_turing(machine)
    sigma, live, halting = len(machine.symbols), len(machine.states), len(machine.halting)
    assert len(growing.states) == 1 + live * (3 * sigma + 2) + halting * (sigma + 1)
    assert growing.table.state.shape == (len(growing.states), 2 * sigma + 2)
    defined = growing.table.state >= 0
    assert not (defined[:, -1] & defined[:, :-1].any(1)).any()
    modes = np.array([state.mode for state in growing.states])
    assert set(modes[defined[:, -1]]) <= {GrowingMode.SEAM, GrowingMode.GROW}
    silent = defined & (growing.table.push < 0)
    assert set(modes[silent.any(1)]) == {GrowingMode.START}


def test_an_empty_input_starts_at_the_seam() -> None:
    growing = GrowingMachine.from_turing(INC)
    first, second = growing.run("", 2)
    assert growing.initial_queue("") == (growing.seam,)
    assert (first.queue, first.turing, growing.states[first.state].mode) == ((), False, GrowingMode.SEAM)
    assert second.turing
    assert growing.decode(second) == ("c", -1, ("#",))


def test_the_increment_grows_by_one_cell_on_the_left_and_one_on_the_right() -> None:
    growing = GrowingMachine.from_turing(INC)
    made = growing.run("111", 1_000)
    assert growing.decode(made[-1]) == ("H", 1, tuple("1000#"))
    assert [growing.show(symbol) for symbol in made[-1].queue] == ["0", "0", "#", "$", "1"]
    # T_1 = 2; R R R over three cells; L from the fifth; then L over 4 cells, and one more to grow.
    assert len(made) == 2 + 3 + 4 * 4 + 1


def test_a_halting_left_move_over_the_left_end_is_read_back() -> None:
    machine = TuringMachine.from_table("a1→H0L")
    growing = GrowingMachine.from_turing(machine)
    assert growing.decode(growing.run("1", 10)[-1]) == ("H", -1, ("0",))


def test_a_tape_symbol_that_looks_like_the_seam_is_not_taken_for_it() -> None:
    machine = TuringMachine.from_table("a$→b$L, b#→c1R, c$→c$R, c#→H1L")
    assert not departs(machine, "$$", 100)
    growing = GrowingMachine.from_turing(machine)
    assert growing.decode(growing.run("$$", 100)[-1]).tape == ("1", "$", "$", "1")


def test_only_after_a_turing_step_a_tape_can_be_read() -> None:
    growing = GrowingMachine.from_turing(BB4)
    steps = growing.run("", 50)
    with pytest.raises(ValueError, match="executed no Turing step"):
        growing.decode(steps[0])
    seamless = next(step for step in steps if step.turing)
    with pytest.raises(ValueError, match="0 seams"):
        growing.decode(replace(seamless, queue=tuple(s for s in seamless.queue if s != growing.seam), state=1))


def test_an_undefined_pair_ends_the_run() -> None:
    machine = TuringMachine.from_table("a1→a1R, a0→H0R")
    growing = GrowingMachine.from_turing(machine)
    made = growing.run("11", 100)
    assert [step.turing for step in made] == [False, True, True]
    assert not departs(machine, "11", 100)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_the_library_runs_on_a_growing_queue(machine: TuringMachine) -> None:
    word = {"PAL": "0110", "INC": "1011", "COPY": "111"}.get(machine.name, "")
    assert not departs(machine, word, 300)


def test_a_negative_number_of_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="max_steps -1 is negative"):
        GrowingMachine.from_turing(INC).run("1", -1)


def test_a_machine_too_large_for_int16_is_refused() -> None:
    part = np.zeros((400, 40), np.int16)
    with pytest.raises(ValueError, match="400 live states and 40 symbols"):
        growing_table(TuringTable(part, part, part + 1), 1)


def test_control_states_are_numbered_without_gap_or_overlap() -> None:
    at = Places.of(3, 2, 2)
    numbers = np.concatenate([np.ravel(part) for part in (at.run, at.left, at.seam, at.grow, at.halt)])
    np.testing.assert_array_equal(numbers, np.arange(1, at.states))


# ------------------------------------------------------------------------------------------------- every small one


def test_every_small_machine_agrees_in_lockstep_and_wrong_tables_do_not() -> None:
    stack = all_machines(2, 2)
    history = run_turing(stack, 8)
    agreeing = {name: compare_with_growing(stack, history, mutate).agrees for name, mutate in GROWING_MUTANTS.items()}
    intact = agreeing.pop("intact_growing")
    assert (len(intact), intact.all()) == (20_736, True)
    assert max(found.mean() for found in agreeing.values()) < 0.9


def test_the_lockstep_comparison_says_what_single_runs_say() -> None:
    stack = all_machines(2, 2)
    history = run_turing(stack, 8)
    found = {name: compare_with_growing(stack, history, mutate).agrees for name, mutate in GROWING_MUTANTS.items()}
    names = ("q0", "q1", "H")
    for index in range(0, 20_736, 419):
        rules = {
            (names[q], str(a)): (
                names[stack.state[index, q, a]],
                str(stack.symbol[index, q, a]),
                "R" if stack.move[index, q, a] > 0 else "L",
            )
            for q in range(2)
            for a in range(2)
        }
        machine = TuringMachine.from_dict(rules, blank="0", start="q0", halting=["H"])
        for name, mutate in GROWING_MUTANTS.items():
            assert departs(machine, "", 8, mutate) != found[name][index], (machine, name)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tables_are_caught_on_one_run(name: str) -> None:
    wrong = [departs(machine, word, 200, GROWING_MUTANTS[name]) for machine, word in ((INC, "11"), (PAL, "0110"))]
    assert any(wrong)


def test_a_run_that_should_halt_and_does_not_is_caught() -> None:
    def restless(table: GrowingTable, at: Places) -> GrowingTable:
        return table._replace(state=np.where(np.isin(table.state, at.halt), at.run[0, 0], table.state).astype(np.int16))

    assert INC.run("11", 200).halted
    assert not departs(INC, "11", 200)
    assert departs(INC, "11", 200, restless)


def test_the_mutant_without_marks_differs_in_marks_alone() -> None:
    machine = GrowingMachine.from_turing(PAL)
    at = Places.of(len(PAL.states), len(PAL.symbols), len(PAL.halting))
    before, after = machine.table, GROWING_MUTANTS["unmarked_growing"](machine.table, at)
    marked = (before.push >= 0) & (before.push % 2 == 1)
    np.testing.assert_array_equal(after.state, before.state)
    np.testing.assert_array_equal(before.push - after.push, marked)
    # Of PAL's six left moves each is marked in modes run (4 neighbours) and left (3), at a blank also in seam and grow.
    assert marked.sum() == 6 * (4 + 3) + 2 * (1 + 3)


def test_a_wrong_length_of_the_queue_is_caught() -> None:
    assert departs(COPY, "11", 100, spare=1)
    assert departs(COPY, "11", 100, spare=-1)


@given(st.integers(0, 20_735), st.integers(1, 8))
def test_the_comparison_sees_one_wrong_cell(index: int, step: int) -> None:
    stack = all_machines(2, 2)
    chosen = np.arange(20_736) == index
    one = TuringTable(*(part[chosen] for part in stack))
    history = run_turing(one, 8)
    step = min(step, int(history.length[0]) if history.length[0] > 0 else 8)
    history.tape[step, 0, history.head[step - 1, 0] + history.origin] ^= 1
    assert not compare_with_growing(one, history).agrees.any()


@pytest.mark.slow
def test_every_small_machine_agrees_through_thirty_steps() -> None:
    stack = all_machines(2, 2)
    found = compare_with_growing(stack, run_turing(stack, 30))
    assert found.agrees.all()
    assert found.turing_steps.sum() == 342_064
