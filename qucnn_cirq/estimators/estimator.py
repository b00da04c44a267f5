"""What an estimator is: from counts of outcomes to values of patches, each with its variance."""

from __future__ import annotations

import abc
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered

FloatArray = NDArray[np.float64]

_MANY = 1e12
"""Shots that stand for infinitely many."""


class Estimates(NamedTuple):
    """Values and how uncertain they are.

    Attributes:
        values: Shape (forms, patches).
        variances: Of each value, from shots alone, shape (forms, patches).
    """

    values: FloatArray
    variances: FloatArray


def checked_counts(counts: NDArray[np.int64], n_outcomes: int) -> NDArray[np.int64]:
    """Counts of outcomes, checked.

    Args:
        counts: How often each outcome was recorded, shape (patches, outcomes).
        n_outcomes: How many outcomes there are.

    Raises:
        InputError: If they have another shape, are no whole numbers of at least 0, or a patch has
            no shot.
    """
    found = np.asarray(counts)
    if found.ndim != 2 or found.shape[1] != n_outcomes or found.dtype.kind not in "iu":
        raise InputError(
            f"counts are {found.dtype} of shape {found.shape}: give whole numbers, shape "
            f"(patches, {n_outcomes})."
        )
    if (found < 0).any():
        raise InputError(f"counts have {found.min()}: give whole numbers of at least 0.")
    without = np.flatnonzero(~found.any(axis=1))
    if len(without):
        raise InputError(f"patch {without[0]} has no shot: give counts of at least 1 shot each.")
    return found


class Estimator(abc.ABC):
    """A way from counts of outcomes to quadratic forms of patches, overlaps above all.

    To add one, derive a class with a name, what it assumes, and `estimate`; from `LinearEstimator`
    if a value is a sum of weights, one for each outcome that was recorded.

    Attributes:
        name: The word by which it is chosen.
        assumes: What must hold for its values to be right, in one line.
        serves_all_forms: Whether it estimates other forms than the overlap with the circuit's own
            filter.
        takes_twirl: Whether a layer shares its shots among circuits that do the same without noise.
    """

    name: ClassVar[str]
    assumes: ClassVar[str]
    serves_all_forms: ClassVar[bool] = False
    takes_twirl: ClassVar[bool] = True

    @property
    def serves_encodings(self) -> bool:
        """Whether patches may be in any encoding; others take them for real unit vectors."""
        return False

    @abc.abstractmethod
    def estimate(
        self, reading: Reading, counts: NDArray[np.int64], forms: FloatArray | None = None
    ) -> Estimates:
        """Values of patches.

        Args:
            reading: The circuit that recorded the counts.
            counts: How often each outcome was recorded, shape (patches, outcomes). Patches may
                have different numbers of shots, at least 1 each.
            forms: What is wanted, shape (forms, d, d); None for the overlap with the circuit's own
                filter.

        Raises:
            InputError: If the circuit is not one that it understands, it cannot estimate other
                forms, or counts do not fit the circuit.
        """

    def limit(
        self, reading: Reading, distributions: FloatArray, forms: FloatArray | None = None
    ) -> FloatArray:
        """Values from infinitely many shots.

        Args:
            reading: The circuit.
            distributions: The probabilities of what is recorded, shape (patches, outcomes).
            forms: As for `estimate`.

        Returns:
            Shape (forms, patches); by default those of 10^12 shots.

        Raises:
            InputError: As for `estimate`.
        """
        counts = np.rint(distributions * _MANY).astype(np.int64)
        return self.estimate(reading, counts, forms).values

    def __repr__(self) -> str:
        return f"<estimator {self.name!r}: assumes {self.assumes}>"


class LinearEstimator(Estimator):
    """An estimator whose value is the mean over the shots of a weight for each outcome."""

    def __init__(self) -> None:
        self._own: Remembered[Reading, FloatArray] = Remembered()

    @abc.abstractmethod
    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """The weights of the outcomes.

        Args:
            reading: The circuit.
            forms: What is wanted, shape (forms, d, d). Where `serves_all_forms` is false this is
                `Reading.own_form`.

        Returns:
            Shape (forms, outcomes).

        Raises:
            InputError: As for `estimate`.
        """

    def weights(self, reading: Reading, forms: FloatArray | None = None) -> FloatArray:
        """As `find_weights`; those of the circuit's own filter are found once.

        Args:
            reading: The circuit.
            forms: As for `estimate`.

        Returns:
            Shape (forms, outcomes).
        """
        if forms is not None:
            if not self.serves_all_forms:
                raise InputError(
                    f"estimator {self.name!r} gives the overlap with the circuit's own filter "
                    "alone: for other filters and gradients of the same counts choose one of "
                    "'optimal', 'unbiased' and 'likelihood'."
                )
            return self.find_weights(reading, forms)
        if reading not in self._own:
            self._own[reading] = self.find_weights(reading, reading.own_form)
        return self._own[reading]

    def estimate(
        self, reading: Reading, counts: NDArray[np.int64], forms: FloatArray | None = None
    ) -> Estimates:
        """See `Estimator.estimate`.

        The variance is that of frequencies (n + 1/K)/(N + 1) of K outcomes: shots that are all
        alike do not make a value certain.
        """
        counts = checked_counts(counts, reading.n_outcomes)
        shots = counts.sum(axis=1)
        weights = self.weights(reading, forms)
        smooth = (counts + 1 / counts.shape[1]) / (shots[:, None] + 1)
        variances = self.moments(reading, smooth, 1, forms).variances / shots
        return Estimates(weights @ (counts / shots[:, None]).T, variances)

    def limit(
        self, reading: Reading, distributions: FloatArray, forms: FloatArray | None = None
    ) -> FloatArray:
        """See `Estimator.limit`."""
        return self.weights(reading, forms) @ distributions.T

    def moments(
        self,
        reading: Reading,
        distributions: FloatArray,
        shots: int,
        forms: FloatArray | None = None,
    ) -> Estimates:
        """The estimator's own mean and variance, exactly.

        Args:
            reading: The circuit.
            distributions: The probabilities of what is recorded, shape (patches, outcomes).
            shots: Shots of each patch.
            forms: As for `estimate`.
        """
        weights = self.weights(reading, forms)
        means = weights @ distributions.T
        variances = np.maximum(weights**2 @ distributions.T - means**2, 0.0) / shots
        return Estimates(means, variances)


class Raw(LinearEstimator):
    """The mean of the measured observable: what a layer gives without mitigation."""

    name = "raw"
    assumes = "no noise"
    takes_twirl = False
    serves_encodings = True

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """As `LinearEstimator.find_weights`: the observable's value of each outcome."""
        return reading.observable.table[None]
