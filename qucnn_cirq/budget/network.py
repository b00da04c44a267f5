"""The meeting of patch and filter as a tensor network, and how its value depends on each tensor.

As in `qucnn_cirq.engines.meeting` the network is contracted pair by pair; here the contraction is
then gone through backwards, which gives the derivative by every tensor for about twice the work of
the value itself (reverse-mode differentiation).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
import opt_einsum
from numpy.typing import NDArray

from qucnn_cirq.budget.places import Matrices, Place, Step
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.pauli_transfer import IDENTITY, ZERO_STATE, diagonal_coefficients
from qucnn_cirq.engines.steps import Fixed, Turn
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]
_Indices = tuple[int, ...]

_LARGEST_TENSOR = 2**25
"""Numbers in a tensor on the way: 256 MiB, of which some are kept for the way back."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """The value of a network and its derivatives.

    Attributes:
        value: The mean of the observable.
        patch: By the state of the patch, shape (4^n,).
        filter: By the state of the filter, shape (4^m,).
        places: By the matrix of each place, shape (4^k, 4^k), by its number among the steps.
    """

    value: float
    patch: FloatArray
    filter: FloatArray
    places: Mapping[int, FloatArray]


class MeetingNetwork:
    """Steps between two registers and an observable.

    Args:
        steps: The steps of the meeting, first to act first; none reads the table of patches.
        data: The patch's qubits.
        filters: The filter's qubits.
        observable: What is measured.

    Raises:
        InputError: If a tensor on the way were too large.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        data: Sequence[cirq.Qid],
        filters: Sequence[cirq.Qid],
        observable: Observable,
    ) -> None:
        self._steps = steps
        number = itertools.count()
        ends: dict[cirq.Qid, int] = {}
        self._fixed: list[FloatArray] = []
        indices: list[_Indices] = []

        def add(own: Sequence[int], coefficients: FloatArray) -> None:
            indices.append(tuple(own))
            self._fixed.append(coefficients)

        for qubits, values in observable.groups:
            ends.update((qubit, next(number)) for qubit in qubits)
            add([ends[qubit] for qubit in qubits], diagonal_coefficients(np.asarray(values)))

        def end_of(qubit: cirq.Qid) -> int:
            if qubit not in ends:
                ends[qubit] = next(number)
                add([ends[qubit]], IDENTITY)
            return ends[qubit]

        acting: list[tuple[int, _Indices]] = []
        for place in reversed(range(len(steps))):
            step = steps[place]
            # What acts on nothing that is looked at later has no part in the mean.
            if ends.keys().isdisjoint(step.qubits):
                continue
            after = [end_of(qubit) for qubit in step.qubits]
            before = [next(number) for _ in step.qubits]
            acting.append((place, (*after, *before)))
            ends.update(zip(step.qubits, before, strict=True))
        registers = [tuple(end_of(qubit) for qubit in own) for own in (data, filters)]
        for qubit, index in list(ends.items()):
            if qubit not in (*data, *filters):
                add([index], ZERO_STATE)
        self._acting = [place for place, _ in acting]
        self._shapes = [(4,) * len(own) for own in registers]
        indices += [own for _, own in acting] + registers
        self._contraction = _Contraction(indices)

    def gradients(
        self, patch: FloatArray, filter_state: FloatArray, matrices: Matrices, tables: AngleTables
    ) -> Gradients:
        """The mean and its derivatives; it is linear in each of the tensors.

        Args:
            patch: Coefficients of the patch's state, or of a sum of states, shape (4^n,).
            filter_state: Coefficients of the filter's state, shape (4^m,).
            matrices: The matrices of the places.
            tables: The angle tables, with one row for the filter.
        """
        own = [self._matrix(place, matrices, tables) for place in self._acting]
        states = [
            state.reshape(shape)
            for state, shape in zip((patch, filter_state), self._shapes, strict=True)
        ]
        value, by = self._contraction.gradients([*self._fixed, *own, *states])
        first = len(self._fixed)
        places = {
            place: by[first + i].reshape(matrices[place].shape)
            for i, place in enumerate(self._acting)
            if place in matrices
        }
        return Gradients(value, by[-2].ravel(), by[-1].ravel(), places)

    def _matrix(self, place: int, matrices: Matrices, tables: AngleTables) -> FloatArray:
        step = self._steps[place]
        if isinstance(step, Place):
            matrix = matrices[place]
        elif isinstance(step, Fixed):
            matrix = step.transfer
        else:
            matrix = _turn_matrix(step, tables)
        return matrix.reshape((4,) * (2 * len(step.qubits)))


def _turn_matrix(turn: Turn, tables: AngleTables) -> FloatArray:
    (angle,) = turn.angles(tables)
    first, second = turn.plane
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix


class _Contraction:
    """Contracts tensors to a number, pair by pair, and goes back.

    Args:
        indices: The indices of each tensor, every one on two of them.
    """

    def __init__(self, indices: Sequence[_Indices]) -> None:
        sets = [frozenset(own) for own in indices]
        sizes = {index: 4 for own in indices for index in own}
        path = opt_einsum.paths.greedy(sets, frozenset(), sizes)
        live = list(range(len(indices)))
        known = list(indices)
        self._pairs: list[tuple[int, int]] = []
        for places in path:
            chosen = [live.pop(place) for place in sorted(places, reverse=True)]
            if len(chosen) == 1:
                live.append(chosen[0])
                continue
            one, other = chosen
            left = tuple(i for i in known[one] if i not in known[other])
            right = tuple(i for i in known[other] if i not in known[one])
            if 4 ** len(left + right) > _LARGEST_TENSOR:
                raise InputError(
                    f"the meeting of patch and filter makes a tensor of {len(left + right)} "
                    "qubits, which an error budget has no memory for: choose a smaller kernel or "
                    "the inversion test."
                )
            live.append(len(known))
            self._pairs.append((one, other))
            known.append(left + right)
        self._known = known

    def gradients(self, tensors: Sequence[FloatArray]) -> tuple[float, list[FloatArray]]:
        """The value and its derivative by each tensor.

        Args:
            tensors: In the order of the indices.
        """
        values = list(tensors)
        for one, other in self._pairs:
            left, right = self._known[one], self._known[other]
            values.append(_contracted(values[one], left, values[other], right))
        by: list[FloatArray | None] = [None] * len(values)
        by[-1] = np.ones(())
        for number in reversed(range(len(self._pairs))):
            one, other = self._pairs[number]
            own = len(tensors) + number
            upstream, indices = by[own], self._known[own]
            assert upstream is not None
            for mine, partner in ((one, other), (other, one)):
                found = _contracted(upstream, indices, values[partner], self._known[partner])
                order = _difference(indices, self._known[partner])
                by[mine] = found.transpose([order.index(i) for i in self._known[mine]])
            by[own] = None
        return float(values[-1]), [each for each in by[: len(tensors)] if each is not None]


def _difference(one: _Indices, other: _Indices) -> list[int]:
    """The indices of a contraction of two tensors."""
    return [i for i in one if i not in other] + [i for i in other if i not in one]


def _contracted(one: FloatArray, own: _Indices, other: FloatArray, others: _Indices) -> FloatArray:
    """Sums over all indices that two tensors share."""
    shared = [index for index in own if index in others]
    axes = ([own.index(i) for i in shared], [others.index(i) for i in shared])
    return np.asarray(np.tensordot(one, other, axes=axes))
