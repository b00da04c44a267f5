"""Circuits that tell the noise of a study's processor best, written for whoever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noise_models import Noise, as_noise
from noise_models.numbers import numbers_of
from noise_models.writing import write_text
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.designs import Design, design, design_circuits
from studies.elsewhere.job_folder import Jobs
from studies.elsewhere.no_study import jobs_of
from studies.runs.run import Settings, configured
from studies.sweep.plan import make_plan
from studies.sweep.study import Study

EXPECTED = "expected.toml"
"""The file of the noise that a design is best for, from which a fit may start."""


@dataclass(frozen=True, eq=False)
class DesignJobs:
    """Circuits of a design that wait to be run.

    Attributes:
        design: What they tell.
        jobs: The circuits.
    """

    design: Design
    jobs: Jobs

    @property
    def expected(self) -> Path:
        """The noise that the design is best for."""
        return self.jobs.folder / EXPECTED


def design_jobs(
    configuration: object,
    out: str | Path,
    shots: int,
    targets: Sequence[str] | None = None,
    *,
    free: Sequence[str] | None = None,
    settings: Settings = (),
    form: str = "cirq",
) -> DesignJobs:
    """Writes circuits that tell the numbers of a study's noise best, to be run elsewhere.

    The candidates are those of `qucnn_cirq.fitting.design_circuits` for the convolution of the
    study. `fit_collected` fits the numbers to what comes back.

    Args:
        configuration: As for `studies.run`; all points have the same convolution, and the same
            noise, which is the expected one.
        out: The folder of the jobs.
        shots: All shots.
        targets: The dotted keys of the numbers to tell best; None for all that are free.
        free: The dotted keys of the numbers that are not known; None for those of `free_numbers`.
        settings: As for `studies.run`.
        form: As for `studies.jobs`.

    Returns:
        The design and its jobs.

    Raises:
        InputError: If the configuration has no noise or several, its convolution is no
            overlap test with fixed filters, or an argument is not allowed.
        OSError: If writing fails.
    """
    study, document = configured(configuration, None, settings, False)
    program, noise = _one(study, [point.settings for point in make_plan(study, document).points])
    if noise.is_ideal:
        raise InputError("a design is for the noise that is expected: set noise, as noise = {...}.")
    chosen = free_numbers(noise) if free is None else free
    found = design(design_circuits(program), noise, chosen, shots, targets)
    jobs = jobs_of(
        {job.name: job.circuit for job in found.jobs},
        {job.name: job.shots for job in found.jobs},
        out,
        program.device,
        form=form,
    )
    assert noise.configuration is not None
    write_text(jobs.folder / EXPECTED, noise.configuration.to_toml())
    return DesignJobs(found, jobs)


def _one(study: Study, settings: Sequence[Any]) -> tuple[Program, Noise]:
    """The circuits and the noise of all points, which are to have the same."""
    if study.program is None:
        raise InputError(f"the {study.name} study has no compiled circuits to make a design of.")
    noises = {each.noise for each in settings}
    if len(noises) == 1:
        program, *others = dict.fromkeys(map(study.program, settings))
        if program is not None and not others:
            return program, as_noise(noises.pop())
    raise InputError(
        f"a design is for one program under one noise, and these {len(settings)} points have "
        "several: set what differs, such as noise.scale or convolution.overlap, to one value each."
    )


def free_numbers(noise: Noise) -> list[str]:
    """The numbers that are found unless others are named.

    Args:
        noise: A configuration.

    Returns:
        Dotted keys: "scale" if it is calibrated or has no numbers, else all of them but durations,
        which are known, and factors, which cannot be told apart from the rates that they multiply.
    """
    configuration = noise.configuration
    if configuration is None:
        return []
    mapping = configuration.to_mapping()
    kinds = {**{kind.key: kind for kind in configuration.kinds}, **configuration.others}
    left_out = {(key, name) for key, kind in kinds.items() for name in kind.known}
    numbers = [
        ".".join(path)
        for path in numbers_of(mapping)
        if path not in left_out and path[0] not in ("scale", "scales")
    ]
    return ["scale"] if "calibrated" in mapping or not numbers else numbers
