"""`qucnn validate`: checks a circuit against a device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qucnn_cirq.commands.output import print_json
from qucnn_cirq.errors import InputError

if TYPE_CHECKING:
    import cirq

HELP = "check a circuit against a device's constraints"
DESCRIPTION = (
    "Check a circuit in Cirq's JSON against a device. Exit code 0: valid; 1: every violation is "
    "listed; 2: the file cannot be read."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument("circuit", type=Path, metavar="CIRCUIT.json", help="cirq.to_json output")
    parser.add_argument("--device", required=True, metavar="NAME", help="see qucnn devices")


def run(options: argparse.Namespace) -> int:
    """Prints every violation."""
    from qucnn_cirq.devices import load_device

    device = load_device(options.device)
    violations = device.violations(read_circuit(options.circuit))
    if options.json:
        print_json(
            {
                "device": device.name,
                "valid": not violations,
                "violations": [
                    {
                        "moment": violation.moment,
                        "operation": violation.operation,
                        "qubits": [str(qubit) for qubit in violation.qubits],
                        "rule": violation.rule,
                        "hint": violation.hint,
                    }
                    for violation in violations
                ],
            }
        )
    elif violations:
        for violation in violations:
            print(violation)
        print(f"{len(violations)} violation{'s' * (len(violations) > 1)} on {device.name}")
    else:
        print(f"valid on {device.name}")
    return 1 if violations else 0


def read_circuit(path: Path) -> cirq.Circuit:
    """Reads a circuit from Cirq's JSON.

    Raises:
        InputError: If the file cannot be read or holds no circuit.
    """
    import cirq

    try:
        content = cirq.read_json(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    except Exception as error:
        # What Cirq raises depends on where in the file it fails to make sense of it.
        raise InputError(
            f"{path} is not a circuit in Cirq's JSON ({type(error).__name__}: {error})."
        ) from None
    if not isinstance(content, cirq.AbstractCircuit):
        raise InputError(f"{path} holds a {type(content).__name__}: give a cirq.Circuit as JSON.")
    return content.unfreeze()
