"""A folder of results: one small file for each finished chunk of points.

A chunk file is written under another name, flushed and renamed, and never changed. Its name and a
checksum derive from its content, so several processes or machines may write to one folder, and a
file that was damaged later is noticed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write
from studies.files import CONFIGURATION, write_json, write_text
from studies.sweep.kind import Row
from studies.sweep.plan import SCHEMA, Plan

PLAN = "plan.json"
CHUNKS = "chunks"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one point.

    Attributes:
        identity: The point's identity.
        rows: What was measured; empty if it failed.
        arrays: Raw data, encoded as :func:`encode_array` does.
        seconds: Time taken.
        error: Why it failed, or None.
    """

    identity: str
    rows: list[Row]
    arrays: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None

    def to_mapping(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "identity": self.identity,
            "rows": self.rows,
            "arrays": self.arrays,
            "seconds": self.seconds,
            "error": self.error,
        }


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """The plan of a folder, as far as its results need it.

    Attributes:
        study: The kind of sweep.
        digest: Tells one sweep from another.
        axes: Short names of the axes.
        points: Identity and axis values of each point, in order.
    """

    study: str
    digest: str
    axes: tuple[str, ...]
    points: tuple[tuple[str, Mapping[str, Any]], ...]


def encode_array(array: NDArray[Any]) -> dict[str, Any]:
    """An array as plain data, compressed."""
    contiguous = np.ascontiguousarray(array)
    little = contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False)
    packed = base64.b64encode(zlib.compress(little.tobytes(), 6)).decode()
    return {"dtype": little.dtype.str, "shape": list(array.shape), "zlib_base64": packed}


def decode_array(content: Mapping[str, Any]) -> NDArray[Any]:
    """The array that :func:`encode_array` packed."""
    data = zlib.decompress(base64.b64decode(content["zlib_base64"]))
    return np.frombuffer(data, dtype=np.dtype(content["dtype"])).reshape(content["shape"]).copy()


def open_folder(folder: Path, plan: Plan) -> None:
    """Makes a folder ready for the results of a plan, or makes sure that it holds its results.

    Raises:
        InputError: If it cannot be written to, or holds something else.
    """
    try:
        (folder / CHUNKS).mkdir(parents=True, exist_ok=True)
        probe = folder / CHUNKS / f".{secrets.token_hex(6)}.probe"
        probe.touch()
        probe.unlink()
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"--out {folder} is not a folder (or a part of the path is a file): choose another."
        ) from None
    except OSError as error:
        raise InputError(
            f"--out {folder} cannot be written to ({error.strerror}): choose another folder."
        ) from None
    if (folder / PLAN).exists():
        found = read_plan(folder)
        if found.digest != plan.digest:
            raise InputError(
                f"--out {folder} holds results of another sweep (study {found.study}, "
                f"{len(found.points)} points; see its {CONFIGURATION}): choose another folder."
            )
        return
    # The same text: another process has just begun, or one ended between the two files.
    text = plan.to_toml()
    existing = folder / CONFIGURATION
    if existing.exists() and existing.read_bytes() != text.encode():
        raise InputError(
            f"--out {folder} holds results of another study (see its {CONFIGURATION}): choose "
            "another folder."
        )
    write_text(existing, text)
    write_json(folder / PLAN, plan.to_mapping())


def read_plan(folder: Path) -> StoredPlan:
    """The plan of a results folder.

    Raises:
        InputError: If there is none, or it is damaged or of another version.
    """
    path = folder / PLAN
    if not path.is_file():
        raise InputError(
            f"{folder} holds no sweep (it has no {PLAN}): give a folder that "
            "`qucnn study NAME --out` wrote."
        )
    content = _read_json(path)
    _check_schema(path, content)
    try:
        return StoredPlan(
            content["study"],
            content["digest"],
            tuple(content["axes"]),
            tuple((each["identity"], each["values"]) for each in content["points"]),
        )
    except (KeyError, TypeError):
        raise _damaged(path) from None


def write_chunk(
    folder: Path, study: str, plan: str, provenance: Mapping[str, Any], outcomes: Iterable[Outcome]
) -> Path:
    """Writes a chunk of finished points.

    Args:
        folder: The results folder.
        study: The kind of sweep.
        plan: The plan's digest.
        provenance: Versions, machine and commit.
        outcomes: What became of the points.

    Raises:
        OSError: If writing fails; nothing is left behind then.
    """
    points = [outcome.to_mapping() for outcome in outcomes]
    content = {
        "schema": SCHEMA,
        "study": study,
        "plan": plan,
        "provenance": dict(provenance),
        "points": points,
    }
    checksum = _checksum(content)
    path = folder / CHUNKS / f"{points[0]['identity'][:12]}-{checksum[:12]}.json"
    with atomic_write(path) as file:
        file.write(json.dumps({**content, "sha256": checksum}, allow_nan=False).encode())
    return path


def read_chunk(path: Path, plan: StoredPlan) -> tuple[list[Outcome], Mapping[str, Any]]:
    """The outcomes in a chunk file and where they come from.

    Raises:
        InputError: If it is damaged, of another version, or of another sweep.
    """
    content = _read_json(path)
    _check_schema(path, content)
    if content.get("plan") != plan.digest:
        raise InputError(
            f"{path} belongs to another sweep (study {content.get('study')!r}): move it out of "
            "the folder."
        )
    checksum = content.pop("sha256", None)
    if checksum != _checksum(content):
        raise _damaged(path)
    return [Outcome(**each) for each in content["points"]], content["provenance"]


def read_outcomes(folder: Path, plan: StoredPlan) -> dict[str, Outcome]:
    """What became of the points so far, by identity; a success counts more than a failure.

    Raises:
        InputError: If a file is damaged, of another version, or of another sweep.
    """
    outcomes: dict[str, Outcome] = {}
    for path in sorted((folder / CHUNKS).glob("*.json")):
        for outcome in read_chunk(path, plan)[0]:
            known = outcomes.get(outcome.identity)
            if known is None or (known.error is not None and outcome.error is None):
                outcomes[outcome.identity] = outcome
    return outcomes


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    if not isinstance(content, dict):
        raise _damaged(path)
    return content


def _check_schema(path: Path, content: Mapping[str, Any]) -> None:
    if content.get("schema") != SCHEMA:
        raise InputError(
            f"{path} has schema {content.get('schema')!r}; this version of qucnn_cirq reads "
            f"{SCHEMA}. Use the version that wrote it, or another folder."
        )


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged (truncated, or changed after it was written): move it away and run "
        "the study again; only its points are computed anew."
    )


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
