"""Neurons with weights +-1, whose outputs are overlaps, and a linear head behind them."""

from __future__ import annotations

import logging

import numpy as np
from scipy.special import log_softmax, softmax

from noise_models.checks import one_of, real_number, whole_number
from qucnn_cirq.heads.batches import batches
from qucnn_cirq.heads.features import unit_rows
from qucnn_cirq.heads.learner import Array, Classifier, Numbers
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)

WEIGHTS = ("binary", "real")

_STEADY = 1e-5
"""Added to variances, of which the root divides."""


class BinaryClassifier(Classifier):
    """The layer U-LYR of W. Jiang, J. Xiong and Y. Shi, "QuantumFlow", Nat. Commun. 12, 579 (2021).

    Features are the 2^k amplitudes of a state of length 1. A neuron with weights w of +-1 puts out
    (w.x)^2 / 2^k, which is the overlap F(x, w / 2^(k/2)): the filter is `FixedFilter(w)`, prepared
    by sign flips alone. Outputs are brought to mean 0 and variance 1, as batch normalisation does,
    and a linear head makes classes of them.

    Weights are the signs of real ones, which are trained as if they were used themselves
    (straight-through gradient) as long as they are within -1..1.

    Args:
        neurons: How many.
        weights: "binary"; or "real", the control of the same shape: unit vectors.
        epochs: Passes over the samples.
        batch: Samples of a step.
        rate: Learning rate of Adam.
        seed: Of initial weights and of the order of samples.

    Attributes:
        filters_: Unit vectors, of which the overlaps are taken, shape (neurons, 2^k).
        head_: The linear head, the offsets last, shape (neurons + 1, classes).
        losses_: The mean cross entropy of each epoch.
    """

    def __init__(
        self,
        neurons: int = 4,
        weights: str = "binary",
        epochs: int = 100,
        batch: int = 32,
        rate: float = 0.02,
        seed: int = 0,
    ) -> None:
        self.neurons = neurons
        self.weights = weights
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.seed = seed

    def outputs(self, features: Array) -> Array:
        """The overlaps of the neurons, shape (samples, neurons).

        Args:
            features: Shape (samples, features).
        """
        return self._outputs(unit_rows(self._further_features(features)))

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        neurons = whole_number("neurons", self.neurons, 1)
        is_binary = one_of("weights", self.weights, WEIGHTS) == "binary"
        epochs, batch = whole_number("epochs", self.epochs, 1), whole_number("batch", self.batch, 1)
        rate = real_number("rate", self.rate, 0.0, 10.0)
        seeds = np.random.SeedSequence(whole_number("seed", self.seed, 0)).spawn(2)
        initial, order = (np.random.default_rng(each) for each in seeds)
        states = unit_rows(features)
        hidden = initial.uniform(-1, 1, (neurons, states.shape[1]))
        head = initial.normal(0, 0.1, (neurons + 1, len(self.classes_)))
        of_hidden, of_head = Adam(rate), Adam(rate)
        wanted = np.eye(len(self.classes_))[numbers]
        losses = []
        passes = Steps(_LOGGER, type(self).__name__, epochs, "epochs", callback)
        for _ in passes:
            loss = 0.0
            for chosen in batches(order, len(states), batch):
                filters = _unit_filters(hidden, is_binary)
                lost, by_filters, by_head = _slopes(filters, head, states[chosen], wanted[chosen])
                loss += lost
                hidden = hidden + of_hidden.step(_through(by_filters, hidden, filters, is_binary))
                if is_binary:
                    hidden = hidden.clip(-1, 1)
                head = head + of_head.step(by_head)
            losses.append(loss / len(states))
            passes.finished(loss=losses[-1])
        self.filters_, self.head_ = _unit_filters(hidden, is_binary), head
        outputs = self._outputs(states)
        self._mean, self._width = outputs.mean(axis=0), np.sqrt(outputs.var(axis=0) + _STEADY)
        self.losses_ = np.array(losses)

    def _outputs(self, states: Array) -> Array:
        outputs: Array = (states @ self.filters_.T) ** 2
        return outputs

    def _probabilities(self, features: Array) -> Array:
        scaled = (self._outputs(unit_rows(features)) - self._mean) / self._width
        found: Array = softmax(_with_one(scaled) @ self.head_, axis=1)
        return found


def _unit_filters(hidden: Array, is_binary: bool) -> Array:
    if is_binary:
        signs: Array = np.where(hidden < 0, -1.0, 1.0) / np.sqrt(hidden.shape[1])
        return signs
    found: Array = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    return found


def _through(by_filters: Array, hidden: Array, filters: Array, is_binary: bool) -> Array:
    """Derivatives by the weights behind the filters."""
    if is_binary:
        scaled: Array = by_filters / np.sqrt(hidden.shape[1])
        return scaled
    along = (by_filters * filters).sum(axis=1, keepdims=True) * filters
    found: Array = (by_filters - along) / np.linalg.norm(hidden, axis=1, keepdims=True)
    return found


def _slopes(
    filters: Array, head: Array, states: Array, wanted: Array
) -> tuple[float, Array, Array]:
    """The sum of the cross entropy, and the derivatives of its mean by filters and by the head.

    Args:
        filters: Shape (neurons, 2^k).
        head: Shape (neurons + 1, classes).
        states: Shape (samples, 2^k).
        wanted: Shape (samples, classes).
    """
    products = states @ filters.T
    outputs = products**2
    width = np.sqrt(outputs.var(axis=0) + _STEADY)
    scaled = (outputs - outputs.mean(axis=0)) / width
    inputs = _with_one(scaled)
    scores = log_softmax(inputs @ head, axis=1)
    by_scores = (np.exp(scores) - wanted) / len(states)
    by_scaled = by_scores @ head[:-1].T
    # Mean and variance depend on each sample, too.
    by_outputs = by_scaled - by_scaled.mean(axis=0) - scaled * (by_scaled * scaled).mean(axis=0)
    by_filters = (2 * products * by_outputs / width).T @ states
    return float(-(scores * wanted).sum()), by_filters, inputs.T @ by_scores


def _with_one(values: Array) -> Array:
    return np.column_stack([values, np.ones(len(values))])
