"""Cutting images into patches, and putting one value per patch back into maps."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from noise_models import fields
from noise_models.checks import instance_of
from qucnn_cirq.arrays import real_array
from qucnn_cirq.errors import InputError
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
class Patches:
    """The patches of a batch of images, in raster order, image by image.

    A patch of zeros has no quantum state: it is *blank*, no circuit is run for it and its overlap
    is 0. The others are *occupied*; arrays with one entry per circuit follow their order.
    Each object equals itself alone: what was solved for it is kept as long as it is.

    Attributes:
        vectors: The patches' values, shape (batch * rows * columns, elements), float64. Elements
            are in the order of the array (channels, kernel rows, kernel columns). Read-only.
        batch: Number of images.
        rows: Rows of the output map.
        columns: Columns of the output map.
        register_qubits: Qubits that hold one patch; 2**register_qubits >= elements.
    """

    vectors: npt.NDArray[np.float64] = fields.checked(_finite_vectors)
    batch: int = fields.whole(0)
    rows: int = fields.whole(0)
    columns: int = fields.whole(0)
    register_qubits: int = fields.whole(1, _MOST_QUBITS)

    def __attrs_post_init__(self) -> None:
        expected = self.batch * self.rows * self.columns
        shape = self.vectors.shape
        if len(shape) != 2 or shape[0] != expected or shape[1] > 2**self.register_qubits:
            raise InputError(
                f"vectors have shape {shape}: {self.batch} maps of {self.rows}x{self.columns} on "
                f"{self.register_qubits} qubits need ({expected}, at most "
                f"{2**self.register_qubits})."
            )

    def __reduce__(self) -> tuple[type[Patches], tuple[object, ...]]:
        # What is cached is left behind, and the constructor makes the vectors read-only again.
        return type(self), attrs.astuple(self, recurse=False)

    def __len__(self) -> int:
        """Number of patches, blank ones included."""
        return len(self.vectors)

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
    def blank(self) -> npt.NDArray[np.bool_]:
        """Which patches are all zero, shape (n,)."""
        return np.asarray(self._largest == 0)

    @functools.cached_property
    def occupied(self) -> npt.NDArray[np.intp]:
        """Indices of the patches that are not blank, ascending, shape (n_occupied,)."""
        return np.flatnonzero(~self.blank)

    @property
    def n_occupied(self) -> int:
        """Number of patches that are not blank."""
        return len(self.occupied)

    @functools.cached_property
    def states(self) -> npt.NDArray[np.float64]:
        """Unit vectors of the occupied patches, shape (n_occupied, 2**register_qubits)."""
        scaled = self.vectors[self.occupied] / self._largest[self.occupied, np.newaxis]
        states = np.zeros((self.n_occupied, 2**self.register_qubits))
        states[:, : self.vectors.shape[1]] = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
        return states

    def positions(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Image, output row and output column of every patch, three arrays of shape (n,)."""
        image, row, column = np.unravel_index(
            np.arange(len(self)), (self.batch, self.rows, self.columns)
        )
        return image, row, column

    def to_maps(self, values: npt.ArrayLike, fill: float = 0.0) -> npt.NDArray[Any]:
        """Puts one value per occupied patch back where the patch came from.

        Args:
            values: Shape (filters, n_occupied).
            fill: The value of blank patches.

        Returns:
            Maps of shape (batch, filters, rows, columns).

        Raises:
            InputError: If the shape is wrong.
        """
        array = real_array("values", values)
        if array.ndim != 2 or array.shape[1] != self.n_occupied:
            raise InputError(
                f"values have shape {array.shape}: give (filters, {self.n_occupied}), one for each "
                f"patch that is not blank."
            )
        flat = np.full((len(array), len(self)), float(fill))
        flat[:, self.occupied] = array
        maps = flat.reshape(len(array), self.batch, self.rows, self.columns)
        return np.ascontiguousarray(maps.swapaxes(0, 1))

    def from_maps(self, maps: npt.ArrayLike) -> npt.NDArray[Any]:
        """Picks the values of the occupied patches out of maps: the reverse of `to_maps`.

        Args:
            maps: Shape (batch, filters, rows, columns).

        Returns:
            Values of shape (filters, n_occupied).

        Raises:
            InputError: If the shape is wrong.
        """
        array = real_array("maps", maps)
        if array.ndim != 4 or (array.shape[0], *array.shape[2:]) != (
            self.batch,
            self.rows,
            self.columns,
        ):
            raise InputError(
                f"maps have shape {array.shape}: give ({self.batch}, filters, {self.rows}, "
                f"{self.columns})."
            )
        flat = array.swapaxes(0, 1).reshape(array.shape[1], len(self))
        return np.asarray(flat[:, self.occupied])


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
    windows = sliding_windows(images, spec)
    batch, rows, columns = windows.shape[:3]
    return Patches(
        vectors=np.array(windows, order="C").reshape(batch * rows * columns, spec.n_elements),
        batch=batch,
        rows=rows,
        columns=columns,
        register_qubits=spec.register_qubits,
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
    pixels = _checked_images(images, spec.channels)
    spec.output_shape(*pixels.shape[2:])
    row_padding, column_padding = spec.padding_pair
    padded = np.pad(
        pixels,
        ((0, 0), (0, 0), (row_padding, row_padding), (column_padding, column_padding)),
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, spec.kernel_pair, axis=(2, 3))
    row_stride, column_stride = spec.stride_pair
    return windows[:, :, ::row_stride, ::column_stride].transpose(0, 2, 3, 1, 4, 5)


def _checked_images(images: npt.ArrayLike, channels: int) -> npt.NDArray[np.float64]:
    """The images as float64 (batch, channels, rows, columns), or an InputError."""
    array = real_array("images", images)
    shape = array.shape
    if array.ndim not in (3, 4):
        raise InputError(
            f"images have shape {shape}: give (batch, rows, columns) or (batch, channels, rows, "
            f"columns); a single image is images[None]."
        )
    found = shape[1] if array.ndim == 4 else 1
    if found != channels:
        advice = "make them agree"
        if shape[-1] == channels:
            advice = "if channels are last, move them: np.moveaxis(images, -1, -3)"
        raise InputError(
            f"images of shape {shape} have {found} channel(s) and the specification has channels "
            f"= {channels}: {advice}."
        )
    if 0 in shape[1:]:
        raise InputError(f"images of shape {shape} are empty: give images with pixels.")
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.argwhere(~finite)[0])
        channel = f", channel {index[1]}" if array.ndim == 4 and channels > 1 else ""
        raise InputError(
            f"images have {array[index]} in image {index[0]}{channel}, row {index[-2]}, column "
            f"{index[-1]}: give finite numbers."
        )
    return array.reshape(shape[0], channels, *shape[-2:])
