"""What a gradient study found, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from studies.effects import Quantity, effects
from studies.gradient.figures import gradient_error_data, name_line
from studies.gradient.study import COLUMNS
from studies.grouping import axes_of, groups, value_texts
from studies.statistics import CONFIDENCE
from studies.sweep.results import Results
from studies.wording import plus_minus, scientific

_AXES = ("method", "upstream", "shots")
_PAIR = {"in_circuit": "in circuit", "parameter_shift": "afterwards"}
"""The two ways of multiplying by g that are compared."""
_ERROR = Quantity("rmse", "RMS error of a gradient")


def findings(results: Results) -> list[str]:
    """How closely both ways of multiplying by g agree, what they cost, and what else changes.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    if not set(_AXES) <= set(table) or not set(_PAIR) <= set(table["method"]):
        return effects(table, _ERROR, COLUMNS)
    others = [axis for axis in axes_of(table, COLUMNS) if axis not in _AXES]
    texts = {axis: dict(zip(table[axis], value_texts(table[axis]), strict=True)) for axis in others}
    lines = []
    for values, own in groups(table, others):
        where = name_line(values, {axis: texts[axis][value] for axis, value in values.items()})
        lines += _comparison(own, values, where)
    return [*lines, *effects(table, _ERROR, COLUMNS, leave=("upstream", "method"))]


def _comparison(table: pd.DataFrame, values: Mapping[str, object], where: str) -> list[str]:
    """Both ways at the most shots, on one state with one noise."""
    data = gradient_error_data(table, ["method", "upstream"])
    shots = data["shots"].max()
    last = data[data["shots"] == shots].set_index(["method", "upstream"])
    largest, smallest = data["upstream"].max(), data["upstream"].min()
    wanted = [(method, g) for method in _PAIR for g in (largest, smallest)]
    if not set(wanted) <= set(last.index):
        # Of a sweep that is not complete.
        return []
    both = " and ".join(
        f"{_interval(last.loc[(method, largest)])} {words}" for method, words in _PAIR.items()
    )
    begin = f"{where[:1].upper()}{where[1:]}: " if where else ""
    at = f"{begin}RMSE with g = {largest:g} and {shots:,} shots {both}"
    if values.get("state") == "mixed":
        predicted = last.loc[("in_circuit", largest), "predicted"]
        return [f"{at}; {scientific(predicted)} is predicted from shot noise alone."]
    bias = _bias(table[(table["upstream"] == largest) & (table["shots"] == shots)])
    if bias is not None:
        # With it errors neither fall as a power nor tell how many shots are worth how many.
        return [f"{at}; a bias of {scientific(bias)} remains."]
    own = data[(data["method"] == "in_circuit") & (data["upstream"] == largest)]
    lines = [f"{at}; it falls as shots^({_power(own)})." if len(own) > 1 else f"{at}."]
    if smallest < largest:
        pair = [last.loc[(method, smallest)] for method in _PAIR]
        lines.append(
            f"{begin}with g = {smallest:g} the in-circuit gradient needs {_ratio(*pair)} times the "
            f"shots of the post-processed one for the same error (1/g² = {1 / smallest**2:.0f})."
        )
    return lines


def _bias(table: pd.DataFrame) -> float | None:
    """The root mean square of the bias of some points, if it is larger than their shot noise."""
    if not {"bias_rmse", "shot_rmse"} <= set(table):
        return None
    bias, shot = (float(np.sqrt((table[c] ** 2).mean())) for c in ("bias_rmse", "shot_rmse"))
    return bias if bias > shot else None


def _power(data: pd.DataFrame) -> str:
    """The power of the shots with which an error falls, where there are three points or more."""
    fit = stats.linregress(np.log(data["shots"]), np.log(data["rmse"]))
    if len(data) < 3:
        return f"{fit.slope:.2f}"
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(data) - 2) * fit.stderr
    return plus_minus(fit.slope, fit.slope - half, fit.slope + half)


def _ratio(one: pd.Series, other: pd.Series) -> str:
    """The ratio of two mean squares, its interval from those of both."""
    value = 2 * np.log(one["rmse"] / other["rmse"])
    # An interval that reaches down to 0 says nothing of a ratio.
    halves = [
        np.log(each["high"] / each["low"]) if each["low"] > 0 else np.inf for each in (one, other)
    ]
    half = float(np.hypot(halves[0], halves[1]))
    ends = [np.exp(value + sign * half) for sign in (-1, 1)]
    return f"{np.exp(value):.3g} [{ends[0]:.3g} to {ends[1]:.3g}]"


def _interval(row: pd.Series) -> str:
    value, low, high = (scientific(row[name]) for name in ("rmse", "low", "high"))
    return f"{value} [{low} to {high}]"
