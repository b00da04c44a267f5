"""Circuits of a user's, written in slots and CZ gates."""

from __future__ import annotations

from collections.abc import Sequence

import cirq

from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.errors import InputError


def user_circuit(
    what: str,
    given: cirq.AbstractCircuit,
    own_qubits: Sequence[cirq.Qid],
    qubits: Sequence[cirq.Qid],
) -> cirq.Circuit:
    """A user's unitary circuit on other qubits, in slots and CZ gates.

    Args:
        what: What the circuit is, for the error.
        given: The circuit.
        own_qubits: Its register.
        qubits: The register it is put on.

    Raises:
        InputError: If the registers differ in size, or Cirq cannot write an operation in CZ and
            one-qubit gates.
    """
    if len(own_qubits) != len(qubits):
        raise InputError(
            f"the {what} acts on {len(own_qubits)} qubits; the register has {len(qubits)}."
        )
    placed = given.unfreeze().transform_qubits(dict(zip(own_qubits, qubits, strict=True)))
    small = cirq.Circuit(
        cirq.decompose(placed, keep=lambda op: len(op.qubits) <= 2, on_stuck_raise=None)
    )
    native = cirq.optimize_for_target_gateset(small, gateset=cirq.CZTargetGateset())
    circuit = cirq.Circuit()
    for operation in native.all_operations():
        if operation.gate == cirq.CZ:
            circuit.append(operation.untagged)
        elif len(operation.qubits) == 1 and cirq.has_unitary(operation):
            circuit.append(fixed(cirq.unitary(operation)).on(*operation.qubits))
        elif operation.qubits:
            raise InputError(
                f"the {what} holds {operation!r}, which Cirq cannot write in CZ and one-qubit "
                "gates; decompose it first."
            )
    return circuit
