"""The figure of the loading study: gates and errors against the infidelity budget."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from qucnn_cirq.errors import InputError
from studies.drawing import PAGE, explain_band, legend_below
from studies.grouping import require

_BUDGET, _AUTO, _EXACT = "#0072b2", "#009e73", "0.4"
_LABELS = ("shortest loader within the budget", "exact loader", 'chosen by the noise ("auto")')
_CONFIDENCE = 1.96
"""Standard errors to either side of a 95 % interval."""


def draw_loading(table: pd.DataFrame) -> Figure:
    """All three panels.

    Args:
        table: As from `studies.loading.experiment.measure_loading`.
    """
    figure = Figure(figsize=(PAGE, 2.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for plot, axes in zip((plot_gates, plot_error, plot_loading_error), panels, strict=True):
        plot(axes, table)
    legend_below(figure, panels)
    return figure


def plot_gates(axes: Axes, table: pd.DataFrame) -> Axes:
    """Mean number of two-qubit gates of a loader against the budget."""
    budgets, auto, exact = _split(table)
    axes.plot(_numbers(budgets), budgets["loader_gates"], "o-", color=_BUDGET, label=_LABELS[0])
    axes.axhline(exact["loader_gates"], color=_EXACT, ls=":", label=_LABELS[1])
    axes.axhline(auto["loader_gates"], color=_AUTO, ls="-.", label=_LABELS[2])
    axes.set_ylim(0, 1.15 * table["loader_gates"].max())
    axes.set_ylabel("mean two-qubit gates")
    return _against_budget(axes)


def plot_error(axes: Axes, table: pd.DataFrame) -> Axes:
    """How much smaller the mean error under noise is than with exact loading, in percent of it.

    Bands are 95 % intervals over images: patches of one image overlap, those of different images
    do not, and what all budgets have in common drops out of a difference.
    """
    budgets, auto, exact = _split(table)
    unit = 100 / exact["error"]
    x, gain = _numbers(budgets), unit * budgets["gain"]
    half = unit * _CONFIDENCE * budgets["gain_standard_error"]
    axes.fill_between(x, gain - half, gain + half, color=_BUDGET, alpha=0.2, lw=0)
    axes.plot(x, gain, "o-", color=_BUDGET, label=_LABELS[0])
    axes.axhline(0, color=_EXACT, ls=":", label=_LABELS[1])
    axes.axhline(unit * auto["gain"], color=_AUTO, ls="-.", label=_LABELS[2])
    own = unit * _CONFIDENCE * auto["gain_standard_error"]
    axes.axhspan(
        unit * auto["gain"] - own, unit * auto["gain"] + own, color=_AUTO, alpha=0.12, lw=0
    )
    explain_band(axes, "95 % interval over images")
    axes.set_title(f"exact: {exact['error']:.4f}, auto: {auto['error']:.4f}")
    axes.set_ylabel(r"mean $|\hat F - F|$ avoided (%)")
    return _against_budget(axes)


def plot_loading_error(axes: Axes, table: pd.DataFrame) -> Axes:
    """Mean error of the overlaps from loading alone, beside that from noise alone."""
    budgets, auto, exact = _split(table)
    x = _numbers(budgets)
    axes.plot(x, budgets["error_without_noise"], "o-", color=_BUDGET, label=_LABELS[0])
    axes.axhline(exact["error"], color="black", ls="--", label="error of exact loading under noise")
    axes.axhline(auto["error_without_noise"], color=_AUTO, ls="-.", label=_LABELS[2])
    log_axis(axes, "y")
    axes.set_ylabel(r"mean $|\hat F - F|$ without noise")
    return _against_budget(axes)


def _against_budget(axes: Axes) -> Axes:
    log_axis(axes, "x")
    axes.set_xlabel("infidelity budget of a patch")
    return axes


def _numbers(budgets: pd.DataFrame) -> pd.Series:
    return budgets["budget"].astype(float)


def _split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """The budgets above 0, what "auto" gives, and exact loading."""
    require(table, ["budget"])
    if table["budget"].duplicated().any():
        raise InputError("a budget is in the table twice: draw the results of one run.")
    is_auto = table["budget"] == "auto"
    numbers = table[~is_auto]
    is_exact = numbers["budget"].astype(float) == 0
    if not (is_auto.any() and is_exact.any()):
        raise InputError(
            'the table lacks the budget "auto" or 0: give the results as the study writes them.'
        )
    return numbers[~is_exact], table[is_auto].iloc[0], numbers[is_exact].iloc[0]
