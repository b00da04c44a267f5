"""Calibrations as plain data, in TOML and JSON files of the user's own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cirq

from noise_models.calibration import (
    Calibration,
    GateError,
    calibration_from_properties,
    gate_types,
)
from noise_models.errors import NoiseError, shown, unknown_name
from noise_models.files import file_text, parsed_json, parsed_toml
from noise_models.values import (
    by_place,
    coupler_key,
    normal_coupler_key,
    normal_qubit_key,
    number,
    probability,
    qubit_key,
    qubit_of_key,
    write_toml,
)

CALIBRATION_SUFFIXES = (".toml", ".json")
"""Files that may hold a calibration."""

_SECTIONS = ("name", "durations", "qubits", "couplers")
_QUBIT_KEYS = {
    "t1": "the decay time in microseconds",
    "t2": "the dephasing time in microseconds",
    "one_qubit": "the Pauli error of a one-qubit gate, decay apart",
    "p01": "the probability of reading 1 from a qubit in state 0",
    "p10": "the probability of reading 0 from a qubit in state 1",
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
        NoiseError: If the file cannot be read or holds what is not allowed; the message names it.
    """
    path = Path(path)
    parsed = parsed_toml if path.suffix == ".toml" else parsed_json
    text = file_text(path)
    content = parsed(text, path)
    try:
        if isinstance(content, Mapping) and "cirq_type" in content:
            return _from_cirq(path.stem, str(content["cirq_type"]), text)
        if not isinstance(content, Mapping) or list(content) != ["calibration"]:
            raise NoiseError("it must hold one table, calibration, and nothing else.")
        table = content["calibration"]
        named = {"name": path.stem, **table} if isinstance(table, Mapping) else table
        return calibration_from_mapping(named)
    except NoiseError as error:
        raise NoiseError(f"calibrated = {str(path)!r}: {error}") from None


def write_calibration(calibration: Calibration, path: str | Path) -> None:
    """Writes a calibration to a file that `read_calibration` reads.

    Args:
        calibration: The calibration.
        path: A name that ends in .toml or .json.

    Raises:
        NoiseError: If it ends otherwise, or cannot be written.
    """
    path = Path(path)
    content = {"calibration": calibration_to_mapping(calibration)}
    if path.suffix not in CALIBRATION_SUFFIXES:
        raise NoiseError(f"{str(path)!r} is no calibration file: let it end in .toml or .json.")
    text = write_toml(content) if path.suffix == ".toml" else json.dumps(content, indent=1)
    aside = path.with_name(path.name + ".partial")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise NoiseError(f"{str(path)!r} cannot be written: {error}.") from None


def _from_cirq(name: str, kind: str, text: str) -> Calibration:
    if kind != "GoogleNoiseProperties":
        raise NoiseError(
            f"it holds a {kind} of Cirq: give GoogleNoiseProperties. From a cirq_google.Calibration"
            " make them with cirq_google.noise_properties_from_calibration(calibration, "
            "gate_times_ns={...}) and cirq.to_json."
        )
    try:
        import cirq_google  # noqa: F401  # Teaches cirq.read_json its types.
    except ImportError:
        raise NoiseError("it needs cirq-google: pip install cirq-google.") from None
    try:
        properties = cirq.read_json(json_text=text)
        return calibration_from_properties(name, properties)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise NoiseError(f"its GoogleNoiseProperties cannot be understood ({reason}).") from None


def calibration_to_mapping(calibration: Calibration) -> dict[str, Any]:
    """All that a calibration says, as numbers, text and dictionaries.

    Returns:
        "name"; "durations" in nanoseconds of "one_qubit", "measurement" and each two-qubit gate
        ("cz", "sqrt_iswap", "syc", "fsim"); "qubits" with for each "t1" and "t2" in microseconds
        (absent: unlimited), "one_qubit", "p01" and "p10"; "couplers" with for each and each gate
        its error, or a table of "error" and the angles of its `cirq.PhasedFSimGate`.
    """
    names = {gate: name for name, gate in gate_types().items()}
    durations = {"one_qubit": calibration.one_qubit_ns, "measurement": calibration.measurement_ns}
    durations |= {names[gate]: time for gate, time in calibration.two_qubit_ns.items()}
    qubits: dict[str, dict[str, float]] = {}
    for qubit, (decay, dephasing) in calibration.rates.items():
        entry = {"t1": 1e-3 / decay} if decay else {}
        entry |= {"t2": 1e-3 / dephasing} if dephasing else {}
        p01, p10 = calibration.readout.get(qubit, (0.0, 0.0))
        entry |= {"one_qubit": calibration.one_qubit.get(qubit, 0.0), "p01": p01, "p10": p10}
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


def _plain_error(error: GateError) -> float | dict[str, float]:
    angles = {name: float(getattr(error.coherent, name)) for name in _ANGLES}
    if not any(angles.values()):
        return error.total
    return {"error": error.total, **{name: angle for name, angle in angles.items() if angle}}


