"""Routing with Cirq's router, in the two places where it is needed.

Inside a register a preparation circuit may use pairs that are not coupled. And where no layout
fits a device, the whole logical circuit is routed.
"""

from __future__ import annotations

from collections.abc import Collection

import cirq
import networkx as nx

from qucnn_cirq.circuits.parts import tagged
from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.errors import InputError


def _ops(circuit: cirq.Circuit) -> list[cirq.Operation]:
    return list(circuit.all_operations())


def route_preparation(circuit: cirq.Circuit, graph: nx.Graph) -> cirq.Circuit:
    """Routes a circuit that acts on |0...0> so that every qubit *ends* at its own place.

    All qubits start in the same state, so where each starts is free. Routing the operations
    from last to first, from the wanted final places, leaves the permutation at the beginning,
    where it costs nothing.

    Args:
        circuit: Operations on one or two qubits, all of them nodes of the graph.
        graph: The register's couplers.

    Returns:
        The same state on the same qubits, with SWAPs written as CZ and slots.
    """
    pairs = [op.qubits for op in _ops(circuit) if len(op.qubits) == 2]
    if all(graph.has_edge(*pair) for pair in pairs):
        return circuit
    backwards = cirq.Circuit(reversed(_ops(circuit)))
    routed, _ = _route(backwards, graph, {qubit: qubit for qubit in sorted(graph.nodes)})
    return cirq.Circuit(reversed(_ops(routed)))


def route_whole(
    circuit: cirq.Circuit, graph: nx.Graph, idle: Collection[cirq.Qid] = ()
) -> tuple[cirq.Circuit, dict[cirq.Qid, cirq.Qid], dict[cirq.Qid, cirq.Qid]]:
    """Routes a circuit without measurements on part of a device.

    Args:
        circuit: Operations on one or two qubits.
        graph: The device's couplers.
        idle: Qubits that have a place even if nothing acts on them.

    Returns:
        The routed circuit, in which operations that belong to no part yet are tagged as
        routing, and where each logical qubit starts and ends.

    Raises:
        InputError: If no connected part of the device is large enough.
    """
    logical = _by_first_use(circuit)
    logical += sorted(set(idle).difference(logical))
    region = _compact_region(graph, len(logical))
    mapping = dict(zip(logical, region, strict=True))
    routed, moves = _route(circuit, graph.subgraph(region), mapping)
    ends = {qubit: moves.get(place, place) for qubit, place in mapping.items()}
    return tagged(routed, "routing"), dict(mapping), ends


def _route(
    circuit: cirq.Circuit, graph: nx.Graph, mapping: dict[cirq.Qid, cirq.Qid]
) -> tuple[cirq.Circuit, dict[cirq.Qid, cirq.Qid]]:
    router = cirq.RouteCQC(nx.Graph(graph))
    routed, _, moves = router.route_circuit(
        circuit, initial_mapper=cirq.HardCodedInitialMapper(mapping)
    )
    return cirq.map_operations_and_unroll(routed, _swap_to_cz).unfreeze(copy=False), moves


def _swap_to_cz(operation: cirq.Operation, _: int) -> cirq.OP_TREE:
    """SWAP as three CZ gates; any other operation as it is."""
    return swap(*operation.qubits) if operation.gate == cirq.SWAP else operation


def swap(a: cirq.Qid, b: cirq.Qid) -> list[cirq.Operation]:
    """Exchanges two qubits by three CZ gates between Hadamards.

    Args:
        a: One qubit.
        b: The other, its neighbour.
    """
    hadamard = fixed(cirq.unitary(cirq.H))
    operations: list[cirq.Operation] = []
    for target in (b, a, b):
        operations += [hadamard.on(target), cirq.CZ(a, b), hadamard.on(target)]
    return operations


def _by_first_use(circuit: cirq.Circuit) -> list[cirq.Qid]:
    order = dict.fromkeys(q for op in _ops(circuit) if len(op.qubits) == 2 for q in op.qubits)
    return [*order, *sorted(circuit.all_qubits() - set(order))]


def _compact_region(graph: nx.Graph, size: int) -> list[cirq.Qid]:
    """The connected set of qubits, grown from one of them, with the most couplers inside."""
    best: list[cirq.Qid] = []
    most = -1
    for start in sorted(graph.nodes):
        region = [start]
        while len(region) < size:
            border = {n for q in region for n in graph.neighbors(q)} - set(region)
            if not border:
                break
            region.append(
                max(sorted(border), key=lambda q: len(set(graph.neighbors(q)) & set(region)))
            )
        couplers = graph.subgraph(region).number_of_edges()
        if len(region) == size and couplers > most:
            best, most = region, couplers
    if not best:
        raise InputError(
            f"the circuit needs {size} connected qubits; the largest connected part that may "
            f"be used has {max(map(len, nx.connected_components(graph)), default=0)}."
        )
    return best
