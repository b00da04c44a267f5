"""Figures of a noise sweep.

The functions ``plot_...`` draw a table on Axes and return them, with labelled artists, so that
``axes.legend()`` works; the functions ``..._data`` give the numbers that they draw.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from studies.crosscheck import check_lines
from studies.drawing import (
    COLUMN,
    PAGE,
    SeriesStyle,
    explain_band,
    explain_line,
    legend_below,
    save_drawn,
    series_styles,
    set_title,
    slope_guide,
)
from studies.statistics import mean_interval, proportion_interval

_NOT_DRAWN = ("repeat", "seed", "first")
_MOST_SERIES = 10
_MOST_MAPS = 6
_LABELS = {
    "shots": "shots for each patch",
    "noise.scale": "noise scale (1: the noise as configured)",
    "noise.depolarizing.p2": "two-qubit depolarising probability $p_2$",
    "noise.depolarizing.p1": "one-qubit depolarising probability $p_1$",
    "convolution.filters.layers": "layers of the ansatz",
    "convolution.overlap": "overlap test",
    "convolution.kernel": "kernel",
    "gate_set": "gate set",
}
_FILE_NAMES = {"convolution.filters.layers": "layers"}
_GUESSING = 0.1
"""The accuracy of naming one of ten digits at random."""


def axes_of(table: pd.DataFrame) -> list[str]:
    """The columns of a results table that are axes of the sweep and have several values."""
    columns = table.columns[: list(table.columns).index("patches")]
    return [c for c in columns if c != "point" and table[c].nunique() > 1]


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws every figure that the axes of the sweep allow.

    Against each numeric axis the error, with one line for each combination of the others; the
    accuracy as well if the maps were classified; and for noise and shots a heat map.

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
        names.append(_draw_against(table, x, others, folder))
    if {"noise.scale", "shots"} <= set(numeric):
        _draw_noise_and_shots(table, axes, folder)
        names.append("noise_and_shots")
    return names


def _draw_against(table: pd.DataFrame, x: str, others: list[str], folder: Path) -> str:
    classified = "correct" in table
    size = (PAGE if classified else COLUMN, 2.6)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, 1 + classified, squeeze=False)[0]
    plot_error(panels[0], table, x, others)
    data = error_data(table, x, others).assign(quantity="rmse")
    if classified:
        plot_accuracy(panels[1], table, x, others)
        accuracy = accuracy_data(table, x, others).assign(quantity="accuracy")
        data = pd.concat([data, accuracy])
    legend_below(figure, panels)
    what = "error_and_accuracy" if classified else "error"
    name = f"{what}_against_{_FILE_NAMES.get(x, x.replace('.', '_'))}"
    save_drawn(figure, data, folder, name)
    return name


def _draw_noise_and_shots(table: pd.DataFrame, axes: list[str], folder: Path) -> None:
    """A heat map for each combination of what varies besides noise and shots."""
    others = [axis for axis in axes if axis not in ("noise.scale", "shots")]
    maps = _series(table, others)[:_MOST_MAPS]
    columns = min(len(maps), 2)
    rows = -(-len(maps) // columns)
    width = COLUMN if columns == 1 else PAGE
    figure = Figure(figsize=(width, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    drawn = []
    for axes_, (label, own) in zip(panels, maps, strict=False):
        plot_noise_and_shots(axes_, own)
        set_title(axes_, label)
        drawn.append(noise_and_shots_data(own).assign(series=label))
    for unused in panels[len(maps) :]:
        unused.set_axis_off()
    legend_below(figure, panels)
    save_drawn(figure, pd.concat(drawn), folder, "noise_and_shots")


def error_data(table: pd.DataFrame, x: str, others: list[str]) -> pd.DataFrame:
    """The error of feature maps against one axis of the sweep.

    Args:
        table: The results.
        x: The axis.
        others: Axes that tell the lines apart.

    Returns:
        One row for each line and value of the axis: the mean over repetitions with Student's 95 %
        interval, their number, and what the exact noisy means and the variance of the shots
        predict (NaN where the engine has no means).
    """
    rows: list[dict[str, object]] = []
    for label, series in _series(table, others):
        for position, own in series.groupby(x, sort=True):
            mean, low, high = mean_interval(own["rmse"])
            predicted = own["predicted_rmse"] if "predicted_rmse" in own else pd.Series([np.nan])
            rows.append(
                {
                    "series": label,
                    x: position,
                    "rmse": mean,
                    "low": low,
                    "high": high,
                    "repetitions": len(own),
                    "predicted": float(np.sqrt((predicted**2).mean(skipna=False))),
                }
            )
    return pd.DataFrame(rows)


def plot_error(axes: Axes, table: pd.DataFrame, x: str, others: list[str]) -> Axes:
    """Draws what `error_data` gives: points, bands of their intervals, dashed predictions.

    Args:
        axes: Where to draw.
        table: The results.
        x: The axis.
        others: Axes that tell the lines apart.

    Returns:
        The axes.
    """
    data = error_data(table, x, others)
    groups = list(data.groupby("series", sort=False))
    predicted = bool(data["predicted"].notna().any())
    for style, (label, own) in zip(_styles(table, others, len(groups)), groups, strict=True):
        known = bool(own["predicted"].notna().all())
        axes.plot(
            own[x],
            own["rmse"],
            style.marker,
            # Where there is a prediction, its line leads the eye.
            ls="none" if known else "-",
            ms=style.size,
            color=style.colour,
            label=str(label) or "measured",
        )
        axes.fill_between(own[x], own["low"], own["high"], color=style.colour, alpha=0.3, lw=0)
        if known:
            axes.plot(own[x], own["predicted"], "--", color=style.colour, lw=0.9)
    numeric = pd.api.types.is_numeric_dtype(table[x])
    _scale(axes, table, x)
    if numeric:
        axes.set_yscale("log")
    if predicted:
        explain_line(axes, "predicted from exact noisy means")
    if x == "shots" and data[x].nunique() > 1:
        slope_guide(axes, data[x], data["rmse"])
    repeats = int(data["repetitions"].max())
    if repeats > 1:
        explain_band(axes, f"95 % interval, mean of {repeats} repetitions")
    axes.set_xlabel(_LABELS.get(x, x))
    axes.set_ylabel(r"error of feature maps, RMSE of $\hat F - F$")
    axes.set_title(_subject(table) + ("" if repeats > 1 else ", one repetition"))
    return axes


def accuracy_data(table: pd.DataFrame, x: str, others: list[str]) -> pd.DataFrame:
    """The accuracy of a linear classifier, fitted to exact maps of other images, on noisy maps.

    Args:
        table: The results, with classified images.
        x: The axis.
        others: Axes that tell the lines apart.

    Returns:
        One row for each line and value of the axis: the accuracy with Wilson's 95 % interval, and
        that with exact maps.
    """
    parts = []
    for label, series in _series(table, others):
        groups = series.groupby(x, sort=True)
        sums = groups[["correct", "correct_exact", "images_classified"]].sum()
        # Repetitions read the same images, so they do not make the interval narrower.
        images = groups["images_classified"].max()
        accuracy = sums["correct"] / sums["images_classified"]
        low, high = proportion_interval(accuracy * images, images)
        parts.append(
            pd.DataFrame(
                {
                    "series": label,
                    x: sums.index,
                    "accuracy": accuracy.to_numpy(),
                    "low": low,
                    "high": high,
                    "images": images.to_numpy(),
                    "exact_maps": (sums["correct_exact"] / sums["images_classified"]).to_numpy(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def plot_accuracy(axes: Axes, table: pd.DataFrame, x: str, others: list[str]) -> Axes:
    """Draws what `accuracy_data` gives, beside the accuracy with exact maps and that of guessing.

    Args:
        axes: Where to draw.
        table: The results, with classified images.
        x: The axis.
        others: Axes that tell the lines apart.

    Returns:
        The axes.
    """
    data = accuracy_data(table, x, others)
    groups = list(data.groupby("series", sort=False))
    for style, (label, own) in zip(_styles(table, others, len(groups)), groups, strict=True):
        axes.plot(
            own[x],
            own["accuracy"],
            style.marker + "-",
            ms=style.size,
            color=style.colour,
            label=str(label) or "measured",
        )
        # Thin edges keep bands that overlap apart.
        for end in ("low", "high"):
            axes.plot(own[x], own[end], "-", color=style.colour, lw=0.4)
        axes.fill_between(own[x], own["low"], own["high"], color=style.colour, alpha=0.15, lw=0)
    exact = table["correct_exact"].sum() / table["images_classified"].sum()
    images = int(data["images"].max())
    axes.axhline(exact, ls="-.", lw=0.9, color="black", label=f"exact maps: {exact:.3f}")
    axes.axhline(_GUESSING, ls=":", lw=0.9, color="0.4", label="guessing")
    explain_band(axes, "accuracy: Wilson's 95 % interval")
    _scale(axes, table, x)
    axes.set_ylim(0, 1)
    axes.set_xlabel(_LABELS.get(x, x))
    axes.set_ylabel(f"accuracy on {images} test images")
    axes.set_title("linear classifier, fitted to exact maps")
    return axes


def noise_and_shots_data(table: pd.DataFrame) -> pd.DataFrame:
    """Error over noise and shots, means over repetitions.

    Returns:
        One row for each noise scale and number of shots. `shots_worthwhile` is N*, the number of
        shots whose variance equals the squared systematic error, (1 - F^2) / bias^2 for the SWAP
        tests, with means over patches above and below: beyond it more shots no longer help.
    """
    columns = [c for c in ("rmse", "shot_rmse", "systematic_rmse") if c in table]
    squares = table[["noise.scale", "shots"]].join(table[columns] ** 2)
    data = np.sqrt(squares.groupby(["noise.scale", "shots"])[columns].mean()).reset_index()
    if len(columns) == 3:
        data["one_shot"] = data["shot_rmse"] ** 2 * data["shots"]
        data["squared_bias"] = data["systematic_rmse"] ** 2
        means = data.groupby("noise.scale")[["one_shot", "squared_bias"]].mean()
        worthwhile = means["one_shot"] / means["squared_bias"].replace(0, np.nan)
        data["shots_worthwhile"] = data["noise.scale"].map(worthwhile)
        data = data.drop(columns=["one_shot", "squared_bias"])
    return data


def plot_noise_and_shots(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `noise_and_shots_data` gives as a heat map, with N* as a line.

    Args:
        axes: Where to draw; their figure gets a colour bar.
        table: The results.

    Returns:
        The axes.
    """
    data = noise_and_shots_data(table)
    grid = data.pivot(index="shots", columns="noise.scale", values="rmse")
    positive = bool((grid.columns > 0).all())
    across = _edges(grid.columns.to_numpy(float), positive)
    up = _edges(grid.index.to_numpy(float), True)
    values = np.ma.masked_invalid(grid.to_numpy())
    norm = LogNorm(values.min(), max(values.max(), 1.01 * values.min()))
    image = axes.pcolormesh(across, up, values, cmap="cividis", norm=norm, shading="flat")
    if "shots_worthwhile" in data:
        line = data.groupby("noise.scale")["shots_worthwhile"].first().dropna()
        axes.plot(
            line.index,
            line,
            "o-",
            color="white",
            lw=1.3,
            ms=3,
            mec="black",
            mew=0.5,
            path_effects=[Stroke(linewidth=2.5, foreground="black"), Normal()],
            label=r"$N^*=\langle 1-\bar F^2\rangle/\langle\mathrm{bias}^2\rangle$: above it more "
            "shots no longer help"
            if (table.get("convolution.overlap", pd.Series([""])) != "inversion").all()
            else r"$N^*$: shot variance = bias$^2$; above it more shots no longer help",
        )
    axes.set_xscale("log" if positive else "linear")
    axes.set_yscale("log")
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(up[0], up[-1])
    axes.set_xlabel(_LABELS["noise.scale"])
    axes.set_ylabel(_LABELS["shots"])
    axes.figure.colorbar(image, ax=axes, label=r"RMSE of $\hat F - F$")
    return axes


