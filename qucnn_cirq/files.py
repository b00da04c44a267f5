"""Reading files of limited size, and writing files so that each is either whole or absent."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from qucnn_cirq.errors import InputError


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file for writing that appears under its name only when it is complete.

    The content goes to a temporary name in the same folder, is flushed to the disk and renamed.
    If anything interrupts the writing, a file already there stays as it was.

    Args:
        path: Where the file is to appear.

    Yields:
        The open temporary file.

    Raises:
        OSError: If the folder cannot be written to.
    """
    # Not the process's number: two machines that write to one folder may have the same.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def file_text(path: Path, largest: int) -> str:
    """The text of a regular file of limited size.

    Raises:
        InputError: If it is no such file, or not UTF-8.
    """
    return _decoded(path, file_bytes(path, largest))


def file_bytes(path: Path, largest: int) -> bytes:
    """The content of a regular file of limited size.

    Raises:
        InputError: If it is no such file.
    """
    try:
        # Without blocking: a pipe or a device would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    except ValueError:
        raise InputError(f"cannot read {str(path)!r}: no file has such a name.") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no regular file.")
        if status.st_size > largest:
            size, limit = status.st_size / 2**20, largest / 2**20
            raise InputError(f"{path} has {size:.3g} MiB; at most {limit:.3g} are read.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(largest)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    finally:
        os.close(descriptor)


def _decoded(path: Path, content: bytes) -> str:
    if not content.strip():
        raise InputError(f"{path} is empty.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text (UTF-8).") from None
