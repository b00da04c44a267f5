"""Unitaries on two qubits in as few CZ as their inputs allow.

A block takes three CZ at most. Where one of its qubits is in a known state, only an isometry is
needed: two CZ, one if the block is diagonal in some basis of the other qubit, none if that qubit
controls nothing. Where both are known, one CZ prepares any state, and none a product.
"""

from __future__ import annotations

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import fixed

ComplexArray = NDArray[np.complex128]

_ZERO = 1e-12
"""Below it a number counts as zero: rounding leaves 1e-15."""

_RIGHT = 1e-12
"""How far a block may be from what it stands for."""

_FLIP = fixed(cirq.unitary(cirq.H))


def block(first: cirq.Qid, second: cirq.Qid, matrix: ComplexArray) -> list[cirq.Operation] | None:
    """A unitary in at most three CZ.

    Args:
        first: The more significant qubit.
        second: The other one.
        matrix: Shape (4, 4).

    Returns:
        Slots and CZ gates; None if rounding spoils them.
    """
    written = cirq.two_qubit_matrix_to_cz_operations(
        first, second, matrix, allow_partial_czs=False, atol=1e-10
    )
    return _checked(written, (first, second), matrix)


def block_from_one(
    known: cirq.Qid, other: cirq.Qid, isometry: ComplexArray
) -> list[cirq.Operation] | None:
    """An isometry from one qubit to two, in at most two CZ.

    Args:
        known: The qubit that is in |0> before.
        other: The qubit that may be in any state.
        isometry: Shape (4, 2), the known qubit more significant.

    Returns:
        Slots and CZ gates; None if rounding spoils them.
    """
    written = _controlled(known, other, isometry)
    if written is None:
        completed = np.zeros((4, 4), dtype=complex)
        completed[:, :2] = isometry
        completed[:, 2:] = np.linalg.svd(isometry)[0][:, 2:]
        found = cirq.two_qubit_matrix_to_cz_isometry(known, other, completed)
        return _checked(found, (known, other), isometry)
    return _checked(written, (known, other), isometry)


def block_from_two(
    first: cirq.Qid, second: cirq.Qid, vector: ComplexArray
) -> tuple[list[cirq.Operation], bool]:
    """A state of two qubits from |00>, in at most one CZ.

    Args:
        first: The more significant qubit.
        second: The other one.
        vector: A unit vector, shape (4,).

    Returns:
        Slots and CZ gates; whether the state is a product, so that there is no CZ.
    """
    left, sizes, right = np.linalg.svd(vector.reshape(2, 2))
    if sizes[1] <= _ZERO:
        return [fixed(left).on(first), fixed(right.T).on(second)], True
    turn = cirq.unitary(cirq.ry(2 * np.arctan2(sizes[1], sizes[0])))
    copied = [_FLIP.on(second), cirq.CZ(first, second), _FLIP.on(second)]
    return [fixed(turn).on(first), *copied, fixed(left).on(first), fixed(right.T).on(second)], False


def _controlled(
    known: cirq.Qid, other: cirq.Qid, isometry: ComplexArray
) -> list[cirq.Operation] | None:
    """Sum over k of (state f_k of the known qubit) |a_k><b_k|, if the isometry is of that form."""
    pieces = isometry.reshape(2, 2, 2)
    # The basis b diagonalises all K_i^+ K_j, of which these are Hermitian parts.
    mixed = pieces[0].conj().T @ pieces[1]
    weight = pieces[0].conj().T @ pieces[0]
    candidates = weight, mixed + mixed.conj().T, 1j * (mixed - mixed.conj().T)
    spread = [float(np.ptp(np.linalg.eigvalsh(each))) for each in candidates]
    before = np.linalg.eigh(candidates[int(np.argmax(spread))])[1]
    after, states = np.zeros((2, 2), dtype=complex), np.zeros((2, 2), dtype=complex)
    for k in range(2):
        left, sizes, right = np.linalg.svd((pieces @ before[:, k]).T)
        if sizes[1] > _ZERO:
            return None
        after[:, k], states[:, k] = left[:, 0], right[0] * sizes[0]
    if abs(np.vdot(after[:, 0], after[:, 1])) > _ZERO:
        return None
    alike = np.vdot(states[:, 0], states[:, 1])
    phase = alike / abs(alike) if abs(alike) > _ZERO else 1.0
    after[:, 1] *= phase
    states[:, 1] /= phase
    if np.abs(states[:, 0] - states[:, 1]).max() <= _ZERO:
        turned = preparing(states[:, 0])
        return [fixed(turned).on(known), fixed(after @ before.conj().T).on(other)]
    # v and Z v have the overlap of both states; halves of angles that are exact near 0 and pi/2.
    difference, total = states[:, 0] - states[:, 1], states[:, 0] + states[:, 1]
    angle = 2 * np.arctan2(np.linalg.norm(difference), np.linalg.norm(total))
    # total = 2 cos W|0>, difference = 2 sin W|1>.
    turned = np.stack([total, difference], axis=1)
    lengths = np.linalg.norm(turned, axis=0)
    turned = turned / lengths if lengths.min() > _ZERO else preparing(turned[:, 0] / lengths[0])
    start = cirq.unitary(cirq.ry(angle))
    return [
        fixed(start).on(known),
        fixed(before.conj().T).on(other),
        cirq.CZ(known, other),
        fixed(turned).on(known),
        fixed(after).on(other),
    ]


def _checked(
    operations: list[cirq.Operation],
    qubits: tuple[cirq.Qid, cirq.Qid],
    wanted: ComplexArray,
) -> list[cirq.Operation] | None:
    """In slots, if it is the wanted isometry up to a phase."""
    written = [
        operation
        if operation.gate == cirq.CZ
        else fixed(cirq.unitary(operation)).on(*operation.qubits)
        for operation in operations
        if operation.qubits
    ]
    columns = wanted.shape[1]
    made = cirq.Circuit(written).unitary(qubit_order=qubits, qubits_that_should_be_present=qubits)
    made = made[:, :columns]
    phase = np.vdot(made, wanted)
    deviation = np.abs(made * (phase / abs(phase)) - wanted).max() if abs(phase) > 0.5 else 1.0
    return written if deviation <= _RIGHT else None


def gates_of(operations: list[cirq.Operation]) -> int:
    """How many of them act on two qubits.

    Args:
        operations: Any.
    """
    return sum(len(operation.qubits) == 2 for operation in operations)


def preparing(state: ComplexArray) -> ComplexArray:
    """A unitary that makes a state of |0>.

    Args:
        state: A unit vector, shape (2,).

    Returns:
        Shape (2, 2).
    """
    a, b = state
    return np.array([[a, -np.conj(b)], [b, np.conj(a)]])
