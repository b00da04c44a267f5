"""What an overlap test is: how data and filter meet, and what is measured then."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import ClassVar

import cirq

from qucnn_cirq.circuits.observable import Observable

Pair = tuple[cirq.Qid, cirq.Qid]
WalkStep = tuple[cirq.Qid, cirq.Qid, cirq.Qid]


@dataclass(frozen=True, eq=False)
class MeetingPlace:
    """The qubits on which data and filter meet; every pair named here is coupled.

    Attributes:
        data: Data qubits that meet the filter, most significant first.
        preparation: Prepares the filter on ``data``, for a test that undoes it there; else empty.
        pairs: Data and filter qubits that belong together, for a test that has both registers.
        walks: For each walking ancilla its steps (a, x, f): where it comes in, and the pair of
            which x is its neighbour. Each starts where the one before ended, on x.
        crosses: Whether the first step of each walk ends on f instead, if it is not the only one.
        reader: For the backward pass, a neighbour of the qubit where the last walk ends.
        gate_set: The native two-qubit gate to write the meeting in: "cz", or another of
            `OverlapTest.native_gate_sets`.
    """

    data: tuple[cirq.Qid, ...]
    preparation: cirq.Circuit = field(default_factory=cirq.Circuit)
    pairs: tuple[Pair, ...] = ()
    walks: tuple[tuple[WalkStep, ...], ...] = ()
    crosses: bool = False
    reader: cirq.Qid | None = None
    gate_set: str = "cz"


class OverlapTest(abc.ABC):
    """One way to measure F = |<x|f>|^2 of a patch x and a filter f.

    To add one, derive a class, and hand it to `qucnn_cirq.registries.register_overlap_test`, or an
    object of it if it is made with arguments. It is then chosen by its name wherever one of the
    package's own is, and tried by ``overlap="auto"``. What is compiled can be checked by
    ``program.verify()``.

    Attributes:
        name: The word by which it is chosen.
        title: What is measured, in one line.
        undoes_filter: Whether the filter's circuit acts on the data register, where it is undone;
            otherwise the filter is prepared on a register of its own.
        acts_on_data: Whether the filter's circuit is not undone there, but acts on the patch. Its
            place on the device is sought for whatever couplers it has.
        merges_known_vectors: Whether, for a patch and a filter that are known vectors, a circuit
            that ends in all zeros with the probability F may take its place; see
            `qucnn_cirq.circuits.loaders.comparison.Comparison`.
        most_walkers: Ancillas that may walk from pair to pair: 0 (it has none), 1 or 2.
        takes_reader: Whether its meeting can hand its value to the second ancilla of the backward
            pass, which multiplies it by an upstream gradient.
        pairs_commute: Whether pairs may meet in any order, and in each pair the two qubits change
            places.
        takes_quantum_data: Whether the data may be a quantum state of which no vector is known.
        native_gate_sets: Gate sets that `meeting` can be written in, "cz" among them; in any
            other one its CZ gates are converted.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    undoes_filter: ClassVar[bool] = False
    acts_on_data: ClassVar[bool] = False
    merges_known_vectors: ClassVar[bool] = False
    most_walkers: ClassVar[int] = 0
    takes_reader: ClassVar[bool] = False
    pairs_commute: ClassVar[bool] = False
    takes_quantum_data: ClassVar[bool] = True
    native_gate_sets: ClassVar[tuple[str, ...]] = ("cz",)
    crossing_gate_sets: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def meeting(self, place: MeetingPlace) -> tuple[cirq.Circuit, Observable]:
        """The part of the compiled circuit after both preparations.

        The compiler calls it once for every layout that it tries.

        Args:
            place: Where the registers are.

        Returns:
            The circuit, of open one-qubit gates (`qucnn_cirq.circuits.slots.Slot`) and
            native two-qubit gates on coupled qubits; and the observable whose mean is F, or g F
            with a reader.
        """

    @abc.abstractmethod
    def textbook(self, place: MeetingPlace) -> tuple[cirq.OP_TREE, Observable]:
        """The same in gates of any kind, for other compilers to start from.

        Args:
            place: Where the registers are, on any coupled qubits; a walk has the same ancilla in
                all of its steps.

        Returns:
            The operations after both preparations, and the observable whose mean is F.
        """

    def n_qubits(self, register_qubits: int, walkers: int) -> int:
        """Qubits of the whole test, without a reader.

        Args:
            register_qubits: Qubits that hold a patch.
            walkers: Walking ancillas, where the test has any.

        Returns:
            The number of qubits.
        """
        registers = 1 if self.undoes_filter else 2
        return registers * register_qubits + (walkers if self.most_walkers else 0)

    def __repr__(self) -> str:
        return f"<overlap test {self.name!r}: {self.title}>"
