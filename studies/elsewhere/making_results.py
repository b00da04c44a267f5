"""Results of a study, made of counts that came back."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noise_models import Noise
from noise_models.extensions import reading_stored
from noise_models.writing import PARTIAL
from qucnn_cirq.engines.collected import handing_out
from qucnn_cirq.errors import InputError
from studies.elsewhere.counts import Collected
from studies.elsewhere.manifest import JobPoint
from studies.elsewhere.predicting import Predicting
from studies.elsewhere.replay import RoundsReplay
from studies.elsewhere.rounds import Rounds, check_points
from studies.files import COLLECTED
from studies.point import noise_of_run
from studies.provenance import provenance
from studies.runs.results import Results, read_results
from studies.sweep.chunks import MeasuredPoint, write_chunk
from studies.sweep.job import finish
from studies.sweep.plan import Plan, Point, make_plan, resolve
from studies.sweep.store import open_folder
from studies.sweep.stored_plan import PLAN
from studies.sweep.study import Study
from studies.sweep.workers import Task, measure_each

RESULTS = "results"
"""The folder of the results."""
_LEFTOVER_SECONDS = 86_400.0
_MOST_TRIES = 50
_WAIT_SECONDS = 0.1
"""How long is waited for another process that puts its results in their place."""
_AT_A_TIME = 16
"""Points of a chunk."""


@dataclass(frozen=True, eq=False)
class ResultCounts:
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


def plan_of_results(
    study: Study,
    document: dict[str, Any],
    rounds: Rounds,
    found: Collected,
    predicting: Predicting | None,
) -> Plan:
    """The plan of the results: that of the study, told apart by its counts and what predicts.

    Args:
        study: The study.
        document: Its configuration.
        rounds: The jobs.
        found: What was collected.
        predicting: The noise that predicts; None for that of the study.

    Raises:
        InputError: If the jobs were made of other points.
    """
    with reading_stored():
        plan = make_plan(study, document)
    check_points(rounds, plan.points)
    more = {"counts": found.digest}
    if predicting is not None:
        more["predicting noise"] = predicting.digest
    points = tuple(replace(each, digests={**each.digests, **more}) for each in plan.points)
    return replace(plan, points=points)


def origin_of(rounds: Rounds, found: Collected) -> dict[str, Any]:
    """Where counts come from, and what made results of them.

    Args:
        rounds: The jobs that were handed out.
        found: What was collected.
    """
    return {
        **provenance(),
        COLLECTED: {
            "counts": found.digest,
            "jobs": rounds.digest,
            "made": rounds.first.provenance.get("started"),
            "files": "; ".join(sorted(found.files.values())),
        },
    }


def results_of(
    folder: Path,
    plan: Plan,
    counts: ResultCounts,
    ready: Sequence[JobPoint],
    note: Callable[[str], None],
) -> Results:
    """Results of complete points, in place of those that were made of fewer counts.

    Args:
        folder: The folder of the jobs.
        plan: That of `plan_of_results`.
        counts: What they are made of.
        ready: The complete points.
        note: Takes a line for the user.

    Raises:
        InputError: If something else is in their place.
        OSError: If writing fails.
    """
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


def _measure(
    folder: Path,
    plan: Plan,
    counts: ResultCounts,
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


def _remove_leftovers(folder: Path) -> None:
    """Removes unfinished results of processes that were killed long ago."""
    old = time.time() - _LEFTOVER_SECONDS
    for path in folder.glob(f".{RESULTS}.*{PARTIAL}"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < old:
                shutil.rmtree(path, ignore_errors=True)
