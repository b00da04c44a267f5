"""Figures of a learning sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import save_drawn

LAYERS = "convolution.filters.layers"
_AXES = ("method", "shots", "noise.scale", "noise", "device", "target")


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws fidelity against iteration, a panel for each way of learning.

    Returns:
        Names of the figures, without suffix.
    """
    keys = [key for key in _AXES if key in table and table[key].nunique() > 1]
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    figure = Figure(figsize=(2.6 * len(groups) + 0.6, 2.9), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    parts = []
    for axes, (values, own) in zip(panels, groups, strict=True):
        title = way(dict(zip(keys, values, strict=True)))
        parts.append(plot_learning(axes, own).assign(panel=title))
        axes.set_title(title, size=8, loc="left")
    panels[0].set_ylabel(r"infidelity $1 - |\langle f(\theta)|f\rangle|^2$")
    panels[0].legend(fontsize=6.5, frameon=False, loc="lower left")
    repeats = table["repeat"].nunique() if "repeat" in table else 1
    figure.supxlabel(
        f"steps of Adam; line: median of {repeats} starts, band: their middle half; "
        "dashed: best the ansatz can reach",
        size=8,
    )
    save_drawn(figure, pd.concat(parts), folder, "learning")
    return ["learning"]


def plot_learning(axes: Axes, table: pd.DataFrame) -> pd.DataFrame:
    """Infidelity against iteration, one line for each depth of the ansatz, log scale.

    Lines are medians over repetitions, bands the quartiles; dashed lines the best that exact
    optimisation reached.

    Returns:
        The numbers drawn.
    """
    drawn = []
    colours = seaborn.color_palette("colorblind")
    depths = table.groupby(LAYERS) if LAYERS in table else [("", table)]
    for colour, (layers, own) in zip(colours, depths, strict=False):
        infidelity = 1 - own["fidelity"]
        grouped = infidelity.groupby(own["iteration"])
        middle, low, high = (grouped.quantile(q) for q in (0.5, 0.25, 0.75))
        label = f"{layers} layer{'s' * (layers != 1)}" if layers != "" else "fidelity"
        axes.plot(middle.index, middle, color=colour, lw=1.2, label=label)
        axes.fill_between(middle.index, low, high, color=colour, alpha=0.2, lw=0)
        ceiling = 1 - float(own["ceiling"].median())
        if ceiling > 1e-6:
            axes.axhline(ceiling, ls="--", lw=0.9, color=colour)
        drawn.append(
            pd.DataFrame(
                {
                    "layers": layers,
                    "iteration": middle.index,
                    "median": middle.to_numpy(),
                    "low": low.to_numpy(),
                    "high": high.to_numpy(),
                    "ceiling": ceiling,
                }
            )
        )
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1.3)
    axes.spines[["top", "right"]].set_visible(False)
    return pd.concat(drawn)


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
