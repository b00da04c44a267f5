"""Devices as text: qubits, couplers, and what a circuit uses them for."""

from __future__ import annotations

import cirq

from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.placement import ROLES, CircuitPlacement

QUBIT, ALONG, DOWN = "o", "-", "|"


def device_text(device: Device, placement: CircuitPlacement | None = None) -> str:
    """Draws a device of grid qubits.

    Rows and columns are numbered at the edge. A qubit is ``o``, or the letter of what a circuit
    uses it for (`qucnn_cirq.drawing.placement.ROLES`).

    Args:
        device: The device.
        placement: Where a circuit sits on it.

    Returns:
        The text, without a line break at its end.
    """
    qubits = [qubit for qubit in device.graph if isinstance(qubit, cirq.GridQubit)]
    letters = {q: ROLES[role] for q, role in placement.roles.items()} if placement else {}
    first_row, first_column = min(q.row for q in qubits), min(q.col for q in qubits)
    last_row, last_column = max(q.row for q in qubits), max(q.col for q in qubits)
    margin = max(len(str(row)) for row in (first_row, last_row)) + 1
    pitch = max(len(str(column)) for column in (first_column, last_column)) + 1
    lines = [" " * margin + "".join(f"{c:<{pitch}}" for c in range(first_column, last_column + 1))]
    for row in range(first_row, last_row + 1):
        wire, below = f"{row:>{margin - 1}} ", " " * margin
        for column in range(first_column, last_column + 1):
            qubit = cirq.GridQubit(row, column)
            name = letters.get(qubit, QUBIT) if qubit in device.graph else " "
            along = ALONG if device.graph.has_edge(qubit, qubit + (0, 1)) else " "
            down = DOWN if device.graph.has_edge(qubit, qubit + (1, 0)) else " "
            wire += name + along * (pitch - 1)
            below += down + " " * (pitch - 1)
        lines += [wire, below]
    return "\n".join(line.rstrip() for line in lines[:-1])


def roles_text(placement: CircuitPlacement) -> str:
    """What the letters stand for, and how the ancillas walk.

    Args:
        placement: Where a circuit sits.

    Returns:
        A line of letters, and one more for each walk.
    """
    present = [role for role in ROLES if role in placement.roles.values()]
    lines = [", ".join(f"{ROLES[role]} {role}" for role in present)]
    lines += [" -> ".join(map(str, walk)) for walk in placement.walks]
    return "\n".join(lines)
