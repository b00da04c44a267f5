"""The search for the patch of maximum likelihood: damped Fisher scoring, then Newton's steps.

All patches of a block are searched for at once: the few that take many steps cost few calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.estimators.outcome_model import OutcomeModel, Recorded, Told, chunks

FloatArray = NDArray[np.float64]

MOST_STEPS = 40
"""Steps of a search; 3 to 5 are usual, and 20 have been seen."""
_CLOSE = 0.05
"""Standard deviations of the last step, whose own error is its square."""
_NEAR = 2.0
"""Standard deviations from the maximum within which the observed information is taken: there it is
positive, and each step squares the error, where that of Fisher's only shrinks by a factor."""
_DAMPED, _MORE, _LESS = 1e-4, 8.0, 0.2
"""The first damping, relative to the information of all shots, and its changes."""
_LARGEST_DAMPING = 1e6
_HOPE, _MARGIN = 10.0, 5.0
"""How much likelier than it is a patch can still become, in squared standard deviations of the next
step, of which half is what a quadratic form gains, and beyond: less than the best known by more,
and the search is given up."""
_SAME = 0.5
"""Standard deviations of one direction within which two patches are the same."""


class Found(NamedTuple):
    """Where searches ended.

    Attributes:
        states: Real unit vectors, shape (patches, d).
        values: Logarithmic likelihoods, shape (patches,); -inf where the search was given up.
        steps: Steps of each search, shape (patches,).
    """

    states: FloatArray
    values: FloatArray
    steps: NDArray[np.int64]


@dataclass(frozen=True)
class Best:
    """The best maxima that are known: a search that will not come to a better one is given up.

    Attributes:
        states: Shape (patches, d).
        values: Their logarithmic likelihoods, shape (patches,).
    """

    states: FloatArray
    values: FloatArray


def search(
    model: OutcomeModel, recorded: Recorded, starts: FloatArray, best: Best | None = None
) -> Found:
    """Goes uphill from starts.

    Args:
        model: The effects.
        recorded: What was recorded.
        starts: Real unit vectors, shape (patches, d).
        best: What to beat; what comes back to it has its likelihood.

    Returns:
        The maxima.
    """
    n_patches, size = starts.shape
    states, tried = starts.copy(), starts.copy()
    total = recorded.shots.max(axis=1, initial=1).astype(float)
    damping = np.full(n_patches, _DAMPED)
    steps = np.full(n_patches, MOST_STEPS)
    values = np.full(n_patches, -np.inf)
    slopes = np.empty((n_patches, size))
    information = np.empty((n_patches, size, size))
    # Those whose information is the one that was observed.
    near = np.zeros(n_patches, dtype=bool)
    active = np.arange(n_patches)
    for step in range(MOST_STEPS):
        if not len(active):
            break
        told = _told(model, recorded, tried, active, near)
        better = told.values >= values[active]
        moved = active[better]
        states[moved], values[moved] = tried[moved], told.values[better]
        slopes[moved], information[moved] = told.slopes[better], told.information[better]
        damping[active] *= np.where(better, _LESS, _MORE)
        along, scale = states[active], total[active, None, None]
        added = damping[active, None, None] * np.eye(size) + along[:, :, None] * along[:, None, :]
        move, length = _move(information[active] + scale * added, slopes[active])
        # What was observed is not positive, or led astray.
        wrong = np.flatnonzero(near[active] & ((length < 0) | ~better))
        if len(wrong):
            rows = active[wrong]
            near[rows] = False
            information[rows] = model.information(states[rows], recorded.shots[rows])
            again = information[rows] + scale[wrong] * added[wrong]
            move[wrong], length[wrong] = _move(again, slopes[rows])
        going = (length > _CLOSE**2) & (damping[active] < _LARGEST_DAMPING)
        near[active] |= length < _NEAR**2
        ended, last = active[~going], move[~going]
        steps[ended] = step
        states[ended] = unit(states[ended] + last)
        values[ended] += length[~going] / 2
        if best is not None:
            going &= ~_given_up(best, states, values, steps, active, going, length, recorded, step)
        active, move = active[going], move[going]
        tried[active] = unit(states[active] + move)
    return Found(states, values, steps)


def _given_up(
    best: Best,
    states: FloatArray,
    values: FloatArray,
    steps: NDArray[np.int64],
    active: NDArray[np.intp],
    going: NDArray[np.bool_],
    length: FloatArray,
    recorded: Recorded,
    step: int,
) -> NDArray[np.bool_]:
    """Which searches need not go on; their values and steps are set."""
    overlap = np.einsum("pi,pi->p", states[active], best.states[active])
    same: NDArray[np.bool_] = going & (
        1 - overlap**2 < _SAME**2 / (4 * recorded.shots[active].sum(axis=1))
    )
    # Far from a maximum the next step tells little.
    hopeless = going & (step > 0) & ~same
    hopeless &= values[active] + _HOPE * length + _MARGIN < best.values[active]
    values[active[same]] = best.values[active[same]]
    values[active[hopeless]] = -np.inf
    steps[active[same | hopeless]] = step
    found: NDArray[np.bool_] = same | hopeless
    return found


def _told(
    model: OutcomeModel,
    recorded: Recorded,
    tried: FloatArray,
    active: NDArray[np.intp],
    near: NDArray[np.bool_],
) -> Told:
    own = [active[rows] for rows in chunks(len(active))]
    parts = [model.told(tried[rows], recorded.of(rows), near[rows]) for rows in own]
    return Told(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _move(matrices: FloatArray, slopes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Steps, and their squares in standard deviations."""
    move = np.linalg.solve(matrices, slopes[:, :, None]).astype(np.float64)[:, :, 0]
    return move, np.einsum("pi,pi->p", move, slopes)


def unit(vectors: FloatArray) -> FloatArray:
    """Vectors of length 1.

    Args:
        vectors: Shape (vectors, d).
    """
    units: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
