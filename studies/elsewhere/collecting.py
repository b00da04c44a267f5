"""Counts that come back, and what became of them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noise_models import NoiseLike
from noise_models.checks import listener, several
from noise_models.errors import some
from noise_models.extensions import reading_stored
from qucnn_cirq.errors import InputError, option
from qucnn_cirq.fitting import NoiseFit
from studies.elsewhere.again import asked_anew, configured_again
from studies.elsewhere.counts import Collected, collected, keep
from studies.elsewhere.making_results import ResultCounts, origin_of, plan_of_results, results_of
from studies.elsewhere.manifest import MANIFEST, MOST_SHOTS, JobPoint, Manifest
from studies.elsewhere.predicting import Predicting
from studies.elsewhere.programs import CIRCUITS
from studies.elsewhere.reading import KeyCounts, read_counts
from studies.elsewhere.recording import Recorder
from studies.elsewhere.recording_points import recorded_calls
from studies.elsewhere.replay import RoundsReplay, lacking_of
from studies.elsewhere.rounds import Rounds, check_gone, read_rounds
from studies.files import PREDICTING
from studies.runs.results import Results
from studies.sweep.plan import Point
from studies.sweep.study import Study
from studies.wording import counted

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Collection:
    """What became of files of counts, and what is there now.

    Attributes:
        folder: The folder of the jobs.
        taken: Files whose counts were added now.
        double: Files whose counts were there already, which were not added again.
        unchecked: Files without a marker circuit, so that the order of their bits was not checked.
        refused: Why other files were not taken, each in a line; nothing of them was.
        missing: Circuits of which shots are missing.
        circuits: All circuits.
        rounds: Rounds of circuits that were handed out.
        complete: Points of which all counts are there.
        going_on: Points that wait for circuits of another round, which `jobs` writes.
        points: All points.
        more: Circuits of which there are more shots than were asked for.
        late: Those of them of which shots came after their round had decided the next one.
        results: The results of the complete points; None if there are none.
        predicted_by: The noise that predicts beside them, in words; "" if it is the study's own.
        counts: What was counted so far, by circuit and bits, the first measured qubit first;
            circuits of no study by the names that they were given.
    """

    folder: Path
    taken: tuple[str, ...]
    double: tuple[str, ...]
    unchecked: tuple[str, ...]
    refused: tuple[str, ...]
    missing: tuple[str, ...]
    circuits: int
    rounds: int
    complete: int
    going_on: int
    points: int
    more: tuple[str, ...]
    late: tuple[str, ...]
    results: Results | None
    predicted_by: str
    counts: Mapping[str, Mapping[str, int]]

    def __repr__(self) -> str:
        refused = f", {counted(len(self.refused), 'file')} refused" if self.refused else ""
        return f"<Collection in {self.folder}: {self.complete} of {self.points} points{refused}>"

    def lines(self) -> list[str]:
        """All of it in a few lines."""
        found = []
        if self.taken:
            found.append(f"taken: {some(list(self.taken))}")
        if self.double:
            found.append(f"there already and not added again: {some(list(self.double))}")
        if self.unchecked:
            found.append(
                f"order of the bits not checked, for want of a marker: {some(list(self.unchecked))}"
            )
        if self.missing:
            found.append(
                f"shots are missing of {len(self.missing)} of {self.circuits} circuits: "
                f"{some(list(self.missing))}"
            )
        drawn = [each for each in self.more if each not in self.late]
        if drawn:
            found.append(
                f"more shots than were asked for, of which some are drawn, of {len(drawn)} "
                f"circuits: {some(drawn)}"
            )
        if self.late:
            found.append(
                "more shots than were asked for, left out as later circuits were decided without "
                f"them, of {len(self.late)} circuits: {some(list(self.late))}"
            )
        if self.going_on:
            found.append(
                f"{counted(self.rounds, 'round')} done: {counted(self.going_on, 'point')} to go "
                "on, qucnn jobs writes the next circuits"
            )
        elif self.rounds > 1 and self.missing:
            found.append(f"{counted(self.rounds - 1, 'round')} done")
        if self.points:
            found.append(f"{self.complete} of {self.points} points complete")
        elif not self.missing:
            found.append(f"all of {self.circuits} circuits complete")
        if self.predicted_by:
            found.append(f"predicted by {self.predicted_by}")
        return found

    def to_mapping(self) -> dict[str, Any]:
        """As plain data."""
        kept = {key: value for key, value in vars(self).items() if key not in ("results", "counts")}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()}
        results = None if self.results is None else str(self.results.folder)
        return {**plain, "folder": str(self.folder), "results": results}


def collect(
    folder: str | Path,
    files: Iterable[str | Path] = (),
    *,
    bit_order: str | None = None,
    shots: int | None = None,
    noise: NoiseLike | NoiseFit | Path = None,
    note: Callable[[str], None] = _LOGGER.info,
) -> Collection:
    """Takes counts of circuits that were run elsewhere, and makes results of what is complete.

    The results are those of the study: its own measurement is run on the counts, with what its
    noise predicts beside them. Files may come in any part, order and number; their counts add up.

    Args:
        folder: A folder of `jobs`.
        files: Files of counts: ``cirq.Result`` as JSON, one or many; counts by circuit and bits
            as JSON or CSV.
        bit_order: "big" if the first measured qubit is the first bit of a text, "little", as
            Qiskit has it, if it is the last; None takes what a file says, or else "big".
        shots: Shots of each circuit that the results are made of, in place of those that were
            asked for: fewer while counts are missing, or more.
        noise: What predicts in place of the study's noise, such as a fit or the file that it
            wrote, whose uncertainty gives predicted errors an interval. What was measured stays
            the same.
        note: Takes a line for the user; it is logged unless given.

    Returns:
        What became of the files, and the results.

    Raises:
        InputError: If the folder holds no jobs, or something in it is damaged. Files that are not
            taken are told in `Collection.refused`.
        OSError: If writing fails.
    """
    listener("note", note, "a line of text")
    target = Path(folder)
    _check_folder(target)
    rounds = read_rounds(target)
    manifest = rounds.first
    given = [Path(each) for each in several("files", files)]
    if bit_order is not None and not given:
        raise InputError("bit_order has no effect without files: leave it out.")
    _check_effect(target, manifest, shots, noise)
    taken, double, unchecked, refused = [], [], [], []
    found = collected(target, rounds)
    for path in given:
        try:
            counts, is_checked = read_counts(path, rounds, bit_order)
            _check_total(path, counts, found)
        except InputError as error:
            refused.append(str(error))
            continue
        before = keep(target, counts, rounds, path.name)
        if before is None:
            for key, own in counts.items():
                found.counts.setdefault(key, Counter()).update(own)
            taken.append(path.name)
            unchecked += [] if is_checked else [path.name]
        else:
            double.append(path.name if before == path.name else f"{path.name} (as {before})")
    found = collected(target, rounds, rounds.frozen)
    check_gone(rounds, found.files)
    if manifest.study:
        study, document = configured_again(target, manifest, shots)
        handed, seeds = rounds, {each.identity: each.identity for each in manifest.points}
        if shots is not None:
            rounds, seeds = asked_anew(target, rounds, found, study, document)
            manifest = rounds.first
        there = [each for each in manifest.points if _has_all(rounds, found, each)]
        devices = sorted({each.device for each in manifest.templates})
        predicting = None if noise is None else Predicting.of(noise, devices)
        plan = plan_of_results(study, document, rounds, found, predicting) if there else None
        known = {} if plan is None else {each.identity: each for each in plan.points}
        ready = [each for each in there if _is_over(study, known[each.identity], rounds, found)]
        results = None
        if plan and ready:
            origin = origin_of(handed, found)
            if predicting is not None:
                origin[PREDICTING] = predicting.words
            source = ResultCounts(rounds, found, seeds, origin, predicting)
            results = results_of(target, plan, source, ready, note)
    else:
        there, ready, results, predicting = [], [], None, None
    wanted = rounds.wanted
    return Collection(
        folder=target,
        taken=tuple(taken),
        double=tuple(double),
        unchecked=tuple(unchecked),
        refused=tuple(refused),
        missing=tuple(key for key, number in wanted.items() if found.shots(key) < number),
        circuits=len(wanted),
        rounds=len(rounds.manifests),
        complete=len(ready),
        going_on=len(there) - len(ready),
        points=len(manifest.points),
        more=tuple(key for key, number in wanted.items() if found.shots(key) > number),
        late=tuple(key for key in found.late if key in wanted),
        results=results,
        predicted_by="" if predicting is None or results is None else predicting.words,
        counts=_texts(rounds, found),
    )


def _check_folder(folder: Path) -> None:
    """Says of a file that is given in place of the folder what it may be."""
    if folder.is_file():
        what = {MANIFEST: "the manifest of jobs"}.get(folder.name, "a file")
        if folder.name.startswith(f"{CIRCUITS}_"):
            what = "a file of circuits that are to be run"
        raise InputError(
            f"{folder} is {what}: give the folder of `qucnn jobs`, and after it the files of what "
            "came back."
        )


def _check_effect(folder: Path, manifest: Manifest, shots: object, noise: object) -> None:
    """Refuses what would change nothing."""
    if not manifest.study:
        for name, value in (("shots", shots), ("noise", noise)):
            if value is not None:
                raise InputError(f"{name} has no effect on circuits of no study: leave it out.")
    elif noise is not None and not configured_again(folder, manifest, None)[0].predicts:
        raise InputError(
            f"the {manifest.study} study predicts nothing beside its counts: leave "
            f"{option('noise')} out."
        )


def _has_all(rounds: Rounds, found: Collected, point: JobPoint) -> bool:
    """Whether all counts of a point are there, of the rounds that were made."""
    own = rounds.last.by_identity.get(point.identity)
    # Of earlier rounds they were when the next was decided.
    return own is None or not lacking_of(rounds.last, found, own)


def _is_over(study: Study, point: Point, rounds: Rounds, found: Collected) -> bool:
    """Whether a point of which all counts are there runs nothing more."""
    if not rounds.goes_on(point.identity):
        return True
    replay = RoundsReplay(rounds, found, point.identity)
    with reading_stored():
        return not recorded_calls(study, point, Recorder(), replay)


def _texts(rounds: Rounds, found: Collected) -> dict[str, dict[str, int]]:
    """Counts by the texts of their bits."""
    names = {each.key: each.name for each in rounds.first.named}
    return {
        names.get(key, key): {
            f"{outcome:0{rounds.bits[key]}b}": count for outcome, count in sorted(own.items())
        }
        for key, own in sorted(found.counts.items())
    }


def _check_total(path: Path, counts: KeyCounts, found: Collected) -> None:
    for key, own in counts.items():
        total = sum(own.values()) + found.shots(key)
        if total > MOST_SHOTS:
            raise InputError(
                f"{path}: circuit {key} would have {total} shots in all: at most {MOST_SHOTS}."
            )
