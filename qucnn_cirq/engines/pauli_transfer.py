"""Channels as real matrices on Pauli coefficients.

A state is the real vector of its Pauli expectation values r_P = tr(P rho) and a channel a real
matrix on it. A depolarising channel is then a scaling and CZ a signed permutation.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.process import Kraus, SignedKraus

PAULIS = np.array(
    [[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex
)
ZERO_STATE = np.array([1.0, 0.0, 0.0, 1.0])
"""Coefficients of |0>."""
IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
"""Coefficients of the observable that is 1 in every state."""


@functools.cache
def pauli_basis(n_qubits: int) -> NDArray[np.complex128]:
    """All Pauli products on some qubits, the first qubit most significant.

    Args:
        n_qubits: How many, n.

    Returns:
        Matrices, shape (4^n, 2^n, 2^n).
    """
    basis = np.ones((1, 1, 1), dtype=complex)
    for _ in range(n_qubits):
        size = 2 * basis.shape[1]
        basis = np.einsum("aij,bkl->abikjl", basis, PAULIS).reshape(-1, size, size)
    return basis


def transfer_matrix(kraus: Kraus) -> NDArray[np.float64]:
    """The matrix T_ij = tr(P_i E(P_j)) / 2^k of a channel E on k qubits.

    Args:
        kraus: Kraus operators, each of shape (2^k, 2^k).

    Returns:
        Shape (4^k, 4^k).
    """
    size = kraus[0].shape[0]
    basis = pauli_basis(size.bit_length() - 1)
    signs = kraus.signs if isinstance(kraus, SignedKraus) else (1,) * len(kraus)
    images = sum(
        sign * (operator @ basis @ operator.conj().T)
        for sign, operator in zip(signs, kraus, strict=True)
    )
    matrix: NDArray[np.float64] = np.einsum("aij,bji->ab", basis, images).real / size
    return matrix


def diagonal_coefficients(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coefficients tr(P O) / 2^k of a diagonal observable O on k qubits.

    Args:
        values: Its values for the bit patterns, big-endian, shape (2^k,).

    Returns:
        Shape (4,) * k, one axis a qubit.
    """
    n_qubits = len(values).bit_length() - 1
    coefficients = values.reshape((2,) * n_qubits)
    to_pauli = np.array([[1, 1], [0, 0], [0, 0], [1, -1]]) / 2
    for axis in range(n_qubits):
        coefficients = np.moveaxis(np.tensordot(to_pauli, coefficients, axes=(1, axis)), 0, axis)
    return coefficients


def embed(
    matrix: NDArray[np.float64], inner: Sequence[object], outer: Sequence[object]
) -> NDArray[np.float64]:
    """Extends a transfer matrix to more qubits, on which it does nothing.

    Args:
        matrix: The transfer matrix, shape (4^k, 4^k).
        inner: Its k qubits, in order.
        outer: The n qubits that are wanted, in any order, those k among them.

    Returns:
        The transfer matrix on ``outer`` in its order, shape (4^n, 4^n).
    """
    missing = [qubit for qubit in outer if qubit not in inner]
    n_inner, n_missing, n_qubits = len(inner), len(missing), len(outer)
    tensor = np.multiply.outer(
        matrix.reshape((4,) * (2 * n_inner)), np.eye(4**n_missing).reshape((4,) * (2 * n_missing))
    )
    # Rows and columns of the inner qubits, then rows and columns of the others.
    rows = [*range(n_inner), *range(2 * n_inner, 2 * n_inner + n_missing)]
    columns = [*range(n_inner, 2 * n_inner), *range(2 * n_inner + n_missing, 2 * n_qubits)]
    order = [*inner, *missing]
    places = [order.index(qubit) for qubit in outer]
    tensor = tensor.transpose([*(rows[i] for i in places), *(columns[i] for i in places)])
    return np.asarray(tensor.reshape(4**n_qubits, 4**n_qubits), dtype=np.float64)
