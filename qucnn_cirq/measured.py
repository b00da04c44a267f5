"""What circuits gave, as estimates with their variances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.estimators import Estimates

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """What circuits gave, one row a filter or a setting of its angles, one column a patch.

    With a measurement of several numbers a row is one number of these.

    Attributes:
        observable: What was read, the same for all.
        means: Exact noisy means where the engine computed them, shape (rows, patches); else None.
        counts: Shots with the observable's larger value, shape (rows, patches); None without shots.
        shots: Shots of each circuit, or None.
        mitigated: Values and variances that an estimator made of all outcomes, each of shape
            (rows, patches), in place of the mean of the observable; else None.
        outcomes: How often each outcome was recorded, a sparse array of shape (patches, outcomes)
            for each row; None where they are not kept.
    """

    observable: Observable
    means: FloatArray | None
    counts: NDArray[np.int64] | None
    shots: int | None
    mitigated: Estimates | None = None
    outcomes: tuple[csr_array, ...] | None = None

    @property
    def estimates(self) -> FloatArray:
        """Means from shots, or the exact ones where none were asked for; shape (rows, patches)."""
        if self.mitigated is not None:
            return self.mitigated.values
        if self.counts is None or self.shots is None:
            assert self.means is not None
            return self.means
        return self.observable.mean(self.counts / self.shots)

    @property
    def variances(self) -> FloatArray:
        """Of each estimate, from its shots, shape (rows, patches); 0 without shots.

        From the exact means where they are known, else from the counts n of N shots, by
        (n + 1)/(N + 2) in place of n/N: shots that are all alike do not make an estimate certain.
        """
        if self.mitigated is not None:
            return self.mitigated.variances
        if self.shots is None:
            return np.zeros_like(self.estimates)
        means = self.means
        if means is None:
            assert self.counts is not None
            means = self.observable.mean((self.counts + 1) / (self.shots + 2))
        return self.observable.variance(means, self.shots)

    @property
    def variance(self) -> FloatArray:
        """As `variances`, of the same shape, by the name that it had before."""
        return self.variances


@dataclass(frozen=True, eq=False)
class RecordedOutcomes:
    """What one circuit recorded of the patches that are run with it.

    Attributes:
        index: The circuit's place in `CompiledFilter.variants`.
        variant: The circuit.
        columns: Which of the patches they are, shape (patches,).
        counts: How often each outcome was recorded, shape (rows, patches, outcomes); a row is a
            filter or a setting of its angles. None without shots.
        distribution: The exact probabilities, of the same shape; None if the engine only sampled.
    """

    index: int
    variant: Variant
    columns: NDArray[np.intp]
    counts: NDArray[np.int64] | None
    distribution: FloatArray | None


def stacked(parts: Sequence[Measured], rows: Sequence[Sequence[int]], numbers: int = 1) -> Measured:
    """What was measured in parts, as one.

    Args:
        parts: One or more, of the same patches, observable and shots.
        rows: For each part the numbers of its rows; together 0, 1, 2, ...
        numbers: How many numbers each row has, side by side.
    """
    by_row = np.argsort(np.concatenate(rows))
    order = (by_row[:, None] * numbers + np.arange(numbers)).ravel()

    def joined(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
        found = [array for array in arrays if array is not None]
        return np.concatenate(found)[order] if len(found) == len(parts) else None

    first = parts[0]
    mitigated = None
    if first.mitigated is not None:
        mitigated = Estimates(
            np.concatenate([part.estimates for part in parts])[order],
            np.concatenate([part.variances for part in parts])[order],
        )
    means, counts = joined([p.means for p in parts]), joined([p.counts for p in parts])
    outcomes = None
    if first.outcomes is not None:
        kept = [each for part in parts for each in part.outcomes or ()]
        outcomes = tuple(kept[place] for place in by_row)
    return Measured(first.observable, means, counts, first.shots, mitigated, outcomes)
