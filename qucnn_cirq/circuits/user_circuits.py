"""Circuits of a user's, written in slots and CZ gates."""

from __future__ import annotations

from collections.abc import Sequence

import cirq

from qucnn_cirq.circuits.blocks import block, gates_of
from qucnn_cirq.circuits.known_states import KnownStates, at_zero, from_known
from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.errors import InputError

_TARGET = cirq.CZTargetGateset()
_SWAP = cirq.unitary(cirq.SWAP)


def user_circuit(
    what: str,
    given: cirq.AbstractCircuit,
    own_qubits: Sequence[cirq.Qid],
    qubits: Sequence[cirq.Qid],
    from_zero: bool = True,
) -> cirq.Circuit:
    """A user's unitary circuit on other qubits, in slots and CZ gates.

    Args:
        what: What the circuit is, for the error.
        given: The circuit, without symbols.
        own_qubits: Its register.
        qubits: The register it is put on.
        from_zero: Whether it acts on |0...0> alone.

    Returns:
        A circuit that prepares the same state from |0...0>, up to a phase; or one that is equal to
        it on every state.

    Raises:
        InputError: If the registers differ in size, or Cirq cannot write an operation in CZ and
            one-qubit gates.
    """
    if len(own_qubits) != len(qubits):
        raise InputError(
            f"the {what} acts on {len(own_qubits)} qubits; the register has {len(qubits)}."
        )
    placed = given.unfreeze().transform_qubits(dict(zip(own_qubits, qubits, strict=True)))
    return written(what, *begun(placed, qubits, from_zero))


def begun(
    circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid], from_zero: bool
) -> tuple[cirq.AbstractCircuit, KnownStates]:
    """What is to be written of a circuit, and the known states before it.

    Args:
        circuit: Unitary operations, which may have symbols.
        qubits: Its register.
        from_zero: Whether it acts on |0...0> alone; then what does nothing there is left out.
    """
    return (shortened(circuit, qubits), at_zero(qubits)) if from_zero else (_small(circuit), {})


def shortened(circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
    """A circuit that prepares the same state, without gates that do nothing to |0...0> and SWAPs.

    A gate that leaves qubits in known states, such as one that |0> controls, is one-qubit gates.
    SWAPs only say which of the qubits, all in |0>, is which at the end.

    Args:
        circuit: Unitary operations, which may have symbols.
        qubits: Its register.
    """
    known = at_zero(qubits)
    needed = cirq.Circuit()
    for operation in _small(circuit).all_operations():
        parts = _from_known(operation, known)
        needed.append([operation] if parts is None or gates_of(parts) else parts)
    return _without_swaps(needed)


def _small(circuit: cirq.AbstractCircuit) -> cirq.Circuit:
    """The same in operations on two qubits at most, where those have no symbols."""
    return cirq.Circuit(
        cirq.decompose(
            circuit,
            keep=lambda op: len(op.qubits) <= 2 or cirq.is_parameterized(op),
            on_stuck_raise=None,
        )
    )


def written(what: str, circuit: cirq.AbstractCircuit, known: KnownStates) -> cirq.Circuit:
    """A circuit without symbols in slots and CZ gates.

    What acts on two qubits one after the other is merged: it takes three CZ at most, two if the
    state of one of the qubits is known before, and one if those of both are.

    Args:
        what: What the circuit is, for the error.
        circuit: Unitary operations.
        known: The known states before it; afterwards those after it.

    Returns:
        A circuit that is equal to the given one on such states, up to a phase.

    Raises:
        InputError: If Cirq cannot write an operation in CZ and one-qubit gates.
    """
    result = cirq.Circuit()
    for merged in _merged(circuit).all_operations():
        if not merged.qubits:
            continue
        if len(merged.qubits) > 2 or not cirq.has_unitary(merged):
            raise InputError(
                f"the {what} holds {merged!r}, which Cirq cannot write in CZ and one-qubit "
                "gates; decompose it first."
            )
        if len(merged.qubits) == 1:
            result.append(fixed(cirq.unitary(merged)).on(*merged.qubits))
            _from_known(merged, known)
            continue
        first, second = merged.qubits
        general = block(first, second, cirq.unitary(merged))
        ways = [_in_cz(merged), general, _from_known(merged, known)]
        result.append(min((way for way in ways if way is not None), key=gates_of))
    return result


def _merged(circuit: cirq.AbstractCircuit) -> cirq.Circuit:
    """Blocks of gates without symbols on two qubits each, as one operation."""
    return cirq.merge_k_qubit_unitaries_to_circuit_op(circuit, k=2).unfreeze(copy=False)


def _in_cz(merged: cirq.Operation) -> list[cirq.Operation]:
    """A block as it is if it is of CZ gates, else each gate by itself in CZ."""
    gates = cirq.Circuit(cirq.decompose(merged, keep=_is_plain, on_stuck_raise=None))
    if not all(map(_is_plain, gates.all_operations())):
        gates = cirq.optimize_for_target_gateset(gates, gateset=_TARGET)
    return [
        operation.untagged
        if len(operation.qubits) == 2
        else fixed(cirq.unitary(operation)).on(*operation.qubits)
        for operation in gates.all_operations()
        if operation.qubits
    ]


def _is_plain(operation: cirq.Operation) -> bool:
    return len(operation.qubits) == 1 or operation.gate == cirq.CZ


def _from_known(operation: cirq.Operation, known: KnownStates) -> list[cirq.Operation] | None:
    matrix = cirq.unitary(operation) if _is_fixed(operation) else None
    return from_known(operation.qubits, matrix, known)


def _is_fixed(operation: cirq.Operation) -> bool:
    return cirq.has_unitary(operation) and not cirq.is_parameterized(operation)


def _without_swaps(circuit: cirq.Circuit) -> cirq.Circuit:
    """The same from |0...0>, each block times SWAP if that takes fewer CZ.

    A SWAP before a block is one at the very beginning, where it does nothing, if all that comes
    before is done on the other one of both qubits.
    """
    kept: list[cirq.Operation] = []
    names = {qubit: qubit for qubit in circuit.all_qubits()}
    for operation in reversed(list(_merged(circuit).all_operations())):
        placed = operation.transform_qubits(names)
        if len(operation.qubits) == 2 and _is_fixed(operation):
            matrix = cirq.unitary(placed)
            swapped = matrix @ _SWAP
            if cirq.num_cnots_required(swapped) < cirq.num_cnots_required(matrix):
                a, b = operation.qubits
                names[a], names[b] = names[b], names[a]
                placed = cirq.MatrixGate(swapped, unitary_check=False).on(*placed.qubits)
        kept.append(placed)
    return cirq.Circuit(reversed(kept))
