"""Noise as plain data, to be read from and written to TOML and JSON."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from noise_models import fields
from noise_models.calibrated import CalibratedNoise
from noise_models.calibration import Calibration
from noise_models.coherent import CoherentNoise
from noise_models.correlated_readout import CorrelatedReadoutNoise
from noise_models.crosstalk import CrosstalkNoise
from noise_models.depolarizing import DepolarizingNoise
from noise_models.drift import DriftNoise
from noise_models.errors import InputError, shown, unknown_name
from noise_models.extensions import NotNamedError, is_reading_stored, source_digest, users_code
from noise_models.files import file_text, parsed_json, read_json, read_toml
from noise_models.idle import IdleNoise
from noise_models.kind import (
    MAX_SCALE,
    NoiseKind,
    ScaleFactors,
    Strength,
    UnnamedNoise,
    plain_fields,
)
from noise_models.preparation import PreparationNoise
from noise_models.readout import ReadoutNoise
from noise_models.registry import Registry
from noise_models.tables import parsed_source, write_table
from noise_models.thermal import ThermalNoise
from noise_models.values import FrozenMapping

_LOGGER = logging.getLogger(__name__)


class _NoiseKinds(Registry[type[NoiseKind]]):
    def _checked(self, what: str, member: object) -> type[NoiseKind]:
        kind = super()._checked(what, member)
        if not isinstance(getattr(kind, "key", None), str) or "__init__" not in vars(kind):
            raise InputError(f"{what} is no frozen dataclass with a text `key`: make it one.")
        return kind


NOISE_KINDS: Registry[type[NoiseKind]] = _NoiseKinds("noise kind", NoiseKind, classes=True)
"""The kinds of noise by their key: those of `NoiseConfiguration`, and those that were added."""


def _kind(cls: type[NoiseKind]) -> Any:
    """A field that holds a kind of noise, absent by default."""
    NOISE_KINDS.register(cls.key, cls)

    def read(value: object, configuration: NoiseConfiguration) -> object:
        if value is None:
            return None
        kind = cls.from_value(value)
        kind.check_strength(configuration.strength)
        return kind.field_value()

    return fields.read_after(read, default=None, metadata={"kind": cls})


def _read_others(value: object, configuration: NoiseConfiguration) -> Mapping[str, NoiseKind]:
    """The kinds of noise of the user's own, from their keys and what stands under these."""
    if not isinstance(value, Mapping):
        raise InputError(f"others = {shown(value)} is not a table of kinds of noise.")
    kinds: dict[str, NoiseKind] = {}
    for key, entry in value.items():
        try:
            cls = NOISE_KINDS[key]
        except NotNamedError:
            kinds[key] = UnnamedNoise(key, _stored_text(key, entry))
            continue
        if cls.key in _own_keys() or cls.key in (kind.key for kind in kinds.values()):
            raise InputError(
                f"noise.{key} has the key {cls.key!r} of another kind: give it one of its own."
            )
        with users_code(f"noise.{key}"):
            kinds[key] = cls.from_value(entry)
            kinds[key].check_strength(configuration.strength)
    return FrozenMapping(kinds)


