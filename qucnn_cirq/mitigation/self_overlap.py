"""Rescaling by self-overlaps: F(x, x) and F(f, f) are 1, and what is measured tells the damping.

If each register's noise shrinks overlaps towards a, m(x, f) = a + l_x l_f L (F - a), then

    F = a + (1 - a) (m(x, f) - a) / sqrt((m(x, x) - a) (m(f, f) - a)),

where m(x, x) is the same circuit with x in place of the filter, and m(f, f) with f in place of x.
If means shrink towards b instead of a, m = b + L (F - b), the value is wrong by
(b - a) (1 - F) (1 - L) / (b - a + L (1 - b)), nothing at F = 1 and most at F = 0.

Some patches have a shorter circuit, whose loader cannot load f. There m(x, x) alone stands under
the root, squared: right if the register of the filter damps x as it does f.

A short circuit of the filter loads not x, but some vector near it. Then F(x, x) of that circuit
without noise stands in place of 1; where it tells too little, m(f, f) alone is under the root.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.circuits.loaders.registry import made
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.engines import make_engine
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.estimators import Reading
from qucnn_cirq.mitigation.method import (
    Combine,
    MitigationMethod,
    Plan,
    Run,
    outcome_weights,
    run_moments,
)

FloatArray = NDArray[np.float64]

_LEAST_SIGNAL = 0.05
"""Self-overlaps nearer to the mean of full noise are taken as so near: they tell no damping."""
_LEAST_TOLD = 0.5
"""Share of its range above the mean of full noise that an overlap without noise has to have to tell
the damping: that of what a short circuit loads in place of a vector may be small."""
_LOADED = 1e-9
"""Infidelity up to which a vector counts as loaded."""

SHARE = 0.1
"""Share of a patch's self-overlap in its shots."""


