"""The rounds of circuits of a study: the first, and those that counts decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from noise_models.writing import write_text
from qucnn_cirq.errors import InputError
from studies.elsewhere.counts import Collected, collected
from studies.elsewhere.job_folder import (
    Jobs,
    check_same,
    lacking_circuits,
    make_folder,
    other_jobs,
    write_jobs,
)
from studies.elsewhere.manifest import MOST_SHOTS, JobPoint, Manifest, TemplateJobs, Use
from studies.elsewhere.programs import Packed, packed, placed
from studies.elsewhere.recording import Call, RecordedTemplate, Recorder
from studies.elsewhere.recording_points import job_points, recorded_calls
from studies.elsewhere.replay import RoundsReplay
from studies.elsewhere.rounds import (
    Decided,
    Rounds,
    check_gone,
    check_points,
    read_rounds,
    round_folder,
)
from studies.files import CONFIGURATION
from studies.provenance import provenance
from studies.sweep.inputs import copies_of, keep_inputs
from studies.sweep.plan import Plan


@dataclass(frozen=True, eq=False)
class RecordedPoints:
    """What points run in a round.

    Attributes:
        recorder: What took note of it.
        points: The points, of later rounds those that run anything.
        uses: The different lists of their circuits.
    """

    recorder: Recorder
    points: tuple[JobPoint, ...]
    uses: tuple[tuple[Use, ...], ...]


@dataclass(frozen=True, eq=False)
class Making:
    """What rounds are made of.

    Attributes:
        folder: The folder of the jobs.
        plan: The plan of the study.
        document: Its configuration as plain data.
        copies: How many circuits are run side by side.
        form: As for `studies.jobs`.
        note: As for `studies.jobs`.
    """

    folder: Path
    plan: Plan
    document: Mapping[str, Any]
    copies: int
    form: str
    note: Callable[[str], None]

    @cached_property
    def inputs(self) -> Mapping[str, str]:
        """The copies of the files that the configuration names."""
        return copies_of(self.document)

    @cached_property
    def text(self) -> str:
        """The configuration."""
        return self.plan.to_toml(self.inputs)

    @cached_property
    def configuration(self) -> str:
        """Its digest."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def _check_same(self, rounds: Rounds) -> None:
        """Refuses what is not asked for as the first round was."""
        first = rounds.first
        same = (first.study, first.form, first.configuration) == (
            self.plan.study.name,
            self.form,
            self.configuration,
        )
        if not same or any(len(each.places) != self.copies for each in first.templates):
            raise other_jobs(self.folder)

    def current(self) -> Jobs:
        """The round that waits, or the next one if all counts are there.

        Raises:
            InputError: If the folder holds other jobs, or something in it is damaged.
            OSError: If writing fails.
        """
        rounds = read_rounds(self.folder)
        self._check_same(rounds)
        found = collected(self.folder, rounds, rounds.frozen)
        check_gone(rounds, found.files)
        lacking = lacking_circuits(rounds.last, found)
        if rounds.last.waits and not lacking:
            made = self._next_round(rounds, found)
            if made is not None:
                return made
        number = len(rounds.manifests)
        again = Jobs(self.folder, rounds.last, number)
        if number == 1:
            again = self.round(self.recorded())
        elif not all(path.exists() for path in again.files):
            earlier = rounds.up_to(number - 1)
            again = self.round(self.recorded((earlier, found)), earlier.decided)
        return replace(again, missing=tuple(lacking), waiting=bool(lacking))

    def recorded(self, earlier: tuple[Rounds, Collected] | None = None) -> RecordedPoints:
        """What all points run in the first round, or in the one after earlier ones.

        Args:
            earlier: The earlier rounds, and what was collected of them; None for the first.

        Raises:
            InputError: If a point cannot be measured, or is not the one that the jobs were made of.
        """
        recorder, calls, waits = Recorder(), list[list[Call]](), list[bool]()
        if earlier is not None:
            check_points(earlier[0], self.plan.points)
        for point in self.plan.points:
            if earlier is None:
                calls.append(recorded_calls(self.plan.study, point, recorder))
            elif earlier[0].goes_on(point.identity):
                replay = RoundsReplay(*earlier, point.identity)
                calls.append(recorded_calls(self.plan.study, point, recorder, replay))
            else:
                calls.append([])
            waits.append(bool(calls[-1]) and recorder.waits)
        points, uses = job_points(self.plan, calls, waits, earlier is None)
        return RecordedPoints(recorder, points, uses)

    def _next_round(self, rounds: Rounds, found: Collected) -> Jobs | None:
        """The round after all others; None if no point runs anything more."""
        number = len(rounds.manifests)
        recorded = self.recorded((rounds, found))
        if not recorded.points:
            return None
        if len(rounds.decided) < number:
            folder = round_folder(self.folder, number + 1)
            make_folder(folder)
            last = rounds.last
            files = {
                digest: name
                for digest, name in found.files.items()
                if not last.bits.keys().isdisjoint(found.keys[digest])
            }
            decided = Decided(rounds.digest, number + 1, last.digest, files)
            try:
                decided.write(folder)
            except FileExistsError:
                # By another process, perhaps by other counts.
                return self.current()
            rounds = replace(rounds, decided=(*rounds.decided, decided))
        return self.round(recorded, rounds.decided)

    def round(self, recorded: RecordedPoints, decided: Sequence[Decided] = ()) -> Jobs:
        """Writes a round.

        Args:
            recorded: What the points run in it.
            decided: What each round after the first was decided by, up to this one; none for the
                first.

        Returns:
            Its circuits, all of which wait.

        Raises:
            InputError: If there are none, or the folder cannot hold them.
            OSError: If writing fails.
        """
        recorder = recorded.recorder
        if not recorder.templates:
            raise InputError(
                "no point takes shots of any circuit: every patch is blank, shots = 0, or no "
                "method that runs any is possible."
            )
        before = decided[-1].digest if decided else ""
        bare = Manifest(
            self.plan.study.name,
            self.form,
            self.configuration,
            recorded.points,
            recorded.uses,
            tuple(_unplaced(each) for each in recorder.templates),
            (),
            provenance(),
            before=before,
        )
        manifest, programs = _placed(bare, recorder, self.copies)
        number = len(decided) + 1
        folder = round_folder(self.folder, number)
        # Before circuits are written, which takes long.
        check_same(folder, manifest)
        make_folder(folder)
        if number == 1:
            keep_inputs(self.inputs, folder)
            write_text(folder / CONFIGURATION, self.text)
        self.note(f"{len(programs)} circuits to {folder}")
        written = write_jobs(folder, manifest, programs, number)
        return Jobs(self.folder, written, number, tuple(written.wanted))


