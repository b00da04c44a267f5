"""A folder of results: one small file for each finished chunk of points.

A chunk file is written under another name, flushed and renamed, and never changed. Its name and a
checksum derive from its content, so several processes or machines may write to one folder, and a
file that was damaged later is noticed.

A chunk is one JSON object in a fixed layout of lines: the checksum of all that follows; what tables
need; and the raw arrays. Tables are read without decoding the arrays, which are most of the file.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models.errors import shown
from qucnn_cirq.configuration import read_document
from qucnn_cirq.errors import InputError
from qucnn_cirq.files import PARTIAL, atomic_write, parsed_json, write_text
from studies.files import (
    CONFIGURATION,
    LARGEST_RESULT,
    is_sealed,
    read_result,
    write_sealed,
)
from studies.sweep.axes import combinations, read_axes
from studies.sweep.plan import READABLE, SCHEMA, Plan, digest_of
from studies.sweep.study import Row

PLAN = "plan.json"
_OLD_KEYS = {"schema", "study", "digest", "axes", "columns", "points"}
"""Keys of plans that have no checksum."""
CHUNKS = "chunks"
_PLAN_ADVICE = (
    "move it away and run the study again, with the configuration.toml beside it; it is written "
    "anew and no point is lost."
)
_CHUNK_ADVICE = "move it away and run the study again; only its points are computed anew."
_DECIDING = {"measurement": "measurement rules"}
"""What digests are of, in words; others are named by their keys."""
_LEFTOVER_SECONDS = 86_400.0
"""Long after any file has been written: other processes may be at work in the same folder."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one point.

    Attributes:
        identity: The point's identity.
        rows: What was measured; empty if it failed.
        arrays: Raw data, encoded as :func:`encode_array` does.
        seconds: Time taken, over all shots.
        error: Why it failed, or None.
        shots: As in :class:`~studies.sweep.study.Measured`.
    """

    identity: str
    rows: list[Row]
    arrays: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    shots: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """As plain data, the arrays apart."""
        return {
            "identity": self.identity,
            "rows": self.rows,
            "seconds": self.seconds,
            "error": self.error,
            "shots": self.shots,
        }


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """The plan of a folder, as far as its results need it.

    Attributes:
        study: The kind of sweep.
        schema: Version of the folder's files.
        digest: Tells one sweep from another.
        axes: Short names of the axes.
        points: Identity and axis values of each point, in order.
        decided_by: For each identity the `digests` and the `targets` of
            :class:`~studies.sweep.plan.Point`; nothing in folders of old versions.
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
        """Digests of circuits and data, and the version of the measurement, of a point."""
        return self.decided_by[identity].get("digests", {})

    def targets(self, identity: str) -> Mapping[str, Any]:
        """The settings of a point that say how many shots are taken."""
        return self.decided_by[identity].get("targets", {})


@dataclass(frozen=True, eq=False)
class Chunk:
    """The content of a chunk file.

    Attributes:
        outcomes: What became of its points; without arrays unless they were asked for.
        provenance: Versions, machine and commit.
        resolved: For each identity what decided it; see `studies.sweep.plan.resolve`.
    """

    outcomes: list[Outcome]
    provenance: Mapping[str, Any]
    resolved: Mapping[str, Mapping[str, Any]]

    def is_for(self, identity: str, targets: Mapping[str, Any]) -> bool:
        """Whether a point was measured for these targets; chunks of old versions have none."""
        return bool(self.resolved[identity].get("targets", targets) == targets)


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """An array as plain data, compressed."""
    contiguous = np.ascontiguousarray(array)
    little = contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False)
    packed = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode()
    return {"dtype": little.dtype.str, "shape": list(array.shape), "zlib_base64": packed}


def decode_array(content: Mapping[str, Any]) -> NDArray[Any]:
    """The array that :func:`encode_array` packed."""
    try:
        dtype, shape = np.dtype(content["dtype"]), tuple(content["shape"])
        # No more than it says to hold, and that is bounded: a few bytes can unpack to gigabytes.
        size = min(math.prod(shape) * dtype.itemsize, LARGEST_RESULT)
        packed = base64.b64decode(content["zlib_base64"])
        data = zlib.decompressobj().decompress(packed, size + 1)
        return np.frombuffer(data, dtype=dtype).reshape(shape).copy()
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise InputError(f"an array of the results is damaged ({error}).") from None


