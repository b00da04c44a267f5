"""Figures of a compilation sweep."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qucnn_cirq.drawing.ticks import TickTexts, log_axis
from qucnn_cirq.specification import OVERLAP
from studies.compilation.study import COLUMNS
from studies.drawing import place_on_axis
from studies.grouping import axes_of
from studies.line_figures import LineFigures, Others, Styles, series_of
from studies.sweep.results import Results
from studies.wording import axis_text

_KERNEL = "convolution.kernel"
_FILTERS, _OVERLAP = "convolution.filters", "convolution.overlap"
_MEASUREMENT, _ENCODING = "convolution.measurement", "convolution.encoding"
_CIRCUIT = "circuit"
"""A column that names specifications which differ in more than the kernel and the test."""
_PANELS = {
    "two_qubit_gates": "two-qubit gates",
    "two_qubit_depth": "two-qubit depth",
    "error": "predicted error of a circuit",
}
_NAMES = {
    "qucnn": "qucnn_cirq",
    "cirq": "Cirq",
    "qiskit": "Qiskit",
    "pytket": "pytket",
    "bqskit": "BQSKit",
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draws gates, depth and predicted error: a row for each overlap test and what else varies.

    Where filters, encodings or measurements vary there is a row for each specification instead.

    Args:
        results: What was measured so far, at least one point.
        folder: An existing folder, which takes the figures and, as CSV, the numbers they show.

    Returns:
        Names of the figures, without suffix.
    """
    table = results.table()
    if {_FILTERS, _MEASUREMENT, _ENCODING} & set(axes_of(table, COLUMNS)):
        return _draw_circuits(_with_circuit(table), folder)
    table = _with_kernel(table)
    return _FIGURES.draw(
        _FIGURES.arrange(table, _KERNEL, most_panels=4),
        [partial(plot_cost, column=column) for column in _PANELS],
        cost_data,
        folder,
        "compilation",
        height=1.9,
        share="col",
    )


def _draw_circuits(table: pd.DataFrame, folder: Path) -> list[str]:
    """A row for each specification, in three panels."""
    return _FIGURES.draw(
        _FIGURES.arrange(table, _CIRCUIT, most_panels=1),
        [partial(plot_circuits, column=column) for column in _PANELS],
        circuits_data,
        folder,
        "compilation",
        height=0.8 + 0.2 * table[_CIRCUIT].nunique(),
        share=True,
    )


def circuits_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """What circuits cost, for each specification.

    Args:
        table: The results, with a column "circuit".
        others: As for `cost_data`.

    Returns:
        One row for each line and specification: means over repetitions.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    return _FIGURES.tabulate(table, _CIRCUIT, others, _PANELS)


def plot_circuits(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    others: Others = None,
    styles: Styles | None = None,
) -> Axes:
    """One figure of merit of each specification, the markers of all compilers in its row.

    Args:
        axes: Where to draw.
        table: The results, with a column "circuit".
        column: What is drawn.
        others: As for `plot_cost`.
        styles: As there.

    Returns:
        The axes.

    Raises:
        InputError: As there.
    """
    lines = _FIGURES.lines(table, _CIRCUIT, others)
    data = circuits_data(table, lines)
    names = list(dict.fromkeys(table[_CIRCUIT]))
    for label, own, style in series_of(data, lines, styles, alone="qucnn_cirq"):
        style.plot(axes, own[column], own[_CIRCUIT].map(names.index), line="", label=label)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(axis="y", lw=0.4)
    if data[column].min() > 0:
        log_axis(axes, "x")
    else:
        axes.set_xscale("symlog", linthresh=1, linscale=0.3)
        axes.set_xlim(-0.3, 1.5 * data[column].max() + 1)
        axes.xaxis.set_major_formatter(TickTexts())
    axes.set(xlabel=_PANELS[column])
    return axes


def _with_circuit(table: pd.DataFrame) -> pd.DataFrame:
    """A table of which one column says in words what varies of the specification.

    Of the overlap test nothing is run where something else is measured.
    """
    own = [axis for axis in axes_of(table, COLUMNS) if axis.startswith("convolution.")]
    texts = table[own].astype(str)
    for axis in (_FILTERS, _MEASUREMENT, _ENCODING):
        if axis in texts:
            texts[axis] = [
                ", ".join(p.rpartition("=")[2] for p in t.split(", ")) for t in texts[axis]
            ]
    if _MEASUREMENT in texts:
        is_overlap = texts[_MEASUREMENT] == OVERLAP
        texts[_MEASUREMENT] = texts[_MEASUREMENT].where(~is_overlap, "")
        if _OVERLAP in texts:
            texts[_OVERLAP] = texts[_OVERLAP].where(is_overlap, "")
    order = [axis for axis in (_FILTERS, _KERNEL, _OVERLAP, _MEASUREMENT) if axis in texts]
    order += [axis for axis in own if axis not in order]
    count, chosen = len(texts.drop_duplicates()), order[:1]
    for axis in order[1:]:
        # What tells nothing apart needs no words.
        if len(texts[chosen].drop_duplicates()) < count:
            chosen.append(axis)
    names = [", ".join(filter(None, row)) for row in texts[chosen].itertuples(index=False)]
    return table.drop(columns=own).assign(**{_CIRCUIT: names})


def cost_data(table: pd.DataFrame, others: Others = None) -> pd.DataFrame:
    """What circuits cost, for each kernel.

    Args:
        table: The results.
        others: What tells the lines apart: names of axes, or all that vary if None.

    Returns:
        One row for each line and kernel: means over repetitions.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    return _FIGURES.tabulate(_with_kernel(table), _KERNEL, others, _PANELS)


