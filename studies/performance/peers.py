"""Other simulators, given the same bound and noisy circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.engines.qsim_circuits import Matrices, blocks_of
from qucnn_cirq.errors import missing_extra

Probabilities = NDArray[np.float64]
Simulation = tuple[Callable[[], Probabilities], Sequence[cirq.Qid]]


def prepare(engine: str, circuit: cirq.Circuit) -> Simulation:
    """Translates a circuit, so that what is timed afterwards is simulation alone.

    Args:
        engine: One of `PEERS`.
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
"""Numbers of the qubits, from the most significant, and Kraus operators of each operation."""


def _superoperators(steps: Steps, n_qubits: int) -> list[tuple[list[int], NDArray[np.complex128]]]:
    """Operations that act on the same qubits in a row, as one matrix on a vectorised state.

    That takes Aer a quarter and qulacs a twentieth of the time of Kraus operators one by one.

    Returns:
        Numbers of the qubits, and a matrix whose more significant half acts on the columns of the
        density matrix.
    """
    places = [[*(number + n_qubits for number in own), *own] for own, _ in steps]
    matrices: list[Matrices | None] = [
        np.sum([np.kron(k.conj(), k) for k in kraus], axis=0, keepdims=True) for _, kraus in steps
    ]
    return [
        (list(block.numbers[len(block.numbers) // 2 :]), block.product(matrices)[0])
        for block in blocks_of(places)
    ]


def _aer(steps: Steps, n_qubits: int) -> Callable[[], Probabilities]:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SuperOp
    from qiskit_aer import AerSimulator

    circuit = QuantumCircuit(n_qubits)
    for numbers, matrix in _superoperators(steps, n_qubits):
        # Qiskit counts qubits from the least significant.
        circuit.append(SuperOp(matrix), [n_qubits - 1 - number for number in reversed(numbers)])
    circuit.save_probabilities()
    simulator = AerSimulator(method="density_matrix", max_parallel_threads=1)

    def run() -> Probabilities:
        result = simulator.run(circuit, shots=1).result()
        return np.asarray(result.data()["probabilities"], dtype=float)

    return run


def _qulacs(steps: Steps, n_qubits: int) -> Callable[[], Probabilities]:
    from qulacs import QuantumCircuit, QuantumState
    from qulacs.gate import DenseMatrix

    # Its density matrix takes Kraus operators alone, so a state vector of twice the qubits it is.
    circuit, state = QuantumCircuit(2 * n_qubits), QuantumState(2 * n_qubits)
    for numbers, matrix in _superoperators(steps, n_qubits):
        # qulacs counts from the least significant, too.
        rows = [n_qubits - 1 - number for number in reversed(numbers)]
        circuit.add_gate(DenseMatrix([*rows, *(row + n_qubits for row in rows)], matrix))

    def run() -> Probabilities:
        state.set_zero_state()
        circuit.update_quantum_state(state)
        matrix = state.get_vector().reshape(2**n_qubits, 2**n_qubits)
        return np.asarray(matrix.diagonal().real, dtype=float)

    return run


def _cirq(steps: Steps, n_qubits: int) -> Callable[[], Probabilities]:
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = cirq.Circuit(
        cirq.MatrixGate(kraus[0]).on(*own) if len(kraus) == 1 else cirq.KrausChannel(kraus).on(*own)
        for own, kraus in (([qubits[n] for n in numbers], kraus) for numbers, kraus in steps)
    )
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)

    def run() -> Probabilities:
        result = simulator.simulate(circuit, qubit_order=qubits)
        return np.asarray(result.final_density_matrix.diagonal().real, dtype=float)

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
    "aer": Peer("Qiskit Aer, density matrix", "qiskit-aer", 0.25, _aer),
    "qulacs": Peer("qulacs, doubled state vector", "qulacs", 0.25, _qulacs),
    "cirq": Peer("Cirq, density matrix", "cirq-core", 12.0, _cirq),
    "pennylane": Peer("PennyLane, default.mixed", "pennylane", 15.0, _pennylane),
}
"""The other simulators, by the name that stands for an engine's."""
