"""Figures of lines: all that those of one study share with those of another.

A study says what it measured and what it calls its axes, by an object of `LineFigures`; what it
shows of the repetitions of one setting, by a function of a table; and draws one panel with
`series_of`. Which lines there are, how they look, and how panels become files is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.theme import shown_figure
from studies import drawing
from studies.drawing import COLUMN, PAGE, SeriesStyle, series_styles, set_title
from studies.grouping import (
    MOST_PANELS,
    Arrangement,
    Lines,
    Naming,
    Panel,
    arrange,
    cells,
    is_numeric,
    line_axes,
    require,
    value_texts,
)

Others = Lines | Sequence[str] | None
"""What tells lines apart: themselves, names of axes, or all axes that vary if None."""

Styles = Mapping[str, SeriesStyle]
"""The style of each line by its name."""


Plot = Callable[..., object]
"""Takes Axes, a part of a table and, by name, the `others` and `styles` of the whole figure."""

Data = Callable[..., pd.DataFrame]
"""The numbers that are drawn of a part of a table; takes it and, by name, `others`."""


@dataclass(frozen=True)
class LineFigures:
    """What the figures of one study have in common.

    Attributes:
        measured: The columns that the study documents as measured.
        name: Names lines and panels.
        apart: Axes that should tell lines apart rather than panels, all if None.
        along: By the axis of a panel, other axes that need no lines of their own where the value
            at that axis decides theirs.
    """

    measured: Collection[str]
    name: Naming
    apart: Collection[str] | None = None
    along: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def lines(self, table: pd.DataFrame, x: str, others: Others) -> Lines:
        """The lines of one panel.

        Args:
            table: The results.
            x: The axis of the panel.
            others: What tells the lines apart.
        """
        if isinstance(others, Lines):
            return others
        if others is None:
            others = line_axes(table, x, self.measured, self.along.get(x, ()))
        return Lines(table, others, self.name)

    def tabulate(
        self,
        table: pd.DataFrame,
        x: str,
        others: Others,
        columns: Collection[str],
        summarise: Callable[[pd.DataFrame], Mapping[str, object]] | None = None,
    ) -> pd.DataFrame:
        """What the lines of one panel show against its axis.

        Args:
            table: The results.
            x: The axis of the panel.
            others: What tells the lines apart.
            columns: Those that the table must have.
            summarise: What is shown of the repetitions of one setting; the means of these columns
                if None.

        Returns:
            One row for each line and value of the axis, line by line; numbers along the axis
            ascend.

        Raises:
            InputError: If a column is missing, or as `cells` does.
        """
        require(table, [x, *columns])
        lines = self.lines(table, x, others)
        keys = [axis for axis in lines.axes if axis != x] + [x]
        rows = []
        for values, own in cells(table, keys, self.measured):
            shown = summarise(own) if summarise else {name: own[name].mean() for name in columns}
            rows.append({"series": lines.label(values), **values, **shown})
        data = pd.DataFrame(rows)
        order = [data["series"].map(lines.labels.index)]
        if is_numeric(data[x]):
            order.insert(0, data[x])
        else:
            data[x] = value_texts(data[x])
        return data.iloc[np.lexsort(order)].reset_index(drop=True)

    def arrange(self, table: pd.DataFrame, x: str, most_panels: int = MOST_PANELS) -> Arrangement:
        """The panels of all figures against an axis.

        Args:
            table: The results.
            x: The axis.
            most_panels: Of one figure.

        Raises:
            InputError: If there would be too many figures.
        """
        along = self.along.get(x, ())
        return arrange(table, [x], self.measured, self.name, self.apart, along, most_panels)

    def draw(
        self,
        arrangement: Arrangement,
        plots: Sequence[Plot],
        data: Data,
        folder: Path,
        name: str,
        *,
        height: float = 2.4,
        most_columns: int = 3,
        share: Literal["col"] | bool = False,
        finish: Callable[[Figure, Sequence[Axes]], object] | None = None,
    ) -> list[str]:
        """Draws and saves the figures of an arrangement.

        Args:
            arrangement: The panels and lines.
            plots: What is drawn of each panel. One plot makes a grid of panels that share the y
                axis; several stand side by side, a row for each panel.
            data: The numbers that are drawn of a panel, which are saved beside the figure.
            folder: An existing folder.
            name: Name of the figure; further ones get a number.
            height: Height of a row in inches.
            most_columns: Panels side by side where there is one plot.
            share: "col" if the panels of each of several plots share the y axis.
            finish: Does what concerns all panels of a figure together.

        Returns:
            Names of the figures, without suffix.
        """
        names = []
        for number, parts in enumerate(arrangement.figures, start=1):
            lines = Lines(pd.concat([part.table for part in parts]), arrangement.lines, self.name)
            figure = figure_of(
                parts,
                lines,
                plots,
                height=height,
                most_columns=most_columns,
                share=share,
                finish=finish,
            )
            drawn = [data(part.table, others=lines).assign(panel=part.title) for part in parts]
            names.append(name if number == 1 else f"{name}_{number}")
            drawing.save_drawn(figure, pd.concat(drawn), folder, names[-1])
        return names


def figure_of(
    parts: Sequence[Panel],
    lines: Lines,
    plots: Sequence[Plot],
    *,
    height: float = 2.4,
    most_columns: int = 3,
    share: Literal["col"] | bool = False,
    finish: Callable[[Figure, Sequence[Axes]], object] | None = None,
) -> Figure:
    """Draws one figure.

    Args:
        parts: Its panels.
        lines: Their lines.
        plots: As for `LineFigures.draw`.
        height: As for `LineFigures.draw`.
        most_columns: As for `LineFigures.draw`.
        share: As for `LineFigures.draw`.
        finish: As for `LineFigures.draw`.
    """
    styles = _line_styles(lines)
    columns = len(plots) if len(plots) > 1 else min(len(parts), most_columns)
    rows = len(parts) if len(plots) > 1 else -(-len(parts) // columns)
    width = max(PAGE * columns / most_columns, COLUMN) if len(plots) == 1 else PAGE
    if len(parts) * len(plots) == 1:
        width = COLUMN
    figure = shown_figure(figsize=(width, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=len(plots) == 1 or share)
    panels = list(grid.ravel())
    for index, part in enumerate(parts):
        for offset, plot in enumerate(plots):
            axes = panels[index * len(plots) + offset]
            plot(axes, part.table, others=lines, styles=styles)
            own = axes.get_title(loc="left")
            set_title(axes, "\n".join(text for text in (part.title, own) if text))
    used = panels[: len(parts) * len(plots)]
    for unused in panels[len(used) :]:
        unused.set_axis_off()
    if len(plots) == 1:
        for axes in grid[:, 1:].ravel():
            axes.set_ylabel("")
    longest = max(text.get_text().count("\n") for a in used for text in a.get_xticklabels())
    figure.set_figheight(figure.get_figheight() + drawing.LINE * rows * longest)
    if finish is not None:
        finish(figure, used)
    drawing.legend_below(figure, used)
    return figure


def series_of(
    data: pd.DataFrame, lines: Lines, styles: Styles | None, alone: str = ""
) -> list[tuple[str, pd.DataFrame, SeriesStyle]]:
    """The lines of a panel one by one: the name, the rows and the style of each.

    Args:
        data: What they show, as `LineFigures.tabulate` gives it.
        lines: All lines of the figure.
        styles: How each line looks; no two alike if None.
        alone: Name of the only line, where nothing tells lines apart.
    """
    styles = styles or _line_styles(lines)
    series = data.groupby("series", sort=False)
    return [(str(label) or alone, own, styles[str(label)]) for label, own in series]


def predicted_errors(own: pd.DataFrame) -> dict[str, float]:
    """What is predicted of the repetitions of one setting.

    Args:
        own: Their results, with ``predicted_rmse`` (NaN where nothing is predicted) and, of noise
            that was fitted, its ``_low`` and ``_high``.

    Returns:
        Root mean squares: ``predicted``, and of fitted noise the ends ``predicted_low`` and
        ``predicted_high`` of its 95 % interval. What a fit leaves open is the same for all
        repetitions, so that they do not make it narrower.
    """
    predicted = own.get("predicted_rmse", pd.Series([np.nan]))
    found = {"predicted": predicted}
    for end in ("low", "high"):
        if f"predicted_rmse_{end}" in own:
            found[f"predicted_{end}"] = own[f"predicted_rmse_{end}"]
    return {name: float(np.sqrt((values**2).mean(skipna=False))) for name, values in found.items()}


def plot_predicted(
    axes: Axes, x: pd.Series, own: pd.DataFrame, style: SeriesStyle, width: float = 0.9
) -> None:
    """Draws the dashed line of predictions, with a band where noise was fitted.

    Args:
        axes: Where to draw.
        x: Places on the x axis.
        own: The rows of one line, with the columns of `predicted_errors`.
        style: Its style.
        width: Of the line, in points.
    """
    axes.plot(x, own["predicted"], "--", color=style.colour, lw=width)
    if has_intervals(own):
        low, high = own["predicted_low"], own["predicted_high"]
        # Thin edges tell it from bands of what is measured.
        for end in (low, high):
            axes.plot(x, end, "-", color=style.colour, lw=0.4)
        style.fill(axes, x, low, high, alpha=0.12)


def explain_predicted(axes: Axes, data: pd.DataFrame, text: str) -> None:
    """Adds entries to the legend that say what lines and bands of predictions mean.

    Args:
        axes: The panel, whose legend takes the entries.
        data: What its lines show, with the columns of `predicted_errors`.
        text: What is predicted, or from what.
    """
    if data["predicted"].notna().any():
        drawing.explain_line(axes, text)
    if has_intervals(data):
        drawing.explain_band(axes, "predicted: 95 % interval by the fit of its noise", edged=True)


def has_intervals(data: pd.DataFrame) -> bool:
    """Whether predictions have intervals, as those of noise that was fitted have.

    Args:
        data: With the columns of `predicted_errors`.
    """
    ends = ["predicted_low", "predicted_high"]
    return set(ends) <= set(data) and bool(data[ends].notna().all(axis=1).any())


def _line_styles(lines: Lines) -> dict[str, SeriesStyle]:
    """A style for each line of a figure, in all of its panels; numbers become lighter."""
    return dict(zip(lines.labels, series_styles(len(lines.labels), lines.ordered), strict=True))
