"""Applying OpenQASM's gates: definitions are expanded, modifiers carried out."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cirq

from qucnn_cirq.exchange.openqasm_gates import COMPOSED_GATES, STANDARD_GATES, Angle
from qucnn_cirq.exchange.openqasm_numbers import number, whole
from qucnn_cirq.exchange.openqasm_operands import Operands
from qucnn_cirq.exchange.openqasm_pieces import (
    Barrier,
    Phase,
    Piece,
    Timeline,
    controlled,
    inverse,
)
from qucnn_cirq.exchange.openqasm_tokens import Refused, Token, shown

DEEPEST = 100
"""Gate definitions within one another."""

_MODIFIERS = ("ctrl", "negctrl", "inv", "pow")
_RESERVED = (
    *("OPENQASM", "include", "qreg", "creg", "gate", "opaque"),
    *("measure", "reset", "barrier", "if"),
)
"""What no version lets a gate be called; what else OpenQASM 3 reserves is free in version 2."""


@dataclass(frozen=True)
class Definition:
    """A gate that a text defines; in which tokens and where its body begins, None if opaque."""

    angles: tuple[str, ...]
    qubits: tuple[str, ...]
    tokens: Sequence[Token]
    body: int | None


class GateCalls(Operands):
    """Carries out gate calls, and keeps the gates that are defined.

    Args:
        text: The text of the file.
        largest: As for `Tokens`.
    """

    def __init__(self, text: str, largest: int) -> None:
        super().__init__(text, largest)
        self._depth = 0
        self._gates: dict[str, Definition] = {}
        self._made: dict[tuple[Any, ...], cirq.Operation] = {}
        self._conditions: list[cirq.Condition] = []
        self._pieces: list[Piece] | None = None
        """Where operations go while a gate is expanded."""
        self.timeline = Timeline()

    def _statement(self) -> None:
        """Carries out one statement of a gate's body."""
        raise NotImplementedError

    def _define(self) -> None:
        opaque = self._tokens[self._at - 1][1] == "opaque"
        name = self._name()
        if name in _RESERVED:
            raise Refused(f"{shown(name)} cannot be the name of a gate.")
        angles = self._many(self._name, ")") if self._skip("(") else []
        qubits = self._many(self._name, ";" if opaque else "{")
        if len({*angles, *qubits}) < len(angles) + len(qubits):
            raise Refused(f"gate {shown(name)} uses one name for two things.")
        self._gates[name] = Definition(
            tuple(angles), tuple(qubits), self._tokens, None if opaque else self._at
        )
        if not opaque:
            self._at -= 1
            self._pass_over()

    def _gate_call(self) -> None:
        modifiers: list[tuple[str, Any]] = []
        while self._peek() in _MODIFIERS and self._peek() not in self._gates:
            kind = self._take()
            value: Any = 1
            if kind != "inv" and self._skip("("):
                value = number(self._expression())
                self._take(")")
            if kind.endswith("ctrl") and whole(value) < 1:
                raise Refused("a gate needs at least one control.")
            modifiers.append((kind, value))
            self._take("@")
        name = self._name()
        angles = self._many(self._expression, ")") if self._skip("(") else []
        angles = [number(angle) for angle in angles]
        operands = self._many(self._qubits, ";")
        after = self._at
        if name == "gphase" and name not in self._gates and not modifiers:
            # Some exporters name a qubit.
            operands = []
        sizes = {len(each) for each in operands} - {1}
        if len(sizes) > 1:
            raise Refused(f"registers of {' and '.join(map(str, sorted(sizes)))} do not fit.")
        for index in range(next(iter(sizes), 1)):
            qubits = [each[index if len(each) > 1 else 0] for each in operands]
            twice = next((each for each in qubits if qubits.count(each) > 1), None)
            if twice is not None:
                raise Refused(f"{name} acts on {shown(str(twice))} twice.")
            for piece in self._modified(modifiers, name, angles, qubits):
                self._emit(piece)
            self._at = after

    def _modified(
        self,
        modifiers: Sequence[tuple[str, Any]],
        name: str,
        angles: Sequence[Angle],
        qubits: list[cirq.Qid],
    ) -> list[Piece]:
        if not modifiers:
            return self._applied(name, angles, qubits)
        (kind, value), *others = modifiers
        if not kind.endswith("ctrl"):
            pieces = self._modified(others, name, angles, qubits)
            return self._power(pieces, -1 if kind == "inv" else value)
        n_controls = whole(value)
        if len(qubits) < n_controls:
            raise Refused(f"{name} has {n_controls} controls and {len(qubits)} qubits.")
        pieces = self._modified(others, name, angles, qubits[n_controls:])
        values = [int(kind == "ctrl")] * n_controls
        return [new for piece in pieces for new in controlled(piece, qubits[:n_controls], values)]

    def _power(self, pieces: list[Piece], exponent: Angle) -> list[Piece]:
        if isinstance(exponent, int | float) and float(exponent).is_integer():
            times = abs(int(exponent))
            self._count(min(self.largest + 1, times * len(pieces)))
            if exponent < 0:
                pieces = [inverse(piece) for piece in reversed(pieces)]
            return pieces * times
        if sum(not isinstance(piece, Phase) for piece in pieces) > 1:
            raise Refused("only single gates have powers that are no whole numbers.")
        powers: list[Piece] = []
        for piece in pieces:
            try:
                power = (
                    Phase(piece.angle * exponent)
                    if isinstance(piece, Phase)
                    else (piece if isinstance(piece, Barrier) else piece**exponent)
                )
            except TypeError:
                raise Refused("this gate has no power in Cirq.") from None
            powers.append(power)
        return powers

    def _applied(
        self, name: str, angles: Sequence[Angle], qubits: Sequence[cirq.Qid]
    ) -> list[Piece]:
        definition = self._gates.get(name)
        if definition is None and name == "id" and len(qubits) > 1 and not angles:
            # Some exporters name several qubits.
            return [cirq.I.on(qubit) for qubit in qubits]
        if definition is None and name == "gphase":
            self._check_numbers(name, angles, qubits, 1, 0)
            return [Phase(angles[0])]
        if definition is None and name in STANDARD_GATES:
            gate = STANDARD_GATES[name]
            self._check_numbers(name, angles, qubits, gate.n_angles, gate.n_qubits)
            # Long circuits repeat few operations: one object for each is made, kept and sent.
            call = (name, *map(type, angles), *angles, *qubits)
            if call not in self._made:
                self._made[call] = gate.build(*angles).on(*qubits)
            phases = [Phase(gate.phase(*angles))] if gate.phase else []
            return [*phases, self._made[call]]
        if definition is None and name in _composed():
            definition = _composed()[name]
        if definition is None:
            raise Refused(f"no gate {shown(name)} is known or defined.")
        return self._expanded(name, definition, angles, qubits)

    def _expanded(
        self,
        name: str,
        definition: Definition,
        angles: Sequence[Angle],
        qubits: Sequence[cirq.Qid],
    ) -> list[Piece]:
        """What a gate's body does; its statements are read again with its arguments."""
        self._check_numbers(name, angles, qubits, len(definition.angles), len(definition.qubits))
        if definition.body is None:
            raise Refused(f"gate {shown(name)} is opaque: nothing says what it does.")
        if self._depth >= DEEPEST:
            raise Refused(f"gate definitions are nested more than {DEEPEST} deep.")
        kept = self.__dict__.copy()
        pieces: list[Piece] = []
        self._pieces = pieces
        self._depth += 1
        self._conditions = []
        self._values = {**self._values, **dict(zip(definition.angles, angles, strict=True))}
        self._bits = {each: [qubit] for each, qubit in zip(definition.qubits, qubits, strict=True)}
        own = definition.tokens is self._tokens
        if not own:
            # The file's own gates have no say in those of the headers.
            self._tokens, self._gates = definition.tokens, {}
        self._at = definition.body
        try:
            while not self._skip("}"):
                self._statement()
        finally:
            # What is refused within a header is the fault of the line that calls it.
            began = self._began if own else kept["_began"]
            kept["_work"] = self._work
            self.__dict__.update(kept)
            self._began = began
        return pieces

    @staticmethod
    def _check_numbers(
        name: str, angles: Sequence[Any], qubits: Sequence[Any], n_angles: int, n_qubits: int
    ) -> None:
        if len(angles) != n_angles or len(qubits) != n_qubits:
            raise Refused(
                f"{shown(name)} takes {n_angles} angles and {n_qubits} qubits, not {len(angles)} "
                f"and {len(qubits)}."
            )

    def _emit(self, piece: Piece) -> None:
        self._count()
        if self._pieces is not None:
            self._pieces.append(piece)
        elif isinstance(piece, Barrier):
            self.timeline.separate(piece.qubits)
        elif isinstance(piece, cirq.Operation):
            if self._conditions:
                piece = piece.with_classical_controls(*self._conditions)
            self.timeline.place(piece)


@functools.cache
def _composed() -> Mapping[str, Definition]:
    """The gates of the headers that are defined in OpenQASM."""
    headers = GateCalls(COMPOSED_GATES, len(COMPOSED_GATES))
    while headers._skip("gate"):
        headers._define()
    return headers._gates
