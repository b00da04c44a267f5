"""Evolving the Pauli coefficients of many instances of a process at once.

Coefficients are an array (4^n, instances). Qubits that have not yet interacted are kept in arrays
of their own, of which a product is only made when a gate needs it. A rotation turns two of four
planes of an array in place; a fixed step with one entry in each row (a Clifford gate followed by
Pauli noise) is a selection of rows and a scaling, any other one a product of matrices.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.arrays import NUMPY, Array, ArrayLibrary
from qucnn_cirq.engines.pauli_transfer import ZERO_STATE
from qucnn_cirq.engines.steps import Fixed, GateStep, Turn

_NEGLIGIBLE = 1e-15
_LARGEST_SELECTION = 2**12
"""Rows that a selection may list; beyond this the lists take more memory than they save time."""


@dataclass(frozen=True, eq=False)
class _Join:
    """Puts the qubits of cluster ``other`` behind those of cluster ``cluster``."""

    cluster: int
    other: int


@dataclass(frozen=True, eq=False)
class _Rotate:
    """Turns two planes of a cluster."""

    cluster: int
    axis: int
    turn: Turn


@dataclass(frozen=True, eq=False)
class _Select:
    """Takes rows of a cluster and multiplies each by its factor."""

    cluster: int
    rows: Array
    factors: Array


@dataclass(frozen=True, eq=False)
class _Multiply:
    """Multiplies some axes of a cluster by a matrix; they become its first."""

    cluster: int
    axes: tuple[int, ...]
    matrix: Array


_Instruction = _Join | _Rotate | _Select | _Multiply


class Evolution:
    """Steps made ready for one array library.

    Args:
        steps: The steps, first to act first.
        qubits: What they act on, each in |0> at the start.
        library: The array library.

    Attributes:
        qubits: The qubits in the order that the results have.
    """

    def __init__(
        self, steps: Sequence[GateStep], qubits: Sequence[cirq.Qid], library: ArrayLibrary = NUMPY
    ) -> None:
        self._library = library
        self._instructions: list[_Instruction] = []
        clusters = [[qubit] for qubit in qubits]
        home = {qubit: i for i, qubit in enumerate(qubits)}
        self._starts = len(clusters)

        def join(members: Sequence[cirq.Qid]) -> int:
            first = home[members[0]]
            for qubit in members:
                other = home[qubit]
                if other != first:
                    self._instructions.append(_Join(first, other))
                    clusters[first] += clusters[other]
                    home.update(dict.fromkeys(clusters[other], first))
            return first

        for step in steps:
            cluster = join(step.qubits)
            order = clusters[cluster]
            axes = tuple(order.index(qubit) for qubit in step.qubits)
            if isinstance(step, Turn):
                self._instructions.append(_Rotate(cluster, axes[0], step))
                continue
            selection = _selection(step, order)
            if selection is not None:
                rows, factors = (library.put(array) for array in selection)
                self._instructions.append(_Select(cluster, rows, factors))
            else:
                matrix = library.put(step.transfer)
                self._instructions.append(_Multiply(cluster, axes, matrix))
                clusters[cluster] = [*step.qubits, *(q for q in order if q not in step.qubits)]
        self._last = join(list(home)) if home else None
        self.qubits = tuple(clusters[self._last]) if self._last is not None else ()

    @functools.cached_property
    def live(self) -> NDArray[np.intp]:
        """The rows of the results that can be other than zero, whatever the angles.

        Of a real state those with an even number of Y. Ascending, shape (rows,).
        """
        if self._last is None:
            return np.arange(1)
        live = dict.fromkeys(range(self._starts), ZERO_STATE != 0)
        for do in self._instructions:
            rows = live[do.cluster]
            if isinstance(do, _Rotate):
                planes = rows.reshape(4**do.axis, 4, -1).copy()
                first, second = do.turn.plane
                planes[:, first] |= planes[:, second]
                planes[:, second] = planes[:, first]
                live[do.cluster] = planes.ravel()
            elif isinstance(do, _Select):
                factors = self._library.get(do.factors)[:, 0]
                live[do.cluster] = rows[self._library.get(do.rows)] & (factors != 0)
            elif isinstance(do, _Multiply):
                reached = np.abs(self._library.get(do.matrix)) > _NEGLIGIBLE
                counts = rows[:, None].astype(float)
                live[do.cluster] = _multiplied(reached + 0.0, do.axes, counts, np)[:, 0] > 0
            else:
                live[do.cluster] = np.logical_and.outer(rows, live[do.other]).ravel()
        return np.flatnonzero(live[self._last])

    def run(self, tables: AngleTables, batch: int = 1) -> Array:
        """The coefficients after the steps.

        Args:
            tables: The angle tables; each has ``batch`` rows, or one for all.
            batch: How many instances.

        Returns:
            Shape (4^n, batch), qubits in the order of `qubits`; an array of the library.
        """
        put, module = self._library.put, self._library.module
        if self._last is None:
            return put(np.ones((1, batch)))
        # Rotations work in place, so these are copies.
        start = np.repeat(ZERO_STATE[:, None], batch, axis=1)
        states = {i: put(start.copy()) for i in range(self._starts)}
        for do in self._instructions:
            state = states[do.cluster]
            if isinstance(do, _Rotate):
                angles = put(do.turn.angles(tables))
                _rotate(state, do.axis, do.turn.plane, module.cos(angles), module.sin(angles))
            elif isinstance(do, _Select):
                state = state[do.rows]
                state *= do.factors
                states[do.cluster] = state
            elif isinstance(do, _Multiply):
                states[do.cluster] = _multiplied(do.matrix, do.axes, state, module)
            else:
                joined = state[:, None, :] * states.pop(do.other)[None, :, :]
                states[do.cluster] = joined.reshape(-1, batch)
        return states[self._last]


def _selection(
    step: Fixed, order: Sequence[cirq.Qid]
) -> tuple[NDArray[np.intp], NDArray[np.float64]] | None:
    """Rows and factors that amount to a step; None if a row of its matrix has several entries."""
    occupied = np.abs(step.transfer) > _NEGLIGIBLE
    size = 4 ** len(order)
    if occupied.sum(axis=1).max() > 1 or size > _LARGEST_SELECTION:
        return None
    rows = occupied.argmax(axis=1)
    factors = np.take_along_axis(step.transfer, rows[:, None], axis=1)
    # Positions of the step's coefficients in those of the whole order, seen as a tensor.
    n_qubits, axes = len(order), [order.index(qubit) for qubit in step.qubits]
    front = np.moveaxis(np.arange(size).reshape((4,) * n_qubits), axes, range(len(axes)))
    selected = front.reshape(len(rows), -1)[rows]
    spread = np.repeat(factors, selected.shape[1], axis=1)
    back = [
        np.moveaxis(array.reshape(front.shape), range(len(axes)), axes).reshape(size)
        for array in (selected, spread)
    ]
    return back[0], back[1][:, None]


def _rotate(state: Array, axis: int, plane: tuple[int, int], cosine: Array, sine: Array) -> None:
    """Turns the first plane towards the second, in place."""
    planes = state.reshape(4**axis, 4, -1, state.shape[1])
    first, second = planes[:, plane[0]], planes[:, plane[1]]
    from_first, from_second = first * sine, second * sine
    first *= cosine
    first -= from_second
    second *= cosine
    second += from_first


def _multiplied(matrix: Array, axes: Sequence[int], state: Array, module: Any) -> Array:
    """Multiplies some axes of a state by a matrix; they become its first."""
    batch = state.shape[1]
    n_qubits = (len(state) - 1).bit_length() // 2
    tensor = state.reshape((4,) * n_qubits + (batch,))
    front = module.moveaxis(tensor, tuple(axes), tuple(range(len(axes))))
    return (matrix @ front.reshape(len(matrix), -1)).reshape(-1, batch)
