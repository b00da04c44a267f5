"""Studies run from Python: the same points, seeds and files as by `qucnn study`, which calls this.

A sweep that was interrupted goes on where it was, whichever of the two began it.
"""

from __future__ import annotations

import contextlib
import logging
import operator
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noise_models.checks import listener
from qucnn_cirq.bars import in_notebook
from qucnn_cirq.errors import InputError, shown
from studies.runs.results import Results, read_results
from studies.settings import axes_texts, settings_texts
from studies.sweep.catalogue import load_study
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.job import (
    MOST_WORKERS,
    OpenSweep,
    RunOptions,
    finish,
    measured_points,
    open_sweep,
    run_sweep,
    teller_of,
)
from studies.sweep.progress import Watch
from studies.sweep.results import table_rows
from studies.sweep.run import Stop
from studies.sweep.study import Study

Settings = Mapping[str, object] | Iterable[str]
"""Values by dotted key, or texts "key=value" as ``--set`` takes them."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FinishedPoint:
    """A point that was measured, or that failed.

    It unpacks to its settings and rows: ``for settings, rows in studies.iterate("noise"): ...``.

    Attributes:
        identity: As in the column `point` of the table.
        values: The values of the axes, by name.
        settings: All settings of the point, as its study reads them.
        rows: Its rows of the table, as columns and cells; none if it failed.
        error: Why it failed; None if it did not.
    """

    identity: str
    values: Mapping[str, Any]
    settings: Any
    rows: list[dict[str, Any]]
    error: str | None

    def __iter__(self) -> Iterator[Any]:
        """The settings, then the rows."""
        return iter((self.settings, self.rows))


def configured(
    configuration: object,
    axes: Mapping[str, object] | None = None,
    settings: Settings = (),
    quick: bool = False,
) -> tuple[Study, dict[str, Any]]:
    """The study and the whole configuration that a run is asked for.

    Args:
        configuration: As for `run`.
        axes: As for `run`.
        settings: As for `run`.
        quick: As for `run`.

    Raises:
        InputError: If the configuration is not allowed.
    """
    texts = settings_texts(settings)
    study, document = load_study(configuration, texts, quick)
    if axes:
        wanted = axes_texts(axes, document.get("zip", {}))
        study, document = load_study(document, wanted)
    return study, document


def run(
    configuration: object,
    out: str | Path | None = None,
    axes: Mapping[str, object] | None = None,
    workers: int = 1,
    progress: Watch | None = None,
    *,
    settings: Settings = (),
    quick: bool = False,
    dask: str | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
    bar: bool | None = None,
    note: Callable[[str], None] = _LOGGER.info,
) -> Results:
    """Runs a study, or goes on with one that was interrupted, and draws its figures.

    Points, identities, seeds and files are those of `qucnn study`.

    Args:
        configuration: The name of a preset or of a study, the path of a TOML file, the tables of
            a configuration as a mapping, or the settings of one point.
        out: The folder of the results; those already there are kept. None: a temporary one, which
            goes with the object that is returned.
        axes: What is swept over: values by setting, as in ``{"noise.scale": [0.1, 1.0]}``; an
            axis of the configuration is replaced.
        workers: Processes of this machine.
        progress: Is told how far the run is: when it begins, and whenever points were stored.
        settings: Settings that override the configuration's, before the axes: values by key, or
            texts as ``--set`` takes them.
        quick: Whether the configuration's own quick version is run.
        dask: Address or file of a Dask scheduler that computes instead.
        shard: (i, n): only the i-th of n shards of the points.
        retry: Whether points that failed are tried again.
        bar: Whether a bar shows the progress, on a terminal or in a notebook; None: in a
            notebook alone.
        note: Takes a line for the user, such as that the run stops; it is logged unless given.

    Returns:
        The results; a point that failed stops nothing and stands in ``status().failed``.

    Raises:
        InputError: If the configuration or the folder does not allow it.
        KeyboardInterrupt: If the user stopped it; what was finished is stored.
        OSError: If writing fails.
    """
    listener("progress", progress, "a Progress")
    listener("note", note, "a line of text")
    study, document = configured(configuration, axes, settings, quick)
    options = _options(workers, dask, shard, retry)
    quiet = not (in_notebook() if bar is None else bar)
    if out is not None:
        run_sweep(study, document, Path(out), options, quiet, note, progress)
        return read_results(out)
    folder = tempfile.mkdtemp(prefix="qucnn-")
    with contextlib.ExitStack() as unless_done:
        unless_done.callback(shutil.rmtree, folder, ignore_errors=True)
        run_sweep(study, document, Path(folder), options, quiet, note, progress)
        results = read_results(folder)
        unless_done.pop_all()
    weakref.finalize(results, shutil.rmtree, folder, ignore_errors=True)
    return results


def iterate(
    configuration: object,
    out: str | Path | None = None,
    axes: Mapping[str, object] | None = None,
    workers: int = 1,
    progress: Watch | None = None,
    *,
    settings: Settings = (),
    quick: bool = False,
    dask: str | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
) -> Iterator[FinishedPoint]:
    """Runs a study as `run` does, and hands on its points as they finish.

    Those that a folder has already come first, in the order of the axes; others come as they are
    stored, while further ones are measured. Figures are drawn after the last one. Who leaves the
    loop before, or presses Ctrl-C, loses the points under way alone: another run goes on there.

    Args:
        configuration: As for `run`.
        out: As for `run`; a temporary folder goes with the loop, and nothing is drawn.
        axes: As for `run`.
        workers: As for `run`.
        progress: As for `run`; it is told before the points are handed on.
        settings: As for `run`.
        quick: As for `run`.
        dask: As for `run`.
        shard: As for `run`.
        retry: As for `run`.

    Returns:
        Each point of the run once, measured or failed.

    Raises:
        InputError: If the configuration or the folder does not allow it.
        OSError: If writing fails.
    """
    listener("progress", progress, "a Progress")
    study, document = configured(configuration, axes, settings, quick)
    options = _options(workers, dask, shard, retry)
    if out is None:
        return _in_temporary_folder(study, document, options, progress)
    return _in_folder(study, document, Path(out), options, progress)


def _in_folder(
    study: Study,
    document: Mapping[str, Any],
    folder: Path,
    options: RunOptions,
    watch: Watch | None,
) -> Iterator[FinishedPoint]:
    yield from _finished_points(open_sweep(study, document, folder, options), watch)
    finish(study, folder)


def _in_temporary_folder(
    study: Study, document: Mapping[str, Any], options: RunOptions, watch: Watch | None
) -> Iterator[FinishedPoint]:
    with tempfile.TemporaryDirectory(prefix="qucnn-") as folder:
        yield from _finished_points(open_sweep(study, document, Path(folder), options), watch)


def _finished_points(sweep: OpenSweep, watch: Watch | None) -> Iterator[FinishedPoint]:
    points = {point.identity: point for point in sweep.own}
    teller = teller_of(sweep, watch)

    def finished(outcome: MeasuredPoint) -> FinishedPoint:
        point = points[outcome.identity]
        rows = table_rows(sweep.plan.axes, point.values, outcome)
        return FinishedPoint(
            point.identity, dict(point.values), point.settings, rows, outcome.error
        )

    missing = {point.identity for point in sweep.todo}
    for point in sweep.own:
        if point.identity not in missing:
            yield finished(sweep.results.outcomes[point.identity])
    if missing:
        with contextlib.closing(measured_points(sweep, Stop())) as chunks:
            for outcomes in chunks:
                teller.stored(outcomes)
                yield from map(finished, outcomes)


def _options(workers: int, dask: str | None, shard: tuple[int, int], retry: bool) -> RunOptions:
    """How a sweep is run, checked."""
    is_whole = isinstance(workers, int) and not isinstance(workers, bool)
    if not is_whole or not 1 <= workers <= MOST_WORKERS:
        raise InputError(f"workers = {shown(workers)} is not allowed: give 1 to {MOST_WORKERS}.")
    try:
        number, count = (operator.index(each) for each in shard)
    except (TypeError, ValueError):
        number = count = 0
    if not 1 <= number <= count:
        raise InputError(f"shard = {shown(shard)} is not allowed: give (i, n) with 1 <= i <= n.")
    return RunOptions(workers, dask, (number, count), retry)
