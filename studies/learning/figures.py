"""Figures of a learning sweep.

`plot_learning` draws a table on Axes and returns them; `learning_data` gives the numbers drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qucnn_cirq.drawing.ticks import log_axis
from studies.crosscheck import check_lines
from studies.drawing import explain_band, explain_line
from studies.grouping import REPEATED, axes_of, cells, groups
from studies.learning.study import COLUMNS
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.mitigation_cost import cost_lines, with_circuits
from studies.sweep.results import Results
from studies.wording import LAYERS, axis_text, layers_text, noise_text, span_text

_LOWEST = 1e-6
"""Infidelities below are not drawn: they are those of rounding."""
_AXES = (LAYERS, "method", "shots", "noise.scale", "noise", "device", "target")


def draw(results: Results, folder: Path) -> list[str]:
    """Draws infidelity against iteration, a panel for each way of learning.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    arrangement = _FIGURES.arrange(with_circuits(results.table()), "iteration")
    return _FIGURES.draw(
        arrangement, [plot_learning], learning_data, folder, "learning", finish=_limit
    )


def _limit(figure: Figure, panels: Sequence[Axes]) -> None:
    """Leaves infidelities that are rounding out of all panels alike."""
    values = [np.asarray(line.get_ydata(), float) for axes in panels for line in axes.lines]
    drawn = np.concatenate(values)
    panels[0].set_ylim(0.6 * drawn[drawn > _LOWEST].min(initial=1.0), 1.3)


def learning_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """Infidelity against iteration.

    Args:
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and iteration: the median over starts, the quartiles, the number of
        starts, and `ceiling`, the least that exact optimisation of the ansatz reached.

    Raises:
        InputError: If a median would pool anything but repetitions.
    """

    def summarise(own: pd.DataFrame) -> dict[str, object]:
        low, median, high = np.quantile(1 - own["fidelity"], [0.25, 0.5, 0.75])
        ceiling, starts = 1 - own["ceiling"].median(), len(own)
        return {"median": median, "low": low, "high": high, "ceiling": ceiling, "starts": starts}

    columns = ["fidelity", "ceiling"]
    return _FIGURES.tabulate(table, "iteration", others, columns, summarise)


def plot_learning(
    axes: Axes, table: pd.DataFrame, others: Others = None, styles: Styles | None = None
) -> Axes:
    """Draws what `learning_data` gives, log scale; dashed is what the ansatz can reach.

    Args:
        axes: Where to draw.
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a median would pool anything but repetitions.
    """
    lines = _FIGURES.lines(table, "iteration", others)
    data = learning_data(table, lines)
    reachable = False
    for label, own, style in series_of(data, lines, styles, alone="infidelity"):
        style.plot(axes, own["iteration"], own["median"], markevery=0.15, label=label)
        style.fill(axes, own["iteration"], own["low"], own["high"])
        ceiling = float(own["ceiling"].iloc[0])
        if ceiling > _LOWEST:
            axes.axhline(ceiling, ls="--", lw=0.9, color=style.colour)
            reachable = True
    if reachable:
        explain_line(axes, "the best that the ansatz can reach")
    if data["starts"].max() > 1:
        explain_band(axes, f"middle half of {span_text(data['starts'])} starts (line: median)")
    log_axis(axes, "y")
    axes.set_xlabel("iterations of Adam")
    axes.set_ylabel(r"infidelity ${}1 - |\langle f(\theta)|f\rangle|^2$")
    return axes


def _depth(values: Mapping[str, object]) -> list[str]:
    layers = values.get(LAYERS)
    return [] if layers is None else [layers_text(layers)]


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    return ", ".join(text for text in (*_depth(values), way(values)) if text)


_FIGURES = LineFigures(COLUMNS, _name, apart=(LAYERS,))


def way(values: Mapping[str, object]) -> str:
    """How the gradients were obtained, for a title.

    Args:
        values: Values of axes by name, such as {"method": "spsa", "shots": 1000}; what is not among
            them, and the depth of the ansatz, is left out.
    """
    if values.get("method") == "exact":
        return "exact gradients"
    parts = [str(values["method"]).replace("_", " ")] if "method" in values else []
    if "shots" in values:
        parts.append(f"{int(str(values['shots'])):,} shots" if values["shots"] else "no shot noise")
    if "noise.scale" in values:
        parts.append(noise_text(float(str(values["noise.scale"]))))
    if "noise" in values:
        parts.append(str(values["noise"]) or "ideal")
    parts += [str(values[key]) for key in ("device", "target") if key in values]
    parts += [axis_text(key, value) for key, value in values.items() if key not in _AXES]
    return ", ".join(parts)


def last_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the last iteration of each point.

    Args:
        table: The results, with a row for each iteration that was recorded.
    """
    keys = [*axes_of(table, COLUMNS), *(column for column in REPEATED if column in table)]
    last = [own[own["iteration"] == own["iteration"].max()] for _, own in groups(table, keys)]
    return pd.concat(last)


def text(results: Results) -> str:
    """What a table shows, in a few lines.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    last = last_rows(table)
    keys = [axis for axis in axes_of(last, COLUMNS) if axis != LAYERS]
    keys += [LAYERS] if LAYERS in last and last[LAYERS].nunique() > 1 else []
    lines = []
    for chosen, own in cells(last, keys, COLUMNS):
        fidelity = own["fidelity"]
        where = ", ".join([*_depth(chosen), way(chosen) or "fidelity"])
        lines.append(
            f"{where}: median {fidelity.median():.4f} (from "
            f"{fidelity.min():.4f} to {fidelity.max():.4f}); "
            f"reachable {np.median(own['ceiling']):.4f}"
        )
    return "\n".join([*lines, *cost_lines(table), *check_lines(table)])
