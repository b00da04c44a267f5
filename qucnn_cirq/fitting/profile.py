"""Intervals by profile likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.fitting.likelihood import Likelihood, maximum
from qucnn_cirq.fitting.prediction import NORMAL
from qucnn_cirq.fitting.surrogates import Grid, Surrogate

FloatArray = NDArray[np.float64]

_MOST_TRIES = 8
_MOST_STRETCHES = 6
_FARTHEST = 100.0
"""Standard errors beyond which a number that is still as likely is not told."""
_CLOSE = 0.01
"""Accuracy of an end, in standard errors."""


def profile_interval(
    likelihood: Likelihood,
    values: FloatArray,
    best: float,
    index: int,
    covariance: FloatArray,
) -> tuple[float, float]:
    """Where the largest likelihood with one number held drops by that of a 95 % interval.

    Args:
        likelihood: The likelihood.
        values: The values of its maximum, shape (numbers,).
        best: The log-likelihood there.
        index: Which number.
        covariance: Of all numbers, shape (numbers, numbers).

    Returns:
        The ends; a bound where the likelihood does not drop as far before it.
    """
    lows, highs = likelihood.surrogate.numbers.bounds
    return (
        _end(likelihood, values, best, index, covariance, lows[index]),
        _end(likelihood, values, best, index, covariance, highs[index]),
    )


def _box(model: Surrogate) -> tuple[FloatArray, FloatArray]:
    """Between which values numbers may be: a first order is followed as far as bounds allow."""
    return model.box if isinstance(model, Grid) else model.numbers.bounds


def _end(
    likelihood: Likelihood,
    values: FloatArray,
    best: float,
    index: int,
    covariance: FloatArray,
    bound: float,
) -> float:
    numbers = likelihood.surrogate.numbers
    error = float(np.sqrt(covariance[index, index]))
    direction = covariance[index] / covariance[index, index]
    sign = 1.0 if bound > values[index] else -1.0

    def depth(value: float) -> float:
        """The root of twice the loss of log-likelihood: nearly linear in the number."""
        nonlocal likelihood
        start = values + (value - values[index]) * direction
        for _ in range(_MOST_STRETCHES):
            model = likelihood.surrogate
            low, high = (np.array(each) for each in _box(model))
            low[index] = high[index] = value
            found, point = maximum(likelihood, start, low, high, numbers.sizes)
            held = model.held(found) if isinstance(model, Grid) else np.zeros(len(found), bool)
            held[index] = False
            if not held.any():
                break
            # The others make up for it only beyond the grid.
            moved = model.moved(np.where(held, found, model.centre))
            if not isinstance(moved, Grid):
                break
            likelihood, start = Likelihood(moved, likelihood.counts), found
        return float(np.sqrt(max(0.0, 2 * (best - point.value))))

    for _ in range(_MOST_STRETCHES):
        low, high = _box(likelihood.surrogate)
        edge = float(high[index] if sign > 0 else low[index])
        room = abs(edge - values[index])
        if not isinstance(likelihood.surrogate, Grid):
            room = min(room, _FARTHEST * error)
        inner, outer = 0.0, min(NORMAL * error, room)
        inner_depth, outer_depth = 0.0, depth(values[index] + sign * outer)
        # Outwards until the end lies between.
        while outer_depth < NORMAL and outer < room:
            inner, inner_depth = outer, outer_depth
            outer = min(room, outer * min(4.0, max(1.2, 1.1 * NORMAL / max(outer_depth, 1e-3))))
            outer_depth = depth(values[index] + sign * outer)
        if outer_depth >= NORMAL:
            break
        if not isinstance(likelihood.surrogate, Grid) or edge == bound or not np.isfinite(edge):
            return float(bound)
        # The grid ends before the interval does.
        centre = np.array(likelihood.surrogate.centre)
        centre[index] = edge
        moved = likelihood.surrogate.moved(centre)
        if not isinstance(moved, Grid):
            return float(bound)
        likelihood = Likelihood(moved, likelihood.counts)
    else:
        return float(bound)
    for _ in range(_MOST_TRIES):
        share = (NORMAL - inner_depth) / (outer_depth - inner_depth)
        middle = inner + np.clip(share, 0.05, 0.95) * (outer - inner)
        own = depth(values[index] + sign * middle)
        if abs(own - NORMAL) < _CLOSE:
            return float(values[index] + sign * middle)
        if own < NORMAL:
            inner, inner_depth = middle, own
        else:
            outer, outer_depth = middle, own
    return float(values[index] + sign * (inner + outer) / 2)
