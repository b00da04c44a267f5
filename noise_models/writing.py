"""Writing files so that each is either whole or absent."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

PARTIAL = ".part"
"""How the name of a file ends that is still being written."""


@contextlib.contextmanager
def atomic_write(path: Path, replace: bool = True) -> Iterator[IO[bytes]]:
    """Opens a file for writing that appears under its name only when it is complete.

    The content goes to a temporary name in the same folder, is flushed to the disk and renamed.
    If anything interrupts the writing, a file already there stays as it was.

    Args:
        path: Where the file is to appear.
        replace: Whether a file already there is replaced. If not, it stays, and of several
            processes that write at the same time exactly one succeeds.

    Yields:
        The open temporary file.

    Raises:
        FileExistsError: If there is a file and it is not to be replaced.
        OSError: If writing fails; it names the path.
    """
    # A random name: processes of several machines, which may share a folder, can have equal ids.
    partial = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}{PARTIAL}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            _link(partial, path)
        _flush_folder(path.parent)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        # The temporary name means nothing to the user, and a full disk gives no name at all.
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        # Where it cannot be removed, that is not what went wrong first.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, replace: bool = True) -> None:
    """Writes text as UTF-8, atomically.

    Args:
        path: The file.
        text: Its content.
        replace: As for `atomic_write`.
    """
    with atomic_write(path, replace) as file:
        file.write(text.encode())


def write_json(path: Path, content: Mapping[str, Any], replace: bool = True) -> None:
    """Writes plain data as indented JSON, atomically.

    Args:
        path: The file.
        content: The data. NaN, which JSON lacks, is refused.
        replace: As for `atomic_write`.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n", replace)


def _link(partial: Path, path: Path) -> None:
    """Gives a file a second name, unless something already has that name."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        partial.replace(path)


def _flush_folder(folder: Path) -> None:
    """Makes a new name survive a power failure, where the system offers that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
