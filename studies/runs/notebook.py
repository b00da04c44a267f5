"""What notebooks show of the results of a sweep."""

from __future__ import annotations

from noise_models.files import read_json
from noise_models.markup import html_table
from studies.files import LARGEST_RESULT, SUMMARY
from studies.report.html import image
from studies.sweep.results import Results

_MOST_ROWS, _MOST_COLUMNS = 10, 12
"""Of a table that is shown; pandas leaves out what is in the middle."""


def results_html(results: Results) -> str:
    """How far a sweep is, its table, and its first figure if it has been drawn.

    Args:
        results: The results.
    """
    state, table = results.status(), results.table()
    rows = [
        ("study", state.study),
        ("points", f"{state.done} of {state.points} done, {len(state.failed)} failed"),
        ("axes", ", ".join(results.plan.axes) or None),
        ("folder", results.folder),
    ]
    parts = [html_table("results", rows)]
    if not table.empty:
        columns = [name for name in table if name != "point"]
        shown = table[columns].to_html(
            max_rows=_MOST_ROWS, max_cols=_MOST_COLUMNS, show_dimensions=True
        )
        parts.append(shown)
    summary = results.folder / SUMMARY
    names = read_json(summary, LARGEST_RESULT)["figures"] if summary.is_file() else []
    for name in names[:1]:
        file = results.folder / f"{name}.png"
        if file.is_file():
            parts.append(image(file, name.replace("_", " ")))
    return "".join(parts)
