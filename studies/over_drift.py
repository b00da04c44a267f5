"""Errors over all realisations of a drift, of which each run sees one."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.layer import QuantumConvolution
from studies.sweep.study import Row

Array = NDArray[np.float64]

DRIFT_COLUMNS = {
    "bias_over_drift": "mean of noisy mean - F over all realisations of the drift, not this one",
    "systematic_rmse_over_drift": "root mean square of noisy mean - F over all realisations",
}
"""What the columns mean; of noise that drifts, and engines that give means."""


def over_drift(
    layer: QuantumConvolution, exact: Array, means_of: Callable[[QuantumConvolution], Array]
) -> Row:
    """The errors of exact means over all that the factor of an image can be.

    Every image has a factor of the same distribution, so that neither the correlation nor the
    order of the images matters here.

    Args:
        layer: The layer, whose engine gives means.
        exact: The overlaps without noise, shape (filters, patches).
        means_of: The exact means of a layer without shots, of that shape.

    Returns:
        The columns `DRIFT_COLUMNS`; none where the noise does not drift or is mitigated.

    Raises:
        InputError: If a rate would exceed what is possible.
    """
    # Of what predicts, beside counts that were measured.
    drifting = layer.engine.predicted_noise(layer.noise)
    if drifting.drift is None or layer.mitigation is not None:
        return {}
    bias = square = 0.0
    for noise, weight in drifting.over_drift():
        steady = copy.copy(layer)
        steady.noise, steady.shots = noise, None
        steady.engine = layer.engine.predicting(noise)
        errors = means_of(steady) - exact
        bias += weight * float(errors.mean())
        square += weight * float((errors**2).mean())
    return {"bias_over_drift": bias, "systematic_rmse_over_drift": float(np.sqrt(square))}
