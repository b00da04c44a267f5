"""The uncertainty of fitted noise, carried to whatever depends on the noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import NoiseConfiguration
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]

NORMAL = 1.959964
"""Standard errors on either side of a 95 % interval."""
_STEP = 0.2
"""Step of differences in standard errors, and at most that share of the value."""
_MOST_TRIES = 1000


@dataclass(frozen=True, eq=False)
class Prediction:
    """A figure under fitted noise.

    Attributes:
        value: Under the values of largest likelihood, of the figure's shape.
        error: The standard error that the noise's uncertainty leaves, of the same shape.
        low: The lower end of the 95 % interval.
        high: The upper end.
    """

    value: FloatArray
    error: FloatArray
    low: FloatArray
    high: FloatArray

    def __str__(self) -> str:
        if self.value.ndim:
            return f"{self.value.size} values, errors up to {self.error.max():.2g}"
        return f"{self.value:.5g} +- {self.error:.2g} (95 %: {self.low:.5g} to {self.high:.5g})"


def interval_text(value: float, error: float, low: float, high: float) -> str:
    """A number with its uncertainty, in words.

    Args:
        value: The number.
        error: Its standard error.
        low: The lower end of its 95 % interval.
        high: The upper end.
    """
    return f"{value:.4g} +- {error:.2g} (95 %: {low:.4g} to {high:.4g})"


def draws(
    values: FloatArray,
    covariance: FloatArray,
    bounds: tuple[FloatArray, FloatArray],
    n_draws: int,
    seed: int,
) -> FloatArray:
    """Normal draws within bounds; those outside are drawn anew.

    Args:
        values: The mean, shape (numbers,).
        covariance: Shape (numbers, numbers).
        bounds: Least and largest values.
        n_draws: How many.
        seed: Of the random numbers.

    Returns:
        Shape (draws, numbers).
    """
    generator = np.random.default_rng(seed)
    found = np.empty((0, len(values)))
    for _ in range(_MOST_TRIES):
        if len(found) >= n_draws:
            return found[:n_draws]
        drawn = generator.multivariate_normal(values, covariance, n_draws, method="eigh")
        inside = ((drawn >= bounds[0]) & (drawn <= bounds[1])).all(axis=1)
        found = np.concatenate([found, drawn[inside]])
    raise InputError(
        "nearly no draw is within the bounds: the counts tell too little of some number; leave it "
        "out, or add circuits."
    )


def predicted(
    function: Callable[[NoiseConfiguration], ArrayLike],
    configuration: Callable[[FloatArray], NoiseConfiguration],
    values: FloatArray,
    covariance: FloatArray,
    bounds: tuple[FloatArray, FloatArray],
    n_draws: int,
    seed: int,
) -> Prediction:
    """See `NoiseFit.predict`.

    Args:
        function: What is predicted.
        configuration: Makes noise of values.
        values: Shape (numbers,).
        covariance: Shape (numbers, numbers).
        bounds: Least and largest values.
        n_draws: 0 for the derivative.
        seed: Of the draws.
    """

    def at(point: FloatArray) -> FloatArray:
        return np.asarray(function(configuration(point)), dtype=float)

    value = at(values)
    if n_draws:
        every = np.array([at(each) for each in draws(values, covariance, bounds, n_draws, seed)])
        low, high = np.quantile(every, [0.025, 0.975], axis=0)
        return Prediction(value, every.std(axis=0, ddof=1), low, high)
    slopes = []
    errors = np.sqrt(np.diag(covariance))
    for index, error in enumerate(errors):
        ends = []
        step = min(_STEP * error, _STEP * max(abs(values[index]), 1e-6))
        for sign in (-1, 1):
            point = np.array(values)
            point[index] = np.clip(point[index] + sign * step, bounds[0][index], bounds[1][index])
            ends.append((point[index], at(point)))
        (first, before), (last, after) = ends
        # A number that is known exactly has no ends.
        width = last - first
        slopes.append((after - before) / width if width > 0 else np.zeros_like(value))
    by = np.array(slopes).reshape(len(values), value.size)
    variance = np.einsum("if,ij,jf->f", by, covariance, by).reshape(value.shape)
    error_of = np.sqrt(np.maximum(variance, 0.0))
    return Prediction(value, error_of, value - NORMAL * error_of, value + NORMAL * error_of)
