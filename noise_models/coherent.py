"""Coherent error of two-qubit gates: an angle that is always wrong by as much."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

import attrs
import cirq

from noise_models import fields
from noise_models.kind import NoiseKind, Strength
from noise_models.timeline import Step


@attrs.frozen
class CoherentNoise(NoiseKind):
    """An over-rotation of every two-qubit gate: a further CZ^(angle/pi) after it.

    Unlike depolarising noise it does not average out: angles of successive gates add.

    Args:
        angle: The controlled phase that is added, in radians, -pi..pi. Scaling the gate errors by
            s multiplies it by sqrt(s), since the infidelity it causes is quadratic in the angle.

    Raises:
        InputError: If the angle is not within -pi..pi.
    """

    key: ClassVar[str] = "coherent"

    angle: float = fields.real(
        -math.pi, math.pi, "the controlled phase added by every two-qubit gate, in radians"
    )

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        return self.angle != 0 and strength.gate > 0

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: one layer, a controlled phase after each two-qubit gate."""
        if not self.has_gate_noise(strength):
            return []
        error = cirq.CZPowGate(exponent=self.angle * math.sqrt(strength.gate) / math.pi)
        return [[error.on(*gate.qubits) for gate in step.two_qubit_gates]]
