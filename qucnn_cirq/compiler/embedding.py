"""Embedding: the best position of a circuit on a device, however its layout is bent.

Every one-to-one map from the qubits of a circuit to those of a device under which each coupler that
the circuit needs is there (a subgraph monomorphism) is a placement. Minus the logarithm of what
survives is a sum over qubits and couplers, so that branch and bound finds the smallest predicted
error: a partial placement is given up if what it has spent, with the least that the rest can cost,
is no better than what is known. That least is found by dynamic programming over a spanning tree of
the circuit, whose branches may overlap on the device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cirq
import networkx as nx

from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import Device

LARGEST_EFFORT = 40_000
"""Partial placements that are looked at: at most a second, and as many on every machine."""

_CERTAIN = 50.0
"""Cost of what errs for certain: e^-50 of it survives, so that hopeless places can be compared."""
_ROUNDING = 1e-9
"""Costs that differ by less are equal."""


def best_embedding(
    usage: Usage,
    device: Device,
    gate_set: str,
    graph: nx.Graph,
    pinned: Mapping[cirq.Qid, cirq.Qid],
    below: float | None,
) -> dict[cirq.Qid, cirq.Qid] | None:
    """The embedding with the smallest predicted error that a bounded search finds.

    Args:
        usage: What the circuit needs and how often.
        device: The device, whose error rates count.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        graph: The qubits and couplers of the device that may be used.
        pinned: Qubits of the circuit that have their place already.
        below: The predicted error that must be undercut, in 0..1; None if any will do.

    Returns:
        From the circuit's qubits to the device's; None if nothing was found. Of equal ones the
        first in qubit order.
    """
    search = _Search(usage, device, gate_set, graph, pinned)
    search.best = math.inf if below is None else _cost(below)
    search.extend(0, 0.0)
    if search.found is None:
        return None
    return {qubit: search.places[at] for qubit, at in zip(search.qubits, search.found, strict=True)}


def _cost(error: float) -> float:
    return -math.log1p(-error) if error < 1 else _CERTAIN


class _Search:
    """Depth first, the smallest bound first; qubits and places go by their numbers.

    Attributes:
        qubits: The circuit's qubits in the order in which they are placed.
        places: The device's qubits, sorted.
        best: Cost of the best embedding so far, or what it must undercut.
        found: The number of the place of each qubit in the best embedding.
    """

    def __init__(
        self,
        usage: Usage,
        device: Device,
        gate_set: str,
        graph: nx.Graph,
        pinned: Mapping[cirq.Qid, cirq.Qid],
    ) -> None:
        wanted = nx.Graph()
        wanted.add_nodes_from(usage.qubits)
        wanted.add_edges_from(usage.two_qubit)
        self.qubits = _connected_order(wanted, pinned)
        self.places: list[cirq.Qid] = sorted(graph)
        self.best = math.inf
        self.found: tuple[int, ...] | None = None
        self._left = LARGEST_EFFORT
        self._at = [0] * len(self.qubits)
        self._is_free = [True] * len(self.places)

        number = {place: index for index, place in enumerate(self.places)}
        self._near = [sorted(number[other] for other in graph[place]) for place in self.places]
        self._gate_costs: dict[tuple[int, int], float] = {}
        for a, b in graph.edges:
            cost = _cost(device.two_qubit_error(a, b, gate_set))
            self._gate_costs[number[a], number[b]] = self._gate_costs[number[b], number[a]] = cost

        taken = set(pinned.values())

        def own_cost(qubit: cirq.Qid, share: Usage, place: cirq.Qid) -> float:
            is_elsewhere = pinned[qubit] != place if qubit in pinned else place in taken
            if is_elsewhere or graph.degree[place] < wanted.degree[qubit]:
                return math.inf
            return _cost(share.predicted_error({qubit: place}, device, gate_set))

        shares = [(qubit, usage.of_one(qubit)) for qubit in self.qubits]
        self._own_costs = [[own_cost(*share, place) for place in self.places] for share in shares]
        # For each qubit its neighbours that are placed before it, and the gates between them. The
        # last of them, from which it is reached, is its parent in the spanning tree.
        rank = {qubit: index for index, qubit in enumerate(self.qubits)}
        gates = {**usage.two_qubit, **{(b, a): n for (a, b), n in usage.two_qubit.items()}}
        self._links = [
            sorted((rank[n], gates[qubit, n]) for n in wanted[qubit] if rank[n] < rank[qubit])
            for qubit in self.qubits
        ]
        self._set_least_costs()

    def _set_least_costs(self) -> None:
        """For each qubit the least cost of its subtree, by the places of its parent and its own.

        Couplers outside the tree count with the best one at the place.
        """
        count = len(self.qubits)
        parents = [links[-1][0] if links else None for links in self._links]
        # Once a qubit is placed: the qubits that are reached from the placed ones, and from where.
        self._open = [
            [(c, p) for c in range(i + 1, count) if (p := parents[c]) is not None and p <= i]
            for i in range(count)
        ]
        self._least: list[dict[tuple[int | None, int], float]] = [{} for _ in self.qubits]
        cheapest = [
            min((self._gate_costs[at, near] for near in self._near[at]), default=0.0)
            for at in range(len(self.places))
        ]
        for i in reversed(range(count)):
            *others, (_, gates) = self._links[i] or [(0, 0)]
            children = [c for c in range(i + 1, count) if parents[c] == i]
            beyond = [[self._two_least(c, at) for at in range(len(self.places))] for c in children]
            for at, own in enumerate(self._own_costs[i]):
                cost = own + cheapest[at] * sum(n for _, n in others)
                least = [child[at] for child in beyond]
                for source in self._near[at] if self._links[i] else [None]:
                    step = gates * self._gate_costs[source, at] if source is not None else 0.0
                    rest = sum(second if place == source else one for one, place, second in least)
                    self._least[i][source, at] = cost + step + rest
        # Parts of the circuit that are not connected with those before them.
        starts = [min(self._least[c].values()) if p is None else 0.0 for c, p in enumerate(parents)]
        self._later = [sum(starts[i + 1 :]) for i in range(count)]

    def extend(self, index: int, spent: float) -> None:
        """Places a qubit, and then all that come after it.

        Args:
            index: The number of the qubit; those before it are placed.
            spent: Cost of these.
        """
        if index == len(self.qubits):
            self.best, self.found = spent, tuple(self._at)
            return
        links = self._links[index]
        reached = self._near[self._at[links[-1][0]]] if links else range(len(self.places))
        ahead = []
        for place in reached:
            self._left -= 1
            if not self._is_free[place]:
                continue
            cost = spent + self._own_costs[index][place]
            for other, gates in links:
                # Infinite where there is no such coupler.
                coupler = self._gate_costs.get((self._at[other], place))
                cost += math.inf if coupler is None else gates * coupler
            if cost < self.best:
                ahead.append((self._bound(index, place, cost), place, cost))
        for bound, place, cost in sorted(ahead):
            if self._left <= 0 or bound >= self.best - _ROUNDING:
                return
            self._at[index] = place
            self._is_free[place] = False
            self.extend(index + 1, cost)
            self._is_free[place] = True

    def _bound(self, index: int, place: int, cost: float) -> float:
        """The least cost of any completion, rounded so that equal ones stay in qubit order."""
        self._at[index] = place
        self._is_free[place] = False
        cost += sum(self._least_beyond(child, self._at[p]) for child, p in self._open[index])
        self._is_free[place] = True
        return round(cost + self._later[index], 9)

    def _least_beyond(self, child: int, at: int) -> float:
        """The least cost of a subtree whose parent is at a place."""
        least, free = self._least[child], self._is_free
        return min((least[at, t] for t in self._near[at] if free[t]), default=math.inf)

    def _two_least(self, child: int, at: int) -> tuple[float, int, float]:
        """The least cost of a subtree whose parent is at a place, where, and the next elsewhere."""
        least = self._least[child]
        costs = sorted((least[at, t], t) for t in self._near[at])
        (one, place), (second, _) = (*costs, (math.inf, -1), (math.inf, -1))[:2]
        return one, place, second


def _connected_order(wanted: nx.Graph, pinned: Mapping[cirq.Qid, cirq.Qid]) -> list[cirq.Qid]:
    """Each qubit after as many of its neighbours as possible, from pinned ones and ends on."""
    order: list[cirq.Qid] = []
    left = sorted(wanted)
    while left:
        following = min(
            left,
            key=lambda q: (-sum(n in order for n in wanted[q]), q not in pinned, wanted.degree[q]),
        )
        order.append(following)
        left.remove(following)
    return order
