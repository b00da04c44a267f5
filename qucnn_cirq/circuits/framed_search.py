"""Angles of a framed circuit that make given vectors, for many at once.

See `qucnn_cirq.circuits.framed_circuit` for the circuit and `qucnn_cirq.circuits.real_search` for
the method.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.framed_circuit import FramedCircuit
from qucnn_cirq.circuits.real_search import Search, search_angles
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

SEARCH = 2
"""Raised when the search finds other angles, so that no result of an earlier one is mixed in."""

_EXACT = Search(((40, 1), (40, 1), (60, 4), (100, 12), (300, 12)), 1e-24, 0.0, 1e-13)
_EXACT_ON_LONG_LINES = replace(_EXACT, heats=((200, 1), (200, 1), (150, 6), (300, 12)))
_EXACT_ON_LONGEST_LINES = replace(_EXACT, heats=((100, 1), (150, 2), (250, 3)))
_CLOSE = Search(((20, 1),) * 2, 1e-24, 1e-2, 1e-7)
_STARTS = {7: 16, 8: 8}
"""Starting points of seven and eight qubits; fewer have 128. Making them takes time."""
_BLOCK = 8192
"""States that are made together: many for each call of NumPy, few for a processor's cache."""


def solve_framed_angles(
    states: FloatArray, circuit: FramedCircuit, tolerance: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Angles with which a circuit makes U x of each vector x, where they are found.

    The result for a vector does not depend on the other vectors (up to rounding).

    Args:
        states: Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
        circuit: The circuit.
        tolerance: Infidelity that is good enough. If it is not 0, the search is brief.

    Returns:
        Angles in radians within [-pi, pi], shape (batch, n_angles), and infidelities
        1 - |<Ux|y>|^2 of what is made, y, shape (batch,).
    """
    if not len(states):
        return np.zeros((0, circuit.n_angles)), np.zeros(0)
    distinct, positions = np.unique(states, axis=0, return_inverse=True)
    exact = {5: _EXACT, 6: _EXACT_ON_LONG_LINES}
    search = exact.get(circuit.n_qubits, _EXACT_ON_LONGEST_LINES)
    if tolerance:
        search = replace(_CLOSE, solved=max(tolerance, _CLOSE.solved))
    starts = _STARTS.get(circuit.n_qubits, 128)
    with single_threaded_blas():
        angles = search_angles(distinct, circuit, search, seed=0, starts=starts)
    # A turn by 2 pi changes only the global sign.
    angles = np.remainder(angles + np.pi, 2 * np.pi) - np.pi
    infidelities = framed_infidelities(distinct, angles, circuit)
    return angles[positions], infidelities[positions]


def framed_infidelities(
    states: FloatArray, angles: FloatArray, circuit: FramedCircuit
) -> FloatArray:
    """The infidelities 1 - |<Ux|y>|^2 of what a circuit makes of angles, y.

    Args:
        states: Real unit vectors x, shape (batch, 2^n).
        angles: Radians, shape (batch, n_angles).
        circuit: The circuit.

    Returns:
        Infidelities, shape (batch,).
    """
    infidelities = np.empty(len(states))
    for start in range(0, len(states), _BLOCK):
        rows = slice(start, start + _BLOCK)
        loaded = circuit.states(angles[rows])
        # The squared part orthogonal to x, which does not lose digits near zero.
        overlaps = np.sum(states[rows] * loaded, axis=1, keepdims=True)
        infidelities[rows] = np.sum((loaded - overlaps * states[rows]) ** 2, axis=1)
    return infidelities
