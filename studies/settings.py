"""Configurations as plain data: TOML documents, and single settings that override them."""

from __future__ import annotations

import copy
import datetime
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from noise_models import named_noise
from qucnn_cirq.errors import InputError, unknown_name

TABLES = ("study", "convolution", "noise")
"""The tables of a configuration of one run, or of one point of a sweep."""
QUICK = "quick"
"""The table whose `settings` make a quick version of a study."""
AXES = ("axes", "zip")
"""The tables that make it a sweep."""


def read_document(path: Path) -> dict[str, Any]:
    """Reads a configuration file.

    Args:
        path: A TOML file.

    Returns:
        Its tables.

    Raises:
        InputError: If the file cannot be read, is not TOML, or has a table that nothing reads.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8: give a TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None
    for name in document:
        if name not in (*TABLES, *AXES, QUICK):
            raise unknown_name(f"table of {path.name}", name, (*TABLES, *AXES, QUICK))
    return document


def override(
    document: Mapping[str, Any], settings: Iterable[str], study_keys: Iterable[str]
) -> dict[str, Any]:
    """Applies settings of the form "key=value", in order.

    A key is dotted ("noise.depolarizing.p2"); keys of the table [study] may do without "study.".
    A value is read as TOML and, where that fails, as text: `device=sycamore` needs no quotes.
    A key that is swept becomes fixed, unless the value is a list or a range: then that is what it
    is swept over. "axes.KEY" sweeps a setting that was fixed.

    Args:
        document: The configuration; it is not changed.
        settings: The settings.
        study_keys: The keys that may stand without their table.

    Returns:
        A new configuration.

    Raises:
        InputError: If a setting has no "=", its key names no table or key, or leads through a
            value that is not a table.
    """
    result = copy.deepcopy(dict(document))
    short = list(study_keys)
    for setting in settings:
        key, separator, text = setting.partition("=")
        path = [part.strip() for part in key.split(".")]
        if not separator or not all(path):
            raise InputError(f"setting {setting!r} is not of the form key=value.")
        if len(path) == 1 and path[0] in short:
            path.insert(0, "study")
        if path[0] not in (*TABLES, *AXES):
            known = [*short, *TABLES, *AXES] if len(path) == 1 else (*TABLES, *AXES)
            raise unknown_name("setting", path[0], known)
        value = _value(text.strip())
        if path[0] in AXES and len(path) > 1:
            _put_axis(result, path[0], ".".join(path[1:]).removeprefix("study."), value)
            continue
        axis = ".".join(path).removeprefix("study.")
        swept = [name for name in AXES if axis in result.get(name, {})]
        if swept and isinstance(value, list | dict):
            result[swept[0]][axis] = value
            continue
        for name in swept:
            del result[name][axis]
        put(result, path, value)
    return {name: table for name, table in result.items() if name not in AXES or table}


def put(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Sets one entry of nested tables; a noise that is only named is spelled out first.

    Raises:
        InputError: If the path leads through a value that is not a table.
    """
    table = document
    for depth, part in enumerate(path[:-1]):
        inner = table.setdefault(part, {})
        if list(path[: depth + 1]) == ["noise"] and isinstance(inner, str):
            inner = document["noise"] = named_noise(inner).to_mapping()
        if not isinstance(inner, dict):
            within = ".".join(path[: depth + 1])
            raise InputError(
                f"{'.'.join(path)} cannot be set: {within} = {inner!r} is not a table."
            )
        table = inner
    table[path[-1]] = value


def _put_axis(document: dict[str, Any], name: str, key: str, value: Any) -> None:
    table = document.setdefault(name, {})
    if not isinstance(table, dict):
        raise InputError(f"{name} = {table!r} must be a table of settings and their values.")
    table[key] = value


def _value(text: str) -> Any:
    """A TOML value, or the text itself where it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    dated = isinstance(value, datetime.date | datetime.time)
    return text if dated or len(parsed) > 1 else value
