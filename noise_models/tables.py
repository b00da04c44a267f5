"""TOML tables: reading one from a file or a text, and writing plain values.

The standard library reads TOML but does not write it; what the package writes is plain data
(booleans, numbers, texts, lists and tables), for which a few lines suffice.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from noise_models.errors import InputError, shown
from noise_models.files import file_text, parsed_toml
from noise_models.values import plain_data

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def parsed_source(source: str | Path) -> tuple[dict[str, Any], str]:
    """Reads TOML from a file or a text.

    Args:
        source: A path, or TOML text. A str that has a line break or an equals sign is text, any
            other is the name of a file; a `Path` is always a file.

    Returns:
        The document, and where it comes from, for errors.

    Raises:
        InputError: If the source is neither, the file cannot be read or the text is not TOML.
    """
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return parsed_toml(source, "the TOML text"), "the TOML text"
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"the source is a {type(source).__name__}: give a path or TOML text.")
    return parsed_toml(file_text(Path(source)), source), str(source)


def read_table(source: str | Path, name: str) -> dict[str, Any]:
    """Reads one top-level table out of TOML.

    Args:
        source: As for `parsed_source`.
        name: The table's name, without brackets. Other tables are ignored.

    Returns:
        The table as a dict.

    Raises:
        InputError: If the file cannot be read, the text is not TOML or the table is missing.
    """
    document, origin = parsed_source(source)
    table = document.get(name)
    if not isinstance(table, dict):
        found = ", ".join(sorted(document)) or "nothing"
        raise InputError(f"{origin} has no table [{name}] (found: {found}); add one.")
    return table


def write_document(document: Mapping[str, Any]) -> str:
    """Writes a whole document as TOML: values that are no tables first, then one table each.

    Args:
        document: What `write_table` takes for a table, and such tables, by name.

    Returns:
        The text, ending in a line break.

    Raises:
        InputError: If it holds anything else.
    """
    plain = [_line(k, v, k) + "\n" for k, v in document.items() if not _is_table(v)]
    tables = [write_table(name, table) for name, table in document.items() if _is_table(table)]
    return "\n".join(["".join(plain)] * bool(plain) + tables)


def write_table(name: str, table: Mapping[str, Any]) -> str:
    """Writes a table as TOML, one line per key; nested tables are written inline.

    Args:
        name: The table's name, without brackets.
        table: Booleans, numbers, texts, lists and mappings of them.

    Returns:
        The text, ending in a line break. Numbers are written so that they read back unchanged.

    Raises:
        InputError: If it holds anything else.
    """
    lines = [f"[{name}]"]
    lines += [_line(key, value, f"{name}.{key}") for key, value in table.items()]
    return "\n".join(lines) + "\n"


def write_value(value: object, key: str = "value") -> str:
    """Writes a value as it stands behind the key in TOML.

    Args:
        value: Booleans, numbers, texts, lists and mappings of them.
        key: What it is the value of, for the error.

    Returns:
        The text, without a line break.

    Raises:
        InputError: If it is or holds anything else.
    """
    return _value(plain_data(key, value), key)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _text(text: bool | int | str) -> str:
    # JSON's words and escapes are TOML's too, except that TOML also wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(key: str, value: object, where: str) -> str:
    return f"{_key(plain_data(where, key))} = {_value(plain_data(where, value), where)}"


def _value(value: object, where: str) -> str:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool | int | str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(each, where) for each in value) + "]"
    if isinstance(value, Mapping):
        pairs = ", ".join(_line(key, item, f"{where}.{key}") for key, item in value.items())
        return "{ " + pairs + " }" if pairs else "{}"
    raise InputError(f"{where} = {shown(value)} cannot be written to TOML: leave it out.")
