"""Several placements of one layout on a device that do not touch each other."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import networkx as nx

from qucnn_cirq.compiler.placement import Placement, placements
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import Device


def disjoint_placements(
    usage: Usage, device: Device, gate_set: str, copies: int | None, spacing: int
) -> list[Placement]:
    """As many disjoint placements as asked for, or as are found.

    Two ways to choose are tried: always the placement with the smallest predicted error among those
    that are left, and always the one that takes the fewest others away. The first is kept if it
    finds enough, else the one that finds more.

    Args:
        usage: The qubits and couplers of the layout.
        device: The device.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        copies: How many are wanted; None for as many as are found.
        spacing: Rows of unused qubits between two placements.

    Returns:
        Placements by predicted error, then in qubit order; fewer than ``copies`` if no more fit.
    """
    candidates = [
        Placement(positions, usage.predicted_error(positions, device, gate_set))
        for positions in placements(usage, device)
    ]
    order = sorted(
        range(len(candidates)), key=lambda i: (round(candidates[i].predicted_error, 9), i)
    )
    conflicts = _conflicts(candidates, device.graph, spacing)
    found = _independent(order, conflicts, by_conflicts=False)
    if copies is None or len(found) < copies:
        found = max(found, _independent(order, conflicts, by_conflicts=True), key=len)
    chosen = sorted(found, key=order.index)[:copies]
    return [candidates[index] for index in chosen]


def _conflicts(candidates: Sequence[Placement], graph: nx.Graph, spacing: int) -> list[set[int]]:
    """For each placement those that it excludes, itself included."""
    users: dict[cirq.Qid, set[int]] = {}
    for index, placement in enumerate(candidates):
        for qubit in placement.positions.values():
            users.setdefault(qubit, set()).add(index)
    conflicts: list[set[int]] = []
    for placement in candidates:
        taken = set(placement.positions.values())
        edge = taken
        for _ in range(spacing):
            edge = {neighbour for qubit in edge for neighbour in graph.neighbors(qubit)} - taken
            if not edge:
                # Any more spacing takes nobody else away.
                break
            taken = taken | edge
        conflicts.append(set().union(*(users.get(qubit, set()) for qubit in taken)))
    return conflicts


def _independent(
    order: Sequence[int], conflicts: Sequence[set[int]], by_conflicts: bool
) -> list[int]:
    """Placements none of which excludes another, chosen one after the other."""
    left = set(order)
    rank = {index: place for place, index in enumerate(order)}
    chosen = []
    while left:
        best = min(
            left,
            key=lambda i: (len(conflicts[i] & left) if by_conflicts else 0, rank[i]),
        )
        chosen.append(best)
        left -= conflicts[best]
    return chosen
