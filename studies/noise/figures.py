"""Figures of a noise sweep.

The functions ``plot_...`` draw a table on Axes and return them, with labelled artists, so that
``axes.legend()`` works; the functions ``..._data`` give the numbers that they draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from qucnn_cirq.drawing.ticks import TickTexts, log_axis, log_ticks
from studies.crosscheck import check_lines
from studies.drawing import (
    Styles,
    draw_arrangement,
    explain_band,
    explain_line,
    line_styles,
    place_on_axis,
    slope_guide,
)
from studies.grouping import (
    Lines,
    arrange,
    axes_of,
    cells,
    images_read,
    is_numeric,
    lines_of,
    require,
    tabulate,
)
from studies.noise.measurement import COLUMNS
from studies.statistics import mean_interval, proportion_interval
from studies.sweep.results import Results

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
_MAP_AXES = ("noise.scale", "shots")
_FILE_NAMES = {"convolution.filters.layers": "layers"}
_GUESSING = 0.1
"""The accuracy of naming one of ten digits at random."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws every figure that the axes of the sweep allow.

    Against each numeric axis the error, with one line for each combination of the others; the
    accuracy as well if the maps were classified; and for noise and shots a heat map.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    names: list[str] = []
    axes = axes_of(table, COLUMNS)
    numeric = [axis for axis in axes if is_numeric(table[axis])]
    for x in numeric or axes:
        names += _draw_against(table, x, folder)
    if set(_MAP_AXES) <= set(numeric):
        names += _draw_noise_and_shots(table, folder)
    return names


def _draw_against(table: pd.DataFrame, x: str, folder: Path) -> list[str]:
    classified = "correct" in table
    arrangement = arrange(table, [x], COLUMNS, _name, most_panels=3 if classified else 4)

    def error(axes: Axes, own: pd.DataFrame, lines: Lines, styles: Styles) -> None:
        plot_error(axes, own, x, lines, styles)
        _say_along(axes, arrangement.along)

    def accuracy(axes: Axes, own: pd.DataFrame, lines: Lines, styles: Styles) -> None:
        plot_accuracy(axes, own, x, lines, styles)
        _say_along(axes, arrangement.along)

    def data(own: pd.DataFrame, lines: Lines) -> pd.DataFrame:
        parts = [error_data(own, x, lines).assign(quantity="rmse")]
        if classified:
            parts.append(accuracy_data(own, x, lines).assign(quantity="accuracy"))
        return pd.concat(parts)

    what = "error_and_accuracy" if classified else "error"
    return draw_arrangement(
        arrangement,
        [error, accuracy] if classified else [error],
        data,
        _name,
        folder,
        f"{what}_against_{_FILE_NAMES.get(x, x.replace('.', '_'))}",
        height=2.6,
        most_columns=2,
        share="col",
    )


def _say_along(axes: Axes, along: Sequence[str]) -> None:
    if along:
        axes.set_xlabel(f"{axes.get_xlabel()}, and with it {', '.join(along)}")


def _draw_noise_and_shots(table: pd.DataFrame, folder: Path) -> list[str]:
    """A heat map for each combination of what varies besides noise and shots, on one scale."""
    arrangement = arrange(table, _MAP_AXES, COLUMNS, _name, lines=())
    norm = error_norm(noise_and_shots_data(table, arrangement.panels)["rmse"])

    def plot(axes: Axes, own: pd.DataFrame, lines: Lines, styles: Styles) -> None:
        plot_noise_and_shots(axes, own, norm)

    return draw_arrangement(
        arrangement,
        [plot],
        lambda own, lines: noise_and_shots_data(own),
        _name,
        folder,
        "noise_and_shots",
        height=2.6,
        most_columns=2,
    )


