"""What notebooks show of objects: small tables in HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable


def html_table(title: str, rows: Iterable[tuple[str, object]]) -> str:
    """A table of two columns, names and values.

    Args:
        title: What stands above it.
        rows: Names and values; what is None is left out.
    """
    cells = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(str(value))}</td></tr>'
        for name, value in rows
        if value is not None
    )
    return (
        f'<table><caption style="text-align:left">{html.escape(title)}</caption>'
        f"<tbody>{cells}</tbody></table>"
    )
