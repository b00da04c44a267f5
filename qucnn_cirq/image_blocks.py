"""Images of any origin, cut into patches a block at a time."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qucnn_cirq.arrays import real_array
from qucnn_cirq.datasets import map_idx
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import Patches, check_shape, checked_images, cut
from qucnn_cirq.specification import ConvolutionSpec

BLOCK_ELEMENTS = 2**20
"""Numbers in the patches of one block, on which one thread works: 8 MiB, 65,536 patches of 4x4."""
_FEWEST_ELEMENTS = 2**17
_BLOCKS = 8
"""Few images make so many blocks, so that threads have work, unless blocks become too small."""
KEPT_ELEMENTS = 2**21
"""Numbers in the patches of a forward pass that are kept for its gradient: 16 MiB."""

ImagesLike = ArrayLike | str | os.PathLike[str] | Iterable[Any]
"""An array, the path of an IDX file, or images or batches of images one after the other."""


class ImageBlocks:
    """Images that are read, checked and cut into patches a block at a time.

    Args:
        images: One of

            - an array, or what has a shape and gives arrays for slices (a ``numpy.memmap``, a
              tensor, a data set of HDF5): shape (batch, rows, columns) or (batch, channels, rows,
              columns). It is never converted as a whole; nested lists of numbers are.
            - the path of an IDX file, which is mapped into memory, or unpacked there if it is gzip.
            - patches, which make one block.
            - another iterable: a list of arrays, a generator, a loader of batches without labels.
              Its items are images of shape (rows, columns), for one channel, or (channels, rows,
              columns), or batches of such images. All images are of one size.
        spec: Kernel, stride, padding and channels.

    Attributes:
        count: Number of images; None for iterables, whose images are counted as they are read.
        shape: Shape of one image; None for patches, and for iterables before they are read.
        is_lasting: Whether the images can be read again: not if the iterable is no list or tuple.

    Raises:
        InputError: If the images do not fit the specification, as far as can be told unread.
    """

    def __init__(self, images: ImagesLike | Patches, spec: ConvolutionSpec) -> None:
        self._spec = spec
        self._images: Any = images
        self.count: int | None = None
        self.shape: tuple[int, ...] | None = None
        self.is_lasting = True
        if isinstance(images, Patches):
            _check_patches(images, spec)
            self.count = images.batch
            return
        if isinstance(images, (str, os.PathLike)):
            self._images = map_idx(images)
        elif not _has_slices(images):
            if _has_items(images):
                self.is_lasting = isinstance(images, (list, tuple))
                return
            self._images = real_array("images", images)
        shape = tuple(int(size) for size in self._images.shape)
        check_shape(shape, spec)
        self.count, self.shape = shape[0], shape[1:]

    def patches(self, together: bool = False) -> Iterator[Patches]:
        """The patches of all images, one block after the other and at least one.

        Args:
            together: Whether all images make one block, however many they are.

        Raises:
            InputError: If images do not fit the specification, are not of one size or have a value
                that is NaN or infinite; it gives the number of the image among all.
        """
        if isinstance(self._images, Patches):
            yield self._images
            return
        held: list[NDArray[np.float64]] = []
        first = n_held = 0
        for key, batch in self._batches():
            largest = sys.maxsize if together else self._images_together(batch.shape)
            size, start = batch.shape[0], 0
            # Once for a batch of none, too: its type is checked as others' are.
            while start < size or start == size == 0:
                stop = min(size, start + largest - n_held)
                held.append(checked_images(batch[start:stop], self._spec, key, first + start))
                n_held += stop - start
                if n_held == largest:
                    yield cut(np.concatenate(held), self._spec)
                    held, n_held = [], 0
                start = max(stop, 1)
            first += size
        if not held and not first:
            raise InputError("images hold no image: give at least one.")
        if n_held or not first:
            yield cut(np.concatenate(held), self._spec)

    def _images_together(self, shape: tuple[int, ...]) -> int:
        """How many images make one block, at least one."""
        most, fewest = (
            images_in_block(self._spec, shape, elements)
            for elements in (BLOCK_ELEMENTS, _FEWEST_ELEMENTS)
        )
        share = most if self.count is None else -(-self.count // _BLOCKS)
        return min(most, max(share, fewest))

    def _batches(self) -> Iterator[tuple[str, Any]]:
        """What is read piece by piece, (batch, ...), and what errors call it."""
        if self.count is not None:
            yield "images", self._images
            return
        count = 0
        for item in self._images:
            key = f"image {count}"
            batch, is_single = self._batch(key, item)
            yield key if is_single else f"the batch from {key} on", batch
            count += int(batch.shape[0])

    def _batch(self, key: str, item: Any) -> tuple[Any, bool]:
        """An item of an iterable as a batch, and whether it is a single image."""
        if isinstance(item, (list, tuple)) and len(item) == 1:
            # A loader's batch of a data set that has nothing but images.
            item = item[0]
        if isinstance(item, (list, tuple)) and any(hasattr(part, "shape") for part in item):
            raise InputError(
                f"{key} is a {type(item).__name__} of arrays: give images without labels, as by "
                "(pixels for pixels, labels in loader)."
            )
        batch = item if _has_slices(item) else real_array(key, item)
        shape, channels = tuple(int(size) for size in batch.shape), self._spec.channels
        is_single = len(shape) == 2 or (len(shape) == 3 and shape[0] == channels)
        image = shape if is_single else shape[1:]
        if image[:-2] not in ([(), (1,)] if channels == 1 else [(channels,)]) or len(image) < 2:
            wanted = "(rows, columns)" if channels == 1 else f"({channels}, rows, columns)"
            raise InputError(
                f"{key} has shape {shape}: give images of shape {wanted}, or batches of them."
            )
        if self.shape is None:
            check_shape((1, *image), self._spec)
            self.shape = image
        if image[-2:] != self.shape[-2:]:
            raise InputError(
                f"{key} is of {image[-2]}x{image[-1]} and those before of "
                f"{self.shape[-2]}x{self.shape[-1]}: give images of one size."
            )
        return batch[None] if is_single else batch, is_single


def images_in_block(spec: ConvolutionSpec, shape: tuple[int, ...], elements: int) -> int:
    """How many images are in memory at once, at least one.

    Args:
        spec: Kernel, stride and padding.
        shape: That of the images, (..., rows, columns).
        elements: How many numbers their patches may have.

    Raises:
        InputError: If the kernel is larger than the padded images.
    """
    places = math.prod(spec.output_shape(*shape[-2:]))
    return max(1, elements // (places * spec.n_elements))


def _check_patches(patches: Patches, spec: ConvolutionSpec) -> None:
    found = patches.vectors.shape[1], patches.register_qubits
    if found != (spec.n_elements, spec.register_qubits):
        raise InputError(
            f"patches of {found[0]} elements on {found[1]} qubits; this layer takes "
            f"{spec.n_elements} on {spec.register_qubits}: extract them with its specification."
        )


def _has_slices(images: Any) -> bool:
    """Whether images can be read in slices, as arrays."""
    try:
        return len(images.shape) > 0 and len(images[:1].shape) == len(images.shape)
    except Exception:
        # A sparse tensor, say, has a shape and no slices; and any class may fail in its own way.
        return False


def _has_items(images: Any) -> bool:
    """Whether images are read one after the other: not if they are nested numbers, or none."""
    if isinstance(images, (list, tuple)):
        if not images:
            return True
        parts = images[0] if isinstance(images[0], (list, tuple)) else ()
        return hasattr(images[0], "shape") or any(map(_has_slices, parts))
    if isinstance(images, (bytes, bytearray, Mapping, Set, type)) or hasattr(images, "__array__"):
        return False
    return isinstance(images, Iterable)
