"""What an operation looks like on each of its wires."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import cirq

from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot, TableAngle


class Kind(enum.Enum):
    """The shape on one wire."""

    BOX = enum.auto()
    CONTROL = enum.auto()
    TARGET = enum.auto()
    """The target of a CNOT."""
    CROSS = enum.auto()
    """One end of a SWAP."""
    METER = enum.auto()


@dataclass(frozen=True)
class Symbol:
    """One operation on one wire.

    Attributes:
        kind: The shape.
        label: What is written in a box.
        detail: A second, smaller line in a box; may be empty.
    """

    kind: Kind
    label: str = ""
    detail: str = ""


_TABLE_LETTERS = {"patch": "x", "filter": "f", "upstream": "g"}
_KINDS = {
    "@": Kind.CONTROL,
    "×": Kind.CROSS,
    "Swap": Kind.CROSS,
    "swap": Kind.CROSS,
}
_LONGEST = 8


def symbols_of(operation: cirq.Operation) -> list[Symbol]:
    """The symbols of an operation, one for each of its qubits, in their order."""
    n_qubits = len(operation.qubits)
    gate = operation.gate
    if cirq.is_measurement(operation):
        return [Symbol(Kind.METER, "M")] * n_qubits
    if isinstance(gate, Slot):
        return [_slot(gate)]
    if isinstance(gate, cirq.PhasedXZGate) and not cirq.is_parameterized(gate):
        return [_pulse(gate)]
    if gate == cirq.CNOT:
        return [Symbol(Kind.CONTROL), Symbol(Kind.TARGET)]
    if gate in (cirq.SQRT_ISWAP, cirq.SQRT_ISWAP_INV):
        return [Symbol(Kind.BOX, "√iS" if gate == cirq.SQRT_ISWAP else "√iS†")] * n_qubits
    if isinstance(operation.untagged, cirq.CircuitOperation):
        repeated = _short(f"x{operation.untagged.repetitions}")
        return [Symbol(Kind.BOX, "circuit", repeated)] * n_qubits
    return _as_cirq_draws(operation)


def _slot(slot: Slot) -> Symbol:
    """The axis of a single rotation, and what its angle is read from."""
    columns = [
        f"{'-' if factor.angle.sign < 0 else ''}{_TABLE_LETTERS[factor.angle.table]}"
        f"{factor.angle.column}"
        for factor in slot.factors
        if isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle)
    ]
    detail = ",".join(columns) if len(columns) < 3 else f"{columns[0]}..."
    if len(slot.factors) == 1 and isinstance(slot.factors[0], Rotation):
        rotation = slot.factors[0]
        if not columns:
            assert isinstance(rotation.angle, float)
            return Symbol(Kind.BOX, rotation.axis.upper(), _number(rotation.angle / math.pi))
        return Symbol(Kind.BOX, f"R{rotation.axis.upper()}", detail)
    if all(isinstance(factor, FixedUnitary) for factor in slot.factors) and len(slot.factors) == 1:
        pulse = cirq.single_qubit_matrix_to_phxz(cirq.unitary(slot))
        return Symbol(Kind.BOX, "I") if pulse is None else _pulse(pulse)
    return Symbol(Kind.BOX, "U", detail)


def _pulse(gate: cirq.PhasedXZGate) -> Symbol:
    """X, Y or Z with their exponent where the pulse is one of them, else U."""
    exponents = gate.x_exponent, gate.z_exponent, gate.axis_phase_exponent
    x, z, a = (float(each) for each in exponents)
    if abs(x) < 1e-6:
        return Symbol(Kind.BOX, "Z", _number(z))
    if abs(z) < 1e-6:
        for axis, phase in (("X", 0.0), ("Y", 0.5)):
            turned = (a - phase) % 2
            if min(turned, 2 - turned) < 1e-6:
                return Symbol(Kind.BOX, axis, _number(x))
            if abs(turned - 1) < 1e-6:
                return Symbol(Kind.BOX, axis, _number(-x))
    return Symbol(Kind.BOX, "U", _number(x))


def _as_cirq_draws(operation: cirq.Operation) -> list[Symbol]:
    arguments = cirq.CircuitDiagramInfoArgs(
        known_qubits=operation.qubits,
        known_qubit_count=len(operation.qubits),
        use_unicode_characters=True,
        precision=2,
        label_map=None,
    )
    try:
        info = cirq.circuit_diagram_info(operation.untagged, arguments, default=None)
    except (TypeError, ValueError):
        info = None
    if info is None or len(info.wire_symbols) != len(operation.qubits):
        name = type(operation.gate or operation.untagged).__name__
        return [Symbol(Kind.BOX, _short(name))] * len(operation.qubits)
    exponent = "" if info.exponent == 1 else _number(info.exponent)
    symbols: list[Symbol] = []
    for text in info.wire_symbols:
        kind = _KINDS.get(text, Kind.BOX)
        controls = Kind.CONTROL in (each.kind for each in symbols)
        if text == "X" and controls and not exponent:
            kind = Kind.TARGET
        symbols.append(Symbol(kind, _short(text), exponent if kind is Kind.BOX else ""))
    if exponent and all(each.kind is not Kind.BOX for each in symbols):
        # A power of CZ or SWAP: its last wire becomes a box that shows the exponent.
        name = "Z" if symbols[-1].kind is Kind.CONTROL else "SWAP"
        symbols[-1] = Symbol(Kind.BOX, name, exponent)
    return symbols


def _number(value: object) -> str:
    text = f"{value:.2f}" if isinstance(value, int | float) else str(value)
    return _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
