"""Figures of tables: styles of lines, legends and titles, and the files of a figure."""

from __future__ import annotations

import contextlib
import errno
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from noise_models.errors import place_of, words_of
from noise_models.writing import atomic_write
from qucnn_cirq.drawing.theme import LEGEND_SIZE, SIZES, keep_words, save_figure_as
from qucnn_cirq.drawing.ticks import TickTexts, log_axis, separate_labels
from studies.grouping import is_numeric

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class About:
    """What figures are drawn of.

    Attributes:
        conditions: The device, the noise and what was swept, in words.
        source: The program and its commit.
        titled: Whether figures say the conditions above.
    """

    conditions: str = ""
    source: str = ""
    titled: bool = False


_NOTHING = About()
_ABOUT: ContextVar[About] = ContextVar("about", default=_NOTHING)

COLUMN, PAGE = 3.4, 7.0
"""Widths in inches of one and of both columns of a journal. Figures are drawn at the size at which
they are printed, so that no text is smaller than it says."""

_CHARACTER = 0.5 / 72
"""Mean width of a character in inches for each point of its size."""
LINE = 0.13
"""Height in inches of a line of small text."""
_LABEL_CHARACTERS, _LABEL_LINES = 18, 5
"""Of the label of a category."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""Errors of the system that concern the folder, not what is drawn into it."""
_MARKERS = "osD^vPX*hp"


@dataclass(frozen=True)
class SeriesStyle:
    """How one line of a figure looks: the marker tells it apart without colours too.

    Attributes:
        colour: As matplotlib takes it.
        marker: As matplotlib takes it.
        size: Size of the marker; later ones are smaller and stay visible on top of earlier ones.
        hollow: Whether only its edge is drawn.
    """

    colour: Any
    marker: str
    size: float
    hollow: bool = False

    def plot(
        self, axes: Axes, x: pd.Series, y: pd.Series, line: str = "-", **options: object
    ) -> None:
        """Draws a line with a marker at each point.

        Args:
            axes: Where to draw.
            x: Places on the x axis.
            y: Places on the y axis, as many.
            line: Style of the line, as matplotlib takes it; empty for markers alone.
            options: What else `Axes.plot` takes.
        """
        face = "none" if self.hollow else self.colour
        look: dict[str, Any] = {"ms": self.size, "color": self.colour, "mfc": face, **options}
        axes.plot(x, y, self.marker + line, **look)

    def fill(
        self, axes: Axes, x: pd.Series, low: pd.Series, high: pd.Series, alpha: float = 0.25
    ) -> None:
        """Draws a band in the colour of the line, which is drawn before; see `_bounded`.

        Args:
            axes: Where to draw.
            x: Places on the x axis.
            low: Its lower end at each of them.
            high: Its upper end.
            alpha: How opaque it is, from 0 to 1.
        """
        with _bounded(axes, x, low, high):
            axes.fill_between(x, low, high, color=self.colour, alpha=alpha, lw=0)

    def bars(self, axes: Axes, x: pd.Series, low: pd.Series, high: pd.Series) -> None:
        """Draws bars in the colour of the markers, which are drawn before; see `_bounded`.

        Args:
            axes: Where to draw.
            x: Places on the x axis.
            low: The lower end of each.
            high: Its upper end.
        """
        with _bounded(axes, x, low, high):
            axes.vlines(x, low, high, color=self.colour, lw=1.0)


@contextlib.contextmanager
def _bounded(axes: Axes, x: pd.Series, low: pd.Series, high: pd.Series) -> Iterator[None]:
    """While bands are drawn, keeps them from squeezing what they are about.

    Student's interval of two repetitions is 13 standard errors to either side: where it were the
    limits of the axes, nobody would see the means. So the axes reach beyond what was drawn before
    by twice its height at most, and cut off what is wider.
    """
    before = axes.dataLim.frozen()
    yield
    least, most = before.intervaly
    room = 2 * (most - least)
    if not (np.isfinite(room) and room > 0):
        return
    axes.dataLim.set(before)
    ends = np.concatenate([low, high]).astype(float).clip(least - room, most + room)
    places = np.concatenate([x, x]).astype(float)
    known = np.isfinite(ends)
    axes.update_datalim(np.column_stack([places, ends])[known])


def series_styles(count: int, ordered: bool = False) -> list[SeriesStyle]:
    """Styles of the lines of a figure, no two of the same look.

    Args:
        count: How many lines.
        ordered: Whether the lines stand for increasing numbers: they then become lighter.
    """
    if ordered and count > 2:
        colours = list(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, count)))
    elif count <= len(_MARKERS):
        colours = seaborn.color_palette("colorblind", max(count, 1))
    else:
        # The palette repeats itself where the markers do.
        colours = seaborn.husl_palette(count)
    sizes = np.linspace(4.8, 2.8, count) if count > 1 else [3.5]
    return [
        SeriesStyle(colours[number], _MARKERS[number % len(_MARKERS)], float(sizes[number]))
        for number in range(count)
    ]


