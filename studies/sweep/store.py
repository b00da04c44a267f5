"""Opening a folder of results: a configuration, a plan, and chunks of finished points.

Beside them stand copies of the files that the configuration names, as it names them.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noise_models.files import parsed_toml, read_toml
from noise_models.writing import PARTIAL, atomic_write, write_text
from qucnn_cirq.errors import InputError, option
from studies.files import (
    CONFIGURATION,
    SCHEMA,
    DamagedError,
    file_content,
    parsed,
    read_result,
    write_sealed,
)
from studies.sweep.chunks import CHUNK_ADVICE, CHUNKS, chunk_paths, read_chunk
from studies.sweep.inputs import copies_of, keep_inputs
from studies.sweep.stored_plan import PLAN, as_stored, check_same, stored_plan

if TYPE_CHECKING:
    from studies.sweep.plan import Plan

_LEFTOVER_SECONDS = 86_400.0
"""Long after any file has been written: other processes may be at work in the same folder."""


def open_folder(folder: Path, plan: Plan) -> None:
    """Makes a folder ready for the results of a plan, or makes sure that it holds its results.

    Args:
        folder: The results folder; it is made if it is not there.
        plan: The plan.

    Raises:
        InputError: If it cannot be written to, or holds something else.
    """
    try:
        make_chunks_folder(folder)
        with atomic_write(folder / CHUNKS / f"probe{PARTIAL}"):
            pass
        (folder / CHUNKS / f"probe{PARTIAL}").unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{option('out', folder)} cannot be written to ({error.strerror}): choose "
            "another folder."
        ) from None
    _remove_leftovers(folder)
    configuration = folder / CONFIGURATION
    copies = copies_of(plan.document)
    text, mapping = plan.to_toml(copies), plan.to_mapping(copies)
    if not os.path.lexists(folder / PLAN):
        _check_chunks(folder)
        # A process that died between the two files left a configuration alone.
        if configuration.exists() and read_result(configuration) != text.encode():
            raise InputError(
                f"{option('out', folder)} holds results of another study (see its "
                f"{CONFIGURATION}): choose another folder."
            )
        # Of two processes that begin different sweeps in one folder, only one writes its plan.
        with contextlib.suppress(FileExistsError):
            write_sealed(folder / PLAN, mapping, replace=False)
    same = configuration.is_file() and read_result(configuration) == text.encode()
    try:
        found = stored_plan(folder)
    except DamagedError:
        if not same:
            raise
        _check_chunks(folder)
        # The configuration says whose folder it is; results of others would be told by the chunks.
        found = None
    if found is not None:
        wanted = as_stored(plan)
        documents: list[dict[str, Any]] = []
        if found.digest != wanted.digest:
            with contextlib.suppress(InputError):
                documents = [read_toml(configuration), parsed_toml(text, configuration)]
        advice = "choose another folder"
        check_same(option("out", folder), found, wanted, advice, _measured(folder), documents)
        # Of points that were not measured so far the digests may be others now.
        if found.decided_by != wanted.decided_by:
            found = None
    # Before the configuration that names them.
    keep_inputs(copies, folder)
    # Missing, damaged, with other targets, or the same points in other words.
    if not same:
        write_text(configuration, text)
    if found is None or found.configuration != mapping["configuration"]:
        write_sealed(folder / PLAN, mapping)


def make_chunks_folder(folder: Path) -> None:
    """Makes a results folder, with that of its chunks.

    Args:
        folder: The results folder.

    Raises:
        InputError: If it, or a part of its path, is a file.
        OSError: If it cannot be made.
    """
    try:
        (folder / CHUNKS).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{option('out', folder)} is not a folder (or a part of the path is a file): choose "
            "another."
        ) from None


def _check_chunks(folder: Path) -> None:
    """Makes sure that chunks whose plan is missing or damaged are of this version.

    Raises:
        InputError: If they are not, and would be lost to every command with a new plan.
    """
    for path in chunk_paths(folder)[:1]:
        head = parsed(path, file_content(path), CHUNK_ADVICE)
        if head.get("schema") != SCHEMA:
            raise InputError(
                f"{option('out', folder)} is of another version (schema "
                f"{head.get('schema')!r}) and lacks its {PLAN}: use that version to go "
                "on, or choose another folder."
            )


def _measured(folder: Path) -> set[str]:
    """Identities of the points of a folder that have results."""
    plan = stored_plan(folder)
    return {
        outcome.identity
        for path in chunk_paths(folder)
        for outcome in read_chunk(path, plan).outcomes
        if outcome.error is None
    }


def _remove_leftovers(folder: Path) -> None:
    """Removes the unfinished files of processes that were killed long ago."""
    old = time.time() - _LEFTOVER_SECONDS
    for path in [*folder.glob(f".*{PARTIAL}"), *(folder / CHUNKS).glob(f".*{PARTIAL}")]:
        # Others may do the same, or own them.
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < old:
                path.unlink()
