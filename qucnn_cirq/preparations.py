"""Circuits of a user's that prepare a state from |0...0>."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np
import numpy.typing as npt

from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.finite import is_finite


def read_qubits(key: str, qubits: object) -> tuple[cirq.Qid, ...]:
    """Reads a list of qubits.

    Args:
        key: The name of the argument, for the error.
        qubits: The qubits, in any sequence.

    Raises:
        InputError: If it is none, or holds anything else.
    """
    try:
        found: tuple[Any, ...] = tuple(qubits)  # type: ignore[arg-type]
    except Exception:
        # A class of the user's may fail in a way of its own.
        found = (None,)
    if not all(isinstance(qubit, cirq.Qid) for qubit in found):
        raise InputError(f"{key} = {shown(qubits)} is not allowed: give a list of qubits.")
    return found


def checked_register(
    what: str,
    circuit: object,
    qubits: Sequence[cirq.Qid] | None,
    *,
    symbols: bool = False,
) -> tuple[cirq.Qid, ...]:
    """The register that a circuit prepares, most significant qubit first.

    Args:
        what: What the circuit is, for the error ("circuit filter").
        circuit: Must be unitary, without measurements.
        qubits: The register, which may hold qubits that the circuit leaves alone; None for the
            circuit's qubits in sorted order.
        symbols: Whether it may have symbols.

    Raises:
        InputError: If the circuit is not of that kind, or the register does not cover it.
    """
    if not isinstance(circuit, cirq.AbstractCircuit):
        raise InputError(f"{what} needs a cirq.Circuit, not {type(circuit).__name__}.")
    used = sorted(circuit.all_qubits())
    register = tuple(used) if qubits is None else read_qubits(f"qubits of the {what}", qubits)
    if not register:
        raise InputError(f"{what} has no qubits: give a circuit that acts on some.")
    missing = [qubit for qubit in used if qubit not in register]
    if missing:
        raise InputError(f"{what} acts on {missing[0]}, which is not in its qubits: add it there.")
    if len(set(register)) != len(register):
        raise InputError(f"qubits {register} of the {what} name one qubit twice.")
    if any(qubit.dimension != 2 for qubit in register):
        raise InputError(f"{what} has a qudit: use qubits (dimension 2) only.")
    if cirq.is_measurement(circuit):
        raise InputError(f"{what} has a measurement: give the preparation alone.")
    names = sorted(cirq.parameter_names(circuit))
    if names and not symbols:
        raise InputError(
            f"{what} has unresolved symbols ({shown(', '.join(names), 60)}): resolve them first, "
            "with cirq.resolve_parameters."
        )
    for operation in circuit.all_operations():
        if not is_finite(operation):
            raise InputError(
                f"{what} has a number that is NaN or infinite in its {len(operation.qubits)}-qubit "
                f"operation on {operation.qubits[0] if operation.qubits else 'no qubit'}: give "
                "finite numbers."
            )
        if not cirq.has_unitary(_resolved(what, operation)):
            if "sympy." in repr(operation):
                # Of a gate that does not tell Cirq of its symbols, such as PhasedFSimGate.
                raise InputError(
                    f"{what} has {shown(str(operation), 60)}, whose symbols Cirq cannot resolve: "
                    "write it in other gates."
                )
            raise InputError(
                f"{what} has the operation {operation}, which is not unitary: give a circuit that "
                "prepares a pure state."
            )
    return register


def _resolved(what: str, operation: cirq.Operation) -> cirq.Operation:
    """An operation at some value of its symbols."""
    names = cirq.parameter_names(operation)
    if not names:
        return operation
    try:
        found = cirq.resolve_parameters(operation, dict.fromkeys(names, 0.25))
    except Exception:
        # Whatever a formula does at a value, division by zero included.
        found = operation
    if cirq.is_parameterized(found):
        raise InputError(
            f"{what} has symbols in {shown(str(operation), 60)} that cannot be resolved by their "
            "names: use sympy.Symbol(name), in sums of symbols times numbers."
        )
    return found


def prepared_state(
    circuit: cirq.AbstractCircuit, qubits: Sequence[cirq.Qid]
) -> npt.NDArray[np.complex128]:
    """The unit vector that a circuit makes of |0...0>, first qubit most significant.

    Args:
        circuit: A unitary circuit without symbols.
        qubits: Its register, most significant qubit first; it may hold qubits that the circuit
            leaves alone.

    Returns:
        A complex vector, shape (2^n,).
    """
    vector = circuit.final_state_vector(initial_state=0, qubit_order=qubits, dtype=np.complex128)
    normalised: npt.NDArray[np.complex128] = vector / np.linalg.norm(vector)
    return normalised
