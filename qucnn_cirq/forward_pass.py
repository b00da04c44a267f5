"""What a forward pass measured, and which images a gradient is taken of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Estimates
from qucnn_cirq.image_blocks import ImageBlocks
from qucnn_cirq.measured import Measured
from qucnn_cirq.patch_grid import Occupancy, PatchGrid
from qucnn_cirq.patches import Patches


@dataclass(frozen=True, eq=False)
class PassImages:
    """The images of a forward pass, as they can be met again.

    Attributes:
        grid: Which patches are blank, and where they are.
        ids: A number that identifies each image, shape (batch,).
        source: The patches themselves, block by block, if they are few; else the images, by
            reference, or None if they cannot be read again.
        shape: Shape of the images; None if patches were given.
    """

    grid: PatchGrid
    ids: NDArray[np.int64]
    source: tuple[Patches, ...] | ImageBlocks | None
    shape: tuple[int, ...] | None

    @property
    def kept(self) -> tuple[Patches, ...]:
        """The patches, block by block; none if they are many."""
        return self.source if isinstance(self.source, tuple) else ()

    def blocks(self) -> Iterator[Patches]:
        """The patches again, one block after the other.

        Raises:
            InputError: If the images cannot be read again, or changed.
        """
        if self.source is None:
            raise InputError(
                "the images of the last forward pass came from an iterator, which is used up: give "
                "an array, a list or the path of an IDX file."
            )
        if isinstance(self.source, tuple):
            yield from self.source
            return
        changed = InputError(
            "the images of the last forward pass have changed since: leave them, or run it again."
        )
        first = 0
        for patches in self.source.patches():
            own = self.grid.blank[first : first + len(patches)]
            if not np.array_equal(own, patches.blank):
                raise changed
            first += len(patches)
            yield patches
        if first < len(self.grid):
            raise changed


@dataclass(frozen=True, eq=False)
class Overlaps:
    """What a forward pass measured, one column for each patch that is not blank.

    Attributes:
        grid: Where the patches are in maps, and which are blank.
        estimates: Overlaps F, shape (filters, occupied patches): from shots, or the exact means
            where no shots were asked for.
        variances: Of each estimate, from its shots, of the same shape; 0 without shots.
        exact: Exact noisy means where the engine computed them, of the same shape; else None.
        counts: Shots with the observable's larger value, of the same shape; None without shots.
        shots: Shots for each patch and filter, or None.
        outcomes: How often each outcome was recorded, a sparse array of shape (occupied patches,
            outcomes) for each filter; None where the layer does not keep them. With a measurement
            outcomes are of the bits of its `read`, whatever is recorded in their place; where
            their product is all that is asked for there are two, of the product 1 and -1.
    """

    grid: PatchGrid
    estimates: NDArray[np.float64]
    variances: NDArray[np.float64]
    exact: NDArray[np.float64] | None
    counts: NDArray[np.int64] | None
    shots: int | None
    outcomes: tuple[csr_array, ...] | None
    _images: PassImages

    @property
    def variance(self) -> NDArray[np.float64]:
        """As `variances`, of the same shape, by the name that it had before."""
        return self.variances

    @property
    def patches(self) -> Patches:
        """The patches, blank ones included; of many images they are cut out anew.

        Raises:
            InputError: If the images came from an iterator and were too many to be kept.
        """
        blocks = list(self._images.blocks())
        if len(blocks) == 1:
            return blocks[0]
        vectors = np.concatenate([block.vectors for block in blocks])
        first, batch = blocks[0], self.grid.batch
        return Patches(
            vectors, batch, first.rows, first.columns, first.register_qubits, first.encoding
        )

    @property
    def maps(self) -> NDArray[np.float64]:
        """Feature maps, shape (batch, filters, rows, columns); a blank patch is 0."""
        maps: NDArray[np.float64] = self.grid.to_maps(self.estimates)
        return maps

    @property
    def blank_patches(self) -> int:
        """Patches that are all zero, for which no circuit was run."""
        return int(self.grid.blank.sum())


def recognised(blocks: Iterable[Patches], known: Sequence[Patches]) -> Iterator[Patches]:
    """Blocks of patches, as the objects of an earlier pass where that had the same.

    Angles and states that were found for them need not be found again.

    Args:
        blocks: The blocks of a pass.
        known: Those of the pass before.
    """
    before = iter(known)
    for patches in blocks:
        other = next(before, None)
        yield patches if other is None or not patches.is_copy_of(other) else other


def grid_of(blocks: Sequence[PatchGrid]) -> PatchGrid:
    """The grid of all blocks.

    Args:
        blocks: One or more, of the same rows and columns.
    """
    blank = np.concatenate([block.blank for block in blocks])
    batch = sum(block.batch for block in blocks)
    return Occupancy(blank, batch, blocks[0].rows, blocks[0].columns)


def overlaps_of(blocks: Sequence[Measured], images: PassImages) -> Overlaps:
    """What was measured in blocks of images, as one.

    Args:
        blocks: One or more, of the same filters.
        images: The images of all of them.
    """
    means = _side_by_side([block.means for block in blocks])
    counts = _side_by_side([block.counts for block in blocks])
    mitigated = None
    if blocks[0].mitigated is not None:
        mitigated = Estimates(
            np.concatenate([block.estimates for block in blocks], axis=1),
            np.concatenate([block.variances for block in blocks], axis=1),
        )
    found = Measured(blocks[0].observable, means, counts, blocks[0].shots, mitigated)
    outcomes = None
    if blocks[0].outcomes is not None:
        kept = zip(*(block.outcomes or () for block in blocks), strict=True)
        outcomes = tuple(vstack(each, format="csr") for each in kept)
    return Overlaps(
        images.grid,
        found.estimates,
        found.variances,
        means,
        counts,
        found.shots,
        outcomes,
        images,
    )


def joined_maps(blocks: Iterable[NDArray[np.float64]], batch: int | None) -> NDArray[np.float64]:
    """The maps of all images.

    Args:
        blocks: Maps of one or more blocks, each of shape (images, filters, rows, columns).
        batch: How many images they are together; None if that is not known before.

    Returns:
        Shape (batch, filters, rows, columns).
    """
    maps, start = np.empty(0), 0
    for block in blocks:
        stop = start + len(block)
        if not start:
            maps = np.empty((stop if batch is None else batch, *block.shape[1:]))
        elif stop > len(maps):
            # In place: together with a copy, maps of many images would need twice their memory.
            maps.resize((stop, *block.shape[1:]), refcheck=False)
        maps[start:stop] = block
        start = stop
    return maps


def _side_by_side(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """Arrays of shape (filters, patches) as one; None if one of them is missing."""
    found = [array for array in arrays if array is not None]
    if len(found) < len(arrays):
        return None
    return found[0] if len(found) == 1 else np.concatenate(found, axis=1)
