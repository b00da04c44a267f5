"""Angles of a circuit with real amplitudes that make given states, for many states at once.

Nothing is assumed of the circuit but its states and their derivatives. The angles are found by the
Levenberg-Marquardt method with geodesic acceleration (Transtrum and Sethna, arXiv:1201.5885), which
follows the narrow curved valleys around nearly degenerate vectors. Where it is not there after a
few steps it starts again elsewhere; for the few stubborn vectors several starts race, and the first
there ends the others.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.advance import vectors_solved

FloatArray = NDArray[np.float64]

# Entries of the Jacobians of the states that are solved together, which fit a processor's cache.
_BLOCK_ENTRIES = 600_000
_PROBE = 0.1
_GEODESIC_RATIO = 0.75
_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP = 0.01, 0.2, 4.0


class RealCircuit(Hashable, Protocol):
    """A circuit that can be searched for. Two equal ones have the same hash."""

    @property
    def n_angles(self) -> int:
        """The number of angles."""

    def states(self, angles: FloatArray) -> FloatArray:
        """The states that it makes.

        Args:
            angles: Radians, shape (batch, n_angles).

        Returns:
            Real unit vectors, shape (batch, dimension).
        """

    def differences(
        self, angles: FloatArray, targets: FloatArray, derivatives: bool = True
    ) -> tuple[FloatArray, FloatArray]:
        """How far its states are from targets, both turned by what depends on the angles alone.

        Args:
            angles: Radians, shape (batch, n_angles).
            targets: Real unit vectors, shape (batch, dimension).
            derivatives: Whether to return the derivatives.

        Returns:
            Differences, shape (batch, dimension), whose length is that of state minus target, and
            their derivatives, shape (batch, dimension, n_angles), or of no columns.
        """


@dataclass(frozen=True)
class Search:
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


@lru_cache(maxsize=32)
def _library(circuit: RealCircuit, seed: int, size: int) -> tuple[FloatArray, FloatArray]:
    """Starting angles and their states: of random points the half with the best Jacobians."""
    shape = (2 * size, circuit.n_angles)
    angles = np.random.default_rng(seed).uniform(-np.pi, np.pi, shape)
    states = circuit.states(angles)
    _, jacobians = circuit.differences(angles, states)
    singular_values = np.linalg.svd(jacobians, compute_uv=False)
    # Directions in the angles that no state depends on are the same everywhere.
    rank = int(np.median(np.sum(singular_values > 1e-9, axis=1)))
    best = np.argsort(-singular_values[:, rank - 1], kind="stable")[:size]
    return angles[best], states[best]


def search_angles(
    states: FloatArray, circuit: RealCircuit, search: Search, seed: int, starts: int
) -> FloatArray:
    """The best angles of several starts for each state; the sign of the state is free.

    Args:
        states: Real unit vectors, shape (batch, dimension).
        circuit: The circuit.
        search: How long to search.
        seed: Chooses the starting points.
        starts: How many starting points there are to choose from.

    Returns:
        Angles in radians, shape (batch, n_angles).
    """
    start_angles, start_states = _library(circuit, seed, starts)
    overlaps = states @ start_states.T
    # Rounded, as sums in another order must not decide between equally good starts.
    ranking = np.argsort(-np.round(np.abs(overlaps), 6), axis=1, kind="stable")
    size = max(1, _BLOCK_ENTRIES // (start_angles.shape[1] * states.shape[1]))
    best = start_angles[ranking[:, 0]]
    distances = np.full(len(states), np.inf)
    rank = 0
    for steps, racers in search.heats:
        open_states = np.flatnonzero(distances > search.solved)
        together = max(1, size // racers)
        for first in range(0, len(open_states), together):
            block = open_states[first : first + together]
            racing = ranking[block, rank : rank + racers]
            signs = np.where(overlaps[block[:, None], racing] < 0, -1.0, 1.0)
            targets = signs[:, :, None] * states[block, None]
            angles, reached = _descend(targets, start_angles[racing], circuit, steps, search)
            better = reached < distances[block]
            best[block[better]] = angles[better]
            distances[block[better]] = reached[better]
            vectors_solved(int(np.sum(reached <= search.solved)))
        rank += racers
    vectors_solved(int(np.sum(distances > search.solved)))
    return best


def _descend(
    targets: FloatArray,
    angles: FloatArray,
    circuit: RealCircuit,
    steps: int,
    search: Search,
) -> tuple[FloatArray, FloatArray]:
    """Levenberg-Marquardt with geodesic acceleration, each start with a damping of its own.

    The starts of a state race: when one has loaded it, the others end.

    Args:
        targets: States to load, (batch, starts, dimension).
        angles: Where to start, (batch, starts, angles).
        circuit: The circuit.
        steps: Limit of steps.
        search: Tolerances.

    Returns:
        Angles (batch, angles) of the start that was there first, or else ended nearest, and
        squared distances |loaded - target|^2.
    """
    batch, starts, n_angles = angles.shape
    races = np.repeat(np.arange(batch), starts)
    targets, angles = targets.reshape(batch * starts, -1), angles.reshape(-1, n_angles)
    residuals, jacobians = circuit.differences(angles, targets)
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
        step = _accelerated_step(targets, angles, jacobians, residuals, damping, circuit)
        new_residuals, new_jacobians = circuit.differences(angles + step, targets)
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
    circuit: RealCircuit,
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
    probe = circuit.differences(angles + _PROBE * velocity, targets, derivatives=False)[0]
    slope = np.squeeze(jacobians @ velocity[:, :, None], axis=2)
    curvature = (2 / _PROBE) * ((probe - residuals) / _PROBE - slope)
    acceleration = removing(curvature)
    # A long acceleration says that the quadratic model does not hold over this step.
    lengths = np.linalg.norm(acceleration, axis=1), np.linalg.norm(velocity, axis=1)
    trusted = lengths[0] < _GEODESIC_RATIO * lengths[1]
    bent: FloatArray = velocity + 0.5 * acceleration * trusted[:, None]
    return bent
