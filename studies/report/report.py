"""Reports of single studies: the question, the answer, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.errors import InputError
from studies.catalogue import load_study, sweep_kind
from studies.files import CONFIGURATION, write_text
from studies.report import html
from studies.sweep.job import SUMMARY, finish
from studies.sweep.kind import SweepKind
from studies.sweep.plan import make_plan
from studies.sweep.results import load, origins, state_text, status
from studies.sweep.store import PLAN, read_plan

REPORT = "report.html"
_CAPTIONS = {
    "forward": "Images, their classical and quantum feature maps, and the errors.",
    "errors": "Errors of the estimates against the exact overlap; every point is a patch.",
}


def write_report(folder: Path) -> Path:
    """Writes the page of a results folder.

    Args:
        folder: A folder that `qucnn study` wrote.

    Returns:
        The page.

    Raises:
        InputError: If the folder holds no results.
        OSError: If writing fails.
    """
    title, body = study_sections(folder)
    write_text(folder / REPORT, html.page(title, body))
    return folder / REPORT


def study_sections(folder: Path) -> tuple[str, list[str]]:
    """The title and the sections of a study's report."""
    if (folder / PLAN).is_file():
        return _sweep_sections(folder)
    if (folder / SUMMARY).is_file() and (folder / CONFIGURATION).is_file():
        return _run_sections(folder)
    raise InputError(
        f"{folder} holds no results: give a folder that `qucnn study NAME --out` wrote."
    )


def _sweep_sections(folder: Path) -> tuple[str, list[str]]:
    kind = sweep_kind(read_plan(folder).study)
    summary = finish(kind, folder)
    state = status(folder)
    body = [html.paragraphs(kind.title), html.heading("What was found")]
    body += [html.paragraphs(summary["text"]), html.paragraphs(state_text(state))]
    body += [html.image(folder / f"{name}.png", _caption(name)) for name in summary["figures"]]
    if state.done:
        data = load(folder)
        body += [html.heading("Numbers"), html.frame(_for_people(data))]
        columns = [(name, text) for name, text in kind.columns.items() if name in data]
        body += [html.heading("Columns", 3), html.table(("column", "meaning"), columns)]
    body += _circuit_sections(kind, folder)
    body += _origin_sections(folder, origins(folder))
    return f"qucnn_cirq: the {kind.name} study", body


def _circuit_sections(kind: SweepKind, folder: Path) -> list[str]:
    """The circuits of the first point, drawn."""
    if kind.circuits is None:
        return []
    _, _, document = load_study(str(folder / CONFIGURATION))
    circuits = kind.circuits(make_plan(kind, document).points[0].settings)
    body = [html.heading("Circuits")] if circuits else []
    for title, circuit in circuits:
        body.append(html.picture(circuit_svg(circuit, width=1200).encode(), ".svg", title))
    return body


def _run_sections(folder: Path) -> tuple[str, list[str]]:
    try:
        summary: dict[str, Any] = json.loads((folder / SUMMARY).read_bytes())
        name = summary["study"]
    except (ValueError, KeyError):
        raise InputError(
            f"{folder / SUMMARY} is damaged: run the study again to write it anew."
        ) from None
    _, kind, _ = load_study(str(folder / CONFIGURATION))
    assert not isinstance(kind, SweepKind)
    body = [html.heading("What was found"), html.preformatted(kind.text(summary))]
    body += [html.image(path, _caption(path.stem)) for path in sorted(folder.glob("*.png"))]
    body += _origin_sections(folder, [summary.get("provenance", {})])
    return f"qucnn_cirq: the {name} study", body


def _origin_sections(folder: Path, found: Sequence[Mapping[str, Any]]) -> list[str]:
    body = [html.heading("Configuration"), html.preformatted((folder / CONFIGURATION).read_text())]
    body += [html.heading("Where the numbers come from")]
    for origin in found:
        rows = []
        for key, value in origin.items():
            if isinstance(value, Mapping):
                value = ", ".join(f"{name} {version}" for name, version in value.items())
            rows.append((key, value))
        body.append(html.table(("", ""), rows))
    body += [
        html.heading("To run it again"),
        html.preformatted(f"qucnn study {CONFIGURATION} --out again"),
        html.paragraphs(
            f"with the file {CONFIGURATION} of this folder, whose content is above. The numbers "
            "are the same with any number of workers; times are not."
        ),
    ]
    return body


def _for_people(data: pd.DataFrame) -> pd.DataFrame:
    """The table without what nobody reads on a page."""
    kept = [name for name in data.columns if name != "point" and data[name].notna().any()]
    return data[kept]


def _caption(name: str) -> str:
    words = name.replace("_", " ").capitalize() + "."
    return f"{_CAPTIONS.get(name, words)} Also as {name}.svg and {name}.pdf."
