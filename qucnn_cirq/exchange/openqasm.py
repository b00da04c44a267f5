"""Reading OpenQASM 2, and what of OpenQASM 3 is a circuit.

A file is interpreted statement by statement: gate definitions are expanded where they are applied,
loops are unrolled, and barriers keep what follows them in later moments. Nothing is executed, no
other file is opened, and :data:`LARGEST` bounds what a file can ask for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import cirq
import sympy

from qucnn_cirq.errors import InputError
from qucnn_cirq.exchange.openqasm_gates import (
    COMPOSED_GATES,
    STANDARD_GATES,
    Angle,
    turns,
)

LARGEST = 500_000
"""Statements that are carried out, with those of gate definitions and loops, and declared bits."""
DEEPEST = 100
"""Gate definitions within one another."""

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"[^"\n]*"|'[^'\n]*')
    |(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*|\$\d+)
    |(?P<symbol>->|==|!=|<=|>=|&&|\|\||\*\*|\+\+|.)""",
    re.VERBOSE | re.DOTALL,
)
_HEADERS = ("qelib1.inc", "stdgates.inc", "hqslib1.inc")
_CONSTANTS: Mapping[str, float] = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
    "true": 1,
    "false": 0,
}
_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sin": (math.sin, sympy.sin),
    "cos": (math.cos, sympy.cos),
    "tan": (math.tan, sympy.tan),
    "exp": (math.exp, sympy.exp),
    "ln": (math.log, sympy.log),
    "log": (math.log, sympy.log),
    "sqrt": (math.sqrt, sympy.sqrt),
    "asin": (math.asin, sympy.asin),
    "acos": (math.acos, sympy.acos),
    "atan": (math.atan, sympy.atan),
    "arcsin": (math.asin, sympy.asin),
    "arccos": (math.acos, sympy.acos),
    "arctan": (math.atan, sympy.atan),
    "floor": (math.floor, sympy.floor),
    "ceiling": (math.ceil, sympy.ceiling),
}
_BINDING: Mapping[str, int] = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!="), 3),
    **dict.fromkeys(("<", ">", "<=", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
    **dict.fromkeys(("**", "^"), 8),
}
_UNARY = 7
_SCALARS = ("float", "int", "uint", "angle", "bool")
_OTHER_STATEMENTS = (
    *("array", "box", "break", "cal", "complex", "continue", "def", "defcal", "defcalgrammar"),
    *("duration", "end", "extern", "nop", "output", "return", "stretch", "switch", "while"),
)
_MODIFIERS = ("ctrl", "negctrl", "inv", "pow")
_NANOSECONDS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9}

Bits = list[Any]
"""What a name or a part of a register stands for: qubits (``cirq.Qid``) or bits (their keys)."""


@dataclass(frozen=True)
class _Phase:
    """A global phase in radians, visible once it is controlled."""

    angle: Angle


@dataclass(frozen=True)
class _Barrier:
    qubits: tuple[cirq.Qid, ...]


_Piece = cirq.Operation | _Phase | _Barrier


@dataclass(frozen=True)
class _Definition:
    """A gate that the file defines; where its body begins, None if it is opaque."""

    angles: tuple[str, ...]
    qubits: tuple[str, ...]
    body: int | None


class _Refused(Exception):
    """What is wrong with the current statement."""


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
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    try:
        reader.run()
    except _Refused as refusal:
        raise InputError(reader.explain(str(refusal))) from None
    return cirq.Circuit(cirq.Moment(moment) for moment in reader.timeline.moments)


class _Timeline:
    """Puts each operation into the first moment that is free, as Cirq does, and heeds barriers."""

    def __init__(self) -> None:
        self.moments: list[list[cirq.Operation]] = []
        self._floor = 0
        self._free: dict[Any, int] = {}
        """From which moment on a qubit is free, or a measured key may be read."""
        self._read: dict[Any, int] = {}
        """From which moment on a key may be measured again."""

    def place(self, operation: cirq.Operation) -> None:
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
        """A barrier for some qubits, or for all."""
        if qubits is None:
            self._floor = len(self.moments)
            return
        last = max((self._free.get(qubit, 0) for qubit in qubits), default=0)
        self._free.update(dict.fromkeys(qubits, last))


