"""What the figures of a noise sweep call its axes and lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from studies.line_figures import LineFigures
from studies.noise.study import COLUMNS
from studies.wording import axis_text

LABELS = {
    "shots": "shots for each patch",
    "noise.scale": "noise scale (1: the noise as configured)",
    "noise.depolarizing.p2": "two-qubit depolarising probability $p_2$",
    "noise.depolarizing.p1": "one-qubit depolarising probability $p_1$",
    "convolution.filters.layers": "layers of the ansatz",
    "convolution.overlap": "overlap test",
    "convolution.kernel": "kernel",
    "gate_set": "gate set",
}


def name_line(values: Mapping[str, object], texts: Mapping[str, str]) -> str:
    """Names a line or a panel.

    Args:
        values: What it stands for, by axis.
        texts: The same in words.
    """
    return ", ".join(_value_text(axis, value, texts[axis]) for axis, value in values.items())


def _value_text(axis: str, value: object, text: str) -> str:
    if isinstance(value, str) and value != "auto":
        return text
    if axis == "shots" and isinstance(value, (int, np.integer)):
        return f"{value:,} shots"
    if axis == "noise.scale":
        return f"noise x {text}"
    return axis_text(axis, text)


FIGURES = LineFigures(COLUMNS, name_line)
"""What the figures of a noise sweep have in common."""
