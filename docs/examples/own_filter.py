"""A filter of your own: a brick wall of one two-qubit block, trained as a circuit with symbols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import sympy

from qucnn_cirq.filters import Filter


@dataclass(frozen=True)
class BrickWall(Filter):
    """Rotations about Y, then layers of XX interactions whose angles all blocks of a layer share.

    Attributes:
        layers: Number of layers.
    """

    kind = "brick_wall"

    layers: int = 1

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The circuit; its symbols are the parameters, sorted by name."""
        circuit = cirq.Circuit(
            cirq.ry(sympy.Symbol(f"start_{number}"))(qubit) for number, qubit in enumerate(qubits)
        )
        for layer in range(self.layers):
            shared = sympy.Symbol(f"wall_{layer}")
            for start in (0, 1):
                pairs = zip(qubits[start::2], qubits[start + 1 :: 2], strict=False)
                circuit.append(cirq.ms(shared / 2)(*pair) for pair in pairs)
            circuit.append(cirq.rz(shared)(qubit) for qubit in qubits)
        return circuit
