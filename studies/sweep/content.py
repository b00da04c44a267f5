"""What files of results hold, checked before it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noise_models.files import parsed_json
from qucnn_cirq.errors import InputError
from studies.files import read_result
from studies.sweep.plan import READABLE


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
