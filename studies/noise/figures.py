"""Figures of a noise sweep, and what it shows in words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import name_of_key
from studies.estimating import mitigation_lines
from studies.grouping import Lines, arrange, axes_of, is_numeric
from studies.mitigation_cost import cost_lines, with_circuits
from studies.noise.heat_map import MAP_AXES, error_norm, noise_and_shots_data, plot_noise_and_shots
from studies.noise.lines import (
    FIGURES,
    accuracy_data,
    error_data,
    name_line,
    plot_accuracy,
    plot_error,
)
from studies.noise.study import COLUMNS
from studies.statistics import proportion_interval
from studies.sweep.results import Results
from studies.wording import span_text

_FILE_NAMES = {"convolution.filters.layers": "layers"}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws every figure that the axes of the sweep allow.

    Against each numeric axis the error, with one line for each combination of the others; the
    accuracy as well if the maps were classified; and for noise and shots a heat map.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = with_circuits(results.table())
    names: list[str] = []
    axes = axes_of(table, COLUMNS)
    numeric = [axis for axis in axes if is_numeric(table[axis])]
    for x in numeric or axes:
        names += _draw_against(table, x, folder)
    if set(MAP_AXES) <= set(numeric):
        names += _draw_noise_and_shots(table, folder)
    return names


def _draw_against(table: pd.DataFrame, x: str, folder: Path) -> list[str]:
    classified = "correct" in table
    arrangement = FIGURES.arrange(table, x, most_panels=3 if classified else 4)

    def data(own: pd.DataFrame, others: Lines) -> pd.DataFrame:
        parts = [error_data(own, x, others).assign(quantity="rmse")]
        if classified:
            parts.append(accuracy_data(own, x, others).assign(quantity="accuracy"))
        return pd.concat(parts)

    def say_along(figure: Figure, panels: Sequence[Axes]) -> None:
        for axes in panels if arrangement.along else ():
            axes.set_xlabel(f"{axes.get_xlabel()}, and with it {', '.join(arrangement.along)}")

    plots = [plot_error, plot_accuracy] if classified else [plot_error]
    what = "error_and_accuracy" if classified else "error"
    return FIGURES.draw(
        arrangement,
        [partial(plot, x=x) for plot in plots],
        data,
        folder,
        f"{what}_against_{_FILE_NAMES.get(x, name_of_key(x))}",
        height=2.6,
        most_columns=2,
        share="col",
        finish=say_along,
    )


def _draw_noise_and_shots(table: pd.DataFrame, folder: Path) -> list[str]:
    """A heat map for each combination of what varies besides noise and shots, on one scale."""
    arrangement = arrange(table, MAP_AXES, COLUMNS, name_line, lines=())
    norm = error_norm(noise_and_shots_data(table, arrangement.panels)["rmse"])
    return FIGURES.draw(
        arrangement,
        [lambda axes, own, **_: plot_noise_and_shots(axes, own, norm)],
        lambda own, **_: noise_and_shots_data(own),
        folder,
        "noise_and_shots",
        height=2.6,
        most_columns=2,
    )


def text(results: Results) -> str:
    """What a table shows, in a few lines.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    axes = axes_of(table, COLUMNS)
    lines = [f"{len(table)} points; axes: {', '.join(axes) or 'none'}"]
    for bound, row in (("smallest", table["rmse"].idxmin()), ("largest", table["rmse"].idxmax())):
        lines.append(f"{bound} RMSE {table.at[row, 'rmse']:.5f}{_where(table, row, axes)}")
    if "predicted_rmse" in table and table["predicted_rmse"].notna().all():
        ratio = table["rmse"] / table["predicted_rmse"]
        lines.append(
            f"measured / predicted RMSE: median {ratio.median():.4f}, "
            f"from {ratio.min():.4f} to {ratio.max():.4f}"
        )
    lines += [*mitigation_lines(table, "rmse"), *cost_lines(table)]
    if "correct" in table:
        lines += _accuracy_lines(table, axes)
    return "\n".join([*lines, *check_lines(table)])


def _accuracy_lines(table: pd.DataFrame, axes: list[str]) -> list[str]:
    """The accuracy with exact maps, and the range with noisy ones."""
    accuracy = table["correct"] / table["images_classified"]
    exact = table["correct_exact"] / table["images_classified"]
    lines = [f"accuracy with exact feature maps {span_text(exact, '.3f')}"]
    for bound, row in (("largest", accuracy.idxmax()), ("smallest", accuracy.idxmin())):
        images = table.at[row, "images_classified"]
        low, high = proportion_interval(table.at[row, "correct"], images)
        lines.append(
            f"{bound} accuracy {accuracy[row]:.3f} (95 %: {float(low):.3f} to {float(high):.3f}, "
            f"{images} images){_where(table, row, axes)}"
        )
    return lines


def _where(table: pd.DataFrame, row: Any, axes: list[str]) -> str:
    where = ", ".join(f"{axis} = {table.at[row, axis]}" for axis in axes)
    return f" at {where}" if where else ""
