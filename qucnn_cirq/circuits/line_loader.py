"""The line loader: four qubits on a line, RY rotations and at most 7 CZ gates in depth 5.

The register q0-q1-q2-q3 meets in layers of CZ gates: ``M`` is one CZ on the middle edge, ``O`` the
two outer edges in parallel. A *pattern* is a word in these letters. Every qubit turns by a free RY
angle at the start and after each layer that touches it. A rotation of a qubit that the layer
before left alone would merge with its previous one, so there are no others:

============  ====  ======  ==========================
pattern       CZ    angles  dimension of what it loads
============  ====  ======  ==========================
(empty)       0     4       4
``O``         2     8       6
``MO``        3     10      9
``MOM``       4     12      11
``OMO``       5     14      11
``MOMO``      6     16      14
``MOMOM``     7     18      15: every real vector
============  ====  ======  ==========================

No closed form of the angles is known. They are found for a whole batch at once by the
Levenberg-Marquardt method with geodesic acceleration (Transtrum and Sethna, arXiv:1201.5885), which
follows the narrow curved valleys around nearly degenerate vectors. Where it is not there after a
few steps it starts again elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.angle_cache import cached
from qucnn_cirq.circuits.slots import Table, TableAngle, ry
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]

N_QUBITS = 4
DIMENSION = 1 << N_QUBITS
EDGES: dict[str, tuple[tuple[int, int], ...]] = {"M": ((1, 2),), "O": ((0, 1), (2, 3))}
"""The CZ gates of each kind of layer."""
PATTERNS = ("", "O", "MO", "MOM", "OMO", "MOMO", "MOMOM")
"""Useful patterns, fewest CZ gates first; the last one loads every real vector."""

# States that are solved together; bounds the memory that their Jacobians take.
_BLOCK = 1024
_LIBRARY = 256
_REMEMBERED = 1_000_000
_NORM_TOLERANCE = 1e-6
_PROBE = 0.1
_GEODESIC_RATIO = 0.75
_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP = 0.01, 0.2, 4.0


@dataclass(frozen=True)
class LineLayer:
    """CZ gates and the RY rotations that follow them.

    Attributes:
        edges: Pairs of qubits that a CZ joins; disjoint, hence in parallel.
        turned: Qubits that turn afterwards, one angle each, in this order.
    """

    edges: tuple[tuple[int, int], ...]
    turned: tuple[int, ...]


@dataclass(frozen=True)
class _Search:
    """How long to search.

    Attributes:
        steps: Limit of steps for each start, one after the other.
        solved: Squared distance below which a state counts as loaded.
        stalled: An accepted step that lowers the squared distance by less than this fraction
            ends a start.
        least_damping: Lower limit of the damping. A residual that no step can remove needs more
            of it, as rounding errors grow by its inverse.
    """

    steps: tuple[int, ...]
    solved: float
    stalled: float
    least_damping: float


_EXACT = _Search((20,) * 3 + (60,) * 6 + (400,) * 6, 1e-24, 0.0, 1e-13)
_CLOSEST = _Search((60,) * 4, 1e-24, 1e-5, 1e-7)
_CLOSE_ENOUGH = _Search((20,) * 2, 1e-24, 1e-2, 1e-7)


def line_layers(pattern: str) -> tuple[LineLayer, ...]:
    """The layers of a pattern; the first has no CZ.

    Raises:
        InputError: If the pattern holds a letter other than ``M`` and ``O``.
    """
    unknown = sorted(set(pattern) - set(EDGES))
    if unknown:
        raise InputError(
            f"pattern = {pattern!r}: {unknown[0]!r} is no layer; use words in 'M' (the middle CZ) "
            "and 'O' (the two outer CZ)."
        )
    layers = [LineLayer((), tuple(range(N_QUBITS)))]
    for letter in pattern:
        layers.append(LineLayer(EDGES[letter], tuple(q for edge in EDGES[letter] for q in edge)))
    return tuple(layers)


def n_line_angles(pattern: str) -> int:
    """The number of free angles of a pattern."""
    return sum(len(layer.turned) for layer in line_layers(pattern))


def line_states(angles: FloatArray, pattern: str = "MOMOM") -> FloatArray:
    """The states that a pattern makes of |0000>.

    Args:
        angles: RY angles in radians, shape (batch, n_line_angles(pattern)).
        pattern: The layers.

    Returns:
        Real unit vectors, shape (batch, 16), qubit 0 most significant.
    """
    return np.ascontiguousarray(_propagate(angles, line_layers(pattern), derivatives=False)[0].T)


def solve_line_angles(
    states: FloatArray, pattern: str = "MOMOM", seed: int = 0, tolerance: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Angles with which a pattern loads each state as well as it was found to do.

    The result for a state does not depend on the other states of the batch (up to rounding).
    With ``"MOMOM"`` the infidelity is zero up to rounding; for rare vectors close to degenerate
    ones the search may end some orders of magnitude above that, which the second result tells.
    With shorter patterns the best of several local minima is taken.

    Args:
        states: Real unit vectors, shape (batch, 16), qubit 0 most significant.
        pattern: A word in ``M`` and ``O``; see :data:`PATTERNS`.
        seed: Chooses the starting points.
        tolerance: Infidelity that is good enough. If it is not 0, the search for a shorter pattern
            is brief: now and then it misses the best minimum.

    Returns:
        Angles in radians within [-pi, pi], shape (batch, n_line_angles(pattern)), in the order in
        which :func:`line_layers` turns the qubits, and infidelities 1 - <state|loaded>^2, shape
        (batch,). The sign of a loaded state is free.

    Raises:
        InputError: If the states have another shape, are not finite or not of norm 1, or the
            pattern is unknown.
    """
    states = np.asarray(states, dtype=float)
    if states.ndim != 2 or states.shape[1] != DIMENSION:
        raise InputError(
            f"states of shape {states.shape}: the line loader takes (batch, {DIMENSION})."
        )
    if not (np.abs(np.linalg.norm(states, axis=1) - 1) <= _NORM_TOLERANCE).all():
        raise InputError("states: every row must be finite and of norm 1; normalise the vectors.")
    layers = line_layers(pattern)
    if not len(states):
        return np.zeros((0, n_line_angles(pattern))), np.zeros(0)
    distinct, positions = np.unique(states, axis=0, return_inverse=True)
    if "MOMOM" in pattern:
        search = _EXACT
    else:
        search = replace(_CLOSE_ENOUGH, solved=tolerance) if tolerance else _CLOSEST
    angles = _search(distinct, layers, _library(pattern, seed), search)
    # A turn by 2 pi changes only the global sign.
    angles = np.remainder(angles + np.pi, 2 * np.pi) - np.pi
    loaded = line_states(angles, pattern)
    # 1 - <s|l>^2 as the squared part of l orthogonal to s, which does not lose digits near zero.
    overlaps = np.sum(distinct * loaded, axis=1, keepdims=True)
    infidelities = np.sum((loaded - overlaps * distinct) ** 2, axis=1)
    return angles[positions], infidelities[positions]


