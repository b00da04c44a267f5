"""Errors of reading two qubits that happen together."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import attrs
import cirq

from noise_models import fields
from noise_models.checks import probability
from noise_models.kind import NoiseKind, Strength
from noise_models.timeline import Step
from noise_models.values import (
    FrozenMapping,
    by_coupler,
    check_scaled,
    coupler_key,
)

_MEANING = "the probability that the recorded bits of two qubits are flipped together"


@attrs.frozen
class CorrelatedReadoutNoise(NoiseKind):
    """Recorded bits of two qubits that are flipped together, whatever their states.

    It adds to the independent errors of `readout` or of a calibration: first every bit is misread
    for itself, then each pair of bits is flipped with its probability. These flips commute, so
    that pairs may share qubits in any order. It acts on qubits that are measured in the same
    moment. One pair adds the probability p to the error of each of its bits (to leading order),
    and p to the covariance of the two errors.

    Args:
        both: Probability for every pair of neighbouring grid or line qubits, 0..1.
        couplers: Probabilities that replace `both` on single pairs, keyed "4,5:4,6"; the two
            qubits need not be neighbours.

    Raises:
        InputError: If a probability is not within 0..1 or a pair's key cannot be read.
    """

    key: ClassVar[str] = "correlated_readout"

    both: float = fields.probability(_MEANING, default=0.0)
    couplers: Mapping[str, float] = fields.checked(
        functools.partial(by_coupler, read=functools.partial(probability, meaning=_MEANING)),
        factory=FrozenMapping,
    )

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        check_scaled(f"{self.key}.both", self.both, strength.readout)
        for key, value in self.couplers.items():
            check_scaled(f"{self.key}.couplers.{key!r}", value, strength.readout)

    def has_gate_noise(self, strength: Strength) -> bool:
        """Never: readout is apart."""
        return False

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """None: readout is apart."""
        return []

    def joint_readout(self, first: cirq.Qid, second: cirq.Qid, strength: Strength) -> float:
        """See `NoiseKind.joint_readout`."""
        near = isinstance(first, cirq.GridQubit | cirq.LineQubit) and first.is_adjacent(second)
        value = self.couplers.get(coupler_key(first, second), self.both if near else 0.0)
        return value * strength.readout

    def has_readout_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_readout_noise`."""
        return max((self.both, *self.couplers.values())) * strength.readout > 0