def error_data(
    table: pd.DataFrame, x: str, others: Lines | Sequence[str] | None = None
) -> pd.DataFrame:
    """The error of feature maps against one axis of the sweep.

    Args:
        table: The results.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: the mean over repetitions with Student's 95 %
        interval, their number, and what the exact noisy means and the variance of the shots
        predict (NaN where the engine has no means).

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, [x, "rmse"])

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        mean, low, high = mean_interval(own["rmse"])
        predicted = own["predicted_rmse"] if "predicted_rmse" in own else pd.Series([np.nan])
        return {
            "rmse": mean,
            "low": low,
            "high": high,
            "repetitions": len(own),
            "predicted": float(np.sqrt((predicted**2).mean(skipna=False))),
        }

    return tabulate(table, lines_of(table, x, others, COLUMNS, _name), x, COLUMNS, summarise)


def plot_error(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    others: Lines | Sequence[str] | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draws what `error_data` gives: points, bands of their intervals, dashed predictions.

    Args:
        axes: Where to draw.
        table: The results.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = lines_of(table, x, others, COLUMNS, _name)
    data = error_data(table, x, lines)
    styles = styles or line_styles(table, lines)
    places = place_on_axis(axes, data[x])
    predicted = bool(data["predicted"].notna().any())
    for label, own in data.groupby("series", sort=False):
        style = styles[str(label)]
        at = own[x].map(places)
        known = bool(own["predicted"].notna().all())
        axes.plot(
            at,
            own["rmse"],
            style.marker,
            # Where there is a prediction, its line leads the eye.
            ls="none" if known else "-",
            ms=style.size,
            color=style.colour,
            label=str(label) or "measured",
        )
        axes.fill_between(at, own["low"], own["high"], color=style.colour, alpha=0.3, lw=0)
        if known:
            axes.plot(at, own["predicted"], "--", color=style.colour, lw=0.9)
    numeric = is_numeric(data[x])
    _scale(axes, data[x])
    if numeric and (data["rmse"] > 0).any():
        log_axis(axes, "y")
    if predicted:
        explain_line(axes, "predicted from exact noisy means")
    if x == "shots" and numeric and data[x].nunique() > 1:
        slope_guide(axes, data[x], data["rmse"])
    fewest, most = int(data["repetitions"].min()), int(data["repetitions"].max())
    if most > 1:
        count = f"{most}" if fewest == most else f"{fewest} to {most}"
        explain_band(axes, f"95 % interval, mean of {count} repetitions")
    axes.set_xlabel(_LABELS.get(x, x))
    axes.set_ylabel(r"error of feature maps, RMSE of $\hat F - F$")
    axes.set_title(_subject(table) + ("" if most > 1 else ", one repetition"))
    return axes


def accuracy_data(
    table: pd.DataFrame, x: str, others: Lines | Sequence[str] | None = None
) -> pd.DataFrame:
    """The accuracy of a linear classifier, fitted to exact maps of other images, on noisy maps.

    Args:
        table: The results, with classified images.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and value of the axis: the accuracy with Wilson's 95 % interval, and
        that with exact maps.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, [x, "correct", "correct_exact", "images_classified"])

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        read = own["images_classified"].sum()
        accuracy = own["correct"].sum() / read
        # Repetitions read the same images, so they do not make the interval narrower.
        images = images_read(own, "images_classified")
        low, high = proportion_interval(accuracy * images, images)
        return {
            "accuracy": accuracy,
            "low": float(low),
            "high": float(high),
            "images": images,
            "exact_maps": own["correct_exact"].sum() / read,
        }

    return tabulate(table, lines_of(table, x, others, COLUMNS, _name), x, COLUMNS, summarise)


