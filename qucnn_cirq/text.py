"""Plain text for terminals."""

from __future__ import annotations

from collections.abc import Sequence


def aligned_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows in aligned columns, numbers to the right; None is a dash.

    Args:
        header: Names of the columns.
        rows: As many cells each.

    Returns:
        Lines without trailing spaces, the header first.
    """
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    numeric = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(header))
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        padded = (
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, numeric, strict=True)
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
