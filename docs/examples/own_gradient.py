"""A gradient method of your own: one shifted run for each angle, and one that all share."""

from __future__ import annotations

import numpy as np

from qucnn_cirq.filters import Filter
from qucnn_cirq.gradients import Gradient, GradientMethod, Pass

STEP = 0.02


class OneSided(GradientMethod):
    """Forward differences: nearly half the circuits of central ones, with a bias of order 0.02."""

    name = "one_sided"
    label = "one-sided differences"

    @classmethod
    def settings(cls, filter_: Filter, n_qubits: int) -> int:
        """What it will run for a filter, for the estimate of a study."""
        return 1 + filter_.n_parameters(n_qubits)

    def gradient(self, work: Pass) -> Gradient:
        """The difference between each shifted run and the one at the angles themselves."""
        values, variance = np.empty_like(work.parameters), np.empty_like(work.parameters)
        for row, angles in enumerate(work.parameters):
            shifted = np.concatenate([angles[None], angles + STEP * np.eye(len(angles))])
            found = work.measure(work.program, row, shifted)
            g = work.upstream[row]
            values[row] = (found.estimates[1:] - found.estimates[:1]) @ g / STEP
            variance[row] = (found.variances[1:] + found.variances[:1]) @ g**2 / STEP**2
        return work.gradient(self.name, values, variance, 1 + values.shape[1])
