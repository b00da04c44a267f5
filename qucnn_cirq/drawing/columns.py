"""Which operations of a circuit are drawn above each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import cirq

from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.symbols import is_joined, short
from qucnn_cirq.errors import InputError

T = TypeVar("T")

LARGEST_DRAWING = 100_000
"""Operations of a circuit that is drawn."""


@dataclass(frozen=True)
class Column:
    """Operations of one moment whose wires do not cross.

    Attributes:
        moment: Index of the moment.
        operations: The operations, with the wires that each spans, from the top.
    """

    moment: int
    operations: tuple[tuple[cirq.Operation, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Drawing:
    """A circuit laid out on wires.

    Attributes:
        qubits: The wires, from the top.
        columns: The columns, in order of time; each moment has at least one.
        durations_ns: For each moment how long it takes, None where it is not known.
        notes: What acts on no wire.
    """

    qubits: tuple[cirq.Qid, ...]
    columns: tuple[Column, ...]
    durations_ns: tuple[float | None, ...]
    notes: tuple[str, ...] = ()


def lay_out(circuit: cirq.AbstractCircuit, device: Device | None = None) -> Drawing:
    """Distributes a circuit over columns.

    Args:
        circuit: The circuit.
        device: Tells the durations of moments; None leaves them out.

    Raises:
        InputError: If the circuit is too large to be drawn.
    """
    wires = tuple(sorted(circuit.all_qubits()))
    row = {qubit: index for index, qubit in enumerate(wires)}
    columns: list[Column] = []
    count = 0
    notes: list[str] = []
    for index, moment in enumerate(circuit):
        count += len(moment)
        if count > LARGEST_DRAWING:
            raise InputError(
                f"the circuit has more than {LARGEST_DRAWING} operations: draw a part of it."
            )
        columns += _columns(index, moment, row)
        notes += [
            f"moment {index}: {short(str(operation.untagged), 80)} on no qubit"
            for operation in moment
            if not operation.qubits
        ]
    durations = tuple(device.moment_ns(moment) if device else None for moment in circuit)
    return Drawing(wires, tuple(columns), durations, tuple(notes))


def wrapped(columns: Iterable[T], size: Callable[[T], float], room: float) -> list[list[T]]:
    """Columns in lines that are as full as they can be.

    Args:
        columns: The columns, in any form.
        size: The width of one.
        room: The width of a line; a column that is wider has one of its own.
    """
    lines: list[list[T]] = [[]]
    used = 0.0
    for column in columns:
        if lines[-1] and used + size(column) > room:
            lines.append([])
            used = 0.0
        lines[-1].append(column)
        used += size(column)
    return lines


def _columns(
    index: int, moment: Iterable[cirq.Operation], row: dict[cirq.Qid, int]
) -> list[Column]:
    """Every operation in the first column where nothing crosses it; measurements span nothing."""
    placed = [
        (operation, tuple(row[qubit] for qubit in operation.qubits))
        for operation in moment
        if operation.qubits
    ]
    placed.sort(key=lambda each: (min(each[1]), max(each[1])))
    columns: list[tuple[list[tuple[cirq.Operation, tuple[int, ...]]], set[int]]] = [([], set())]
    for operation, wires in placed:
        span = set(range(min(wires), max(wires) + 1) if is_joined(operation) else wires)
        free = next((each for each in columns if each[1].isdisjoint(span)), None)
        if free is None:
            free = ([], set())
            columns.append(free)
        free[0].append((operation, wires))
        free[1].update(span)
    return [Column(index, tuple(content)) for content, _ in columns]
