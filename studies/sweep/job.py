"""A sweep from its configuration to a folder of results, figures and a summary."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noise_models.extensions import NotNamedError, reading_stored
from noise_models.registry import registered_here
from noise_models.writing import write_json
from qucnn_cirq.bars import progress_bar
from qucnn_cirq.documents import read_document
from qucnn_cirq.errors import InputError, shown
from studies.drawing import FORMATS, About, attempt, drawn_of
from studies.files import CONFIGURATION, SCHEMA, SUMMARY
from studies.presentation import Presentation
from studies.provenance import provenance
from studies.sweep.axes import read_axes
from studies.sweep.catalogue import study_named
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.conditions import conditions_of
from studies.sweep.device_map import draw_device_map, sweep_programs
from studies.sweep.plan import Plan, Point, make_plan, refusal, shard
from studies.sweep.processes import local_workers
from studies.sweep.progress import Teller, Watch
from studies.sweep.results import (
    Results,
    failure_lines,
    measured_before,
    read_results,
    source_text,
    status,
)
from studies.sweep.run import Stop, check_workers, stopping, stored_points
from studies.sweep.store import open_folder
from studies.sweep.stored_plan import check_configuration
from studies.sweep.study import Study, expected_cost, shared_seconds
from studies.sweep.under_way import UnderWay
from studies.sweep.workers import Workers, cluster_workers

_START_SECONDS = 0.5
"""What a worker spends before its first point: it compiles, and imports what it was not given."""
_LONG_SECONDS = 60.0
"""What takes longer says so before it begins."""
MOST_WORKERS = 1024
"""More than machines have cores; each takes the memory of a process."""


@dataclass(frozen=True)
class RunOptions:
    """How a sweep is run; none of it changes a number.

    Attributes:
        workers: Processes of this machine.
        dask: Address or file of a Dask scheduler that computes instead.
        shard: (i, n): only the i-th of n shards.
        retry: Whether points that failed are tried again.
    """

    workers: int = 1
    dask: str | None = None
    shard: tuple[int, int] = (1, 1)
    retry: bool = False


@dataclass(frozen=True, eq=False)
class OpenSweep:
    """A sweep whose folder is ready, and what is left of it to do.

    Attributes:
        plan: Its points.
        folder: Where the results go.
        options: How it is run.
        results: What the folder holds.
        own: The points of this run: all, or those of its shard.
        todo: Those of them that are to be measured.
        under_way: What is being measured, and how long it may take.
    """

    plan: Plan
    folder: Path
    options: RunOptions
    results: Results
    own: Sequence[Point]
    todo: Sequence[Point]
    under_way: UnderWay


def run_sweep(
    study: Study,
    document: Mapping[str, Any],
    folder: Path,
    options: RunOptions,
    quiet: bool = False,
    note: Callable[[str], None] = lambda line: None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Runs or resumes a sweep, then draws what there is.

    Args:
        study: The study.
        document: Its configuration.
        folder: Where the results go; those already there are kept.
        options: How it is run.
        quiet: No progress bar.
        note: Takes a line for the user.
        watch: Is told how far it is.

    Returns:
        The content of ``summary.json``.

    Raises:
        InputError: If the configuration or the folder does not allow it, or the study is not
            known by its name.
        KeyboardInterrupt: If the user stopped it; what was finished is stored.
        OSError: If writing fails.
    """
    sweep = open_sweep(study, document, folder, options, quiet, note)
    _compute(sweep, quiet, note, watch)
    return finish(study, folder, note)