def _edges(centres: NDArray[np.float64], logarithmic: bool) -> NDArray[np.float64]:
    """Edges of the cells around the values of an axis, halfway on its scale."""
    values = np.log(centres) if logarithmic else centres
    middle = (values[1:] + values[:-1]) / 2
    ends = (2 * values[0] - middle[0], *middle, 2 * values[-1] - middle[-1])
    return np.exp(ends) if logarithmic else np.array(ends)


def _series(table: pd.DataFrame, others: list[str]) -> list[tuple[str, pd.DataFrame]]:
    """The lines of a figure, in the order of the table."""
    if not others:
        return [("", table)]
    groups = table.groupby(others if len(others) > 1 else others[0], sort=False)
    lines = []
    for values, own in groups:
        texts = values if isinstance(values, tuple) else (values,)
        named = [_value_text(axis, value) for axis, value in zip(others, texts, strict=True)]
        lines.append((", ".join(named), own))
    return lines


def _styles(table: pd.DataFrame, others: list[str], count: int) -> list[SeriesStyle]:
    numeric = len(others) == 1 and pd.api.types.is_numeric_dtype(table[others[0]])
    return series_styles(count, ordered=numeric)


def _value_text(axis: str, value: object) -> str:
    if not isinstance(value, (int, float, np.number)):
        return str(value)
    if axis == "shots":
        return f"{int(value):,} shots"
    if axis == "noise.scale":
        return f"noise x {float(value):.2g}"
    return f"{axis.rpartition('.')[2]} {float(value):.4g}"


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
    elif pd.api.types.is_integer_dtype(values):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _subject(table: pd.DataFrame) -> str:
    patches = sorted(set(table["patches"]))
    if len(patches) == 1:
        return f"{patches[0]:,} patches"
    return f"{patches[0]:,} to {patches[-1]:,} patches"


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
