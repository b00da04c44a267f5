"""One-qubit unitaries as turns about Z, Y and Z."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def turn_angles(unitaries: NDArray[np.complexfloating[Any, Any]]) -> NDArray[np.float64]:
    """Angles of RZ, RY and RZ that make unitaries, up to a phase.

    Args:
        unitaries: Shape (batch, 2, 2).

    Returns:
        Angles in radians, shape (batch, 3), in order of time.
    """
    (u00, u01), (u10, u11) = unitaries.transpose(1, 2, 0)
    middle = 2 * np.arctan2(np.abs(u10), np.abs(u00))
    last = np.angle(u10 * u00.conj())
    # Of the two ways to the first angle the one that has the larger entries.
    is_near = np.abs(u00) >= np.abs(u10)
    last = np.where(is_near | (np.abs(u00) > 0), last, np.angle(-u10 * u01.conj()))
    first = np.where(is_near, np.angle(u11 * u00.conj()) - last, last - np.angle(-u10 * u01.conj()))
    return np.stack([first, middle, last], axis=1)
