"""The weights of outcomes with the least variance among those that are right for every patch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import real_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.effects import effects_of, packed, quadratic_features
from qucnn_cirq.estimators.estimator import LinearEstimator
from qucnn_cirq.estimators.overlap_outcomes import states_loaded
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.estimators.training import Training

FloatArray = NDArray[np.float64]

_RANK = 1e-6
"""Directions that the states of a loader show less of, they do not tell apart."""
_TOLD = 1e-3
"""Directions that outcomes show less of come from noise alone: weights for them would be huge."""


class Unbiased(LinearEstimator):
    """Least variance, subject to the right mean for every real state that the circuit loads.

    With the noisy effects M_o of `effects_of` the mean is right if sum_o c_o M_o = Q. Among those
    weights it takes the c with the least c^2 . p, where p is the mean distribution of training
    patches, or of random states. With A = [vec M_o] and D = diag(p) that is

        c = D^-1 A^T (A D^-1 A^T)^+ vec(Q),

    the canonical dual frame of the measurement D^-1/2 M_o (see arXiv:2301.13229). It has no prior,
    and pays for that in variance.

    Args:
        training: Patches like those to come, at which the variance is least; they do not move the
            mean. Random states if None.
        tolerance: The largest error of means that is accepted, the root mean square over random
            states: outcomes may not tell a form, or only nearly.
    """

    name = "unbiased"
    assumes = "the noise"
    serves_all_forms = True

    def __init__(
        self, training: Training | FloatArray | None = None, tolerance: float = 0.02
    ) -> None:
        super().__init__()
        self.training = None if training is None else Training.of(training)
        self.tolerance = real_number("tolerance", tolerance, minimum=0.0, maximum=1.0)
        self._systems: Remembered[Reading, _System] = Remembered()

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """See `LinearEstimator.find_weights`.

        Raises:
            InputError: Also if the outcomes do not tell a form.
        """
        if reading not in self._systems:
            self._systems[reading] = _System(reading, self._means(reading))
        weights, miss = self._systems[reading].solve(forms)
        if miss > self.tolerance:
            raise InputError(
                f"the {reading.n_outcomes} outcomes of this circuit do not tell every form that is "
                f"asked for: means would be off by {miss:.2g}, more than tolerance = "
                f"{self.tolerance:g}; take 'optimal', or the destructive test."
            )
        return weights

    def _means(self, reading: Reading) -> FloatArray:
        """The mean distribution p, shape (outcomes,)."""
        if self.training is None:
            states = states_loaded(reading, 500)
            return np.asarray(reading.distribution(states).mean(axis=0))
        sample = self.training.sample(reading)
        means: FloatArray = sample.weights @ reading.distribution(sample.states)
        return means


class _System:
    """The constraints of one circuit, ready to be solved."""

    def __init__(self, reading: Reading, means: FloatArray) -> None:
        # A short loader loads patches on which some forms are equal: no need to tell these apart.
        size = len(reading.vector)
        states = states_loaded(reading, size * (size + 1))
        features = quadratic_features(states)
        _, values, directions = np.linalg.svd(features, full_matrices=False)
        self._told = directions[values > _RANK * values[0]]
        if len(self._told) == len(np.unique(states, axis=0)):
            raise InputError(
                f"the {reading.variant.loader.name} loader searches for angles, and the "
                f"{len(self._told)} random states that it is given time for do not show which "
                "forms it tells apart: take 'optimal', or a smaller kernel."
            )
        self._features = features @ self._told.T
        self._effects = self._told @ packed(effects_of(reading)).T
        self._scale = 1 / np.sqrt(np.maximum(means, 1e-12))
        self._inverse = np.linalg.pinv(self._effects * self._scale, rcond=_TOLD)

    def solve(self, forms: FloatArray) -> tuple[FloatArray, float]:
        """Weights, shape (forms, outcomes), and the worst form's RMS error over random states."""
        wanted = self._told @ packed(forms).T
        weights = self._scale[:, None] * (self._inverse @ wanted)
        misses = self._features @ (self._effects @ weights - wanted)
        return weights.T, float(np.sqrt((misses**2).mean(axis=0).max()))
