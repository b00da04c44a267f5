"""Angles of six CZ that load most real vectors of four qubits by rotations about Y alone.

The word is M O M M R of a line: CZ on the middle edge, on both outer edges, twice on the middle
edge and on the last edge, with RY between them, so that amplitudes stay real. A real vector has
such angles if a quadratic equation has real roots: nine of ten patches of digits do, in one of the
two directions of the line. Real amplitudes are worth having: a gate whose phase is a little wrong
then changes an overlap to second order only. `qucnn_cirq.circuits.symplectic` is for the others.

M O M M makes a state if and only if its outer qubits have <Y0 Y3> = 0 and det T = 0 for the table T
of their means of I, X and Z. The angles after R are those that make both vanish; the first
condition is linear in one of them, the second quadratic in the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.line_trees import turned
from qucnn_cirq.circuits.two_qubits import special_orthogonal_angles, two_qubit_angles

FloatArray = NDArray[np.float64]

_MARGIN = -1e-12
"""Discriminants of double roots are negative up to rounding."""
_TINY = 1e-13
_SHORT = 1e-9
"""Vectors shorter than this are rounding as far as their directions go."""
_FREE_ANGLES = np.arange(12) * np.pi / 12
"""Tried for the first angle after the last CZ where its condition holds for all of them."""


def real_six_angles(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Angles of the word M O M M R that load vectors, where there are any.

    Args:
        states: Real unit vectors, shape (batch, 16), qubit 0 most significant.

    Returns:
        Radians, shape (batch, 16), in the order in which `line_layers` turns the qubits, and
        whether they load the vector, shape (batch,); for one in a hundred vectors of digits that
        is wrong by rounding.
    """
    vectors = np.ascontiguousarray(states.T)
    last_2, last_3, exists = _last_angles(vectors.reshape(2, 2, 2, 2, -1))
    rest = vectors.reshape(2, 2, 2, 2, -1)
    rest = turned(turned(rest, 2, -last_2), 3, -last_3)
    rest[:, :, 1, 1] *= -1
    table = np.stack([_with_outer(rest, other) for other in _on_last(rest)], axis=1)
    outer_0, first_0 = _two_directions(_null_vector(table))
    outer_3, first_3 = _two_directions(_null_vector(table.swapaxes(0, 1)))
    rest = turned(turned(rest, 0, -outer_0), 3, -outer_3)
    # For each pair of directions of the outer qubits the vector that the inner ones have with it.
    sums = _parts(rest, first_0)
    columns = np.stack([part for half in sums for part in _parts(np.moveaxis(half, 2, 0), first_3)])
    unit, sizes = _orthogonalised(columns.reshape(4, 4, -1))
    product, middle = two_qubit_angles(sizes.T), special_orthogonal_angles(unit.transpose(2, 1, 0))
    angles = np.stack(
        [
            *(first_0, product[:, 0], product[:, 1], first_3),
            *(np.zeros(len(states)), product[:, 2]),
            *(outer_0, middle[:, 0], middle[:, 1], outer_3),
            *middle[:, 2:].T,
            *(last_2, last_3),
        ],
        axis=1,
    )
    return angles, exists