def _placed(bare: Manifest, recorder: Recorder, copies: int) -> tuple[Manifest, list[Packed]]:
    """Circuits with places and names, and what is run.

    Args:
        bare: The manifest of a round whose circuits have neither.
        recorder: What took note of them.
        copies: As for `placed`.
    """
    found, programs = [], list[Packed]()
    for recorded, needs in zip(recorder.templates, bare.needs, strict=True):
        shots = [sum(own.values()) for own in needs]
        if max(shots) > MOST_SHOTS:
            raise InputError(
                f"shots: a circuit would take {max(shots)} in all, and at most {MOST_SHOTS} are "
                "handed out."
            )
        order = sorted(range(len(shots)), key=lambda number: (-shots[number], number))
        each = placed(recorded, copies, order, before=bare.before)
        found.append(each.jobs)
        programs += packed(each, copies, order, shots)
    return replace(bare, templates=tuple(found)), programs


def _unplaced(recorded: RecordedTemplate) -> TemplateJobs:
    """The circuits of a template before they have places and names."""
    rows = recorded.rows
    none = np.zeros(len(rows), dtype=np.int64)
    names = ("",) * len(rows)
    return TemplateJobs(
        recorded.template.digest, recorded.device.name, rows, names, none, ((),), ((),)
    )
