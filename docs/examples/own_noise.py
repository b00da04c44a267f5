"""A kind of noise of your own: every two-qubit gate leaks phase to its qubits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import attrs
import cirq

from noise_models import NoiseKind, Strength, fields
from noise_models.timeline import Step
from noise_models.values import check_scaled


@attrs.frozen
class GateDephasing(NoiseKind):
    """A phase flip of both qubits of every two-qubit gate.

    Args:
        p: Probability of a flip, 0..1; scaled with the noise of gates.
    """

    key: ClassVar[str] = "gate_dephasing"

    p: float = fields.probability("the probability of a phase flip")

    def check_strength(self, strength: Strength) -> None:
        """Refuses a scale that takes the probability beyond 1."""
        check_scaled("gate_dephasing.p", self.p, strength.gate)

    def has_gate_noise(self, strength: Strength) -> bool:
        """Whether any flip happens at all."""
        return self.p * strength.gate > 0

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """A flip after each two-qubit gate of the moment."""
        flip = cirq.phase_flip(self.p * strength.gate)
        return [[flip.on(qubit) for gate in step.two_qubit_gates for qubit in gate.qubits]]