# Without slots: what it derives is kept beside the fields.
@attrs.frozen(slots=False)
class NoiseConfiguration:
    """All noise of a processor, as data that can be compared, hashed, stored and sent.

    Kinds of noise that are absent (None) do nothing; those present add up. `readout` alone does
    not add to `calibrated` but replaces its independent readout errors.

    Args:
        scale: Factor for all noise, 0..1e6; 0 is exactly noiseless. See `ScaleFactors` for what
            is multiplied.
        scales: Further factors for gate, idle and readout noise.
        coherent: A fixed over-rotation of two-qubit gates.
        depolarizing: A random Pauli after every gate.
        idle: Probability of a random Pauli on each qubit that waits in a moment; see `IdleNoise`.
        thermal: Decay and dephasing.
        calibrated: A processor whose calibrated noise is added: its name ("willow_pink",
            "rainbow", "weber"), a calibration, or the path of a file that holds one.
        crosstalk: Errors between two-qubit gates that are done in the same moment.
        preparation: Qubits that start in |1>.
        readout: Errors of reading a qubit.
        correlated_readout: Errors of reading two qubits that happen together.
        drift: A factor on all rates that differs from image to image.
        others: Kinds of noise of your own, by the key under which they stand beside the others in
            a mapping and in TOML: the one with which it was registered (see `register_noise`), or
            "module:attribute" or "path/to/file.py:attribute". They act after the others; where
            one speaks of readout, it decides.

    Each kind may also be given as the mapping that its TOML holds.

    Raises:
        InputError: If a value is not allowed, or a probability exceeds 1 when scaled.
    """

    scale: float = fields.real(
        0.0, MAX_SCALE, "the factor by which all noise is multiplied", default=1.0
    )
    scales: ScaleFactors = fields.read_after(
        lambda value, _: ScaleFactors.from_value(value), default=ScaleFactors()
    )
    # The kinds of noise of the package, one line each. After a moment they act in this order.
    coherent: CoherentNoise | None = _kind(CoherentNoise)
    depolarizing: DepolarizingNoise | None = _kind(DepolarizingNoise)
    idle: float | None = _kind(IdleNoise)
    thermal: ThermalNoise | None = _kind(ThermalNoise)
    calibrated: str | Calibration | None = _kind(CalibratedNoise)
    crosstalk: CrosstalkNoise | None = _kind(CrosstalkNoise)
    preparation: PreparationNoise | None = _kind(PreparationNoise)
    readout: ReadoutNoise | None = _kind(ReadoutNoise)
    correlated_readout: CorrelatedReadoutNoise | None = _kind(CorrelatedReadoutNoise)
    drift: DriftNoise | None = _kind(DriftNoise)
    others: Mapping[str, NoiseKind] = fields.read_after(_read_others, default=FrozenMapping())

    @functools.cached_property
    def strength(self) -> Strength:
        """The factors that apply in the end, `scale` times each of `scales`."""
        return Strength(*self.scales.times(self.scale))

    @functools.cached_property
    def kinds(self) -> tuple[NoiseKind, ...]:
        """The kinds of noise that are present, in the order in which they act."""
        return tuple(
            each.metadata["kind"].from_value(getattr(self, each.name))
            for each in fields.fields_of(self)
            if "kind" in each.metadata and getattr(self, each.name) is not None
        ) + tuple(self.others.values())

    def source_digests(self) -> dict[str, str]:
        """For each kind of noise of the user's own the SHA-256 of the file that defines it."""
        found = {key: source_digest(kind) for key, kind in self.others.items()}
        return {f"noise.{key}": digest for key, digest in found.items() if digest is not None}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> NoiseConfiguration:
        """Reads a configuration from plain data.

        Args:
            mapping: The fields of a configuration, or {"noise": those fields}, beside which there
                may be the "uncertainty" of a fit.

        Raises:
            InputError: If a key is unknown or a value not allowed.
        """
        if not isinstance(mapping, Mapping):
            raise InputError(f"noise = {shown(mapping)} is not a table of noise settings.")
        if "noise" in mapping:
            for key in mapping:
                # What a fit leaves uncertain stands beside the noise that it found.
                if key not in ("noise", "uncertainty"):
                    raise InputError(
                        f"{shown(key)} stands beside [noise], as in a file of something else: a "
                        "noise is a table [noise], of a fit with [uncertainty]."
                    )
            return cls.from_mapping(mapping["noise"])
        own = {key: value for key, value in mapping.items() if key in _own_keys()}
        others = {key: value for key, value in mapping.items() if key not in own}
        for key in others:
            if not NOISE_KINDS.may_hold(key) and not is_reading_stored():
                raise unknown_name("key of noise", key, {*_own_keys(), *NOISE_KINDS.names()})
        return cls(**own, others=others)

    def to_mapping(self) -> dict[str, Any]:
        """The settings that differ from their defaults, as numbers, text and dictionaries."""
        mapping: dict[str, Any] = {}
        if self.scale != 1.0:
            mapping["scale"] = self.scale
        if self.scales != ScaleFactors():
            mapping["scales"] = plain_fields(self.scales)
        keys = {id(kind): key for key, kind in self.others.items()}
        mapping.update({keys.get(id(kind), kind.key): kind.to_value() for kind in self.kinds})
        return mapping

    @classmethod
    def from_toml(cls, source: str | Path) -> NoiseConfiguration:
        """Reads a configuration from TOML.

        Args:
            source: A path, or the text itself. A str that has a line break or an equals sign is
                text, any other is the name of a file.

        Raises:
            InputError: If the file or the text cannot be read, or holds what is not allowed.
        """
        return cls.from_mapping(parsed_source(source)[0])

    def to_toml(self) -> str:
        """The configuration as TOML, one table [noise]."""
        return write_table("noise", self.to_mapping())

    @classmethod
    def from_json(cls, source: str | Path) -> NoiseConfiguration:
        """Reads a configuration from JSON.

        Args:
            source: A path, or the text itself. A string is a path if it is one line that ends in
                ".json".

        Raises:
            InputError: If the file or the text cannot be read, or holds what is not allowed.
        """
        is_text = isinstance(source, str) and not source.lower().endswith(".json")
        text = str(source) if is_text else file_text(Path(source))
        return cls.from_mapping(parsed_json(text, "the noise configuration"))

    def to_json(self) -> str:
        """The configuration as JSON, one object with the key "noise".

        Raises:
            InputError: If a kind of the user's own holds what JSON cannot.
        """
        mapping = self.to_mapping()
        for key, value in mapping.items():
            _stored_text(key, value)
        return json.dumps({"noise": mapping}, indent=2)


def _own_keys() -> tuple[str, ...]:
    """The keys that come with the package."""
    return tuple(name for name in fields.field_names(NoiseConfiguration) if name != "others")


def _stored_text(key: str, value: object) -> str:
    """The settings of a kind that is not imported, in a canonical form."""
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise InputError(
            f"noise.{key} = {shown(value)} holds what is neither a finite number, a text, a list "
            "nor a table: give one of these."
        ) from None


def noise_from_file(path: str) -> NoiseConfiguration:
    """Reads noise from a file with a configuration, or with a calibration.

    Args:
        path: Ends in .toml; any other is read as JSON.

    Raises:
        InputError: If the file cannot be read, or holds what is not allowed.
    """
    content = (read_toml if path.lower().endswith(".toml") else read_json)(Path(path))
    is_calibration = isinstance(content, Mapping) and not content.keys().isdisjoint(
        ("calibration", "cirq_type")
    )
    _LOGGER.debug("%s is a %s", path, "calibration" if is_calibration else "configuration")
    if is_calibration:
        return NoiseConfiguration(calibrated=path)
    return NoiseConfiguration.from_mapping(content)
