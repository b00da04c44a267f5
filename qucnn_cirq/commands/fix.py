"""`qucnn fix`: brings any circuit to a device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qucnn_cirq.commands.output import print_json

if TYPE_CHECKING:
    from qucnn_cirq.compiler.fixing import FixedCircuit

HELP = "bring a circuit to a device: place, route and convert it"
DESCRIPTION = """\
Write a circuit that a device runs, in place of one in Cirq's JSON or OpenQASM: placed where it errs
least, routed where pairs have no couplers, in native gates. Its outcomes are compared with those of
the given one by simulation.

  qucnn fix circuit.qasm --device willow_pink --out fixed.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's arguments."""
    parser.add_argument(
        "circuit", type=Path, metavar="CIRCUIT", help="a file of Cirq's JSON or of OpenQASM 2 or 3"
    )
    parser.add_argument("--device", required=True, metavar="NAME", help="see qucnn devices")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the circuit: .qasm (OpenQASM 2), .qasm3, .pb (Google's), else Cirq's JSON",
    )
    parser.add_argument("--gate-set", metavar="NAME", help="the native two-qubit gate")


def run(options: argparse.Namespace) -> int:
    """Writes the circuit and says where its qubits are."""
    from qucnn_cirq.devices import load_device
    from qucnn_cirq.exchange.writing import write_circuit
    from qucnn_cirq.guard import guarded

    device = load_device(options.device)
    found = guarded(options.circuit, _fixed, options.device, options.gate_set)
    write_circuit(found.circuit, options.out)
    told = _told(found)
    if options.json:
        print_json({"device": device.name, "file": str(options.out), **told})
        return 0
    moved = [
        f"{qubit} on {place}" + (f", at the end on {end}" if end != place else "")
        for (qubit, place), end in zip(told["places"].items(), told["ends"].values(), strict=True)
    ]
    print("\n".join(moved))
    print(
        f"{found.two_qubit_gates} two-qubit gates, depth {found.two_qubit_depth}, predicted error "
        f"{found.predicted_error:.3f}, valid on {device.name}"
    )
    if found.difference is None:
        print("too many qubits to simulate: not proved to give the same outcomes")
    else:
        print(f"it gives the outcomes of the given circuit, within {found.difference:.1e}")
    print(options.out)
    return 0


def _fixed(path: Path, device: str, gate_set: str | None) -> FixedCircuit:
    from qucnn_cirq.compiler.fixing import fix_circuit
    from qucnn_cirq.exchange.reading import parsed_circuit

    return fix_circuit(parsed_circuit(path), device, gate_set)


def _told(found: FixedCircuit) -> dict[str, Any]:
    return {
        "places": {str(qubit): str(found.places[qubit]) for qubit in sorted(found.places)},
        "ends": {str(qubit): str(found.ends[qubit]) for qubit in sorted(found.places)},
        "two_qubit_gates": found.two_qubit_gates,
        "two_qubit_depth": found.two_qubit_depth,
        "predicted_error": found.predicted_error,
        "difference": found.difference,
    }
