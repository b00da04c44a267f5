"""Two states that learn from each other: one makes data, the other tells them from real ones."""

from __future__ import annotations

import logging
from typing import Self

import numpy as np
import numpy.typing as npt

from noise_models.checks import instance_of, real_number, whole_number
from qucnn_cirq.adjoint import States
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.heads.batches import batches
from qucnn_cirq.heads.features import encoded
from qucnn_cirq.heads.learner import Array, Learner, checked_features
from qucnn_cirq.heads.overlaps import TWO_A_QUBIT, IdealOverlaps
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Callback, Steps
from qucnn_cirq.threads import single_threaded_blas

_LOGGER = logging.getLogger(__name__)

_LEAST = 1e-6
"""The least overlap, and the least distance of one from 1, of which a logarithm is taken."""


class AdversarialPair(Learner):
    """Generator and discriminator states after S. Stein et al., "QuGAN", arXiv:2010.09036.

    Data x within 0..1 have a qubit a value, RY(2 asin sqrt x) on |0>. By overlaps F, which are SWAP
    tests, the discriminator D lowers -log F(x, D) - r log(1 - F(G, D)) and then the generator G
    lowers -log F(G, D), with Adam and exact gradients, batch after batch. At the data the second
    term still pushes D away from G, so that the pair circles around them; without it both states
    are fitted to the data, which is no contest.

    A new sample is read off G: the share of ones of each qubit in some shots. G is one pure state,
    so that samples of few shots differ by shot noise and those of many shots are all alike.

    Args:
        generator: What prepares G from |0...0>.
        discriminator: What prepares D; None for the same kind as G.
        epochs: Passes over the samples.
        batch: Samples of a step of both.
        rate: Learning rate of both.
        repulsion: The weight r of the discriminator's second term.
        seed: Of initial angles and of the order of samples.

    Attributes:
        generator_: Angles of G, shape (parameters,).
        discriminator_: Angles of D, shape (parameters,).
        fidelities_: F(G, D) after each epoch.
    """

    _TYPE = "generator"

    def __init__(
        self,
        generator: Filter,
        discriminator: Filter | None = None,
        epochs: int = 25,
        batch: int = 32,
        rate: float = 0.01,
        repulsion: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.generator = generator
        self.discriminator = discriminator
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.repulsion = repulsion
        self.seed = seed

    @single_threaded_blas()
    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike | None = None,
        callback: Callback | None = None,
    ) -> Self:
        """Learns.

        Args:
            X: Values within 0..1, shape (samples, qubits).
            y: Not read.
            callback: Is told of each epoch, see `qucnn_cirq.progress`.

        Returns:
            Itself.

        Raises:
            InputError: If a setting or a value is not allowed.
        """
        with self._learning():
            self._contest(self._first_features(X), callback)
        return self

    def _contest(self, features: Array, callback: Callback | None) -> None:
        """Learns; shape (samples, qubits)."""
        generator = instance_of("generator", self.generator, Filter, "a filter's class")
        other = generator if self.discriminator is None else self.discriminator
        discriminator = instance_of("discriminator", other, Filter, "a filter's class")
        epochs, batch = whole_number("epochs", self.epochs, 1), whole_number("batch", self.batch, 1)
        rate = real_number("rate", self.rate, 0.0, 10.0)
        repulsion = real_number("repulsion", self.repulsion, 0.0, 1e6)
        seeds = np.random.SeedSequence(whole_number("seed", self.seed, 0)).spawn(2)
        initial, order = (np.random.default_rng(each) for each in seeds)
        n_qubits = features.shape[1]
        states = _states(features)
        of_g = IdealOverlaps(generator, n_qubits)
        of_d = IdealOverlaps(discriminator, n_qubits)
        g, d = (
            initial.uniform(0, 2 * np.pi, (1, each.n_parameters(n_qubits)))
            for each in (generator, discriminator)
        )
        adam_g, adam_d = Adam(rate), Adam(rate)
        fidelities = []
        passes = Steps(_LOGGER, type(self).__name__, epochs, "epochs", callback)
        for _ in passes:
            for chosen in batches(order, len(states), batch):
                made = generator.states(n_qubits, g)
                products, slopes = of_d.amplitudes(d, np.concatenate([made, states[chosen]]))
                overlaps = (products.real**2 + products.imag**2).clip(_LEAST, 1 - _LEAST)
                upstream = -1 / overlaps / len(chosen)
                upstream[:, 0] = repulsion / (1 - overlaps[:, 0])
                d = d + adam_d.step(slopes(upstream))
                told = discriminator.states(n_qubits, d)
                products, slopes = of_g.amplitudes(g, told)
                overlaps = (products.real**2 + products.imag**2).clip(_LEAST, 1)
                g = g + adam_g.step(slopes(-1 / overlaps))
            made, told = generator.states(n_qubits, g), discriminator.states(n_qubits, d)
            fidelities.append(float(np.abs(np.vdot(made, told)) ** 2))
            passes.finished(fidelity=fidelities[-1])
        self.generator_, self.discriminator_ = g[0], d[0]
        self.fidelities_ = np.array(fidelities)

    def sample(self, count: int, shots: int, seed: int = 0) -> Array:
        """New samples.

        Args:
            count: How many.
            shots: Of the generator's circuit for each of them.
            seed: Of the outcomes.

        Returns:
            Within 0..1, shape (count, qubits).

        Raises:
            InputError: If nothing was learnt or a number is not allowed.
        """
        self._check_fitted()
        count, shots = whole_number("count", count, 1), whole_number("shots", shots, 1)
        drawn = np.random.default_rng(whole_number("seed", seed, 0))
        (state,) = self.generator.states(self.n_features_in_, self.generator_[None])
        shares = np.abs(state) ** 2
        return shares_of_ones(shares / shares.sum(), count, shots, drawn)


