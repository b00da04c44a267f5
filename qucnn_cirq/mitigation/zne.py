"""Zero-noise extrapolation: the same circuit with more noise, and a guess at none.

After the passes every native two-qubit gate G becomes G G^-1 G, or longer: its errors act 3, 5, ...
times, and so does what happens to qubits that wait meanwhile; one-qubit gates and readout act once.
A value at scale 0 is extrapolated patch by patch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import cirq
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.compiler.gate_sets import rebase
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.devices import DeviceLike
from qucnn_cirq.errors import InputError, shown, unknown_name
from qucnn_cirq.estimators import Reading
from qucnn_cirq.mitigation.method import (
    Combine,
    MitigationMethod,
    Plan,
    Run,
    linear_combination,
    outcome_weights,
)
from qucnn_cirq.validation import check

FloatArray = NDArray[np.float64]

FITS = ("linear", "richardson", "exponential")
_LEAST_SIGNAL = 1e-3
"""Distance from the mean of full noise below which no exponential is told from it."""
_LARGEST_GAIN = 4.0
"""By how much an exponential may stretch that distance at most."""


class ZeroNoiseExtrapolation(MitigationMethod):
    """Zero-noise extrapolation (arXiv:1612.02058, 1611.09301) with folded two-qubit gates.

    Args:
        scales: Odd and ascending; 1 is the plain circuit.
        fit: "linear" for a straight line (least squares), "richardson" for the polynomial through
            all points, or "exponential" for a + (F - a) r^scale, a as of full depolarisation.
        unfolds_readout: Whether assumed readout errors are undone before.
        device: Where folded circuits must be allowed; None for the one that the program names.

    Raises:
        InputError: If scales or fit are not allowed.
    """

    name = "zne"
    serves_encodings = True
    assumes = "the deviation is a line, polynomial or exponential in the errors of two-qubit gates"

    def __init__(
        self,
        scales: Sequence[int] = (1, 3),
        fit: str = "linear",
        unfolds_readout: bool = True,
        device: DeviceLike | None = None,
    ) -> None:
        is_list = isinstance(scales, (list, tuple))
        is_odd = is_list and all(
            type(scale) is int and scale % 2 == 1 and scale > 0 for scale in scales
        )
        if not is_list or len(scales) < 2 or not is_odd or sorted(set(scales)) != list(scales):
            raise InputError(
                f"scales = {shown(scales)} are not allowed: give two or more odd numbers, "
                "ascending."
            )
        if fit not in FITS:
            raise unknown_name("fit", fit, FITS)
        self.scales, self.fit = tuple(scales), fit
        self.unfolds_readout, self.device = unfolds_readout, device

    def plan(self, reading: Reading, states: FloatArray) -> Plan:
        """See `MitigationMethod.plan`: a circuit for each scale."""
        slopes = self.coefficients()
        shares = np.abs(slopes) / np.abs(slopes).sum()
        variant = reading.variant
        weights = outcome_weights(reading, self.unfolds_readout)
        patch = variant.loader.angles(states)
        runs = []
        for scale, share in zip(self.scales, shares, strict=True):
            template = folded(variant.template, scale)
            check(template.marked_circuit, self.device or variant.report.device)
            name = f"scale {scale}"
            runs.append(Run(name, template, patch, reading.angles, weights, float(share)))
        if self.fit == "exponential":
            return Plan(tuple(runs), self._exponential(reading))
        return Plan(tuple(runs), linear_combination(slopes), slopes)

    def coefficients(self) -> FloatArray:
        """What the means are multiplied by, or for an exponential their logarithms.

        They also decide how shots are split: in proportion to their moduli, which is best for
        means of equal variances. The variance is then (sum of the moduli)^2 times that of the plain
        circuit.

        Returns:
            Shape (scales,), of sum 1.
        """
        degree = len(self.scales) - 1 if self.fit == "richardson" else 1
        powers = np.vander(np.array(self.scales, dtype=float), degree + 1, increasing=True)
        slopes: FloatArray = np.linalg.pinv(powers)[0]
        return slopes

    def _exponential(self, reading: Reading) -> Combine:
        """The exponential through the means; where there is none to be seen, the first mean."""
        slopes = self.coefficients()
        floor = depolarized_mean(reading)

        def combine(means: FloatArray) -> FloatArray:
            signal = means - floor
            sign = np.sign(signal[0])
            sizes = np.maximum(signal * sign, _LEAST_SIGNAL)
            gains = np.exp(np.tensordot(slopes, np.log(sizes), axes=1)) / sizes[0]
            seen = np.abs(signal[0]) > _LEAST_SIGNAL
            gains = np.where(seen, np.clip(gains, 1.0, _LARGEST_GAIN), 1.0)
            values: FloatArray = floor + signal[0] * gains
            return values

        return combine


class RichardsonExtrapolation(ZeroNoiseExtrapolation):
    """The polynomial through all scales.

    Args:
        scales: As for `ZeroNoiseExtrapolation`.
        unfolds_readout: Whether assumed readout errors are undone before.
        device: As for `ZeroNoiseExtrapolation`.
    """

    name = "zne_richardson"
    assumes = "the deviation is a polynomial in the errors of two-qubit gates"

    def __init__(
        self,
        scales: Sequence[int] = (1, 3, 5),
        unfolds_readout: bool = True,
        device: DeviceLike | None = None,
    ) -> None:
        super().__init__(scales, "richardson", unfolds_readout, device)


class ExponentialExtrapolation(ZeroNoiseExtrapolation):
    """The exponential through all scales, towards the mean of full depolarisation.

    Args:
        scales: As for `ZeroNoiseExtrapolation`.
        unfolds_readout: Whether assumed readout errors are undone before.
        device: As for `ZeroNoiseExtrapolation`.
    """

    name = "zne_exponential"
    assumes = "the deviation from full depolarisation decays with the errors of two-qubit gates"

    def __init__(
        self,
        scales: Sequence[int] = (1, 3),
        unfolds_readout: bool = True,
        device: DeviceLike | None = None,
    ) -> None:
        super().__init__(scales, "exponential", unfolds_readout, device)


def depolarized_mean(reading: Reading) -> float:
    """The mean of the observable where all measured qubits are fully mixed.

    Args:
        reading: The circuit.
    """
    return float(reading.observable.table.mean())


@functools.lru_cache(maxsize=256)
def folded(template: Template, scale: int) -> Template:
    """The circuit with every two-qubit gate G as G (G^-1 G)^k, scale = 2 k + 1.

    Args:
        template: The compiled circuit.
        scale: An odd number.

    Returns:
        A circuit of native gates, which does the same. Where the inverse is the gate itself it
        has no other gates; that of sqrt-iSWAP takes a virtual Z, and that of SYC two pulses, so
        that its errors are not quite scaled.

    Raises:
        InputError: If a gate's inverse has no native form.
    """
    moments: list[cirq.Moment] = []
    for moment in template.circuit:
        moments.append(moment)
        pairs = [op for op in moment if len(op.qubits) == 2 and not cirq.is_measurement(op)]
        if not pairs:
            continue
        undone = [_inverse(operation) for operation in pairs]
        length = max(len(each) for each in undone)
        for _ in range(scale // 2):
            moments += [
                cirq.Moment(op for each in undone if len(each) > step for op in each[step])
                for step in range(length)
            ]
            moments.append(cirq.Moment(pairs))
    return replace(template, circuit=cirq.Circuit(moments).freeze())


def _inverse(operation: cirq.Operation) -> list[cirq.Moment]:
    """Native moments that undo a two-qubit gate."""
    if operation.gate == cirq.CZ:
        return [cirq.Moment(operation)]
    inverse = cirq.inverse(operation, None)
    native = None if inverse is None else rebase(cirq.Circuit(inverse))
    gates = set() if native is None else {op.gate for op in native.all_operations()}
    if native is None or operation.gate not in gates:
        raise InputError(
            f"{operation} has no native inverse: zne folds CZ, sqrt-iSWAP and SYC gates."
        )
    return [moment for moment in native.moments if moment]
