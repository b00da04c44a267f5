"""Figures of a performance sweep."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.engines import engine_label
from studies.drawing import Styles, draw_arrangement, line_styles
from studies.grouping import Lines, arrange, axes_of, groups, lines_of, require, tabulate
from studies.performance.measurement import COLUMNS
from studies.performance.peers import PEERS
from studies.sweep.results import Results

_LINES = ("engine", "noise.scale")
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
        arrangement = arrange(table, [x], COLUMNS, _name, _LINES, along=_along(x))
        names += draw_arrangement(
            arrangement,
            [functools.partial(_plot, x=x)],
            functools.partial(_data, x=x),
            _name,
            folder,
            f"performance_against_{x}",
        )
    return names


def _plot(axes: Axes, table: pd.DataFrame, lines: Lines, styles: Styles, x: str) -> None:
    plot_time(axes, table, x, lines, styles)


def _data(table: pd.DataFrame, lines: Lines, x: str) -> pd.DataFrame:
    return time_data(table, x, lines)


def time_data(
    table: pd.DataFrame, x: str, others: Lines | Sequence[str] | None = None
) -> pd.DataFrame:
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
    require(table, [x, "seconds_per_patch"])

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        return {"seconds_per_patch": float(own["seconds_per_patch"].min())}

    return tabulate(
        table, lines_of(table, x, others, COLUMNS, _name, _along(x)), x, COLUMNS, summarise
    )


def plot_time(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    others: Lines | Sequence[str] | None = None,
    styles: Styles | None = None,
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
    lines = lines_of(table, x, others, COLUMNS, _name, _along(x))
    styles = styles or line_styles(table, lines)
    data = time_data(table, x, lines)
    for label, own in data.groupby("series", sort=False):
        style = styles[str(label)]
        ideal = "noise.scale" in own and own["noise.scale"].iloc[0] == 0
        axes.plot(
            own[x],
            own["seconds_per_patch"],
            style.marker + ("--" if ideal else "-"),
            ms=style.size,
            color=style.colour,
            label=str(label) or "time",
        )
    if x == "patches":
        log_axis(axes, "x")
    elif data[x].nunique() <= 10:
        axes.set_xticks(sorted(set(data[x])))
    log_axis(axes, "y")
    axes.set_xlabel(_PANELS.get(x, x))
    axes.set_ylabel("time for each patch (s), fastest run")
    axes.grid(axis="y", lw=0.3)
    return axes


def _along(x: str) -> tuple[str, ...]:
    return ("convolution.kernel",) if x == "qubits" else ()


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    words = []
    for axis, value in values.items():
        text = texts[axis]
        if axis == "engine":
            words.append(PEERS[text].label if text in PEERS else engine_label(text))
        elif axis == "noise.scale":
            words.append("ideal" if value == 0 else "noisy" if value == 1 else f"noise x {text}")
        elif axis == "patches":
            words.append(f"{text} patch{'' if value == 1 else 'es'} a call")
        else:
            words.append(f"{axis.rpartition('.')[2]} {text}")
    return ", ".join(words)


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
        where = ", ".join(f"{k.rpartition('.')[2]} {v}" for k, v in values.items())
        best = own.groupby("engine", sort=False)["seconds_per_patch"].min()
        times = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in best.items())
        lines.append(f"{where + ': ' if where else ''}{times}")
        if "exact" in best:
            ratios = ", ".join(
                f"{name} {seconds / best['exact']:,.0f}"
                for name, seconds in best.items()
                if name != "exact"
            )
            lines.append(f"  times slower than exact: {ratios}" if ratios else "")
    if "largest_deviation" in table:
        deviation = table.groupby("engine", sort=False)["largest_deviation"].max().dropna()
        agreement = ", ".join(f"{name} {value:.1g}" for name, value in deviation.items())
        lines.append(f"largest deviation from the exact means: {agreement}")
    return "\n".join(line for line in lines if line)
