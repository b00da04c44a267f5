"""What the settings of studies mean, in the words of their docstrings."""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple

from noise_models.fields import MISSING, fields_of
from noise_models.tables import write_value
from studies.sweep.study import Study

_ENTRY = re.compile(r"(\w+): (.*)")


class Setting(NamedTuple):
    """A setting of a study.

    Attributes:
        key: Its key in the table [study].
        default: Its default as a configuration has it; None for none.
        meaning: What it is, with its range and special values.
    """

    key: str
    default: Any
    meaning: str


def settings_of(study: Study) -> tuple[Setting, ...]:
    """The settings in a study's table [study], with defaults and what the docstrings say of them.

    Args:
        study: The study.
    """
    meanings: dict[str, str] = {}
    for cls in reversed(study.settings.__mro__):
        meanings |= attributes(cls)
    found = []
    for field in fields_of(study.settings):
        if field.name in study.study_keys:
            default = field.default if field.factory is None else field.factory()
            value = None if default is MISSING else _plain(default)
            found.append(Setting(field.name, value, meanings.get(field.name, "")))
    return tuple(found)


def attributes(cls: type) -> dict[str, str]:
    """What the section `Attributes` of a class's docstring says of each.

    Args:
        cls: A class with a docstring in Google style.
    """
    # That of a base class is none of its own.
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    _, _, section = text.partition("\nAttributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break
        entry = _ENTRY.match(line[4:]) if line.startswith("    ") else None
        if entry and not line.startswith("     "):
            name, meaning = entry.groups()
            found[name] = meaning
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def value_text(value: Any) -> str:
    """A setting's value as a configuration has it, none for no value.

    Args:
        value: Plain data.
    """
    return "none" if value is None else write_value(value)


def _plain(value: Any) -> Any:
    """What a configuration holds for a value."""
    if hasattr(value, "to_mapping"):
        return value.to_mapping()
    return list(value) if isinstance(value, tuple) else value