def open_sweep(
    study: Study,
    document: Mapping[str, Any],
    folder: Path,
    options: RunOptions,
    quiet: bool = True,
    note: Callable[[str], None] = lambda line: None,
) -> OpenSweep:
    """Makes the folder of a sweep ready, or finds out what is left of the one that it holds.

    Args:
        study: The study.
        document: Its configuration.
        folder: Where the results go; those already there are kept.
        options: How it is run.
        quiet: No progress bar.
        note: Takes a line for the user.

    Raises:
        InputError: As of `run_sweep`.
    """
    try:
        study_named(study.name)
    except InputError:
        raise InputError(
            f"worker processes find a study by its name, and none is {shown(study.name, 40)}: add "
            "it by qucnn_cirq.register_study, or load it as path/to/file.py:attribute."
        ) from None
    plan = make_plan(study, document, quiet)
    refusals = [*itertools.takewhile(bool, (refusal(study, point) for point in plan.points))]
    if len(refusals) == len(plan.points):
        # Nothing could be measured: there is nothing to keep either.
        raise InputError(str(refusals[0]))
    if here := registered_here():
        with _crew(plan, options, 1) as workers:
            check_workers(plan, here, workers)
    open_folder(folder, plan)
    results = read_results(folder)
    finished = {
        identity
        for identity, outcome in results.outcomes.items()
        if outcome.error is None or not options.retry
    }
    own = shard(plan.points, *options.shard)
    todo = [point for point in own if point.identity not in finished]
    costs = {point.identity: expected_cost(study, point.settings) for point in todo}
    seconds = sum(cost.seconds for cost in costs.values()) / options.workers
    seconds += shared_seconds(costs.values())
    if seconds > _LONG_SECONDS and options.dask is None:
        note(f"{_points(len(todo))}: {_time_text(seconds, options.workers)}.")
    return OpenSweep(plan, folder, options, results, own, todo, UnderWay(costs))


def measured_points(sweep: OpenSweep, stop: Stop) -> Generator[list[MeasuredPoint], None, None]:
    """Measures what is left of a sweep, and hands it on once it is stored.

    Args:
        sweep: The sweep.
        stop: As for `studies.sweep.run.stored_points`.

    Yields:
        What became of a few points; none when some time has passed.

    Raises:
        InputError: If the workers cannot be had.
        OSError: If writing fails.
    """
    study = sweep.plan.study
    with study.guarded("most_shots"):
        most = {point.identity: study.most_shots(point.settings) for point in sweep.todo}
    with _crew(sweep.plan, sweep.options, len(sweep.todo)) as workers:
        yield from stored_points(
            sweep.plan,
            sweep.todo,
            sweep.folder,
            workers,
            provenance(),
            stop,
            lambda identity: measured_before(sweep.results, identity, most[identity]),
            sweep.under_way,
        )


def _compute(
    sweep: OpenSweep, quiet: bool, note: Callable[[str], None], watch: Watch | None
) -> None:
    """Measures what is left of a sweep, if anything is."""
    study, total, done = sweep.plan.study.name, len(sweep.own), len(sweep.own) - len(sweep.todo)
    teller = teller_of(sweep, watch)
    if not sweep.todo:
        return
    bar = progress_bar(
        total=total,
        initial=done,
        desc=study,
        unit="point",
        disable=True if quiet else None,
        leave=False,
    )

    def left() -> tuple[int, float | None]:
        return len(sweep.under_way), sweep.under_way.seconds_left(sweep.options.workers)

    with (
        bar,
        stopping(note, left) as stop,
        contextlib.closing(measured_points(sweep, stop)) as chunks,
    ):
        for outcomes in chunks:
            with contextlib.suppress(OSError):
                # The terminal may be gone.
                bar.set_postfix_str(sweep.under_way.progress, refresh=not outcomes)
                bar.update(len(outcomes))
            teller.stored(outcomes)
    if stop.asked:
        raise KeyboardInterrupt


def teller_of(sweep: OpenSweep, watch: Watch | None) -> Teller:
    """Tells a watch of the points of a sweep, as they are stored.

    Args:
        sweep: The sweep.
        watch: Is told; None tells nobody.
    """
    values = {point.identity: point.values for point in sweep.todo}
    return Teller(sweep.plan.study.name, len(sweep.own), values, watch)


def _crew(plan: Plan, options: RunOptions, most: int) -> AbstractContextManager[Workers]:
    """Who measures, of this machine at most so many."""
    if options.dask is not None:
        return cluster_workers(options.dask)
    return local_workers(min(options.workers, most), plan.study.name)


