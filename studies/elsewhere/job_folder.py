"""Circuits that wait to be run, and the folder that they are written into."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noise_models.errors import some
from qucnn_cirq.errors import InputError, option
from studies.elsewhere.counts import Collected
from studies.elsewhere.manifest import MANIFEST, Manifest, read_manifest
from studies.elsewhere.programs import (
    CIRCUITS,
    Packed,
    remove_files,
    write_files,
    write_files_again,
)
from studies.elsewhere.rounds import round_folder
from studies.sweep.stored_plan import PLAN
from studies.wording import counted


@dataclass(frozen=True, eq=False)
class Jobs:
    """Circuits that wait to be run: those of one round.

    Attributes:
        folder: The folder of the jobs.
        manifest: What the circuits are.
        round: The number of the round, from 1: later ones are decided by counts of earlier ones.
        missing: The circuits of the round of which shots are missing.
        waiting: Whether circuits of it are to be run. Where none are all rounds are done.
    """

    folder: Path
    manifest: Manifest
    round: int = 1
    missing: tuple[str, ...] = ()
    waiting: bool = True

    def __repr__(self) -> str:
        return f"<Jobs in {self.folder}: {self.summary()}>"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of circuits that wait, in order; none if all rounds are done."""
        if not self.waiting:
            return ()
        folder = round_folder(self.folder, self.round)
        return tuple(folder / name for name in self._names)

    @property
    def _names(self) -> list[str]:
        return sorted({name for each in self.manifest.programs for name in each.files})

    def summary(self) -> dict[str, Any]:
        """Numbers of points, circuits and shots, as plain data."""
        own = [each for each in self.manifest.programs if not each.pattern]
        marks = [each for each in self.manifest.programs if each.pattern]
        return {
            "study": self.manifest.study,
            "points": len(self.manifest.points),
            "circuits": len(self.manifest.wanted),
            "programs": len(own),
            "markers": len(marks),
            "shots": sum(each.shots for each in own)
            + sum(each.shots * len(each.files) for each in marks),
            "files": len(self._names),
            "to_run": list(map(str, self.files)),
            "digest": self.manifest.digest,
            "round": self.round,
            "waiting": self.waiting,
            "missing": len(self.missing),
        }

    def lines(self) -> list[str]:
        """All of it in a few lines."""
        has_rounds = self.manifest.waits or self.round > 1
        if has_rounds and not self.waiting:
            return [f"all rounds are done, {self.round} of them: qucnn collect makes the results"]
        found = self.summary()
        points = f"{counted(found['points'], 'point')}: " if self.manifest.study else ""
        circuits = (
            f"{points}{counted(found['circuits'], 'circuit')} in "
            f"{counted(found['programs'], 'program')}, {counted(found['markers'], 'marker')}, "
            f"{counted(found['shots'], 'shot')}, {counted(found['files'], 'file')}"
        )
        lines = [f"round {self.round}: {circuits}" if has_rounds else circuits]
        if not self.waiting:
            lines.append("all shots are there: nothing is to be run")
        if 0 < len(self.missing) < found["circuits"]:
            lines.append(
                f"shots are missing of {len(self.missing)} of {found['circuits']} circuits: "
                f"{some(list(self.missing))}"
            )
        if self.manifest.waits:
            lines.append("their counts decide what is run next: collect them, and do this again")
        return lines


def lacking_circuits(manifest: Manifest, found: Collected) -> list[str]:
    """The circuits of a round of which shots are missing.

    Args:
        manifest: The round.
        found: What was collected.
    """
    return [key for key, shots in manifest.wanted.items() if found.shots(key) < shots]


def write_jobs(
    folder: Path, bare: Manifest, programs: Sequence[Packed], number: int = 1
) -> Manifest:
    """Writes the files and, last, the manifest: without it nothing could be collected.

    Args:
        folder: The folder of the round.
        bare: The manifest, which says nothing of files yet.
        programs: What is run.
        number: The number of the round.

    Returns:
        The whole manifest; if the folder has the same jobs already, theirs.

    Raises:
        InputError: If it holds other jobs, or a device cannot run a circuit.
        OSError: If writing fails.
    """
    known = check_same(folder, bare)
    make_folder(folder)
    if known is not None:
        # Counts are of these programs, however another version puts them into files.
        write_files_again(folder, programs, known.programs, known.form, known.before)
        return known
    remove_files(folder)
    # Files of all rounds may be copied into one folder.
    name = CIRCUITS if number == 1 else f"{CIRCUITS}_{number:04d}"
    written = tuple(write_files(folder, programs, bare.form, name, bare.before))
    manifest = replace(bare, programs=written)
    manifest.write(folder)
    return manifest


def check_same(folder: Path, manifest: Manifest) -> Manifest | None:
    """The manifest that a folder has already, if any; it must be of the same jobs.

    Args:
        folder: The folder of a round.
        manifest: The jobs, without files.

    Raises:
        InputError: If it is of others.
    """
    if not (folder / MANIFEST).exists():
        return None
    known = read_manifest(folder)
    if _sketch(known) != _sketch(manifest):
        raise other_jobs(folder)
    return known


def _sketch(manifest: Manifest) -> object:
    """What tells jobs apart before their circuits are written."""
    templates = [(each.ids, each.places) for each in manifest.templates]
    points = [(each.identity, each.shots, each.draw, each.waits) for each in manifest.points]
    named = manifest.named
    return manifest.study, manifest.form, manifest.configuration, templates, points, named


def other_jobs(folder: Path) -> InputError:
    """The refusal of a folder.

    Args:
        folder: A folder of other jobs than those that are asked for.
    """
    return InputError(
        f"{option('out', folder)} holds other jobs, or those of another version: choose another "
        "folder."
    )


def check_folder(folder: Path) -> None:
    """Refuses the folder of a study's results.

    Args:
        folder: Where jobs are to be.

    Raises:
        InputError: If it is one.
    """
    if os.path.lexists(folder / PLAN):
        raise InputError(
            f"{option('out', folder)} holds results of a study: choose another folder."
        )


def make_folder(folder: Path) -> None:
    """Makes a folder that is not there.

    Args:
        folder: The folder.

    Raises:
        InputError: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(
            f"{option('out', folder)} is not a folder (or a part of the path is a file): choose "
            "another."
        ) from None
    except OSError as error:
        raise InputError(
            f"{option('out', folder)} cannot be written to ({error.strerror})."
        ) from None
