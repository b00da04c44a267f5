"""The circuits of a study, written for whoever runs them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import attrs
import cirq
import numpy as np

from noise_models.checks import listener, whole_number
from noise_models.writing import write_text
from qucnn_cirq.devices import DeviceLike, load_device
from qucnn_cirq.engines.collected import handing_out
from qucnn_cirq.errors import InputError, option, shown
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
    FORMATS,
    Packed,
    packed,
    placed,
    plain_circuit,
    remove_files,
    write_files,
)
from studies.elsewhere.recording import Call, RecordedTemplate, Recorder
from studies.files import CONFIGURATION
from studies.provenance import provenance
from studies.runs.run import Settings, configured
from studies.sweep.catalogue import STUDIES, study_named
from studies.sweep.inputs import copies_of, keep_inputs
from studies.sweep.plan import Plan, Point, make_plan, refusal, seed_of
from studies.sweep.stored_plan import PLAN
from studies.sweep.study import Study

_LOGGER = logging.getLogger(__name__)

MOST_COPIES = 64
_DRAWS = ("seed", "repeat")
"""Settings of repetitions, whose shots are independent."""


@dataclass(frozen=True, eq=False)
class Jobs:
    """Circuits that wait to be run.

    Attributes:
        folder: Their folder.
        manifest: What they are.
    """

    folder: Path
    manifest: Manifest

    def __repr__(self) -> str:
        return f"<Jobs in {self.folder}: {self.summary()}>"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of circuits, in order."""
        names = {name for each in self.manifest.programs for name in each.files}
        return tuple(self.folder / name for name in sorted(names))

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
            "files": len(self.files),
            "digest": self.manifest.digest,
        }


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
        The jobs.

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
        raise InputError(
            f"the circuits of the {study.name} study are not known before counts are: jobs are "
            f"made of {' and '.join(_collecting())}."
        )
    plan = make_plan(study, document)
    recorder = Recorder()
    calls = [recorded_calls(study, point, recorder) for point in plan.points]
    if not recorder.templates:
        raise InputError("no point runs any circuit: every patch is blank.")
    kept = copies_of(document)
    text = plan.to_toml(kept)
    points, uses = _points(plan, calls)
    bare = Manifest(
        study.name,
        form,
        hashlib.sha256(text.encode()).hexdigest(),
        points,
        uses,
        tuple(_unplaced(each) for each in recorder.templates),
        (),
        provenance(),
    )
    found, programs = [], []
    for recorded, needs in zip(recorder.templates, bare.needs, strict=True):
        shots = [sum(own.values()) for own in needs]
        if max(shots) > MOST_SHOTS:
            raise InputError(
                f"shots: a circuit would take {max(shots)} in all, and at most {MOST_SHOTS} are "
                "handed out."
            )
        order = sorted(range(len(shots)), key=lambda number: (-shots[number], number))
        each = placed(recorded, copies, order)
        found.append(each.jobs)
        programs += packed(each, copies, order, shots)
    manifest = replace(bare, templates=tuple(found))
    # Before circuits are written, which takes long.
    _check_same(folder, manifest)
    _make(folder)
    keep_inputs(kept, folder)
    write_text(folder / CONFIGURATION, text)
    note(f"{len(programs)} circuits to {folder}")
    return _written(folder, manifest, programs)


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
        named.append(NamedCircuit(name, program.id, tuple(map(str, measured)), count))
    bare = Manifest("", form, "", (), (), (), (), provenance(), tuple(named))
    return _written(folder, bare, programs)


def _written(folder: Path, bare: Manifest, programs: Sequence[Packed]) -> Jobs:
    """The files and, last, the manifest: without it there is nothing that could be collected."""
    known = _check_same(folder, bare)
    _make(folder)
    if known is None:
        remove_files(folder)
    written = tuple(write_files(folder, programs, bare.form))
    manifest = replace(bare, programs=written)
    if known is None or known.digest != manifest.digest:
        manifest.write(folder)
    return Jobs(folder, manifest)


def _collecting() -> list[str]:
    return [name for name in STUDIES if study_named(name).collects]


def recorded_calls(study: Study, point: Point, recorder: Recorder) -> list[Call]:
    """The circuits that a point runs.

    Args:
        study: The study.
        point: One of its points.
        recorder: What takes note of them.

    Raises:
        InputError: If the point cannot be measured, or decides by counts what to run.
    """
    reason = refusal(study, point)
    if reason is not None:
        raise InputError(f"the point {_shown(point)} cannot be measured: {reason}")
    settings = point.settings
    if getattr(settings, "precision", None) is not None:
        raise InputError(
            "precision takes shots until they are enough, which only counts tell: set shots "
            "instead."
        )
    program = None if study.program is None else study.program(settings)
    if program is None:
        raise InputError(f"the {study.name} study has no compiled circuits to hand out.")
    recorder.begin(program.device, program.report.gateset)
    if hasattr(settings, "check_patches"):
        # Nothing of what is measured now is kept.
        settings = attrs.evolve(settings, check_patches=0)
    more = [None] if study.targets else []
    with handing_out(recorder), study.guarded("measure"):
        study.measure(settings, seed_of(point.identity), *more)
    return recorder.calls()


def _shown(point: Point) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in point.values.items()) or "(no axes)"


def _points(
    plan: Plan, calls: Sequence[Sequence[Call]]
) -> tuple[tuple[JobPoint, ...], tuple[tuple[Use, ...], ...]]:
    """The points, and the different lists of circuits that they run."""
    numbers: dict[object, int] = {}
    draws: dict[object, int] = {}
    uses, points = [], []
    for point, own in zip(plan.points, calls, strict=True):
        content = tuple((c.template, c.shots, c.circuits.shape, c.circuits.tobytes()) for c in own)
        if content not in numbers:
            numbers[content] = len(numbers)
            uses.append(tuple(Use(c.template, c.shots, c.circuits) for c in own))
        draw = tuple(getattr(point.settings, name, None) for name in _DRAWS)
        points.append(
            JobPoint(
                point.identity,
                json.loads(json.dumps(dict(point.values))),
                dict(point.digests),
                int(point.settings.shots),
                draws.setdefault(draw, len(draws)),
                numbers[content],
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
    points = [(each.identity, each.shots, each.draw) for each in manifest.points]
    named = manifest.named
    return manifest.study, manifest.form, manifest.configuration, templates, points, named


def _check_same(folder: Path, manifest: Manifest) -> Manifest | None:
    """The manifest that a folder has already, if any; it must be of the same jobs."""
    if not (folder / MANIFEST).exists():
        return None
    known = read_manifest(folder)
    if _sketch(known) != _sketch(manifest):
        raise InputError(f"{option('out', folder)} holds other jobs: choose another folder.")
    return known


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