class SelfOverlap(MitigationMethod):
    """Divides by the roots of the self-overlaps of patch and filter.

    The filter's is a calibration, the patch's takes a share of the shots. The value changes with
    m(x, x) by about (F - a) / (2 (1 - a)) of what it does with m(x, f), so that a small share is
    best where F is small.

    Args:
        floor: What means shrink to; None for 1/d, that of two fully mixed registers.
        unfolds_readout: Whether assumed readout errors are undone before.
        calibration_shots: Shots for F(f, f), which serves all patches; None for its exact mean.
        share: The share of F(x, x) in the shots of a patch, between 0 and 1.

    Raises:
        InputError: If a setting is not allowed.
    """

    name = "self_overlap"
    assumes = "noise shrinks all overlaps towards one value, by a factor of patch and filter each"

    def __init__(
        self,
        floor: float | None = None,
        unfolds_readout: bool = True,
        calibration_shots: int | None = None,
        share: float = SHARE,
    ) -> None:
        if floor is not None and not 0 <= floor < 1:
            raise InputError(f"floor = {shown(floor)} is not allowed: give a number from 0 to 1.")
        self.floor, self.unfolds_readout = floor, unfolds_readout
        self.calibration_shots, self.share = calibration_shots, checked_share(share)

    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.plan`: the plain circuit, and both self-overlaps."""
        variant = reading.variant
        weights = outcome_weights(reading, self.unfolds_readout)
        plain = Run(
            "plain",
            variant.template,
            variant.loader.angles(states),
            reading.angles,
            weights,
            1 - self.share,
        )
        own = self_overlaps("patch with itself", variant, states, weights, self.share)
        floor = 1 / states.shape[1] if self.floor is None else self.floor
        vector = own_vector(reading)
        if not loads(variant, vector):
            combine = rescaling(floor, noiseless(own), has_filter=False)
            return Plan((plain, own), combine)
        filters = self_overlaps("filter with itself", variant, vector, weights)
        return Plan(
            (plain, own, filters),
            rescaling(floor, noiseless(own)),
            calibration_shots=self.calibration_shots,
        )


def checked_share(share: float) -> float:
    """A share of the shots.

    Args:
        share: What was given.

    Raises:
        InputError: If it leaves no shots to one of two circuits.
    """
    if not 0 < share < 1:
        raise InputError(f"share = {shown(share)} is not allowed: give a number between 0 and 1.")
    return share


def own_vector(reading: Reading) -> FloatArray:
    """The filter as a vector that a loader loads, shape (1, 2^n).

    Args:
        reading: Of one filter.

    Raises:
        InputError: If the filter's loader cannot load patches: it is no real, fixed vector.
    """
    vector = reading.vector
    phase = vector[np.argmax(np.abs(vector))]
    real = vector * np.conj(phase) / np.abs(phase)
    n_angles = reading.variant.filter_loader.n_angles
    merges = reading.variant.loader.merges_filter
    if np.abs(real.imag).max() > 1e-9 or (not merges and reading.angles.shape[1] != n_angles):
        raise InputError(
            "self-overlaps put patches in place of the filter: it has to be a fixed real vector, "
            "not an ansatz with angles."
        )
    return np.ascontiguousarray(real.real[None])


def loads(variant: Variant, vector: FloatArray) -> bool:
    """Whether a circuit's loader of patches loads the filter's vector.

    Args:
        variant: The circuit.
        vector: Shape (1, 2^n).
    """
    loader = variant.loader
    return loader.merges_filter or bool(loader.solve(vector)[1][0] < _LOADED)


def self_overlaps(
    name: str,
    variant: Variant,
    states: FloatArray,
    weights: FloatArray,
    share: float = 0.0,
) -> Run:
    """A circuit with the same vector for patch and filter.

    Args:
        name: What it is for.
        variant: The circuit.
        states: Real unit vectors, shape (patches, 2^n).
        weights: What its outcomes count as.
        share: Its share of the shots of a patch; 0 for a calibration.
    """
    loader = variant.loader
    if loader.merges_filter:
        gate_set = variant.report.gateset
        rows = [
            made(type(loader), loader.n_qubits, gate_set, state).angles(state[None])
            for state in states
        ]
        # Such a circuit reads no table of the filter.
        patch, filters = np.concatenate(rows), np.zeros((1, 0))
    else:
        patch, filters = loader.angles(states), variant.filter_loader.angles(states)
    return Run(name, variant.template, patch, filters, weights, share, share == 0)


def noiseless(run: Run) -> FloatArray:
    """The means of a circuit without noise: 1 for a self-overlap of what it loads.

    Args:
        run: The circuit.

    Returns:
        Shape (patches,).
    """
    plain = replace(run, weights=run.template.observable.table)
    return run_moments(plain, make_engine("exact"), as_noise(None))[0]


def rescaling(floor: float, own: FloatArray, has_filter: bool = True) -> Combine:
    """The value from the means of the plain circuit and of both self-overlaps.

    Args:
        floor: What means shrink to.
        own: The self-overlaps of patches without noise, shape (patches,).
        has_filter: Whether the filter's self-overlap is measured; else the patch's stands for both.

    Raises:
        InputError: If the damping of a patch is not told by any of them.
    """
    told = (own - floor) / (1 - floor)
    tells = told > _LEAST_TOLD
    if not has_filter and not tells.all():
        raise InputError(
            f"self-overlaps put patches in place of the filter, and {np.sum(~tells)} of {len(own)} "
            "are not loaded by its circuit, nor is the filter by theirs: choose another mitigation."
        )
    told = np.where(tells, told, 1.0)

    def combine(means: FloatArray) -> FloatArray:
        # Means may be given at several points for each patch.
        per_patch = (-1, *[1] * (means.ndim - 2))
        least = _LEAST_SIGNAL * (1 - floor)
        patches = (means[1] - floor) / told.reshape(per_patch)
        filters = means[2] - floor if has_filter else patches
        patches = np.where(tells.reshape(per_patch), patches, filters)
        size = np.sqrt(np.maximum(patches, least) * np.maximum(filters, least))
        values: FloatArray = floor + (1 - floor) * (means[0] - floor) / size
        return values

    return combine
