"""Images for a study: those that come with the package, IDX files, or NumPy files."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qucnn_cirq import image_blocks
from qucnn_cirq.array_files import read_arrays
from qucnn_cirq.arrays import real_array
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.forward_pass import grid_of
from qucnn_cirq.image_blocks import images_in_block
from qucnn_cirq.patch_grid import Occupancy, PatchGrid
from qucnn_cirq.patches import Patches, check_shape, checked_images, cut
from qucnn_cirq.specification import ConvolutionSpec


@dataclass(frozen=True, eq=False)
class Selection:
    """Consecutive images of a data set.

    Attributes:
        images: Shape (n, rows, columns) or (n, channels, rows, columns), float64.
        labels: What they show, shape (n,), or None if that is not known.
        ids: Their positions in the data set, shape (n,).
    """

    images: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64] | None
    ids: npt.NDArray[np.int64]


def select_images(split: str, first: int, count: int, data: str | None) -> Selection:
    """Loads consecutive images.

    Args:
        split: "train" or "test".
        first: Position of the first image in the data set.
        count: How many images.
        data: None for the images that come with the package; a folder or file in MNIST's IDX
            format; a `.npy` file of images; or a `.npz` file with the array `images`, or
            `train_images` and `test_images`, and labels named alike if there are any.

    Raises:
        InputError: If the data cannot be read or do not have these images.
    """
    images, labels, source = read_images(split, data)
    if first + count > len(images):
        raise InputError(
            f"first = {first} and images = {count} reach beyond the {len(images)} {split} images "
            f"in {source}: first + images is at most {len(images)}."
        )
    chosen = slice(first, first + count)
    return Selection(
        images=real_array("images", images[chosen]),
        labels=None if labels is None else whole_labels(labels[chosen], source),
        ids=np.arange(first, first + count),
    )


def read_images(
    split: str, data: str | None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, str]:
    """Loads all images of a part of a data set, as they are stored.

    Args:
        split: As for `select_images`.
        data: As for `select_images`.

    Returns:
        The images; the labels, shape (n,), or None if they are not known; and where they come
        from, for errors.

    Raises:
        InputError: If the data cannot be read.
    """
    if data is not None and Path(data).suffix.lower() in (".npy", ".npz"):
        images, labels = _from_numpy(Path(data), split)
    else:
        loaded = load_mnist(split, path=data)
        images, labels = loaded.images, loaded.labels
    source = "the package's part of MNIST" if data is None else data
    if images.ndim not in (3, 4):
        raise InputError(
            f"{source} holds images of shape {images.shape}: give (batch, rows, columns) or "
            f"(batch, channels, rows, columns)."
        )
    if labels is not None and labels.shape != images.shape[:1]:
        raise InputError(
            f"{source} holds {len(images)} images and labels of shape {labels.shape}: give one "
            f"label an image."
        )
    return images, labels, source


def images_of(settings: Any) -> tuple[str, int, int, str | None]:
    """The first arguments of `select_images` and of the functions below.

    Args:
        settings: Those of a point, with `split`, `first`, `images` and `data`.
    """
    return settings.split, settings.first, settings.images, settings.data


selected = functools.lru_cache(maxsize=8)(select_images)
"""What `select_images` gives, kept for points of a sweep that read the same images."""


class PatchBlocks:
    """The images of a point, cut into patches a block of images at a time.

    Images whose patches have at most `qucnn_cirq.image_blocks.KEPT_ELEMENTS` numbers make one
    block, which is kept for points that cut the same ones, as are its loading angles. Of more
    images, blocks of `BLOCK_ELEMENTS` numbers are cut anew whenever they are met, and memory does
    not grow with their number. Random streams belong to images: no estimate depends on the blocks.

    Args:
        selection: The images.
        convolution: What cuts the patches.

    Attributes:
        selection: The images.
        grid: Where all patches are in maps, and which of them are blank.

    Raises:
        InputError: If the images do not fit the convolution.
    """

    def __init__(self, selection: Selection, convolution: ConvolutionSpec) -> None:
        self.selection = selection
        self._spec = convolution
        shape = selection.images.shape
        check_shape(shape, convolution)
        self._is_kept = shape[0] <= images_in_block(convolution, shape, image_blocks.KEPT_ELEMENTS)
        limit = image_blocks.BLOCK_ELEMENTS
        self._size = shape[0] if self._is_kept else images_in_block(convolution, shape, limit)
        self._starts = range(0, shape[0], self._size)
        self.grid: PatchGrid = grid_of(
            [Occupancy(each.blank, each.batch, each.rows, each.columns) for _, each in self]
        )

    def __iter__(self) -> Iterator[tuple[Selection, Patches]]:
        """The images of each block, and their patches."""
        for start in self._starts:
            yield self._images(start), self._patches(start)

    @property
    def block_bytes(self) -> int:
        """Bytes of the states of the patches of a block, at most."""
        in_block = min(self.grid.n_occupied, self._size * self.grid.rows * self.grid.columns)
        return int(in_block * 8 * 2**self._spec.register_qubits)

    def states(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Unit vectors of a few of the patches that are not blank.

        Args:
            rows: Which of them, ascending.

        Returns:
            Shape (rows, 2^n).
        """
        per_image = np.count_nonzero(~self.grid.blank.reshape(self.grid.batch, -1), axis=1)
        firsts = np.concatenate([[0], np.cumsum(np.add.reduceat(per_image, self._starts))])
        found = []
        for number in np.unique(np.searchsorted(firsts, rows, side="right") - 1):
            own = rows[(firsts[number] <= rows) & (rows < firsts[number + 1])]
            found.append(self._patches(self._starts[number]).states[own - firsts[number]])
        return np.concatenate(found)

    def _images(self, start: int) -> Selection:
        whole, own = self.selection, slice(start, start + self._size)
        labels = None if whole.labels is None else whole.labels[own]
        return Selection(whole.images[own], labels, whole.ids[own])

    def _patches(self, start: int) -> Patches:
        return _kept(self, start) if self._is_kept else self._cut(start)

    def _cut(self, start: int) -> Patches:
        images = checked_images(self._images(start).images, self._spec, first=start)
        return cut(images, self._spec)


