"""The overlap test that runs the filter backwards on the data register."""

from __future__ import annotations

import cirq

from qucnn_cirq.circuits.observable import Observable, all_zeros
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace, OverlapTest


class InversionTest(OverlapTest):
    """The filter's preparation undone on the data register: F is the probability of all zeros."""

    name = "inversion"
    title = "the filter is undone on the data, and all zeros are counted"
    undoes_filter = True
    merges_known_vectors = True

    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """The inverse of the preparation; all data qubits are measured."""
        return cirq.inverse(place.preparation), all_zeros(place.data)

    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """The inverse of the preparation, in the gates that it has."""
        return self.meeting(place)
