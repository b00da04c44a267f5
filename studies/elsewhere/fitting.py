"""Noise fitted to the counts of circuits that were run elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseLike, as_noise
from noise_models.extensions import reading_stored
from qucnn_cirq.errors import InputError, option
from qucnn_cirq.fitting import Counted, FitCircuit, NoiseFit, fit_noise
from studies.elsewhere.again import configured_again
from studies.elsewhere.counts import Collected, collected
from studies.elsewhere.designing import EXPECTED, free_numbers
from studies.elsewhere.manifest import ADVICE, MANIFEST, Manifest, TemplateJobs
from studies.elsewhere.recording import RecordedTemplate, Recorder
from studies.elsewhere.recording_points import recorded_calls
from studies.elsewhere.replay import RoundsReplay, in_place
from studies.elsewhere.rounds import Rounds, check_gone, read_rounds, round_folder
from studies.files import damaged
from studies.sweep.plan import Plan, make_plan

FloatArray = NDArray[np.float64]


def fit_collected(
    folder: str | Path, noise: NoiseLike = None, free: Sequence[str] | None = None
) -> NoiseFit:
    """Fits noise to what was collected of circuits that were run elsewhere.

    All counts of a circuit count, those of markers, which prepare known bits, too. Circuits that
    ran side by side are taken each for itself.

    Args:
        folder: A folder of `jobs` with counts that `collect` took.
        noise: The start values; None for the noise of the study, if all its points have the same,
            or for the noise that was expected of circuits of a design.
        free: The dotted keys of the numbers to find, as for `qucnn_cirq.fit_noise`; None for
            "scale" if the noise is calibrated, else for all its rates and times of decay.

    Raises:
        InputError: If the folder holds no jobs or no counts, or an argument is not allowed.
    """
    target = Path(folder)
    rounds = read_rounds(target)
    manifest, taken = rounds.first, collected(target, rounds, rounds.frozen)
    counts = {key: own for key, own in taken.counts.items() if own}
    if not counts:
        raise InputError(f"{target} holds no counts yet: `qucnn collect DIR FILE...` takes them.")
    found: list[Counted] = []
    for number, each in enumerate(rounds.manifests, start=1):
        found += _plain(round_folder(target, number), each, counts)
    start = None if noise is None else as_noise(noise)
    if manifest.study:
        with reading_stored():
            study, document = configured_again(target, manifest, None)
            plan = make_plan(study, document)
            found += _of_study(plan, rounds, taken, counts)
        start = _noise_of(plan) if start is None else start
    elif start is None and (expected := target / EXPECTED).is_file():
        start = as_noise(str(expected))
    if start is None or start.is_ideal:
        raise InputError(
            f"there is no noise to start from: give {option('noise')}, its kinds with values above "
            "0."
        )
    return fit_noise(found, start, free_numbers(start) if free is None else free)


def _noise_of(plan: Plan) -> Any:
    """The noise that all points of a study have."""
    every = {getattr(point.settings, "noise", None) for point in plan.points}
    if len(every) > 1:
        raise InputError("the points of these jobs have different noise: say which to start from.")
    return as_noise(every.pop())


def _plain(folder: Path, manifest: Manifest, counts: dict[str, Counter[int]]) -> list[Counted]:
    """Circuits that stand in files or manifest as they were run: those of no study, and markers."""
    names = {each.key: each.name for each in manifest.named}
    wanted = {
        program.id: names.get(program.id, f"marker {program.pattern}")
        for program in manifest.programs
        if program.keys == (program.id,) and (program.pattern or program.id in names)
    }
    circuits = _circuits(folder, manifest, {key for key in wanted if key in counts})
    return [
        FitCircuit.of(circuits[key], wanted[key]).counted(counts[key]) for key in sorted(circuits)
    ]


def _circuits(folder: Path, manifest: Manifest, keys: set[str]) -> dict[str, cirq.Circuit]:
    """Some circuits by their keys; markers in OpenQASM are left out."""
    texts = {each.key: each.circuit for each in manifest.named if each.circuit}
    found: dict[str, cirq.Circuit] = {}
    try:
        for key in keys & texts.keys():
            path = folder / MANIFEST
            found[key] = cirq.read_json(json_text=texts[key])
        if manifest.form == "cirq":
            for name in sorted({manifest.by_id[key].files[0] for key in keys - texts.keys()}):
                path = folder / name
                held = cirq.read_json(path)["circuits"]
                found |= {key: held[key] for key in keys & held.keys()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, ADVICE) from error
    return found


def _of_study(
    plan: Plan, rounds: Rounds, taken: Collected, counts: dict[str, Counter[int]]
) -> list[Counted]:
    """The circuits of a study, those of one structure, place and filter together."""
    recorder = Recorder()
    # What later rounds run is decided by all counts of those before.
    earlier = rounds.up_to(len(rounds.manifests) - 1) if len(rounds.manifests) > 1 else None
    if earlier is not None:
        check_gone(earlier, taken.files)
    for point in plan.points:
        replay = None if earlier is None else RoundsReplay(earlier, taken, point.identity)
        recorded_calls(plan.study, point, recorder, replay)
    numbers: dict[str, int] = {}
    found: list[Counted] = []
    for jobs in (each for manifest in rounds.manifests for each in manifest.templates):
        recorded = recorder.known.get(jobs.digest)
        if recorded is None:
            raise InputError(
                "the study was compiled otherwise when the jobs were made: use the version of "
                "this package of then."
            )
        name = f"structure {numbers.setdefault(jobs.digest, len(numbers)) + 1}"
        for place in range(len(jobs.places)):
            chosen = [
                row
                for row in np.flatnonzero(jobs.chosen == place).tolist()
                if jobs.ids[row] in counts
            ]
            found += _of_place(name, recorded, jobs, place, chosen, counts)
    return found


def _of_place(
    name: str,
    recorded: RecordedTemplate,
    jobs: TemplateJobs,
    place: int,
    chosen: Sequence[int],
    counts: dict[str, Counter[int]],
) -> list[Counted]:
    template = in_place(recorded.template, jobs, place)
    groups: dict[bytes, list[int]] = {}
    for row in chosen:
        tables = recorded.tables(jobs.rows[row])
        shared = b"".join(tables[key].tobytes() for key in sorted(tables) if key != "patch")
        groups.setdefault(shared, []).append(row)
    found = []
    for rows in groups.values():
        every = [recorded.tables(jobs.rows[row]) for row in rows]
        patch = np.concatenate([tables["patch"] for tables in every])
        circuit = FitCircuit(name, template, {**every[0], "patch": patch})
        table = np.zeros((len(rows), circuit.n_outcomes))
        for line, row in zip(table, rows, strict=True):
            own = counts[jobs.ids[row]]
            line[list(own)] = list(own.values())
        found.append(circuit.counted(table))
    return found
