"""Figures of a performance sweep."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.engines import engine_label
from studies.drawing import PAGE, legend_below, save_drawn, series_styles
from studies.grouping import axes_of, groups
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.performance.peers import PEERS
from studies.performance.study import COLUMNS
from studies.performance.tasks import LAYERS, LOADERS
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
_KINDS = ("loaders", "layers", "circuits", "circuits on other simulators")
_SHOWN = (
    "task",
    "loader",
    "cache",
    "met",
    "seconds_per_patch",
    "seconds_per_call",
    "times_exact",
)
_SAID = ("task", "engine", "loader", "cache", "noise", "noise.scale", "patches", "images", "shots")
_AGREEMENT = {
    "largest_deviation": "largest deviation from the exact means",
    "largest_z": "the same of shots, in standard deviations",
}
_PANELS = {"qubits": "qubits of the circuit", "patches": "patches of a call"}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the time of what was swept over a size, else all times side by side.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    swept = [x for x in _PANELS if x in table and _is_swept(table, x)]
    if not swept:
        data = side_by_side_data(table)
        figure = Figure(figsize=(PAGE, 0.7 + 0.17 * len(data)), layout="constrained")
        legend_below(figure, [plot_side_by_side(figure.subplots(), table)])
        save_drawn(figure, data, folder, "performance")
        return ["performance"]
    names = []
    for x in swept:
        plot, data = partial(plot_time, x=x), partial(time_data, x=x)
        name = f"performance_against_{x}"
        names += _FIGURES.draw(_FIGURES.arrange(table, x), [plot], data, folder, name)
    return names


def _is_swept(table: pd.DataFrame, x: str) -> bool:
    """Whether anything was timed at several sizes and is otherwise the same."""
    along = (x, *_FIGURES.along.get(x, ()))
    others = [axis for axis in axes_of(table, COLUMNS) if axis not in along]
    return any(own[x].nunique() > 1 for _, own in groups(table, others))


def side_by_side_data(table: pd.DataFrame) -> pd.DataFrame:
    """All times, in the order of the table.

    Args:
        table: The results.

    Returns:
        A row for each setting, with the time of the fastest repetition: "timed" says of what
        in words, "kind" of which kind that is.
    """
    axes, rows = axes_of(table, COLUMNS), []
    others = [axis for axis in axes if axis not in _SAID]
    usual = {axis: _usual(table[axis].astype(str)) for axis in others}
    for _, own in groups(table, axes):
        best = own.loc[own["seconds_per_patch"].idxmin()]
        shown = {name: best[name] for name in _SHOWN if name in best}
        rows.append({"timed": _words(best, usual), "kind": _kind(best), **shown})
    return pd.DataFrame(rows)


def _kind(row: pd.Series) -> str:
    task = row.get("task", "run")
    if task == "run":
        return _KINDS[2] if row.get("engine") not in PEERS else _KINDS[3]
    return _KINDS[0] if task in LOADERS else _KINDS[1]


def _usual(values: pd.Series) -> str | None:
    """The value of more than half of the rows, if there is one."""
    counts = values.value_counts()
    return str(counts.index[0]) if 2 * counts.iloc[0] > len(values) else None


def _words(row: pd.Series, usual: Mapping[str, str | None]) -> str:
    """What was timed, in a few words, with those values of further axes that are not usual."""
    task, name = row.get("task", "run"), row.get("engine", "the engine")
    what = PEERS[name].label if name in PEERS else name
    if task in LOADERS:
        what = row.get("loader", "auto")
    words = [what if task == "run" else f"{task} {what}"]
    if row.get("cache") == "warm":
        words.append("warm")
    if task not in LOADERS:
        words += [str(row["noise"])] if "noise" in row else []
        words += [noise_text(row["noise.scale"])] if "noise.scale" in row else []
        words += ["no shots"] if task in LAYERS and row.get("shots") == 0 else []
    if row.get("filters", 1) > 1:
        words.append(f"{row['filters']:.0f} filters")
    words += [axis_text(a, row[a]) for a, value in usual.items() if str(row[a]) != value]
    return ", ".join(words)


def plot_side_by_side(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `side_by_side_data` gives, a row for each time.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    data = side_by_side_data(table)
    for style, kind in zip(series_styles(len(_KINDS)), _KINDS, strict=True):
        own = data[data["kind"] == kind]
        if len(own):
            style.plot(axes, own["seconds_per_patch"], own.index, "", label=kind)
    times = data["seconds_per_patch"]
    for place, seconds in enumerate(times):
        axes.annotate(
            _duration(seconds), (seconds, place), (5, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(data.index, data["timed"])
    axes.invert_yaxis()
    log_axis(axes, "x")
    # Room for what is written beside the points.
    axes.set_xlim(times.min() / 3, times.max() * 20)
    axes.set_xlabel("time for each patch (s), fastest run")
    axes.grid(axis="x", lw=0.3)
    return axes


def _duration(seconds: float) -> str:
    """A time with three digits and a unit."""
    for unit, size in (("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


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
    """What a table shows: a line for each time, and how well the others agree with exact.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    data = side_by_side_data(table)
    width = data["timed"].str.len().max()
    lines = []
    for _, row in data.iterrows():
        line = f"{row['timed']:{width}}  {_duration(row['seconds_per_patch']):>8} a patch"
        task = row.get("task", "run")
        if task in LOADERS:
            cold = data[(data["task"] == task) & (data.get("cache", "cold") == "cold")]
            first = cold.iloc[0] if len(cold) else row
            ratio = row["seconds_per_patch"] / first["seconds_per_patch"]
            line += f"  {_times(ratio):>9} times {first.get('loader', 'itself')}"
        elif task in LAYERS:
            line += f"  {_duration(row['seconds_per_call']):>9} for {row['met']:,.0f} patches"
        elif not pd.isna(row.get("times_exact")):
            line += f"  {_times(row['times_exact']):>9} times exact"
        lines.append(line)
    lines += agreement_lines(table)
    if "largest_infidelity" in table and table["largest_infidelity"].notna().any():
        lines.append(
            f"largest infidelity of a loaded patch: {table['largest_infidelity'].max():.1g}"
        )
    return "\n".join(lines)


def agreement_lines(table: pd.DataFrame) -> list[str]:
    """How far the means of each engine are from those of the exact one, at most.

    Args:
        table: The results.
    """
    lines = []
    for column, words in _AGREEMENT.items():
        if column in table and "engine" in table:
            worst = table.groupby("engine", sort=False)[column].max().dropna()
            found = ", ".join(f"{name} {value:.1g}" for name, value in worst.items())
            lines += [f"{words}: {found}"] if found else []
    return lines


def _times(ratio: float) -> str:
    """A ratio with two digits."""
    return f"{float(f'{ratio:.2g}'):,.0f}" if ratio >= 9.5 else f"{ratio:.2g}"
