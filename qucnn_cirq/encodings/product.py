"""Encodings in product states: every qubit is turned by itself."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import ClassVar, Literal

import attrs
import cirq
import numpy as np

from noise_models import fields
from qucnn_cirq.circuits.slots import Rotation, Slot, Table, TableAngle
from qucnn_cirq.encodings.encoding import ComplexArray, Encoding, FloatArray

_PAULI = {name: cirq.unitary(gate) for name, gate in (("x", cirq.X), ("y", cirq.Y), ("z", cirq.Z))}


class ProductEncoding(Encoding):
    """Rotations of single qubits, whose angles are functions of the values.

    Derive a frozen class with `axes` and `turned`. Any patch has a state, one of zeros as well.

    Attributes:
        axes: The axes about which each qubit turns, in order of time.
        values_each: Values that a qubit holds; where they do not come out even the last qubit has
            zeros in place of what is missing.
    """

    axes: ClassVar[tuple[Literal["x", "y", "z"], ...]]
    values_each: ClassVar[int] = 1

    @abc.abstractmethod
    def turned(self, values: FloatArray) -> FloatArray:
        """Angles from the values of each qubit.

        Args:
            values: Shape (..., values_each).

        Returns:
            Radians, shape (..., axes).
        """

    def turning(self, values: FloatArray) -> FloatArray:
        """Derivatives of `turned`, shape (..., axes, values_each).

        Args:
            values: As for `turned`.
        """
        raise NotImplementedError

    def n_qubits(self, n_elements: int) -> int:
        """One qubit for every `values_each` values."""
        return -(-n_elements // self.values_each)

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table, n_elements: int) -> cirq.Circuit:
        """One gate on each qubit; see `Encoding.circuit`."""
        count = len(self.axes)
        return cirq.Circuit(
            Slot(
                tuple(
                    Rotation(axis, TableAngle(table, count * place + number))
                    for number, axis in enumerate(self.axes)
                )
            ).on(qubit)
            for place, qubit in enumerate(qubits)
        )

    def angles(self, values: FloatArray) -> FloatArray:
        """See `Encoding.angles`: those of the first qubit first."""
        return self.turned(self._by_qubit(values)).reshape(len(values), -1)

    def slopes(self, values: FloatArray) -> FloatArray:
        """See `Encoding.slopes`."""
        if type(self).turning is ProductEncoding.turning:
            return super().slopes(values)
        own = self.turning(self._by_qubit(values))
        batch, n_qubits, n_axes, each = own.shape
        found = np.zeros((batch, n_qubits, n_axes, n_qubits, each))
        places = np.arange(n_qubits)
        found[:, places, :, places, :] = own.swapaxes(0, 1)
        return found.reshape(batch, n_qubits * n_axes, -1)[:, :, : values.shape[1]]

    def _prepared(self, angles: FloatArray, n_elements: int) -> ComplexArray:
        # One product after the other: a circuit takes a pass over all amplitudes for each qubit.
        turned = angles.reshape(len(angles), -1, len(self.axes))
        qubits = np.zeros((*turned.shape[:2], 2), np.complex128)
        qubits[..., 0] = 1
        for number, axis in enumerate(self.axes):
            half = turned[..., number, None] / 2
            qubits = np.cos(half) * qubits - 1j * np.sin(half) * (qubits @ _PAULI[axis].T)
        states = np.ones((len(angles), 1), np.complex128)
        for place in range(qubits.shape[1]):
            states = (states[:, :, None] * qubits[:, place, None]).reshape(len(angles), -1)
        return states

    def _by_qubit(self, values: FloatArray) -> FloatArray:
        n_qubits = self.n_qubits(values.shape[1])
        padded = np.zeros((len(values), n_qubits * self.values_each))
        padded[:, : values.shape[1]] = values
        return padded.reshape(len(values), n_qubits, self.values_each)


@attrs.frozen
class Angle(ProductEncoding):
    """RY(pi x) for every value x in 0..1: from |0> to |1>.

    The form of most quanvolutional networks after Henderson et al., arXiv:1904.04767. A blank patch
    is |0...0>.
    """

    kind = "angle"
    title = "RY(pi x) on a qubit for each value"
    lowest, highest = 0.0, 1.0
    axes = ("y",)

    def turned(self, values: FloatArray) -> FloatArray:
        """Pi x."""
        return np.pi * values

    def turning(self, values: FloatArray) -> FloatArray:
        """Pi."""
        return np.full((*values.shape, 1), np.pi)


@attrs.frozen
class DenseAngle(ProductEncoding):
    """RY(2 asin sqrt x) RZ(2 asin sqrt x') for two values in 0..1: both are on one qubit.

    After QuClassi (Stein et al., arXiv:2103.11307): the probability of 1 is the first value. A
    blank patch is |0...0>. Where a value is 0 or 1 the angle has no derivative, and 0 is taken.
    """

    kind = "dense_angle"
    title = "RY(2 asin sqrt x) RZ(2 asin sqrt x') on a qubit for each two values"
    lowest, highest = 0.0, 1.0
    axes = ("y", "z")
    values_each = 2

    def turned(self, values: FloatArray) -> FloatArray:
        """2 asin sqrt x."""
        return 2 * np.arcsin(np.sqrt(values))

    def turning(self, values: FloatArray) -> FloatArray:
        """1 / sqrt(x (1 - x))."""
        product = values * (1 - values)
        found = np.zeros_like(values)
        inside = product > 0
        found[inside] = product[inside] ** -0.5
        return found[..., None] * np.eye(2)


@attrs.frozen
class Arctan(ProductEncoding):
    """RY(atan x) RZ(atan x^2) for every value x, of any size.

    After Chen et al., arXiv:2012.12177. A blank patch is |0...0>.
    """

    kind = "arctan"
    title = "RY(atan x) RZ(atan x^2) on a qubit for each value"
    axes = ("y", "z")

    def turned(self, values: FloatArray) -> FloatArray:
        """Atan x and atan x^2."""
        return np.concatenate([np.arctan(values), np.arctan(values**2)], axis=-1)

    def turning(self, values: FloatArray) -> FloatArray:
        """1/(1 + x^2) and 2x/(1 + x^4)."""
        slopes = [1 / (1 + values**2), 2 * values / (1 + values**4)]
        return np.concatenate(slopes, axis=-1)[..., None]


@attrs.frozen
class Threshold(ProductEncoding):
    """|1> where a value is above a threshold, else |0>: as in Henderson et al., arXiv:1904.04767.

    A blank patch is |0...0>, or |1...1> if the threshold is negative. Gradients of images are 0.

    Attributes:
        threshold: What a value has to exceed.
    """

    kind = "threshold"
    title = "|1> on a qubit for each value above a threshold"
    axes = ("x",)

    threshold: float = fields.real(-np.inf, np.inf, default=0.0)

    def turned(self, values: FloatArray) -> FloatArray:
        """Pi or 0."""
        return np.where(values > self.threshold, np.pi, 0.0)

    def turning(self, values: FloatArray) -> FloatArray:
        """0."""
        return np.zeros((*values.shape, 1))
