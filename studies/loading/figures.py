"""The figure of the loading study: gates and errors against the infidelity budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.errors import InputError
from studies.crosscheck import check_lines
from studies.drawing import PAGE, explain_band, legend_below, save_drawn
from studies.grouping import MOST_FIGURES, REPEATED, axes_of, groups, require
from studies.loading.study import COLUMNS
from studies.sweep.results import Results

BUDGET = "infidelity"
"""The axis: a number, or "auto"."""
_BUDGET, _AUTO, _EXACT = "#0072b2", "#009e73", "0.4"
_LABELS = ("shortest loader within the budget", "exact loader", 'chosen by the noise ("auto")')
CONFIDENCE = 1.96
"""Standard errors to either side of a 95 % interval."""


def draw(results: Results, folder: Path) -> list[str]:
    """Draws gates and errors against the budget, a figure for each setting of the other axes.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix; none if no budget besides exact loading is there.
    """
    names: list[str] = []
    for _, own in groups(*by_setting(gains(results))):
        if BUDGET not in own or own["gain"].isna().all() or _is_number(own).sum() < 2:
            continue
        if len(names) == MOST_FIGURES:
            raise InputError(
                f"the axes besides {BUDGET} make more than {MOST_FIGURES} figures: sweep fewer."
            )
        names.append("loading" if not names else f"loading_{len(names) + 1}")
        save_drawn(draw_loading(own), own, folder, names[-1])
    return names


def text(results: Results) -> str:
    """What results show: a line for each budget.

    Args:
        results: What was measured so far, at least one point.
    """
    table = gains(results)
    others, lines = by_setting(table)[1], []
    for values, own in groups(table, others):
        lines += [", ".join(f"{key} = {value}" for key, value in values.items())] if others else []
        lines.append(
            "budget   gates/loader   largest infidelity   mean |error|   loading alone   gain"
        )
        for _, row in own.iterrows():
            gain = (
                f"{row['gain']:.6f} +- {row['gain_standard_error']:.6f}"
                if pd.notna(row["gain"])
                else "-"
            )
            lines.append(
                f"{row.get(BUDGET, '-')!s:<8} {row['loader_gates']:12.3f}   "
                f"{row['largest_infidelity']:18.1e}   {row['error']:12.6f}   "
                f"{row['error_without_noise']:13.6f}   {gain}"
            )
    if table["gain"].isna().all():
        lines.append("no gains and no figure: add the budget 0, which is exact loading")
    return "\n".join([*lines, *check_lines(table)])


def gains(results: Results) -> pd.DataFrame:
    """The table with what each budget gains over exact loading of the same images.

    Args:
        results: What was measured so far, at least one point.

    Returns:
        The rows of the results and the columns `gain`, how much smaller the error is than with
        exact loading, and `gain_standard_error`, from the gains of single images: patches of one
        image overlap, those of different images do not, and what all budgets have in common drops
        out of a difference. NaN where exact loading was not measured.

    Raises:
        InputError: If a budget is there twice with the same other settings.
    """
    table = results.table().assign(gain=np.nan, gain_standard_error=np.nan)
    if BUDGET not in table:
        return table
    for _, own in groups(*by_setting(table)):
        exact = own[_is_number(own) & (own[BUDGET] == 0)]
        if exact.empty:
            continue
        if own[BUDGET].astype(str).duplicated().any():
            raise InputError("a budget is in the table twice: draw the results of one sweep.")
        least = results.arrays(exact["point"].iloc[0])["image_error"]
        for row, point in own["point"].items():
            single = least - results.arrays(point)["image_error"]
            table.loc[row, "gain"] = exact["error"].iloc[0] - own.loc[row, "error"]
            table.loc[row, "gain_standard_error"] = single.std(ddof=1) / np.sqrt(len(single))
    return table


def draw_loading(table: pd.DataFrame) -> Figure:
    """All three panels.

    Args:
        table: As from `gains`, with one row a budget.
    """
    figure = Figure(figsize=(PAGE, 2.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for plot, axes in zip((_plot_gates, _plot_error, _plot_loading_error), panels, strict=True):
        plot(axes, table)
        log_axis(axes, "x")
        axes.set_xlabel("infidelity budget of a patch")
    legend_below(figure, panels)
    return figure


def _plot_gates(axes: Axes, table: pd.DataFrame) -> None:
    """Mean number of two-qubit gates of a loader against the budget."""
    exact = _split(table)[2]["loader_gates"]
    _plot_budgets(axes, table, "loader_gates", y=exact, color=_EXACT, ls=":", label=_LABELS[1])
    axes.set(ylim=(0, 1.15 * table["loader_gates"].max()), ylabel="mean two-qubit gates")


def _plot_error(axes: Axes, table: pd.DataFrame) -> None:
    """How much smaller the mean error under noise is than with exact loading, in percent of it.

    Bands are 95 % intervals over images; see `gains`.
    """
    exact = _split(table)[2]["error"]
    percent = 100 / exact * table["gain"]
    half = 100 / exact * CONFIDENCE * table["gain_standard_error"]
    table = table.assign(percent=percent, low=percent - half, high=percent + half)
    budgets, auto, _ = _split(table)
    x = _x(budgets)
    axes.fill_between(x, budgets["low"], budgets["high"], color=_BUDGET, alpha=0.2, lw=0)
    if len(x) == 1:
        # A band of no width.
        axes.vlines(x, budgets["low"], budgets["high"], color=_BUDGET, alpha=0.4)
    _plot_budgets(axes, table, "percent", y=0, color=_EXACT, ls=":", label=_LABELS[1])
    for low, high in zip(auto["low"], auto["high"], strict=True):
        axes.axhspan(low, high, color=_AUTO, alpha=0.12, lw=0)
    explain_band(axes, "95 % interval over images")
    axes.set_title("".join([f"exact: {exact:.4f}", *(f", auto: {e:.4f}" for e in auto["error"])]))
    axes.set_ylabel(r"mean ${}|\hat F - F|$ avoided (%)")


def _plot_loading_error(axes: Axes, table: pd.DataFrame) -> None:
    """Mean error of the overlaps from loading alone, beside that from noise alone."""
    label = "error of exact loading under noise"
    exact = _split(table)[2]["error"]
    _plot_budgets(axes, table, "error_without_noise", y=exact, color="black", ls="--", label=label)
    log_axis(axes, "y")
    axes.set_ylabel(r"mean ${}|\hat F - F|$ without noise")


def _plot_budgets(axes: Axes, table: pd.DataFrame, column: str, **exact: Any) -> None:
    """A column against the budget, between the levels of exact loading and of "auto"."""
    budgets, auto, _ = _split(table)
    axes.plot(_x(budgets), budgets[column], "o-", color=_BUDGET, label=_LABELS[0])
    axes.axhline(**exact)
    for level in auto[column]:
        axes.axhline(level, color=_AUTO, ls="-.", label=_LABELS[2])


def by_setting(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table, and the columns besides the budget that tell its rows apart.

    Args:
        table: As from `gains`.
    """
    repeated = [name for name in REPEATED if name in table and table[name].nunique() > 1]
    others = [name for name in axes_of(table, (*COLUMNS, "gain", "gain_standard_error"))]
    return table, [*(name for name in others if name != BUDGET), *repeated]


def _is_number(table: pd.DataFrame) -> pd.Series:
    return table[BUDGET].map(lambda value: not isinstance(value, str))


def _x(budgets: pd.DataFrame) -> pd.Series:
    return budgets[BUDGET].astype(float)


def _split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """The budgets above 0 in order, what "auto" gives if it was measured, and exact loading."""
    require(table, [BUDGET])
    numbers = table[_is_number(table)]
    exact = numbers[BUDGET].astype(float) == 0
    if exact.sum() != 1:
        raise InputError(f"the table needs one row with {BUDGET} = 0, which is exact loading.")
    budgets = numbers[~exact].sort_values(BUDGET, key=lambda values: values.astype(float))
    return budgets, table[~_is_number(table)], numbers[exact].iloc[0]
