"""The SWAP test without an ancilla: every pair is measured (arXiv:1303.6814)."""

from __future__ import annotations

from collections.abc import Sequence

import cirq

from qucnn_cirq.circuits.entanglers import givens
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace, OverlapTest, Pair
from qucnn_cirq.circuits.parts import of_step
from qucnn_cirq.circuits.slots import fixed


class DestructiveTest(OverlapTest):
    """Every pair measured so that the singlet shows: F is the mean of a product of signs.

    With CZ each pair is read in the Bell basis, in which the singlet, on which a swap is -1, is 11
    (Garcia-Escartin and Chamorro-Posada, arXiv:1303.6814). One sqrt-iSWAP, up to virtual Z, turns
    the singlet into 10 and leaves the triplets 00 and 11 alone.
    """

    name = "destructive"
    title = "every pair of qubits is read in the Bell basis"
    native_gate_sets = ("cz", "sqrt_iswap")

    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """Every pair is rotated by itself, and all qubits are measured."""
        if place.gate_set == "sqrt_iswap":
            meetings = [cirq.Circuit(givens(x, f)) for x, f in place.pairs]
            signs = (1.0, 1.0, -1.0, 1.0)
        else:
            hadamard = fixed(cirq.unitary(cirq.H))
            meetings = [
                cirq.Circuit(hadamard.on(f), cirq.CZ(x, f), hadamard.on(f), hadamard.on(x))
                for x, f in place.pairs
            ]
            signs = (1.0, 1.0, 1.0, -1.0)
        steps = [of_step(meeting, number) for number, meeting in enumerate(meetings, start=1)]
        circuit = cirq.Circuit(step.all_operations() for step in steps)
        return circuit, _signs(place.pairs, signs)

    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """A Bell measurement of every pair."""
        bell = [(cirq.CNOT(x, f), cirq.H(x)) for x, f in place.pairs]
        return bell, _signs(place.pairs, (1.0, 1.0, 1.0, -1.0))


def _signs(pairs: Sequence[Pair], signs: tuple[float, ...]) -> Observable:
    return Observable(tuple((pair, signs) for pair in pairs), low=-1.0)
