"""The numbers that a user identifies images by, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models.checks import LARGEST_COUNT
from qucnn_cirq.errors import InputError


def checked_ids(image_ids: ArrayLike, batch: int | None) -> NDArray[np.int64]:
    """As many numbers as there are images, or any number if these are counted later.

    Args:
        image_ids: Whole numbers from 0 to 2^63 - 1, shape (batch,).
        batch: How many images there are; None if that is not known yet.

    Raises:
        InputError: If they are others.
    """
    try:
        ids = np.asarray(image_ids)
    except Exception:
        ids = np.empty(0)
    wrong = ids.shape != (ids.size if batch is None else batch,)
    wrong = wrong or (ids.size > 0 and ids.dtype.kind not in "iu")
    if wrong or (ids < 0).any() or (ids > LARGEST_COUNT).any() or np.ma.is_masked(image_ids):
        wanted = "" if batch is None else f"{batch} "
        raise InputError(
            f"image_ids must be {wanted}whole numbers, at least 0 and below 2^63, one an image; "
            "angles of filters are the layer's parameters."
        )
    return ids.astype(np.int64)


def check_number_of_ids(ids: NDArray[np.int64] | None, batch: int, is_last: bool) -> None:
    """Refuses too few numbers for the images so far, and too many for all of them.

    Args:
        ids: The numbers, shape (images,), or None.
        batch: How many images were met.
        is_last: Whether these are all.

    Raises:
        InputError: With both numbers.
    """
    if ids is not None and (len(ids) < batch or (is_last and len(ids) > batch)):
        raise InputError(
            f"image_ids are {len(ids)} and images {batch}{'' if is_last else ' or more'}: give one "
            "an image."
        )
