"""The images of a training study: read, enlarged by copies, and counted."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.arrays import check_finite, real_array
from qucnn_cirq.augmentation import augmented
from qucnn_cirq.datasets import Images
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.image_blocks import ImageBlocks
from qucnn_cirq.patches import check_shape
from qucnn_cirq.specification import ConvolutionSpec
from studies.images import read_images, whole_labels

CLASSES = 10
LEAST_IMAGES = 10
_MOST_COUNTED = 2000
"""Images whose patches are counted; of more, the same part is taken to be blank."""


class Labelled(NamedTuple):
    """Images and what they show.

    Attributes:
        images: Shape (n, rows, columns) or (n, channels, rows, columns); uint8, else float64.
        labels: Shape (n,), from 0 to 9.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]


@functools.lru_cache(maxsize=2)
def training_set(count: int, originals: int | None, data: str | None, seed: int) -> Labelled:
    """The images that are trained with.

    Args:
        count: How many.
        originals: How many of them are of the data set, the others being copies; None for all.
        data: As for `studies.images.select_images`.
        seed: Seed of the copies.

    Raises:
        InputError: If the data cannot be read or copied, or do not have these images and labels.
    """
    key, wanted = ("images", count) if originals is None else ("originals", originals)
    given = first_images(key, wanted, data)
    if count == len(given.labels):
        return given
    enlarged = augmented(Images(given.images, given.labels.astype(np.uint8)), count, seed)
    return Labelled(enlarged.images, enlarged.labels.astype(np.int64))


def first_images(key: str, count: int, data: str | None) -> Labelled:
    """The first images of one part of a data set.

    Args:
        key: The setting that says how many: "images" or "originals", of those to train with, or
            "test_images".
        count: How many.
        data: As for `studies.images.select_images`.

    Raises:
        InputError: As `training_set` does.
    """
    split = "test" if key == "test_images" else "train"
    found, source = _all_images(split, data)
    if count > len(found.labels):
        advice = ", or set originals to have copies beyond" if key == "images" else ""
        raise InputError(
            f"{key} = {count} is more than the {len(found.labels)} {split} images in {source}: "
            f"give {LEAST_IMAGES} to {len(found.labels)}{advice}."
        )
    return Labelled(found.images[:count], found.labels[:count])


@functools.lru_cache(maxsize=4)
def _all_images(split: str, data: str | None) -> tuple[Labelled, str]:
    """All images of one part of a data set, and where they come from."""
    images, labels, source = read_images(split, data)
    if labels is None:
        raise InputError(
            f"{source} has no labels, and there is nothing to learn without: add them."
        )
    whole = whole_labels(labels, source)
    for label in whole[(whole < 0) | (whole >= CLASSES)][:1]:
        raise InputError(f"{source} holds the label {label}: give labels within 0..{CLASSES - 1}.")
    if images.dtype != np.uint8:
        images = real_array("images", images)
        check_finite("images have", images)
    return Labelled(images, whole), source


@functools.lru_cache(maxsize=8)
def data_digests(
    count: int, test_count: int, data: str | None, spec: ConvolutionSpec, copied: bool
) -> Mapping[str, str]:
    """Digests of the images and labels of a data set of the user's own.

    Args:
        count: Training images of the data set, from the first one.
        test_count: Test images.
        data: As for `studies.images.select_images`.
        spec: The convolution, which the images must fit.
        copied: Whether there are copies of the training images, which do not enter the digests.

    Returns:
        None of those that come with the package, which are always the same.

    Raises:
        InputError: If the data do not have these images and labels, have the same for training and
            for the test, do not fit the convolution, or cannot be copied.
    """
    parts = [
        first_images("originals" if copied else "images", count, data),
        first_images("test_images", test_count, data),
    ]
    for images, _ in parts:
        check_shape(images.shape, spec)
    pixels = parts[0].images
    if copied and (pixels.ndim != 3 or pixels.dtype != np.uint8):
        raise InputError(
            f"originals = {count} asks for copies of images of shape {pixels.shape} and type "
            f"{pixels.dtype}: give uint8 of shape (n, rows, columns), or leave it out."
        )
    sizes = ["x".join(map(str, images.shape[-2:])) for images, _ in parts]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"data = {shown(data, 60)} has images of {sizes[0]} for training and of {sizes[1]} for "
            "the test: give images of one size."
        )
    if data is None:
        return {}
    if np.array_equal(_all_images("train", data)[0].images, _all_images("test", data)[0].images):
        raise InputError(
            f"data = {shown(data, 60)} has the same images for training and for the test: give a "
            "folder of IDX files, or a .npz file with train_images and test_images."
        )
    content = hashlib.sha256()
    for array in itertools.chain(*parts):
        content.update(array.tobytes())
    return {"images": content.hexdigest()}


@functools.lru_cache(maxsize=8)
def occupied(split: str, count: int, data: str | None, spec: ConvolutionSpec) -> int:
    """How many patches of the first images of a part of a data set are not blank.

    Args:
        split: "train" or "test".
        count: How many images, copies included.
        data: As for `first_images`.
        spec: What cuts the patches.

    Returns:
        The exact number of few images, and about that of many.

    Raises:
        InputError: If the images do not fit the convolution.
    """
    images = _all_images(split, data)[0].images[: min(count, _MOST_COUNTED)]
    found = sum(patches.n_occupied for patches in ImageBlocks(images, spec).patches())
    return found * count // len(images)
