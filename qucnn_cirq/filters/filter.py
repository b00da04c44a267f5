"""What every kind of filter offers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import ClassVar

import cirq
import numpy as np
import numpy.typing as npt

from noise_models.extensions import users_code
from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.loaded import evolved, loaded_states
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.circuits.symbols import Rotations, as_rotations, natural_order
from qucnn_cirq.circuits.user_circuits import user_circuit
from qucnn_cirq.errors import InputError
from qucnn_cirq.kinds import Kind
from qucnn_cirq.preparations import checked_register, prepared_state

_WHAT = "filter's circuit"

_REAL = 1e-12
"""Imaginary parts that are rounding."""


class Filter(Kind):
    """A filter of a quantum convolution: immutable, hashable, comparable by content.

    By an overlap test a patch is compared with what the filter's circuit prepares from |0...0>.
    With a measurement the circuit acts on the patch instead.

    The contract of a kind of your own: a frozen dataclass, or an ``attrs.frozen`` class, whose
    fields are its settings, with `kind` and `circuit_on`. All the rest follows from the circuit,
    and each method can be defined anew where there is something quicker. A kind that is a known
    vector defines `fixed_vector` instead, which a loader prepares. A kind is chosen in a mapping as
    ``module:attribute``, or by its own word once it was added by
    `qucnn_cirq.register_filter`.

    Attributes:
        kind: The name of this kind of filter in a mapping or a TOML table.
    """

    what = "filter"
    from_zero: ClassVar[bool] = True
    """Whether what the circuit is written in needs to be right for |0...0> alone."""

    def circuit_on(self, qubits: Sequence[cirq.Qid]) -> cirq.AbstractCircuit:
        """The circuit that prepares the filter from |0...0>.

        Args:
            qubits: The register, most significant qubit first.

        Returns:
            A unitary Cirq circuit on these qubits. Its symbols are the parameters; every angle is
            a sum of symbols times numbers. Or a circuit of CZ gates and of slots that read one
            column of the table ``"filter"`` for each of `angles`, which are the parameters unless
            both it and `angle_weights` are defined.
        """
        raise InputError(
            f"filter {type(self).__name__} defines neither circuit_on nor fixed_vector: define one."
        )

    def acting(self, n_qubits: int) -> Filter:
        """The same filter, for use on every state and not on |0...0> alone.

        Args:
            n_qubits: Size of the register.
        """
        from qucnn_cirq.filters.acting import ActingFilter

        if self.fixed_vector(n_qubits) is not None or _has_slots(_checked_circuit(self, n_qubits)):
            return self
        return ActingFilter(self)

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
            return self.states_at(n_qubits, self.angles(n_qubits, rows))
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
            if is_written:
                return circuit.unfreeze()
            return user_circuit(_WHAT, circuit, qubits, qubits, self.from_zero)
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

    def compact(self, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
        """The circuit that is compiled: `slots`, or one of fewer gates that is equal to it.

        Args:
            qubits: The register, most significant qubit first.

        Returns:
            A circuit of CZ gates and of slots that read `columns`.
        """
        return self.slots(qubits)

    def columns(self, n_qubits: int, angles: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The rows of the table ``"filter"`` that the compact circuit reads, for given angles.

        Args:
            n_qubits: Size of the register.
            angles: Rows as of `angles`, shape (batch, angles).

        Returns:
            Radians, shape (batch, columns): the angles themselves where that circuit is `slots`.
        """
        return angles

    def prepared(self, n_qubits: int, table: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
        """The state vectors that the compact circuit prepares.

        Args:
            n_qubits: Size of the register.
            table: Rows as of `columns`, shape (batch, columns).

        Returns:
            Unit vectors up to a phase, shape (batch, 2**n_qubits).
        """
        return self.states_at(n_qubits, table)

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
        line = cirq.LineQubit.range(n_qubits)
        return loaded_states(self.slots(line), line, {"filter": angles}, len(angles)).T

    def applied(
        self, angles: npt.NDArray[np.float64], states: npt.NDArray[np.complex128]
    ) -> npt.NDArray[np.complex128]:
        """What the filter's circuit makes of states.

        Args:
            angles: Rows as of `angles`, shape (batch, angles), or one row for all states.
            states: Unit vectors, shape (batch, 2**n_qubits).

        Returns:
            Unit vectors up to a phase, shape (batch, 2**n_qubits).
        """
        qubits = cirq.LineQubit.range((states.shape[1] - 1).bit_length())
        return evolved(self.slots(qubits), qubits, states, {"filter": angles})

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
    line = cirq.LineQubit.range(n_qubits)
    return as_rotations(_WHAT, circuit, line, names, filter_.from_zero)


def _has_slots(circuit: cirq.AbstractCircuit) -> bool:
    return any(isinstance(operation.gate, Slot) for operation in circuit.all_operations())