class _Reader:
    """Interprets one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = [
            (match.lastgroup or "", match.group(), match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "blank"
        ]
        self._tokens.append(("end", "", len(text)))
        self._at = self._began = 0
        self._version = 3
        self._work = 0
        self._depth = 0
        self._values: dict[str, Angle] = {}
        self._bits: dict[str, Bits] = {}
        self._gates: dict[str, _Definition] = {}
        self._measured: set[str] = set()
        self._conditions: list[cirq.Condition] = []
        self._pieces: list[_Piece] | None = None
        """Where operations go while a gate is expanded."""
        self.timeline = _Timeline()

    def run(self) -> None:
        """Carries out all statements."""
        while self._tokens[self._at][0] != "end":
            self._statement()

    def explain(self, reason: str) -> str:
        """A refusal with the line where it happened."""
        place = self._tokens[min(self._began, len(self._tokens) - 1)][2]
        number = self._text.count("\n", 0, place) + 1
        line = " ".join(self._text[place:].split("\n", 1)[0].split())
        shown = line if len(line) <= 32 else f"{line[:31]}…"
        return f"line {number} ({shown}): {reason}" if line else f"line {number}: {reason}"

    # Tokens.

    def _peek(self, ahead: int = 0) -> str:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)][1]

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, *allowed: str) -> str:
        kind, text, _ = self._tokens[self._at]
        if allowed and text not in allowed:
            wanted = " or ".join(repr(each) for each in allowed)
            raise _Refused(f"{_shown(text)} stands where {wanted} is expected.")
        if kind != "end":
            self._at += 1
        return text

    def _skip(self, text: str) -> bool:
        if self._peek() != text or self._kind() == "text":
            return False
        self._at += 1
        return True

    def _name(self) -> str:
        if self._kind() != "name":
            raise _Refused(f"{_shown(self._peek())} stands where a name is expected.")
        return self._take()

    def _many(self, read: Callable[[], Any], end: str) -> list[Any]:
        """What stands between commas, up to a symbol."""
        found: list[Any] = []
        while not self._skip(end):
            if found:
                self._take(",", end)
                if self._tokens[self._at - 1][1] == end:
                    break
            found.append(read())
        return found

    def _count(self, amount: int = 1) -> None:
        self._work += amount
        if self._work > LARGEST:
            raise _Refused(f"the file asks for more than {LARGEST:,} operations and bits.")

    # Statements.

    def _statement(self) -> None:
        self._began = self._at
        self._count()
        word = self._peek()
        if self._kind() == "end":
            raise _Refused("the text ends in the middle of a statement.")
        if word == ";":
            self._at += 1
        elif word in _STATEMENTS:
            self._at += 1
            _STATEMENTS[word](self)
        elif word in _SCALARS:
            self._at += 1
            self._constant()
        elif word in self._bits and self._is_assignment():
            self._assignment()
        elif self._kind() == "name" and not word.startswith("$"):
            self._gate_call()
        else:
            raise _Refused(f"{_shown(word)} begins no statement.")

    def _block(self) -> None:
        """One statement, or several in braces."""
        if not self._skip("{"):
            self._statement()
            return
        while not self._skip("}"):
            self._statement()

    def _pass_over(self) -> None:
        """What :meth:`_block` would carry out."""
        depth = 0
        while True:
            text = self._take()
            depth += (text == "{") - (text == "}")
            if self._kind() == "end" and depth:
                raise _Refused("a brace is not closed.")
            if depth <= 0 and text in (";", "}", ""):
                return

    def _header(self) -> None:
        version = self._take()
        if version.split(".")[0] not in ("2", "3"):
            raise _Refused(f"OpenQASM {_shown(version)} is not known: give version 2 or 3.")
        self._version = int(version.split(".")[0])
        self._take(";")

    def _include(self) -> None:
        name = self._take().strip("\"'")
        if name not in _HEADERS:
            raise _Refused(f"only {', '.join(_HEADERS)} can be included.")
        self._take(";")

    def _register(self) -> None:
        kind = self._tokens[self._at - 1][1]
        size = self._size() if self._peek() == "[" else None
        name = self._name()
        if size is None and self._peek() == "[":
            size = self._size()
        if name in self._bits or name in self._values:
            raise _Refused(f"{_shown(name)} is declared twice.")
        size = 1 if size is None else size
        self._count(size)
        names = [f"{name}_{index}" for index in range(size)]
        quantum = kind in ("qreg", "qubit")
        self._bits[name] = [cirq.NamedQubit(each) for each in names] if quantum else list(names)
        if not quantum and self._skip("="):
            self._assigned(self._bits[name])
            return
        self._take(";")

    def _size(self) -> int:
        self._take("[")
        size = self._whole(self._expression())
        self._take("]")
        if not 1 <= size <= LARGEST:
            raise _Refused(f"a register of {_shown(str(size))} is not within 1..{LARGEST:,}.")
        return size

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
                raise _Refused("bits that were measured cannot be overwritten.")
        else:
            raise _Refused("bits can only be measured, or begin as 0.")
        self._take(";")

    def _measure(self) -> None:
        qubits = self._operand()
        bits = self._operand() if self._skip("->") else [str(qubit) for qubit in qubits]
        self._measured_into(qubits, bits)
        self._take(";")

    def _measured_into(self, qubits: Bits, bits: Bits) -> None:
        if self._conditions:
            raise _Refused("Cirq cannot measure under a condition.")
        self._check_kind(qubits, True)
        self._check_kind(bits, False)
        if len(qubits) != len(bits):
            raise _Refused(f"{len(qubits)} qubits are measured into {len(bits)} bits.")
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
        self._emit(_Barrier(tuple(qubits)))

    def _delay(self) -> None:
        self._take("[")
        value = self._number(self._expression())
        unit = self._take()
        if unit not in _NANOSECONDS or not isinstance(value, int | float) or value < 0:
            raise _Refused("give a delay as a number of ns, us, ms or s.")
        self._take("]")
        for qubit in [qubit for each in self._many(self._qubits, ";") for qubit in each]:
            self._emit(cirq.wait(qubit, nanos=value * _NANOSECONDS[unit]))

    def _define(self) -> None:
        opaque = self._tokens[self._at - 1][1] == "opaque"
        name = self._name()
        angles = self._many(self._name, ")") if self._skip("(") else []
        qubits = self._many(self._name, ";" if opaque else "{")
        if len({*angles, *qubits}) < len(angles) + len(qubits):
            raise _Refused(f"gate {_shown(name)} uses one name for two things.")
        self._gates[name] = _Definition(tuple(angles), tuple(qubits), None if opaque else self._at)
        if not opaque:
            self._at -= 1
            self._pass_over()

    def _input(self) -> None:
        self._take(*_SCALARS)
        if self._peek() == "[":
            self._size()
        name = self._name()
        self._values[name] = sympy.Symbol(name)
        self._take(";")

    def _const(self) -> None:
        self._take(*_SCALARS)
        self._constant()

    def _constant(self) -> None:
        if self._peek() == "[":
            self._size()
        name = self._name()
        self._take("=")
        self._values[name] = self._number(self._expression())
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
        holds = _truth(self._expression())
        self._take(")")
        self._branch(holds)
        if self._skip("else"):
            self._branch(sympy.Not(holds))

    def _branch(self, holds: Any) -> None:
        if holds == False:  # noqa: E712 (sympy's false is another object)
            self._pass_over()
            return
        before = list(self._conditions)
        for each in () if holds == True else sympy.And.make_args(holds):  # noqa: E712
            self._conditions.append(_condition(each))
        self._block()
        self._conditions = before

    def _for(self) -> None:
        self._take(*_SCALARS)
        if self._peek() == "[":
            self._size()
        name = self._name()
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
            self._values[name] = self._number(value)
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
        raise _Refused(f"{word!r} is no part of OpenQASM that is read as a circuit.")

    # Gates.

    def _gate_call(self) -> None:
        modifiers: list[tuple[str, Any]] = []
        while self._peek() in _MODIFIERS:
            kind = self._take()
            value: Any = 1
            if kind != "inv" and self._skip("("):
                value = self._number(self._expression())
                self._take(")")
            if kind.endswith("ctrl") and self._whole(value) < 1:
                raise _Refused("a gate needs at least one control.")
            modifiers.append((kind, value))
            self._take("@")
        name = self._name()
        angles = self._many(self._expression, ")") if self._skip("(") else []
        angles = [self._number(angle) for angle in angles]
        operands = self._many(self._qubits, ";")
        after = self._at
        if name == "gphase" and not modifiers:
            # Some exporters name a qubit.
            operands = []
        sizes = {len(each) for each in operands} - {1}
        if len(sizes) > 1:
            raise _Refused(f"registers of {' and '.join(map(str, sorted(sizes)))} do not fit.")
        for index in range(next(iter(sizes), 1)):
            qubits = [each[index if len(each) > 1 else 0] for each in operands]
            twice = next((each for each in qubits if qubits.count(each) > 1), None)
            if twice is not None:
                raise _Refused(f"{name} acts on {_shown(str(twice))} twice.")
            for piece in self._modified(modifiers, name, angles, qubits):
                self._emit(piece)
            self._at = after

    def _modified(
        self,
        modifiers: Sequence[tuple[str, Any]],
        name: str,
        angles: Sequence[Angle],
        qubits: list[cirq.Qid],
    ) -> list[_Piece]:
        if not modifiers:
            return self._applied(name, angles, qubits)
        (kind, value), *others = modifiers
        if not kind.endswith("ctrl"):
            pieces = self._modified(others, name, angles, qubits)
            return self._power(pieces, -1 if kind == "inv" else value)
        n_controls = self._whole(value)
        if len(qubits) < n_controls:
            raise _Refused(f"{name} has {n_controls} controls and {len(qubits)} qubits.")
        pieces = self._modified(others, name, angles, qubits[n_controls:])
        values = [int(kind == "ctrl")] * n_controls
        return [new for piece in pieces for new in _controlled(piece, qubits[:n_controls], values)]

    def _power(self, pieces: list[_Piece], exponent: Angle) -> list[_Piece]:
        if isinstance(exponent, int | float) and float(exponent).is_integer():
            times = abs(int(exponent))
            self._count(min(LARGEST + 1, times * len(pieces)))
            if exponent < 0:
                pieces = [_inverse(piece) for piece in reversed(pieces)]
            return pieces * times
        if sum(not isinstance(piece, _Phase) for piece in pieces) > 1:
            raise _Refused("only single gates have powers that are no whole numbers.")
        powers: list[_Piece] = []
        for piece in pieces:
            try:
                power = (
                    _Phase(piece.angle * exponent)
                    if isinstance(piece, _Phase)
                    else (piece if isinstance(piece, _Barrier) else piece**exponent)
                )
            except TypeError:
                raise _Refused("this gate has no power in Cirq.") from None
            powers.append(power)
        return powers

    def _applied(
        self, name: str, angles: Sequence[Angle], qubits: Sequence[cirq.Qid]
    ) -> list[_Piece]:
        if name == "gphase":
            self._check_numbers(name, angles, qubits, 1, 0)
            return [_Phase(angles[0])]
        definition = self._gates.get(name)
        if definition is None and name in STANDARD_GATES:
            gate = STANDARD_GATES[name]
            self._check_numbers(name, angles, qubits, gate.n_angles, gate.n_qubits)
            phases = [_Phase(gate.phase(*angles))] if gate.phase else []
            return [*phases, gate.build(*angles).on(*qubits)]
        if definition is None and name in _COMPOSED._gates:
            return self._expanded(_COMPOSED, name, _COMPOSED._gates[name], angles, qubits)
        if definition is None:
            raise _Refused(f"no gate {_shown(name)} is known or defined.")
        return self._expanded(self, name, definition, angles, qubits)

    def _expanded(
        self,
        source: _Reader,
        name: str,
        definition: _Definition,
        angles: Sequence[Angle],
        qubits: Sequence[cirq.Qid],
    ) -> list[_Piece]:
        """What a gate's body does; its statements are read again with its arguments."""
        self._check_numbers(name, angles, qubits, len(definition.angles), len(definition.qubits))
        if definition.body is None:
            raise _Refused(f"gate {_shown(name)} is opaque: nothing says what it does.")
        if self._depth >= DEEPEST:
            raise _Refused(f"gate definitions are nested more than {DEEPEST} deep.")
        kept = self.__dict__.copy()
        pieces: list[_Piece] = []
        self._pieces = pieces
        self._depth += 1
        self._conditions = []
        self._values = {**self._values, **dict(zip(definition.angles, angles, strict=True))}
        self._bits = {each: [qubit] for each, qubit in zip(definition.qubits, qubits, strict=True)}
        if source is not self:
            # The file's own gates have no say in those of the headers.
            self._tokens, self._gates = source._tokens, source._gates
        self._at = definition.body
        try:
            while not self._skip("}"):
                self._statement()
        finally:
            # What is refused within a header is the fault of the line that calls it.
            began = self._began if source is self else kept["_began"]
            kept["_work"] = self._work
            self.__dict__.update(kept)
            self._began = began
        return pieces

    @staticmethod
    def _check_numbers(
        name: str, angles: Sequence[Any], qubits: Sequence[Any], n_angles: int, n_qubits: int
    ) -> None:
        if len(angles) != n_angles or len(qubits) != n_qubits:
            raise _Refused(
                f"{_shown(name)} takes {n_angles} angles and {n_qubits} qubits, not {len(angles)} "
                f"and {len(qubits)}."
            )

    def _emit(self, piece: _Piece) -> None:
        self._count()
        if self._pieces is not None:
            self._pieces.append(piece)
        elif isinstance(piece, _Barrier):
            self.timeline.separate(piece.qubits)
        elif isinstance(piece, cirq.Operation):
            if self._conditions:
                piece = piece.with_classical_controls(*self._conditions)
            self.timeline.place(piece)

    # Operands.

    def _qubits(self) -> Bits:
        qubits = self._operand()
        self._check_kind(qubits, True)
        return qubits

    @staticmethod
    def _check_kind(bits: Bits, quantum: bool) -> None:
        if any(isinstance(bit, cirq.Qid) != quantum for bit in bits):
            raise _Refused(f"{'a qubit' if quantum else 'a bit'} is expected.")

    def _operand(self) -> Bits:
        """A register, or the parts of one that an index picks."""
        if self._skip("{"):
            return [bit for each in self._many(self._operand, "}") for bit in each]
        name = self._name()
        if name.startswith("$"):
            return [cirq.NamedQubit(name)]
        if name not in self._bits:
            raise _Refused(f"{_shown(name)} is not declared.")
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
        whole = self._whole(index)
        if not -size <= whole < size:
            raise _Refused(f"{_shown(name)} has {size} entries and none of index {whole}.")
        return whole

    def _range(self, size: int | None) -> range:
        """a:b or a:step:b, both ends included; ends may be left out where a size is known."""
        parts: list[int | None] = []
        while True:
            ended = self._peek() in (":", "]")
            parts.append(None if ended else self._whole(self._expression()))
            if not self._skip(":"):
                break
        step = parts[1] if len(parts) == 3 else 1
        first, last = parts[0], parts[-1]
        if size is not None:
            first = 0 if first is None else first % size if first >= -size else first
            last = size - 1 if last is None else last % size if last >= -size and last < 0 else last
        if len(parts) not in (2, 3) or first is None or last is None or not step:
            raise _Refused("give a range as first:last or first:step:last.")
        found = range(first, last + (1 if step > 0 else -1), step)
        # The length of a range cannot be larger than the largest index of a list.
        if abs(last - first) // abs(step) > LARGEST:
            raise _Refused(f"a range has more than {LARGEST:,} entries.")
        self._count(len(found))
        return found

    # Expressions: numbers, symbols, truth values, and lists of bits in conditions.

    def _expression(self, least: int = 1) -> Any:
        left = self._term()
        while True:
            operator = self._peek()
            binding = _BINDING.get(operator, 0)
            if binding < least or self._kind() != "symbol":
                return left
            self._at += 1
            # Powers bind to the right.
            right = self._expression(binding if operator in ("**", "^") else binding + 1)
            left = self._combined(left, operator, right)

    def _term(self) -> Any:
        kind, text = self._kind(), self._peek()
        if kind == "number":
            return self._literal(self._take())
        if self._skip("("):
            value = self._expression()
            self._take(")")
            return value
        if self._skip("-"):
            return self._finite(-self._number(self._expression(_UNARY)))
        if self._skip("+"):
            return self._number(self._expression(_UNARY))
        if self._skip("!"):
            return sympy.Not(_truth(self._expression(_UNARY)))
        if kind != "name":
            raise _Refused(f"{_shown(text)} stands where a number is expected.")
        if text in self._values:
            return self._values[self._take()]
        if text in self._bits:
            bits = self._operand()
            self._check_kind(bits, False)
            return [sympy.Symbol(bit) if bit in self._measured else 0 for bit in bits]
        if text in _FUNCTIONS and self._peek(1) == "(":
            self._at += 2
            value = self._number(self._expression())
            self._take(")")
            return self._called(text, value)
        if text in _CONSTANTS:
            return _CONSTANTS[self._take()]
        raise _Refused(f"{_shown(text)} is no number that is known.")

    @staticmethod
    def _literal(text: str) -> Any:
        digits = text.replace("_", "")
        if digits.isdecimal():
            if len(digits) > 18:
                raise _Refused(f"the number {_shown(digits)} is too large.")
            return int(digits)
        return _Reader._finite(float(digits))

    def _called(self, name: str, value: Any) -> Any:
        numeric, symbolic = _FUNCTIONS[name]
        if isinstance(value, sympy.Basic):
            return symbolic(value)
        try:
            return self._finite(numeric(value))
        except (ValueError, OverflowError):
            raise _Refused(f"{name} of {value:g} is no number.") from None

    def _combined(self, left: Any, operator: str, right: Any) -> Any:
        if operator in ("||", "&&"):
            join = sympy.Or if operator == "||" else sympy.And
            return join(_truth(left), _truth(right))
        if _BINDING[operator] in (3, 4):
            return _compared(left, operator, right)
        left, right = self._number(left), self._number(right)
        if operator == "^" and self._version == 3:
            raise _Refused("in OpenQASM 3 a power is written **.")
        try:
            return self._finite(_ARITHMETIC[operator](left, right))
        except (ArithmeticError, ValueError, TypeError):
            raise _Refused(f"an angle contains {operator!r} of numbers that have none.") from None

    @staticmethod
    def _finite(value: Any) -> Any:
        if isinstance(value, sympy.Basic):
            return value
        if isinstance(value, complex) or not math.isfinite(value) or abs(value) > 1e300:
            raise _Refused("a number is not finite.")
        return value

    @staticmethod
    def _number(value: Any) -> Any:
        if (
            isinstance(value, list)
            or isinstance(value, sympy.logic.boolalg.Boolean)
            and not (isinstance(value, sympy.Symbol))
        ):
            raise _Refused("a number is expected, and no bits.")
        return value

    def _whole(self, value: Any) -> int:
        if not isinstance(value, int | float) or not float(value).is_integer():
            raise _Refused(f"{_shown(str(value))} stands where a whole number is expected.")
        return int(value)


