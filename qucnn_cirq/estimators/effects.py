"""Effects: every outcome's probability as a quadratic form of the patch, noise included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.estimators.overlap_outcomes import states_loaded
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]

STATES_EACH = 16
"""Random states for each of the d (d + 1)/2 numbers that an effect has."""


def effects_of(reading: Reading) -> FloatArray:
    """The matrices M_o with p_o(x) = x^T M_o x, fitted by least squares under the assumed noise.

    What comes after the loader is linear in x x^T. The noise inside it is not, so that the fit is
    an approximation, of about 1e-4. Where the states of a short loader do not tell two forms apart,
    the smaller matrix is taken.

    Args:
        reading: The circuit.

    Returns:
        Real symmetric matrices, shape (outcomes, d, d).
    """
    size = len(reading.vector)
    states = states_loaded(reading, STATES_EACH * size * (size + 1) // 2, seed=1)
    found = np.linalg.lstsq(quadratic_features(states), reading.distribution(states), rcond=1e-6)[0]
    return unpacked(np.asarray(found.T, dtype=np.float64), size)


def quadratic_features(states: FloatArray) -> FloatArray:
    """Products x_i x_j, i <= j, in which every form is linear, of unit length in all.

    Args:
        states: Real vectors, shape (states, d).

    Returns:
        Shape (states, d (d + 1)/2); those with i < j times the square root of 2.
    """
    rows, columns = np.triu_indices(states.shape[1])
    return states[:, rows] * states[:, columns] * np.where(rows == columns, 1.0, np.sqrt(2))


def unpacked(vectors: FloatArray, size: int) -> FloatArray:
    """The symmetric matrices M of vectors m with x^T M x = m . `quadratic_features` of x.

    Args:
        vectors: Shape (matrices, d (d + 1)/2).
        size: d.

    Returns:
        Shape (matrices, d, d).
    """
    rows, columns = np.triu_indices(size)
    found = np.zeros((len(vectors), size, size))
    found[:, rows, columns] = vectors / np.where(rows == columns, 1.0, np.sqrt(2))
    found[:, columns, rows] = found[:, rows, columns]
    return found


def packed(forms: FloatArray) -> FloatArray:
    """The reverse of `unpacked`.

    Args:
        forms: Real symmetric matrices, shape (forms, d, d).

    Returns:
        Shape (forms, d (d + 1)/2).
    """
    rows, columns = np.triu_indices(forms.shape[1])
    found: FloatArray = forms[:, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
    return found
