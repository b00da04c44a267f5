"""Errors of reading a qubit."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import attrs
import cirq
import numpy as np

from noise_models import fields
from noise_models.checks import only_known_keys, probability
from noise_models.errors import InputError, shown
from noise_models.kind import NoiseKind, Strength, plain_fields
from noise_models.timeline import Step
from noise_models.values import FrozenMapping, by_qubit, check_scaled, qubit_key

_MEANINGS = {
    "p01": "the probability of reading 1 from a qubit in state 0",
    "p10": "the probability of reading 0 from a qubit in state 1",
}


class ReadoutError(NamedTuple):
    """How often one qubit is read wrongly.

    Attributes:
        p01: P(read 1 | state 0).
        p10: P(read 0 | state 1).
    """

    p01: float
    p10: float


@dataclass(frozen=True, repr=False)
class ReadoutChannel(cirq.Gate):
    """The channel that, before a perfect measurement, amounts to a faulty one.

    Args:
        p01: P(read 1 | state 0), 0..1.
        p10: P(read 0 | state 1), 0..1.
    """

    p01: float
    p10: float

    def _num_qubits_(self) -> int:
        return 1

    def _kraus_(self) -> tuple[np.ndarray, ...]:
        return (
            np.diag([math.sqrt(1.0 - self.p01), math.sqrt(1.0 - self.p10)]),
            np.array([[0.0, math.sqrt(self.p10)], [math.sqrt(self.p01), 0.0]]),
        )

    def _has_kraus_(self) -> bool:
        return True

    def _circuit_diagram_info_(self, args: cirq.CircuitDiagramInfoArgs) -> str:
        return f"Misread({args.format_real(self.p01)},{args.format_real(self.p10)})"

    def __repr__(self) -> str:
        return f"noise_models.ReadoutChannel({self.p01!r}, {self.p10!r})"


@functools.lru_cache(maxsize=4096)
def readout_gate(p01: float, p10: float) -> cirq.Gate | None:
    """The channel of a readout error: see `ReadoutChannel`.

    Args:
        p01: P(read 1 | state 0), 0..1.
        p10: P(read 0 | state 1), 0..1.

    Returns:
        The channel, as a bit flip if both probabilities are equal; None if both are zero.
    """
    if p01 == p10:
        return cirq.bit_flip(p01) if p01 > 0 else None
    return ReadoutChannel(p01, p10)


@attrs.frozen
class ReadoutNoise(NoiseKind):
    """Measured bits that are flipped independently, with a probability that depends on the state.

    It is no part of the gate noise: a circuit's noise model never contains it. Engines either flip
    recorded bits, or put channels before the measurements, which is the same. Where a measurement
    has an invert mask, the error acts on the state that is read, before the mask.

    Args:
        p01: P(read 1 | state 0), 0..1.
        p10: P(read 0 | state 1), 0..1.
        qubits: Values that replace these on single qubits, keyed like
            `DepolarizingNoise.qubits`; each is a `ReadoutError`, a pair, or a mapping with p01
            and p10, of which a missing one is taken from above.

    Raises:
        InputError: If a probability is not within 0..1.
    """

    key: ClassVar[str] = "readout"

    p01: float = fields.probability(_MEANINGS["p01"], default=0.0)
    p10: float = fields.probability(_MEANINGS["p10"], default=0.0)
    qubits: Mapping[str, ReadoutError] = fields.read_after(
        lambda value, self: by_qubit("readout.qubits", value, self._entry), factory=FrozenMapping
    )

    def _entry(self, path: str, value: object) -> ReadoutError:
        if isinstance(value, Mapping):
            only_known_keys(path, value, _MEANINGS)
            pair = (value.get("p01", self.p01), value.get("p10", self.p10))
        elif isinstance(value, list | tuple) and len(value) == 2:
            pair = (value[0], value[1])
        else:
            raise InputError(f"{path} = {shown(value)} is not a table with the keys p01 and p10.")
        p01, p10 = (
            probability(f"{path}.{name}", each, meaning)
            for each, (name, meaning) in zip(pair, _MEANINGS.items(), strict=True)
        )
        return ReadoutError(p01, p10)

    def to_value(self) -> object:
        """The fields that differ from their defaults, as plain data."""
        plain = plain_fields(self)
        if self.qubits:
            plain["qubits"] = {key: error._asdict() for key, error in self.qubits.items()}
        return plain

    def check_strength(self, strength: Strength) -> None:
        """See `NoiseKind.check_strength`."""
        entries = {"readout": ReadoutError(self.p01, self.p10)}
        entries.update({f"readout.qubits.{key!r}": error for key, error in self.qubits.items()})
        for path, error in entries.items():
            check_scaled(f"{path}.p01", error.p01, strength.readout)
            check_scaled(f"{path}.p10", error.p10, strength.readout)

    def has_gate_noise(self, strength: Strength) -> bool:
        """Never: readout is apart."""
        return False

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """None: readout is apart."""
        return []

    def readout(self, qubit: cirq.Qid, strength: Strength) -> tuple[float, float]:
        """See `NoiseKind.readout`."""
        p01, p10 = self.qubits.get(qubit_key(qubit), (self.p01, self.p10))
        return p01 * strength.readout, p10 * strength.readout

    def has_readout_noise(self, strength: Strength) -> bool:
        """See `NoiseKind.has_readout_noise`."""
        pairs = ((self.p01, self.p10), *self.qubits.values())
        return any(max(pair) * strength.readout > 0 for pair in pairs)
