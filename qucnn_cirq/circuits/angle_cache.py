"""Angles that took long to find, kept on disk for the next process.

A file holds the result for one block of states and is named after a digest of everything that
decides it. Processes that need the same many states at the same time share most of the work through
the folder: the environment variable ``QUCNN_CACHE``, or ``qucnn_cirq`` in the user's cache folder;
an empty variable switches the cache off. Losing it costs time, never a result: nothing in the
folder is believed. A file that cannot be read, is not as it was written, or holds what does not
solve the states is solved and written again; a folder that cannot be written to is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noise_models.writing import atomic_write
from qucnn_cirq.array_files import read_arrays
from qucnn_cirq.errors import InputError

FloatArray = NDArray[np.float64]
Result = tuple[FloatArray, ...]

VARIABLE = "QUCNN_CACHE"
_LARGEST_FOLDER = 512 * 2**20
_LARGEST_FILE = 16 * 2**20
_DIGEST = "digest"
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
    try:
        return (Path(base) if base else Path.home() / ".cache") / "qucnn_cirq"
    except RuntimeError:
        # A user without a home.
        return None


def cached(
    description: str,
    states: FloatArray,
    solve: Callable[[FloatArray], Result],
    holds: Callable[[FloatArray, Result], bool],
    expense: int = 1,
) -> Result:
    """The result of ``solve(states)``, from the disk if it is there.

    Args:
        description: What decides the result besides the states, the version of the search too.
        states: Rows to solve for, shape (states, numbers of a state).
        solve: Returns arrays of shape (states, ...), of which no row depends on another row's
            state.
        holds: Whether finite arrays of shape (states, ...) solve the states.
        expense: How many times as long as for a few numbers it takes to solve for a state. Files
            hold fewer states then, so that less is lost when a process ends.

    Returns:
        The arrays that ``solve`` returns, of all states.
    """
    folder = cache_folder()
    size = max(1, _BLOCK // expense)
    blocks = [states[first : first + size] for first in range(0, max(len(states), 1), size)]
    results: list[Result] = [()] * len(blocks)
    # In an order of its own, which decides no result, a process seldom meets another one at the
    # same block, and finds what the others have solved.
    for index in np.random.default_rng().permutation(len(blocks)):
        block = blocks[index]
        if folder is None or len(block) * expense < _SMALLEST_BATCH:
            results[index] = solve(block)
        else:
            results[index] = _cached_block(folder, description, block, solve, holds)
    return tuple(np.concatenate(parts) for parts in zip(*results, strict=True))


def _cached_block(
    folder: Path,
    description: str,
    states: FloatArray,
    solve: Callable[[FloatArray], Result],
    holds: Callable[[FloatArray, Result], bool],
) -> Result:
    key = hashlib.sha256(f"{description}:{states.shape}:".encode() + states.tobytes()).hexdigest()
    path = folder / f"{key}.npz"
    kept = _kept(path, key, len(states))
    if kept is not None and holds(states, kept):
        return kept
    result = solve(states)
    _keep(path, key, result)
    return result


def _kept(path: Path, key: str, rows: int) -> Result | None:
    """What a file holds, if that is what was written to it."""
    try:
        arrays = read_arrays(path, _LARGEST_FILE)
    except (InputError, MemoryError):
        return None
    if not isinstance(arrays, dict) or _DIGEST not in arrays:
        return None
    digest = arrays.pop(_DIGEST)
    result = tuple(arrays.values())
    if list(arrays) != [f"arr_{index}" for index in range(len(result))]:
        return None
    for array in result:
        if array.dtype != np.float64 or array.shape[:1] != (rows,):
            return None
        if not np.isfinite(array).all():
            return None
    expected = _digest(key, result)
    return result if digest.shape == expected.shape and (digest == expected).all() else None


def _digest(key: str, result: Result) -> NDArray[np.uint8]:
    """Tells the arrays of one file from those of another, and from what they were changed to."""
    whole = hashlib.sha256(key.encode())
    for array in result:
        whole.update(f"{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return np.frombuffer(whole.digest(), np.uint8)


def _keep(path: Path, key: str, result: Result) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            named = {f"arr_{index}": array for index, array in enumerate(result)}
            np.savez(file, allow_pickle=False, **named, **{_DIGEST: _digest(key, result)})
    except OSError:
        return
    _shrink(path.parent)


def _shrink(folder: Path) -> None:
    """Removes the oldest files of a folder that has become too large."""
    files = []
    for path in folder.glob("*.npz"):
        # Other processes may do the same, and whatever else lies there is theirs.
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                files.append((status.st_mtime, status.st_size, path))
    size = sum(each for _, each, _ in files)
    for _, own, path in sorted(files):
        if size <= _LARGEST_FOLDER:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            size -= own
