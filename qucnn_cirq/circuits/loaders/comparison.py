"""The inversion test of two known vectors, with the middle of both loaders multiplied into one.

Loading x in the frame and undoing the loading of f takes 10 CZ (`SymplecticLoader`). Between the
layers of outer CZ both loaders are elements of Sp(2) on the inner qubits, of two CZ each. The
product of the two is one as well, and 8 CZ in depth 6 remain. It depends on both vectors, so each
filter has a table of angles of its own for the same patches.
"""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np

from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.loaders.merging import MergingLoader
from qucnn_cirq.circuits.loaders.named_turns import named_turns
from qucnn_cirq.circuits.loaders.symplectic import SymplecticLoader
from qucnn_cirq.circuits.slots import Table
from qucnn_cirq.circuits.symplectic import COMPARISON, comparison_angles


class Comparison(MergingLoader):
    """A loader whose circuit ends in |0000> with the probability |<f|x>|^2, on a line.

    Args:
        vector: The filter's unit vector f, real, shape (16,).

    Raises:
        InputError: For any other size.
    """

    name = "comparison"
    purpose = "the inversion test of fixed filters of 9 to 16 values"
    n_angles = len(COMPARISON)

    def alone(self) -> Loader:
        """The loader whose parts it is made of."""
        return SymplecticLoader(4)

    def parts(
        self, qubits: Sequence[cirq.Qid], table: Table
    ) -> tuple[tuple[str, cirq.Circuit], ...]:
        """As `Loader.parts`: three, each with the part of the layer that it belongs to."""
        q0, q1, q2, q3 = qubits
        quarter = np.pi / 2
        turned = named_turns(qubits, table, COMPARISON)
        load = cirq.Circuit(
            [turned(qubit, ("y", f"first_{qubit}")) for qubit in (0, 1)],
            [turned(qubit, ("y", quarter)) for qubit in (2, 3)],
            cirq.CZ(q1, q2),
            turned(1, ("y", quarter)),
            [cirq.CZ(q0, q1), cirq.CZ(q2, q3)],
        )
        meet = cirq.Circuit(
            turned(0, ("z", quarter), ("y", "outer_0"), ("z", -quarter)),
            turned(1, ("z", "phase_1"), ("x", quarter)),
            turned(2, ("z", "inner_2a"), ("y", "inner_2y"), ("z", "inner_2b")),
            turned(
                *(3, ("y", -quarter), ("z", -quarter), ("y", "outer_3"), ("z", "between_3")),
                *(("y", "undone_3"), ("z", quarter), ("y", quarter)),
            ),
            cirq.CZ(q1, q2),
            [turned(qubit, ("x", f"middle_{qubit}")) for qubit in (1, 2)],
            cirq.CZ(q1, q2),
            turned(1, ("y", "last_1"), ("x", -quarter)),
            turned(2, ("z", "last_2a"), ("y", "last_2y"), ("z", "last_2b")),
        )
        undo = cirq.Circuit(
            [cirq.CZ(q0, q1), cirq.CZ(q2, q3)],
            turned(1, ("y", -quarter)),
            cirq.CZ(q1, q2),
            [turned(qubit, ("y", f"undone_{qubit}")) for qubit in (0, 1)],
            [turned(qubit, ("y", -quarter)) for qubit in (2, 3)],
        )
        return (("loader", load), ("overlap", meet), ("filter", undo))

    def angles(self, states: FloatArray) -> FloatArray:
        """As `Loader.angles`, in closed form."""
        return comparison_angles(self.vector, states)
