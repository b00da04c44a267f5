"""Figures of a training sweep."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qucnn_cirq.drawing.ticks import log_axis
from studies.crosscheck import check_lines
from studies.drawing import LEGEND_SIZE, explain_band
from studies.grouping import Lines, cells, groups, require
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.mitigation_cost import cost_lines, with_circuits
from studies.statistics import proportion_interval
from studies.sweep.results import Results
from studies.training.study import COLUMNS
from studies.wording import axis_text, noise_text

_KEYS = ("model", "train", "shots", "noise.scale", "noise", "device")
_MODELS = {
    "quantum": "quantum",
    "squared_overlap": "squared overlap (classical control)",
    "convolution": "convolution with ReLU",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws the loss against epochs and the accuracy on test images.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = with_circuits(results.table())
    arrangement = _FIGURES.arrange(table, "epoch", most_panels=3)

    def data(own: pd.DataFrame, others: Lines) -> pd.DataFrame:
        accuracy = accuracy_data(own, others).assign(quantity="accuracy")
        return pd.concat([loss_data(own, others).assign(quantity="loss"), accuracy])

    most = max(
        sum(1 for _ in groups(part.table, arrangement.lines))
        for parts in arrangement.figures
        for part in parts
    )
    return _FIGURES.draw(
        arrangement,
        [_plot_loss_alone, plot_test_accuracy],
        data,
        folder,
        "training",
        height=max(2.4, 0.36 * most + 0.6),
    )


def loss_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """The training loss of each way of training against epochs, the mean over repetitions.

    Args:
        table: The results.
        others: What tells the ways apart: names of axes, or all that vary if None.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    return _FIGURES.tabulate(table, "epoch", others, ["loss"])


def plot_loss(
    axes: Axes, table: pd.DataFrame, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `loss_data` gives.

    Args:
        axes: Where to draw.
        table: The results.
        others: What tells the ways apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    lines = _FIGURES.lines(table, "epoch", others)
    for label, own, style in series_of(loss_data(table, lines), lines, styles):
        style.plot(axes, own["epoch"], own["loss"], label=label)
    log_axis(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel="training loss (nats),\nmean of repetitions")
    return axes


def _plot_loss_alone(axes: Axes, table: pd.DataFrame, others: Lines, styles: Styles) -> None:
    """Names stand at the ticks of the panel beside; the legend only says what signs mean."""
    plot_loss(axes, table, others, styles)
    for line in axes.lines:
        line.set_label("_")


def accuracy_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """Accuracy on the test images.

    Args:
        table: The results.
        others: What tells the ways apart: names of axes, or all that vary if None.

    Returns:
        One row for each way of training and repetition, with the mean over repetitions and its
        Wilson's 95 % interval on as many images as there are: repetitions read the same images and
        do not make it narrower.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    require(table, ["correct", "tested"])
    tested = table[table["correct"].notna()]
    lines = _FIGURES.lines(table, "epoch", others)
    rows = []
    for values, own in cells(tested, lines.axes, COLUMNS):
        each = (own["correct"] / own["tested"]).to_numpy()
        images = float(own["tested"].max())
        low, high = (float(x) for x in proportion_interval(each.mean() * images, images))
        fixed = {"series": lines.label(values), "mean": each.mean(), "low": low, "high": high}
        rows += [{**fixed, "accuracy": accuracy} for accuracy in each]
    return pd.DataFrame(rows, columns=["series", "accuracy", "mean", "low", "high"])


def plot_test_accuracy(
    axes: Axes, table: pd.DataFrame, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `accuracy_data` gives: signs are repetitions, bars intervals of the mean.

    Args:
        axes: Where to draw.
        table: The results.
        others: What tells the ways apart: names of axes, or all that vary if None.
        styles: How each way looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    ways = _FIGURES.lines(table, "epoch", others)
    lines = series_of(accuracy_data(table, ways), ways, styles, alone="classifier")
    for row, (_, own, style) in enumerate(lines):
        ends = [own["low"].iloc[0], own["high"].iloc[0]]
        axes.plot(ends, [row, row], color=style.colour, lw=4, alpha=0.35, solid_capstyle="butt")
        axes.plot(own["mean"].iloc[:1], [row], "|", ms=9, mew=1.2, color="black")
        axes.plot(own["accuracy"], np.full(len(own), row), style.marker, color=style.colour)
    labels = [textwrap.fill(label, 34) for label, *_ in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=LEGEND_SIZE)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.plot([], [], "o", color="0.4", label="a repetition (same colours and signs on the left)")
    axes.plot([], [], "|", ms=9, mew=1.2, color="black", label="mean")
    explain_band(axes, "Wilson's 95 % interval of the mean")
    tested = table["tested"].max()
    axes.set_xlabel(f"accuracy on {int(tested)} test images")
    axes.grid(axis="x", lw=0.4)
    return axes


def _line_name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    if not values:
        return ""
    name = _name(values) if set(values) & set(_KEYS) else ""
    rest = [axis_text(axis, texts[axis]) for axis in values if axis not in _KEYS]
    return ", ".join(text for text in (name, *rest) if text)


_FIGURES = LineFigures(COLUMNS, _line_name)


def _name(chosen: Mapping[str, object]) -> str:
    model = str(chosen.get("model", "quantum"))
    parts = [_MODELS.get(model, model)]
    if model == "quantum":
        shots = chosen.get("shots")
        if shots is not None:
            parts.append(f"{int(str(shots)):,} shots" if shots else "exact means")
        if "noise.scale" in chosen:
            parts.append(noise_text(float(str(chosen["noise.scale"]))))
        named = [str(chosen[key]) for key in ("noise", "device") if chosen.get(key)]
        parts += [name.replace("depolarizing_readout", "depolarising, readout") for name in named]
        noisy = bool(shots) or float(str(chosen.get("noise.scale", 0))) > 0
        noisy = noisy or chosen.get("noise", "ideal") != "ideal"
        if "train" in chosen and noisy:
            parts.append("trained ideally" if chosen["train"] == "ideal" else "trained as run")
    return ", ".join(parts)


def text(results: Results) -> str:
    """What a table shows: the accuracy of each way of training.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    lines = []
    for label, own in accuracy_data(table).groupby("series", sort=False):
        each, (mean, low, high) = own["accuracy"], own[["mean", "low", "high"]].iloc[0]
        lines.append(
            f"{label or 'classifier'}: test accuracy {mean:.3f} (95 %: {low:.3f} to {high:.3f}; "
            f"{len(each)} repetition(s), {each.min():.3f} to {each.max():.3f})"
        )
    return "\n".join([*lines, *cost_lines(table), *check_lines(table)])
