"""Features for encodings: principal components within 0..1, resized images, unit vectors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from noise_models.checks import one_of, whole_number
from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.encodings import Amplitudes, Encoding
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.heads.learner import Array, Learner, checked_features
from qucnn_cirq.threads import single_threaded_blas

_MOST_QUBITS = 16
"""Qubits of the largest state of a sample; it takes 1 MiB, and all samples have one at once."""


class PrincipalComponents(Learner):
    """The first principal components, each scaled so that what was learnt from fills 0..1.

    Later values beyond that range are set to its ends, as they become angles 2 asin sqrt(x).

    Args:
        components: How many, at most the number of features.

    Attributes:
        mean_: The mean sample, shape (features,).
        components_: Orthonormal, shape (components, features).
        lowest_: The least value of each component, shape (components,).
        highest_: The greatest.
    """

    _TYPE = "transformer"

    def __init__(self, components: int = 16) -> None:
        self.components = components

    @single_threaded_blas()
    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Learns the directions in which samples vary most.

        Args:
            X: Shape (samples, features).
            y: Not read.

        Returns:
            Itself.

        Raises:
            InputError: If there are fewer samples or features than components are wanted.
        """
        count, shape = whole_number("components", self.components, 1), checked_features(X).shape
        if count > min(shape):
            raise InputError(
                f"components = {count}: {shape[0]} samples of {shape[1]} features have "
                f"{min(shape)}; take fewer, or more samples."
            )
        given = self._first_features(X)
        self.mean_ = given.mean(axis=0)
        # Of each component the sign is free: the largest entry is positive, so that it is the
        # same everywhere.
        found = np.linalg.svd(given - self.mean_, full_matrices=False)[2][:count]
        largest = np.abs(found).argmax(axis=1)
        self.components_ = found * np.sign(found[np.arange(count), largest])[:, None]
        values = (given - self.mean_) @ self.components_.T
        self.lowest_, self.highest_ = values.min(axis=0), values.max(axis=0)
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """The values within 0..1.

        Args:
            X: Shape (samples, features).

        Returns:
            Shape (samples, components).
        """
        values = (self._further_features(X) - self.mean_) @ self.components_.T
        width = self.highest_ - self.lowest_
        scaled: Array = (values - self.lowest_) / np.where(width > 0, width, 1)
        return scaled.clip(0, 1)

    def fit_transform(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Array:
        """As `fit`, then `transform`.

        Args:
            X: Shape (samples, features).
            y: Not read.
        """
        return self.fit(X).transform(X)


def resized(images: npt.ArrayLike, rows: int, columns: int, resampling: str = "box") -> Array:
    """Images of fewer pixels.

    Args:
        images: Shape (batch, rows, columns).
        rows: Of the new images, no more than there are.
        columns: Likewise.
        resampling: "box", the mean of the area that a new pixel covers, or "bilinear", a mean over
            twice its width and height, with weights that fall linearly from its centre, as
            Pillow's `Image.resize`.

    Returns:
        Shape (batch, rows, columns).

    Raises:
        InputError: If the images are not of that kind.
    """
    given = real_array("images", images)
    if given.ndim != 3:
        raise InputError(f"images have shape {given.shape}: give (batch, rows, columns).")
    check_finite("images have", given)
    weights = _RESAMPLINGS[one_of("resampling", resampling, RESAMPLINGS)]
    across = [
        weights(old, whole_number(key, new, 1, old))
        for key, new, old in zip(("rows", "columns"), (rows, columns), given.shape[1:], strict=True)
    ]
    smaller: Array = across[0] @ given @ across[1].T
    return smaller


def encoded(encoding: Encoding, features: Array) -> npt.NDArray[Any]:
    """The states of samples.

    Args:
        encoding: Makes them.
        features: Shape (samples, features).

    Returns:
        Unit vectors, shape (samples, 2^n).

    Raises:
        InputError: If a feature is beyond the encoding's range, or a sample has no state.
    """
    if not isinstance(encoding, Encoding):
        raise InputError(f"encoding = {shown(encoding)} is none: give one such as DenseAngle().")
    encoding.check(features)
    qubits = encoding.n_qubits(features.shape[1])
    if qubits > _MOST_QUBITS:
        raise InputError(
            f"{features.shape[1]} features need {qubits} qubits, and states of at most "
            f"{_MOST_QUBITS} are computed: give fewer features, as of PrincipalComponents."
        )
    if isinstance(encoding, Amplitudes):
        # A sample of zeros has no state.
        return unit_rows(features)
    states: npt.NDArray[Any] = encoding.states(features)
    return states


def unit_rows(values: npt.ArrayLike) -> Array:
    """Rows of length 1, as amplitudes are, with zeros up to a power of two.

    Args:
        values: Shape (batch, features); more dimensions are one after the other.

    Returns:
        Shape (batch, 2^n).

    Raises:
        InputError: If a row is all zero.
    """
    given = real_array("values", values)
    flat = given.reshape(len(given), -1)
    largest = np.abs(flat).max(axis=1, keepdims=True, initial=0.0)
    if not largest.all():
        raise InputError(
            f"row {largest.argmin()} is all zero, which no state is: leave it out, or add 1."
        )
    # Squares of very large or small numbers are none.
    flat = flat / largest
    lengths = np.linalg.norm(flat, axis=1)
    missing = (1 << (flat.shape[1] - 1).bit_length()) - flat.shape[1]
    return np.pad(flat / lengths[:, None], [(0, 0), (0, missing)])


def _box(old: int, new: int) -> Array:
    """How much of each old pixel is in a new one, shape (new, old); rows add up to 1."""
    edges = np.linspace(0, old, new + 1)
    starts, pixels = edges[:-1, None], np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(starts, pixels)
    shares: Array = overlap.clip(0) * new / old
    return shares


def _bilinear(old: int, new: int) -> Array:
    """Weights that fall linearly from the centre of a new pixel, to 0 at those of the next ones."""
    centres = (np.arange(new)[:, None] + 0.5) * old / new
    weights = (1 - np.abs(np.arange(old) + 0.5 - centres) * new / old).clip(0)
    # At the border part of them lies outside.
    shares: Array = weights / weights.sum(axis=1, keepdims=True)
    return shares


_RESAMPLINGS = {"box": _box, "bilinear": _bilinear}
RESAMPLINGS = tuple(_RESAMPLINGS)
