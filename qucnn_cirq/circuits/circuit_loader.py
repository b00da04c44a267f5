"""A user's circuit in the place of a loader: quantum data instead of a patch."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.circuits.user_circuits import user_circuit


class CircuitLoader(Loader, takes_vectors=False):
    """Prepares the same state always; it has no angles.

    Args:
        circuit: A unitary circuit.
        qubits: Its register, in the order of the register it is put on.
    """

    name = "circuit"
    n_angles = 0

    def __init__(self, circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]) -> None:
        self._circuit = circuit
        self._qubits = tuple(qubits)
        super().__init__(len(self._qubits))

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and CZ gates."""
        return user_circuit("data's circuit", self._circuit, self._qubits, qubits)

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """No angles: shape (batch, 0)."""
        return np.zeros((len(states), 0))
