"""What every kind of noise is: plain data that says which channels follow a moment."""

from __future__ import annotations

import abc
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import attrs
import cirq
import numpy as np

from noise_models import fields
from noise_models.checks import only_known_keys
from noise_models.errors import InputError, shown
from noise_models.extensions import NotNamedError, comes_with_project
from noise_models.fields import fields_of
from noise_models.timeline import Step
from noise_models.values import FrozenMapping, frozen, plain_data

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
        InputError: If the value is no mapping, has a key that is no field, or lacks a field that
            has no default.
    """
    known = {field.name: field for field in fields_of(cls)}
    if not isinstance(value, Mapping):
        raise InputError(
            f"{name} = {shown(value)} is not a table; its keys are {', '.join(known)}."
        )
    only_known_keys(name, value, known)
    for key, field in known.items():
        if field.is_required and key not in value:
            raise InputError(f"{name}.{key} is missing; {name} needs {', '.join(known)}.")
    return dict(value)


def plain_fields(instance: object) -> dict[str, object]:
    """The fields of an object of settings that differ from their defaults, as plain data.

    Args:
        instance: An object of a class as for `fields_of`.

    Raises:
        InputError: If a field holds what no file can.
    """
    plain: dict[str, object] = {}
    for each in fields_of(instance):
        value = getattr(instance, each.name)
        if isinstance(value, np.generic):
            # Compared with a list, it would be an array of answers.
            value = value.item()
        if not each.is_default(value):
            key = f"{getattr(instance, 'key', 'noise')}.{each.name}"
            plain[each.name] = plain_data(key, value)
    return plain


def _factor() -> Any:
    meaning = "the factor by which this group of errors is multiplied"
    return fields.real(0.0, MAX_SCALE, meaning, default=1.0)


@attrs.frozen
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
        InputError: If a factor is negative, NaN or above a million.
    """

    key: ClassVar[str] = "scales"

    gate: float = _factor()
    idle: float = _factor()
    readout: float = _factor()

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the factors from a mapping or takes them as they are.

        Args:
            value: A mapping of the fields, or factors, which are returned as they are.
        """
        if isinstance(value, cls):
            return value
        return cls(**parse_fields(cls, "scales", value))  # type: ignore[arg-type]

    def times(self, factor: float) -> tuple[float, float, float]:
        """The factors for gate, idle and readout, each multiplied by an overall one.

        Args:
            factor: The overall factor, at least 0.
        """
        return self.gate * factor, self.idle * factor, self.readout * factor


@attrs.frozen
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


class NoiseKind(abc.ABC):
    """One kind of noise, as a frozen class of settings whose fields are the configuration's keys.

    A kind of your own is a frozen dataclass, or an ``attrs.frozen`` class with fields as of
    `noise_models.fields`: a subclass with a `key`, `has_gate_noise` and `layers`: name it as
    "module:attribute" or "path/to/file.py:attribute" among the keys of noise, or add it with
    `register_noise`. All engines apply it, as they read its operations alone; these are unitaries
    or channels with Kraus operators on one or two qubits. How it is scaled, it decides itself: it
    is given the factors.
    """

    key: ClassVar[str]
    """The key of the configuration under which it stands: a word that no other kind has."""
    known: ClassVar[tuple[str, ...]] = ()
    """Fields that are known of a processor, as durations: no fit looks for them unless it is asked
    to."""

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Reads the noise from what stands under its key.

        Args:
            value: A mapping of the fields, or an instance, which is returned as it is.

        Raises:
            InputError: If a key is unknown or a value not allowed.
        """
        if isinstance(value, cls):
            return value
        settings = parse_fields(cls, cls.key, value)
        if not comes_with_project(cls):
            # What is hashed must hold nothing that changes, and nobody wrote that into the class.
            settings = {name: frozen(setting) for name, setting in settings.items()}
        return cls(**settings)

    def to_value(self) -> object:
        """The plain data (numbers, text, dictionaries) from which `from_value` restores this."""
        return plain_fields(self)

    def field_value(self) -> object:
        """What `NoiseConfiguration` stores under the key."""
        return self

    def check_strength(self, strength: Strength) -> None:  # noqa: B027
        """Checks that the noise remains possible when scaled; by default it always does.

        Args:
            strength: The factors by which noise is multiplied.

        Raises:
            InputError: If a probability would exceed 1.
        """

    @abc.abstractmethod
    def has_gate_noise(self, strength: Strength) -> bool:
        """Whether any channel at all follows any moment, or comes before the first.

        Args:
            strength: The factors by which noise is multiplied.
        """

    @abc.abstractmethod
    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """The noise after a moment.

        Args:
            step: What happens in the moment.
            strength: The factors by which noise is multiplied.

        Returns:
            Operations in layers, to be applied one layer after the other. Within a layer no qubit
            occurs twice. Channels that do nothing are left out.

        Raises:
            InputError: If the kind knows no errors of a qubit or a gate of the moment.
        """

    def before(
        self, qubits: Sequence[cirq.Qid], strength: Strength
    ) -> Iterable[Sequence[cirq.Operation]]:
        """The noise before a circuit's first moment; by default there is none.

        Args:
            qubits: Those that the circuit prepares: all but those whose state is handed over.
            strength: The factors by which noise is multiplied.

        Returns:
            Operations in layers, as of `layers`.
        """
        return []

    def readout(self, qubit: cirq.Qid, strength: Strength) -> tuple[float, float] | None:
        """P(read 1 | state 0) and P(read 0 | state 1), or None if this kind says nothing of it.

        Args:
            qubit: The qubit that is read.
            strength: The factors by which noise is multiplied.
        """
        return None

    def joint_readout(self, first: cirq.Qid, second: cirq.Qid, strength: Strength) -> float:
        """Probability that the recorded bits of two qubits are flipped together.

        Args:
            first: One of two qubits that are read in the same moment.
            second: The other.
            strength: The factors by which noise is multiplied.
        """
        return 0.0

    def places(self) -> Mapping[str, Iterable[str]]:
        """The keys of tables for single qubits or couplers, by the name of the table."""
        return {
            name: value
            for name in fields.field_names(self)
            if isinstance(value := getattr(self, name), FrozenMapping)
        }

    def has_readout_noise(self, strength: Strength) -> bool:
        """Whether any qubit may be read wrongly.

        Args:
            strength: The factors by which noise is multiplied.
        """
        return False


@attrs.frozen
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
        """Yes, for all that is known.

        Args:
            strength: The factors by which noise is multiplied.
        """
        return True

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """Refuses to be applied."""
        raise NotNamedError(
            f"noise kind {shown(self.name)} stands in a stored file, for which nothing is "
            "imported: name it yourself before, in this process."
        )
