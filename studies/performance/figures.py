"""Figures of a performance sweep."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.drawing import COLUMN, PAGE, legend_below, save_drawn, series_styles

_NAMES = {
    "exact": "qucnn_cirq: exact",
    "exact:torch": "qucnn_cirq: exact, with torch",
    "exact:cupy": "qucnn_cirq: exact, with CuPy",
    "qsim_density": "qucnn_cirq: density matrix on qsim",
    "qsim": "qsim trajectories",
    "sampler": "Cirq density matrix, with shots",
    "aer": "Qiskit Aer density matrix",
    "pennylane": "PennyLane default.mixed",
}
_PANELS = {"qubits": "qubits of the circuit", "patches": "patches of a call"}


def draw(table: pd.DataFrame, folder: Path) -> list[str]:
    """Draws the time for each patch against what varies.

    Returns:
        Names of the figures, without suffix.
    """
    panels = [column for column in _PANELS if column in table and table[column].nunique() > 1]
    panels = panels or ["qubits"]
    width = COLUMN if len(panels) == 1 else PAGE
    figure = Figure(figsize=(width, 2.6), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, column in zip(row, panels, strict=True):
        plot_time(axes, table, column)
    for axes in row[1:]:
        axes.set_ylabel("")
    legend_below(figure, row)
    save_drawn(figure, table, folder, "performance")
    return ["performance"]


def plot_time(axes: Axes, table: pd.DataFrame, x: str) -> Axes:
    """Time for each patch, log-log, a line for each engine and noise; the fastest of several runs.

    Against qubits it is that of the best batch size, against patches that of the largest
    circuit that most engines ran.

    Args:
        axes: Where to draw.
        table: The results.
        x: "qubits" or "patches".

    Returns:
        The axes.
    """
    if x == "patches":
        table = table[table["qubits"] == _most_timed(table)]
    scales = sorted(table["noise.scale"].unique()) if "noise.scale" in table else [1.0]
    for style, name in zip(series_styles(len(_NAMES)), _NAMES, strict=True):
        own = table[table["engine"] == name] if "engine" in table else table
        for scale in scales:
            part = own[own["noise.scale"] == scale] if "noise.scale" in own else own
            if part.empty:
                continue
            times = part.groupby(x)["seconds_per_patch"].min()
            noisy = "" if len(scales) == 1 else (", ideal" if scale == 0 else ", noisy")
            axes.plot(
                times.index,
                times,
                style.marker + ("--" if scale == 0 else "-"),
                color=style.colour,
                label=_NAMES[name] + noisy,
            )
    axes.set_xscale("log" if x == "patches" else "linear")
    axes.set_yscale("log")
    axes.set_xlabel(_PANELS[x])
    axes.set_ylabel("time for each patch (s), fastest run")
    which = f"{table['qubits'].max()} qubits" if x == "patches" else "the best of the batch sizes"
    axes.set_title(which)
    if x == "qubits":
        axes.set_xticks(sorted(set(table[x])))
    axes.grid(axis="y", lw=0.3)
    return axes


def _most_timed(table: pd.DataFrame) -> int:
    """Qubits of the largest circuit among those that most engines ran."""
    if "engine" not in table:
        return int(table["qubits"].max())
    engines = table.groupby("qubits")["engine"].nunique()
    return int(engines.index[engines == engines.max()].max())


def text(table: pd.DataFrame) -> str:
    """What a table shows: the fastest time of each engine for each circuit, and ratios."""
    keys = [k for k in ("convolution.kernel", "noise.scale") if k in table]
    keys = [key for key in keys if table[key].nunique() > 1]
    lines = []
    for values, own in table.groupby(keys, sort=False) if keys else [((), table)]:
        where = ", ".join(f"{k.rpartition('.')[2]} {v}" for k, v in zip(keys, values, strict=True))
        best = own.groupby("engine", sort=False)["seconds_per_patch"].min()
        times = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in best.items())
        lines.append(f"{where + ': ' if where else ''}{times}")
        if "exact" in best:
            ratios = ", ".join(
                f"{name} {seconds / best['exact']:,.0f}"
                for name, seconds in best.items()
                if name != "exact"
            )
            lines.append(f"  times slower than exact: {ratios}" if ratios else "")
    if "largest_deviation" in table:
        deviation = table.groupby("engine", sort=False)["largest_deviation"].max().dropna()
        agreement = ", ".join(f"{name} {value:.1g}" for name, value in deviation.items())
        lines.append(f"largest deviation from the exact means: {agreement}")
    return "\n".join(line for line in lines if line)