def calibration_from_mapping(mapping: Mapping[str, Any]) -> Calibration:
    """Reads a calibration from plain data; see `calibration_to_mapping`.

    In "qubits" and in "couplers" an entry "default" gives what single entries leave out. An error
    that is given nowhere is 0, a decay time unlimited.

    Raises:
        NoiseError: If a key is unknown, a number out of range, or something needed is missing.
    """
    table = _table("calibration", mapping, _SECTIONS)
    qubits = _places("qubits", table.get("qubits"), _QUBIT_KEYS, normal_qubit_key)
    if not qubits:
        raise NoiseError('calibration.qubits is missing: list them, as in qubits."4,5" = {}.')
    couplers = _places(
        "couplers",
        table.get("couplers", {}),
        _GATE_NAMES,
        lambda key: normal_coupler_key("calibration.couplers", key),
    )
    durations = _durations(table.get("durations", {}), qubits.values(), couplers.values())
    types = gate_types()
    two_qubit: dict[tuple[cirq.Qid, cirq.Qid], dict[type[cirq.Gate], GateError]] = {}
    for key, entry in couplers.items():
        ends = key.split(":")
        for end in ends:
            if end not in qubits:
                raise NoiseError(
                    f"calibration.couplers has the key {key!r}, but calibration.qubits lacks {end}."
                )
        first, second = (qubit_of_key(end) for end in ends)
        errors = {
            types[gate]: _gate_error(f"calibration.couplers.{key!r}.{gate}", value)
            for gate, value in entry.items()
        }
        if not errors:
            raise NoiseError(
                f"calibration.couplers.{key!r} names no gate: give one of {', '.join(types)}."
            )
        two_qubit[first, second] = two_qubit[second, first] = errors
    return Calibration(
        name=str(table.get("name", "unnamed")),
        rates={qubit_of_key(key): _rates(key, entry) for key, entry in qubits.items()},
        one_qubit_ns=durations.get("one_qubit", 0.0),
        two_qubit_ns={types[gate]: durations[gate] for gate in types if gate in durations},
        measurement_ns=durations.get("measurement", 0.0),
        one_qubit={qubit_of_key(k): _chance(k, "one_qubit", entry) for k, entry in qubits.items()},
        two_qubit=two_qubit,
        readout={
            qubit_of_key(k): (_chance(k, "p01", entry), _chance(k, "p10", entry))
            for k, entry in qubits.items()
        },
    )


def _table(path: str, value: object, known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise NoiseError(
            f"{path} = {shown(value)} is not a table; its keys are {', '.join(known)}."
        )
    for key in value:
        if key not in known:
            raise unknown_name(f"key of {path}", key, list(known))
    return value


def _places(section: str, value: object, known: Iterable[str], normal: Any) -> dict[str, Any]:
    """For each qubit or coupler what is given of it, by itself or by default."""
    path = f"calibration.{section}"
    if not isinstance(value, Mapping):
        raise NoiseError(f"{path} is missing, or not a table.")
    default = _table(f"{path}.default", value.get("default", {}), known)
    single = {key: entry for key, entry in value.items() if key != "default"}

    def read(entry_path: str, entry: object) -> dict[str, Any]:
        return {**default, **_table(entry_path, entry, known)}

    return dict(by_place(path, single, normal, read))


def _durations(
    value: object, qubits: Iterable[Mapping[str, Any]], couplers: Iterable[Mapping[str, Any]]
) -> dict[str, float]:
    known = ("one_qubit", "measurement", *_GATE_NAMES)
    table = _table("calibration.durations", value, known)
    path = "calibration.durations"
    durations = {
        key: number(f"{path}.{key}", time, 0.0, 1e9, "a duration in nanoseconds")
        for key, time in table.items()
    }
    used = {gate for entry in couplers for gate in entry}
    for gate in sorted({*used, *durations} & set(_GATE_NAMES)):
        if gate not in gate_types():
            raise NoiseError(f"calibration: {gate} needs cirq-google: pip install cirq-google.")
        durations.setdefault(gate, math.nan)
    decays = any("t1" in entry or "t2" in entry for entry in qubits)
    needed = ("one_qubit", "measurement", *sorted(used))
    for key in needed:
        if math.isnan(durations.get(key, math.nan)):
            if decays:
                raise NoiseError(
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
        key: number(f"{path}.{key}", table.get(key, 0.0), -2 * math.pi, 2 * math.pi, meaning)
        for key in _ANGLES
    }
    error = probability(f"{path}.error", table.get("error", 0.0), _ERROR)
    return GateError.of(error, cirq.PhasedFSimGate(**angles))


def _chance(place: str, key: str, entry: Mapping[str, Any]) -> float:
    path = f"calibration.qubits.{place!r}.{key}"
    return probability(path, entry.get(key, 0.0), _QUBIT_KEYS[key])


def _rates(place: str, entry: Mapping[str, Any]) -> tuple[float, float]:
    """1/T1 and 1/T2 in 1/ns from microseconds."""
    times = {
        key: number(
            f"calibration.qubits.{place!r}.{key}",
            entry.get(key, math.inf),
            1e-6,
            math.inf,
            _QUBIT_KEYS[key],
        )
        for key in ("t1", "t2")
    }
    t1, t2 = times["t1"], times["t2"]
    # Decay alone dephases within 2 T1.
    t2 = min(t2, 2 * t1) if math.isinf(t2) else t2
    if t2 > 2 * t1 * (1 + 1e-9):
        raise NoiseError(
            f"calibration.qubits.{place!r}: t2 = {t2:g} exceeds twice t1 = {t1:g}, which decay "
            "does not allow."
        )
    return 1e-3 / t1, 1e-3 / t2
