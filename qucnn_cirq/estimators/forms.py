"""What is to be estimated of a patch x: quadratic forms x^T Q x.

The overlap with a filter f is |<x|f>|^2 = x^T Re(f f^+) x for a real patch; a derivative of it by
an angle of the filter is the form of the derivative. So an estimator that knows how to estimate
any form serves every filter and every gradient.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.filters import Filter

FloatArray = NDArray[np.float64]


def overlap_forms(vectors: NDArray[np.complex128]) -> FloatArray:
    """The forms of overlaps with filters.

    Args:
        vectors: Unit vectors f, shape (filters, d).

    Returns:
        Real symmetric matrices Re(f f^+), shape (filters, d, d).
    """
    forms: FloatArray = (vectors[:, :, None] * vectors[:, None, :].conj()).real
    return forms


def gradient_forms(filter_: Filter, n_qubits: int, parameters: FloatArray) -> FloatArray:
    """The forms of the derivatives of the overlap by the parameters of a filter.

    By the shift rule, which is exact for rotations: dF/da = (F(a + pi/2) - F(a - pi/2)) / 2 for
    each angle a.

    Args:
        filter_: The filter.
        n_qubits: Size of the register.
        parameters: Its parameters in radians, shape (parameters,).

    Returns:
        Shape (parameters, 2^n, 2^n).
    """
    angles = filter_.angles(n_qubits, parameters[None])
    shifts = np.pi / 2 * np.eye(angles.shape[1])
    ahead, behind = (
        overlap_forms(filter_.states_at(n_qubits, angles + sign * shifts)) for sign in (1, -1)
    )
    slopes = np.moveaxis((ahead - behind) / 2, 0, -1)
    return np.moveaxis(filter_.parameter_slopes(n_qubits, slopes), -1, 0)


def evaluated(forms: FloatArray, states: FloatArray) -> FloatArray:
    """The values x^T Q x.

    Args:
        forms: Shape (forms, d, d).
        states: Real vectors x, shape (patches, d).

    Returns:
        Shape (forms, patches).
    """
    values: FloatArray = np.einsum("pi,kij,pj->kp", states, forms, states, optimize=True)
    return values
