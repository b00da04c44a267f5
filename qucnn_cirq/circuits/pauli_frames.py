"""Paulis that wait on qubits until a one-qubit gate takes them."""

from __future__ import annotations

import cirq
import numpy as np

from qucnn_cirq.circuits.slots import FixedUnitary, Slot

Pauli = tuple[int, int]
"""A Pauli up to a phase: whether it holds an X, and a Z."""

BITS: tuple[Pauli, ...] = ((0, 0), (1, 0), (1, 1), (0, 1))
"""I, X, Y and Z."""
_NONE = BITS[0]

PAULI_OF: dict[Pauli, tuple[FixedUnitary, ...]] = {
    _NONE: (),
    (1, 0): (FixedUnitary.from_matrix(np.array([[0, 1], [1, 0]])),),
    (1, 1): (FixedUnitary.from_matrix(np.array([[0, -1j], [1j, 0]])),),
    (0, 1): (FixedUnitary.from_matrix(np.diag([1, -1])),),
}
"""The factors of a slot that a Pauli is."""


class PauliFrame:
    """Paulis that stand behind what was done so far, up to a phase."""

    def __init__(self) -> None:
        self._bits: dict[cirq.Qid, Pauli] = {}

    def put(self, qubit: cirq.Qid, bits: Pauli) -> None:
        """Puts one more Pauli behind.

        Args:
            qubit: Where.
            bits: Which.
        """
        x, z = self._bits.get(qubit, _NONE)
        self._bits[qubit] = (x ^ bits[0], z ^ bits[1])

    def take(self, qubit: cirq.Qid) -> Pauli:
        """Takes the Pauli from a qubit.

        Args:
            qubit: Which.
        """
        return self._bits.pop(qubit, _NONE)

    def flips(self, qubit: cirq.Qid) -> bool:
        """Whether the qubit's bit is flipped.

        Args:
            qubit: Which.
        """
        return bool(self._bits.get(qubit, _NONE)[0])

    def past_cz(self, first: cirq.Qid, second: cirq.Qid) -> None:
        """Goes on past a CZ, where an X gives the other qubit a Z.

        Args:
            first: One of its qubits.
            second: The other one.
        """
        of_first, of_second = self.flips(first), self.flips(second)
        self.put(first, (0, int(of_second)))
        self.put(second, (0, int(of_first)))

    def past_phase(self, slot: Slot, qubit: cirq.Qid) -> Slot:
        """Goes on past a rotation about Z, which an X turns around.

        Args:
            slot: The rotation.
            qubit: Its qubit.

        Returns:
            The rotation that takes its place.
        """
        return slot**-1 if self.flips(qubit) else slot