def plot_accuracy(
    axes: Axes,
    table: pd.DataFrame,
    x: str,
    others: Lines | Sequence[str] | None = None,
    styles: Styles | None = None,
) -> Axes:
    """Draws what `accuracy_data` gives, beside the accuracy with exact maps and that of guessing.

    Args:
        axes: Where to draw.
        table: The results, with classified images.
        x: The axis.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = lines_of(table, x, others, COLUMNS, _name)
    data = accuracy_data(table, x, lines)
    styles = styles or line_styles(table, lines)
    places = place_on_axis(axes, data[x])
    exact = data["exact_maps"]
    for label, own in data.groupby("series", sort=False):
        style = styles[str(label)]
        at = own[x].map(places)
        axes.plot(
            at,
            own["accuracy"],
            style.marker + "-",
            ms=style.size,
            color=style.colour,
            label=str(label) or "measured",
        )
        # Thin edges keep bands that overlap apart.
        for end in ("low", "high"):
            axes.plot(at, own[end], "-", color=style.colour, lw=0.4)
        axes.fill_between(at, own["low"], own["high"], color=style.colour, alpha=0.15, lw=0)
        if exact.nunique() > 1:
            axes.plot(at, own["exact_maps"], "-.", lw=0.9, color=style.colour)
    if exact.nunique() > 1:
        explain_line(axes, "exact maps", "-.")
    else:
        axes.axhline(exact.iloc[0], ls="-.", lw=0.9, color="black", label="exact maps")
    axes.axhline(_GUESSING, ls=(0, (1, 4)), lw=0.9, color="0.4", label="guessing")
    explain_band(axes, "accuracy: Wilson's 95 % interval", edged=True)
    _scale(axes, data[x])
    axes.set_ylim(0, 1)
    axes.set_xlabel(_LABELS.get(x, x))
    images = sorted(set(data["images"]))
    count = f"{images[0]}" if len(images) == 1 else f"{images[0]} to {images[-1]}"
    axes.set_ylabel(f"accuracy on {count} test images")
    fitted = "linear classifier, fitted to exact maps"
    axes.set_title(fitted if exact.nunique() > 1 else f"{fitted} ({exact.iloc[0]:.3f} on those)")
    return axes


def noise_and_shots_data(table: pd.DataFrame, others: Sequence[str] = ()) -> pd.DataFrame:
    """Error over noise and shots, means over repetitions.

    Args:
        table: The results.
        others: Further axes, if the table is that of several maps.

    Returns:
        One row for each noise scale and number of shots. `shots_worthwhile` is N*, the number of
        shots whose variance equals the squared systematic error, (1 - F^2) / bias^2 for the SWAP
        tests, with means over patches above and below: beyond it more shots no longer help. Each
        scale has that of its most shots.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, [*_MAP_AXES, "rmse"])
    columns = [c for c in ("rmse", "shot_rmse", "systematic_rmse") if c in table]
    rows = [
        {**values, **{c: float(np.sqrt((own[c] ** 2).mean())) for c in columns}}
        for values, own in cells(table, [*others, *_MAP_AXES], COLUMNS)
    ]
    data = pd.DataFrame(rows).sort_values([*others, *_MAP_AXES], ignore_index=True)
    if len(columns) == 3:
        one_shot = data["shot_rmse"] ** 2 * data["shots"]
        worthwhile = one_shot / (data["systematic_rmse"] ** 2).replace(0, np.nan)
        scales = data.assign(worthwhile=worthwhile).groupby([*others, "noise.scale"], dropna=False)
        data["shots_worthwhile"] = scales["worthwhile"].transform("last")
    return data


def error_norm(errors: pd.Series) -> LogNorm:
    """A logarithmic scale of colours for all maps of these errors."""
    positive = errors[np.isfinite(errors) & (errors > 0)]
    if positive.empty:
        return LogNorm(1e-3, 1.0)
    return LogNorm(positive.min(), max(positive.max(), 1.01 * positive.min()))


