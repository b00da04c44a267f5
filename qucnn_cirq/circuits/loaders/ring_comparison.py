"""The inversion test of two known vectors on a ring, with real amplitudes.

Loading x and undoing the loading of f costs 14 CZ. But x = (U (x) V) s_x and f = (P (x) Q) s_f with
Schmidt states s, so <f|x> = <s_f| (P^T U (x) Q^T V) |s_x>: the rotations in the middle merge, and
10 CZ in depth 6 remain. They depend on both vectors, so each filter has a table of angles of its
own for the same patches. `qucnn_cirq.circuits.loaders.comparison` takes fewer CZ, and complex
amplitudes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders.loader import Loader
from qucnn_cirq.circuits.loaders.merging import MergingLoader
from qucnn_cirq.circuits.loaders.schmidt import (
    SchmidtLoader,
    schmidt_factors,
    schmidt_state,
    special_orthogonal,
    special_orthogonal_angles,
    two_qubit_angles,
)
from qucnn_cirq.circuits.slots import Table


class RingComparison(MergingLoader):
    """A loader whose circuit ends in |0000> with the probability |<f|x>|^2.

    Args:
        vector: The filter's unit vector f, real, shape (16,).

    Raises:
        InputError: For any other size.
    """

    name = "ring_comparison"
    purpose = (
        "the inversion test of fixed filters of 9 to 16 values on a device with a ring of four "
        "qubits"
    )
    n_angles = 18

    def __init__(self, vector: NDArray[np.float64]) -> None:
        super().__init__(vector)
        rows, singular_values, columns = schmidt_factors(self.vector[None])
        self._rows, self._columns = rows[0].T, columns[0].T
        self._undone = two_qubit_angles(singular_values)

    def alone(self) -> Loader:
        """The loader whose parts it is made of."""
        return SchmidtLoader()

    def parts(
        self, qubits: Sequence[cirq.Qid], table: Table
    ) -> tuple[tuple[str, cirq.Circuit], ...]:
        """As `Loader.parts`: three, each with the part of the layer that it belongs to."""
        q0, q1, q2, q3 = qubits
        angles = itertools.count()
        load = schmidt_state(qubits, table, angles)
        meet = special_orthogonal(q0, q1, table, angles) + special_orthogonal(q2, q3, table, angles)
        undo = cirq.inverse(schmidt_state(qubits, table, angles))
        return (("loader", load), ("overlap", meet), ("filter", undo))

    def angles(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `Loader.angles`, from one batched SVD."""
        rows, singular_values, columns = schmidt_factors(states)
        return np.concatenate(
            [
                two_qubit_angles(singular_values),
                special_orthogonal_angles(self._rows @ rows),
                special_orthogonal_angles(self._columns @ columns),
                np.broadcast_to(self._undone, (len(states), 3)),
            ],
            axis=1,
        )
