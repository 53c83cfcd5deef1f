r"""Rates: the slope of log error against log size, with an interval.

Each replicate (another target, other random neurons) gives one slope by least squares; their mean has a Student
interval. The straight line has to fit the geometric mean of the replicates, else the slope says nothing.

References
----------
moe_expressivity sheet, section 5, rows ME9 to ME16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real
from scipy import stats


@dataclass(frozen=True)
class Rate:
    """Slope of log error against log size.

    Attributes
    ----------
    slope, low, high : float
        Mean over replicates and its interval; equal for a single replicate.
    r_squared : float
        Of the straight line through the geometric means.
    replicates : int
    """

    slope: float
    low: float
    high: float
    r_squared: float
    replicates: int

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high)."""
        return self.low, self.high


def rate(sizes: Real[np.ndarray, " sizes"], errors: Float[np.ndarray, "replicates sizes"], level: float = 0.95) -> Rate:
    """Fit the slope.

    Parameters
    ----------
    sizes : positive, at least three different ones
    errors : positive
    level : float
        Of the two-sided Student interval over replicates.

    Raises
    ------
    ValueError
        For fewer than three sizes, or a number that is not positive.
    """
    if len(sizes) < 3 or len(np.unique(sizes)) != len(sizes):
        raise ValueError(f"sizes {sizes.tolist()} are not three or more different numbers")
    if not (np.all(sizes > 0) and np.all(errors > 0)):
        raise ValueError("sizes and errors are not all positive")
    x, y = np.log(sizes), np.log(errors)
    x = x - x.mean()
    slopes = y @ x / (x @ x)
    slope, mean = float(slopes.mean()), y.mean(0)
    residual = mean - mean.mean() - slope * x
    spread = float(((mean - mean.mean()) ** 2).sum())
    r_squared = 1 - float((residual**2).sum()) / spread if spread > 0 else 0.0
    count = len(slopes)
    half = 0.0
    if count > 1:
        half = float(stats.t.ppf((1 + level) / 2, count - 1) * slopes.std(ddof=1) / count**0.5)
    return Rate(slope, slope - half, slope + half, r_squared, count)
