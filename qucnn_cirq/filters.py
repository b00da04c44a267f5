"""What a filter is: its data, its parameters and its state vector.

A filter is a unit vector on the n qubits of a patch's register. Nothing here compiles anything:
`Filter.states` is the mathematics that compiled circuits are tested against.

A kind of filter of your own is a subclass of `Filter`, see there.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import cirq
import numpy as np
import numpy.typing as npt

from noise_models.registry import Registry
from qucnn_cirq.checks import one_of, only_known_keys, real_array, required, whole_number
from qucnn_cirq.circuit_filter import CircuitFilter
from qucnn_cirq.circuits.slots import TableAngle, fixed, rotation
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filter_base import Filter

__all__ = [
    "ENTANGLERS",
    "FILTER_KINDS",
    "ROTATIONS",
    "CircuitFilter",
    "Filter",
    "FixedFilter",
    "XZAnsatz",
    "filter_from_mapping",
]

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


@dataclass(frozen=True, eq=False)
class FixedFilter(Filter):
    """A given vector, such as a classically trained kernel; it has no parameters.

    Attributes:
        values: Real numbers, finite and not all zero, as a read-only float64 array of the shape
            given: one value per element of a patch, flat or in the shape of the kernel, (rows,
            columns) or (channels, rows, columns). It need not be normalised. Two filters are
            equal if shape and values are.

    Raises:
        InputError: If the values are not real, not finite, none at all or all zero.
    """

    kind: ClassVar[str] = "fixed"

    values: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        # Adding zero turns -0.0 into 0.0, so that equal filters have equal bytes and one hash.
        array = real_array("fixed filter", self.values) + 0.0
        if array.ndim == 0 or array.size == 0:
            raise InputError(
                f"fixed filter has shape {array.shape}: give a vector, a matrix (rows, columns) "
                f"or an array (channels, rows, columns)."
            )
        if not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise InputError(f"fixed filter has {array[index]} at {index}: give finite numbers.")
        if not array.any():
            raise InputError("fixed filter is all zero: it has no state; give a non-zero vector.")
        array.flags.writeable = False
        object.__setattr__(self, "values", array)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FixedFilter):
            return NotImplemented
        return np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.values.shape, self.values.tobytes()))

    def __reduce__(self) -> tuple[type[FixedFilter], tuple[npt.NDArray[np.float64]]]:
        # Pickle forgets that an array is read-only; going through the constructor restores it.
        return FixedFilter, (self.values,)

    def fixed_vector(self, n_qubits: int) -> npt.NDArray[np.float64]:
        """The normalised vector, padded with zeros to 2**n_qubits entries.

        Raises:
            InputError: If the register is too small.
        """
        size = self.values.size
        if size > 2**n_qubits:
            raise InputError(
                f"fixed filter has {size} elements: a register of {n_qubits} qubits holds at most "
                f"{2**n_qubits}."
            )
        # Dividing by the largest element first keeps the squares in range.
        scaled = self.values.ravel() / np.abs(self.values).max()
        padded = np.zeros(2**n_qubits)
        padded[:size] = scaled / np.linalg.norm(scaled)
        return padded

    def to_mapping(self) -> dict[str, Any]:
        """The kind and the values as nested lists of floats."""
        return {"kind": self.kind, "values": self.values.tolist()}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from `{"kind": "fixed", "values": [...]}`."""
        only_known_keys("fixed filter", mapping, ("kind", "values"))
        return cls(required(mapping, "values", "fixed filter"))

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses a filter whose shape is neither flat nor the kernel's."""
        elements = channels * kernel[0] * kernel[1]
        shapes: list[tuple[int, ...]] = [(elements,), (channels, *kernel)]
        if channels == 1:
            shapes.append(kernel)
        if self.values.shape not in shapes:
            allowed = " or ".join(map(str, shapes))
            raise InputError(
                f"fixed filter has shape {self.values.shape}: kernel {kernel} with {channels} "
                f"channel(s) needs shape {allowed}."
            )


@dataclass(frozen=True)
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

    layers: int = 1
    rotations: tuple[str, ...] = ("x", "z")
    entangler: str = "chain"

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", whole_number("layers", self.layers, 1, MOST_LAYERS))
        if not isinstance(self.rotations, Sequence) or not self.rotations:
            raise InputError(
                f"rotations = {shown(self.rotations)} is not allowed: give one or more of 'x', "
                "'y', 'z'."
            )
        if len(self.rotations) > MOST_ROTATIONS:
            raise InputError(
                f"rotations has {len(self.rotations)} axes: give at most {MOST_ROTATIONS}; more "
                "layers do the rest."
            )
        for axis in self.rotations:
            one_of("rotation", axis, ROTATIONS)
        object.__setattr__(self, "rotations", tuple(self.rotations))
        one_of("entangler", self.entangler, ENTANGLERS)

    def n_parameters(self, n_qubits: int) -> int:
        """One angle per layer, rotation axis and qubit."""
        return self.layers * len(self.rotations) * n_qubits

    def cnot_pairs(self, n_qubits: int) -> tuple[tuple[int, int], ...]:
        """The (control, target) pairs of one layer's CNOTs, in the order they are applied."""
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

    def to_mapping(self) -> dict[str, Any]:
        """The kind and the three options."""
        return {
            "kind": self.kind,
            "layers": self.layers,
            "rotations": list(self.rotations),
            "entangler": self.entangler,
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the ansatz from `{"kind": "ansatz", "layers": 3, ...}`."""
        options = ("layers", "rotations", "entangler")
        only_known_keys("ansatz filter", mapping, ("kind", *options))
        return cls(**{key: mapping[key] for key in options if key in mapping})

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Does nothing: an ansatz fits every register."""


class FilterKinds(Registry[type[Filter]]):
    """Kinds of filter by name."""

    def _checked(self, what: str, member: object) -> type[Filter]:
        kind = super()._checked(what, member)
        if not isinstance(getattr(kind, "kind", None), str):
            raise InputError(f"{what} has no kind: give the class kind = a word of its own.")
        if kind.circuit_on is Filter.circuit_on and kind.fixed_vector is Filter.fixed_vector:
            raise InputError(f"{what} defines neither circuit_on nor fixed_vector: define one.")
        if kind.__hash__ is None:
            raise InputError(f"{what} is not hashable: make it a frozen dataclass.")
        return kind


FILTER_KINDS = FilterKinds("filter kind", Filter, classes=True)
"""The kinds of filter that a mapping can name."""

for _kind in (XZAnsatz, FixedFilter, CircuitFilter):
    FILTER_KINDS.register(_kind.kind, _kind)


def filter_from_mapping(mapping: Mapping[str, Any]) -> Filter:
    """Builds a filter from plain data.

    Args:
        mapping: `{"kind": K, ...}` with K one of `FILTER_KINDS`, ``module:attribute`` or
            ``path/to/file.py:attribute``, and the options of that kind.

    Returns:
        The filter. One that was named by its module or its file is written so again.

    Raises:
        InputError: If the kind or an option is unknown or not allowed.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"a filter must be a table of keys and values, not {shown(mapping)}.")
    if "kind" not in mapping:
        raise InputError(f"a filter has no key 'kind': add one of {', '.join(FILTER_KINDS)}.")
    name = mapping["kind"]
    kind = FILTER_KINDS.find(name)
    found = kind.from_mapping(mapping)
    if not isinstance(found, Filter):
        raise InputError(f"filter kind {shown(name)} makes {shown(found, 40)}: make a Filter.")
    if found.kind != name:
        object.__setattr__(found, "kind", name)
    return found


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
