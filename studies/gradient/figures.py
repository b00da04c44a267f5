"""Figures of a gradient sweep.

`plot_gradient_error` draws a table on Axes and returns them; `gradient_error_data` gives the
numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from studies.crosscheck import check_lines
from studies.drawing import (
    PAGE,
    explain_band,
    explain_line,
    legend_below,
    save_drawn,
    series_styles,
    set_title,
    slope_guide,
)

_NAMES = {
    "in_circuit": "in circuit",
    "in_circuit_absorbed": "in circuit, g/2",
    "coin": "classical coin",
    "parameter_shift": "post-processed",
    "finite_differences": "finite differences",
    "spsa": "SPSA",
}
_STATES = {
    "superposition": "equal superposition",
    "mixed": "maximally mixed (null test)",
    "patch": "MNIST patch",
}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws the error against shots, a panel for each data state and noise.

    Returns:
        Names of the figures, without suffix.
    """
    if "shots" not in table or table["shots"].nunique() < 2:
        return []
    keys = [key for key in ("state", "noise.scale", "noise", "device") if _varies(table, key)]
    groups = list(table.groupby(keys, sort=False)) if keys else [((), table)]
    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    # Room for the legend's longest line, where there is one panel.
    width = max(PAGE * columns / 3, 0.55 * PAGE)
    figure = Figure(figsize=(width, 2.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    parts = []
    for axes, (values, own) in zip(panels.ravel(), groups, strict=False):
        title = ", ".join(_title(key, value) for key, value in zip(keys, values, strict=True))
        plot_gradient_error(axes, own)
        set_title(axes, title)
        parts.append(gradient_error_data(own).assign(panel=title))
    for unused in panels.ravel()[len(groups) :]:
        unused.set_axis_off()
    for row in panels:
        for axes in row[1:]:
            axes.set_ylabel("")
    legend_below(figure, panels.ravel()[: len(groups)])
    save_drawn(figure, pd.concat(parts), folder, "gradient")
    return ["gradient"]


def gradient_error_data(table: pd.DataFrame) -> pd.DataFrame:
    """The error of the gradient against the shots of each circuit.

    Returns:
        One row for each method, g and number of shots: the root mean square error over angles,
        draws and repetitions; the ends of the 95 % interval over draws; and what the variance
        formulas and the exact noisy means predict (NaN where there is no formula).
    """
    keys = [key for key in ("method", "upstream") if key in table]
    squares = pd.DataFrame({key: table[key] for key in [*keys, "shots"]})
    columns = {
        "rmse": "rmse",
        "low": "rmse_low",
        "high": "rmse_high",
        "predicted": "predicted_rmse",
    }
    for name, column in columns.items():
        squares[name] = table[column] ** 2 if column in table else np.nan
    groups = squares.groupby([*keys, "shots"], sort=False)[list(columns)]
    return np.sqrt(groups.mean()).reset_index()


def plot_gradient_error(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `gradient_error_data` gives, log-log, with a guide of slope -1/2.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    data = gradient_error_data(table)
    keys = [key for key in ("method", "upstream") if key in data]
    upstreams = sorted(data["upstream"].unique()) if "upstream" in data else []
    colours = dict(zip(upstreams, series_styles(len(upstreams)), strict=True))
    markers = dict(zip(_NAMES, "osPD^v", strict=True))
    plain = series_styles(1)[0]
    for values, own in data.groupby(keys, sort=False) if keys else [((), data)]:
        chosen = dict(zip(keys, values, strict=True))
        method = str(chosen.get("method", ""))
        colour = colours.get(chosen.get("upstream"), plain).colour
        label = _NAMES.get(method, method)
        if "upstream" in chosen:
            label += f", g = {chosen['upstream']:g}"
        rank = upstreams.index(chosen["upstream"]) if upstreams else 1
        hollow = method == "parameter_shift"
        axes.plot(
            own["shots"],
            own["rmse"],
            markers.get(method, "o"),
            # Points that coincide stay visible inside one another.
            ms=(3.8 if hollow else 2.4) + 1.6 * rank,
            zorder=4 - 0.1 * rank,
            color=colour,
            mfc="none" if hollow else colour,
            mew=0.8,
            label=label or "measured",
        )
        axes.fill_between(own["shots"], own["low"], own["high"], color=colour, alpha=0.3, lw=0)
        axes.plot(own["shots"], own["predicted"], "--", lw=0.8, color=colour)
    if data["predicted"].notna().any():
        explain_line(axes, "predicted: variance formula and bias")
    slope_guide(axes, data["shots"], data["rmse"])
    explain_band(axes, "95 % interval over draws")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("shots for each circuit")
    axes.set_ylabel(r"error of $\partial L/\partial\theta$, RMSE over angles")
    return axes


def text(table: pd.DataFrame) -> str:
    """What a table shows, in a few lines."""
    lines = [f"{len(table)} points"]
    if "formula_items" in table and table["formula_items"].notna().any():
        items = int(table["formula_items"].sum())
        total = float(table["formula_chi_squared"].sum())
        probability = 2 * min(stats.chi2.sf(total, items), stats.chi2.cdf(total, items))
        lines.append(
            f"estimates against the exact means and variances: {items} estimates, chi-squared "
            f"{total:.0f}, two-sided p = {min(1.0, probability):.3f}"
        )
    if {"method", "upstream", "shots"} <= set(table.columns):
        # A mixture is measured part by part, at other overlaps than its mean.
        pure = table[table["state"] != "mixed"] if "state" in table else table
        pair = pure[pure["method"].isin(["in_circuit", "parameter_shift"])]
        variance = pair.assign(variance=pair["shot_rmse"] ** 2).pivot_table(
            index="upstream", columns="method", values="variance"
        )
        if variance.shape[1] == 2:
            for g, row in variance.iterrows():
                lines.append(
                    f"g = {g:g}: the in-circuit gradient takes "
                    f"{row['in_circuit'] / row['parameter_shift']:.3g} times the shots of the "
                    f"post-processed one (1/g^2 = {1 / float(str(g)) ** 2:.3g})"
                )
    return "\n".join([*lines, *check_lines(table)])


def _varies(table: pd.DataFrame, key: str) -> bool:
    return key in table and table[key].nunique() > 1


def _title(key: str, value: object) -> str:
    if key == "noise.scale" and isinstance(value, (int, float)):
        return "ideal" if value == 0 else f"noise x {value:g}"
    if key == "noise":
        return "ideal" if value == "ideal" else f"noise of {value}"
    return _STATES.get(str(value), f"{key.rpartition('.')[2]} {value}")
