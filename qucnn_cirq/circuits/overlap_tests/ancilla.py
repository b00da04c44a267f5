"""The SWAP test with ancillas that walk from pair to pair (paper, eqs. 1-3)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cirq
import numpy as np

from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests.overlap_test import MeetingPlace, OverlapTest
from qucnn_cirq.circuits.parts import of_step, tagged
from qucnn_cirq.circuits.slots import TableAngle, fixed, ry


class AncillaTest(OverlapTest):
    """The SWAP test with one or two walking ancillas, the only qubits that are read.

    Every ancilla starts in |+> and walks from pair to pair. The product of X on the qubits where
    they end has the mean F = <SWAP (x) ... (x) SWAP>: each walker takes the swaps of its own pairs
    along, and as the walks share no qubit they need not be entangled to be read in parity.

    The reader of the backward pass, prepared by RY(arccos g), is the target of a CNOT from the
    ancilla, and its Z has the mean g F (paper, eqs. 4-17). The table ``"upstream"`` holds arccos g.
    Two walkers are first brought together by a CZ, so their ends must be neighbours.
    """

    name = "ancilla"
    title = "the SWAP test: one or two ancillas are read"
    most_walkers = 2
    takes_reader = True
    pairs_commute = True
    native_gate_sets = ("cz", "sqrt_iswap", "syc")
    crossing_gate_sets = ("syc",)

    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """The ancillas walk over their pairs; then they are measured, or the reader is."""
        # Native gates come with cirq_google, which takes a second to import.
        from qucnn_cirq.circuits.walking_step import crossing_step, last_step, walking_step

        circuit = cirq.Circuit()
        number = itertools.count(1)
        ends = []
        for walk in place.walks:
            circuit.append(ry(np.pi / 2).on(walk[0][0]))
            *steps, last = walk
            for step in steps:
                crosses = place.crosses and step is walk[0]
                make = crossing_step if crosses else walking_step
                circuit += of_step(make(*step, place.gate_set), next(number))
            # A reader sits beside the last pair's data qubit.
            stays = place.reader is None
            ending, end = (
                last_step(*last, place.gate_set)
                if stays
                else (walking_step(*last, place.gate_set), last[1])
            )
            circuit += of_step(ending, next(number))
            ends.append(end)
        if place.reader is not None:
            circuit += tagged(_reading(ends, place.reader), "backward")
            ends = [place.reader]
        else:
            circuit.append(ry(-np.pi / 2).on(end) for end in ends)
        return circuit, _parity(ends)

    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """Controlled swaps between Hadamards."""
        ancillas = [walk[0][0] for walk in place.walks]
        hadamards = [cirq.H(ancilla) for ancilla in ancillas]
        swaps = [cirq.CSWAP(*step) for walk in place.walks for step in walk]
        return [hadamards, swaps, hadamards], _parity(ancillas)


def _parity(qubits: Sequence[cirq.Qid]) -> Observable:
    return Observable(tuple(((qubit,), (1.0, -1.0)) for qubit in qubits), low=-1.0)


def _reading(ends: Sequence[cirq.Qid], reader: cirq.Qid) -> cirq.Circuit:
    """Brings the walkers' parity together and multiplies it by the reader's Z."""
    *others, last = ends
    circuit = cirq.Circuit()
    for other in others:
        # X (x) X becomes 1 (x) X.
        circuit.append([ry(-np.pi / 2).on(other), cirq.CZ(other, last)])
    circuit.append(ry(-np.pi / 2).on(last))
    hadamard = fixed(cirq.unitary(cirq.H))
    circuit.append(ry(TableAngle("upstream", 0)).on(reader))
    circuit.append([hadamard.on(reader), cirq.CZ(last, reader), hadamard.on(reader)])
    return circuit
