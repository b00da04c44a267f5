"""Native two-qubit gates: CZ as it is, or written in sqrt-iSWAP or SYC."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cirq
import cirq_google
import numpy as np

from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.compiler.passes import is_ignored
from qucnn_cirq.devices import NATIVE_GATES
from qucnn_cirq.errors import unknown_name

_A, _B = cirq.LineQubit.range(2)
_Z = fixed(cirq.unitary(cirq.Z))
_X = fixed(cirq.unitary(cirq.X))
_T = fixed(np.diag([1, np.exp(1j * np.pi / 12)]))
_INVERSES: dict[cirq.Gate | None, cirq.Circuit] = {
    cirq.SQRT_ISWAP_INV: cirq.Circuit(_Z.on(_A), cirq.SQRT_ISWAP(_A, _B), _Z.on(_A)),
    # SYC = exp(-i pi/4 (XX + YY) - i pi/24 ZZ) up to virtual Z. A flip X of one qubit before and of
    # the other one afterwards makes XX + YY + c ZZ of its negative, as exp(i pi/2 XX) is i XX.
    cirq_google.SYC**-1: cirq.Circuit(
        _X.on(_A), _T.on_each(_A, _B), cirq_google.SYC(_A, _B), _X.on(_B), _T.on_each(_A, _B)
    ),
}
"""What becomes of the gates of a circuit that was inverted."""


def _cz() -> list[cirq.Operation]:
    return [cirq.CZ(_A, _B)]


def _sqrt_iswap() -> list[cirq.Operation]:
    # Between two sqrt-iSWAP = exp(i pi/8 (XX + YY)) a flip X turns YY into -YY: together they are
    # exp(i pi/4 XX). Cirq's numerical decomposition is right to 1e-8 only.
    hadamards = [cirq.H(_A), cirq.H(_B)]
    sqrt_iswap = cirq.SQRT_ISWAP(_A, _B)
    phases = [cirq.S(_A), cirq.S(_B)]
    return [*hadamards, sqrt_iswap, cirq.X(_A), sqrt_iswap, cirq.X(_A), *hadamards, *phases]


def _syc() -> list[cirq.Operation]:
    operations = cirq_google.known_2q_op_to_sycamore_operations(cirq.CZ(_A, _B))
    assert operations is not None
    return list(cirq.flatten_to_ops(operations))


GATE_SETS: dict[str, Callable[[], list[cirq.Operation]]] = {
    "cz": _cz,
    "sqrt_iswap": _sqrt_iswap,
    "syc": _syc,
}


@functools.cache
def _cz_in(gate_set: str) -> cirq.Circuit:
    """CZ on two line qubits in the given gate set, one-qubit gates as slots."""
    if gate_set not in GATE_SETS:
        raise unknown_name("gate set", gate_set, GATE_SETS)
    native = NATIVE_GATES[gate_set]
    circuit = cirq.Circuit()
    for operation in GATE_SETS[gate_set]():
        if len(operation.qubits) == 1:
            circuit.append(fixed(cirq.unitary(operation)).on(*operation.qubits))
        elif np.allclose(cirq.unitary(operation), cirq.unitary(native)):
            circuit.append(native.on(*operation.qubits))
        elif operation.qubits:
            raise AssertionError(f"{operation!r} is not native to {gate_set}")
    return circuit


def gates_of_cz(gate_set: str) -> int:
    """How many native two-qubit gates a CZ takes.

    Args:
        gate_set: One of `GATE_SETS`.

    Raises:
        InputError: If the gate set is unknown.
    """
    return sum(len(operation.qubits) == 2 for operation in _cz_in(gate_set).all_operations())


@cirq.transformer
def rebase(
    circuit: cirq.AbstractCircuit,
    *,
    context: cirq.TransformerContext | None = None,
    gate_set: str = "cz",
) -> cirq.Circuit:
    """Replaces every CZ by its form in the gate set, tags kept.

    The inverse of sqrt-iSWAP or SYC, from a circuit that was inverted, becomes the gate itself
    between one-qubit gates.

    Args:
        circuit: Any circuit; what is neither CZ nor such an inverse is left alone.
        context: Operations with one of its ``tags_to_ignore`` are left alone.
        gate_set: One of `GATE_SETS`.

    Raises:
        InputError: If the gate set is unknown.
    """
    native = _cz_in(gate_set)
    written_out = {*_INVERSES} if gate_set == "cz" else {cirq.CZ, *_INVERSES}
    if not any(operation.gate in written_out for operation in circuit.all_operations()):
        return circuit.unfreeze()

    def replace(operation: cirq.Operation, _: int) -> cirq.OP_TREE:
        if operation.gate not in written_out:
            return operation
        if is_ignored(operation, context):
            return operation
        form = native if operation.gate == cirq.CZ else _INVERSES[operation.gate]
        mapping: dict[cirq.Qid, cirq.Qid] = dict(zip((_A, _B), operation.qubits, strict=True))
        placed = form.transform_qubits(mapping)
        return [op.with_tags(*operation.tags) for op in placed.all_operations()]

    return cirq.map_operations_and_unroll(circuit, replace).unfreeze(copy=False)
