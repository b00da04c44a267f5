"""Figures of a budget study: shares as bars and on the map, and what less noise would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.devices import Device, load_device
from qucnn_cirq.drawing.share_map import add_share_bar, plot_share_map, share_limit
from qucnn_cirq.drawing.theme import LEGEND_SIZE
from studies.drawing import (
    COLUMN,
    LINE,
    PAGE,
    legend_below,
    save_drawn,
    series_styles,
    set_title,
)
from studies.grouping import MOST_PANELS, groups
from studies.sweep.results import Results
from studies.wording import axis_text

BARS, MAP, IMPROVEMENT = "budget", "budget_map", "budget_improvement"
_STAGES = {
    "patch": "loading the patch",
    "filter": "loading the filter",
    "meeting": "meeting",
    "readout": "readout",
}
_MECHANISMS = (
    "readout",
    "decay while operated",
    "idling",
    "coherent",
    "two-qubit depolarising",
    "one-qubit depolarising",
)
_MOST_PAGES = 4
"""Figures of one kind."""
_SHOWN = 6
"""Places that a summary names."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws, with a panel for each point, shares as bars and on the map, and improvements.

    Points that are too many for one figure go to several, and of more points than these take some
    are drawn, evenly through the sweep; a figure says above which of them it has.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    axes_names = varying(results)
    points = points_of(table, axes_names)
    titles = list(points)
    numbers = drawn_numbers(len(points))
    drawn = [points[titles[number]] for number in numbers]
    limits = Limits(
        share_limit(own.groupby("place")["share"].sum() for own in drawn),
        1.05 * max(improvement_data(results, own)["rms"].max() for own in drawn),
    )
    names = []
    for first in range(0, len(numbers), MOST_PANELS):
        own = numbers[first : first + MOST_PANELS]
        page = Page(
            {titles[each]: points[titles[each]] for each in own},
            "" if len(own) == len(points) else _which(own, len(points)),
            f"_{first // MOST_PANELS + 1}" if first else "",
        )
        names += _draw_page(results, table, page, limits, axes_names, folder)
    return names


