"""Copies of the files that a configuration names, kept beside the results."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noise_models.files import file_bytes, user_path
from noise_models.writing import atomic_write
from qucnn_cirq.errors import InputError

INPUTS = "inputs"
_SUFFIXES = (".toml", ".json", ".txt", ".textproto", ".npz", ".npy")
_LARGEST = 64 * 2**20


def keep_inputs(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Copies the files that a configuration names (devices, calibrations, images, filters).

    A copy is named after its content, so that a file that changes later is told apart. Files over
    64 MiB are left where they are.

    Args:
        document: The configuration, axes included.
        folder: The results folder; the copies go to its folder ``inputs``.

    Returns:
        The copies.

    Raises:
        InputError: If a file cannot be read or a copy not be written.
    """
    copies = []
    for text in sorted(set(_texts(document))):
        try:
            path = user_path("the file", text)
        except InputError:
            # A text that is no path, as its own setting would have been refused otherwise.
            continue
        if (
            path.suffix.lower() not in _SUFFIXES
            or not path.is_file()
            or path.stat().st_size > _LARGEST
        ):
            continue
        try:
            content = file_bytes(path, _LARGEST)
            copy = folder / INPUTS / f"{hashlib.sha256(content).hexdigest()[:12]}-{path.name}"
            if not is_input(copy):
                copy.parent.mkdir(exist_ok=True)
                with atomic_write(copy) as file:
                    file.write(content)
        except OSError as error:
            raise InputError(
                f"{path} cannot be copied to {folder / INPUTS} ({error.strerror})."
            ) from None
        copies.append(copy)
    return copies


def is_input(path: Path) -> bool:
    """Whether a copy is there and has the content after which it is named.

    Args:
        path: Where the copy should be.
    """
    try:
        content = file_bytes(path, _LARGEST)
    except InputError:
        return False
    return path.name.startswith(f"{hashlib.sha256(content).hexdigest()[:12]}-")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _texts(each)
