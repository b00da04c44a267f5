"""Classical controls of systems that read features of whole images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.heads.learner import Classifier
from studies.systems.data import Data
from studies.systems.models.model import Classifying
from studies.systems.running import Run

Array = NDArray[np.float64]


class Transformer(Protocol):
    """Makes features, as the learners of `qucnn_cirq.heads` do."""

    def fit_transform(self, X: Array) -> Array:
        """Learns of rows, and returns their features.

        Args:
            X: Shape (rows, values).
        """
        ...

    def transform(self, X: Array) -> Array:
        """The features of further rows.

        Args:
            X: Shape (rows, values).
        """
        ...


class ClassicalModel(Classifying):
    """A classical learner on the features that the circuits have.

    Args:
        label: See `Model`.
        learner: Names classes.
        seen: Makes rows of images.
        features: Makes features of rows; None for themselves.
    """

    role = "classical"

    def __init__(
        self,
        label: str,
        learner: Classifier,
        seen: Callable[[Array], Array],
        features: Transformer | None = None,
    ) -> None:
        self.label, self._learner, self._seen, self._features = label, learner, seen, features

    def fit(self, data: Data, seed: int) -> None:
        """See `Model.fit`."""
        rows = self._seen(data.images)
        made = rows if self._features is None else self._features.fit_transform(rows)
        self._learner.fit(made, data.labels)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """See `Classifying.predict`."""
        rows = self._seen(images)
        made = rows if self._features is None else self._features.transform(rows)
        found: NDArray[np.int64] = self._learner.predict(made)
        return found


def flat(images: Array) -> Array:
    """The pixels of each image in a row, shape (n, rows * columns).

    Args:
        images: Shape (n, rows, columns).
    """
    return images.reshape(len(images), -1)
