"""What every kind of noise is: plain data that says which channels follow a moment."""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import cirq

from noise_models.errors import NoiseError, shown, unknown_name
from noise_models.extensions import NotNamedError
from noise_models.timeline import Step
from noise_models.values import FrozenMapping, number

MAX_SCALE = 1e6


def parse_fields(cls: type, name: str, value: object) -> dict[str, object]:
    """Checks the keys of a mapping against the fields of a dataclass.

    Args:
        cls: The dataclass that will be built.
        name: The key under which the mapping stands, for messages.
        value: What the user gave.

    Returns:
        Keyword arguments for the dataclass.

    Raises:
        NoiseError: If the value is no mapping, has a key that is no field, or lacks a field that
            has no default.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if not isinstance(value, Mapping):
        raise NoiseError(
            f"{name} = {shown(value)} is not a table; its keys are {', '.join(fields)}."
        )
    for key in value:
        if key not in fields:
            raise unknown_name(f"key of {name}", key, fields)
    for key, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and key not in value:
            raise NoiseError(f"{name}.{key} is missing; {name} needs {', '.join(fields)}.")
    return dict(value)


def plain_fields(instance: object) -> dict[str, object]:
    """The fields of a dataclass instance that differ from their defaults, as plain data."""
    plain: dict[str, object] = {}
    for field in dataclasses.fields(instance):  # type: ignore[arg-type]
        value = getattr(instance, field.name)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if value != default:
            plain[field.name] = dict(value) if isinstance(value, Mapping) else value
    return plain


@dataclass(frozen=True)
class ScaleFactors:
    """Factors by which groups of noise are multiplied.

    A factor multiplies error *probabilities*. Decay is scaled by multiplying 1/T1 and 1/T2, and a
    coherent error by multiplying its angle by the square root of the factor, so that the
    infidelity that each causes is multiplied by the factor as well (to leading order).

    Args:
        gate: For noise on qubits that a gate acts on.
        idle: For noise on qubits that wait.
        readout: For readout errors.

    Raises:
        NoiseError: If a factor is negative, NaN or above a million.
    """

    gate: float = 1.0
    idle: float = 1.0
    readout: float = 1.0

    def __post_init__(self) -> None:
        for name in ("gate", "idle", "readout"):
            meaning = "the factor by which this group of errors is multiplied"
            value = number(f"scales.{name}", getattr(self, name), 0.0, MAX_SCALE, meaning)
            object.__setattr__(self, name, value)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the factors from a mapping or takes them as they are."""
        if isinstance(value, cls):
            return value
        return cls(**parse_fields(cls, "scales", value))  # type: ignore[arg-type]

    def times(self, factor: float) -> tuple[float, float, float]:
        """The factors for gate, idle and readout, each multiplied by an overall one."""
        return self.gate * factor, self.idle * factor, self.readout * factor


@dataclass(frozen=True)
class Strength:
    """The factors that apply in the end: the overall scale times the group's own.

    Args:
        gate: For noise on qubits that a gate acts on.
        idle: For noise on qubits that wait.
        readout: For readout errors.
    """

    gate: float = 1.0
    idle: float = 1.0
    readout: float = 1.0


@dataclass(frozen=True)
class NoiseKind(abc.ABC):
    """One kind of noise, as a frozen dataclass whose fields are the configuration's keys.

    A kind of your own is a subclass with a `key`, `has_gate_noise` and `layers`: name it as
    "module:attribute" or "path/to/file.py:attribute" among the keys of noise, or add it with
    `register_noise`. All engines apply it, as they read its operations alone; these are unitaries
    or channels with Kraus operators on one or two qubits. How it is scaled, it decides itself: it
    is given the factors.
    """

    key: ClassVar[str]
    """The key of the configuration under which it stands: a word that no other kind has."""

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the noise from what stands under its key.

        Args:
            value: A mapping of the fields, or an instance, which is returned as it is.

        Raises:
            NoiseError: If a key is unknown or a value not allowed.
        """
        if isinstance(value, cls):
            return value
        return cls(**parse_fields(cls, cls.key, value))

    def to_value(self) -> object:
        """The plain data (numbers, text, dictionaries) from which `from_value` restores this."""
        return plain_fields(self)

    def field_value(self) -> object:
        """What `NoiseConfiguration` stores under the key."""
        return self

    def check_strength(self, strength: Strength) -> None:  # noqa: B027
        """Checks that the noise remains possible when scaled; by default it always does.

        Raises:
            NoiseError: If a probability would exceed 1.
        """

    @abc.abstractmethod
    def has_gate_noise(self, strength: Strength) -> bool:
        """Whether any channel at all follows any moment."""

    @abc.abstractmethod
    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """The noise after a moment.

        Args:
            step: What happens in the moment.
            strength: The factors by which noise is multiplied.

        Returns:
            Operations in layers, to be applied one layer after the other. Within a layer no qubit
            occurs twice. Channels that do nothing are left out.
        """

    def readout(self, qubit: cirq.Qid, strength: Strength) -> tuple[float, float] | None:
        """P(read 1 | state 0) and P(read 0 | state 1), or None if this kind says nothing of it."""
        return None

    def joint_readout(self, first: cirq.Qid, second: cirq.Qid, strength: Strength) -> float:
        """Probability that the recorded bits of two qubits are flipped together."""
        return 0.0

    def places(self) -> Mapping[str, Iterable[str]]:
        """The keys of tables for single qubits or couplers, by the name of the table."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if isinstance(value := getattr(self, field.name), FrozenMapping)
        }

    def has_readout_noise(self, strength: Strength) -> bool:
        """Whether any qubit may be read wrongly."""
        return False


@dataclass(frozen=True)
class UnnamedNoise(NoiseKind):
    """Stands for noise of a user's own that a stored file names, and for which nothing is imported.

    It can be shown and stored again, but not applied.

    Args:
        name: The key under which it stands.
        text: What stands there, as JSON.
    """

    key: ClassVar[str] = "a stored file"

    name: str
    text: str

    def to_value(self) -> object:
        """What stands under the key."""
        return json.loads(self.text)

    def has_gate_noise(self, strength: Strength) -> bool:
        """Yes, for all that is known."""
        return True

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """Refuses to be applied."""
        raise NotNamedError(
            f"noise kind {shown(self.name)} stands in a stored file, for which nothing is "
            "imported: name it yourself before, in this process."
        )
