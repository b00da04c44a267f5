"""What a training study found, in sentences."""

from __future__ import annotations

import pandas as pd

from studies.effects import Quantity, effects
from studies.sweep.results import Results
from studies.training.figures import accuracy_data
from studies.training.study import COLUMNS
from studies.wording import interval_text

_MOST_TOLD = 8


def findings(results: Results) -> list[str]:
    """The accuracy of each way of training, the best first, and how it changes along each axis.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    tested = table[table["correct"].notna()] if "correct" in table else table[:0]
    if tested.empty:
        return []
    data = accuracy_data(table).drop_duplicates("series")
    ranked = data.sort_values("mean", ascending=False)
    told = [
        f"{series or 'the classifier'} {interval_text(mean, low, high, '.3f')}"
        for series, mean, low, high in ranked[["series", "mean", "low", "high"]].itertuples(
            index=False
        )
    ]
    images = int(tested["tested"].max())
    line = f"Accuracy on {images} test images: {'; '.join(told[:_MOST_TOLD])}"
    left = len(told) - _MOST_TOLD
    line += f"; {left} further ways, the last {told[-1]}." if left > 0 else "."
    rows: pd.DataFrame = tested.assign(accuracy=tested["correct"] / tested["tested"])
    quantity = Quantity("accuracy", "accuracy", by_ratio=False, form=".3f", best="highest")
    return [line, *effects(rows, quantity, [*COLUMNS, "accuracy"])]
