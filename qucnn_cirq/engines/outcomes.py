"""Whole distributions of what is recorded: probabilities and counts of every outcome.

An outcome is the number whose bits, the first measured qubit most significant, were recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.errors import InputError

MOST_BITS = 16
"""Measured qubits whose outcomes are told apart one by one: 65,536 numbers for each patch."""


def check_outcomes(qubits: Sequence[cirq.Qid]) -> None:
    """Refuses more measured qubits than whole distributions are made of.

    Args:
        qubits: The measured qubits.

    Raises:
        InputError: With the limit.
    """
    if len(qubits) > MOST_BITS:
        raise InputError(
            f"{len(qubits)} qubits are measured, whose outcomes are {2 ** len(qubits)}: whole "
            f"distributions are for at most {MOST_BITS}; use a smaller kernel, or the ancilla or "
            "inversion test."
        )


def recorded(
    distributions: NDArray[np.float64], qubits: Sequence[cirq.Qid], noise: Noise
) -> NDArray[np.float64]:
    """What readout errors make of distributions.

    Args:
        distributions: Probabilities of true outcomes along the last axis, or anything that is
            linear in them, shape (..., 2^m).
        qubits: The m measured qubits, the first most significant.
        noise: The noise, of which only the readout counts.

    Returns:
        The same of recorded outcomes, shape (..., 2^m).
    """
    if not noise.has_readout_noise:
        return distributions
    leading = distributions.ndim - 1
    found = distributions.reshape((*distributions.shape[:-1], *(2,) * len(qubits)))
    for axis, qubit in enumerate(qubits, start=leading):
        p01, p10 = noise.readout(qubit)
        if p01 or p10:
            confusion = np.array([[1 - p01, p10], [p01, 1 - p10]])
            found = np.moveaxis(np.tensordot(confusion, found, axes=(1, axis)), 0, axis)
    places = {qubit: axis for axis, qubit in enumerate(qubits, start=leading)}
    for pair, probability in noise.joint_readout(qubits):
        flipped = np.flip(found, tuple(places[qubit] for qubit in pair))
        found = (1 - probability) * found + probability * flipped
    return found.reshape(distributions.shape)


def unfolded(
    values: NDArray[np.float64], qubits: Sequence[cirq.Qid], noise: Noise
) -> NDArray[np.float64]:
    """What recorded outcomes have to count as, so that the mean is that of true ones.

    Args:
        values: Values v of the true outcomes along the last axis, shape (..., 2^m).
        qubits: The m measured qubits, the first most significant.
        noise: The noise that is assumed, of which only the readout counts.

    Returns:
        Values w of the same shape, with sum_r w_r P(recorded r | true t) = v_t.

    Raises:
        InputError: If a readout error is not to be undone: a bit tells nothing.
    """
    leading = values.ndim - 1
    found = values.reshape((*values.shape[:-1], *(2,) * len(qubits)))
    places = {qubit: axis for axis, qubit in enumerate(qubits, start=leading)}
    # Flips of pairs happen last: on the way back from true to recorded values the inverse of
    # each qubit's confusion comes first, and all of them commute with each other.
    for qubit, axis in places.items():
        p01, p10 = noise.readout(qubit)
        _check_contrast(1 - p01 - p10, qubit)
        inverse = np.linalg.inv(np.array([[1 - p01, p01], [p10, 1 - p10]]))
        found = np.moveaxis(np.tensordot(inverse, found, axes=(1, axis)), 0, axis)
    for pair, probability in noise.joint_readout(qubits):
        _check_contrast(1 - 2 * probability, *pair)
        flipped = np.flip(found, tuple(places[qubit] for qubit in pair))
        found = ((1 - probability) * found - probability * flipped) / (1 - 2 * probability)
    return found.reshape(values.shape)


def _check_contrast(contrast: float, *qubits: cirq.Qid) -> None:
    if abs(contrast) < 1e-9:
        raise InputError(f"the readout of {', '.join(map(str, qubits))} tells nothing.")