def explain_band(axes: Axes, text: str, edged: bool = False) -> None:
    """Adds an entry to the legend that says what bands mean, with edges or without.

    Args:
        axes: The panel, whose legend takes the entry.
        text: What the bands mean.
        edged: Whether the bands have edges.
    """
    edge = {"lw": 0.6, "ec": "0.3"} if edged else {"lw": 0}
    axes.fill_between([], [], [], fc="0.5", alpha=0.35, label=text, **edge)


def explain_line(axes: Axes, text: str, style: str = "--") -> None:
    """Adds an entry to the legend that says what lines of a style mean, whatever their colour.

    Args:
        axes: The panel, whose legend takes the entry.
        text: What the lines mean.
        style: Their style, as matplotlib takes it.
    """
    axes.plot([], [], style, color="0.25", lw=1.0, label=text)


def place_on_axis(axes: Axes, values: pd.Series) -> dict[object, float]:
    """Makes an x axis of the values of a setting.

    Args:
        axes: The axes.
        values: The values; other than finite numbers stand side by side, in their order.

    Returns:
        Where each value is.
    """
    distinct = list(dict.fromkeys(values))
    if is_numeric(values):
        return {value: float(value) for value in distinct}
    labels = [_wrapped_label(str(value)) for value in distinct]
    if len(set(labels)) < len(labels):
        # What was cut off is what told them apart; the numbers beside the figure have all of it.
        labels = [f"{number}: {label}" for number, label in enumerate(labels, start=1)]
    axes.set_xticks(range(len(distinct)), labels)
    axes.set_xlim(-0.4, len(distinct) - 0.6)
    return {value: float(place) for place, value in enumerate(distinct)}


def scale_x(axes: Axes, values: pd.Series) -> None:
    """Makes an x axis logarithmic where the values are positive and spread over a decade.

    Args:
        axes: The axes, with everything drawn.
        values: What stands along the axis; others than finite numbers leave it as it is, and so
            do numbers evenly apart. With zeros among positive ones it is linear up to the
            smallest of these.
    """
    if not is_numeric(values):
        return
    positive = values[values > 0]
    is_narrow = positive.empty or values.min() < 0 or positive.max() / positive.min() < 10
    if is_narrow or _evenly_apart(values):
        if pd.api.types.is_integer_dtype(values):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif values.min() > 0:
        log_axis(axes, "x")
    else:
        smallest = float(positive.min())
        axes.set_xscale("symlog", linthresh=smallest)
        axes.xaxis.set_major_formatter(TickTexts())
        axes.set_xlim(-0.15 * smallest, 1.3 * float(values.max()))


def _evenly_apart(values: pd.Series) -> bool:
    """Whether three different numbers or more, such as steps, are evenly apart."""
    gaps = np.diff(np.unique(values.to_numpy(float)))
    return len(gaps) > 1 and bool(np.allclose(gaps, gaps[0]))


def _wrapped_label(text: str) -> str:
    """A text, such as that of a table of noise, in a few short lines."""
    lines = textwrap.wrap(text, _LABEL_CHARACTERS)
    return "\n".join([*lines[:_LABEL_LINES], *(["..."] if len(lines) > _LABEL_LINES else [])])


def slope_guide(axes: Axes, shots: pd.Series, errors: pd.Series) -> None:
    """Draws a line of slope -1/2 below all points: how errors fall with independent shots.

    Args:
        axes: A panel with logarithmic axes, shots from left to right.
        shots: Shots of every point that is drawn, at least one.
        errors: Errors of the same points, above 0.
    """
    ends = np.array([shots.min(), shots.max()], float)
    start = 0.55 * errors[shots == ends[0]].min()
    label = "slope \N{MINUS SIGN}1/2 (shot noise)"
    axes.plot(ends, start * np.sqrt(ends[0] / ends), ":", color="0.3", lw=1.0, label=label)


def set_title(axes: Axes, title: str) -> None:
    """Titles one panel of a grid, in as many lines as keep clear of its neighbours.

    Args:
        axes: A panel of a grid of subplots.
        title: One or more lines.
    """
    spec, figure = axes.get_subplotspec(), axes.get_figure(root=True)
    assert spec is not None and figure is not None
    # The labels of the ticks take a part of the panel's share of the figure.
    inches = 0.85 * figure.get_figwidth() / spec.get_gridspec().ncols
    characters = inches / (_CHARACTER * SIZES["axes.titlesize"])
    lines = [textwrap.fill(line, int(characters)) for line in title.splitlines()]
    axes.set_title("\n".join(lines))


