"""Confidence intervals that figures show as bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95


def interval_columns(name: str) -> dict[str, str]:
    """What the columns mean that say how well a prediction under fitted noise is known.

    Args:
        name: The column of the prediction.
    """
    return {
        f"{name}_low": f"lower end of the 95 % interval that fitted noise leaves of {name}",
        f"{name}_high": "its upper end",
    }


def root_mean_square(values: NDArray[np.float64]) -> float:
    """The root of the mean of the squares.

    Args:
        values: Of any shape.
    """
    return float(np.sqrt((values**2).mean()))


def mean_interval(values: ArrayLike) -> tuple[float, float, float]:
    """The mean of independent repetitions with Student's 95 % confidence interval.

    Args:
        values: One value for each repetition, at least one.

    Returns:
        Mean, lower and upper end; the ends equal the mean if there is one value.
    """
    mean, low, high = mean_error(values)
    count = np.size(values)
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1)) if count > 1 else 0.0
    return mean, mean - quantile * (mean - low), mean + quantile * (high - mean)


def mean_error(values: ArrayLike) -> tuple[float, float, float]:
    """The mean of independent repetitions, less and more by its standard error.

    Args:
        values: One value for each repetition, at least one.

    Returns:
        Mean, lower and upper end; the ends equal the mean if there is one value.
    """
    given = np.asarray(values, float)
    mean = float(given.mean())
    error = float(given.std(ddof=1) / np.sqrt(given.size)) if given.size > 1 else 0.0
    return mean, mean - error, mean + error


def jackknife_interval(
    groups: Sequence[pd.DataFrame], statistic: Callable[[pd.DataFrame], float]
) -> tuple[float, float, float]:
    """A statistic of a table with a 95 % interval from leaving out one group of rows at a time.

    Args:
        groups: Parts of the table that are independent of one another, such as single images.
        statistic: A smooth function of a table.

    Returns:
        Its value, lower and upper end; the ends equal the value if there is one group.
    """
    value = float(statistic(pd.concat(groups)))
    count = len(groups)
    if count < 2:
        return value, value, value
    without = [
        float(statistic(pd.concat([*groups[:index], *groups[index + 1 :]])))
        for index in range(count)
    ]
    error = np.sqrt((count - 1) / count * np.sum((np.array(without) - np.mean(without)) ** 2))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * error)
    return value, value - half, value + half


def proportion_interval(
    successes: ArrayLike, trials: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's 95 % confidence interval of a proportion.

    Args:
        successes: Numbers of successes, of any shape.
        trials: Numbers of trials, at least 1, of the same shape or one for all.

    Returns:
        Lower and upper ends, of the shape of the numbers of successes.
    """
    n = np.asarray(trials, float)
    p = np.asarray(successes, float) / n
    z2 = stats.norm.ppf((1 + CONFIDENCE) / 2) ** 2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * p * (1 - p) / n + z2**2 / (4 * n**2)) / (1 + z2 / n)
    return centre - half, centre + half
