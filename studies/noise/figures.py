"""Figures of a noise sweep: functions from its table to Axes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import save_drawn
from studies.statistics import mean_interval, proportion_interval

_NOT_DRAWN = ("repeat", "seed", "first")
_MOST_SERIES = 10
_LABELS = {
    "shots": "shots for each patch",
    "noise.scale": "noise scale (1: the noise as configured)",
    "noise.depolarizing.p2": "two-qubit depolarising probability $p_2$",
    "noise.depolarizing.p1": "one-qubit depolarising probability $p_1$",
    "convolution.filters.layers": "ansatz layers",
    "convolution.overlap": "overlap test",
    "convolution.kernel": "kernel",
    "gate_set": "gate set",
}
_MARKERS = "osD^vP*Xhp"


def axes_of(table: pd.DataFrame) -> list[str]:
    """The columns of a results table that are axes of the sweep and have several values."""
    columns = table.columns[: list(table.columns).index("patches")]
    return [c for c in columns if c != "point" and table[c].nunique() > 1]


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws every figure that the axes of the sweep allow.

    Against each numeric axis the error, with one line for each combination of the others; the
    accuracy as well if the maps were classified; and for two numeric axes a heat map.

    Returns:
        Names of the figures, without suffix.
    """
    names: list[str] = []
    axes = [axis for axis in axes_of(table) if axis not in _NOT_DRAWN]
    numeric = [axis for axis in axes if pd.api.types.is_numeric_dtype(table[axis])]
    for x in numeric or axes:
        others = [axis for axis in axes if axis != x]
        if table.groupby(others).ngroups > _MOST_SERIES if others else False:
            others = [axis for axis in others if axis not in numeric]
        classified = "correct" in table
        figure = Figure(figsize=(3.5 * (1 + classified), 3.0), layout="constrained")
        panels = figure.subplots(1, 1 + classified, squeeze=False)[0]
        data = plot_error(panels[0], table, x, others)
        if classified:
            plot_accuracy(panels[1], table, x, others)
        name = f"error_against_{_file_name(x)}"
        save_drawn(figure, data, folder, name)
        names.append(name)
    if {"noise.scale", "shots"} <= set(numeric):
        figure = Figure(figsize=(3.6, 3.1), layout="constrained")
        data = plot_noise_and_shots(figure.subplots(), table)
        save_drawn(figure, data, folder, "noise_and_shots")
        names.append("noise_and_shots")
    return names


