"""Error and accuracy of a noise sweep against one of its axes.

The functions ``plot_...`` draw a table on Axes and return them, with labelled artists, so that
``axes.legend()`` works; the functions ``..._data`` give the numbers that they draw.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from studies.drawing import explain_band, explain_line, place_on_axis, scale_x, slope_guide
from studies.grouping import images_read, is_numeric
from studies.line_figures import (
    LineFigures,
    Others,
    Styles,
    explain_predicted,
    plot_predicted,
    predicted_errors,
    series_of,
)
from studies.noise.study import COLUMNS
from studies.statistics import mean_interval, proportion_interval
from studies.wording import axis_text, span_text

_GUESSING = 0.1
"""The accuracy of naming one of ten digits at random."""

LABELS = {
    "shots": "shots for each patch",
    "noise.scale": "noise scale (1: the noise as configured)",
    "noise.depolarizing.p2": "two-qubit depolarising probability ${}p_2$",
    "noise.depolarizing.p1": "one-qubit depolarising probability ${}p_1$",
    "convolution.filters.layers": "layers of the ansatz",
    "convolution.overlap": "overlap test",
    "convolution.kernel": "kernel",
    "gate_set": "gate set",
}


def name_line(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    """Names a line or a panel.

    Args:
        values: What it stands for, by axis.
        texts: The same in words.
    """
    return ", ".join(_value_text(axis, value, texts[axis]) for axis, value in values.items())


def _value_text(axis: str, value: object, text: str) -> str:
    if isinstance(value, str) and value != "auto":
        return text
    if axis == "shots" and isinstance(value, (int, np.integer)):
        return f"{value:,} shots"
    if axis == "noise.scale":
        return f"noise x {text}"
    return axis_text(axis, text)


FIGURES = LineFigures(COLUMNS, name_line)
"""What the figures of a noise sweep have in common."""


def error_data(table: pd.DataFrame, x: str, others: Others = None) -> pd.DataFrame:
    """The error of feature maps against one axis of the sweep.

    Args:
        table: The results.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: the mean over repetitions with Student's 95 %
        interval, their number, what the exact noisy means and the variance of the shots predict
        (NaN where the engine has no means), and of fitted noise the 95 % interval that the fit
        leaves of that.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        mean, low, high = mean_interval(own["rmse"])
        shown = {"rmse": mean, "low": low, "high": high, "repetitions": len(own)}
        return {**shown, **predicted_errors(own)}

    return FIGURES.tabulate(table, x, others, ["rmse"], summarise)


def plot_error(
    axes: Axes, table: pd.DataFrame, x: str, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `error_data` gives: points, dashed predictions, bands of the intervals of both.

    Args:
        axes: Where to draw.
        table: The results.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = FIGURES.lines(table, x, others)
    data = error_data(table, x, lines)
    places = place_on_axis(axes, data[x])
    for label, own, style in series_of(data, lines, styles, alone="measured"):
        at = own[x].map(places)
        known = bool(own["predicted"].notna().all())
        # Where there is a prediction, its line leads the eye.
        style.plot(axes, at, own["rmse"], "" if known else "-", label=label)
        style.fill(axes, at, own["low"], own["high"], alpha=0.3)
        if known:
            plot_predicted(axes, at, own, style)
    numeric = is_numeric(data[x])
    scale_x(axes, data[x])
    if numeric and (data["rmse"] > 0).any():
        log_axis(axes, "y")
    explain_predicted(axes, data, "predicted from exact noisy means")
    if x == "shots" and numeric and data[x].nunique() > 1:
        slope_guide(axes, data[x], data["rmse"])
    repeated = data["repetitions"].max() > 1
    if repeated:
        count = span_text(data["repetitions"])
        explain_band(axes, f"95 % interval, mean of {count} repetitions")
    axes.set(xlabel=LABELS.get(x, x), ylabel=r"error of feature maps, RMSE of ${}\hat F - F$")
    patches = span_text(table["patches"], ",")
    axes.set_title(f"{patches} patches{'' if repeated else ', one repetition'}")
    return axes


def accuracy_data(table: pd.DataFrame, x: str, others: Others = None) -> pd.DataFrame:
    """The accuracy of a linear classifier, fitted to exact maps of other images, on noisy maps.

    Args:
        table: The results, with classified images.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: the accuracy with Wilson's 95 % interval, and
        that with exact maps.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        read = own["images_classified"].sum()
        accuracy = own["correct"].sum() / read
        # Repetitions read the same images, so they do not make the interval narrower.
        images = images_read(own, "images_classified")
        low, high = proportion_interval(accuracy * images, images)
        return {
            "accuracy": accuracy,
            "low": float(low),
            "high": float(high),
            "images": images,
            "exact_maps": own["correct_exact"].sum() / read,
        }

    columns = ["correct", "correct_exact", "images_classified"]
    return FIGURES.tabulate(table, x, others, columns, summarise)


def plot_accuracy(
    axes: Axes, table: pd.DataFrame, x: str, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `accuracy_data` gives, beside the accuracy with exact maps and that of guessing.

    Args:
        axes: Where to draw.
        table: The results, with classified images.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = FIGURES.lines(table, x, others)
    data = accuracy_data(table, x, lines)
    places = place_on_axis(axes, data[x])
    exact = data["exact_maps"]
    for label, own, style in series_of(data, lines, styles, alone="measured"):
        at = own[x].map(places)
        style.plot(axes, at, own["accuracy"], label=label)
        # Thin edges keep bands that overlap apart.
        for end in ("low", "high"):
            axes.plot(at, own[end], "-", color=style.colour, lw=0.4)
        style.fill(axes, at, own["low"], own["high"], alpha=0.15)
        if exact.nunique() > 1:
            axes.plot(at, own["exact_maps"], "-.", lw=0.9, color=style.colour)
    if exact.nunique() > 1:
        explain_line(axes, "exact maps", "-.")
    else:
        axes.axhline(exact.iloc[0], ls="-.", lw=0.9, color="black", label="exact maps")
    axes.axhline(_GUESSING, ls=(0, (1, 4)), lw=0.9, color="0.4", label="guessing")
    explain_band(axes, "accuracy: Wilson's 95 % interval", edged=True)
    scale_x(axes, data[x])
    images = span_text(data["images"])
    axes.set(ylim=(0, 1), xlabel=LABELS.get(x, x), ylabel=f"accuracy on {images} test images")
    fitted = "linear classifier, fitted to exact maps"
    axes.set_title(fitted if exact.nunique() > 1 else f"{fitted} ({exact.iloc[0]:.3f} on those)")
    return axes
