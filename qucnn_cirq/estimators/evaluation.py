"""How good an estimator is, exactly: means and variances from whole distributions, no sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseLike, as_noise
from qucnn_cirq.compiler.compiled_filter import CompiledFilter, Load
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.estimator import LinearEstimator
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.patch_grid import PatchGrid
from qucnn_cirq.patches import Patches

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Recording:
    """What the circuits of a filter record of patches, exactly.

    Attributes:
        states: Unit vectors of the patches, shape (patches, 2^n).
        parts: For each circuit that runs any its reading, its patches, shape (own,), and their
            distributions, shape (own, outcomes).
    """

    states: FloatArray
    parts: tuple[tuple[Reading, NDArray[np.intp], FloatArray], ...]

    @classmethod
    def of(
        cls,
        readings: Sequence[Reading],
        patches: Patches | FloatArray,
        noise: NoiseLike = None,
    ) -> Recording:
        """Computes what is recorded.

        Args:
            readings: The circuits, as `qucnn_cirq.estimators.readings_of` gives them.
            patches: The patches of images, or real unit vectors, shape (patches, 2^n).
            noise: The noise that there is; None for that which the readings assume.

        Raises:
            InputError: If the readings are not those of one filter.
        """
        compiled = readings[0].compiled if readings else None
        if compiled is None or len(readings) != len(compiled.variants):
            raise InputError("give the readings of all circuits of a filter: readings_of(...).")
        loads = _loads(compiled, patches)
        parts = []
        for load in loads:
            reading = readings[load.index]
            actual = reading if noise is None else replace(reading, noise=as_noise(noise))
            parts.append((reading, load.columns, actual.distribution_at(load.angles)))
        states = patches.states if isinstance(patches, Patches) else patches
        return cls(states, tuple(parts))

    @property
    def own_form(self) -> FloatArray:
        """The overlap with the circuits' own filter, shape (1, 2^n, 2^n)."""
        return self.parts[0][0].own_form


def _loads(compiled: CompiledFilter, patches: Patches | FloatArray) -> tuple[Load, ...]:
    if isinstance(patches, Patches):
        return compiled.load_patches(patches)
    return compiled.load(patches)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An estimator's errors, patch by patch.

    Attributes:
        exact: What is to be estimated, shape (forms, patches).
        bias: Mean less exact value, shape (forms, patches).
        variance: Of one shot, shape (forms, patches).
    """

    exact: FloatArray
    bias: FloatArray
    variance: FloatArray

    def of(self, patches: NDArray[np.bool_] | NDArray[np.intp]) -> Evaluation:
        """The errors of some patches, those of images that nothing was trained on, say.

        Args:
            patches: Which, a mask or indices, shape (patches,).
        """
        return Evaluation(self.exact[:, patches], self.bias[:, patches], self.variance[:, patches])

    def rmse(self, shots: float) -> FloatArray:
        """Root mean squared error over the patches, shape (forms,).

        Args:
            shots: Shots of each patch; infinite for what shots do not change.
        """
        squared: FloatArray = (self.bias**2 + self.variance / shots).mean(axis=1)
        return np.asarray(np.sqrt(squared))

    @property
    def offset(self) -> FloatArray:
        """The mean bias, with its sign, shape (forms,)."""
        mean: FloatArray = self.bias.mean(axis=1)
        return mean

    @property
    def slope(self) -> FloatArray:
        """How the bias goes with the exact value: -0.1 for a shrinkage of 10 %; shape (forms,)."""
        centred = self.exact - self.exact.mean(axis=1, keepdims=True)
        spread = np.maximum((centred**2).sum(axis=1), 1e-300)
        found: FloatArray = (centred * self.bias).sum(axis=1) / spread
        return found

    @property
    def shrinkage(self) -> FloatArray:
        """The part of the RMSE that `slope` makes, shape (forms,)."""
        return np.asarray(np.abs(self.slope) * self.exact.std(axis=1))

    @property
    def rest(self) -> FloatArray:
        """The part of the RMSE that neither offset nor shrinkage nor shots make, shape (forms,).

        The squares of the four add up to that of `rmse`.
        """
        left = (self.bias**2).mean(axis=1) - self.offset**2 - self.shrinkage**2
        return np.asarray(np.sqrt(np.maximum(left, 0.0)))

    def shot_noise(self, shots: float) -> FloatArray:
        """The part of the RMSE that shots make, shape (forms,).

        Args:
            shots: Shots of each patch.
        """
        return np.asarray(np.sqrt(self.variance.mean(axis=1) / shots))


def evaluate(
    estimator: LinearEstimator, recording: Recording, forms: FloatArray | None = None
) -> Evaluation:
    """Evaluates a linear estimator.

    Args:
        estimator: The estimator.
        recording: What there is to estimate from.
        forms: What is wanted, shape (forms, 2^n, 2^n); None for the overlap with the circuits' own
            filter.

    Raises:
        InputError: As the estimator does.
    """
    wanted = recording.own_form if forms is None else forms
    exact = evaluated(wanted, recording.states)
    means, variance = np.empty_like(exact), np.empty_like(exact)
    for reading, columns, chances in recording.parts:
        found = estimator.moments(reading, chances, 1, forms)
        means[:, columns], variance[:, columns] = found
    return Evaluation(exact, means - exact, variance)


def images_of(patches: PatchGrid) -> NDArray[np.intp]:
    """The number of the image that each occupied patch is of, shape (occupied patches,).

    For splits into patches to learn from and patches to test: patches of one image overlap.

    Args:
        patches: Patches of images.
    """
    found: NDArray[np.intp] = patches.occupied // (patches.rows * patches.columns)
    return found
