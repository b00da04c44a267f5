"""Counts that came back, kept file by file; together they are what was collected."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qucnn_cirq.errors import InputError
from studies.elsewhere.manifest import MOST_SHOTS, HandedOut
from studies.elsewhere.reading import KeyCounts
from studies.files import damaged, digest_of, file_content, is_sealed, parsed, write_sealed

COUNTS = "counts"
"""The folder of the counts."""
_ADVICE = "move it away and collect the file again that it came from."


@dataclass(frozen=True, eq=False)
class Collected:
    """All counts of a folder.

    Attributes:
        files: For each kept file, by its digest, the name of the file that it came from.
        counts: For each key how often each outcome was recorded, over all files.
        frozen: Of keys of which counts decided a later round, those counts alone.
        keys: The keys that each kept file has counts of, by its digest.
    """

    files: Mapping[str, str]
    counts: KeyCounts
    frozen: KeyCounts = field(default_factory=dict)
    keys: Mapping[str, Collection[str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Tells these counts from any others."""
        return digest_of(sorted(self.files))

    def shots(self, key: str) -> int:
        """The shots of a circuit.

        Args:
            key: Its name.
        """
        return sum(self.counts.get(key, {}).values())

    def used(self, key: str) -> Mapping[int, int]:
        """The counts of a circuit that results are made of: late ones are none of them.

        Args:
            key: Its name.
        """
        return self.frozen.get(key, self.counts.get(key, {}))

    @property
    def late(self) -> list[str]:
        """The circuits of which counts came after theirs had decided something."""
        return [key for key, own in self.frozen.items() if sum(own.values()) < self.shots(key)]


def content_of(counts: KeyCounts, manifest: HandedOut) -> dict[str, Any]:
    """Counts as they are kept.

    Args:
        counts: Those of one file.
        manifest: The jobs.

    Returns:
        Plain data, of which the digest is the same however the file was written.
    """
    return {
        "jobs": manifest.digest,
        "counts": {
            key: [[outcome, count] for outcome, count in sorted(own.items()) if count]
            for key, own in sorted(counts.items())
        },
    }


def keep(folder: Path, counts: KeyCounts, manifest: HandedOut, source: str) -> str | None:
    """Keeps the counts of a file, unless the same are kept already.

    Args:
        folder: The folder of the jobs.
        counts: The counts.
        manifest: The jobs.
        source: The name of the file that they came from.

    Returns:
        None; or, if they are there already, the name of the file that those came from.

    Raises:
        OSError: If writing fails.
    """
    content = content_of(counts, manifest)
    digest = digest_of(content)
    (folder / COUNTS).mkdir(exist_ok=True)
    path = folder / COUNTS / f"{digest}.json"
    try:
        # Of several processes that collect the same file only one writes.
        write_sealed(path, {**content, "source": source}, replace=False)
    except FileExistsError:
        return str(_kept(path, manifest)["source"])
    return None


def collected(
    folder: Path, manifest: HandedOut, frozen: Mapping[str, Collection[str]] | None = None
) -> Collected:
    """All counts of a folder.

    Args:
        folder: The folder of the jobs.
        manifest: The jobs.
        frozen: For keys of which counts decided something, the digests of the files of those.

    Raises:
        InputError: If a file is damaged or of other jobs.
    """
    try:
        names = sorted(os.listdir(folder / COUNTS))
    except FileNotFoundError:
        names = []
    counts: KeyCounts = {}
    used: KeyCounts = {key: Counter() for key in frozen or ()}
    files, keys = {}, {}
    for name in names:
        if name.startswith(".") or not name.endswith(".json"):
            continue
        path = folder / COUNTS / name
        content = _kept(path, manifest)
        digest = name.removesuffix(".json")
        files[digest], keys[digest] = str(content["source"]), frozenset(content["counts"])
        for key, pairs in content["counts"].items():
            counts.setdefault(key, Counter()).update(dict(pairs))
            if frozen is not None and digest in frozen.get(key, ()):
                used[key].update(dict(pairs))
    for key, own in counts.items():
        if sum(own.values()) > MOST_SHOTS:
            raise InputError(
                f"circuit {key} has {sum(own.values())} shots over all files: at most {MOST_SHOTS}."
            )
    return Collected(files, counts, used, keys)


def _kept(path: Path, manifest: HandedOut) -> dict[str, Any]:
    content = parsed(path, file_content(path), _ADVICE)
    if not is_sealed(content) or not isinstance(content.get("source"), str):
        raise damaged(path, _ADVICE)
    if content.get("jobs") != manifest.digest:
        raise InputError(f"{path} is of other jobs: move it out of the folder.")
    own = {key: content.get(key) for key in ("jobs", "counts")}
    if digest_of(own) != path.name.removesuffix(".json"):
        raise damaged(path, _ADVICE)
    if not isinstance(content["counts"], dict):
        raise damaged(path, _ADVICE)
    for key, pairs in content["counts"].items():
        if key not in manifest.bits:
            raise InputError(
                f"{path} has counts of circuits that are not among the jobs: put back the round "
                "that is gone, or move the file out of the folder."
            )
        if not _are_counts(pairs, manifest.bits[key]):
            raise damaged(path, _ADVICE)
    return content


def _are_counts(pairs: object, n_bits: int) -> bool:
    """Whether a seal of somebody else's holds what `keep` may have written."""
    return isinstance(pairs, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(each) is int and each >= 0 for each in pair)
        and pair[0] < 1 << n_bits
        and pair[1] <= MOST_SHOTS
        for pair in pairs
    )
