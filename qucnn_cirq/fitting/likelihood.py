"""The likelihood of counts of outcomes, its derivatives, and its maximum within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, minimize

from qucnn_cirq.engines.outcomes import recorded
from qucnn_cirq.fitting.circuits import FitCircuit
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.surrogates import Surrogate

FloatArray = NDArray[np.float64]

_LEAST_CHANCE = 1e-15
_READOUT_STEP = 1e-4
"""Step of differences of readout errors, relative to a number's size. They are polynomials."""
_MOST_STEPS = 60
_GAIN = 1e-5
"""Gain of the log-likelihood that a step has to promise to be taken."""
_RIDGE = 1e-9


def with_readout(
    circuit: FitCircuit, numbers: FreeNumbers, values: FloatArray, true: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Probabilities of what is recorded, and their derivatives.

    Args:
        circuit: The circuit.
        numbers: The numbers.
        values: Their values, shape (numbers,).
        true: Probabilities before readout errors and their derivatives by the numbers of gates,
            shape (1 + gate numbers, instances, 2^m).

    Returns:
        Probabilities, shape (instances, 2^m), and derivatives, shape (numbers, instances, 2^m).
    """
    read = recorded(true, circuit.qubits, numbers.readout_noise(values))
    slopes = np.zeros((len(values), *read.shape[1:]))
    slopes[numbers.acts_on_gates] = read[1:]
    low, high = numbers.bounds
    for index in np.flatnonzero(numbers.acts_on_readout):
        step = _READOUT_STEP * numbers.sizes[index]
        ends = np.clip([values[index] - step, values[index] + step], low[index], high[index])
        pair = []
        for end in ends:
            point = np.array(values)
            point[index] = end
            pair.append(recorded(true[0], circuit.qubits, numbers.readout_noise(point)))
        slopes[index] += (pair[1] - pair[0]) / (ends[1] - ends[0])
    return read[0], slopes


@dataclass(frozen=True, eq=False)
class Point:
    """The likelihood at some values.

    Attributes:
        value: The log-likelihood, without the part that no number changes.
        score: Its derivatives, shape (numbers,).
        fisher: The information that as many shots hold on average, shape (numbers, numbers).
    """

    value: float
    score: FloatArray
    fisher: FloatArray


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Counts and what tells their probabilities.

    Attributes:
        surrogate: The probabilities.
        counts: For each circuit, shape (instances, 2^m).
    """

    surrogate: Surrogate
    counts: Sequence[FloatArray]

    def at(self, values: FloatArray) -> Point:
        """The likelihood and its derivatives.

        Args:
            values: Shape (numbers,).
        """
        value, score = 0.0, np.zeros(len(values))
        fisher = np.zeros((len(values), len(values)))
        numbers = self.surrogate.numbers
        every = self.surrogate.probabilities(values)
        for circuit, true, counts in zip(self.surrogate.circuits, every, self.counts, strict=True):
            chances, slopes = with_readout(circuit, numbers, values, true)
            chances = np.maximum(chances, _LEAST_CHANCE)
            value += float((counts * np.log(chances)).sum())
            score += np.tensordot(slopes, counts / chances, axes=2)
            fisher += information(chances, slopes, counts.sum(axis=1))
        return Point(value, score, fisher)

    def expected(self, values: FloatArray) -> list[FloatArray]:
        """The counts that are expected, for each circuit of shape (instances, 2^m).

        Args:
            values: Shape (numbers,).
        """
        every = self.surrogate.probabilities(values)
        numbers = self.surrogate.numbers
        return [
            counts.sum(axis=1, keepdims=True)
            * np.maximum(
                recorded(true[0], circuit.qubits, numbers.readout_noise(values)), _LEAST_CHANCE
            )
            for circuit, true, counts in zip(
                self.surrogate.circuits, every, self.counts, strict=True
            )
        ]


def information(chances: FloatArray, slopes: FloatArray, shots: FloatArray | float) -> FloatArray:
    """Fisher's information of shots.

    Args:
        chances: Probabilities, shape (instances, 2^m).
        slopes: Their derivatives, shape (numbers, instances, 2^m).
        shots: Of each instance, shape (instances,), or one number for all.

    Returns:
        Shape (numbers, numbers).
    """
    weights = np.broadcast_to(shots, len(chances))[:, None] / np.maximum(chances, _LEAST_CHANCE)
    flat = slopes.reshape(len(slopes), chances.size)
    found: FloatArray = (flat * weights.ravel()) @ flat.T
    return found


def maximum(
    likelihood: Likelihood,
    start: FloatArray,
    low: FloatArray,
    high: FloatArray,
    sizes: FloatArray,
) -> tuple[FloatArray, Point]:
    """The values of largest likelihood within bounds: scoring, and where it stalls L-BFGS-B.

    Args:
        likelihood: The likelihood.
        start: Where to begin, shape (numbers,).
        low: Least values; a number whose two bounds are equal stays.
        high: Largest values.
        sizes: About how large the numbers are.

    Returns:
        The values and the likelihood there.
    """
    values = np.clip(start, low, high)
    here = likelihood.at(values)
    for _ in range(_MOST_STEPS):
        step = _bounded_step(here, values, low, high, sizes)
        if here.score @ step - step @ here.fisher @ step / 2 < _GAIN:
            return values, here
        for halving in range(12):
            # Rounding may put it beyond.
            other = np.clip(values + step / 2**halving, low, high)
            there = likelihood.at(other)
            if there.value > here.value:
                values, here = other, there
                break
        else:
            break
    return _descended(likelihood, values, here, low, high, sizes)


def _bounded_step(
    here: Point, values: FloatArray, low: FloatArray, high: FloatArray, sizes: FloatArray
) -> FloatArray:
    """The step to the maximum of the quadratic form that is expected, within the bounds."""
    free = high > low
    step = np.zeros(len(values))
    if not free.any():
        return step
    scale = sizes[free]
    fisher = here.fisher[np.ix_(free, free)] * np.outer(scale, scale)
    fisher += _RIDGE * max(np.trace(fisher), 1e-12) * np.eye(len(scale))
    root = np.linalg.cholesky(fisher)
    ends = (low - values)[free] / scale, (high - values)[free] / scale
    target = np.linalg.solve(root, here.score[free] * scale)
    plain = np.linalg.solve(root.T, target)
    if (plain < ends[0]).any() or (plain > ends[1]).any():
        plain = lsq_linear(root.T, target, bounds=ends, method="bvls").x
    step[free] = plain * scale
    return step


def _descended(
    likelihood: Likelihood,
    values: FloatArray,
    here: Point,
    low: FloatArray,
    high: FloatArray,
    sizes: FloatArray,
) -> tuple[FloatArray, Point]:
    def cost(scaled: FloatArray) -> tuple[float, FloatArray]:
        point = likelihood.at(np.clip(scaled * sizes, low, high))
        return -point.value, -point.score * sizes

    found = minimize(
        cost,
        values / sizes,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low / sizes, high / sizes, strict=True)),
    )
    other = np.clip(found.x * sizes, low, high)
    there = likelihood.at(other)
    return (other, there) if there.value > here.value else (values, here)
