"""The words of a line in CZ whose angles follow from a formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.real_six import real_six_angles
from qucnn_cirq.circuits.two_qubits import special_orthogonal_angles

FloatArray = NDArray[np.float64]

_BLOCK = 8192
"""Vectors that are solved together: many for each call of NumPy, few for a processor's cache."""
_LAYERS = (4, 2, 4, 2, 2, 2)
"""How many qubits turn in each layer of MOMMR."""


def _three_qubits(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``OMM``: singular values on qubits 0 and 1, then a rotation of SO(4) on qubits 1 and 2."""
    left, sizes, right = np.linalg.svd(states.reshape(-1, 2, 4))
    # Copying |1> makes it -|1>; rotations have determinant 1.
    right[:, 1] *= -1
    mirrored = np.linalg.det(left) < 0
    left[mirrored, :, 1] *= -1
    right[mirrored, 1] *= -1
    # The columns |00>, |01>, |10>, |11> of qubits 1 and 2, of which |00> and |10> are given.
    columns = right[:, [0, 2, 1, 3]].swapaxes(1, 2)
    columns[np.linalg.det(columns) < 0, :, 3] *= -1
    inner = special_orthogonal_angles(columns)
    quarter = np.full(len(states), np.pi / 2)
    outer = 2 * np.arctan2(left[:, 1, 0], left[:, 0, 0])
    first = 2 * np.arctan2(sizes[:, 1], sizes[:, 0])
    angles = [first, quarter, inner[:, 1], outer, inner[:, 0] - np.pi / 2, *inner[:, 2:].T]
    return np.stack(angles, axis=1), np.ones(len(states), dtype=bool)


def _mirrored(states: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """``MOMML``: MOMMR of the qubits in reversed order."""
    angles, exist = real_six_angles(
        states.reshape(-1, 2, 2, 2, 2).transpose(0, 4, 3, 2, 1).reshape(-1, 16)
    )
    layers = np.split(angles, np.cumsum(_LAYERS)[:-1], axis=1)
    return np.concatenate([layer[:, ::-1] for layer in layers], axis=1), exist


CLOSED_FORMS: dict[
    tuple[int, str], Callable[[FloatArray], tuple[FloatArray, NDArray[np.bool_]]]
] = {(3, "OMM"): _three_qubits, (4, "MOMMR"): real_six_angles, (4, "MOMML"): _mirrored}
"""By length of the line and word, what gives angles of real unit vectors and whether they load."""


def closed_form_angles(states: FloatArray, pattern: str) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Angles of a word that has a closed form.

    Args:
        states: Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
        pattern: The word; with n one of `CLOSED_FORMS`.

    Returns:
        Angles in radians, shape (batch, angles), in the order in which `line_layers` turns the
        qubits, and whether they load the vector, shape (batch,), up to rounding.
    """
    solve = CLOSED_FORMS[states.shape[1].bit_length() - 1, pattern]
    starts = range(0, max(1, len(states)), _BLOCK)
    found = [solve(states[start : start + _BLOCK]) for start in starts]
    angles, exist = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return angles, exist
