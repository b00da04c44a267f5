"""An overlap test of your own: the Bell measurement with the filter's qubits as controls."""

from __future__ import annotations

import cirq

from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import MeetingPlace, OverlapTest
from qucnn_cirq.circuits.parts import of_step
from qucnn_cirq.circuits.slots import fixed


class CrossedTest(OverlapTest):
    """Every pair is read in the Bell basis, in which the singlet, where a swap is -1, is 11."""

    name = "crossed"
    title = "every pair of qubits is read in the Bell basis, the filter's as control"

    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """One CZ a pair; the one-qubit gates are slots, which the compiler merges with others."""
        h = fixed(cirq.unitary(cirq.H))
        steps = [
            of_step(cirq.Circuit(h(x), cirq.CZ(x, f), h(x), h(f)), number)
            for number, (x, f) in enumerate(place.pairs, start=1)
        ]
        circuit = cirq.Circuit(step.all_operations() for step in steps)
        return circuit, Observable(tuple((pair, (1, 1, 1, -1)) for pair in place.pairs), low=-1)

    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """The same in the gates of a textbook, for other compilers."""
        bell = [(cirq.CNOT(f, x), cirq.H(f)) for x, f in place.pairs]
        return bell, Observable(tuple((pair, (1, 1, 1, -1)) for pair in place.pairs), low=-1)
