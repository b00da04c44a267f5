"""How a filter's circuit acts on the data and is read: in the place of an overlap test."""

from __future__ import annotations

from dataclasses import dataclass

import cirq
import numpy as np

from noise_models.extensions import users_code
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace, OverlapTest
from qucnn_cirq.circuits.slots import fixed
from qucnn_cirq.measurements.measurement import Measurement
from qucnn_cirq.measurements.of_bits import parity_table

_TURNS = {"x": cirq.H, "y": cirq.X**0.5, "z": cirq.I}
"""What turns each basis into that of Z."""


@dataclass(frozen=True)
class Applied(OverlapTest):
    """The filter's circuit on the data register, and the measurement after it.

    Attributes:
        measurement: What is read.
    """

    measurement: Measurement

    undoes_filter = True
    acts_on_data = True
    takes_quantum_data = False

    @property
    def name(self) -> str:  # type: ignore[override]
        """The word of the measurement."""
        return self.measurement.kind

    @property
    def title(self) -> str:  # type: ignore[override]
        """What is read."""
        return self.measurement.title

    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """The circuit, the turns into the bases that are read, and the parity of all that is."""
        n_qubits = len(place.data)
        read = [place.data[at] for at in self.measurement.read(n_qubits)]
        bases = self.measurement.bases(n_qubits)
        turns = [
            fixed(np.array(cirq.unitary(_TURNS[basis]))).on(qubit)
            for qubit, basis in zip(read, bases, strict=True)
            if basis != "z"
        ]
        parity = Observable(tuple(((qubit,), (1.0, -1.0)) for qubit in read), low=-1.0)
        return place.preparation + cirq.Circuit(turns), parity

    def products(self, n_qubits: int) -> tuple[tuple[int, ...], ...]:
        """The places of the register whose signs give each bit that is asked for, as a product.

        Those of each qubit that is read; or all at once, if nothing but their product is.

        Args:
            n_qubits: Size of the register.
        """
        with users_code(f"measurement {self.measurement.kind}"):
            read = self.measurement.read(n_qubits)
            if self.measurement.is_linear and len(self.measurement.table(n_qubits)) == 1:
                table = self.measurement.table(n_qubits)
                if np.array_equal(table, parity_table(len(read))[None]):
                    return (tuple(read),)
        return tuple((place,) for place in read)

    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """The same: no gates of another kind are needed."""
        return self.meeting(place)
