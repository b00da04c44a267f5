"""Two-qubit gates in forms that keep states real."""

from __future__ import annotations

import cirq
import numpy as np

from qucnn_cirq.circuits.slots import fixed

_S = np.diag([1, 1j])


def givens(first: cirq.Qid, second: cirq.Qid) -> list[cirq.Operation]:
    """sqrt-iSWAP between virtual Z: |01> -> (|01> - |10>)/sqrt 2, |10> -> (|01> + |10>)/sqrt 2.

    Args:
        first: The left bit of the kets.
        second: The right bit, its neighbour.

    Returns:
        Three operations, first to act first.
    """
    return [
        fixed(_S.conj()).on(first),
        cirq.SQRT_ISWAP(first, second),
        fixed(_S).on(first),
    ]
