"""Figures of the measured_once study: errors against shots, and accuracy against total shots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.errors import InputError
from studies import drawing
from studies.drawing import (
    PAGE,
    SeriesStyle,
    explain_band,
    explain_line,
    legend_below,
    series_styles,
    set_title,
)
from studies.grouping import MOST_FIGURES, Values, axes_of, cells, groups, require
from studies.measured_once.configuration import BOUND, EACH, IDEAL, METHODS
from studies.measured_once.study import COLUMNS
from studies.statistics import mean_interval, proportion_interval
from studies.sweep.results import Results
from studies.wording import noise_text

METHOD, SHOTS, FILTERS = "method", "shots", "filters"
QUANTITIES = {"values": "${}F$", "gradients": r"${}\partial F/\partial\theta$"}
"""What errors are told of, and how it is written."""
ERRORS = [f"{name}_rmse" for name in QUANTITIES]
ACCURACIES = {"correct": "tested with as many shots a patch", "correct_exact": "tested exactly"}
"""The two tests of a classifier."""
_COLUMNS_OF_A_PAGE = 3
_NAMES = {
    "measured_once": "measured once, 12 bases",
    "measured_once_destructive": "measured once, destructive",
    "optimal": "measured once, linear weights",
    "each": "a circuit for each, destructive",
    "each_inversion": "a circuit for each, inversion",
    BOUND: "Cramér-Rao bound, noiseless",
    IDEAL: "exact, without noise",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws errors against shots, and accuracy against the shots of the training.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = whole(results.table())
    names: list[str] = []
    for start, drawn in (
        ("measured_once", _errors_figures(rows_with(table, ERRORS))),
        ("measured_once_training", _accuracy_figures(rows_with(table, ["correct"]))),
    ):
        for number, (figure, data) in enumerate(drawn, start=1):
            if number > MOST_FIGURES:
                raise InputError(
                    f"more than {MOST_FIGURES} figures {start}: sweep fewer other axes."
                )
            names.append(start if number == 1 else f"{start}_{number}")
            drawing.save_drawn(figure, data, folder, names[-1])
    return names


def text(results: Results) -> str:
    """What results show: for each setting the errors of all methods, with what they cost.

    Args:
        results: What was measured so far, at least one point.
    """
    table = whole(results.table())
    lines: list[str] = []
    for values, own in _settings(rows_with(table, ERRORS)):
        lines += [f"{_named(values) or 'errors'}:", *_error_lines(own)]
    for values, own in _settings(rows_with(table, ["correct"])):
        lines += [f"classifier, {_named(values)}:".replace(", :", ":"), *_accuracy_lines(own)]
    if "refused" in table:
        for reason, own in table[table["refused"].notna()].groupby("refused", sort=False):
            methods = ", ".join(dict.fromkeys(own[METHOD]))
            lines.append(f"not possible: {methods}: {reason}")
    return "\n".join(lines)


def error_data(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The RMSE of each method against shots: the root of the mean square of repetitions.

    Args:
        table: The results of one number of filters.
        name: One of `QUANTITIES`.

    Returns:
        Columns `method`, `shots`, `rmse`, `low`, `high`, `bias`, `systematic_rmse`, `coverage`.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, [f"{name}_rmse"])
    rows = []
    there = whole(table[table[f"{name}_rmse"].notna()])
    for values, own in cells(there, [METHOD, SHOTS], COLUMNS):
        rmse, low, high = (own[f"{name}_rmse{end}"] for end in ("", "_low", "_high"))
        # Repetitions have other angles; where there are several they say how far errors scatter.
        ends = (
            np.sqrt(np.maximum(mean_interval(rmse**2), 0.0))
            if len(own) > 1
            else (rmse.iloc[0], low.iloc[0], high.iloc[0])
        )
        numbers = dict(zip(("rmse", "low", "high"), map(float, ends), strict=True))
        more = {key: own[f"{name}_{key}"].mean() for key in ("bias", "systematic_rmse", "coverage")}
        rows.append({**values, **numbers, **more})
    return _ordered(pd.DataFrame(rows))


def plot_error(axes: Axes, table: pd.DataFrame, name: str) -> Axes:
    """Draws what `error_data` gives; the bound is dashed.

    Args:
        axes: Where to draw.
        table: The results of one number of filters.
        name: One of `QUANTITIES`.

    Returns:
        The axes.
    """
    data, styles = error_data(table, name), _styles()
    for method, own in data.groupby(METHOD, sort=False):
        if method == BOUND:
            axes.plot(own[SHOTS], own["rmse"], "--", color="0.25", lw=1.0, label=_NAMES[BOUND])
            continue
        style = styles[str(method)]
        style.fill(axes, own[SHOTS], own["low"], own["high"])
        style.plot(axes, own[SHOTS], own["rmse"], label=_NAMES[str(method)])
    log_axis(axes, "x")
    log_axis(axes, "y")
    axes.set(xlabel="shots a patch in all", ylabel=f"RMSE of {QUANTITIES[name]}")
    return axes


def accuracy_data(table: pd.DataFrame, test: str) -> pd.DataFrame:
    """Accuracy on test images against the shots of the training.

    Args:
        table: The results of one number of filters.
        test: One of `ACCURACIES`.

    Returns:
        Columns `method`, `shots`, `training_shots`, `accuracy` (the mean over repetitions), and
        `low` and `high`, Wilson's 95 % interval on as many images as there are.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, ["correct", "tested"])
    rows = []
    for values, own in cells(whole(table), [METHOD, SHOTS], COLUMNS):
        images, right = float(own["tested"].max()), float((own[test] / own["tested"]).mean())
        low, high = (float(end) for end in proportion_interval(right * images, images))
        shots = float(own["training_shots"].mean())
        rows.append(
            {**values, "training_shots": shots, "accuracy": right, "low": low, "high": high}
        )
    return _ordered(pd.DataFrame(rows))


