"""Readout errors undone: what recorded outcomes count as, so that the mean is that of true ones."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from noise_models.readout import ReadoutNoise
from noise_models.values import qubit_key
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]


def unfolded(values: FloatArray, qubits: Sequence[cirq.Qid], noise: Noise) -> FloatArray:
    """What recorded outcomes have to count as.

    Args:
        values: The value of each true outcome, the first qubit most significant, shape (2^m,).
        qubits: The m measured qubits.
        noise: The noise that is assumed, of which only the readout counts.

    Returns:
        Values w of the same shape, with sum_r w_r P(recorded r | true t) = v_t.

    Raises:
        InputError: If a readout error is not to be undone: a bit tells nothing.
    """
    found = values.reshape((2,) * len(qubits))
    places = {qubit: axis for axis, qubit in enumerate(qubits)}
    # Flips of pairs happen last: on the way back from true to recorded values the inverse of
    # each qubit's confusion comes first, and all of them commute with each other.
    for qubit, axis in places.items():
        p01, p10 = noise.readout(qubit)
        _check(1 - p01 - p10, qubit)
        confusion = np.array([[1 - p01, p01], [p10, 1 - p10]])
        inverse = np.linalg.inv(confusion)
        found = np.moveaxis(np.tensordot(inverse, found, axes=(1, axis)), 0, axis)
    for pair, probability in noise.joint_readout(qubits):
        _check(1 - 2 * probability, *pair)
        flipped = np.flip(found, tuple(places[qubit] for qubit in pair))
        found = ((1 - probability) * found - probability * flipped) / (1 - 2 * probability)
    return found.reshape(values.shape)


def measured_readout(noise: Noise, qubits: Sequence[cirq.Qid], shots: int, seed: int = 0) -> Noise:
    """The noise with readout errors as a calibration of finitely many shots finds them.

    Every qubit is read ``shots`` times in |0> and as often in |1>.

    Args:
        noise: The noise that there is, configured.
        qubits: The measured qubits.
        shots: Shots of each of both states.
        seed: Seed of the shots.

    Raises:
        InputError: If the noise was given as a model of another kind.
    """
    if noise.configuration is None:
        raise InputError("a calibration of the readout takes a configured noise.")
    factor = noise.configuration.strength.readout
    if factor == 0:
        return noise
    generator = np.random.default_rng(seed)
    rates = {
        qubit_key(qubit): dict(
            zip(
                ("p01", "p10"),
                # What is measured is scaled once more.
                (generator.binomial(shots, noise.readout(qubit)) / shots / factor).tolist(),
                strict=True,
            )
        )
        for qubit in qubits
    }
    readout = ReadoutNoise.from_value({"qubits": rates})
    return Noise(attrs.evolve(noise.configuration, readout=readout))


def _check(contrast: float, *qubits: cirq.Qid) -> None:
    if abs(contrast) < 1e-9:
        raise InputError(f"the readout of {', '.join(map(str, qubits))} tells nothing.")
