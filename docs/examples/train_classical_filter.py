"""Trains the classical filter that fixed-filter studies convolve with.

Section V-A of the paper (arXiv:2210.05443) takes its filter from a classical network. Here that
network is one convolution with a single 4x4 filter at stride 1, a ReLU, and a linear softmax
layer for the ten digits. Without the ReLU, convolution and last layer would merge into one linear
map, and the data would not single out any filter.

`python docs/examples/train_classical_filter.py` trains it on the MNIST images that come with the
package.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from noise_models.checks import whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)

KERNEL = (4, 4)
"""Rows and columns of the filter."""

DIGITS = 10

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Network:
    """One filter, a ReLU and a linear layer; also the shape of a gradient with respect to them.

    Attributes:
        kernel: The filter, shape (4, 4); cross-correlated with pixel values from 0 to 1.
        bias: Added to every value of the map, shape ().
        weights: From the map's values in raster order to the digits' scores, shape (n, 10).
        offsets: Added to the scores, shape (10,).
    """

    kernel: Array
    bias: Array
    weights: Array
    offsets: Array

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """All parameters, in the order and with the shapes of the fields."""
        return self.kernel, self.bias, self.weights, self.offsets

    def predict(self, pixels: Array) -> npt.NDArray[np.intp]:
        """The digit with the highest score for each image.

        Args:
            pixels: Shape (batch, rows, columns), from 0 to 1.

        Returns:
            Digits, shape (batch,).
        """
        maps = np.maximum(_windows(pixels) @ self.kernel.ravel() + self.bias, 0)
        return np.asarray((maps @ self.weights + self.offsets).argmax(axis=1))


@dataclass(frozen=True, eq=False)
class TrainedFilter:
    """A trained network with what is needed to train it again.

    Attributes:
        network: The network after the last epoch.
        train_accuracy: Fraction of its own training images that it classifies correctly.
        settings: Arguments of `train_classical_filter` and the number of images.
    """

    network: Network
    train_accuracy: float
    settings: dict[str, int | float]

    def accuracy(self, images: npt.ArrayLike, labels: npt.ArrayLike) -> float:
        """Fraction of images that the network classifies correctly.

        Args:
            images: Shape (n, rows, columns), 0 to 255, of the size it was trained on.
            labels: Digits, shape (n,).

        Raises:
            InputError: If the shapes or values do not fit.
        """
        pixels, digits = _checked(images, labels)
        found = (pixels.shape[1] - KERNEL[0] + 1) * (pixels.shape[2] - KERNEL[1] + 1)
        if found != len(self.network.weights):
            raise InputError(
                f"images of {pixels.shape[1]}x{pixels.shape[2]} pixels give maps of {found} "
                f"values and the network was trained on {len(self.network.weights)}: give images "
                f"of the same size."
            )
        return float((self.network.predict(pixels) == digits).mean())


def train_classical_filter(
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    epochs: int = 20,
    seed: int = 7,
    batch_size: int = 50,
    learning_rate: float = 0.003,
    progress: bool = False,
    callback: Callback | None = None,
) -> TrainedFilter:
    """Trains the network by Adam on mini-batches, minimising the mean cross-entropy.

    Args:
        images: Shape (n, rows, columns), 0 to 255.
        labels: Digits 0 to 9, shape (n,).
        epochs: Passes over the images, at least 1.
        seed: Of the initial parameters and of the order of the images; the same seed gives the
            same filter.
        batch_size: Images per step, at least 1; the last step of an epoch takes what is left.
        learning_rate: Adam's step size, above 0. It falls to zero along half a cosine.
        progress: Whether to show a bar, on a terminal or in a notebook.
        callback: Is told of each epoch, with its `loss`.

    Returns:
        The trained network.

    Raises:
        InputError: If the images or labels do not fit together, or a setting is out of range.
    """
    pixels, digits = _checked(images, labels)
    epochs = whole_number("epochs", epochs, 1)
    seed = whole_number("seed", seed, 0)
    batch_size = whole_number("batch_size", batch_size, 1)
    if not 0 < learning_rate < np.inf:
        raise InputError(
            f"learning_rate = {learning_rate!r} is not allowed: give a finite number above 0."
        )
    random = np.random.default_rng(seed)
    network = _initial_network(pixels.shape[1:], random)
    steps_per_epoch = -(-len(pixels) // batch_size)
    optimizers = [Adam(learning_rate) for _ in network.arrays()]
    taken, steps = 0, epochs * steps_per_epoch
    # tqdm's None means: only on a terminal.
    passes = Steps(_LOGGER, "train_classical_filter", epochs, "epochs", callback)
    for _ in passes if progress else range(epochs):
        losses = 0.0
        order = random.permutation(len(pixels))
        for batch in np.array_split(order, range(batch_size, len(order), batch_size)):
            loss, gradient = loss_and_gradient(network, pixels[batch], digits[batch])
            losses += loss * len(batch)
            for optimizer in optimizers:
                optimizer.rate = learning_rate * 0.5 * (1 + np.cos(np.pi * taken / steps))
            moves = map(Adam.step, optimizers, gradient.arrays())
            network = Network(*map(np.add, network.arrays(), moves))
            taken += 1
        passes.finished(loss=losses / len(pixels))
    return TrainedFilter(
        network=network,
        train_accuracy=float((network.predict(pixels) == digits).mean()),
        settings={
            "epochs": epochs,
            "seed": seed,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "training_images": len(pixels),
        },
    )


def loss_and_gradient(
    network: Network, pixels: Array, digits: npt.NDArray[np.intp]
) -> tuple[float, Network]:
    """Mean cross-entropy of a batch, and its gradient by back-propagation.

    Args:
        network: The parameters.
        pixels: Shape (batch, rows, columns), from 0 to 1.
        digits: The right answers, shape (batch,).

    Returns:
        The loss in nats, and the derivative with respect to every parameter.
    """
    windows = _windows(pixels)
    before = windows @ network.kernel.ravel() + network.bias
    maps = np.maximum(before, 0)
    scores = maps @ network.weights + network.offsets
    # Shifted scores keep the exponentials in range and change no probability.
    scores -= scores.max(axis=1, keepdims=True)
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    rows = np.arange(len(digits))
    loss = -float(log_probabilities[rows, digits].mean())

    to_scores = np.exp(log_probabilities)
    to_scores[rows, digits] -= 1
    to_scores /= len(digits)
    to_before = (to_scores @ network.weights.T) * (before > 0)
    return loss, Network(
        kernel=np.tensordot(to_before, windows, axes=2).reshape(KERNEL),
        bias=np.asarray(to_before.sum()),
        weights=maps.T @ to_scores,
        offsets=to_scores.sum(axis=0),
    )


def record(trained: TrainedFilter, test_accuracy: float, test_images: int) -> dict[str, Any]:
    """What is stored of a trained filter: plain data that `json` can write.

    Args:
        trained: The trained network.
        test_accuracy: Fraction of images outside the training set classified correctly.
        test_images: How many images that fraction is of.

    Returns:
        Kernel (4 lists of 4), bias, settings, accuracies and the version of NumPy used.
    """
    return {
        "kernel": trained.network.kernel.tolist(),
        "bias": float(trained.network.bias),
        "activation": "relu",
        **trained.settings,
        "test_images": test_images,
        "train_accuracy": trained.train_accuracy,
        "test_accuracy": test_accuracy,
        "numpy": np.__version__,
    }


def _initial_network(image_shape: tuple[int, ...], random: np.random.Generator) -> Network:
    """Random weights at the scale that keeps a ReLU's signal alive, and no offsets."""
    rows, columns = (size - side + 1 for size, side in zip(image_shape, KERNEL, strict=True))
    return Network(
        kernel=random.normal(scale=np.sqrt(2 / np.prod(KERNEL)), size=KERNEL),
        bias=np.zeros(()),
        weights=random.normal(scale=np.sqrt(1 / (rows * columns)), size=(rows * columns, DIGITS)),
        offsets=np.zeros(DIGITS),
    )


