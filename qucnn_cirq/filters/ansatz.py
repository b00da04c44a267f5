"""A filter whose rotations have trainable angles: the ansatz of QuCNN (arXiv:2210.05443)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np
import numpy.typing as npt

from noise_models import fields
from noise_models.checks import one_of, only_known_keys
from qucnn_cirq.circuits.slots import TableAngle, fixed, rotation
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters.filter import Filter

ROTATIONS = ("x", "y", "z")
ENTANGLERS = ("chain", "ring", "none")

MOST_LAYERS = 1000
"""Layers of an ansatz."""
MOST_ROTATIONS = 12
"""Rotations of each qubit in one layer."""

_HADAMARD = cirq.unitary(cirq.H)
# Generators of the rotations exp(-i theta P / 2).
_PAULI = {
    "x": np.array([[0, 1], [1, 0]], dtype=np.complex128),
    "y": np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
    "z": np.array([[1, 0], [0, -1]], dtype=np.complex128),
}


def _axes(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or not value:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give one or more of 'x', 'y', 'z'."
        )
    if len(value) > MOST_ROTATIONS:
        raise InputError(
            f"{key} has {len(value)} axes: give at most {MOST_ROTATIONS}; more layers do the rest."
        )
    return tuple(one_of("rotation", axis, ROTATIONS) for axis in value)


@attrs.frozen
class XZAnsatz(Filter):
    """Layers of one-qubit rotations followed by CNOTs, applied to |0...0>.

    A layer rotates every qubit about each axis of `rotations` in turn and then entangles. The
    parameters are those of `parameters.reshape(layers, len(rotations), n_qubits)`. A rotation is
    exp(-i theta P / 2), with theta in radians, as in `cirq.rx`. The default is the ansatz of
    figure 1 in Stein, Mao, Ang and Li, "QuCNN", arXiv:2210.05443.

    Attributes:
        layers: Number of layers, within 1..1000.
        rotations: The axes of one layer, in order, up to 12 out of "x", "y" and "z"; an axis may
            recur.
        entangler: "chain": CNOTs 0 -> 1, 1 -> 2, ...; "ring": the chain and n-1 -> 0 if there
            are more than two qubits; "none": no CNOTs, a product state.

    Raises:
        InputError: If a value is not among those.
    """

    kind: ClassVar[str] = "ansatz"

    layers: int = fields.whole(1, MOST_LAYERS, default=1)
    rotations: tuple[str, ...] = fields.checked(_axes, default=("x", "z"))
    entangler: str = fields.one_of(ENTANGLERS, default="chain")

    def n_parameters(self, n_qubits: int) -> int:
        """One angle per layer, rotation axis and qubit."""
        return self.layers * len(self.rotations) * n_qubits

    def cnot_pairs(self, n_qubits: int) -> tuple[tuple[int, int], ...]:
        """The (control, target) pairs of one layer's CNOTs, in the order they are applied.

        Args:
            n_qubits: Size of the register.
        """
        return _cnot_pairs(self.entangler, n_qubits)

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The layers, a CNOT as a CZ between Hadamard gates; see `Filter.circuit_on`."""
        circuit = cirq.Circuit()
        column = 0
        for _ in range(self.layers):
            for axis in self.rotations:
                for qubit in qubits:
                    circuit.append(rotation(axis, TableAngle("filter", column)).on(qubit))  # type: ignore[arg-type]
                    column += 1
            for control, target in self.cnot_pairs(len(qubits)):
                circuit.append(fixed(_HADAMARD).on(qubits[target]))
                circuit.append(cirq.CZ(qubits[control], qubits[target]))
                circuit.append(fixed(_HADAMARD).on(qubits[target]))
        return circuit

    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """The prepared states, shape (batch, 2**n_qubits); see `Filter.states`."""
        return self.states_at(n_qubits, self.checked_parameters(n_qubits, parameters))

    def angles(self, n_qubits: int, parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The parameters themselves; see `Filter.angles`."""
        return parameters

    def angle_weights(self, n_qubits: int) -> None:
        """None: the angles of the rotations are the parameters."""
        return None

    def states_at(
        self, n_qubits: int, angles: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.complex128]:
        """As `states`: the angles of the rotations are the parameters."""
        batch = len(angles)
        angles = angles.reshape(batch, self.layers, len(self.rotations), n_qubits)
        source = _cnot_permutation(self.entangler, n_qubits)
        state = np.zeros((batch, 2**n_qubits), dtype=np.complex128)
        state[:, 0] = 1.0
        for layer in range(self.layers):
            for axis, name in enumerate(self.rotations):
                gates = _rotations(name, angles[:, layer, axis])
                for qubit in range(n_qubits):
                    split = state.reshape(batch, 2**qubit, 2, 2 ** (n_qubits - qubit - 1))
                    state = np.einsum("bij,bljr->blir", gates[:, qubit], split)
            state = state.reshape(batch, 2**n_qubits)[:, source]
        return state

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the ansatz from `{"kind": "ansatz", "layers": 3, ...}`."""
        options = ("layers", "rotations", "entangler")
        only_known_keys("ansatz filter", mapping, ("kind", *options))
        return cls(**{key: mapping[key] for key in options if key in mapping})

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Does nothing: an ansatz fits every register."""


def _rotations(axis: str, angles: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """Matrices exp(-i angle P / 2), shape (*angles.shape, 2, 2)."""
    half = angles[..., np.newaxis, np.newaxis] / 2
    matrices: npt.NDArray[np.complex128] = (
        np.cos(half) * np.eye(2) - 1j * np.sin(half) * _PAULI[axis]
    )
    return matrices


def _cnot_pairs(entangler: str, n_qubits: int) -> tuple[tuple[int, int], ...]:
    if entangler == "none":
        return ()
    chain = tuple((qubit, qubit + 1) for qubit in range(n_qubits - 1))
    return (*chain, (n_qubits - 1, 0)) if entangler == "ring" and n_qubits > 2 else chain


@functools.lru_cache(maxsize=64)
def _cnot_permutation(entangler: str, n_qubits: int) -> npt.NDArray[np.intp]:
    """The indices `source` with (all CNOTs applied to state) == state[source]."""
    index = np.arange(2**n_qubits)
    source = index
    for control, target in _cnot_pairs(entangler, n_qubits):
        control_bit = (index >> (n_qubits - 1 - control)) & 1
        source = source[index ^ (control_bit << (n_qubits - 1 - target))]
    source.flags.writeable = False
    return source