def plot_noise_and_shots(axes: Axes, table: pd.DataFrame, norm: LogNorm | None = None) -> Axes:
    """Draws what `noise_and_shots_data` gives as a heat map, with N* as a line.

    Args:
        axes: Where to draw; their figure gets a colour bar.
        table: The results.
        norm: The scale of the colours, which maps that are compared share; that of this map if
            None.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    data = noise_and_shots_data(table)
    grid = data.pivot(index="shots", columns="noise.scale", values="rmse")
    positive = bool((grid.columns > 0).all())
    across = _edges(grid.columns.to_numpy(float), positive)
    up = _edges(grid.index.to_numpy(float), True)
    values = np.ma.masked_invalid(grid.to_numpy(float))
    image = axes.pcolormesh(
        across, up, values, cmap="cividis", norm=norm or error_norm(data["rmse"]), shading="flat"
    )
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
            label=r"$N^*$: shot variance = bias$^2$; above it more shots no longer help",
        )
    if positive:
        log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set_xlim(across[0], across[-1])
    axes.set_ylim(up[0], up[-1])
    axes.set_xlabel(_LABELS["noise.scale"])
    axes.set_ylabel(_LABELS["shots"])
    bar = axes.figure.colorbar(image, ax=axes, label=r"RMSE of $\hat F - F$")
    log_ticks(bar.ax.yaxis)
    return axes


def _edges(centres: NDArray[np.float64], logarithmic: bool) -> NDArray[np.float64]:
    """Edges of the cells around the values of an axis, halfway on its scale."""
    values = np.log(centres) if logarithmic else centres
    if len(values) == 1:
        edges = np.array([values[0] - 0.5, values[0] + 0.5])
    else:
        middle = (values[1:] + values[:-1]) / 2
        edges = np.array([2 * values[0] - middle[0], *middle, 2 * values[-1] - middle[-1]])
    return np.exp(edges) if logarithmic else edges


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    return ", ".join(_value_text(axis, value, texts[axis]) for axis, value in values.items())


def _value_text(axis: str, value: object, text: str) -> str:
    if isinstance(value, str):
        return text
    if axis == "shots" and isinstance(value, (int, np.integer)):
        return f"{value:,} shots"
    if axis == "noise.scale":
        return f"noise x {text}"
    return f"{axis.rpartition('.')[2]} {text}"


def _scale(axes: Axes, values: pd.Series) -> None:
    """A logarithmic axis where the values are positive and spread over a decade."""
    if not is_numeric(values):
        return
    positive = values[values > 0]
    if positive.empty or values.min() < 0 or positive.max() / positive.min() < 10:
        if pd.api.types.is_integer_dtype(values):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif values.min() > 0:
        log_axis(axes, "x")
    else:
        smallest = float(positive.min())
        axes.set_xscale("symlog", linthresh=smallest)
        axes.xaxis.set_major_formatter(TickTexts())
        axes.set_xlim(-0.15 * smallest, 1.3 * float(values.max()))


def _subject(table: pd.DataFrame) -> str:
    patches = sorted(set(table["patches"]))
    if len(patches) == 1:
        return f"{patches[0]:,} patches"
    return f"{patches[0]:,} to {patches[-1]:,} patches"


def text(results: Results) -> str:
    """What a table shows, in a few lines."""
    table = results.table()
    axes = axes_of(table, COLUMNS)
    lines = [f"{len(table)} points; axes: {', '.join(axes) or 'none'}"]
    for bound, row in (("smallest", table["rmse"].idxmin()), ("largest", table["rmse"].idxmax())):
        where = ", ".join(f"{axis} = {table.at[row, axis]}" for axis in axes)
        lines.append(
            f"{bound} RMSE {table.at[row, 'rmse']:.5f}" + (f" at {where}" if where else "")
        )
    if "predicted_rmse" in table and table["predicted_rmse"].notna().all():
        ratio = table["rmse"] / table["predicted_rmse"]
        lines.append(
            f"measured / predicted RMSE: median {ratio.median():.4f}, "
            f"from {ratio.min():.4f} to {ratio.max():.4f}"
        )
    if "correct" in table:
        lines += _accuracy_lines(table, axes)
    return "\n".join([*lines, *check_lines(table)])


def _accuracy_lines(table: pd.DataFrame, axes: list[str]) -> list[str]:
    """The accuracy with exact maps, and the range with noisy ones."""
    accuracy = table["correct"] / table["images_classified"]
    exact = table["correct_exact"] / table["images_classified"]
    least, most = f"{exact.min():.3f}", f"{exact.max():.3f}"
    both = least if least == most else f"{least} to {most}"
    lines = [f"accuracy with exact feature maps {both}"]
    for bound, row in (("largest", accuracy.idxmax()), ("smallest", accuracy.idxmin())):
        where = ", ".join(f"{axis} = {table.at[row, axis]}" for axis in axes)
        images = table.at[row, "images_classified"]
        low, high = proportion_interval(table.at[row, "correct"], images)
        lines.append(
            f"{bound} accuracy {accuracy[row]:.3f} (95 %: {float(low):.3f} to {float(high):.3f}, "
            f"{images} images)" + (f" at {where}" if where else "")
        )
    return lines
