"""Writing circuits for other programs: Cirq's JSON, OpenQASM 2 and 3, Google's program protos."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import cirq
import cirq_google

from noise_models.writing import atomic_write
from qucnn_cirq.guard import refusal


class WrittenOut(UserWarning):
    """A gate that a format has no word for is written as others that do the same."""


def write_circuit(circuit: cirq.AbstractCircuit, path: Path | str) -> None:
    """Writes a circuit in the format that the file's suffix names.

    `qucnn_cirq.exchange.reading.read_circuit` reads all of them.

    Args:
        circuit: The circuit.
        path: A file that ends in ``.qasm`` (OpenQASM 2), ``.qasm3`` (OpenQASM 3), ``.pb`` (a
            ``cirq_google`` program, whose numbers have single precision); all others are written in
            Cirq's JSON, which loses nothing.

    Warns:
        WrittenOut: If OpenQASM has no word for a gate on two qubits, such as the square root of
            iSWAP or SYC: the file then holds other gates in its place.

    Raises:
        InputError: If the format cannot hold the circuit.
        OSError: If the file cannot be written.
    """
    target = Path(path)
    write = WRITERS.get(target.suffix, _json)
    try:
        content = write(circuit)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise refusal(
            target, f"the circuit cannot be written as {target.suffix or 'JSON'} ({error})."
        ) from None
    with atomic_write(target) as file:
        file.write(content)


def _json(circuit: cirq.AbstractCircuit) -> bytes:
    return f"{cirq.to_json(circuit)}\n".encode()


def _openqasm(version: str) -> Callable[[cirq.AbstractCircuit], bytes]:
    def write(circuit: cirq.AbstractCircuit) -> bytes:
        for operation in circuit.all_operations():
            if isinstance(operation.gate, cirq.MeasurementGate) and operation.gate.confusion_map:
                # Cirq would leave it out without a word.
                raise ValueError(f"OpenQASM has no confused measurement of {operation.qubits[0]}")
        _tell_written_out(circuit)
        return circuit.unfreeze(copy=False).to_qasm(version=version).encode()

    return write


def _tell_written_out(circuit: cirq.AbstractCircuit) -> None:
    """Warns of gates on two qubits that OpenQASM has no word for: Cirq writes out what they do."""
    arguments = cirq.QasmArgs(qubit_id_map={qubit: "q" for qubit in circuit.all_qubits()})
    gates = {
        op.gate: op
        for op in circuit.all_operations()
        if len(op.qubits) == 2 and not cirq.is_measurement(op)
    }
    for gate, operation in gates.items():
        if cirq.qasm(operation, args=arguments, default=None) is None:
            warnings.warn(
                f"OpenQASM has no {gate}: it is written as other gates, which the device may lack; "
                "Cirq's JSON keeps it.",
                WrittenOut,
                stacklevel=4,
            )


def _google(circuit: cirq.AbstractCircuit) -> bytes:
    program = cirq_google.CIRCUIT_SERIALIZER.serialize(circuit.freeze())
    content: bytes = program.SerializeToString(deterministic=True)
    return content


WRITERS: dict[str, Callable[[cirq.AbstractCircuit], bytes]] = {
    ".json": _json,
    ".qasm": _openqasm("2.0"),
    ".qasm3": _openqasm("3.0"),
    ".pb": _google,
}
"""The formats by suffix."""
