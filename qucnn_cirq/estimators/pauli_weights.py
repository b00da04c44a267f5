"""The overlap by the weights of Pauli strings, each of which noise damps by a factor of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseLike, as_noise
from noise_models.checks import real_number, whole_number
from qucnn_cirq.engines import Engine
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.calibrated import Calibrated, Readout
from qucnn_cirq.estimators.estimator import Raw
from qucnn_cirq.estimators.mixed import best_part
from qucnn_cirq.estimators.overlap_outcomes import overlap_outcomes, states_loaded
from qucnn_cirq.estimators.reading import Reading

FloatArray = NDArray[np.float64]

_SIGN = (1.0, 1.0, 1.0, -1.0)


class PauliWeights(Calibrated):
    """sum_w k_w [a C_w + (1 - a) C'_w]: `Mixed`, part by part.

    The swap of a pair is (1 + XX + YY + ZZ)/2 and twice its Phi+ projector (1 + XX - YY + ZZ)/2, so
    that over all pairs the sign is the sum of C_w, and the outcomes of `overlap_outcomes` that of
    C'_w: XX, YY and ZZ on w of the pairs, and 1/2 on the others. C_0 = 2^-n is known. The longer a
    string, the more gates it meets: noise damps each w by another 1/k_w, the mean damping over
    calibration states, random ones that the loader loads. Readout errors are undone before.

    Args:
        mean_overlap: As for `Mixed`; None for 2^-n.
        states: Calibration states.
        shots: As for `Calibrated`.
        seed: As for `Calibrated`.
        device: As for `Calibrated`.
        engine: As for `Calibrated`.
    """

    name = "pauli_weights"
    assumes = "noise that damps strings of one weight alike, known readout errors, real patches"

    def __init__(
        self,
        mean_overlap: float | None = None,
        states: int = 64,
        shots: int | None = None,
        seed: int = 0,
        device: NoiseLike = None,
        engine: Engine | None = None,
    ) -> None:
        super().__init__(Readout(Raw(), None, seed, device), shots, seed, device, engine)
        self.mean_overlap = (
            None
            if mean_overlap is None
            else real_number("mean_overlap", mean_overlap, minimum=0.0, maximum=1.0)
        )
        self.states = whole_number("states", states, minimum=1)

    def corrected(self, reading: Reading, weights: FloatArray) -> FloatArray:
        """See `Calibrated.corrected`."""
        parts = self.parts(reading)
        states = states_loaded(reading, self.states)
        exact = replace(reading, noise=as_noise(None)).distribution(states) @ parts.T
        readout = self.base
        assert isinstance(readout, Readout)
        corrected = readout.corrected(reading, parts)
        means = self.run(reading, states) @ corrected.T
        left = (exact * means).sum(axis=0) / (exact**2).sum(axis=0)
        # C_0 is a number: it is not measured.
        left[0] = 1.0
        corrected[0] = parts[0]
        total: FloatArray = (corrected / left[:, None]).sum(axis=0, keepdims=True)
        return total

    def parts(self, reading: Reading) -> FloatArray:
        """What each weight w adds to the value of every outcome, without noise.

        Args:
            reading: The circuit.

        Returns:
            Shape (n + 1, outcomes).

        Raises:
            InputError: If pairs are not read in the Bell basis, or no outcome is the overlap's.
        """
        groups = reading.observable.groups
        if any(signs != _SIGN for _, signs in groups):
            raise InputError(
                "this circuit does not read pairs of qubits in the Bell basis: Pauli weights are "
                "told apart in the destructive test in CZ alone."
            )
        found = overlap_outcomes(reading)
        n_pairs = len(groups)
        overlap = 1 / found.dilution if self.mean_overlap is None else self.mean_overlap
        places = np.flatnonzero(found.indicator)
        sign = float(found.indicator @ reading.observable.table / len(places))
        part = best_part(overlap, found.dilution, sign)
        total = part * _by_weight([np.array(_SIGN)] * n_pairs)
        for place in places:
            digits = [place >> 2 * (n_pairs - 1 - pair) & 3 for pair in range(n_pairs)]
            tables = [2.0 * (np.arange(4) == digit) for digit in digits]
            total += (1 - part) / len(places) * _by_weight(tables)
        return total


def _by_weight(tables: list[FloatArray]) -> FloatArray:
    """A product of tables whose mean is 1/2, by how many factors differ from that mean.

    Returns:
        Shape (n + 1, 4^n).
    """
    found = np.ones((1, 1))
    for table in tables:
        same = 0.5 * np.repeat(found, 4, axis=1)
        other = np.einsum("wo,t->wot", found, table - 0.5).reshape(len(found), -1)
        found = np.concatenate([same, np.zeros((1, same.shape[1]))])
        found[1:] += other
    return found
