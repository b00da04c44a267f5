"""Links that open small circuits in Quirk, Craig Gidney's simulator in the browser."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

from qucnn_cirq.drawing.symbols import short
from qucnn_cirq.errors import InputError

LARGEST_REGISTER = 16
"""Qubits that Quirk simulates."""
_LONGEST_LINK = 60_000
_ADDRESS = "https://algassert.com/quirk#circuit="
_FIXED: dict[cirq.Gate, str] = {
    cirq.H: "H",
    cirq.X: "X",
    cirq.Y: "Y",
    cirq.Z: "Z",
    cirq.S: "Z^½",
    cirq.T: "Z^¼",
}
_CONTROLLED: dict[cirq.Gate, str] = {cirq.CZ: "Z", cirq.CNOT: "X"}


def quirk_link(circuit: cirq.AbstractCircuit, *, qubits: Sequence[cirq.Qid] | None = None) -> str:
    """A link that shows a circuit in Quirk.

    Args:
        circuit: Gates on one qubit, CZ, CNOT, SWAP and measurements, on at most 16 qubits.
        qubits: The wires, from the top; in sorted order if None.

    Raises:
        InputError: If the circuit is too large, or holds something else.
    """
    circuit = _flat(circuit)
    wires = list(sorted(circuit.all_qubits()) if qubits is None else qubits)
    if len(wires) > LARGEST_REGISTER:
        raise InputError(
            f"Quirk shows at most {LARGEST_REGISTER} qubits; the circuit has {len(wires)}."
        )
    columns: list[list[Any]] = []
    for moment in circuit:
        pulses: list[Any] = [1] * len(wires)
        for operation in moment:
            rows = [wires.index(qubit) for qubit in operation.qubits]
            if isinstance(operation.gate, cirq.MeasurementGate):
                for row in rows:
                    pulses[row] = _measure(operation)
            elif isinstance(operation.gate, cirq.PauliMeasurementGate) and len(rows) == 1:
                columns += _in_basis(operation, rows[0], len(wires))
            elif len(rows) == 1:
                pulses[rows[0]] = _one_qubit(operation)
            elif rows:
                # Controls of one column act on all of it, so each pair has its own.
                columns.append(_two_qubit(operation, rows, len(wires)))
        if any(each != 1 for each in pulses):
            columns.append(pulses)
    text = json.dumps({"cols": columns}, separators=(",", ":"), ensure_ascii=False)
    link = _ADDRESS + urllib.parse.quote(text, safe=":,{}[]^")
    if len(link) > _LONGEST_LINK:
        raise InputError(
            f"a link to Quirk would have {len(link)} characters; draw a smaller circuit, or give "
            "--out FILE.svg."
        )
    return link


def _flat(circuit: cirq.AbstractCircuit) -> cirq.AbstractCircuit:
    """A circuit without subcircuits, which Quirk does not have."""
    inner = [
        op for op in circuit.all_operations() if isinstance(op.untagged, cirq.CircuitOperation)
    ]
    if not inner:
        return circuit
    if sum(map(_size, inner)) > _LONGEST_LINK:
        raise InputError(
            "the subcircuits are too long for a link to Quirk: draw a smaller circuit."
        )
    try:
        return cirq.unroll_circuit_op(circuit, deep=True, tags_to_check=None)
    except ValueError as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"Quirk cannot show a subcircuit: {reason}") from None


def _size(operation: cirq.Operation) -> int:
    """How many operations a subcircuit stands for."""
    inner = operation.untagged
    if not isinstance(inner, cirq.CircuitOperation):
        return 1
    if inner.repeat_until is not None or not isinstance(inner.repetitions, int | np.integer):
        raise InputError("Quirk cannot show a subcircuit that is repeated until a condition holds.")
    return abs(int(inner.repetitions)) * sum(map(_size, inner.circuit.all_operations()))


def _measure(operation: cirq.Operation) -> str:
    gate = operation.gate
    assert isinstance(gate, cirq.MeasurementGate)
    if any(gate.full_invert_mask()) or gate.confusion_map:
        raise InputError(
            f"Quirk cannot show the measurement of {operation.qubits[0]}: it has no inverted or "
            "confused results."
        )
    return "Measure"


def _in_basis(operation: cirq.Operation, row: int, n_wires: int) -> list[list[Any]]:
    """A measurement of X or Y, as one of Z between rotations; of Z, as it is."""
    gate = operation.gate
    assert isinstance(gate, cirq.PauliMeasurementGate)
    observable = gate.observable()
    if observable.coefficient.real < 0:
        raise InputError(
            f"Quirk cannot show the measurement of {operation.qubits[0]}: it has no inverted "
            "results."
        )
    around = {1: ("H", "H"), 2: ("X^½", "X^-½"), 3: ()}[int(observable.pauli_mask[0])]
    steps = [around[0], "Measure", around[1]] if around else ["Measure"]
    return [[step if index == row else 1 for index in range(n_wires)] for step in steps]


def _one_qubit(operation: cirq.Operation) -> Any:
    gate = operation.gate
    if gate is not None:
        for known, name in _FIXED.items():
            if gate == known:
                return name
    try:
        matrix = None if cirq.is_parameterized(operation) else cirq.unitary(operation, None)
    except ArithmeticError:
        matrix = None  # An infinite exponent.
    if matrix is None or len(matrix) != 2 or not np.isfinite(matrix).all():
        raise InputError(
            f"Quirk cannot show {short(str(operation.untagged), 80)}: it is no gate with numbers "
            "for angles."
        )
    entries = [[_complex(value) for value in row] for row in matrix]
    rows = ",".join("{" + ",".join(row) + "}" for row in entries)
    return {"id": "U", "matrix": "{" + rows + "}"}


def _two_qubit(operation: cirq.Operation, rows: list[int], n_wires: int) -> list[Any]:
    column: list[Any] = [1] * n_wires
    if operation.gate == cirq.SWAP:
        column[rows[0]] = column[rows[1]] = "Swap"
    elif operation.gate in _CONTROLLED:
        column[rows[0]], column[rows[1]] = "•", _CONTROLLED[operation.gate]
    else:
        raise InputError(
            f"Quirk cannot show {short(str(operation.untagged), 80)}: give one-qubit gates, CZ, "
            "CNOT and SWAP."
        )
    return column


def _complex(value: complex) -> str:
    real, imaginary = (float(np.round(part, 9)) + 0.0 for part in (value.real, value.imag))
    if imaginary == 0:
        return f"{real:g}" if real.is_integer() else repr(real)
    sign = "+" if imaginary > 0 else "-"
    return f"{real!r}{sign}{abs(imaginary)!r}i"
