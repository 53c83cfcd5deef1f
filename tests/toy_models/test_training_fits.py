"""Fits find planted laws with intervals that cover, and say so where the data do not decide."""

import math

import numpy as np
import pytest

from lemmata.toy_models.training.fits import Emergence, censored_power_law, emergence, power_law

X = np.array([4.0, 8, 16, 32, 64])


def planted(rng: np.random.Generator, exponent: float, noise: float, repeats: int, bend: float = 0.0) -> np.ndarray:
    logs = 0.3 + exponent * np.log(X) + bend * np.log(X) ** 2
    return np.exp(logs[:, None] + noise * rng.standard_normal((len(X), repeats)))


def test_an_exact_law_is_found_exactly() -> None:
    fit = power_law(X, planted(np.random.default_rng(0), -0.75, 0.0, 2), np.random.default_rng(1))
    assert fit.exponent == pytest.approx(-0.75, abs=1e-12)
    assert fit.prefactor == pytest.approx(math.exp(0.3), rel=1e-12)
    assert fit.r_squared == pytest.approx(1, abs=1e-12)


def test_the_interval_covers_the_planted_exponent_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        fit = power_law(X, planted(rng, 1.5, 0.3, 20), rng, resamples=400)
        hits += fit.interval[0] <= 1.5 <= fit.interval[1]
    # A bootstrap over 20 repeats is a little short: 0.93 in place of 0.95, give or take 0.018.
    assert 0.87 <= hits / 200 <= 0.98


@pytest.mark.parametrize(
    ("x", "bend", "noise", "reason"),
    [
        (X[:3], 0.0, 0.01, "3 different x"),
        (np.array([10.0, 12, 14, 16, 18]), 0.0, 0.01, "x spans a factor of 1.8"),
        (X, 0.0, 30.0, "R² is"),
        (X, 0.2, 0.01, "the points bend"),
        (X, 0.0, 0.01, ""),
    ],
)
def test_what_the_data_do_not_decide_is_inconclusive_with_the_reason(
    x: np.ndarray, bend: float, noise: float, reason: str
) -> None:
    rng = np.random.default_rng(3)
    y = planted(rng, 0.5, noise, 30, bend)[: len(x)]
    found = power_law(x, y, rng).inconclusive
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


def test_emergence_is_the_first_passage_and_never_is_censored_at_the_end() -> None:
    steps = np.array([0.0, 10, 20, 30])
    curves = np.array([[0.0, 0.6, 0.2, 0.9], [0.0, 0.1, 0.2, 0.3], [0.6, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]])
    found = emergence(curves, steps, 0.5)
    assert found.times.tolist() == [10, 30, 0, 30]
    assert found.censored.tolist() == [False, True, False, False]
    falling = emergence(1 - curves, steps, 0.5, above=False)
    assert (falling.times == found.times).all()


def test_the_median_counts_censored_runs_as_later() -> None:
    times = Emergence(np.array([1.0, 2, 3, 4, 5]), np.array([False, False, False, True, True]))
    assert times.median()[0] == 3
    dropped = Emergence(times.times[:3], times.censored[:3])
    assert dropped.median()[0] == 2  # what dropping the censored runs would say
    never = Emergence(np.array([5.0, 5, 5, 1]), np.array([True, True, True, False]))
    assert never.median()[0] == math.inf


def test_censored_times_give_the_planted_exponent_where_dropping_them_does_not() -> None:
    rng = np.random.default_rng(5)
    times = planted(rng, 1.0, 0.5, 60)
    cut = 60.0
    seen = Emergence(np.minimum(times, cut), times > cut)
    assert 0.05 < seen.censored.mean() < 0.3
    fit = censored_power_law(X, seen, rng, resamples=60)
    assert fit.interval[0] <= 1.0 <= fit.interval[1]
    kept = [np.log(row[row <= cut]).mean() for row in times]
    naive = np.polyfit(np.log(X), kept, 1)[0]
    assert naive < fit.interval[0]


def test_too_many_censored_runs_are_inconclusive() -> None:
    rng = np.random.default_rng(6)
    times = planted(rng, 1.0, 0.3, 20)
    fit = censored_power_law(X, Emergence(np.minimum(times, 60.0), times > 60.0), rng, resamples=20)
    assert "of the runs at x = 64 have not emerged" in fit.inconclusive


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X, np.ones((4, 2)), "x has shape"),
        (X, np.zeros((5, 2)), "y holds 0.0"),
        (X, np.ones((5, 1)), "y has 1 repeats"),
        (np.ones(5), np.ones((5, 2)), "x has 1 different values"),
        (-X, np.ones((5, 2)), "x holds -4.0"),
    ],
)
def test_bad_input_of_a_fit_is_refused(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        power_law(x, y, np.random.default_rng(0))


def test_curves_of_another_length_or_with_nan_are_refused() -> None:
    with pytest.raises(ValueError, match="curves have 3 values and steps 2"):
        emergence(np.zeros((1, 3)), np.arange(2.0), 0.5)
    with pytest.raises(ValueError, match="curves hold 1 NaN"):
        emergence(np.array([[0.0, math.nan]]), np.arange(2.0), 0.5)
