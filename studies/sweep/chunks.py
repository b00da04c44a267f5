"""Chunks: one small file for a few finished points.

A chunk file is written under another name, flushed and renamed, and never changed. Its name and a
checksum derive from its content, so several processes or machines may write to one folder, and a
file that was damaged later is noticed.

A chunk is one JSON object in a fixed layout of lines: the checksum of all that follows; what tables
need; and the raw arrays. Tables are read without decoding the arrays, which are most of the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noise_models.files import parsed_json
from noise_models.writing import atomic_write
from qucnn_cirq.errors import InputError
from studies.files import LARGEST_RESULT, SCHEMA, check_schema, damaged, file_content, parsed
from studies.sweep.stored_plan import StoredPlan

if TYPE_CHECKING:
    from studies.sweep.study import Row

CHUNKS = "chunks"
"""The folder of the chunks."""
CHUNK_ADVICE = "move it away and run the study again; only its points are computed anew."


@dataclass(frozen=True, eq=False)
class MeasuredPoint:
    """What became of one point.

    Attributes:
        identity: The point's identity.
        rows: What was measured; empty if it failed.
        arrays: Raw data, encoded as `encode_array` does.
        seconds: Time taken, over all shots.
        error: Why it failed, or None.
        shots: As in `studies.sweep.study.Measured`.
    """

    identity: str
    rows: list[Row]
    arrays: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    shots: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """As plain data, the arrays apart."""
        return {name: value for name, value in vars(self).items() if name != "arrays"}


@dataclass(frozen=True, eq=False)
class Chunk:
    """The content of a chunk file.

    Attributes:
        outcomes: What became of its points; without arrays unless they were asked for.
        provenance: Versions, machine and commit.
        resolved: For each identity what decided it; see `studies.sweep.plan.resolve`.
    """

    outcomes: list[MeasuredPoint]
    provenance: Mapping[str, Any]
    resolved: Mapping[str, Mapping[str, Any]]

    def is_for(self, identity: str, targets: Mapping[str, Any]) -> bool:
        """Whether a point was measured for these targets; chunks of old versions have none.

        Args:
            identity: Of a point of this chunk.
            targets: Settings that say how many shots are wanted, as in `studies.sweep.plan.Point`.
        """
        return bool(self.resolved[identity].get("targets", targets) == targets)


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """An array as plain data, compressed.

    Args:
        array: Of any shape, of numbers or truth values.
    """
    contiguous = np.ascontiguousarray(array)
    little = contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False)
    packed = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode()
    return {"dtype": little.dtype.str, "shape": list(array.shape), "zlib_base64": packed}


def decode_array(content: Mapping[str, Any]) -> NDArray[Any]:
    """The array that `encode_array` packed, of the shape that it had.

    Args:
        content: The plain data.

    Raises:
        InputError: If they are damaged.
    """
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
    """The arrays of an outcome, each of the shape that it had.

    Args:
        arrays: By name, as `encode_array` packs them.

    Raises:
        InputError: If one is damaged.
    """
    return {name: decode_array(array) for name, array in arrays.items()}


def write_chunk(
    folder: Path,
    study: str,
    plan: str,
    provenance: Mapping[str, Any],
    outcomes: Iterable[MeasuredPoint],
    resolved: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Writes a chunk of finished points.

    Args:
        folder: The results folder.
        study: The study's name.
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
    data = file_content(path)
    first, _, body = data.partition(b"\n")
    second, _, third = body.partition(b"\n")
    try:
        head = parsed_json(first.rstrip(b",") + b"}", path)
    except InputError:
        # Perhaps of a version whose chunks have other lines.
        head = parsed(path, data, CHUNK_ADVICE)
    if not isinstance(head, dict):
        raise damaged(path, CHUNK_ADVICE)
    check_schema(path, head, CHUNK_ADVICE)
    if head.get("sha256") != hashlib.sha256(body).hexdigest():
        raise damaged(path, CHUNK_ADVICE)
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
            MeasuredPoint(**point, arrays=packed.get(point["identity"], {}))
            for point in content["points"]
        ]
        chunk = Chunk(outcomes, content["provenance"], resolved)
        whole = _is_chunk(chunk)
        digests = {identity: own["digests"] for identity, own in resolved.items()}
    except (KeyError, TypeError, AttributeError, OverflowError):
        raise damaged(path, CHUNK_ADVICE) from None
    if not whole:
        raise damaged(path, CHUNK_ADVICE)
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
    """Whether what a chunk file holds is what `write_chunk` may have written."""
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

    Args:
        folder: A results folder; it may be without chunks.

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


def _json(content: object) -> str:
    return json.dumps(content, allow_nan=False)