def shares_of_ones(
    probabilities: Array, count: int, shots: int, generator: np.random.Generator
) -> Array:
    """Samples that are read off a circuit: the share of ones of each qubit in some shots.

    Args:
        probabilities: Of the outcomes, shape (2^qubits,).
        count: How many samples.
        shots: Of each.
        generator: Draws the outcomes.

    Returns:
        Within 0..1, shape (count, qubits).
    """
    counts = generator.multinomial(shots, probabilities, size=count)
    found: Array = counts @ _bits(len(probabilities)) / shots
    return found


def shares_in_groups(
    counts: npt.NDArray[np.int64], groups: int, generator: np.random.Generator
) -> Array:
    """As `shares_of_ones`, of shots that were taken, which are put into groups at random.

    Args:
        counts: How often each outcome was recorded, shape (2^qubits,): equally many shots for each
            group.
        groups: How many samples.
        generator: Draws the groups.

    Returns:
        Within 0..1, shape (groups, qubits).
    """
    outcomes = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    found: Array = _bits(len(counts))[outcomes.reshape(groups, -1)].mean(axis=1)
    return found


def _bits(outcomes: int) -> npt.NDArray[np.int64]:
    """The bits of outcomes, the first qubit first, shape (outcomes, qubits)."""
    n_qubits = outcomes.bit_length() - 1
    bits: npt.NDArray[np.int64] = np.arange(outcomes)[:, None] >> np.arange(n_qubits)[::-1] & 1
    return bits


def _states(features: Array) -> States:
    """RY(2 asin sqrt x) of each value: of two on a qubit the second is 0."""
    pairs = np.stack([features, np.zeros_like(features)], axis=2).reshape(len(features), -1)
    return encoded(TWO_A_QUBIT, pairs)


def hellinger_distance(first: npt.ArrayLike, second: npt.ArrayLike, bins: int = 20) -> float:
    """How far apart two sets of samples are: 0 for equal histograms, 1 for disjoint ones.

    Args:
        first: Values within 0..1, shape (samples, values).
        second: Others, shape (samples, values).
        bins: Of the histogram of each value, of equal width.

    Returns:
        The mean over values of sqrt(1 - sum of sqrt(p q)).

    Raises:
        InputError: If the shapes do not fit each other, or a value is beyond 0..1.
    """
    one, other = checked_features(first), checked_features(second)
    if one.shape[1] != other.shape[1]:
        raise InputError(
            f"samples have shapes {one.shape} and {other.shape}: give (samples, values) twice."
        )
    for each in (one, other):
        if each.min() < 0 or each.max() > 1:
            raise InputError(
                f"samples range from {each.min():g} to {each.max():g}, and the bins from 0 to 1: "
                "scale them, as by PrincipalComponents."
            )
    bins = whole_number("bins", bins, 1)
    distances = []
    for column in range(one.shape[1]):
        shares = [
            np.histogram(each[:, column], bins, (0.0, 1.0))[0] / len(each) for each in (one, other)
        ]
        distances.append(np.sqrt(max(0.0, 1 - np.sqrt(shares[0] * shares[1]).sum())))
    return float(np.mean(distances))
