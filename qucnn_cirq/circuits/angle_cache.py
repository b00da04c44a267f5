"""Angles that took long to find, kept on disk for the next process.

A file holds the result for one block of states and is named after a digest of everything that
decides it. Processes that need the same many states at the same time share most of the work through
the folder: the environment variable ``QUCNN_CACHE``, or ``qucnn_cirq`` in the user's cache folder;
an empty variable switches the cache off. Losing it costs time, never a result: a file that cannot
be read is solved again, a folder that cannot be written to is left alone.
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
_BLOCK = 4096
"""States in a file. Smaller ones cost time, as each waits for its hardest state."""


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
        description: What decides the result besides the states, the version of the search too.
        states: Rows to solve for.
        solve: Returns arrays with one row for each state, which do not depend on the other rows.
    """
    folder = cache_folder()
    blocks = [states[first : first + _BLOCK] for first in range(0, max(len(states), 1), _BLOCK)]
    results: list[tuple[FloatArray, ...]] = [()] * len(blocks)
    # In an order of its own, which decides no result, a process seldom meets another one at the
    # same block, and finds what the others have solved.
    for index in np.random.default_rng().permutation(len(blocks)):
        results[index] = _cached_block(folder, description, blocks[index], solve)
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))


def _cached_block(
    folder: Path | None,
    description: str,
    states: FloatArray,
    solve: Callable[[FloatArray], tuple[FloatArray, ...]],
) -> tuple[FloatArray, ...]:
    if folder is None or len(states) < _SMALLEST_BATCH:
        return solve(states)
    key = f"{description}:{states.shape}:".encode() + states.tobytes()
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
