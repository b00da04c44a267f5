"""The figure and the table of the benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qucnn_cirq.drawing.ticks import log_axis
from studies.drawing import PAGE, legend_below, save_drawn, series_styles
from studies.sweep.results import Results

TIE = 0.002
"""By how much errors may differ, as a part of them, in a tie: a pulse more is not worth a word."""

NAMES = {"cirq": "Cirq", "qiskit": "Qiskit", "pytket": "pytket", "bqskit": "BQSKit"}
_WHAT = ["seed", "number", "kernel", "overlap", "filter", "on", "gates"]
_OWN = "qucnn"


def draw(results: Results, folder: Path) -> list[str]:
    """Draws this package's predicted error over that of the best other compiler.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figure and, as CSV, the table of it.

    Returns:
        The figure's name, without suffix; nothing as long as no specification has been compiled by
        this package and another one.
    """
    data = benchmark_data(results.table())
    if data.empty:
        return []
    figure = Figure(figsize=(PAGE, 2.4), layout="constrained")
    legend_below(figure, [plot_benchmark(figure.subplots(), results.table())])
    save_drawn(figure, data, folder, "benchmark")
    return ["benchmark"]


def benchmark_data(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each specification.

    Args:
        table: The results.

    Returns:
        What was compiled; for each compiler gates, depth and predicted error; the best of the
        others and this package's error over its. The smallest first.
    """
    what = [name for name in _WHAT if name in table]
    if "compiler" not in table:
        return pd.DataFrame()
    columns = ["two_qubit_gates", "two_qubit_depth", "error"]
    wide = table.pivot_table(index=what, columns="compiler", values=columns, observed=True)
    errors = wide["error"]
    others = [name for name in NAMES if name in errors]
    if _OWN not in errors or not others:
        return pd.DataFrame()
    flat = pd.DataFrame(
        {f"{name}_{column}": wide[column, name] for name in errors for column in columns}
    )
    flat["ratio"] = errors[_OWN] / errors[others].min(axis=1)
    flat = flat.dropna(subset="ratio")
    flat["best"] = errors.loc[flat.index, others].idxmin(axis=1)
    return flat.reset_index().sort_values("ratio", ignore_index=True)


def plot_benchmark(axes: Axes, table: pd.DataFrame) -> Axes:
    """This package's predicted error over that of the best other compiler, in ascending order.

    Args:
        axes: Where to draw.
        table: The results.

    Returns:
        The axes.
    """
    data = benchmark_data(table)
    kinds = sorted(data["overlap"].unique())
    for kind, style in zip(kinds, series_styles(len(kinds)), strict=True):
        own = data[data["overlap"] == kind]
        style.plot(axes, own.index + 1, own["ratio"], "", label=kind)
    axes.axhline(1.0, color="0.5", lw=0.7, zorder=0)
    log_axis(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="specification", ylabel="predicted error /\nthat of the best other compiler")
    return axes


def text(results: Results) -> str:
    """What a table shows: how often another compiler is better, and where.

    Args:
        results: What was measured so far, at least one point.
    """
    data = benchmark_data(results.table())
    if data.empty:
        return "no specification was compiled by qucnn and another compiler"
    worse = data[data["ratio"] > 1 + TIE]
    ties = int((abs(data["ratio"] - 1) <= TIE).sum())
    mean = float(np.exp(np.log(data["ratio"]).mean()))
    lines = [
        f"{len(data)} specifications: smaller error in {len(data) - len(worse) - ties}, ties in "
        f"{ties}, larger in {len(worse)}; mean error / best of the others {mean:.2f}"
    ]
    for _, row in worse.iterrows():
        best = row["best"]
        gates = f"{row[f'{_OWN}_two_qubit_gates']:.0f} for {row[f'{best}_two_qubit_gates']:.0f}"
        lines.append(
            f"{row.get('number', 0)}: {row['kernel']} {row['overlap']}, {row['filter']}, "
            f"{row['on']}: {NAMES[best]} {row['ratio']:.3f} times better, {gates} gates"
        )
    return "\n".join(lines)
