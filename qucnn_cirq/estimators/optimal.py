"""The weights of outcomes with the smallest mean squared error over patches like those to come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from noise_models.checks import whole_number
from qucnn_cirq.estimators.estimator import LinearEstimator
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.estimators.training import Sample, Training

FloatArray = NDArray[np.float64]


class Optimal(LinearEstimator):
    """The linear estimator that is best on average over training patches (Bayes-linear, Wiener).

    With the exact distributions p of training patches under the assumed noise, and their values F,
    the weights c that minimise the mean of (c.p - F)^2 + (c^2.p - (c.p)^2)/N solve

        [(1 - 1/N) mean(p p^T) + diag(mean p)/N] c = mean(F p),

    one linear system for all forms: overlaps with other filters, and gradients, from one circuit's
    counts. It needs no further shot and no calibration, and corrects readout, gates and loader as
    far as the noise is known. Its price is a prior: values are pulled towards what is common among
    the training patches, and patches of another kind are estimated badly.

    Regularised least squares in this sense: Stricker and others, arXiv:2310.16921; optimised maps
    from outcomes to values, arXiv:2402.06727.

    Args:
        training: Patches like those to come: a `Training`, or real unit vectors, shape
            (patches, 2^n).
        shots: N, for which the weights are best.
    """

    name = "optimal"
    assumes = "the noise, and patches like those that it was trained on"
    serves_all_forms = True

    def __init__(self, training: Training | FloatArray, shots: int = 10_000) -> None:
        super().__init__()
        self.training = Training.of(training)
        self.shots = whole_number("shots", shots, minimum=1)
        self._systems: Remembered[Reading, _System] = Remembered()

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """See `LinearEstimator.find_weights`."""
        if reading not in self._systems:
            sample = self.training.sample(reading)
            chances = reading.distribution(sample.states)
            self._systems[reading] = _System(sample, chances, self.shots)
        return self._systems[reading].solve(forms)


class _System:
    """The linear system of one circuit, ready to be solved."""

    def __init__(self, sample: Sample, chances: FloatArray, shots: int) -> None:
        # In units in which the diagonal term is 1/N: outcomes that never show have the weight 0.
        means = sample.weights @ chances
        self._scale = np.where(means > 0, 1 / np.sqrt(np.where(means > 0, means, 1.0)), 0.0)
        scaled = chances * self._scale
        self._weighed = sample.weights[:, None] * scaled
        gram = scaled.T @ self._weighed
        self._factor = cho_factor((1 - 1 / shots) * gram + np.eye(len(means)) / shots)
        self._states = sample.states

    def solve(self, forms: FloatArray) -> FloatArray:
        values = evaluated(forms, self._states)
        weights: FloatArray = cho_solve(self._factor, (values @ self._weighed).T)
        return weights.T * self._scale
