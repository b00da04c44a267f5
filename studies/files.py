"""The files of results: their names, versions and seals, and what they hold, checked first."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noise_models.files import file_bytes, parsed_json
from noise_models.writing import write_json
from qucnn_cirq.errors import InputError

CONFIGURATION = "configuration.toml"
"""The file that says what a results folder holds."""
SUMMARY = "summary.json"
JOBS = "jobs.json"
"""The file that says of what circuits a folder of jobs is."""
COLLECTED = "collected"
"""The key of provenance that says which counts were taken elsewhere, if any were."""
PREDICTING = "predicting"
"""The key of provenance that names the noise that predicts, if it is not the configuration's."""
SEAL = "sha256"
"""The key of a checksum of all other keys and values of a file."""
SCHEMA = 3
"""Version of the files of a results folder."""
READABLE = (2, SCHEMA)
"""Versions that can be read; only folders of the last one are gone on with."""
LARGEST_RESULT = 2**30
"""Bytes of the largest file of results that is read."""


def read_result(path: Path) -> bytes:
    """The content of a file of results; see `noise_models.writing.file_bytes`.

    Args:
        path: A file of a results folder, of at most `LARGEST_RESULT` bytes.

    Raises:
        InputError: If it cannot be read or is larger.
    """
    return file_bytes(path, LARGEST_RESULT)


def write_sealed(path: Path, content: Mapping[str, Any], replace: bool = True) -> None:
    """Writes plain data as `write_json` does, with a checksum of their values.

    Args:
        path: The JSON file.
        content: Plain data without a seal.
        replace: As for `noise_models.writing.atomic_write`.
    """
    write_json(path, {**content, SEAL: _seal_of(content)}, replace)


def is_sealed(content: Mapping[str, Any]) -> bool | None:
    """Whether data are those that were sealed; None if they have no seal, as of old versions.

    Args:
        content: What a JSON file holds.
    """
    if SEAL not in content:
        return None
    return bool(content[SEAL] == _seal_of({k: v for k, v in content.items() if k != SEAL}))


def _seal_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class DamagedError(InputError):
    """A file is not as it was written."""


def damaged(path: Path, advice: str) -> InputError:
    """The error of a file that is not as it was written.

    Args:
        path: The file.
        advice: What can be done, as the end of a sentence.
    """
    return DamagedError(
        f"{path} is damaged (truncated, changed after it was written, or not written by a study): "
        f"{advice}"
    )


def file_content(path: Path) -> bytes:
    """The bytes of a file of results.

    Args:
        path: The file.

    Raises:
        InputError: If it cannot be read or is too large.
    """
    try:
        return read_result(path)
    except InputError as error:
        raise InputError(
            f"{str(error).removesuffix('.')}: move it out of the folder, or make it readable."
        ) from None


def parsed(path: Path, data: bytes, advice: str) -> dict[str, Any]:
    """The JSON object that a file of results holds.

    Args:
        path: The file, for messages.
        data: Its bytes.
        advice: What can be done if it is damaged.

    Raises:
        DamagedError: If it holds anything else.
    """
    try:
        content = parsed_json(data, path)
    except InputError:
        raise damaged(path, advice) from None
    if not isinstance(content, dict):
        raise damaged(path, advice)
    return content


def check_schema(path: Path, content: Mapping[str, Any], advice: str) -> None:
    """Makes sure that files of this version can be read.

    Args:
        path: The file, for messages.
        content: What it holds.
        advice: What can be done if it is damaged.

    Raises:
        InputError: If it has no version, or one that cannot be read.
    """
    if "schema" not in content:
        raise damaged(path, advice)
    if content["schema"] not in READABLE:
        raise InputError(
            f"{path} has schema {content['schema']!r}; this version of qucnn_cirq reads "
            f"{' and '.join(map(str, READABLE))}. Use the version that wrote it, or another folder."
        )


def digest_of(content: object) -> str:
    """The SHA-256 of plain data in a canonical form, in hexadecimal digits.

    Args:
        content: Numbers, texts, lists and tables.

    Raises:
        InputError: If it holds anything else, or a number that is not finite.
    """
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        raise InputError("a setting is NaN or infinite: give finite numbers.") from None
    except TypeError as error:
        raise InputError(
            f"a setting is neither a number, a text, a list nor a table ({error}): give one of "
            "these."
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()
