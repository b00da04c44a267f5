"""What a budget study found, in sentences."""

from __future__ import annotations

import pandas as pd

from studies.budget.figures import points_of, varying
from studies.sweep.results import Results

_TOLD = 2
"""Stages, mechanisms and places that are told of each point."""


def findings(results: Results) -> list[str]:
    """Where most of the error of each point comes from, and what would be left without it.

    Args:
        results: What was measured so far, at least one point.
    """
    lines = []
    for title, own in points_of(results.table(), varying(results)).items():
        name, _, rms = title.rpartition("RMS ")
        begin = f"{name.removesuffix(': ')}: the" if name else "The"
        lines.append(
            f"{begin} RMS error is {rms}, without shots; most of its square is "
            f"{_largest(own, 'stage')}; by mechanism {_largest(own, 'mechanism')}; by place "
            f"{_largest(own, 'place')}."
        )
    return lines


def _largest(table: pd.DataFrame, label: str) -> str:
    """The largest shares by a column, with the error that would be left where that is known."""
    shares = table.groupby(label)["share"].sum().sort_values(ascending=False)[:_TOLD]
    parts = []
    for value, share in shares.items():
        left = ""
        if f"rms_without_{label}" in table:
            without = table.loc[table[label] == value, f"rms_without_{label}"].iloc[0]
            left = f" (RMS {without:.4f} without)"
        parts.append(f"{value} {100 * share:.0f} %{left}")
    return " and ".join(parts)
