"""The circuits of a study, written for whoever runs them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
import cirq
import numpy as np

from noise_models.checks import listener, whole_number
from noise_models.errors import some
from noise_models.writing import write_text
from qucnn_cirq.devices import DeviceLike, load_device
from qucnn_cirq.engines.collected import handing_out
from qucnn_cirq.errors import InputError, option, shown
from studies.elsewhere.counts import Collected, collected
from studies.elsewhere.manifest import (
    MANIFEST,
    MOST_SHOTS,
    JobPoint,
    Manifest,
    NamedCircuit,
    TemplateJobs,
    Use,
    read_manifest,
)
from studies.elsewhere.programs import (
    CIRCUITS,
    FORMATS,
    Packed,
    packed,
    placed,
    plain_circuit,
    remove_files,
    write_files,
    write_files_again,
)
from studies.elsewhere.recording import Call, RecordedTemplate, Recorder, WaitingForCounts
from studies.elsewhere.replay import RoundsReplay
from studies.elsewhere.rounds import (
    Decided,
    Rounds,
    check_digests,
    check_gone,
    read_rounds,
    round_folder,
)
from studies.files import CONFIGURATION
from studies.provenance import provenance
from studies.runs.run import Settings, configured
from studies.sweep.catalogue import STUDIES, study_named
from studies.sweep.inputs import copies_of, keep_inputs
from studies.sweep.plan import Plan, Point, make_plan, refusal, seed_of
from studies.sweep.stored_plan import PLAN
from studies.sweep.study import Study
from studies.wording import counted

_LOGGER = logging.getLogger(__name__)

MOST_COPIES = 64
_DRAWS = ("seed", "repeat")
"""Settings of repetitions, whose shots are independent."""


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


def jobs(
    configuration: object,
    out: str | Path,
    axes: Mapping[str, object] | None = None,
    *,
    settings: Settings = (),
    quick: bool = False,
    parallel: int = 1,
    form: str = "cirq",
    note: Callable[[str], None] = _LOGGER.info,
) -> Jobs:
    """Writes the circuits of all points of a study, to be run elsewhere.

    Done again, it writes what is missing of the same jobs. Circuits that several points share are
    there once; points of other repetitions (`seed`, `repeat`) take shots of their own.

    Where counts decide what is run next, such as the steps of an optimiser, circuits come in
    rounds: done again once all counts of a round were collected, it writes those of the next one.

    Args:
        configuration: As for `studies.run`.
        out: The folder of the jobs.
        axes: As for `studies.run`.
        settings: As for `studies.run`.
        quick: As for `studies.run`.
        parallel: How many circuits are run side by side on the device, at least 1.
        form: "cirq", Cirq's JSON, or "qasm", OpenQASM 3.
        note: Takes a line for the user; it is logged unless given.

    Returns:
        The jobs that wait to be run; none, if `Jobs.waiting` is false.

    Raises:
        InputError: If the configuration, the device or the folder does not allow it.
        OSError: If writing fails.
    """
    listener("note", note, "a line of text")
    copies = whole_number("parallel", parallel, 1, MOST_COPIES)
    if form not in FORMATS:
        raise InputError(f"format = {shown(form)} is not known: give one of {', '.join(FORMATS)}.")
    folder = Path(out)
    _check_folder(folder)
    study, document = configured(configuration, axes, settings, quick)
    if not study.collects:
        why = study.withheld or "is not among those whose circuits are handed out"
        raise InputError(
            f"the {study.name} study {why}; jobs are made of {' and '.join(_collecting())}."
        )
    plan = make_plan(study, document)
    making = _Making(folder, plan, document, copies, form, note)
    return making.current() if (folder / MANIFEST).exists() else making.round(making.recorded())


@dataclass(frozen=True, eq=False)
class _Recorded:
    """What points run in a round."""

    recorder: Recorder
    points: tuple[JobPoint, ...]
    uses: tuple[tuple[Use, ...], ...]


@dataclass(frozen=True, eq=False)
class _Making:
    """What rounds are made of."""

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
            raise _other_jobs(self.folder)

    def current(self) -> Jobs:
        """The round that waits, or the next one if all counts are there."""
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

    def recorded(self, earlier: tuple[Rounds, Collected] | None = None) -> _Recorded:
        """What all points run in the first round, or in the one after earlier ones."""
        recorder, calls, waits = Recorder(), list[list[Call]](), list[bool]()
        if earlier is not None:
            check_digests(earlier[0], {each.identity: each.digests for each in self.plan.points})
        for point in self.plan.points:
            if earlier is None:
                calls.append(recorded_calls(self.plan.study, point, recorder))
            elif earlier[0].goes_on(point.identity):
                replay = RoundsReplay(*earlier, point.identity)
                calls.append(recorded_calls(self.plan.study, point, recorder, replay))
            else:
                calls.append([])
            waits.append(bool(calls[-1]) and recorder.waits)
        points, uses = _points(self.plan, calls, waits, earlier is None)
        return _Recorded(recorder, points, uses)

    def _next_round(self, rounds: Rounds, found: Collected) -> Jobs | None:
        """The round after all others; None if no point runs anything more."""
        number = len(rounds.manifests)
        recorded = self.recorded((rounds, found))
        if not recorded.points:
            return None
        if len(rounds.decided) < number:
            folder = round_folder(self.folder, number + 1)
            _make(folder)
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

    def round(self, recorded: _Recorded, decided: Sequence[Decided] = ()) -> Jobs:
        """Writes a round."""
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
        _check_same(folder, manifest)
        _make(folder)
        if number == 1:
            keep_inputs(self.inputs, folder)
            write_text(folder / CONFIGURATION, self.text)
        self.note(f"{len(programs)} circuits to {folder}")
        written = _written(folder, manifest, programs, number)
        return Jobs(self.folder, written, number, tuple(written.wanted))


def lacking_circuits(manifest: Manifest, found: Collected) -> list[str]:
    """The circuits of a round of which shots are missing.

    Args:
        manifest: The round.
        found: What was collected.
    """
    return [key for key, shots in manifest.wanted.items() if found.shots(key) < shots]


def _placed(bare: Manifest, recorder: Recorder, copies: int) -> tuple[Manifest, list[Packed]]:
    """Circuits with places and names, and what is run."""
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


def jobs_of(
    circuits: Mapping[str, cirq.AbstractCircuit],
    shots: int | Mapping[str, int],
    out: str | Path,
    device: DeviceLike,
    *,
    form: str = "cirq",
) -> Jobs:
    """Writes circuits of no study, such as for a calibration, to be run elsewhere.

    `collect` gives their counts, by the names that they have here.

    Args:
        circuits: Native circuits by name, each with one measurement at its end.
        shots: Shots of each: one number, or by name.
        out: The folder of the jobs.
        device: What they are validated against.
        form: As for `jobs`.

    Returns:
        The jobs.

    Raises:
        InputError: If a device cannot run a circuit, or the folder holds something else.
        OSError: If writing fails.
    """
    if form not in FORMATS:
        raise InputError(f"format = {shown(form)} is not known: give one of {', '.join(FORMATS)}.")
    folder, target = Path(out), load_device(device)
    _check_folder(folder)
    if not circuits:
        raise InputError("there are no circuits to hand out.")
    named, programs = [], []
    for name, circuit in circuits.items():
        number = shots if isinstance(shots, int) else shots.get(name)
        own = plain_circuit(name, circuit, target)
        count = whole_number(f"shots of {name}", number, 1, MOST_SHOTS)
        (measured,) = own.register
        program = replace(own.program, shots=count)
        programs.append(replace(own, program=program))
        text = str(cirq.to_json(own.made(), indent=None))
        named.append(NamedCircuit(name, program.id, tuple(map(str, measured)), count, text))
    bare = Manifest("", form, "", (), (), (), (), provenance(), tuple(named))
    manifest = _written(folder, bare, programs)
    missing = lacking_circuits(manifest, collected(folder, manifest))
    return Jobs(folder, manifest, 1, tuple(missing), bool(missing))


def _written(folder: Path, bare: Manifest, programs: Sequence[Packed], number: int = 1) -> Manifest:
    """The files and, last, the manifest: without it there is nothing that could be collected."""
    known = _check_same(folder, bare)
    _make(folder)
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


def _collecting() -> list[str]:
    return [name for name in STUDIES if study_named(name).collects]


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


def _points(
    plan: Plan, calls: Sequence[Sequence[Call]], waits: Sequence[bool], is_first: bool
) -> tuple[tuple[JobPoint, ...], tuple[tuple[Use, ...], ...]]:
    """The points, of later rounds those that run anything, and the different lists of circuits."""
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


def _unplaced(recorded: RecordedTemplate) -> TemplateJobs:
    """The circuits of a template before they have places and names."""
    rows = recorded.rows
    none = np.zeros(len(rows), dtype=np.int64)
    names = ("",) * len(rows)
    return TemplateJobs(
        recorded.template.digest, recorded.device.name, rows, names, none, ((),), ((),)
    )


def _sketch(manifest: Manifest) -> object:
    """What tells jobs apart before their circuits are written."""
    templates = [(each.ids, each.places) for each in manifest.templates]
    points = [(each.identity, each.shots, each.draw, each.waits) for each in manifest.points]
    named = manifest.named
    return manifest.study, manifest.form, manifest.configuration, templates, points, named


def _check_same(folder: Path, manifest: Manifest) -> Manifest | None:
    """The manifest that a folder has already, if any; it must be of the same jobs."""
    if not (folder / MANIFEST).exists():
        return None
    known = read_manifest(folder)
    if _sketch(known) != _sketch(manifest):
        raise _other_jobs(folder)
    return known


def _other_jobs(folder: Path) -> InputError:
    return InputError(
        f"{option('out', folder)} holds other jobs, or those of another version: choose another "
        "folder."
    )


def _check_folder(folder: Path) -> None:
    if os.path.lexists(folder / PLAN):
        raise InputError(
            f"{option('out', folder)} holds results of a study: choose another folder."
        )


def _make(folder: Path) -> None:
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
