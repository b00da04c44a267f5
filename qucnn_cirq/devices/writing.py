"""Devices as files: what `qucnn_cirq.devices.files` reads, made of a calibration."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cirq

from noise_models import Calibration
from noise_models.calibration import gate_types
from noise_models.tables import write_document
from noise_models.values import coupler_key, qubit_key
from noise_models.writing import write_text
from qucnn_cirq.devices.definitions import device_from_mapping
from qucnn_cirq.errors import InputError


def write_device(calibration: Calibration, path: str | Path) -> None:
    """Writes the device that a calibration is of, its errors included.

    Args:
        calibration: One of grid qubits with a single kind of two-qubit gate, without coherent
            errors.
        path: A name that ends in .toml.

    Raises:
        InputError: If the calibration is none of these, its couplers do not join neighbours, or the
            file has another name or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".toml":
        raise InputError(f"{str(path)!r} is no device file: let it end in .toml.")
    device = _device(calibration)
    device_from_mapping(device)
    tables = {key: device.pop(key) for key in ("durations", "errors")}
    text = write_document(
        {"device": device, **{f"device.{key}": table for key, table in tables.items()}}
    )
    try:
        write_text(path, text)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be written: {error}.") from None


def _device(calibration: Calibration) -> dict[str, Any]:
    """The table ``[device]``."""
    names = {gate: name for name, gate in gate_types().items()}
    kinds = {kind for errors in calibration.two_qubit.values() for kind in errors}
    qubits = [qubit for qubit in calibration.rates if isinstance(qubit, cirq.GridQubit)]
    if len(qubits) < len(calibration.rates):
        raise InputError("a device has qubits on a grid: give positions.")
    if len(kinds) != 1:
        raise InputError(f"{calibration.name} has {len(kinds)} kinds of two-qubit gates, not 1.")
    (kind,) = kinds
    couplers: dict[str, tuple[Any, float]] = {}
    for (first, second), errors in calibration.two_qubit.items():
        ends = [[qubit.row, qubit.col] for qubit in (first, second)]  # type: ignore[attr-defined]
        couplers.setdefault(coupler_key(first, second), (ends, errors[kind].depolarizing))

    def microseconds(index: int) -> dict[str, float | str]:
        rates = {qubit_key(q): calibration.rates[q][index] for q in qubits}
        return {key: 1e-3 / rate if rate else str(math.inf) for key, rate in rates.items()}

    return {
        "name": calibration.name,
        "qubits": [[qubit.row, qubit.col] for qubit in qubits],
        "couplers": [ends for ends, _ in couplers.values()],
        "gates": [names[kind]],
        "durations": {
            "one_qubit": calibration.one_qubit_ns,
            "two_qubit": calibration.two_qubit_ns[kind],
            "measurement": calibration.measurement_ns,
        },
        "errors": {
            "one_qubit": {qubit_key(q): calibration.one_qubit[q] for q in qubits},
            "two_qubit": {key: error for key, (_, error) in couplers.items()},
            "readout": {qubit_key(q): list(calibration.readout[q]) for q in qubits},
            "t1": microseconds(0),
            "t2": microseconds(1),
        },
    }
