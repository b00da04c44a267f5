"""A figure of one measured column against one axis, with lines and panels as they are chosen."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from noise_models.checks import one_of
from qucnn_cirq.drawing.theme import keep_words, theme
from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.errors import InputError, unknown_name
from studies import drawing
from studies.drawing import SeriesStyle, explain_band, name_of_key, place_on_axis, scale_x
from studies.grouping import (
    MOST_LINES,
    REPEATED,
    Lines,
    Panel,
    axes_of,
    groups,
    is_numeric,
)
from studies.line_figures import LineFigures, Styles, figure_of, series_of
from studies.plotting.selection import Where, conditions_of, selected
from studies.statistics import mean_error, mean_interval
from studies.wording import LAYERS, layers_text, name_by_axis, span_text

Names = str | Sequence[str] | None
"""One column, several, or none."""

BANDS = {
    "interval": (mean_interval, "95 % interval of the mean"),
    "error": (mean_error, "standard error of the mean"),
}
"""What bands can be: the mean and their ends, from values of repetitions; and what they are."""

MOST_PANELS = 12
_NAME = name_by_axis({LAYERS: layers_text})
_LABEL_CHARACTERS, _LABEL_LINES = 36, 3
_SPREAD = 0.5
"""The part of a category's width over which its lines stand side by side."""


@dataclass(frozen=True, eq=False)
class TableFigure:
    """A figure and what it shows.

    Attributes:
        figure: The figure, laid out.
        data: A row for each point drawn: panel, series, settings, the mean under the name of the
            column, the ends `low` and `high` of its band, and the number of `repetitions`.
        name: A name for its files that says what was chosen.
    """

    figure: Figure
    data: pd.DataFrame
    name: str


@dataclass(frozen=True)
class _Choice:
    """The columns of a figure."""

    x: str
    y: str
    hue: tuple[str, ...]
    facet: tuple[str, ...]
    band: str


def plot_table(
    table: pd.DataFrame,
    axes: Collection[str],
    meanings: Mapping[str, str],
    *,
    x: str | None = None,
    hue: Names = None,
    facet: Names = None,
    y: str | None = None,
    where: Where | None = None,
    band: str = "interval",
) -> TableFigure:
    """Draws a measured column against an axis: means over repetitions, and how sure they are.

    Args:
        table: The results.
        axes: The columns that were swept over; all others were measured.
        meanings: What columns mean.
        x: The axis: any column; the only axis that varies if None.
        hue: The columns that tell lines apart.
        facet: Those that tell panels apart.
        y: The measured column, of numbers; the only one if None. Rows that lack it are left out.
        where: Which rows are drawn: values by column, or texts such as "noise.scale<=1".
        band: What is drawn around the means, by its name in `BANDS`.

    Raises:
        InputError: If there is no such column, it holds no numbers, a mean would pool anything but
            repetitions, or there would be too many lines or panels.
    """
    conditions = conditions_of(where)
    rows = selected(table, conditions)
    measured = [name for name in table if name not in (*axes, *REPEATED, "point")]
    choice = _chosen(rows, measured, x, hue, facet, y, one_of("band", band, BANDS))
    rows = rows[rows[choice.y].notna()]
    parts = _panels(rows, choice)
    figures = LineFigures(measured, _NAME)
    with theme():
        lines = Lines(rows, choice.hue, _NAME)
        parted = [(part, _tabulated(figures, part.table, choice, lines)) for part in parts]
        data = pd.concat([own.assign(panel=part.title) for part, own in parted], ignore_index=True)
        label = _label(choice.y, meanings)

        def finish(figure: Figure, panels: Sequence[Axes]) -> None:
            _finish(panels, rows[choice.x], data, choice.y)
            if conditions:
                text = ", ".join(map(str, conditions))
                figure.suptitle(textwrap.fill(text, int(18 * figure.get_figwidth())), size="medium")

        plot = partial(_plot, figures=figures, choice=choice, label=label)
        figure = figure_of(parts, lines, [plot], height=2.6, finish=finish)
        keep_words(figure)
        drawing.lay_out(figure)
    return TableFigure(figure, data, _file_name(choice, [str(each) for each in conditions]))


def _chosen(
    table: pd.DataFrame,
    measured: Collection[str],
    x: str | None,
    hue: Names,
    facet: Names,
    y: str | None,
    band: str,
) -> _Choice:
    """The columns that were named, checked."""
    varying = axes_of(table, measured)
    columns = [name for name in table if name != "point"]
    numbers = [name for name in measured if is_numeric(table[name].dropna())]
    drawable = [name for name in numbers if table[name].notna().any()]
    at = _one("x", x, varying, columns)
    results = [name for name in drawable if name != "seconds"]
    height = _one("y", y, results, drawable)
    lines, panels = (
        tuple(
            _one(what, name, varying, columns)
            for name in ((names,) if isinstance(names, str) else names or ())
        )
        for what, names in (("hue", hue), ("facet", facet))
    )
    named = (at, *lines, *panels)
    twice = [name for name in named if named.count(name) > 1]
    if twice:
        raise InputError(f"{twice[0]} is named twice among x, hue and facet: leave one out.")
    if height in named:
        raise InputError(f"{height} is y: name another column for x, hue and facet.")
    return _Choice(at, height, lines, panels, band)


