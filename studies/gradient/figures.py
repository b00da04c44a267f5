"""Figures of a gradient sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from studies.crosscheck import check_lines
from studies.drawing import save_drawn

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
    figure = Figure(figsize=(2.9 * len(groups) + 1.5, 3.2), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    parts = []
    for axes, (values, own) in zip(panels, groups, strict=True):
        title = ", ".join(_title(key, value) for key, value in zip(keys, values, strict=True))
        data = plot_gradient_error(axes, own)
        axes.set_title(title, size=8, loc="left")
        parts.append(data.assign(panel=title))
    panels[0].set_ylabel("error of a gradient, RMSE over angles")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=7, frameon=False, loc="outside right upper")
    save_drawn(figure, pd.concat(parts), folder, "gradient")
    return ["gradient"]


def plot_gradient_error(axes: Axes, table: pd.DataFrame) -> pd.DataFrame:
    """Root mean square error of the gradient against the shots of each circuit, log-log.

    One line for each method and g. Points: over draws and repetitions; bands: 95 % interval of
    the mean square; dashed: what the variance formulas and the exact noisy means predict.

    Returns:
        The numbers drawn.
    """
    keys = [key for key in ("method", "upstream") if key in table]
    upstreams = sorted(table["upstream"].unique()) if "upstream" in table else []
    palette = seaborn.color_palette("colorblind")
    colours = dict(zip(upstreams, palette, strict=False))
    markers = dict(zip(_NAMES, "osPD^v", strict=True))
    drawn = []
    for values, own in table.groupby(keys, sort=False) if keys else [((), table)]:
        chosen = dict(zip(keys, values, strict=True))
        method = str(chosen.get("method", ""))
        colour = colours.get(chosen.get("upstream"), palette[0])
        label = _NAMES.get(method, method)
        if "upstream" in chosen:
            label += f", g = {chosen['upstream']:g}"
        squares = own.assign(
            square=own["rmse"] ** 2,
            low=own["rmse_low"] ** 2,
            high=own["rmse_high"] ** 2,
            theory=own["predicted_rmse"] ** 2 if "predicted_rmse" in own else np.nan,
        )
        means = np.sqrt(squares.groupby("shots")[["square", "low", "high", "theory"]].mean())
        filled = method != "parameter_shift"
        axes.plot(
            means.index,
            means["square"],
            markers.get(method, "o"),
            # Lines that coincide stay visible inside one another.
            ms=3.5 + 1.8 * upstreams.index(chosen["upstream"]) if "upstream" in chosen else 4,
            color=colour,
            mfc=colour if filled else "white",
            label=label,
        )
        axes.fill_between(means.index, means["low"], means["high"], color=colour, alpha=0.2, lw=0)
        axes.plot(means.index, means["theory"], "--", lw=0.9, color=colour)
        drawn.append(means.reset_index().assign(**chosen))
    axes.plot([], [], "--", color="0.3", lw=0.9, label="formula")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("shots for each circuit")
    axes.spines[["top", "right"]].set_visible(False)
    return pd.concat(drawn).rename(columns={"square": "rmse"})


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
    return _STATES.get(str(value), f"{key.rpartition('.')[2]} {value}")
