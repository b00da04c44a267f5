"""The axes of a sweep: which settings vary, and over which values."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noise_models.checks import INFINITE, only_known_keys, real_number, required, whole_number
from noise_models.errors import shown
from qucnn_cirq.documents import AXES, REPORT
from qucnn_cirq.errors import InputError
from studies.settings import axes_table, put, split_key

MOST_POINTS = 20_000
"""Each is read, checked and identified before the first is measured, in a few milliseconds."""
_LARGEST = 1e15
_SPACINGS = ("linear", "logarithmic")
_RANGE = ("start", "stop", "points", "spacing")


@dataclass(frozen=True)
class Axis:
    """Settings that vary together.

    Attributes:
        keys: Dotted keys of the settings, such as "noise.scale"; one unless they are zipped.
        values: For each step one value a key.
    """

    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


def read_axes(document: Mapping[str, Any], study_keys: Sequence[str]) -> tuple[Axis, ...]:
    """The axes of a configuration.

    The table ``[axes]`` holds one entry a setting; all combinations are points. Settings in the
    table ``[zip]`` vary together, so their lists are equally long. An entry is a list, or a range
    ``{ start = 0.1, stop = 10.0, points = 5, spacing = "logarithmic" }``, both ends included;
    between whole numbers the values are whole.

    Args:
        document: The configuration.
        study_keys: Keys of the table [study], which may stand without "study.".

    Raises:
        InputError: If an entry is no list or range, a setting is swept twice or is replaced by a
            table that is swept too, or there are more than `MOST_POINTS` points.
    """
    product = axes_table(document, "axes")
    for key, entry in product.items():
        # A range between whole numbers may have fewer values than points, and none twice.
        if isinstance(entry, list) and _has_twice(_values(key, entry)):
            raise InputError(f"axis {key} has a value twice: leave one out.")
    together = axes_table(document, "zip")
    axes = [
        Axis((_full(key, study_keys),), tuple((value,) for value in _values(key, entry)))
        for key, entry in product.items()
    ]
    if together:
        columns = [_values(key, entry) for key, entry in together.items()]
        if len({len(column) for column in columns}) > 1:
            lengths = ", ".join(
                f"{key}: {len(column)}" for key, column in zip(together, columns, strict=True)
            )
            raise InputError(
                f"the entries of [zip] vary together and must be equally long; they have {lengths}."
            )
        keys = tuple(_full(key, study_keys) for key in together)
        axes.append(Axis(keys, tuple(zip(*columns, strict=True))))
    names = [key for axis in axes for key in axis.keys]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} is swept twice: leave it out of one of [axes] and [zip].")
    for index, name in enumerate(names):
        whole = next((late for late in names[index + 1 :] if name.startswith(f"{late}.")), None)
        if whole is not None:
            raise InputError(
                f"axis {shown(name)} has no effect, as {shown(whole)}, swept too, replaces it: "
                "sweep one of them, or name the table first."
            )
    points = int(np.prod([len(axis.values) for axis in axes], dtype=object))
    if points > MOST_POINTS:
        raise InputError(
            f"the axes make {shown(points)} points; at most {MOST_POINTS} are allowed: make "
            "several studies of it."
        )
    return tuple(axes)


def combinations(axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """The values of the settings of each point; the last axis varies fastest.

    Args:
        axes: Those of `read_axes`; without any there is one point.

    Yields:
        Values by dotted key.
    """
    for steps in itertools.product(*(axis.values for axis in axes)):
        yield {
            key: value
            for axis, values in zip(axes, steps, strict=True)
            for key, value in zip(axis.keys, values, strict=True)
        }


def place(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of one point: the values in place, the axes gone.

    Args:
        document: The configuration, axes included.
        values: Values by dotted key, as `combinations` gives them.

    Returns:
        The tables that settings are read from: what reports say is none of them.

    Raises:
        InputError: If a key leads through a value that is not a table.
    """
    result = copy.deepcopy({k: v for k, v in document.items() if k not in (*AXES, REPORT)})
    for key, value in values.items():
        put(result, split_key(key), value)
    return result


def _full(key: str, study_keys: Sequence[str]) -> str:
    return f"study.{key}" if key in study_keys else key


def _values(key: str, entry: object) -> list[Any]:
    if isinstance(entry, Mapping):
        return _range(key, entry)
    if not isinstance(entry, (list, tuple)) or not entry:
        raise InputError(
            f"axis {shown(key)} = {shown(entry)} is not allowed: give a list of values, or a range "
            "such as { start = 0.1, stop = 10.0, points = 5, spacing = 'logarithmic' }."
        )
    if len(entry) > MOST_POINTS:
        raise InputError(f"axis {key} has {len(entry)} values; give at most {MOST_POINTS}.")
    return [_storable(each) for each in entry]


def _storable(value: Any) -> Any:
    """A value in which infinity is a text, which results can hold and settings read as well."""
    if isinstance(value, Mapping):
        return {key: _storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return INFINITE if isinstance(value, float) and value == math.inf else value


def _check_quoted(key: str, entry: object) -> None:
    """A dotted key without quotes is read as tables within tables that end in the values."""
    path = [key]
    while isinstance(entry, Mapping) and entry and not entry.keys() & {*_RANGE}:
        part, entry = next(iter(entry.items()))
        path.append(part)
    if len(path) > 1 and isinstance(entry, list | Mapping):
        name = ".".join(path)
        raise InputError(f'axis {name} needs quotes around its key: write "{name}" = [...].')


def _has_twice(values: Sequence[Any]) -> bool:
    """Whether two values are equal; 1 and 1.0 are."""
    hashed: set[Any] = set()
    others: list[Any] = []
    for value in values:
        try:
            if value in hashed:
                return True
            hashed.add(value)
        except TypeError:
            others.append(value)
    # Lists and tables: equal ones are written alike, numbers apart, which plans compare later.
    return len({repr(value) for value in others}) < len(others)


def _range(key: str, entry: Mapping[str, Any]) -> list[Any]:
    where = f"axis {key}"
    _check_quoted(key, entry)
    if "kind" in entry:
        raise InputError(f"{where} takes a list of its values, also of one: give [{{ ... }}].")
    only_known_keys(where, entry, _RANGE)
    start, stop = (
        real_number(f"{where}: {end}", required(entry, end, where), -_LARGEST, _LARGEST)
        for end in ("start", "stop")
    )
    points = whole_number(f"{where}: points", required(entry, "points", where), minimum=2)
    if points > MOST_POINTS:
        raise InputError(
            f"{where}: points = {shown(points)} is too many; give at most {MOST_POINTS}."
        )
    spacing = entry.get("spacing", "linear")
    if spacing not in _SPACINGS:
        raise InputError(
            f"{where}: spacing = {shown(spacing)} is unknown: give {' or '.join(_SPACINGS)}."
        )
    if spacing == "linear":
        values = np.linspace(start, stop, points)
    elif min(start, stop) <= 0:
        raise InputError(f"{where}: a logarithmic range needs start and stop above 0.")
    else:
        values = np.geomspace(start, stop, points)
    if all(isinstance(entry[end], int) for end in ("start", "stop")):
        return list(dict.fromkeys(int(round(value)) for value in values))
    # Twelve digits are more than any setting means, and read well in files and tables.
    return [float(f"{value:.12g}") for value in values]
