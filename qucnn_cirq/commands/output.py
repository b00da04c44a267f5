"""Printing for terminals and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence


def print_json(content: object) -> None:
    """Prints plain data as JSON."""
    print(json.dumps(content, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns, numbers to the right; None is a dash."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    numeric = [
        all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(header))
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        aligned = (
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(aligned).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