def _last_angles(psi: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """The angles after the last CZ, and whether they exist."""
    low, high = psi
    # <Y0 Z2 Y3> and <Y0 X2 Y3>, halved.
    with_z = _sum(low[:, 0, 1] * high[:, 0, 0] - low[:, 0, 0] * high[:, 0, 1])
    with_z -= _sum(low[:, 1, 1] * high[:, 1, 0] - low[:, 1, 0] * high[:, 1, 1])
    with_x = _sum(low[:, 0, 1] * high[:, 1, 0] - low[:, 0, 0] * high[:, 1, 1])
    with_x += _sum(low[:, 1, 1] * high[:, 0, 0] - low[:, 1, 0] * high[:, 0, 1])
    last_2 = np.arctan2(-with_z, with_x)
    last_3, margin = _last_angle(psi, last_2)
    # Where any angle of qubit 2 does, it decides which angles qubit 3 has.
    free = np.flatnonzero((margin < _MARGIN) & (np.hypot(with_z, with_x) < _TINY))
    for angle in _FREE_ANGLES if len(free) else ():
        tried, reached = _last_angle(psi[..., free], np.full(len(free), angle))
        better = reached > margin[free]
        own = free[better]
        last_2[own], last_3[own], margin[own] = angle, tried[better], reached[better]
    return last_2, last_3, margin >= _MARGIN


def _last_angle(psi: FloatArray, last_2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The angle of qubit 3 that makes det T vanish, given that of qubit 2, and the margin."""
    rotated = turned(psi, 2, -last_2)
    t, wx, wz = (_with_outer(rotated, other) for other in _on_last(rotated))
    signed = rotated.copy()
    signed[:, :, 1] *= -1
    _, ux, uz = (_with_outer(rotated, other) for other in _on_last(signed))
    a = _determinant(t, ux, wz)
    b = _determinant(t, ux, wx) - _determinant(t, uz, wz)
    c = -_determinant(t, uz, wx)
    size = np.hypot(a - c, b)
    ratio = np.clip(-(a + c) / np.where(size > 0, size, 1), -1, 1)
    return (np.arctan2(b, a - c) + np.arccos(ratio)) / 2, size - np.abs(a + c)


def _on_last(psi: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """I, X and Z of qubit 3 on vectors of shape (2, 2, 2, 2, batch)."""
    signed = psi.copy()
    signed[:, :, :, 1] *= -1
    return psi, psi[:, :, :, ::-1], signed


def _with_outer(left: FloatArray, right: FloatArray) -> FloatArray:
    """<left| s |right> for s = I, X, Z of qubit 0, shape (3, batch)."""
    zero, one = (np.einsum("abcn,abcn->n", left[bit], right[bit]) for bit in (0, 1))
    across = np.einsum("abcn,abcn->n", left[0], right[1])
    across += np.einsum("abcn,abcn->n", left[1], right[0])
    return np.stack([zero + one, across, zero - one])


def _null_vector(table: FloatArray) -> FloatArray:
    """What is orthogonal to the columns of tables of rank 2 or 1, shape (3, batch)."""
    first, second, third = table.swapaxes(0, 1)
    crosses = np.stack([_cross(first, second), _cross(second, third), _cross(third, first)])
    sizes = (crosses**2).sum(axis=1)
    largest = sizes.argmax(axis=0)
    found: FloatArray = np.take_along_axis(crosses, largest[None, None], axis=0)[0]
    # Of rank 1: along the outer qubit's own direction, or any.
    single = np.flatnonzero(sizes.max(axis=0) < _TINY**2)
    found[0, single] = 0
    found[1, single], found[2, single] = -first[2, single], first[1, single]
    found[1, single] += np.hypot(first[1, single], first[2, single]) < _TINY
    return found


def _two_directions(normal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The angles r and t of the pure states RY(r) RY(+-t)|0> that are orthogonal to a vector."""
    size = np.hypot(normal[1], normal[2])
    cosine = np.clip(-normal[0] / np.where(size > 0, size, 1), -1, 1)
    return np.arctan2(normal[1], normal[2]), np.arccos(cosine)


def _parts(psi: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The vectors that a first qubit has with its states RY(+-angle)|0>."""
    cosine, sine = np.cos(angle / 2), np.sin(angle / 2)
    even = psi[0] / np.where(np.abs(cosine) < _TINY, np.inf, 2 * cosine)
    odd = psi[1] / np.where(np.abs(sine) < _TINY, np.inf, 2 * sine)
    return even + odd, even - odd


def _orthogonalised(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Four vectors as lengths times the columns of a rotation of SO(4).

    Args:
        vectors: Nearly orthogonal, of any lengths, shape (vectors, entries, batch).

    Returns:
        Unit vectors, of that shape, and lengths, shape (vectors, batch), the last of which may be
        negative.
    """
    order = np.argsort(-(vectors**2).sum(axis=1), axis=0)
    ordered = np.take_along_axis(vectors, order[:, None], axis=0)
    units = np.empty_like(ordered)
    for row in range(3):
        own, before = ordered[row], units[:row]
        length = np.sqrt(_sum(own**2))
        lost = np.flatnonzero(length < _SHORT)
        if len(lost):
            # Any vector beside those before: that of the axis which they have least of.
            axis = _sum(before[..., lost] ** 2).argmin(axis=0)
            own[:, lost], length[lost] = np.eye(4)[:, axis], 1
        unit = own / length
        for _ in range(2):
            unit = unit - (before * (before * unit).sum(axis=1, keepdims=True)).sum(axis=0)
        units[row] = unit / np.sqrt(np.maximum(_sum(unit**2), _TINY**2))
    units[3] = _complement(*units[:3])
    odd = np.zeros(order.shape[1], dtype=bool)
    for row in range(3):
        odd ^= (order[row] > order[row + 1 :]).sum(axis=0) % 2 == 1
    units[3, :, odd] *= -1
    lengths = (units * np.take_along_axis(vectors, order[:, None], axis=0)).sum(axis=1)
    back = np.argsort(order, axis=0)
    return (
        np.take_along_axis(units, back[:, None], axis=0),
        np.take_along_axis(lengths, back, axis=0),
    )


def _complement(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """The unit vector that, with three orthogonal ones of four entries, has determinant 1."""
    minors = [
        _determinant(*(np.delete(vector, entry, axis=0) for vector in (a, b, c)))
        for entry in range(4)
    ]
    return np.stack([-minors[0], minors[1], -minors[2], minors[3]])


def _sum(vectors: FloatArray) -> FloatArray:
    total: FloatArray = vectors.sum(axis=0)
    return total


def _cross(left: FloatArray, right: FloatArray) -> FloatArray:
    (a, b, c), (d, e, f) = left, right
    return np.stack([b * f - c * e, c * d - a * f, a * e - b * d])


def _determinant(first: FloatArray, second: FloatArray, third: FloatArray) -> FloatArray:
    return _sum(first * _cross(second, third))
