"""Data augmentation: more images to train on, made from those there are."""

from __future__ import annotations

import numpy as np

from noise_models.checks import LARGEST_SEED, instance_of, whole_number
from qucnn_cirq.datasets import Images

LARGEST_SHIFT = 2.0
"""Pixels by which a copy is shifted at most, along rows and along columns."""
LARGEST_ROTATION = 10.0
"""Degrees by which a copy is rotated at most, about the middle of the image, either way."""


def augmented(images: Images, count: int, seed: int = 0) -> Images:
    """Images, followed by copies of them that are shifted and rotated a little.

    Image k is the k-th of the n that are given or, from k = n on, a copy of image k mod n: rotated
    and shifted by angles and parts of pixels that are drawn uniformly, read between its pixels by
    bilinear interpolation, with 0 beyond its edges. Whatever the count, image k is the same. It
    takes some 60 microseconds a copy.

    Args:
        images: What is copied, at least one image.
        count: How many images to return, at least 1; up to n there are no copies.
        seed: Seed of the draws, which derive from it and from k.

    Returns:
        The images and their labels, a byte a pixel.

    Raises:
        InputError: If an argument is outside its range.
    """
    # SciPy's image filters take a fifth of a second to import.
    from scipy.ndimage import affine_transform

    n_given = len(instance_of("images", images, Images, "load_mnist()"))
    whole_number("number of images", n_given, 1)
    count = whole_number("count", count, 1)
    seed = whole_number("seed", seed, 0, LARGEST_SEED)
    shape = images.images.shape[1:]
    numbers = np.arange(count)
    pixels = np.empty((count, *shape), np.uint8)
    pixels[:n_given] = images.images[:count]
    centre = (np.array(shape) - 1) / 2
    for number in numbers[n_given:]:
        draws = np.random.default_rng([seed, int(number)])
        angle = np.deg2rad(draws.uniform(-LARGEST_ROTATION, LARGEST_ROTATION))
        shift = draws.uniform(-LARGEST_SHIFT, LARGEST_SHIFT, 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        # Where each pixel of the copy is read.
        start = centre - turn @ (centre + shift)
        original = images.images[number % n_given]
        affine_transform(original, turn, start, output=pixels[number], order=1)
    return Images(pixels, images.labels[numbers % n_given])
