"""Arrays with their derivatives by numbers, of which each knows those that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.pauli_transfer import ZERO_STATE, diagonal_coefficients, embed

FloatArray = NDArray[np.float64]

OUTCOMES = np.stack([diagonal_coefficients(np.eye(2)[bit]) for bit in (0, 1)])
"""The observables |0><0| and |1><1|, shape (2, 4)."""


@dataclass(frozen=True, eq=False)
class Sloped:
    """An array and its derivatives.

    Attributes:
        value: The array.
        slopes: Its derivatives by the numbers that change it, each of a shape that broadcasts to
            its own.
    """

    value: FloatArray
    slopes: Mapping[int, FloatArray]

    def mapped(self, linear: Callable[[FloatArray], FloatArray]) -> Sloped:
        """What a linear function makes of it.

        Args:
            linear: The function, of arrays of the value's shape.
        """
        slopes = {number: linear(own) for number, own in self.slopes.items()}
        return Sloped(linear(self.value), slopes)


def product(
    multiply: Callable[[FloatArray, FloatArray], FloatArray], one: Sloped, other: Sloped
) -> Sloped:
    """The product of two, by the product rule.

    Args:
        multiply: Linear in both, of arrays of the values' shapes.
        one: The first.
        other: The second.
    """
    slopes = {number: multiply(own, other.value) for number, own in one.slopes.items()}
    for number, own in other.slopes.items():
        change = multiply(one.value, own)
        slopes[number] = slopes[number] + change if number in slopes else change
    return Sloped(multiply(one.value, other.value), slopes)


@dataclass(frozen=True, eq=False)
class SlopedStep:
    """What happens to Pauli coefficients, with its derivatives.

    Attributes:
        qubits: Where it acts, k of them.
        transfer: Transfer matrices, shape (rows, 4^k, 4^k), one row where it is the same for all.
    """

    qubits: tuple[object, ...]
    transfer: Sloped


def fused(steps: Sequence[SlopedStep]) -> list[SlopedStep]:
    """Steps multiplied together where they nest; see `qucnn_cirq.engines.steps.fused`.

    Args:
        steps: In order of time.
    """
    found: list[SlopedStep | None] = []
    last: dict[object, int] = {}
    for step in steps:
        qubits, transfer = step.qubits, step.transfer
        before = {last.get(qubit, -1) for qubit in qubits}
        index = before.pop() if len(before) == 1 else -1
        covering = found[index] if index >= 0 else None
        if covering is not None and set(qubits) <= set(covering.qubits):
            outer = transfer.mapped(_embedding(qubits, covering.qubits))
            joined = product(np.matmul, outer, covering.transfer)
            found[index] = SlopedStep(covering.qubits, joined)
            continue
        for qubit in qubits:
            index = last.get(qubit, -1)
            inner = found[index] if index >= 0 else None
            if inner is not None and inner.qubits == (qubit,):
                first = inner.transfer.mapped(_embedding((qubit,), qubits))
                transfer = product(np.matmul, transfer, first)
                found[index] = None
        last.update(dict.fromkeys(qubits, len(found)))
        found.append(SlopedStep(qubits, transfer))
    return [step for step in found if step is not None]


def _embedding(
    inner: tuple[object, ...], outer: tuple[object, ...]
) -> Callable[[FloatArray], FloatArray]:
    if inner == outer:
        return lambda matrices: matrices
    if len(inner) == 1 and len(outer) == 2:
        identity = np.eye(4)
        path = "rab,cd->racbd" if inner[0] == outer[0] else "rab,cd->rcadb"
        return lambda matrices: np.einsum(path, matrices, identity).reshape(-1, 16, 16)
    return lambda matrices: np.stack([embed(each, inner, outer) for each in matrices])


class SlopedState:
    """Pauli coefficients of some qubits, with their derivatives, as steps act on them.

    Args:
        qubits: The qubits, each in |0> at the start.
        n_rows: Instances.
        n_numbers: Numbers by which derivatives are taken.
    """

    def __init__(self, qubits: Sequence[object], n_rows: int, n_numbers: int) -> None:
        self._n_rows = n_rows
        # Clusters of qubits that have interacted: their order, and an array of shape
        # (1 + numbers, rows, 4^k).
        start = np.zeros((1 + n_numbers, 1, 4))
        start[0] = ZERO_STATE
        self._clusters: dict[object, tuple[list[object], FloatArray]] = {
            qubit: ([qubit], start) for qubit in qubits
        }

    def apply(self, step: SlopedStep) -> None:
        """Lets a step act.

        Args:
            step: The step.
        """
        order, state = self._joined(step.qubits)
        size = step.transfer.value.shape[-1]
        axes = [2 + order.index(qubit) for qubit in step.qubits]
        tensor = state.reshape(*state.shape[:2], *(4,) * len(order))
        front = np.moveaxis(tensor, axes, range(2, 2 + len(axes)))
        before = front.reshape(*state.shape[:2], size, -1)
        after = step.transfer.value @ before
        for number, slope in step.transfer.slopes.items():
            after[1 + number] += slope @ before[0]
        others = [qubit for qubit in order if qubit not in step.qubits]
        self._keep([*step.qubits, *others], after.reshape(*after.shape[:2], -1))

    def coefficients(self, qubits: Sequence[object]) -> FloatArray:
        """All coefficients, and their derivatives.

        Args:
            qubits: All of its qubits in the order that is wanted.

        Returns:
            Shape (1 + numbers, rows, 4^n).
        """
        order, state = self._joined(qubits)
        return self._of_all_rows(_ordered(state, order, qubits, 4))

    def outcomes(self, measured: Sequence[object]) -> FloatArray:
        """Probabilities of the bits of some qubits, and their derivatives.

        Args:
            measured: The qubits, the first most significant.

        Returns:
            Shape (1 + numbers, rows, 2^m).
        """
        order: list[object] = []
        found = np.zeros((0, 1, 1))
        for qubits, state in {id(own): own for own in self._clusters.values()}.values():
            axes = [2 + place for place, qubit in enumerate(qubits) if qubit in measured]
            # What is not measured is summed over.
            others = [axis for axis in range(2, 2 + len(qubits)) if axis not in axes]
            tensor = state.reshape(*state.shape[:2], *(4,) * len(qubits))
            tensor = tensor.transpose(*others, 0, 1, *axes)[(0,) * len(others)]
            for axis in range(2, 2 + len(axes)):
                tensor = np.moveaxis(np.tensordot(OUTCOMES, tensor, axes=(1, axis)), 0, axis)
            own = tensor.reshape(*state.shape[:2], -1)
            found = _side_by_side(found, own) if len(found) else own
            order += [qubits[axis - 2] for axis in axes]
        return self._of_all_rows(_ordered(found, order, measured, 2))

    def _of_all_rows(self, found: FloatArray) -> FloatArray:
        return np.broadcast_to(found, (len(found), self._n_rows, found.shape[2]))

    def _joined(self, qubits: Sequence[object]) -> tuple[list[object], FloatArray]:
        order, state = self._clusters[qubits[0]]
        for qubit in qubits[1:]:
            if qubit not in order:
                others, own = self._clusters[qubit]
                order, state = [*order, *others], _side_by_side(state, own)
                self._keep(order, state)
        return order, state

    def _keep(self, order: list[object], state: FloatArray) -> None:
        self._clusters.update(dict.fromkeys(order, (order, state)))


def _side_by_side(one: FloatArray, other: FloatArray) -> FloatArray:
    """The product of two, each of shape (1 + numbers, rows, coefficients)."""
    joined = one[:1, :, :, None] * other[:, :, None, :]
    joined[1:] += one[1:, :, :, None] * other[:1, :, None, :]
    found: FloatArray = joined.reshape(*joined.shape[:2], -1)
    return found


def _ordered(
    state: FloatArray, order: Sequence[object], wanted: Sequence[object], size: int
) -> FloatArray:
    """The same with its qubits in another order; each has as many coefficients."""
    tensor = state.reshape(*state.shape[:2], *(size,) * len(order))
    places = [2 + order.index(qubit) for qubit in wanted]
    found: FloatArray = tensor.transpose(0, 1, *places).reshape(state.shape)
    return found
