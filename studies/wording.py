"""What figures and texts of studies call axes and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

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
    """A value with the last part of the name of its axis, such as "layers 2" or "crosstalk p 0.1".

    Args:
        axis: Name of the axis, with dots.
        text: The value.
    """
    if isinstance(text, float):
        # 0.30000000000000004 is 0.3 to whoever set it.
        text = float(f"{text:.12g}")
    return f"{_short(axis)} {text}"


_OF_A_KIND = ("p", "angle", "both", "sd", "correlation")
"""Keys of [noise] that say nothing, or the same of several kinds, without the name of the kind."""


def _short(axis: str) -> str:
    """The last part of the name of an axis, with the kind of noise where it needs that."""
    head, _, last = axis.rpartition(".")
    kind = head.removeprefix("noise.")
    if last in _OF_A_KIND and kind != head and '"' not in kind:
        return f"{kind.replace('.', ' ').replace('_', ' ')} {last}"
    return last


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


_AXES = {
    "noise.scale": "noise scale",
    "noise": "noise",
    "shots": "shots",
    "method": "method",
    "convolution.overlap": "overlap test",
    "convolution.kernel": "kernel",
    LAYERS: "layers of the ansatz",
    "gate_set": "gate set",
    "device": "device",
    "upstream": "upstream gradient g",
    "noise.depolarizing.p2": "two-qubit depolarising probability",
    "noise.depolarizing.p1": "one-qubit depolarising probability",
    "compiler": "compiler",
    "engine": "engine",
}


def axis_words(axis: str) -> str:
    """An axis in words.

    Args:
        axis: Its dotted name.
    """
    return _AXES.get(axis, _short(axis).replace("_", " "))


def interval_text(value: float, low: float, high: float, form: str) -> str:
    """A value, and in square brackets its 95 % interval where there is one.

    Args:
        value: The value.
        low: Lower end of the interval; NaN for none.
        high: Upper end.
        form: How a number is written, as `format` takes it.
    """
    told = f"{value:{form}}"
    if not low < high:
        return told.replace("-", "\N{MINUS SIGN}")
    return f"{told} [{low:{form}} to {high:{form}}]".replace("-", "\N{MINUS SIGN}")


def plus_minus(value: float, low: float, high: float) -> str:
    """A value and half its interval, with two significant digits of the latter.

    Args:
        value: The value.
        low: Lower end of its interval; equal to the upper end for none.
        high: Upper end.
    """
    half = (high - low) / 2
    if not half > 0:
        return f"{value:.4g}"
    digits = max(0, 1 - int(f"{half:e}".partition("e")[2]))
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {half:.{digits}f}".replace(
        "-", "\N{MINUS SIGN}"
    )


def counted(number: int, noun: str) -> str:
    """A number of things, such as "1 point" or "3,000 points".

    Args:
        number: How many.
        noun: One of them.
    """
    return f"{number:,} {noun}{'s'[: number != 1]}"


def left_open(row: Mapping[str, Any] | pd.Series, column: str) -> str:
    """The interval of a prediction under fitted noise, if it has one.

    Args:
        row: Of the results.
        column: The column of the prediction.
    """
    low, high = (row.get(f"{column}_{end}") for end in ("low", "high"))
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return ""
    return f" ({low:.4f} to {high:.4f} by what the fit of the noise leaves open)"


def scientific(value: float) -> str:
    """A number with three digits and a power of ten, for people.

    Args:
        value: The number.
    """
    return with_powers(f"{value:.2e}")


_EXPONENT = re.compile("(?<=\\d)e([+\N{MINUS SIGN}-]?\\d+)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def with_powers(text: str) -> str:
    """A text whose numbers have powers of ten as people write them.

    Args:
        text: As Python writes numbers, such as "2.4e-06 s".
    """

    def raised(match: re.Match[str]) -> str:
        power = int(match[1].replace("\N{MINUS SIGN}", "-"))
        return f" × 10{str(power).translate(_RAISED)}"

    return _EXPONENT.sub(raised, text)


def noise_in_words(noise: Mapping[str, Any]) -> str:
    """A noise in a line, such as "depolarizing p1=0.001, p2=0.005"; empty for none.

    Args:
        noise: Its tables as a configuration has them; a calibration by its name or content.
    """
    parts = []
    for key, value in noise.items():
        if key == "calibrated":
            name = value.get("name", "of its own") if isinstance(value, Mapping) else value
            parts.append(f"calibrated {name}")
        elif isinstance(value, Mapping):
            inner = ", ".join(f"{part}={_plain(item)}" for part, item in value.items())
            parts.append(f"{key} {inner}")
        else:
            parts.append(f"{key} {_plain(value)}")
    return "; ".join(parts)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
