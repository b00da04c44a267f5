"""Figures of a training sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.crosscheck import check_lines
from studies.drawing import save_drawn
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
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    plot_loss(left, table)
    save_drawn(figure, plot_test_accuracy(right, table), folder, "training")
    return ["training"]


def plot_loss(axes: Axes, table: pd.DataFrame) -> Axes:
    """The training loss of each way of training, the mean over repetitions.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    colours = seaborn.color_palette("colorblind")
    for number, (_, own) in enumerate(ways(table)):
        means = own.groupby("epoch")["loss"].mean()
        style = ("-", "--", ":", "-.")[number // len(colours) % 4]
        axes.plot(means.index, means, style, color=colours[number % len(colours)], lw=1.1)
    axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss, nats (colours as on the right)")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def plot_test_accuracy(axes: Axes, table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy on the test images: dots are repetitions, bars Wilson's 95 % interval.

    The interval is that of the mean accuracy over repetitions on as many images as there are;
    repetitions read the same images and do not make it narrower.

    Returns:
        The numbers drawn.
    """
    drawn = []
    colours = seaborn.color_palette("colorblind")
    tested = table[table["correct"].notna()]
    lines = ways(tested)
    for number, (label, own) in enumerate(lines):
        each = own["correct"] / own["tested"]
        images = float(own["tested"].iloc[0])
        low, high = (float(x) for x in proportion_interval(each.mean() * images, images))
        y = len(lines) - number
        colour = colours[number % len(colours)]
        axes.plot([low, high], [y, y], color=colour, lw=3, alpha=0.4, solid_capstyle="butt")
        axes.plot(each, np.full(len(each), y), "o", ms=3.5, color=colour)
        drawn.append({"way": label, "accuracy": each.mean(), "low": low, "high": high})
    axes.set_yticks(range(len(lines), 0, -1), [label for label, _ in lines], fontsize=7)
    axes.set_xlabel(f"accuracy on {int(tested['tested'].max())} test images")
    axes.grid(axis="x", lw=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    return pd.DataFrame(drawn)


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
        parts += [str(chosen[key]) for key in ("noise", "device") if chosen.get(key)]
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
