"""Copies of the files that a configuration names, with which its results can be made anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from noise_models.files import file_bytes, user_path
from noise_models.writing import atomic_write
from qucnn_cirq.documents import INPUTS, REPORT, with_texts
from qucnn_cirq.errors import InputError

_SUFFIXES = (".toml", ".json", ".txt", ".textproto", ".npz", ".npy")
_LARGEST_INPUT = 64 * 2**20
_DIGITS = 12
"""Of the digest of its content, after which the folder of a copy is called."""


def copies_of(document: Mapping[str, Any]) -> dict[str, str]:
    """The files that a configuration names: devices, calibrations, noise, images.

    A copy has the name of its file, which may decide seeds, in a folder called after its content,
    so that a file that changes later is told apart. Folders and files over 64 MiB are not copied.

    Args:
        document: The configuration, axes included.

    Returns:
        For each text that names a file the copy of it, relative to the results folder.

    Raises:
        InputError: If a file cannot be read, or is a copy that was changed.
    """
    copies: dict[str, str] = {}
    for text in sorted(set(_texts(document))):
        path = _named_file(text)
        if path is None:
            continue
        digest = _digest(path)
        if is_copy(path) and path.parent.name != digest:
            raise InputError(
                f"{path} was changed after it was kept: copy it elsewhere and name that, or start "
                "from the file that it was copied from."
            )
        copies[text] = f"{INPUTS}/{digest}/{path.name}"
    return copies


def keep_inputs(copies: Mapping[str, str], folder: Path) -> None:
    """Copies the files that a configuration names.

    Args:
        copies: Those of `copies_of`.
        folder: The results folder.

    Raises:
        InputError: If a file cannot be read, changes meanwhile, or a copy cannot be written.
    """
    for text, copy in copies.items():
        path, target = user_path("the file", text), folder / copy
        if is_input(target):
            continue
        content = file_bytes(path, _LARGEST_INPUT)
        if _digest_of(content) != target.parent.name:
            raise InputError(f"{path} changed while it was read: run the study again.")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(target) as file:
                file.write(content)
        except OSError as error:
            raise InputError(
                f"{path} cannot be copied to {folder / INPUTS} ({error.strerror})."
            ) from None


def is_input(path: Path) -> bool:
    """Whether a copy is there and has the content that its name tells.

    Args:
        path: Where the copy should be; in folders of old versions its own name begins with the
            digest.
    """
    try:
        digest = _digest(path)
    except InputError:
        return False
    return path.parent.name == digest or path.name.startswith(f"{digest}-")


def is_copy(path: Path) -> bool:
    """Whether a path is, by its name, that of a copy.

    Args:
        path: The path.
    """
    digest = path.parent.name
    return (
        path.parent.parent.name == INPUTS
        and len(digest) == _DIGITS
        and set(digest) <= set("0123456789abcdef")
    )


def kept_files(folder: Path) -> list[Path]:
    """The copies in a results folder, of this version or an old one, relative to it.

    Args:
        folder: The results folder.
    """
    found = [*(folder / INPUTS).glob("*"), *(folder / INPUTS).glob("*/*")]
    return [path.relative_to(folder) for path in sorted(found) if not path.is_dir()]


def told(value: Any) -> Any:
    """A value in which a copy is called what the file was called.

    Args:
        value: Of a setting.
    """

    def name(text: str) -> str:
        return path.name if is_copy(path := Path(text)) else text

    return with_texts(value, name)


def _named_file(text: str) -> Path | None:
    """The file that a text names, if it does and a copy of it is kept."""
    try:
        path = user_path("the file", text)
    except InputError:
        # A text that is no path, as its own setting would have been refused otherwise.
        return None
    try:
        is_kept = path.suffix.lower() in _SUFFIXES and path.is_file()
        return path if is_kept and path.stat().st_size <= _LARGEST_INPUT else None
    except OSError:
        return None


def _digest(path: Path) -> str:
    return _digest_of(file_bytes(path, _LARGEST_INPUT))


def _digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _texts(document: Mapping[str, Any]) -> Iterator[str]:
    """All texts of a configuration that may name a file: what reports say does not."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    with_texts({key: table for key, table in document.items() if key != REPORT}, note)
    yield from found
