"""What to do about a violation: the nearest free placement, the native equivalent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

import cirq
import cirq_google
import networkx as nx

from qucnn_cirq.devices import Device
from qucnn_cirq.validation.placing import Places, Search, interactions
from qucnn_cirq.validation.violation import listed

_MOST_SEARCHES = 100
"""Different offences in one circuit that are given a hint of their own."""
_LARGEST_SEARCH = 1_000_000
"""Qubits times places up to which another place for the whole circuit is looked for."""
_ROUTE = "route the circuit, for example with cirq.RouteCQC"


class Hints:
    """Looks for the way out of a violation, once for every qubit, coupler and gate.

    Args:
        device: The device.
        operations: The operations of the whole circuit.
    """

    def __init__(self, device: Device, operations: Sequence[cirq.Operation]) -> None:
        self._device = device
        self._operations = operations
        self._known: dict[object, str] = {}
        self._kept: list[cirq.Operation] = []

    def for_qubits(self, *qubits: cirq.Qid) -> str:
        """Where an operation on qubits that the device lacks could go.

        Args:
            *qubits: Those of the operation that the device lacks.
        """
        return self._remembered(("qubits", qubits), lambda: self._place(qubits))

    def for_coupler(self, a: cirq.Qid, b: cirq.Qid) -> str:
        """How two qubits that are not coupled could meet.

        Args:
            a: One qubit.
            b: The other.
        """
        if isinstance(a, cirq_google.Coupler) or isinstance(b, cirq_google.Coupler):
            return "act on two qubits, or on the coupler alone"
        return self._remembered(("coupler", a, b), lambda: self._meet(a, b))

    def for_gate(self, operation: cirq.Operation) -> str:
        """What does the same as a gate in the device's own gates.

        Args:
            operation: One that the device's gate set does not have.
        """
        try:
            key: object = ("gate", operation.gate, len(operation.qubits))
            hash(key)
        except TypeError:
            key = ("object", id(operation))
            # As long as it is kept, no other object has its number.
            self._kept.append(operation)
        return self._remembered(key, lambda: _native_equivalent(operation, self._device))

    def _remembered(self, key: object, search: Callable[[], str]) -> str:
        if key not in self._known:
            if len(self._known) >= _MOST_SEARCHES:
                return "compile the circuit for the device"
            self._known[key] = search()
        return self._known[key]

    @cached_property
    def _pairs(self) -> nx.Graph:
        """The qubits of the circuit, joined where a two-qubit gate acts."""
        return interactions(
            operation
            for operation in self._operations
            if not any(isinstance(qubit, cirq_google.Coupler) for qubit in operation.qubits)
        )

    @cached_property
    def _joint(self) -> tuple[Places, bool]:
        """Places for all qubits that have to move, and whether these have all couplers.

        First only those that the device lacks move, then also those of missing couplers. If there
        are no places with all couplers, those that the device lacks get different free ones.
        """
        pairs, device = self._pairs, self._device.graph
        foreign = {qubit for qubit in pairs if qubit not in device}
        apart = {q for pair in pairs.edges if not device.has_edge(*pair) for q in pair}
        places: Places = {}
        if len(pairs) * len(device) <= _LARGEST_SEARCH:
            search = Search(pairs, self._device)
            inside = pairs.subgraph(set(pairs) - foreign)
            is_sound = all(device.has_edge(*pair) for pair in inside.edges)
            found = search.places(foreign, _distance) if is_sound else None
            places = found or search.places(foreign | apart, _distance) or {}
        is_whole = bool(places) or not pairs.edges
        free = sorted(set(device) - set(pairs) - set(places.values()))
        for qubit in sorted(foreign - set(places)):
            if not free:
                break
            beside = [q for q in free if self._is_beside(q, qubit)]
            if not beside and any(n in device for n in pairs.neighbors(qubit)):
                continue
            nearest = min(beside or free, key=lambda place: (_distance(place, qubit), place))
            free.remove(nearest)
            places[qubit] = nearest
        return places, is_whole

    def _is_beside(self, place: cirq.Qid, qubit: cirq.Qid) -> bool:
        """Whether a place is coupled to all partners of a qubit that are on the device."""
        graph = self._device.graph
        partners = [each for each in self._pairs.neighbors(qubit) if each in graph]
        return all(graph.has_edge(place, each) for each in partners)

    def _place(self, qubits: Sequence[cirq.Qid]) -> str:
        if self._shift:
            return self._shift
        places, is_whole = self._joint
        rest = "" if is_whole else f"; no places with all couplers were found: {_ROUTE}"
        if len(qubits) > 1 and all(qubit in places for qubit in qubits):
            return "use " + " and ".join(f"{places[qubit]} for {qubit}" for qubit in qubits) + rest
        qubit = next((each for each in qubits if each not in places), qubits[0])
        near = self._pairs.neighbors(qubit) if qubit in self._pairs else ()
        partners = [each for each in near if each in self._device.graph]
        if qubit not in places:
            where = f"coupled to {listed(partners)}" if partners else "left"
            return f"no free qubit is {where}; {_ROUTE}"
        beside = f" and coupled to {listed(places.get(each, each) for each in partners)}"
        return f"use {places[qubit]}, which is free{beside if partners else ''}{rest}"

    def _meet(self, a: cirq.Qid, b: cirq.Qid) -> str:
        if self._shift:
            return self._shift
        places, _ = self._joint
        moved = [qubit for qubit in (a, b) if places.get(qubit, qubit) != qubit]
        if moved and self._device.graph.has_edge(places.get(a, a), places.get(b, b)):
            how = " and ".join(f"{places[qubit]} instead of {qubit}" for qubit in moved)
            return f"use {how}: they are coupled"
        try:
            swaps = nx.shortest_path_length(self._device.graph, a, b) - 1
        except nx.NetworkXNoPath:
            return f"{a} and {b} are in unconnected parts of the device: choose other qubits"
        return f"{swaps} SWAP{'s' * (swaps > 1)} would bring them together; {_ROUTE}"

    @cached_property
    def _shift(self) -> str:
        """How far the whole circuit would have to move to fit; empty if it fits nowhere."""
        graph, device = self._pairs, self._device.graph
        qubits = list(graph)
        if len(qubits) * len(device) > _LARGEST_SEARCH:
            return ""
        if not all(isinstance(qubit, cirq.GridQubit) for qubit in (*qubits, *device)):
            return ""
        first = min(qubits)
        shifts = sorted(
            ((place.row - first.row, place.col - first.col) for place in device),
            key=lambda shift: (abs(shift[0]) + abs(shift[1]), shift),
        )
        for rows, columns in shifts:
            if all(qubit + (rows, columns) in device for qubit in qubits) and all(
                device.has_edge(a + (rows, columns), b + (rows, columns)) for a, b in graph.edges
            ):
                return (
                    f"move the whole circuit by {rows:+d} rows and {columns:+d} columns, where all "
                    "of it fits"
                )
        return ""


def _native_equivalent(operation: cirq.Operation, device: Device) -> str:
    """What does the same as an operation in a device's own gates, in words."""
    if isinstance(operation.gate, cirq.ResetChannel):
        return "leave it out: qubits start in |0>"
    if cirq.is_measurement(operation):
        return "measure in the computational basis"
    if cirq.control_keys(operation):
        return "leave classical control out: the device cannot branch"
    n_qubits = len(operation.qubits)
    # Before asking for a unitary, which for many qubits does not fit the memory.
    if n_qubits > 2:
        return "split it into gates on one and two qubits first"
    if n_qubits == 0:
        return "leave it out: a global phase cannot be observed"
    if not cirq.has_unitary(operation):
        return "leave it out: it is noise or no gate at all; give noise to the simulator instead"
    if n_qubits == 1:
        gate = cirq.single_qubit_matrix_to_phxz(cirq.unitary(operation))
        return f"use {gate}" if gate else "leave it out: it does nothing"
    names = device.two_qubit_gates
    if not names:
        return "the device has no two-qubit gate known here"
    counts = [f"{_native_count(operation, name)} {name}" for name in names]
    how = f"cirq.optimize_for_target_gateset(circuit, gateset={_NATIVE[names[0]][1]})"
    return f"use {' or '.join(counts)} with one-qubit gates: {how}"


_NATIVE: Mapping[str, tuple[Callable[..., cirq.OP_TREE], str]] = {
    "cz": (
        partial(cirq.two_qubit_matrix_to_cz_operations, allow_partial_czs=False),
        "cirq.CZTargetGateset()",
    ),
    "sqrt_iswap": (
        cirq.two_qubit_matrix_to_sqrt_iswap_operations,
        "cirq.SqrtIswapTargetGateset()",
    ),
    "syc": (
        cirq_google.two_qubit_matrix_to_sycamore_operations,
        "cirq_google.SycamoreTargetGateset()",
    ),
}
"""For each native gate Cirq's decomposition into it, and its target gateset."""


def _native_count(operation: cirq.Operation, name: str) -> int:
    """How many native two-qubit gates Cirq's decompositions take."""
    operations = _NATIVE[name][0](*operation.qubits, cirq.unitary(operation))
    return sum(len(each.qubits) == 2 for each in cirq.flatten_to_ops(operations))


def _distance(place: cirq.Qid, qubit: cirq.Qid) -> int:
    if isinstance(place, cirq.GridQubit) and isinstance(qubit, cirq.GridQubit):
        return abs(place.row - qubit.row) + abs(place.col - qubit.col)
    return 0
