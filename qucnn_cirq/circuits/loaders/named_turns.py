"""One-qubit gates whose angles are the columns of a table, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import cirq

from qucnn_cirq.circuits.slots import Rotation, Slot, Table, TableAngle

Turn = tuple[Literal["x", "y", "z"], float | str]
"""An axis, and an angle: radians, or its name."""


def named_turns(
    qubits: Sequence[cirq.Qid], table: Table, columns: Sequence[str]
) -> Callable[..., cirq.Operation]:
    """What makes the gates of a loader.

    Args:
        qubits: The register, most significant qubit first.
        table: Name of the table that the angles are in.
        columns: Names of its columns, in order.

    Returns:
        A function that takes the position of a qubit and the `Turn` of each rotation, first to act
        first, and returns a slot on the qubit.
    """

    def rotation(turn: Turn) -> Rotation:
        axis, angle = turn
        if isinstance(angle, str):
            return Rotation(axis, TableAngle(table, columns.index(angle)))
        return Rotation(axis, angle)

    def turned(position: int, *turns: Turn) -> cirq.Operation:
        return Slot(tuple(map(rotation, turns))).on(qubits[position])

    return turned
