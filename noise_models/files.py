"""The one way in which files of users are opened, and TOML and JSON are parsed.

Whoever wrote a file decides what reading it takes: a pipe is waited for, a device never ends, a
few bytes unpack to gigabytes. Everything here is bounded, and what cannot be used is refused in
one line that names the file.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from noise_models.errors import InputError, shown

LARGEST_TEXT = 16 * 2**20
"""Bytes of a TOML or JSON file, unless its reader says otherwise."""

DEEPEST = 64
"""Levels of nested tables and lists; whatever walks through them may call itself so often."""

# A dotted key of n parts takes the parser n^2 steps. Anchored where a run of words begins, and
# possessive, so that finding one takes no more steps than there are characters.
_ENDLESS_KEY = re.compile(rf"(?<![\w\"'\-.])(?:[\w\"'\-]++[ \t]*+\.[ \t]*+){{{DEEPEST}}}")


def file_bytes(path: Path, largest: int = LARGEST_TEXT) -> bytes:
    """The content of a regular file of limited size.

    Args:
        path: The file; links are followed.
        largest: The most bytes that are read.

    Raises:
        InputError: If there is no such file, it is a folder, a pipe or a device, it is larger, or
            it cannot be read.
    """
    descriptor = _opened(path, largest)
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            # What it holds now, if it grows; and no buffer for all that would be allowed.
            return file.read(os.fstat(descriptor).st_size)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    finally:
        os.close(descriptor)


def user_path(key: str, name: str) -> Path:
    """A path as a user wrote it, "~" and "~name" being folders of users.

    Args:
        key: The name of the setting, for the error.
        name: The path.

    Raises:
        InputError: If there is no such user.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise InputError(
            f"{key} = {shown(name)} begins with the name of no user: write ./~... for a file of "
            "that name."
        ) from None


def check_file(path: Path, largest: int = LARGEST_TEXT) -> None:
    """Makes sure that `file_bytes` reads a file, without reading it.

    Args:
        path: The file; links are followed.
        largest: Bytes at most.

    Raises:
        InputError: As `file_bytes` does.
    """
    os.close(_opened(path, largest))


def file_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """The text of a regular file of limited size, a byte-order mark apart.

    Args:
        path: The file; links are followed.
        largest: Bytes at most.

    Raises:
        InputError: As `file_bytes` does, and if the file is empty or is not UTF-8.
    """
    content = file_bytes(path, largest)
    if not content.strip():
        raise InputError(f"{path} is empty.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text (UTF-8).") from None


def parsed_toml(text: str, origin: object) -> dict[str, Any]:
    """The tables of a TOML text.

    Args:
        text: The text.
        origin: Where it comes from, for the error.

    Raises:
        InputError: If it is not valid, or nested deeper than `DEEPEST` levels.
    """
    if _ENDLESS_KEY.search(text):
        raise _too_deep(origin)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid("TOML", origin, error) from None
    _check_depth(content, origin)
    return content


def parsed_json(text: str | bytes, origin: object) -> Any:
    """The content of a JSON text.

    Args:
        text: The text, or its bytes in UTF-8.
        origin: Where it comes from, for the error.

    Returns:
        Mappings, lists, texts, numbers, truth values or None.

    Raises:
        InputError: If it is not valid, nested deeper than `DEEPEST` levels, or a table has a key
            twice.
    """
    try:
        content = json.loads(text, object_pairs_hook=_named_once)
    except (ValueError, RecursionError) as error:
        raise _invalid("JSON", origin, error) from None
    _check_depth(content, origin)
    return content


def read_toml(path: Path, largest: int = LARGEST_TEXT) -> dict[str, Any]:
    """The tables of a TOML file.

    Args:
        path: The file.
        largest: Bytes at most.

    Raises:
        InputError: If it cannot be read or is not valid.
    """
    return parsed_toml(file_text(path, largest), path)


def read_json(path: Path, largest: int = LARGEST_TEXT) -> Any:
    """The content of a JSON file, as of `parsed_json`.

    Args:
        path: The file.
        largest: Bytes at most.

    Raises:
        InputError: If it cannot be read or is not valid.
    """
    return parsed_json(file_text(path, largest), path)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A table of JSON, whose readers keep the last of two values in silence."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twice)} stands twice in one table")
    return content


def _opened(path: Path, largest: int) -> int:
    """A descriptor of the file, which is regular and not too large."""
    try:
        # Without blocking: a pipe or a device would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    except ValueError:
        raise InputError(f"cannot read {str(path)!r}: no file has such a name.") from None
    status = os.fstat(descriptor)
    reason = None
    if not stat.S_ISREG(status.st_mode):
        reason = "is no regular file (but a folder, a pipe or a device)."
    elif status.st_size > largest:
        size, limit = status.st_size / 2**20, largest / 2**20
        reason = f"has {size:.3g} MiB; at most {limit:.3g} are read."
    if reason is not None:
        os.close(descriptor)
        raise InputError(f"{path} {reason}")
    return descriptor


def _check_depth(content: object, origin: object) -> None:
    """Refuses deep nesting, without calling itself."""
    level = [content]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(value for value in each.values() if isinstance(value, dict | list))
            elif isinstance(each, list):
                inner.extend(value for value in each if isinstance(value, dict | list))
        if not inner:
            return
        level = inner
    raise _too_deep(origin)


def _too_deep(origin: object) -> InputError:
    return InputError(f"{origin} is nested too deeply: at most {DEEPEST} levels are read.")


def _invalid(kind: str, origin: object, error: Exception) -> InputError:
    if isinstance(error, RecursionError):
        return _too_deep(origin)
    if "integer string conversion" in str(error):
        return InputError(f"{origin} is not valid {kind}: it holds an integer of too many digits.")
    return InputError(f"{origin} is not valid {kind}: {' '.join(str(error).split())}.")
