"""From the steps of a process to instructions for arrays of Pauli coefficients.

Registers of up to six qubits carry the rows that can be other than zero, in an order made for the
next step. Larger ones are kept whole: lists of their rows would take more memory than they save
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.arrays import Array, ArrayLibrary
from qucnn_cirq.engines.rows import (
    Labels,
    Path,
    Plane,
    action,
    all_labels,
    arranged,
    closed,
    positions,
)
from qucnn_cirq.engines.steps import Fixed, GateStep, Turn

_LARGEST_LISTED = 2**12
"""Coefficients of a register whose rows are listed."""
_TURNS_TOGETHER = 3
"""Rotations that one order of rows serves; each further one would act on twice as many blocks."""


@dataclass(frozen=True, eq=False)
class Join:
    """Puts the qubits of cluster ``other`` behind those of cluster ``cluster``."""

    cluster: int
    other: int


@dataclass(frozen=True, eq=False)
class Select:
    """Takes rows of a cluster, and multiplies each by its factor if there are factors."""

    cluster: int
    rows: Array
    factors: Array | None


@dataclass(frozen=True, eq=False)
class Rotate:
    """Turns blocks of a cluster's rows."""

    cluster: int
    turn: Turn
    paths: Sequence[Path]


@dataclass(frozen=True, eq=False)
class RotateWhole:
    """Turns two planes of a cluster that is kept whole."""

    cluster: int
    turn: Turn
    axis: int


@dataclass(frozen=True, eq=False)
class Multiply:
    """Multiplies blocks of a cluster's rows, each by its matrix."""

    cluster: int
    blocks: Sequence[tuple[slice, Array]]


@dataclass(frozen=True, eq=False)
class MultiplyWhole:
    """Multiplies some axes of a cluster that is kept whole; they become its first."""

    cluster: int
    axes: tuple[int, ...]
    matrix: Array


Instruction = Join | Select | Rotate | RotateWhole | Multiply | MultiplyWhole


class _Cluster:
    """Qubits that have interacted, as far as the plan has come.

    Attributes:
        qubits: The order of its axes, if it is kept whole.
        labels: The labels of its rows once the selection is done; None if it is kept whole.
        size: Rows of its array.
        rows: The selection that is still to be done: a row of the array for each label.
        factors: What each of them is then multiplied by.
        turns: Rotations that are still to be done.
    """

    def __init__(self, qubit: cirq.Qid, shift: int) -> None:
        self.qubits = [qubit]
        self.turns: list[Turn] = []
        # |0> has I and Z.
        self.carry(np.array([0, 3 << shift]))

    def carry(self, labels: Labels) -> None:
        """Says that the array has these labels now.

        Args:
            labels: Shape (rows,).
        """
        self.labels: Labels | None = labels
        self.size = len(labels)
        self.rows = np.arange(self.size)
        self.factors = np.ones(self.size)

    def select(self, wanted: Labels, after: Labels, factors: NDArray[np.float64] | None) -> None:
        """Takes rows, later.

        Args:
            wanted: The labels of the rows that are taken, shape (rows,); zeros for labels that are
                not carried.
            after: What these rows are called afterwards, shape (rows,).
            factors: What each is multiplied by, shape (rows,); None for 1.
        """
        assert self.labels is not None
        rows, there = positions(wanted, self.labels)
        self.rows = self.rows[rows]
        self.factors = self.factors[rows] * (there if factors is None else factors)
        self.labels = after


