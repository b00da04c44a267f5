"""Linear heads: ridge regression in closed form, and softmax regression."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from noise_models.checks import real_number, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads.learner import Array, Classifier, Numbers, checked_features
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)

CLASSES = 10
_RIDGE = 1e-2
"""Penalty, in units of the mean variance of a feature times the number of samples."""


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Ridge regression onto an indicator of each digit; the highest score wins.

    Attributes:
        weights: Shape (features, classes).
        offsets: Shape (classes,).
    """

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def fit(cls, features: ArrayLike, labels: ArrayLike) -> Self:
        """Fits without randomness and without iterations.

        Args:
            features: Shape (samples, features).
            labels: Whole numbers from 0 to 9, shape (samples,).

        Raises:
            InputError: If a label is another one, or a feature is not finite.
        """
        given = checked_features(features)
        classes = real_array("labels", labels)
        if classes.shape != (len(given),):
            raise InputError(f"labels have shape {classes.shape}: give ({len(given)},).")
        if not np.isin(classes, range(CLASSES)).all():
            raise InputError(
                f"labels range from {classes.min():g} to {classes.max():g}: a classifier reads "
                f"whole numbers from 0 to {CLASSES - 1}."
            )
        centre = given.mean(axis=0)
        centred = given - centre
        targets = np.eye(CLASSES)[classes.astype(np.intp)]
        gram = centred.T @ centred
        # Features that are all constant tell nothing, and the classes' shares are left.
        penalty = _RIDGE * np.trace(gram) / len(gram) or 1.0
        weights = np.linalg.solve(
            gram + penalty * np.eye(len(gram)), centred.T @ (targets - targets.mean(axis=0))
        )
        return cls(weights, targets.mean(axis=0) - centre @ weights)

    def predict(self, features: ArrayLike) -> NDArray[np.intp]:
        """The class of each sample, shape (samples,).

        Args:
            features: Shape (samples, features).

        Raises:
            InputError: If there are others than were learnt from, or one is not finite.
        """
        given = checked_features(features)
        if given.shape[1] != len(self.weights):
            raise InputError(
                f"X has {given.shape[1]} features, and {len(self.weights)} were learnt from."
            )
        scores = given @ self.weights + self.offsets
        classes: NDArray[np.intp] = scores.argmax(axis=1)
        return classes


class SoftmaxClassifier(Classifier):
    """Softmax regression: probabilities of classes from scores that are linear in the features.

    Features are brought to mean 0 and to a common scale, that of their largest spread. The loss,
    the mean cross entropy with a penalty on the squares of the weights, has one minimum, which
    L-BFGS finds without randomness.

    Args:
        penalty: Of half the sum of the squares of the weights.
        iterations: Of L-BFGS, at most.

    Attributes:
        weights_: Shape (features, classes).
        offsets_: Shape (classes,).
    """

    def __init__(self, penalty: float = 1e-3, iterations: int = 500) -> None:
        self.penalty = penalty
        self.iterations = iterations

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        penalty = real_number("penalty", self.penalty, 0.0, 1e6)
        iterations = whole_number("iterations", self.iterations, 1)
        centre = features.mean(axis=0)
        scale = float(features.std(axis=0).max()) or 1.0
        given = np.column_stack([(features - centre) / scale, np.ones(len(features))])
        wanted = np.eye(len(self.classes_))[numbers]
        shape = given.shape[1], len(self.classes_)

        def loss(flat: Array) -> tuple[float, Array]:
            weights = flat.reshape(shape)
            scores = log_softmax(given @ weights, axis=1)
            free = np.concatenate([weights[:-1], np.zeros((1, shape[1]))])
            value = -(scores * wanted).sum() / len(given) + penalty / 2 * (free**2).sum()
            slope = given.T @ (np.exp(scores) - wanted) / len(given) + penalty * free
            return float(value), slope.ravel()

        passes = Steps(_LOGGER, type(self).__name__, iterations, "iterations", callback)
        found = minimize(
            loss,
            np.zeros(shape[0] * shape[1]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations},
            callback=lambda intermediate_result: passes.finished(
                loss=float(intermediate_result.fun)
            ),
        )
        weights = found.x.reshape(shape)
        self.weights_ = weights[:-1] / scale
        self.offsets_ = weights[-1] - centre @ self.weights_

    def _probabilities(self, features: Array) -> Array:
        found: Array = softmax(features @ self.weights_ + self.offsets_, axis=1)
        return found
