"""Figures of a budget study: shares as bars and on the map, and what less noise would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.devices import Device, load_device
from qucnn_cirq.drawing.share_map import add_share_bar, plot_share_map, share_limit
from qucnn_cirq.errors import InputError
from studies.drawing import COLUMN, PAGE, legend_below, save_drawn, series_styles, set_title
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
_SHOWN = 6
"""Places that a summary names."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws, with a panel for each point, shares as bars and on the map, and improvements.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    axes_names = varying(results)
    points = points_of(table, axes_names)
    if len(points) > MOST_PANELS:
        raise InputError(
            f"the axes make {len(points)} points, and a figure has up to {MOST_PANELS} panels: "
            "sweep fewer, or draw columns with qucnn plot."
        )
    mechanisms = _mechanisms(table)
    stages = [stage for stage in _STAGES if stage in set(table["stage"])]
    columns = 1 if len(points) == 1 else 2 if len(points) in (2, 4) else 3
    rows = -(-len(points) // columns)
    width = COLUMN if columns == 1 else PAGE

    figure = Figure(figsize=(width, 1.9 * rows + 0.6), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).ravel())
    for axes, (title, own) in zip(panels, points.items(), strict=False):
        plot_shares(axes, own, stages, mechanisms)
        set_title(axes, title.replace("$", r"\$"))
    _finished(figure, panels, len(points), columns)
    keys = [*axes_names, "stage", "mechanism"]
    data = table.groupby(keys, as_index=False)[["bias", "square", "share"]].sum()
    save_drawn(figure, data, folder, BARS)

    figure = Figure(figsize=(width, 2.0 * rows + 0.6), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).ravel())
    gains = []
    for axes, (title, own) in zip(panels, points.items(), strict=False):
        data = improvement_data(results, own)
        plot_improvement(axes, data, mechanisms)
        set_title(axes, title.replace("$", r"\$"))
        gains.append(data.assign(panel=title))
    panels[0].set_ylim(0, 1.05 * max(data["rms"].max() for data in gains))
    _finished(figure, panels, len(points), columns)
    save_drawn(figure, pd.concat(gains), folder, IMPROVEMENT)
    return [BARS, *_draw_maps(points, folder), IMPROVEMENT]


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


def _draw_maps(points: Mapping[str, pd.DataFrame], folder: Path) -> list[str]:
    """A map for each point whose device is a grid; shares of one figure have one scale."""
    maps: list[tuple[str, pd.Series, Device]] = []
    for title, own in points.items():
        shares = own.groupby("place")["share"].sum()
        device = load_device(str(own["device"].iloc[0]))
        if all(hasattr(qubit, "row") for qubit in device.graph):
            maps.append((title, shares, device))
    if not maps:
        return []
    columns = min(len(maps), 3)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(COLUMN if columns == 1 else PAGE, 2.4 * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    limit = share_limit(shares for _, shares, _ in maps)
    for axes, (title, shares, device) in zip(panels, maps, strict=False):
        plot_share_map(axes, device, shares, limit)
        set_title(axes, title.replace("$", r"\$"))
    for axes in panels[len(maps) :]:
        axes.set_axis_off()
    add_share_bar(panels[: len(maps)], limit)
    data = [shares.rename("share").reset_index().assign(panel=title) for title, shares, _ in maps]
    save_drawn(figure, pd.concat(data), folder, MAP)
    return [MAP]


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
