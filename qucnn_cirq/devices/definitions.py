"""Custom devices: from a table, a diagram, a graph or Cirq's device specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cirq
import cirq_google
import networkx as nx
from cirq_google.api import v2

from noise_models import CALIBRATIONS
from noise_models.checks import only_known_keys, true_or_false, whole_number, whole_pair
from noise_models.errors import shown
from noise_models.values import coupler_key, qubit_key
from qucnn_cirq.devices.calibrating import read_durations, read_errors
from qucnn_cirq.devices.device import NATIVE_GATES, Device
from qucnn_cirq.devices.diagrams import read_diagram
from qucnn_cirq.devices.grids import grid_device
from qucnn_cirq.errors import InputError, unknown_name

_KEYS = (
    "name",
    "diagram",
    "origin",
    "qubits",
    "couplers",
    "gates",
    "measures_apart",
    "durations",
    "errors",
)


def device_from_mapping(mapping: Mapping[str, Any], name: str = "custom") -> Device:
    """A device from the table ``[device]`` of a TOML file.

    Args:
        mapping: ``name``; either ``diagram`` (and ``origin``, the row and column of its upper left
            corner) or ``qubits`` ([[row, column], ...]) and optionally ``couplers`` ([[[row,
            column], [row, column]], ...], all neighbours if missing); ``gates`` out of "cz",
            "sqrt_iswap" and "syc", all of them if missing; ``measures_apart``; ``durations`` in
            nanoseconds and ``errors``, see `qucnn_cirq.devices.calibrating`.
        name: The name, if the mapping has none.

    Raises:
        InputError: If a key is unknown or a value is not allowed.
    """
    table = only_known_keys("device", mapping, _KEYS)
    own_name = table.get("name", name)
    if not isinstance(own_name, str) or not own_name:
        raise InputError(f"device.name = {shown(own_name)} is not allowed: give a text.")
    if ("diagram" in table) == ("qubits" in table):
        raise InputError("device: give either diagram or qubits.")
    couplers: list[tuple[cirq.GridQubit, cirq.GridQubit]] | None
    if "diagram" in table:
        if "couplers" in table:
            raise InputError("device.couplers cannot be given with a diagram, which draws them.")
        if not isinstance(table["diagram"], str):
            raise InputError("device.diagram must be a text.")
        origin = whole_pair("device.origin", table.get("origin", (0, 0)), minimum=0)
        qubits, couplers = read_diagram(table["diagram"], origin)
    else:
        if "origin" in table:
            raise InputError("device.origin is for a diagram: qubits have their own places.")
        qubits = [_qubit("device.qubits", each) for each in _list("device.qubits", table["qubits"])]
        couplers = None
        if "couplers" in table:
            couplers = [_coupler(each) for each in _list("device.couplers", table["couplers"])]
    gates = _gates(table.get("gates", list(NATIVE_GATES)))
    apart = true_or_false("device.measures_apart", table.get("measures_apart", False))
    durations = read_durations(table.get("durations", {}))
    plain = grid_device(
        qubits, couplers, name=own_name, two_qubit_gates=gates, durations_ns=durations
    )
    if "errors" not in table:
        return Device(own_name, plain.cirq_device, measures_apart=apart)
    calibration = read_errors(
        own_name, table["errors"], plain.graph.nodes, plain.graph.edges, gates, durations
    )
    return Device(own_name, plain.cirq_device, calibration, apart)


def device_from_diagram(text: str, name: str = "custom") -> Device:
    """A device from a diagram, with all native gates.

    Args:
        text: See `qucnn_cirq.devices.diagrams.read_diagram`.
        name: The device's name.

    Raises:
        InputError: If the diagram cannot be read.
    """
    return device_from_mapping({"name": name, "diagram": text})


def device_from_graph(graph: nx.Graph, name: str = "custom") -> Device:
    """A device from a graph.

    Args:
        graph: Nodes are ``cirq.GridQubit`` or pairs (row, column), edges join neighbours. Nodes
            may have the attributes "one_qubit", "readout", "t1" and "t2", edges "two_qubit",
            with the meaning of ``[device.errors]``; the graph itself "gates", "durations" and
            "measures_apart".
        name: The device's name.

    Raises:
        InputError: If a node is no place on a grid, an edge joins no neighbours, or an attribute
            is not allowed.
    """
    places = {node: _qubit("a node of the graph", node) for node in graph.nodes}
    mapping: dict[str, Any] = {
        "name": name,
        "qubits": [[qubit.row, qubit.col] for qubit in places.values()],
        "couplers": [
            [[places[node].row, places[node].col] for node in edge[:2]] for edge in graph.edges
        ],
    }
    mapping |= {
        key: graph.graph[key]
        for key in ("gates", "durations", "measures_apart")
        if key in graph.graph
    }
    errors: dict[str, dict[str, Any]] = {}
    for node, attributes in graph.nodes(data=True):
        for key in {"one_qubit", "readout", "t1", "t2"} & set(attributes):
            errors.setdefault(key, {})[qubit_key(places[node])] = attributes[key]
    for a, b, attributes in graph.edges(data=True):
        if "two_qubit" in attributes:
            ends = coupler_key(places[a], places[b])
            errors.setdefault("two_qubit", {})[ends] = attributes["two_qubit"]
    if errors:
        mapping["errors"] = errors
    return device_from_mapping(mapping)


def device_from_specification(
    specification: v2.device_pb2.DeviceSpecification, name: str = "custom"
) -> Device:
    """A device from Cirq's device specification.

    Args:
        specification: Cirq's protocol buffer of a grid device.
        name: What to call the device; not the name of a calibrated one.

    Raises:
        InputError: If Cirq refuses the specification, or it has no qubits.
    """
    try:
        device = cirq_google.GridDevice.from_proto(specification)
    except (ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"device {shown(name)}: the specification is not valid ({reason})."
        ) from None
    if not device.metadata.qubit_set:
        raise InputError(f"device {shown(name)} has no qubits; give at least one.")
    return Device(free_name(name), device)


def free_name(name: str) -> str:
    """The name of a custom device, checked.

    Args:
        name: What the user calls it.

    Returns:
        The same name.

    Raises:
        InputError: If it is that of a calibrated device, whose errors it would be given.
    """
    if name in CALIBRATIONS:
        raise InputError(
            f"device name {shown(name)} is taken by a calibrated device: choose another."
        )
    return name


def _gates(given: object) -> list[str]:
    gates = _list("device.gates", given)
    for gate in gates:
        if not isinstance(gate, str) or gate not in NATIVE_GATES:
            raise unknown_name("two-qubit gate", gate, NATIVE_GATES)
    if not gates:
        raise InputError(f"device.gates = [] is not allowed: give some of {list(NATIVE_GATES)}.")
    return gates


def _list(key: str, given: object) -> list[Any]:
    if not isinstance(given, list | tuple):
        raise InputError(f"{key} = {shown(given)} is not allowed: give a list.")
    return list(given)


def _qubit(key: str, given: object) -> cirq.GridQubit:
    if isinstance(given, cirq.GridQubit):
        return given
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InputError(f"{key} is {shown(given)}: give a place on a grid, [row, column].")
    row, column = (whole_number(f"{key}: {shown(given)}", each, minimum=0) for each in given)
    return cirq.GridQubit(row, column)


def _coupler(given: object) -> tuple[cirq.GridQubit, cirq.GridQubit]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InputError(
            f"device.couplers has {shown(given)}: give two places, [[row, column], [row, column]]."
        )
    first, second = (_qubit("device.couplers", each) for each in given)
    return first, second