class Plan:
    """Instructions for the steps of a process.

    Args:
        steps: The steps, first to act first.
        qubits: What they act on, each in |0> at the start.
        library: The array library.

    Attributes:
        instructions: What is to be done, in order.
        last: The number of the cluster that has all qubits at the end.
    """

    def __init__(
        self, steps: Sequence[GateStep], qubits: Sequence[cirq.Qid], library: ArrayLibrary
    ) -> None:
        self.instructions: list[Instruction] = []
        self._library = library
        self._shifts = {qubit: 2 * (len(qubits) - 1 - i) for i, qubit in enumerate(qubits)}
        self._home = {qubit: i for i, qubit in enumerate(qubits)}
        self._clusters = [_Cluster(qubit, self._shifts[qubit]) for qubit in qubits]
        for step in steps:
            if isinstance(step, Turn):
                self._clusters[self._home[step.qubit]].turns.append(step)
            else:
                self._fixed(step)
        self.last = 0
        if qubits:
            self.last = self._joined(qubits)
            self._finish(self.last)

    @property
    def live(self) -> Labels:
        """The labels of the rows at the end."""
        if not self._clusters:
            return np.arange(1)
        cluster = self._clusters[self.last]
        return self._whole_labels(cluster) if cluster.labels is None else cluster.labels

    def _fixed(self, step: Fixed) -> None:
        number = self._joined(step.qubits)
        cluster, put = self._clusters[number], self._library.put
        if cluster.labels is not None:
            shifts = [self._shifts[qubit] for qubit in step.qubits]
            does = action(cluster.labels, shifts, step.transfer)
            if not does.blocks:
                cluster.select(does.before, does.after, does.factors)
                return
            if len(cluster.labels) == 4 ** len(cluster.qubits):
                # Nothing is zero, and an axis is turned wherever it is.
                self._keep_whole(number)
        if cluster.labels is None:
            axes = tuple(cluster.qubits.index(qubit) for qubit in step.qubits)
            self.instructions.append(MultiplyWhole(number, axes, put(step.transfer)))
            others = [qubit for qubit in cluster.qubits if qubit not in step.qubits]
            cluster.qubits = [*step.qubits, *others]
            return
        cluster.select(does.before, does.before, None)
        self._finish(number)
        blocks = [(slice(each.start, each.stop), put(each.matrix)) for each in does.blocks]
        self.instructions.append(Multiply(number, blocks))
        cluster.carry(does.after)

    def _joined(self, qubits: Sequence[cirq.Qid]) -> int:
        """Puts qubits into one cluster, whose rotations are then all done."""
        numbers = list(dict.fromkeys(self._home[qubit] for qubit in qubits))
        for number in numbers:
            self._turn(self._clusters[number])
        first, *others = numbers
        cluster = self._clusters[first]
        for number in others:
            other = self._clusters[number]
            is_large = 4 ** (len(cluster.qubits) + len(other.qubits)) > _LARGEST_LISTED
            if is_large or cluster.labels is None or other.labels is None:
                self._keep_whole(first)
                self._keep_whole(number)
            self._finish(first)
            self._finish(number)
            self.instructions.append(Join(first, number))
            cluster.qubits += other.qubits
            self._home.update(dict.fromkeys(other.qubits, first))
            if cluster.labels is not None and other.labels is not None:
                cluster.carry(np.add.outer(cluster.labels, other.labels).ravel())
        return first

    def _turn(self, cluster: _Cluster) -> None:
        """Does the rotations that wait."""
        number = self._home[cluster.qubits[0]]
        while cluster.turns:
            firsts: dict[cirq.Qid, int] = {}
            for place, turn in enumerate(cluster.turns):
                firsts.setdefault(turn.qubit, place)
            places = list(firsts.values())[:_TURNS_TOGETHER]
            turns = [cluster.turns[place] for place in places]
            cluster.turns = [turn for i, turn in enumerate(cluster.turns) if i not in places]
            if cluster.labels is None:
                self.instructions += [
                    RotateWhole(number, turn, cluster.qubits.index(turn.qubit)) for turn in turns
                ]
                continue
            planes = [Plane(self._shifts[turn.qubit], *turn.plane) for turn in turns]
            order, paths = arranged(closed(cluster.labels, planes), planes)
            cluster.select(order, order, None)
            self._finish(number)
            self.instructions += map(Rotate, [number] * len(turns), turns, paths)

    def _finish(self, number: int) -> None:
        """Does the selection that waits."""
        cluster = self._clusters[number]
        if cluster.labels is None:
            return
        scaled = (cluster.factors != 1).any()
        if scaled or not np.array_equal(cluster.rows, np.arange(cluster.size)):
            factors = self._library.put(cluster.factors[:, None]) if scaled else None
            rows = self._library.put(cluster.rows)
            self.instructions.append(Select(number, rows, factors))
            cluster.carry(cluster.labels)

    def _keep_whole(self, number: int) -> None:
        """Puts in the rows that are not carried."""
        cluster = self._clusters[number]
        if cluster.labels is not None:
            everything = self._whole_labels(cluster)
            cluster.select(everything, everything, None)
            self._finish(number)
            cluster.labels = None

    def _whole_labels(self, cluster: _Cluster) -> Labels:
        return all_labels([self._shifts[qubit] for qubit in cluster.qubits])
