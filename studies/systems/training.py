"""Training of the angles of a convolution with a linear head behind it, ideally."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq import adjoint
from qucnn_cirq.convolution import acting_circuit, ideal_numbers
from qucnn_cirq.patches import Patches, extract_patches
from qucnn_cirq.progress import Callback
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.training.loop import Schedule, train
from studies.training.models import IdealQuantumModel, Model

Array = NDArray[np.float64]


class MeasuredModel(Model):
    """Filters that act on the data and are measured, by linear algebra.

    Args:
        spec: The convolution, with a measurement that is linear.
        weights: Angles, shape (filters, parameters).
    """

    def __init__(self, spec: ConvolutionSpec, weights: Array) -> None:
        self.spec, self.weights = spec, weights
        self._patches: Patches

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `Model`."""
        self._patches = extract_patches(images, self.spec)
        return self._patches.to_maps(ideal_numbers(self._patches, self.spec, self.weights))

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `Model`; by the adjoint method."""
        spec, n_qubits = self.spec, self.spec.register_qubits
        measurement = spec.measurement
        assert measurement is not None
        picked = self._patches.from_maps(upstream).reshape(spec.n_filters, spec.n_numbers, -1)
        values, found = measurement.of_register(n_qubits), np.empty_like(self.weights)
        for row, (filter_, angles) in enumerate(zip(spec.filter_list, self.weights, strict=True)):
            circuit = acting_circuit(filter_, measurement, n_qubits)
            turned = filter_.angles(n_qubits, angles[None])[0]
            states = self._patches.states
            by_angles, _, _ = adjoint.gradients(circuit, turned, states, values, picked[row])
            found[row] = filter_.parameter_slopes(n_qubits, by_angles)
        return found


def trained_angles(
    spec: ConvolutionSpec,
    angles: Array,
    data: Data,
    seed: int,
    schedule: Schedule,
    callback: Callback | None = None,
) -> Array:
    """The angles that mini-batches with Adam lead to.

    Args:
        spec: The convolution: overlaps, or a linear measurement.
        angles: Those at the start, shape (filters, parameters).
        data: What the convolution is run on, and its labels.
        seed: Of the order of the images.
        schedule: How long and how fast.
        callback: Is told of each epoch, with `loss` and `train_accuracy`.
    """
    kind = IdealQuantumModel if spec.measurement is None else MeasuredModel
    model = kind(spec, angles)
    order = np.random.default_rng([seed, _ORDER])
    train(model, spec, data.images, data.labels, schedule, order, callback)
    return model.weights


_ORDER = 3
"""Sets the order of the images apart from other draws."""
