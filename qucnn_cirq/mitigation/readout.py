"""Readout errors as a calibration of finitely many shots finds them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import cirq
import numpy as np

from noise_models import Noise
from noise_models.checks import whole_number
from noise_models.readout import ReadoutNoise
from noise_models.values import qubit_key
from qucnn_cirq.errors import InputError


def measured_readout(noise: Noise, qubits: Sequence[cirq.Qid], shots: int, seed: int = 0) -> Noise:
    """The noise with readout errors as a calibration of finitely many shots finds them.

    Every qubit is read ``shots`` times in |0> and as often in |1>.

    Args:
        noise: The noise that there is, configured.
        qubits: The measured qubits.
        shots: Shots of each of both states.
        seed: Seed of the shots.

    Raises:
        InputError: If the noise was given as a model of another kind, or a number is not allowed.
    """
    shots = whole_number("shots", shots, minimum=1)
    seed = whole_number("seed", seed, minimum=0)
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
