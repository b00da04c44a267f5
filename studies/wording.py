"""What figures and texts of studies call axes and values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from studies.grouping import Naming, Values

LAYERS = "convolution.filters.layers"
"""The axis of the depth of the ansatz."""


def name_by_axis(words: Mapping[str, Callable[[Any, str], str]]) -> Naming:
    """Names lines and panels by what is said of each axis.

    Args:
        words: What is said of a value and its text, by axis; of all others `axis_text`.
    """

    def name(values: Values, texts: Mapping[str, str]) -> str:
        return ", ".join(
            words[axis](value, texts[axis]) if axis in words else axis_text(axis, texts[axis])
            for axis, value in values.items()
        )

    return name


def axis_text(axis: str, text: object) -> str:
    """A value with the last part of the name of its axis, such as "layers 2".

    Args:
        axis: Name of the axis, with dots.
        text: The value.
    """
    return f"{axis.rpartition('.')[2]} {text}"


def noise_text(scale: float, text: str = "") -> str:
    """A scale of the noise in words.

    Args:
        scale: At least 0.
        text: The same as text; with six digits if empty.
    """
    return "ideal" if scale == 0 else f"noise x {text or f'{scale:g}'}"


def layers_text(count: object, text: str = "") -> str:
    """A number of layers in words.

    Args:
        count: At least 1.
        text: The same as text.
    """
    return f"{text or count} layer{'' if count == 1 else 's'}"


_METHODS = {
    "raw": "raw mean",
    "mixed_each": "mixed for each patch",
    "pauli_weights": "Pauli weights",
    "two_point": "two points",
    "optimal": "optimal weights",
    "unbiased": "unbiased weights",
    "likelihood": "maximum likelihood",
    "auto": "automatic choice",
    "zne": "ZNE, line",
    "zne_richardson": "ZNE, parabola",
    "zne_exponential": "ZNE, exponential",
    "pec": "PEC",
    "self_overlap": "self-overlap",
    "shadows": "real shadows",
}
"""What mitigation is called where its name is no plain word."""


def mitigation_text(name: str) -> str:
    """Mitigation in words.

    Args:
        name: As a setting names it.
    """
    parts = (_METHODS.get(part, part.replace("_", " ")) for part in name.split("+"))
    return " + ".join(parts)


def span_text(values: Collection[float], form: str = "") -> str:
    """From the least to the most of some numbers, in words; one number where both read the same.

    Args:
        values: The numbers, at least one.
        form: How a number is written, as `format` takes it.
    """
    least, most = f"{min(values):{form}}", f"{max(values):{form}}"
    return least if least == most else f"{least} to {most}"
