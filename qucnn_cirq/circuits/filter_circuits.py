"""Circuits and angle tables of the three kinds of filter."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.checks import real_array
from qucnn_cirq.circuits.loaders import Loader
from qucnn_cirq.circuits.slots import TableAngle, fixed, rotation
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters import CircuitFilter, Filter, FixedFilter, XZAnsatz

_HADAMARD = cirq.unitary(cirq.H)


def filter_circuit(filter_: Filter, qubits: Sequence[cirq.Qid], loader: Loader) -> cirq.Circuit:
    """The logical circuit that prepares a filter from |0...0>, of slots and CZ gates.

    Args:
        filter_: What the filter is.
        qubits: The register, most significant qubit first.
        loader: The loader that a fixed vector is prepared with.

    Returns:
        A circuit whose slots read the table ``"filter"``.

    Raises:
        InputError: If a user's circuit acts on another number of qubits, or holds an operation
            that Cirq cannot write in CZ and one-qubit gates.
    """
    if isinstance(filter_, FixedFilter):
        return loader.circuit(qubits, "filter")
    if isinstance(filter_, XZAnsatz):
        return _ansatz_circuit(filter_, qubits)
    if isinstance(filter_, CircuitFilter):
        return user_circuit("filter's circuit", filter_.circuit, filter_.qubits, qubits)
    raise InputError(
        f"a filter of type {type(filter_).__name__} has no circuit; use FixedFilter, XZAnsatz "
        "or CircuitFilter."
    )


def filter_angles(
    filter_: Filter, parameters: NDArray[np.float64] | None, n_qubits: int, loader: Loader
) -> NDArray[np.float64]:
    """The rows of the table ``"filter"``.

    Args:
        filter_: What the filter is.
        parameters: For an ansatz, shape (parameters,) or (batch, parameters), in radians; must
            be None or empty for a filter without parameters.
        n_qubits: Size of the register.
        loader: The loader that a fixed vector is prepared with.

    Returns:
        Angles of shape (batch, columns); one row where the filter has no parameters.

    Raises:
        InputError: If the number of parameters is wrong or one of them is not finite.
    """
    expected = filter_.n_parameters(n_qubits)
    given = np.zeros((1, 0))
    if parameters is not None:
        given = np.atleast_2d(real_array("filter parameters", parameters))
    if given.ndim != 2 or given.shape[1] != expected:
        raise InputError(
            f"filter parameters of shape {given.shape}: the filter {shown(filter_)} takes "
            f"{expected} parameters on {n_qubits} qubits."
        )
    if not np.isfinite(given).all():
        raise InputError("filter parameters must be finite numbers (radians).")
    if isinstance(filter_, FixedFilter):
        return loader.angles(filter_.vector(n_qubits)[None])
    return given


def _ansatz_circuit(ansatz: XZAnsatz, qubits: Sequence[cirq.Qid]) -> cirq.Circuit:
    entangled = [(qubits[c], qubits[t]) for c, t in ansatz.cnot_pairs(len(qubits))]
    circuit = cirq.Circuit()
    column = 0
    for _ in range(ansatz.layers):
        for axis in ansatz.rotations:
            for qubit in qubits:
                circuit.append(rotation(axis, TableAngle("filter", column)).on(qubit))  # type: ignore[arg-type]
                column += 1
        for control, target in entangled:
            circuit.append(fixed(_HADAMARD).on(target))
            circuit.append(cirq.CZ(control, target))
            circuit.append(fixed(_HADAMARD).on(target))
    return circuit


def user_circuit(
    what: str,
    given: cirq.AbstractCircuit,
    own_qubits: Sequence[cirq.Qid],
    qubits: Sequence[cirq.Qid],
) -> cirq.Circuit:
    """A user's unitary circuit on other qubits, in slots and CZ gates.

    Args:
        what: What the circuit is, for the error.
        given: The circuit.
        own_qubits: Its register.
        qubits: The register it is put on.

    Raises:
        InputError: If the registers differ in size, or Cirq cannot write an operation in CZ and
            one-qubit gates.
    """
    if len(own_qubits) != len(qubits):
        raise InputError(
            f"the {what} acts on {len(own_qubits)} qubits; the register has {len(qubits)}."
        )
    placed = given.unfreeze().transform_qubits(dict(zip(own_qubits, qubits, strict=True)))
    small = cirq.Circuit(
        cirq.decompose(placed, keep=lambda op: len(op.qubits) <= 2, on_stuck_raise=None)
    )
    native = cirq.optimize_for_target_gateset(small, gateset=cirq.CZTargetGateset())
    circuit = cirq.Circuit()
    for operation in native.all_operations():
        if operation.gate == cirq.CZ:
            circuit.append(operation.untagged)
        elif len(operation.qubits) == 1 and cirq.has_unitary(operation):
            circuit.append(fixed(cirq.unitary(operation)).on(*operation.qubits))
        elif operation.qubits:
            raise InputError(
                f"the {what} holds {operation!r}, which Cirq cannot write in CZ and one-qubit "
                "gates; decompose it first."
            )
    return circuit
