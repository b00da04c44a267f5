"""Writing results so that a file is either whole or absent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write

CONFIGURATION = "configuration.toml"
"""The file that says what a results folder holds."""


def write_text(path: Path, text: str, replace: bool = True) -> None:
    """Writes text as UTF-8, atomically; see :func:`~qucnn_cirq.files.atomic_write`."""
    with atomic_write(path, replace) as file:
        file.write(text.encode())


def write_json(path: Path, content: Mapping[str, Any], replace: bool = True) -> None:
    """Writes plain data as indented JSON, atomically; NaN, which JSON lacks, is refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n", replace)


def prepare_folder(folder: Path, configuration: str, outputs: Iterable[str]) -> None:
    """Makes sure that results can be written to a folder, before anything is computed.

    Args:
        folder: The folder; it is created if it does not exist.
        configuration: The text of the configuration file that is going to be written there.
        outputs: Names of the other files that are going to be written there.

    Raises:
        InputError: If it is not a folder, cannot be written to, or holds other results.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(6)}.probe"
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
    existing = folder / CONFIGURATION
    if existing.exists():
        if existing.read_bytes() != configuration.encode():
            raise InputError(
                f"--out {folder} holds results of another configuration (see {existing}): choose "
                f"another folder."
            )
        return
    for name in outputs:
        if (folder / name).exists():
            raise InputError(
                f"--out {folder} holds {name} but no {CONFIGURATION}, so it is not known whose "
                f"results these are: choose another folder."
            )
