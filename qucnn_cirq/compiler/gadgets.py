"""Circuits of slots and CZ as rotations about Paulis, with all Clifford gates drawn out of them.

A circuit is a product of rotations exp(-i angle/2 P), each about a Pauli P of several qubits, and a
Clifford at its end. What is measured of Z after the Clifford is a Pauli before it. So the circuit
is given by two lists: of rotations, and of Paulis that are measured.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot, TableAngle

ComplexArray = NDArray[np.complex128]
Axis = Literal["x", "y", "z"]

_ZERO = 1e-10
_MATRICES = {axis: np.array(cirq.unitary(getattr(cirq, axis.upper()))) for axis in "xyz"}


class Pauli(NamedTuple):
    """i^power X^x Z^z, on each qubit X before Z in the product.

    Attributes:
        x: The qubits with an X, as bits 2^qubit.
        z: Those with a Z.
        power: Of i, modulo 4.
    """

    x: int
    z: int
    power: int = 0

    def times(self, other: Pauli) -> Pauli:
        """The product.

        Args:
            other: The right factor, which acts first.
        """
        swaps = 2 * (self.z & other.x).bit_count()
        power = (self.power + other.power + swaps) % 4
        return Pauli(self.x ^ other.x, self.z ^ other.z, power)

    def commutes(self, other: Pauli) -> bool:
        """Whether both commute.

        Args:
            other: Another Pauli.
        """
        return not ((self.x & other.z).bit_count() + (self.z & other.x).bit_count()) % 2

    @property
    def sign(self) -> int:
        """1 or -1, in front of letters I, X, Y and Z."""
        return 1 if (self.power - (self.x & self.z).bit_count()) % 4 == 0 else -1

    @property
    def support(self) -> int:
        """The qubits that it acts on, as bits."""
        return self.x | self.z

    def letter(self, qubit: int) -> str:
        """One of "ixyz".

        Args:
            qubit: Its number.
        """
        return "ixzy"[(self.x >> qubit & 1) + 2 * (self.z >> qubit & 1)]


def single(axis: str, qubit: int) -> Pauli:
    """X, Y or Z of one qubit.

    Args:
        axis: "x", "y" or "z".
        qubit: Its number.
    """
    bit = 1 << qubit
    return Pauli(bit * (axis != "z"), bit * (axis != "x"), int(axis == "y"))


@dataclass(frozen=True)
class Gadget:
    """exp(-i angle/2 P).

    Attributes:
        pauli: P.
        angle: Radians, or where to find them.
    """

    pauli: Pauli
    angle: float | TableAngle


def gadgets_of(
    circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]
) -> tuple[list[Gadget], list[Pauli]] | None:
    """The rotations of a circuit and, for each qubit, Z after it as a Pauli before its Clifford.

    Args:
        circuit: Slots and CZ.
        qubits: All of its qubits, in order.

    Returns:
        None if there are other gates.
    """
    numbers = {qubit: number for number, qubit in enumerate(qubits)}
    # What X and Z of each qubit, after the Cliffords met so far, are before them.
    of_x = [single("x", number) for number in range(len(qubits))]
    of_z = [single("z", number) for number in range(len(qubits))]

    def before(axis: str, number: int) -> Pauli:
        if axis == "y":
            product = of_x[number].times(of_z[number])
            return product._replace(power=(product.power + 1) % 4)
        return of_x[number] if axis == "x" else of_z[number]

    found: list[Gadget] = []
    for operation in circuit.all_operations():
        own = [numbers[qubit] for qubit in operation.qubits]
        if operation.gate == cirq.CZ:
            first, second = own
            of_x[first], of_x[second] = (
                of_x[first].times(of_z[second]),
                of_x[second].times(of_z[first]),
            )
            continue
        if not isinstance(operation.gate, Slot):
            return None
        (number,) = own
        for factor in operation.gate.factors:
            if isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle):
                found.append(Gadget(before(factor.axis, number), factor.angle))
                continue
            matrix = factor.unitaries({})[0]
            rotations, clifford = _parted(FixedUnitary.from_matrix(matrix).entries)
            found += [Gadget(before(axis, number), angle) for axis, angle in rotations]
            images = []
            for axis in "xz":
                image = clifford.conj().T @ _MATRICES[axis] @ clifford
                letter, sign = _named(image)
                pauli = before(letter, number)
                images.append(pauli._replace(power=(pauli.power + 1 - sign) % 4))
            of_x[number], of_z[number] = images
    return found, of_z


def noticed(gadgets: Sequence[Gadget], measured: Sequence[Pauli]) -> list[Gadget]:
    """Without the rotations that change nothing that is measured.

    Args:
        gadgets: In order of time.
        measured: Paulis that are measured after them.
    """
    kept: list[Gadget] = []
    for gadget in reversed(gadgets):
        behind = itertools.chain(measured, (each.pauli for each in kept))
        if not all(map(gadget.pauli.commutes, behind)):
            kept.append(gadget)
    return kept[::-1]


def _named(matrix: ComplexArray) -> tuple[str, int]:
    """The Pauli matrix that a matrix is up to a sign, and the sign."""
    for axis, pauli in _MATRICES.items():
        overlap = np.trace(pauli @ matrix).real / 2
        if abs(overlap) > 0.5:
            return axis, int(round(overlap))
    raise AssertionError("no Clifford")


@functools.cache
def _cliffords() -> tuple[ComplexArray, ...]:
    """The 24 of one qubit in SU(2), the identity first."""
    cliffords = cirq.SingleQubitCliffordGate.all_single_qubit_cliffords
    found = [np.array(cirq.unitary(gate), dtype=complex) for gate in cliffords]
    found.sort(key=lambda matrix: -abs(np.trace(matrix)))
    return tuple(matrix / np.sqrt(np.linalg.det(matrix)) for matrix in found)


@functools.lru_cache(maxsize=4096)
def _parted(
    entries: tuple[complex, complex, complex, complex],
) -> tuple[tuple[tuple[str, float], ...], ComplexArray]:
    """Rotations and, after them, a Clifford that together are a matrix up to a phase."""
    matrix = np.array(entries).reshape(2, 2)
    matrix = matrix / np.sqrt(np.linalg.det(matrix))
    ways = []
    for clifford in _cliffords():
        rest = clifford.conj().T @ matrix
        parts = {axis: (1j * np.trace(_MATRICES[axis] @ rest)).real / 2 for axis in "xyz"}
        axes = [axis for axis, part in parts.items() if abs(part) > _ZERO]
        if not axes:
            return (), clifford
        if len(axes) == 1:
            (axis,) = axes
            angle = 2 * np.arctan2(parts[axis], np.trace(rest).real / 2)
            ways.append((((axis, float(angle)),), clifford))
    if ways:
        return ways[0]
    total = np.angle(matrix[1, 1]) - np.angle(matrix[0, 0])
    difference = np.angle(matrix[0, 1]) - np.angle(matrix[1, 0])
    middle = 2 * np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0]))
    for turned in (total, total + 2 * np.pi):
        first, last = (turned + difference) / 2, (turned - difference) / 2
        rotations: tuple[tuple[Axis, float], ...] = (
            ("z", float(first)),
            ("x", float(middle)),
            ("z", float(last)),
        )
        made = np.eye(2, dtype=complex)
        for axis, angle in rotations:
            made = Rotation(axis, angle).unitaries({})[0] @ made
        if abs(np.vdot(made, matrix)) > 2 - 1e-9:
            kept = tuple(each for each in rotations if abs(np.sin(each[1] / 2)) > _ZERO)
            return kept, np.eye(2, dtype=complex)
    raise AssertionError("no rotation")
