"""Figures of a trainability sweep."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from studies.crosscheck import check_lines
from studies.drawing import Styles, draw_arrangement, explain_band, line_styles
from studies.grouping import Lines, arrange, axes_of, lines_of, require, tabulate
from studies.sweep.results import Results
from studies.trainability.measurement import COLUMNS

_LAYERS = "convolution.filters.layers"
_LINES = ("data", "noise.scale")
_FILES = {"qubits": "trainability_against_qubits", _LAYERS: "trainability_against_layers"}
_PANELS = {"qubits": "qubits of a register", _LAYERS: "layers of the ansatz"}


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
        if x == "qubits" and table[x].nunique() < 2 and _LAYERS in axes_of(table, COLUMNS):
            continue
        arrangement = arrange(table, [x], COLUMNS, _name, _LINES, along=_along(x))
        names += draw_arrangement(
            arrangement,
            [functools.partial(_plot, x=x)],
            functools.partial(_data, x=x),
            _name,
            folder,
            name,
        )
    return names


def _plot(axes: Axes, table: pd.DataFrame, lines: Lines, styles: Styles, x: str) -> None:
    plot_variance(axes, table, x, lines, styles)


def _data(table: pd.DataFrame, lines: Lines, x: str) -> pd.DataFrame:
    return variance_data(table, x, lines)


def variance_data(
    table: pd.DataFrame, x: str, others: Lines | Sequence[str] | None = None
) -> pd.DataFrame:
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
    require(table, [x, *columns])

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        return {column: float(own[column].mean()) for column in columns}

    return tabulate(
        table, lines_of(table, x, others, COLUMNS, _name, _along(x)), x, COLUMNS, summarise
    )


def plot_variance(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    others: Lines | Sequence[str] | None = None,
    styles: Styles | None = None,
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
    lines = lines_of(table, x, others, COLUMNS, _name, _along(x))
    styles = styles or line_styles(table, lines)
    data = variance_data(table, x, lines)
    for label, own in data.groupby("series", sort=False):
        style = styles[str(label)]
        axes.plot(
            own[x],
            own["variance"],
            style.marker + "-",
            ms=style.size,
            color=style.colour,
            label=str(label) or "gradients",
        )
        axes.fill_between(
            own[x], own["variance_low"], own["variance_high"], color=style.colour, alpha=0.25, lw=0
        )
    label = "1/(d(d + 2)): isotropic data, real rotations"
    # Kernels of several sizes may be lines.
    for _, own in data.drop_duplicates([x, "theory"]).groupby(data.groupby(x).cumcount()):
        axes.plot(own[x], own["theory"], "--", color="black", lw=0.9, label=label)
        label = "_"
    explain_band(axes, "95 % bootstrap interval over samples")
    log_axis(axes, "y")
    if data[x].nunique() <= 10:
        axes.set_xticks(sorted(set(data[x])))
    axes.set_xlabel(_PANELS.get(x, x))
    axes.set_ylabel(r"variance of $\partial F / \partial\theta$")
    return axes


def _along(x: str) -> tuple[str, ...]:
    return ("convolution.kernel",) if x == "qubits" else ()


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    words = []
    for axis, value in values.items():
        if axis == "noise.scale":
            words.append("ideal" if value == 0 else f"noise x {texts[axis]}")
        elif axis == _LAYERS:
            words.append(f"{value} layer{'' if value == 1 else 's'}")
        else:
            key = "" if axis == "data" else f"{axis.rpartition('.')[2]} "
            words.append(key + texts[axis])
    return ", ".join(words)


def text(results: Results) -> str:
    """What a table shows: the variance beside 1 / (d (d + 2)), for the deepest ansatz.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    deepest = table
    if _LAYERS in table:
        deepest = table[table[_LAYERS] == table[_LAYERS].max()]
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
