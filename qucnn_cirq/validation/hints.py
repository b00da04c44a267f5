"""What to do about a violation: the nearest free placement, the native equivalent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import cirq
import cirq_google
import networkx as nx

from qucnn_cirq.devices import Device

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
        self._pairs: nx.Graph | None = None
        self._shift: str | None = None
        self._known: dict[object, str] = {}

    def for_qubit(self, qubit: cirq.Qid) -> str:
        """Where an operation on a qubit that the device lacks could go."""
        return self._remembered(("qubit", qubit), lambda: self._place(qubit))

    def for_coupler(self, a: cirq.Qid, b: cirq.Qid) -> str:
        """How two qubits that are not coupled could meet."""
        return self._remembered(("coupler", a, b), lambda: self._meet(a, b))

    def for_gate(self, operation: cirq.Operation) -> str:
        """What does the same as a gate in the device's own gates."""
        try:
            key: object = ("gate", operation.gate, len(operation.qubits))
            hash(key)
        except TypeError:
            key = ("object", id(operation))
        return self._remembered(key, lambda: native_equivalent(operation, self._device))

    def _remembered(self, key: object, search: Callable[[], str]) -> str:
        if key not in self._known:
            if len(self._known) >= _MOST_SEARCHES:
                return "compile the circuit for the device"
            self._known[key] = search()
        return self._known[key]

    def _graph(self) -> nx.Graph:
        """The qubits of the circuit, joined where a two-qubit gate acts."""
        if self._pairs is None:
            self._pairs = nx.Graph()
            for operation in self._operations:
                self._pairs.add_nodes_from(operation.qubits)
                if len(operation.qubits) == 2 and not cirq.is_measurement(operation):
                    self._pairs.add_edge(*operation.qubits)
        return self._pairs

    def _place(self, qubit: cirq.Qid) -> str:
        shift = self._whole_circuit()
        if shift:
            return shift
        partners = [each for each in self._graph().neighbors(qubit) if each in self._device.graph]
        free = self._free(partners)
        if not free:
            return f"no free qubit is coupled to {_names(partners)}; {_ROUTE}"
        nearest = min(free, key=lambda place: (_distance(place, qubit), place))
        beside = f" and coupled to {_names(partners)}" if partners else ""
        return f"use {nearest}, which is free{beside}"

    def _meet(self, a: cirq.Qid, b: cirq.Qid) -> str:
        shift = self._whole_circuit()
        if shift:
            return shift
        for moved, other in ((b, a), (a, b)):
            partners = {*self._graph().neighbors(moved), other} - {moved}
            free = self._free([each for each in partners if each in self._device.graph])
            if free:
                nearest = min(free, key=lambda place: (_distance(place, moved), place))
                return f"use {nearest} instead of {moved}: it is free and coupled to {other}"
        try:
            swaps = nx.shortest_path_length(self._device.graph, a, b) - 1
        except nx.NetworkXNoPath:
            return f"{a} and {b} are in unconnected parts of the device: choose other qubits"
        return f"{swaps} SWAP{'s' * (swaps > 1)} would bring them together; {_ROUTE}"

    def _free(self, partners: Iterable[cirq.Qid]) -> list[cirq.Qid]:
        """Qubits of the device that the circuit leaves alone, coupled to all partners."""
        graph, used = self._device.graph, self._graph()
        near = [set(graph.neighbors(partner)) for partner in partners]
        candidates = set.intersection(*near) if near else set(graph)
        return [qubit for qubit in candidates if qubit not in used]

    def _whole_circuit(self) -> str:
        """How far the whole circuit would have to move to fit; empty if it fits nowhere."""
        if self._shift is None:
            self._shift = self._search_shift()
        return self._shift

    def _search_shift(self) -> str:
        graph, device = self._graph(), self._device.graph
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


def native_equivalent(operation: cirq.Operation, device: Device) -> str:
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
    return f"use {' or '.join(counts)} with one-qubit gates: {_GATESETS[names[0]]}"


_GATESETS = {
    "cz": "cirq.optimize_for_target_gateset(circuit, gateset=cirq.CZTargetGateset())",
    "sqrt_iswap": "cirq.optimize_for_target_gateset(circuit, "
    "gateset=cirq.SqrtIswapTargetGateset())",
    "syc": "cirq.optimize_for_target_gateset(circuit, gateset=cirq_google.SycamoreTargetGateset())",
}


def _native_count(operation: cirq.Operation, name: str) -> int:
    """How many native two-qubit gates Cirq's decompositions take."""
    a, b = operation.qubits
    matrix = cirq.unitary(operation)
    operations: cirq.OP_TREE
    if name == "cz":
        operations = cirq.two_qubit_matrix_to_cz_operations(a, b, matrix, allow_partial_czs=False)
    elif name == "sqrt_iswap":
        operations = cirq.two_qubit_matrix_to_sqrt_iswap_operations(a, b, matrix)
    else:
        operations = cirq_google.two_qubit_matrix_to_sycamore_operations(a, b, matrix)
    return sum(len(each.qubits) == 2 for each in cirq.flatten_to_ops(operations))


def _distance(place: cirq.Qid, qubit: cirq.Qid) -> int:
    if isinstance(place, cirq.GridQubit) and isinstance(qubit, cirq.GridQubit):
        return abs(place.row - qubit.row) + abs(place.col - qubit.col)
    return 0


def _names(qubits: Iterable[cirq.Qid]) -> str:
    return ", ".join(str(qubit) for qubit in qubits)
