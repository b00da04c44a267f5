"""Depolarising noise after gates."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import attrs
import cirq

from noise_models import fields
from noise_models.checks import probability
from noise_models.errors import InputError
from noise_models.kind import NoiseKind, Strength
from noise_models.timeline import Step
from noise_models.values import (
    FrozenMapping,
    by_coupler,
    by_qubit,
    check_scaled,
    coupler_key,
    qubit_key,
)

_MEANING_1 = (
    "the probability that one of the 3 Paulis acts after a one-qubit gate (3/4 mixes fully)"
)
_MEANING_2 = (
    "the probability that one of the 15 non-identity Paulis acts after a two-qubit gate"
    " (15/16 mixes fully)"
)


@functools.lru_cache(maxsize=4096)
def depolarizing_gate(probability: float, n_qubits: int) -> cirq.Gate:
    """`cirq.depolarize`, built once for each probability.

    Args:
        probability: That one of the Paulis other than the identity acts, 0..1.
        n_qubits: 1 or 2.
    """
    return cirq.depolarize(probability, n_qubits)


@attrs.frozen
class DepolarizingNoise(NoiseKind):
    """A random Pauli after every gate, virtual Z excepted.

    The probabilities are those of `cirq.depolarize`: the chance that one of the 4^n - 1 Paulis
    other than the identity acts, each as likely as the others. The state is fully mixed at 3/4 for
    one qubit and at 15/16 for two; larger values, up to 1, are channels too, but over-mix.

    Args:
        p1: Probability after every one-qubit gate, 0..1.
        p2: Probability after every two-qubit gate, 0..1.
        qubits: Probabilities that replace `p1` on single qubits, keyed "row,column" for grid
            qubits, by the number for line qubits, otherwise by the qubit's name.
        couplers: Probabilities that replace `p2` on single couplers, keyed "4,5:4,6".

    Raises:
        InputError: If a probability is not within 0..1 or a coupler's key cannot be read.
    """

    key: ClassVar[str] = "depolarizing"

    p1: float = fields.probability(_MEANING_1, default=0.0)
    p2: float = fields.probability(_MEANING_2, default=0.0)
    qubits: Mapping[str, float] = fields.checked(
        functools.partial(by_qubit, read=functools.partial(probability, meaning=_MEANING_1)),
        factory=FrozenMapping,
    )
    couplers: Mapping[str, float] = fields.checked(
        functools.partial(by_coupler, read=functools.partial(probability, meaning=_MEANING_2)),
        factory=FrozenMapping,
    )

    def average_gate_infidelity(self, n_qubits: int) -> float:
        """The average infidelity of a gate that is perfect but for this noise.

        With d = 2^n it is p d / (d + 1), where p is `p1` or `p2`.

        Args:
            n_qubits: 1 or 2.

        Raises:
            InputError: For any other number of qubits.
        """
        if n_qubits not in (1, 2):
            raise InputError(f"n_qubits = {n_qubits!r}: gate noise is defined for 1 and 2 qubits.")
        dimension = int(2**n_qubits)
        return (self.p1 if n_qubits == 1 else self.p2) * dimension / (dimension + 1)

    @classmethod
    def from_average_gate_infidelity(
        cls, one_qubit: float = 0.0, two_qubit: float = 0.0
    ) -> DepolarizingNoise:
        """The noise that gives gates these average infidelities; see `average_gate_infidelity`.

        Args:
            one_qubit: Average infidelity of one-qubit gates, 0..2/3.
            two_qubit: Average infidelity of two-qubit gates, 0..4/5.

        Raises:
            InputError: If an infidelity is larger than depolarising noise can cause.
        """
        return cls(p1=one_qubit * 3 / 2, p2=two_qubit * 5 / 4)

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        check_scaled("depolarizing.p1", self.p1, strength.gate)
        check_scaled("depolarizing.p2", self.p2, strength.gate)
        for key, value in self.qubits.items():
            check_scaled(f"depolarizing.qubits.{key!r}", value, strength.gate)
        for key, value in self.couplers.items():
            check_scaled(f"depolarizing.couplers.{key!r}", value, strength.gate)

    def has_gate_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_gate_noise`."""
        values = (self.p1, self.p2, *self.qubits.values(), *self.couplers.values())
        return any(value * strength.gate > 0 for value in values)

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """See `NoiseKind.layers`: one layer, of the qubits of all gates."""
        layer = []
        for gate in step.one_qubit_gates:
            p1 = strength.gate * self.qubits.get(qubit_key(gate.qubits[0]), self.p1)
            if p1 > 0:
                layer.append(depolarizing_gate(p1, 1).on(*gate.qubits))
        for gate in step.two_qubit_gates:
            p2 = strength.gate * self.couplers.get(coupler_key(*gate.qubits), self.p2)
            if p2 > 0:
                layer.append(depolarizing_gate(p2, 2).on(*gate.qubits))
        return [layer]
