"""The operands of OpenQASM's statements: registers, indices and expressions."""

from __future__ import annotations

from typing import Any

import cirq
import sympy

from qucnn_cirq.exchange.openqasm_gates import Angle
from qucnn_cirq.exchange.openqasm_numbers import (
    CONSTANTS,
    FUNCTIONS,
    POWER,
    UNARY,
    binding,
    called,
    combined,
    finite,
    literal,
    number,
    opposite,
    truth,
    whole,
)
from qucnn_cirq.exchange.openqasm_tokens import Refused, Tokens, shown

Bits = list[Any]
"""What a name or a part of a register stands for: qubits (``cirq.Qid``) or bits (their keys)."""


class Operands(Tokens):
    """Reads operands, and keeps what names stand for.

    Args:
        text: The text of the file.
        largest: As for `Tokens`.
    """

    def __init__(self, text: str, largest: int) -> None:
        super().__init__(text, largest)
        self._version = 3
        self._values: dict[str, Angle] = {}
        self._bits: dict[str, Bits] = {}
        self._measured: set[str] = set()

    def _qubits(self) -> Bits:
        qubits = self._operand()
        self._check_kind(qubits, True)
        return qubits

    @staticmethod
    def _check_kind(bits: Bits, quantum: bool) -> None:
        if any(isinstance(bit, cirq.Qid) != quantum for bit in bits):
            raise Refused(f"{'a qubit' if quantum else 'a bit'} is expected.")

    def _operand(self) -> Bits:
        """A register, or the parts of one that an index picks."""
        if self._skip("{"):
            return [bit for each in self._many(self._operand, "}") for bit in each]
        name = self._name()
        if name.startswith("$"):
            return [cirq.NamedQubit(name)]
        if name not in self._bits:
            raise Refused(f"{shown(name)} is not declared.")
        bits = self._bits[name]
        if not self._skip("["):
            return bits
        if self._skip("{"):
            picked = self._many(self._expression, "}")
        elif self._peek() != ":" and self._single():
            picked = [self._expression()]
        else:
            picked = list(self._range(len(bits)))
        self._take("]")
        return [bits[self._index(index, name, len(bits))] for index in picked]

    def _single(self) -> bool:
        """Whether the brackets hold an index, and no range."""
        ahead = 0
        while self._peek(ahead) not in ("]", ";", ""):
            if self._peek(ahead) == ":":
                return False
            ahead += 1
        return True

    def _index(self, index: Any, name: str, size: int) -> int:
        place = whole(index)
        if not -size <= place < size:
            raise Refused(f"{shown(name)} has {size} entries and none of index {place}.")
        return place

    def _range(self, size: int | None) -> range:
        """a:b or a:step:b, both ends included; ends may be left out where a size is known."""
        parts: list[int | None] = []
        while True:
            ended = self._peek() in (":", "]")
            parts.append(None if ended else whole(self._expression()))
            if not self._skip(":"):
                break
        step = parts[1] if len(parts) == 3 else 1
        first, last = parts[0], parts[-1]
        if size is not None:
            first = 0 if first is None else first % size if first >= -size else first
            last = size - 1 if last is None else last % size if last >= -size and last < 0 else last
        if len(parts) not in (2, 3) or first is None or last is None or not step:
            raise Refused("give a range as first:last or first:step:last.")
        found = range(first, last + (1 if step > 0 else -1), step)
        # The length of a range cannot be larger than the largest index of a list.
        if abs(last - first) // abs(step) > self.largest:
            raise Refused(f"a range has more than {self.largest:,} entries.")
        self._count(len(found))
        return found

    def _size(self) -> int:
        self._take("[")
        size = whole(self._expression())
        self._take("]")
        if not 1 <= size <= self.largest:
            raise Refused(f"a register of {shown(str(size))} is not within 1..{self.largest:,}.")
        return size

    def _expression(self, least: int = 1) -> Any:
        left = self._term()
        while True:
            operator = self._peek()
            binds = binding(operator, self._version)
            if binds < least or self._kind() != "symbol":
                return left
            self._at += 1
            # Powers bind to the right.
            right = self._expression(binds if binds == POWER else binds + 1)
            left = combined(left, operator, right, self._version)

    def _term(self) -> Any:
        kind, text = self._kind(), self._peek()
        if kind == "number":
            return literal(self._take())
        if self._skip("("):
            value = self._expression()
            self._take(")")
            return value
        if self._skip("-"):
            return finite(-number(self._expression(UNARY)))
        if self._skip("+"):
            return number(self._expression(UNARY))
        if self._skip("!"):
            return sympy.Not(truth(self._expression(UNARY)))
        if self._skip("~"):
            return opposite(self._expression(UNARY))
        if kind != "name":
            raise Refused(f"{shown(text)} stands where a number is expected.")
        if text in self._values:
            return self._values[self._take()]
        if text in self._bits:
            bits = self._operand()
            self._check_kind(bits, False)
            return [sympy.Symbol(bit) if bit in self._measured else 0 for bit in bits]
        if text in FUNCTIONS and self._peek(1) == "(":
            self._at += 2
            value = number(self._expression())
            self._take(")")
            return called(text, value)
        if text in CONSTANTS:
            return CONSTANTS[self._take()]
        raise Refused(f"{shown(text)} is no number that is known.")
