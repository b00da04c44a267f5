"""What a performance study found, in sentences."""

from __future__ import annotations

import pandas as pd

from studies.effects import Quantity, effects
from studies.performance.figures import agreement_lines
from studies.performance.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import span_text

_TIME = Quantity("seconds_per_patch", "time for each patch in seconds")


def findings(results: Results) -> list[str]:
    """How the time for a patch changes along each axis, and how well engines agree.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    if len(table) == 1:
        return [f"A patch takes {table['seconds_per_patch'].iloc[0]:.3g} s."]
    lines = [*_of_exact(table), *effects(table, _TIME, COLUMNS, leave=("engine",))]
    return [*lines, *(f"{line[:1].upper()}{line[1:]}." for line in agreement_lines(table))]


def _of_exact(table: pd.DataFrame) -> list[str]:
    """How many times longer than the exact engine each other one takes for the same circuit."""
    if not {"engine", "times_exact"} <= set(table):
        return []
    others = table[table["times_exact"].notna() & (table["times_exact"] > 0)]
    told = []
    for engine, own in others.groupby("engine", sort=False):
        ratios = own["times_exact"]
        if engine != "exact":
            told.append(f"{engine} {span_text(ratios, '.2g')}")
    return [f"Times as long as the exact engine for a patch: {', '.join(told)}."] if told else []
