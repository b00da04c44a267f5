"""Where patches are in maps, and which of them are blank: what maps need to know of patches."""

from __future__ import annotations

import functools
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from noise_models import fields
from qucnn_cirq.arrays import real_array
from qucnn_cirq.errors import InputError


class PatchGrid:
    """The places of the patches of a batch of images, in raster order, image by image.

    A patch of zeros has no quantum state: it is *blank*, no circuit is run for it and its overlap
    is 0. The others are *occupied*; arrays with one entry per circuit follow their order.

    Attributes:
        batch: Number of images.
        rows: Rows of the output map.
        columns: Columns of the output map.
        blank: Which patches are all zero, shape (n,) with n = batch * rows * columns.
    """

    batch: int
    rows: int
    columns: int
    blank: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of patches, blank ones included."""
        return self.batch * self.rows * self.columns

    @functools.cached_property
    def occupied(self) -> npt.NDArray[np.intp]:
        """Indices of the patches that are not blank, ascending, shape (n_occupied,)."""
        return np.flatnonzero(~self.blank)

    @property
    def n_occupied(self) -> int:
        """Number of patches that are not blank."""
        return len(self) - int(np.count_nonzero(self.blank))

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
        # By the mask, as indices take eight times its memory.
        flat[:, ~self.blank] = array
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
        return np.asarray(flat[:, ~self.blank])


# Without slots: what it derives is kept beside the fields.
@attrs.frozen(eq=False, slots=False)
class Occupancy(PatchGrid):
    """A grid of patches without the patches: a byte for each of them.

    Attributes:
        blank: See `PatchGrid`.
        batch: Number of images.
        rows: Rows of the output map.
        columns: Columns of the output map.
    """

    blank: npt.NDArray[np.bool_]
    batch: int = fields.whole(0)
    rows: int = fields.whole(0)
    columns: int = fields.whole(0)
