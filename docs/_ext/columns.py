"""The columns of every study's results, with what they mean."""

from __future__ import annotations

from studies.sweep.catalogue import STUDIES, study_named


def page() -> str:
    """A table for each study, as Markdown."""
    lines: list[str] = []
    for name in STUDIES:
        study = study_named(name)
        lines += [f"## Columns of the study `{name}`", "", study.title, ""]
        lines += ["| column | meaning |", "| --- | --- |"]
        lines += [f"| `{each}` | {_cell(text)} |" for each, text in study.columns.items()] + [""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text within a table, of which nothing is markup."""
    for special in "\\|*_<>`[]":
        text = text.replace(special, f"\\{special}")
    return text
