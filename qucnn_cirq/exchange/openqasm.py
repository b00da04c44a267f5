"""Reading OpenQASM 2, and what of OpenQASM 3 is a circuit.

A file is interpreted statement by statement: gate definitions are expanded where they are applied,
loops are unrolled, and barriers keep what follows them in later moments. Nothing is executed, no
other file is opened, and `LARGEST` bounds what a file can ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import cirq
import sympy

from qucnn_cirq.errors import InputError
from qucnn_cirq.exchange.openqasm_calls import GateCalls
from qucnn_cirq.exchange.openqasm_numbers import condition, number, truth
from qucnn_cirq.exchange.openqasm_operands import Bits
from qucnn_cirq.exchange.openqasm_pieces import Barrier
from qucnn_cirq.exchange.openqasm_tokens import Refused, shown

LARGEST = 500_000
"""Statements that are carried out, with those of gate definitions and loops, and declared bits."""

_HEADERS = ("qelib1.inc", "stdgates.inc", "hqslib1.inc", "hqslib1_dev.inc")
_SCALARS = ("float", "int", "uint", "angle", "bool")
_OTHER_STATEMENTS = (
    *("array", "break", "cal", "complex", "continue", "def", "defcal", "defcalgrammar"),
    *("duration", "end", "extern", "nop", "output", "return", "stretch", "switch", "while"),
)
_NANOSECONDS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9}


def circuit_from_openqasm(text: str) -> cirq.Circuit:
    """Reads OpenQASM 2 or 3.

    Qubits become ``NamedQubit`` (``q[2]`` is ``q_2``, ``$2`` keeps its name), bits keys (``c_2``).
    Global phases are left out.

    Args:
        text: The program. Gates of the usual headers are known whether they are included or not.

    Raises:
        InputError: In one line that says which line of the text is not understood, and why.
    """
    # A byte-order mark is no part of the text, and carriage returns end lines too.
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), LARGEST)
    try:
        reader.run()
    except Refused as refusal:
        raise InputError(reader.explain(str(refusal))) from None
    return cirq.Circuit(cirq.Moment(moment) for moment in reader.timeline.moments)


class _Reader(GateCalls):
    """Carries out the statements of one text."""

    def run(self) -> None:
        """Carries out all statements."""
        while self._tokens[self._at][0] != "end":
            self._statement()

    def _statement(self) -> None:
        self._began = self._at
        self._count()
        word = self._peek()
        if self._kind() == "end":
            raise Refused("the text ends in the middle of a statement.")
        if word == ";":
            self._at += 1
        elif word in self._gates:
            # Such a word is free in version 2, whatever it begins in version 3.
            self._gate_call()
        elif word in _STATEMENTS:
            self._at += 1
            _STATEMENTS[word](self)
        elif word in self._bits and self._is_assignment():
            self._assignment()
        elif self._kind() == "name" and not word.startswith("$"):
            self._gate_call()
        else:
            raise Refused(f"{shown(word)} begins no statement.")

    def _block(self) -> None:
        """One statement, or several in braces."""
        if not self._skip("{"):
            self._statement()
            return
        outside = self._values.copy(), self._bits.copy()
        while not self._skip("}"):
            self._statement()
        # What a block declares ends with it.
        self._values, self._bits = outside

    def _header(self) -> None:
        version = self._take()
        if version.split(".")[0] not in ("2", "3"):
            raise Refused(f"OpenQASM {shown(version)} is not known: give version 2 or 3.")
        self._version = int(version.split(".")[0])
        self._take(";")

    def _include(self) -> None:
        name = self._take().strip("\"'")
        if name not in _HEADERS:
            raise Refused(f"only {', '.join(_HEADERS)} can be included.")
        self._take(";")

    def _register(self) -> None:
        kind = self._tokens[self._at - 1][1]
        size = self._size() if self._peek() == "[" else None
        name = self._name()
        if size is None and self._peek() == "[":
            size = self._size()
        if name in self._bits or name in self._values:
            raise Refused(f"{shown(name)} is declared twice.")
        size = 1 if size is None else size
        self._count(size)
        names = [f"{name}_{index}" for index in range(size)]
        quantum = kind in ("qreg", "qubit")
        self._bits[name] = [cirq.NamedQubit(each) for each in names] if quantum else list(names)
        self._measured.difference_update(names)
        if not quantum and self._skip("="):
            self._assigned(self._bits[name])
            return
        self._take(";")

    def _is_assignment(self) -> bool:
        ahead = 1
        while self._peek(ahead) not in ("=", ";", "", "{", "->"):
            ahead += 1
        return self._peek(ahead) == "="

    def _assignment(self) -> None:
        bits = self._operand()
        self._take("=")
        self._assigned(bits)

    def _assigned(self, bits: Bits) -> None:
        if self._skip("measure"):
            self._measured_into(self._operand(), bits)
        elif self._kind() == "text" and not self._take().strip("\"'0"):
            if any(bit in self._measured for bit in bits):
                raise Refused("bits that were measured cannot be overwritten.")
        else:
            raise Refused("bits can only be measured, or begin as 0.")
        self._take(";")

    def _measure(self) -> None:
        qubits = self._operand()
        bits = self._operand() if self._skip("->") else [str(qubit) for qubit in qubits]
        self._measured_into(qubits, bits)
        self._take(";")

    def _measured_into(self, qubits: Bits, bits: Bits) -> None:
        if self._conditions:
            raise Refused("Cirq cannot measure under a condition.")
        self._check_kind(qubits, True)
        self._check_kind(bits, False)
        if len(qubits) != len(bits):
            raise Refused(f"{len(qubits)} qubits are measured into {len(bits)} bits.")
        for qubit, bit in zip(qubits, bits, strict=True):
            self._measured.add(bit)
            self._emit(cirq.measure(qubit, key=bit))

    def _reset(self) -> None:
        for qubit in self._qubits():
            self._emit(cirq.reset(qubit))
        self._take(";")

    def _barrier(self) -> None:
        if self._skip(";"):
            self.timeline.separate(None)
            return
        qubits = [qubit for each in self._many(self._qubits, ";") for qubit in each]
        self._emit(Barrier(tuple(qubits)))

    def _delay(self) -> None:
        self._take("[")
        value = number(self._expression())
        unit = self._take()
        if unit not in _NANOSECONDS or not isinstance(value, int | float) or value < 0:
            raise Refused("give a delay as a number of ns, us, ms or s.")
        self._take("]")
        for qubit in [qubit for each in self._many(self._qubits, ";") for qubit in each]:
            self._emit(cirq.wait(qubit, nanos=value * _NANOSECONDS[unit]))

    def _input(self) -> None:
        self._take(*_SCALARS)
        name = self._sized_name()
        self._values[name] = sympy.Symbol(name)
        self._take(";")

    def _const(self) -> None:
        self._take(*_SCALARS)
        self._constant()

    def _sized_name(self) -> str:
        if self._peek() == "[":
            self._size()
        return self._name()

    def _constant(self) -> None:
        name = self._sized_name()
        if self._peek() == ";":
            raise Refused(f"{shown(name)} changes while the program runs, which is not read.")
        self._take("=")
        self._values[name] = number(self._expression())
        self._take(";")

    def _let(self) -> None:
        name = self._name()
        self._take("=")
        bits = self._operand()
        while self._skip("++"):
            bits = bits + self._operand()
        self._count(len(bits))
        self._bits[name] = bits
        self._take(";")

    def _if(self) -> None:
        self._take("(")
        holds = truth(self._expression())
        self._take(")")
        self._branch(holds)
        if "else" not in self._gates and self._skip("else"):
            self._branch(sympy.Not(holds))

    def _branch(self, holds: Any) -> None:
        if holds == False:  # noqa: E712 (sympy's false is another object)
            self._pass_over()
            return
        before = list(self._conditions)
        for each in () if holds == True else sympy.And.make_args(holds):  # noqa: E712
            self._conditions.append(condition(each))
        self._block()
        self._conditions = before

    def _for(self) -> None:
        self._take(*_SCALARS)
        name = self._sized_name()
        self._take("in")
        values: Iterable[Any]
        if self._skip("{"):
            values = self._many(self._expression, "}")
        else:
            self._take("[")
            values = self._range(None)
            self._take("]")
        began = self._at
        self._pass_over()
        after, hidden = self._at, self._values.get(name)
        for value in values:
            self._at = began
            self._values[name] = number(value)
            self._block()
        self._at = after
        self._values.pop(name, None)
        if hidden is not None:
            self._values[name] = hidden

    def _line(self) -> None:
        """A pragma or an annotation ends with its line, and says nothing about the circuit."""
        end = self._text.find("\n", self._tokens[self._at - 1][2])
        while self._kind() != "end" and (end < 0 or self._tokens[self._at][2] < end):
            self._at += 1

    def _not_read(self) -> NoReturn:
        word = self._tokens[self._at - 1][1]
        raise Refused(f"{word!r} is no part of OpenQASM that is read as a circuit.")


_STATEMENTS: Mapping[str, Callable[[_Reader], None]] = {
    "OPENQASM": _Reader._header,
    "include": _Reader._include,
    **dict.fromkeys(("qreg", "creg", "qubit", "bit"), _Reader._register),
    **dict.fromkeys(("gate", "opaque"), _Reader._define),
    "measure": _Reader._measure,
    "reset": _Reader._reset,
    "barrier": _Reader._barrier,
    "delay": _Reader._delay,
    "input": _Reader._input,
    "const": _Reader._const,
    **dict.fromkeys(_SCALARS, _Reader._constant),
    "let": _Reader._let,
    "if": _Reader._if,
    "for": _Reader._for,
    "box": _Reader._block,
    **dict.fromkeys(("pragma", "#", "@"), _Reader._line),
    **dict.fromkeys(
        _OTHER_STATEMENTS,
        _Reader._not_read,
    ),
}