def finish(
    study: Study, folder: Path, note: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Draws the figures of a folder and writes its summary.

    Args:
        study: The study that the folder holds.
        folder: A results folder.
        note: Takes a line for the user.

    Returns:
        The content of ``summary.json``.
    """
    while True:
        results = read_results(folder)
        state = results.status()
        summary: dict[str, Any] = {
            "schema": SCHEMA,
            **state.to_mapping(),
            "figures": [],
            "not_drawn": [],
            "text": "",
            "formats": list(FORMATS),
            "devices": list(results.devices),
            "calibrations": list(results.calibrations),
            "provenance": [dict(origin) for origin in results.origins],
        }
        # Before anything is drawn, which may fail.
        write_json(folder / SUMMARY, summary)
        if state.done:
            figures: list[str] = []
            with attempt("figures", summary["not_drawn"]):
                with drawn_of(drawn_from(study, results)):
                    drawn = study.draw(results, folder)
                for name in drawn:
                    if isinstance(name, str) and (folder / f"{name}.png").is_file():
                        figures.append(name)
                    else:
                        summary["not_drawn"].append(
                            f"the figure {shown(name)} is not there: `draw` named it and wrote no "
                            ".png file of that name."
                        )
            if study.program is not None:
                check_configuration(folder, results.plan)
                document = read_document(folder / CONFIGURATION)
                with (
                    attempt("device map", summary["not_drawn"]),
                    # Code of the user's that nobody named in this process: there is no map.
                    contextlib.suppress(NotNamedError),
                    reading_stored(),
                ):
                    figures += draw_device_map(sweep_programs(study, document), folder)
            with attempt("text", summary["not_drawn"]):
                summary["text"] = study.text(results)
            summary["figures"] = figures
            write_json(folder / SUMMARY, summary)
        # Another process may have stored the last points, and drawn them, before this one wrote.
        now = status(folder)
        if now.missing or now.to_mapping() == state.to_mapping():
            break
    if state.missing:
        note(f"{state.missing} of {state.points} points are still missing.")
    return summary


def drawn_from(study: Study, results: Results) -> About:
    """What the figures of results say of their origin.

    Args:
        study: The study.
        results: The results; nothing is said where their configuration cannot be read.
    """
    with contextlib.suppress(InputError):
        presentation = Presentation.of(read_document(results.folder / CONFIGURATION))
        return About(
            conditions_of(study, results.folder), source_text(results), presentation.figure_titles
        )
    return About()


def dry_run(study: Study, document: Mapping[str, Any], quiet: bool = True) -> dict[str, Any]:
    """What a sweep would take, without running it.

    Args:
        study: The study.
        document: Its configuration.
        quiet: No progress bar.

    Returns:
        Points, circuits, shots, seconds on one core, those of them that every worker spends
        (`shared_seconds`), the memory of one worker in bytes, and in `failed` the points that
        cannot be compiled, as `Status.to_mapping` gives them.

    Raises:
        InputError: If the configuration is not allowed.
    """
    plan = make_plan(study, document, quiet)
    costs = [expected_cost(study, point.settings) for point in plan.points]
    shared = _START_SECONDS + shared_seconds(costs)
    return {
        "study": study.name,
        "axes": {
            ", ".join(key.removeprefix("study.") for key in axis.keys): len(axis.values)
            for axis in read_axes(plan.document, plan.study.study_keys)
        },
        "points": len(costs),
        "circuits": sum(cost.circuits for cost in costs),
        "shots": sum(cost.shots for cost in costs),
        "seconds": sum(cost.seconds for cost in costs) + shared,
        "shared_seconds": shared,
        "memory": max(cost.memory for cost in costs),
        "failed": [
            {"values": dict(point.values), "error": error}
            for point in plan.points
            if (error := refusal(study, point)) is not None
        ],
    }


def dry_run_text(plan: Mapping[str, Any], workers: int) -> str:
    """What `dry_run` found, for a terminal.

    Args:
        plan: What `dry_run` returned.
        workers: Processes that share the work, at least 1.
    """
    axes = " x ".join(f"{name} ({count})" for name, count in plan["axes"].items())
    shared = plan.get("shared_seconds", 0.0)
    seconds = (plan["seconds"] - shared) / workers + shared
    lines = [
        f"{plan['study']}: {_points(plan['points'])}{': ' if axes else ''}{axes}",
        f"{plan['circuits']:,} circuits, {plan['shots']:,} shots",
        f"{_time_text(seconds, workers)}, {plan['memory'] / 2**20:.0f} MiB of arrays each",
        *failure_lines(plan["failed"]),
    ]
    return "\n".join(lines)


def _points(count: int) -> str:
    return f"{count} point{'' if count == 1 else 's'}"


def _time_text(seconds: float, workers: int) -> str:
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"about {time} on {workers} worker(s)"
