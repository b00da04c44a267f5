"""Rounds of circuits: what is run next is decided by the counts of what was run before.

Each round is a manifest of its own, the first one in the folder of the jobs, the others in folders
``round_0002``, ... beside it. Which files of counts decided a round is written down before its
circuits are: counts that come later never change what was decided.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from qucnn_cirq.errors import InputError
from studies.elsewhere.manifest import (
    ADVICE,
    MANIFEST,
    JobPoint,
    JobProgram,
    Manifest,
    read_manifest,
)
from studies.files import damaged, digest_of, file_content, is_sealed, parsed, write_sealed
from studies.sweep.plan import Point

DECIDED = "decided.json"
"""The file that says by which counts a round was decided."""
_FOLDER = re.compile(r"round_([0-9]{4,9})")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def round_folder(folder: Path, number: int) -> Path:
    """Where a round is.

    Args:
        folder: The folder of the jobs.
        number: The number of the round, from 1.
    """
    return folder if number == 1 else folder / f"round_{number:04d}"


@dataclass(frozen=True)
class Decided:
    """What a round was decided by.

    Attributes:
        jobs: The digest of the first round.
        round: The number of the round.
        before: The digest of the round before.
        files: The kept files with counts of the round before, by their digests, each with the
            name of the file that it came from.
    """

    jobs: str
    round: int
    before: str
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Tells what was decided from anything else."""
        return digest_of({**vars(self), "files": sorted(self.files)})

    def write(self, folder: Path) -> None:
        """Writes it to the folder of its round, where it must not be yet.

        Args:
            folder: An existing folder.

        Raises:
            FileExistsError: If another process decided the round.
            OSError: If writing fails.
        """
        write_sealed(folder / DECIDED, {**vars(self), "files": dict(self.files)}, replace=False)


