"""Inverses of depolarising channels as sums of Paulis with signs.

With probability p one of the D - 1 Paulis other than the identity acts, D = d^2 = 4^n, so that all
of them are multiplied by lambda = 1 - p D / (D - 1). Dividing by lambda is the map of weights
(1 + (D - 1)/lambda)/D for the identity and (1 - 1/lambda)/D, below 0, for each other Pauli.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import attrs
import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration
from noise_models.model import ConfiguredNoiseModel
from qucnn_cirq.engines.pauli_transfer import pauli_basis
from qucnn_cirq.engines.process import QuasiGate
from qucnn_cirq.errors import InputError


@dataclass(frozen=True)
class Inverse:
    """The inverse of a depolarising channel.

    Attributes:
        p: The probability that any of the Paulis acts.
        n_qubits: 1 or 2.
    """

    p: float
    n_qubits: int

    def __post_init__(self) -> None:
        if self.damping <= 0:
            raise InputError(
                f"a depolarising probability of {self.p} on {self.n_qubits} qubit(s) has no "
                f"inverse: it must be below {1 - 1 / self.size}."
            )

    @property
    def size(self) -> int:
        """How many Paulis there are, D."""
        return int(4**self.n_qubits)

    @property
    def damping(self) -> float:
        """What the channel multiplies all Paulis but the identity by."""
        return 1 - self.p * self.size / (self.size - 1)

    @property
    def of_identity(self) -> float:
        """Weight of the identity, at least 1."""
        return (1 + (self.size - 1) / self.damping) / self.size

    @property
    def of_others(self) -> float:
        """Weight of each other Pauli, at most 0."""
        return (1 - 1 / self.damping) / self.size

    @property
    def gamma(self) -> float:
        """The sum of the moduli of all weights: what the spread of a mean is multiplied by."""
        return self.of_identity - (self.size - 1) * self.of_others

    @property
    def chance(self) -> float:
        """Probability with which a Pauli other than the identity is put in."""
        return 1 - self.of_identity / self.gamma


@dataclass(frozen=True)
class InverseGate(QuasiGate):
    """The inverse as an operation of a process.

    Attributes:
        inverse: The inverse.
    """

    inverse: Inverse

    def _num_qubits_(self) -> int:
        return self.inverse.n_qubits

    @property
    def signs(self) -> tuple[int, ...]:
        """See `QuasiGate`."""
        return (1, *(-1,) * (self.inverse.size - 1))

    def _kraus_(self) -> tuple[NDArray[np.complex128], ...]:
        first, *others = pauli_basis(self.inverse.n_qubits)
        root = np.sqrt(-self.inverse.of_others)
        return (np.sqrt(self.inverse.of_identity) * first, *(root * each for each in others))

    def _has_kraus_(self) -> bool:
        return True


@dataclass(frozen=True)
class _Undoing(cirq.NoiseModel):
    """A noise model and, after each gate, the inverse of assumed depolarising noise or its Paulis.

    Attributes:
        actual: The noise that there is.
        assumed: The noise that is undone.
        inserts: Whether Paulis act with their probabilities, all signs left out.
    """

    actual: cirq.NoiseModel
    assumed: NoiseConfiguration
    inserts: bool

    def noisy_moments(
        self, moments: Iterable[cirq.Moment], system_qubits: Sequence[cirq.Qid]
    ) -> list[list[cirq.Moment]]:
        originals = list(moments)
        noisy = self.actual.noisy_moments(originals, system_qubits)
        undone = inverses(originals, self.assumed, system_qubits)
        return [
            [*cirq.Circuit(own).moments, cirq.Moment(self._operations(places))]
            for own, places in zip(noisy, undone, strict=True)
        ]

    def _operations(self, places: Places) -> list[cirq.Operation]:
        return [
            (
                cirq.depolarize(inverse.chance, inverse.n_qubits)
                if self.inserts
                else InverseGate(inverse)
            )
            .on(*qubits)
            .with_tags(cirq.VirtualTag())
            for qubits, inverse in places.items()
        ]


Places = dict[tuple[cirq.Qid, ...], Inverse]
"""What is undone after the gates of a moment."""


def inverses(
    moments: Sequence[cirq.Moment],
    assumed: NoiseConfiguration,
    qubits: Sequence[cirq.Qid],
) -> list[Places]:
    """What is undone after each moment.

    Args:
        moments: Those of a marked circuit.
        assumed: Depolarising noise.
        qubits: All qubits.
    """
    found = []
    for _, *noise in ConfiguredNoiseModel(assumed).noisy_moments(moments, qubits):
        places: Places = {}
        for operation in (op for each in noise for op in each):
            gate = operation.gate
            assert isinstance(gate, cirq.DepolarizingChannel)
            places[operation.qubits] = Inverse(gate.p, gate.n_qubits)
        found.append(places)
    return found


def depolarizing_only(noise: Noise) -> NoiseConfiguration:
    """The depolarising gate noise that is assumed, readout apart.

    Args:
        noise: What is assumed.

    Raises:
        InputError: If any other gate noise is assumed.
    """
    configuration = noise.configuration
    others = (
        []
        if configuration is None
        else [
            kind.key
            for kind in configuration.kinds
            if kind.key != "depolarizing" and kind.has_gate_noise(configuration.strength)
        ]
    )
    if configuration is None or others:
        what = "a noise model of its own" if configuration is None else ", ".join(others)
        raise InputError(
            f"pec knows the inverse of depolarising noise alone, not of {what}: assume "
            "{'depolarizing': {'p1': ..., 'p2': ...}} of the same infidelities, and measure what "
            "that leaves."
        )
    return NoiseConfiguration(
        scale=configuration.scale,
        scales=attrs.evolve(configuration.scales),
        depolarizing=configuration.depolarizing,
    )


def undoing(actual: Noise, assumed: NoiseConfiguration, inserts: bool) -> Noise:
    """Noise with what quasi-probabilities make of it, on average over their circuits.

    Args:
        actual: The noise that there is.
        assumed: The depolarising noise that is undone.
        inserts: False for the mean, signs included, which only exact engines compute; True for the
            mean without signs.
    """
    found = copy.copy(actual)
    found.gate_model = _Undoing(actual.gate_model, assumed, inserts)
    return found
