"""What a statement of OpenQASM puts into a circuit, and into which moment it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cirq

from qucnn_cirq.exchange.openqasm_gates import Angle, turns
from qucnn_cirq.exchange.openqasm_tokens import Refused, shown


@dataclass(frozen=True)
class Phase:
    """A global phase in radians, visible once it is controlled."""

    angle: Angle


@dataclass(frozen=True)
class Barrier:
    """What keeps operations of some qubits in later moments."""

    qubits: tuple[cirq.Qid, ...]


Piece = cirq.Operation | Phase | Barrier


def inverse(piece: Piece) -> Piece:
    """What undoes a piece.

    Args:
        piece: What a statement puts into a circuit.

    Raises:
        Refused: If it has no inverse, as a measurement.
    """
    if isinstance(piece, Phase):
        return Phase(-piece.angle)
    if isinstance(piece, Barrier):
        return piece
    inverse = cirq.inverse(piece, None)
    if inverse is None:
        raise Refused(f"{shown(str(piece))} has no inverse.")
    return inverse


def controlled(piece: Piece, controls: Sequence[cirq.Qid], values: Sequence[int]) -> list[Piece]:
    """A piece that acts where the controls have these values.

    Args:
        piece: What a statement puts into a circuit.
        controls: One qubit or more.
        values: For each of them 0 or 1.

    Raises:
        Refused: If it cannot be controlled, as a measurement.
    """
    if isinstance(piece, Barrier):
        return [Barrier((*controls, *piece.qubits))]
    if not isinstance(piece, Phase):
        if not cirq.has_unitary(piece) and not cirq.is_parameterized(piece):
            raise Refused(f"{shown(str(piece))} cannot be controlled.")
        return [piece.controlled_by(*controls, control_values=values)]
    *others, last = controls
    turned = cirq.ZPowGate(exponent=turns(piece.angle)).on(last)
    if others:
        turned = turned.controlled_by(*others, control_values=values[:-1])
    return [turned] if values[-1] else [cirq.X(last), turned, cirq.X(last)]


class Timeline:
    """Puts each operation into the first moment that is free, as Cirq does, and heeds barriers."""

    def __init__(self) -> None:
        self.moments: list[list[cirq.Operation]] = []
        self._floor = 0
        self._free: dict[Any, int] = {}
        """From which moment on a qubit is free, or a measured key may be read."""
        self._read: dict[Any, int] = {}
        """From which moment on a key may be measured again."""

    def place(self, operation: cirq.Operation) -> None:
        """Appends one operation.

        Args:
            operation: What to append, a measurement or a controlled operation too.
        """
        written = [*operation.qubits, *cirq.measurement_key_objs(operation)]
        read = cirq.control_keys(operation)
        index = max(
            self._floor,
            *(self._free.get(each, 0) for each in (*written, *read)),
            *(self._read.get(each, 0) for each in written),
        )
        self.moments += [[] for _ in range(index + 1 - len(self.moments))]
        self.moments[index].append(operation)
        self._free.update(dict.fromkeys(written, index + 1))
        self._read.update({key: max(index + 1, self._read.get(key, 0)) for key in read})

    def separate(self, qubits: Iterable[cirq.Qid] | None) -> None:
        """A barrier for some qubits, or for all.

        Args:
            qubits: Those that wait for each other; None for all.
        """
        if qubits is None:
            self._floor = len(self.moments)
            return
        last = max((self._free.get(qubit, 0) for qubit in qubits), default=0)
        self._free.update(dict.fromkeys(qubits, last))
