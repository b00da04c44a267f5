"""Figures of a trainability sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import COLUMN, PAGE, explain_band, legend_below, save_drawn, series_styles

_LAYERS = "convolution.filters.layers"
_PANELS = {"qubits": "qubits of a register", _LAYERS: "layers of the ansatz"}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws the variance of gradients against qubits and against depth.

    Returns:
        Names of the figures, without suffix.
    """
    columns = [column for column in _PANELS if column in table and table[column].nunique() > 1]
    width = PAGE if len(columns) > 1 else COLUMN
    figure = Figure(figsize=(width, 2.6), layout="constrained")
    panels = figure.subplots(1, max(1, len(columns)), squeeze=False, sharey=True)[0]
    for axes, column in zip(panels, columns or ["qubits"], strict=True):
        plot_variance(axes, table, column)
        axes.set_title(_chosen_text(table, column))
    for axes in panels[1:]:
        axes.set_ylabel("")
    legend_below(figure, panels)
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
    table = _chosen(table, x)
    keys = [k for k in ("data", "noise.scale") if k in table and table[k].nunique() > 1]
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    for style, (values, own) in zip(series_styles(len(groups)), groups, strict=True):
        chosen = dict(zip(keys, values, strict=True))
        label = str(chosen.get("data", "gradients"))
        if "noise.scale" in chosen:
            scale = float(chosen["noise.scale"])
            label += ", ideal" if scale == 0 else f", noise x {scale:g}"
        mean = own.groupby(x)[["variance", "variance_low", "variance_high"]].mean()
        axes.plot(
            mean.index,
            mean["variance"],
            style.marker + "-",
            ms=style.size,
            color=style.colour,
            label=label,
        )
        low, high = mean["variance_low"], mean["variance_high"]
        axes.fill_between(mean.index, low, high, color=style.colour, alpha=0.25, lw=0)
    theory = table.groupby(x)["theory"].mean()
    axes.plot(
        theory.index,
        theory,
        "--",
        color="black",
        lw=0.9,
        label="1/(d(d + 2)): isotropic data, real rotations",
    )
    explain_band(axes, "95 % bootstrap interval over samples")
    axes.set_yscale("log")
    axes.set_xticks(sorted(set(table[x])))
    axes.set_xlabel(_PANELS[x])
    axes.set_ylabel(r"variance of $\partial F / \partial\theta$")
    return axes


def _chosen(table: pd.DataFrame, x: str) -> pd.DataFrame:
    """The part of a table that is drawn against an axis."""
    if x == "qubits" and _LAYERS in table:
        return table[table[_LAYERS] == table[_LAYERS].max()]
    if x == _LAYERS:
        qubits = set(table["qubits"])
        return table[table["qubits"] == (4 if 4 in qubits else max(qubits))]
    return table


def _chosen_text(table: pd.DataFrame, x: str) -> str:
    if x == "qubits" and _LAYERS in table:
        return f"{table[_LAYERS].max()} layers"
    return f"{_chosen(table, x)['qubits'].iloc[0]} qubits" if x == _LAYERS else ""


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
