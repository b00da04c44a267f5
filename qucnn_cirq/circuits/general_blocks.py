"""Angles of any unitary on two qubits: three CNOTs and fifteen rotations.

U = K exp(i (a XX + b YY + c ZZ)) L with K and L of one-qubit gates: in the magic basis K and L are
real, so that U^T U = L^T D^2 L there gives L and the phases D (Kraus, Cirac, quant-ph/0011050). The
middle is a circuit of Vatan and Williams, quant-ph/0308006.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.turns import turn_angles

ComplexArray = NDArray[np.complex128]

_MAGIC = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / np.sqrt(2)
# Eigenvalues of XX, YY and ZZ on its columns.
_SIGNS = np.array([[1, 1, -1, -1], [-1, 1, -1, 1], [1, -1, -1, 1]])
# Two phases can be told apart in all but one of the mixtures of real and imaginary part.
_MIXTURES = np.pi * np.arange(8) / 8 + 0.1
_QUARTER = np.diag(np.exp(np.array([-0.25j, 0.25j]) * np.pi))


def general_angles(matrices: ComplexArray) -> NDArray[np.float64]:
    """Angles that make unitaries, up to a phase.

    The circuit is, in order of time: RZ, RY, RZ on the first and on the second qubit; CNOT from the
    first to the second; RY on the first, RZ on the second; CNOT from the second to the first; RY on
    the first; CNOT from the first to the second; RZ, RY, RZ on the first and on the second.

    Args:
        matrices: Shape (batch, 4, 4), the first qubit more significant.

    Returns:
        Radians, shape (batch, 15), in that order.
    """
    turned = _MAGIC.conj().T @ matrices @ _MAGIC
    turned /= np.linalg.det(turned)[:, None, None] ** 0.25
    right = _diagonalising(turned.transpose(0, 2, 1) @ turned)
    squares = np.einsum("nki,nkl,nli->ni", right, turned.transpose(0, 2, 1) @ turned, right)
    phases = np.angle(squares) / 2
    left = turned @ right * np.exp(-1j * phases)[:, None, :]
    # The other root of a square turns a reflection into a rotation.
    is_reflection = np.linalg.det(left.real) < 0
    phases[:, 0] += np.pi * is_reflection
    left[:, :, 0] *= np.where(is_reflection, -1, 1)[:, None]
    a, b, c = (_SIGNS @ phases.T) / 4
    middle = np.stack([2 * a - np.pi / 2, np.pi / 2 - 2 * c, np.pi / 2 - 2 * b], axis=1)
    before = _factors(_MAGIC @ right.transpose(0, 2, 1) @ _MAGIC.conj().T)
    after = _factors(_MAGIC @ left @ _MAGIC.conj().T)
    # What the middle circuit takes before and after to be the exponential.
    before[0] = _QUARTER.conj() @ before[0]
    after[1] = after[1] @ _QUARTER
    turns = [turn_angles(each) for each in (*before, *after)]
    return np.concatenate([*turns[:2], middle, *turns[2:]], axis=1)


def measured_angles(matrices: ComplexArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles that make unitaries up to a turn of one qubit that a measured one decides on.

    Every U is exp(i t ZZ) V with a V of two CNOTs (V. Shende, S. Bullock and I. Markov,
    quant-ph/0308045). If one of both qubits is measured then, exp(i t ZZ) turns the other one by
    RZ(-2 t) for 0 and by RZ(2 t) for 1. The circuit of V is, in order of time: RZ, RY, RZ on the
    first and on the second qubit; CNOT from the first to the second; RX on the first, RZ on the
    second; CNOT from the first to the second; RZ, RY, RZ on the first and on the second.

    Args:
        matrices: Shape (batch, 4, 4), the first qubit more significant.

    Returns:
        Radians of V, shape (batch, 14), in that order, and -2 t, shape (batch,).
    """
    special = matrices / np.linalg.det(matrices)[:, None, None] ** 0.25
    # V has two CNOTs if the trace of V YY V^T YY is real.
    crossed = special * np.array([-1, 1, 1, -1])
    outer, inner = (
        (crossed[:, row, ::-1] * special[:, other]).sum(axis=1) for row, other in ((0, 3), (1, 2))
    )
    turn = np.arctan2((inner - outer).imag, -(inner + outer).real) / 2
    signs = np.array([-1, 1, 1, -1])
    special = np.exp(1j * np.outer(turn, signs))[:, :, None] * special
    turned = _MAGIC.conj().T @ special @ _MAGIC
    squared = turned.transpose(0, 2, 1) @ turned
    right = _diagonalising(squared)
    squares = np.einsum("nki,nkl,nli->ni", right, squared, right)
    # They are two pairs of conjugates; of a pair the phases add up to 0, and so b is 0.
    apart = [
        np.abs(squares[:, 0] * squares[:, own[1]] - 1)
        + np.abs(squares[:, own[2]] * squares[:, own[3]] - 1)
        for own in _PAIRINGS
    ]
    order = np.array(_IN_TURN)[np.argmin(apart, axis=0)]
    right = np.take_along_axis(right, order[:, None, :], axis=2)
    right[:, :, 0] *= np.sign(np.linalg.det(right))[:, None]
    first, second = (np.angle(np.take_along_axis(squares, order, axis=1)) / 2).T[:2]
    phases = np.stack([first, second, -first, -second], axis=1)
    left = turned @ right * np.exp(-1j * phases)[:, None, :]
    a, _, c = (_SIGNS @ phases.T) / 4
    before = _factors(_MAGIC @ right.transpose(0, 2, 1) @ _MAGIC.conj().T)
    after = _factors(_MAGIC @ left @ _MAGIC.conj().T)
    turns = [turn_angles(each) for each in (*before, *after)]
    middle = np.stack([-2 * a, -2 * c], axis=1)
    return np.concatenate([*turns[:2], middle, *turns[2:]], axis=1), -2 * turn


_PAIRINGS = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2))
"""Which go together, two by two."""
_IN_TURN = tuple((own[0], own[2], own[1], own[3]) for own in _PAIRINGS)
"""The same, one of each pair and then the other."""


def _diagonalising(symmetric: ComplexArray) -> NDArray[np.float64]:
    """Rotations whose columns are eigenvectors of symmetric unitaries, shape (batch, 4, 4)."""
    parts = symmetric.real, symmetric.imag
    best = np.full(len(symmetric), np.inf)
    found = np.empty(symmetric.shape)
    for mixture in _MIXTURES:
        vectors = np.linalg.eigh(np.cos(mixture) * parts[0] + np.sin(mixture) * parts[1])[1]
        left = np.abs(vectors.transpose(0, 2, 1) @ symmetric @ vectors)
        off = (left * (1 - np.eye(4))).max(axis=(1, 2))
        is_better = off < best
        best, found[is_better] = np.minimum(best, off), vectors[is_better]
    found[:, :, 0] *= np.sign(np.linalg.det(found))[:, None]
    return found


def _factors(products: ComplexArray) -> list[ComplexArray]:
    """The one-qubit unitaries, up to phases, of which unitaries are products; two (batch, 2, 2)."""
    table = products.reshape(-1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4, 4)
    each = np.arange(len(table))
    row, column = np.divmod(np.abs(table).reshape(-1, 16).argmax(axis=1), 4)
    pair = table[each, :, column].reshape(-1, 2, 2), table[each, row].reshape(-1, 2, 2)
    # A unitary has a determinant of modulus 1.
    return [own / np.sqrt(np.abs(np.linalg.det(own)))[:, None, None] for own in pair]
