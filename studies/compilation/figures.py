"""Figures of a compilation sweep."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from studies.compilation.study import COLUMNS
from studies.drawing import place_on_axis
from studies.grouping import axes_of
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.sweep.results import Results
from studies.wording import axis_text

_KERNEL = "convolution.kernel"
_PANELS = {
    "two_qubit_gates": "two-qubit gates",
    "two_qubit_depth": "two-qubit depth",
    "error": "predicted error of a circuit",
}
_NAMES = {
    "qucnn": "qucnn_cirq",
    "cirq": "Cirq",
    "qiskit": "Qiskit",
    "pytket": "pytket",
    "bqskit": "BQSKit",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws gates, depth and predicted error: a row for each overlap test and what else varies.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = _with_kernel(results.table())
    return _FIGURES.draw(
        _FIGURES.arrange(table, _KERNEL, most_panels=4),
        [partial(plot_cost, column=column) for column in _PANELS],
        cost_data,
        folder,
        "compilation",
        height=1.9,
        share="col",
    )


def cost_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """What circuits cost, for each kernel.

    Args:
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and kernel: means over repetitions.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    return _FIGURES.tabulate(_with_kernel(table), _KERNEL, others, _PANELS)


def plot_cost(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    others: Others = None,
    styles: Styles | None = None,
) -> Axes:
    """One figure of merit against the kernel, a line for each compiler, gate set and device.

    Args:
        axes: Where to draw.
        table: The results.
        column: What is drawn.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    table = _with_kernel(table)
    lines = _FIGURES.lines(table, _KERNEL, others)
    data = cost_data(table, lines)
    series = series_of(data, lines, styles, alone="qucnn_cirq")
    places = place_on_axis(axes, data[_KERNEL].astype(str))
    for number, (label, own, style) in enumerate(series):
        # Side by side, so that equal values stay visible.
        aside = 0.12 * (number / max(1, len(series) - 1) - 0.5)
        at = own[_KERNEL].astype(str).map(places) + aside
        style.plot(axes, at, own[column], lw=0.8, label=label)
    log_axis(axes, "y")
    axes.set(xlabel="kernel", ylabel=_PANELS[column])
    return axes


def _with_kernel(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose kernels are names, also where there is one kernel."""
    names = table[_KERNEL].map(str) if _KERNEL in table else "kernel"
    return table.assign(**{_KERNEL: names})


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    words = []
    for axis, text in texts.items():
        if axis == "convolution.overlap":
            words.append(f"{text} test")
        elif isinstance(values[axis], str):
            words.append(_NAMES.get(text, text))
        else:
            words.append(axis_text(axis, text))
    return ", ".join(words)


_FIGURES = LineFigures(COLUMNS, _name, apart=("compiler", "gate_set", "walkers", "device"))


def text(results: Results) -> str:
    """What a table shows: gates and depth of every point.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    axes = axes_of(table, COLUMNS)
    lines = []
    for _, row in table.iterrows():
        where = ", ".join(str(row[axis]) for axis in axes)
        verified = {True: "", False: " NOT VERIFIED"}.get(row.get("verified"), "")
        lines.append(
            f"{where}: {row['two_qubit_gates']} / {row['two_qubit_depth']}, predicted error "
            f"{row['error']:.3f}{verified}"
        )
    return "\n".join(lines)
