"""Errors and durations of a custom device, as a calibration."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import cirq

from noise_models.calibration import (
    Calibration,
    GateError,
    decay_rates,
    gate_types,
    worst_of_others,
)
from noise_models.checks import only_known_keys, real_number
from noise_models.errors import note, shown, some
from noise_models.values import coupler_key, normal_coupler_key, normal_qubit_key, qubit_key
from qucnn_cirq.errors import InputError

DURATIONS = ("one_qubit", "two_qubit", "measurement")
ERRORS = {"one_qubit": 0.0, "two_qubit": 0.0, "readout": 0.0, "t1": math.inf, "t2": math.inf}
"""What can be said of the errors, and what is so where nothing is said."""

Coupler = tuple[cirq.GridQubit, cirq.GridQubit]


def read_durations(table: object) -> dict[str, float]:
    """Durations in nanoseconds from a table with some of `DURATIONS`.

    Args:
        table: The table ``device.durations``, as the TOML of a device holds it.

    Raises:
        InputError: If a key is unknown or a value is no number of at least 0.
    """
    known = only_known_keys("device.durations", table, DURATIONS)
    return {
        key: real_number(f"device.durations.{key}", value, 0.0, 1e9) for key, value in known.items()
    }


def read_errors(
    name: str,
    table: object,
    qubits: Iterable[cirq.GridQubit],
    couplers: Iterable[Coupler],
    gates: Iterable[str],
    durations: Mapping[str, float],
) -> Calibration:
    """A calibration from a table of errors.

    Each of `ERRORS` is a number for the whole device, or a table with single qubits ("0,1")
    or couplers ("0,1:0,2") and, under "default", the number for all others. Errors of gates are
    probabilities of a Pauli error beyond decay; "readout" is the probability of reading a qubit
    wrongly, or the pair [P(1|0), P(0|1)]; "t1" and "t2" are microseconds, unlimited if not given.

    Args:
        name: The device's name, for the calibration.
        table: The table ``device.errors``, as the TOML of a device holds it.
        qubits: The device's qubits.
        couplers: Its couplers, each once.
        gates: Names of its native two-qubit gates, whose errors are equal.
        durations: Nanoseconds by names out of `DURATIONS`; all three are needed with "t1" or "t2".

    Raises:
        InputError: If a key is unknown or no part of the device, or a value is out of range.
    """
    given = only_known_keys("device.errors", table, ERRORS)
    names = {qubit_key(qubit): qubit for qubit in qubits}
    pairs = {coupler_key(*coupler): coupler for coupler in couplers}
    if not set(durations) >= set(DURATIONS) and ("t1" in given or "t2" in given):
        raise InputError(
            "device.errors has t1 or t2, which act over time: give device.durations with "
            f"{', '.join(DURATIONS)} too."
        )
    spread = {
        key: _spread(key, given.get(key, unsaid), pairs if key == "two_qubit" else names)
        for key, unsaid in ERRORS.items()
    }
    one_qubit, two_qubit, readout, t1, t2 = (
        _without_gaps(name, key, values) for key, values in spread.items()
    )
    types = [kind for gate, kind in gate_types().items() if gate in set(gates)]
    by_coupler: dict[tuple[cirq.Qid, cirq.Qid], dict[type[cirq.Gate], GateError]] = {}
    for key, (a, b) in pairs.items():
        error = _probability("two_qubit", two_qubit[key])
        own = dict.fromkeys(types, GateError(error, cirq.PhasedFSimGate(0.0), error))
        by_coupler[a, b] = by_coupler[b, a] = own
    return Calibration(
        name=name,
        rates=decay_rates(name, {key: _times(t1[key], t2[key]) for key in names}),
        one_qubit_ns=durations.get("one_qubit", 0.0),
        two_qubit_ns=dict.fromkeys(types, durations.get("two_qubit", 0.0)),
        measurement_ns=durations.get("measurement", 0.0),
        one_qubit={names[key]: _probability("one_qubit", one_qubit[key]) for key in names},
        two_qubit=by_coupler,
        readout={names[key]: _flips(readout[key]) for key in names},
    )


def _spread(key: str, given: Any, places: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each place."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(places, given)
    entries = dict(given)
    path = f"device.errors.{key}"
    default = entries.pop("default", None)
    values: dict[str, Any] = {}
    for text, value in entries.items():
        name = normal_coupler_key(path, text) if ":" in text else normal_qubit_key(text)
        if name not in places:
            known = ", ".join(list(places)[:3])
            raise InputError(
                f"{path} has the key {shown(text)}, which the device lacks: {known}, ..."
            )
        values[name] = value
    missing = next((place for place in places if place not in values), None)
    if missing is not None and default is None:
        raise InputError(f"{path} says nothing of {missing!r}: add it, or a default.")
    return {place: values.get(place, default) for place in places}


def _without_gaps(name: str, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The worst of the others where None or NaN says that a value was not measured."""
    gaps = worst_of_others(values, min if key in ("t1", "t2") else max)
    if None in gaps.values():
        raise InputError(f"device.errors.{key} has no number at all: give one, or leave it out.")
    if gaps:
        note(f"{name}: {key} of {some(gaps)} is missing; taken as the worst of the others.")
    return {**values, **gaps}


def _probability(key: str, value: object) -> float:
    return real_number(f"device.errors.{key}", value, 0.0, 1.0)


def _flips(value: object) -> tuple[float, float]:
    p01, p10 = value if isinstance(value, list | tuple) and len(value) == 2 else (value, value)
    return _probability("readout", p01), _probability("readout", p10)


def _times(t1: object, t2: object) -> tuple[float, float]:
    """T1 and T2 in microseconds; T2 as long as T1 allows if it is unlimited."""
    first = real_number("device.errors.t1", t1, 1e-6, math.inf)
    second = real_number("device.errors.t2", t2, 1e-6, math.inf)
    return first, 2 * first if math.isinf(second) else second
