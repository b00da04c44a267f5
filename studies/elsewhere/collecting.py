"""Counts that come back, and the results of a study that are made of them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noise_models import Noise, NoiseLike
from noise_models.checks import listener, several, whole_number
from noise_models.errors import some
from noise_models.extensions import NotNamedError, reading_stored
from noise_models.writing import PARTIAL
from qucnn_cirq.engines.collected import handing_out
from qucnn_cirq.errors import InputError, option
from qucnn_cirq.fitting import NoiseFit
from studies.elsewhere.counts import Collected, collected, keep
from studies.elsewhere.handing_out import recorded_calls
from studies.elsewhere.manifest import MANIFEST, MOST_SHOTS, JobPoint, Manifest, Use
from studies.elsewhere.predicting import Predicting
from studies.elsewhere.programs import CIRCUITS
from studies.elsewhere.reading import KeyCounts, read_counts
from studies.elsewhere.recording import NumberingRecorder, Recorder
from studies.elsewhere.replay import Replay, RoundsReplay, has_all
from studies.elsewhere.rounds import Rounds, check_digests, check_gone, read_rounds
from studies.files import COLLECTED, CONFIGURATION, PREDICTING, damaged, file_content
from studies.point import noise_of_run
from studies.provenance import provenance
from studies.runs.results import Results, read_results
from studies.sweep.catalogue import load_study
from studies.sweep.chunks import MeasuredPoint, write_chunk
from studies.sweep.inputs import is_input, kept_files
from studies.sweep.job import finish
from studies.sweep.plan import Plan, Point, make_plan, resolve
from studies.sweep.store import open_folder
from studies.sweep.stored_plan import PLAN
from studies.sweep.study import Study
from studies.sweep.workers import Task, measure_each
from studies.wording import counted

_LOGGER = logging.getLogger(__name__)

RESULTS = "results"
"""The folder of the results."""
_LEFTOVER_SECONDS = 86_400.0
_MOST_TRIES = 50
_WAIT_SECONDS = 0.1
"""How long is waited for another process that puts its results in their place."""
_AT_A_TIME = 16
"""Points of a chunk."""


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
            rounds, seeds = _asked_anew(target, rounds, found, study, document)
            manifest = rounds.first
        there = [each for each in manifest.points if _has_all(rounds, found, each)]
        devices = sorted({each.device for each in manifest.templates})
        predicting = None if noise is None else Predicting.of(noise, devices)
        plan = _plan(study, document, rounds, found, predicting) if there else None
        known = {} if plan is None else {each.identity: each for each in plan.points}
        ready = [each for each in there if _is_over(study, known[each.identity], rounds, found)]
        results = None
        if plan and ready:
            origin = _origin(handed, found)
            if predicting is not None:
                origin[PREDICTING] = predicting.words
            source = _Counts(rounds, found, seeds, origin, predicting)
            results = _results(target, plan, source, ready, note)
    else:
        there, ready, results, predicting = [], [], None, None
    wanted = rounds.wanted
    return Collection(
        target,
        tuple(taken),
        tuple(double),
        tuple(unchecked),
        tuple(refused),
        tuple(key for key, number in wanted.items() if found.shots(key) < number),
        len(wanted),
        len(rounds.manifests),
        len(ready),
        len(there) - len(ready),
        len(manifest.points),
        tuple(key for key, number in wanted.items() if found.shots(key) > number),
        tuple(key for key in found.late if key in wanted),
        results,
        "" if predicting is None or results is None else predicting.words,
        _texts(rounds, found),
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
    return own is None or not has_all(rounds.last, found, own)


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


def configured_again(
    folder: Path, manifest: Manifest, shots: int | None
) -> tuple[Study, dict[str, Any]]:
    """The study of the jobs, and its configuration.

    Args:
        folder: The folder of the jobs.
        manifest: The jobs.
        shots: Shots that are wanted in place of those that were asked for.

    Raises:
        InputError: If it is damaged, or names code that is not there.
    """
    path = folder / CONFIGURATION
    if hashlib.sha256(file_content(path)).hexdigest() != manifest.configuration:
        raise damaged(path, "make the jobs again in the same folder; it is written anew.")
    for copy in kept_files(folder):
        if not is_input(folder / copy):
            raise damaged(folder / copy, "put back what was there, or make the jobs again.")
    settings = [] if shots is None else [f"shots={whole_number('shots', shots, 1, MOST_SHOTS)}"]
    try:
        with reading_stored():
            study, document = load_study(str(path), settings)
    except NotNamedError as error:
        raise InputError(f"{path} names code of your own: {error}") from None
    if shots is None:
        return study, document
    if manifest.waits:
        raise InputError(
            f"counts of as many shots as were asked for decided circuits: leave {option('shots')} "
            "out."
        )
    if any("shots" in each.values for each in manifest.points):
        raise InputError(
            "the shots of these points are settings of their own, each another: leave "
            f"{option('shots')} out."
        )
    return study, document


@dataclass(frozen=True, eq=False)
class _Counts:
    """What results are made of.

    Attributes:
        rounds: The jobs.
        found: What was collected.
        seeds: By the identities of the points those of which random circuits are drawn.
        origin: Where the counts come from.
        predicting: The noise that predicts; None for that of the study.
    """

    rounds: Rounds
    found: Collected
    seeds: Mapping[str, str]
    origin: Mapping[str, Any]
    predicting: Predicting | None


def _asked_anew(
    folder: Path, rounds: Rounds, found: Collected, study: Study, document: dict[str, Any]
) -> tuple[Rounds, dict[str, str]]:
    """The jobs as they were if they had been asked for with other shots.

    Returns:
        The jobs of the same circuits; and by the identities of points, which are others where
        shots tell points apart, those that they have in the jobs.
    """
    first = rounds.first
    points, uses, seeds = [], list[tuple[Use, ...]](), {}
    with reading_stored():
        plan = make_plan(study, document)
        before = make_plan(study, configured_again(folder, first, None)[1])
        check_digests(rounds, {each.identity: each.digests for each in before.points})
        for point, old in zip(plan.points, before.points, strict=True):
            own = first.by_identity[old.identity]
            again = NumberingRecorder(Replay(first, found, own))
            calls = recorded_calls(study, replace(point, identity=old.identity), again)
            points.append(replace(own, identity=point.identity, uses=len(uses)))
            uses.append(tuple(Use(each.template, each.shots, each.circuits) for each in calls))
            seeds[point.identity] = old.identity
    return Rounds((replace(first, points=tuple(points), uses=tuple(uses)),)), seeds


def _results(
    folder: Path,
    plan: Plan,
    counts: _Counts,
    ready: Sequence[JobPoint],
    note: Callable[[str], None],
) -> Results:
    """Results of complete points, in place of those that were made of fewer counts."""
    target = folder / RESULTS
    if _are_of(target, plan, len(ready)):
        return _read_put(target)
    _remove_leftovers(folder)
    partial = Path(tempfile.mkdtemp(prefix=f".{RESULTS}.", suffix=PARTIAL, dir=folder))
    try:
        _measure(partial, plan, counts, ready)
        finish(plan.study, partial, note)
        _put(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _read_put(target)


def _put(partial: Path, target: Path) -> None:
    """Puts results in the place of others: of several processes those of the last one stay."""
    old = partial.with_name(f"{partial.name}.old{PARTIAL}")
    for left in reversed(range(_MOST_TRIES)):
        # Between the two there is none, and the next call makes it again.
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
            if not (old / PLAN).exists():
                old.rename(target)
                raise InputError(
                    f"{target} is not what was made of counts, and its place is that of the "
                    "results: move it out of the folder."
                )
        try:
            partial.rename(target)
        except OSError:
            # Another process put its own there meanwhile.
            if not (left and target.exists()):
                raise
        else:
            break
        finally:
            shutil.rmtree(old, ignore_errors=True)


def _read_put(target: Path) -> Results:
    """Results that were put in their place, where another process may put its own now."""
    for _ in range(_MOST_TRIES):
        with contextlib.suppress(InputError):
            return read_results(target)
        time.sleep(_WAIT_SECONDS)
    return read_results(target)


def _plan(
    study: Study,
    document: dict[str, Any],
    rounds: Rounds,
    found: Collected,
    predicting: Predicting | None,
) -> Plan:
    """The plan of the results: that of the study, told apart by its counts and what predicts."""
    with reading_stored():
        plan = make_plan(study, document)
    check_digests(rounds, {each.identity: each.digests for each in plan.points})
    more = {"counts": found.digest}
    if predicting is not None:
        more["predicting noise"] = predicting.digest
    points = tuple(replace(each, digests={**each.digests, **more}) for each in plan.points)
    return replace(plan, points=points)


def _are_of(target: Path, plan: Plan, points: int) -> bool:
    """Whether a folder holds the results of the same counts already."""
    try:
        results = read_results(target)
        return (
            results.plan.digest == plan.digest
            and results.status().done == points
            and all(
                results.plan.digests(each.identity) == each.digests
                and results.plan.targets(each.identity) == each.targets
                for each in plan.points
            )
        )
    except (InputError, OSError):
        # Damaged, or put in its place by another process now.
        return False


def _origin(rounds: Rounds, found: Collected) -> dict[str, Any]:
    """Where counts come from, and what made results of them."""
    return {
        **provenance(),
        COLLECTED: {
            "counts": found.digest,
            "jobs": rounds.digest,
            "made": rounds.first.provenance.get("started"),
            "files": "; ".join(sorted(found.files.values())),
        },
    }


def _measure(
    folder: Path,
    plan: Plan,
    counts: _Counts,
    ready: Sequence[JobPoint],
) -> None:
    """Measures complete points on their counts, into a new folder of results."""
    open_folder(folder, plan)
    by_identity = {each.identity: each for each in plan.points}
    for start in range(0, len(ready), _AT_A_TIME):
        outcomes = []
        own = [by_identity[each.identity] for each in ready[start : start + _AT_A_TIME]]
        for point in own:
            task = Task(counts.seeds[point.identity], point.document)

            def measured(
                noise: Noise | None, point: Point = point, task: Task = task
            ) -> MeasuredPoint:
                if noise is not None:
                    # If it drifts, as the noise of the point would.
                    noise = Noise(noise_of_run(point.settings, other=noise.configuration))
                replay = RoundsReplay(counts.rounds, counts.found, point.identity, noise)
                with handing_out(replay), reading_stored():
                    (outcome,) = measure_each(plan.study.name, [task])
                return outcome

            outcome = (
                measured(None)
                if counts.predicting is None
                else counts.predicting.measured(measured, plan.study.columns)
            )
            outcomes.append(replace(outcome, identity=point.identity))
        resolved = {each.identity: resolve(plan.study, each) for each in own}
        write_chunk(folder, plan.study.name, plan.digest, counts.origin, outcomes, resolved)


def _remove_leftovers(folder: Path) -> None:
    """Removes unfinished results of processes that were killed long ago."""
    old = time.time() - _LEFTOVER_SECONDS
    for path in folder.glob(f".{RESULTS}.*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < old:
                shutil.rmtree(path, ignore_errors=True)
