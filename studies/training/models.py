"""The convolutions that are trained: maps of a batch of images, and gradients of their weights."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.convolution import ConvolutionSpec, Patches, extract_patches, ideal_overlaps
from qucnn_cirq.gradients import shifted
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.patches import sliding_windows

Array = NDArray[np.float64]


class Model(ABC):
    """A convolution with weights.

    Attributes:
        weights: What is trained, an array of any shape.
    """

    weights: Array

    @abstractmethod
    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """The maps of a batch of images.

        Args:
            images: Pixels from 0 to 255, shape (batch, rows, columns) or (batch, channels, rows,
                columns).
            ids: A number of each image, shape (batch,), from which its shots derive.
            step: Number of the step, which tells its shots from those of other steps.

        Returns:
            Shape (batch, filters, rows, columns) or (batch, filters, positions).
        """

    @abstractmethod
    def gradient(self, upstream: Array, step: int) -> Array:
        """The gradient of the loss L for the images of the last call of `maps`.

        Args:
            upstream: dL/dmaps, shape (batch, filters, rows, columns).
            step: As for `maps`.

        Returns:
            dL/dweights, of the shape of the weights.
        """


class QuantumModel(Model):
    """Ansatz filters run by a layer: with its shots and noise.

    Args:
        layer: The layer; its parameters are the weights.
    """

    def __init__(self, layer: QuantumConvolution) -> None:
        self.layer = layer

    @property
    def weights(self) -> Array:
        """Angles, shape (filters, parameters)."""
        return self.layer.parameters

    @weights.setter
    def weights(self, values: Array) -> None:
        self.layer.parameters = values

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `Model`."""
        return self.layer.run(images, ids, step).maps

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `Model`."""
        return self.layer.gradient(upstream, "parameter_shift", step).values


class _PatchModel(Model):
    """A model of the patches of its images.

    Args:
        spec: The convolution.
        weights: As for `Model`.
    """

    _patches: Patches

    def __init__(self, spec: ConvolutionSpec, weights: Array) -> None:
        self.spec = spec
        self.weights = weights

    @abstractmethod
    def _overlaps(self) -> Array:
        """The values of the maps at the patches, shape (filters, patches)."""

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `Model`."""
        self._patches = extract_patches(images, self.spec)
        return np.asarray(self._patches.to_maps(self._overlaps()), dtype=float)


class IdealQuantumModel(_PatchModel):
    """The same filters by linear algebra: what the layer gives without shots and noise.

    Args:
        spec: The convolution.
        weights: Angles, shape (filters, parameters).
    """

    def _overlaps(self) -> Array:
        return ideal_overlaps(self._patches, self.spec, self.weights)

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `Model`; exact by the shift rule."""
        picked, patches = self._patches.from_maps(upstream), self._patches.states
        n_qubits = self.spec.register_qubits
        gradient = np.empty_like(self.weights)
        for row, (filter_, angles) in enumerate(
            zip(self.spec.filter_list, self.weights, strict=True)
        ):
            rows = shifted(filter_.angles(n_qubits, angles[None])[0], np.pi / 2)
            states = filter_.states_at(n_qubits, rows)
            # Summed over patches first, of which there are many more than of shifted filters.
            total = (patches.T * picked[row]) @ patches
            plus, minus = np.split(((states.conj() @ total) * states).sum(axis=1).real, 2)
            gradient[row] = filter_.parameter_slopes(n_qubits, (plus - minus) / 2)
        return gradient


class SquaredOverlapModel(_PatchModel):
    """Squared cosines of patches with free real kernels.

    Args:
        spec: The convolution, of which only the shape matters.
        weights: Kernels, shape (filters, values of a patch).
    """

    def _overlaps(self) -> Array:
        return self._cosines() ** 2

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `Model`."""
        picked = self._patches.from_maps(upstream)
        cosines = self._cosines()
        norms = np.linalg.norm(self.weights, axis=1, keepdims=True)
        along = (picked * cosines**2).sum(axis=1, keepdims=True)
        toward = (picked * cosines) @ self._states()
        return np.asarray(2 * (toward / norms - along * self.weights / norms**2))

    def _states(self) -> Array:
        return self._patches.states[:, : self.spec.n_elements]

    def _cosines(self) -> Array:
        norms = np.linalg.norm(self.weights, axis=1, keepdims=True)
        return np.asarray(self.weights / norms @ self._states().T)


class ConvolutionModel(Model):
    """A plain convolution with a bias and a ReLU, on pixels from 0 to 1.

    Args:
        spec: The convolution, of which only the shape matters.
        weights: Kernels and, last, the bias; shape (filters, values of a patch + 1).
    """

    def __init__(self, spec: ConvolutionSpec, weights: Array) -> None:
        self.spec = spec
        self.weights = weights
        self._windows = np.empty(0)
        self._outputs = np.empty(0)

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `Model`."""
        cut = sliding_windows(images / 255, self.spec)
        windows = cut.reshape(len(images), -1, self.spec.n_elements)
        self._windows = np.concatenate([windows, np.ones((*windows.shape[:2], 1))], axis=2)
        outputs = np.einsum("bpk,fk->bfp", self._windows, self.weights)
        self._outputs = np.maximum(outputs, 0)
        return self._outputs

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `Model`."""
        flowing = upstream.reshape(self._outputs.shape) * (self._outputs > 0)
        return np.asarray(np.einsum("bfp,bpk->fk", flowing, self._windows))
