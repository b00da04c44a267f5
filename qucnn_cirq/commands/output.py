"""Printing for terminals and for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qucnn_cirq.text import aligned_table


@contextlib.contextmanager
def notes(quiet: bool) -> Iterator[None]:
    """While it lasts, writes notes on data as one line each, or not at all.

    Args:
        quiet: Whether they are left out.
    """
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str, category: type[Warning], *others: Any, **named: Any
        ) -> None:
            # By name: importing the categories would import Cirq.
            if category.__name__ not in ("NoiseNote", "InexactLoading"):
                usual(message, category, *others, **named)
            elif not quiet:
                print(f"qucnn: note: {' '.join(str(message).split())}", file=sys.stderr)

        warnings.showwarning = show
        yield


def print_json(content: object) -> None:
    """Prints plain data as JSON.

    Args:
        content: What JSON can hold, without NaN and infinity.
    """
    print(json.dumps(content, indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows in aligned columns; see `qucnn_cirq.text.aligned_table`.

    Args:
        header: The titles of the columns.
        rows: As many cells in each.
    """
    print(aligned_table(header, rows))


def tell_not_drawn(summary: Mapping[str, Any]) -> bool:
    """Says on standard error what of a study could not be drawn, and whether anything was.

    Args:
        summary: What a study's ``finish`` returned: "not_drawn" lists a line for each failure.
    """
    lines = summary.get("not_drawn", [])
    for line in lines:
        print(f"qucnn: {line}", file=sys.stderr)
    return bool(lines)
