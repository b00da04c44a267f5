"""What IBM publishes of a processor, in CSV and JSON, as it stands there.

CSV is what the pages of backends offer for download; JSON is ``backend.properties().to_dict()`` of
Qiskit. Both give an average gate infidelity for each gate; nothing is converted here.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noise_models.checks import real_number, whole_number
from noise_models.errors import InputError, shown
from noise_models.files import file_text, parsed_json

TWO_QUBIT_GATES = ("cz", "ecr", "cx")
"""The two-qubit gates that are read: each is a CZ with one-qubit gates before and after."""
PULSES = ("sx", "x", "rx", "id")
"""One-qubit gates of one pulse; the first that a file has counts."""
LARGEST_NUMBER = 99_999
"""Of a qubit."""

Pair = tuple[int, int]
_UNITS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9}


@dataclass
class Published:
    """Numbers by qubit and coupler; a number that is not given is absent or NaN.

    Attributes:
        name: The processor's name.
        qubits: For each number a table of "t1", "t2" and "measurement" in nanoseconds, "p01",
            "p10", "readout", "preparation", "one_qubit_ns", "operational" (0 or 1), and an error
            for each of `PULSES`.
        couplers: For each two-qubit gate and pair, the smaller number first, the infidelity.
        two_qubit_ns: For each pair the duration of its gate.
        left_out: Errors that are given and have no meaning here, as the file names them.
    """

    name: str
    qubits: dict[int, dict[str, float]] = field(default_factory=dict)
    couplers: dict[str, dict[Pair, float]] = field(default_factory=dict)
    two_qubit_ns: dict[Pair, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def add(self, gate: str, pair: Pair, error: float) -> None:
        """Notes the infidelity of a gate; of both directions the worse counts.

        Args:
            gate: One of `TWO_QUBIT_GATES`.
            pair: The qubits.
            error: The infidelity, or NaN.
        """
        errors = self.couplers.setdefault(gate, {})
        key = (min(pair), max(pair))
        known = errors.get(key, error)
        # NaN is no number: the direction that was measured is the one there is.
        errors[key] = error if math.isnan(known) else max(known, error)


def read_published(path: Path) -> Published:
    """Reads a file.

    Args:
        path: A name that ends in .csv or .json.

    Raises:
        InputError: If it cannot be read, or is neither format.
    """
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".json"):
        raise InputError("give a .csv or a .json file as IBM publishes them.")
    text = file_text(path)
    if suffix == ".csv":
        return _of_table(text, path.stem)
    return _of_properties(parsed_json(text, path.name), path.stem)


def number(what: str, value: object) -> float:
    """A number of a file, NaN where none was measured.

    Args:
        what: What it is, for the error.
        value: A number, or a text with one.

    Raises:
        InputError: If it is anything else, or infinite.
    """
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in ("", "nan", "null", "none", "n/a", "-"):
            return math.nan
        with contextlib.suppress(ValueError):
            value = float(text) if len(text) < 40 else text
        if isinstance(value, str) and re.fullmatch(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?", text):
            raise InputError(f"{what} = {shown(value)} has a decimal comma: write a point.")
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    return real_number(what, value, -1e300, 1e300)


# --- CSV


_COLUMNS = {
    "prob meas1 prep0": "p01",
    "prob meas0 prep1": "p10",
    "readout assignment error": "readout",
    "readout error": "readout",
    "√x (sx) error": "sx",
    "sx error": "sx",
    "pauli-x error": "x",
    "x error": "x",
    "id error": "id",
    "rx error": "rx",
    "init error": "preparation",
    "operational": "operational",
}
_NO_ERRORS = re.compile(r"(?:z-axis rotation \(rz\)|rz|measure|reset) error")
"""Of virtual rotations, and what is said in other columns too."""
_TIMES = {
    "t1": re.compile(r"t1 \((.*)\)"),
    "t2": re.compile(r"t2 \((.*)\)"),
    "measurement": re.compile(r"readout length \((.*)\)"),
    "one_qubit_ns": re.compile(r"single-qubit gate (?:length|time) \((.*)\)"),
}
_GATE_COLUMNS = {"cz error": "cz", "ecr error": "ecr", "cnot error": "cx", "cx error": "cx"}
_GATE_TIME = re.compile(r"gate (?:length|time) \((.*)\)")
_PAIR = re.compile(r"[a-z]*(?:(\d{1,9})_)?(\d{1,9})")


def _of_table(text: str, name: str) -> Published:
    try:
        # Some programs begin with a mark of the byte order.
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        raise InputError(f"it is no CSV: {error}.") from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    headers = [" ".join(cell.lower().split()) for cell in rows[0]] if rows else []
    if "qubit" not in headers:
        hint = " Write commas between cells." if "qubit;" in (headers or [""])[0] else ""
        raise InputError(f"its first line has no column Qubit: {shown(','.join(headers))}.{hint}")
    twice = next((h for h in headers if h and headers.count(h) > 1), None)
    if twice is not None:
        raise InputError(f"it has two columns {shown(twice)}.")
    found = Published(name)
    known = set(headers) & _COLUMNS.keys()
    found.left_out = [
        " ".join(cell.split())
        for header, cell in zip(headers, rows[0], strict=True)
        if header.endswith("error")
        and header not in known
        and header not in _GATE_COLUMNS
        and not _NO_ERRORS.fullmatch(header)
    ]
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(headers):
            raise InputError(
                f"row {line} has {len(row)} cells, the first one {len(headers)}: numbers with a "
                "decimal comma are not read."
            )
        _read_row(found, dict(zip(headers, row, strict=True)))
    others = [
        header
        for header in headers
        if header != "qubit" and not any(each.fullmatch(header) for each in _TIMES.values())
    ]
    if others and not (known or set(headers) & _GATE_COLUMNS.keys()):
        raise InputError(
            "its first line has no column of errors that is known: download it in English, with "
            "columns as Readout assignment error and CZ error."
        )
    return found


def _read_row(found: Published, cells: Mapping[str, str]) -> None:
    qubit = _qubit(cells["qubit"])
    if qubit in found.qubits:
        raise InputError(f"it has two rows of qubit {qubit}.")
    entry = found.qubits[qubit] = {}
    for header, cell in cells.items():
        what = f"{shown(header, 40)} of qubit {qubit}"
        if header in _COLUMNS:
            key = _COLUMNS[header]
            entry[key] = _truth(what, cell) if key == "operational" else number(what, cell)
        for key, pattern in _TIMES.items():
            if match := pattern.fullmatch(header):
                entry[key] = number(what, cell) * _unit(header, match[1])
        if header in _GATE_COLUMNS:
            for pair, value in _by_neighbour(what, qubit, cell):
                found.add(_GATE_COLUMNS[header], pair, value)
        if match := _GATE_TIME.fullmatch(header):
            unit = _unit(header, match[1])
            for pair, value in _by_neighbour(what, qubit, cell):
                found.two_qubit_ns[min(pair), max(pair)] = value * unit


def _truth(what: str, cell: str) -> float:
    words = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
    text = cell.strip().lower()
    return words[text] if text in words else number(what, cell)


def _by_neighbour(what: str, qubit: int, cell: str) -> Iterable[tuple[Pair, float]]:
    """The entries of "0_1:0.005; 0_2:0.006", or of "1:0.005; 2:0.006" on the row of qubit 0."""
    for part in filter(None, map(str.strip, cell.split(";"))):
        key, colon, value = part.partition(":")
        match = _PAIR.fullmatch(key.strip().lower())
        if not colon or match is None:
            raise InputError(f"{what} is {shown(part, 40)}: it should be as 0_1:0.005;0_2:0.006.")
        first = qubit if match[1] is None else _qubit(match[1])
        yield _pair(first, _qubit(match[2])), number(what, value)


def _unit(header: str, unit: str) -> float:
    if unit not in _UNITS:
        raise InputError(f"column {shown(header)} is in no unit of time: {', '.join(_UNITS)}.")
    return _UNITS[unit]


# --- JSON


_PARAMETERS = {
    "prob_meas1_prep0": "p01",
    "prob_meas0_prep1": "p10",
    "readout_error": "readout",
    "init_error": "preparation",
    "prob_init1_prep0": "preparation",
    "operational": "operational",
}
_DURATIONS = {"T1": "t1", "T2": "t2", "readout_length": "measurement"}


_SILENT_GATES = ("rz", "reset", "delay", "measure", "barrier")
"""Virtual, without error, or with numbers that stand elsewhere too."""


def _of_properties(content: object, name: str) -> Published:
    if not isinstance(content, Mapping) or not {"qubits", "gates"} <= content.keys():
        raise InputError(
            "it holds no backend.properties().to_dict(): qubits and gates are missing."
        )
    own = content.get("backend_name")
    found = Published(own if isinstance(own, str) and own else name)
    for qubit, parameters in enumerate(_list("qubits", content["qubits"])):
        entry = found.qubits[qubit] = {}
        for key, unit, value in _parameters(f"qubits[{qubit}]", parameters):
            what = f"{shown(key, 40)} of qubit {qubit}"
            if key in _PARAMETERS:
                entry[_PARAMETERS[key]] = number(what, value)
            elif key in _DURATIONS:
                entry[_DURATIONS[key]] = number(what, value) * _unit(key, unit)
    for index, gate in enumerate(_list("gates", content["gates"])):
        if not isinstance(gate, Mapping):
            raise InputError(f"gates[{index}] is {shown(gate, 40)}, and no table.")
        _read_gate(found, f"gates[{index}]", gate)
    return found


def _read_gate(found: Published, path: str, gate: Mapping[str, Any]) -> None:
    kind, numbers = gate.get("gate"), _list(f"{path}.qubits", gate.get("qubits"))
    qubits = [_qubit(each) for each in numbers]
    if kind not in PULSES + TWO_QUBIT_GATES or len(qubits) != (1 if kind in PULSES else 2):
        if kind not in _SILENT_GATES and (name := str(kind)) not in found.left_out:
            found.left_out.append(name)
        return
    for qubit in qubits:
        if qubit not in found.qubits:
            raise InputError(f"{path} is on qubit {qubit}, which is not among the qubits.")
    # A gate of which nothing is said was not measured.
    error, length = math.nan, math.nan
    for key, unit, value in _parameters(f"{path}.parameters", gate.get("parameters", [])):
        if key == "gate_error":
            error = number(f"{path}.{key}", value)
        elif key == "gate_length":
            length = number(f"{path}.{key}", value) * _unit(key, unit)
        elif key == "operational" and number(f"{path}.{key}", value) == 0:
            error = 1.0
            break
    if kind in PULSES:
        found.qubits[qubits[0]][str(kind)] = error
        if kind == PULSES[0] or "one_qubit_ns" not in found.qubits[qubits[0]]:
            found.qubits[qubits[0]]["one_qubit_ns"] = length
        return
    pair = _pair(*qubits)
    found.add(str(kind), pair, error)
    found.two_qubit_ns[min(pair), max(pair)] = length


def _parameters(path: str, given: object) -> Iterable[tuple[str, str, object]]:
    for each in _list(path, given):
        if not isinstance(each, Mapping) or not isinstance(each.get("name"), str):
            raise InputError(f"{path} has {shown(each, 40)}: it should be a table with a name.")
        yield each["name"], str(each.get("unit", "")).strip(), each.get("value")


def _list(path: str, given: object) -> list[Any]:
    if not isinstance(given, list):
        raise InputError(f"{path} = {shown(given, 40)} is not a list.")
    return given


def _qubit(given: object) -> int:
    if isinstance(given, str) and re.fullmatch(r"\s*\d{1,9}\s*", given):
        given = int(given)
    return whole_number("the number of a qubit", given, 0, LARGEST_NUMBER)


def _pair(first: int, second: int) -> Pair:
    if first == second:
        raise InputError(f"it has a two-qubit gate on qubit {first} and itself.")
    return first, second
