"""Figures of a compilation sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from studies.drawing import save_drawn

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
    figure = Figure(figsize=(8.2, 2.3 * len(tests) + 0.4), layout="constrained")
    panels = figure.subplots(*shape, squeeze=False)
    for row, (test, own) in zip(panels, tests, strict=True):
        for axes, column in zip(row, _PANELS, strict=True):
            plot_cost(axes, own, column)
            axes.set_title(str(test), size=8, loc="left")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=7, frameon=False, loc="outside right upper")
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
    palette = seaborn.color_palette("colorblind")
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    for number, (values, own) in enumerate(groups):
        label = ", ".join(_NAMES.get(str(value), str(value)) for value in values)
        positions = [kernels.index(each) for each in own[kernel]] if kernel in own else [0]
        axes.plot(
            positions,
            own[column],
            "osD^vP*X"[number % 8] + "-",
            ms=4,
            lw=1.0,
            color=palette[number % len(palette)],
            label=label or "qucnn_cirq",
        )
    axes.set_xticks(range(len(kernels)), [str(each) for each in kernels])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(_few))
    axes.tick_params(axis="y", which="both", labelsize=7)
    axes.set_xlabel("kernel")
    axes.set_ylabel(_PANELS[column])
    axes.spines[["top", "right"]].set_visible(False)
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
