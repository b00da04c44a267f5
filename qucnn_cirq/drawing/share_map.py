"""Shares of an error on the map of a device: what each qubit and coupler contributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import cirq
import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from noise_models.values import coupler_key, qubit_key
from qucnn_cirq.devices import Device
from qucnn_cirq.drawing.device_figure import cell_points, couplers, discs

_MAP = matplotlib.colormaps["PuOr_r"]
_OTHER, _OTHER_COUPLER = "#f4f4f4", "#e4e4e4"
_MARGIN = 1
"""Rows and columns of qubits without a share that are shown around those with one."""


def share_limit(shares: Iterable[Mapping[str, float]]) -> float:
    """The largest size of shares, for the scale of several maps.

    Args:
        shares: For each map the shares by qubit and coupler.
    """
    return max((abs(value) for own in shares for value in dict(own).values()), default=1.0) or 1.0


def plot_share_map(axes: Axes, device: Device, shares: Mapping[str, float], limit: float) -> Axes:
    """Draws shares as the colours of discs (qubits) and bars (couplers).

    Args:
        axes: Where to draw.
        device: A device of grid qubits.
        shares: Shares by qubit "5,3" and coupler "5,3:5,4", as in a noise configuration.
        limit: The size of a share that has the strongest colour, as of `share_limit`.

    Returns:
        The axes, cut to where shares are.
    """
    values = dict(shares)
    scale = Normalize(-limit, limit)
    ends = {end for key in values for end in key.split(":")}
    used = [qubit for qubit in device.graph if qubit_key(qubit) in ends] or list(device.graph)
    lows = [min(getattr(q, name) for q in used) - _MARGIN for name in ("row", "col")]
    highs = [max(getattr(q, name) for q in used) + _MARGIN for name in ("row", "col")]
    qubits = [
        q
        for q in sorted(device.graph)
        if lows[0] <= q.row <= highs[0] and lows[1] <= q.col <= highs[1]
    ]
    axes.set_aspect("equal")
    axes.set_xlim(lows[1] - 0.5, highs[1] + 0.5)
    axes.set_ylim(highs[0] + 0.5, lows[0] - 0.5)
    axes.set(xlabel="column", ylabel="row")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
    inside = set(qubits)
    lines = [pair for pair in couplers(device) if set(pair) <= inside]
    known = {coupler_key(*pair): pair for pair in lines}
    width = 0.2 * cell_points(axes)
    axes.add_collection(
        LineCollection(
            [[(a.col, a.row), (b.col, b.row)] for a, b in lines],
            colors=[_MAP(scale(values[key])) if key in values else _OTHER_COUPLER for key in known],
            linewidths=[width if key in values else width / 3 for key in known],
            zorder=1,
        )
    )
    colours = [_MAP(scale(values[k])) if (k := qubit_key(q)) in values else _OTHER for q in qubits]
    discs(axes, qubits, facecolors=colours, edgecolors="#777", linewidths=0.4)
    _label(axes, used, values, scale)
    return axes


def _label(
    axes: Axes, qubits: Sequence[cirq.GridQubit], values: Mapping[str, float], scale: Normalize
) -> None:
    """Writes the share of each qubit into its disc, in per cent."""
    size = min(0.3 * cell_points(axes), 6.5)
    if size < 4.0:
        return
    for qubit in qubits:
        share = values.get(qubit_key(qubit))
        if share is not None:
            red, green, blue, _ = _MAP(scale(share))
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.45
            axes.text(
                qubit.col,
                qubit.row,
                f"{100 * share:.0f}".replace("-", "\N{MINUS SIGN}"),
                size=size,
                color="white" if dark else "black",
                ha="center",
                va="center_baseline",
                zorder=5,
            )


def add_share_bar(panels: Sequence[Axes], limit: float) -> Axes:
    """Adds the colour bar of maps.

    Args:
        panels: The maps, in one figure.
        limit: As for `plot_share_map`.

    Returns:
        The axes of the bar.
    """
    shades = ScalarMappable(Normalize(-100 * limit, 100 * limit), _MAP)
    bar = panels[0].figure.colorbar(shades, ax=list(panels), shrink=0.8, pad=0.02, aspect=30)
    bar.set_label("share of the error (%)")
    return bar.ax
