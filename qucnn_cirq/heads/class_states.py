"""One trained state a class; the class of a sample is the state that it overlaps most."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable

import numpy as np
from scipy.special import log_softmax, softmax

from noise_models.checks import instance_of, one_of, real_number, whole_number
from qucnn_cirq.encodings import Encoding
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter, XZAnsatz
from qucnn_cirq.heads.batches import batches
from qucnn_cirq.heads.features import encoded
from qucnn_cirq.heads.learner import Array, Classifier, Numbers
from qucnn_cirq.heads.overlaps import TWO_A_QUBIT, IdealOverlaps, Overlaps, SampledOverlaps
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)

TRAININGS = ("cross_entropy", "own_class")

_LEAST = 1e-16
"""The least overlap of which a logarithm is taken, also where an estimate is negative."""


class QuClassiClassifier(Classifier):
    """Class states after S. Stein et al., "QuClassi", arXiv:2103.11307.

    The probability of a class is in proportion to exp(offset) F^sharpness, with F its overlap.
    There are two trainings:

    - "own_class", the authors' rule: each class lowers -log F of its own samples alone. A
      parameter's derivative is taken as half the difference of -log F at both sides, which are
      (pi/2)/sqrt(1 + epoch) away. That is not the shift rule, and only for small shifts in
      proportion to the derivative. Each batch takes a step by the sum over its samples, times the
      rate. All that is needed are overlaps, also estimated ones. Offsets are 0 and the sharpness
      is 1: the likeliest class is the one of the largest overlap.
    - "cross_entropy": classes compete. The mean of -log of the right class's probability is
      lowered by its exact gradient with Adam, by the sharpness and the offsets, too.

    Args:
        body: What prepares a class's state from |0...0>; None for RY and RZ on each qubit.
        encoding: Makes states of features, see `qucnn_cirq.encodings`; by default two a qubit.
        training: "cross_entropy" or "own_class".
        epochs: Passes over the samples; None for 100, or for 25 of "own_class".
        batch: Samples of a step; None for 100, or for 1 of "own_class".
        rate: Learning rate; None for 0.02, or for 0.01 of "own_class".
        shots: With what SWAP tests estimate overlaps in "own_class"; None for ideal ones.
        overlaps: Gives overlaps in place of linear algebra for "own_class" and for predictions,
            such as `LayerOverlaps`.
        seed: Of initial angles, of the order of samples and of shots.

    Attributes:
        parameters_: Angles of the classes' states, shape (classes, parameters).
        sharpness_: The power of overlaps.
        offsets_: Of the classes, shape (classes,).
        losses_: The loss of each epoch: the mean of -log F of a sample's own class, or the
            cross entropy.
    """

    def __init__(
        self,
        body: Filter | None = None,
        encoding: Encoding = TWO_A_QUBIT,
        training: str = "cross_entropy",
        epochs: int | None = None,
        batch: int | None = None,
        rate: float | None = None,
        shots: int | None = None,
        overlaps: Overlaps | None = None,
        seed: int = 0,
    ) -> None:
        self.body = body
        self.encoding = encoding
        self.training = training
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.shots = shots
        self.overlaps = overlaps
        self.seed = seed

    def overlaps_of(self, features: Array) -> Array:
        """F of each class's state with each sample, shape (samples, classes).

        Args:
            features: Shape (samples, features).
        """
        checked = self._further_features(features)
        given = self._ideal if self.overlaps is None else self.overlaps
        return given(self.parameters_, checked).T

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        is_own = one_of("training", self.training, TRAININGS) == "own_class"
        epochs = whole_number("epochs", _or(self.epochs, 25 if is_own else 100), 1)
        batch = whole_number("batch", _or(self.batch, 1 if is_own else 100), 1)
        rate = real_number("rate", _or(self.rate, 0.01 if is_own else 0.02), 0.0, 10.0)
        if self.shots is not None and not is_own:
            raise InputError(
                "shots are estimates' and training = 'cross_entropy' is exact: leave them out."
            )
        body = XZAnsatz(1, ("y", "z"), "none") if self.body is None else self.body
        instance_of("body", body, Filter, "a filter's class")
        n_qubits = encoded(self.encoding, features[:1]).shape[1].bit_length() - 1
        initial, order, shots = (
            np.random.default_rng(each)
            for each in np.random.SeedSequence(whole_number("seed", self.seed, 0)).spawn(3)
        )
        self._ideal = IdealOverlaps(body, n_qubits, self.encoding)
        shape = len(self.classes_), body.n_parameters(n_qubits)
        passes = Steps(
            _LOGGER,
            type(self).__name__,
            epochs * (len(self.classes_) if is_own else 1),
            "epochs",
            callback,
        )
        start = initial.uniform(0, 2 * np.pi, shape)
        if not is_own:
            self._compete(start, features, numbers, passes, (batch, rate), order)
            return
        given: Overlaps = self._ideal if self.overlaps is None else self.overlaps
        if self.shots is not None:
            given = SampledOverlaps(given, self.shots, shots)
        # One bar for all classes, one class after the other.
        all_epochs = iter(passes)
        fitted = [
            _fitted_alone(
                given,
                row,
                features[numbers == number],
                itertools.islice(all_epochs, epochs),
                passes,
                (batch, rate),
                order,
            )
            for number, row in enumerate(start)
        ]
        self.parameters_ = np.array([parameters for parameters, _ in fitted])
        self.sharpness_, self.offsets_ = 1.0, np.zeros(len(fitted))
        self.losses_ = np.average(
            [losses for _, losses in fitted], axis=0, weights=np.bincount(numbers)
        )

    def _compete(
        self,
        parameters: Array,
        features: Array,
        numbers: Numbers,
        passes: Steps,
        schedule: tuple[int, float],
        order: np.random.Generator,
    ) -> None:
        """Lowers the cross entropy by exact gradients."""
        batch, rate = schedule
        encoded = self._ideal.encoded(features)
        of_states, of_scores = Adam(rate), Adam(rate)
        # The logarithm of the sharpness, and the offsets.
        scoring = np.zeros(1 + len(parameters))
        losses = []
        for _ in passes:
            loss = 0.0
            for chosen in batches(order, len(features), batch):
                products, slopes = self._ideal.amplitudes(parameters, encoded[chosen])
                overlaps = np.maximum(products.real**2 + products.imag**2, _LEAST)
                own = numbers[chosen], np.arange(len(chosen))
                sharpness, sharpened = np.exp(scoring[0]), np.log(overlaps)
                sharpened *= sharpness
                likely = log_softmax(sharpened + scoring[1:, None], axis=0)
                loss -= float(likely[own].sum())
                by_scores = np.exp(likely)
                by_scores[own] -= 1
                by_scores /= len(chosen)
                by_scoring = [(by_scores * sharpened).sum(), *by_scores.sum(axis=1)]
                parameters = parameters + of_states.step(slopes(sharpness * by_scores / overlaps))
                scoring = scoring + of_scores.step(np.array(by_scoring))
            losses.append(loss / len(features))
            passes.finished(loss=losses[-1])
        self.parameters_, self.losses_ = parameters, np.array(losses)
        self.sharpness_, self.offsets_ = float(np.exp(scoring[0])), scoring[1:]

    def _probabilities(self, features: Array) -> Array:
        logarithms = np.log(np.maximum(self.overlaps_of(features), _LEAST))
        shares: Array = softmax(self.sharpness_ * logarithms + self.offsets_, axis=1)
        return shares


def _fitted_alone(
    overlaps: Overlaps,
    parameters: Array,
    features: Array,
    epochs: Iterable[int],
    passes: Steps,
    schedule: tuple[int, float],
    order: np.random.Generator,
) -> tuple[Array, list[float]]:
    """The authors' rule for one class: its parameters, and the loss of each epoch."""
    batch, rate = schedule
    losses = []
    for epoch, _ in enumerate(epochs):
        shift = np.pi / 2 / np.sqrt(1 + epoch) * np.eye(len(parameters))
        loss = 0.0
        for chosen in batches(order, len(features), batch):
            # Both sides of every parameter, and the loss where they are.
            rows = np.concatenate([parameters + shift, parameters - shift, parameters[None]])
            lost = -np.log(np.maximum(overlaps(rows, features[chosen]), _LEAST)).sum(axis=1)
            ahead, behind = lost[:-1].reshape(2, -1)
            loss += float(lost[-1])
            parameters = parameters - rate * (ahead - behind) / 2
        losses.append(loss / len(features))
        passes.finished(loss=losses[-1])
    return parameters, losses


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given
