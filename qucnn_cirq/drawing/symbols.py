"""What an operation looks like on each of its wires."""

from __future__ import annotations

import enum
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import cirq
import cirq_google

from qucnn_cirq.circuits.slots import FixedUnitary, Rotation, Slot, TableAngle

GATE_NAMES = {"cz": "CZ", "sqrt_iswap": r"${}\sqrt{\mathrm{iSWAP}}$", "syc": "SYC"}
"""What the two-qubit gate of each gate set is called in a figure."""


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
        label: What is written in a box; of a meter "M", or "!M" if its result is inverted.
        detail: A second, smaller line in a box or meter; may be empty.
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
_SHOWN_WHOLE = frozenset(
    {type(gate) for gate in (cirq.X, cirq.Y, cirq.Z, cirq_google.SYC, cirq_google.WillowGate())}
    | {cirq.XPowGate, cirq.YPowGate, cirq.ZPowGate, cirq.HPowGate, cirq.PhasedXPowGate}
    | {cirq.Rx, cirq.Ry, cirq.Rz, cirq.PhasedXZGate, cirq.IdentityGate, cirq.WaitGate}
    | {cirq.CXPowGate, cirq.CZPowGate, cirq.SwapPowGate, cirq.ISwapPowGate, cirq.FSimGate}
    | {cirq.XXPowGate, cirq.YYPowGate, cirq.ZZPowGate, cirq.PhasedISwapPowGate, cirq.MSGate}
    | {cirq.CCXPowGate, cirq.CCZPowGate, cirq.CSwapGate, cirq.ParallelGate, cirq.ResetChannel}
    | {cirq.BitFlipChannel, cirq.PhaseFlipChannel, cirq.DepolarizingChannel}
    | {cirq.AmplitudeDampingChannel, cirq.PhaseDampingChannel, cirq.AsymmetricDepolarizingChannel}
    | {cirq.GeneralizedAmplitudeDampingChannel}
)
"""Gates of which Cirq's symbols tell all but a global phase; those of others may leave out more."""
_TURNS = (cirq.Rx, cirq.Ry, cirq.Rz, cirq.MSGate)
_LONGEST = 24
_RESERVED = ("●", "⊕", "×", "M", "")
"""What a label cannot be, because it is drawn for something else."""


def is_joined(operation: cirq.Operation) -> bool:
    """Whether a line joins the wires of an operation: plain measurements are read one by one.

    Args:
        operation: Any operation.
    """
    return not isinstance(operation.untagged.gate, cirq.MeasurementGate)


def symbols_of(operation: cirq.Operation) -> list[Symbol]:
    """The symbols of an operation, one for each of its qubits, in their order.

    They tell apart operations of another kind, basis, key, condition, order or content; angles are
    rounded.

    Args:
        operation: Any operation; its tags play no part.
    """
    operation = operation.untagged
    n_qubits = len(operation.qubits)
    gate = operation.gate
    if isinstance(operation, cirq.ClassicallyControlledOperation):
        return _conditioned(operation)
    if isinstance(gate, cirq.MeasurementGate):
        return _measured(gate, operation.qubits)
    if isinstance(gate, cirq.PauliMeasurementGate):
        return _measured_pauli(gate)
    if isinstance(gate, Slot):
        return [_slot(gate)]
    if isinstance(gate, cirq.PhasedXZGate) and not cirq.is_parameterized(gate):
        return [_pulse(gate)]
    if gate == cirq.CNOT:
        return [Symbol(Kind.CONTROL), Symbol(Kind.TARGET)]
    if gate in (cirq.SQRT_ISWAP, cirq.SQRT_ISWAP_INV):
        return [Symbol(Kind.BOX, "√iS" if gate == cirq.SQRT_ISWAP else "√iS†")] * n_qubits
    if isinstance(operation, cirq.CircuitOperation):
        return _subcircuit(operation)
    if cirq.is_measurement(operation):
        return _named(operation, ",".join(sorted(cirq.measurement_key_names(operation))))
    return _as_cirq_draws(operation)


def digest(described: object) -> str:
    """Four letters that stand for all of an object, for what is too long to be written.

    Args:
        described: Any object, told apart by its ``repr``.
    """
    # Objects without a representation of their own show where they lie in memory.
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(described))
    return f"#{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:4]}"


def _conditioned(operation: cirq.ClassicallyControlledOperation) -> list[Symbol]:
    """The operation, with its conditions on its last wire."""
    *others, last = symbols_of(operation.without_classical_controls())
    conditions = ", ".join(sorted(map(str, operation.classical_controls)))
    shapes = {Kind.CONTROL: "●", Kind.TARGET: "⊕", Kind.CROSS: "×", Kind.METER: "M"}
    name = shapes.get(last.kind, last.label)
    detail = f"{last.detail} if {conditions}" if last.detail else f"if {conditions}"
    return [*others, Symbol(Kind.BOX, name, short(detail))]


def _measured(gate: cirq.MeasurementGate, qubits: Sequence[cirq.Qid]) -> list[Symbol]:
    """Meters with the key, unless it is the qubit's name, and with what is done to the result."""
    default = len(qubits) == 1 and gate.key == str(qubits[0])
    confusion = f" confusion {digest(gate.confusion_map)}" if gate.confusion_map else ""
    return [
        Symbol(
            Kind.METER,
            "!M" if inverted else "M",
            short(("" if default else _indexed(gate.key, index, len(qubits))) + confusion),
        )
        for index, inverted in enumerate(gate.full_invert_mask())
    ]