def least_infidelities(states: FloatArray, pattern: str) -> FloatArray:
    """A lower bound of the infidelity with which a pattern can load each state.

    Without a middle CZ the two halves of the register stay a product, and one middle CZ gives them
    Schmidt rank 2, so that the other Schmidt coefficients are lost.

    Args:
        states: Real unit vectors, shape (batch, 16).
        pattern: The layers.
    """
    halves = states.reshape(-1, 4, 4)
    if pattern.count("M") >= 2:
        return np.zeros(len(states))
    coefficients = np.linalg.svd(halves, compute_uv=False)
    kept = np.sum(coefficients[:, : 1 + pattern.count("M")] ** 2, axis=1)
    bound: FloatArray = np.maximum(1 - kept, 0)
    return bound


class LineLoader:
    """Loads real 16-vectors on a line of four qubits with the pattern's CZ gates.

    Args:
        n_qubits: Must be 4.
        pattern: The layers; the default loads every vector, with 7 CZ gates in depth 5.
        tolerance: For shorter patterns, the infidelity that is good enough; see
            :func:`solve_line_angles`.

    Raises:
        InputError: For any other size or an unknown pattern.
    """

    name = "line"
    is_closed_form = False

    def __init__(
        self, n_qubits: int = N_QUBITS, pattern: str = "MOMOM", tolerance: float = 0.0
    ) -> None:
        if n_qubits != N_QUBITS:
            raise InputError(
                f"the line loader is for registers of 4 qubits, not {n_qubits}; "
                "choose loader = 'multiplexed'."
            )
        self.n_qubits = n_qubits
        self.pattern = pattern
        self.tolerance = tolerance
        self.n_angles = n_line_angles(pattern)
        self._solved: dict[bytes, FloatArray] = {}

    def circuit(self, qubits: Sequence[cirq.Qid], table: Table) -> cirq.Circuit:
        """The circuit of slots and CZ gates; see :class:`~.loaders.Loader`."""
        circuit = cirq.Circuit()
        column = 0
        for layer in line_layers(self.pattern):
            circuit.append(cirq.CZ(qubits[a], qubits[b]) for a, b in layer.edges)
            for qubit in layer.turned:
                circuit.append(ry(TableAngle(table, column)).on(qubits[qubit]))
                column += 1
        return circuit

    def angles(self, states: FloatArray) -> FloatArray:
        """Angles (batch, n_angles) for real unit vectors (batch, 16)."""
        return self.solve(states)[0]

    def random_states(self, count: int, generator: np.random.Generator) -> FloatArray:
        """States (count, 16) that the pattern makes of random angles."""
        angles = generator.uniform(-np.pi, np.pi, (count, self.n_angles))
        return line_states(angles, self.pattern)

    def least_infidelities(self, states: FloatArray) -> FloatArray:
        """See :func:`least_infidelities`."""
        return least_infidelities(states, self.pattern)

    def solve(self, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Angles (batch, n_angles) and infidelities (batch,) for real unit vectors (batch, 16).

        Solved states are remembered in this process and on disk
        (:mod:`~qucnn_cirq.circuits.angle_cache`), so that the same images are solved for only once.
        """
        states = np.ascontiguousarray(states, dtype=float)
        keys = [state.tobytes() for state in states]
        new = {key: row for row, key in enumerate(keys) if key not in self._solved}
        if new:
            angles, infidelities = cached(
                f"line {self.pattern} {self.tolerance!r}",
                states[list(new.values())],
                lambda rows: solve_line_angles(rows, self.pattern, tolerance=self.tolerance),
            )
            both = np.column_stack([angles, infidelities])
            self._solved.update(zip(new, both, strict=True))
        both = np.array([self._solved[key] for key in keys]).reshape(-1, self.n_angles + 1)
        if len(self._solved) > _REMEMBERED:
            self._solved.clear()
        return both[:, :-1], both[:, -1]


def _propagate(angles: FloatArray, layers: Sequence[LineLayer], derivatives: bool) -> FloatArray:
    """The prepared states and, on request, their derivatives by each angle.

    Returns:
        Shape (1 + angles or 1, 16, batch): the states, then the derivatives. The batch comes last
        so that every gate is elementwise arithmetic on contiguous rows.
    """
    batch, n_angles = angles.shape
    cosines, sines = np.cos(angles.T / 2), np.sin(angles.T / 2)
    vectors = np.empty((1 + n_angles * derivatives, *(2,) * N_QUBITS, batch))
    vectors[0] = 0
    vectors[0, 0, 0, 0, 0] = 1
    column = 0
    for layer in layers:
        # The derivatives by later angles are not there yet.
        present = vectors[: 1 + column * derivatives]
        for edge in layer.edges:
            both_one = tuple(1 if q in edge else slice(None) for q in range(N_QUBITS))
            present[(slice(None), *both_one)] *= -1
        for qubit in layer.turned:
            # Views with the qubit's bit on axis 2.
            split = vectors.reshape(-1, 1 << qubit, 2, DIMENSION >> (qubit + 1), batch)
            present = split[: 1 + column * derivatives]
            zero, one = present[:, :, 0], present[:, :, 1]
            before = zero.copy()
            zero *= cosines[column]
            zero -= sines[column] * one
            one *= cosines[column]
            one += sines[column] * before
            if derivatives:
                np.multiply(split[0, :, 1], -0.5, out=split[column + 1, :, 0])
                np.multiply(split[0, :, 0], 0.5, out=split[column + 1, :, 1])
            column += 1
    return vectors.reshape(-1, DIMENSION, batch)


def _states_and_jacobians(
    angles: FloatArray, layers: Sequence[LineLayer]
) -> tuple[FloatArray, FloatArray]:
    """States (batch, 16) and their Jacobians (batch, 16, angles)."""
    vectors = _propagate(angles, layers, derivatives=True)
    return (
        np.ascontiguousarray(vectors[0].T),
        np.ascontiguousarray(vectors[1:].transpose(2, 1, 0)),
    )


@lru_cache(maxsize=32)
def _library(pattern: str, seed: int) -> tuple[FloatArray, FloatArray]:
    """Starting angles and their states: of random points the half with the best Jacobians."""
    layers = line_layers(pattern)
    shape = (2 * _LIBRARY, n_line_angles(pattern))
    angles = np.random.default_rng(seed).uniform(-np.pi, np.pi, shape)
    states, jacobians = _states_and_jacobians(angles, layers)
    singular_values = np.linalg.svd(jacobians, compute_uv=False)
    # Directions in the angles that no state depends on are the same everywhere.
    rank = int(np.median(np.sum(singular_values > 1e-9, axis=1)))
    best = np.argsort(-singular_values[:, rank - 1], kind="stable")[:_LIBRARY]
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
    best = start_angles[ranking[:, 0]]
    distances = np.full(len(states), np.inf)
    for rank, steps in enumerate(search.steps):
        open_states = np.flatnonzero(distances > search.solved)
        for first in range(0, len(open_states), _BLOCK):
            block = open_states[first : first + _BLOCK]
            angles, reached = _descend(
                states[block], start_angles[ranking[block, rank]], layers, steps, search
            )
            better = reached < distances[block]
            best[block[better]] = angles[better]
            distances[block[better]] = reached[better]
    return best


def _descend(
    targets: FloatArray,
    angles: FloatArray,
    layers: Sequence[LineLayer],
    steps: int,
    search: _Search,
) -> tuple[FloatArray, FloatArray]:
    """Levenberg-Marquardt with geodesic acceleration, each state with a damping of its own.

    Args:
        targets: States to load, (batch, 16).
        angles: Where to start, (batch, angles).
        layers: The circuit.
        steps: Limit of steps.
        search: Tolerances.

    Returns:
        Angles and squared distances |loaded - target|^2, the sign of the target being free.
    """
    loaded, jacobians = _states_and_jacobians(angles, layers)
    overlaps = np.sum(loaded * targets, axis=1, keepdims=True)
    targets = np.where(overlaps < 0, -targets, targets)
    residuals = loaded - targets
    distances = np.sum(residuals**2, axis=1)
    damping = np.full(len(targets), _DAMPING_START)
    moving = distances > search.solved
    active = np.arange(len(targets))
    angles = angles.copy()
    final_angles, final_distances = angles.copy(), distances.copy()
    for _ in range(steps):
        if not moving.all():
            active, targets, angles, jacobians, residuals, distances, damping = (
                values[moving]
                for values in (active, targets, angles, jacobians, residuals, distances, damping)
            )
        if not len(active):
            break
        step = _accelerated_step(targets, angles, jacobians, residuals, damping, layers)
        new_loaded, new_jacobians = _states_and_jacobians(angles + step, layers)
        new_residuals = new_loaded - targets
        new_distances = np.sum(new_residuals**2, axis=1)
        accepted = new_distances < distances
        moving = ~accepted | (
            (new_distances > search.solved)
            & (distances - new_distances >= search.stalled * distances)
        )
        angles[accepted] += step[accepted]
        jacobians[accepted] = new_jacobians[accepted]
        residuals[accepted] = new_residuals[accepted]
        distances[accepted] = new_distances[accepted]
        damping *= np.where(accepted, _DAMPING_DOWN, _DAMPING_UP)
        np.maximum(damping, search.least_damping, out=damping)
        final_angles[active], final_distances[active] = angles, distances
    return final_angles, final_distances


def _accelerated_step(
    targets: FloatArray,
    angles: FloatArray,
    jacobians: FloatArray,
    residuals: FloatArray,
    damping: FloatArray,
    layers: Sequence[LineLayer],
) -> FloatArray:
    """The damped Gauss-Newton step, bent along the curvature of the residuals.

    J^T (J J^T + d)^-1 is the damped pseudo-inverse; of its two forms this one inverts the smaller
    matrix for the longest pattern.
    """
    transposed = jacobians.transpose(0, 2, 1)
    inverses = np.linalg.inv(jacobians @ transposed + damping[:, None, None] * np.eye(DIMENSION))
    velocity = -np.squeeze(transposed @ (inverses @ residuals[:, :, None]), axis=2)
    probe = _propagate(angles + _PROBE * velocity, layers, derivatives=False)[0].T - targets
    slope = np.squeeze(jacobians @ velocity[:, :, None], axis=2)
    curvature = (2 / _PROBE) * ((probe - residuals) / _PROBE - slope)
    acceleration = -np.squeeze(transposed @ (inverses @ curvature[:, :, None]), axis=2)
    # A long acceleration says that the quadratic model does not hold over this step.
    lengths = np.linalg.norm(acceleration, axis=1), np.linalg.norm(velocity, axis=1)
    trusted = lengths[0] < _GEODESIC_RATIO * lengths[1]
    bent: FloatArray = velocity + 0.5 * acceleration * trusted[:, None]
    return bent
