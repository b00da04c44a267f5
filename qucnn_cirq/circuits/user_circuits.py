"""Circuits of a user's, written in slots and CZ gates."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cirq

from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.errors import InputError

_TARGET = cirq.CZTargetGateset()


def user_circuit(
    what: str,
    given: cirq.AbstractCircuit,
    own_qubits: Sequence[cirq.Qid],
    qubits: Sequence[cirq.Qid],
    zeros: Collection[cirq.Qid],
) -> cirq.Circuit:
    """A user's unitary circuit on other qubits, in slots and CZ gates.

    What acts on two qubits one after the other is merged: it takes three CZ at most, two if one of
    the qubits is in |0> before, and one if both are.

    Args:
        what: What the circuit is, for the error.
        given: The circuit.
        own_qubits: Its register.
        qubits: The register it is put on.
        zeros: Those of them that are in |0> before it.

    Returns:
        A circuit that is equal to the given one on such states, up to a phase.

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
    native = cirq.optimize_for_target_gateset(_begun(small, zeros), gateset=_TARGET)
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


def _begun(circuit: cirq.Circuit, zeros: Collection[cirq.Qid]) -> cirq.Circuit:
    """The circuit, its first gates written anew where they act on |0>."""
    fresh = set(zeros)
    begun = cirq.Circuit()
    blocks = cirq.merge_k_qubit_unitaries_to_circuit_op(circuit, k=2)
    for block in blocks.all_operations():
        written = [block]
        if len(block.qubits) == 2 and not fresh.isdisjoint(block.qubits) and _is_fixed(block):
            written = _from_zero(block, fresh)
        fresh.difference_update(block.qubits)
        begun.append(written)
    return begun


def _is_fixed(operation: cirq.Operation) -> bool:
    return cirq.has_unitary(operation) and not cirq.is_parameterized(operation)


def _from_zero(block: cirq.Operation, fresh: Collection[cirq.Qid]) -> list[cirq.Operation]:
    """The same on |0> of those qubits that are fresh, if that takes fewer CZ."""
    first, second = sorted(block.qubits, key=lambda qubit: qubit not in fresh)
    matrix = cirq.Circuit(block).unitary(qubit_order=[first, second])
    usual = cirq.two_qubit_matrix_to_cz_operations(first, second, matrix, allow_partial_czs=False)
    if second in fresh:
        short = cirq.prepare_two_qubit_state_using_cz(first, second, matrix[:, 0])
    else:
        short = cirq.two_qubit_matrix_to_cz_isometry(first, second, matrix)
    return min(usual, short, key=lambda operations: sum(len(op.qubits) == 2 for op in operations))
