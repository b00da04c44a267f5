"""The images of some digits, for training and for the test."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import whole_number
from qucnn_cirq.errors import InputError, shown
from studies.training.data import CLASSES, first_images

Array = NDArray[np.float64]

ALL = "all"
"""Stands for all digits."""


class Data(NamedTuple):
    """Images of some digits.

    Attributes:
        images: Values from 0 to 1, shape (n, rows, columns).
        labels: The digit of each, shape (n,).
    """

    images: Array
    labels: NDArray[np.int64]


def digits_of(key: str, value: Any) -> tuple[int, ...]:
    """Checks digits to be told apart.

    Args:
        key: The name of the setting, for the error.
        value: Two digits or more, or "all".

    Returns:
        The digits, ascending.

    Raises:
        InputError: If it is neither.
    """
    if value == ALL:
        return tuple(range(CLASSES))
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give two digits or more, such as [3, 6], or "
            '"all". On the command line a list is swept over: write [[3, 6]].'
        )
    digits = tuple(
        sorted(whole_number(f"a digit of {key}", each, 0, CLASSES - 1) for each in value)
    )
    if len(set(digits)) < len(digits):
        raise InputError(f"{key} = {shown(value)} has a digit twice: leave one out.")
    return digits


@functools.lru_cache(maxsize=8)
def selected(key: str, count: int, data: str | None, digits: tuple[int, ...]) -> Data:
    """Those of the first images of one part of a data set that show some digits.

    Args:
        key: "images", of those to train with, or "test_images".
        count: How many are looked at.
        data: As for `studies.images.select_images`.
        digits: The digits.

    Raises:
        InputError: If the data cannot be read, do not have so many images, or lack a digit.
    """
    images, labels = first_images(key, count, data)
    if images.ndim != 3:
        raise InputError(f"the systems study reads images of one channel, not {images.shape[1]}.")
    kept = np.isin(labels, digits)
    missing = sorted(set(digits) - set(labels[kept].tolist()))
    if missing:
        raise InputError(f"the first {key} = {count} show no {missing[0]}: take more images.")
    return Data(images[kept] / 255, labels[kept])
