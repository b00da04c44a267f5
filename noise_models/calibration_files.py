"""Calibrations as plain data, in TOML and JSON files of the user's own."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cirq

from noise_models.calibration import (
    Calibration,
    GateError,
    calibration_from_properties,
    decay_rates,
    gate_types,
    is_missing,
    worst_of_others,
)
from noise_models.checks import probability, real_number
from noise_models.errors import InputError, note, shown, some, unknown_name
from noise_models.files import file_text, parsed_json, parsed_toml
from noise_models.tables import write_document
from noise_models.values import (
    by_place,
    coupler_key,
    normal_coupler_key,
    normal_qubit_key,
    qubit_key,
    qubit_of_key,
)
from noise_models.writing import write_text

CALIBRATION_SUFFIXES = (".toml", ".json")
"""Files that may hold a calibration."""

_SECTIONS = ("name", "durations", "qubits", "couplers")
_QUBIT_KEYS = {
    "t1": "the decay time in microseconds",
    "t2": "the dephasing time in microseconds",
    "one_qubit": "the Pauli error of a one-qubit gate, decay apart",
    "p01": "the probability of reading 1 from a qubit in state 0",
    "p10": "the probability of reading 0 from a qubit in state 1",
    "preparation": "the probability that a qubit starts in |1>",
}
_ANGLES = ("theta", "zeta", "chi", "gamma", "phi")
_GATE_NAMES = ("syc", "cz", "sqrt_iswap", "fsim")
_ERROR = "the Pauli error of the gate on this coupler, decay apart"


def read_calibration(path: str | Path) -> Calibration:
    """Reads a calibration from a file.

    Args:
        path: TOML or JSON with a table "calibration" as `calibration_to_mapping` gives it, or
            `cirq_google.GoogleNoiseProperties` in Cirq's JSON. The processor's name is the file's,
            unless the file gives one.

    Raises:
        InputError: If the file cannot be read or holds what is not allowed; the message names it.
    """
    path = Path(path)
    parsed = parsed_toml if path.suffix.lower() == ".toml" else parsed_json
    text = file_text(path)
    content = parsed(text, path)
    try:
        if isinstance(content, Mapping) and "cirq_type" in content:
            return _from_cirq(path.stem, str(content["cirq_type"]), text)
        if not isinstance(content, Mapping) or "calibration" not in content:
            raise InputError("it must hold a table [calibration].")
        _table(path.name, content, ["calibration"])
        table = content["calibration"]
        named = {"name": path.stem, **table} if isinstance(table, Mapping) else table
        return calibration_from_mapping(named)
    except InputError as error:
        raise InputError(f"calibrated = {str(path)!r}: {error}") from None


def write_calibration(calibration: Calibration, path: str | Path) -> None:
    """Writes a calibration to a file that `read_calibration` reads.

    Args:
        calibration: The calibration.
        path: A name that ends in .toml or .json.

    Raises:
        InputError: If it ends otherwise, or cannot be written.
    """
    path = Path(path)
    content = calibration_to_mapping(calibration)
    if path.suffix.lower() not in CALIBRATION_SUFFIXES:
        raise InputError(f"{str(path)!r} is no calibration file: let it end in .toml or .json.")
    if path.suffix.lower() == ".toml":
        # A table for each, with a line for each qubit and coupler.
        tables = {f"calibration.{key}": table for key, table in content.items() if key != "name"}
        text = write_document({"calibration": {"name": content["name"]}, **tables})
    else:
        text = json.dumps({"calibration": content}, indent=1)
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error}.") from None


def _from_cirq(name: str, kind: str, text: str) -> Calibration:
    if kind != "GoogleNoiseProperties":
        raise InputError(
            f"it holds a {kind[:40]} of Cirq: give GoogleNoiseProperties, which "
            "cirq_google.noise_properties_from_calibration makes."
        )
    try:
        import cirq_google  # noqa: F401  # Teaches cirq.read_json its types.
    except ImportError:
        raise InputError("it needs cirq-google: pip install cirq-google.") from None
    try:
        properties = cirq.read_json(json_text=text)
        return calibration_from_properties(name, properties)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"its GoogleNoiseProperties cannot be understood ({reason}).") from None


def calibration_to_mapping(calibration: Calibration) -> dict[str, Any]:
    """All that a calibration says, as numbers, text and dictionaries.

    Args:
        calibration: One whose two-qubit gates are all in `gate_types`.

    Returns:
        "name"; "durations" in nanoseconds of "one_qubit", "measurement" and each two-qubit gate
        ("cz", "sqrt_iswap", "syc", "fsim"); "qubits" with for each "t1" and "t2" in microseconds
        (absent: unlimited), "one_qubit", "p01", "p10" and, where it is not 0, "preparation";
        "couplers" with for each and each gate its error, or a table of "error" and the angles of
        its `cirq.PhasedFSimGate`.
    """
    names = {gate: name for name, gate in gate_types().items()}
    durations = {"one_qubit": calibration.one_qubit_ns, "measurement": calibration.measurement_ns}
    durations |= {names[gate]: time for gate, time in calibration.two_qubit_ns.items()}
    qubits: dict[str, dict[str, float]] = {}
    for qubit, (decay, dephasing) in calibration.rates.items():
        entry = {"t1": _time_of(decay)} if decay else {}
        entry |= {"t2": _time_of(dephasing)} if dephasing else {}
        p01, p10 = calibration.readout.get(qubit, (0.0, 0.0))
        entry |= {"one_qubit": calibration.one_qubit.get(qubit, 0.0), "p01": p01, "p10": p10}
        if qubit in calibration.preparation:
            entry["preparation"] = calibration.preparation[qubit]
        qubits[qubit_key(qubit)] = entry
    couplers: dict[str, dict[str, Any]] = {}
    for coupler, errors in calibration.two_qubit.items():
        entries = {names[gate]: _plain_error(error) for gate, error in errors.items()}
        couplers.setdefault(coupler_key(*coupler), entries)
    return {
        "name": calibration.name,
        "durations": durations,
        "qubits": qubits,
        "couplers": couplers,
    }


def _time_of(rate: float) -> float:
    """The time in microseconds, in the fewest digits that give the same rate again.

    Args:
        rate: In 1/ns.
    """
    exact = 1e-3 / rate
    rounded = (float(f"{exact:.{digits}g}") for digits in range(1, 17))
    return next((time for time in rounded if 1e-3 / time == rate), exact)


def _plain_error(error: GateError) -> float | dict[str, float]:
    angles = {name: float(getattr(error.coherent, name)) for name in _ANGLES}
    if not any(angles.values()):
        return error.total
    return {"error": error.total, **{name: angle for name, angle in angles.items() if angle}}


def calibration_from_mapping(mapping: Mapping[str, Any]) -> Calibration:
    """Reads a calibration from plain data; see `calibration_to_mapping`.

    In "qubits" and in "couplers" an entry "default" gives what single entries leave out. An error
    that is given nowhere is 0, a decay time unlimited. Numbers may be texts, with a unit.

    What vendors publish is taken, with a `NoiseNote`: a value that is null or NaN is the worst of
    the others of its kind, t2 above 2 t1 is 2 t1, and keys that mean nothing here are left out.

    Args:
        mapping: The tables that `calibration_to_mapping` gives, in its units. "qubits" must be
            there; so must all "durations" if there are decay times.

    Raises:
        InputError: If a key is unknown but much like a known one, a number is out of range, or
            something needed is missing.
    """
    table = _table("calibration", mapping, _SECTIONS)
    name = str(table.get("name", "unnamed"))
    qubits = _places("qubits", table.get("qubits"), _QUBIT_KEYS, normal_qubit_key)
    if not qubits:
        raise InputError('calibration.qubits is missing: list them, as in qubits."4,5" = {}.')
    couplers = _places(
        "couplers",
        table.get("couplers", {}),
        _GATE_NAMES,
        lambda key: normal_coupler_key("calibration.couplers", key),
    )
    _fill(name, "qubits", qubits, {"t1": min, "t2": min}, _QUBIT_KEYS)
    _fill(name, "couplers", couplers, {}, _GATE_NAMES)
    durations = _durations(table.get("durations", {}), qubits.values(), couplers.values())
    types = gate_types()
    two_qubit: dict[tuple[cirq.Qid, cirq.Qid], dict[type[cirq.Gate], GateError]] = {}
    for key, entry in couplers.items():
        ends = key.split(":")
        for end in ends:
            if end not in qubits:
                raise InputError(
                    f"calibration.couplers has the key {key!r}, but calibration.qubits lacks {end}."
                )
        first, second = (qubit_of_key(end) for end in ends)
        errors = {
            types[gate]: _gate_error(f"calibration.couplers.{key!r}.{gate}", value)
            for gate, value in entry.items()
        }
        if not errors:
            raise InputError(
                f"calibration.couplers.{key!r} names no gate: give one of {', '.join(types)}."
            )
        two_qubit[first, second] = two_qubit[second, first] = errors
    times = {key: _times(f"calibration.qubits.{key!r}", entry) for key, entry in qubits.items()}
    return Calibration(
        name=name,
        rates=decay_rates(name, times),
        one_qubit_ns=durations.get("one_qubit", 0.0),
        two_qubit_ns={types[gate]: durations[gate] for gate in types if gate in durations},
        measurement_ns=durations.get("measurement", 0.0),
        one_qubit={qubit_of_key(k): _chance(k, "one_qubit", entry) for k, entry in qubits.items()},
        two_qubit=two_qubit,
        readout={
            qubit_of_key(k): (_chance(k, "p01", entry), _chance(k, "p10", entry))
            for k, entry in qubits.items()
        },
        preparation={
            qubit_of_key(k): chance
            for k, entry in qubits.items()
            if (chance := _chance(k, "preparation", entry)) > 0
        },
    )


def _table(path: str, value: object, known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{path} = {shown(value)} is not a table; its keys are {', '.join(known)}."
        )
    strange = [key for key in value if key not in known]
    for key in strange:
        # One that is much like a known one is a slip, any other is somebody else's.
        text = str(key).lower()[:80]
        cutoff = 0.5 if len(text) <= 3 else 0.65
        if difflib.get_close_matches(text, list(known), n=1, cutoff=cutoff):
            raise unknown_name(f"key of {path}", key, list(known))
    if strange:
        note(f"{path}: {some(map(str, strange))} mean nothing here and are left out.")
    return {key: each for key, each in value.items() if key in known}


def _fill(
    name: str,
    section: str,
    entries: Mapping[str, dict[str, Any]],
    worst: Mapping[str, Any],
    keys: Iterable[str],
) -> None:
    """Puts the worst of the others in place of values that are null or NaN."""
    for key in keys:
        given = {place: _error_of(entry[key]) for place, entry in entries.items() if key in entry}
        gaps = worst_of_others(given, worst.get(key, max))
        taken = "taken as the worst of the others"
        for place, value in gaps.items():
            if value is not None:
                entries[place][key] = value
            elif section == "couplers":
                entries[place][key], taken = 1.0, "taken as 1"
            else:
                del entries[place][key]
                taken = "taken as not given"
        if gaps:
            note(f"{name}: {section} {some(gaps)} have no {key}; {taken}.")


def _error_of(value: object) -> object:
    """A number, of a text or of a table with an error."""
    return value.get("error", 0.0) if isinstance(value, Mapping) else value


_UNITS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9}
_NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?)\s*([a-zA-Zµμ]*)\s*")


def _plain(value: object, unit_ns: float | None) -> object:
    """A number that is written as a text, perhaps with a unit; anything else as it is.

    Args:
        value: What the user gave.
        unit_ns: The unit that is meant without one, in nanoseconds; None for plain numbers.
    """
    match = _NUMBER.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    if match is None:
        return value
    number, unit = float(match.group(1)), match.group(2)
    if not unit:
        return number
    return number * _UNITS[unit] / unit_ns if unit_ns and unit in _UNITS else value


def _places(section: str, value: object, known: Iterable[str], normal: Any) -> dict[str, Any]:
    """For each qubit or coupler what is given of it, by itself or by default."""
    path = f"calibration.{section}"
    if not isinstance(value, Mapping):
        raise InputError(f"{path} is missing, or not a table.")
    default = _table(f"{path}.default", value.get("default", {}), known)
    single = {key: entry for key, entry in value.items() if key != "default"}

    def read(entry_path: str, entry: object) -> dict[str, Any]:
        own = {} if entry is None else _table(entry_path, entry, known)
        units = {"t1": 1e3, "t2": 1e3}
        return {key: _plain(each, units.get(key)) for key, each in {**default, **own}.items()}

    return dict(by_place(path, single, normal, read))


def _durations(
    value: object, qubits: Iterable[Mapping[str, Any]], couplers: Iterable[Mapping[str, Any]]
) -> dict[str, float]:
    known = ("one_qubit", "measurement", *_GATE_NAMES)
    table = _table("calibration.durations", value, known)
    path = "calibration.durations"
    durations = {
        key: real_number(f"{path}.{key}", _plain(time, 1.0), 0.0, 1e9, "a duration in nanoseconds")
        for key, time in table.items()
        if not is_missing(time)
    }
    used = {gate for entry in couplers for gate in entry}
    for gate in sorted({*used, *durations} & set(_GATE_NAMES)):
        if gate not in gate_types():
            raise InputError(f"calibration: {gate} needs cirq-google: pip install cirq-google.")
        durations.setdefault(gate, math.nan)
    decays = any("t1" in entry or "t2" in entry for entry in qubits)
    needed = ("one_qubit", "measurement", *sorted(used))
    for key in needed:
        if math.isnan(durations.get(key, math.nan)):
            if decays:
                raise InputError(
                    f"calibration.durations.{key} is missing: t1 and t2 act over time, so give "
                    f"{', '.join(needed)} in nanoseconds."
                )
            durations[key] = 0.0
    return durations


def _gate_error(path: str, value: object) -> GateError:
    if not isinstance(value, Mapping):
        return GateError.of(probability(path, value, _ERROR), cirq.PhasedFSimGate(0.0))
    table = _table(path, value, ("error", *_ANGLES))
    meaning = "an angle of the unwanted cirq.PhasedFSimGate in radians"
    angles = {
        key: real_number(f"{path}.{key}", table.get(key, 0.0), -2 * math.pi, 2 * math.pi, meaning)
        for key in _ANGLES
    }
    error = probability(f"{path}.error", table.get("error", 0.0), _ERROR)
    return GateError.of(error, cirq.PhasedFSimGate(**angles))


def _chance(place: str, key: str, entry: Mapping[str, Any]) -> float:
    path = f"calibration.qubits.{place!r}.{key}"
    return probability(path, entry.get(key, 0.0), _QUBIT_KEYS[key])


def _times(path: str, entry: Mapping[str, Any]) -> tuple[float, float]:
    """T1 and T2 in microseconds; T2 as long as T1 allows if it is not given."""

    def time(key: str, default: float) -> float:
        given = entry.get(key, default)
        return real_number(f"{path}.{key}", given, 1e-6, math.inf, _QUBIT_KEYS[key])

    t1 = time("t1", math.inf)
    return t1, time("t2", 2 * t1)
