"""Forward and backward through the steps on one register, for many instances at once.

States and observables are arrays of Pauli coefficients (4^n, instances). Where they meet at a
place, the sum over instances of their outer products on the qubits of the place is how the mean
depends on the place's matrix.
"""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.budget.places import Matrices, Place, Step
from qucnn_cirq.circuits.slots import AngleTables
from qucnn_cirq.engines.pauli_transfer import ZERO_STATE
from qucnn_cirq.engines.steps import Turn

FloatArray = NDArray[np.float64]


def ground_state(n_qubits: int, instances: int) -> FloatArray:
    """|0...0> for each instance, shape (4^n, instances).

    Args:
        n_qubits: Their number n.
        instances: How many.
    """
    state = np.ones(1)
    for _ in range(n_qubits):
        state = np.outer(state, ZERO_STATE).ravel()
    return np.tile(state[:, np.newaxis], (1, instances))


class Register:
    """The steps on some qubits.

    Args:
        steps: The steps, first to act first.
        qubits: What they act on, the first most significant.
    """

    def __init__(self, steps: Sequence[Step], qubits: Sequence[cirq.Qid]) -> None:
        self._steps = steps
        self._axes = {qubit: axis for axis, qubit in enumerate(qubits)}
        self.n_qubits = len(qubits)

    def forward(
        self,
        states: FloatArray,
        matrices: Matrices,
        tables: AngleTables,
        kept: list[FloatArray] | None = None,
    ) -> FloatArray:
        """Carries states forward.

        Args:
            states: Shape (4^n, instances).
            matrices: The matrices of the places.
            tables: The angle tables, each with a row for each instance, or one for all.
            kept: Takes the states before each place, if there are any to be kept.

        Returns:
            The states at the end, of the same shape.
        """
        for number, step in enumerate(self._steps):
            if isinstance(step, Turn):
                states = self._turned(step, states, step.angles(tables))
            elif isinstance(step, Place):
                if kept is not None:
                    kept.append(states)
                states = self._multiplied(matrices[number], step.qubits, states)
            else:
                states = self._multiplied(step.transfer, step.qubits, states)
        return states

    def backward(
        self,
        observables: FloatArray,
        matrices: Matrices,
        tables: AngleTables,
        kept: list[FloatArray],
        weights: FloatArray,
        found: dict[int, FloatArray],
    ) -> FloatArray:
        """Carries observables back, and adds up what places do to their means.

        Args:
            observables: At the end, shape (4^n, instances), or (4^n, 1) for all.
            matrices: As for `forward`.
            tables: As for `forward`.
            kept: What `forward` kept.
            weights: What instances count for, shape (sums, instances).
            found: Takes, for each place, the weighted sums of outer products, shape
                (sums, 4^k, 4^k); they are added to those that are there.

        Returns:
            The observables before the first step.
        """
        for number in reversed(range(len(self._steps))):
            step = self._steps[number]
            if isinstance(step, Turn):
                observables = self._turned(step, observables, -step.angles(tables))
            elif isinstance(step, Place):
                own = self._products(step.qubits, observables, kept.pop(), weights)
                found[number] = found[number] + own if number in found else own
                observables = self._multiplied(matrices[number].T, step.qubits, observables)
            else:
                observables = self._multiplied(step.transfer.T, step.qubits, observables)
        return observables

    def _turned(self, turn: Turn, states: FloatArray, angles: FloatArray) -> FloatArray:
        if states.shape[1] < len(angles):
            states = np.tile(states, (1, len(angles)))
        planes = states.reshape(4 ** self._axes[turn.qubit], 4, -1, states.shape[1])
        turned = planes.copy()
        first, second = turn.plane
        cosine, sine = np.cos(angles), np.sin(angles)
        turned[:, first] = cosine * planes[:, first] - sine * planes[:, second]
        turned[:, second] = sine * planes[:, first] + cosine * planes[:, second]
        return turned.reshape(states.shape)

    def _multiplied(
        self, matrix: FloatArray, qubits: Sequence[cirq.Qid], states: FloatArray
    ) -> FloatArray:
        blocks = self._in_front(qubits, states)
        product = np.matmul(matrix, blocks)
        return self._back(qubits, product, states.shape)

    def _in_front(self, qubits: Sequence[cirq.Qid], states: FloatArray) -> FloatArray:
        """The coefficients of some qubits as rows, shape (blocks, 4^k, all else)."""
        axes = [self._axes[qubit] for qubit in qubits]
        if len(axes) == 1:
            return states.reshape(4 ** axes[0], 4, -1)
        tensor = states.reshape((4,) * self.n_qubits + (-1,))
        return np.moveaxis(tensor, axes, range(len(axes))).reshape(1, 4 ** len(axes), -1)

    def _back(
        self, qubits: Sequence[cirq.Qid], blocks: FloatArray, shape: tuple[int, ...]
    ) -> FloatArray:
        axes = [self._axes[qubit] for qubit in qubits]
        if len(axes) == 1:
            return blocks.reshape(shape)
        tensor = blocks.reshape((4,) * self.n_qubits + (-1,))
        return np.moveaxis(tensor, range(len(axes)), axes).reshape(shape)

    def _products(
        self,
        qubits: Sequence[cirq.Qid],
        observables: FloatArray,
        states: FloatArray,
        weights: FloatArray,
    ) -> FloatArray:
        size = max(observables.shape[1], states.shape[1], weights.shape[1])
        rows = self._in_front(qubits, np.broadcast_to(states, (len(states), size)))
        found = []
        for own in weights:
            columns = self._in_front(qubits, observables * own)
            found.append(np.matmul(columns, rows.swapaxes(1, 2)).sum(axis=0))
        return np.stack(found)
