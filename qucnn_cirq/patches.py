"""Cutting images into patches."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from noise_models import fields
from noise_models.checks import instance_of
from noise_models.extensions import users_code
from qucnn_cirq.arrays import real_array
from qucnn_cirq.encodings import AMPLITUDES, Amplitudes, Encoding
from qucnn_cirq.errors import InputError
from qucnn_cirq.patch_grid import PatchGrid
from qucnn_cirq.specification import ConvolutionSpec

_MOST_QUBITS = 30
"""Qubits of the largest register; a unit vector on it takes 8 GiB."""


def _finite_vectors(key: str, vectors: object) -> npt.NDArray[np.float64]:
    if not isinstance(vectors, np.ndarray):
        raise InputError(f"{key} are a {type(vectors).__name__}: give a NumPy array.")
    if vectors.dtype != np.float64 or not np.isfinite(vectors).all():
        raise InputError(f"{key} of type {vectors.dtype}: they must be float64 and finite.")
    # A view, so that the caller's own array stays as writeable as it was.
    kept = vectors.view()
    kept.flags.writeable = False
    return kept


# Without slots: what it derives is kept beside the fields.
@attrs.frozen(eq=False, slots=False)
class Patches(PatchGrid):
    """The patches of a batch of images, in raster order, image by image.

    Which of them are blank, and where they are in maps, is told as `PatchGrid` does. Each object
    equals itself alone: what was solved for it is kept as long as it is.

    Attributes:
        vectors: The patches' values, shape (batch * rows * columns, elements), float64. Elements
            are in the order of the array (channels, kernel rows, kernel columns). Read-only.
        batch: Number of images.
        rows: Rows of the output map.
        columns: Columns of the output map.
        register_qubits: Qubits that hold one patch; 2**register_qubits >= elements.
        encoding: How they become states; only amplitudes have blank patches.
    """

    vectors: npt.NDArray[np.float64] = fields.checked(_finite_vectors)
    batch: int = fields.whole(0)
    rows: int = fields.whole(0)
    columns: int = fields.whole(0)
    register_qubits: int = fields.whole(1, _MOST_QUBITS)
    encoding: Encoding = AMPLITUDES

    def __attrs_post_init__(self) -> None:
        expected = self.batch * self.rows * self.columns
        shape = self.vectors.shape
        if len(shape) != 2 or shape[0] != expected or shape[1] > 2**self.register_qubits:
            raise InputError(
                f"vectors have shape {shape}: {self.batch} maps of {self.rows}x{self.columns} on "
                f"{self.register_qubits} qubits need ({expected}, at most "
                f"{2**self.register_qubits})."
            )
        with users_code(f"encoding {self.encoding.kind!r}"):
            self.encoding.check(self.vectors)

    def __reduce__(self) -> tuple[type[Patches], tuple[object, ...]]:
        # What is cached is left behind, and the constructor makes the vectors read-only again.
        return type(self), attrs.astuple(self, recurse=False)

    def is_copy_of(self, other: Patches) -> bool:
        """Whether another object has the same patches at the same places, bit by bit.

        Args:
            other: The other object.
        """
        if (self.batch, self.rows, self.columns) != (other.batch, other.rows, other.columns):
            return False
        # -0.0 equals 0.0, and is loaded by other angles.
        own, others = (np.ascontiguousarray(each.vectors).view(np.uint64) for each in (self, other))
        if (self.register_qubits, self.encoding) != (other.register_qubits, other.encoding):
            return False
        return np.array_equal(own, others)

    @functools.cached_property
    def _largest(self) -> npt.NDArray[np.float64]:
        largest: npt.NDArray[np.float64] = np.abs(self.vectors).max(axis=1)
        return largest

    @functools.cached_property
    def norms(self) -> npt.NDArray[np.float64]:
        """Euclidean norm of every patch, shape (n,); infinite where float64 does not reach."""
        # Scaling by the largest element keeps the squares of very large and small values in range.
        divisor = np.where(self.blank, 1.0, self._largest)
        scaled = self.vectors / divisor[:, np.newaxis]
        with np.errstate(over="ignore"):
            norms: npt.NDArray[np.float64] = self._largest * np.linalg.norm(scaled, axis=1)
        return norms

    @functools.cached_property
    def blank(self) -> npt.NDArray[np.bool_]:  # type: ignore[override]  # It is never set.
        """Which patches have no state, shape (n,): of amplitudes those that are all zero."""
        if not isinstance(self.encoding, Amplitudes):
            return np.zeros(len(self.vectors), dtype=bool)
        return np.asarray(self._largest == 0)

    @functools.cached_property
    def states(self) -> npt.NDArray[Any]:
        """Unit vectors of the occupied patches, shape (n_occupied, 2**register_qubits).

        They are real for amplitudes, else complex.
        """
        return self._states(self.vectors[self.occupied])

    @property
    def inputs(self) -> npt.NDArray[np.float64]:
        """What loaders make angles of, for each occupied patch.

        The unit vectors of amplitudes, else the values, shape (n_occupied, elements).
        """
        if isinstance(self.encoding, Amplitudes):
            return self.states
        return self.vectors[self.occupied]

    def _states(self, vectors: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        if not isinstance(self.encoding, Amplitudes):
            with users_code(f"encoding {self.encoding.kind!r}"):
                return np.asarray(self.encoding.states(vectors))
        if not len(vectors):
            return np.zeros((0, 1 << self.register_qubits))
        states = self.encoding.states(vectors)
        if states.shape[1] < 1 << self.register_qubits:
            # On a larger register than the patch needs.
            more = (1 << self.register_qubits) - states.shape[1]
            states = np.pad(states, ((0, 0), (0, more)))
        return states


def extract_patches(images: npt.ArrayLike, spec: ConvolutionSpec) -> Patches:
    """Cuts images into patches.

    Args:
        images: Real numbers of any type, shape (batch, rows, columns) if the specification has
            one channel, or (batch, channels, rows, columns); a batch of none has no patches.
        spec: Kernel, stride, padding and channels.

    Returns:
        The patches.

    Raises:
        InputError: If the shape is wrong, a value is NaN or infinite, or the kernel is larger
            than the padded image.
    """
    instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
    return cut(checked_images(images, spec), spec)


def cut(pixels: npt.NDArray[np.float64], spec: ConvolutionSpec) -> Patches:
    """As `extract_patches`, for images as `checked_images` gives them.

    Args:
        pixels: Finite, shape (batch, channels, rows, columns).
        spec: Kernel, stride and padding.
    """
    windows = _windows(pixels, spec)
    batch, rows, columns = windows.shape[:3]
    return Patches(
        vectors=np.array(windows, order="C").reshape(batch * rows * columns, spec.n_elements),
        batch=batch,
        rows=rows,
        columns=columns,
        register_qubits=spec.register_qubits,
        encoding=spec.encoding,
    )


def sliding_windows(images: npt.ArrayLike, spec: ConvolutionSpec) -> npt.NDArray[np.float64]:
    """A view of the padded images as windows, without copying each window.

    Args:
        images: As for `extract_patches`.
        spec: Kernel, stride, padding and channels.

    Returns:
        A read-only array of shape (batch, map rows, map columns, channels, kernel rows, kernel
        columns).

    Raises:
        InputError: As for `extract_patches`.
    """
    instance_of("spec", spec, ConvolutionSpec, "ConvolutionSpec(...)")
    return _windows(checked_images(images, spec), spec)


def _windows(pixels: npt.NDArray[np.float64], spec: ConvolutionSpec) -> npt.NDArray[np.float64]:
    row_padding, column_padding = spec.padding_pair
    padded = np.pad(
        pixels,
        ((0, 0), (0, 0), (row_padding, row_padding), (column_padding, column_padding)),
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, spec.kernel_pair, axis=(2, 3))
    row_stride, column_stride = spec.stride_pair
    return windows[:, :, ::row_stride, ::column_stride].transpose(0, 2, 3, 1, 4, 5)


def check_shape(shape: tuple[int, ...], spec: ConvolutionSpec) -> None:
    """Refuses a shape of images that the specification does not take.

    Args:
        shape: Shape of a batch of images.
        spec: Kernel, padding and channels.

    Raises:
        InputError: If it has not 3 or 4 dimensions, other channels, no pixels, or fewer than the
            kernel.
    """
    if len(shape) not in (3, 4):
        raise InputError(
            f"images have shape {shape}: give (batch, rows, columns) or (batch, channels, rows, "
            f"columns); a single image is images[None]."
        )
    found = shape[1] if len(shape) == 4 else 1
    if found != spec.channels:
        advice = "make them agree"
        if shape[-1] == spec.channels:
            advice = "if channels are last, move them: np.moveaxis(images, -1, -3)"
        raise InputError(
            f"images of shape {shape} have {found} channel(s) and the specification has channels "
            f"= {spec.channels}: {advice}."
        )
    if 0 in shape[1:]:
        raise InputError(f"images of shape {shape} are empty: give images with pixels.")
    spec.output_shape(*shape[-2:])


def checked_images(
    images: npt.ArrayLike, spec: ConvolutionSpec, key: str = "images", first: int = 0
) -> npt.NDArray[np.float64]:
    """The images as finite float64 numbers.

    Args:
        images: As for `extract_patches`.
        spec: Kernel, padding and channels.
        key: What they are, for the error.
        first: How many images came before, for the error.

    Returns:
        Shape (batch, channels, rows, columns).

    Raises:
        InputError: As for `extract_patches`.
    """
    array = real_array(key, images)
    check_shape(array.shape, spec)
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        channel = f", channel {index[1]}" if array.ndim == 4 and spec.channels > 1 else ""
        raise InputError(
            f"images have {array[index]} in image {first + index[0]}{channel}, row {index[-2]}, "
            f"column {index[-1]}: give finite numbers."
        )
    return array.reshape(len(array), spec.channels, *array.shape[-2:])
