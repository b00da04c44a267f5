"""Angles that took long to find, kept on disk for the next process.

A file holds the result for one batch of states and is named after a digest of everything that
decides it. Folder: the environment variable ``QUCNN_CACHE``, or ``qucnn_cirq`` in the user's cache
folder; an empty variable switches the cache off. Losing it costs time, never a result: a file that
cannot be read is solved again, a folder that cannot be written to is left alone.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.files import atomic_write

FloatArray = NDArray[np.float64]

VARIABLE = "QUCNN_CACHE"
_LARGEST_FOLDER = 512 * 2**20
_SMALLEST_BATCH = 16
"""Fewer states are solved sooner than a file is worth."""
_VERSION = 1
"""Raised when the search changes, so that no result of an earlier one is taken for it."""


def cache_folder() -> Path | None:
    """Where solved angles are kept, or None if the cache is off."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "qucnn_cirq"


def cached(
    description: str, states: FloatArray, solve: Callable[[FloatArray], tuple[FloatArray, ...]]
) -> tuple[FloatArray, ...]:
    """The result of ``solve(states)``, from the disk if it is there.

    Args:
        description: What decides the result besides the states.
        states: Rows to solve for.
        solve: Returns arrays with one row for each state.
    """
    folder = cache_folder()
    if folder is None or len(states) < _SMALLEST_BATCH:
        return solve(states)
    key = f"{_VERSION}:{description}:{states.shape}:".encode() + states.tobytes()
    path = folder / f"{hashlib.sha256(key).hexdigest()}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            kept = tuple(file[f"arr_{index}"] for index in range(len(file.files)))
        if kept and all(len(array) == len(states) for array in kept):
            return kept
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        pass
    result = solve(states)
    _keep(path, result)
    return result


def _keep(path: Path, result: tuple[FloatArray, ...]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            np.savez(file, *result)
        files = [(each.stat(), each) for each in path.parent.glob("*.npz")]
        size = sum(status.st_size for status, _ in files)
        for status, oldest in sorted(files, key=lambda pair: pair[0].st_mtime):
            if size <= _LARGEST_FOLDER:
                break
            oldest.unlink(missing_ok=True)
            size -= status.st_size
    except OSError:
        return
