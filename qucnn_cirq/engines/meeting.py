"""The observable that is left on the data register once filter and data have met.

The recorded observable, the noisy steps of the meeting, the ancillas and the filters' states are
small tensors of Pauli coefficients that share indices: a tensor network. Contracting it pair by
pair takes far less than carrying the observable through the whole meeting, because neither the
ancilla's walk nor the noise ever joins more than a few qubits at a time. The order comes from
opt_einsum (D. G. A. Smith and J. Gray, J. Open Source Softw. 3, 753 (2018)).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
import opt_einsum
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.arrays import Array, ArrayLibrary
from qucnn_cirq.engines.pauli_transfer import IDENTITY, ZERO_STATE, diagonal_coefficients
from qucnn_cirq.engines.process import read_observable
from qucnn_cirq.engines.steps import GateStep, Turn

_FILTER = 0
"""The index that counts filters; all others count Pauli coefficients or outcomes of a qubit."""
_LARGEST_MAP = 2**18
"""Numbers in the matrix of a meeting that is contracted once for all filters: 2 MiB."""
_LARGEST_ON_THE_WAY = 2**21
"""Numbers in the largest tensor that contracting it makes."""
_OUTCOMES = np.stack([diagonal_coefficients(np.eye(2)[bit]) for bit in (0, 1)])
"""The observables |0><0| and |1><1|."""


@dataclass(frozen=True, eq=False)
class _Fixed:
    """A tensor that no table changes.

    Attributes:
        indices: Its indices.
        coefficients: An array of the library.
    """

    indices: tuple[int, ...]
    coefficients: Array


@dataclass(frozen=True, eq=False)
class _Turned:
    """The transfer matrix of a rotation; with a third index where each filter has its own angle.

    Attributes:
        indices: Its indices.
        turn: The rotation.
    """

    indices: tuple[int, ...]
    turn: Turn


class Meeting:
    """The meeting of data and filter as a tensor network.

    Args:
        steps: The steps of the meeting, first to act first; none depends on the patch.
        data: The data register, in the order that the result has.
        filters: The filter register, in the order that the filters' states have.
        measured: What is measured: an observable, whose mean is wanted as it is recorded; or
            qubits, of which the probability of every outcome is wanted, before it is recorded.
        noise: The noise, of which readout errors are still to be applied to an observable.
        library: The array library.
        read: All qubits that are read in the moment in which an observable's are.

    Attributes:
        elements: Numbers in the largest tensor that contracting it for one filter makes.
    """

    def __init__(
        self,
        steps: Sequence[GateStep],
        data: Sequence[cirq.Qid],
        filters: Sequence[cirq.Qid],
        measured: Observable | tuple[cirq.Qid, ...],
        noise: Noise,
        library: ArrayLibrary,
        read: tuple[cirq.Qid, ...] | None = None,
    ) -> None:
        self._library = library
        self._tensors: list[_Fixed | _Turned] = []
        number = itertools.count(_FILTER + 1)
        # For each qubit the index that earlier steps attach to: time runs backwards here.
        ends: dict[cirq.Qid, int] = {}

        def add(indices: Sequence[int], coefficients: NDArray[np.float64]) -> None:
            self._tensors.append(_Fixed(tuple(indices), library.put(coefficients)))

        outcomes: list[int] = []
        if isinstance(measured, Observable):
            for qubits, values in read_observable(measured, noise, read):
                ends.update((qubit, next(number)) for qubit in qubits)
                add([ends[qubit] for qubit in qubits], diagonal_coefficients(values))
        else:
            for qubit in measured:
                ends[qubit] = next(number)
                outcomes.append(next(number))
                add([outcomes[-1], ends[qubit]], _OUTCOMES)

        def end_of(qubit: cirq.Qid) -> int:
            """A qubit that nothing later looks at is traced out: the identity is its observable."""
            if qubit not in ends:
                ends[qubit] = next(number)
                add([ends[qubit]], IDENTITY)
            return ends[qubit]

        for step in reversed(steps):
            # Channels preserve the trace: what happens only to qubits that are traced out is no
            # concern of the observable's.
            if ends.keys().isdisjoint(step.qubits):
                continue
            after = [end_of(qubit) for qubit in step.qubits]
            before = [next(number) for _ in step.qubits]
            if isinstance(step, Turn):
                own = (_FILTER,) if step.angle.table == "filter" else ()
                self._tensors.append(_Turned((*after, *before, *own), step))
            else:
                add([*after, *before], step.transfer.reshape((4,) * (2 * len(before))))
            ends.update(zip(step.qubits, before, strict=True))
        result = (_FILTER, *outcomes, *(end_of(qubit) for qubit in data))
        self._state_indices = (*(end_of(qubit) for qubit in filters), _FILTER)
        for qubit, index in ends.items():
            if qubit not in (*data, *filters):
                add([index], ZERO_STATE)
        indices = [*(tensor.indices for tensor in self._tensors), self._state_indices]
        self._n_weights = 2 ** len(outcomes) * 4 ** len(data)
        self._expression = _expression(indices, result)
        self._sizes = {index: 4 for own in indices for index in own} | {_FILTER: 1}
        self._sizes |= dict.fromkeys(outcomes, 2)
        self._order = contraction_order(indices, result, self._sizes)
        # Reading the expression takes as long as contracting it for one filter.
        self._contraction = functools.lru_cache(maxsize=16)(self._contraction_of)
        self.elements = largest_tensor(indices, result, self._sizes, self._order)

    def weights(self, states: Array, tables: AngleTables) -> Array:
        """The observable on the data register, or that of each outcome, for each filter.

        Args:
            states: States of the filters, shape (4^k, filters); (1, filters) if there is no
                filter register.
            tables: The angle tables; ``"filter"`` has a row for each filter.

        Returns:
            Shape (filters, 4^n), or (filters, outcomes * 4^n) for qubits; an array of the library.
        """
        if self._map is not None:
            return states.T @ self._map
        return self._contracted(states, tables)

    @functools.cached_property
    def _map(self) -> Array | None:
        """The observable for each coefficient of a filter's state, shape (4^k, 4^n).

        None if a table changes it, or if it is large: then each filter is contracted by itself.
        """
        size = 4 ** (len(self._state_indices) - 1)
        if (
            any(isinstance(tensor, _Turned) for tensor in self._tensors)
            or size * self._n_weights > _LARGEST_MAP
            or size * self.elements > _LARGEST_ON_THE_WAY
        ):
            return None
        return self._contracted(self._library.put(np.eye(size)), {})

    def _contracted(self, states: Array, tables: AngleTables) -> Array:
        arrays = [
            tensor.coefficients if isinstance(tensor, _Fixed) else self._matrix(tensor, tables)
            for tensor in self._tensors
        ]
        arrays.append(states.reshape((4,) * (len(self._state_indices) - 1) + (-1,)))
        result = self._contraction(tuple(tuple(array.shape) for array in arrays))(*arrays)
        return result.reshape(states.shape[1], -1)

    def _contraction_of(self, shapes: tuple[tuple[int, ...], ...]) -> Callable[..., Array]:
        """Contracts tensors of these shapes."""
        found: Callable[..., Array] = opt_einsum.contract_expression(
            self._expression, *shapes, optimize=self._order
        )
        return found

    def _matrix(self, tensor: _Turned, tables: AngleTables) -> Array:
        """Shape (4, 4), or (4, 4, filters) where each filter has its own angle."""
        angles = tensor.turn.angles(tables)
        first, second = tensor.turn.plane
        matrix = np.zeros((4, 4, len(angles)))
        for row in {0, 1, 2, 3} - {first, second}:
            matrix[row, row] = 1
        matrix[first, first] = matrix[second, second] = np.cos(angles)
        matrix[second, first] = np.sin(angles)
        matrix[first, second] = -matrix[second, first]
        return self._library.put(matrix if _FILTER in tensor.indices else matrix[:, :, 0])


def _expression(indices: Sequence[Sequence[int]], result: Sequence[int]) -> str:
    """The sum in Einstein's notation, as opt_einsum reads it."""

    def symbols(own: Sequence[int]) -> str:
        return "".join(map(opt_einsum.get_symbol, own))

    return ",".join(map(symbols, indices)) + "->" + symbols(result)


