"""Figures of a learning sweep.

`plot_learning` draws a table on Axes and returns them; `learning_data` gives the numbers drawn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import (
    PAGE,
    explain_band,
    explain_line,
    legend_below,
    save_drawn,
    series_styles,
    set_title,
)

LAYERS = "convolution.filters.layers"
_LOWEST = 1e-6
"""Infidelities below are not drawn: they are those of rounding."""
_AXES = ("method", "shots", "noise.scale", "noise", "device", "target")


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws fidelity against iteration, a panel for each way of learning.

    Returns:
        Names of the figures, without suffix.
    """
    keys = [key for key in _AXES if key in table and table[key].nunique() > 1]
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    width = max(PAGE * columns / 3, 0.5 * PAGE)
    figure = Figure(figsize=(width, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    parts = []
    for axes, (values, own) in zip(panels.ravel(), groups, strict=False):
        title = way(dict(zip(keys, values, strict=True)))
        plot_learning(axes, own)
        set_title(axes, title)
        parts.append(learning_data(own).assign(panel=title))
    for unused in panels.ravel()[len(groups) :]:
        unused.set_axis_off()
    for row in panels:
        for axes in row[1:]:
            axes.set_ylabel("")
    drawn = pd.concat(parts)
    lowest = drawn[["low", "ceiling"]].to_numpy()
    lowest = lowest[lowest > _LOWEST].min(initial=1.0)
    panels[0, 0].set_ylim(0.6 * lowest, 1.3)
    legend_below(figure, panels.ravel()[: len(groups)])
    save_drawn(figure, drawn, folder, "learning")
    return ["learning"]


def learning_data(table: pd.DataFrame) -> pd.DataFrame:
    """Infidelity against iteration.

    Returns:
        One row for each depth of the ansatz and iteration: the median over starts, the quartiles,
        and `ceiling`, the least that exact optimisation of the ansatz reached.
    """
    parts = []
    for layers, own in table.groupby(LAYERS) if LAYERS in table else [("", table)]:
        grouped = (1 - own["fidelity"]).groupby(own["iteration"])
        quartiles = {
            name: grouped.quantile(level)
            for name, level in (("median", 0.5), ("low", 0.25), ("high", 0.75))
        }
        part = pd.DataFrame(quartiles).reset_index()
        part.insert(0, "layers", layers)
        parts.append(
            part.assign(ceiling=1 - float(own["ceiling"].median()), starts=grouped.size().max())
        )
    return pd.concat(parts, ignore_index=True)


def plot_learning(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `learning_data` gives, log scale; dashed is what the ansatz can reach.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    data = learning_data(table)
    depths = list(data.groupby("layers", sort=False))
    reachable = False
    for style, (layers, own) in zip(series_styles(len(depths)), depths, strict=True):
        label = f"{layers} layer{'s' * (layers != 1)}" if layers != "" else "fidelity"
        axes.plot(
            own["iteration"],
            own["median"],
            style.marker + "-",
            ms=style.size,
            markevery=0.15,
            color=style.colour,
            label=label,
        )
        axes.fill_between(
            own["iteration"], own["low"], own["high"], color=style.colour, alpha=0.25, lw=0
        )
        ceiling = float(own["ceiling"].iloc[0])
        if ceiling > _LOWEST:
            axes.axhline(ceiling, ls="--", lw=0.9, color=style.colour)
            reachable = True
    if reachable:
        explain_line(axes, "the best that the ansatz can reach")
    starts = int(data["starts"].max())
    if starts > 1:
        explain_band(axes, f"middle half of {starts} starts (line: median)")
    axes.set_yscale("log")
    axes.set_xlabel("iterations of Adam")
    axes.set_ylabel(r"infidelity $1 - |\langle f(\theta)|f\rangle|^2$")
    return axes


def way(values: dict[str, object]) -> str:
    """How the gradients were obtained, for a title."""
    if values.get("method") == "exact":
        return "exact gradients"
    parts = [str(values["method"]).replace("_", " ")] if "method" in values else []
    if "shots" in values:
        parts.append(f"{int(str(values['shots'])):,} shots" if values["shots"] else "no shot noise")
    if "noise.scale" in values:
        scale = float(str(values["noise.scale"]))
        parts.append("ideal" if scale == 0 else f"noise x {scale:g}")
    if "noise" in values:
        parts.append(str(values["noise"]) or "ideal")
    parts += [str(values[key]) for key in ("device", "target") if key in values]
    return ", ".join(parts)


def text(table: pd.DataFrame) -> str:
    """What a table shows, in a few lines."""
    keys = [key for key in (*_AXES, LAYERS) if key in table and table[key].nunique() > 1]
    last = table[table["iteration"] == table["iteration"].max()]
    lines = []
    for values, own in last.groupby(keys, sort=False) if keys else [((), last)]:
        chosen = dict(zip(keys, values, strict=True))
        layers = chosen.pop(LAYERS, None)
        fidelity = own["fidelity"]
        depth = "" if layers is None else f"{layers} layer{'s' * (layers != 1)}, "
        lines.append(
            f"{depth}{way(chosen) or 'fidelity'}: median {fidelity.median():.4f} (from "
            f"{fidelity.min():.4f} to {fidelity.max():.4f}); "
            f"reachable {np.median(own['ceiling']):.4f}"
        )
    return "\n".join([*lines, *check_lines(table)])
