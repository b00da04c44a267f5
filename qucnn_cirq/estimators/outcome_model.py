"""The outcomes of circuits as quadratic forms of a patch, and what counts of them tell of it.

A chunk of patches at a time, so that what the effects make of them stays in the cache. Information
is computed in single precision: it steers a search and gives variances, of which six digits do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.estimators.effects import packed, quadratic_features, unpacked
from qucnn_cirq.threads import single_threaded_blas

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]

CHUNK = 64
"""Patches at a time."""
_LEAST = 1e-4, 1e-2
"""Part of its mean that the probability of an outcome is at least. More where effects have negative
eigenvalues, as those of short loaders, which are not known well enough to tell it from 0."""
_SMALLEST = 1e-9
"""What an outcome's mean probability is at least: outcomes that never occur have no weight."""


class Recorded(NamedTuple):
    """What was recorded of some patches, all circuits side by side.

    Attributes:
        counts: How often each outcome was recorded, shape (patches, outcomes).
        shots: Shots of each circuit, shape (patches, circuits).
        offsets: What is added to the probabilities, shape (patches, outcomes); None for nothing.
    """

    counts: NDArray[np.int64]
    shots: NDArray[np.int64]
    offsets: FloatArray | None = None

    def of(self, rows: NDArray[np.intp] | slice) -> Recorded:
        """Those of some of the patches.

        Args:
            rows: Which, a slice or indices of shape (own,).
        """
        offsets = None if self.offsets is None else self.offsets[rows]
        return Recorded(self.counts[rows], self.shots[rows], offsets)


class Told(NamedTuple):
    """What the logarithmic likelihood of some patches is like.

    Attributes:
        values: The logarithmic likelihood, shape (patches,).
        slopes: Its slope along the sphere, shape (patches, d).
        information: Of all shots, Fisher's or what was observed, the negative second derivative
            along the sphere; shape (patches, d, d), 0 along the vector.
    """

    values: FloatArray
    slopes: FloatArray
    information: FloatArray


