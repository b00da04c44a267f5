"""Figures of a gradient sweep.

`plot_gradient_error` draws a table on Axes and returns them; `gradient_error_data` gives the
numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.gradient_methods import METHODS
from studies.crosscheck import check_lines
from studies.drawing import SeriesStyle, explain_band, series_styles, slope_guide
from studies.gradient.study import COLUMNS
from studies.grouping import Lines, axes_of, cells, groups
from studies.line_figures import (
    LineFigures,
    Others,
    Styles,
    explain_predicted,
    plot_predicted,
    predicted_errors,
    series_of,
)
from studies.mitigation_cost import cost_lines, with_circuits
from studies.sweep.results import Results
from studies.wording import axis_text, name_by_axis, noise_text, span_text

_LINES = ("method", "upstream")
_STATES = {
    "superposition": "equal superposition",
    "mixed": "maximally mixed (null test)",
    "patch": "MNIST patch",
}
name_line = name_by_axis(
    {
        "noise.scale": noise_text,
        "noise": lambda _, text: "ideal" if text == "ideal" else f"noise of {text}",
        "upstream": lambda _, text: f"g = {text}",
        "method": lambda _, text: METHODS[text].label if text in METHODS else text,
        "state": lambda _, text: _STATES.get(text, axis_text("state", text)),
    }
)
"""Names a line or a panel."""
_FIGURES = LineFigures(COLUMNS, name_line, apart=_LINES)


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the error against shots, a panel for each data state, noise and what else varies.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = with_circuits(results.table())
    if "shots" not in table or table["shots"].nunique() < 2:
        return []
    arrangement = _FIGURES.arrange(table, "shots")
    return _FIGURES.draw(
        arrangement, [plot_gradient_error], gradient_error_data, folder, "gradient"
    )


def gradient_error_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """The error of the gradient against the shots of each circuit.

    Args:
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and number of shots: the root mean square error over angles, draws
        and repetitions; the ends of the 95 % interval over draws; and what the variance formulas
        and the exact noisy means predict (NaN where there is no formula), with its 95 % interval
        where noise is fitted.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    columns = {"rmse": "rmse", "low": "rmse_low", "high": "rmse_high"}

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        measured = {
            name: float(np.sqrt((own[column] ** 2).mean())) if column in own else np.nan
            for name, column in columns.items()
        }
        return {**measured, **predicted_errors(own)}

    return _FIGURES.tabulate(table, "shots", others, ["rmse"], summarise)


def plot_gradient_error(
    axes: Axes, table: pd.DataFrame, others: Others = None, styles: Styles | None = None
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
    lines = _FIGURES.lines(table, "shots", others)
    data = gradient_error_data(table, lines)
    if set(lines.axes) <= set(_LINES):
        styles = _method_styles(lines)
    for label, own, style in series_of(data, lines, styles, alone="measured"):
        # Points that coincide stay visible inside one another.
        order = 4 - 0.05 * style.size
        style.plot(axes, own["shots"], own["rmse"], "", zorder=order, mew=0.8, label=label)
        style.fill(axes, own["shots"], own["low"], own["high"], alpha=0.3)
        plot_predicted(axes, own["shots"], own, style, width=0.8)
    explain_predicted(axes, data, "predicted: variance formula and bias")
    slope_guide(axes, data["shots"], data["rmse"])
    explain_band(axes, "95 % interval over draws")
    log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set_xlabel("shots for each circuit")
    axes.set_ylabel(r"error of ${}\partial L/\partial\theta$, RMSE over angles")
    return axes


def _method_styles(lines: Lines) -> dict[str, SeriesStyle]:
    """A marker for each method and a colour for each g."""
    values = list(lines.values)
    upstreams = sorted({each["upstream"] for each in values if "upstream" in each}, key=str)
    known = [name for name, method in METHODS.items() if method.runs_circuits]
    methods = dict.fromkeys([*known, *(str(each.get("method", "")) for each in values)])
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
    return "\n".join([*lines, *_cost_lines(table), *cost_lines(table), *check_lines(table)])


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
        lines.append(
            f"g = {g:g}: the in-circuit gradient takes {span_text(ratios, '.3g')} times the shots "
            f"of the post-processed one (1/g^2 = {1 / g**2:.3g})"
        )
    return lines