def _one(what: str, name: str | None, usual: Sequence[str], known: Sequence[str]) -> str:
    """A column that was named, or the only usual one."""
    if name is None:
        if len(usual) == 1:
            return usual[0]
        raise InputError(f"{what} is missing: give one of {', '.join(usual or known)}.")
    if name not in known:
        kind = "measured column of numbers" if what == "y" else "column"
        raise unknown_name(f"{kind} {what} =", name, usual or known)
    return name


def _panels(table: pd.DataFrame, choice: _Choice) -> list[Panel]:
    """A part of the table for each combination of the columns that tell panels apart."""
    titles = Lines(table, choice.facet, _NAME)
    parts = [Panel(titles.label(values), own) for values, own in groups(table, choice.facet)]
    if len(parts) > MOST_PANELS:
        raise InputError(
            f"{len(parts)} panels are more than {MOST_PANELS}: filter, or name fewer columns for "
            "facet."
        )
    most = max(sum(1 for _ in groups(part.table, choice.hue)) for part in parts)
    if most > MOST_LINES:
        raise InputError(
            f"{most} lines in a panel are more than {MOST_LINES}: name one of their columns for "
            "facet, or filter."
        )
    return parts


def _tabulated(
    figures: LineFigures, table: pd.DataFrame, choice: _Choice, lines: Lines
) -> pd.DataFrame:
    def summarise(own: pd.DataFrame) -> dict[str, object]:
        mean, low, high = BANDS[choice.band][0](own[choice.y].astype(float))
        return {choice.y: mean, "low": low, "high": high, "repetitions": len(own)}

    return figures.tabulate(table, choice.x, lines, [choice.y], summarise)


def _plot(
    axes: Axes,
    table: pd.DataFrame,
    others: Lines,
    styles: Styles,
    figures: LineFigures,
    choice: _Choice,
    label: str,
) -> None:
    """Draws one panel: bands along numbers, bars at categories and at single numbers."""
    data = _tabulated(figures, table, choice, others)
    places = place_on_axis(axes, data[choice.x])
    along = is_numeric(data[choice.x]) and len(places) > 1
    series = series_of(data, others, styles, alone=choice.y)
    offsets = np.linspace(-0.5, 0.5, len(series)) * _SPREAD if len(series) > 1 else [0.0]
    for (name, own, style), offset in zip(series, offsets, strict=True):
        if along:
            at = own[choice.x].map(places)
            style.plot(axes, at, own[choice.y], label=name)
            style.fill(axes, at, own["low"], own["high"])
        else:
            step = 0.0 if is_numeric(data[choice.x]) else float(offset)
            _plot_bars(axes, own[choice.x].map(places) + step, own, choice.y, style, name)
    if data["repetitions"].max() > 1:
        count = span_text(data["repetitions"])
        text = f"{BANDS[choice.band][1]} of {count} repetitions"
        if along:
            explain_band(axes, text)
        else:
            axes.plot([], [], "|", ms=9, color="0.25", label=text)
    axes.set(xlabel=choice.x, ylabel=label)


def _plot_bars(
    axes: Axes, at: pd.Series, own: pd.DataFrame, y: str, style: SeriesStyle, name: str
) -> None:
    """Markers with the ends of their bands, not joined."""
    style.plot(axes, at, own[y], "", label=name)
    style.bars(axes, at, own["low"], own["high"])


def _finish(panels: Sequence[Axes], values: pd.Series, data: pd.DataFrame, y: str) -> None:
    """Gives all panels the same axes."""
    means = data[y]
    # Bands that reach below zero have no end on a logarithmic axis.
    least = 10 if (data["low"] > 0).all() else 100
    if means.min() > 0 and means.max() >= least * means.min():
        log_axis(panels[0], "y")
        for axes in panels[1:]:
            log_axis(axes, "y")
    if not is_numeric(values):
        return
    for axes in panels:
        scale_x(axes, values)
    lows, highs = zip(*(axes.get_xlim() for axes in panels), strict=True)
    for axes in panels:
        axes.set_xlim(min(lows), max(highs))


def _label(y: str, meanings: Mapping[str, str]) -> str:
    """The name of a column, with what it means if that is short."""
    lines = textwrap.wrap(f"{y}: {meanings[y]}" if meanings.get(y) else y, _LABEL_CHARACTERS)
    return "\n".join(lines) if len(lines) <= _LABEL_LINES else y


def _file_name(choice: _Choice, conditions: Sequence[str]) -> str:
    parts = ["plot", choice.y, "against", choice.x]
    for word, names in (
        ("by", choice.hue),
        ("for", choice.facet),
        ("where", [each.replace("!=", "not").replace("<", "to").replace(">", "from")
                   for each in conditions]),
    ):  # fmt: skip
        parts += [word, "_".join(names)] if names else []
    return "_".join(name_of_key(part)[-60:] for part in parts)
