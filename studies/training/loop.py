"""The training loop: mini-batches with Adam, a linear softmax layer behind the convolution."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from qucnn_cirq.convolution import ConvolutionSpec, extract_patches
from qucnn_cirq.engines.collected import await_counts
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps
from studies.sweep.study import Row
from studies.training.data import CLASSES
from studies.training.models import Model

Array = NDArray[np.float64]

_LOGGER = logging.getLogger(__name__)

_TEST_BLOCK = 1000
"""Test images whose maps are made at a time."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a classifier learns.

    Attributes:
        epochs: Passes over the training images.
        batch: Images of a step.
        rate: Adam's learning rate of the convolution; it falls to 0 along half a cosine.
        head_rate: That of the linear layer, likewise.
    """

    epochs: int
    batch: int
    rate: float
    head_rate: float


def train(
    model: Model,
    spec: ConvolutionSpec,
    images: Array,
    labels: NDArray[np.int64],
    schedule: Schedule,
    order: np.random.Generator,
    callback: Callback | None = None,
) -> tuple[list[Row], Array]:
    """Trains a convolution, whose weights it changes, and the linear layer behind it.

    Args:
        model: The convolution.
        spec: What it is.
        images: As for `Model.maps`.
        labels: Shape (batch,), from 0 to 9.
        schedule: How long and how fast.
        order: Draws the order of the images.
        callback: Is told of each epoch, with `loss` and `train_accuracy`.

    Returns:
        A row for each epoch; and the weights of the linear layer, the biases last.
    """
    one = extract_patches(images[:1], spec)
    head = np.zeros((spec.n_maps * one.rows * one.columns + 1, CLASSES))
    optimizers = Adam(schedule.rate), Adam(schedule.head_rate)
    count = len(images)
    steps = schedule.epochs * -(-count // schedule.batch)
    rows: list[Row] = []
    step = 0
    passes = Steps(_LOGGER, type(model).__name__, schedule.epochs, "epochs", callback)
    for epoch in passes:
        shuffled = order.permutation(count)
        losses, right = 0.0, 0
        for start in range(0, count, schedule.batch):
            chosen = np.sort(shuffled[start : start + schedule.batch])
            wanted = labels[chosen]
            maps = model.maps(images[chosen], chosen, step)
            inputs = _with_one(maps)
            scores = log_softmax(inputs @ head, axis=1)
            losses -= float(scores[np.arange(len(wanted)), wanted].sum())
            right += int((scores.argmax(axis=1) == wanted).sum())
            slope = (np.exp(scores) - np.eye(CLASSES)[wanted]) / len(wanted)
            upstream = (slope @ head[:-1].T).reshape(maps.shape)
            fade = 0.5 * (1 + np.cos(np.pi * step / steps))
            gradient = model.gradient(upstream, step)
            await_counts()
            model.weights = model.weights + fade * optimizers[0].step(gradient)
            head = head + fade * optimizers[1].step(inputs.T @ slope)
            step += 1
        reached = {"loss": losses / count, "train_accuracy": right / count}
        rows.append({"epoch": epoch + 1, **reached, "weights": model.weights.size})
        passes.finished(**reached)
    return rows, head


def count_correct(model: Model, head: Array, images: Array, labels: NDArray[np.int64]) -> int:
    """How many images are named right.

    Args:
        model: The trained convolution.
        head: The weights of the linear layer.
        images: As for `Model.maps`.
        labels: Shape (batch,), from 0 to 9.
    """
    correct = 0
    for start in range(0, len(images), _TEST_BLOCK):
        numbers = np.arange(start, min(start + _TEST_BLOCK, len(images)))
        predicted = (_with_one(model.maps(images[numbers], numbers, 0)) @ head).argmax(axis=1)
        correct += int((predicted == labels[numbers]).sum())
    return correct


def _with_one(maps: Array) -> Array:
    flat = maps.reshape(len(maps), -1)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
