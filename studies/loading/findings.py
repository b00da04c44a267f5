"""What a loading study found, in sentences."""

from __future__ import annotations

import pandas as pd

from studies.effects import Quantity, effects
from studies.grouping import groups
from studies.loading.figures import BUDGET, CONFIDENCE, by_setting, gains
from studies.loading.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import axis_text, interval_text

_QUANTITIES = (
    Quantity("loader_gates", "mean number of two-qubit gates of a loader"),
    Quantity("error", "mean error under noise"),
)


def findings(results: Results) -> list[str]:
    """What the best budget and the automatic one gain over exact loading.

    Args:
        results: What was measured so far, at least one point.
    """
    table = gains(results)
    others, lines = by_setting(table)[1], []
    for values, own in groups(table, others):
        where = ", ".join(axis_text(axis, value) for axis, value in values.items())
        lines += _gained(own, f"{where}: " if where else "")
    if lines:
        return lines
    return [line for quantity in _QUANTITIES for line in effects(table, quantity, COLUMNS)]


def _gained(table: pd.DataFrame, begin: str) -> list[str]:
    """What the budget with the least error gains over exact loading, and "auto" besides."""
    if BUDGET not in table or table["gain"].isna().all():
        return []
    exact = table[table[BUDGET].astype(str).isin(("0", "0.0"))].iloc[0]
    lines = [
        f"{begin}exact loading takes {exact['loader_gates']:.2f} two-qubit gates in the mean and "
        f"has a mean error of {exact['error']:.5f} under noise."
    ]
    approximate = table[table["gain"].notna() & (table.index != exact.name)]
    best = approximate.nlargest(1, "gain").index
    automatic = approximate.index[approximate[BUDGET].astype(str) == "auto"]
    for number in dict.fromkeys([*best, *automatic]):
        row = table.loc[number]
        half = CONFIDENCE * row["gain_standard_error"]
        gain = interval_text(row["gain"], row["gain"] - half, row["gain"] + half, ".5f")
        lines.append(
            f"{begin}with a budget of {row[BUDGET]} a loader takes {row['loader_gates']:.2f}, and "
            f"the error is smaller by {gain}, {100 * row['gain'] / exact['error']:.1f} %."
        )
    return lines
