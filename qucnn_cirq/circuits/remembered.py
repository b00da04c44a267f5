"""Angles that a search found, remembered in this process and on disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.advance import solving
from qucnn_cirq.circuits.angle_cache import Result, cached

FloatArray = NDArray[np.float64]
Vectors = Any
"""Arrays of float64, or of complex128 for a search that takes those."""

_AMPLITUDES = 2**24
"""Amplitudes of the states whose angles one loader remembers."""
_ROUNDING = 1e-18
"""Infidelities that differ by less are equal."""
_REMEMBERING = threading.RLock()
"""Held while states are searched for: several threads would search for the same."""


class RememberedAngles:
    """The angles and infidelities of the states that were searched for.

    Args:
        n_angles: How many angles a state has.
        amplitudes: Of how many amplitudes in all the states are remembered.
    """

    def __init__(self, n_angles: int, amplitudes: int = _AMPLITUDES) -> None:
        self._n_angles = n_angles
        self._most = amplitudes
        self._solved: dict[bytes, FloatArray] = {}

    def solve(
        self,
        states: Vectors,
        description: str,
        search: Callable[[Vectors], tuple[FloatArray, FloatArray]],
        infidelities_of: Callable[[Vectors, FloatArray], FloatArray],
        expense: int = 1,
        on_disk: bool = True,
    ) -> tuple[FloatArray, FloatArray]:
        """What a search finds; those that are new are searched for, or read from the disk.

        Args:
            states: Unit vectors, real or complex, shape (batch, dimension), contiguous.
            description: As for `cached`.
            search: Returns angles (batch, n_angles) and infidelities (batch,).
            infidelities_of: The infidelities of states and angles (batch, n_angles). What is read
                from the disk is believed only if it says the same.
            expense: As for `cached`.
            on_disk: Whether the disk is asked, and told, of those that are new.

        Returns:
            Angles and infidelities.
        """

        def holds(rows: Vectors, solution: Result) -> bool:
            if [array.shape[1:] for array in solution] != [(self._n_angles,), ()]:
                return False
            angles, infidelities = solution
            if not (np.abs(angles) <= np.pi).all():
                return False
            found = infidelities_of(rows, angles)
            return bool(np.allclose(found, infidelities, rtol=1e-6, atol=_ROUNDING))

        with _REMEMBERING:
            keys = [state.tobytes() for state in states]
            new = {key: row for row, key in enumerate(keys) if key not in self._solved}
            if new:
                rows = states[list(new.values())]
                with solving(len(new)):
                    angles, infidelities = (
                        cached(description, rows, search, holds, expense=expense)
                        if on_disk
                        else search(rows)
                    )
                both = np.column_stack([angles, infidelities])
                self._solved.update(zip(new, both, strict=True))
            both = np.array([self._solved[key] for key in keys]).reshape(-1, self._n_angles + 1)
            if len(self._solved) * states.shape[1] > self._most:
                self._solved.clear()
            return both[:, :-1], both[:, -1]
