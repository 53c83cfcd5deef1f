"""The certificate for recorded rows, against the literal decoder on windows that hold a row and anything else."""

from dataclasses import replace

import numpy as np
import pytest

from lemmata.theory.turing.library import BB3, INC, PAL
from lemmata.theory.turing.machine import TuringMachine
from lemmata.theory.turing.multiqueue import mutants
from lemmata.theory.turing.multiqueue.certificate import certify_rows, certify_weights
from lemmata.theory.turing.multiqueue.decode import embed, encode, generate, next_token, prompt
from lemmata.theory.turing.multiqueue.layout import Layout
from lemmata.theory.turing.multiqueue.machine import MultiQueueMachine
from lemmata.theory.turing.multiqueue.measure import errs, row_windows, space_used
from lemmata.theory.turing.multiqueue.table import recorded_rules, recorded_table
from lemmata.theory.turing.multiqueue.weights import weights_of_rows, weights_of_rules

APPEND = TuringMachine.from_table("a1→a1R, a#→b1L, b1→H1R", name="append")


def compiled(turing, words, levels=1):
    space = max(space_used(turing, word, 10_000) for word in words)
    machine = MultiQueueMachine.from_turing(turing, levels=levels, space=space)
    starts = [machine.initial(word) for word in words]
    table = recorded_table(machine, starts)
    by_rule = weights_of_rules(machine.control, machine.layout, recorded_rules(machine, starts))
    return machine, table, by_rule, weights_of_rows(machine.control, machine.layout, table)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(("turing", "words"), [(INC, ["1011", "11"]), (PAL, ["0110"]), (BB3, [""])])
def test_recorded_rows_are_certified_with_one_reading(turing, words, levels: int) -> None:
    machine, table, *both = compiled(turing, words, levels)
    assert certify_rows(machine, map(machine.initial, words)).proved
    for weights in both:
        found = certify_weights(machine, table, weights)
        assert found.proved
        assert (found.head_lead, found.margin, found.readings, found.wrong, found.conflicts) == (1, 1, 1, 0, 0)
        assert (found.rows, found.states) == (len(table.rows), len(table.states))
        assert (found.cases, found.window) == (found.rows, machine.layout.base**levels)


def test_it_says_what_it_covers() -> None:
    machine, table, weights, _ = compiled(INC, ["1"])
    text = certify_weights(machine, table, weights).covers
    assert f"{len(table.rows)} recorded rows of INC with k' = 1" in text
    assert "Recorded rows only" in text
    assert "more than one tape" in text


@pytest.mark.parametrize("levels", [1, 2])
def test_a_certified_network_continues_other_runs_that_use_recorded_rows_only(levels: int) -> None:
    """Rows are recorded from all words but one; where these include all that the last one uses, it is generated too."""
    words = ["11", "10", "01", "00", "1", "0"]
    space = max(space_used(INC, word, 100) for word in words)
    machine = MultiQueueMachine.from_turing(INC, levels=levels, space=space)
    covered = 0
    for last in words:
        starts = [machine.initial(word) for word in words if word != last]
        table = recorded_table(machine, starts)
        weights = weights_of_rows(machine.control, machine.layout, table)
        assert certify_weights(machine, table, weights).proved
        steps = list(machine.steps(machine.initial(last)))
        known = next((at for at, step in enumerate(steps) if (step.before, step.fronts) not in table.rows), len(steps))
        covered += known
        wanted = [(step.pushes, step.after) for step in steps[:known]]
        assert list(generate(weights, prompt(machine, machine.initial(last)), known)) == wanted
    assert covered > 20


@pytest.mark.parametrize("kind", [0, 1], ids=["rules", "rows"])
@pytest.mark.parametrize(("first", "every"), [(5, 211), pytest.param(0, 1, marks=pytest.mark.slow)])
def test_a_single_change_is_rejected_exactly_if_it_alters_a_row_in_some_window(
    kind: int, first: int, every: int
) -> None:
    """Each symbol and state is tried at each place that a row leaves free, which a single change cannot evade."""
    machine, table, *both = compiled(APPEND, ["11"])
    weights = both[kind]
    fills = max(*weights.blocks.alphabets, len(weights.states))
    suites = [row_windows(weights, machine.layout, table, fill) for fill in range(fills)]
    assert not any(errs(weights, *suite) for suite in suites)
    passed = total = 0
    for _, changed in mutants.single_changes(weights, first, every):
        total += 1
        proved = certify_weights(machine, table, changed).proved
        assert proved == (not any(errs(changed, *suite) for suite in suites))
        passed += proved
    assert 0 < passed < total
    assert every > 1 or total == sum(array.size for array in weights.arrays().values())


