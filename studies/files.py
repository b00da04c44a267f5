"""Reading results, and writing them so that a file is either whole or absent."""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noise_models.errors import shown
from qucnn_cirq.errors import InputError
from qucnn_cirq.files import atomic_write, file_bytes, read_json

if TYPE_CHECKING:
    import pandas as pd

CONFIGURATION = "configuration.toml"
"""The file that says what a results folder holds."""
SUMMARY = "summary.json"
SEAL = "sha256"
"""The key of a checksum of all other keys and values of a file."""


LARGEST_RESULT = 2**30
"""Bytes of the largest file of results that is read."""


def read_result(path: Path) -> bytes:
    """The content of a file of results; see :func:`~qucnn_cirq.files.file_bytes`."""
    return file_bytes(path, LARGEST_RESULT)


def read_frame(path: Path, dtype: Mapping[str, type] | None = None) -> pd.DataFrame:
    """The table of a study, from CSV.

    Raises:
        InputError: If it cannot be read, or is damaged.
    """
    import pandas as pd

    try:
        return pd.read_csv(io.BytesIO(read_result(path)), dtype=dtype)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(
            f"{path} is damaged ({shown(str(error))}): run the study again to write it anew."
        ) from None


def write_text(path: Path, text: str, replace: bool = True) -> None:
    """Writes text as UTF-8, atomically; see :func:`~qucnn_cirq.files.atomic_write`."""
    with atomic_write(path, replace) as file:
        file.write(text.encode())


def write_json(path: Path, content: Mapping[str, Any], replace: bool = True) -> None:
    """Writes plain data as indented JSON, atomically; NaN, which JSON lacks, is refused."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n", replace)


def write_sealed(path: Path, content: Mapping[str, Any], replace: bool = True) -> None:
    """Writes plain data as :func:`write_json` does, with a checksum of their values."""
    write_json(path, {**content, SEAL: _seal_of(content)}, replace)


def is_sealed(content: Mapping[str, Any]) -> bool | None:
    """Whether data are those that were sealed; None if they have no seal, as of old versions."""
    if SEAL not in content:
        return None
    return bool(content[SEAL] == _seal_of({k: v for k, v in content.items() if k != SEAL}))


def _seal_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_summary(folder: Path, content: Mapping[str, Any], files: Iterable[str]) -> None:
    """Writes the summary of one run, with checksums of itself and of the files it goes with."""
    digests = {name: hashlib.sha256(read_result(folder / name)).hexdigest() for name in files}
    write_sealed(folder / SUMMARY, {**content, "files": digests})


def read_summary(path: Path) -> dict[str, Any]:
    """The summary of one run.

    Raises:
        InputError: If it cannot be read or is damaged, or a file it goes with is not as it was
            written.
    """
    content = read_json(path)
    if not isinstance(content, dict) or is_sealed(content) is False:
        raise _changed(path)
    content.pop(SEAL, None)
    files = content.pop("files", {})
    # A checksum does not say who wrote it.
    if not isinstance(files, dict) or any(Path(name).name != name for name in files):
        raise _changed(path)
    for name, digest in files.items():
        if hashlib.sha256(read_result(path.parent / name)).hexdigest() != digest:
            raise _changed(path.parent / name)
    return content


def _changed(path: Path) -> InputError:
    return InputError(
        f"{path} is damaged (changed after it was written): run the study again to write it anew."
    )


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
        if read_result(existing) != configuration.encode():
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
