"""How much of a state a circuit's noise leaves."""

from __future__ import annotations

import cirq
import numpy as np

from noise_models import Noise
from qucnn_cirq.compiler.template import SlotTag, Template


def survival(template: Template, noise: Noise) -> float:
    """The product of the entanglement fidelities of all noise channels, and of the readouts.

    The entanglement fidelity of a channel with Kraus operators K on dimension d is
    sum |tr K|^2 / d^2: for depolarising noise the probability that nothing happens. A readout
    with P(1|0) = a and P(0|1) = b shrinks a bit's mean by 1 - a - b.

    Args:
        template: The compiled circuit.
        noise: The noise.

    Returns:
        A number within 0..1.
    """
    gates = {op.gate for op in template.circuit.all_operations() if len(op.qubits) == 2}
    kept = 1.0
    for operation in template.marked_circuit.with_noise(noise.gate_model).all_operations():
        is_own = operation.gate in gates or any(isinstance(t, SlotTag) for t in operation.tags)
        kraus = None if is_own else cirq.kraus(operation, default=None)
        if kraus is not None and not cirq.is_measurement(operation):
            traces = np.array([np.trace(operator) for operator in kraus])
            kept *= float(np.sum(np.abs(traces) ** 2)) / kraus[0].shape[0] ** 2
    for qubit in template.observable.qubits:
        kept *= max(0.0, 1 - sum(noise.readout(qubit)))
    return kept
