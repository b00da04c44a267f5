"""Overlaps of samples with the states of filters: ideal, with shots, or of a compiled layer.

Whatever gives overlaps is a function of parameters, shape (states, parameters), and of features,
shape (samples, features); it returns F = |<x|f>|^2, shape (states, samples).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cirq
import numpy as np
import numpy.typing as npt

from noise_models.checks import whole_number
from qucnn_cirq.adjoint import BlockedCircuit, States
from qucnn_cirq.encodings import DenseAngle, Encoding
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.heads.features import encoded
from qucnn_cirq.heads.learner import Array

Complex = npt.NDArray[np.complex128]
Overlaps = Callable[[Array, Array], Array]
TWO_A_QUBIT = DenseAngle()
"""The encoding of QuClassi."""


class IdealOverlaps:
    """Overlaps by linear algebra.

    Args:
        body: Prepares the states from |0...0>.
        n_qubits: Size of the register.
        encoding: Makes states of features.
    """

    def __init__(self, body: Filter, n_qubits: int, encoding: Encoding = TWO_A_QUBIT) -> None:
        line = cirq.LineQubit.range(n_qubits)
        self._body, self._n_qubits, self._encoding = body, n_qubits, encoding
        self._circuit = BlockedCircuit(body.slots(line), line)

    def __call__(self, parameters: Array, features: Array) -> Array:
        """F, shape (states, samples); see above.

        Args:
            parameters: Shape (states, parameters).
            features: Shape (samples, features).
        """
        states = self._body.states(self._n_qubits, parameters)
        return _squared(states.conj() @ self.encoded(features).T)

    def encoded(self, features: Array) -> States:
        """The states of samples, shape (samples, 2^n).

        Args:
            features: Shape (samples, features).
        """
        count = self._encoding.n_qubits(features.shape[1])
        if count != self._n_qubits:
            raise InputError(
                f"encoding {self._encoding.kind!r} has {features.shape[1]} features on {count} "
                f"qubits, and the register has {self._n_qubits}."
            )
        return encoded(self._encoding, features)

    def amplitudes(
        self, parameters: Array, encoded: States
    ) -> tuple[Complex, Callable[[Array], Array]]:
        """The products <x|f>, and what derivatives by F become.

        Args:
            parameters: Shape (states, parameters).
            encoded: States of samples, shape (samples, 2^n).

        Returns:
            Shape (states, samples); and a function of dL/dF, of that shape, that returns
            dL/dparameters, shape (states, parameters).
        """
        angles = self._body.angles(self._n_qubits, parameters)
        zero = np.eye(1, 2**self._n_qubits)
        states = np.concatenate([self._circuit.apply(row, zero) for row in angles])
        products: Complex = states @ encoded.conj().T

        def slopes(upstream: Array) -> Array:
            by_states = 2 * (upstream * products) @ encoded
            by_angles = [
                self._circuit.pull_back(row, state[None], slope[None])[0]
                for row, state, slope in zip(angles, states, by_states, strict=True)
            ]
            return self._body.parameter_slopes(self._n_qubits, np.array(by_angles))

        return products, slopes


class SampledOverlaps:
    """Overlaps as a SWAP test estimates them: 2 P(0) - 1 from the ancilla's counts.

    Args:
        overlaps: Gives their ideal values.
        shots: Of each pair of a state and a sample.
        generator: Draws the outcomes; each call goes on where the last one ended.
    """

    def __init__(self, overlaps: Overlaps, shots: int, generator: np.random.Generator) -> None:
        self._overlaps = overlaps
        self._shots = whole_number("shots", shots, 1)
        self._generator = generator

    def __call__(self, parameters: Array, features: Array) -> Array:
        """Estimates of F, which may be negative; see above.

        Args:
            parameters: Shape (states, parameters).
            features: Shape (samples, features).
        """
        ideal = self._overlaps(parameters, features)
        zeros = self._generator.binomial(self._shots, ((1 + ideal) / 2).clip(0, 1))
        found: Array = 2 * zeros / self._shots - 1
        return found


class _Layer(Protocol):
    parameters: Array

    def forward(self, images: Array) -> Array: ...


class LayerOverlaps:
    """Overlaps that a compiled layer measures, with its shots and its noise.

    Args:
        layer: A `qucnn_cirq.QuantumConvolution` of one patch an image, whose parameters are
            changed.
        kernel: Rows and columns of the patch that the features of a sample fill.
    """

    def __init__(self, layer: _Layer, kernel: tuple[int, int]) -> None:
        self._layer, self._kernel = layer, kernel

    def __call__(self, parameters: Array, features: Array) -> Array:
        """F as measured, as many states at a time as the layer has filters; see above.

        Args:
            parameters: Shape (states, parameters).
            features: Shape (samples, features).
        """
        at_once = len(self._layer.parameters)
        images = features.reshape(len(features), *self._kernel)
        found = []
        for start in range(0, len(parameters), at_once):
            chosen = parameters[start : start + at_once]
            # What is missing at the end is made up by the last one, and not looked at.
            rows = np.minimum(np.arange(at_once), len(chosen) - 1)
            self._layer.parameters = chosen[rows]
            maps = self._layer.forward(images)
            found.append(maps.reshape(len(images), at_once)[:, : len(chosen)].T)
        return np.concatenate(found)


def _squared(amplitudes: npt.NDArray[np.number]) -> Array:
    squares: Array = amplitudes.real**2 + amplitudes.imag**2
    return squares