def contraction_order(
    indices: Sequence[Sequence[int]], result: Sequence[int], sizes: Mapping[int, int]
) -> list[tuple[int, ...]]:
    """Which tensors to contract, one pair after the other; the same for any number of filters.

    Indices are numbers here and not letters, whose sets have another order in each process: the
    order, and with it the last digits of all results, would differ.

    Args:
        indices: Those of each tensor.
        result: Those of what it makes.
        sizes: How many values each index has.
    """
    sets = [frozenset(own) for own in indices]
    order: list[tuple[int, ...]] = opt_einsum.paths.greedy(sets, frozenset(result), dict(sizes))
    return order


def largest_tensor(
    indices: Sequence[Sequence[int]],
    result: Sequence[int],
    sizes: Mapping[int, int],
    order: Sequence[tuple[int, ...]],
) -> int:
    """Numbers in the largest tensor that contracting in an order makes.

    The same as opt_einsum says, which also works out how to do each contraction and takes longer.

    Args:
        indices: Those of each tensor.
        result: Those of what it makes.
        sizes: How many values each index has.
        order: As of `contraction_order`.
    """
    tensors = [frozenset(own) for own in indices]
    # How many tensors, the result among them, an index is still on.
    users = Counter(index for own in (*tensors, frozenset(result)) for index in own)
    largest = 0
    for places in order:
        taken = [tensors.pop(place) for place in sorted(places, reverse=True)]
        users.subtract(index for own in taken for index in own)
        made = frozenset(index for own in taken for index in own if users[index])
        users.update(made)
        tensors.append(made)
        largest = max(largest, math.prod(sizes[index] for index in made))
    return largest
