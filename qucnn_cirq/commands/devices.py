"""`qucnn devices`: lists the devices."""

from __future__ import annotations

import argparse

from qucnn_cirq.commands.output import print_json, print_table

HELP = "list the devices, with sizes, gate sets and error rates"
DESCRIPTION = HELP.capitalize() + ". Any rectangle is a device too: grid:5x6."

_ERRORS = ("median_one_qubit_error", "median_two_qubit_error", "median_readout_error")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds nothing: the verb has no arguments of its own."""


def run(options: argparse.Namespace) -> int:
    """Prints the devices."""
    from qucnn_cirq.devices import describe_devices

    devices = describe_devices()
    if options.json:
        print_json(devices)
        return 0
    rows = [
        (
            device["name"],
            device["qubits"],
            device["couplers"],
            ", ".join(map(str, _items(device["two_qubit_gates"]))),
            *(device.get(key) for key in _ERRORS),
        )
        for device in devices
    ]
    errors = ("1-qubit error", "2-qubit error", "readout error")
    print_table(("device", "qubits", "couplers", "two-qubit gates", *errors), rows)
    print("\nErrors are medians of the calibration, - where there is none. A rectangle: grid:5x6.")
    return 0


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
