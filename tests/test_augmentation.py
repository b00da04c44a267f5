"""Images that are enlarged by copies: what they are, and that they are always the same."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from qucnn_cirq.augmentation import LARGEST_ROTATION, LARGEST_SHIFT, augmented
from qucnn_cirq.datasets import Images, load_mnist
from qucnn_cirq.errors import InputError

ORIGINALS = load_mnist("train", 30)


def test_originals_come_first_and_copies_have_their_labels() -> None:
    found = augmented(ORIGINALS, 75)
    np.testing.assert_array_equal(found.images[:30], ORIGINALS.images)
    np.testing.assert_array_equal(found.labels, np.tile(ORIGINALS.labels, 3)[:75])
    np.testing.assert_array_equal(augmented(ORIGINALS, 20).images, ORIGINALS.images[:20])


def test_an_image_is_the_same_whatever_the_count_and_another_with_another_seed() -> None:
    few, many = augmented(ORIGINALS, 45, seed=3), augmented(ORIGINALS, 95, seed=3)
    np.testing.assert_array_equal(few.images, many.images[:45])
    assert len({image.tobytes() for image in many.images}) == 95
    other = augmented(ORIGINALS, 45, seed=4).images
    assert (other[30:] != few.images[30:]).any(axis=(1, 2)).all()
    # Results of studies are used again: the copies of this version are those of later ones.
    assert zlib.crc32(few.images.tobytes()) == GOLDEN


GOLDEN = 4231319325


def test_copies_are_shifted_and_rotated_as_far_as_is_said() -> None:
    # Two blots on a row: their middle is shifted, and the line between them rotated.
    blots = np.zeros((1, 28, 28), np.uint8)
    blots[0, 13:15, 6:8] = blots[0, 13:15, 20:22] = 250
    copies = augmented(Images(blots, np.zeros(1, np.uint8)), 400).images[1:].astype(float)
    halves = np.stack([copies[:, :, :14], copies[:, :, 14:]])
    ink = halves.sum(axis=(2, 3))
    rows, columns = (
        halves.sum(axis=3) @ np.arange(28) / ink,
        halves.sum(axis=2) @ np.arange(14) / ink,
    )
    columns[1] += 14
    assert np.abs(ink / 1000 - 1).max() < 0.2
    shifts = np.abs(np.stack([rows.mean(axis=0), columns.mean(axis=0)]) - 13.5).max(axis=1)
    assert (shifts > 0.9 * LARGEST_SHIFT).all() and (shifts < LARGEST_SHIFT + 0.1).all()
    angles = np.rad2deg(np.arctan2(rows[1] - rows[0], columns[1] - columns[0]))
    assert 0.9 * LARGEST_ROTATION < angles.max() < LARGEST_ROTATION + 0.3
    assert -LARGEST_ROTATION - 0.3 < angles.min() < -0.9 * LARGEST_ROTATION


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ORIGINALS.images, 3), "images is a ndarray"),
        ((Images(np.zeros((0, 4, 4), np.uint8), np.zeros(0, np.uint8)), 3), "number of images = 0"),
        ((ORIGINALS, 0), "count = 0 is not allowed"),
        ((ORIGINALS, 40, -1), "seed = -1 is not allowed"),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        augmented(*arguments)
