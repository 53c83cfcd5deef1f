"""The multi-queue machine of the turing sheet, sections 5.2 and 5.3 (rows T13 to T17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lemmata.theory.turing.library import BB3, BB3_ONES, BB5, INC, PAL
from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.multiqueue import mutants
from lemmata.theory.turing.multiqueue.control import Control
from lemmata.theory.turing.multiqueue.decode import AmbiguousTokenError, generate, prompt, replay
from lemmata.theory.turing.multiqueue.fast import CompiledTable, FastRun
from lemmata.theory.turing.multiqueue.layout import Layout, base_for
from lemmata.theory.turing.multiqueue.machine import Loading, MultiQueueMachine, SynchronyError, agrees
from lemmata.theory.turing.multiqueue.measure import (
    SHEET_SWEEP_COST,
    agreement,
    fitted_exponent,
    random_machine,
    space_used,
    step_bound,
    sweep_cost,
    sweeping_machine,
    zigzag_machine,
)
from lemmata.theory.turing.multiqueue.state import ControlState, Phase
from lemmata.theory.turing.multiqueue.table import complete_rules, pushes_of, recorded_rules, recorded_table, rule_of
from lemmata.theory.turing.multiqueue.weights import (
    relative_bias,
    rules_of_weights,
    weights_of_rows,
    weights_of_rules,
)

RUNS = [
    (INC, "1011"),
    (INC, "1111"),
    (PAL, "0110"),
    (PAL, "10101"),
    (PAL, "01" * 4 + "10" * 4),
    (BB3, ""),
    (BB3_ONES, ""),
]
LOADINGS: tuple[Loading, ...] = ("padded", "pushed")
LONG_WORD = "01" * 6 + "10" * 6


def compiled(turing: TuringMachine, word: str, levels: int) -> MultiQueueMachine:
    return MultiQueueMachine.from_turing(turing, levels=levels, space=turing.run(word, 10_000).space)


# ------------------------------------------------------------------------------------------------------------ layout


@given(st.integers(1, 10**12), st.integers(1, 40))
@settings(derandomize=True, deadline=None)
def test_base_is_the_smallest_integer_whose_power_reaches_the_space(space: int, levels: int) -> None:
    base = base_for(space, levels)
    assert base >= 2
    assert base**levels >= space
    assert base == 2 or (base - 1) ** levels < space


@pytest.mark.parametrize(("levels", "base", "cells", "window"), [(1, 16, 94, 16), (2, 4, 110, 16), (3, 2, 70, 8)])
def test_cells_and_window_follow_the_sheets_formula(levels: int, base: int, cells: int, window: int) -> None:
    layout = Layout.of(levels, base)
    assert layout.queues == 6 * levels
    assert layout.cells == cells == 2 * sum(3 * base**i - base ** (i - 1) for i in range(1, levels + 1))
    assert layout.window == window
    assert set(layout.distances) == {base**i - cut - 1 for i in range(1, levels + 1) for cut in (0, base ** (i - 1))}


def test_the_papers_example_has_offsets_that_are_powers_of_two_and_a_window_that_ignores_the_space() -> None:
    layouts = [Layout.for_space(space, 500) for space in (2, 1000, 2**500)]
    assert {layout.base for layout in layouts} == {2}
    assert {layout.window for layout in layouts} == {2**500}


# ------------------------------------------------------------------------------------- T13: the machine simulates TMs


@pytest.mark.parametrize("loading", LOADINGS)
@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(("turing", "word"), RUNS)
def test_state_and_tape_agree_after_every_turing_step(
    turing: TuringMachine, word: str, levels: int, loading: Loading
) -> None:
    """The slow specification, decoded at every settled state, and the compiled loop."""
    machine = compiled(turing, word, levels)
    steps = turing.run(word, 10_000).steps
    settled = [
        (step.after, [tuple(queue) for queue in queues])
        for (step, queues), _ in zip(machine.trace(machine.initial(word, loading)), range(10_000), strict=False)
        if machine.control.at_turing_step(step.after)
    ]
    settled = settled[1:] if loading == "padded" else settled
    assert len(settled) == len(steps)
    assert all(agrees(turing, machine.decode(*now), step) for now, step in zip(settled, steps, strict=True))
    fast = agreement(machine, word, max_steps=10_000, loading=loading)
    assert (fast.turing_steps, fast.errors) == (len(steps), 0)
    assert fast.ratio < 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 3), st.integers(1, 4), st.sampled_from(LOADINGS))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_random_machines_are_simulated_within_the_bound(
    seed: int, states: int, symbols: int, levels: int, loading: Loading
) -> None:
    rng = np.random.default_rng(seed)
    turing = random_machine(rng, states, symbols)
    word = "".join(turing.symbols[at] for at in rng.integers(symbols, size=rng.integers(6)))
    machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space_used(turing, word, 80))
    found = agreement(machine, word, max_steps=80, loading=loading)
    assert found.errors == 0
    assert found.machine_steps <= step_bound(machine.layout, found.turing_steps, loading=loading, slack=0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
@settings(derandomize=True, deadline=None, max_examples=20)
def test_the_compiled_loop_equals_the_specification_ring_by_ring(seed: int, levels: int) -> None:
    turing = random_machine(np.random.default_rng(seed), 3, 2)
    machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space_used(turing, "1#1", 40))
    start = machine.initial("1#1")
    run = FastRun(machine, start)
    for (step, queues), _ in zip(machine.trace(start), range(150), strict=False):
        run.advance(machine_steps=1)
        assert run.state == step.after
        assert run.rings() == tuple(tuple(queue) for queue in queues)


@pytest.mark.parametrize(
    ("mutate", "levels"),
    [
        (mutants.long_timing_ring, 1),
        (mutants.long_timing_ring, 3),
        (lambda machine: mutants.long_timing_ring(machine, level=2), 2),
        (mutants.long_half, 1),
        (mutants.long_half, 2),
        (mutants.skipped_rotation, 2),
        (mutants.skipped_rotation, 3),
        (mutants.swapped_moves, 1),
        (mutants.hasty_append, 1),
        (mutants.hasty_append, 2),
        (mutants.no_swap, 2),
        (mutants.no_swap, 3),
    ],
)
def test_the_smallest_departures_break_the_simulation(
    mutate: Callable[[MultiQueueMachine], MultiQueueMachine], levels: int
) -> None:
    machine = compiled(PAL, LONG_WORD, levels)
    assert agreement(machine, LONG_WORD).errors == 0
    assert agreement(mutate(machine), LONG_WORD).errors > 100


@pytest.mark.parametrize("loading", LOADINGS)
def test_a_padded_start_state_depends_on_nothing_but_the_machine(loading: Loading) -> None:
    starts = {
        MultiQueueMachine.from_turing(PAL, levels=2, space=20).initial(word, loading).state
        for word in ("", "0", "1", "0110", "1" * 20)
    }
    assert (len(starts) == 1) == (loading == "padded")


# --------------------------------------------------------------------------------------- T14: how the steps grow


@pytest.mark.parametrize(
    "levels", [1, 2, pytest.param(3, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)]
)
def test_sweep_costs_reproduce_the_sheets_table_within_one_percent(levels: int) -> None:
    row = SHEET_SWEEP_COST[levels]
    costs = [sweep_cost(levels, space, round_trips=6, unused=1) for space in row]
    assert costs == pytest.approx(list(row.values()), rel=0.01)
    assert all(cost <= 3 * levels * base_for(space, levels) for cost, space in zip(costs, row, strict=True))


def test_fitted_exponents_decrease_with_the_levels_and_lie_above_one_over_them() -> None:
    exponents = []
    for levels, row in SHEET_SWEEP_COST.items():
        exponents.append(fitted_exponent(list(row), [sweep_cost(levels, space) for space in row]))
        assert 1 / levels < exponents[-1] < 1 / levels + 0.1
    assert exponents == sorted(exponents, reverse=True)


def test_without_hysteresis_the_machine_is_right_but_exceeds_the_bound() -> None:
    base = 16
    turing = zigzag_machine(base - 1)
    machine = MultiQueueMachine(Control(turing, 2), Layout.of(2, base))
    steps = 2000
    costs = []
    for candidate in (machine, mutants.thrashing(machine)):
        assert agreement(candidate, "", max_steps=200).errors == 0
        run = FastRun(candidate, candidate.initial("", "pushed"))
        costs.append(run.advance(turing_steps=steps).machine_steps)
    assert costs[0] < 0.3 * step_bound(machine.layout, steps)
    assert costs[1] > step_bound(machine.layout, steps)


def test_the_sweep_visits_exactly_the_space_less_the_unused_cells() -> None:
    for space, unused in ((16, 0), (16, 3)):
        run = sweeping_machine(2).run("$" + "0" * (space - unused - 2), 1000)
        assert run.halted
        assert run.space == space - unused


# ------------------------------------------------------------------------------------------------- T15: synchrony


def test_every_queue_pops_one_and_pushes_one_and_keeps_its_size() -> None:
    machine = compiled(PAL, LONG_WORD, 3)
    start = machine.initial(LONG_WORD)
    queues = [list(ring) for ring in start.rings]
    for step in machine.steps(start):
        assert len(step.fronts) == len(step.pushes) == machine.layout.queues
        for queue, front, push in zip(queues, step.fronts, step.pushes, strict=True):
            assert queue.pop(0) == front
            queue.append(push)
    assert tuple(map(len, queues)) == machine.layout.sizes
    with pytest.raises(SynchronyError, match="17 symbols pushed on 18 queues"):
        next(mutants.lost_push(machine).steps(start))


# ------------------------------------------------------------------------------------------- T16: the finite control


@pytest.mark.parametrize("levels", [1, 2])
def test_recorded_rows_have_no_conflict_until_the_state_forgets_a_register(levels: int) -> None:
    machine = compiled(PAL, "01011010", levels)
    start = [machine.initial("01011010")]
    assert not recorded_table(machine, start).conflicts
    for register in ("phase", "state", "symbol"):
        assert recorded_table(machine, start, project=mutants.without(register)).conflicts


@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=100)
def test_a_step_depends_on_the_named_fronts_only_and_changes_the_named_pushes_only(data: st.DataObject) -> None:
    control = Control(PAL, 2)
    machine = MultiQueueMachine(control, Layout.of(2, 3))
    steps = list(machine.steps(machine.initial("0110")))
    step = data.draw(st.sampled_from(steps))
    rule = rule_of(control, step.before, step.fronts)
    assert pushes_of(rule, step.fronts) == step.pushes
    fronts = [data.draw(st.integers(0, control.symbols(index) - 1)) for index in range(control.queues)]
    for index, code in rule.reads:
        fronts[index] = code
    assert control.step(step.before, fronts) == (pushes_of(rule, fronts), rule.next_state)


def test_control_states_stop_growing_with_the_space_at_one_level() -> None:
    counts = set()
    for n in (16, 32, 64, 128):
        machine = MultiQueueMachine.from_turing(PAL, levels=1, space=n + 2)
        run = FastRun(machine, machine.initial("01" * (n // 4) + "10" * (n // 4)))
        assert run.advance(turing_steps=10**6).halted
        counts.add((len(run.table.states), run.table.rules))
    assert counts == {(70, 191)}


def test_the_complete_control_is_one_table_for_every_input_and_every_space() -> None:
    control = Control(INC, 1)
    layouts = [Layout.of(1, base) for base in (4, 5, 9, 16)]
    starts = {MultiQueueMachine(control, layout).initial("").state for layout in layouts}
    rules = complete_rules(control, starts.pop())
    assert not starts
    assert len({rule.state for rule in rules} | {rule.next_state for rule in rules}) == 246
    assert len(rules) == 2541
    for layout in layouts:
        machine = MultiQueueMachine(control, layout)
        for word in map("".join, product("01", repeat=3)):
            run = FastRun(machine, machine.initial(word), rules)
            assert run.advance(turing_steps=100).halted
            assert agrees(INC, run.decode(), INC.run(word, 100).steps[-1])


def test_overlapping_rules_are_refused() -> None:
    machine = compiled(INC, "1", 1)
    rules = recorded_rules(machine, [machine.initial("1")])
    table = CompiledTable(8)
    for rule in rules:
        table.add(rule)
    with pytest.raises(ValueError, match="overlaps another rule"):
        table.add(rules[0])


# ------------------------------------------------------------------------------- T17 and section 5.3: window, weights


@pytest.mark.parametrize(("levels", "word"), [(1, LONG_WORD), (2, LONG_WORD), (3, "0110")])
def test_the_window_alone_reproduces_every_token(levels: int, word: str) -> None:
    machine = compiled(PAL, word, levels)
    start = machine.initial(word)
    wanted = [(step.pushes, step.after) for step in machine.steps(start)]
    rows = recorded_table(machine, [start]).rows
    begin, distances = prompt(machine, start), machine.layout.distances
    assert len(begin) == machine.layout.window
    assert list(replay(rows, distances, begin, 10**6)) == wanted
    assert list(replay(rows, (distances[0] - 1, *distances[1:]), begin, 10**6)) != wanted
    if levels > 1:
        with pytest.raises(IndexError):  # a window one token short
            list(replay(rows, distances, begin[1:], 10**6))


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize(("turing", "word"), [(INC, "1011"), (PAL, "0110"), (BB3, "")])
def test_matrix_products_reproduce_every_token(turing: TuringMachine, word: str, levels: int) -> None:
    machine = compiled(turing, word, levels)
    start = machine.initial(word)
    wanted = [(step.pushes, step.after) for step in machine.steps(start)]
    for weights in (
        weights_of_rows(machine.control, machine.layout, recorded_table(machine, [start])),
        weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start])),
    ):
        assert list(generate(weights, prompt(machine, start), len(wanted))) == wanted
        for name, array in weights.arrays().items():
            assert array.dtype == np.int8
            if name == "ffn_bias":
                assert -machine.layout.queues <= array.min() <= array.max() <= 0
            else:
                assert set(np.unique(array).tolist()) <= {-1, 0, 1}


def test_complete_weights_decode_words_and_spaces_that_were_never_recorded() -> None:
    control = Control(INC, 1)
    small, large = Layout.of(1, 4), Layout.of(1, 9)
    start = MultiQueueMachine(control, small).initial("").state
    rules = complete_rules(control, start)
    weights, other = (weights_of_rules(control, layout, rules) for layout in (small, large))
    for (name, array), again in zip(weights.arrays().items(), other.arrays().values(), strict=True):
        assert name == "relative_bias" or np.array_equal(array, again)
    for layout, word in ((small, "11"), (small, "010"), (large, "1011")):
        machine = MultiQueueMachine(control, layout)
        begin = machine.initial(word)
        wanted = [(step.pushes, step.after) for step in machine.steps(begin)]
        moved = replace(weights, relative_bias=relative_bias(layout))
        assert list(generate(moved, prompt(machine, begin), len(wanted))) == wanted


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_rules_read_off_the_weights_run_to_the_same_end(levels: int) -> None:
    machine = compiled(PAL, LONG_WORD, levels)
    start = machine.initial(LONG_WORD)
    weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start]))
    ends = []
    for rules in (None, rules_of_weights(weights)):
        run = FastRun(machine, start, rules)
        assert run.advance(turing_steps=10**6).halted
        ends.append((run.progress, run.state, run.rings()))
    assert ends[0] == ends[1]
    with pytest.raises(ValueError, match="unit 3 "):
        rules_of_weights(mutants.flipped_unit(weights, 3))
    missing = FastRun(machine, start, rules_of_weights(weights)[:-5])
    assert missing.advance(turing_steps=10**6).stuck


@pytest.mark.parametrize("head", range(6))
def test_every_head_one_token_off_and_every_flipped_unit_is_noticed(head: int) -> None:
    machine = compiled(PAL, "0110", 1)
    start = machine.initial("0110")
    wanted = [(step.pushes, step.after) for step in machine.steps(start)]
    weights = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, [start]))
    units = range(head, len(weights.ffn_bias), 6)
    for wrong in (mutants.shifted_head(weights, head), *(mutants.flipped_unit(weights, unit) for unit in units)):
        try:
            got = list(generate(wrong, prompt(machine, start), len(wanted)))
        except AmbiguousTokenError:
            continue
        assert got != wanted


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Layout.for_space(5, 0), "levels 0 is too small"),
        (lambda: Layout.for_space(0, 1), "space 0 is not"),
        (lambda: Layout.of(1, 1), "base 1 is too small"),
        (lambda: Control(INC, 0), "levels 0 is too small"),
        (lambda: MultiQueueMachine(Control(INC, 1), Layout.of(2, 2)), "layout of 2 levels for a control of 1"),
        (lambda: compiled(INC, "1", 1).initial("1" * 99), "a word of 99 letters"),
        (lambda: compiled(INC, "1", 1).initial("2"), "input symbol '2'"),
        (lambda: sweep_cost(1, 3, unused=1), "at least 3 cells"),
        (lambda: fitted_exponent([1], [1.0]), "at least 2"),
        (lambda: mutants.without("mood"), "register 'mood' is unknown"),
        (lambda: random_machine(np.random.default_rng(0), 2, 11), "symbols 11"),
        (lambda: weights_of_rules(Control(INC, 1), Layout.of(1, 3), ()), "no transitions"),
        (lambda: complete_rules(Control(PAL, 1), compiled(PAL, "0", 1).initial("").state, 10), "more than limit 10"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_decoding_in_the_midst_of_a_turing_step_is_refused() -> None:
    machine = compiled(INC, "1", 1)
    state, rings = machine.initial("1")
    assert isinstance(state, ControlState)
    assert state.phase is Phase.POP_ALIGN
    with pytest.raises(ValueError, match="in the midst of a Turing step"):
        machine.decode(state, rings)


def test_an_unknown_loading_is_refused() -> None:
    with pytest.raises((ValueError, TypeError), match="loading"):  # TypeError where annotations are checked at run time
        compiled(INC, "1", 1).initial("1", "typed")  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_five_state_busy_beaver_runs_to_its_end() -> None:
    """47,176,870 Turing steps on 12,289 cells leave 4,098 ones: more than five thousand million tokens."""
    machine = MultiQueueMachine.from_turing(BB5, levels=4, space=12_289)
    run = FastRun(machine, machine.initial("", "pushed"))
    done = run.advance(turing_steps=10**8)
    assert done == (5_219_910_655, 47_176_870, True, False)
    view = run.decode()
    assert sum(view.left) + sum(view.right) + view.symbol == 4098
    assert len(view.left) + len(view.right) + 1 == 12_289
    assert done.machine_steps <= step_bound(machine.layout, done.turing_steps, slack=0)