def plot_accuracy(axes: Axes, table: pd.DataFrame, test: str) -> Axes:
    """Draws what `accuracy_data` gives; what has no shots is dashed.

    Args:
        axes: Where to draw.
        table: The results of one number of filters.
        test: One of `ACCURACIES`.

    Returns:
        The axes.
    """
    data, styles = accuracy_data(table, test), _styles()
    for method, own in data.groupby(METHOD, sort=False):
        if method == IDEAL:
            axes.axhline(own["accuracy"].mean(), color="0.25", ls="--", lw=1.0, zorder=0)
            continue
        style = styles[str(method)]
        style.fill(axes, own["training_shots"], own["low"], own["high"], alpha=0.15)
        style.plot(axes, own["training_shots"], own["accuracy"], label=_NAMES[str(method)])
    if (data[METHOD] == IDEAL).any():
        explain_line(axes, f"{_NAMES[IDEAL]}, trained and tested")
    if (data[METHOD] != IDEAL).any():
        log_axis(axes, "x")
    tested = int(table["tested"].max())
    axes.set(xlabel="shots of the training in all", ylabel=f"accuracy on {tested} test images")
    axes.set_title(ACCURACIES[test])
    return axes


def _errors_figures(table: pd.DataFrame) -> Iterator[tuple[Figure, pd.DataFrame]]:
    """A figure for each setting besides filters, shots and method, or several."""
    for values, own in groups(table, _others(table)) if len(table) else ():
        parts = [part for _, part in groups(own, [FILTERS])]
        for start in range(0, len(parts), _COLUMNS_OF_A_PAGE):
            part = pd.concat(parts[start : start + _COLUMNS_OF_A_PAGE])
            yield _errors_figure(part, _named(values))


def _accuracy_figures(table: pd.DataFrame) -> Iterator[tuple[Figure, pd.DataFrame]]:
    for values, own in _settings(table):
        yield _accuracy_figure(own, _named(values))


def _settings(table: pd.DataFrame) -> Iterator[tuple[Values, pd.DataFrame]]:
    """The rows of each setting besides shots and method."""
    if len(table):
        yield from groups(table, [*_others(table), FILTERS])


def _errors_figure(table: pd.DataFrame, title: str) -> tuple[Figure, pd.DataFrame]:
    """Values above and gradients below, a column for each number of filters."""
    parts = list(groups(table, [FILTERS]))
    width = PAGE * max(len(parts), 1.7) / _COLUMNS_OF_A_PAGE
    figure = Figure(figsize=(width, 4.4), layout="constrained")
    grid = figure.subplots(2, len(parts), squeeze=False, sharex=True, sharey="row")
    drawn = []
    for column, (values, own) in enumerate(parts):
        for row, name in enumerate(QUANTITIES):
            axes = grid[row, column]
            if own[f"{name}_rmse"].notna().any():
                plot_error(axes, own, name)
                data = error_data(own, name)
                drawn.append(data.assign(quantity=name, panel=title, **values))
            if row == 0:
                axes.set_xlabel("")
                set_title(axes, _named(values))
            if column:
                axes.set_ylabel("")
    if title:
        figure.suptitle(title)
    explain_band(grid[0, 0], "95 % interval over patches, or repetitions")
    legend_below(figure, grid.ravel())
    return figure, pd.concat(drawn)


def _accuracy_figure(table: pd.DataFrame, title: str) -> tuple[Figure, pd.DataFrame]:
    figure = Figure(figsize=(PAGE, 2.6), layout="constrained")
    grid = figure.subplots(1, len(ACCURACIES), sharex=True, sharey=True)
    drawn = []
    for axes, test in zip(grid, ACCURACIES, strict=True):
        plot_accuracy(axes, table, test)
        drawn.append(accuracy_data(table, test).assign(test=test, panel=title))
    grid[1].set_ylabel("")
    if title:
        figure.suptitle(title)
    explain_band(grid[0], "Wilson's 95 % interval on the test images")
    legend_below(figure, grid)
    return figure, pd.concat(drawn)


