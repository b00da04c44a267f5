"""Links that open small circuits in Quirk, Craig Gidney's simulator in the browser."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Sequence
from typing import Any

import cirq
import numpy as np

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
            if cirq.is_measurement(operation) or len(rows) == 1:
                for row in rows:
                    pulses[row] = _one_qubit(operation)
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


def _one_qubit(operation: cirq.Operation) -> Any:
    if cirq.is_measurement(operation):
        return "Measure"
    gate = operation.gate
    if gate is not None:
        for known, name in _FIXED.items():
            if gate == known:
                return name
    if cirq.is_parameterized(operation) or not cirq.has_unitary(operation):
        raise InputError(
            f"Quirk cannot show the {type(gate).__name__} on {operation.qubits[0]}: it is no gate "
            "with numbers for angles."
        )
    entries = [[_complex(value) for value in row] for row in cirq.unitary(operation)]
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
            f"Quirk cannot show {operation.untagged}: give one-qubit gates, CZ, CNOT and SWAP."
        )
    return column


def _complex(value: complex) -> str:
    real, imaginary = (float(np.round(part, 9)) + 0.0 for part in (value.real, value.imag))
    if imaginary == 0:
        return f"{real:g}" if real.is_integer() else repr(real)
    sign = "+" if imaginary > 0 else "-"
    return f"{real!r}{sign}{abs(imaginary)!r}i"
