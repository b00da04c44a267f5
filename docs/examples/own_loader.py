"""A loader of your own: two qubits through the singular values of the 2x2 matrix of a vector."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np

from qucnn_cirq import InputError
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import Table, TableAngle, ry


class SingularValues(Loader):
    """X = R(u) diag(s) R(v)^T: qubit 0 takes s, qubit 1 copies it, and each is turned.

    Args:
        n_qubits: Qubits of the register: 2, for vectors of four values.

    Raises:
        InputError: If it is any other number.
    """

    name = "singular_values"
    purpose = "registers of 2 qubits"
    n_angles = 3

    def __init__(self, n_qubits: int) -> None:
        if n_qubits != 2:
            raise InputError(f"{self.name} is for {self.purpose}, not {n_qubits}: choose another.")
        super().__init__(n_qubits)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """One CZ; the one-qubit gates are slots, which read the columns of the table."""
        first, left, right = (ry(TableAngle(table, column)) for column in range(3))
        row, column = qubits
        copied = (ry(np.pi / 2)(column), cirq.CZ(row, column))
        return cirq.Circuit(first(row), copied, left(row), right(column))

    def angles(self, states: np.ndarray) -> np.ndarray:
        """The singular value decomposition of a 2x2 matrix in closed form, for all rows at once."""
        a, b, c, d = states.T
        larger, smaller = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
        added, turned = np.arctan2(c + b, a - d), np.arctan2(c - b, a + d)
        # The copy changes the sign of the second singular value, and turns by -pi/2 too little.
        copied = 2 * np.arctan2(smaller - larger, larger + smaller)
        return np.stack([copied, turned + added, added - turned - np.pi / 2], axis=1)
