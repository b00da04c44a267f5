"""Colours of the parts of the layer: Okabe and Ito's, told apart by the colour-blind too."""

from __future__ import annotations

from collections.abc import Iterable

from qucnn_cirq.circuits.parts import PARTS

PART_COLOURS: dict[str | None, str] = {
    "loader": "#0072b2",
    "filter": "#e69f00",
    "overlap": "#009e73",
    "backward": "#cc79a7",
    "routing": "#d55e00",
    "decoupling": "#56b4e9",
    None: "#777777",
}
"""The colour of each part; of operations that belong to none, a grey."""


def tint(colour: str, share: float = 0.25) -> str:
    """A colour mixed with white.

    Args:
        colour: In the form "#rrggbb".
        share: How much of the colour is left, from 0 (white) to 1.
    """
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - share * (255 - each)):02x}" for each in channels)


def in_order(parts: Iterable[str | None]) -> list[str | None]:
    """Parts in the order in which the layer runs, those of no part last.

    Args:
        parts: Out of `PART_COLOURS`, None for no part; any may occur again.

    Returns:
        Each of them once.
    """
    present = set(parts)
    return [part for part in (*PARTS, None) if part in present]
