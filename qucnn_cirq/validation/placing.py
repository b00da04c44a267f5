"""Places for qubits that a device lacks: all of them at once, so that none is given away twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import cirq
import networkx as nx

from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.validation.opening import opened_moments

MOST_STEPS = 200_000
"""Places tried before a search gives up; in steps, so that the answer does not depend on time."""

Places = dict[cirq.Qid, cirq.Qid]


def interactions(operations: Iterable[cirq.Operation]) -> nx.Graph:
    """The qubits of operations, joined where a gate acts on two."""
    pairs = nx.Graph()
    for operation in operations:
        pairs.add_nodes_from(operation.qubits)
        if len(operation.qubits) == 2 and not cirq.is_measurement(operation):
            pairs.add_edge(*operation.qubits)
    return pairs


def place(circuit: cirq.AbstractCircuit, device: DeviceLike) -> Places:
    """Finds a qubit of a device for each qubit of a circuit, so that all couplers exist.

    Args:
        circuit: A circuit on any qubits, such as ``cirq.LineQubit`` or ``cirq.NamedQubit``. Only
            its gates on two qubits count.
        device: A name, or a device.

    Returns:
        The places; those of a circuit that fits already are its own. ``circuit.transform_qubits``
        applies them.

    Raises:
        InputError: If there is no such placement, or none was found within :data:`MOST_STEPS`.
    """
    target = load_device(device)
    moments = opened_moments([list(moment) for moment in circuit])
    pairs = interactions(op for each in moments for column in each.columns for op in column)
    graph = target.graph
    if all(q in graph for q in pairs) and all(graph.has_edge(*pair) for pair in pairs.edges):
        return {qubit: qubit for qubit in pairs}
    search = Search(pairs, target)
    found = search.places(pairs)
    if found is None:
        how = f"was found in {MOST_STEPS} steps" if search.gave_up else "exists"
        raise InputError(
            f"no placement of the circuit's {len(pairs)} qubits and {pairs.number_of_edges()} "
            f"pairs on {target.name} {how}: route it, for example with cirq.RouteCQC."
        )
    return found


class Search:
    """Looks for places that are free, different, and coupled as the circuit needs them.

    Args:
        pairs: The circuit, as from :func:`interactions`.
        device: The device.

    Attributes:
        gave_up: Whether the last search ended before everything was tried.
    """

    def __init__(self, pairs: nx.Graph, device: Device) -> None:
        self._pairs = pairs
        self._graph = device.graph
        self.gave_up = False

    def places(
        self,
        movers: Iterable[cirq.Qid],
        distance: Callable[[cirq.Qid, cirq.Qid], int] = lambda place, qubit: 0,
    ) -> Places | None:
        """Places for some qubits while the others stay where they are.

        Args:
            movers: The qubits to be placed.
            distance: Places with a small distance from the qubit are tried first.

        Returns:
            None if there are none, or none were found.
        """
        moving = set(movers)
        self.gave_up = False
        fixed: Places = {q: q for q in self._pairs if q not in moving and q in self._graph}
        order = self._order(moving)
        if len(order) + len(fixed) > len(self._graph):
            return None
        taken = set(fixed.values())
        found = dict(fixed)
        # One list of places still to be tried for each qubit that has been placed, and the next.
        untried = [self._candidates(order[0], found, taken, distance)] if order else []
        steps = 0
        while untried and len(untried) <= len(order):
            qubit = order[len(untried) - 1]
            if qubit in found:
                taken.discard(found.pop(qubit))
            if not untried[-1]:
                untried.pop()
                continue
            steps += 1
            if steps > MOST_STEPS:
                self.gave_up = True
                return None
            found[qubit] = untried[-1].pop()
            taken.add(found[qubit])
            if len(untried) == len(order):
                break
            untried.append(self._candidates(order[len(untried)], found, taken, distance))
        if order and not untried:
            return None
        return {qubit: found[qubit] for qubit in order}

    def _order(self, moving: set[cirq.Qid]) -> list[cirq.Qid]:
        """Each qubit after as many of its partners as possible, those without partners last."""
        placed = {qubit for qubit in self._pairs if qubit not in moving}
        rest = sorted(moving)
        order: list[cirq.Qid] = []
        while rest:
            best = max(
                rest,
                key=lambda qubit: (
                    sum(partner in placed for partner in self._pairs.neighbors(qubit)),
                    self._pairs.degree(qubit),
                ),
            )
            rest.remove(best)
            order.append(best)
            placed.add(best)
        return order

    def _candidates(
        self,
        qubit: cirq.Qid,
        found: Mapping[cirq.Qid, cirq.Qid],
        taken: set[cirq.Qid],
        distance: Callable[[cirq.Qid, cirq.Qid], int],
    ) -> list[cirq.Qid]:
        """Free places beside all partners that have a place; the best last."""
        beside = [
            set(self._graph.neighbors(found[partner]))
            for partner in self._pairs.neighbors(qubit)
            if partner in found
        ]
        free = (set.intersection(*beside) if beside else set(self._graph)) - taken
        degree = self._pairs.degree(qubit)
        fitting = [each for each in free if self._graph.degree(each) >= degree]
        return sorted(fitting, key=lambda each: (distance(each, qubit), each), reverse=True)
