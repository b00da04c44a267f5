"""What a quantum model is compared with: classical maps of its shape."""

from __future__ import annotations

import logging
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from noise_models.checks import real_number, whole_number
from qucnn_cirq.heads.learner import Array, Classifier, Learner, Numbers
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)


class NearestCentroid(Classifier):
    """The class whose mean sample is nearest: what class states are without a circuit.

    Attributes:
        centroids_: Shape (classes, features).
    """

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        self.centroids_ = np.array(
            [features[numbers == number].mean(axis=0) for number in range(len(self.classes_))]
        )
        Steps(_LOGGER, type(self).__name__, 1, "passes", callback).finished()

    def _probabilities(self, features: Array) -> Array:
        # Those of normal distributions of variance 1; features are centred, for small roundings.
        centre = self.centroids_.mean(axis=0)
        apart = self.centroids_ - centre
        scores = (features - centre) @ apart.T - (apart**2).sum(axis=1) / 2
        found: Array = softmax(scores, axis=1)
        return found


class RandomCosines(Learner):
    """Random Fourier features sqrt(2/m) cos(w.x + b): what random circuits are without a circuit.

    A. Rahimi and B. Recht, "Random features for large-scale kernel machines" (2007): products
    approach exp(-width^2 |x - x'|^2 / 2).

    Args:
        features: How many, m.
        width: Standard deviation of the frequencies w.
        seed: Of frequencies and phases.
    """

    _TYPE = "transformer"

    def __init__(self, features: int = 16, width: float = 1.0, seed: int = 0) -> None:
        self.features = features
        self.width = width
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Draws the frequencies.

        Args:
            X: Shape (samples, features); only their number counts.
            y: Not read.

        Returns:
            Itself.
        """
        count = whole_number("features", self.features, 1)
        width = real_number("width", self.width, 0.0, 1e6)
        drawn = np.random.default_rng(whole_number("seed", self.seed, 0))
        given = self._first_features(X)
        self.frequencies_ = drawn.normal(0, width, (given.shape[1], count))
        self.phases_ = drawn.uniform(0, 2 * np.pi, count)
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """The features, shape (samples, features).

        Args:
            X: Shape (samples, features).
        """
        angles = self._further_features(X) @ self.frequencies_ + self.phases_
        found: Array = np.sqrt(2 / len(self.phases_)) * np.cos(angles)
        return found

    def fit_transform(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Array:
        """As `fit`, then `transform`.

        Args:
            X: Shape (samples, features).
            y: Not read.
        """
        return self.fit(X).transform(X)
