"""Which of several loaders a state is loaded with: as short as an error budget allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.circuits.loaders import Loader

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LoadingRule:
    """Scores a loader for a state; the loader with the smallest score is taken.

    The score is ``floors[k] + slopes[k] * infidelity``, infinite above ``limit``. The last
    loader loads every state; of equal scores the first is taken.

    Attributes:
        floors: For each loader its score without any infidelity.
        slopes: For each loader what infidelity adds.
        limit: Largest infidelity that is allowed.
    """

    floors: tuple[float, ...]
    slopes: tuple[float, ...]
    limit: float

    @classmethod
    def first_within(cls, infidelity: float, count: int) -> LoadingRule:
        """The first loader within an allowed infidelity.

        Args:
            infidelity: Largest 1 - <x|y>^2 of a loaded state y that is allowed, in [0, 1].
            count: How many loaders there are.
        """
        return cls(tuple(map(float, range(count))), (0.0,) * count, infidelity)

    @classmethod
    def least_error(cls, survivals: Sequence[float], last_resort: bool = False) -> LoadingRule:
        """The smallest mean squared error of F under noise, averaged over all filters.

        If a circuit's noise leaves of the loaded state y the part (1 - h) |y><y|, the estimate for
        a filter f is off by f^T A f with A = (1 - h) |y><y| - |x><x|, up to a multiple of the
        identity. Averaged over real unit vectors f its square is 2 tr(A^2) / (d (d + 2)), and
        tr(A^2) = h^2 + 2 (1 - h) e for the infidelity e = 1 - <x|y>^2: a coherent error of the
        loader counts to first order, the loss h, which grows with each gate, to second.

        Args:
            survivals: 1 - h of the circuit with each loader.
            last_resort: Whether the last loader is only for what no other loads exactly, because
                it suffers from errors that a survival does not count.
        """
        floors = np.array([(1 - survival) ** 2 for survival in survivals])
        if last_resort:
            floors[-1] = floors.max()
        return cls(tuple(floors.tolist()), tuple(2 * survival for survival in survivals), np.inf)

    def choose(self, states: FloatArray, loaders: Sequence[Loader]) -> NDArray[np.intp]:
        """The loader of each state.

        Args:
            states: Real unit vectors, shape (batch, 2^n).
            loaders: As many as there are floors, in their order.

        Returns:
            An index into ``loaders`` for each state, shape (batch,).
        """
        return self._chosen(states, loaders)[0]

    def load(
        self, states: FloatArray, loaders: Sequence[Loader]
    ) -> list[tuple[int, NDArray[np.intp], FloatArray]]:
        """The states of each loader and their angles, which are solved for once.

        Args:
            states: Real unit vectors, shape (batch, 2^n).
            loaders: As for `choose`.

        Returns:
            For each loader that is chosen for any state its index, the rows of its states, shape
            (own,), and their angles, shape (own, angles).
        """
        chosen, solved = self._chosen(states, loaders)
        loads = []
        for index in np.unique(chosen).tolist():
            rows = np.flatnonzero(chosen == index)
            if index in solved:
                tried, angles = solved[index]
                loads.append((index, rows, angles[np.searchsorted(tried, rows)]))
            else:
                loads.append((index, rows, loaders[index].angles(states[rows])))
        return loads

    def _chosen(
        self, states: FloatArray, loaders: Sequence[Loader]
    ) -> tuple[NDArray[np.intp], dict[int, tuple[NDArray[np.intp], FloatArray]]]:
        """The loader of each state, and for each loader the rows it was solved for and the angles.

        A loader is solved for only where it can still win.
        """
        last = len(loaders) - 1
        best = np.full(len(states), np.inf)
        chosen = np.full(len(states), last)
        solved = {}
        for index, loader in enumerate(loaders[:-1]):
            hopeful = np.flatnonzero(best > self.floors[index])
            if not len(hopeful):
                continue
            bounds = self._scores(index, loader.least_infidelities(states[hopeful]))
            hopeful = hopeful[(bounds < best[hopeful]) & (bounds <= self.floors[last])]
            if not len(hopeful):
                continue
            angles, infidelities = loader.solve(states[hopeful])
            solved[index] = hopeful, angles
            scores = self._scores(index, infidelities)
            better = scores < best[hopeful]
            best[hopeful[better]] = scores[better]
            chosen[hopeful[better]] = index
        chosen[best > self.floors[last]] = last
        return chosen, solved

    def _scores(self, index: int, infidelities: FloatArray) -> FloatArray:
        scores = self.floors[index] + self.slopes[index] * infidelities
        return np.where(infidelities <= self.limit, scores, np.inf)
