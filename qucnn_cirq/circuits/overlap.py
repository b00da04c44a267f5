"""The three overlap tests: what meets, what is measured, and how F follows from the shots.

Each test measures an observable that is diagonal in the computational basis and whose mean is
F = |<x|f>|^2. One shot gives one of two values, so the number of shots with the larger value
is a sufficient statistic and binomially distributed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.entanglers import givens
from qucnn_cirq.circuits.parts import of_step, tagged
from qucnn_cirq.circuits.slots import TableAngle, fixed, ry
from qucnn_cirq.circuits.walking_step import walking_step

Step = tuple[cirq.Qid, cirq.Qid, cirq.Qid]
Pair = tuple[cirq.Qid, cirq.Qid]


@dataclass(frozen=True)
class Observable:
    """A product of diagonal observables on disjoint groups of measured qubits.

    Attributes:
        groups: For each group its qubits and the values of its 2^k bit patterns, big-endian.
        low: The smaller of the two values a shot can give, -1 or 0; the larger is 1.
    """

    groups: tuple[tuple[tuple[cirq.Qid, ...], tuple[float, ...]], ...]
    low: float

    @property
    def qubits(self) -> tuple[cirq.Qid, ...]:
        """The measured qubits, in the order in which their bits are recorded."""
        return tuple(qubit for qubits, _ in self.groups for qubit in qubits)

    def on(self, positions: Mapping[cirq.Qid, cirq.Qid]) -> Observable:
        """The same observable on other qubits."""
        groups = tuple((tuple(positions[q] for q in qubits), t) for qubits, t in self.groups)
        return Observable(groups, self.low)

    def values(self, bits: NDArray[np.integer]) -> NDArray[np.float64]:
        """Evaluates shots.

        Args:
            bits: Recorded bits, shape (shots, qubits), in the order of :attr:`qubits`.

        Returns:
            The value of each shot, ``low`` or 1.
        """
        product = np.ones(len(bits))
        start = 0
        for qubits, table in self.groups:
            weights = 1 << np.arange(len(qubits))[::-1]
            indices = bits[:, start : start + len(qubits)] @ weights
            product *= np.asarray(table)[indices]
            start += len(qubits)
        return product

    def probability(self, mean: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The probability of the larger value, given the mean."""
        return (np.asarray(mean) - self.low) / (1 - self.low)

    def mean(self, fraction: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """The mean, given the (observed) fraction of the larger value."""
        return self.low + (1 - self.low) * np.asarray(fraction)

    def variance(self, mean: NDArray[np.float64] | float, shots: int) -> NDArray[np.float64]:
        """Variance of the estimate from ``shots`` shots: (1 - m)(m - low) / shots.

        For values +1 and -1 that is (1 - F^2)/N, for 1 and 0 it is F(1 - F)/N.
        """
        mean = np.asarray(mean)
        return (1 - mean) * (mean - self.low) / shots


@dataclass(frozen=True)
class Meeting:
    """The part of a circuit in which data and filter meet, and what is measured after it.

    Attributes:
        circuit: Slots, CZ gates and native gates.
        observable: The observable whose mean is F (or g F with a backward reader).
    """

    circuit: cirq.Circuit
    observable: Observable


def ancilla_test(
    walks: Sequence[Sequence[Step]], reader: cirq.Qid | None = None, gate_set: str = "cz"
) -> Meeting:
    """The SWAP test with walking ancillas (paper, eqs. 1-3).

    Every ancilla starts in |+> and walks from pair to pair. The product of X on the qubits where
    they end has the mean F = <SWAP (x) ... (x) SWAP>: each walker takes the swaps of its own pairs
    along, and as the walks share no qubit they need not be entangled to be read in parity.

    Args:
        walks: For each walker its steps (a, x, f); each starts where the one before ended.
        reader: For the backward pass, a neighbour of the qubit where the last walk ends:
            prepared by RY(arccos g), it is the target of a CNOT from the ancilla, and its Z has
            the mean g F (paper, eqs. 4-17). The table ``"upstream"`` holds arccos g. Two walkers
            are first brought together by a CZ, so their ends must be neighbours.
        gate_set: The gates of the steps; what else is needed is in CZ.
    """
    circuit = cirq.Circuit()
    number = itertools.count(1)
    for walk in walks:
        circuit.append(ry(np.pi / 2).on(walk[0][0]))
        for step in walk:
            circuit += of_step(walking_step(*step, gate_set), next(number))
    ends = [walk[-1][1] for walk in walks]
    if reader is not None:
        circuit += tagged(_reading(ends, reader), "backward")
        ends = [reader]
    else:
        circuit.append(ry(-np.pi / 2).on(end) for end in ends)
    return Meeting(circuit, Observable(tuple(((end,), (1.0, -1.0)) for end in ends), low=-1.0))


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


def destructive_test(pairs: Sequence[Pair], gate_set: str = "cz") -> Meeting:
    """Every pair measured so that the singlet shows: F is the mean of a product of signs.

    With CZ each pair is read in the Bell basis, in which the singlet, on which a swap is -1, is 11
    (Garcia-Escartin and Chamorro-Posada, arXiv:1303.6814). One sqrt-iSWAP, up to virtual Z, turns
    the singlet into 10 and leaves the triplets 00 and 11 alone.

    Args:
        pairs: Data and filter qubits.
        gate_set: "sqrt_iswap" for the native form; all others are in CZ.
    """
    if gate_set == "sqrt_iswap":
        meetings = [cirq.Circuit(givens(x, f)) for x, f in pairs]
        return _read_pairs(meetings, pairs, (1.0, 1.0, -1.0, 1.0))
    hadamard = fixed(cirq.unitary(cirq.H))
    meetings = [
        cirq.Circuit(hadamard.on(f), cirq.CZ(x, f), hadamard.on(f), hadamard.on(x))
        for x, f in pairs
    ]
    return _read_pairs(meetings, pairs, (1.0, 1.0, 1.0, -1.0))


def _read_pairs(
    meetings: Sequence[cirq.Circuit], pairs: Sequence[Pair], signs: tuple[float, ...]
) -> Meeting:
    steps = [of_step(meeting, number) for number, meeting in enumerate(meetings, start=1)]
    circuit = cirq.Circuit(step.all_operations() for step in steps)
    return Meeting(circuit, Observable(tuple((pair, signs) for pair in pairs), low=-1.0))


def inversion_test(preparation: cirq.Circuit, qubits: Sequence[cirq.Qid]) -> Meeting:
    """The filter's preparation undone on the data register: F is the probability of all zeros."""
    return Meeting(cirq.inverse(preparation), all_zeros(qubits))


def all_zeros(qubits: Sequence[cirq.Qid]) -> Observable:
    """The projector on |0...0>."""
    return Observable(tuple(((qubit,), (1.0, 0.0)) for qubit in qubits), low=0.0)
