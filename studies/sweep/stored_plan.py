"""The plan of a folder of results, as it is read again and compared."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noise_models.errors import shown, some
from qucnn_cirq.documents import AXES, read_document
from qucnn_cirq.errors import InputError
from studies.files import (
    CONFIGURATION,
    JOBS,
    SCHEMA,
    check_schema,
    damaged,
    digest_of,
    file_content,
    is_sealed,
    parsed,
)

if TYPE_CHECKING:
    from studies.sweep.plan import Plan

PLAN = "plan.json"
_OLD_KEYS = {"schema", "study", "digest", "axes", "columns", "points"}
"""Keys of plans that have no checksum."""
_PLAN_ADVICE = (
    "move it away and run the study again, with the configuration.toml beside it; it is written "
    "anew and no point is lost."
)
_DECIDING = {"measurement": "measurement rules"}
"""What digests are of, in words; others are named by their keys."""


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """The plan of a folder, as far as its results need it.

    Attributes:
        study: The study's name.
        schema: Version of the folder's files.
        digest: Tells one sweep from another.
        axes: Short names of the axes.
        points: Identity and axis values of each point, in order.
        decided_by: For each identity the `digests` and the `targets` of
            `studies.sweep.plan.Point`; nothing in folders of old versions.
        columns: What the columns of the rows mean, in their order.
        configuration: SHA-256 of the configuration; None in folders of old versions.
    """

    study: str
    schema: int
    digest: str
    axes: tuple[str, ...]
    points: tuple[tuple[str, Mapping[str, Any]], ...]
    decided_by: Mapping[str, Mapping[str, Mapping[str, Any]]]
    columns: Mapping[str, str]
    configuration: str | None = None

    def digests(self, identity: str) -> Mapping[str, str]:
        """Digests of circuits and data, and the version of the measurement, of a point.

        Args:
            identity: Of a point of this plan.
        """
        return self.decided_by[identity].get("digests", {})

    def targets(self, identity: str) -> Mapping[str, Any]:
        """The settings of a point that say how many shots are taken.

        Args:
            identity: Of a point of this plan.
        """
        return self.decided_by[identity].get("targets", {})


def read_plan(folder: Path) -> StoredPlan:
    """The plan of a results folder.

    A plan without a checksum, of an old version, is compared with the configuration beside it.

    Args:
        folder: A results folder.

    Raises:
        InputError: If there is none, or it is damaged or of another version.
    """
    plan = stored_plan(folder)
    if plan.configuration is None:
        document = read_document(folder / CONFIGURATION)
        # Folders of old versions only: these import all that a study needs.
        from studies.sweep.axes import combinations, read_axes
        from studies.sweep.catalogue import study_named

        study = study_named(plan.study)
        values = [
            {key.removeprefix("study."): value for key, value in each.items()}
            for each in combinations(read_axes(document, study.study_keys))
        ]
        if json.loads(json.dumps(values)) != [dict(own) for _, own in plan.points]:
            raise damaged(folder / PLAN, _PLAN_ADVICE)
    return plan


def check_no_jobs(folder: Path) -> None:
    """Refuses a folder of jobs in place of one of results.

    Args:
        folder: A folder without a plan.

    Raises:
        InputError: If it is one.
    """
    if (folder / JOBS).is_file():
        raise InputError(
            f"{folder} holds circuits that `qucnn jobs` wrote: `qucnn collect` makes results "
            f"of what comes back, in {folder / 'results'}."
        )


def stored_plan(folder: Path) -> StoredPlan:
    """The plan of a folder, checked against its checksum alone; see `read_plan`.

    Args:
        folder: The folder.

    Raises:
        InputError: If there is none, or it is damaged or of another version.
    """
    path = folder / PLAN
    if not os.path.lexists(path):
        check_no_jobs(folder)
        raise InputError(
            f"{folder} holds no sweep (it has no {PLAN}): give a folder that "
            "`qucnn study` or studies.run wrote."
        )
    content = parsed(path, file_content(path), _PLAN_ADVICE)
    check_schema(path, content, _PLAN_ADVICE)
    try:
        sealed = is_sealed(content)
        plan = _from_mapping(content, bool(sealed))
        whole = digest_of([identity for identity, _ in plan.points]) == plan.digest
        whole &= all(values.keys() == set(plan.axes) for _, values in plan.points)
        whole &= all(
            isinstance(table, dict)
            for own in plan.decided_by.values()
            for table in (own, *own.values())
        )
        whole &= bool(sealed) or (sealed is None and content.keys() == _OLD_KEYS)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise damaged(path, _PLAN_ADVICE) from None
    if not whole or not isinstance(plan.study, str):
        raise damaged(path, _PLAN_ADVICE)
    return plan


def as_stored(plan: Plan) -> StoredPlan:
    """What would be read of a plan once it is written.

    Args:
        plan: The plan.
    """
    return _from_mapping(plan.to_mapping(), sealed=True)


def _from_mapping(content: Mapping[str, Any], sealed: bool) -> StoredPlan:
    decided = content["decided_by"] if content["schema"] == SCHEMA else [{}]
    return StoredPlan(
        content["study"],
        content["schema"],
        content["digest"],
        tuple(content["axes"]),
        tuple((each["identity"], each["values"]) for each in content["points"]),
        {each["identity"]: decided[each.get("decided_by", 0)] for each in content["points"]},
        dict(content["columns"]),
        content["configuration"] if sealed else None,
    )


def check_same(
    where: str,
    found: StoredPlan,
    plan: StoredPlan,
    advice: str,
    points: Collection[str] | None = None,
    documents: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Makes sure that results of one plan may stand beside those of another.

    Args:
        where: The folder of the first, for messages.
        found: Its plan.
        plan: The other.
        advice: What else can be done.
        points: The points whose digests must agree; None for all.
        documents: The configurations of the first and of the other, to name what differs.

    Raises:
        InputError: If the sweeps differ, or the circuits, the data or the versions that decided
            the numbers.
    """
    if found.schema != plan.schema:
        raise InputError(
            f"{where} was written by another version (schema {found.schema}): it can be exported, "
            f"plotted and reported, not gone on with; use the version that began it, or {advice}."
        )
    if found.digest != plan.digest:
        raise InputError(
            f"{where} holds results of another sweep (study {found.study}, "
            f"{len(found.points)} points; {_difference(found, plan, documents)}): {advice}."
        )
    different = [
        (key, values)
        for identity, values in plan.points
        if points is None or identity in points
        for key in sorted({*found.digests(identity), *plan.digests(identity)})
        if found.digests(identity).get(key) != plan.digests(identity).get(key)
    ]
    if different:
        key, values = different[0]
        count = sum(other == key for other, _ in different)
        first = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
        raise InputError(
            f"{where} was measured with other {_DECIDING.get(key, key)} at {count} point(s), "
            f"first at {first or 'the only one'}: {advice}."
        )


