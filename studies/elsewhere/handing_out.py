"""The circuits of a study, written for whoever runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from noise_models.checks import listener, whole_number
from qucnn_cirq.errors import InputError
from studies.elsewhere.job_folder import Jobs, check_folder
from studies.elsewhere.making_rounds import Making
from studies.elsewhere.manifest import MANIFEST
from studies.elsewhere.programs import check_form
from studies.runs.run import Settings, configured
from studies.sweep.catalogue import STUDIES, study_named
from studies.sweep.plan import make_plan

_LOGGER = logging.getLogger(__name__)

MOST_COPIES = 64


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
    check_form(form)
    folder = Path(out)
    check_folder(folder)
    study, document = configured(configuration, axes, settings, quick)
    if not study.collects:
        why = study.withheld or "is not among those whose circuits are handed out"
        raise InputError(
            f"the {study.name} study {why}; jobs are made of {' and '.join(_collecting())}."
        )
    plan = make_plan(study, document)
    making = Making(folder, plan, document, copies, form, note)
    return making.current() if (folder / MANIFEST).exists() else making.round(making.recorded())


def _collecting() -> list[str]:
    return [name for name in STUDIES if study_named(name).collects]
