"""Configuration files: their tables.

Whoever reads results needs no more of them than this, and starts without Cirq.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from noise_models.errors import InputError, shown, unknown_name
from noise_models.files import read_toml

TABLES = ("study", "convolution", "noise")
"""The tables of a configuration of one run, or of one point of a sweep."""
QUICK = "quick"
"""The table whose `settings` make a quick version of a study."""
AXES = ("axes", "zip")
"""The tables that make it a sweep."""
REPORT = "report"
"""The table of what reports and figures say besides results; no point's identity knows of it."""
_ALL = (*TABLES, *AXES, QUICK, REPORT)
INPUTS = "inputs"
"""The folder beside a configuration that holds copies of the files that it names."""
_COPY = re.compile(rf"{INPUTS}/[0-9a-f]{{12}}/[^/\\\\]+")
"""A copy as a configuration names it, within a folder that is called after its content."""


def read_document(path: Path) -> dict[str, Any]:
    """Reads a configuration file.

    Copies of files that a sweep kept beside it, ``inputs/DIGEST/NAME``, are found where it lies;
    any other path is one of the working directory.

    Args:
        path: A TOML file.

    Returns:
        Its tables.

    Raises:
        InputError: If the file cannot be read, is not TOML, or has a table that nothing reads.
    """
    document = read_toml(path)
    check_tables(document, path.name)

    def found(text: str) -> str:
        return str((path.parent / text).absolute()) if _COPY.fullmatch(text) else text

    return {name: with_texts(table, found) for name, table in document.items()}


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Plain data in which each text, keys apart, is what a function makes of it.

    Args:
        value: Texts, numbers, lists and tables.
        change: Gives the new text.
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: with_texts(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_texts(each, change) for each in value]
    return value


def check_tables(document: Mapping[str, Any], origin: str) -> None:
    """Refuses a configuration with a table that nothing reads.

    Args:
        document: Tables by name.
        origin: Where it comes from, for the error.

    Raises:
        InputError: If it has one, or something else in the place of a table.
    """
    for name, table in document.items():
        if name not in _ALL:
            raise unknown_name(f"table of {origin}", name, _ALL)
        if not isinstance(table, dict) and not (name == "noise" and isinstance(table, str)):
            raise InputError(
                f"{origin}: {name} = {shown(table)} is not allowed: write a table [{name}]."
            )
