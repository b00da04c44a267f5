"""`qucnn validate`: checks a circuit against a device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qucnn_cirq.commands.output import print_json

if TYPE_CHECKING:
    from qucnn_cirq.validation import Violation

HELP = "check a circuit against a device's constraints"
DESCRIPTION = (
    "Check a circuit, in Cirq's JSON or OpenQASM, against a device. Exit code 0: the device can "
    "run it (there may be warnings); 1: every violation is listed; 2: the file cannot be read."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "circuit", type=Path, metavar="CIRCUIT", help="a file of Cirq's JSON or of OpenQASM 2 or 3"
    )
    parser.add_argument("--device", required=True, metavar="NAME", help="see qucnn devices")
    parser.add_argument(
        "--place",
        choices=["auto"],
        help="first put the circuit where the device has its couplers, and print the places",
    )


def run(options: argparse.Namespace) -> int:
    """Prints every violation."""
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.guard import guarded
    from qucnn_cirq.validation import errors_of

    device = load_device(options.device)
    found, places = guarded(options.circuit, _violations, options.device, options.place)
    errors = errors_of(found)
    warnings = [each for each in found if each.is_warning]
    if options.json:
        print_json(
            {
                "device": device.name,
                **({} if options.place is None else {"places": places}),
                "valid": not errors,
                "violations": [each.to_mapping() for each in errors],
                "warnings": [each.to_mapping() for each in warnings],
            }
        )
        return 1 if errors else 0
    if places:
        print("placed " + ", ".join(f"{qubit} on {place}" for qubit, place in places.items()))
    for violation in found:
        print(violation)
    if errors:
        print(f"{len(errors)} violation{'s' * (len(errors) > 1)} on {device.name}")
    else:
        print(f"valid on {device.name}")
    return 1 if errors else 0


def _violations(path: Path, device: str, how: str | None) -> tuple[list[Violation], dict[str, str]]:
    from qucnn_cirq.exchange.reading import parsed_circuit, parsed_moments
    from qucnn_cirq.validation import place, validate

    if how is None:
        return validate(parsed_moments(path), device), {}
    circuit = parsed_circuit(path)
    places = place(circuit, device)
    placed = circuit.transform_qubits(dict(places))
    return validate(placed, device), {str(qubit): str(to) for qubit, to in places.items()}
