"""A trained circuit on the register of data, of which a few qubits are read."""

from __future__ import annotations

import logging
from collections.abc import Callable

import cirq
import numpy as np

from noise_models.checks import instance_of, one_of, real_number, whole_number
from qucnn_cirq.adjoint import BlockedCircuit, States, gradients, means
from qucnn_cirq.encodings import AMPLITUDES, Encoding
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.heads.batches import batches
from qucnn_cirq.heads.features import encoded
from qucnn_cirq.heads.learner import Array, Classifier, Numbers
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps

_LOGGER = logging.getLogger(__name__)

LOSSES = ("cross_entropy", "mean_square")

_LEAST = 1e-12
"""The least probability of which a logarithm is taken."""


class BodyClassifier(Classifier):
    """The outcomes of the qubits that are read stand for the classes.

    The first outcome, all zeros, is that of the first class. Where there are more outcomes than
    classes the probabilities of the first ones are divided by their sum. The qubits that are not
    read are forgotten, which is what pooling does to them.

    Args:
        body: The circuit; its parameters are trained by exact gradients.
        read: The qubits that are read, most significant first; None for the last ones, as many as
            the classes need.
        encoding: Makes states of features, see `qucnn_cirq.encodings`; by default features are
            amplitudes, of length 1.
        loss: Of the probabilities p: "cross_entropy", the mean of -log p of the right class, or
            "mean_square", the mean over samples of the sum of (p - 1)^2 for the right class and
            of p^2 for the others.
        epochs: Passes over the samples.
        batch: Samples of a step.
        rate: Learning rate of Adam.
        outcomes: Gives the probabilities of the outcomes of the qubits that are read, shape
            (outcomes, samples), of parameters, shape (parameters,), and of features, shape
            (samples, features), in place of linear algebra: for predictions.
        seed: Of initial parameters and of the order of samples.

    Attributes:
        parameters_: Shape (parameters,).
        losses_: The mean loss of each epoch.
    """

    def __init__(
        self,
        body: Filter,
        read: tuple[int, ...] | None = None,
        encoding: Encoding = AMPLITUDES,
        loss: str = "cross_entropy",
        epochs: int = 20,
        batch: int = 32,
        rate: float = 0.02,
        outcomes: Callable[[Array, Array], Array] | None = None,
        seed: int = 0,
    ) -> None:
        self.body = body
        self.read = read
        self.encoding = encoding
        self.loss = loss
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.outcomes = outcomes
        self.seed = seed

    def _learn(self, features: Array, numbers: Numbers, callback: Callback | None) -> None:
        body = instance_of("body", self.body, Filter, "a filter's class")
        one_of("loss", self.loss, LOSSES)
        epochs, batch = whole_number("epochs", self.epochs, 1), whole_number("batch", self.batch, 1)
        adam = Adam(real_number("rate", self.rate, 0.0, 10.0))
        seeds = np.random.SeedSequence(whole_number("seed", self.seed, 0)).spawn(2)
        initial, order = (np.random.default_rng(each) for each in seeds)
        states = encoded(self.encoding, features)
        n_qubits = states.shape[1].bit_length() - 1
        line = cirq.LineQubit.range(n_qubits)
        self._circuit = BlockedCircuit(body.slots(line), line)
        self._values = self._indicators(n_qubits)
        parameters = initial.uniform(-np.pi, np.pi, body.n_parameters(n_qubits))
        losses = []
        passes = Steps(_LOGGER, type(self).__name__, epochs, "epochs", callback)
        for _ in passes:
            loss = 0.0
            for chosen in batches(order, len(states), batch):
                lost, slopes = self._step(parameters, states[chosen], numbers[chosen])
                loss += lost
                parameters = parameters + adam.step(slopes / len(chosen))
            losses.append(loss / len(states))
            passes.finished(loss=losses[-1])
        self.parameters_, self.losses_ = parameters, np.array(losses)

    def _indicators(self, n_qubits: int) -> Array:
        needed = max(1, (len(self.classes_) - 1).bit_length())
        if self.read is None and needed > n_qubits:
            raise InputError(
                f"{len(self.classes_)} classes need {needed} qubits to be read, and there are "
                f"{n_qubits}: give fewer classes or more features."
            )
        read = tuple(range(n_qubits - needed, n_qubits)) if self.read is None else self.read
        if len(read) < needed:
            raise InputError(
                f"read = {read} has {2 ** len(read)} outcomes for {len(self.classes_)} classes: "
                f"read {needed} qubits."
            )
        return outcome_indicators(read, n_qubits)[: len(self.classes_)]

    def _step(self, parameters: Array, states: States, numbers: Numbers) -> tuple[float, Array]:
        """The loss of a few samples, and its derivatives by the parameters."""
        n_qubits = self._circuit.n_qubits
        angles = self.body.angles(n_qubits, parameters[None])[0]
        by_angles, _, shares = gradients(
            self._circuit,
            angles,
            states,
            self._values,
            lambda shares: _loss(self.loss, shares, numbers)[1],
        )
        loss, _ = _loss(self.loss, shares, numbers)
        return loss, self.body.parameter_slopes(n_qubits, by_angles)

    def _probabilities(self, features: Array) -> Array:
        if self.outcomes is None:
            angles = self.body.angles(self._circuit.n_qubits, self.parameters_[None])[0]
            shares = means(self._circuit, angles, encoded(self.encoding, features), self._values)
        else:
            shares = self.outcomes(self.parameters_, features)[: len(self.classes_)]
        shares = np.maximum(shares.T, _LEAST)
        normalised: Array = shares / shares.sum(axis=1, keepdims=True)
        return normalised


def outcome_indicators(read: tuple[int, ...], n_qubits: int) -> Array:
    """Which outcomes of all qubits belong to each outcome of some of them.

    Args:
        read: The qubits that are read, most significant first.
        n_qubits: Size of the register.

    Returns:
        Ones and zeros, shape (2^read, 2^n): the values whose means are the probabilities.

    Raises:
        InputError: If a qubit is not in the register, or stands twice.
    """
    for number in read:
        whole_number("read", number, 0, n_qubits - 1)
    if len(set(read)) < len(read) or not read:
        raise InputError(f"read = {read} is not allowed: give different qubits, at least one.")
    every = np.arange(2**n_qubits)
    outcome = np.zeros_like(every)
    for number in read:
        outcome = 2 * outcome + (every >> (n_qubits - 1 - number) & 1)
    return np.equal.outer(np.arange(2 ** len(read)), outcome).astype(float)


def _loss(kind: str, shares: Array, numbers: Numbers) -> tuple[float, Array]:
    """The sum over samples, and its derivatives by the shares, shape (classes, samples)."""
    shares = np.maximum(shares, _LEAST)
    total = shares.sum(axis=0)
    likely = shares / total
    wanted = np.equal.outer(np.arange(len(shares)), numbers)
    if kind == "cross_entropy":
        return float(-np.log(likely[wanted]).sum()), 1 / total - wanted / shares
    missing = likely - wanted
    slopes: Array = 2 * (missing - (missing * likely).sum(axis=0)) / total
    return float((missing**2).sum()), slopes
