"""Samples in a random order, some at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def batches(order: np.random.Generator, count: int, size: int) -> list[npt.NDArray[np.intp]]:
    """The numbers of all samples, once each.

    Args:
        order: Draws the order.
        count: How many samples there are.
        size: How many are taken at a time; the last time there may be fewer.

    Returns:
        Numbers from 0 to `count` - 1, each of shape (size,).
    """
    drawn = order.permutation(count)
    return [drawn[start : start + size] for start in range(0, count, size)]