def plot_error(axes: Axes, table: pd.DataFrame, x: str, others: list[str]) -> pd.DataFrame:
    """The error of feature maps against one axis of the sweep.

    Points are means over repetitions, bands Student's 95 % intervals of these means, dashed lines
    what the exact noisy means and the variance of the shots predict.

    Args:
        axes: Where to draw.
        table: The results.
        x: The axis.
        others: Axes that tell the lines apart.

    Returns:
        The numbers drawn.
    """
    drawn: list[dict[str, object]] = []
    colours = seaborn.color_palette("colorblind", _MOST_SERIES)
    for number, (label, series) in enumerate(_series(table, others)):
        groups = [(value, own) for value, own in series.groupby(x, sort=True)]
        positions = [value for value, _ in groups]
        ends = np.array([mean_interval(own["rmse"]) for _, own in groups])
        colour = colours[number % len(colours)]
        axes.plot(
            positions,
            ends[:, 0],
            _MARKERS[number % len(_MARKERS)] + "-",
            ms=3.5,
            lw=1.0,
            color=colour,
            label=label or "measured",
        )
        axes.fill_between(positions, ends[:, 1], ends[:, 2], color=colour, alpha=0.25, lw=0)
        predicted = [np.nan] * len(groups)
        if "predicted_rmse" in series and series["predicted_rmse"].notna().all():
            predicted = [float(np.sqrt((own["predicted_rmse"] ** 2).mean())) for _, own in groups]
            axes.plot(positions, predicted, "--", color="black", lw=0.8, zorder=3)
        for position, (mean, low, high), theory in zip(positions, ends, predicted, strict=True):
            drawn.append(
                {
                    "series": label,
                    x: position,
                    "rmse": mean,
                    "low": low,
                    "high": high,
                    "predicted": theory,
                }
            )
    if "predicted_rmse" in table:
        axes.plot([], [], "--", color="black", lw=0.8, label="predicted")
    _scale(axes, table, x)
    if pd.api.types.is_numeric_dtype(table[x]):
        axes.set_yscale("log")
    if x == "shots" and len(drawn) > 1:
        _slope_guide(axes, drawn, x)
    axes.set_xlabel(_LABELS.get(x, x))
    axes.set_ylabel(r"error of a feature map, RMSE of $\hat F - F$")
    repeats = table.groupby([x, *others])["rmse"].size().max()
    how = (
        f"mean of {repeats} repetitions, band: 95 % interval of the mean"
        if repeats > 1
        else "one repetition"
    )
    axes.set_title(f"{_subject(table)}\n{how}", size=7, loc="left")
    axes.legend(fontsize=6.5, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return pd.DataFrame(drawn)


def plot_accuracy(axes: Axes, table: pd.DataFrame, x: str, others: list[str]) -> pd.DataFrame:
    """The accuracy of a linear classifier that reads the noisy maps.

    It was fitted to exact maps of other images. Bands are Wilson's 95 % intervals over all images
    and repetitions; the dashed line is the accuracy with exact maps.

    Returns:
        The numbers drawn.
    """
    drawn: list[dict[str, object]] = []
    colours = seaborn.color_palette("colorblind", _MOST_SERIES)
    for number, (label, series) in enumerate(_series(table, others)):
        sums = series.groupby(x, sort=True)[["correct", "correct_exact", "images_classified"]].sum()
        # Repetitions read the same images, so they do not make the interval narrower.
        images = series.groupby(x, sort=True)["images_classified"].max()
        accuracy = sums["correct"] / sums["images_classified"]
        low, high = proportion_interval(accuracy * images, images)
        colour = colours[number % len(colours)]
        style = _MARKERS[number % len(_MARKERS)] + "-"
        axes.plot(sums.index, accuracy, style, ms=3.5, lw=1.0, color=colour, label=label)
        axes.fill_between(sums.index, low, high, color=colour, alpha=0.2, lw=0)
        for position, value, bottom, top in zip(sums.index, accuracy, low, high, strict=True):
            drawn.append(
                {"series": label, x: position, "accuracy": value, "low": bottom, "high": top}
            )
    exact = table["correct_exact"].sum() / table["images_classified"].sum()
    axes.axhline(exact, ls="--", lw=0.8, color="black", label=f"exact maps: {exact:.3f}")
    axes.axhline(0.1, ls=":", lw=0.8, color="0.4", label="guessing")
    _scale(axes, table, x)
    axes.set_ylim(0, 1)
    axes.set_xlabel(_LABELS.get(x, x))
    axes.set_ylabel("accuracy on test images")
    axes.set_title(
        f"{int(table['images_classified'].max())} images, band: Wilson's 95 % interval",
        size=7,
        loc="left",
    )
    # Above the line of guessing.
    axes.legend(fontsize=6.5, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 0.11))
    axes.spines[["top", "right"]].set_visible(False)
    return pd.DataFrame(drawn)


def plot_noise_and_shots(axes: Axes, table: pd.DataFrame) -> pd.DataFrame:
    """Error over noise and shots, with the line beyond which more shots no longer help.

    On that line the variance of the shots equals the squared systematic error.

    Returns:
        The numbers drawn.
    """
    grid = table.pivot_table(index="shots", columns="noise.scale", values="rmse", aggfunc="mean")
    image = axes.pcolormesh(
        grid.columns,
        grid.index,
        np.log10(grid.to_numpy()),
        cmap="cividis",
        shading="nearest",
    )
    parts = {
        name: table.pivot_table(index="shots", columns="noise.scale", values=name, aggfunc="mean")
        for name in ("shot_rmse", "systematic_rmse")
        if name in table
    }
    if len(parts) == 2:
        ratio = np.log10(parts["shot_rmse"] / parts["systematic_rmse"].replace(0, np.nan))
        if ratio.min().min() < 0 < ratio.max().max():
            axes.contour(
                ratio.columns, ratio.index, ratio, levels=[0], colors="white", linewidths=1.4
            )
            axes.plot([], [], color="0.6", lw=1.4, label="white: shot noise = systematic error")
            axes.legend(fontsize=6, loc="lower left")
    positive = (grid.columns > 0).all()
    axes.set_xscale("log" if positive else "linear")
    axes.set_yscale("log")
    axes.set_xlabel(_LABELS["noise.scale"])
    axes.set_ylabel(_LABELS["shots"])
    axes.figure.colorbar(image, ax=axes, label=r"$\log_{10}$ RMSE of $\hat F - F$")
    return table[["shots", "noise.scale", "rmse", *parts]]


