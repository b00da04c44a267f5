"""Estimators that correct another one by what a device is measured to make of known states."""

from __future__ import annotations

import abc
from dataclasses import replace

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseLike, as_noise
from noise_models.checks import whole_number
from qucnn_cirq.circuits.slots import TableAngle, rotation
from qucnn_cirq.compiler.program import upstream_table
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.engines import Engine, Streams, TwirledEngine, twirled_engine
from qucnn_cirq.engines.outcomes import recorded, unfolded
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.estimator import LinearEstimator, Raw
from qucnn_cirq.estimators.forms import evaluated
from qucnn_cirq.estimators.overlap_outcomes import loads, states_loaded
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.estimators.training import Training

FloatArray = NDArray[np.float64]

MOST_OUTCOMES = 1 << 12
"""Outcomes whose confusion is solved as one system: a second for 4,096."""

_WORST_CONFUSION = 1e12
"""Condition number from which a confusion is taken for singular."""
_POOL = 64
"""Random states for each calibration state that is chosen out of them."""
_SPLITTING = 1e-8
"""What is added to a form whose eigenvalues are equal, relative to the filter's own."""
_FEW = 30
"""Training patches below which random states are added to learn a straight line."""


class Calibrated(LinearEstimator):
    """Weights that are corrected by calibration circuits, run once for each circuit of a filter.

    Args:
        base: The estimator that is corrected; `Raw` if None.
        shots: Shots of each calibration circuit; None for exact means.
        seed: Of those shots.
        device: The noise that calibration circuits are run under; that which is assumed if None.
        engine: Runs calibration circuits that have shots; None draws these from exact
            distributions.

    Raises:
        InputError: If the base is no linear estimator, or shots or seed are no whole numbers.
    """

    def __init__(
        self,
        base: LinearEstimator | None = None,
        shots: int | None = None,
        seed: int = 0,
        device: NoiseLike = None,
        engine: Engine | None = None,
    ) -> None:
        super().__init__()
        if base is not None and not isinstance(base, LinearEstimator):
            raise InputError(
                f"estimator {self.name!r} corrects linear estimators, not {base!r}: give one "
                "whose value is a sum of weights, such as 'mixed'."
            )
        self.base = Raw() if base is None else base
        self.shots = None if shots is None else whole_number("shots", shots, minimum=1)
        self.seed = whole_number("seed", seed, minimum=0)
        self.device = None if device is None else as_noise(device)
        self.engine = engine
        self._circuits: Remembered[Reading, int] = Remembered()

    @property
    def calibration_circuits(self) -> int:
        """Calibration circuits of all weights that were asked for, the base's included."""
        return sum(self._circuits.values()) + getattr(self.base, "calibration_circuits", 0)

    @property
    def calibration_shots(self) -> int:
        """Their shots in all; 0 for exact means."""
        own = (self.shots or 0) * sum(self._circuits.values())
        return own + getattr(self.base, "calibration_shots", 0)

    def find_weights(self, reading: Reading, forms: FloatArray) -> FloatArray:
        """See `LinearEstimator.find_weights`."""
        return self.corrected(reading, self.base.weights(reading))

    @abc.abstractmethod
    def corrected(self, reading: Reading, weights: FloatArray) -> FloatArray:
        """Other weights in place of the base's.

        Args:
            reading: The circuit.
            weights: Shape (1, outcomes).

        Returns:
            Of the same shape.
        """

    def run(self, reading: Reading, states: FloatArray) -> FloatArray:
        """What calibration circuits record.

        Args:
            reading: The circuit.
            states: Real unit vectors that its loader loads, shape (states, 2^n).

        Returns:
            Frequencies, or probabilities without shots, shape (states, outcomes).
        """
        if self.shots is not None and self.engine is not None:
            twirl = reading.engine.twirl if isinstance(reading.engine, TwirledEngine) else None
            angles = reading.variant.loader.angles(states)
            engine = twirled_engine(self.engine, twirl)
            return self._run(reading, engine, reading.variant.template, angles, reading.angles)
        chances = replace(reading, noise=self._noise(reading)).distribution(states)
        return self._sampled(reading, chances)

    def _noise(self, reading: Reading) -> Noise:
        """What calibration circuits are run under."""
        return reading.noise if self.device is None else self.device

    def _run(
        self,
        reading: Reading,
        engine: Engine,
        template: Template,
        patches: FloatArray,
        filters: FloatArray,
    ) -> FloatArray:
        """Frequencies of the outcomes of circuits, shape (patches, outcomes)."""
        assert self.shots is not None
        self._circuits[reading] = self._circuits.get(reading, 0) + len(patches)
        tables = {"patch": patches, "filter": filters, "upstream": upstream_table(1.0)}
        streams = Streams(self.seed, (0,), np.arange(len(patches)))
        noise = self._noise(reading)
        counts = engine.outcome_counts(template, noise, tables, self.shots, streams)[0]
        return np.asarray(counts / self.shots)

    def _sampled(self, reading: Reading, chances: FloatArray) -> FloatArray:
        self._circuits[reading] = self._circuits.get(reading, 0) + len(chances)
        if self.shots is None:
            return chances
        number = 0
        if reading.compiled is not None:
            number = reading.compiled.variants.index(reading.variant)
        generator = np.random.default_rng([self.seed, number])
        chances = chances / chances.sum(axis=1, keepdims=True)
        return generator.multinomial(self.shots, chances) / self.shots


