"""Angles of RY and CZ on two qubits: any real vector, and any rotation of SO(4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def two_qubit_angles(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles of RY(0), RY(1), CZ, RY(1) that load two-qubit states from |00>.

    Args:
        vectors: Real unit vectors, shape (batch, 4).

    Returns:
        Angles in radians, shape (batch, 3), in order of time.
    """
    low, high = vectors[:, :2], vectors[:, 2:]
    first = 2 * np.arctan2(np.linalg.norm(high, axis=1), np.linalg.norm(low, axis=1))
    # Branch 0 turns qubit 1 by second + third; in branch 1 the CZ reverses the second angle:
    # RY(third) Z RY(second)|0> = RY(third - second)|0>.
    branch_0 = 2 * np.arctan2(low[:, 1], low[:, 0])
    branch_1 = 2 * np.arctan2(high[:, 1], high[:, 0])
    return np.stack([first, (branch_0 - branch_1) / 2, (branch_0 + branch_1) / 2], axis=1)


def _generators() -> NDArray[np.float64]:
    """The products E_a E'_b of the two commuting quaternion algebras inside SO(4).

    The first is spanned by 1, -i Y(x)1, -i Z(x)Y, -i X(x)Y, the second by
    1, -i 1(x)Y, -i Y(x)Z, -i Y(x)X; the third unit of each is the product of the others.
    """
    identity, x, z = np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])
    minus_i_y = np.array([[0.0, -1.0], [1.0, 0.0]])
    first = [np.eye(4), np.kron(minus_i_y, identity), np.kron(z, minus_i_y)]
    second = [np.eye(4), np.kron(identity, minus_i_y), np.kron(minus_i_y, z)]
    first.append(np.kron(x, minus_i_y))
    second.append(np.kron(minus_i_y, x))
    # Right-handed units: i j = k.
    for units in (first, second):
        if not np.allclose(units[1] @ units[2], units[3]):
            units[3] = -units[3]
    return np.array([[a @ b for b in second] for a in first])


_COORDINATES = _generators().reshape(16, 16).T / 4
"""A matrix's 16 entries times this are its coordinates in the products."""


def special_orthogonal_angles(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles of RY RY, CZ, RY RY, CZ, RY RY that make matrices of SO(4).

    SO(4) is two commuting copies of SU(2). Conjugating RY on one qubit by CZ gives the
    rotations about Z(x)Y and Y(x)Z, so that the circuit is an Euler decomposition of both
    copies at once.

    Args:
        matrices: Orthogonal matrices of determinant 1, shape (batch, 4, 4).

    Returns:
        Angles in radians, shape (batch, 6), in the order in which `special_orthogonal` reads them.
    """
    coefficients = (matrices.reshape(-1, 16) @ _COORDINATES).reshape(-1, 4, 4)
    # The coefficients are p_a q_b: a rank-one table, read along its largest row.
    largest = np.abs(coefficients).max(axis=2).argmax(axis=1)
    q = np.take_along_axis(coefficients, largest[:, None, None], axis=1)[:, 0]
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    p = np.einsum("nab,nb->na", coefficients, q)
    p_last, p_middle, p_first = _euler_angles(p)
    q_last, q_middle, q_first = _euler_angles(q)
    # The middle rotation of the first copy, about Z(x)Y, sits on the second qubit.
    return np.stack([p_first, q_first, q_middle, p_middle, p_last, q_last], axis=1)


def _euler_angles(
    quaternions: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Angles with exp(alpha/2 i) exp(beta/2 j) exp(gamma/2 i) the given unit quaternion."""
    w, i, j, k = quaternions.T
    half_sum = np.arctan2(i, w)
    half_difference = np.arctan2(k, j)
    beta = 2 * np.arctan2(np.hypot(j, k), np.hypot(w, i))
    return half_sum + half_difference, beta, half_sum - half_difference
