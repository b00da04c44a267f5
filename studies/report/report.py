"""Reports of single studies: the question, the answer, and where it comes from."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cirq
import pandas as pd

from noise_models.errors import place_of, words_of
from noise_models.extensions import NotNamedError, reading_stored
from noise_models.files import file_text
from noise_models.writing import atomic_write, write_text
from qucnn_cirq.documents import INPUTS
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.errors import InputError
from studies.crosscheck import CHECK_COLUMNS, check_lines
from studies.drawing import attempt
from studies.files import COLLECTED, CONFIGURATION, PREDICTING
from studies.presentation import Presentation
from studies.report import data_table, html
from studies.sweep.catalogue import load_study, study_of_results
from studies.sweep.chunks import CHUNKS
from studies.sweep.conditions import conditions_of
from studies.sweep.device_map import DEVICE_MAP
from studies.sweep.job import finish
from studies.sweep.plan import make_plan
from studies.sweep.results import (
    Results,
    Status,
    csv_text,
    failure_lines,
    read_results,
    source_text,
    state_text,
)
from studies.sweep.stored_plan import PLAN, check_configuration, check_no_jobs, read_plan
from studies.sweep.study import Study

REPORT = "report.html"
DATA = "data.csv"
"""The file of all rows, where the page does not hold them itself."""
_FIRST_LINES = 4
"""Sentences that the first screen has room for."""
_INTERVALS = (
    "In square brackets, and after \N{PLUS-MINUS SIGN}, 95 % intervals over repetitions, images or "
    "test images; in round brackets ranges over other settings."
)
_CIRCUIT_WIDTH = 950
"""Pixels: the drawing is shown as large as it is, and scrolled in a narrow window."""
_MOST_ROWS = 40
_CAPTIONS = {
    "forward": "Images (number: digit), their classical and quantum feature maps, and the "
    "differences.",
    "errors": "Errors of the estimates against the exact overlap F; every point is a patch, the "
    "line is the mean in bins of F with its 95 % interval.",
    "ladder": "Error of each method on patches that none has learned from, for each number of "
    "shots; dashed the bound F(1 - F)/N of a real pure state that is measured without noise.",
    "best_method": "The method with the least error over noise and shots, and by how much the "
    "error of the second best is larger.",
    "budget": "Where the mean square error comes from: shares of stages, stacked by mechanism.",
    "budget_map": "The same by qubit and coupler, in per cent, on the map of the device.",
    "budget_improvement": "RMS error, without shots, against what is left of one mechanism at a "
    "time.",
    "loading": "Gates of a loader, error avoided under noise, and error of loading alone, each "
    "against the infidelity that a loaded patch may have.",
    "noise_and_shots": "RMSE of feature maps over noise and shots. The line is N*, the number of "
    "shots whose variance equals the squared systematic error: above it more shots do not help.",
    "gradient": "Error of gradients against shots, measured (points), predicted (dashed).",
    "learning": "Infidelity of the learned filter state against iterations of the optimiser.",
    "measured_once": "RMSE of values and gradients against the shots of a patch in all, by what is "
    "measured of it.",
    "measured_once_training": "Accuracy against the shots of the training, and of the same "
    "classifiers with exact overlaps.",
    "training": "Training loss against epochs, and accuracy on test images.",
    "systems": "Accuracy of each model, of the same circuit without entanglers, of classical maps "
    "and of QuCNN, against the scale of the noise.",
    "systems_distance": "Hellinger distance of what each model makes from test images, against the "
    "scale of the noise; 0 is best.",
    "systems_shots": "The same against the shots of each circuit.",
    "systems_gates": "Accuracy against two-qubit gates, ideal and with noise.",
    "compilation": "Two-qubit gates, two-qubit depth and predicted error, 1 - (1 - p1)^n1 "
    "(1 - p2)^n2 with the error rates of the study, against the kernel.",
    "benchmark": "Predicted error over that of the best general compiler, for convolutions and "
    "devices drawn at random, in ascending order. Below 1 this package is better.",
    "trainability_against_qubits": "Variance of gradients against qubits.",
    "trainability_against_layers": "Variance of gradients against layers of the ansatz.",
    "performance": "Time for each patch of everything that was timed.",
    "performance_against_qubits": "Time for each patch against qubits.",
    "performance_against_patches": "Time for each patch against the size of a batch.",
    DEVICE_MAP: "The qubits that the circuits use. Discs are qubits in the colour of their readout "
    "error, bars are couplers in that of the two-qubit gate's Pauli error, both from the device's "
    "calibration; which noise was simulated is a matter of the configuration.",
}
_CHECKED = (
    "Some circuits were run again on qsim, state vectors with the errors of each shot, and their "
    "counts compared with the exact means of the study. The z-scores are standard normal if both "
    "agree: chi-squared, their squared sum, is then about the number of circuits."
)
_ORIGINS = {
    "started": "started (UTC)",
    "python": "Python",
    "packages": "packages",
    "system": "operating system",
    "machine": "processor architecture",
    "commit": "commit of the code",
    "no_commit": "why the commit is not known",
    COLLECTED: "counts that were collected, none simulated",
    PREDICTING: "noise that predicts beside them, not that of the configuration",
}


class Section(NamedTuple):
    """What a report says of one study.

    Attributes:
        title: Its title.
        first: What is seen first: whose it is, how complete, the question, the answer, a figure.
        body: All else.
    """

    title: str
    first: list[str]
    body: list[str]


def write_report(
    folder: Path, named: str | None = None, title: str | None = None, author: str | None = None
) -> Path:
    """Writes the page of a results folder.

    Args:
        folder: A folder that `qucnn study` wrote.
        named: As for `study_of_results`.
        title: The title of the page; that of the configuration if None.
        author: Who wrote it; as the configuration says if None.

    Returns:
        The page.

    Raises:
        InputError: If the folder holds no results.
        OSError: If writing fails.
    """
    section = study_sections(folder, named=named, title=title, author=author)
    write_text(folder / REPORT, html.page(section.title, section.body, section.first))
    return folder / REPORT


def study_sections(
    folder: Path,
    level: int = 2,
    summary: Mapping[str, Any] | None = None,
    named: str | None = None,
    title: str | None = None,
    author: str | None = None,
) -> Section:
    """The title and the sections of a study's report.

    Args:
        folder: A folder of results.
        level: Level of the sections' headlines.
        summary: The summary of a sweep whose figures were drawn just now; otherwise they are
            drawn anew.
        named: As for `study_of_results`.
        title: As for `write_report`.
        author: As for `write_report`.

    Raises:
        InputError: If the folder holds no results.
    """
    if not os.path.lexists(folder / PLAN):
        check_no_jobs(folder)
        raise _no_results(folder)
    plan = read_plan(folder)
    study = study_of_results(plan.study, named)
    check_configuration(folder, plan)
    # Before figures are drawn: without its configuration there is no report.
    _, document = load_study(str(folder / CONFIGURATION))
    presentation = Presentation.of(document)
    summary = finish(study, folder) if summary is None else summary
    results = read_results(folder)
    state, data = results.status(), results.table()
    failures = list(summary["not_drawn"])
    found = found_lines(study, results, failures)
    conditions = conditions_of(study, folder)
    pictures = [name for name in summary["figures"] if name != DEVICE_MAP]
    shown = pictures[:1]
    written_by = presentation.author if author is None else author
    nothing = "The numbers stand below." if len(data) else "Nothing was measured so far."
    answer = [
        html.heading("The question", level),
        html.paragraphs(study.title, "question"),
        html.heading("What was found", level),
        html.bullets(found[:_FIRST_LINES] or [nothing]),
        *([html.paragraphs(_INTERVALS, "note")] if found else []),
    ]
    first = [
        _byline(folder, results, written_by),
        *_state(state, failures),
        html.group(
            "first", [html.group("answer", answer), *_figures(folder, shown, conditions, True)]
        ),
    ]
    body = []
    if found[_FIRST_LINES:]:
        body += [html.heading("What else was found", level), html.bullets(found[_FIRST_LINES:])]
    if pictures[1:]:
        body += [html.heading("Further figures", level)]
        body += _figures(folder, pictures[1:], conditions)
    if state.done:
        body += _numbers(results, level)
    # The cross-check has its own section.
    told = [line for line in summary["text"].splitlines() if not line.startswith("cross-check")]
    body += [html.heading("In the words of the command line", level)]
    body += [html.preformatted("\n".join([*told, *state_text(state).splitlines()]))]
    not_drawn: list[str] = []
    with attempt("circuits", not_drawn):
        body += _circuits(_example_circuits(study, document, results), level)
    body += [html.paragraphs(line) for line in not_drawn]
    if DEVICE_MAP in summary["figures"]:
        body += [html.heading("Device", level), *_figures(folder, [DEVICE_MAP], "")]
    body += _checks(_checked_points(data, results.plan.axes), level)
    body += _origin(folder, results.origins, level)
    named_title = presentation.title if title is None else title
    return Section(named_title or f"The {study.name} study", first, body)


def found_lines(study: Study, results: Results, failures: list[str]) -> list[str]:
    """What a study found, in sentences; what keeps it from telling costs the sentences alone.

    Args:
        study: The study.
        results: Its results.
        failures: Takes a line that says what failed.
    """
    found: list[str] = []
    try:
        found = study.found(results)
    except Exception as error:  # noqa: BLE001
        # Of a sweep that is not complete there may be nothing to compare.
        reason = textwrap.shorten(f"{type(error).__name__}: {words_of(error)}", 95)
        failures.append(
            f"what was found could not be told ({reason}, {place_of(error)}); the results are "
            "stored."
        )
    return found


def _byline(folder: Path, results: Results, author: str) -> str:
    """Who, when, with which program, and the data."""
    columns, rows = results.rows()
    parts = [author] if author else []
    if results.started is not None:
        days = list(dict.fromkeys(moment[:10] for moment in results.started))
        parts.append(f"measured {' to '.join(days)}")
    parts.append(source_text(results) or "qucnn_cirq")
    pieces = [html.text(" · ".join(parts))]
    if rows:
        content = csv_text(columns, rows).encode()
        if len(content) > data_table.LARGEST_LINK:
            with atomic_write(folder / DATA) as file:
                file.write(content)
        size = f"{len(content) / 1000:,.0f} kB" if len(content) >= 1000 else f"{len(content)} bytes"
        words = f"data: {len(rows):,} row{'' if len(rows) == 1 else 's'} as CSV, {size}"
        pieces.append(data_table.data_link(DATA, content, words))
    return html.group("byline", [" · ".join(pieces)])


def _state(state: Status, failures: Sequence[str]) -> list[str]:
    """What of the sweep is not there, where that is so."""
    lines = []
    if state.missing or state.failed:
        told = [f"{len(state.failed)} failed"] if state.failed else []
        told += [f"{state.missing} missing"] if state.missing else []
        lines.append(
            f"Not complete: of {state.points} points {state.done} were measured, "
            f"{', '.join(told)}; all below is of those that were measured."
        )
        lines += failure_lines(state.to_mapping()["failed"], most=3)
    lines += failures
    return [html.group("state", [html.paragraphs(line) for line in lines])] if lines else []


def _no_results(folder: Path) -> InputError:
    if (folder / CHUNKS).is_dir():
        return InputError(
            f"{folder} holds a study whose {PLAN} is missing: run it with its {CONFIGURATION} "
            "again; it is written anew and no point is lost."
        )
    if (folder / CONFIGURATION).is_file():
        return InputError(
            f"{folder} holds a study of an earlier version, which was no sweep: its tables and "
            "figures are as they were; run the study anew for a report."
        )
    return InputError(
        f"{folder} holds no results: give a folder that `qucnn study` or studies.run wrote."
    )


def _figures(folder: Path, names: Sequence[str], conditions: str, short: bool = False) -> list[str]:
    return [html.image(folder / f"{name}.png", _caption(name, conditions, short)) for name in names]


def _numbers(results: Results, level: int) -> list[str]:
    """The numbers: what is the same in all rows once, the rest as a table."""
    columns, rows = results.rows()
    meanings = results.plan.columns
    kept, same = [], []
    for name in columns:
        distinct = {_whole_cell(row.get(name)) for row in rows}
        if name == "point" or distinct == {None}:
            continue
        if len(rows) > 1 and len(distinct) == 1:
            same.append(f"{name} = {data_table.written(data_table.plain_cell(rows[0].get(name)))}")
        else:
            kept.append(name)
    body = [html.heading("Numbers", level)]
    if same:
        told = ", ".join(same)
        body.append(html.paragraphs(f"The same in all rows: {told.removesuffix('.')}."))
    body.append(data_table.data_table(kept, rows, meanings))
    told_of = [(name, text) for name, text in meanings.items() if name in columns]
    return [*body, html.heading("Columns", level + 1), html.table(("column", "meaning"), told_of)]


def _whole_cell(value: object) -> object:
    """What tells a cell from others: numbers with all of their digits."""
    cell = data_table.plain_cell(value)
    return value if isinstance(cell, int | float) else cell


def _example_circuits(
    study: Study, document: Mapping[str, Any], results: Results
) -> list[tuple[str, cirq.Circuit]]:
    """The circuits of the first point that was measured; one that failed may have none.

    There are none either where they need code of the user's, which no folder imports.
    """
    try:
        with reading_stored():
            points = make_plan(study, document).points
    except NotNamedError:
        return []
    for point in points:
        outcome = results.outcomes.get(point.identity)
        if outcome is not None and outcome.error is None:
            return study.examples(point.settings)
    return []


def _circuits(circuits: Sequence[tuple[str, cirq.Circuit]], level: int) -> list[str]:
    body = [html.heading("Circuits", level)] if circuits else []
    for title, circuit in circuits:
        drawing = circuit_svg(circuit, width=_CIRCUIT_WIDTH).encode()
        body.append(html.picture(drawing, ".svg", title, large=True))
    return body


def _checks(checked: pd.DataFrame, level: int) -> list[str]:
    """The agreement with qsim: over all, and of each point that was checked."""
    body = [html.heading("Cross-checks", level)]
    if checked.empty:
        words = (
            "None of these points was run again on qsim: check_fraction or check_patches "
            "in [study] sets how many are."
        )
        return [*body, html.paragraphs(words)]
    body += [html.paragraphs(_CHECKED), html.bullets(check_lines(checked))]
    names = {
        "check_items": "circuits",
        "check_chi_squared": "chi-squared",
        "check_largest_z": "largest |z|",
    }
    return [*body, html.frame(checked.rename(columns=names), _MOST_ROWS)]


def _checked_points(data: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    if "check_items" not in data:
        return pd.DataFrame()
    checked = data[data["check_items"].notna()].astype({"check_items": int})
    return checked[[*(axis for axis in axes if axis in data), *CHECK_COLUMNS]]


def _origin(folder: Path, found: Sequence[Mapping[str, Any]], level: int) -> list[str]:
    body = [html.heading("Configuration", level)]
    body += [html.preformatted(file_text(folder / CONFIGURATION))]
    body += [html.heading("Where the numbers come from", level)]
    for origin in found:
        rows = []
        for key, value in origin.items():
            if isinstance(value, Mapping):
                value = ", ".join(f"{name} {version}" for name, version in value.items())
            rows.append((_ORIGINS.get(key, key), value))
        body.append(html.table(("what", "value"), rows))
    body.append(html.heading("To run it again", level))
    if any(COLLECTED in origin for origin in found):
        words = "qucnn collect makes these results anew of the same counts; simulated they are by"
        body.append(html.paragraphs(words))
    kept = f" and the copies in {INPUTS}/ of the files that it names, wherever they are moved"
    body += [
        html.preformatted(f"qucnn study {CONFIGURATION} --out again"),
        html.paragraphs(
            f"with the file {CONFIGURATION} of this folder, whose content is above"
            f"{kept if (folder / INPUTS).is_dir() else ''}. The numbers are the same with any "
            "number of workers; times are not."
        ),
    ]
    return body


def _caption(name: str, conditions: str = "", short: bool = False) -> str:
    """What a figure shows, with what, and where its other files are."""
    # Further figures of one kind have a number.
    known = _CAPTIONS.get(name) or _CAPTIONS.get(re.sub(r"_\d+$", "", name))
    if "_filter_" in name:
        known = f"The same for filter {name.rpartition('_')[2]}."
    elif name.startswith(("error_against_", "error_and_accuracy_against_")):
        what, _, axis = name.partition("_against_")
        quantity = "Error" if what == "error" else "Error of feature maps and accuracy"
        known = (
            f"{quantity} against {axis.replace('_', ' ')}: points are measured, bands 95 % "
            "intervals, dashed lines predicted from the exact noisy means."
        )
    words = known or f"{name.replace('_', ' ').capitalize()}."
    files = "" if short else f"Also as {name}.svg and {name}.pdf; the data drawn are beside it."
    return " ".join(text for text in (words, conditions, files) if text)
