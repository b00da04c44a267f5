"""The Schmidt loader: four qubits on a ring, closed form, 7 CZ gates in depth 4."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders.loader import Loader
from qucnn_cirq.circuits.slots import Table, TableAngle, ry
from qucnn_cirq.circuits.two_qubits import special_orthogonal_angles, two_qubit_angles
from qucnn_cirq.errors import InputError


class SchmidtLoader(Loader):
    """Loads a real 16-vector through the singular value decomposition of its 4x4 matrix.

    X = U S V^T with the row index on qubits (0, 1) and the column index on qubits (2, 3). Qubits
    0 and 1 take the singular values as amplitudes (1 CZ), qubits 3 and 2 copy them (2 CZ in
    parallel), then U acts on the rows and V on the columns (2 CZ each, in parallel). All CZ gates
    join neighbours of the ring 0-1-2-3-0, so a 2x2 plaquette of a grid needs no routing. That a
    patch is loaded through its singular values is from the paper (arXiv:2210.05443).

    Args:
        n_qubits: Must be 4.

    Raises:
        InputError: For any other size.
    """

    name = "schmidt"
    purpose = "registers of 4 qubits"
    n_angles = 15

    def __init__(self, n_qubits: int = 4) -> None:
        if n_qubits != 4:
            raise InputError(
                f"the schmidt loader is for {self.purpose}, not {n_qubits}; "
                "choose loader = 'multiplexed'."
            )
        super().__init__(n_qubits)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """As `Loader.circuit`: slots and CZ gates."""
        q0, q1, q2, q3 = qubits
        columns = itertools.count()
        return cirq.Circuit(
            schmidt_state(qubits, table, columns),
            special_orthogonal(q0, q1, table, columns),
            special_orthogonal(q2, q3, table, columns),
        )

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `Loader.angles`, from one batched SVD."""
        rows, singular_values, columns = schmidt_factors(states)
        return np.concatenate(
            [
                two_qubit_angles(singular_values),
                special_orthogonal_angles(rows),
                special_orthogonal_angles(columns),
            ],
            axis=1,
        )


def schmidt_state(qubits: Sequence[cirq.Qid], table: Table, columns: Iterator[int]) -> cirq.Circuit:
    """The singular values as amplitudes of qubits 0 and 1, copied to 3 and 2; 3 angles.

    The copy leaves a sign (-1) for every set bit; `schmidt_factors` makes up for it.

    Args:
        qubits: The four qubits of the ring.
        table: Name of the table that the angles are in.
        columns: The table's columns that are still free; the next three are taken.
    """
    q0, q1, q2, q3 = qubits

    def turn(qubit: cirq.Qid) -> cirq.Operation:
        return ry(TableAngle(table, next(columns))).on(qubit)

    return cirq.Circuit(
        [turn(q0), turn(q1), cirq.CZ(q0, q1), turn(q1)],
        [ry(np.pi / 2).on(q2), ry(np.pi / 2).on(q3)],
        [cirq.CZ(q1, q2), cirq.CZ(q0, q3)],
        [ry(-np.pi / 2).on(q2), ry(-np.pi / 2).on(q3)],
    )


def special_orthogonal(
    a: cirq.Qid, b: cirq.Qid, table: Table, columns: Iterator[int]
) -> cirq.Circuit:
    """Any matrix of SO(4) on two qubits with 2 CZ; 6 angles.

    Args:
        a: The more significant qubit.
        b: The other one, its neighbour.
        table: Name of the table that the angles are in.
        columns: The table's columns that are still free; the next six are taken.
    """

    def turns() -> list[cirq.Operation]:
        return [ry(TableAngle(table, next(columns))).on(qubit) for qubit in (a, b)]

    circuit = cirq.Circuit(turns())
    for _ in range(2):
        circuit.append([cirq.CZ(a, b), turns()])
    return circuit


def schmidt_factors(
    states: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What a state is made of, in the conventions of `schmidt_state`.

    Args:
        states: Real unit vectors, shape (batch, 16).

    Returns:
        Rotations of the rows, shape (batch, 4, 4), amplitudes, shape (batch, 4), and rotations of
        the columns, shape (batch, 4, 4).
    """
    rows, singular_values, columns_transposed = np.linalg.svd(states.reshape(-1, 4, 4))
    # Qubit 3 copies qubit 0 and qubit 2 copies qubit 1: the column index has its bits
    # exchanged, 01 <-> 10.
    columns = np.swapaxes(columns_transposed, 1, 2)[:, :, [0, 2, 1, 3]]
    # A reflection becomes a rotation when one singular vector changes sign.
    for vectors in (rows, columns):
        sign = np.linalg.det(vectors) < 0
        vectors[sign, :, 0] *= -1
        singular_values[sign, 0] *= -1
    # Copying bit by bit gives (-1)^(number of set bits); 1 and 2 have one.
    singular_values *= np.array([1.0, -1.0, -1.0, 1.0])
    return rows, singular_values, columns
