"""What a forward study found, in sentences."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from studies.effects import Quantity, effects
from studies.forward.figures import points
from studies.forward.maps import ForwardMaps
from studies.forward.study import COLUMNS, RUNS
from studies.statistics import jackknife_interval
from studies.sweep.results import Results
from studies.wording import interval_text, left_open, plus_minus


def findings(results: Results) -> list[str]:
    """How closely maps agree with the classical ones, and of several points how the error changes.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    if len(table) == 1:
        return _agreement(next(points(results)))
    return [
        line
        for run, prefix in RUNS.items()
        for line in effects(table, Quantity(f"{prefix}rmse", f"{run} RMS error"), COLUMNS)
    ]


def _agreement(maps: ForwardMaps) -> list[str]:
    """How closely the maps of one point agree with the classical ones.

    Intervals come from leaving out one image at a time: patches of one image overlap.
    """
    table = maps.patch_table()
    images = [own for _, own in table[table["blank"] == 0].groupby("image")]
    lines = []
    for run, prefix in maps.runs.items():
        column = f"{prefix}estimate"
        noise = "Without noise" if run == "ideal" else f"With {maps.row['noise_in_words']} noise"
        error = jackknife_interval(images, partial(_rmse, column=column))
        agreement = _at_most_one(jackknife_interval(images, partial(_correlation, column=column)))
        predicted = maps.row.get(f"{prefix}predicted_rmse")
        beside = "" if predicted is None else f"; predicted {predicted:.5f}"
        open_ = left_open(maps.row, f"{prefix}predicted_rmse")
        lines.append(
            f"{noise}: estimate against squared cosine F, correlation "
            f"{interval_text(*agreement, '.4f')}, RMSE {plus_minus(*error)}{beside}{open_}."
        )
        if run == "noisy":
            slope = jackknife_interval(images, partial(_slope, column=column))
            offset = jackknife_interval(images, partial(_offset, column=column))
            lines.append(
                f"The noise maps F to about {plus_minus(*slope)} F + {plus_minus(*offset)}."
            )
    if "classical" in table:
        plain = _at_most_one(
            jackknife_interval(
                images, lambda own: _correlation(own.assign(size=own["classical"].abs()), "size")
            )
        )
        lines.append(
            f"The size of the plain convolution |x·f|, with the norm of the patch, has a "
            f"correlation of {interval_text(*plain, '.3f')} with F."
        )
    return lines


def _at_most_one(interval: tuple[float, float, float]) -> tuple[float, float, float]:
    """An interval of a correlation, cut off where no correlation is."""
    value, low, high = interval
    return value, max(low, -1.0), min(high, 1.0)


def _rmse(table: pd.DataFrame, column: str) -> float:
    return float(np.sqrt(((table[column] - table["squared_cosine"]) ** 2).mean()))


def _correlation(table: pd.DataFrame, column: str) -> float:
    return float(np.corrcoef(table[column], table["squared_cosine"])[0, 1])


def _slope(table: pd.DataFrame, column: str) -> float:
    return float(np.polyfit(table["squared_cosine"], table[column], 1)[0])


def _offset(table: pd.DataFrame, column: str) -> float:
    return float(np.polyfit(table["squared_cosine"], table[column], 1)[1])