def _windows(pixels: Array) -> Array:
    """Every 4x4 window of each image, shape (batch, map values, 16)."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, KERNEL, axis=(1, 2))
    return windows.reshape(len(pixels), -1, KERNEL[0] * KERNEL[1])


def _checked(images: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.intp]]:
    """Pixels from 0 to 1 and labels as indices, or an InputError."""
    pixels = real_array("images", images)
    digits = np.asarray(labels)
    if pixels.ndim != 3 or len(pixels) == 0 or min(pixels.shape[1:]) < max(KERNEL):
        raise InputError(
            f"images have shape {pixels.shape}: give (n, rows, columns) with at least one image "
            f"of at least {KERNEL[0]}x{KERNEL[1]} pixels."
        )
    if not (pixels.min() >= 0 and pixels.max() <= 255):
        raise InputError(
            f"images range from {pixels.min()} to {pixels.max()}: give pixel values 0 to 255."
        )
    if digits.shape != pixels.shape[:1] or digits.dtype.kind not in "iu":
        raise InputError(
            f"labels have shape {digits.shape} and type {digits.dtype}: {len(pixels)} images need "
            f"integers of shape ({len(pixels)},)."
        )
    if digits.min() < 0 or digits.max() >= DIGITS:
        raise InputError(
            f"labels range from {digits.min()} to {digits.max()}: give digits 0 to {DIGITS - 1}."
        )
    return pixels / 255, digits.astype(np.intp)


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains the filter, prints its accuracy and writes it if asked to.

    Args:
        arguments: The command line without the program's name; None for the process's own.

    Returns:
        The exit code: 0, or 2 for bad input.
    """
    parser = argparse.ArgumentParser(
        prog="python docs/examples/train_classical_filter.py",
        description="Train a 4x4 classical filter on the MNIST images of the package.",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the filter here as JSON")
    parser.add_argument("--seed", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=20, help="default: %(default)s")
    options = parser.parse_args(arguments)
    train, test = load_mnist("train"), load_mnist("test")
    try:
        trained = train_classical_filter(
            train.images, train.labels, epochs=options.epochs, seed=options.seed, progress=True
        )
        test_accuracy = trained.accuracy(test.images, test.labels)
        if options.out is not None:
            written = json.dumps(record(trained, test_accuracy, len(test)), indent=2)
            options.out.write_text(f"{written}\n", encoding="utf-8")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"--out {options.out} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(f"train accuracy {trained.train_accuracy:.4f} ({len(train)} images)")
    print(f"test accuracy  {test_accuracy:.4f} ({len(test)} images)")
    print(np.array2string(trained.network.kernel, precision=3, suppress_small=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
