"""What a mitigation study found, in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from studies.effects import Quantity, effects
from studies.grouping import axes_of, groups
from studies.mitigation.figures import METHOD, possible
from studies.mitigation.methods import BOUND
from studies.mitigation.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import mitigation_text

_MOST_TOLD = 5
_ERROR = Quantity("rmse", "RMS error")


def findings(results: Results) -> list[str]:
    """How much of the raw error each method leaves, and how errors change along the other axes.

    Args:
        results: What was measured so far, at least one point.
    """
    table = possible(results.table())
    if table.empty:
        return ["No method serves this test: see the table for why."]
    if METHOD not in table:
        return [*_of_raw(table.assign(**{METHOD: "the method"})), *effects(table, _ERROR, COLUMNS)]
    methods = table[table[METHOD] != BOUND]
    lines = [*_of_raw(methods), *_wins(methods)]
    return [*lines, *effects(methods, _ERROR, COLUMNS, leave=(METHOD, "refused"))]


def _of_raw(table: pd.DataFrame) -> list[str]:
    """The part of the raw error that each method leaves, the least first."""
    part = np.log(table["rmse"] / table["raw_rmse"])
    found = part.groupby(table[METHOD]).agg(["mean", "min", "max", "size"]).sort_values("mean")
    told = []
    for name, row in found.iterrows():
        mean, least, most = np.exp(row[["mean", "min", "max"]])
        span = f" ({least:.2f} to {most:.2f} in {row['size']:.0f} settings)"
        told.append(f"{mitigation_text(str(name))} {mean:.2f}{span if row['size'] > 1 else ''}")
    line = f"Of the RMS error of the raw mean are left: {', '.join(told[:_MOST_TOLD])}"
    left = len(told) - _MOST_TOLD
    return [f"{line}; {left} further methods, the last {told[-1]}." if left > 0 else f"{line}."]


def _wins(table: pd.DataFrame) -> list[str]:
    """Which method has the least error in how many settings."""
    others = [axis for axis in axes_of(table, (*COLUMNS, "refused")) if axis != METHOD]
    best = [str(own.loc[own["rmse"].idxmin(), METHOD]) for _, own in groups(table, others)]
    counts = pd.Series(best).value_counts()
    told = ", ".join(f"{mitigation_text(name)} in {count}" for name, count in counts.items())
    return [f"Least error of {len(best)} settings: {told}."] if len(best) > 1 else []
