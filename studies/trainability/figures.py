"""Figures of a trainability sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import save_drawn

_LAYERS = "convolution.filters.layers"
_PANELS = {"qubits": "qubits of a register", _LAYERS: "layers of the ansatz"}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws the variance of gradients against qubits and against depth.

    Returns:
        Names of the figures, without suffix.
    """
    columns = [column for column in _PANELS if column in table and table[column].nunique() > 1]
    figure = Figure(figsize=(3.4 * max(1, len(columns)) + 1.4, 3.2), layout="constrained")
    panels = figure.subplots(1, max(1, len(columns)), squeeze=False, sharey=True)[0]
    for axes, column in zip(panels, columns or ["qubits"], strict=True):
        plot_variance(axes, table, column)
    panels[0].set_ylabel(r"variance of $\partial F / \partial\theta$")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=7, frameon=False, loc="outside right upper")
    save_drawn(figure, table, folder, "trainability")
    return ["trainability"]


def plot_variance(axes: Axes, table: pd.DataFrame, x: str) -> Axes:
    """Variance of the gradient, log scale; bands are 95 % bootstrap intervals over samples.

    Against qubits, depths are those of the deepest ansatz; against depth, a register is that of
    the 4x4 kernel if there is one, else the largest. The dashed line is 1 / (d (d + 2)).

    Args:
        axes: Where to draw.
        table: The results.
        x: "qubits" or the layers.

    Returns:
        The axes.
    """
    if x == "qubits" and _LAYERS in table:
        table = table[table[_LAYERS] == table[_LAYERS].max()]
    if x == _LAYERS:
        qubits = set(table["qubits"])
        table = table[table["qubits"] == (4 if 4 in qubits else max(qubits))]
    keys = [k for k in ("data", "noise.scale") if k in table and table[k].nunique() > 1]
    palette = seaborn.color_palette("colorblind")
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    for number, (values, own) in enumerate(groups):
        chosen = dict(zip(keys, values, strict=True))
        label = str(chosen.get("data", "gradients"))
        if "noise.scale" in chosen:
            scale = float(chosen["noise.scale"])
            label += ", ideal" if scale == 0 else f", noise x {scale:g}"
        mean = own.groupby(x)[["variance", "variance_low", "variance_high"]].mean()
        colour = palette[number % len(palette)]
        axes.plot(mean.index, mean["variance"], "osD^vP"[number % 6] + "-", ms=4, lw=1.0,
                  color=colour, label=label)  # fmt: skip
        axes.fill_between(
            mean.index, mean["variance_low"], mean["variance_high"], color=colour, alpha=0.2, lw=0
        )
    theory = table.groupby(x)["theory"].mean()
    axes.plot(theory.index, theory, "--", color="black", lw=0.9, label="1 / (d (d + 2))")
    axes.set_yscale("log")
    axes.set_xticks(sorted(set(table[x])))
    axes.set_xlabel(_PANELS[x])
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def text(table: pd.DataFrame) -> str:
    """What a table shows: the variance beside 1 / (d (d + 2)), for the deepest ansatz."""
    deepest = table
    if _LAYERS in table:
        deepest = table[table[_LAYERS] == table[_LAYERS].max()]
    keys = [k for k in ("data", "noise.scale") if k in table and table[k].nunique() > 1]
    lines = []
    for _, row in deepest.iterrows():
        where = "".join(f"{row[key]}, " for key in keys)
        lines.append(
            f"{where}{row['qubits']} qubits: variance {row['variance']:.3g} "
            f"({row['variance_low']:.3g} to {row['variance_high']:.3g}), "
            f"{row['variance'] / row['theory']:.2f} of 1/(d(d+2))"
        )
    return "\n".join([*lines, *check_lines(table)])