@dataclass(frozen=True, eq=False)
class Rounds:
    """The rounds of jobs, those that were made so far.

    Attributes:
        manifests: Their manifests.
        decided: What each but the first was decided by; and perhaps a last one, of a round whose
            circuits were not all written.
    """

    manifests: tuple[Manifest, ...]
    decided: tuple[Decided, ...] = ()

    @property
    def first(self) -> Manifest:
        """The first round, which has all points."""
        return self.manifests[0]

    @property
    def last(self) -> Manifest:
        """The last round that was made."""
        return self.manifests[-1]

    @property
    def digest(self) -> str:
        """That of the first round, which tells these jobs from any others."""
        return self.first.digest

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of each round."""
        return tuple(each.digest for each in self.manifests)

    @cached_property
    def programs(self) -> tuple[JobProgram, ...]:
        """What is run in all rounds, markers included."""
        return tuple(program for each in self.manifests for program in each.programs)

    @cached_property
    def bits(self) -> dict[str, int]:
        """The bits of each key."""
        return {key: bits for each in self.manifests for key, bits in each.bits.items()}

    @cached_property
    def by_id(self) -> dict[str, JobProgram]:
        """The programs by name."""
        return {name: own for each in self.manifests for name, own in each.by_id.items()}

    @cached_property
    def wanted(self) -> dict[str, int]:
        """The shots that each circuit is to have, by its key; markers apart."""
        return {key: shots for each in self.manifests for key, shots in each.wanted.items()}

    @cached_property
    def frozen(self) -> dict[str, Collection[str]]:
        """For each key of which counts decided something, the digests of their files."""
        return {
            key: each.files.keys()
            for manifest, each in zip(self.manifests, self.decided, strict=False)
            for key in manifest.bits
        }

    @cached_property
    def sources(self) -> dict[str, str]:
        """The files that decided something: the names that they came from, by digest."""
        return {key: name for each in self.decided for key, name in each.files.items()}

    def of_point(self, identity: str) -> list[tuple[Manifest, JobPoint]]:
        """The rounds that a point has circuits in.

        Args:
            identity: The point's identity.
        """
        return [
            (each, each.by_identity[identity])
            for each in self.manifests
            if identity in each.by_identity
        ]

    def goes_on(self, identity: str) -> bool:
        """Whether a point may run more, once all counts of the last round are there.

        Args:
            identity: The point's identity.
        """
        point = self.last.by_identity.get(identity)
        return point is not None and point.waits

    def up_to(self, number: int) -> Rounds:
        """The first rounds, and what was decided by them.

        Args:
            number: How many.
        """
        return Rounds(self.manifests[:number], self.decided[:number])


def read_rounds(folder: Path) -> Rounds:
    """The rounds of a folder.

    Args:
        folder: A folder that `qucnn jobs` wrote.

    Raises:
        InputError: If there is none, or a round is missing, damaged or of other jobs.
    """
    manifests, decided = [read_manifest(folder)], list[Decided]()
    if manifests[0].before:
        raise InputError(f"{folder} holds a later round of jobs: give the folder of the first.")
    while (own := _read_decided(folder, manifests)) is not None:
        decided.append(own)
        target = round_folder(folder, len(manifests) + 1)
        if not (target / MANIFEST).exists():
            break
        manifest = read_manifest(target)
        if not _follows(manifest, manifests, own):
            raise damaged(target / MANIFEST, ADVICE)
        manifests.append(manifest)
    _check_no_later(folder, len(manifests) + 1)
    return Rounds(tuple(manifests), tuple(decided))


def _read_decided(folder: Path, manifests: list[Manifest]) -> Decided | None:
    number = len(manifests) + 1
    target = round_folder(folder, number)
    path = target / DECIDED
    if not path.exists():
        if (target / MANIFEST).exists():
            raise InputError(f"{path} is not there, which belongs to the jobs: put it back.")
        return None
    content = parsed(path, file_content(path), ADVICE)
    files = content.get("files")
    if not is_sealed(content) or not isinstance(files, dict):
        raise damaged(path, ADVICE)
    if not all(_DIGEST.fullmatch(key) and isinstance(name, str) for key, name in files.items()):
        raise damaged(path, ADVICE)
    found = Decided(manifests[0].digest, number, manifests[-1].digest, files)
    stated = {key: content.get(key) for key in ("jobs", "round", "before")}
    if stated != {"jobs": found.jobs, "round": found.round, "before": found.before}:
        raise InputError(f"{path} is of other jobs: put back the one that belongs here.")
    return found


def _follows(manifest: Manifest, earlier: list[Manifest], decided: Decided) -> bool:
    """Whether a manifest is that of the next round."""
    first, last = earlier[0], earlier[-1]
    waiting = {each.identity for each in last.points if each.waits}
    known: set[str] = set().union(*(each.bits for each in earlier))
    return (
        manifest.before == decided.digest
        and manifest.study == first.study
        and manifest.form == first.form
        and manifest.configuration == first.configuration
        and not manifest.named
        and all(key in waiting for key in manifest.by_identity)
        and known.isdisjoint(manifest.bits)
    )


def _check_no_later(folder: Path, number: int) -> None:
    """Refuses a folder that has a round after one that is not there."""
    for name in sorted(os.listdir(folder)):
        found = _FOLDER.fullmatch(name)
        if found and int(found[1]) > number and (folder / name / MANIFEST).exists():
            raise InputError(
                f"{folder} has {name} and no round {number}: put back what is missing."
            )


def check_gone(rounds: Rounds, kept: Collection[str]) -> None:
    """Refuses counts of which some are gone that decided something.

    Args:
        rounds: The rounds.
        kept: The digests of the files of counts that are there.

    Raises:
        InputError: If there are any.
    """
    for key, name in rounds.sources.items():
        if key not in kept:
            raise InputError(
                f"counts that decided a round are gone: collect {name} again, of which they came."
            )


def check_points(rounds: Rounds, points: Sequence[Point]) -> None:
    """Makes sure that a study's points are those that the jobs are of.

    Args:
        rounds: The rounds.
        points: The study's points.

    Raises:
        InputError: If they are not.
    """
    known = rounds.first.by_identity
    if set(known) != {each.identity for each in points}:
        raise InputError("the jobs are of other points than their configuration: make them again.")
    for point in points:
        own, now = known[point.identity].digests, point.digests
        other = [key for key in {*own, *now} if own.get(key) != now.get(key)]
        if other:
            raise InputError(
                f"the {' and '.join(sorted(other))} of the study are others than when the jobs "
                "were made: use the version of this package, the device and the data of then."
            )
