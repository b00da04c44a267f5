"""Rescaling by purities: how mixed the loaded states are, from two copies of each.

If a loader's noise is depolarising, rho = l |x><x| + (1 - l) / d with d = 2^n, then tr(rho^2) is
l^2 + (1 - l^2) / d. Two copies in the destructive test give the purity, and
F = a + (m - a) / (l_x l_f) with a = 1/d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import Reading
from qucnn_cirq.mitigation.method import MitigationMethod, Plan, Run, outcome_weights
from qucnn_cirq.mitigation.self_overlap import (
    SHARE,
    checked_share,
    noiseless,
    own_vector,
    rescaling,
    self_overlaps,
)

FloatArray = NDArray[np.float64]


class PurityRescaling(MitigationMethod):
    """Divides by the damping that the purities of patch and filter tell.

    The overlap may come from any test; purities come from the destructive one. What its own
    gates add is taken for damping as well, so that overlaps from a shorter test come out too large.
    For overlaps from the destructive test itself it is `SelfOverlap`.

    Args:
        copies: A circuit of the destructive test for the same filter, on the same device.
        unfolds_readout: Whether assumed readout errors are undone before.
        calibration_shots: Shots for the filter's purity; None for its exact mean.
        share: The share of the two copies in the shots of a patch, between 0 and 1.

    Raises:
        InputError: If the circuit is not one of the destructive test.
    """

    name = "purity"
    assumes = "loading depolarises, by a factor of patch and filter each, and the test adds nothing"

    def __init__(
        self,
        copies: Variant,
        unfolds_readout: bool = True,
        calibration_shots: int | None = None,
        share: float = SHARE,
    ) -> None:
        template = copies.template
        if len(template.observable.qubits) != 2 * len(template.data_qubits):
            raise InputError("copies is no circuit of the destructive test: compile one.")
        self.copies, self.unfolds_readout = copies, unfolds_readout
        self.calibration_shots, self.share = calibration_shots, checked_share(share)

    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.plan`: the plain circuit, and two copies of patch and of filter."""
        variant = reading.variant
        plain = Run(
            "plain",
            variant.template,
            variant.loader.angles(states),
            reading.angles,
            outcome_weights(reading, self.unfolds_readout),
            1 - self.share,
        )
        weights = outcome_weights(reading, self.unfolds_readout, self.copies.template)
        vector = own_vector(reading)
        own = self_overlaps("copies of the patch", self.copies, states, weights, self.share)
        filters = self_overlaps("copies of the filter", self.copies, vector, weights)
        return Plan(
            (plain, own, filters),
            rescaling(1 / states.shape[1], noiseless(own)),
            calibration_shots=self.calibration_shots,
        )
