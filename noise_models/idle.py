"""Depolarising noise on qubits that wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

import attrs
import cirq

from noise_models import fields
from noise_models.checks import probability
from noise_models.depolarizing import depolarizing_gate
from noise_models.kind import NoiseKind, Strength
from noise_models.timeline import Step
from noise_models.values import check_scaled

_MEANING = "the probability that one of the 3 Paulis acts on a qubit that waits for a moment"


@attrs.frozen
class IdleNoise(NoiseKind):
    """A random Pauli on every qubit that waits during a moment of gates.

    A moment that takes no time (only virtual Z) has no idle noise, nor has one that contains a
    measurement: the probability belongs to the duration of a gate.

    Args:
        p: The probability that one of the three Paulis acts, 0..1 (3/4 mixes fully).

    Raises:
        InputError: If the probability is not within 0..1.
    """

    key: ClassVar[str] = "idle"

    # It is its own key: "idle = 0.001".
    p: float = fields.read_after(lambda value, _: probability("idle", value, _MEANING))

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the noise from its one number."""
        return value if isinstance(value, cls) else cls(value)  # type: ignore[arg-type]

    def to_value(self) -> object:
        """The probability."""
        return self.p

    def field_value(self) -> object:
        """The probability."""
        return self.p

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        check_scaled("idle", self.p, strength.idle)

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        return self.p * strength.idle > 0

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: one layer, of the qubits that wait."""
        p = self.p * strength.idle
        return [[depolarizing_gate(p, 1).on(qubit) for qubit in step.idle]] if p > 0 else []