def test_single_changes_with_a_stride_are_every_so_manyth_of_all() -> None:
    weights = compiled(APPEND, ["1"])[2]
    chosen = list(mutants.single_changes(weights, 3, 1_000))
    names = [name for name, array in weights.arrays().items() for _ in range(array.size)]
    assert [name for name, _ in chosen] == names[3::1_000]
    for name, changed in chosen:
        different = [key for key, array in weights.arrays().items() if (array != changed.arrays()[key]).any()]
        assert different == [name]
        assert (weights.arrays()[name] != changed.arrays()[name]).sum() == 1


def test_parts_that_a_row_does_not_fix_are_enumerated_when_they_are_seen() -> None:
    """A unit that also looks at the newest token's own symbol works on some windows and fails on others."""
    machine, table, _, weights = compiled(INC, ["11"])
    ffn_in = weights.ffn_in.copy()
    ffn_in[0, weights.blocks.symbol(0, 1)] = -1
    changed = replace(weights, ffn_in=ffn_in)
    found = certify_weights(machine, table, changed)
    assert found.readings == 2
    assert found.wrong == 1
    right = [not errs(changed, *row_windows(changed, machine.layout, table, fill)) for fill in range(8)]
    assert right == [fill % 8 != 1 for fill in range(8)]
    with pytest.raises(ValueError, match="2 readings of the unread parts of a window; more than limit 1"):
        certify_weights(machine, table, changed, limit=1)


@pytest.mark.parametrize("levels", [1, 2])
def test_mutants_are_rejected(levels: int) -> None:
    machine, table, *both = compiled(PAL, ["0110"], levels)
    for weights in both:
        for head in range(0, 6 * levels, 2):
            found = certify_weights(machine, table, mutants.shifted_head(weights, head))
            assert found.head_lead == -1
            assert not found.proved
        for unit in range(0, len(weights.ffn_bias), 17):
            found = certify_weights(machine, table, mutants.flipped_unit(weights, unit))
            assert found.wrong >= 1
            assert found.head_lead == 1


def test_a_bias_above_zero_elsewhere_and_a_bias_of_zero_are_no_lead() -> None:
    machine, table, weights, _ = compiled(INC, ["11"])
    for head, distance in ((0, 1), (4, 0)):
        bias = weights.relative_bias.copy()
        bias[head, distance] = 1
        assert certify_weights(machine, table, replace(weights, relative_bias=bias)).head_lead == 0
    # −1 everywhere but at the right distance leads inside the table, not over the distances beyond it.
    bias = weights.relative_bias - np.int8(1)
    assert certify_weights(machine, table, replace(weights, relative_bias=bias)).head_lead == 0


def test_conflicts_are_no_proof() -> None:
    machine, *_ = compiled(PAL, ["0110"])
    start = [machine.initial("0110")]
    forgetful = recorded_table(machine, start, project=mutants.without("symbol"))
    weights = weights_of_rows(machine.control, machine.layout, replace(forgetful, conflicts=[]))
    found = certify_weights(machine, forgetful, weights)
    assert found.conflicts > 0
    assert found.wrong == 0
    assert not found.proved


def test_row_windows_hold_the_rows_and_are_filled_with_everything() -> None:
    machine, table, weights, _ = compiled(INC, ["11"])
    steps = {(step.before, step.fronts): step for step in machine.steps(machine.initial("11"))}
    seen = set()
    for fill in range(40):
        windows, tokens = row_windows(weights, machine.layout, table, fill)
        for window, token, (state, fronts) in zip(windows, tokens, table.rows, strict=True):
            read = tuple(window[-1 - distance, track] for track, distance in enumerate(machine.layout.distances))
            assert (weights.states[window[-1, -1]], read) == (state, fronts)
            assert (
                token.tolist()
                == encode(weights, [(steps[state, fronts].pushes, steps[state, fronts].after)])[0].tolist()
            )
        seen.add(
            tuple(windows[0, 0, [2, 5, 6]].tolist())
        )  # both timing rings and the state are free in the oldest token
        made = next_token(weights, embed(weights, windows[fill % len(windows)].astype(np.int32)))
        assert made.tolist() == tokens[fill % len(windows)].tolist()
    assert [len(set(codes)) for codes in zip(*seen, strict=True)] == [2, 2, len(weights.states)]


def test_bad_input_is_named() -> None:
    machine, table, weights, _ = compiled(INC, ["11"])
    with pytest.raises(ValueError, match="the table has no rows"):
        certify_weights(machine, replace(table, rows={}), weights)
    with pytest.raises(ValueError, match="no transitions given"):
        certify_rows(machine, [])
    other = MultiQueueMachine(machine.control, Layout.of(1, 9))
    with pytest.raises(ValueError, match=r"weights of \(6, 4\) heads and window; \(6, 9\)"):
        certify_weights(other, table, weights)
    with pytest.raises(ValueError, match="is not among the"):
        certify_weights(machine, table, replace(weights, states=weights.states[1:]))
