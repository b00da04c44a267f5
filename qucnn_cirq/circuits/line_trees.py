"""Words of four qubits on a line that use each coupler once at most, in closed form.

Let A be the outer qubit q0 and B its neighbour q1, and D = q3 and C = q2 on the other side. After M,
which makes any amplitudes c_ij of the inner qubits, L and R let the outer ones turn by either of two
angles: the states are

    sum_ij c_ij |x_i> |a_i> |b_j> |w_j>

with orthonormal bases a of B and b of C, and any unit vectors x_0, x_1 of A and w_0, w_1 of D. So b
and a are to be found in which A and D are factors of each part. The minors of A against all others
are quadratic forms in (cos a, sin a), which vanish for both vectors of a basis: 2a is a null vector.
Without L there is one x and no basis to find, without M c is a product.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.two_qubits import two_qubit_angles

FloatArray = NDArray[np.float64]

TREES = ("", "L", "R", "M", "O", "ML", "MR", "MO")
"""The words; ``O`` is L and R in parallel. In any order the couplers make no other states."""


def tree_angles(states: FloatArray, pattern: str) -> FloatArray:
    """Angles of the states that a word makes; of others some angles.

    Args:
        states: Real vectors of four qubits, shape (batch, 16).
        pattern: One of `TREES`.

    Returns:
        Angles in radians, shape (batch, angles), in the order in which `line_layers` turns the
        qubits.
    """
    psi = np.ascontiguousarray(states.T).reshape(2, 2, 2, 2, -1)
    has_left, has_right = (bool({letter, "O"} & set(pattern)) for letter in "LR")
    nothing = np.zeros(len(states))
    left = inner_basis(psi) if has_left else nothing
    right = inner_basis(mirrored(psi)) if has_right else nothing
    psi = turned(turned(psi, 1, -left), 2, -right)
    outer, psi = without_outer(psi, has_left)
    # Axes: qubits 1, 2 and 3 until the last of them is taken too.
    other, inner = without_outer(psi.transpose(2, 1, 0, 3), has_right)
    inner = inner.transpose(1, 0, 2)
    if "M" in pattern:
        first, second, third = two_qubit_angles(inner.reshape(4, -1).T).T
    else:
        first, second = direction(inner), direction(inner.transpose(1, 0, 2))
    angles = [outer[0], first, second, other[0]]
    if "M" in pattern:
        angles += [nothing, third]
    if has_left:
        angles += [outer[1], left]
    if has_right:
        angles += [right, other[1]]
    return np.stack(angles, axis=1)


def inner_basis(psi: FloatArray) -> FloatArray:
    """The basis of qubit 1 with both of whose vectors qubit 0 is a factor, where there is one.

    Args:
        psi: Shape (2, 2, 2, 2, batch).

    Returns:
        The angle about Y from |0>, |1> to the basis, shape (batch,).
    """
    low, high = psi[:, 0].reshape(2, 4, -1), psi[:, 1].reshape(2, 4, -1)
    along = across = size = np.zeros(psi.shape[-1])
    for one, other in itertools.combinations(range(4), 2):
        # det((cos a) low + (sin a) high) of two columns, by 1, cos 2a and sin 2a; halved.
        of_low = low[0, one] * low[1, other] - low[0, other] * low[1, one]
        of_high = high[0, one] * high[1, other] - high[0, other] * high[1, one]
        of_both = low[0, one] * high[1, other] - low[0, other] * high[1, one]
        of_both += high[0, one] * low[1, other] - high[0, other] * low[1, one]
        cosine = of_low - of_high
        along = along + cosine * of_both
        across = across + cosine**2
        size = size + of_both**2
    # 2a is orthogonal to all (cosine, of_both): to the major axis of their scatter.
    doubled: FloatArray = np.arctan2(2 * along, across - size) / 2 + np.pi / 2
    return doubled


def without_outer(psi: FloatArray, both: bool) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """Takes a factor off that is the first qubit's.

    Args:
        psi: Shape (2, 2, ..., batch), the first two axes those of qubits 0 and 1.
        both: Whether the factor may differ with the bit of qubit 1, by a CZ between rotations.

    Returns:
        The angles of qubit 0 before and after the CZ, each of shape (batch,), and what remains of
        the others, shape (2, ..., batch).
    """
    if not both:
        angle = direction(psi)
        return (angle, np.zeros_like(angle)), _along(psi, angle)
    zero, one = (direction(psi[:, bit]) for bit in (0, 1))
    rest = np.stack([_along(psi[:, bit], each) for bit, each in enumerate((zero, one))])
    # The CZ reverses the first of the two rotations where qubit 1 is 1.
    return ((zero - one) / 2, (zero + one) / 2), rest


def direction(psi: FloatArray) -> FloatArray:
    """The angle of RY that turns |0> to the first qubit's most likely state.

    Args:
        psi: Shape (2, ..., batch).

    Returns:
        Shape (batch,).
    """
    zero, one = psi.reshape(2, -1, psi.shape[-1])
    sines = 2 * np.einsum("kn,kn->n", zero, one)
    cosines = np.einsum("kn,kn->n", zero, zero) - np.einsum("kn,kn->n", one, one)
    angles: FloatArray = np.arctan2(sines, cosines)
    return angles


def mirrored(psi: FloatArray) -> FloatArray:
    """The qubits in reversed order, of vectors of shape (2, ..., batch)."""
    return psi.transpose(*reversed(range(psi.ndim - 1)), psi.ndim - 1)


def turned(psi: FloatArray, qubit: int, angle: FloatArray) -> FloatArray:
    """RY on one qubit of vectors of shape (2, ..., batch)."""
    cosine, sine = np.cos(angle / 2), np.sin(angle / 2)
    found = np.empty(psi.shape)
    (zero, one), (new_zero, new_one) = np.moveaxis(psi, qubit, 0), np.moveaxis(found, qubit, 0)
    new_zero[...] = cosine * zero - sine * one
    new_one[...] = sine * zero + cosine * one
    return found


def _along(psi: FloatArray, angle: FloatArray) -> FloatArray:
    """What the others are in where the first qubit is in RY(angle)|0>."""
    along: FloatArray = np.cos(angle / 2) * psi[0] + np.sin(angle / 2) * psi[1]
    return along
