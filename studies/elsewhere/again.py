"""The study of jobs that were made, and those jobs asked for with other shots."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from noise_models.checks import whole_number
from noise_models.extensions import NotNamedError, reading_stored
from qucnn_cirq.errors import InputError, option
from studies.elsewhere.counts import Collected
from studies.elsewhere.manifest import MOST_SHOTS, Manifest, Use
from studies.elsewhere.recording import NumberingRecorder
from studies.elsewhere.recording_points import recorded_calls
from studies.elsewhere.replay import Replay
from studies.elsewhere.rounds import Rounds, check_points
from studies.files import CONFIGURATION, damaged, file_content
from studies.sweep.catalogue import load_study
from studies.sweep.inputs import is_input, kept_files
from studies.sweep.plan import make_plan
from studies.sweep.study import Study


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


def asked_anew(
    folder: Path, rounds: Rounds, found: Collected, study: Study, document: dict[str, Any]
) -> tuple[Rounds, dict[str, str]]:
    """The jobs as they were if they had been asked for with other shots.

    Args:
        folder: The folder of the jobs.
        rounds: The jobs.
        found: What was collected.
        study: Their study.
        document: Its configuration, with the other shots.

    Returns:
        The jobs of the same circuits; and by the identities of points, which are others where
        shots tell points apart, those that they have in the jobs.
    """
    first = rounds.first
    points, uses, seeds = [], list[tuple[Use, ...]](), {}
    with reading_stored():
        plan = make_plan(study, document)
        before = make_plan(study, configured_again(folder, first, None)[1])
        check_points(rounds, before.points)
        for point, old in zip(plan.points, before.points, strict=True):
            own = first.by_identity[old.identity]
            again = NumberingRecorder(Replay(first, found, own))
            calls = recorded_calls(study, replace(point, identity=old.identity), again)
            points.append(replace(own, identity=point.identity, uses=len(uses)))
            uses.append(tuple(Use(each.template, each.shots, each.circuits) for each in calls))
            seeds[point.identity] = old.identity
    return Rounds((replace(first, points=tuple(points), uses=tuple(uses)),)), seeds
