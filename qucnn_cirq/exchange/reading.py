"""Reading circuits of strangers: Cirq's JSON, OpenQASM 2 and 3, and programs of cirq_google.

Nothing in a file is executed, no other file is opened for it, and `read_circuit` takes
bounded time and memory whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cirq

# Cirq's JSON knows its gates only once it is imported.
import cirq_google
from cirq_google.api import v2

from noise_models.files import file_bytes, file_text
from qucnn_cirq.errors import InputError
from qucnn_cirq.exchange.openqasm import circuit_from_openqasm
from qucnn_cirq.guard import guarded

LARGEST_FILE = 64 * 2**20
"""Bytes: about 100,000 operations in Cirq's JSON."""

Moments = tuple[tuple[cirq.Operation, ...], ...]

_OPENQASM = re.compile(r"(?:\s|//[^\r\n]*[\r\n]|/\*(?:[^*]|\*(?!/))*\*/)*OPENQASM\b")
_PLACES = re.compile(r"^// Qubits: \[((?:q\(-?\d+, -?\d+\)(?:, )?)+)\]$", re.MULTILINE)
_PLACE = re.compile(r"q\((-?\d+), (-?\d+)\)")


def read_circuit(path: Path | str) -> cirq.Circuit:
    """Reads a circuit within bounds of time and memory.

    Args:
        path: A regular file of at most 64 MiB that holds a circuit in Cirq's JSON, OpenQASM or, if
            its name ends in ``.pb``, a program of ``cirq_google``.

    Returns:
        The circuit.

    Raises:
        InputError: In one line that names the file, if it cannot be read, holds no circuit, or
            takes too much time or memory.
    """
    return guarded(Path(path), parsed_circuit)


def parsed_circuit(path: Path) -> cirq.Circuit:
    """Reads a circuit without bounds; see `read_circuit`.

    Args:
        path: As for `read_circuit`.

    Raises:
        InputError: As `read_circuit`.
    """
    moments = parsed_moments(path)
    for index, moment in enumerate(moments):
        qubits = [qubit for operation in moment for qubit in operation.qubits]
        if len(set(qubits)) < len(qubits):
            twice = next(qubit for qubit in qubits if qubits.count(qubit) > 1)
            raise InputError(f"moment {index} acts on a qubit twice: {twice}.")
    try:
        return cirq.Circuit(map(cirq.Moment, moments))
    except ValueError as error:
        raise _unreadable("holds moments that are none", error) from None


def parsed_moments(path: Path) -> Moments:
    """Reads the moments of a circuit, which may act on a qubit twice, without bounds.

    Args:
        path: As for `read_circuit`.

    Returns:
        For each moment its operations, in the order in which they are written.

    Raises:
        InputError: As `read_circuit`.
    """
    if path.suffix == ".pb":
        moments = _from_google(path, file_bytes(path, LARGEST_FILE))
    else:
        text = file_text(path, LARGEST_FILE).removeprefix("\ufeff")
        is_qasm = path.suffix in (".qasm", ".qasm3") or _OPENQASM.match(text)
        moments = _from_qasm(text) if is_qasm else _from_json(path, text)
    for moment in moments:
        for operation in moment:
            if not isinstance(operation, cirq.Operation):
                kind = type(operation).__name__
                raise InputError(f"{path} has a {kind} where an operation is expected.")
            for qubit in operation.qubits:
                _check_qubit(path, qubit)
    return moments


class _Moment:
    """A moment that may act on a qubit twice, which ``cirq.Moment`` refuses."""

    def __init__(self, operations: Sequence[Any]) -> None:
        self.operations = tuple(operations)

    @classmethod
    def _from_json_dict_(cls, operations: Sequence[Any], **_: Any) -> _Moment | cirq.Moment:
        try:
            return cirq.Moment(operations)
        except ValueError:
            return cls(operations)


class _Circuit:
    """A circuit with such moments."""

    def __init__(self, moments: Sequence[_Moment | cirq.Moment]) -> None:
        self.moments = moments

    @classmethod
    def _from_json_dict_(cls, moments: Sequence[Any], **_: Any) -> _Circuit | cirq.Circuit:
        if any(isinstance(moment, _Moment) for moment in moments):
            return cls([each for each in moments if isinstance(each, _Moment | cirq.Moment)])
        return cirq.Circuit(moments)


_TOLERANT: dict[str, Any] = {"Moment": _Moment, "Circuit": _Circuit}


def _from_json(path: Path, text: str) -> Moments:
    resolvers: list[Any] = [_TOLERANT.get, *cirq.DEFAULT_RESOLVERS]
    try:
        content = cirq.read_json(json_text=text, resolvers=resolvers)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        # What Cirq raises depends on where in the text it fails to make sense of it.
        raise _unreadable("is no circuit in Cirq's JSON, and no OpenQASM", error) from None
    if isinstance(content, cirq.AbstractCircuit):
        return tuple(tuple(moment) for moment in content)
    if isinstance(content, _Circuit):
        return tuple(tuple(moment.operations) for moment in content.moments)
    raise InputError(f"{path} holds a {type(content).__name__}: give a cirq.Circuit as JSON.")


def _from_qasm(text: str) -> Moments:
    circuit = circuit_from_openqasm(text)
    places = _PLACES.search(text)
    if places:
        circuit = _on_grid(circuit, places.group(1))
    return tuple(tuple(moment) for moment in circuit)


def _from_google(path: Path, content: bytes) -> Moments:
    try:
        program = v2.program_pb2.Program.FromString(content)
        circuit = cirq_google.CIRCUIT_SERIALIZER.deserialize(program)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        raise _unreadable("is no program of cirq_google", error) from None
    return tuple(tuple(moment) for moment in circuit)


def _on_grid(circuit: cirq.Circuit, places: str) -> cirq.Circuit:
    """Puts q[0], q[1], ... on the grid qubits that the comment of Cirq's own OpenQASM lists."""
    grid = [cirq.GridQubit(int(row), int(column)) for row, column in _PLACE.findall(places)]
    mapping: dict[cirq.Qid, cirq.Qid] = {
        cirq.NamedQubit(f"q_{index}"): qubit for index, qubit in enumerate(grid)
    }
    if not circuit.all_qubits() <= set(mapping):
        return circuit
    return circuit.transform_qubits(mapping)


def _check_qubit(path: Path, qubit: object) -> None:
    if not isinstance(qubit, cirq.Qid):
        raise InputError(f"{path} has a {type(qubit).__name__} where a qubit is expected.")
    if isinstance(qubit, cirq.GridQubit | cirq.GridQid) and not (
        isinstance(qubit.row, int) and isinstance(qubit.col, int)
    ):
        raise InputError(f"{path} has a grid qubit whose row and column are no whole numbers.")


def _unreadable(what: str, error: Exception) -> InputError:
    return InputError(f"the file {what} ({type(error).__name__}: {error}).")
