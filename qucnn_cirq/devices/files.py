"""Devices in files: a table, a diagram, or Cirq's specification."""

from __future__ import annotations

from pathlib import Path

import cirq
import cirq_google
from cirq_google.api import v2
from google.protobuf import text_format

from noise_models.files import file_text
from noise_models.tables import read_table
from qucnn_cirq.devices.definitions import (
    device_from_diagram,
    device_from_mapping,
    device_from_specification,
    free_name,
)
from qucnn_cirq.devices.device import Device
from qucnn_cirq.errors import InputError
from qucnn_cirq.guard import guarded

SUFFIXES = {
    ".toml": "a table [device]",
    ".txt": "a diagram",
    ".textproto": "Cirq's device specification as protobuf text",
    ".json": "a cirq_google.GridDevice in Cirq's JSON",
}
"""The files that describe a device, by their suffix."""

LARGEST_FILE = 4 * 2**20
"""Bytes."""


def read_device(path: Path) -> Device:
    """Reads a device from a file; its name is the file's, unless the file gives one.

    Args:
        path: A file with one of the suffixes `SUFFIXES`.

    Raises:
        InputError: If the file cannot be read or describes no device.
    """
    name, suffix = path.stem, path.suffix.lower()
    if suffix == ".json":
        return Device(free_name(name), guarded(path, _from_json))
    text = file_text(path, LARGEST_FILE)
    try:
        if suffix == ".toml":
            device = device_from_mapping(read_table(text + "\n", "device"), name)
        elif suffix == ".txt":
            device = device_from_diagram(text, name)
        else:
            device = device_from_specification(_specification(text), name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    free_name(device.name)
    return device


def _specification(text: str) -> v2.device_pb2.DeviceSpecification:
    specification = v2.device_pb2.DeviceSpecification()
    try:
        text_format.Parse(text, specification)
    except text_format.ParseError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"no device specification in protobuf text ({reason}).") from None
    return specification


def _from_json(path: Path) -> cirq_google.GridDevice:
    content = cirq.read_json(json_text=file_text(path, LARGEST_FILE))
    if not isinstance(content, cirq_google.GridDevice):
        kind = type(content).__name__
        raise InputError(f"{path} holds a {kind}: give a cirq_google.GridDevice as JSON.")
    return content
