"""Errors of values and gradients of patches: exactly where their variance is, else of a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from studies.statistics import mean_interval, root_mean_square
from studies.sweep.study import Row

Array = NDArray[np.float64]

_CONFIDENCE = 1.96
"""Standard errors to either side of a 95 % interval."""


@dataclass(frozen=True, eq=False)
class Errors:
    """The errors of quadratic forms of patches, overlaps or derivatives. All of one shape.

    Attributes:
        exact: What is to be estimated, shape (forms, patches).
        mean: The mean error, or the error of the one sample that there is.
        squared: The mean squared error, or that of the sample.
        systematic: What more shots leave of the error.
        covered: The probability that a 95 % interval holds the exact value; of a sample 1 or 0.
    """

    exact: Array
    mean: Array
    squared: Array
    systematic: Array
    covered: Array

    @classmethod
    def known(cls, exact: Array, bias: Array, variance: Array) -> Errors:
        """Errors whose moments are known. Intervals are those of as many shots, taken as normal.

        Args:
            exact: Shape (forms, patches).
            bias: Mean estimate less the exact value.
            variance: Of the estimate.
        """
        deviation = np.sqrt(variance)
        # Of a value that is certain an interval holds the exact one or does not.
        offset = np.divide(
            np.abs(bias), deviation, out=np.where(bias == 0, 0.0, np.inf), where=deviation > 0
        )
        covered = ndtr(_CONFIDENCE - offset) - ndtr(-_CONFIDENCE - offset)
        return cls(exact, bias, bias**2 + variance, bias, covered)

    @classmethod
    def sampled(cls, exact: Array, values: Array, variances: Array, limit: Array) -> Errors:
        """Errors of estimates from counts that were drawn.

        Args:
            exact: Shape (forms, patches).
            values: The estimates.
            variances: What they are said to be.
            limit: Estimates from infinitely many shots.
        """
        errors = values - exact
        covered = np.abs(errors) <= _CONFIDENCE * np.sqrt(variances)
        return cls(exact, errors, errors**2, limit - exact, covered.astype(float))

    def row(self, name: str) -> Row:
        """The columns of the table.

        Args:
            name: What the forms are; every column starts with it.
        """
        each, patches = np.sqrt(self.squared.mean(axis=1)), self.squared.mean(axis=0)
        ends = np.sqrt(np.maximum(mean_interval(patches), 0.0))
        centred = self.exact - self.exact.mean()
        return {
            f"{name}_rmse": float(ends[0]),
            f"{name}_rmse_low": float(ends[1]),
            f"{name}_rmse_high": float(ends[2]),
            f"{name}_rmse_worst": float(np.sqrt(patches.max())),
            f"{name}_rmse_median": float(np.median(each)),
            f"{name}_bias": float(self.mean.mean()),
            f"{name}_slope": float((centred * self.mean).sum() / (centred**2).sum()),
            f"{name}_systematic_rmse": root_mean_square(self.systematic),
            f"{name}_coverage": float(self.covered.mean()),
        }
