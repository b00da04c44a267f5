"""The methods of a mitigation sweep by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.estimators import ESTIMATORS, Estimator, Training, chain
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
        InputError: If it is unknown.
    """
    alone = (*CIRCUITS, BOUND)
    parts = str(name).split("+")
    for part in parts:
        if part not in alone and part not in ESTIMATORS:
            raise unknown_name("method", part, (*ESTIMATORS, *alone))
        if part in alone and len(parts) > 1:
            raise InputError(f"method = {name!r}: {part!r} is no estimator, and stands alone.")
    return str(name)


def make_estimator(
    name: str,
    training: Callable[[], Training],
    shots: int,
    calibration_shots: int,
    seed: int,
    device: Noise,
) -> Estimator:
    """The estimator of a method.

    Args:
        name: Of an estimator, or several joined by "+".
        training: Gives the patches to learn from.
        shots: Shots of each patch.
        calibration_shots: Shots of each calibration circuit; 0 for exact means.
        seed: Of those.
        device: The noise that calibration circuits are run under.

    Raises:
        InputError: If estimators do not go together.
    """
    calibrated: dict[str, Any] = {"device": device, "seed": seed}
    if calibration_shots:
        calibrated["shots"] = calibration_shots
    settings: dict[str, dict[str, Any]] = {
        "optimal": {"training": None, "shots": shots},
        "regression": {"training": None, **calibrated},
        "readout": calibrated,
        "two_point": calibrated,
        "pauli_weights": calibrated,
    }
    names = name.split("+")
    own = {each: dict(settings[each]) for each in names if each in settings}
    for each in own.values():
        if "training" in each:
            each["training"] = training()
    return chain(names, own)


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