def _measured_pauli(gate: cirq.PauliMeasurementGate) -> list[Symbol]:
    """Boxes with the basis of each qubit; they are joined, for there is one result."""
    observable = gate.observable()
    sign = "-" if observable.coefficient.real < 0 else ""
    # There is one sign: on every qubit it would be read as one for each of them.
    return [
        Symbol(
            Kind.BOX,
            f"M{'' if index else sign}{'IXYZ'[int(pauli)]}",
            short(_indexed(gate.key, index, 2)),
        )
        for index, pauli in enumerate(observable.pauli_mask)
    ]


def _indexed(key: str, index: int, size: int) -> str:
    return f"{key}[{index}]" if size > 1 else key


def _subcircuit(operation: cirq.CircuitOperation) -> list[Symbol]:
    """Boxes with how often it runs and which keys it measures; the digest stands for the rest."""
    repeated = "" if operation.repetitions == 1 else f"x{operation.repetitions} "
    until = f"until {operation.repeat_until} " if operation.repeat_until else ""
    keys = ",".join(sorted(cirq.measurement_key_names(operation)))
    detail = short(f"{repeated}{until}{keys}".strip())
    return [
        Symbol(Kind.BOX, f"circuit{digest(operation)}[{index}]", detail)
        for index in range(len(operation.qubits))
    ]


def _named(operation: cirq.Operation, detail: str = "") -> list[Symbol]:
    """Boxes with the name of a gate's class, for what has no symbols."""
    name = short(type(operation.gate or operation).__name__) + digest(operation.gate or operation)
    size = len(operation.qubits)
    return [Symbol(Kind.BOX, _indexed(name, index, size), short(detail)) for index in range(size)]


def _slot(slot: Slot) -> Symbol:
    """The axis of a single rotation, and what its angle is read from."""
    columns = [
        f"{'-' if factor.angle.sign < 0 else ''}{_TABLE_LETTERS[factor.angle.table]}"
        f"{factor.angle.column}"
        for factor in slot.factors
        if isinstance(factor, Rotation) and isinstance(factor.angle, TableAngle)
    ]
    detail = short(",".join(columns))
    if len(slot.factors) == 1 and isinstance(slot.factors[0], Rotation):
        rotation = slot.factors[0]
        if not columns:
            assert isinstance(rotation.angle, float)
            return Symbol(Kind.BOX, rotation.axis.upper(), _number(rotation.angle / math.pi))
        return Symbol(Kind.BOX, f"R{rotation.axis.upper()}", detail)
    if all(isinstance(factor, FixedUnitary) for factor in slot.factors) and len(slot.factors) == 1:
        pulse = cirq.single_qubit_matrix_to_phxz(cirq.unitary(slot))
        return Symbol(Kind.BOX, "I") if pulse is None else _pulse(pulse)
    return Symbol(Kind.BOX, "U", detail or digest(slot))


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
    return Symbol(Kind.BOX, "U", ",".join(map(_number, (x, z, a))))


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
    except Exception:
        # Whatever a gate's own method raises.
        info = None
    if info is None or len(info.wire_symbols) != len(operation.qubits):
        return _named(operation)
    exponent = "" if info.exponent == 1 else _number(info.exponent)
    symbols: list[Symbol] = []
    for text in info.wire_symbols:
        kind = _KINDS.get(text, Kind.BOX)
        controls = Kind.CONTROL in (each.kind for each in symbols)
        if text == "X" and controls and not exponent:
            kind = Kind.TARGET
        label = short(text)
        if kind is Kind.BOX and (label in _RESERVED or label.startswith(("M", "!M", "circuit#"))):
            label = f"{label}{digest(operation.gate or operation)}"
        symbols.append(Symbol(kind, label, exponent if kind is Kind.BOX else ""))
    if exponent and all(each.kind is not Kind.BOX for each in symbols):
        # A power of CZ or SWAP: its last wire becomes a box that shows the exponent.
        name = "Z" if symbols[-1].kind is Kind.CONTROL else "SWAP"
        symbols[-1] = Symbol(Kind.BOX, name, exponent)
    if not _is_shown_whole(operation.gate):
        last = symbols[-1]
        mark = digest(operation.gate or operation)
        symbols[-1] = Symbol(Kind.BOX, last.label.removesuffix(mark) + mark, last.detail)
    return symbols


def _is_shown_whole(gate: cirq.Gate | None) -> bool:
    """Whether Cirq's symbols of a gate tell it from all others, its global phase apart."""
    if not isinstance(gate, cirq.ControlledGate):
        return type(gate) in _SHOWN_WHOLE
    # What is a global phase alone is none under a control.
    inner = gate.sub_gate
    while isinstance(inner, cirq.ParallelGate):
        inner = inner.sub_gate
    shifted = getattr(inner, "global_shift", 0) and not isinstance(inner, _TURNS)
    named = not isinstance(gate.control_values, cirq.ProductOfSums)
    return type(inner) in _SHOWN_WHOLE and not shifted and not named


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return short(str(value))
    lost = value != 0 and not 0.005 <= abs(value) < 1e6
    return f"{value:.2g}" if lost else f"{value:.2f}"


def short(text: str, longest: int = _LONGEST) -> str:
    """One line of limited length; what is cut off is stood for by its digest.

    Args:
        text: Any text; what cannot be printed becomes a blank.
        longest: Characters at most, where the digest counts for five and the ellipsis for one.
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= longest else f"{line[: longest - 6]}…{digest(text)}"
