"""Devices as figures: a map of errors, and where a circuit sits."""

from __future__ import annotations

from collections.abc import Sequence

import cirq
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.palette import PART_COLOURS
from qucnn_cirq.drawing.placement import ROLE_PARTS, ROLES, CircuitPlacement

_RADIUS = 0.3
_MAP = "cividis_r"
_PLAIN = "#d9d9d9"


def device_figure(
    device: Device, placement: CircuitPlacement | None = None, *, gate_set: str | None = None
) -> Figure:
    """Draws a device: discs are qubits, bars are couplers.

    A calibrated device is drawn as a heat map: discs in the colour of their readout error, bars in
    that of the Pauli error of the two-qubit gate. With a placement the qubits of the circuit have
    rings in the colours of the parts of the layer, and arrows show how the ancillas walk.

    Args:
        device: A device of grid qubits.
        placement: Where a circuit sits on it.
        gate_set: The two-qubit gate whose errors are shown; the device's default if None.

    Returns:
        The figure.
    """
    qubits = sorted(device.graph)
    rows = np.ptp([qubit.row for qubit in qubits]) + 1
    columns = np.ptp([qubit.col for qubit in qubits]) + 1
    scale = min(0.42, 7.0 / max(rows, columns))
    bars = 1.7 if device.is_calibrated else 0.3
    figure = Figure(figsize=(max(2.6, scale * columns + 0.9 + bars), max(2.2, scale * rows + 1.2)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    _draw_errors(axes, device, qubits, gate_set or device.default_gate_set)
    if placement is not None:
        _draw_placement(axes, placement)
    _frame(axes, device, qubits)
    return figure


def _draw_errors(axes: Axes, device: Device, qubits: Sequence[cirq.GridQubit], gate: str) -> None:
    couplers = sorted(tuple(sorted(edge)) for edge in device.graph.edges)
    segments = [[(a.col, a.row), (b.col, b.row)] for a, b in couplers]
    if not device.is_calibrated:
        axes.add_collection(LineCollection(segments, colors=_PLAIN, linewidths=4, zorder=1))
        for qubit in qubits:
            _disc(axes, qubit, _PLAIN)
        return
    two_qubit = _shades([device.two_qubit_error(a, b, gate) for a, b in couplers])
    readout = _shades([device.readout_error(qubit) for qubit in qubits])
    couplings = LineCollection(segments, cmap=_MAP, norm=two_qubit.norm, linewidths=4.5, zorder=1)
    couplings.set_array(two_qubit.get_array())
    axes.add_collection(couplings)
    errors = np.array([device.readout_error(qubit) for qubit in qubits])
    for qubit, colour in zip(qubits, readout.to_rgba(errors), strict=True):
        _disc(axes, qubit, colour)
    for shades, label in (
        (readout, "readout error (disc)"),
        (two_qubit, f"Pauli error of {gate} (bar)"),
    ):
        bar = axes.figure.colorbar(shades, ax=axes, shrink=0.8, pad=0.02, extend="both")
        bar.set_label(label)
        bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        bar.ax.yaxis.set_major_formatter(lambda error, _: f"{100 * error:.2g} %")
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.ax.minorticks_off()


def _shades(errors: Sequence[float]) -> ScalarMappable:
    """A logarithmic scale from the smallest to the largest error, outliers cut off."""
    values = np.asarray(errors, float)
    positive = values[values > 0]
    low, high = np.quantile(positive, [0.02, 0.98]) if len(positive) else (1e-4, 1e-2)
    shades = ScalarMappable(LogNorm(low, max(high, 1.01 * low)), cmap=_MAP)
    shades.set_array(np.maximum(values, low))
    return shades


def _disc(axes: Axes, qubit: cirq.GridQubit, colour: object) -> None:
    place = (qubit.col, qubit.row)
    axes.add_patch(Circle(place, _RADIUS, facecolor=colour, edgecolor="#555", lw=0.4, zorder=2))


def _draw_placement(axes: Axes, placement: CircuitPlacement) -> None:
    handles = []
    for role in ROLES:
        own = [qubit for qubit, each in placement.roles.items() if each == role]
        colour = PART_COLOURS[ROLE_PARTS[role]]
        for qubit in own:
            assert isinstance(qubit, cirq.GridQubit)
            place = (qubit.col, qubit.row)
            axes.add_patch(Circle(place, _RADIUS, fill=False, edgecolor=colour, lw=2.4, zorder=3))
        if own:
            handles.append(Line2D([], [], marker="o", ls="", mfc="none", mec=colour, mew=2.4))
            handles[-1].set_label(role)
    for walk in placement.walks:
        for start, end in zip(walk, walk[1:], strict=False):
            _arrow(axes, start, end)
    if placement.walks:
        handles.append(Line2D([], [], color="#111", marker=">", ms=4, label="ancilla's walk"))
    axes.figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=3,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.0,
    )


def _arrow(axes: Axes, start: cirq.Qid, end: cirq.Qid) -> None:
    assert isinstance(start, cirq.GridQubit)
    assert isinstance(end, cirq.GridQubit)
    axes.annotate(
        "",
        xy=(end.col, end.row),
        xytext=(start.col, start.row),
        arrowprops={"arrowstyle": "-|>", "color": "#111", "lw": 1.4, "shrinkA": 3, "shrinkB": 3},
        zorder=4,
    )


def _frame(axes: Axes, device: Device, qubits: Sequence[cirq.GridQubit]) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(min(q.col for q in qubits) - 0.6, max(q.col for q in qubits) + 0.6)
    axes.set_ylim(max(q.row for q in qubits) + 0.6, min(q.row for q in qubits) - 0.6)
    axes.set_xlabel("column")
    axes.set_ylabel("row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    calibrated = "" if device.is_calibrated else ", not calibrated"
    axes.set_title(f"{device.name}: {device.n_qubits} qubits{calibrated}")
