"""What a sweep was measured with, in words: the device, the noise, and what was swept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noise_models.extensions import NotNamedError, reading_stored
from qucnn_cirq.documents import read_document
from qucnn_cirq.errors import InputError
from studies.files import CONFIGURATION
from studies.sweep.axes import Axis, combinations, place, read_axes
from studies.sweep.study import Study
from studies.wording import noise_in_words

_MOST_VALUES = 4
"""Values of an axis that are listed; of more the ends."""


def conditions_of(study: Study, folder: Path) -> str:
    """What the results in a folder were measured with, in a sentence or two; empty if not known.

    Args:
        study: Their study.
        folder: A results folder.
    """
    with contextlib.suppress(InputError, NotNamedError), reading_stored():
        return conditions_text(study, read_document(folder / CONFIGURATION))
    return ""


def conditions_text(study: Study, document: Mapping[str, Any]) -> str:
    """What a configuration measures with: the device, the noise, and the axes.

    Args:
        study: The study.
        document: The configuration.

    Raises:
        InputError: If it is not allowed.
    """
    axes = read_axes(document, study.study_keys)
    settings = study.read(place(document, next(combinations(axes))))
    swept = {key.removeprefix("study.") for axis in axes for key in axis.keys}
    parts = []
    device = getattr(settings, "device", None)
    if isinstance(device, str) and device and "device" not in swept:
        parts.append(f"Device {device}")
    if "noise" not in swept and hasattr(settings, "noise"):
        own = {key.split(".")[1] for key in swept if key.startswith("noise.")}
        kept = {name: v for name, v in settings.noise.to_mapping().items() if name not in own}
        words = noise_in_words(kept)
        parts.append(f"noise: {words}" if words else "no noise" if not own else "")
    told = ", ".join(_axis_text(key, axes) for key in sorted(swept) if key != "repeat")
    parts += [f"swept: {told}"] if told else []
    text = "; ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _axis_text(key: str, axes: Iterable[Axis]) -> str:
    values: list[Any] = []
    for axis in axes:
        for column, name in enumerate(axis.keys):
            if name.removeprefix("study.") == key:
                values = list(dict.fromkeys(_value_text(step[column]) for step in axis.values))
    short = [text if len(text) <= 24 else f"{text[:21]}..." for text in values]
    if len(short) > _MOST_VALUES:
        return f"{key} ({short[0]} to {short[-1]}, {len(short)} values)"
    return f"{key} ({', '.join(short)})"


def _value_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(_value_text(each) for each in value.values())
    if isinstance(value, list | tuple):
        return "x".join(map(_value_text, value))
    return str(value)
