"""Effects: every outcome's probability as a quadratic form of the patch, noise included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.estimators.overlap_outcomes import states_loaded
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]

STATES = 2200
"""Random states that effects are fitted to: many times the d (d + 1)/2 = 136 unknowns of d = 16."""


def effects_of(reading: Reading, states: FloatArray | None = None) -> FloatArray:
    """The matrices M_o with p_o(x) = x^T M_o x, fitted by least squares under the assumed noise.

    What comes after the loader is linear in x x^T. The noise inside it is not, so that the fit is
    an approximation, of about 1e-4.

    Args:
        reading: The circuit.
        states: What they are fitted to, real unit vectors that its loader loads, shape
            (states, d); `STATES` random ones if None. Where these do not tell two forms apart, the
            smaller matrix is taken.

    Returns:
        Real symmetric matrices, shape (outcomes, d, d).
    """
    chosen = states_loaded(reading, STATES, seed=1) if states is None else states
    products = symmetric_products(chosen)
    found = np.linalg.lstsq(products, reading.distribution(chosen), rcond=1e-9)[0]
    return matrices(np.asarray(found.T, dtype=np.float64), chosen.shape[1])


def symmetric_products(states: FloatArray) -> FloatArray:
    """Products x_i x_j, i <= j, in which every form is linear, of unit length in all.

    Args:
        states: Real vectors, shape (states, d).

    Returns:
        Shape (states, d (d + 1)/2); those with i < j times the square root of 2.
    """
    rows, columns = np.triu_indices(states.shape[1])
    return states[:, rows] * states[:, columns] * np.where(rows == columns, 1.0, np.sqrt(2))


def matrices(vectors: FloatArray, size: int) -> FloatArray:
    """The symmetric matrices M of vectors m with x^T M x = m . `symmetric_products` of x.

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


def as_vectors(forms: FloatArray) -> FloatArray:
    """The reverse of `matrices`.

    Args:
        forms: Real symmetric matrices, shape (forms, d, d).

    Returns:
        Shape (forms, d (d + 1)/2).
    """
    rows, columns = np.triu_indices(forms.shape[1])
    found: FloatArray = forms[:, rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2))
    return found