def _difference(found: StoredPlan, plan: StoredPlan, documents: Sequence[Mapping[str, Any]]) -> str:
    """The first thing found by which one sweep differs from another, in words."""
    if found.study != plan.study:
        return f"see its {CONFIGURATION}"
    for axis in found.axes:
        if axis not in plan.axes:
            return f"there {axis} is swept too"
    for axis in plan.axes:
        if axis not in found.axes:
            return f"there {axis} is not swept"
        there, here = (
            dict.fromkeys(_value_text(values[axis]) for _, values in each.points)
            for each in (found, plan)
        )
        for where, own, other in (("there", there, here), ("here", here, there)):
            if own.keys() - other.keys():
                return f"only {where} {axis} is {some(each for each in own if each not in other)}"
    before, now = (dict(_settings(each)) for each in documents or ({}, {}))
    # A setting that one of them leaves out may be at its default in both.
    for key in sorted({*before, *now}, key=lambda key: (not (key in before and key in now), key)):
        if before.get(key) != now.get(key):
            return f"{key} is {before.get(key, 'not set')} there, {now.get(key, 'not set')} here"
    return f"see its {CONFIGURATION}"


def _value_text(value: object) -> str:
    """A value in a few characters, 1 and 1.0 alike."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.12g}" if is_number else shown(value, 30)


def _settings(table: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """The settings of a configuration by dotted key, as texts, without axes."""
    for key, value in table.items():
        if isinstance(value, Mapping) and key not in AXES:
            yield from _settings(value, f"{within}{key}.")
        elif key not in AXES:
            yield f"{within}{key}", _value_text(value)


def check_configuration(folder: Path, plan: StoredPlan) -> None:
    """Makes sure that the configuration of a folder is the one that its plan was made from.

    Args:
        folder: A results folder.
        plan: Its plan, as from `read_plan`.

    Raises:
        InputError: If it is missing or was changed.
    """
    path = folder / CONFIGURATION
    content = file_content(path)
    if plan.configuration not in (None, hashlib.sha256(content).hexdigest()):
        raise InputError(
            f"{path} was changed after it was written: run the study with the configuration that "
            "it had, and it is written anew; or start a new folder."
        )
