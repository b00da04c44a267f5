"""Circuits as text for terminals, wrapped at their width."""

from __future__ import annotations

import cirq

from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.columns import Column, Drawing, lay_out, wrapped
from qucnn_cirq.drawing.symbols import Kind, Symbol, digest, is_joined, short, symbols_of

_SHAPES = {Kind.CONTROL: "●", Kind.TARGET: "⊕", Kind.CROSS: "×"}


def circuit_text(
    circuit: cirq.AbstractCircuit,
    device: Device | None = None,
    *,
    width: int = 100,
) -> str:
    """Draws a circuit.

    Above the wires stands the index of each moment. A device adds their durations in nanoseconds.

    Args:
        circuit: Any circuit; moments may be empty.
        device: Tells durations.
        width: Characters at which the wires are wrapped; a column is never cut.

    Returns:
        The text, without a line break at its end. Below the circuit stand what acts on no qubit,
        and its subcircuits, each once.

    Raises:
        InputError: If the circuit is too large to be drawn.
    """
    blocks = [_drawn(circuit, device, width)]
    waiting = _subcircuits(circuit)
    known = set(waiting)
    while waiting:
        name = next(iter(waiting))
        inner = waiting.pop(name)
        drawn = _drawn(inner.circuit, device, width)
        blocks.append(f"circuit{name}, once, before its qubits and keys are mapped:\n{drawn}")
        new = {key: each for key, each in _subcircuits(inner.circuit).items() if key not in known}
        known.update(new)
        waiting.update(new)
    return "\n\n".join(blocks)


def _subcircuits(circuit: cirq.AbstractCircuit) -> dict[str, cirq.CircuitOperation]:
    found = {}
    for operation in circuit.all_operations():
        inner = operation.without_classical_controls().untagged
        if isinstance(inner, cirq.CircuitOperation):
            found[digest(inner)] = inner
    return found


def _drawn(circuit: cirq.AbstractCircuit, device: Device | None, width: int) -> str:
    drawing = lay_out(circuit, device)
    names = [short(str(qubit), 60) for qubit in drawing.qubits]
    left = max(map(len, [*names, "moment"])) + 2
    blocks = wrapped(_texts(drawing), lambda column: len(column[0]), width - left)
    timed = any(ns is not None for ns in drawing.durations_ns)
    heads = ["moment", *(["ns"] if timed else [])]
    labels = [head.ljust(left) for head in heads]
    for name in names:
        labels += [f"{name}: ".ljust(left), " " * left]
    labels = labels[: len(heads) + max(0, 2 * len(names) - 1)]
    systems = [
        "\n".join(
            (label + "".join(column[row] for column in block)).rstrip()
            for row, label in enumerate(labels)
        )
        for block in blocks
    ]
    return "\n\n".join([*systems, *drawing.notes])


def _texts(drawing: Drawing) -> list[list[str]]:
    """Each column as lines of equal length: heads, wires and the rows between wires."""
    timed = any(ns is not None for ns in drawing.durations_ns)
    result = []
    before = -1
    for column in drawing.columns:
        # Index and duration stand above the first column of a moment.
        duration = drawing.durations_ns[column.moment] if column.moment != before else None
        heads = ["" if column.moment == before else str(column.moment)]
        heads += [f"{duration:g}" if duration is not None else ""] if timed else []
        before = column.moment
        wires, between = _wires(column, len(drawing.qubits))
        size = max(map(len, [*heads, *wires])) + 1
        lines = [head.ljust(size) for head in heads]
        for row, text in enumerate(wires):
            lines.append(text.ljust(size, "─") if text else "─" * size)
            if row < len(between):
                lines.append(("│" if between[row] else " ").ljust(size))
        result.append(lines)
    return result


def _wires(column: Column, n_wires: int) -> tuple[list[str], list[bool]]:
    """What stands on each wire, and whether a line crosses the row below it."""
    texts = [""] * n_wires
    between = [False] * max(0, n_wires - 1)
    for operation, wires in column.operations:
        joined = is_joined(operation)
        for symbol, wire in zip(symbols_of(operation), wires, strict=True):
            texts[wire] = _label(symbol)
        for row in range(min(wires), max(wires)) if joined else ():
            between[row] = True
            texts[row] = texts[row] or ("┼" if row not in wires else "")
    return texts, between


def _label(symbol: Symbol) -> str:
    if symbol.kind in _SHAPES:
        return _SHAPES[symbol.kind]
    return f"{symbol.label}({symbol.detail})" if symbol.detail else symbol.label
