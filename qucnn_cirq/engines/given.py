"""States that are handed over, of which an observable needs one quadratic form each.

A state x without noise has the mean x^T O x of the observable O that is carried back to it: no
coefficients of its density matrix are needed. The batch stands where an array of those would,
(coefficients, patches), so that products with it are written as for all others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.pauli_transfer import PAULIS

FloatArray = NDArray[np.float64]


class GivenStates:
    """The Pauli coefficients of real vectors, shape (4^n, patches), without being made.

    Args:
        vectors: Real unit vectors, shape (patches, 2^n).
    """

    # So that NumPy leaves a product with an array on the left to this class.
    __array_ufunc__ = None

    def __init__(self, vectors: FloatArray) -> None:
        self._vectors = vectors
        self._n_qubits = (vectors.shape[1] - 1).bit_length()
        self.shape = 4**self._n_qubits, len(vectors)

    def __rmatmul__(self, observables: FloatArray) -> FloatArray:
        """Means of observables sum_P c_P P, given by c of shape (rows, 4^n): (rows, patches)."""
        means = np.empty((len(observables), len(self._vectors)))
        for row, coefficients in enumerate(observables):
            form = _real_matrix(coefficients, self._n_qubits)
            means[row] = np.einsum("pi,pi->p", self._vectors @ form, self._vectors)
        return means

    def __matmul__(self, factors: FloatArray) -> FloatArray:
        """Sums over patches, each times its factor; factors (patches, sums), result (4^n, sums)."""
        sums = [(self._vectors.T * own) @ self._vectors for own in factors.T]
        return np.stack([_coefficients(own, self._n_qubits) for own in sums], axis=1)


def _real_matrix(coefficients: FloatArray, n_qubits: int) -> FloatArray:
    """The real part of sum_P c_P P, shape (2^n, 2^n); the rest has no mean in a real vector."""
    tensor = coefficients.astype(complex).reshape((4,) * n_qubits)
    for _ in range(n_qubits):
        # The first axis goes to the back as two: rows and columns in turn.
        tensor = np.tensordot(tensor, PAULIS, axes=(0, 0))
    order = [*range(0, 2 * n_qubits, 2), *range(1, 2 * n_qubits, 2)]
    matrix: FloatArray = tensor.transpose(order).reshape(1 << n_qubits, -1).real
    return matrix


def _coefficients(matrix: FloatArray, n_qubits: int) -> FloatArray:
    """Tr(P M) of a real matrix M for all P, shape (4^n,)."""
    tensor = matrix.reshape((2,) * (2 * n_qubits)).astype(complex)
    order = [axis for qubit in range(n_qubits) for axis in (qubit, n_qubits + qubit)]
    tensor = tensor.transpose(order)
    for _ in range(n_qubits):
        # Tr(P M) has P_ij M_ji.
        tensor = np.tensordot(tensor, PAULIS, axes=((0, 1), (2, 1)))
    found: FloatArray = tensor.real.ravel()
    return found
