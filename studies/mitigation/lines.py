"""The error of methods against how wrong the assumed rates are, and against calibration shots.

The functions ``plot_...`` draw a table on Axes and return them; the functions ``..._data`` give the
numbers that they draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from studies.drawing import explain_line
from studies.grouping import Values
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.mitigation.study import COLUMNS
from studies.wording import axis_text, mitigation_text

LABELS = {
    "assumed_scale": "assumed rates / those that there are",
    "calibration_shots": "shots of each calibration circuit",
}
"""The axes against which errors are drawn."""


def _name(values: Values, texts: Mapping[str, str]) -> str:
    return ", ".join(
        mitigation_text(str(value)) if axis == "method" else axis_text(axis, texts[axis])
        for axis, value in values.items()
    )


_FIGURES = LineFigures(COLUMNS, _name)


def draw_against(table: pd.DataFrame, x: str, folder: Path) -> list[str]:
    """Draws the error against one of the axes of `LABELS`, a line for each method.

    Args:
        table: The results.
        x: The axis.
        folder: Takes the figures and the numbers they show.

    Returns:
        Names of the figures.
    """

    def plot(
        axes: Axes, own: pd.DataFrame, others: Others = None, styles: Styles | None = None
    ) -> Axes:
        return plot_error(axes, own, x, others, styles)

    def data(own: pd.DataFrame, others: Others = None) -> pd.DataFrame:
        return error_data(own, x, others)

    arrangement = _FIGURES.arrange(table, x)
    return _FIGURES.draw(arrangement, [plot], data, folder, f"error_against_{x}", height=2.8)


def error_data(table: pd.DataFrame, x: str, others: Others = None) -> pd.DataFrame:
    """The error against one axis.

    Args:
        table: The results of methods that serve their test.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: `rmse`, `systematic_rmse` and `bias`.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    return _FIGURES.tabulate(table, x, others, ["rmse", "systematic_rmse", "bias"])


def plot_error(
    axes: Axes, table: pd.DataFrame, x: str, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `error_data` gives; calibrations without shots, which are exact, as dashed lines.

    Args:
        axes: Where to draw.
        table: The results of methods that serve their test.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = _FIGURES.lines(table, x, others)
    data = error_data(table, x, lines)
    counts = x == "calibration_shots"
    for label, own, style in series_of(data, lines, styles, alone="the method"):
        finite = own[own[x] > 0] if counts else own
        style.plot(axes, finite[x], finite["rmse"], "-", label=label)
        for exact in own["rmse"][own[x] == 0] if counts else ():
            axes.axhline(exact, color=style.colour, ls="--", lw=0.9, zorder=0)
    if counts:
        log_axis(axes, "x")
        if (data[x] == 0).any():
            explain_line(axes, "exact calibrations")
    log_axis(axes, "y")
    axes.set(xlabel=LABELS[x], ylabel=r"RMSE of ${}\hat F - F$")
    return axes
