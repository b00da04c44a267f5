"""The numbers of a noise configuration by dotted keys, as "depolarizing.p2" or "scale"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from noise_models.errors import InputError, shown

Path = tuple[str, ...]

_DEFAULTS: dict[Path, float] = {
    ("scale",): 1.0,
    ("scales", "gate"): 1.0,
    ("scales", "idle"): 1.0,
    ("scales", "readout"): 1.0,
    ("depolarizing", "p1"): 0.0,
    ("depolarizing", "p2"): 0.0,
    ("idle",): 0.0,
    ("readout", "p01"): 0.0,
    ("readout", "p10"): 0.0,
    ("correlated_readout", "both"): 0.0,
    ("coherent", "angle"): 0.0,
    ("crosstalk", "p"): 0.0,
    ("crosstalk", "angle"): 0.0,
    ("preparation", "p"): 0.0,
}
"""Numbers that a configuration need not name."""


def numbers_of(mapping: Mapping[str, Any], path: Path = ()) -> dict[Path, float]:
    """All numbers of a configuration that are not within a calibration.

    Args:
        mapping: A configuration as plain data.
        path: Where the mapping stands in it.

    Returns:
        Their values by the keys that lead to them.
    """
    found: dict[Path, float] = {}
    for key, value in mapping.items():
        if (*path, key) == ("calibrated",):
            continue
        if isinstance(value, Mapping):
            found |= numbers_of(value, (*path, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[(*path, key)] = float(value)
    return found


def number_path(key: str, known: dict[Path, float]) -> Path:
    """The place of a number in a configuration; one that is not there has its default.

    Args:
        key: The keys that lead to it, joined by dots.
        known: The numbers of the configuration, to which a default is added.

    Raises:
        InputError: If there is no such number.
    """
    for path in known:
        # A coupler has no direction.
        *before, last = path
        if key in {".".join([*before, ":".join(ends)]) for ends in _orders(last)}:
            return path
    path = tuple(str(key).split("."))
    if path not in _DEFAULTS:
        raise InputError(
            f"key {shown(key)} is no number of this noise: it has "
            f"{', '.join('.'.join(each) for each in {**known, **_DEFAULTS})}."
        )
    known[path] = _DEFAULTS[path]
    return path


def _orders(key: str) -> tuple[list[str], list[str]]:
    ends = key.split(":")
    return ends, ends[::-1]


def with_number(mapping: Mapping[str, Any], path: Path, value: float) -> dict[str, Any]:
    """A configuration with another number.

    Args:
        mapping: A configuration as plain data; it is not changed.
        path: Where the number stands.
        value: The number.
    """
    first, *rest = path
    inner = mapping.get(first, {})
    return {**mapping, first: with_number(inner, tuple(rest), value) if rest else value}
