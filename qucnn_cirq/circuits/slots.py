"""One-qubit gates whose angles are known only when a program is bound.

A compiled circuit has the same structure for every patch; only the angles of its one-qubit
gates differ. A `Slot` is such a gate: a product of rotations, each by a fixed angle or by
a column of an *angle table*. Tables are plain arrays, one row per patch (``"patch"``), per filter
(``"filter"``) or per back-propagated value (``"upstream"``), so that thousands of instances are
filled by array arithmetic and no symbolic parameter is ever resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import cirq
import numpy as np
from numpy.typing import NDArray

Table = Literal["patch", "filter", "upstream"]
AngleTables = Mapping[str, NDArray[np.float64]]
"""Tables by name, in radians, each of shape (rows, columns)."""

_PAULI = {
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "y": np.array([[0, -1j], [1j, 0]], dtype=complex),
    "z": np.array([[1, 0], [0, -1]], dtype=complex),
}


def of_patches(tables: AngleTables, rows: slice) -> dict[str, NDArray[np.float64]]:
    """The tables of some patches.

    Args:
        tables: The tables of all patches. Where ``"upstream"``, of shape (rows, 1), has several
            rows, each patch has a value of its own, which goes along.
        rows: Which patches, as rows of the table ``"patch"``.

    Returns:
        All tables, of those patches only.
    """
    own = {**tables, "patch": tables["patch"][rows]}
    if len(tables.get("upstream", ())) > 1:
        own["upstream"] = tables["upstream"][rows]
    return own


@dataclass(frozen=True)
class TableAngle:
    """An angle read from a table when the program is bound.

    Attributes:
        table: Name of the angle table.
        column: Column of the table, from 0.
        sign: +1, or -1 in the inverse of a circuit.
    """

    table: Table
    column: int
    sign: int = 1

    def __neg__(self) -> TableAngle:
        return TableAngle(self.table, self.column, -self.sign)


@dataclass(frozen=True)
class Rotation:
    """exp(-i angle/2 P) for P one of X, Y, Z.

    Attributes:
        axis: "x", "y" or "z".
        angle: Radians, or where to find them.
    """

    axis: Literal["x", "y", "z"]
    angle: float | TableAngle

    @property
    def table(self) -> Table | None:
        """The table the angle comes from, or None for a fixed angle."""
        return self.angle.table if isinstance(self.angle, TableAngle) else None

    def unitaries(self, tables: AngleTables) -> NDArray[np.complex128]:
        """The matrices, one for each row of the table that it reads.

        Args:
            tables: The angle tables.

        Returns:
            Matrices of shape (rows, 2, 2); one row if the angle is fixed.
        """
        if isinstance(self.angle, TableAngle):
            angles = self.angle.sign * np.asarray(tables[self.angle.table])[:, self.angle.column]
        else:
            angles = np.array([self.angle])
        half = angles[:, None, None] / 2
        matrices: NDArray[np.complex128] = (
            np.cos(half) * np.eye(2) - 1j * np.sin(half) * _PAULI[self.axis]
        )
        return matrices

    def inverse(self) -> Rotation:
        """The rotation by the opposite angle."""
        return Rotation(self.axis, -self.angle)

    @property
    def is_real(self) -> bool:
        """Whether its matrix is real for every angle."""
        return self.axis == "y"

    def conjugate(self) -> Rotation:
        """The rotation whose matrix is the complex conjugate."""
        return self if self.is_real else self.inverse()


@dataclass(frozen=True)
class FixedUnitary:
    """A one-qubit unitary that no table changes.

    Attributes:
        entries: The four entries, row by row.
    """

    entries: tuple[complex, complex, complex, complex]

    table = None

    @classmethod
    def from_matrix(cls, matrix: NDArray[Any]) -> FixedUnitary:
        """Stores a 2x2 matrix.

        Args:
            matrix: A unitary of shape (2, 2).
        """
        first, second, third, fourth = (complex(entry) for entry in np.ravel(matrix))
        return cls((first, second, third, fourth))

    def unitaries(self, tables: AngleTables) -> NDArray[np.complex128]:
        """The matrix, as `Rotation.unitaries`.

        Args:
            tables: Not read.

        Returns:
            One matrix, shape (1, 2, 2).
        """
        return np.array(self.entries).reshape(1, 2, 2)

    def inverse(self) -> FixedUnitary:
        """The adjoint."""
        return FixedUnitary.from_matrix(np.array(self.entries).reshape(2, 2).conj().T)

    @property
    def is_real(self) -> bool:
        """Whether its matrix is real up to a phase."""
        largest = max(self.entries, key=abs)
        return all(abs((entry * largest.conjugate()).imag) < 1e-12 for entry in self.entries)

    def conjugate(self) -> FixedUnitary:
        """The complex conjugate."""
        first, second, third, fourth = (entry.conjugate() for entry in self.entries)
        return FixedUnitary((first, second, third, fourth))


Factor = Rotation | FixedUnitary


@dataclass(frozen=True)
class Slot(cirq.Gate):
    """A one-qubit gate to be filled at binding: a product of factors in order of time.

    Slots pass through Cirq's transformers like any other gate; they have a unitary only once
    angle tables are given.

    Attributes:
        factors: The rotations and fixed unitaries, first to act first.
    """

    factors: tuple[Factor, ...]

    def _num_qubits_(self) -> int:
        return 1

    def _circuit_diagram_info_(self, args: cirq.CircuitDiagramInfoArgs) -> str:
        names = []
        for factor in self.factors:
            if isinstance(factor, FixedUnitary):
                names.append("U")
            elif isinstance(factor.angle, TableAngle):
                sign = "-" if factor.angle.sign < 0 else ""
                column = f"{factor.angle.table}[{factor.angle.column}]"
                names.append(f"R{factor.axis}({sign}{column})")
            else:
                names.append(f"R{factor.axis}({factor.angle / np.pi:.3g}π)")
        return "·".join(names)

    def _has_unitary_(self) -> bool:
        return not self.tables

    def _unitary_(self) -> NDArray[np.complex128] | Any:
        return NotImplemented if self.tables else self.unitaries({})[0]

    def __pow__(self, exponent: int) -> Slot:
        if exponent != -1:
            return NotImplemented
        return Slot(tuple(factor.inverse() for factor in reversed(self.factors)))

    @property
    def tables(self) -> frozenset[Table]:
        """The angle tables that this slot reads."""
        return frozenset(f.table for f in self.factors if f.table is not None)

    @property
    def is_virtual(self) -> bool:
        """Whether it is a rotation about Z for every patch, which is done in software."""
        return not self.tables and abs(self.unitaries({})[0, 0, 1]) < 1e-12

    def unitaries(self, tables: AngleTables) -> NDArray[np.complex128]:
        """Multiplies the factors.

        Args:
            tables: The angle tables; those that the slot reads must have equally many rows.

        Returns:
            Matrices of shape (rows, 2, 2); one row if the slot reads no table.
        """
        product = np.eye(2, dtype=complex)[None]
        for factor in self.factors:
            product = factor.unitaries(tables) @ product
        return product

    @property
    def is_real(self) -> bool:
        """Whether all factors are real up to a phase, and the gate with them, for every patch."""
        return all(factor.is_real for factor in self.factors)

    def conjugate(self) -> Slot:
        """The gate whose matrices are the complex conjugates."""
        return Slot(tuple(factor.conjugate() for factor in self.factors))

    def simplified(self) -> Slot:
        """The same gate with neighbouring fixed factors multiplied together."""
        factors: list[Factor] = []
        for factor in self.factors:
            previous = factors[-1] if factors else None
            if previous is not None and previous.table is None and factor.table is None:
                matrix = factor.unitaries({})[0] @ previous.unitaries({})[0]
                factors[-1] = FixedUnitary.from_matrix(matrix)
            else:
                factors.append(factor)
        return Slot(tuple(factors))


def rotation(axis: Literal["x", "y", "z"], angle: float | TableAngle) -> Slot:
    """A slot of a single rotation.

    Args:
        axis: The Pauli matrix that it rotates about.
        angle: Radians, or where to find them.
    """
    return Slot((Rotation(axis, angle),))


def ry(angle: float | TableAngle) -> Slot:
    """A slot of a single rotation about Y, the work horse of real states.

    Args:
        angle: Radians, or where to find them.
    """
    return rotation("y", angle)


def fixed(matrix: NDArray[Any]) -> Slot:
    """A slot with a unitary that no table changes.

    Args:
        matrix: A unitary of shape (2, 2).
    """
    return Slot((FixedUnitary.from_matrix(matrix),))


def from_column(circuit: cirq.AbstractCircuit, start: int) -> cirq.Circuit:
    """A circuit whose slots read columns further on in their table.

    Args:
        circuit: Slots and other operations; it is not changed.
        start: What is added to the number of each column.

    Returns:
        A circuit with the same moments and tags.
    """
    return _with_angles(circuit, lambda angle: replace(angle, column=angle.column + start))


def in_table(circuit: cirq.AbstractCircuit, table: Table) -> cirq.Circuit:
    """A circuit whose slots read the same columns of another table.

    Args:
        circuit: Slots and other operations; it is not changed.
        table: The table.

    Returns:
        A circuit with the same moments and tags.
    """
    return _with_angles(circuit, lambda angle: replace(angle, table=table))


def _with_angles(
    circuit: cirq.AbstractCircuit, other: Callable[[TableAngle], TableAngle]
) -> cirq.Circuit:
    def moved(factor: Factor) -> Factor:
        if isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle):
            return Rotation(factor.axis, other(factor.angle))
        return factor

    def with_moved(operation: cirq.Operation, _: int) -> cirq.Operation:
        if not isinstance(operation.gate, Slot):
            return operation
        slot = Slot(tuple(map(moved, operation.gate.factors)))
        return slot.on(*operation.qubits).with_tags(*operation.tags)

    return cirq.map_operations(circuit.unfreeze(), with_moved)


def phased_xz_exponents(
    unitaries: NDArray[np.complex128],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Writes one-qubit unitaries as ``cirq.PhasedXZGate``, up to a global phase.

    The gate has |cos(pi x/2)| on the diagonal, u11/u00 = e^(i pi z) and
    u10/u00 = -i tan(pi x/2) e^(i pi (a + z)); where the diagonal vanishes z is free and
    u10/u01 = e^(2 i pi a) remains.

    Args:
        unitaries: Matrices of shape (..., 2, 2).

    Returns:
        The x, z and axis-phase exponents, each of shape (...); x lies in [0, 1].
    """
    u00, u01 = unitaries[..., 0, 0], unitaries[..., 0, 1]
    u10, u11 = unitaries[..., 1, 0], unitaries[..., 1, 1]
    x = 2 * np.arctan2(np.abs(u10), np.abs(u00)) / np.pi
    is_flip = np.abs(u00) < 1e-12
    is_phase = np.abs(u10) < 1e-12
    z = np.where(is_flip, 0.0, np.angle(u11 * u00.conj()) / np.pi)
    tilted = np.angle(u10 * u00.conj()) / np.pi + 0.5 - z
    flipped = np.angle(u10 * u01.conj()) / (2 * np.pi)
    a = np.where(is_phase, 0.0, np.where(is_flip, flipped, tilted))
    return x, z, a
