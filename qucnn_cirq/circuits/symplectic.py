"""Angles that load real vectors of three and four qubits on a line, in closed form.

A real vector psi becomes phi = CZ RX(pi/2) RX(pi/2) psi on its last two qubits; a fixed unitary,
the same for every vector. That psi is real says phi* = -Y Y phi there, and this has two
consequences. Everything that the first qubit shares with the others is undone by one rotation, and
what is left of the others comes in pairs (w, J w) with an antiunitary J, J^2 = -1: in quaternions.
For three qubits these are two elements of SU(2). For four it is a unitary that commutes with J, an
element of Sp(2) = Spin(5), whose Cartan decomposition by SO(2) x SO(3), a singular value problem of
two rows, is local gates around two CZ. docs/compiler.md has the derivation.

There is no search and no exceptional vector: where a direction is lost any other one is as good,
and no digits are lost near by. Arrays have the batch last, so that every step is arithmetic on
contiguous rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

THREE_QUBITS = ("first_0", "outer_0", "last_1a", "last_1y", "last_1b", "last_2y", "last_2b")
"""The angles of three qubits, in the order of the columns of `symplectic_angles`."""
FOUR_QUBITS = (
    *("first_0", "first_1", "outer_0", "phase_1", "inner_2a", "inner_2y", "inner_2b", "outer_3"),
    *("middle_1", "middle_2", "last_1", "last_2a", "last_2y", "last_2b", "last_3"),
)
"""The angles of four qubits, in the order of the columns of `symplectic_angles`."""
COMPARISON = (
    *("first_0", "first_1", "outer_0", "phase_1", "inner_2a", "inner_2y", "inner_2b"),
    *("outer_3", "between_3", "undone_3", "middle_1", "middle_2"),
    *("last_1", "last_2a", "last_2y", "last_2b", "undone_0", "undone_1"),
)
"""The angles of the inversion test, in the order of the columns of `comparison_angles`."""

_BLOCK = 8192
"""Vectors that are solved together: many for each call of NumPy."""
_TINY = 1e-14
"""A length below which a direction is a matter of rounding, and any other one is as good."""


def symplectic_angles(states: FloatArray) -> FloatArray:
    """Angles that load real vectors.

    Args:
        states: Real unit vectors, shape (batch, 8) or (batch, 16), qubit 0 most significant.

    Returns:
        Angles in radians, shape (batch, 7), in the order of `THREE_QUBITS`, or (batch, 15), in that
        of `FOUR_QUBITS`.
    """
    of_three = states.shape[1] == 8
    angles = np.empty((len(states), len(THREE_QUBITS if of_three else FOUR_QUBITS)))
    for start in range(0, len(states), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.ascontiguousarray(states[rows].T)
        found = _three_qubits(block) if of_three else _four_qubits(block)
        for column, values in enumerate(found):
            angles[rows, column] = values
    return angles


def comparison_angles(vector: FloatArray, states: FloatArray) -> FloatArray:
    """Angles that load real vectors of four qubits and undo the loading of another one.

    Of qubits 1 and 2 both loaders are elements of Sp(2) between their layers of outer CZ. So is the
    second one's inverse times the first one, which takes two CZ as each does.

    Args:
        vector: The real unit vector whose loading is undone, shape (16,).
        states: Real unit vectors, shape (batch, 16), qubit 0 most significant.

    Returns:
        Angles in radians, shape (batch, 18), in the order of `COMPARISON`.
    """
    angles = np.empty((len(states), len(COMPARISON)))
    undone = _outer_part(vector[:, None])
    column_00, column_10 = undone.column_00, undone.column_10
    columns = column_00, _conjugate(column_10), column_10, _conjugate(column_00)
    for start in range(0, len(states), _BLOCK):
        rows = slice(start, start + _BLOCK)
        own = _outer_part(np.ascontiguousarray(states[rows].T))
        middle = _two_cz(_between(columns, own.column_00), _between(columns, own.column_10))
        found = (
            *(own.first_0, own.first_1, own.outer_0 - undone.outer_0, *middle[:4]),
            *(own.polar_3, own.azimuth_3 - undone.azimuth_3, -undone.polar_3, *middle[4:]),
            *(-undone.first_0, -undone.first_1),
        )
        for column, values in enumerate(found):
            angles[rows, column] = values
    return angles


def _between(columns: Sequence[ComplexArray], own: ComplexArray) -> ComplexArray:
    """RX(pi/2) on qubit 1 times the inverse of a unitary of Sp(2), on a column of another one.

    The unitary's columns are paired by J as they are out of it; the rotation makes that the pairing
    in which `_two_cz` is given its columns.

    Args:
        columns: All columns of the unitary, each of shape (4, 1).
        own: The other one's column, shape (4, batch).
    """
    undone = np.stack([_dot(column, own) for column in columns])
    turned: ComplexArray = (undone - 1j * undone[[2, 3, 0, 1]]) / np.sqrt(2)
    return turned


def _three_qubits(states: FloatArray) -> Sequence[FloatArray]:
    """The angles that load states of shape (8, batch)."""
    outer, low, high = _without_outer_turn(states)
    # Both halves are multiples of elements of SU(2), [[a, b], [-b*, a*]]: cos(t/2) G H K^T and
    # sin(t/2) G iZ H K^T with the Hadamard gate H, of the last gates G of qubit 1 and K of qubit 2.
    (a, b), (c, d) = _in_frame(low), _in_frame(high)
    first = 2 * np.arctan2(_length(c, d), _length(a, b))
    # G Z G^+ is a direction: where qubit 1's axis goes.
    x, y = (d * a - c * b).imag, (d * a - c * b).real
    z = (c * a.conj() + d * b.conj()).imag
    polar, azimuth = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    # RY(-polar) RZ(-azimuth) takes it back.
    cosine, sine, phase = np.cos(polar / 2), np.sin(polar / 2), _phase(azimuth / 2)
    a, b = (
        cosine * phase * a - sine * phase.conj() * b.conj(),
        cosine * phase * b + sine * phase.conj() * a.conj(),
    )
    # What is left is a phase of qubit 1 and the state that qubit 2 has with it in |0>.
    polar_2, azimuth_2 = 2 * np.arctan2(np.abs(b), np.abs(a)), np.angle(b * a.conj())
    half = _phase(azimuth_2 / 2)
    together = np.cos(polar_2 / 2) * half * a + np.sin(polar_2 / 2) * half.conj() * b
    spin = np.pi - 2 * np.angle(together)
    return first, outer, spin, polar, azimuth, polar_2 - np.pi / 2, azimuth_2


def _four_qubits(states: FloatArray) -> Sequence[FloatArray]:
    """The angles that load states of shape (16, batch)."""
    outer = _outer_part(states)
    middle = _two_cz(outer.column_00, outer.column_10)
    return (
        *(outer.first_0, outer.first_1, outer.outer_0, *middle[:4]),
        *(outer.polar_3, *middle[4:], outer.azimuth_3),
    )


class _OuterPart(NamedTuple):
    """Angles of four qubits, each of shape (batch,), and the unitary of qubits 1 and 2 among them.

    It has two columns of shape (4, batch); J makes column |11> of |00>, and |01> of |10>.
    """

    first_0: FloatArray
    first_1: FloatArray
    outer_0: FloatArray
    polar_3: FloatArray
    azimuth_3: FloatArray
    column_00: ComplexArray
    column_10: ComplexArray


def _outer_part(states: FloatArray) -> _OuterPart:
    """All that two CZ and the gates around them do not make of states of shape (16, batch)."""
    outer, low, high = _without_outer_turn(states)
    # The vector of qubit 3 that goes with Y of qubit 0.
    a, b = low.reshape(2, 4, -1), high.reshape(2, 4, -1)
    x = _sum(a[:, 2] * b[:, 1] + a[:, 3] * b[:, 0] - a[:, 0] * b[:, 3] - a[:, 1] * b[:, 2])
    y = _sum(a[:, 0] * b[:, 2] - a[:, 1] * b[:, 3] - a[:, 2] * b[:, 0] + a[:, 3] * b[:, 1])
    z = _sum(a[:, 1] * b[:, 0] + a[:, 3] * b[:, 2] - a[:, 0] * b[:, 1] - a[:, 2] * b[:, 3])
    polar, azimuth = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    # With it turned to Z, and for qubit 3 in |0>, the vector of qubits 1 and 2 that goes with |0>
    # of qubit 0, and that with |1>.
    zero, one = np.cos(polar / 2) * _phase(azimuth / 2), np.sin(polar / 2) * _phase(-azimuth / 2)
    both = np.empty((2, 2, 2, states.shape[1]), dtype=complex)
    for half, vector in enumerate((low, high)):
        even, odd = _in_frame(vector.reshape(2, 4, -1).swapaxes(0, 1))
        both[half, :, 0] = zero * even + one * odd
        both[half, :, 1] = one * even.conj() - zero * odd.conj()
    with_zero, with_one = both[0].reshape(4, -1), -1j * both[1].reshape(4, -1)
    size_0, size_1 = _length(*with_zero), _length(*with_one)
    first = 2 * np.arctan2(size_1, size_0)
    with_zero /= size_0
    partner = _conjugate(with_zero)
    # How far the two are apart, in the plane of the first and of what the other has beside the
    # first's pair. Never divided by the other's length, which may vanish.
    along = _dot(with_zero, with_one).real
    beside = _orthogonal(with_one, with_zero, partner)
    size = _length(*beside)
    apart = np.arctan2(size, along)
    lost = np.flatnonzero(size < _TINY)
    if len(lost):
        own = with_zero[:, lost], partner[:, lost]
        unit = _unit_vectors(4, (np.abs(own[0]) ** 2 + np.abs(own[1]) ** 2).argmin(axis=0))
        beside[:, lost] = _orthogonal(unit, *own)
        size[lost] = _length(*beside[:, lost])
        apart[lost[size_1[lost] < _TINY]] = np.pi / 2
    # Dividing by a small length magnifies what rounding left along the others.
    beside = _orthogonal(beside / size, with_zero, partner)
    beside /= _length(*beside)
    cosine, sine = np.cos(apart / 2), np.sin(apart / 2)
    column_00 = cosine * with_zero + sine * beside
    column_10 = sine * with_zero - cosine * beside
    return _OuterPart(first, apart - np.pi / 2, outer, polar, azimuth, column_00, column_10)


def _two_cz(column_00: ComplexArray, column_10: ComplexArray) -> Sequence[FloatArray]:
    """Angles of two CZ and gates of one qubit that make a unitary of Sp(2).

    The unitary maps (X1, Y1, Z1 X2, Z1 Y2, Z1 Z2) to (X1, Z1, Y1 X2, Y1 Y2, Y1 Z2) by SO(5).

    Args:
        column_00: Its column |00>, shape (4, batch).
        column_10: Its column |10>.

    Returns:
        Of `FOUR_QUBITS` phase_1, inner_2, middle_1, middle_2, last_1 and last_2.
    """
    (b0, b1, b2, b3), (k0, k1, k2, k3) = column_10.conj(), column_00
    phase = np.stack(
        [
            b0 * k2 + b1 * k3 + b2 * k0 + b3 * k1,
            b0 * k0 + b1 * k1 - b2 * k2 - b3 * k3,
            1j * (b2 * k1 + b3 * k0 - b0 * k3 - b1 * k2),
            b1 * k2 + b2 * k1 - b0 * k3 - b3 * k0,
            1j * (b1 * k3 + b2 * k0 - b0 * k2 - b3 * k1),
        ]
    )
    # Two rows of SO(5), in columns 2 + 3, as real and imaginary part. The phase that makes both
    # halves of them orthogonal is that of the larger half's square.
    squares, sizes = phase**2, phase.real**2 + phase.imag**2
    spin = np.angle(np.where(_sum(sizes[:2]) <= 1, _sum(squares[:2]), -_sum(squares[2:]))) / 2
    rows = phase * _phase(-spin)
    (first_x, first_z), (second_x, second_z) = rows[:2].real, rows[:2].imag
    is_first = first_x**2 + first_z**2 >= second_x**2 + second_z**2
    turn = np.where(is_first, np.arctan2(first_z, first_x), np.arctan2(-second_x, second_z))
    cosine, sine = np.cos(turn), np.sin(turn)
    first, second = np.ascontiguousarray(rows[2:].real), -rows[2:].imag
    first_size, second_size = _length(*first), _length(*second)
    middle_2 = np.arctan2(first_size, first_x * cosine + first_z * sine)
    middle_1 = np.arctan2(second_size, second_z * cosine - second_x * sine)
    x, z = _frame(first, second, first_size, second_size)
    # The rotation of qubit 2 that takes the axes X and Z to them.
    last_b, last_y = np.arctan2(z[1], z[0]), np.arctan2(np.hypot(z[0], z[1]), z[2])
    cosine, sine = np.cos(last_b), np.sin(last_b)
    across = cosine * x[0] + sine * x[1]
    last_a = np.arctan2(
        cosine * x[1] - sine * x[0], np.cos(last_y) * across - np.sin(last_y) * x[2]
    )
    # What is left is a gate of qubit 2, whose columns are what |00> and |01> become.
    undone = [
        _undone(column, (last_a, last_y, last_b), turn, middle_1, middle_2)
        for column in (column_00, _conjugate(column_10))
    ]
    (u00, u10), (u01, u11) = undone
    inner_y = 2 * np.arctan2(np.abs(u10), np.abs(u00))
    both, difference = np.angle(u11 * u00.conj()), np.angle(-u10 * u01.conj())
    inner_b = (both + difference) / 2
    inner_b += np.pi * ((u10 * u00.conj() * _phase(-inner_b)).real < 0)
    return (
        -spin,
        both - inner_b,
        inner_y,
        inner_b,
        middle_1,
        middle_2,
        -turn,
        last_a,
        last_y,
        last_b,
    )


def _undone(
    column: ComplexArray,
    last: tuple[FloatArray, FloatArray, FloatArray],
    turn: FloatArray,
    middle_1: FloatArray,
    middle_2: FloatArray,
) -> tuple[ComplexArray, ComplexArray]:
    """What a column was before the gates after qubit 2's inner one: qubit 2 with qubit 1 in |0>."""
    first, polar, second = (angle / 2 for angle in last)
    cosine, sine = np.cos(polar), np.sin(polar)
    u00, u01 = cosine * _phase(first + second), sine * _phase(first - second)
    # RZ RY RZ of qubit 2, the other way round, for both values of qubit 1.
    a, b = u00 * column[0::2] + u01 * column[1::2], u00.conj() * column[1::2]
    b -= u01.conj() * column[0::2]
    cosine, sine = np.cos(turn / 2), np.sin(turn / 2)
    a0, b0 = cosine * a[0] - sine * a[1], cosine * b[0] - sine * b[1]
    a1, b1 = sine * a[0] + cosine * a[1], -sine * b[0] - cosine * b[1]
    # exp(i/2 (middle_1 X1 + middle_2 X2)) between the CZ, of which the first one made -b1.
    cosine, sine = np.cos(middle_1 / 2), 1j * np.sin(middle_1 / 2)
    a0, a1 = cosine * a0 + sine * a1, sine * a0 + cosine * a1
    b0, b1 = cosine * b0 + sine * b1, sine * b0 + cosine * b1
    cosine, sine = np.cos(middle_2 / 2), 1j * np.sin(middle_2 / 2)
    a0, b0 = cosine * a0 + sine * b0, sine * a0 + cosine * b0
    a1, b1 = cosine * a1 + sine * b1, sine * a1 + cosine * b1
    return a0 + 1j * a1, b0 - 1j * b1


