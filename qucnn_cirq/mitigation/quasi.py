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
from noise_models.values import coupler_key, qubit_key
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines.pauli_transfer import embed, pauli_basis, transfer_matrix
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
        found = []
        for original, own, places in zip(originals, noisy, undone, strict=True):
            before, channels = _parted(original, own)
            # A Pauli of a one-qubit gate is part of that gate; one of CZ comes after its errors.
            early, late = (cirq.Moment(self._operations(places, count)) for count in (1, 2))
            found.append([*before, early, *channels, late])
        return found

    def _operations(self, places: Places, count: int) -> list[cirq.Operation]:
        return [
            (
                cirq.depolarize(inverse.chance, inverse.n_qubits)
                if self.inserts
                else InverseGate(inverse)
            )
            .on(*qubits)
            .with_tags(cirq.VirtualTag())
            for qubits, inverse in places.items()
            if len(qubits) == count
        ]


def _parted(
    original: cirq.Moment, noisy: cirq.OP_TREE
) -> tuple[list[cirq.Moment], list[cirq.Moment]]:
    """What a model makes of a moment: up to the moment itself, and what follows it."""
    moments = list(cirq.Circuit(noisy).moments)
    # Errors of preparation come before the first one.
    length = 1 + (moments.index(original) if original in moments else 0)
    return moments[:length], moments[length:]


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
            "as_depolarizing(noise, template), of the same infidelities, and see what that leaves."
        )
    return NoiseConfiguration(
        scale=configuration.scale,
        scales=attrs.evolve(configuration.scales),
        depolarizing=configuration.depolarizing,
    )


def as_depolarizing(noise: Noise, template: Template) -> Noise:
    """Depolarising noise of the infidelities of another noise, for a method to assume.

    For every qubit and coupler it is the mean over its gates of what follows them until the next
    moment; what happens to qubits that wait, crosstalk between gates and errors of preparation are
    left out, and readout is kept.

    Args:
        noise: Any noise with Kraus operators.
        template: The circuit whose gates count.
    """
    moments = template.marked_circuit.moments
    found: dict[tuple[cirq.Qid, ...], list[float]] = {}
    noisy = noise.gate_model.noisy_moments(moments, template.qubits)
    for moment, own in zip(moments, noisy, strict=True):
        _, channels = _parted(moment, own)
        for gate in moment:
            if cirq.is_measurement(gate) or isinstance(gate.gate, cirq.ZPowGate):
                continue
            size = 4 ** len(gate.qubits)
            whole = np.eye(size)
            for channel in (op for each in channels for op in each):
                if set(channel.qubits) <= set(gate.qubits):
                    matrix = transfer_matrix(tuple(cirq.kraus(channel)))
                    whole = embed(matrix, channel.qubits, gate.qubits) @ whole
            found.setdefault(gate.qubits, []).append(1 - float(np.trace(whole)) / size)
    tables: dict[int, dict[str, float]] = {1: {}, 2: {}}
    for qubits, values in found.items():
        key = qubit_key(*qubits) if len(qubits) == 1 else coupler_key(*qubits)
        rates = tables[len(qubits)]
        rates[key] = max(0.0, float(np.mean(values)))
    readout = {
        qubit_key(qubit): dict(zip(("p01", "p10"), noise.readout(qubit), strict=True))
        for qubit in template.observable.qubits
    }
    return Noise(
        NoiseConfiguration.from_mapping(
            {
                "depolarizing": {"qubits": tables[1], "couplers": tables[2]},
                "readout": {"qubits": readout},
            }
        )
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
