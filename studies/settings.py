"""Configurations as plain data: TOML documents, and single settings that override them."""

from __future__ import annotations

import copy
import datetime
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from noise_models import named_noise
from qucnn_cirq.errors import InputError, unknown_name

TABLES = ("study", "convolution", "noise")
"""The tables of a study's configuration."""


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
        if name not in TABLES:
            raise unknown_name(f"table of {path.name}", name, TABLES)
    return document


def override(
    document: Mapping[str, Any], settings: Iterable[str], study_keys: Iterable[str]
) -> dict[str, Any]:
    """Applies settings of the form "key=value", in order.

    A key is dotted ("noise.depolarizing.p2"); keys of the table [study] may do without "study.".
    A value is read as TOML and, where that fails, as text: `device=sycamore` needs no quotes.

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
        if path[0] not in TABLES:
            known = [*short, *TABLES] if len(path) == 1 else TABLES
            raise unknown_name("setting", path[0], known)
        table: dict[str, Any] = result
        for depth, part in enumerate(path[:-1]):
            inner = table.setdefault(part, {})
            if path[: depth + 1] == ["noise"] and isinstance(inner, str):
                # A named noise is a table in short; spelled out, its entries can be changed.
                inner = table["noise"] = named_noise(inner).to_mapping()
            if not isinstance(inner, dict):
                within = ".".join(path[: depth + 1])
                raise InputError(f"{setting!r} is not possible: {within} = {inner!r} is no table.")
            table = inner
        table[path[-1]] = _value(text.strip())
    return result


def _value(text: str) -> Any:
    """A TOML value, or the text itself where it is none."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    dated = isinstance(value, datetime.date | datetime.time)
    return text if dated or len(parsed) > 1 else value
