"""The devices that have a name, and the one way to load any device."""

from __future__ import annotations

import functools
import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import cirq
import cirq_google
import networkx as nx
from cirq_google.api import v2

from qucnn_cirq.devices.definitions import (
    device_from_diagram,
    device_from_graph,
    device_from_specification,
)
from qucnn_cirq.devices.device import Device
from qucnn_cirq.devices.files import SUFFIXES, read_device
from qucnn_cirq.devices.grids import LARGEST_DEVICE, grid_device
from qucnn_cirq.errors import InputError, shown, unknown_name


def _by_processor(name: str) -> cirq.Device:
    return cirq_google.engine.create_device_from_processor_id(name)


_DEVICES: dict[str, Callable[[], cirq.Device]] = {
    "sycamore": lambda: cirq_google.Sycamore,
    "sycamore_cz": lambda: _sycamore_with_cz(),
    "rainbow": lambda: _by_processor("rainbow"),
    "weber": lambda: _by_processor("weber"),
    "willow_pink": lambda: _by_processor("willow_pink"),
}


def _sycamore_with_cz() -> cirq.Device:
    graph = cirq_google.Sycamore.metadata.nx_graph
    return grid_device(list(graph), graph.edges, name="sycamore_cz").cirq_device


DeviceLike: TypeAlias = (
    str | Path | nx.Graph | v2.device_pb2.DeviceSpecification | cirq.Device | Device
)
"""What `load_device` takes."""


def device_names() -> tuple[str, ...]:
    """Devices that have a name of their own; rectangles are "grid:ROWSxCOLUMNS"."""
    return tuple(_DEVICES)


def load_device(device: DeviceLike) -> Device:
    """Any device, by whatever describes it.

    Args:
        device: One of

            - a name: "sycamore" (``cirq_google.Sycamore``: sqrt-iSWAP and SYC), "sycamore_cz" (the
              same 54 qubits with CZ as well, which later processors of the kind offer),
              "rainbow", "weber", "willow_pink", or "grid:ROWSxCOLUMNS" (all neighbours coupled;
              CZ, sqrt-iSWAP and SYC);
            - a file, `qucnn_cirq.devices.files.SUFFIXES`;
            - a text of several lines: a diagram,
              `qucnn_cirq.devices.diagrams.read_diagram`;
            - a networkx graph of places on a grid,
              `qucnn_cirq.devices.definitions.device_from_graph`;
            - ``cirq_google.api.v2.device_pb2.DeviceSpecification``;
            - a Cirq device with a graph of grid qubits in its metadata;
            - a `Device`.

    Raises:
        InputError: If the name is unknown, the file cannot be read, or there is no graph of grid
            qubits.
    """
    if isinstance(device, Device):
        return device
    if isinstance(device, Path):
        return _load_file(device)
    if isinstance(device, str):
        if "\n" in device:
            return device_from_diagram(device)
        if Path(device).suffix.lower() in SUFFIXES:
            return _load_file(Path(device))
        return _load_by_name(device)
    if isinstance(device, nx.Graph):
        return device_from_graph(device)
    if isinstance(device, v2.device_pb2.DeviceSpecification):
        return device_from_specification(device)
    if not isinstance(device, cirq.Device):
        raise InputError(
            f"device = {shown(device)}: give a name, a file, a diagram, a graph, a Device or a "
            "cirq.Device."
        )
    if device.metadata is None or not all(
        isinstance(qubit, cirq.GridQubit) for qubit in device.metadata.nx_graph
    ):
        raise InputError(
            f"device {shown(device)} does not say how its grid qubits are coupled: its metadata "
            "needs nx_graph, a graph of cirq.GridQubit."
        )
    return Device(type(device).__name__, device)


def _load_file(path: Path) -> Device:
    if path.suffix.lower() not in SUFFIXES:
        known = ", ".join(f"{suffix} ({what})" for suffix, what in SUFFIXES.items())
        raise InputError(f"device {str(path)!r}: the file's suffix must be one of {known}.")
    return read_device(path)


@functools.cache
def _load_by_name(name: str) -> Device:
    if name.startswith("grid"):
        match = re.fullmatch(r"grid:(\d+)x(\d+)", name)
        rows, columns = (int(size) for size in match.groups()) if match else (0, 0)
        if not 0 < rows * columns <= LARGEST_DEVICE:
            raise InputError(
                f"device {shown(name)}: a rectangle is written grid:ROWSxCOLUMNS, such as "
                f"grid:5x6, with 1 to {LARGEST_DEVICE} qubits."
            )
        return grid_device(cirq.GridQubit.rect(rows, columns), name=name)
    if name not in _DEVICES:
        raise unknown_name("device", name, (*_DEVICES, "grid:ROWSxCOLUMNS"))
    return Device(name, _DEVICES[name]())


def describe_devices() -> list[dict[str, object]]:
    """One row for each named device: name, qubits, couplers, gates, median errors."""
    return [describe_device(load_device(name)) for name in _DEVICES]


def describe_device(device: Device) -> dict[str, object]:
    """A device's name, qubits, couplers and gates, and where they are known its median errors.

    Args:
        device: Any device.

    Returns:
        Figures by name, ready for JSON; the median errors only of a calibrated device.
    """
    row: dict[str, object] = {
        "name": device.name,
        "qubits": device.n_qubits,
        "couplers": device.graph.number_of_edges(),
        "two_qubit_gates": list(device.two_qubit_gates),
        "calibrated": device.is_calibrated,
    }
    if device.is_calibrated:
        gate = device.default_gate_set
        couplers = [device.two_qubit_error(a, b, gate) for a, b in device.graph.edges]
        row["median_two_qubit_error"] = _median(couplers)
        row["median_one_qubit_error"] = _median(map(device.one_qubit_error, device.graph))
        row["median_readout_error"] = _median(map(device.readout_error, device.graph))
    return row


def _median(values: Iterable[float]) -> float | None:
    listed = list(values)
    return statistics.median(listed) if listed else None
