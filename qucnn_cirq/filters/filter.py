"""What every kind of filter offers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import cirq
import numpy as np
import numpy.typing as npt

from noise_models.checks import only_known_keys
from noise_models.extensions import users_code
from noise_models.fields import field_names
from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.circuits.symbols import Rotations, as_rotations, natural_order
from qucnn_cirq.circuits.user_circuits import user_circuit
from qucnn_cirq.errors import InputError
from qucnn_cirq.preparations import checked_register, prepared_state

_WHAT = "filter's circuit"

_REAL = 1e-12
"""Imaginary parts that are rounding."""


class Filter:
    """A filter of a quantum convolution: immutable, hashable, comparable by content.

    The contract of a kind of your own: a frozen dataclass, or an ``attrs.frozen`` class, whose
    fields are its settings, with `kind` and `circuit_on`. All the rest follows from the circuit,
    and each method can be defined anew where there is something quicker. A kind that is a known
    vector defines `fixed_vector` instead, which a loader prepares. A kind is chosen in a mapping as
    ``module:attribute``, or by its own word once it was added by
    `qucnn_cirq.register_filter`.

    Attributes:
        kind: The name of this kind of filter in a mapping or a TOML table.
    """

    kind: ClassVar[str]

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.AbstractCircuit:
        """The circuit that prepares the filter from |0...0>.

        Args:
            qubits: The register, most significant qubit first.

        Returns:
            A unitary Cirq circuit on these qubits. Its symbols are the parameters; every angle is
            a sum of symbols times numbers. Or a circuit of CZ gates and of slots that read one
            column of the table ``"filter"`` for each parameter.
        """
        raise InputError(
            f"filter {type(self).__name__} defines neither circuit_on nor fixed_vector: define one."
        )

    def fixed_vector(self, n_qubits: int) -> npt.NDArray[np.float64] | None:
        """The real unit vector, shape (2**n_qubits,), that a loader prepares; None for a circuit.

        Args:
            n_qubits: Size of the register.

        Raises:
            InputError: If the filter does not fit the register.
        """
        return None

    def real_vector(self, n_qubits: int) -> npt.NDArray[np.float64] | None:
        """The filter as a real unit vector, shape (2**n_qubits,), up to a phase, if it is one.

        Args:
            n_qubits: Size of the register.

        Returns:
            None for a filter with parameters or with complex amplitudes.
        """
        if self.n_parameters(n_qubits):
            return None
        (state,) = self.states(n_qubits, np.zeros((1, 0)))
        largest = state[np.abs(state).argmax()]
        turned = state * (largest.conj() / abs(largest))
        return turned.real.copy() if np.abs(turned.imag).max() <= _REAL else None

    def parameter_names(self, n_qubits: int) -> tuple[str, ...]:
        """The symbols of the circuit in the order of the parameters: theta_2 before theta_10.

        Args:
            n_qubits: Size of the register.
        """
        return natural_order(cirq.parameter_names(_checked_circuit(self, n_qubits)))

    def n_parameters(self, n_qubits: int) -> int:
        """How many trainable parameters the filter has on a register of `n_qubits`.

        Args:
            n_qubits: Size of the register.
        """
        if self.fixed_vector(n_qubits) is not None:
            return 0
        return len(self.parameter_names(n_qubits))

    def states(self, n_qubits: int, parameters: npt.ArrayLike) -> npt.NDArray[np.complex128]:
        """The filter's state vectors for a batch of parameters.

        Args:
            n_qubits: Size of the register. Qubit 0 is the most significant bit of an index.
            parameters: Angles in radians, shape (batch, n_parameters(n_qubits)).

        Returns:
            Unit vectors, shape (batch, 2**n_qubits).

        Raises:
            InputError: If the shape of the parameters is wrong or one of them is not finite, or
                if the filter does not fit the register.
        """
        rows = self.checked_parameters(n_qubits, parameters)
        vector = self.fixed_vector(n_qubits)
        if vector is not None:
            return np.tile(vector.astype(np.complex128), (len(rows), 1))
        circuit = _checked_circuit(self, n_qubits)
        if _has_slots(circuit):
            return self.states_at(n_qubits, rows)
        # The circuit as it was given: what is compiled is verified against it.
        names, qubits = self.parameter_names(n_qubits), cirq.LineQubit.range(n_qubits)
        found = [
            prepared_state(
                cirq.resolve_parameters(circuit, dict(zip(names, map(float, row), strict=True))),
                qubits,
            )
            for row in rows
        ]
        return np.reshape(found, (len(rows), 2**n_qubits)).astype(np.complex128)

    def slots(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The circuit in slots and CZ gates, whose slots read the table ``"filter"``.

        Args:
            qubits: The register, most significant qubit first.

        Raises:
            InputError: If the circuit cannot be written so.
        """
        written = _rotations(self, len(qubits)).circuit
        if written is None:
            circuit = self.circuit_on(qubits)
            is_written = _has_slots(circuit)
            return (
                circuit.unfreeze() if is_written else user_circuit(_WHAT, circuit, qubits, qubits)
            )
        line: list[cirq.Qid] = [*cirq.LineQubit.range(len(qubits))]
        return written.transform_qubits(dict(zip(line, qubits, strict=True)))

    def angles(self, n_qubits: int, parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The rows of the table ``"filter"``: the angles of the circuit's rotations.

        Args:
            n_qubits: Size of the register.
            parameters: Shape (batch, n_parameters(n_qubits)).

        Returns:
            Radians, shape (batch, angles).
        """
        written = _rotations(self, n_qubits)
        if written.weights is None:
            return parameters
        rows: npt.NDArray[np.float64] = parameters @ written.weights.T + written.offsets
        return rows

    def angle_weights(self, n_qubits: int) -> npt.NDArray[np.float64] | None:
        """D angles / d parameters, shape (angles, parameters); None where they are the same.

        Args:
            n_qubits: Size of the register.
        """
        return _rotations(self, n_qubits).weights

    def n_angles(self, n_qubits: int) -> int:
        """How many rotations have angles that depend on the parameters, on so many qubits.

        Args:
            n_qubits: Size of the register.
        """
        count = self.n_parameters(n_qubits)
        weights = self.angle_weights(n_qubits) if count else None
        return count if weights is None else len(weights)

    def parameter_slopes(
        self, n_qubits: int, slopes: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """By the chain rule derivatives by the parameters from those by the angles.

        Args:
            n_qubits: Size of the register.
            slopes: Derivatives by the angles, shape (..., angles).

        Returns:
            Derivatives by the parameters, shape (..., parameters).
        """
        weights = self.angle_weights(n_qubits)
        return slopes if weights is None else slopes @ weights

    def states_at(
        self, n_qubits: int, angles: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.complex128]:
        """The state vectors for given angles of the rotations.

        Args:
            n_qubits: Size of the register.
            angles: Rows as of `angles`, shape (batch, angles).

        Returns:
            Unit vectors up to a phase, shape (batch, 2**n_qubits).
        """
        state = np.zeros((len(angles), *(2,) * n_qubits), dtype=np.complex128)
        state.reshape(len(angles), -1)[:, :1] = 1
        for operation in self.slots(cirq.LineQubit.range(n_qubits)).all_operations():
            axes = [1 + qubit.x for qubit in operation.qubits]  # type: ignore[attr-defined]
            if isinstance(operation.gate, Slot):
                gates = operation.gate.unitaries({"filter": angles})
                moved = np.moveaxis(state, axes[0], 1)
                turned = gates @ moved.reshape(len(angles), 2, -1)
                state = np.moveaxis(turned.reshape(moved.shape), 1, axes[0])
            else:
                state = state.copy()
                np.moveaxis(state, axes, (-2, -1))[..., 1, 1] *= -1
        return state.reshape(len(angles), -1)

    def to_mapping(self) -> dict[str, Any]:
        """Plain data from which `filter_from_mapping` builds an equal filter."""
        settings = {name: _plain(getattr(self, name)) for name in field_names(self)}
        return {"kind": self.kind, **settings}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the filter from what `to_mapping` returned; unknown keys are refused.

        Args:
            mapping: The kind and the settings by name; what is absent takes its default.
        """
        only_known_keys(f"{cls.kind} filter", mapping, ("kind", *field_names(cls)))
        given = {key: _frozen(value) for key, value in mapping.items() if key != "kind"}
        with users_code(f"filter {cls.kind}"):
            return cls(**given)

    def check_fits(self, channels: int, kernel: tuple[int, int], n_qubits: int) -> None:
        """Refuses, by an InputError, patches or a register that the filter cannot be used for.

        Args:
            channels: Channels of an image.
            kernel: Rows and columns of a patch.
            n_qubits: Size of the register.
        """
        if self.fixed_vector(n_qubits) is None:
            _rotations(self, n_qubits)

    def checked_parameters(
        self, n_qubits: int, parameters: npt.ArrayLike
    ) -> npt.NDArray[np.float64]:
        """The parameters as a float array of shape (batch, n_parameters), or an InputError.

        Args:
            n_qubits: Size of the register.
            parameters: What a caller gave as angles, in radians.
        """
        array = real_array("parameters", parameters)
        expected = self.n_parameters(n_qubits)
        if array.ndim != 2 or array.shape[1] != expected:
            raise InputError(
                f"parameters have shape {array.shape}: this filter on {n_qubits} qubits takes "
                f"(batch, {expected})."
            )
        if not np.isfinite(array).all():
            row, column = np.argwhere(~np.isfinite(array))[0]
            raise InputError(
                f"parameters[{row}, {column}] is {array[row, column]}: give finite angles."
            )
        return array


@functools.lru_cache(maxsize=128)
def _checked_circuit(filter_: Filter, n_qubits: int) -> cirq.FrozenCircuit:
    """The circuit on a line of qubits."""
    qubits = cirq.LineQubit.range(n_qubits)
    with users_code(f"the circuit of filter {filter_.kind}"):
        circuit = filter_.circuit_on(qubits)
    if not isinstance(circuit, cirq.AbstractCircuit) or not _has_slots(circuit):
        checked_register(_WHAT, circuit, qubits, symbols=True)
    return circuit.freeze()


@functools.lru_cache(maxsize=128)
def _rotations(filter_: Filter, n_qubits: int) -> Rotations:
    """The circuit in rotations; None in place of one without symbols, or already of slots."""
    circuit = _checked_circuit(filter_, n_qubits)
    if _has_slots(circuit):
        return Rotations(None, None, np.zeros(filter_.n_parameters(n_qubits)))
    names, expected = filter_.parameter_names(n_qubits), filter_.n_parameters(n_qubits)
    if len(names) != expected:
        raise InputError(
            f"filter {filter_.kind} has n_parameters = {expected} on {n_qubits} qubits and its "
            f"circuit {len(names)} symbols: make them equal, or leave n_parameters out."
        )
    if not names:
        return Rotations(None, None, np.zeros(0))
    return as_rotations(_WHAT, circuit, cirq.LineQubit.range(n_qubits), names)


def _has_slots(circuit: cirq.AbstractCircuit) -> bool:
    return any(isinstance(operation.gate, Slot) for operation in circuit.all_operations())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    """Lists as tuples, which are hashable."""
    return tuple(_frozen(each) for each in value) if isinstance(value, list | tuple) else value
