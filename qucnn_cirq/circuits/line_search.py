"""Angles of a line circuit that make a given state, for a whole batch of states at once.

No closed form of the angles is known. They are found by the Levenberg-Marquardt method with
geodesic acceleration (Transtrum and Sethna, arXiv:1201.5885), which follows the narrow curved
valleys around nearly degenerate vectors. Where it is not there after a few steps it starts again
elsewhere; for the few stubborn vectors several starts race, and the first there ends the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.advance import vectors_solved
from qucnn_cirq.circuits.line_circuit import (
    FloatArray,
    LineLayer,
    line_layers,
    line_states,
    n_line_angles,
    propagate,
)
from qucnn_cirq.circuits.line_jacobians import states_and_jacobians
from qucnn_cirq.errors import InputError
from qucnn_cirq.threads import single_threaded_blas

SEARCH = 2
"""Raised when the search finds other angles, so that no result of an earlier one is mixed in."""

_SEARCH_ON_LONG_LINES = 3
"""The same for more than four qubits."""

# Entries of the Jacobians of the states that are solved together, which fit a processor's cache.
_BLOCK_ENTRIES = 300_000
_LIBRARY = 256
_LIBRARY_ON_LONG_LINES = {6: 64, 7: 16}
"""Starting points of six and seven qubits; more have 8. Making them takes as long as solving."""
_NORM_TOLERANCE = 1e-6
_PROBE = 0.1
_GEODESIC_RATIO = 0.75
_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP = 0.01, 0.2, 4.0


@dataclass(frozen=True)
class _Search:
    """How long to search.

    Attributes:
        heats: Limit of steps, and how many starts race; one heat after the other.
        solved: Squared distance below which a state counts as loaded.
        stalled: An accepted step that lowers the squared distance by less than this fraction
            ends a start.
        least_damping: Lower limit of the damping. A residual that no step can remove needs more
            of it, as rounding errors grow by its inverse.
    """

    heats: tuple[tuple[int, int], ...]
    solved: float
    stalled: float
    least_damping: float


_EXACT = _Search(((20, 1),) * 3 + ((60, 1),) * 2 + ((60, 4), (400, 6)), 1e-24, 0.0, 1e-13)
_EXACT_ON_LONG_LINES = replace(_EXACT, heats=((60, 1),) * 2 + ((100, 1), (100, 3), (200, 4)))
_CLOSE_ON_LONG_LINES = _Search(((20, 1),) * 2, 1e-24, 1e-2, 1e-7)
_EXACT_ON_LONGEST_LINES = replace(_EXACT, heats=((100, 1), (100, 1), (150, 1), (250, 3)))
_CLOSEST = _Search(((60, 1),) * 4, 1e-24, 1e-5, 1e-7)
_CLOSE_ENOUGH = _Search(((20, 1),) * 2, 1e-24, 1e-2, 1e-7)


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
        angles = _search(distinct, layers, _library(layers, seed), search)
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


@lru_cache(maxsize=32)
def _library(layers: tuple[LineLayer, ...], seed: int) -> tuple[FloatArray, FloatArray]:
    """Starting angles and their states: of random points the half with the best Jacobians."""
    n_qubits, n_angles = len(layers[0].turned), sum(len(layer.turned) for layer in layers)
    is_quick = n_qubits < 6 or n_angles < 1 << n_qubits
    size = _LIBRARY if is_quick else _LIBRARY_ON_LONG_LINES.get(n_qubits, 8)
    shape = (2 * size, n_angles)
    angles = np.random.default_rng(seed).uniform(-np.pi, np.pi, shape)
    states, jacobians = states_and_jacobians(angles, layers)
    singular_values = np.linalg.svd(jacobians, compute_uv=False)
    # Directions in the angles that no state depends on are the same everywhere.
    rank = int(np.median(np.sum(singular_values > 1e-9, axis=1)))
    best = np.argsort(-singular_values[:, rank - 1], kind="stable")[:size]
    return angles[best], states[best]


def _search(
    states: FloatArray,
    layers: Sequence[LineLayer],
    library: tuple[FloatArray, FloatArray],
    search: _Search,
) -> FloatArray:
    """The best angles of several starts for each state."""
    start_angles, start_states = library
    # Rounded, as sums in another order must not decide between equally good starts.
    overlaps = np.round(np.abs(states @ start_states.T), 6)
    ranking = np.argsort(-overlaps, axis=1, kind="stable")
    size = max(1, _BLOCK_ENTRIES // (start_angles.shape[1] * states.shape[1]))
    best = start_angles[ranking[:, 0]]
    distances = np.full(len(states), np.inf)
    rank = 0
    for steps, starts in search.heats:
        open_states = np.flatnonzero(distances > search.solved)
        together = max(1, size // starts)
        for first in range(0, len(open_states), together):
            block = open_states[first : first + together]
            racing = start_angles[ranking[block, rank : rank + starts]]
            angles, reached = _descend(states[block], racing, layers, steps, search)
            better = reached < distances[block]
            best[block[better]] = angles[better]
            distances[block[better]] = reached[better]
            vectors_solved(int(np.sum(reached <= search.solved)))
        rank += starts
    vectors_solved(int(np.sum(distances > search.solved)))
    return best


def _descend(
    targets: FloatArray,
    angles: FloatArray,
    layers: Sequence[LineLayer],
    steps: int,
    search: _Search,
) -> tuple[FloatArray, FloatArray]:
    """Levenberg-Marquardt with geodesic acceleration, each start with a damping of its own.

    The starts of a state race: when one has loaded it, the others end.

    Args:
        targets: States to load, (batch, 2^n).
        angles: Where to start, (batch, starts, angles).
        layers: The circuit.
        steps: Limit of steps.
        search: Tolerances.

    Returns:
        Angles (batch, angles) of the start that was there first, or else ended nearest, and
        squared distances |loaded - target|^2, the sign of the target being free.
    """
    batch, starts, n_angles = angles.shape
    races = np.repeat(np.arange(batch), starts)
    targets, angles = targets[races], angles.reshape(-1, n_angles)
    loaded, jacobians = states_and_jacobians(angles, layers)
    overlaps = np.sum(loaded * targets, axis=1, keepdims=True)
    targets = np.where(overlaps < 0, -targets, targets)
    residuals = loaded - targets
    distances = np.sum(residuals**2, axis=1)
    damping = np.full(len(targets), _DAMPING_START)
    ended = np.zeros(batch, dtype=bool)
    ended[races[distances <= search.solved]] = True
    moving = ~ended[races]
    active = np.arange(len(targets))
    final_angles, final_distances = angles.copy(), distances.copy()
    for _ in range(steps):
        if not moving.all():
            active, races = active[moving], races[moving]
            targets, angles, jacobians, residuals, distances, damping = (
                values[moving]
                for values in (targets, angles, jacobians, residuals, distances, damping)
            )
        if not len(active):
            break
        step = _accelerated_step(targets, angles, jacobians, residuals, damping, layers)
        new_loaded, new_jacobians = states_and_jacobians(angles + step, layers)
        new_residuals = new_loaded - targets
        new_distances = np.sum(new_residuals**2, axis=1)
        accepted = new_distances < distances
        moving = ~accepted | (distances - new_distances >= search.stalled * distances)
        ended[races[accepted & (new_distances <= search.solved)]] = True
        moving &= ~ended[races]
        angles[accepted] += step[accepted]
        jacobians[accepted] = new_jacobians[accepted]
        residuals[accepted] = new_residuals[accepted]
        distances[accepted] = new_distances[accepted]
        damping *= np.where(accepted, _DAMPING_DOWN, _DAMPING_UP)
        np.maximum(damping, search.least_damping, out=damping)
        final_angles[active], final_distances[active] = angles, distances
    winners = _first_there(final_distances.reshape(batch, starts), search.solved)
    rows = np.arange(batch) * starts + winners
    return final_angles[rows], final_distances[rows]


def _first_there(distances: FloatArray, solved: float) -> NDArray[np.intp]:
    """Which start of each state, (batch, starts), counts: the first there, or else the nearest.

    Not the nearest of those that are there: rounding would choose among them.
    """
    first: NDArray[np.intp] = np.argmin(np.where(distances <= solved, 0.0, distances), axis=1)
    return first


def _accelerated_step(
    targets: FloatArray,
    angles: FloatArray,
    jacobians: FloatArray,
    residuals: FloatArray,
    damping: FloatArray,
    layers: Sequence[LineLayer],
) -> FloatArray:
    """The damped Gauss-Newton step, bent along the curvature of the residuals.

    J^T (J J^T + d)^-1 = (J^T J + d)^-1 J^T is the damped pseudo-inverse. The first form inverts the
    smaller matrix for the longest patterns, the second one for shorter ones of long lines.
    """
    transposed = jacobians.transpose(0, 2, 1)
    is_short = jacobians.shape[2] < jacobians.shape[1] > 16
    products = transposed @ jacobians if is_short else jacobians @ transposed
    inverses = np.linalg.inv(products + damping[:, None, None] * np.eye(products.shape[1]))

    def removing(what: FloatArray) -> FloatArray:
        column = what[:, :, None]
        step = inverses @ (transposed @ column) if is_short else transposed @ (inverses @ column)
        removed: FloatArray = -np.squeeze(step, axis=2)
        return removed

    velocity = removing(residuals)
    probe = propagate(angles + _PROBE * velocity, layers, derivatives=False)[0].T - targets
    slope = np.squeeze(jacobians @ velocity[:, :, None], axis=2)
    curvature = (2 / _PROBE) * ((probe - residuals) / _PROBE - slope)
    acceleration = removing(curvature)
    # A long acceleration says that the quadratic model does not hold over this step.
    lengths = np.linalg.norm(acceleration, axis=1), np.linalg.norm(velocity, axis=1)
    trusted = lengths[0] < _GEODESIC_RATIO * lengths[1]
    bent: FloatArray = velocity + 0.5 * acceleration * trusted[:, None]
    return bent
