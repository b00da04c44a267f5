"""Angles of a line circuit that make a given state, for a whole batch of states at once.

No closed form of the angles is known; `qucnn_cirq.circuits.real_search` finds them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qucnn_cirq.circuits.line_circuit import (
    FloatArray,
    LineLayer,
    line_layers,
    line_states,
    n_line_angles,
    propagate,
)
from qucnn_cirq.circuits.line_jacobians import states_and_jacobians
from qucnn_cirq.circuits.real_search import Search, search_angles
from qucnn_cirq.errors import InputError
from qucnn_cirq.threads import single_threaded_blas

SEARCH = 2
"""Raised when the search finds other angles, so that no result of an earlier one is mixed in."""

_SEARCH_ON_LONG_LINES = 3
"""The same for more than four qubits."""

_LIBRARY = 256
_LIBRARY_ON_LONG_LINES = {6: 64, 7: 16}
"""Starting points of six and seven qubits; more have 8. Making them takes as long as solving."""
_NORM_TOLERANCE = 1e-6


_EXACT = Search(((20, 1),) * 3 + ((60, 1),) * 2 + ((60, 4), (400, 6)), 1e-24, 0.0, 1e-13)
_EXACT_ON_LONG_LINES = replace(_EXACT, heats=((60, 1),) * 2 + ((100, 1), (100, 3), (200, 4)))
_CLOSE_ON_LONG_LINES = Search(((20, 1),) * 2, 1e-24, 1e-2, 1e-7)
_EXACT_ON_LONGEST_LINES = replace(_EXACT, heats=((100, 1), (100, 1), (150, 1), (250, 3)))
_CLOSEST = Search(((60, 1),) * 4, 1e-24, 1e-5, 1e-7)
_CLOSE_ENOUGH = Search(((20, 1),) * 2, 1e-24, 1e-2, 1e-7)


def search_version(n_qubits: int) -> int:
    """Tells the angles that this search finds from those of an earlier one.

    Args:
        n_qubits: Length of the line.
    """
    return SEARCH if n_qubits <= 4 else _SEARCH_ON_LONG_LINES


def solve_line_angles(
    states: FloatArray,
    pattern: str = "MOMOM",
    seed: int = 0,
    tolerance: float = 0.0,
    gate: str = "cz",
) -> tuple[FloatArray, FloatArray]:
    """Angles with which a pattern loads each state as well as it was found to do.

    The result for a state does not depend on the other states of the batch (up to rounding).
    With ``"MOMOM"`` the infidelity is zero up to rounding; for rare vectors (close to degenerate
    ones with CZ, about one random vector in two hundred with sqrt-iSWAP) the search ends above
    that, which the second result tells.
    With shorter patterns the best of several local minima is taken.

    Args:
        states: Real unit vectors, shape (batch, 2^n), qubit 0 most significant.
        pattern: A word, see `qucnn_cirq.circuits.line_circuit`.
        seed: Chooses the starting points.
        tolerance: Infidelity that is good enough. If it is not 0, the search for a shorter pattern
            is brief: now and then it misses the best minimum.
        gate: One of `qucnn_cirq.circuits.line_circuit.GATES`.

    Returns:
        Angles in radians within [-pi, pi], shape (batch, n_line_angles(pattern, n)), in the order
        in which `line_layers` turns the qubits, and infidelities 1 - <state|loaded>^2, shape
        (batch,). The sign of a loaded state is free.

    Raises:
        InputError: If the states have another shape, are not finite or not of norm 1, or the
            pattern is unknown.
    """
    states = np.asarray(states, dtype=float)
    n_qubits = states.shape[-1].bit_length() - 1 if states.ndim == 2 else 0
    if n_qubits < 2 or states.shape[1] != 1 << n_qubits:
        raise InputError(
            f"states of shape {states.shape}: the line loader takes (batch, 2^n) for n >= 2 qubits."
        )
    if not (np.abs(np.linalg.norm(states, axis=1) - 1) <= _NORM_TOLERANCE).all():
        raise InputError("states: every row must be finite and of norm 1; normalise the vectors.")
    layers = line_layers(pattern, gate, n_qubits)
    if not len(states):
        return np.zeros((0, n_line_angles(pattern, n_qubits))), np.zeros(0)
    distinct, positions = np.unique(states, axis=0, return_inverse=True)
    if n_qubits > 4 and n_line_angles(pattern, n_qubits) < states.shape[1] - 1:
        search = replace(_CLOSE_ON_LONG_LINES, solved=max(tolerance, _EXACT.solved))
    elif n_qubits > 6:
        search = _EXACT_ON_LONGEST_LINES
    elif n_qubits > 4:
        search = _EXACT_ON_LONG_LINES
    elif "MOMOM" in pattern or n_qubits < 4:
        search = _EXACT
    else:
        search = replace(_CLOSE_ENOUGH, solved=tolerance) if tolerance else _CLOSEST
    with single_threaded_blas():
        angles = search_angles(distinct, _Line(layers), search, seed, _starts(layers))
    # A turn by 2 pi changes only the global sign.
    angles = np.remainder(angles + np.pi, 2 * np.pi) - np.pi
    infidelities = line_infidelities(distinct, angles, pattern, gate)
    return angles[positions], infidelities[positions]


def line_infidelities(
    states: FloatArray, angles: FloatArray, pattern: str = "MOMOM", gate: str = "cz"
) -> FloatArray:
    """The infidelities 1 - <state|loaded>^2 of what a pattern makes of angles.

    Args:
        states: Real unit vectors, shape (batch, 2^n).
        angles: RY angles in radians, shape (batch, n_line_angles(pattern, n)).
        pattern: A word, see `qucnn_cirq.circuits.line_circuit`.
        gate: One of `GATES`.

    Returns:
        Infidelities, shape (batch,).
    """
    loaded = line_states(angles, pattern, gate, states.shape[1].bit_length() - 1)
    # The squared part of l orthogonal to s, which does not lose digits near zero.
    overlaps = np.sum(states * loaded, axis=1, keepdims=True)
    infidelities: FloatArray = np.sum((loaded - overlaps * states) ** 2, axis=1)
    return infidelities


@dataclass(frozen=True)
class _Line:
    """Layers, as `qucnn_cirq.circuits.real_search.RealCircuit`."""

    layers: tuple[LineLayer, ...]

    @property
    def n_angles(self) -> int:
        return sum(len(layer.turned) for layer in self.layers)

    def states(self, angles: FloatArray) -> FloatArray:
        states: FloatArray = propagate(angles, self.layers, derivatives=False)[0].T
        return states

    def differences(
        self, angles: FloatArray, targets: FloatArray, derivatives: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        if not derivatives:
            return self.states(angles) - targets, np.empty((*targets.shape, 0))
        loaded, jacobians = states_and_jacobians(angles, self.layers)
        return loaded - targets, jacobians


def _starts(layers: tuple[LineLayer, ...]) -> int:
    """How many starting points there are."""
    n_qubits = len(layers[0].turned)
    is_quick = n_qubits < 6 or _Line(layers).n_angles < 1 << n_qubits
    return _LIBRARY if is_quick else _LIBRARY_ON_LONG_LINES.get(n_qubits, 8)
