"""Compiler passes in Cirq's transformer protocol, each usable alone.

A pass is a function circuit -> circuit that leaves operations with one of the context's
``tags_to_ignore`` as they are. The ones that Cirq lacks are here; scheduling uses Cirq's own
`cirq.stratified_circuit`.
"""

from __future__ import annotations

import cirq

from qucnn_cirq.circuits.feed_forward import controlling, is_controlled, is_read_early
from qucnn_cirq.circuits.slots import Factor, Slot
from qucnn_cirq.errors import InputError


def is_ignored(operation: cirq.Operation, context: cirq.TransformerContext | None) -> bool:
    """Whether a transformer has been told to leave an operation alone.

    Args:
        operation: An operation of the circuit that is transformed.
        context: What the transformer was told; None for nothing.
    """
    return context is not None and not set(operation.tags).isdisjoint(context.tags_to_ignore)


@cirq.transformer
def merge_slots(
    circuit: cirq.AbstractCircuit, *, context: cirq.TransformerContext | None = None
) -> cirq.Circuit:
    """Multiplies neighbouring slots on a qubit into one; drops those that are the identity.

    Tags are kept: a merged slot carries the tags of all its parts, first to act first.

    Args:
        circuit: Slots and any other operations.
        context: Names tags of operations to leave as they are; None for none.
    """
    pending: dict[cirq.Qid, list[cirq.Operation]] = {}
    merged: list[cirq.Operation] = []

    def flush(qubit: cirq.Qid) -> None:
        parts = pending.pop(qubit, [])
        factors: tuple[Factor, ...] = ()
        for part in parts:
            assert isinstance(part.gate, Slot)
            factors += part.gate.factors
        slot = Slot(factors).simplified()
        if parts and not _is_identity(slot):
            tags = dict.fromkeys(tag for part in parts for tag in part.tags)
            merged.append(slot.on(qubit).with_tags(*tags))

    for operation in circuit.all_operations():
        if isinstance(operation.gate, Slot) and not is_ignored(operation, context):
            pending.setdefault(operation.qubits[0], []).append(operation)
            continue
        for qubit in operation.qubits:
            flush(qubit)
        merged.append(operation)
    for qubit in sorted(pending):
        flush(qubit)
    return cirq.Circuit(merged)


def _is_identity(slot: Slot) -> bool:
    if slot.tables:
        return False
    first, off, other, last = slot.unitaries({})[0].ravel()
    return bool(abs(off) <= 1e-12 and abs(other) <= 1e-12 and abs(first - last) <= 1e-12)


@cirq.transformer
def drop_unobserved(
    circuit: cirq.AbstractCircuit, *, context: cirq.TransformerContext | None = None
) -> cirq.Circuit:
    """Drops every operation that no measurement can notice.

    An operation outside the past light cone of the measurements has no influence on what is
    recorded; after an overlap test that is what remains on qubits that are not read. A circuit
    without measurements is returned as it is.

    Args:
        circuit: Any circuit.
        context: Names tags of operations to keep all the same; None for none.
    """
    if not circuit.has_measurements():
        return circuit.unfreeze()
    observed: set[cirq.Qid] = set()
    kept: list[cirq.Operation] = []
    for operation in reversed(list(circuit.all_operations())):
        is_noticed = cirq.is_measurement(operation) or not observed.isdisjoint(operation.qubits)
        if is_noticed or is_ignored(operation, context):
            observed.update(operation.qubits)
            kept.append(operation)
    return cirq.Circuit(reversed(kept))


@cirq.transformer
def schedule_as_late_as_possible(
    circuit: cirq.AbstractCircuit, *, context: cirq.TransformerContext | None = None
) -> cirq.Circuit:
    """Packs operations into moments of one kind each, as late as possible.

    A qubit in |0> does not decohere, so a late start costs nothing and an early one does.
    Moments hold either one-qubit gates, two-qubit gates or measurements, whose durations
    differ, or what measurements control. All other measurements share the final moment. A moment
    with an ignored operation is kept whole, and what comes before it is packed up to it.

    Args:
        circuit: One- and two-qubit gates, and measurements after them or such as control some.
        context: Names tags of operations that stay in their moment; None for none.

    Raises:
        InputError: If an operation follows a measurement on its qubit.
    """
    keys = controlling(circuit)
    if not keys and not circuit.are_all_measurements_terminal():
        raise InputError("a measurement is not the last operation on its qubit: measure last.")
    packed: list[cirq.Moment] = []
    gates: list[cirq.Operation] = []
    measurements: list[cirq.Operation] = []
    for moment in circuit:
        if any(is_ignored(operation, context) for operation in moment):
            packed += [*_packed_late(gates), moment]
            gates = []
            continue
        for operation in moment:
            is_last = cirq.is_measurement(operation) and not is_read_early(operation, keys)
            (measurements if is_last else gates).append(operation)
    packed += _packed_late(gates)
    return cirq.Circuit([*packed, cirq.Moment(measurements)] if measurements else packed)


def _packed_late(gates: list[cirq.Operation]) -> list[cirq.Moment]:
    """Moments of gates on as many qubits each, as late as possible."""
    backwards = cirq.stratified_circuit(
        cirq.Circuit(reversed(gates)),
        categories=[
            is_controlled,
            cirq.is_measurement,
            lambda op: len(op.qubits) == 1,
            lambda op: len(op.qubits) == 2,
        ],
    )
    return list(reversed(backwards.moments))


def two_qubit_gates(circuit: cirq.AbstractCircuit) -> int:
    """Number of two-qubit gates, measurements left out.

    Args:
        circuit: Any circuit.
    """
    return sum(len(op.qubits) == 2 and not cirq.is_measurement(op) for op in _gates(circuit))


def one_qubit_gates(circuit: cirq.AbstractCircuit) -> int:
    """Number of one-qubit gates, virtual Z included.

    Args:
        circuit: Any circuit.
    """
    return sum(len(op.qubits) == 1 for op in _gates(circuit))


def two_qubit_depth(circuit: cirq.AbstractCircuit) -> int:
    """Length of the longest chain of two-qubit gates.

    Args:
        circuit: Any circuit.
    """
    depth: dict[cirq.Qid, int] = {}
    for operation in _gates(circuit):
        if len(operation.qubits) == 2:
            level = 1 + max(depth.get(qubit, 0) for qubit in operation.qubits)
            depth.update(dict.fromkeys(operation.qubits, level))
    return max(depth.values(), default=0)


def _gates(circuit: cirq.AbstractCircuit) -> list[cirq.Operation]:
    return [
        op
        for op in circuit.all_operations()
        if not cirq.is_measurement(op) and not is_controlled(op)
    ]
