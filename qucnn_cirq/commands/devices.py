"""`qucnn devices`: lists the devices, or draws one."""

from __future__ import annotations

import argparse
from pathlib import Path

from qucnn_cirq.commands.output import print_json, print_table
from qucnn_cirq.errors import InputError

HELP = "list the devices, with sizes, gate sets and error rates, or draw one"
DESCRIPTION = (
    HELP.capitalize() + ". Any rectangle is a device too (grid:5x6), and any file that describes "
    "one; see docs/devices.md."
)

_ERRORS = ("median_one_qubit_error", "median_two_qubit_error", "median_readout_error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the device to draw")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="draw NAME to a .png, .svg or .pdf, with its errors as colours",
    )


def run(options: argparse.Namespace) -> int:
    """Prints or draws."""
    from qucnn_cirq.devices import describe_devices

    if options.name is not None:
        return _draw(options)
    if options.out is not None:
        raise InputError("--out draws one device: give its NAME too.")
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


def _draw(options: argparse.Namespace) -> int:
    from qucnn_cirq.devices import describe_device, load_device
    from qucnn_cirq.drawing.device_text import device_text

    device = load_device(options.name)
    row = describe_device(device)
    if options.out is not None:
        from qucnn_cirq.drawing.device_figure import device_figure
        from qucnn_cirq.drawing.theme import save_figure_as, theme

        with theme():
            save_figure_as(device_figure(device), options.out)
        row["drawing"] = str(options.out)
    if options.json:
        print_json(row)
        return 0
    if options.out is None:
        print(f"{device_text(device)}\n")
    if not options.quiet:
        rows = [(key, ", ".join(map(str, _items(value)))) for key, value in row.items()]
        print_table(("what", "value"), rows)
    return 0


def _items(value: object) -> list[object]:
    if isinstance(value, float):
        return [f"{value:.3g}"]
    return list(value) if isinstance(value, list | tuple) else [value]
