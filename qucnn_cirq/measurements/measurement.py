"""What is read after a circuit on the data register, and which numbers come of it."""

from __future__ import annotations

import abc
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.kinds import Kind

FloatArray = NDArray[np.float64]


class Numbers(NamedTuple):
    """Numbers and how uncertain they are.

    Attributes:
        values: Shape (..., numbers).
        variances: Of each value, from shots alone, of the same shape; 0 without shots.
    """

    values: FloatArray
    variances: FloatArray


class Measurement(Kind, abc.ABC):
    """What is read of the data register once a filter's circuit has acted on it.

    Several numbers may come of one circuit: each is a channel of the feature map. To add one,
    derive a frozen class with a kind, a title and `table`, and hand it to
    `qucnn_cirq.registries.register_measurement`. (The overlap of two states is another way to
    measure, see `qucnn_cirq.circuits.overlap_tests`.)

    Attributes:
        kind: The word by which it is chosen.
        title: What is read, in one line.
        is_linear: Whether each number is the mean of a value of every outcome, as `table` says.
            Others define `evaluate` anew; they have no gradients.
    """

    what = "measurement"
    title: ClassVar[str]
    is_linear: ClassVar[bool] = True

    @abc.abstractmethod
    def table(self, n_qubits: int) -> FloatArray:
        """The value of every outcome for each number.

        Args:
            n_qubits: Size of the register.

        Returns:
            Shape (numbers, 2^m) for the m qubits of `read`, the first most significant.
        """

    def read(self, n_qubits: int) -> tuple[int, ...]:
        """The places in the register that are read, in the order of the bits; by default all.

        Args:
            n_qubits: Size of the register.
        """
        return tuple(range(n_qubits))

    def bases(self, n_qubits: int) -> str:
        """The Pauli basis, a letter out of "xyz", in which each of `read` is read.

        Args:
            n_qubits: Size of the register.
        """
        return "z" * len(self.read(n_qubits))

    def products(self, n_qubits: int) -> tuple[tuple[int, ...], ...] | None:
        """For each number the places in `read` whose signs it is the product of, if all are such.

        Means of products are found sooner than those of all outcomes.

        Args:
            n_qubits: Size of the register.
        """
        return None

    def names(self, n_qubits: int) -> tuple[str, ...]:
        """What the numbers are called.

        Args:
            n_qubits: Size of the register.
        """
        return tuple(f"{self.kind} {number}" for number in range(len(self.table(n_qubits))))

    def check_fits(self, n_qubits: int) -> None:
        """Refuses, by an InputError, a register that it cannot be used on.

        Args:
            n_qubits: Size of the register.
        """
        for place in self.read(n_qubits):
            if not 0 <= place < n_qubits:
                raise InputError(
                    f"measurement {self.kind!r} reads qubit {place}: the register has qubits "
                    f"0..{n_qubits - 1}."
                )

    def of_register(self, n_qubits: int) -> FloatArray:
        """As `table`, for every outcome of the whole register, shape (numbers, 2^n).

        Args:
            n_qubits: Size of the register, whose first qubit is the most significant.
        """
        read, every = self.read(n_qubits), np.arange(1 << n_qubits)
        outcomes = np.zeros(len(every), dtype=np.intp)
        for place in read:
            outcomes = 2 * outcomes + ((every >> (n_qubits - 1 - place)) & 1)
        return self.table(n_qubits)[:, outcomes]

    def evaluate(self, chances: FloatArray, n_qubits: int, shots: int | None) -> Numbers:
        """The numbers of distributions, or of shares of shots.

        Args:
            chances: Probability of every outcome, or the share of shots that gave it, shape
                (..., 2^m).
            n_qubits: Size of the register.
            shots: Shots of each circuit; None for exact probabilities, which have no variance.

        Returns:
            Shape (..., numbers).
        """
        table = self.table(n_qubits)
        values = chances @ table.T
        if shots is None:
            return Numbers(values, np.zeros_like(values))
        spread = chances @ (table**2).T - values**2
        return Numbers(values, np.maximum(spread, 0.0) / shots)
