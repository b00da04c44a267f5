"""What the points of a study run, noted for the manifest of its jobs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

import attrs

from qucnn_cirq.engines.collected import handing_out
from qucnn_cirq.errors import InputError
from studies.elsewhere.manifest import JobPoint, Use
from studies.elsewhere.recording import Call, Recorder, WaitingForCounts
from studies.elsewhere.replay import RoundsReplay
from studies.sweep.plan import Plan, Point, refusal, seed_of
from studies.sweep.study import Study

_DRAWS = ("seed", "repeat")
"""Settings of repetitions, whose shots are independent."""


def recorded_calls(
    study: Study, point: Point, recorder: Recorder, earlier: RoundsReplay | None = None
) -> list[Call]:
    """The circuits that a point runs in the first round, or in the one after earlier ones.

    Args:
        study: The study.
        point: One of its points.
        recorder: What takes note of them, and of whether the point waits for their counts.
        earlier: The counts of earlier rounds.

    Raises:
        InputError: If the point cannot be measured.
    """
    reason = refusal(study, point)
    if reason is not None:
        raise InputError(f"the point {_shown(point)} cannot be measured: {reason}")
    settings = point.settings
    why = study.withheld(settings) if callable(study.withheld) else ""
    if why:
        raise InputError(f"the point {_shown(point)} {why}")
    program = None if study.program is None else study.program(settings)
    if program is None:
        raise InputError(f"the {study.name} study has no compiled circuits to hand out.")
    recorder.begin(program.device, program.report.gateset, earlier)
    if hasattr(settings, "check_patches"):
        # Nothing of what is measured now is kept.
        settings = attrs.evolve(settings, check_patches=0)
    more = [None] if study.targets else []
    with (
        handing_out(recorder),
        study.guarded("measure"),
        contextlib.suppress(WaitingForCounts),
    ):
        study.measure(settings, seed_of(point.identity), *more)
    return recorder.calls()


def _shown(point: Point) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in point.values.items()) or "(no axes)"


def job_points(
    plan: Plan, calls: Sequence[Sequence[Call]], waits: Sequence[bool], is_first: bool
) -> tuple[tuple[JobPoint, ...], tuple[tuple[Use, ...], ...]]:
    """What the manifest of a round says of its points.

    Args:
        plan: The plan of the study.
        calls: What each of its points runs in the round.
        waits: Whether each then waits for counts.
        is_first: Whether the round is the first, which has all points; a later one has those that
            run anything.

    Returns:
        The points, and the different lists of circuits.
    """
    numbers: dict[object, int] = {}
    draws: dict[object, int] = {}
    uses, points = [], []
    for point, own, is_waiting in zip(plan.points, calls, waits, strict=True):
        draw = draws.setdefault(
            tuple(getattr(point.settings, name, None) for name in _DRAWS), len(draws)
        )
        if not (own or is_first):
            continue
        content = tuple((c.template, c.shots, c.circuits.shape, c.circuits.tobytes()) for c in own)
        if content not in numbers:
            numbers[content] = len(numbers)
            uses.append(tuple(Use(c.template, c.shots, c.circuits) for c in own))
        points.append(
            JobPoint(
                point.identity,
                json.loads(json.dumps(dict(point.values))),
                dict(point.digests),
                int(point.settings.shots),
                draw,
                numbers[content],
                is_waiting,
            )
        )
    return tuple(points), tuple(uses)
