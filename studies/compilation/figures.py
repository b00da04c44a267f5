"""Figures of a compilation sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studies.drawing import PAGE, legend_below, save_drawn, series_styles

_PANELS = {
    "two_qubit_gates": "two-qubit gates",
    "two_qubit_depth": "two-qubit depth",
    "error": "predicted error of a circuit",
}
_LINES = ("compiler", "gate_set", "walkers", "device")
_NAMES = {"qucnn": "qucnn_cirq", "cirq": "Cirq", "qiskit": "Qiskit", "pytket": "pytket"}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws gates, depth and predicted error: a row for each overlap test.

    Returns:
        Names of the figures, without suffix.
    """
    tests = (
        list(table.groupby("convolution.overlap", sort=False))
        if "convolution.overlap" in table
        else [("", table)]
    )
    shape = (len(tests), len(_PANELS))
    figure = Figure(figsize=(PAGE, 1.8 * len(tests) + 0.3), layout="constrained")
    panels = figure.subplots(*shape, squeeze=False, sharex=True)
    for row, (test, own) in zip(panels, tests, strict=True):
        for axes, column in zip(row, _PANELS, strict=True):
            plot_cost(axes, own, column)
            axes.set_title(f"{test} test" if test else "")
    for axes in panels[:-1].ravel():
        axes.set_xlabel("")
    legend_below(figure, panels[0])
    save_drawn(figure, table, folder, "compilation")
    return ["compilation"]


def plot_cost(axes: Axes, table: pd.DataFrame, column: str) -> Axes:
    """One figure of merit against the kernel, a line for each compiler, gate set and device.

    Args:
        axes: Where to draw.
        table: The results.
        column: What is drawn.

    Returns:
        The axes.
    """
    kernel = "convolution.kernel"
    kernels = list(dict.fromkeys(table[kernel])) if kernel in table else ["kernel"]
    keys = [key for key in _LINES if key in table and table[key].nunique() > 1]
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    styles = series_styles(len(groups))
    for number, (style, (values, own)) in enumerate(zip(styles, groups, strict=True)):
        label = ", ".join(_NAMES.get(str(value), str(value)) for value in values)
        # Side by side, so that equal values stay visible.
        aside = 0.12 * (number / max(1, len(groups) - 1) - 0.5)
        positions = [kernels.index(each) for each in own[kernel]] if kernel in own else [0]
        axes.plot(
            [position + aside for position in positions],
            own[column],
            style.marker + "-",
            ms=style.size,
            lw=0.8,
            color=style.colour,
            label=label or "qucnn_cirq",
        )
    axes.set_xticks(range(len(kernels)), [str(each) for each in kernels])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(_few))
    axes.set_xlabel("kernel")
    axes.set_ylabel(_PANELS[column])
    return axes


def _few(value: float, position: int | None) -> str:
    """Labels for 2 and 5 in each decade."""
    text = f"{value:g}"
    return text if text.strip("0.")[:1] in ("2", "5") else ""


def text(table: pd.DataFrame) -> str:
    """What a table shows: gates and depth of every point."""
    axes = list(table.columns[1 : list(table.columns).index("two_qubit_gates")])
    lines = []
    for _, row in table.iterrows():
        where = ", ".join(str(row[axis]) for axis in axes)
        verified = {True: "", False: " NOT VERIFIED"}.get(row.get("verified"), "")
        lines.append(
            f"{where}: {row['two_qubit_gates']} / {row['two_qubit_depth']}, predicted error "
            f"{row['error']:.3f}{verified}"
        )
    return "\n".join(lines)