@dataclass(frozen=True, eq=False)
class OutcomeModel:
    """The effects of circuits, one below the other.

    Attributes:
        size: Amplitudes d of a patch.
        sizes: Outcomes of each circuit.
        packed: Effects as `qucnn_cirq.estimators.effects.packed` gives them, shape (outcomes, p).
        least: What the probability of each outcome is at least, shape (outcomes,).
        mixed: Frequencies of the fully mixed state, shape (outcomes,).
    """

    size: int
    sizes: tuple[int, ...]
    packed: FloatArray
    least: FloatArray
    mixed: FloatArray
    _moving: SingleArray
    """From x to all M_o x, shape (d, outcomes * d)."""

    @classmethod
    def of(cls, effects: Sequence[FloatArray]) -> OutcomeModel:
        """The model of some effects.

        Args:
            effects: For each circuit, shape (outcomes, d, d).
        """
        every = np.concatenate(effects)
        size = every.shape[1]
        mixed = np.maximum(np.trace(every, axis1=1, axis2=2) / size, _SMALLEST)
        negative = np.concatenate(
            [np.full(len(own), -np.linalg.eigvalsh(own).min()) for own in effects]
        )
        least = np.clip(negative, _LEAST[0] * mixed, _LEAST[1] * mixed)
        moving = every.transpose(2, 0, 1).reshape(size, -1).astype(np.float32)
        return cls(size, tuple(map(len, effects)), packed(every), least, mixed, moving)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the counts, at least 1, less those of the patch."""
        # As many frequencies as circuits follow from the others.
        return max(1, len(self.packed) - len(self.sizes) - self.size + 1)

    def each(self, shots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Shots of the circuit of each outcome, shape (patches, outcomes).

        Args:
            shots: Of each circuit, shape (patches, circuits).
        """
        return np.repeat(shots, self.sizes, axis=1)

    def fitted(self, states: FloatArray) -> FloatArray:
        """The forms x^T M_o x, which may be negative, shape (patches, outcomes).

        Args:
            states: Real unit vectors, shape (patches, d).
        """
        found: FloatArray = quadratic_features(states) @ self.packed.T
        return found

    def chances(self, states: FloatArray, offsets: FloatArray | None = None) -> FloatArray:
        """Probabilities of the outcomes, shape (patches, outcomes).

        Args:
            states: Real unit vectors, shape (patches, d).
            offsets: As of `Recorded`.
        """
        found = self.fitted(states)
        if offsets is not None:
            found += offsets
        return np.maximum(found, self.least, out=found)

    @single_threaded_blas()
    def information(self, states: FloatArray, shots: NDArray[np.int64]) -> FloatArray:
        """Fisher's information of patches, 0 along the vector itself, shape (patches, d, d).

        Args:
            states: Real unit vectors, shape (patches, d).
            shots: Of each circuit, shape (patches, circuits).
        """
        found = np.empty((len(states), self.size, self.size))
        for rows in chunks(len(states)):
            own = states[rows]
            weights = 4 * self.each(shots[rows]) / self.chances(own)
            found[rows] = _tangent(self._squared(self.moved(own), weights), own)
        return found

    def covariances(self, states: FloatArray, shots: NDArray[np.int64]) -> FloatArray:
        """The inverse of the information perpendicular to the vectors, 0 along them.

        Args:
            states: Real unit vectors, shape (patches, d).
            shots: Of each circuit, shape (patches, circuits).

        Returns:
            Shape (patches, d, d).
        """
        along = states[:, :, None] * states[:, None, :]
        total = shots.max(axis=1, initial=1)[:, None, None].astype(float)
        inverse = np.linalg.inv(self.information(states, shots) + total * along)
        found: FloatArray = inverse - along / total
        return found

    def moved(self, states: FloatArray) -> SingleArray:
        """All M_o x, shape (patches, outcomes, d).

        Args:
            states: Real unit vectors, shape (patches, d).
        """
        return (states.astype(np.float32) @ self._moving).reshape(len(states), -1, self.size)

    def told(self, states: FloatArray, recorded: Recorded, observed: NDArray[np.bool_]) -> Told:
        """The logarithmic likelihood of a chunk of patches, its slope and information.

        Args:
            states: Real unit vectors, shape (patches, d).
            recorded: What was recorded of them.
            observed: Of which patches the information is the one that was observed, shape
                (patches,).
        """
        fitted = self.fitted(states)
        if recorded.offsets is not None:
            fitted += recorded.offsets
        chances = np.maximum(fitted, self.least)
        ratios = recorded.counts / chances
        # Below the least the logarithm goes on as its tangent, so that its slope leads out again.
        values = np.einsum("po,po->p", recorded.counts, np.log(chances))
        values += np.einsum("po,po->p", ratios, fitted - chances)
        pull = unpacked(ratios @ self.packed, self.size)
        pulled = np.einsum("pij,pj->pi", pull, states)
        along = np.einsum("pi,pi->p", pulled, states)
        slopes = 2 * (pulled - along[:, None] * states)
        weights = self.each(recorded.shots) / chances
        if observed.any():
            curved = np.where(fitted < self.least, 0.0, ratios / chances)
            weights = np.where(observed[:, None], curved, weights)
        information = self._squared(self.moved(states), 4 * weights)
        if observed.any():
            added = 2 * along[:, None, None] * np.eye(self.size) - 2 * pull
            information += observed[:, None, None] * added
        return Told(values, slopes, _tangent(information, states))

    def _squared(self, moved: SingleArray, weights: FloatArray) -> FloatArray:
        """The sums of w_o M_o x x^T M_o, shape (patches, d, d)."""
        scaled = moved * np.sqrt(weights).astype(np.float32)[:, :, None]
        found: FloatArray = (scaled.swapaxes(1, 2) @ scaled).astype(np.float64)
        return found

    def turned(self, states: FloatArray, counts: NDArray[np.int64]) -> FloatArray:
        """How much likelier patches are with the sign of one amplitude turned.

        With x' = x - 2 x_k e_k the form is x^T M x - 4 x_k (M x)_k + 4 x_k^2 M_kk.

        Args:
            states: Real unit vectors of a chunk, shape (patches, d).
            counts: How often each outcome was recorded, shape (patches, outcomes).

        Returns:
            The logarithm, to single precision, for each amplitude, shape (patches, d).
        """
        size = self.size
        diagonals = self._moving.reshape(size, -1, size)[np.arange(size), :, np.arange(size)]
        own = states.astype(np.float32)
        found = self.moved(states)
        found -= own[:, None, :] * diagonals.T
        found *= -4 * own[:, None, :]
        chances = self.fitted(states).astype(np.float32)
        least = self.least.astype(np.float32)
        found += chances[:, :, None]
        np.maximum(found, least[:, None], out=found)
        np.log(found, out=found)
        weights = counts.astype(np.float32)
        before = np.einsum("po,po->p", weights, np.log(np.maximum(chances, least)))
        after = (weights[:, None, :] @ found)[:, 0]
        gains: FloatArray = (after - before[:, None]).astype(np.float64)
        return gains


def chunks(count: int) -> Iterator[slice]:
    """Slices of some patches.

    Args:
        count: How many there are.
    """
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


def _tangent(matrices: FloatArray, states: FloatArray) -> FloatArray:
    """Symmetric matrices between vectors perpendicular to unit vectors."""
    along = np.einsum("pij,pj->pi", matrices, states)
    across = along - np.einsum("pi,pi->p", along, states)[:, None] * states
    found: FloatArray = matrices - states[:, :, None] * along[:, None, :]
    found -= across[:, :, None] * states[:, None, :]
    return found
