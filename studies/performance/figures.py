"""Figures of a performance sweep."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.engines import engine_label
from studies.grouping import axes_of, groups
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.performance.peers import PEERS
from studies.performance.study import COLUMNS
from studies.sweep.results import Results
from studies.wording import axis_text, name_by_axis, noise_text

_FIGURES = LineFigures(
    COLUMNS,
    name_by_axis(
        {
            "engine": lambda _, name: PEERS[name].label if name in PEERS else engine_label(name),
            "noise.scale": lambda scale, text: "noisy" if scale == 1 else noise_text(scale, text),
            "patches": lambda count, text: f"{text} patch{'' if count == 1 else 'es'} a call",
        }
    ),
    apart=("engine", "noise.scale"),
    along={"qubits": ("convolution.kernel",)},
)
_PANELS = {"qubits": "qubits of the circuit", "patches": "patches of a call"}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the time for each patch against what varies.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    varying = [column for column in _PANELS if column in table and table[column].nunique() > 1]
    names = []
    for x in varying or ["qubits"]:
        plot, data = partial(plot_time, x=x), partial(time_data, x=x)
        name = f"performance_against_{x}"
        names += _FIGURES.draw(_FIGURES.arrange(table, x), [plot], data, folder, name)
    return names


def time_data(table: pd.DataFrame, x: str, others: Others = None) -> pd.DataFrame:
    """The time for each patch against one axis.

    Args:
        table: The results.
        x: "qubits" or "patches".
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis, with the time of the fastest repetition.

    Raises:
        InputError: If it would be the fastest of anything but repetitions.
    """

    def fastest(own: pd.DataFrame) -> dict[str, object]:
        return {"seconds_per_patch": float(own["seconds_per_patch"].min())}

    return _FIGURES.tabulate(table, x, others, ["seconds_per_patch"], fastest)


def plot_time(
    axes: Axes, table: pd.DataFrame, x: str, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `time_data` gives, a line for each engine and noise; dashed without noise.

    Args:
        axes: Where to draw.
        table: The results.
        x: "qubits" or "patches".
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If it would be the fastest of anything but repetitions.
    """
    lines = _FIGURES.lines(table, x, others)
    data = time_data(table, x, lines)
    for label, own, style in series_of(data, lines, styles, alone="time"):
        ideal = "noise.scale" in own and own["noise.scale"].iloc[0] == 0
        style.plot(axes, own[x], own["seconds_per_patch"], "--" if ideal else "-", label=label)
    if x == "patches":
        log_axis(axes, "x")
    elif data[x].nunique() <= 10:
        axes.set_xticks(sorted(set(data[x])))
    log_axis(axes, "y")
    axes.set(xlabel=_PANELS.get(x, x), ylabel="time for each patch (s), fastest run")
    axes.grid(axis="y", lw=0.3)
    return axes


def text(results: Results) -> str:
    """What a table shows: the fastest time of each engine, over all batch sizes, and ratios.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    if "engine" not in table:
        table = table.assign(engine="the engine")
    keys = [axis for axis in axes_of(table, COLUMNS) if axis not in ("engine", "patches")]
    lines = []
    for values, own in groups(table, keys):
        where = ", ".join(axis_text(axis, value) for axis, value in values.items())
        best = own.groupby("engine", sort=False)["seconds_per_patch"].min()
        times = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in best.items())
        lines.append(f"{where + ': ' if where else ''}{times}")
        if "exact" in best:
            others = (best / best["exact"]).drop("exact")
            ratios = ", ".join(f"{name} {ratio:,.0f}" for name, ratio in others.items())
            lines.append(f"  times slower than exact: {ratios}" if ratios else "")
    if "largest_deviation" in table:
        deviation = table.groupby("engine", sort=False)["largest_deviation"].max().dropna()
        agreement = ", ".join(f"{name} {value:.1g}" for name, value in deviation.items())
        lines.append(f"largest deviation from the exact means: {agreement}")
    return "\n".join(line for line in lines if line)
