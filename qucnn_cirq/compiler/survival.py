"""How much of a state a circuit's noise leaves, and whether it turns it."""

from __future__ import annotations

from collections.abc import Iterator

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.compiler.template import SlotTag, Template

_TURNED = 1e-6
"""How far the likeliest Kraus operator may be from its adjoint in a channel that turns nothing."""


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
    kept = 1.0
    for kraus in _channels(template, noise):
        traces = np.trace(kraus, axis1=1, axis2=2)
        kept *= float(np.sum(np.abs(traces) ** 2)) / kraus.shape[1] ** 2
    for qubit in template.observable.qubits:
        kept *= max(0.0, 1 - sum(noise.readout(qubit)))
    return kept


def is_coherent(template: Template, noise: Noise) -> bool:
    """Whether the noise also turns states, as gates with a wrong angle or phase do.

    Of the channel's canonical Kraus operators the likeliest is a Hermitian matrix up to a phase
    where it does not: of depolarising noise the identity, of decay a diagonal matrix.

    Args:
        template: The compiled circuit.
        noise: The noise.
    """
    distinct = {kraus.tobytes(): kraus for kraus in _channels(template, noise)}
    return any(map(_turns, distinct.values()))


def _turns(kraus: NDArray[np.complex128]) -> bool:
    dimension, vectors = kraus.shape[1], kraus.reshape(len(kraus), -1)
    # The rows are those operators, the likeliest first, whatever mixture of them was given.
    operator = np.linalg.svd(vectors, full_matrices=False)[2][0].reshape(dimension, dimension)
    operator = operator * np.exp(-1j * np.angle(np.trace(operator)))
    return bool(np.abs(operator - operator.conj().T).max() > _TURNED)


def _channels(template: Template, noise: Noise) -> Iterator[NDArray[np.complex128]]:
    """The Kraus operators of each noise channel, shape (operators, d, d)."""
    gates = {op.gate for op in template.circuit.all_operations() if len(op.qubits) == 2}
    for operation in template.marked_circuit.with_noise(noise.gate_model).all_operations():
        is_own = operation.gate in gates or any(isinstance(t, SlotTag) for t in operation.tags)
        kraus = None if is_own else cirq.kraus(operation, default=None)
        if kraus is not None and not cirq.is_measurement(operation):
            yield np.array(kraus, dtype=complex)
