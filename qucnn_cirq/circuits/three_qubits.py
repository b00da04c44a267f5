"""Angles of three CZ with general one-qubit gates that load any complex vector of three qubits.

Read the vector as a 2x4 matrix U diag(s) V, so that it is the sum of s_k u_k (x) v_k. CZ on the
first two qubits makes the sum of s_k H e_k (x) e_k, and U H turns H e_k to u_k. What is left is to
make the two v_k of the two states e_k of qubit 1 and a qubit in |+>, with two CZ between them.

Let Y (x) Y be the symmetric form whose value v^T (Y (x) Y) v is the concurrence of v. Local gates
do not change it: in Bell states (the magic basis) they are the rotations of SO(4), and the form is
the product of vectors without conjugation. Takagi's factorisation finds a unitary T of the v_k for
which the form is diagonal and real, with the concurrences c_0 and c_1. Then real and imaginary
parts of the two vectors are four orthogonal real ones, of squared lengths (1 + c)/2 and (1 - c)/2.
The same is true of what CZ (RX (x) RY) CZ makes of the two states y, z of Y and |+>:
cos(d/2) |y+> + sin(d/2) |z-> and cos(t/2) |z+> - sin(t/2) |y->, d the difference of both angles and
t their sum. With d = pi/2 - 2 a the lengths are cos a and sin a, and the directions do not depend
on a. So there are angles with which a rotation of SO(4), which is two local gates, turns one pair
into the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.turns import turn_angles

FloatArray = NDArray[np.float64]
Matrices = NDArray[np.complexfloating[Any, Any]]

_SHORTEST = 1e-300
"""Divided by in place of 0."""
_HADAMARD = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
_MAGIC = np.array([[1, 1j, 0, 0], [0, 0, 1j, 1], [0, 0, 1j, -1], [1, -1j, 0, 0]]) / np.sqrt(2)
"""Bell states in columns, in which the form is the identity, up to a sign of all."""
_OF_Y = np.array([[1, 1], [1j, -1j]]) / np.sqrt(2)
"""The two states of Y in columns."""


def three_qubit_angles(vectors: Matrices) -> FloatArray:
    """Angles that load three-qubit vectors from |000>.

    Args:
        vectors: Unit vectors, shape (batch, 8).

    Returns:
        Angles in radians, shape (batch, 17), in the order of the columns of
        `qucnn_cirq.circuits.native_circuit.NativeCircuit` ``("011", "cz", 3)``.
    """
    left, values, right = np.linalg.svd(vectors.reshape(-1, 2, 4), full_matrices=False)
    # The v_k in Bell states, and then what has a diagonal form.
    pair = _MAGIC.conj().T @ right.transpose(0, 2, 1)
    takagi = _takagi(pair.transpose(0, 2, 1) @ pair)
    parts = _parts(pair @ takagi)
    lengths = np.linalg.norm(parts, axis=1).reshape(-1, 2, 2)
    angles = np.arctan2(lengths[:, :, 1], lengths[:, :, 0])
    # No rotation turns four vectors into reflected ones; the other sign of an angle reflects them.
    units = parts / np.maximum(lengths.reshape(-1, 1, 4), _SHORTEST)
    reflected = np.linalg.det(units @ _DIRECTIONS.T) < 0
    parts[reflected, :, 3] *= -1
    angles[reflected, 1] *= -1
    local = _MAGIC @ _nearest_rotations(parts @ _DIRECTIONS.T) @ _MAGIC.conj().T
    first, last = _factors(local)
    difference, total = (np.pi / 2 - 2 * angles).T
    about_x, about_y = (total + difference) / 2, (total - difference) / 2
    before = _OF_Y @ (_PHASES[:, None] * takagi.conj().transpose(0, 2, 1))
    gates = _passed_on(before, _rx(about_x), first)
    start = 2 * np.arctan2(values[:, 1], values[:, 0])
    still, quarter = np.zeros_like(start), np.full_like(start, np.pi / 2)
    return np.column_stack(
        [
            *(start, gates[0][:, :2], quarter, gates[1][:, :2], still, about_y),
            *(turn_angles(left @ _HADAMARD), gates[2], turn_angles(last)),
        ]
    )


def _takagi(forms: Matrices) -> Matrices:
    """Unitaries T for which T^T C T is diagonal, real and not negative.

    Args:
        forms: Complex symmetric C, shape (batch, 2, 2).
    """
    real, imaginary = forms.real, forms.imag
    # t^T C t has its largest real part for the first column.
    quadratic = np.block([[real, -imaginary], [-imaginary, -real]])
    largest = np.linalg.eigh(quadratic)[1][:, :, -1]
    first = largest[:, :2] + 1j * largest[:, 2:]
    second = np.stack([-first[:, 1].conj(), first[:, 0].conj()], axis=1)
    value = np.einsum("bi,bij,bj->b", second, forms, second)
    second = second * np.exp(-0.5j * np.angle(value))[:, None]
    return np.stack([first, second], axis=2)


def _parts(pairs: Matrices) -> FloatArray:
    """Real and imaginary part of the first vector and then of the second, shape (batch, 4, 4)."""
    first, second = pairs[:, :, 0], pairs[:, :, 1]
    return np.stack([first.real, first.imag, second.real, second.imag], axis=2)


def _nearest_rotations(matrices: FloatArray) -> FloatArray:
    """The rotations of SO(4) next to matrices, shape (batch, 4, 4)."""
    left, _, right = np.linalg.svd(matrices)
    left[:, :, -1] *= np.sign(np.linalg.det(left @ right))[:, None]
    rotations: FloatArray = left @ right
    return rotations


def _factors(products: Matrices) -> tuple[Matrices, Matrices]:
    """The factors of products of two one-qubit unitaries, shape (batch, 4, 4), up to phases."""
    blocks = products.reshape(-1, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4).reshape(-1, 4, 4)
    left, _, right = np.linalg.svd(blocks)
    scale = np.sqrt(2)
    return scale * left[:, :, 0].reshape(-1, 2, 2), scale * right[:, 0].reshape(-1, 2, 2)


def _rx(angles: FloatArray) -> Matrices:
    """RX, shape (batch, 2, 2)."""
    cosine, sine = np.cos(angles / 2), -1j * np.sin(angles / 2)
    return np.stack([cosine, sine, sine, cosine], axis=1).reshape(-1, 2, 2)


def _passed_on(*gates: Matrices) -> list[FloatArray]:
    """The turns of gates of one qubit, between which CZ lets the last RZ of each pass."""
    found: list[FloatArray] = []
    for gate in gates:
        if found:
            passing = np.exp(1j * found[-1][:, 2])
            gate = gate * np.stack([np.ones_like(passing), passing], axis=1)[:, None, :]
        found.append(turn_angles(gate))
    return found


def _made() -> tuple[Matrices, FloatArray]:
    """Phases that make the form of the pair of two CZ real, and the directions of its parts."""
    plus = np.sqrt([0.5, 0.5])
    y, z = _OF_Y.T
    ends = [(np.kron(y, plus), np.kron(z, plus * [1, -1]))]
    ends.append((np.kron(z, plus), -np.kron(y, plus * [1, -1])))
    # Any angle does; this one has no length that vanishes.
    half = np.pi / 4 - 0.5
    states = np.stack([np.cos(half) * a + np.sin(half) * b for a, b in ends], axis=1)
    pair = _MAGIC.conj().T @ states
    phases = np.exp(-0.5j * np.angle(np.sum(pair**2, axis=0)))
    (parts,) = _parts((pair * phases)[None])
    return phases, parts / np.linalg.norm(parts, axis=0)


_PHASES, _DIRECTIONS = _made()