def _error_lines(table: pd.DataFrame) -> list[str]:
    """A line for each method, over all numbers of shots."""
    lines = []
    for method, own in _ordered(table).groupby(METHOD, sort=False):
        parts = [f"  {_NAMES[str(method)]}: at {_listed(own[SHOTS], ',.0f')} shots a patch"]
        for name in QUANTITIES:
            found = own[own[f"{name}_rmse"].notna()]
            if found.empty:
                continue
            only = "" if len(found) == len(own) else f" at {_listed(found[SHOTS], ',.0f')}"
            told = f"{name} RMSE {_listed(found[f'{name}_rmse'], '.5f')}{only}"
            if method != BOUND:
                told += (
                    f" (mean error {_listed(found[f'{name}_bias'], '+.1e')}; 95 % intervals cover "
                    f"{_listed(100 * found[f'{name}_coverage'], '.1f')} %)"
                )
            parts.append(told)
        if method != BOUND:
            costs = own.iloc[-1]
            gates = f"{costs['gates_of_a_shot']:.1f} two-qubit gates a shot"
            parts.append(f"{costs['circuits']:,.0f} circuit(s), {gates}")
        lines.append(", ".join(parts))
    return [*comparison(table), *lines]


class _Best(NamedTuple):
    """The method of a kind with the smallest error: its name and RMSE."""

    method: str
    rmse: float


def comparison(table: pd.DataFrame) -> list[str]:
    """How many times smaller the error of one measurement is, a line for each number of shots.

    Args:
        table: The rows with errors of one setting besides shots and method.
    """
    lines = []
    for values, own in groups(table, [SHOTS]):
        parts = []
        for name in QUANTITIES:
            found = own[own[f"{name}_rmse"].notna()]
            likely = _best(found[found[METHOD].str.startswith("measured_once")], name)
            each = _best(found[found[METHOD].isin(list(EACH))], name)
            if likely is not None and each is not None:
                parts.append(
                    f"{each.rmse / likely.rmse:.3g} times in {name} ({_NAMES[likely.method]}, "
                    f"{likely.rmse:.5f}; {_NAMES[each.method]}, {each.rmse:.5f})"
                )
        if parts:
            lines.append(
                f"  of the same {values[SHOTS]:,} shots one measurement errs less, "
                f"{' and '.join(parts)}"
            )
    return lines


def _best(table: pd.DataFrame, name: str) -> _Best | None:
    if table.empty:
        return None
    means = (table[f"{name}_rmse"] ** 2).groupby(table[METHOD]).mean() ** 0.5
    return _Best(str(means.idxmin()), float(means.min()))


def _accuracy_lines(table: pd.DataFrame) -> list[str]:
    """A line for each method."""
    counted, exact = (accuracy_data(table, test) for test in ACCURACIES)
    lines = []
    for method, own in counted.groupby(METHOD, sort=False):
        rows = [
            f"{row.accuracy:.3f} ({row.low:.3f} to {row.high:.3f}; exactly "
            f"{exact.loc[index, 'accuracy']:.3f})"
            + (f" from {row.training_shots:.2g} shots in all" if method != IDEAL else "")
            for index, row in zip(own.index, own.itertuples(), strict=True)
        ]
        lines.append(f"  {_NAMES[str(method)]}: accuracy {', '.join(dict.fromkeys(rows))}")
    return lines


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """With all columns that tell points apart here, whatever was swept.

    Args:
        table: The results.
    """
    taken = table["shots_taken"].max() if "shots_taken" in table else np.nan
    usual = {METHOD: METHODS[0], SHOTS: 1 if np.isnan(taken) else int(taken), FILTERS: 0}
    missing = {key: value for key, value in usual.items() if key not in table}
    return table.assign(**missing)


def rows_with(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows that have one of some columns.

    Args:
        table: The results.
        columns: Names of columns, which may all be missing.
    """
    there = [column for column in columns if column in table]
    return table[table[there].notna().any(axis=1)] if there else table[:0]


def _others(table: pd.DataFrame) -> list[str]:
    """The axes that figures stand for."""
    return [
        axis for axis in axes_of(table, COLUMNS) if axis not in (METHOD, SHOTS, FILTERS, "refused")
    ]


def _ordered(data: pd.DataFrame) -> pd.DataFrame:
    """By method, in the order of `METHODS`, then by shots."""
    place = data[METHOD].map(METHODS.index)
    return data.iloc[np.lexsort((data[SHOTS], place))].reset_index(drop=True)


def _styles() -> dict[str, SeriesStyle]:
    """The look of each method, the same in all figures."""
    lines = [method for method in METHODS if method not in (BOUND, IDEAL)]
    return dict(zip(lines, series_styles(len(lines)), strict=True))


def _listed(values: pd.Series, form: str) -> str:
    return ", ".join(f"{value:{form}}" for value in values)


def _named(values: Values) -> str:
    """A setting in words; what was not swept has none."""
    parts = []
    for axis, value in values.items():
        if axis == FILTERS:
            parts.append("" if value == 0 else f"{value} filter{'' if value == 1 else 's'}")
        elif axis == "noise.scale":
            parts.append(noise_text(float(str(value))))
        else:
            parts.append(f"{axis.rpartition('.')[2]} {value}")
    return ", ".join(part for part in parts if part)