@dataclass(frozen=True, eq=False)
class Page:
    """What the figures of up to six points have in common.

    Attributes:
        points: The rows of each point, by its title.
        note: Which points these are; empty if they are all.
        suffix: What the names of the figures end in.
    """

    points: Mapping[str, pd.DataFrame]
    note: str
    suffix: str

    def grid(self, height: float, more: float, columns: int) -> tuple[Figure, list[Axes]]:
        """An empty figure with a panel for each point, at least.

        Args:
            height: Of a row of panels, in inches.
            more: Height of what is below them; with some, the panels share their y axes.
            columns: How many panels stand side by side.

        Returns:
            The figure and its panels.
        """
        rows = -(-len(self.points) // columns)
        width = COLUMN if columns == 1 else PAGE
        size = (width, height * rows + more + (2 * LINE if self.note else 0))
        figure = Figure(figsize=size, layout="constrained")
        if self.note:
            figure.suptitle(self.note, size=LEGEND_SIZE)
        return figure, list(figure.subplots(rows, columns, squeeze=False, sharey=more > 0).ravel())


@dataclass(frozen=True)
class Limits:
    """What is the same in the figures of all points.

    Attributes:
        share: Where the colours of shares end.
        rms: Where the axis of RMS errors ends.
    """

    share: float
    rms: float


def drawn_numbers(count: int) -> list[int]:
    """Which of so many points are drawn: all, or some that are spread evenly.

    Args:
        count: How many points there are.
    """
    drawn = min(count, MOST_PANELS * _MOST_PAGES)
    return [int(each) for each in np.linspace(0, count - 1, drawn).round()]


def _which(numbers: Sequence[int], count: int) -> str:
    """Which of all points a figure shows, in words."""
    first, last = numbers[0] + 1, numbers[-1] + 1
    if last - first == len(numbers) - 1:
        some = f"points {first} to {last}" if last > first else f"point {first}"
    else:
        some = f"points {', '.join(str(each + 1) for each in numbers)}"
    return f"{some} of {count}, in the order of the sweep"


def _draw_page(
    results: Results,
    table: pd.DataFrame,
    page: Page,
    limits: Limits,
    axes_names: Sequence[str],
    folder: Path,
) -> list[str]:
    """Draws the figures of some points."""
    mechanisms = _mechanisms(table)
    stages = [stage for stage in _STAGES if stage in set(table["stage"])]
    count = len(page.points)
    columns = 1 if count == 1 else 2 if count in (2, 4) else 3

    figure, panels = page.grid(1.9, 0.6, columns)
    for axes, (title, own) in zip(panels, page.points.items(), strict=False):
        plot_shares(axes, own, stages, mechanisms)
        set_title(axes, title)
    _finished(figure, panels, count, columns)
    keys = [*axes_names, "stage", "mechanism"]
    shown = pd.concat(page.points.values())
    data = shown.groupby(keys, as_index=False)[["bias", "square", "share"]].sum()
    save_drawn(figure, data, folder, f"{BARS}{page.suffix}")

    figure, panels = page.grid(2.0, 0.6, columns)
    gains = []
    for axes, (title, own) in zip(panels, page.points.items(), strict=False):
        data = improvement_data(results, own)
        plot_improvement(axes, data, mechanisms)
        set_title(axes, title)
        gains.append(data.assign(panel=title))
    panels[0].set_ylim(0, limits.rms)
    _finished(figure, panels, count, columns)
    save_drawn(figure, pd.concat(gains), folder, f"{IMPROVEMENT}{page.suffix}")
    return [
        f"{BARS}{page.suffix}",
        *_draw_maps(page, limits.share, folder),
        f"{IMPROVEMENT}{page.suffix}",
    ]


def varying(results: Results) -> list[str]:
    """The axes that have several values.

    Args:
        results: The results.
    """
    table = results.table()
    return [axis for axis in results.plan.axes if table[axis].astype(str).nunique() > 1]


def points_of(table: pd.DataFrame, axes: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The rows of each point, by what its axes say.

    Args:
        table: The table of results.
        axes: The axes that vary.
    """
    found = {}
    for values, own in groups(table, axes):
        text = ", ".join(axis_text(axis, value) for axis, value in values.items())
        found[f"{text}: RMS {own['rms'].iloc[0]:.4f}".removeprefix(": ")] = own
    return found


def plot_shares(
    axes: Axes, table: pd.DataFrame, stages: Sequence[str], mechanisms: Sequence[str]
) -> Axes:
    """Draws the shares of one point: a bar for each stage, stacked by mechanism.

    Args:
        axes: Where to draw.
        table: The rows of one point.
        stages: All that figures show, from the top down.
        mechanisms: All that figures show, in order: each has its colour.

    Returns:
        The axes.
    """
    shares = table.groupby(["stage", "mechanism"])["share"].sum()
    for mechanism, colour in zip(mechanisms, _colours(mechanisms), strict=True):
        values = np.array([100 * shares.get((stage, mechanism), 0.0) for stage in stages])
        # Negative shares are stacked to the other side.
        before = np.array(
            [
                100
                * sum(
                    share
                    for other in mechanisms[: mechanisms.index(mechanism)]
                    if np.sign(share := shares.get((stage, other), 0.0)) == np.sign(value)
                )
                for stage, value in zip(stages, values, strict=True)
            ]
        )
        axes.barh(range(len(stages)), values, 0.7, left=before, color=colour, label=mechanism,
                  edgecolor="white", linewidth=0.3)  # fmt: skip
    axes.axvline(0, color="0.3", lw=0.6)
    axes.set_yticks(range(len(stages)), [_STAGES[stage] for stage in stages])
    axes.set_ylim(len(stages) - 0.5, -0.5)
    axes.set_xlabel("share of the mean square error (%)")
    return axes


def improvement_data(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The RMS error of one point against what is left of each mechanism.

    Args:
        results: The results.
        table: The rows of the point.

    Returns:
        Columns `mechanism`, `strength` and `rms`.
    """
    arrays = results.arrays(str(table["point"].iloc[0]))
    return pd.DataFrame(
        [
            {"mechanism": mechanism, "strength": strength, "rms": value}
            for mechanism, own in zip(
                sorted(set(table["mechanism"])), arrays["improvement"], strict=True
            )
            for strength, value in zip(arrays["strengths"], own, strict=True)
        ]
    )


def plot_improvement(axes: Axes, data: pd.DataFrame, mechanisms: Sequence[str]) -> Axes:
    """Draws the RMS error of one point against what is left of one mechanism at a time.

    Args:
        axes: Where to draw.
        data: As `improvement_data` gives it.
        mechanisms: As for `plot_shares`.

    Returns:
        The axes.
    """
    styles = series_styles(len(mechanisms))
    for mechanism, style, colour in zip(mechanisms, styles, _colours(mechanisms), strict=True):
        own = data[data["mechanism"] == mechanism].sort_values("strength")
        if len(own):
            axes.plot(own["strength"], own["rms"], style.marker + "-", color=colour, ms=3,
                      label=mechanism)  # fmt: skip
    axes.set_xlabel("what is left of one mechanism")
    axes.set_ylabel("RMS error of F, no shots")
    axes.set_xlim(1.03, -0.03)
    return axes


def text(results: Results) -> str:
    """What results show: for each point the shares of stages, mechanisms and places.

    Args:
        results: What was measured so far, at least one point.
    """
    lines = []
    for title, own in points_of(results.table(), varying(results)).items():
        lines.append(f"{title}, bias {own['total_bias'].iloc[0]:+.5f}, without shots")
        for label in ("stage", "mechanism"):
            shares = own.groupby(label)["share"].sum().sort_values(ascending=False)
            without = own.groupby(label)[f"rms_without_{label}"].first()
            parts = [
                f"{name} {100 * share:.1f} % (RMS {without[name]:.4f} without)"
                for name, share in shares.items()
            ]
            lines.append(f"  by {label}: {'; '.join(parts)}")
        places = own.groupby("place")["share"].sum().sort_values(ascending=False)[:_SHOWN]
        parts = [f"{place} {100 * share:.1f} %" for place, share in places.items()]
        lines.append(f"  largest places: {', '.join(parts)}")
    return "\n".join(lines)


def _draw_maps(page: Page, limit: float, folder: Path) -> list[str]:
    """A map for each point whose device is a grid; shares of all figures have one scale."""
    maps: dict[str, tuple[pd.Series, Device]] = {}
    for title, own in page.points.items():
        device = load_device(str(own["device"].iloc[0]))
        if all(hasattr(qubit, "row") for qubit in device.graph):
            maps[title] = own.groupby("place")["share"].sum(), device
    if not maps:
        return []
    own = replace(page, points={title: page.points[title] for title in maps})
    figure, panels = own.grid(2.4, 0.0, min(len(maps), 3))
    for axes, (title, (shares, device)) in zip(panels, maps.items(), strict=False):
        plot_share_map(axes, device, shares, limit)
        set_title(axes, title)
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    add_share_bar(panels[: len(maps)], limit)
    data = [
        shares.rename("share").reset_index().assign(panel=title)
        for title, (shares, _) in maps.items()
    ]
    save_drawn(figure, pd.concat(data), folder, f"{MAP}{page.suffix}")
    return [f"{MAP}{page.suffix}"]


def _mechanisms(table: pd.DataFrame) -> list[str]:
    there = set(table["mechanism"])
    return [*(each for each in _MECHANISMS if each in there), *sorted(there - {*_MECHANISMS})]


def _colours(mechanisms: Sequence[str]) -> list[object]:
    """The same mechanism has the same colour in every figure."""
    palette = seaborn.color_palette("colorblind", 10)
    known = {name: palette[number] for number, name in enumerate(_MECHANISMS)}
    others = iter(palette[len(_MECHANISMS) :] * (1 + len(mechanisms)))
    return [known[name] if name in known else next(others) for name in mechanisms]


def _finished(figure: Figure, panels: Sequence[Axes], used: int, columns: int) -> None:
    for number, axes in enumerate(panels):
        if number >= used:
            axes.set_axis_off()
        elif number % columns:
            axes.set_ylabel("")
    legend_below(figure, panels[:used])
