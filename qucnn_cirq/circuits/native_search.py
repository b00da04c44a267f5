"""Angles of a circuit with general one-qubit gates that make given states, for many at once.

The method is that of `qucnn_cirq.circuits.line_search`: Levenberg-Marquardt with geodesic
acceleration. With six gates there are about as many angles as a complex state has parameters, and
most starts end in a local minimum. So several starts of a state race, each is given up as soon as
it is unlikely to arrive, and what ends makes room for the next starts and the next states.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.advance import vectors_solved
from qucnn_cirq.circuits.loaded import infidelities
from qucnn_cirq.circuits.native_circuit import NativeCircuit, Vectors
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]

SEARCH = 1
"""Raised when the search finds other angles, so that no result of an earlier one is mixed in."""

SOLVED = 1e-24
"""Squared distance below which a state counts as loaded."""

_UNDER_WAY = 256
"""Starts that are on their way together: many for each call of NumPy, few for a cache."""
_LIBRARY = 256
GivenUp = tuple[tuple[int, float], ...]

_GIVEN_UP: GivenUp = ((12, 2e-2), (16, 1e-2), (20, 3e-3), (30, 1e-4), (60, 0.0))
"""After so many steps a start that is not within this squared distance ends.

Most that arrive are nearer by then, most others are not.
"""
_ROUGH = ((30, 0.0),)
"""The same where a residual may be left: then nothing tells a local minimum from the best one."""
_ROUGH_RACES = (3,)
_PROBE = 0.1
_GEODESIC_RATIO = 0.75
_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP, _LEAST_DAMPING = 0.1, 0.4, 3.0, 1e-13


def solve_native_angles(
    states: Vectors,
    circuit: NativeCircuit,
    races: tuple[int, ...],
    tolerance: float = 0.0,
    given_up: GivenUp = _GIVEN_UP,
    enough: float = SOLVED,
) -> tuple[FloatArray, FloatArray]:
    """Angles with which a circuit loads each state, where they are found.

    The result for a state does not depend on the other states (that of a real one up to rounding).

    Args:
        states: Real or complex unit vectors, shape (batch, 2^n), qubit 0 most significant.
        circuit: The circuit.
        races: How many starts of a state race, one race after the other; 256 at most in all.
        tolerance: Infidelity that is good enough. If it is not 0, the search is brief: now and then
            it misses the best minimum.
        given_up: After how many steps a start ends that is not within which squared distance, where
            the tolerance is 0.
        enough: Squared distance with which no further race begins. Next to degenerate states the
            way to `SOLVED` is long.

    Returns:
        Angles in radians within [-pi, pi], shape (batch, n_angles), and infidelities
        1 - |<state|loaded>|^2, shape (batch,).
    """
    if not len(states):
        return np.zeros((0, circuit.n_angles)), np.zeros(0)
    distinct, positions = np.unique(states, axis=0, return_inverse=True)
    with single_threaded_blas():
        angles = _search(distinct, circuit, races, tolerance, given_up, enough)[:, :-1]
    angles = np.remainder(angles + np.pi, 2 * np.pi) - np.pi
    found = native_infidelities(distinct, angles, circuit)
    return angles[positions], found[positions]


def native_infidelities(states: Vectors, angles: FloatArray, circuit: NativeCircuit) -> FloatArray:
    """The infidelities 1 - |<state|loaded>|^2 of what a circuit makes of angles.

    Args:
        states: Real or complex unit vectors, shape (batch, 2^n).
        angles: Radians, shape (batch, n_angles).
        circuit: The circuit.

    Returns:
        Infidelities, shape (batch,).
    """
    blocks = [slice(first, first + 4096) for first in range(0, len(states), 4096)]
    found = [infidelities(states[rows], circuit.states(angles[rows])) for rows in blocks]
    return np.concatenate(found) if found else np.zeros(0)


@lru_cache(maxsize=16)
def _library(circuit: NativeCircuit) -> tuple[FloatArray, NDArray[np.complex128]]:
    """Starting angles and their states."""
    shape = (_LIBRARY, circuit.n_angles)
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, shape)
    return angles, circuit.states(angles)


def _overlaps(states: Vectors, made: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """<state|made>, shape (states, starts)."""
    if np.isrealobj(states):
        return states @ made
    # One by one, so that not even rounding depends on the other states.
    return np.stack([state.conj() @ made for state in states])


class _Starts:
    """Where to start for each state: nearest first, in the phase that fits.

    Args:
        states: Real or complex unit vectors, shape (batch, 2^n).
        circuit: The circuit.
        count: Starts of a state.
    """

    def __init__(self, states: Vectors, circuit: NativeCircuit, count: int) -> None:
        self._angles, made = _library(circuit)
        overlaps = _overlaps(states, made)
        # Rounded, as sums in another order must not decide between equally good starts.
        ranking = np.argsort(-np.round(np.abs(overlaps), 6), axis=1, kind="stable")[:, :count]
        self._ranking = ranking
        self._phases = -np.angle(np.take_along_axis(overlaps, ranking, axis=1))

    def of(self, rows: NDArray[np.intp], numbers: NDArray[np.intp]) -> FloatArray:
        """Angles and phase of the start with a number of each of some states."""
        angles = self._angles[self._ranking[rows, numbers]]
        return np.column_stack([angles, self._phases[rows, numbers]])


class _Descents:
    """Levenberg-Marquardt from one start of each of some states, each with a damping of its own.

    Args:
        circuit: The circuit.
        rows: Which states, shape (states,).
        numbers: Which of their starts.
        targets: The states, shape (states, 2^n).
        angles: Where to start, the phase being the last, shape (states, angles).
        tolerance: Squared distance that is good enough; 0 for `SOLVED`.
        given_up: As for `solve_native_angles`, whatever the tolerance.
    """

    def __init__(
        self,
        circuit: NativeCircuit,
        rows: NDArray[np.intp],
        numbers: NDArray[np.intp],
        targets: Vectors,
        angles: FloatArray,
        tolerance: float,
        given_up: GivenUp,
    ) -> None:
        self._circuit = circuit
        self.solved = max(SOLVED, tolerance)
        self._given_up = given_up
        self.rows, self.numbers = rows, numbers
        self._targets, self.angles = targets, angles
        self._differences, self._jacobians = circuit.differences(angles, targets)
        self.distances = np.sum(self._differences**2, axis=1)
        self._damping = np.full(len(rows), _DAMPING_START)
        self._steps = np.zeros(len(rows), dtype=np.intp)

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Drops the others."""
        for name, values in vars(self).items():
            if isinstance(values, np.ndarray):
                setattr(self, name, values[which])

    def add(self, others: _Descents) -> None:
        """Takes further ones along."""
        for name, values in vars(self).items():
            if isinstance(values, np.ndarray):
                setattr(self, name, np.concatenate([values, getattr(others, name)]))

    def step(self) -> None:
        """One step of all, taken where it comes nearer."""
        steps = self._accelerated()
        differences, jacobians = self._circuit.differences(self.angles + steps, self._targets)
        distances = np.sum(differences**2, axis=1)
        nearer = distances < self.distances
        self.angles[nearer] += steps[nearer]
        self._differences[nearer] = differences[nearer]
        self._jacobians[nearer] = jacobians[nearer]
        self.distances[nearer] = distances[nearer]
        self._damping *= np.where(nearer, _DAMPING_DOWN, _DAMPING_UP)
        np.maximum(self._damping, _LEAST_DAMPING, out=self._damping)
        self._steps += 1

    def ended(self) -> NDArray[np.bool_]:
        """Which are there, or are given up, or have lost their race."""
        there = self.distances <= self.solved
        ended: NDArray[np.bool_] = np.isin(self.rows, self.rows[there])
        for steps, distance in self._given_up:
            ended |= (self._steps == steps) & (self.distances > distance)
        return ended

    def nearest(self, which: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The states of some descents, and which descent of each came nearest.

        Of those that are there it is the first one: rounding would choose among them.
        """
        chosen = np.flatnonzero(which)
        distances = self.distances[chosen]
        distances = np.where(distances <= self.solved, 0.0, distances)
        chosen = chosen[np.lexsort((self.numbers[chosen], distances, self.rows[chosen]))]
        rows, first = np.unique(self.rows[chosen], return_index=True)
        return rows, chosen[first]

    def _accelerated(self) -> FloatArray:
        """The damped Gauss-Newton step, bent along the curvature; see `line_search`."""
        jacobians, differences = self._jacobians, self._differences
        transposed = jacobians.transpose(0, 2, 1)
        products = jacobians @ transposed
        inverses = np.linalg.inv(
            products + self._damping[:, None, None] * np.eye(products.shape[1])
        )

        def removing(what: FloatArray) -> FloatArray:
            removed: FloatArray = -(transposed @ (inverses @ what[:, :, None]))[:, :, 0]
            return removed

        velocity = removing(differences)
        ahead = self.angles + _PROBE * velocity
        probe = self._circuit.differences(ahead, self._targets, derivatives=False)[0]
        slope = (jacobians @ velocity[:, :, None])[:, :, 0]
        acceleration = removing((2 / _PROBE) * ((probe - differences) / _PROBE - slope))
        lengths = np.linalg.norm(acceleration, axis=1), np.linalg.norm(velocity, axis=1)
        trusted = lengths[0] < _GEODESIC_RATIO * lengths[1]
        bent: FloatArray = velocity + 0.5 * acceleration * trusted[:, None]
        return bent


def _search(
    states: Vectors,
    circuit: NativeCircuit,
    races: tuple[int, ...],
    tolerance: float,
    given_up: GivenUp,
    enough: float,
) -> FloatArray:
    """The best angles of several starts for each state, with the phase."""
    races, given_up = (_ROUGH_RACES, _ROUGH) if tolerance else (races, given_up)
    firsts = np.cumsum((0, *races))
    library = _Starts(states, circuit, int(firsts[-1]))
    best = np.empty((len(states), circuit.n_angles + 1))
    distances = np.full(len(states), np.inf)
    under_way = np.zeros(len(states), dtype=np.intp)
    next_race = np.zeros(len(states), dtype=np.intp)
    # States whose first race has not begun.
    waiting = 0

    def begun(rows: NDArray[np.intp]) -> _Descents:
        sizes = np.array(races, dtype=np.intp)[next_race[rows]]
        in_race = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        numbers = np.repeat(firsts[next_race[rows]], sizes) + in_race
        under_way[rows] = sizes
        next_race[rows] += 1
        each = np.repeat(rows, sizes)
        starting = library.of(each, numbers)
        return _Descents(circuit, each, numbers, states[each], starting, tolerance, given_up)

    descents = begun(np.arange(0))
    while len(descents.rows) or waiting < len(states):
        room = max(0, _UNDER_WAY - len(descents.rows)) // races[0]
        if room and waiting < len(states):
            new = np.arange(waiting, min(len(states), waiting + room))
            descents.add(begun(new))
            waiting += len(new)
        descents.step()
        ended = descents.ended()
        if not ended.any():
            continue
        rows, nearest = descents.nearest(ended)
        better = descents.distances[nearest] < distances[rows]
        best[rows[better]] = descents.angles[nearest[better]]
        distances[rows[better]] = descents.distances[nearest[better]]
        np.subtract.at(under_way, descents.rows[ended], 1)
        descents.keep(~ended)
        over = rows[under_way[rows] == 0]
        again = (distances[over] > max(descents.solved, enough)) & (next_race[over] < len(races))
        vectors_solved(int(np.sum(~again)))
        if again.any():
            descents.add(begun(over[again]))
    return best
