"""Placement: the best position of a layout on a device."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import cirq

from qucnn_cirq.compiler.assembly import Assembly
from qucnn_cirq.compiler.embedding import best_embedding
from qucnn_cirq.compiler.pinning import Pinning
from qucnn_cirq.compiler.usage import Usage
from qucnn_cirq.devices import Device

Q = cirq.GridQubit
Positions = dict[cirq.Qid, cirq.Qid]
_ANYWHERE = Pinning()

WORTH_BENDING = 0.01
"""Share of the predicted error that has to be saved for a layout to be bent."""


@dataclass(frozen=True)
class Placement:
    """Where the qubits of an assembly sit on a device.

    Attributes:
        positions: From the assembly's coordinates to qubits of the device.
        predicted_error: Probability that at least one gate or readout errs, between 0 and 1,
            from the device's calibration or, without one, from nominal error rates.
    """

    positions: Positions
    predicted_error: float


def best_placement(
    assembly: Assembly, device: Device, gate_set: str, pinning: Pinning = _ANYWHERE
) -> Placement | None:
    """The placement with the smallest predicted error.

    The layout as it is drawn, moved, turned or reflected; of these the first in qubit order if
    they are equal. It is bent only if nothing else fits or if that is worth `WORTH_BENDING`.

    Args:
        assembly: The circuit in coordinates of its own.
        device: The device.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
        pinning: Where the circuit may be.

    Returns:
        None if none was found.
    """
    usage = Usage.of(assembly.template.circuit, assembly.couplers)
    pinned = {
        qubit: place
        for role, places in pinning.roles
        for qubit, place in zip(assembly.roles[role], places, strict=True)
    }
    best: Placement | None = None
    for positions in placements(usage, device, pinning.allowed):
        if any(positions[qubit] != place for qubit, place in pinned.items()):
            continue
        error = usage.predicted_error(positions, device, gate_set)
        if best is None or error < best.predicted_error * (1 - 1e-9):
            best = Placement(positions, error)
    if best is not None and not device.is_calibrated:
        # All places are equal.
        return best
    below = best.predicted_error * (1 - WORTH_BENDING) if best else None
    bent = best_embedding(usage, device, gate_set, pinning.graph(device), pinned, below)
    if bent is None:
        return best
    return Placement(bent, usage.predicted_error(bent, device, gate_set))


def unmoved(assembly: Assembly, device: Device, gate_set: str) -> Placement:
    """The placement of an assembly that is on the device already.

    Args:
        assembly: A circuit that was routed on the device.
        device: The device.
        gate_set: The native two-qubit gate, one of `GATE_SETS`.
    """
    usage = Usage.of(assembly.template.circuit)
    template = assembly.template
    places = (*usage.qubits, *template.data_qubits, *template.filter_qubits)
    positions: Positions = {qubit: qubit for qubit in places}
    return Placement(positions, usage.predicted_error(positions, device, gate_set))


_SYMMETRIES = tuple(itertools.product((False, True), (1, -1), (1, -1)))


def placements(
    usage: Usage, device: Device, allowed: Collection[cirq.Qid] | None = None
) -> Iterator[Positions]:
    """All translations of all eight symmetries of a layout that fit the device.

    Args:
        usage: The qubits and couplers of the layout.
        device: The device.
        allowed: The only qubits that may be used; None for all.
    """
    graph = device.graph if allowed is None else device.graph.subgraph(allowed)
    couplers = {frozenset(edge) for edge in graph.edges}
    anchor = usage.qubits[0]
    for symmetry in _SYMMETRIES:
        turned = {qubit: _turn(qubit, symmetry) for qubit in usage.qubits}
        for place in sorted(graph.nodes):
            shift_row = place.row - turned[anchor].row
            shift_column = place.col - turned[anchor].col
            positions: Positions = {
                qubit: Q(image.row + shift_row, image.col + shift_column)
                for qubit, image in turned.items()
            }
            if all(q in graph for q in positions.values()) and all(
                frozenset((positions[a], positions[b])) in couplers for a, b in usage.two_qubit
            ):
                yield positions


def _turn(qubit: cirq.Qid, symmetry: tuple[bool, int, int]) -> Q:
    assert isinstance(qubit, Q)
    transposed, row_sign, column_sign = symmetry
    row, column = (qubit.col, qubit.row) if transposed else (qubit.row, qubit.col)
    return Q(row_sign * row, column_sign * column)
