"""Routing, in the two places where it is needed.

Inside a register a preparation circuit may use pairs that are not coupled. And where no layout
fits a device, the whole logical circuit is routed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import cirq
import networkx as nx
import numpy as np

from qucnn_cirq.circuits.feed_forward import MovedRecordError, recorded_in_time
from qucnn_cirq.circuits.parts import part_of, tagged
from qucnn_cirq.compiler.meeting_orders import Renaming
from qucnn_cirq.compiler.swap_beam import ADVANCE, Couplers
from qucnn_cirq.compiler.swap_search import find_moves, moves_from
from qucnn_cirq.compiler.swaps import write_out_swaps
from qucnn_cirq.errors import InputError

_ORDERS_TIMES_GATES = 200_000


def _ops(circuit: cirq.AbstractCircuit) -> list[cirq.Operation]:
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

    Raises:
        MovedRecordError: If a qubit that is measured in its middle is in the way.
    """
    pairs = [op.qubits for op in _ops(circuit) if len(op.qubits) == 2]
    if all(graph.has_edge(*pair) for pair in pairs):
        return circuit
    backwards = cirq.Circuit(reversed(_ops(circuit)))
    register = sorted(graph.nodes)
    couplers = _couplers(graph, register)
    numbers = [(register.index(a), register.index(b)) for a, b in reversed(pairs)]
    is_cz = [op.gate == cirq.CZ for op in _ops(backwards) if len(op.qubits) == 2]
    moves = moves_from(tuple(range(len(register))), numbers, is_cz, couplers).moves
    moved = _Moved(backwards, {qubit: qubit for qubit in register}, used=register)
    moved.follow(moves, graph, register, couplers)
    return write_out_swaps(recorded_in_time(cirq.Circuit(reversed(_ops(moved.circuit)))))


def is_preparation(operation: cirq.Operation) -> bool:
    """Whether an operation prepares a register: it comes before those that are not.

    Args:
        operation: An operation of a logical circuit, with the tag of its part.
    """
    return part_of(operation) in ("loader", "filter")


@dataclass(frozen=True, eq=False)
class Route:
    """A routed circuit.

    Attributes:
        circuit: CZ gates, slots and what else there was; what belongs to no part yet is tagged as
            routing.
        order: The number of the renaming that it follows.
        starts: Where each logical qubit is before anything acts on it, a SWAP included.
        ends: Where it is at the end.
        tries: How many starts were tried to find it.
    """

    circuit: cirq.Circuit
    order: int
    starts: dict[cirq.Qid, cirq.Qid]
    ends: dict[cirq.Qid, cirq.Qid]
    tries: int


