"""States that are handed over, of which an observable needs one quadratic form each.

A state x without noise has the mean x^T O x of the observable O that is carried back to it: no
coefficients of its density matrix are needed. The batch stands where an array of those would,
(coefficients, patches), so that products with it are written as for all others; there are as many
entries of O as coefficients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.pauli_transfer import PAULIS

FloatArray = NDArray[np.float64]


class GivenStates:
    """The matrices x x^T of real vectors, shape (4^n, patches), without being made.

    Args:
        vectors: Real unit vectors, shape (patches, 2^n).
    """

    # So that NumPy leaves a product with an array on the left to this class.
    __array_ufunc__ = None

    def __init__(self, vectors: FloatArray) -> None:
        self._vectors = vectors
        self.shape = vectors.shape[1] ** 2, len(vectors)

    def __rmatmul__(self, observables: FloatArray) -> FloatArray:
        """Means of observables as `real_matrices` gives them, (rows, 4^n): (rows, patches)."""
        means = np.empty((len(observables), len(self._vectors)))
        n_values = self._vectors.shape[1]
        for row, form in enumerate(observables.reshape(-1, n_values, n_values)):
            np.vecdot(self._vectors @ form, self._vectors, out=means[row])
        return means

    def __matmul__(self, factors: FloatArray) -> FloatArray:
        """Sums over patches, each times its factor; factors (patches, sums), result (4^n, sums)."""
        sums = [((self._vectors.T * own) @ self._vectors).ravel() for own in factors.T]
        return np.stack(sums, axis=1)


def real_matrices(coefficients: FloatArray, n_qubits: int) -> FloatArray:
    """The real part of sum_P c_P P; the rest has no mean in a real vector.

    Args:
        coefficients: Shape (rows, 4^n).
        n_qubits: Their number n.

    Returns:
        The entries, row by row of each matrix, shape (rows, 4^n).
    """
    tensor = coefficients.astype(complex).reshape((-1,) + (4,) * n_qubits)
    for _ in range(n_qubits):
        # The first axis of a qubit goes to the back as two: rows and columns in turn.
        tensor = np.tensordot(tensor, PAULIS, axes=(1, 0))
    order = [0, *range(1, 2 * n_qubits, 2), *range(2, 2 * n_qubits + 1, 2)]
    entries: FloatArray = tensor.transpose(order).real.reshape(len(coefficients), -1)
    return entries
