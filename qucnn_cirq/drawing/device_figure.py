"""Devices as figures: a map of errors, and where a circuit sits.

`plot_device` draws on Axes and returns them; `device_rows` gives the numbers that it draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cirq
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.palette import PART_COLOURS
from qucnn_cirq.drawing.placement import ROLE_PARTS, ROLES, CircuitPlacement
from qucnn_cirq.drawing.symbols import GATE_NAMES
from qucnn_cirq.drawing.ticks import log_ticks

_RADIUS = 0.32
_MAP = "cividis_r"
_PLAIN = "#d9d9d9"
_LARGEST = 7.0
"""Width in inches that no map exceeds: both columns of a journal."""
_SMALLEST_LETTER, _LARGEST_LETTER = 4.5, 7.5


def device_figure(
    device: Device, placement: CircuitPlacement | None = None, *, gate_set: str | None = None
) -> Figure:
    """Draws a device as `plot_device` does, in a figure of the right size with a legend.

    Args:
        device: A device of grid qubits.
        placement: Where a circuit sits on it.
        gate_set: The two-qubit gate whose errors are shown; the device's default if None.

    Returns:
        The figure.
    """
    rows, columns = _extent(device)
    beside = 2.2 if device.is_calibrated else 0.7
    scale = min(0.42, (_LARGEST - beside) / columns, 7.0 / rows)
    size = (max(2.6, scale * columns + beside), max(2.2, scale * rows + 1.0))
    figure = Figure(figsize=size)
    figure.set_layout_engine("constrained")
    axes = plot_device(figure.subplots(), device, placement, gate_set=gate_set)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        legend = {"frameon": False, "handletextpad": 0.4, "columnspacing": 1.0}
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **legend)
    return figure


def plot_device(
    axes: Axes,
    device: Device,
    placement: CircuitPlacement | None = None,
    *,
    gate_set: str | None = None,
    colour_bars: bool = True,
) -> Axes:
    """Draws a device: discs are qubits, bars are couplers.

    A calibrated device is drawn as a heat map: discs in the colour of their readout error, bars in
    that of the Pauli error of the two-qubit gate. With a placement the qubits of the circuit have
    letters and rings in the colours of the parts of the layer, and arrows show how the ancillas
    walk.

    Args:
        axes: Where to draw; artists have labels for a legend.
        device: A device of grid qubits.
        placement: Where a circuit sits on it.
        gate_set: The two-qubit gate whose errors are shown; the device's default if None.
        colour_bars: Whether to draw colour bars; `add_colour_bars` draws them for several maps.

    Returns:
        The axes.
    """
    gate = gate_set or device.default_gate_set
    qubits = sorted(device.graph)
    _frame(axes, device, qubits)
    colours = _draw_errors(axes, device, qubits, gate)
    if placement is not None:
        _draw_placement(axes, placement, colours)
    if colour_bars:
        add_colour_bars([axes], device, gate_set=gate)
    return axes


def add_colour_bars(
    panels: Sequence[Axes], device: Device, *, gate_set: str | None = None
) -> list[Axes]:
    """Adds the colour bars of one device to the right of its maps.

    Args:
        panels: The maps, in one figure.
        device: The device; one that is not calibrated has no bars.
        gate_set: As for `plot_device`.

    Returns:
        The axes of the bars.
    """
    gate = gate_set or device.default_gate_set
    if not device.is_calibrated:
        return []
    drawn = []
    for shades, label in (
        (_shades(_readout_errors(device)), "readout error (disc)"),
        (_shades(_coupler_errors(device, gate)), f"Pauli error of {GATE_NAMES[gate]} (bar)"),
    ):
        bar = panels[0].figure.colorbar(
            shades,
            ax=list(panels),
            shrink=0.8,
            pad=0.02,
            aspect=25 if len(panels) == 1 else 40,
            extend="both",
        )
        bar.set_label(label)
        log_ticks(bar.ax.yaxis, percent=True)
        drawn.append(bar.ax)
    return drawn


def device_rows(
    device: Device, placement: CircuitPlacement | None = None, *, gate_set: str | None = None
) -> list[dict[str, object]]:
    """What `plot_device` draws: a row for each qubit and for each coupler.

    Args:
        device: A device of grid qubits.
        placement: Where a circuit sits on it.
        gate_set: The two-qubit gate; the device's default if None.

    Returns:
        Rows with `row` and `column`, for couplers those of the other end too; the `role` of a
        qubit, empty if the circuit does not use it; and the `error` that its colour shows: of
        readout, or the Pauli error of the gate; None where the device is not calibrated.
    """
    gate = gate_set or device.default_gate_set
    roles = {} if placement is None else placement.roles
    rows: list[dict[str, object]] = []
    for qubit in sorted(device.graph):
        rows.append(
            {
                "what": "qubit",
                "row": qubit.row,
                "column": qubit.col,
                "role": roles.get(qubit, ""),
                "error": device.readout_error(qubit) if device.is_calibrated else None,
            }
        )
    for a, b in couplers(device):
        error = device.two_qubit_error(a, b, gate) if device.is_calibrated else None
        end = {"row": a.row, "column": a.col, "other_row": b.row, "other_column": b.col}
        rows.append({"what": f"coupler, {gate}", **end, "role": "", "error": error})
    return rows


def _extent(device: Device) -> tuple[int, int]:
    qubits = list(device.graph)
    rows, columns = (np.ptp([getattr(q, name) for q in qubits]) + 1 for name in ("row", "col"))
    return int(rows), int(columns)


def couplers(device: Device) -> list[tuple[cirq.GridQubit, cirq.GridQubit]]:
    """The couplers of a device of grid qubits, in order.

    Args:
        device: The device.
    """
    return sorted((min(edge), max(edge)) for edge in device.graph.edges)


def _readout_errors(device: Device) -> list[float]:
    return [device.readout_error(qubit) for qubit in sorted(device.graph)]


def _coupler_errors(device: Device, gate: str) -> list[float]:
    return [device.two_qubit_error(a, b, gate) for a, b in couplers(device)]


def _draw_errors(
    axes: Axes, device: Device, qubits: Sequence[cirq.GridQubit], gate: str
) -> dict[cirq.Qid, object]:
    """Draws couplers and discs; returns the colour of each disc."""
    segments = [[(a.col, a.row), (b.col, b.row)] for a, b in couplers(device)]
    width = 4.0 * cell_points(axes) / 20
    if not device.is_calibrated:
        axes.add_collection(LineCollection(segments, colors=_PLAIN, linewidths=width, zorder=1))
        colours: dict[cirq.Qid, object] = dict.fromkeys(qubits, _PLAIN)
    else:
        two_qubit = _shades(_coupler_errors(device, gate))
        lines = LineCollection(segments, cmap=_MAP, norm=two_qubit.norm, linewidths=width, zorder=1)
        lines.set_array(two_qubit.get_array())
        axes.add_collection(lines)
        errors = np.array(_readout_errors(device))
        colours = dict(zip(qubits, _shades(errors).to_rgba(errors), strict=True))
    discs(axes, qubits, facecolors=list(colours.values()), edgecolors="#555", linewidths=0.4)
    return colours


def _shades(errors: Sequence[float] | np.ndarray) -> ScalarMappable:
    """A logarithmic scale from the smallest to the largest error, outliers cut off."""
    values = np.asarray(errors, float)
    positive = values[values > 0]
    low, high = np.quantile(positive, [0.02, 0.98]) if len(positive) else (1e-4, 1e-2)
    shades = ScalarMappable(LogNorm(low, max(high, 1.01 * low)), cmap=_MAP)
    shades.set_array(np.maximum(values, low))
    return shades


def discs(axes: Axes, qubits: Iterable[cirq.GridQubit], zorder: float = 2, **style: object) -> None:
    """Draws qubits as discs in the units of the axes: one artist for all, which is quick.

    Args:
        axes: Where to draw.
        qubits: The qubits.
        zorder: What they cover.
        style: What else a collection of matplotlib takes.
    """
    places = [(qubit.col, qubit.row) for qubit in qubits]
    size = 2 * _RADIUS
    axes.add_collection(
        EllipseCollection(
            size,
            size,
            0,
            units="x",
            offsets=places,
            offset_transform=axes.transData,
            zorder=zorder,
            **style,
        )  # fmt: skip
    )


def _draw_placement(
    axes: Axes, placement: CircuitPlacement, colours: dict[cirq.Qid, object]
) -> None:
    letter = min(0.42 * cell_points(axes), _LARGEST_LETTER)
    for role in ROLES:
        own = [
            qubit
            for qubit, each in placement.roles.items()
            if each == role and isinstance(qubit, cirq.GridQubit)
        ]
        if not own:
            continue
        colour = PART_COLOURS[ROLE_PARTS[role]]
        width = min(2.4, 0.14 * cell_points(axes))
        # A white edge sets the ring apart from a disc of its colour.
        discs(axes, own, 2.5, facecolors="none", edgecolors="white", linewidths=width + 1.4)
        discs(axes, own, 3, facecolors="none", edgecolors=colour, linewidths=width)
        for qubit in own:
            if letter >= _SMALLEST_LETTER:
                axes.text(
                    qubit.col,
                    qubit.row,
                    ROLES[role],
                    color=_readable(colours.get(qubit, _PLAIN)),
                    size=letter,
                    ha="center",
                    va="center_baseline",
                    zorder=5,
                )
        label = f"{role} ({ROLES[role]})" if letter >= _SMALLEST_LETTER else role
        axes.plot([], [], "o", ms=6, mfc="none", mec=colour, mew=2.0, label=label)
    for walk in placement.walks:
        for start, end in zip(walk, walk[1:], strict=False):
            _arrow(axes, start, end)
    if placement.walks:
        axes.plot([], [], color="#111", marker=">", ms=4, label="ancilla's walk")


def cell_points(axes: Axes) -> float:
    """About how many points the distance of two qubits takes, once the axes are laid out.

    Args:
        axes: A map, with its limits set.
    """
    box = axes.get_window_extent()
    across, up = np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())
    # Colour bars and labels take about a quarter of the width.
    return float(72 / axes.figure.dpi * min(0.8 * box.width / across, 0.95 * box.height / up))


def _readable(colour: object) -> str:
    """Black or white, whichever is readable on a colour."""
    red, green, blue = to_rgb(colour)  # type: ignore[arg-type]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.45 else "white"


def _arrow(axes: Axes, start: cirq.Qid, end: cirq.Qid) -> None:
    assert isinstance(start, cirq.GridQubit)
    assert isinstance(end, cirq.GridQubit)
    # From edge to edge of the discs, so that the letters stay readable.
    a, b = np.array([start.col, start.row]), np.array([end.col, end.row])
    step = (b - a) / np.linalg.norm(b - a)
    axes.annotate(
        "",
        xy=tuple(b - 0.8 * _RADIUS * step),
        xytext=tuple(a + 0.8 * _RADIUS * step),
        arrowprops={"arrowstyle": "-|>", "color": "#111", "lw": 1.2, "shrinkA": 0, "shrinkB": 0,
                    "mutation_scale": 7},
        zorder=4,
    )  # fmt: skip


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