def routes(
    circuit_of: Callable[[int], cirq.Circuit],
    renamings: Sequence[Renaming],
    graph: nx.Graph,
    idle: Collection[cirq.Qid] = (),
    from_zero: bool = True,
) -> Iterator[Route]:
    """Routes a circuit without measurements on part of a device, in several ways.

    Args:
        circuit_of: The circuit after a renaming, by the renaming's number: operations on one or
            two qubits.
        renamings: What the qubits of the preparations (loader and filter) may be called instead;
            the first changes nothing.
        graph: The device's couplers.
        idle: Qubits that have a place even if nothing acts on them.
        from_zero: Whether all qubits are in |0> at the beginning.

    Yields:
        Routes, those with the fewest two-qubit gates first.

    Raises:
        InputError: If no connected part of the device is large enough, or if qubits that are
            measured in the middle are in the way of every route.
    """
    circuit = circuit_of(0)
    logical = _by_first_use(circuit)
    logical += sorted(set(idle).difference(logical))
    largest = max(map(len, nx.connected_components(graph)), default=0)
    if largest < len(logical):
        raise InputError(
            f"the circuit needs {len(logical)} connected qubits; the largest connected part that "
            f"may be used has {largest}."
        )
    # Beyond some spare qubits a larger part only takes longer.
    region = _compact_region(graph, min(largest, 2 * len(logical) + 8))
    part = graph.subgraph(region)
    couplers = _couplers(part, region)
    gates = [op for op in _ops(circuit) if len(op.qubits) == 2]
    # All that is renamed comes first, as the meeting may have begun on other qubits.
    gates.sort(key=lambda op: not is_preparation(op))
    if not gates:
        places = dict(zip(logical, region, strict=False))
        yield Route(tagged(circuit.transform_qubits(places), "routing"), 0, places, places, 1)
        return
    pairs = np.array([[logical.index(qubit) for qubit in op.qubits] for op in gates])
    # Tables of all orders take memory and time.
    few = renamings[: max(1, _ORDERS_TIMES_GATES // (len(logical) * len(gates)))]
    names = np.array([[logical.index(each.get(q, q)) for q in logical] for each in few])
    is_prepared = np.array([is_preparation(op) for op in gates])
    found, tries = find_moves(
        np.where(is_prepared[:, None], names[:, pairs], pairs),
        [op.gate == cirq.CZ for op in gates],
        names,
        couplers,
    )
    is_any = False
    for way in found:
        starts = dict(zip(logical, (region[place] for place in way.start), strict=True))
        moved = _Moved(circuit_of(way.order), starts)
        moved.follow(way.moves, part, region, couplers)
        try:
            in_time = recorded_in_time(moved.circuit)
        except MovedRecordError:
            continue
        is_any = True
        routed = tagged(write_out_swaps(in_time, from_zero), "routing")
        yield Route(routed, way.order, moved.starts, moved.places, tries)
    if not is_any:
        raise InputError(
            "qubits that are measured in the middle of the circuit are in the way of every route: "
            "choose another device, or pooling = 'deferred'."
        )


class _Moved:
    """A circuit that is written anew while its qubits move."""

    def __init__(
        self,
        circuit: cirq.Circuit,
        places: dict[cirq.Qid, cirq.Qid],
        used: Collection[cirq.Qid] = (),
    ) -> None:
        self.circuit = cirq.Circuit()
        self.places = places
        self.starts = dict(places)
        self._left: dict[cirq.Qid, deque[cirq.Operation]] = {q: deque() for q in places}
        for operation in _ops(circuit):
            for qubit in operation.qubits:
                self._left[qubit].append(operation)
        self._used = set(used)
        self._begun: set[cirq.Qid] = set()

    def follow(
        self,
        moves: Sequence[int],
        graph: nx.Graph,
        numbered: Sequence[cirq.Qid],
        couplers: Couplers,
    ) -> None:
        """Makes all moves, and then does what is left, on one qubit each.

        Args:
            moves: As `qucnn_cirq.compiler.swap_search.Moves.moves`.
            graph: The places and their couplers.
            numbered: The places by their numbers.
            couplers: The same couplers, by numbers.
        """
        for move in moves:
            if move == ADVANCE:
                self._advance(graph)
            else:
                self._swap(*(numbered[place] for place in couplers.pairs[move]))
        for qubit in self._left:
            self._do_up_to(qubit, None)
            if qubit not in self._begun:
                self.starts[qubit] = self.places[qubit]

    def _swap(self, a: cirq.Qid, b: cirq.Qid) -> None:
        """Exchanges two places."""
        moved = {a: b, b: a}
        for qubit, place in self.places.items():
            self.places[qubit] = moved.get(place, place)
        if self._used.isdisjoint(moved):
            # Both are in |0>: they might as well have started there.
            return
        for qubit, place in self.places.items():
            if place in moved and qubit not in self._begun:
                # It takes part while it is still in |0>, and cannot have started elsewhere.
                self.starts[qubit] = moved[place]
                self._begun.add(qubit)
        self.circuit.append(cirq.SWAP(a, b))
        self._used.update(moved)

    def _advance(self, graph: nx.Graph) -> None:
        """Does every next two-qubit gate whose qubits are neighbours, and what comes before it."""
        now = []
        for qubit, left in self._left.items():
            gate = next((op for op in left if len(op.qubits) == 2), None)
            if gate is not None and qubit == gate.qubits[0]:
                other = self._left[gate.qubits[1]]
                is_next = next(op for op in other if len(op.qubits) == 2) is gate
                if is_next and graph.has_edge(*(self.places[q] for q in gate.qubits)):
                    now.append(gate)
        for gate in now:
            for qubit in gate.qubits:
                self._do_up_to(qubit, gate)
                self._left[qubit].popleft()
            self._append(gate)

    def _do_up_to(self, qubit: cirq.Qid, gate: cirq.Operation | None) -> None:
        left = self._left[qubit]
        while left and left[0] is not gate:
            self._append(left.popleft())

    def _append(self, operation: cirq.Operation) -> None:
        for qubit in operation.qubits:
            if qubit not in self._begun:
                self.starts[qubit] = self.places[qubit]
            self._begun.add(qubit)
            self._used.add(self.places[qubit])
        self.circuit.append(operation.transform_qubits(self.places))


def _couplers(graph: nx.Graph, places: Sequence[cirq.Qid]) -> Couplers:
    """A connected graph, its places numbered in the order given."""
    number = {place: index for index, place in enumerate(places)}
    pairs = sorted(tuple(sorted((number[a], number[b]))) for a, b in graph.edges)
    lengths = dict(nx.all_pairs_shortest_path_length(graph))
    distances = [[lengths[a][b] for b in places] for a in places]
    return Couplers(np.array(pairs).reshape(-1, 2), np.array(distances))


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
    return best
