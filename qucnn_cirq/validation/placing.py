"""Places for qubits that a device lacks: all of them at once, so that none is given away twice."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable, Mapping

import cirq
import networkx as nx

from qucnn_cirq.devices import Device, DeviceLike, load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.validation.opening import opened_moments

MOST_STEPS = 200_000
"""Places tried before a search gives up; in steps, so that the answer does not depend on time."""

_ATTEMPTS = 10
"""What half of these steps is divided into: a search that began badly rarely ends well."""

Places = dict[cirq.Qid, cirq.Qid]


def interactions(operations: Iterable[cirq.Operation]) -> nx.Graph:
    """The qubits of operations, joined where a gate acts on two.

    Args:
        operations: Those of the whole circuit, in any order.
    """
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
        InputError: If there is no such placement, or none was found within `MOST_STEPS`.
    """
    target = load_device(device)
    moments = opened_moments([list(moment) for moment in circuit])
    pairs = interactions(
        op for each in moments for column in each.columns for op in column.operations
    )
    graph = target.graph
    if all(q in graph for q in pairs) and all(graph.has_edge(*pair) for pair in pairs.edges):
        return {qubit: qubit for qubit in pairs}
    search = Search(pairs, target)
    found = search.places(pairs)
    if found is None:
        how = f"was found in {MOST_STEPS} steps" if search.gave_up else "exists"
        raise InputError(
            f"no placement of the circuit's {len(pairs)} qubits and {pairs.number_of_edges()} "
            f"pairs on {target.name} {how}: let qucnn_cirq.fix_circuit route it (qucnn fix)."
        )
    return found


class Search:
    """Looks for places that are free, different, and coupled as the circuit needs them.

    Args:
        pairs: The circuit, as from `interactions`.
        device: The device.

    Attributes:
        gave_up: Whether the last search ended before everything was tried.
    """

    def __init__(self, pairs: nx.Graph, device: Device) -> None:
        self._pairs = pairs
        self._graph = device.graph
        self._lengths = functools.cache(
            functools.partial(nx.single_source_shortest_path_length, device.graph)
        )
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
        bounds = self._bounds([*fixed, *order], len(fixed))
        for attempt in range(1 + _ATTEMPTS):
            found, ended = self._attempt(attempt, order, fixed, bounds, distance)
            if ended:
                return found
        self.gave_up = True
        return None

    def _attempt(
        self,
        attempt: int,
        order: list[cirq.Qid],
        fixed: Places,
        bounds: list[list[tuple[cirq.Qid, int]]],
        distance: Callable[[cirq.Qid, cirq.Qid], int],
    ) -> tuple[Places | None, bool]:
        """Places, None if there are none, and whether the search came to its end."""
        chance = random.Random(attempt) if attempt else None
        found, taken = dict(fixed), set(fixed.values())
        # One list of places still to be tried for each qubit that has been placed, and the next.
        untried: list[list[cirq.Qid]] = []
        for _ in range(MOST_STEPS // (2 * _ATTEMPTS if attempt else 2)):
            if len(untried) == len(order):
                return {qubit: found[qubit] for qubit in order}, True
            index = len(untried)
            choices = self._candidates(order[index], found, taken, bounds[index], distance, chance)
            untried.append(choices)
            while untried and not untried[-1]:
                untried.pop()
                if untried:
                    taken.discard(found.pop(order[len(untried) - 1]))
            if not untried:
                return None, True
            qubit = order[len(untried) - 1]
            found[qubit] = untried[-1].pop()
            taken.add(found[qubit])
        return None, False

    def _bounds(self, order: list[cirq.Qid], start: int) -> list[list[tuple[cirq.Qid, int]]]:
        """For each qubit from a start, how far it may be from those placed whose turn is not over.

        Two qubits with n gates between them are within n couplers of each other.
        """
        turn = {qubit: index for index, qubit in enumerate(order)}
        last = {
            qubit: max((turn[partner] for partner in self._pairs.neighbors(qubit)), default=0)
            for qubit in order
        }
        found = []
        for index, qubit in enumerate(order[start:], start):
            lengths = nx.single_source_shortest_path_length(self._pairs, qubit)
            found.append(
                [(q, lengths[q]) for q in order[:index] if last[q] > index and q in lengths]
            )
        return found

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
        bounds: list[tuple[cirq.Qid, int]],
        distance: Callable[[cirq.Qid, cirq.Qid], int],
        chance: random.Random | None,
    ) -> list[cirq.Qid]:
        """Free places beside all partners that have a place; the best last.

        With a chance, those that would be hard to reach later are better.
        """
        beside = [
            set(self._graph.neighbors(found[partner]))
            for partner in self._pairs.neighbors(qubit)
            if partner in found
        ]
        free = (set.intersection(*beside) if beside else set(self._graph)) - taken
        degree = self._pairs.degree(qubit)
        roomy = degree > 2
        reach = [(self._lengths(found[other]), bound) for other, bound in bounds]
        fitting = [
            each
            for each in sorted(free)
            if self._graph.degree(each) >= degree
            and all(lengths.get(each, bound + 1) <= bound for lengths, bound in reach)
        ]

        def worth(place: cirq.Qid) -> tuple[float, ...]:
            if chance is None:
                return (distance(place, qubit),)
            ways = sum(each not in taken for each in self._graph.neighbors(place))
            # Long lines fit where places run out; trees where there is room left.
            return distance(place, qubit), -ways if roomy else ways, chance.random()

        return sorted(fitting, key=worth)[::-1]
