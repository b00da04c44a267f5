"""Other simulators, given the same bound and noisy circuit, operation by operation."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import missing_extra

Probabilities = NDArray[np.float64]
Simulation = tuple[Callable[[], Probabilities], Sequence[cirq.Qid]]


def prepare(engine: str, circuit: cirq.Circuit) -> Simulation:
    """Translates a circuit, so that what is timed afterwards is simulation alone.

    Args:
        engine: "aer" or "pennylane".
        circuit: A noisy circuit of unitaries and channels, measured at the end.

    Returns:
        A function that simulates and gives the outcome probabilities of all qubits, big-endian,
        and the order of the qubits.

    Raises:
        InputError: If the simulator is not installed.
    """
    translate = PEERS[engine].translate
    qubits = sorted(circuit.all_qubits())
    number = {qubit: index for index, qubit in enumerate(qubits)}
    steps = [
        ([number[qubit] for qubit in operation.qubits], cirq.kraus(operation))
        for operation in circuit.all_operations()
        if not cirq.is_measurement(operation)
    ]
    try:
        return translate(steps, len(qubits)), qubits
    except ImportError:
        raise missing_extra(f"engine = {engine!r}", "peers") from None


Steps = list[tuple[list[int], tuple[NDArray[np.complex128], ...]]]


def _aer(steps: Steps, n_qubits: int) -> Callable[[], Probabilities]:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Kraus
    from qiskit_aer import AerSimulator

    circuit = QuantumCircuit(n_qubits)
    for numbers, kraus in steps:
        # Qiskit counts qubits from the least significant.
        own = [n_qubits - 1 - number for number in reversed(numbers)]
        if len(kraus) == 1:
            circuit.unitary(kraus[0], own)
        else:
            circuit.append(Kraus(list(kraus)), own)
    circuit.save_probabilities()
    simulator = AerSimulator(method="density_matrix", max_parallel_threads=1)

    def run() -> Probabilities:
        result = simulator.run(circuit, shots=1).result()
        return np.asarray(result.data()["probabilities"], dtype=float)

    return run


def _pennylane(steps: Steps, n_qubits: int) -> Callable[[], Probabilities]:
    import pennylane

    device = pennylane.device("default.mixed", wires=n_qubits)

    @pennylane.qnode(device)
    def probabilities() -> object:
        for numbers, kraus in steps:
            if len(kraus) == 1:
                pennylane.QubitUnitary(kraus[0], wires=numbers)
            else:
                pennylane.QubitChannel(list(kraus), wires=numbers)
        return pennylane.probs(wires=range(n_qubits))

    return lambda: np.asarray(probabilities(), dtype=float)


@dataclass(frozen=True)
class Peer:
    """Another simulator.

    Attributes:
        label: What figures call it.
        package: The package whose version its results depend on.
        seconds: About how long it takes for the density matrix of nine qubits.
        translate: Makes a function that simulates a circuit.
    """

    label: str
    package: str
    seconds: float
    translate: Callable[[Steps, int], Callable[[], Probabilities]]


PEERS = {
    "aer": Peer("Qiskit Aer density matrix", "qiskit-aer", 0.15, _aer),
    "pennylane": Peer("PennyLane default.mixed", "pennylane", 10.0, _pennylane),
}
"""The other simulators, by the name that stands for an engine's."""


def fastest(function: Callable[[], object], runs: int) -> float:
    """Seconds of the fastest of several calls.

    Args:
        function: What is timed.
        runs: Number of calls, at least 1.
    """
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)
