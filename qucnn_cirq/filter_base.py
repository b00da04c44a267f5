"""What every kind of filter offers; the kinds themselves are in `filters`."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from qucnn_cirq.checks import real_array
from qucnn_cirq.errors import InputError


class Filter(abc.ABC):
    """A filter of a quantum convolution: immutable, hashable, comparable by content."""

    kind: ClassVar[str]
    """The name of this kind of filter in a mapping or a TOML table."""

    @abc.abstractmethod
    def n_parameters(self, n_qubits: int) -> int:
        """How many trainable angles the filter has on a register of `n_qubits`."""

    @abc.abstractmethod
    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """The filter's state vectors for a batch of parameters.

        Args:
            n_qubits: Size of the register. Qubit 0 is the most significant bit of an index.
            parameters: Angles in radians, shape (batch, n_parameters(n_qubits)).

        Returns:
            Unit vectors, shape (batch, 2**n_qubits).

        Raises:
            InputError: If the shape of the parameters is wrong or one of them is not finite, or
                if the filter does not fit the register.
        """

    @abc.abstractmethod
    def to_mapping(self) -> dict[str, Any]:
        """Plain data from which `filter_from_mapping` builds an equal filter."""

    @classmethod
    @abc.abstractmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from what `to_mapping` returned; unknown keys are refused."""

    @abc.abstractmethod
    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Raises InputError if the filter cannot be used for these patches on this register."""

    def checked_parameters(
        self, n_qubits: int, parameters: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """Returns the parameters as a float array (batch, n_parameters), or raises InputError."""
        array = real_array("parameters", parameters)
        expected = self.n_parameters(n_qubits)
        if array.ndim != 2 or array.shape[1] != expected:
            raise InputError(
                f"parameters have shape {array.shape}: this filter on {n_qubits} qubits takes "
                f"(batch, {expected})."
            )
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise InputError(
                f"parameters[{row}, {column}] is {array[row, column]}: give finite angles."
            )
        return array