def _power_of(base: Any, exponent: Any) -> Any:
    if isinstance(base, sympy.Basic) or isinstance(exponent, sympy.Basic):
        return base**exponent
    # As floats: a power of whole numbers may have more digits than fit into memory.
    power = float(base) ** float(exponent)
    whole = isinstance(base, int) and isinstance(exponent, int) and abs(power) < 2**53
    return int(power) if whole and exponent >= 0 else power


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "**": _power_of,
    "^": _power_of,
}


def _truth(value: Any) -> Any:
    """A condition as one of sympy's truth values."""
    if isinstance(value, list):
        return sympy.Or(*(sympy.Eq(bit, 1) for bit in value))
    if isinstance(value, int | float):
        return sympy.true if value else sympy.false
    return value


def _compared(left: Any, operator: str, right: Any) -> Any:
    if isinstance(right, list) and not isinstance(left, list):
        flipped = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
        return _compared(right, flipped.get(operator, operator), left)
    if isinstance(left, list) and isinstance(right, int) and operator in ("==", "!="):
        # One condition for each bit, because that is how they are measured.
        bits = [sympy.Eq(bit, (right >> index) & 1) for index, bit in enumerate(left)]
        same = sympy.And(*bits) if 0 <= right < 2 ** len(left) else sympy.false
        return same if operator == "==" else sympy.Not(same)
    pair = [
        sum(bit * 2**index for index, bit in enumerate(each)) if isinstance(each, list) else each
        for each in (left, right)
    ]
    kinds = {"==": sympy.Eq, "!=": sympy.Ne, "<": sympy.Lt, ">": sympy.Gt}
    kinds |= {"<=": sympy.Le, ">=": sympy.Ge}
    return kinds[operator](*pair)


