"""The estimator that chooses among the others, by what a circuit records and what is known."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import whole_number
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.calibrated import Readout, TwoPoint
from qucnn_cirq.estimators.effects import LARGEST_SIZE
from qucnn_cirq.estimators.estimator import Estimates, Estimator, LinearEstimator, Raw
from qucnn_cirq.estimators.likelihood import Likelihood
from qucnn_cirq.estimators.mixed import Mixed
from qucnn_cirq.estimators.mixed_each import MixedEach
from qucnn_cirq.estimators.optimal import Optimal
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered
from qucnn_cirq.estimators.training import Training

FloatArray = NDArray[np.float64]


_LOGGER = logging.getLogger(__name__)


class Auto(Estimator):
    """The best estimator that a circuit and what is known of it allow; see `choose`.

    In order: maximum likelihood where the outcomes tell patches apart, as those of the destructive
    test do; the optimal weights where there are training patches; readout correction and a
    calibration of two points. Where no noise is known, because there is none or because a sampler
    has its own: likelihood is not believed then, and mixed estimates or the raw one are taken.

    Args:
        training: Patches like those to come, a `Training` or real unit vectors, shape
            (patches, 2^n); None if there are none.
        shots: Shots of each patch, for which weights are learned.
    """

    name = "auto"
    assumes = "what the estimator that it chooses does"
    serves_all_forms = True

    def __init__(self, training: Training | FloatArray | None = None, shots: int = 10_000) -> None:
        self.training = None if training is None else Training.of(training)
        self.shots = whole_number("shots", shots, minimum=1)
        self._chosen: Remembered[Reading, tuple[Estimator, str]] = Remembered()
        self._likelihood, self._calibrated = Likelihood(), TwoPoint(Readout())
        self._mixed, self._mixed_each, self._raw = Mixed(), MixedEach(), Raw()
        self._optimal = None if self.training is None else Optimal(self.training, shots)

    def choose(self, reading: Reading) -> tuple[Estimator, str]:
        """The estimator for a circuit, and why in one line.

        Args:
            reading: The circuit and the noise that is assumed.
        """
        if reading not in self._chosen:
            found = self._choose(reading)
            if found[1] not in {why for _, why in self._chosen.values()}:
                _LOGGER.debug("estimator %s", found[1])
            self._chosen[reading] = found
        return self._chosen[reading]

    @property
    def reason(self) -> str:
        """What was chosen so far and why, in one line."""
        reasons = dict.fromkeys(why for _, why in self._chosen.values())
        return "; ".join(reasons) or "nothing was estimated yet"

    def estimate(
        self, reading: Reading, counts: NDArray[np.int64], forms: FloatArray | None = None
    ) -> Estimates:
        """See `Estimator.estimate`."""
        return self.choose(reading)[0].estimate(reading, counts, forms)

    def limit(
        self, reading: Reading, distributions: FloatArray, forms: FloatArray | None = None
    ) -> FloatArray:
        """See `Estimator.limit`."""
        return self.choose(reading)[0].limit(reading, distributions, forms)

    def _choose(self, reading: Reading) -> tuple[Estimator, str]:
        if reading.noise.is_ideal:
            if _refusal(self._mixed, reading) is None:
                return self._mixed_each, "mixed_each: no noise is known, and the patches are real"
            return self._raw, "raw: no noise is known, and one outcome alone tells the overlap"
        if _is_fixed(reading):
            if self._tells_patches(reading):
                return self._likelihood, "likelihood: the noise is known, and outcomes tell patches"
            why = "outcomes do not tell patches"
            if len(reading.vector) > LARGEST_SIZE:
                why = f"likelihood is for at most {LARGEST_SIZE} amplitudes"
        else:
            # Finding the effects of each setting of its angles takes a second.
            why = "the filter has angles, for which 'measured_once' serves all at once"
        if self._optimal is not None:
            return self._optimal, f"optimal: {why}, but there are patches to learn from"
        refusal = _refusal(self._calibrated, reading)
        if refusal is None:
            return self._calibrated, f"readout and two_point: {why}, and none to learn from"
        return self._raw, f"raw: {why}, and calibration does not do: {refusal}"

    def _tells_patches(self, reading: Reading) -> bool:
        """Whether the outcomes tell patches apart."""
        try:
            self._likelihood.information([reading], np.eye(len(reading.vector))[:1])
        except InputError:
            return False
        return True


def _is_fixed(reading: Reading) -> bool:
    """Whether the filter has no angles that change."""
    if reading.compiled is None:
        return True
    n_qubits = reading.variant.loader.n_qubits
    return reading.compiled.filter.n_parameters(n_qubits) == 0


def _refusal(estimator: LinearEstimator, reading: Reading) -> str | None:
    """Why a linear estimator has no weights for a circuit; None if it has."""
    try:
        estimator.weights(reading)
    except InputError as error:
        return str(error)
    return None
