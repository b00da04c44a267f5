"""The methods of a mitigation sweep by name: all mitigation, and the bound of what there is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from studies.estimating import check_names

BOUND = "bound"
"""The Cramer-Rao bound F (1 - F)/N of a real pure state that is measured without noise."""


def check_method(name: object) -> str:
    """Refuses what is no method.

    Args:
        name: As for `studies.estimating.check_names`, or `BOUND`.

    Raises:
        InputError: If it is unknown, or estimators do not go together.
    """
    return check_names(name, beside=(BOUND,))


def bound(overlaps: NDArray[np.float64], shots: int) -> NDArray[np.float64]:
    """The Cramer-Rao bound of the variance.

    Args:
        overlaps: F, of any shape.
        shots: N.

    Returns:
        F (1 - F)/N, of the same shape.
    """
    found: NDArray[np.float64] = overlaps * (1 - overlaps) / shots
    return found
