"""Figures of a trainability sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from studies.crosscheck import check_lines
from studies.drawing import explain_band
from studies.grouping import axes_of
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.sweep.results import Results
from studies.trainability.study import COLUMNS
from studies.wording import LAYERS, layers_text, name_by_axis, noise_text

_FIGURES = LineFigures(
    COLUMNS,
    name_by_axis({"noise.scale": noise_text, LAYERS: layers_text, "data": lambda _, text: text}),
    apart=("data", "noise.scale"),
    along={"qubits": ("convolution.kernel",)},
)
_FILES = {"qubits": "trainability_against_qubits", LAYERS: "trainability_against_layers"}
_PANELS = {"qubits": "qubits of a register", LAYERS: "layers of the ansatz"}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the variance of gradients against qubits and against depth.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    names = []
    for x, name in _FILES.items():
        if x not in table or (x != "qubits" and table[x].nunique() < 2):
            continue
        if x == "qubits" and table[x].nunique() < 2 and LAYERS in axes_of(table, COLUMNS):
            continue
        plot, data = partial(plot_variance, x=x), partial(variance_data, x=x)
        names += _FIGURES.draw(_FIGURES.arrange(table, x), [plot], data, folder, name)
    return names


def variance_data(table: pd.DataFrame, x: str, others: Others = None) -> pd.DataFrame:
    """The variance of the gradient against one axis.

    Args:
        table: The results.
        x: "qubits" or the layers.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: means over repetitions of the variance, of the
        ends of its 95 % bootstrap interval over samples, and of 1 / (d (d + 2)).

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    columns = ["variance", "variance_low", "variance_high", "theory"]
    return _FIGURES.tabulate(table, x, others, columns)


def plot_variance(
    axes: Axes, table: pd.DataFrame, x: str, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Variance of the gradient, log scale; bands are 95 % bootstrap intervals over samples.

    The dashed line is 1 / (d (d + 2)).

    Args:
        axes: Where to draw.
        table: The results.
        x: "qubits" or the layers.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = _FIGURES.lines(table, x, others)
    data = variance_data(table, x, lines)
    for label, own, style in series_of(data, lines, styles, alone="gradients"):
        style.plot(axes, own[x], own["variance"], label=label)
        style.fill(axes, own[x], own["variance_low"], own["variance_high"])
    label = "1/(d(d + 2)): isotropic data, real rotations"
    # Kernels of several sizes may be lines.
    for _, own in data.drop_duplicates([x, "theory"]).groupby(data.groupby(x).cumcount()):
        axes.plot(own[x], own["theory"], "--", color="black", lw=0.9, label=label)
        label = "_"
    explain_band(axes, "95 % bootstrap interval over samples")
    log_axis(axes, "y")
    if data[x].nunique() <= 10:
        axes.set_xticks(sorted(set(data[x])))
    axes.set(xlabel=_PANELS.get(x, x), ylabel=r"variance of ${}\partial F / \partial\theta$")
    return axes


def text(results: Results) -> str:
    """What a table shows: the variance beside 1 / (d (d + 2)), for the deepest ansatz.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    deepest = table
    if LAYERS in table:
        deepest = table[table[LAYERS] == table[LAYERS].max()]
    keys = [axis for axis in axes_of(deepest, COLUMNS) if axis != "convolution.kernel"]
    lines = []
    for _, row in deepest.iterrows():
        where = "".join(f"{row[key]}, " for key in keys)
        lines.append(
            f"{where}{row['qubits']} qubits: variance {row['variance']:.3g} "
            f"({row['variance_low']:.3g} to {row['variance_high']:.3g}), "
            f"{row['variance'] / row['theory']:.2f} of 1/(d(d+2))"
        )
    return "\n".join([*lines, *check_lines(table)])
