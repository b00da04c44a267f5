"""Figures of a gradient sweep.

`plot_gradient_error` draws a table on Axes and returns them; `gradient_error_data` gives the
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.gradient_methods import METHODS
from studies.crosscheck import check_lines
from studies.drawing import (
    SeriesStyle,
    Styles,
    draw_arrangement,
    explain_band,
    explain_line,
    line_styles,
    series_styles,
    slope_guide,
)
from studies.gradient.measurement import COLUMNS
from studies.grouping import Lines, arrange, axes_of, cells, groups, lines_of, require, tabulate
from studies.sweep.results import Results

_LINES = ("method", "upstream")
_STATES = {
    "superposition": "equal superposition",
    "mixed": "maximally mixed (null test)",
    "patch": "MNIST patch",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the error against shots, a panel for each data state, noise and what else varies.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    if "shots" not in table or table["shots"].nunique() < 2:
        return []
    arrangement = arrange(table, ["shots"], COLUMNS, _name, lines=_LINES)
    return draw_arrangement(
        arrangement, [plot_gradient_error], gradient_error_data, _name, folder, "gradient"
    )


def gradient_error_data(
    table: pd.DataFrame, others: Lines | Sequence[str] | None = None
) -> pd.DataFrame:
    """The error of the gradient against the shots of each circuit.

    Args:
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and number of shots: the root mean square error over angles, draws
        and repetitions; the ends of the 95 % interval over draws; and what the variance formulas
        and the exact noisy means predict (NaN where there is no formula).

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, ["shots", "rmse"])
    columns = {
        "rmse": "rmse",
        "low": "rmse_low",
        "high": "rmse_high",
        "predicted": "predicted_rmse",
    }

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        return {
            name: float(np.sqrt((own[column] ** 2).mean())) if column in own else np.nan
            for name, column in columns.items()
        }

    return tabulate(
        table, lines_of(table, "shots", others, COLUMNS, _name), "shots", COLUMNS, summarise
    )


def plot_gradient_error(
    axes: Axes,
    table: pd.DataFrame,
    others: Lines | Sequence[str] | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draws what `gradient_error_data` gives, log-log, with a guide of slope -1/2.

    Args:
        axes: Where to draw.
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks, unless only method and g tell them apart: then a method has
            its marker and a g its colour.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = lines_of(table, "shots", others, COLUMNS, _name)
    data = gradient_error_data(table, lines)
    plain = line_styles(table, lines) if styles is None else styles
    own_styles = _method_styles(lines) if set(lines.axes) <= set(_LINES) else plain
    for label, own in data.groupby("series", sort=False):
        style = own_styles[str(label)]
        axes.plot(
            own["shots"],
            own["rmse"],
            style.marker,
            ms=style.size,
            # Points that coincide stay visible inside one another.
            zorder=4 - 0.05 * style.size,
            color=style.colour,
            mfc="none" if style.hollow else style.colour,
            mew=0.8,
            label=str(label) or "measured",
        )
        axes.fill_between(
            own["shots"], own["low"], own["high"], color=style.colour, alpha=0.3, lw=0
        )
        axes.plot(own["shots"], own["predicted"], "--", lw=0.8, color=style.colour)
    if data["predicted"].notna().any():
        explain_line(axes, "predicted: variance formula and bias")
    slope_guide(axes, data["shots"], data["rmse"])
    explain_band(axes, "95 % interval over draws")
    log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set_xlabel("shots for each circuit")
    axes.set_ylabel(r"error of $\partial L/\partial\theta$, RMSE over angles")
    return axes


def _circuit_methods() -> list[str]:
    return [name for name, method in METHODS.items() if method.runs_circuits]


def _method_styles(lines: Lines) -> dict[str, SeriesStyle]:
    """A marker for each method and a colour for each g."""
    values = list(lines.values)
    upstreams = sorted({each["upstream"] for each in values if "upstream" in each}, key=str)
    methods = dict.fromkeys(
        [*_circuit_methods(), *(str(each.get("method", "")) for each in values)]
    )
    markers = dict(zip(methods, series_styles(len(methods)), strict=True))
    colours = dict(zip(upstreams, series_styles(len(upstreams)), strict=True))
    styles = {}
    for each, label in zip(values, lines.labels, strict=True):
        method = str(each.get("method", ""))
        rank = upstreams.index(each["upstream"]) if upstreams else 1
        colour = colours[each["upstream"]].colour if upstreams else series_styles(1)[0].colour
        hollow = method == "parameter_shift"
        size = (3.8 if hollow else 2.4) + 1.6 * min(rank, 3)
        styles[label] = SeriesStyle(colour, markers[method].marker, size, hollow)
    return styles


def text(results: Results) -> str:
    """What a table shows, in a few lines.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    lines = [f"{len(table)} points"]
    if "formula_items" in table and table["formula_items"].notna().any():
        items = int(table["formula_items"].sum())
        total = float(table["formula_chi_squared"].sum())
        probability = 2 * min(stats.chi2.sf(total, items), stats.chi2.cdf(total, items))
        lines.append(
            f"estimates against the exact means and variances: {items} estimates, chi-squared "
            f"{total:.0f}, two-sided p = {min(1.0, probability):.3f}"
        )
    return "\n".join([*lines, *_cost_lines(table), *check_lines(table)])


def _cost_lines(table: pd.DataFrame) -> list[str]:
    """How many times the shots of the other the in-circuit gradient takes, for each g."""
    if not {"method", "upstream", "shot_rmse"} <= set(table.columns):
        return []
    # A mixture is measured part by part, at other overlaps than its mean.
    pure = table[table["state"] != "mixed"] if "state" in table else table
    keys = [axis for axis in axes_of(pure, COLUMNS) if axis not in _LINES]
    found: dict[float, list[float]] = {}
    for values, own in groups(pure, [*keys, "upstream"]):
        variances = {
            str(each["method"]): (rows["shot_rmse"] ** 2).mean()
            for each, rows in cells(own, ["method"], COLUMNS)
        }
        if {"in_circuit", "parameter_shift"} <= set(variances):
            ratio = variances["in_circuit"] / variances["parameter_shift"]
            found.setdefault(float(str(values["upstream"])), []).append(ratio)
    lines = []
    for g, ratios in sorted(found.items()):
        least, most = f"{min(ratios):.3g}", f"{max(ratios):.3g}"
        lines.append(
            f"g = {g:g}: the in-circuit gradient takes "
            f"{least if least == most else f'{least} to {most}'} times the shots of the "
            f"post-processed one (1/g^2 = {1 / g**2:.3g})"
        )
    return lines


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    return ", ".join(_title(key, value, texts[key]) for key, value in values.items())


def _title(key: str, value: object, text: str) -> str:
    if key == "noise.scale":
        return "ideal" if value == 0 else f"noise x {text}"
    if key == "noise":
        return "ideal" if value == "ideal" else f"noise of {text}"
    if key == "upstream":
        return f"g = {text}"
    if key == "method":
        return METHODS[text].label if text in METHODS else text
    return _STATES.get(text, f"{key.rpartition('.')[2]} {text}")
