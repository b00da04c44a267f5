"""Errors of preparing a qubit in |0>."""

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
from noise_models.values import FrozenMapping, by_qubit, check_scaled, qubit_key

_MEANING = "the probability that a qubit starts in |1>"


@functools.lru_cache(maxsize=4096)
def flip_gate(probability: float) -> cirq.Gate:
    """`cirq.bit_flip`, built once for each probability.

    Args:
        probability: Of a flip, 0..1.
    """
    return cirq.bit_flip(probability)


@attrs.frozen
class PreparationNoise(NoiseKind):
    """Qubits that start in |1> where they should be in |0>.

    All qubits are prepared together before the first moment, so that what else happens to a qubit
    that is used late (decay, idle noise) follows. A qubit whose state is handed over by a circuit
    that no device runs is not prepared here, and a reset inside a circuit is left as it is. It
    is scaled with readout: both are errors of going in and out of a circuit.

    Args:
        p: Probability for every qubit, 0..1.
        qubits: Probabilities that replace `p` on single qubits, keyed like
            `DepolarizingNoise.qubits`.

    Raises:
        InputError: If a probability is not within 0..1.
    """

    key: ClassVar[str] = "preparation"

    p: float = fields.probability(_MEANING, default=0.0)
    qubits: Mapping[str, float] = fields.checked(
        functools.partial(by_qubit, read=functools.partial(probability, meaning=_MEANING)),
        factory=FrozenMapping,
    )

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        check_scaled("preparation.p", self.p, strength.readout)
        for key, value in self.qubits.items():
            check_scaled(f"preparation.qubits.{key!r}", value, strength.readout)

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`: the flips are channels of the circuit."""
        return strength.readout * max((self.p, *self.qubits.values())) > 0

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """None: it acts before the first moment."""
        return []

    def before(
        self, qubits: Sequence[cirq.Qid], strength: Strength
    ) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.before`: one layer of bit flips."""
        chances = {q: strength.readout * self.qubits.get(qubit_key(q), self.p) for q in qubits}
        return [[flip_gate(chance).on(q) for q, chance in chances.items() if chance > 0]]