def _frame(
    x: FloatArray, z: FloatArray, x_size: FloatArray, z_size: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Two orthogonal unit vectors along nearly orthogonal ones, whose lengths may vanish."""
    z_first = (z_size >= x_size) | (x_size < _TINY)
    longer, shorter = np.where(z_first, z, x), np.where(z_first, x, z)
    lost = np.flatnonzero(np.maximum(x_size, z_size) < _TINY)
    longer[:, lost] = _unit_vectors(3, np.full(len(lost), 2))
    longer /= _length(*longer)
    shorter -= longer * _sum(longer * shorter)
    size = _length(*shorter)
    lost = np.flatnonzero(size < _TINY)
    shorter[:, lost] = _unit_vectors(3, np.abs(longer[:, lost]).argmin(axis=0))
    size[lost] = 1
    shorter /= size
    shorter -= longer * _sum(longer * shorter)
    shorter /= _length(*shorter)
    return np.where(z_first, shorter, longer), np.where(z_first, longer, shorter)


def _without_outer_turn(states: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The rotation of qubit 0 that its X and Z ask for, and both halves of the states before it."""
    low, high = states[: len(states) // 2], states[len(states) // 2 :]
    outer = np.arctan2(2 * _sum(low * high), _sum(low * low) - _sum(high * high))
    cosine, sine = np.cos(outer / 2), np.sin(outer / 2)
    return outer, cosine * low + sine * high, cosine * high - sine * low


def _in_frame(vectors: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Entries 0 and 1 of CZ RX(pi/2) RX(pi/2) v for real vectors v, shape (4, ...).

    Entry 2 is minus the conjugate of 1, and entry 3 the conjugate of 0.
    """
    even, odd = np.empty((2, *vectors.shape[1:]), dtype=complex)
    even.real, even.imag = vectors[0] - vectors[3], -(vectors[1] + vectors[2])
    odd.real, odd.imag = vectors[1] - vectors[2], -(vectors[0] + vectors[3])
    even /= 2
    odd /= 2
    return even, odd


def _conjugate(vectors: ComplexArray) -> ComplexArray:
    """J w = -Y w* on qubit 2 for vectors w of qubits 1 and 2, shape (4, batch)."""
    w0, w1, w2, w3 = vectors.conj()
    return np.stack([1j * w1, -1j * w0, 1j * w3, -1j * w2])


def _orthogonal(vectors: ComplexArray | FloatArray, *units: ComplexArray) -> ComplexArray:
    """Vectors without their parts along orthogonal unit vectors, shape (4, batch)."""
    rest = vectors.astype(complex)
    for unit in units:
        rest = rest - unit * _dot(unit, vectors)
    return rest


def _unit_vectors(n_entries: int, ones: NDArray[np.intp]) -> FloatArray:
    """Vectors of shape (entries, batch) with a one at an entry of their own."""
    return np.eye(n_entries)[:, ones]


def _dot(left: ComplexArray, right: ComplexArray | FloatArray) -> ComplexArray:
    product: ComplexArray = _sum(left.conj() * right)
    return product


def _sum(array: NDArray[Any]) -> Any:
    """The sum over the entries of vectors."""
    return array.sum(axis=0)


def _length(*entries: FloatArray | ComplexArray) -> FloatArray:
    """The length of vectors, given entry by entry."""
    squares = sum(entry.real**2 + entry.imag**2 for entry in entries)
    length: FloatArray = np.sqrt(squares)
    return length


def _phase(angles: FloatArray) -> ComplexArray:
    """e^(i angle), quicker than np.exp."""
    phases = np.empty(angles.shape, dtype=complex)
    np.cos(angles, out=phases.real)
    np.sin(angles, out=phases.imag)
    return phases
