"""Two estimates of one overlap, mixed by a part of its own for each patch."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import whole_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.estimator import (
    Estimates,
    Estimator,
    LinearEstimator,
    Raw,
    checked_counts,
)
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.mixed import AllZeros
from qucnn_cirq.estimators.overlap_outcomes import states_loaded
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered

FloatArray = NDArray[np.float64]

_PRIOR_SHOTS = 40
"""Shots that 2^-n counts as before any: 0.7 over the variance of F among patches of digits."""
_STATES = 64
_MOST_SPLIT = 10**9
"""Shots from which halves are not drawn."""


class MixedEach(Estimator):
    """a s + (1 - a) t of two linear estimates s and t, with the best a for each patch's own F.

    An a that is found from the same shots as the estimate moves its mean: shots that overestimate F
    take more of the sign. So the shots are split at random in two halves, and the a of each half
    comes from the other one: given a, each half's mean is right, so the whole is unbiased wherever
    s and t are. The second moments of s and t, which decide a, are taken as straight lines in F,
    which they are without noise.

    Args:
        first: s; `Raw`, the sign, if None.
        second: t; `AllZeros` if None.
        seed: Of the split.

    Raises:
        InputError: If one of them is no linear estimator.
    """

    name = "mixed_each"
    assumes = "what both estimates that it mixes do"

    def __init__(
        self,
        first: LinearEstimator | None = None,
        second: LinearEstimator | None = None,
        seed: int = 0,
    ) -> None:
        self.first = Raw() if first is None else first
        self.second = AllZeros() if second is None else second
        for each in (self.first, self.second):
            if not isinstance(each, LinearEstimator):
                raise InputError(
                    f"mixed_each takes linear estimators, not {each!r}: give 'raw' or another "
                    "one whose value is a sum of weights."
                )
        self.seed = whole_number("seed", seed, minimum=0)
        self._rules: Remembered[Reading, _Rule] = Remembered()

    def estimate(
        self, reading: Reading, counts: NDArray[np.int64], forms: FloatArray | None = None
    ) -> Estimates:
        """See `Estimator.estimate`."""
        rule = self._rule(reading, forms)
        counts = checked_counts(counts, reading.n_outcomes)
        halves = _halves(counts, self.seed)
        parts = [rule.parts(half)[:, None] for half in halves]
        values, variances = np.zeros(len(counts)), np.zeros(len(counts))
        for half, part in zip(halves, parts[::-1], strict=True):
            weights = part * rule.weights[0] + (1 - part) * rule.weights[1]
            values += (weights * half).sum(axis=1)
            # As of all linear estimators. Of the other half's shots it would come out too small.
            shots = half.sum(axis=1)
            smooth = (half + 1 / half.shape[1]) / (shots[:, None] + 1)
            squares = (weights**2 * smooth).sum(axis=1) - (weights * smooth).sum(axis=1) ** 2
            variances += shots * np.maximum(squares, 0.0)
        total = counts.sum(axis=1)
        return Estimates((values / total)[None], (variances / total**2)[None])

    def limit(
        self, reading: Reading, distributions: FloatArray, forms: FloatArray | None = None
    ) -> FloatArray:
        """See `Estimator.limit`."""
        rule = self._rule(reading, forms)
        means = distributions @ rule.weights.T
        part = rule.best(means.mean(axis=1))
        values: FloatArray = part * means[:, 0] + (1 - part) * means[:, 1]
        return values[None]

    def _rule(self, reading: Reading, forms: FloatArray | None) -> _Rule:
        """How a is found for a circuit.

        Raises:
            InputError: If other forms are asked for.
        """
        if forms is not None:
            raise InputError(
                "estimator 'mixed_each' gives the overlap with the circuit's own filter alone."
            )
        if reading not in self._rules:
            self._rules[reading] = self._found(reading)
        return self._rules[reading]

    def _found(self, reading: Reading) -> _Rule:
        weights = np.concatenate([self.first.weights(reading), self.second.weights(reading)])
        states = states_loaded(reading, _STATES)
        exact = evaluated(reading.own_form, states)[0]
        chances = reading.distribution(states)
        products = np.stack([weights[0] ** 2, weights[0] * weights[1], weights[1] ** 2])
        return _Rule(weights, np.polyfit(exact, chances @ products.T, 1), 1 / len(reading.vector))


class _Rule(NamedTuple):
    """How a is found for one circuit.

    Attributes:
        weights: Those of s and t, shape (2, outcomes).
        moments: Slopes and offsets of the means of s^2, s t and t^2, shape (2, 3).
        typical: F before any shot.
    """

    weights: FloatArray
    moments: FloatArray
    typical: float

    def parts(self, counts: NDArray[np.int64]) -> FloatArray:
        """The best a for what the counts say, shape (patches,)."""
        total = (counts @ self.weights.T).mean(axis=1)
        shots = counts.sum(axis=1)
        return self.best((total + _PRIOR_SHOTS * self.typical) / (shots + _PRIOR_SHOTS))

    def best(self, overlaps: FloatArray) -> FloatArray:
        """The best a for overlaps, both of shape (patches,)."""
        slopes, offsets = self.moments
        own, both, other = (np.clip(overlaps, 0.0, 1.0)[:, None] * slopes + offsets).T
        below = own + other - 2 * both
        found: FloatArray = np.clip((other - both) / np.where(below > 0, below, 1.0), 0.0, 1.0)
        return found


def _halves(counts: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every patch's shots, split at random in two halves.

    The split follows from the seed and the patch's own counts: it is the same in any batch.
    """
    first = counts // 2
    for row, own in enumerate(counts):
        total = int(own.sum())
        # Beyond that halves that are alike move the mean by less than shots tell.
        if total < _MOST_SPLIT:
            content = hashlib.sha256(own.astype("<i8").tobytes()).digest()
            generator = np.random.default_rng([seed, int.from_bytes(content[:8], "little")])
            first[row] = generator.multivariate_hypergeometric(own, total // 2, method="marginals")
    return first, counts - first
