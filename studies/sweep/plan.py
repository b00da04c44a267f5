"""From a configuration to points, each with an identity that decides all its random draws."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from noise_models import NoiseError, as_noise
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.tables import write_document
from studies.progress import Track, untracked
from studies.sweep.axes import combinations, place, read_axes
from studies.sweep.kind import REFUSED, SweepKind

SCHEMA = 2
"""Version of the files of a results folder."""


@dataclass(frozen=True, eq=False)
class Point:
    """One setting of a sweep.

    Attributes:
        identity: Digest of `resolved`.
        resolved: Everything that decides the outcome: all settings, defaults spelled out, digests
            of the compiled circuits and of the data, and the version of the measurement.
        values: The values of the axes, by short name.
        document: The configuration of this point alone.
        settings: The same as the kind's settings.
    """

    identity: str
    resolved: Mapping[str, Any]
    values: Mapping[str, Any]
    document: Mapping[str, Any]
    settings: Any


@dataclass(frozen=True, eq=False)
class Plan:
    """All points of a sweep, in the order of their axes.

    Attributes:
        kind: The kind of sweep.
        document: The configuration.
        axes: Short names of the axes.
        points: The points.
    """

    kind: SweepKind
    document: Mapping[str, Any]
    axes: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def digest(self) -> str:
        """Tells one sweep from another."""
        return digest_of([point.identity for point in self.points])

    def to_mapping(self) -> dict[str, Any]:
        """The content of ``plan.json``."""
        return {
            "schema": SCHEMA,
            "study": self.kind.name,
            "digest": self.digest,
            "axes": list(self.axes),
            "columns": dict(self.kind.columns),
            "configuration": hashlib.sha256(self.to_toml().encode()).hexdigest(),
            "points": [
                {"identity": point.identity, "values": dict(point.values)} for point in self.points
            ],
        }

    def to_toml(self) -> str:
        """The configuration as it can be run again, ranges spelled out as lists."""
        # A noise may be a name and no table.
        document = {
            name: dict(table) if isinstance(table, Mapping) else table
            for name, table in self.document.items()
        }
        for axis in read_axes(self.document, self.kind.study_keys):
            table = document["zip" if len(axis.keys) > 1 else _table_of(document, axis.keys[0])]
            for column, key in enumerate(axis.keys):
                short = key.removeprefix("study.")
                table.pop(short, None)
                table.pop(key, None)
                table[short] = [values[column] for values in axis.values]
        return write_document(document)


def make_plan(kind: SweepKind, document: Mapping[str, Any], track: Track = untracked) -> Plan:
    """Expands the axes, checks every point and derives its identity.

    Args:
        kind: The kind of sweep.
        document: Its configuration: the tables [study], [convolution], [noise], [axes], [zip].
        track: Shows how far it is; thousands of points take a minute.

    Raises:
        InputError: If a setting of any point is not allowed, or two points are the same.
        NoiseError: If the noise is not allowed.
    """
    axes = read_axes(document, kind.study_keys)
    keys = [key for axis in axes for key in axis.keys]
    points: list[Point] = []
    seen: dict[str, Mapping[str, Any]] = {}
    for values in track(list(combinations(axes)), "points"):
        own = place(document, values)
        settings = kind.read(own)
        resolved = resolve(kind, settings)
        identity = digest_of(resolved)
        short = {key.removeprefix("study."): value for key, value in values.items()}
        if identity in seen:
            raise InputError(
                f"the points {_text(seen[identity])} and {_text(short)} mean the same: leave one "
                "out."
            )
        seen[identity] = short
        points.append(Point(identity, resolved, short, own, settings))
    names = tuple(key.removeprefix("study.") for key in keys)
    return Plan(kind, document, names, tuple(points))


def refusal(kind: SweepKind, point: Point) -> str | None:
    """Why a point cannot be measured, as far as that is known without measuring it; or None."""
    for found in point.resolved["digests"].values():
        # The version of a package that is not installed.
        if found.endswith(" None"):
            return f"{found.removesuffix(' None')} is not installed."
    try:
        program = None
        if REFUSED in point.resolved["digests"].values():
            load_device(point.settings.device)
            if kind.program is not None:
                kind.program(point.settings)
            return "its circuits cannot be compiled."
        if "circuits" in point.resolved["digests"] and kind.program is not None:
            program = kind.program(point.settings)
        if program is not None:
            noise = as_noise(point.settings.noise)
            noise.check_places(program.device.graph, f"device {program.device.name!r}")
    except (InputError, NoiseError) as error:
        return str(error)
    return None


def identity_of(kind: SweepKind, settings: Any) -> str:
    """The identity of a point: 64 hexadecimal digits."""
    return digest_of(resolve(kind, settings))


def resolve(kind: SweepKind, settings: Any) -> dict[str, Any]:
    """Everything that decides the outcome of a point, as plain data."""
    return {
        "study": kind.name,
        "version": kind.version,
        "settings": kind.describe(settings),
        "digests": {**kind.digest(settings), **settings.noise.source_digests()},
    }


def seed_of(identity: str) -> np.random.SeedSequence:
    """The seed of all random draws of a point."""
    return np.random.SeedSequence(int(identity, 16))


def shard(points: Iterable[Point], number: int, count: int) -> list[Point]:
    """The points of one of several shards; together the shards are all points.

    Args:
        points: All points.
        number: Which shard, 1 to ``count``.
        count: How many shards there are.
    """
    return [point for index, point in enumerate(points) if index % count == number - 1]


def summarized(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """What :func:`resolve` gives, with a calibration that is spelled out cut to its digest.

    Such a calibration is thousands of numbers, and stands in the configuration of the sweep or in
    the file that is copied to the results.
    """
    noise = resolved["settings"].get("noise", {})
    if not isinstance(noise.get("calibrated"), Mapping):
        return dict(resolved)
    cut = {**noise, "calibrated": f"sha256:{digest_of(noise['calibrated'])}"}
    return {**resolved, "settings": {**resolved["settings"], "noise": cut}}


def digest_of(content: object) -> str:
    """The SHA-256 of plain data in a canonical form, in hexadecimal digits."""
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise InputError("a setting is NaN or infinite: give finite numbers.") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _table_of(document: Mapping[str, Any], key: str) -> str:
    """An axis of one key stands in [axes], or alone in [zip]."""
    zipped = document.get("zip", {})
    return "zip" if key in zipped or key.removeprefix("study.") in zipped else "axes"


def _text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in values.items()) or "(no axes)"
