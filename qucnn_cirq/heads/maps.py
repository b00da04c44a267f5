"""The feature maps of a quantum convolution as a step of a pipeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import cirq
import numpy as np
import numpy.typing as npt

from noise_models import NoiseLike
from noise_models.checks import whole_number
from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.devices import DeviceLike
from qucnn_cirq.encodings import AMPLITUDES, Encoding
from qucnn_cirq.engines import Engine
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators import MitigationLike
from qucnn_cirq.filters import Filter, XZAnsatz
from qucnn_cirq.heads.learner import Array, Learner, checked_features
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.mitigation import MitigationMethod
from qucnn_cirq.specification import ConvolutionSpec

Filters = Filter | cirq.AbstractCircuit | Sequence[Filter | cirq.AbstractCircuit]


class QuantumMaps(Learner):
    """The feature maps of a compiled `qucnn_cirq.QuantumConvolution`, flat, as features.

    Nothing is learnt: `fit` compiles the convolution and draws the angles of its filters with the
    seed, unless they are given. Shots derive from an image's content, so that an image has the
    same features in whatever batch it is.

    Args:
        kernel: As of `qucnn_cirq.ConvolutionSpec`.
        stride: Likewise.
        padding: Likewise.
        filters: Likewise; None for an ansatz of the usual depth.
        overlap: Likewise.
        encoding: Likewise.
        measurement: Likewise.
        shape: Rows and columns of an image, or channels, rows and columns, where X is flat; None
            for a square of one channel.
        device: As of `qucnn_cirq.compile_convolution`.
        engine: As of `qucnn_cirq.QuantumConvolution`.
        noise: Likewise.
        shots: Likewise; None for exact means.
        mitigation: Likewise.
        parameters: Likewise: angles, shape (filters, parameters).
        seed: Of the angles and the shots.

    Attributes:
        layer_: The layer.
        map_shape_: Maps, rows and columns of the features of an image.
    """

    _TYPE = "transformer"

    def __init__(
        self,
        kernel: int | tuple[int, int] = 4,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        filters: Filters | None = None,
        overlap: str = "ancilla",
        encoding: str | Encoding = AMPLITUDES,
        measurement: Any = None,
        shape: tuple[int, ...] | None = None,
        device: DeviceLike = "willow_pink",
        engine: str | Engine | cirq.Sampler = "auto",
        noise: NoiseLike = None,
        shots: int | None = None,
        mitigation: MitigationLike | MitigationMethod = None,
        parameters: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.filters = filters
        self.overlap = overlap
        self.encoding = encoding
        self.measurement = measurement
        self.shape = shape
        self.device = device
        self.engine = engine
        self.noise = noise
        self.shots = shots
        self.mitigation = mitigation
        self.parameters = parameters
        self.seed = seed

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Self:
        """Compiles the convolution for images of this shape.

        Args:
            X: Pixels, shape (samples, features), or images, shape (samples, rows, columns) or
                (samples, channels, rows, columns).
            y: Not read.

        Returns:
            Itself.

        Raises:
            InputError: If a setting or the images are not allowed.
        """
        with self._learning():
            given = _checked(X)
            shape = self._image_shape(given)
            filters = XZAnsatz() if self.filters is None else self.filters
            spec = ConvolutionSpec(
                kernel=self.kernel,
                stride=self.stride,
                padding=self.padding,
                channels=shape[0],
                overlap=self.overlap,
                encoding=self.encoding,  # type: ignore[arg-type]
                measurement=self.measurement,
                filters=filters,
            )
            rows, columns = spec.output_shape(*shape[1:])
            self.layer_ = QuantumConvolution(
                compile_convolution(spec, self.device),
                self.engine,
                self.noise,
                self.shots,
                self.seed,
                self.parameters,
                self.mitigation,
            )
            self.map_shape_ = spec.n_maps, rows, columns
            self._shape, self.n_features_in_ = shape, math.prod(given.shape[1:])
        return self

    def transform(self, X: npt.ArrayLike) -> Array:
        """The feature maps of images, map by map and row by row.

        Args:
            X: As of `fit`.

        Returns:
            Shape (samples, maps x rows x columns).
        """
        self._check_fitted()
        given = _checked(X)
        if math.prod(given.shape[1:]) != self.n_features_in_:
            raise InputError(
                f"X has {math.prod(given.shape[1:])} features, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input."
            )
        if given.ndim > 2 and (1, *given.shape[1:])[-3:] != self._shape:
            raise InputError(
                f"X has images of shape {given.shape[1:]}, and those of `fit` had {self._shape} "
                "(channels, rows, columns): give such ones."
            )
        images = given.reshape(len(given), *self._shape)
        return self.layer_.forward(images).reshape(len(given), -1)

    def fit_transform(self, X: npt.ArrayLike, y: npt.ArrayLike | None = None) -> Array:
        """As `fit`, then `transform`.

        Args:
            X: As of `fit`.
            y: Not read.

        Returns:
            Shape (samples, maps x rows x columns).
        """
        return self.fit(X).transform(X)

    def get_feature_names_out(
        self, input_features: npt.ArrayLike | None = None
    ) -> npt.NDArray[np.object_]:
        """A name for each feature: "map0_1_2" is row 1 and column 2 of the first map.

        Args:
            input_features: Not read.

        Returns:
            Shape (features,).
        """
        self._check_fitted()
        places = np.ndindex(*self.map_shape_)
        return np.array([f"map{number}_{row}_{column}" for number, row, column in places], object)

    def _image_shape(self, given: Array) -> tuple[int, int, int]:
        """Channels, rows and columns."""
        if given.ndim > 2:
            found = given.shape[1:]
            if self.shape is not None and tuple(self.shape) != found:
                raise InputError(
                    f"shape = {shown(self.shape)} is for flat images, and X has {given.shape}: "
                    "leave it out."
                )
        elif self.shape is not None:
            if not isinstance(self.shape, tuple | list | np.ndarray):
                raise InputError(
                    f"shape = {shown(self.shape)} is not allowed: give (rows, columns) or "
                    "(channels, rows, columns)."
                )
            found = tuple(whole_number("shape", each, 1) for each in self.shape)
        else:
            side = math.isqrt(given.shape[1])
            found = (side, side)
        if len(found) not in (2, 3) or math.prod(found) != math.prod(given.shape[1:]):
            raise InputError(
                f"X has {math.prod(given.shape[1:])} features, and images have the shape {found}: "
                "give images, or shape = (rows, columns) or (channels, rows, columns)."
            )
        channels, rows, columns = found if len(found) == 3 else (1, *found)
        return channels, rows, columns


def _checked(X: npt.ArrayLike) -> Array:
    """Images as an array, flat or not, finite and not empty."""
    if np.ndim(X) not in (3, 4):
        return checked_features(X)
    given = real_array("X", X)
    if not given.size:
        raise InputError(f"X has 0 sample(s) (shape={given.shape}): give one or more.")
    check_finite("X has NaN or infinity,", given)
    return given
