"""From a configuration to points, each with an identity that decides all its random draws."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from noise_models import as_noise
from noise_models.checks import text
from noise_models.extensions import source_digest
from noise_models.tables import write_document
from qucnn_cirq.bars import progress_bar
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.circuits.overlap_tests.registry import AUTO
from qucnn_cirq.devices import load_device
from qucnn_cirq.documents import REPORT, with_texts
from qucnn_cirq.errors import InputError
from studies.files import SCHEMA, digest_of
from studies.sweep.axes import combinations, place, read_axes
from studies.sweep.inputs import told
from studies.sweep.study import REFUSED, Study

_BAR_DELAY = 1.0
"""Seconds without a bar: what is done by then needs none."""


@dataclass(frozen=True, eq=False)
class Point:
    """One setting of a sweep.

    Attributes:
        identity: Digest of the study and of the settings that differ from their defaults, targets
            apart that are not swept; see `identified`. All random draws derive from it.
        digests: What decides the outcome besides: digests of the compiled circuits and of the
            data, and the version of the measurement. Results are used again where they agree.
        targets: The settings that say how many shots are taken.
        values: The values of the axes, by short name.
        document: The configuration of this point alone.
        settings: The same as the study's settings.
    """

    identity: str
    digests: Mapping[str, str]
    targets: Mapping[str, Any]
    values: Mapping[str, Any]
    document: Mapping[str, Any]
    settings: Any


@dataclass(frozen=True, eq=False)
class Plan:
    """All points of a sweep, in the order of their axes.

    Attributes:
        study: The study.
        document: The configuration.
        axes: Short names of the axes.
        points: The points.
    """

    study: Study
    document: Mapping[str, Any]
    axes: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def digest(self) -> str:
        """Tells one sweep from another, circuits, data and targets apart."""
        return digest_of([point.identity for point in self.points])

    def to_mapping(self, copies: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
        """The content of ``plan.json``.

        Args:
            copies: As for `to_toml`.
        """
        decided = self._decided_by()
        return {
            "schema": SCHEMA,
            "study": self.study.name,
            "digest": self.digest,
            "axes": list(self.axes),
            "columns": dict(self.study.columns),
            "configuration": hashlib.sha256(self.to_toml(copies).encode()).hexdigest(),
            # Thousands of points have few different ones.
            "decided_by": [json.loads(text) for text in decided],
            "points": [
                {
                    "identity": point.identity,
                    "values": dict(point.values),
                    "decided_by": decided[_decided_by(point)],
                }
                for point in self.points
            ],
        }

    def _decided_by(self) -> dict[str, int]:
        """The different digests and targets of the points, as texts, with their numbers."""
        different = dict.fromkeys(_decided_by(point) for point in self.points)
        return {text: number for number, text in enumerate(different)}

    def to_toml(self, copies: Mapping[str, str] = MappingProxyType({})) -> str:
        """The configuration as it can be run again, ranges spelled out as lists.

        Args:
            copies: For texts that name files the copies that stand beside the configuration.
        """
        # A noise may be a name and no table.
        document = {
            name: dict(table) if isinstance(table, Mapping) else table
            for name, table in self.document.items()
        }
        for axis in read_axes(self.document, self.study.study_keys):
            table = document["zip" if len(axis.keys) > 1 else _table_of(document, axis.keys[0])]
            for column, key in enumerate(axis.keys):
                short = key.removeprefix("study.")
                table.pop(short, None)
                table.pop(key, None)
                table[short] = [values[column] for values in axis.values]
        for name in document.keys() - {REPORT}:
            document[name] = with_texts(document[name], lambda text: copies.get(text, text))
        return write_document(document)


def make_plan(study: Study, document: Mapping[str, Any], quiet: bool = True) -> Plan:
    """Expands the axes, checks every point and derives its identity.

    Args:
        study: The study.
        document: Its configuration: the tables [study], [convolution], [noise], [axes], [zip].
        quiet: No progress bar; thousands of points take a minute.

    Raises:
        InputError: If a setting of any point is not allowed, or two points are the same.
    """
    axes = read_axes(document, study.study_keys)
    keys = [key for axis in axes for key in axis.keys]
    points: list[Point] = []
    seen: dict[str, Mapping[str, Any]] = {}
    disabled = True if quiet else None
    combined = list(combinations(axes))
    named = {
        key: _naming(values)
        for axis in axes
        for key, values in zip(axis.keys, zip(*axis.values, strict=True), strict=True)
    }
    for values in progress_bar(combined, "points", leave=False, disable=disabled, delay=_BAR_DELAY):
        own = place(document, values)
        settings = study.read(own)
        identity = digest_of(identified(study, settings, values))
        short = {key.removeprefix("study."): named[key](value) for key, value in values.items()}
        if identity in seen:
            one, other = _text(seen[identity]), _text(short)
            if one == other:
                together = [key.removeprefix("study.") for key in document.get("zip", short)]
                raise InputError(
                    "two points are the same: entries of [zip] vary together and differ only in "
                    f"what was set to one value; set {' and '.join(together)} to one value, too, "
                    f"or leave an entry out ({one})."
                )
            raise InputError(f"the points {one} and {other} mean the same: leave one out.")
        seen[identity] = short
        digests = digests_of(study, settings)
        targets = {key: getattr(settings, key) for key in study.targets}
        points.append(Point(identity, digests, targets, short, own, settings))
    names = tuple(key.removeprefix("study.") for key in keys)
    return Plan(study, document, names, tuple(points))


def digests_of(study: Study, settings: Any) -> dict[str, str]:
    """What decides the outcome of a point besides its settings; see `Point`.

    Where it is measured, in another process or on another machine, these must be the same.

    Args:
        study: The study.
        settings: The point's settings.

    Returns:
        Digests and versions, by what they are of.
    """
    with study.guarded("digest"):
        own = dict(study.digest(settings))
    for key, digest in own.items():
        text(f"digest of study {study.name!r}: {key}", digest)
    overlap = settings.convolution.overlap
    return {
        "measurement": f"version {study.version}",
        **own,
        **settings.noise.source_digests(),
        # Once it belonged to each point by itself.
        **({} if settings.noise.drift is None else {"drift": "by repetition"}),
        **({} if overlap == AUTO else OVERLAP_TESTS.digests("overlap test", overlap)),
        **settings.convolution.filter_sources,
        **({} if (code := source_digest(study.measure)) is None else {"study": code}),
    }


@runtime_checkable
class Checks(Protocol):
    """Settings that look at the compiled convolution before anything is measured."""

    def check_program(self, program: Any) -> None:
        """Refuses, by an InputError, a program that the point cannot be measured with.

        Args:
            program: The compiled convolution of the point.
        """


def refusal(study: Study, point: Point) -> str | None:
    """Why a point cannot be measured, as far as that is known without measuring it; or None.

    Args:
        study: The study.
        point: The point. Its circuits are compiled, the places of its noise looked up, and the
            circuits of its mitigation made for one patch.
    """
    for found in point.digests.values():
        # The version of a package that is not installed.
        if found.endswith(" None"):
            return f"{found.removesuffix(' None')} is not installed."
    try:
        program = None
        if REFUSED in point.digests.values():
            load_device(point.settings.device)
            if study.program is not None:
                study.program(point.settings)
            return "its circuits cannot be compiled."
        if "circuits" in point.digests and study.program is not None:
            program = study.program(point.settings)
        if program is not None:
            noise = as_noise(point.settings.noise)
            noise.check_places(program.device.graph, f"device {program.device.name!r}")
            if isinstance(point.settings, Checks):
                point.settings.check_program(program)
    except InputError as error:
        return str(error)
    return None


def identified(study: Study, settings: Any, swept: Collection[str] = ()) -> dict[str, Any]:
    """What the identity of a point is the digest of, as plain data.

    Settings at their default are left out, so that a setting that is added later changes no
    identity, and targets too, so that a point can be measured further. A target that is swept
    stays: points with other numbers of shots are independent then.

    Args:
        study: The study.
        settings: The point's settings.
        swept: Dotted keys of the settings that are swept.
    """
    own = settings.to_identity()
    left_out = {key for key in study.targets if f"study.{key}" not in swept}
    kept = {key: value for key, value in own["study"].items() if key not in left_out}
    return {"study": study.name, "settings": {**own, "study": kept}}


def resolve(study: Study, point: Point) -> dict[str, Any]:
    """Everything that decides the outcome of a point, defaults spelled out, as plain data.

    Of a calibration that is spelled out there is but the digest: it is thousands of numbers, and
    stands in the configuration of the sweep or in the file that is copied to the results.

    Args:
        study: The study.
        point: The point.

    Returns:
        The study's name, the settings, the digests and the targets, as plain data.
    """
    settings = dict(point.settings.to_mapping())
    noise = settings.get("noise", {})
    if isinstance(noise.get("calibrated"), Mapping):
        cut = f"sha256:{digest_of(noise['calibrated'])}"
        settings["noise"] = {**noise, "calibrated": cut}
    return {
        "study": study.name,
        "settings": settings,
        "digests": dict(point.digests),
        "targets": dict(point.targets),
    }


def seed_of(identity: str) -> np.random.SeedSequence:
    """The seed of all random draws of a point.

    Args:
        identity: The point's identity, in hexadecimal digits.
    """
    return np.random.SeedSequence(int(identity, 16))


def shard(points: Iterable[Point], number: int, count: int) -> list[Point]:
    """The points of one of several shards; together the shards are all points.

    Args:
        points: All points.
        number: Which shard, 1 to ``count``.
        count: How many shards there are.
    """
    return [point for index, point in enumerate(points) if index % count == number - 1]


def _decided_by(point: Point) -> str:
    return json.dumps({"digests": dict(point.digests), "targets": dict(point.targets)})


def _table_of(document: Mapping[str, Any], key: str) -> str:
    """An axis of one key stands in [axes], or alone in [zip]."""
    zipped = document.get("zip", {})
    return "zip" if key in zipped or key.removeprefix("study.") in zipped else "axes"


def _naming(values: Sequence[Any]) -> Callable[[Any], Any]:
    """How values are called in tables: copies of files by their names, where these differ."""
    texts = {repr(value) for value in values}
    return (
        told if len({repr(told(value)) for value in values}) == len(texts) else lambda value: value
    )


def _text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in values.items()) or "(no axes)"
