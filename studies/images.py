"""Images for a study: those that come with the package, IDX files, or NumPy files."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qucnn_cirq.array_files import read_arrays
from qucnn_cirq.arrays import real_array
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.patches import Patches, extract_patches
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


@functools.lru_cache(maxsize=8)
def occupied_patches(
    split: str, first: int, count: int, data: str | None, convolution: ConvolutionSpec
) -> Patches:
    """The patches of images, kept for points that cut the same ones.

    Args:
        split: As for `select_images`.
        first: As for `select_images`.
        count: As for `select_images`.
        data: As for `select_images`.
        convolution: What cuts the patches.

    Raises:
        InputError: If the images do not fit the convolution or all patches are blank.
    """
    patches = extract_patches(selected(split, first, count, data).images, convolution)
    if patches.n_occupied == 0:
        raise InputError(
            f"every patch of the {patches.batch} image(s) is all zero, so that no circuit would "
            "be run: choose other images."
        )
    return patches


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