def legend_below(figure: Figure, panels: Iterable[Axes]) -> None:
    """One legend for all panels, below them, where it covers no data.

    The figure becomes higher by as much, so that the panels keep their size.

    Args:
        figure: A figure with constrained layout.
        panels: The panels; entries of the same text appear once.
    """
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    labels = list(entries)
    columns = _legend_columns(labels, figure.get_figwidth())
    rows = -(-len(labels) // columns)
    figure.set_figheight(figure.get_figheight() + LINE * rows + 0.05)
    figure.legend(list(entries.values()), labels, loc="outside lower center", ncols=columns)


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """The most columns that fit a width in inches; entries go down each column first."""
    # Mathematical characters have longer names.
    inches = [_CHARACTER * LEGEND_SIZE * len(_plain(label)) + 0.42 for label in labels]
    for columns in range(len(labels), 1, -1):
        starts = [round(part[0]) for part in np.array_split(range(len(labels)), columns)]
        ends = [*starts[1:], len(labels)]
        pairs = zip(starts, ends, strict=True)
        if sum(max(inches[start:end]) for start, end in pairs) < width:
            return columns
    return 1


def _plain(label: str) -> str:
    """A label about as long as it is wide when typeset."""
    return re.sub(r"\\[a-z]+", "m", label).translate(str.maketrans("", "", "${}_^"))


@contextlib.contextmanager
def attempt(what: str, failures: list[str]) -> Iterator[None]:
    """Lets a failure to draw cost the drawing alone: what was measured is worth more.

    Args:
        what: What is drawn, for the user.
        failures: Takes a line that says what failed, why and where. A disk that is full or cannot
            be written to is none: it is raised.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise
        reason = textwrap.shorten(f"{type(error).__name__}: {words_of(error)}", 95)
        failures.append(
            f"the {what} could not be drawn ({reason}, {place_of(error)}); the results are stored."
        )


def name_of_key(key: str) -> str:
    """A setting's key as a part of the name of a figure: letters, digits and "_" alone.

    Args:
        key: A dotted key, such as "noise.scale"; parts of it may be paths in quotes.
    """
    # The longest name of a file has 255 bytes, and the end of a path says most.
    return re.sub(r"[^A-Za-z0-9_]+", "_", key).strip("_")[-100:]


@contextlib.contextmanager
def drawn_of(about: About) -> Iterator[None]:
    """While figures are drawn, says of what: it goes to the metadata of their files.

    Args:
        about: What they are drawn of.
    """
    token = _ABOUT.set(about)
    try:
        yield
    finally:
        _ABOUT.reset(token)


def is_titled() -> bool:
    """Whether figures say above what they were measured with."""
    return _ABOUT.get().titled


def save_figure(figure: Figure, folder: Path, name: str, dpi: int = 200) -> None:
    """Writes a figure as PNG, SVG and PDF; what it is drawn of goes to their metadata.

    Args:
        figure: The figure.
        folder: An existing folder.
        name: Name of the files, without suffix.
        dpi: Dots per inch of the PNG and of what is rasterised in the others.
    """
    about = _ABOUT.get()
    if about.titled and about.conditions and figure.get_layout_engine() is not None:
        _title_all(figure, about.conditions)
    keep_words(figure)
    lay_out(figure)
    for suffix in FORMATS:
        save_figure_as(figure, folder / f"{name}.{suffix}", dpi, about.conditions, about.source)


def _title_all(figure: Figure, text: str) -> None:
    """A title above all panels, with that which is there already; the panels keep their size."""
    characters = int(0.95 * figure.get_figwidth() / (_CHARACTER * LEGEND_SIZE))
    lines = [figure.get_suptitle(), *textwrap.wrap(text, characters)]
    lines = [line for line in lines if line]
    figure.set_figheight(figure.get_figheight() + LINE * len(lines))
    figure.suptitle("\n".join(lines), size=LEGEND_SIZE)


def lay_out(figure: Figure) -> None:
    """Finds the layout of a figure in which all labels can be read, and keeps it.

    Args:
        figure: The figure; it has no layout engine afterwards.
    """
    # Solving the layout takes longer than drawing, and all formats share it.
    figure.draw_without_rendering()
    if separate_labels(figure):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def save_drawn(figure: Figure, data: pd.DataFrame, folder: Path, name: str) -> None:
    """Writes a figure as `save_figure` does, with the numbers drawn beside it as CSV.

    Args:
        figure: The figure.
        data: The numbers that it shows; their index is left out.
        folder: An existing folder.
        name: Name of the files, without suffix.
    """
    save_figure(figure, folder, name)
    with atomic_write(folder / f"{name}.csv") as file:
        data.to_csv(file, index=False, lineterminator="\n")
