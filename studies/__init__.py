"""Studies: what to vary, what to record, how to draw it.

``studies.run(configuration, out=...)`` runs one and gives its results, ``studies.iterate`` its
points as they finish, and ``studies.read_results(folder)`` what a folder holds.
``studies.jobs(configuration, out)`` writes the circuits of a study, to be run elsewhere, and
``studies.collect(folder, files)`` makes results of the counts that come back, to which
``studies.fit_collected(folder)`` fits noise; ``studies.design_jobs`` writes circuits that tell it.
``studies.load(folder)`` gives the results of a sweep as a pandas DataFrame, and
``studies.load_arrays(folder, point)`` the raw counts of one of its points.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.elsewhere.collecting import collect
    from studies.elsewhere.designing import design_jobs
    from studies.elsewhere.fitting import fit_collected
    from studies.elsewhere.handing_out import jobs
    from studies.elsewhere.no_study import jobs_of
    from studies.runs.results import Results, read_results
    from studies.runs.run import FinishedPoint, iterate, run
    from studies.sweep.progress import Progress
    from studies.sweep.results import load, load_arrays

logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "FinishedPoint",
    "Progress",
    "Results",
    "collect",
    "design_jobs",
    "fit_collected",
    "iterate",
    "jobs",
    "jobs_of",
    "load",
    "load_arrays",
    "read_results",
    "run",
]

_MODULES = {
    "FinishedPoint": "runs.run",
    "Progress": "sweep.progress",
    "Results": "runs.results",
    "collect": "elsewhere.collecting",
    "design_jobs": "elsewhere.designing",
    "fit_collected": "elsewhere.fitting",
    "iterate": "runs.run",
    "jobs": "elsewhere.handing_out",
    "jobs_of": "elsewhere.no_study",
    "load": "sweep.results",
    "load_arrays": "sweep.results",
    "read_results": "runs.results",
    "run": "runs.run",
}
"""The module of each public name."""


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used: pandas and Cirq take seconds to import."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"studies.{_MODULES[name]}"), name)