class Readout(Calibrated):
    """The inverse of the measured confusion: the weights c' with R^T c' = c.

    R turns true outcomes into recorded ones, pairs of qubits that err together included. Weights
    are solved for once, so that no shot is corrected by itself. With `shots` each qubit's two
    errors are measured instead, all qubits at once, in all zeros and all ones: two circuits,
    which do not see which qubits err together.
    """

    name = "readout"
    assumes = "the readout errors, and else what the estimator that it corrects does"

    @property
    def serves_encodings(self) -> bool:
        """As what it corrects; see `Estimator.serves_encodings`."""
        return self.base.serves_encodings

    def corrected(self, reading: Reading, weights: FloatArray) -> FloatArray:
        """See `Calibrated.corrected`."""
        noise, qubits = self._noise(reading), reading.observable.qubits
        if self.shots is None:
            return unfolded(weights, qubits, noise)
        if reading.n_outcomes > MOST_OUTCOMES:
            raise InputError(
                f"{reading.n_outcomes} outcomes: readout errors that are measured are undone for "
                f"at most {MOST_OUTCOMES}; take the ancilla or the inversion test, or 'two_point' "
                "alone."
            )
        confusion = self._measured(reading, recorded(np.eye(reading.n_outcomes), qubits, noise))
        if np.linalg.cond(confusion) > _WORST_CONFUSION:
            raise InputError(
                f"readout errors that were measured with shots = {self.shots} cannot be undone: a "
                "bit tells nothing; give more shots."
            )
        return np.asarray(np.linalg.solve(confusion, weights.T).T, dtype=np.float64)

    def _measured(self, reading: Reading, confusion: FloatArray) -> FloatArray:
        """The confusion of qubits that err by themselves, from shots; rows are true outcomes."""
        n_qubits = len(reading.observable.qubits)
        if self.engine is None:
            found = self._sampled(reading, confusion[[0, -1]])
        else:
            angles = np.array([[0.0], [np.pi]])
            found = self._run(reading, self.engine, _flips(reading), angles, np.zeros((1, 0)))
        found = found.reshape(2, *(2,) * n_qubits)
        product = np.ones((1, 1))
        for axis in range(1, n_qubits + 1):
            rest = tuple(each for each in range(1, n_qubits + 1) if each != axis)
            product = np.kron(product, found.sum(axis=rest))
        return product


class TwoPoint(Calibrated):
    """F = (m - b) / lambda, from calibration states whose F is known.

    They are the eigenvectors of the overlap's form: of a real filter f itself, with F = 1, and
    2^n - 1 states orthogonal to it, with F = 0. A circuit whose loader does not load these takes as
    many states out of random ones that it loads, half with the largest F and half with the
    smallest, and the least squares of m = lambda F + b.
    """

    name = "two_point"
    assumes = "that noise changes every overlap by the same straight line"

    def corrected(self, reading: Reading, weights: FloatArray) -> FloatArray:
        """See `Calibrated.corrected`."""
        states = calibration_states(reading)
        exact = evaluated(reading.own_form, states)[0]
        means = self.run(reading, states) @ weights[0]
        slope, offset = np.polyfit(exact, means, 1)
        if abs(slope) < 1e-6:
            raise InputError(
                "calibration states of overlaps 0 and 1 give the same mean: nothing of the "
                "overlap is left under this noise; take a shorter circuit."
            )
        corrected: FloatArray = (weights - offset) / slope
        return corrected


class Regression(Calibrated):
    """F = alpha m + beta, the least squares over training patches whose F is known.

    Args:
        training: Patches like those to come: a `Training`, or real unit vectors, shape
            (patches, 2^n).
        base: As for `Calibrated`.
        shots: As for `Calibrated`; the calibration circuits are those of the training patches.
        seed: As for `Calibrated`.
        device: As for `Calibrated`.
        engine: As for `Calibrated`.
    """

    name = "regression"
    assumes = "patches like those that it was trained on"

    def __init__(
        self,
        training: Training | FloatArray,
        base: LinearEstimator | None = None,
        shots: int | None = None,
        seed: int = 0,
        device: NoiseLike = None,
        engine: Engine | None = None,
    ) -> None:
        super().__init__(base, shots, seed, device, engine)
        self.training = Training.of(training)

    def corrected(self, reading: Reading, weights: FloatArray) -> FloatArray:
        """See `Calibrated.corrected`."""
        states = self.training.own(reading)
        if len(states) < _FEW:
            states = np.concatenate([states, states_loaded(reading, _FEW - len(states))])
        exact = evaluated(reading.own_form, states)[0]
        means = self.run(reading, states) @ weights[0]
        slope, offset = np.polyfit(means, exact, 1)
        corrected: FloatArray = slope * weights + offset
        return corrected


def calibration_states(reading: Reading) -> FloatArray:
    """States of known overlaps, as `TwoPoint` takes them.

    Args:
        reading: The circuit.

    Returns:
        Real unit vectors that its loader loads, shape (2^n, 2^n).
    """
    form = reading.own_form[0]
    # All that is orthogonal has the overlap 0: which basis of it is taken must not jump where the
    # filter's angles change a little.
    split = form + _SPLITTING * np.diag(np.linspace(0, 1, len(form)))
    states = np.asarray(np.linalg.eigh(split)[1].T, dtype=np.float64)
    if loads(reading, states).all():
        return states
    pool = states_loaded(reading, _POOL * len(states))
    order = np.argsort(evaluated(form[None], pool)[0])
    half = len(states) // 2
    chosen: FloatArray = pool[np.concatenate([order[:half], order[half - len(states) :]])]
    return chosen


def _flips(reading: Reading) -> Template:
    """All measured qubits turned by the angle of a patch, and measured."""
    qubits = reading.observable.qubits
    turned = cirq.Moment(rotation("x", TableAngle("patch", 0)).on_each(*qubits))
    measured = cirq.Moment(cirq.measure(*qubits, key=MEASUREMENT_KEY))
    return Template(cirq.FrozenCircuit(turned, measured), reading.observable, qubits, ())
