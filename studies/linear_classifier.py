"""A linear classifier with a closed-form fit: ridge regression onto one indicator a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qucnn_cirq.errors import InputError

CLASSES = 10
_RIDGE = 1e-2
"""Penalty, in units of the mean variance of a feature times the number of samples."""


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Scores of the classes are linear in the features; the highest one wins.

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
            InputError: If a label is another one.
        """
        classes = np.asarray(labels)
        if not np.isin(classes, range(CLASSES)).all():
            raise InputError(
                f"labels range from {classes.min():g} to {classes.max():g}: a classifier reads "
                f"whole numbers from 0 to {CLASSES - 1}."
            )
        given = np.asarray(features, float)
        centre = given.mean(axis=0)
        centred = given - centre
        targets = np.eye(CLASSES)[classes]
        gram = centred.T @ centred
        penalty = _RIDGE * np.trace(gram) / len(gram)
        weights = np.linalg.solve(
            gram + penalty * np.eye(len(gram)), centred.T @ (targets - targets.mean(axis=0))
        )
        return cls(weights, targets.mean(axis=0) - centre @ weights)

    def predict(self, features: ArrayLike) -> NDArray[np.intp]:
        """The class of each sample, shape (samples,).

        Args:
            features: Shape (samples, features).
        """
        scores = np.asarray(features, float) @ self.weights + self.offsets
        classes: NDArray[np.intp] = scores.argmax(axis=1)
        return classes
