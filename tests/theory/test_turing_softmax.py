"""Softmax attention: the threshold, against closed forms and against the hardmax decoder."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lemmata.theory.turing import compile_machine
from lemmata.theory.turing.decode import forward
from lemmata.theory.turing.library import BB3, INC
from lemmata.theory.turing.softmax import adversarial_windows, failures, soft_logits


@pytest.mark.parametrize("machine", [INC, BB3], ids=lambda machine: machine.name)
@pytest.mark.parametrize(("beta", "largest"), [(1, 3), (2, 8), (3, 21), (4, 55)])
def test_the_largest_window_is_that_of_the_closed_form(machine, beta: int, largest: int) -> None:
    table, weights = compile_machine(machine)
    assert failures(table, weights, largest, float(beta))[0] == 0
    failed, total = failures(table, weights, largest + 1, float(beta))
    assert failed == total > 0


def test_a_large_gap_gives_the_logits_of_hardmax() -> None:
    table, weights = compile_machine(INC)
    windows = np.random.default_rng(0).integers(table.vocabulary, size=(200, 9))
    # mass left over: 8 e^-60 < 1e-25, below rounding
    np.testing.assert_allclose(soft_logits(weights, windows, 60.0), forward(weights, windows).logits, atol=1e-12)


def test_a_zero_gap_is_the_mean_over_the_window() -> None:
    table, weights = compile_machine(INC)
    windows = np.random.default_rng(1).integers(table.vocabulary, size=(50, 5))
    from lemmata.theory.turing.mutants.network import zero_key

    tied = forward(zero_key(weights), windows, "int64").logits / 5
    np.testing.assert_allclose(soft_logits(weights, windows, 0.0), tied, atol=1e-12)


def test_adversarial_windows_hold_one_right_and_one_wrong_symbol() -> None:
    table, _ = compile_machine(BB3)
    for windows, right in adversarial_windows(table, 6):
        symbols = windows % table.n_symbols
        assert (symbols[:, 1:] == symbols[:, 1:2]).all()
        assert (symbols[:, 0] != symbols[:, 1]).all()
        state = windows[:, -1] // table.n_symbols
        target = table.post.table.state[state, symbols[:, 0]] * table.n_symbols
        assert (right == target + table.post.table.symbol[state, symbols[:, 0]]).all()


def test_the_mass_at_the_threshold_is_a_half() -> None:
    beta = math.log(7)
    assert math.exp(beta) / (math.exp(beta) + 8 - 1) == pytest.approx(0.5)


def test_an_exact_tie_is_a_failure() -> None:
    table, weights = compile_machine(INC)
    silent = replace(weights, output=np.zeros_like(weights.output))  # all logits are 0
    failed, total = failures(table, silent, 4, 2.0)
    assert failed == total > 0


def test_windows_and_gaps_that_say_nothing_are_refused() -> None:
    table, weights = compile_machine(INC)
    for gap in (math.nan, math.inf, -math.inf):
        with pytest.raises(ValueError, match=f"inverse_temperature {gap} is not finite"):
            failures(table, weights, 4, gap)
    with pytest.raises(ValueError, match="window 1 is too small"):
        failures(table, weights, 1, 2.0)
