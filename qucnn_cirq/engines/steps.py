"""What happens to Pauli coefficients: rotations by angles from tables, and fixed matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import AngleTables, Rotation, Slot, TableAngle
from qucnn_cirq.engines.pauli_transfer import embed, transfer_matrix
from qucnn_cirq.engines.process import Element

PLANES = {"x": (2, 3), "y": (3, 1), "z": (1, 2)}
"""The Bloch components that a rotation turns, the first towards the second."""


@dataclass(frozen=True)
class Turn:
    """A rotation of one qubit about a Pauli axis, by an angle from a table.

    Attributes:
        qubit: Where it acts.
        plane: The two Bloch components that it turns, the first towards the second.
        angle: Where the angle is found.
    """

    qubit: cirq.Qid
    plane: tuple[int, int]
    angle: TableAngle

    @property
    def qubits(self) -> tuple[cirq.Qid]:
        """The qubit, as other steps have it."""
        return (self.qubit,)

    def angles(self, tables: AngleTables) -> NDArray[np.float64]:
        """The angles for all rows of the table that it reads.

        Args:
            tables: The angle tables.

        Returns:
            Radians, shape (rows,).
        """
        column: NDArray[np.float64] = tables[self.angle.table][:, self.angle.column]
        return self.angle.sign * column


@dataclass(frozen=True, eq=False)
class Fixed:
    """A step that no table changes; equal to another of the same numbers.

    Attributes:
        qubits: Where it acts, k of them.
        transfer: Its transfer matrix, shape (4^k, 4^k).
    """

    qubits: tuple[cirq.Qid, ...]
    transfer: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[object, ...]:
        return self.qubits, self.transfer.tobytes()


GateStep = Turn | Fixed


def taken_apart(elements: Sequence[Element]) -> list[Element]:
    """Elements whose slots hold one factor each; factors that read no table become channels.

    Args:
        elements: A process, as from `physical_process`.
    """
    parts: list[Element] = []
    for element in elements:
        if element.slot is None:
            parts.append(element)
            continue
        for factor in element.slot.factors:
            if factor.table is None:
                parts.append(Element(element.qubits, kraus=(factor.unitaries({})[0],)))
            else:
                parts.append(Element(element.qubits, slot=Slot((factor,))))
    return parts


def turn_of(element: Element) -> Turn:
    """The rotation of an element that was taken apart.

    Args:
        element: An element whose slot holds one factor, which reads a table.
    """
    assert element.slot is not None
    (factor,) = element.slot.factors
    assert isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle)
    return Turn(element.qubits[0], PLANES[factor.axis], factor.angle)


def fused(elements: Sequence[Element]) -> list[GateStep]:
    """Steps of elements that were taken apart, multiplied together where they nest.

    A fixed element joins the fixed step before it if that covers all its qubits, and takes in
    the fixed one-qubit steps before it that it covers.

    Args:
        elements: As from `taken_apart`, in order of time.

    Returns:
        The steps, in order of time.
    """
    steps: list[GateStep | None] = []
    last: dict[cirq.Qid, int] = {}
    # Equal gates share their Kraus operators.
    transfers: dict[int, NDArray[np.float64]] = {}
    for element in elements:
        if element.slot is not None:
            last[element.qubits[0]] = len(steps)
            steps.append(turn_of(element))
            continue
        qubits, kraus = element.qubits, element.kraus
        if id(kraus) not in transfers:
            transfers[id(kraus)] = transfer_matrix(kraus)
        nest(Fixed(qubits, transfers[id(kraus)]), steps, last)
    return [step for step in steps if step is not None]


def nest(fixed: Fixed, steps: list[Any], last: dict[cirq.Qid, int]) -> None:
    """Appends a fixed step, multiplied together with those before it as `fused` does.

    Args:
        fixed: The step.
        steps: Those before it, None for each that another took in.
        last: The number of the last step on each qubit.
    """
    qubits, matrix = fixed.qubits, fixed.transfer
    before = {last.get(qubit, -1) for qubit in qubits}
    index = before.pop() if len(before) == 1 else -1
    covering = steps[index] if index >= 0 else None
    if isinstance(covering, Fixed) and set(qubits) <= set(covering.qubits):
        joined = embed(matrix, qubits, covering.qubits) @ covering.transfer
        steps[index] = Fixed(covering.qubits, joined)
        return
    for qubit in qubits:
        index = last.get(qubit, -1)
        inner = steps[index] if index >= 0 else None
        if isinstance(inner, Fixed) and inner.qubits == (qubit,):
            matrix = matrix @ embed(inner.transfer, (qubit,), qubits)
            steps[index] = None
    last.update(dict.fromkeys(qubits, len(steps)))
    steps.append(Fixed(qubits, matrix))