def _condition(holds: Any) -> cirq.Condition:
    if isinstance(holds, sympy.Eq) and isinstance(holds.lhs, sympy.Symbol) and holds.rhs == 1:
        return cirq.KeyCondition(cirq.MeasurementKey(str(holds.lhs)))
    return cirq.SympyCondition(holds)


def _inverse(piece: _Piece) -> _Piece:
    if isinstance(piece, _Phase):
        return _Phase(-piece.angle)
    if isinstance(piece, _Barrier):
        return piece
    inverse = cirq.inverse(piece, None)
    if inverse is None:
        raise _Refused(f"{_shown(str(piece))} has no inverse.")
    return inverse


def _controlled(piece: _Piece, controls: Sequence[cirq.Qid], values: Sequence[int]) -> list[_Piece]:
    if isinstance(piece, _Barrier):
        return [_Barrier((*controls, *piece.qubits))]
    if not isinstance(piece, _Phase):
        if not cirq.has_unitary(piece) and not cirq.is_parameterized(piece):
            raise _Refused(f"{_shown(str(piece))} cannot be controlled.")
        return [piece.controlled_by(*controls, control_values=values)]
    *others, last = controls
    turned = cirq.ZPowGate(exponent=turns(piece.angle)).on(last)
    if others:
        turned = turned.controlled_by(*others, control_values=values[:-1])
    return [turned] if values[-1] else [cirq.X(last), turned, cirq.X(last)]


def _shown(text: str) -> str:
    """A piece of the file, short enough for a message."""
    return repr(text if len(text) <= 24 else f"{text[:23]}…") if text else "the end"


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
    "let": _Reader._let,
    "if": _Reader._if,
    "for": _Reader._for,
    **dict.fromkeys(("pragma", "#", "@"), _Reader._line),
    **dict.fromkeys(
        _OTHER_STATEMENTS,
        _Reader._not_read,
    ),
}

_COMPOSED = _Reader(COMPOSED_GATES)
_COMPOSED.run()
