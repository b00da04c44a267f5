"""Words of four qubits on a line that use each coupler once at most, in closed form.

M makes any amplitudes c_ij of the inner qubits q1 and q2; after it L lets the outer qubit q0 turn
by either of two angles, and R does that with q3. The states of M O are

    sum_ij c_ij |x_i> |a_i> |b_j> |w_j>

with any unit vectors x_0, x_1 of q0 and w_0, w_1 of q3 and orthonormal bases a of q1 and b of q2.
Where q1 is in either vector of its basis, q0 is a factor of the rest: all 2x2 minors of q0
against q2 and q3 vanish. Those are quadratic forms in (cos a, sin a); both vectors of a basis
solve them only if all are multiples of one cos(2a + const), which gives a. Without L there is one
x and no basis to find, and without M c is a product.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.two_qubits import two_qubit_angles

FloatArray = NDArray[np.float64]

TREES = ("", "L", "R", "M", "O", "ML", "MR", "MO")
"""The words; ``O`` is L and R in parallel. In any order the couplers make no other states."""

_PAIRS = np.array(list(itertools.combinations(range(4), 2))).T
_STEPS = 2
"""Newton steps, the first of which is enough but where minors are next to rounding."""
_NEAR = 0.1
"""Radians; longer steps come of rounding alone."""
_TINY = 1e-13
"""A minor that counts as zero: what is lost with it is its square."""


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
    of_low, of_high, of_both = _minors(psi)
    # Their part in cos 2a and sin 2a, which is orthogonal to (cosine, of_both).
    cosine = of_low - of_high
    along, across = 2 * _dot(cosine, of_both), _dot(cosine, cosine) - _dot(of_both, of_both)
    angle: FloatArray = np.arctan2(along, across) / 2 + np.pi / 2
    for _ in range(_STEPS):
        rotated = turned(psi, 1, -angle)
        of_low, of_high, of_both = _minors(rotated)
        # Rounding beside the larger part counts for much beside a smaller one: that is made exact.
        sizes = np.einsum("abcdn,abcdn->bn", rotated, rotated)
        smaller = np.where(sizes[0] < sizes[1], -of_low, of_high)
        square = _dot(of_both, of_both)
        step = _dot(of_both, smaller) / np.where(square > 0, square, 1)
        angle = angle + 2 * np.where(np.abs(step) < _NEAR, step, 0)
    # Where all that is left is rounding, any basis will do that has two parts of one size.
    is_free = np.hypot(along, across) < _TINY**2
    angle[is_free] = direction(psi.swapaxes(0, 1)[..., is_free]) + np.pi / 2
    return angle


def _minors(psi: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The minors of (cos a) low + (sin a) high: what has cos^2 a, sin^2 a and the product.

    Low and high, of two rows for qubit 0, are the parts in which qubit 1 is 0 and 1.
    """
    low, high = psi[:, 0].reshape(2, 4, -1), psi[:, 1].reshape(2, 4, -1)
    of_both = _determinants(low[0], high[1]) + _determinants(high[0], low[1])
    return _determinants(*low), _determinants(*high), of_both


def _determinants(first: FloatArray, second: FloatArray) -> FloatArray:
    """Those of all pairs of columns of two rows, shape (6, batch)."""
    one, other = _PAIRS
    found: FloatArray = first[one] * second[other] - first[other] * second[one]
    return found


def _dot(left: FloatArray, right: FloatArray) -> FloatArray:
    found: FloatArray = np.einsum("kn,kn->n", left, right)
    return found


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
    zero, one = psi.reshape(2, math.prod(psi.shape[1:-1]), -1)
    angles: FloatArray = np.arctan2(2 * _dot(zero, one), _dot(zero, zero) - _dot(one, one))
    return angles


def mirrored(psi: FloatArray) -> FloatArray:
    """The qubits in reversed order.

    Args:
        psi: Shape (2, ..., batch).
    """
    return psi.transpose(*reversed(range(psi.ndim - 1)), psi.ndim - 1)


def turned(psi: FloatArray, qubit: int, angle: FloatArray) -> FloatArray:
    """RY on one qubit.

    Args:
        psi: Shape (2, ..., batch).
        qubit: Its axis.
        angle: Radians, shape (batch,).
    """
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
