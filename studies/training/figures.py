"""Figures of a training sweep."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from studies.crosscheck import check_lines
from studies.drawing import (
    LEGEND_SIZE,
    PAGE,
    explain_band,
    legend_below,
    save_drawn,
    series_styles,
)
from studies.statistics import proportion_interval

_KEYS = ("model", "train", "shots", "noise.scale", "noise", "device")
_MODELS = {
    "quantum": "quantum",
    "squared_overlap": "squared overlap (classical control)",
    "convolution": "convolution with ReLU",
}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws the loss against epochs and the accuracy on test images.

    Returns:
        Names of the figures, without suffix.
    """
    height = max(2.4, 0.36 * len(ways(table)) + 0.6)
    figure = Figure(figsize=(PAGE, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    plot_loss(left, table)
    plot_test_accuracy(right, table)
    # Names stand at the right panel's ticks; the legend only says what signs mean.
    legend_below(figure, [right])
    data = pd.concat(
        [
            loss_data(table).assign(quantity="loss"),
            accuracy_data(table).assign(quantity="accuracy"),
        ]
    )
    save_drawn(figure, data, folder, "training")
    return ["training"]


def loss_data(table: pd.DataFrame) -> pd.DataFrame:
    """The training loss of each way of training against epochs, the mean over repetitions."""
    parts = [
        own.groupby("epoch")["loss"].mean().reset_index().assign(way=label)
        for label, own in ways(table)
    ]
    return pd.concat(parts, ignore_index=True)


def plot_loss(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `loss_data` gives.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    lines = list(loss_data(table).groupby("way", sort=False))
    for style, (label, own) in zip(series_styles(len(lines)), lines, strict=True):
        line = style.marker + "-"
        axes.plot(own["epoch"], own["loss"], line, ms=style.size, color=style.colour, label=label)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss (nats), mean of repetitions")
    return axes


def accuracy_data(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy on the test images.

    Returns:
        One row for each way of training and repetition, with the mean over repetitions and its
        Wilson's 95 % interval on as many images as there are: repetitions read the same images and
        do not make it narrower.
    """
    parts = []
    for label, own in ways(table[table["correct"].notna()]):
        each = (own["correct"] / own["tested"]).to_numpy()
        images = float(own["tested"].iloc[0])
        low, high = (float(x) for x in proportion_interval(each.mean() * images, images))
        parts.append(
            pd.DataFrame(
                {"way": label, "accuracy": each, "mean": each.mean(), "low": low, "high": high}
            )
        )
    return pd.concat(parts, ignore_index=True)


def plot_test_accuracy(axes: Axes, table: pd.DataFrame) -> Axes:
    """Draws what `accuracy_data` gives: signs are repetitions, bars intervals of the mean.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    lines = list(accuracy_data(table).groupby("way", sort=False))
    for row, (style, (_, own)) in enumerate(zip(series_styles(len(lines)), lines, strict=True)):
        ends = [own["low"].iloc[0], own["high"].iloc[0]]
        axes.plot(ends, [row, row], color=style.colour, lw=4, alpha=0.35, solid_capstyle="butt")
        axes.plot(own["mean"].iloc[:1], [row], "|", ms=9, mew=1.2, color="black")
        axes.plot(own["accuracy"], np.full(len(own), row), style.marker, color=style.colour)
    labels = [textwrap.fill(str(label), 34) for label, _ in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=LEGEND_SIZE)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.plot([], [], "o", color="0.4", label="a repetition (same colours and signs on the left)")
    axes.plot([], [], "|", ms=9, mew=1.2, color="black", label="mean")
    explain_band(axes, "Wilson's 95 % interval of the mean")
    tested = table["tested"].max()
    axes.set_xlabel(f"accuracy on {int(tested)} test images")
    axes.grid(axis="x", lw=0.4)
    return axes


def ways(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The ways of training that the sweep compares, in its order, with their names."""
    keys = [key for key in _KEYS if key in table and table[key].nunique() > 1]
    if not keys:
        return [("classifier", table)]
    lines = []
    for values, own in table.groupby(keys, sort=False):
        chosen = dict(zip(keys, values, strict=True))
        lines.append((_name(chosen), own))
    return lines


def _name(chosen: dict[str, object]) -> str:
    model = str(chosen.get("model", "quantum"))
    parts = [_MODELS[model]]
    if model == "quantum":
        shots = chosen.get("shots")
        if shots is not None:
            parts.append(f"{int(str(shots)):,} shots" if shots else "exact means")
        if "noise.scale" in chosen:
            scale = float(str(chosen["noise.scale"]))
            parts.append("ideal" if scale == 0 else f"noise x {scale:g}")
        named = [str(chosen[key]) for key in ("noise", "device") if chosen.get(key)]
        parts += [name.replace("depolarizing_readout", "depolarising, readout") for name in named]
        noisy = bool(shots) or float(str(chosen.get("noise.scale", 0))) > 0
        if "train" in chosen and noisy:
            parts.append("trained ideally" if chosen["train"] == "ideal" else "trained as run")
    return ", ".join(parts)


def text(table: pd.DataFrame) -> str:
    """What a table shows: the accuracy of each way of training."""
    lines = []
    for label, own in ways(table[table["correct"].notna()]):
        each = own["correct"] / own["tested"]
        images = float(own["tested"].iloc[0])
        low, high = (float(x) for x in proportion_interval(each.mean() * images, images))
        lines.append(
            f"{label}: test accuracy {each.mean():.3f} (95 %: {low:.3f} to {high:.3f}; "
            f"{len(each)} repetition(s), {each.min():.3f} to {each.max():.3f})"
        )
    return "\n".join([*lines, *check_lines(table)])
