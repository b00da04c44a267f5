"""State vectors of many instances of a circuit of slots, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.slots import AngleTables, Slot


def evolved(
    circuit: cirq.AbstractCircuit,
    qubits: Sequence[cirq.Qid],
    states: NDArray[np.complex128],
    tables: AngleTables,
) -> NDArray[np.complex128]:
    """Applies a circuit to states.

    Args:
        circuit: Slots and unitary gates without parameters; measurements are left out.
        qubits: The register, most significant qubit first.
        states: Shape (batch, 2^n).
        tables: The tables that slots read, each of ``batch`` rows or of one for all.

    Returns:
        Shape (batch, 2^n).
    """
    batch = len(states)
    axes = {qubit: 1 + place for place, qubit in enumerate(qubits)}
    state = np.array(states, dtype=np.complex128).reshape(batch, *(2,) * len(qubits))
    for operation in circuit.all_operations():
        if cirq.is_measurement(operation):
            continue
        on = [axes[qubit] for qubit in operation.qubits]
        if operation.gate == cirq.CZ:
            # A view, in which the one sign changes.
            np.moveaxis(state, on, (-2, -1))[..., 1, 1] *= -1
            continue
        if isinstance(operation.gate, Slot):
            gates = operation.gate.unitaries(tables)
        else:
            gates = cirq.unitary(operation)[None]
        front = tuple(range(1, 1 + len(on)))
        moved = np.moveaxis(state, on, front)
        turned = gates @ moved.reshape(batch, gates.shape[-1], -1)
        state = np.moveaxis(turned.reshape(moved.shape), front, on)
    return state.reshape(batch, -1)


def zeros(batch: int, n_qubits: int) -> NDArray[np.complex128]:
    """The state |0...0>, shape (batch, 2^n).

    Args:
        batch: How often.
        n_qubits: Size of the register.
    """
    states = np.zeros((batch, 1 << n_qubits), dtype=np.complex128)
    states[:, 0] = 1
    return states
