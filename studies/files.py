"""The files of results: their names, the largest, and their seals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noise_models.files import file_bytes
from noise_models.writing import write_json

CONFIGURATION = "configuration.toml"
"""The file that says what a results folder holds."""
SUMMARY = "summary.json"
SEAL = "sha256"
"""The key of a checksum of all other keys and values of a file."""


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
