"""The methods of a mitigation sweep by name: estimators, and those that run further circuits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.estimators import ESTIMATORS, check_chain
from qucnn_cirq.mitigation import (
    ErrorCancellation,
    MitigationMethod,
    RealShadows,
    SelfOverlap,
    ZeroNoiseExtrapolation,
)

CIRCUITS: dict[str, Callable[[], MitigationMethod]] = {
    "zne": ZeroNoiseExtrapolation,
    "zne_richardson": lambda: ZeroNoiseExtrapolation((1, 3, 5), "richardson"),
    "zne_exponential": lambda: ZeroNoiseExtrapolation((1, 3), "exponential"),
    "pec": ErrorCancellation,
    "self_overlap": SelfOverlap,
    "shadows": RealShadows,
}
"""Methods that run other circuits than the plain one."""
BOUND = "bound"
"""The Cramer-Rao bound F (1 - F)/N of a real pure state that is measured without noise."""


def check_method(name: object) -> str:
    """Refuses what is no method.

    Args:
        name: Of an estimator, or several joined by "+"; one of `CIRCUITS`; or `BOUND`.

    Raises:
        InputError: If it is unknown, or estimators do not go together.
    """
    alone = (*CIRCUITS, BOUND)
    parts = str(name).split("+")
    for part in parts:
        if part not in alone and part not in ESTIMATORS:
            raise unknown_name("method", part, (*ESTIMATORS, *alone))
        if part in alone and len(parts) > 1:
            raise InputError(f"method = {name!r}: {part!r} is no estimator, and stands alone.")
    if parts[0] not in alone:
        check_chain(parts)
    return str(name)


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
