"""The error of a noise sweep over noise and shots, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from qucnn_cirq.drawing.ticks import log_axis, log_ticks
from studies.grouping import cells, require
from studies.noise.lines import LABELS
from studies.noise.study import COLUMNS

MAP_AXES = ("noise.scale", "shots")
"""The axes of the map."""


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
    require(table, [*MAP_AXES, "rmse"])
    columns = [c for c in ("rmse", "shot_rmse", "systematic_rmse") if c in table]
    rows = [
        {**values, **{c: float(np.sqrt((own[c] ** 2).mean())) for c in columns}}
        for values, own in cells(table, [*others, *MAP_AXES], COLUMNS)
    ]
    data = pd.DataFrame(rows).sort_values([*others, *MAP_AXES], ignore_index=True)
    if len(columns) == 3:
        one_shot = data["shot_rmse"] ** 2 * data["shots"]
        worthwhile = one_shot / (data["systematic_rmse"] ** 2).replace(0, np.nan)
        scales = data.assign(worthwhile=worthwhile).groupby([*others, "noise.scale"], dropna=False)
        data["shots_worthwhile"] = scales["worthwhile"].transform("last")
    return data


def error_norm(errors: pd.Series) -> LogNorm:
    """A logarithmic scale of colours for all maps of these errors.

    Args:
        errors: Errors; those that are not positive and finite have no colour.
    """
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
            label=r"${}N^*$: shot variance = bias${}^2$; above it more shots no longer help",
        )
    if positive:
        log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
    axes.set(xlabel=LABELS["noise.scale"], ylabel=LABELS["shots"])
    bar = axes.figure.colorbar(image, ax=axes, label=r"RMSE of ${}\hat F - F$")
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
