"""Fits of many small runs: power laws with intervals, and times of emergence of which some are censored.

*Power law*: ``log y = log a + b log x + noise``, least squares on the means of log y at each x; the interval of b is
the bootstrap's, over repeats at each x. The fit is *inconclusive*, with the reason, where the data do not decide: too
few points, too short a range of x, a poor R², or a curvature ``c (log x)²`` that differs from 0.

*Emergence*: a run emerges at the first step at which its curve passes a threshold, and one that has not by its last
step is censored there: it counts as "later than this" and is not dropped. Medians come from the Kaplan-Meier estimate;
a power law of censored times is the maximum-likelihood fit of ``log t = log a + b log x + σ ε`` with normal ε, in which
a censored run contributes the probability of a later time.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy import optimize, stats

LEAST_POINTS = 4
LEAST_RANGE = 4.0  # largest x over the smallest
LEAST_R2 = 0.95


@dataclass(frozen=True)
class PowerLaw:
    """``y = prefactor · x^exponent``.

    Attributes
    ----------
    exponent, prefactor : float
    interval : (float, float)
        Bootstrap interval of the exponent.
    r_squared : float
        Share of the variance of the mean log y that the law explains; NaN where censored times were fitted.
    curvature : (float, float)
        Interval of the coefficient of ``(log x)²`` in a quadratic fit; a power law has 0.
    inconclusive : str
        Why the data do not decide, or nothing.
    """

    exponent: float
    prefactor: float
    interval: tuple[float, float]
    r_squared: float
    curvature: tuple[float, float]
    inconclusive: str = ""


def power_law(
    x: Shaped[np.ndarray, " points"],
    y: Shaped[np.ndarray, "rows repeats"],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = 2_000,
    least_r2: float = LEAST_R2,
) -> PowerLaw:
    """Fit a power law to repeated measurements.

    Parameters
    ----------
    x : array, shape (points,)
        Positive.
    y : array, shape (points, repeats)
        Positive; at least two repeats, for there is no interval from one.
    rng : numpy Generator
        Of the bootstrap.
    level : float
        Of the intervals.
    resamples : int
    least_r2 : float
        Below it the fit is inconclusive.

    Raises
    ------
    ValueError
        For values that are not positive and finite, another shape, or fewer than two different x.
    """
    x, y = _checked(x, y)
    if y.shape[1] < 2:
        raise ValueError(f"y has {y.shape[1]} repeats at each x; an interval needs at least 2")
    logs = np.log(y)
    drawn = rng.integers(y.shape[1], size=(resamples, *y.shape))
    boot = np.take_along_axis(np.broadcast_to(logs, drawn.shape), drawn, axis=2).mean(2)
    line, bent = (np.linalg.pinv(np.vander(np.log(x), degree + 1, increasing=True)) for degree in (1, 2))
    mean = logs.mean(1)
    intercept, slope = line @ mean
    left = mean - (intercept + slope * np.log(x))
    spread = ((mean - mean.mean()) ** 2).sum()
    r_squared = 1 - (left**2).sum() / spread if spread > 0 else math.nan
    ends = 50 * (1 - level), 50 * (1 + level)
    low, high = np.percentile(boot @ line[1], ends)
    curve = np.percentile(boot @ bent[2], ends)
    return PowerLaw(
        float(slope),
        float(np.exp(intercept)),
        (min(float(low), float(slope)), max(float(high), float(slope))),
        float(r_squared),
        (float(curve[0]), float(curve[1])),
        _reason(x, float(r_squared), least_r2, (float(curve[0]), float(curve[1]))),
    )


@dataclass(frozen=True, eq=False)
class Emergence:
    """Times of emergence.

    Attributes
    ----------
    times : array
        First step at which the threshold is passed, or the last step seen.
    censored : bool array of the same shape
        True where it was not passed.
    """

    times: Float[np.ndarray, "*runs"]
    censored: Bool[np.ndarray, "*runs"]

    def median(self, level: float = 0.95) -> tuple[float, float, float]:
        """Kaplan-Meier median of all times and the ends of its interval (log-log, Brookmeyer-Crowley).

        Infinity where the estimate does not come down to 1/2: more than half of the runs have not emerged.
        """
        # Where no run has emerged yet, the interval's formula is 0/0; the estimate there is 1 and no median.
        survival = stats.ecdf(stats.CensoredData.right_censored(self.times.reshape(-1), self.censored.reshape(-1))).sf
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            band = survival.confidence_interval(level, method="log-log")

        def first(probabilities: np.ndarray) -> float:
            below = np.flatnonzero(probabilities <= 0.5)
            return float(survival.quantiles[below[0]]) if len(below) else math.inf

        return first(survival.probabilities), first(band.low.probabilities), first(band.high.probabilities)


def emergence(
    curves: Float[np.ndarray, "*runs steps"], steps: Shaped[np.ndarray, " values"], threshold: float, above: bool = True
) -> Emergence:
    """When each curve first passes a threshold.

    Parameters
    ----------
    curves : array, shape (..., steps)
    steps : array, shape (steps,)
        The step numbers of the curve's values, ascending.
    threshold : float
    above : bool
        Whether passing is to reach the threshold from below, or from above.

    Raises
    ------
    ValueError
        If the curves have another number of steps, or hold NaN: a diverged run has no time.
    """
    if curves.shape[-1] != len(steps):
        raise ValueError(f"curves have {curves.shape[-1]} values and steps {len(steps)}; they must agree")
    if np.isnan(curves).any():
        raise ValueError(f"curves hold {int(np.isnan(curves).sum())} NaN; a diverged run has no time of emergence")
    passed = curves >= threshold if above else curves <= threshold
    censored = ~passed.any(-1)
    first = np.where(censored, len(steps) - 1, passed.argmax(-1))
    return Emergence(np.asarray(steps, float)[first], np.asarray(censored))


def censored_power_law(
    x: Shaped[np.ndarray, " points"],
    times: Emergence,
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    resamples: int = 200,
) -> PowerLaw:
    """Fit a power law to times of emergence, shape (points, repeats), censored ones counted as later.

    Fewer than half of the runs emerged at some x, or too few points: inconclusive.

    Raises
    ------
    ValueError
        As :func:`power_law`.
    """
    x, y = _checked(x, times.times)
    logs, censored = np.log(y), np.broadcast_to(times.censored, y.shape)
    fitted = _tobit(np.log(x), logs, censored, 1)
    slopes, curves = np.empty(resamples), np.empty(resamples)
    for index in range(resamples):
        drawn = rng.integers(y.shape[1], size=y.shape)
        part = np.take_along_axis(logs, drawn, 1), np.take_along_axis(censored, drawn, 1)
        slopes[index] = _tobit(np.log(x), *part, 1)[1]
        curves[index] = _tobit(np.log(x), *part, 2)[2]
    ends = 50 * (1 - level), 50 * (1 + level)
    low, high = np.percentile(slopes, ends)
    curve = np.percentile(curves, ends)
    reason = _reason(x, math.nan, 0.0, (float(curve[0]), float(curve[1])))
    shares = censored.mean(1)
    if shares.max() > 0.5:
        reason = f"{shares.max():.0%} of the runs at x = {x[shares.argmax()]:g} have not emerged"
    return PowerLaw(
        float(fitted[1]),
        float(np.exp(fitted[0])),
        (min(float(low), float(fitted[1])), max(float(high), float(fitted[1]))),
        math.nan,
        (float(curve[0]), float(curve[1])),
        reason,
    )


def _tobit(x: np.ndarray, y: np.ndarray, censored: np.ndarray, degree: int) -> np.ndarray:
    """Coefficients (ascending) of the maximum-likelihood polynomial of `degree` with right-censored normal noise."""
    design = np.vander(x, degree + 1, increasing=True)
    start, *_ = np.linalg.lstsq(design, y.mean(1), rcond=None)
    spread = max(float((y - (design @ start)[:, None]).std()), 1e-9)
    if not censored.any():
        return start

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative log-likelihood and its gradient in (coefficients, log σ)."""
        sigma = np.exp(parameters[-1])
        z = (y - (design @ parameters[:-1])[:, None]) / sigma
        value = np.where(censored, -stats.norm.logsf(z), z**2 / 2 + parameters[-1])
        hazard = np.exp(stats.norm.logpdf(z) - stats.norm.logsf(z))
        by_z = np.where(censored, hazard, z)
        by_sigma = -by_z * z + np.where(censored, 0.0, 1.0)
        return float(value.sum()), np.append(-(design.T @ by_z.sum(1)) / sigma, by_sigma.sum())

    found = optimize.minimize(loss, np.append(start, np.log(spread)), jac=True, method="L-BFGS-B")
    return found.x[:-1]


def _checked(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, float), np.asarray(y, float)
    if y.ndim != 2 or x.shape != y.shape[:1]:
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; they must be (points,) and (points, repeats)")
    for name, values in (("x", x), ("y", y)):
        bad = values[~((values > 0) & np.isfinite(values))]
        if bad.size:
            raise ValueError(f"{name} holds {bad[0]}; a power law needs positive finite values")
    if len(np.unique(x)) < 2:
        raise ValueError(f"x has {len(np.unique(x))} different values; a line needs at least 2")
    return x, y


def _reason(x: np.ndarray, r_squared: float, least_r2: float, curvature: tuple[float, float]) -> str:
    if len(np.unique(x)) < LEAST_POINTS:
        return f"{len(np.unique(x))} different x; at least {LEAST_POINTS} show whether a law is a power"
    if x.max() / x.min() < LEAST_RANGE:
        return f"x spans a factor of {x.max() / x.min():.3g}; at least {LEAST_RANGE:g}"
    if r_squared < least_r2:
        return f"R² is {r_squared:.3f}; at least {least_r2:g}"
    if not curvature[0] <= 0 <= curvature[1]:
        return f"the points bend: coefficient of (log x)² in [{curvature[0]:.3g}, {curvature[1]:.3g}]"
    return ""