def plot_cost(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    others: Others = None,
    styles: Styles | None = None,
) -> Axes:
    """One figure of merit against the kernel, a line for each compiler, gate set and device.

    Args:
        axes: Where to draw.
        table: The results.
        column: What is drawn.
        others: What tells the lines apart: names of axes, or all that vary if None.
        styles: How each line looks.

    Returns:
        The axes.

    Raises:
        InputError: If a mean would pool anything but repetitions.
    """
    table = _with_kernel(table)
    lines = _FIGURES.lines(table, _KERNEL, others)
    data = cost_data(table, lines)
    series = series_of(data, lines, styles, alone="qucnn_cirq")
    places = place_on_axis(axes, data[_KERNEL].astype(str))
    for number, (label, own, style) in enumerate(series):
        # Side by side, so that equal values stay visible.
        aside = 0.12 * (number / max(1, len(series) - 1) - 0.5)
        at = own[_KERNEL].astype(str).map(places) + aside
        style.plot(axes, at, own[column], lw=0.8, label=label)
    log_axis(axes, "y")
    axes.set(xlabel="kernel", ylabel=_PANELS[column])
    return axes


def _with_kernel(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose kernels are names, also where there is one kernel."""
    names = table[_KERNEL].map(str) if _KERNEL in table else "kernel"
    return table.assign(**{_KERNEL: names})


def _name(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    words = []
    for axis, text in texts.items():
        if axis == "convolution.overlap":
            words.append(f"{text} test")
        elif isinstance(values[axis], str):
            words.append(_NAMES.get(text, text))
        else:
            words.append(axis_text(axis, text))
    return ", ".join(words)


_FIGURES = LineFigures(COLUMNS, _name, apart=("compiler", "gate_set", "walkers", "device"))


def text(results: Results) -> str:
    """What a table shows: gates and depth of every point.

    Args:
        results: What was measured so far, at least one point.
    """
    table = results.table()
    axes = axes_of(table, COLUMNS)
    lines = []
    for _, row in table.iterrows():
        # With a measurement nothing is compared: the overlap test has no say then.
        is_read = row.get(_MEASUREMENT) not in (None, "overlap")
        named = [axis for axis in axes if not (is_read and axis == _OVERLAP)]
        where = ", ".join(str(row[axis]) for axis in named)
        verified = {True: "", False: " NOT VERIFIED"}.get(row.get("verified"), "")
        lines.append(
            f"{where}: {row['two_qubit_gates']} / {row['two_qubit_depth']}, predicted error "
            f"{row['error']:.3f}{verified}"
        )
    return "\n".join(lines)