_kept = functools.lru_cache(maxsize=8)(PatchBlocks._cut)


@functools.lru_cache(maxsize=8)
def occupied_patches(
    split: str, first: int, count: int, data: str | None, convolution: ConvolutionSpec
) -> PatchBlocks:
    """The patches of images, in blocks, kept for points that cut the same ones.

    Args:
        split: As for `select_images`.
        first: As for `select_images`.
        count: As for `select_images`.
        data: As for `select_images`.
        convolution: What cuts the patches.

    Raises:
        InputError: If the images do not fit the convolution or all patches are blank.
    """
    blocks = PatchBlocks(selected(split, first, count, data), convolution)
    if blocks.grid.n_occupied == 0:
        raise InputError(
            f"every patch of the {blocks.grid.batch} image(s) is all zero, so that no circuit "
            "would be run: choose other images."
        )
    return blocks


def side_by_side(
    blocks: Iterable[Mapping[str, npt.NDArray[Any]]],
) -> dict[str, npt.NDArray[Any]]:
    """Arrays of blocks of patches as those of all patches.

    Args:
        blocks: For each block arrays by name, of shape (..., patches) or (..., anything else).

    Returns:
        Those that every block has, by name, joined along the last axis.
    """
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    n_blocks = 0
    for block in blocks:
        n_blocks += 1
        for name, array in block.items():
            parts.setdefault(name, []).append(array)
    shared = [name for name, arrays in parts.items() if len(arrays) == n_blocks]
    # One name after the other, whose parts go before the next is joined.
    return {name: np.concatenate(parts.pop(name), axis=-1) for name in shared}


@functools.lru_cache(maxsize=8)
def data_digest(
    split: str, first: int, count: int, data: str | None, convolution: ConvolutionSpec
) -> str:
    """The SHA-256 of images and labels, in hexadecimal digits.

    Args:
        split: As for `select_images`.
        first: As for `select_images`.
        count: As for `select_images`.
        data: As for `select_images`.
        convolution: One that the images must fit; it does not enter the digest.

    Raises:
        InputError: If the images cannot be read or do not fit the convolution.
    """
    occupied_patches(split, first, count, data, convolution)
    selection = selected(split, first, count, data)
    digest = hashlib.sha256(selection.images.tobytes())
    if selection.labels is not None:
        digest.update(selection.labels.tobytes())
    return digest.hexdigest()


def whole_labels(labels: npt.NDArray[Any], source: str) -> npt.NDArray[np.int64]:
    """Labels as they are counted: whole numbers, whatever their type.

    Args:
        labels: Those of images, of any shape.
        source: Where they come from, for the error.

    Raises:
        InputError: If one is no whole number.
    """
    numbers = real_array(f"{source}: labels", labels)
    wrong = numbers[(numbers != np.rint(numbers)) | ~(np.abs(numbers) < 2**53)]
    if wrong.size:
        raise InputError(f"{source} holds the label {wrong[0]:g}: give whole numbers.")
    return numbers.astype(np.int64)


def _from_numpy(path: Path, split: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    content = read_arrays(path)
    if not isinstance(content, dict):
        return content, None
    for prefix in ("", f"{split}_"):
        if f"{prefix}images" in content:
            return content[f"{prefix}images"], content.get(f"{prefix}labels")
    found = ", ".join(content) or "nothing"
    raise InputError(
        f"{path} has no array 'images' or '{split}_images' (found: {found}): add one of them."
    )
