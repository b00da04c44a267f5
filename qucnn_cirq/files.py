"""Writing files so that each is either whole or absent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
