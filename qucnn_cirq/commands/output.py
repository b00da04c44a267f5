"""Printing for terminals and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from qucnn_cirq.text import aligned_table


def print_json(content: object) -> None:
    """Prints plain data as JSON."""
    print(json.dumps(content, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns; see :func:`~qucnn_cirq.text.aligned_table`."""
    print(aligned_table(header, rows))
