"""Two unbiased estimates of one overlap from the same shots, mixed for the least variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import real_number
from qucnn_cirq.estimators.estimator import LinearEstimator
from qucnn_cirq.estimators.overlap_outcomes import overlap_outcomes
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]


class AllZeros(LinearEstimator):
    """D [o], where o are the outcomes with the probability F / D.

    Of the destructive test that is 2^n times how often all pairs were in Phi+, with the variance
    (2^n F - F^2)/N; of the inversion test it is the raw estimate.
    """

    name = "all_zeros"
    assumes = "no noise, real patches, and an outcome whose probability is the overlap"

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """See `LinearEstimator.find_weights`."""
        found = overlap_outcomes(reading)
        return found.dilution * found.indicator[None]


class Mixed(LinearEstimator):
    """a s + (1 - a) D [o]: the sign of a shot, and the outcomes o that have the probability F / D.

    Patches are real vectors, so the mean is F for every a: tr(rho sigma^T) = tr(rho sigma). The
    variance of a shot is a^2 + 2 a (1 - a) q F + (1 - a)^2 D F - F^2, where q, the mean sign of the
    outcomes o, is 1 for a filter that is real. It is least at

        a = (D - q) F / (1 + (D - 2 q) F),

    for one F that is chosen before any shot: at F = 1/D, the mean over isotropic patches, a is 1/2.
    Where every shot is the overlap's own, as in the inversion test, D and q are 1 and a is 0.

    Args:
        mean_overlap: The F at which the variance is to be least, in [0, 1]; None for 1/D.
    """

    name = "mixed"
    assumes = "no noise, real patches, and an outcome whose probability is the overlap"

    def __init__(self, mean_overlap: float | None = None) -> None:
        super().__init__()
        self.mean_overlap = (
            None
            if mean_overlap is None
            else real_number("mean_overlap", mean_overlap, minimum=0.0, maximum=1.0)
        )

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """See `LinearEstimator.find_weights`."""
        found = overlap_outcomes(reading)
        signs = reading.observable.table
        q = float(found.indicator @ signs / found.indicator.sum())
        overlap = 1 / found.dilution if self.mean_overlap is None else self.mean_overlap
        part = best_part(overlap, found.dilution, q)
        return (part * signs + (1 - part) * found.dilution * found.indicator)[None]


def best_part(overlap: float, dilution: float, sign: float = 1.0) -> float:
    """The part a of the sign at which `Mixed` has the least variance.

    Args:
        overlap: F, at which it is least.
        dilution: D.
        sign: The mean sign q of the outcomes o.
    """
    top = (dilution - sign) * overlap
    # Both are 0 where sign and outcomes tell the same, with certainty.
    return top / (1 + (dilution - 2 * sign) * overlap) if top else 0.0
