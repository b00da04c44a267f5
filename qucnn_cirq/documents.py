"""Configuration files: their tables.

Whoever reads results needs no more of them than this, and starts without Cirq.
"""

from __future__ import annotations

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
_ALL = (*TABLES, *AXES, QUICK)


def read_document(path: Path) -> dict[str, Any]:
    """Reads a configuration file.

    Args:
        path: A TOML file.

    Returns:
        Its tables.

    Raises:
        InputError: If the file cannot be read, is not TOML, or has a table that nothing reads.
    """
    document = read_toml(path)
    for name, table in document.items():
        if name not in _ALL:
            raise unknown_name(f"table of {path.name}", name, _ALL)
        if not isinstance(table, dict) and not (name == "noise" and isinstance(table, str)):
            raise InputError(
                f"{path}: {name} = {shown(table)} is not allowed: write a table [{name}]."
            )
    return document