def _series(table: pd.DataFrame, others: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """The lines of a figure, in the order of the table."""
    if not others:
        return [("", table)]
    groups = table.groupby(others if len(others) > 1 else others[0], sort=False)
    lines = []
    for values, own in groups:
        texts = values if isinstance(values, tuple) else (values,)
        named = [
            f"{value:g} {_short(axis)}" if isinstance(value, (int, float)) else str(value)
            for axis, value in zip(others, texts, strict=True)
        ]
        lines.append((", ".join(named), own))
    return lines


def _scale(axes: Axes, table: pd.DataFrame, x: str) -> None:
    """A logarithmic axis where the values are positive and spread over a decade."""
    if not pd.api.types.is_numeric_dtype(table[x]):
        axes.tick_params(axis="x", labelrotation=20)
        return
    values = table[x]
    if values.min() > 0 and values.max() / values.min() >= 10:
        axes.set_xscale("log")
    elif (values >= 0).all() and values[values > 0].max() / values[values > 0].min() >= 10:
        smallest = float(values[values > 0].min())
        axes.set_xscale("symlog", linthresh=smallest)
        axes.set_xlim(-0.15 * smallest, 1.3 * float(values.max()))


def _slope_guide(axes: Axes, drawn: list[dict[str, object]], x: str) -> None:
    """A line of slope -1/2 below the points: what independent shots give."""
    positions = np.array([float(each[x]) for each in drawn])  # type: ignore[arg-type]
    values = np.array([float(each["rmse"]) for each in drawn])  # type: ignore[arg-type]
    ends = np.array([positions.min(), positions.max()])
    start = 0.6 * values[positions == ends[0]].min()
    axes.plot(ends, start * np.sqrt(ends[0] / ends), ":", color="0.4", lw=1.0, label="slope -1/2")


def _subject(table: pd.DataFrame) -> str:
    patches = sorted(set(table["patches"]))
    return f"{patches[0]:,} patches" if len(patches) == 1 else "patches as in the table"


def _short(axis: str) -> str:
    return axis.rpartition(".")[2]


def _file_name(axis: str) -> str:
    return axis.replace(".", "_")


def text(table: pd.DataFrame) -> str:
    """What a table shows, in a few lines."""
    axes = axes_of(table)
    lines = [f"{len(table)} points; axes: {', '.join(axes) or 'none'}"]
    for bound, row in (("smallest", table["rmse"].idxmin()), ("largest", table["rmse"].idxmax())):
        where = ", ".join(f"{axis} = {table.at[row, axis]}" for axis in axes)
        lines.append(
            f"{bound} RMSE {table.at[row, 'rmse']:.5f}" + (f" at {where}" if where else "")
        )
    if "predicted_rmse" in table and table["predicted_rmse"].notna().all():
        ratio = table["rmse"] / table["predicted_rmse"]
        lines.append(
            f"measured / predicted RMSE: mean {ratio.mean():.4f}, "
            f"from {ratio.min():.4f} to {ratio.max():.4f}"
        )
    if "correct" in table:
        lines += _accuracy_lines(table, axes)
    return "\n".join([*lines, *check_lines(table)])


def _accuracy_lines(table: pd.DataFrame, axes: list[str]) -> list[str]:
    """The accuracy with exact maps, and the range with noisy ones."""
    accuracy = table["correct"] / table["images_classified"]
    exact = (table["correct_exact"] / table["images_classified"]).mean()
    lines = [f"accuracy with exact feature maps {exact:.3f}"]
    for bound, row in (("largest", accuracy.idxmax()), ("smallest", accuracy.idxmin())):
        where = ", ".join(f"{axis} = {table.at[row, axis]}" for axis in axes)
        images = table.at[row, "images_classified"]
        low, high = proportion_interval(table.at[row, "correct"], images)
        lines.append(
            f"{bound} accuracy {accuracy[row]:.3f} (95 %: {float(low):.3f} to {float(high):.3f}, "
            f"{images} images)" + (f" at {where}" if where else "")
        )
    return lines
