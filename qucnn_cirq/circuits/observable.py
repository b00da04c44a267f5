"""What is measured: observables that are diagonal in the computational basis.

One shot gives one of two values, so the number of shots with the larger value is a sufficient
statistic and binomially distributed.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observable:
    """A product of diagonal observables on disjoint groups of measured qubits.

    Attributes:
        groups: For each group its qubits and the values of its 2^k bit patterns, big-endian.
        low: The smaller of the two values a shot can give, -1 or 0; the larger is 1.
    """

    groups: tuple[tuple[tuple[cirq.Qid, ...], tuple[float, ...]], ...]
    low: float

    @property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """The measured qubits, in the order in which their bits are recorded."""
        return tuple(qubit for qubits, _ in self.groups for qubit in qubits)

    @property
    def is_signed(self) -> bool:
        """Whether the values of a shot are +1 and -1."""
        return self.low == -1.0

    @functools.cached_property
    def table(self) -> NDArray[np.float64]:
        """The value of every outcome of `qubits`, big-endian, shape (2^qubits,). Read-only."""
        table = np.ones(1)
        for _, values in self.groups:
            table = np.multiply.outer(table, values).ravel()
        table.flags.writeable = False
        return table

    def on(self, positions: Mapping[cirq.Qid, cirq.Qid]) -> Observable:
        """The same observable on other qubits.

        Args:
            positions: For each of `qubits` the qubit that takes its place.
        """
        groups = tuple((tuple(positions[q] for q in qubits), t) for qubits, t in self.groups)
        return Observable(groups, self.low)

    def values(self, bits: NDArray[np.integer]) -> NDArray[np.float64]:
        """Evaluates shots.

        Args:
            bits: Recorded bits, shape (shots, qubits), in the order of `qubits`.

        Returns:
            The value of each shot, ``low`` or 1, shape (shots,).
        """
        product = np.ones(len(bits))
        start = 0
        for qubits, table in self.groups:
            weights = 1 << np.arange(len(qubits))[::-1]
            indices = bits[:, start : start + len(qubits)] @ weights
            product *= np.asarray(table)[indices]
            start += len(qubits)
        return product

    def probability(self, mean: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The probability of the larger value, given the mean.

        Args:
            mean: Expectation values in [low, 1], of any shape.

        Returns:
            Probabilities of the same shape.
        """
        return (np.asarray(mean) - self.low) / (1 - self.low)

    def mean(self, fraction: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The mean, given how often the larger value was seen.

        Args:
            fraction: Fractions of the shots, or probabilities, in [0, 1], of any shape.

        Returns:
            Means of the same shape, in [low, 1].
        """
        return self.low + (1 - self.low) * np.asarray(fraction)

    def variance(self, mean: NDArray[np.float64] | float, shots: int) -> NDArray[np.float64]:
        """Variance of the estimated mean: (1 - m)(m - low) / shots.

        For values +1 and -1 that is (1 - F^2)/N, for 1 and 0 it is F(1 - F)/N.

        Args:
            mean: The true means m in [low, 1], of any shape.
            shots: Shots behind each estimate, at least 1.

        Returns:
            Variances of the same shape.
        """
        mean = np.asarray(mean)
        return (1 - mean) * (mean - self.low) / shots


def all_zeros(qubits: Sequence[cirq.Qid]) -> Observable:
    """The projector on |0...0>.

    Args:
        qubits: The qubits to measure.

    Returns:
        The observable that is 1 where all of them read 0, and 0 otherwise.
    """
    return Observable(tuple(((qubit,), (1.0, 0.0)) for qubit in qubits), low=0.0)


def counted(bits: NDArray[np.integer]) -> NDArray[np.int64]:
    """How often each outcome was recorded.

    Args:
        bits: Recorded bits, shape (shots, m).

    Returns:
        Shape (2^m,).
    """
    weights = 1 << np.arange(bits.shape[1])[::-1]
    return np.bincount(bits @ weights, minlength=1 << bits.shape[1])
