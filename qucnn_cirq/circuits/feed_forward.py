"""Measurements in the middle of a circuit, and gates that are done if they gave 1.

A qubit that is measured so is read, and nothing acts on it any more. What its record controls are
flips: in the control software they change the signs of the pulses that follow, which takes no
time and has no noise. `deferred` writes such a circuit as one of channels for simulators.
"""

from __future__ import annotations

from collections.abc import Callable

import cirq
import networkx as nx
import numpy as np

from qucnn_cirq.errors import InputError


class MovedRecordError(InputError):
    """A circuit, once routed, does not measure before it acts on what was measured."""


def flip_if(measured: cirq.Qid, key: str, target: cirq.Qid, is_first: bool) -> list[cirq.Operation]:
    """Y on one qubit if the measurement of another one gave 1.

    Args:
        measured: The qubit that is measured.
        key: The name of its measurement.
        target: What is flipped.
        is_first: Whether it is still to be measured.
    """
    flip = cirq.Y(target).with_classical_controls(key).with_tags(cirq.VirtualTag())
    return [cirq.measure(measured, key=key), flip] if is_first else [flip]


def is_controlled(operation: cirq.Operation) -> bool:
    """Whether a record decides if an operation is done.

    Args:
        operation: Any operation.
    """
    return bool(cirq.control_keys(operation))


def controlling(circuit: cirq.AbstractCircuit) -> frozenset[cirq.MeasurementKey]:
    """The keys of measurements that control something.

    Args:
        circuit: Any circuit.
    """
    return frozenset(key for op in circuit.all_operations() for key in cirq.control_keys(op))


def is_read_early(
    operation: cirq.Operation, controlling_keys: frozenset[cirq.MeasurementKey]
) -> bool:
    """Whether an operation is a measurement that controls something.

    Args:
        operation: Any operation.
        controlling_keys: As of `controlling`.
    """
    if not controlling_keys or not cirq.is_measurement(operation):
        return False
    return not controlling_keys.isdisjoint(cirq.measurement_key_objs(operation))


def recorded_in_time(circuit: cirq.Circuit) -> cirq.Circuit:
    """The same circuit with every measurement before what it controls.

    Who writes operations anew, qubit by qubit, keeps their order on each qubit only.

    Args:
        circuit: Operations in their order on every qubit.

    Returns:
        The same object if no measurement controls anything.

    Raises:
        MovedRecordError: If there is no such order, or if a qubit takes part in a gate on two
            after it was measured, as where it is in the way of a SWAP.
    """
    keys = controlling(circuit)
    if not keys:
        return circuit
    operations = list(circuit.all_operations())
    order: nx.DiGraph = nx.DiGraph()
    order.add_nodes_from(range(len(operations)))
    records: dict[cirq.MeasurementKey, int] = {}
    last: dict[cirq.Qid, int] = {}
    for number, operation in enumerate(operations):
        for qubit in operation.qubits:
            if qubit in last:
                order.add_edge(last[qubit], number)
                if is_read_early(operations[last[qubit]], keys):
                    raise MovedRecordError(f"{operation} acts on a qubit that was measured.")
            last[qubit] = number
        if is_read_early(operation, keys):
            records |= dict.fromkeys(cirq.measurement_key_objs(operation), number)
    for number, operation in enumerate(operations):
        order.add_edges_from((records[key], number) for key in cirq.control_keys(operation))
    if not nx.is_directed_acyclic_graph(order):
        raise MovedRecordError("a measurement comes after what it controls.")
    in_time = nx.lexicographical_topological_sort(order)
    return cirq.Circuit(operations[number] for number in in_time)


def deferred(
    circuit: cirq.Circuit, readout: Callable[[cirq.Qid], tuple[float, float]]
) -> cirq.Circuit:
    """The same circuit without measurements that control something.

    A qubit stays with its record in place of being measured: its readout error is a channel, and
    what it controls a gate on both without noise. What would happen to it later is left out, as the
    record does not change.

    Args:
        circuit: Any circuit, noise included.
        readout: Gives the probabilities to read 1 for 0 and 0 for 1 of a qubit.

    Returns:
        The same object if no measurement controls anything.

    Raises:
        InputError: If something acts on a measured qubit and another one.
    """
    keys = controlling(circuit)
    if not keys:
        return circuit
    places: dict[cirq.MeasurementKey, cirq.Qid] = {}
    moments: list[cirq.Moment] = []
    for moment in circuit:
        others: list[cirq.Operation] = []
        for operation in moment:
            if is_read_early(operation, keys):
                (key,), (qubit,) = cirq.measurement_key_objs(operation), operation.qubits
                places[key] = qubit
                others += _misread(qubit, *readout(qubit))
            elif is_controlled(operation):
                (key,) = cirq.control_keys(operation)
                flip = operation.without_classical_controls().untagged
                own = flip.controlled_by(places[key]).with_tags(*operation.tags)
                # In a moment of its own, as others may read the same record.
                moments.append(cirq.Moment(own))
            elif not set(operation.qubits) <= set(places.values()):
                if not set(operation.qubits).isdisjoint(places.values()):
                    raise InputError(
                        f"{operation} acts on a qubit that was measured and on another one: noise "
                        "on pairs cannot follow a measurement in the middle of a circuit."
                    )
                others.append(operation)
        moments.append(cirq.Moment(others))
    return cirq.Circuit(moments)


def _misread(qubit: cirq.Qid, p01: float, p10: float) -> list[cirq.Operation]:
    """From the true bit to the recorded one; nothing where they are equal."""
    if not p01 and not p10:
        return []
    kraus = [np.zeros((2, 2)) for _ in range(4)]
    for own, (to, true, chance) in zip(
        kraus, ((0, 0, 1 - p01), (1, 0, p01), (0, 1, p10), (1, 1, 1 - p10)), strict=True
    ):
        own[to, true] = np.sqrt(chance)
    return [cirq.KrausChannel(kraus).on(qubit).with_tags(cirq.VirtualTag())]
