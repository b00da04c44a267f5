"""Links that open small circuits in Quirk, Craig Gidney's simulator in the browser."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import cirq
import numpy as np

from qucnn_cirq.drawing.symbols import short
from qucnn_cirq.errors import InputError, option

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


def quirk_link(circuit: cirq.AbstractCircuit) -> str:
    """A link that shows a circuit in Quirk.

    Args:
        circuit: Gates on one qubit, CZ, CNOT, SWAP and measurements, on at most 16 qubits. Quirk
            applies no gate that makes a superposition of a measured qubit.

    Raises:
        InputError: If the circuit is too large, or holds something else.
    """
    circuit = _flat(circuit)
    wires = sorted(circuit.all_qubits())
    if len(wires) > LARGEST_REGISTER:
        raise InputError(
            f"Quirk shows at most {LARGEST_REGISTER} qubits; the circuit has {len(wires)}."
        )
    large = next((qubit for qubit in wires if qubit.dimension != 2), None)
    if large is not None:
        raise InputError(f"Quirk cannot show {large}: it has {large.dimension} levels, not two.")
    columns: list[list[Any]] = []
    read = _Read()
    for moment in circuit:
        pulses: list[Any] = [1] * len(wires)
        for operation in moment:
            rows = [wires.index(qubit) for qubit in operation.qubits]
            read.follow(operation, rows)
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
            f"a link to Quirk would have {len(link)} characters; draw a smaller circuit, or one "
            f"to a file: {option('out', 'FILE.svg')}."
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


class _Read:
    """Which wires have been measured; Quirk skips gates that bring them into superpositions."""

    def __init__(self) -> None:
        self._rows: set[int] = set()
        self._turned: set[int] = set()

    def follow(self, operation: cirq.Operation, rows: list[int]) -> None:
        """Takes the next operation.

        Args:
            operation: The operation.
            rows: The rows of its qubits.

        Raises:
            InputError: If Quirk would skip it.
        """
        gate = operation.gate
        measures = isinstance(gate, cirq.MeasurementGate | cirq.PauliMeasurementGate)
        turns = isinstance(gate, cirq.PauliMeasurementGate) and bool(_rotation(gate))
        read = [row in self._rows for row in rows]
        skipped = any(row in self._turned for row in rows)
        if len(rows) == 1 and read[0]:
            skipped |= turns or not (measures or _only_permutes(operation))
        elif gate == cirq.CNOT:
            skipped |= read[1] and not read[0]
        elif gate == cirq.SWAP:
            self._rows.difference_update(rows)
            self._rows.update(row for row, was in zip(rows[::-1], read, strict=True) if was)
        if skipped:
            raise InputError(
                f"Quirk cannot show {short(str(operation.untagged), 80)}: it follows a "
                "measurement, and Quirk makes no superpositions of what was measured."
            )
        if measures:
            self._rows.update(rows)
        if turns:
            self._turned.update(rows)


def _only_permutes(operation: cirq.Operation) -> bool:
    matrix = cirq.unitary(operation, None)
    return matrix is not None and bool(np.isin(np.abs(matrix).round(9), (0, 1)).all())


def _rotation(gate: cirq.PauliMeasurementGate) -> str:
    """The gate that takes the basis of a qubit to that of Z; empty if it is that."""
    return {1: "H", 2: "X^½"}.get(int(gate.observable().pauli_mask[0]), "")


def _in_basis(operation: cirq.Operation, row: int, n_wires: int) -> list[list[Any]]:
    """A measurement of X or Y, as one of Z after a rotation; of Z, as it is.

    It would take another rotation to come back, which Quirk does not apply to what was measured.
    """
    gate = operation.gate
    assert isinstance(gate, cirq.PauliMeasurementGate)
    observable = gate.observable()
    if observable.coefficient.real < 0:
        raise InputError(
            f"Quirk cannot show the measurement of {operation.qubits[0]}: it has no inverted "
            "results."
        )
    steps = [step for step in (_rotation(gate), "Measure") if step]
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
        return column
    # Not every gate has a hash.
    name = next((name for gate, name in _CONTROLLED.items() if operation.gate == gate), None)
    if name is None:
        raise InputError(
            f"Quirk cannot show {short(str(operation.untagged), 80)}: give one-qubit gates, CZ, "
            "CNOT and SWAP."
        )
    column[rows[0]], column[rows[1]] = "•", name
    return column


def _complex(value: complex) -> str:
    real, imaginary = (float(np.round(part, 9)) + 0.0 for part in (value.real, value.imag))
    if imaginary == 0:
        return f"{real:g}" if real.is_integer() else repr(real)
    sign = "+" if imaginary > 0 else "-"
    return f"{real!r}{sign}{abs(imaginary)!r}i"