def decoded(arrays: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The arrays of an outcome."""
    return {name: decode_array(array) for name, array in arrays.items()}


def open_folder(folder: Path, plan: Plan) -> None:
    """Makes a folder ready for the results of a plan, or makes sure that it holds its results.

    Raises:
        InputError: If it cannot be written to, or holds something else.
    """
    try:
        (folder / CHUNKS).mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / CHUNKS / f"probe{PARTIAL}"):
            pass
        (folder / CHUNKS / f"probe{PARTIAL}").unlink(missing_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"--out {folder} is not a folder (or a part of the path is a file): choose another."
        ) from None
    except OSError as error:
        raise InputError(
            f"--out {folder} cannot be written to ({error.strerror}): choose another folder."
        ) from None
    _remove_leftovers(folder)
    configuration = folder / CONFIGURATION
    text = plan.to_toml()
    if not os.path.lexists(folder / PLAN):
        _check_chunks(folder)
        # A process that died between the two files left a configuration alone.
        if configuration.exists() and read_result(configuration) != text.encode():
            raise InputError(
                f"--out {folder} holds results of another study (see its {CONFIGURATION}): choose "
                "another folder."
            )
        # Of two processes that begin different sweeps in one folder, only one writes its plan.
        with contextlib.suppress(FileExistsError):
            write_sealed(folder / PLAN, plan.to_mapping(), replace=False)
    same = configuration.is_file() and read_result(configuration) == text.encode()
    try:
        found = _stored_plan(folder)
    except _Damaged:
        if not same:
            raise
        _check_chunks(folder)
        # The configuration says whose folder it is; results of others would be told by the chunks.
        found = None
    if found is not None:
        wanted = _as_stored(plan)
        check_same(f"--out {folder}", found, wanted, "choose another folder", _measured(folder))
        # Of points that were not measured so far the digests may be others now.
        if found.decided_by != wanted.decided_by:
            found = None
    # Missing, damaged, with other targets, or the same points in other words.
    if not same:
        write_text(configuration, text)
    if found is None or found.configuration != plan.to_mapping()["configuration"]:
        write_sealed(folder / PLAN, plan.to_mapping())


def _check_chunks(folder: Path) -> None:
    """Makes sure that chunks whose plan is missing or damaged are of this version.

    Raises:
        InputError: If they are not, and would be lost to every command with a new plan.
    """
    for path in chunk_paths(folder)[:1]:
        head = _decoded(path, _file_content(path), _CHUNK_ADVICE)
        if head.get("schema") != SCHEMA:
            raise InputError(
                f"--out {folder} is of another version (schema {head.get('schema')!r}) and lacks "
                f"its {PLAN}: use that version to go on, or choose another folder."
            )


def _measured(folder: Path) -> set[str]:
    """Identities of the points of a folder that have results."""
    plan = _stored_plan(folder)
    return {
        outcome.identity
        for path in chunk_paths(folder)
        for outcome in read_chunk(path, plan).outcomes
        if outcome.error is None
    }


def check_same(
    where: str,
    found: StoredPlan,
    plan: StoredPlan,
    advice: str,
    points: Collection[str] | None = None,
) -> None:
    """Makes sure that results of one plan may stand beside those of another.

    Args:
        where: The folder of the first, for messages.
        found: Its plan.
        plan: The other.
        advice: What else can be done.
        points: The points whose digests must agree; None for all.

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
            f"{len(found.points)} points; see its {CONFIGURATION}): {advice}."
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


def read_plan(folder: Path) -> StoredPlan:
    """The plan of a results folder.

    A plan without a checksum, of an old version, is compared with the configuration beside it.

    Raises:
        InputError: If there is none, or it is damaged or of another version.
    """
    plan = _stored_plan(folder)
    if plan.configuration is None:
        document = read_document(folder / CONFIGURATION)
        from studies.sweep.catalogue import study_named

        kind = study_named(plan.study)
        values = [
            {key.removeprefix("study."): value for key, value in each.items()}
            for each in combinations(read_axes(document, kind.study_keys))
        ]
        if json.loads(json.dumps(values)) != [dict(own) for _, own in plan.points]:
            raise _damaged(folder / PLAN, _PLAN_ADVICE)
    return plan


def check_configuration(folder: Path, plan: StoredPlan) -> None:
    """Makes sure that the configuration of a folder is the one that its plan was made from.

    Raises:
        InputError: If it is missing or was changed.
    """
    path = folder / CONFIGURATION
    content = _file_content(path)
    if plan.configuration not in (None, hashlib.sha256(content).hexdigest()):
        raise InputError(
            f"{path} was changed after it was written: run the study with the configuration that "
            "it had, and it is written anew; or start a new folder."
        )


def _stored_plan(folder: Path) -> StoredPlan:
    path = folder / PLAN
    if not os.path.lexists(path):
        raise InputError(
            f"{folder} holds no sweep (it has no {PLAN}): give a folder that "
            "`qucnn study NAME --out` wrote."
        )
    content = _decoded(path, _file_content(path), _PLAN_ADVICE)
    _check_schema(path, content, _PLAN_ADVICE)
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
        raise _damaged(path, _PLAN_ADVICE) from None
    if not whole or not isinstance(plan.study, str):
        raise _damaged(path, _PLAN_ADVICE)
    return plan


def _as_stored(plan: Plan) -> StoredPlan:
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


def write_chunk(
    folder: Path,
    study: str,
    plan: str,
    provenance: Mapping[str, Any],
    outcomes: Iterable[Outcome],
    resolved: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Writes a chunk of finished points.

    Args:
        folder: The results folder.
        study: The kind of sweep.
        plan: The plan's digest.
        provenance: Versions, machine and commit.
        outcomes: What became of the points.
        resolved: For each identity what decided it; see `studies.sweep.plan.resolve`.

    Raises:
        OSError: If writing fails; nothing is left behind then.
    """
    outcomes = list(outcomes)
    content = {
        "study": study,
        "plan": plan,
        "provenance": dict(provenance),
        "points": [
            {**outcome.to_mapping(), "resolved": resolved[outcome.identity]} for outcome in outcomes
        ],
    }
    arrays = {outcome.identity: outcome.arrays for outcome in outcomes}
    body = f'"content": {_json(content)},\n"arrays": {_json(arrays)}}}\n'.encode()
    checksum = hashlib.sha256(body).hexdigest()
    path = folder / CHUNKS / f"{outcomes[0].identity[:12]}-{checksum[:12]}.json"
    with atomic_write(path) as file:
        file.write(f'{{"schema": {SCHEMA}, "sha256": "{checksum}",\n'.encode() + body)
    return path


def read_chunk(path: Path, plan: StoredPlan, arrays: bool = False) -> Chunk:
    """What a chunk file holds.

    Args:
        path: The file.
        plan: The plan of its folder.
        arrays: Whether the raw data are wanted too.

    Raises:
        InputError: If it is damaged, of another version, or of another sweep.
    """
    data = _file_content(path)
    first, _, body = data.partition(b"\n")
    second, _, third = body.partition(b"\n")
    try:
        head = parsed_json(first.rstrip(b",") + b"}", path)
    except InputError:
        # Perhaps of a version whose chunks have other lines.
        head = _decoded(path, data, _CHUNK_ADVICE)
    if not isinstance(head, dict):
        raise _damaged(path, _CHUNK_ADVICE)
    _check_schema(path, head, _CHUNK_ADVICE)
    if head.get("sha256") != hashlib.sha256(body).hexdigest():
        raise _damaged(path, _CHUNK_ADVICE)
    # From here on it is as it was written, but a checksum does not say who wrote it.
    try:
        content = parsed_json(b"{" + second.rstrip(b",") + b"}", path)["content"]
        if content["plan"] != plan.digest or content["study"] != plan.study:
            raise InputError(
                f"{path} belongs to another sweep (study {content['study']!r}): move it out of "
                "the folder."
            )
        packed = parsed_json(b"{" + third, path)["arrays"] if arrays else {}
        resolved = {point["identity"]: point.pop("resolved") for point in content["points"]}
        outcomes = [
            Outcome(**point, arrays=packed.get(point["identity"], {}))
            for point in content["points"]
        ]
        chunk = Chunk(outcomes, content["provenance"], resolved)
        whole = _is_chunk(chunk)
        digests = {identity: own["digests"] for identity, own in resolved.items()}
    except (KeyError, TypeError, AttributeError, OverflowError):
        raise _damaged(path, _CHUNK_ADVICE) from None
    if not whole:
        raise _damaged(path, _CHUNK_ADVICE)
    others = {
        identity
        for identity, own in digests.items()
        if plan.decided_by.get(identity) and own != plan.digests(identity)
    }
    if any(outcome.identity in others and outcome.error is None for outcome in outcomes):
        raise InputError(
            f"{path} was measured with other circuits, data or versions than the others: move it "
            "out of the folder."
        )
    # What failed then says nothing of what is planned now.
    return replace(
        chunk, outcomes=[outcome for outcome in outcomes if outcome.identity not in others]
    )


def _is_chunk(chunk: Chunk) -> bool:
    """Whether what a chunk file holds is what :func:`write_chunk` may have written."""
    settings = [each["settings"] for each in chunk.resolved.values()]
    tables = [chunk.provenance, *settings]
    tables += [own[key] for own in settings for key in ("study", "noise") if key in own]
    cells = []
    for outcome in chunk.outcomes:
        tables += [*outcome.rows, outcome.arrays, *outcome.arrays.values()]
        texts = (outcome.identity, "" if outcome.error is None else outcome.error)
        if not isinstance(outcome.rows, list) or not all(isinstance(each, str) for each in texts):
            return False
        cells += [cell for row in outcome.rows for cell in row.values()]
        # Neither a text nor nothing.
        cells += [outcome.seconds + 0.0, outcome.shots + 0.0]
    return all(isinstance(table, dict) for table in tables) and all(
        cell is None or isinstance(cell, str) or math.isfinite(cell) for cell in cells
    )


def chunk_paths(folder: Path) -> list[Path]:
    """The chunk files of a folder, in the order of their names.

    Raises:
        OSError: If the folder of the chunks cannot be read.
    """
    try:
        # Path.glob would take a folder that must not be read for an empty one.
        names = os.listdir(folder / CHUNKS)
    except FileNotFoundError:
        return []
    return [
        folder / CHUNKS / name
        for name in sorted(names)
        if name.endswith(".json") and not name.startswith(".")
    ]


def _remove_leftovers(folder: Path) -> None:
    """Removes the unfinished files of processes that were killed long ago."""
    old = time.time() - _LEFTOVER_SECONDS
    for path in [*folder.glob(f".*{PARTIAL}"), *(folder / CHUNKS).glob(f".*{PARTIAL}")]:
        # Others may do the same, or own them.
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < old:
                path.unlink()


def _file_content(path: Path) -> bytes:
    try:
        return read_result(path)
    except InputError as error:
        raise InputError(
            f"{str(error).removesuffix('.')}: move it out of the folder, or make it readable."
        ) from None


def _decoded(path: Path, data: bytes, advice: str) -> dict[str, Any]:
    try:
        content = parsed_json(data, path)
    except InputError:
        raise _damaged(path, advice) from None
    if not isinstance(content, dict):
        raise _damaged(path, advice)
    return content


def _check_schema(path: Path, content: Mapping[str, Any], advice: str) -> None:
    if "schema" not in content:
        raise _damaged(path, advice)
    if content["schema"] not in READABLE:
        raise InputError(
            f"{path} has schema {content['schema']!r}; this version of qucnn_cirq reads "
            f"{' and '.join(map(str, READABLE))}. Use the version that wrote it, or another folder."
        )


class _Damaged(InputError):
    """A file is not as it was written."""


def _damaged(path: Path, advice: str) -> InputError:
    return _Damaged(
        f"{path} is damaged (truncated, changed after it was written, or not written by a study): "
        f"{advice}"
    )


def _json(content: object) -> str:
    return json.dumps(content, allow_nan=False)
