"""Configurations as plain data: TOML documents, and single settings that override them."""

from __future__ import annotations

import copy
import datetime
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from noise_models import NoiseConfiguration, as_noise
from noise_models.checks import only_known_keys
from noise_models.errors import shown
from noise_models.fields import field_names
from noise_models.files import DEEPEST, parsed_toml
from noise_models.tables import write_value
from noise_models.values import plain_data
from qucnn_cirq.documents import AXES, QUICK, REPORT, TABLES
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.specification import ConvolutionSpec

_DOT_OUTSIDE_QUOTES = re.compile(r"""\.(?=(?:[^"]*"[^"]*")*[^"]*$)""")
_KEY_AND_VALUE = re.compile(r"""((?:[^="]|"[^"]*")*)=(.*)""", re.DOTALL)
_PAIRS = ("kernel", "stride", "padding")
_FILTER_NUMBERS = ("layers", "entangler")
"""Settings of the convolution that may be lists, and those of a filter that are none."""


def quick_settings(document: Mapping[str, Any]) -> list[str]:
    """The settings that make the quick version of a study; empty if it has none.

    Args:
        document: The configuration of a study.

    Raises:
        InputError: If the table [quick] holds anything else.
    """
    table = only_known_keys(f"[{QUICK}]", document.get(QUICK, {}), ("settings",))
    settings = table.get("settings", [])
    if not isinstance(settings, list) or not all(isinstance(each, str) for each in settings):
        raise InputError(
            f"[{QUICK}] settings = {shown(settings)} is not allowed: give a list of texts such as "
            '"images=2".'
        )
    return settings


def override(
    document: Mapping[str, Any], settings: Iterable[str], study_keys: Iterable[str]
) -> dict[str, Any]:
    """Applies settings of the form "key=value", in order.

    A key is dotted ("noise.depolarizing.p2"; a part with a dot or a "=" of its own stands in double
    quotes, as in 'noise."own_noise.py:Mine".p'); keys of [study] may do without "study.".
    A value is read as TOML and, where that fails, as text: `device=sycamore` needs no quotes.
    A list, or a range {start, stop, points}, is swept over, where the setting itself is none: a
    kernel, stride or padding of two numbers and a list of filters are values. Any other value
    fixes a key that was swept. "axes.KEY" sweeps in any case. Of keys that vary together a value
    of one, or a shorter list of its values, leaves the steps that have it.

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
        parts = _KEY_AND_VALUE.fullmatch(setting)
        key, text = parts.groups() if parts else ("", "")
        path = [part.strip() for part in split_key(key)]
        if not all(path):
            raise InputError(f"setting {shown(setting)} is not of the form key=value.")
        if len(path) > DEEPEST:
            raise InputError(f"setting {shown(setting)} has a key of too many parts.")
        if len(path) == 1 and path[0] in short:
            path.insert(0, "study")
        if path[0] not in (tables := (*TABLES, *AXES, REPORT)):
            _check_known_table(path)
            known = [*short, *tables] if len(path) == 1 else tables
            raise unknown_name("setting", path[0], known)
        value = value_of_text(text.strip())
        _check_brackets(key.strip(), text.strip(), value)
        if path[0] in AXES and len(path) > 1:
            axis = ".".join(path[1:]).removeprefix("study.")
            result.setdefault(path[0], {})[axis] = value
            continue
        axis = ".".join(path).removeprefix("study.")
        for other in (key for name in AXES for key in result.get(name, {})):
            if axis.startswith(f"{other}."):
                # It would be placed below a value that every point replaces.
                own = (
                    f" For an axis of its own set 'axes.{axis}'." if isinstance(value, list) else ""
                )
                raise InputError(
                    f"{shown(axis)} cannot be set: {shown(other)} is swept over; set that to a "
                    f"list or to a whole range.{own}"
                )
        swept = [name for name in AXES if axis in result.get(name, {})]
        if "zip" in swept and _narrowed(result["zip"], axis, value):
            continue
        if (swept and isinstance(value, list | dict)) or _is_swept_over(path, value):
            result.setdefault(swept[0] if swept else "axes", {})[axis] = value
            continue
        for name in swept:
            del result[name][axis]
        if path[0] in AXES:
            axes_table({path[0]: value}, path[0])
        put(result, path, value)
    return {name: table for name, table in result.items() if name not in AXES or table}


def settings_texts(settings: Mapping[str, object] | Iterable[str]) -> list[str]:
    """Settings as `override` takes them, from Python's values.

    Args:
        settings: Values by dotted key; or texts "key=value", which stay as they are.

    Raises:
        InputError: If a value is none that a configuration can hold.
    """
    if not isinstance(settings, Mapping):
        return [settings] if isinstance(settings, str) else list(settings)
    return [f"{key}={write_value(plain(key, value), key)}" for key, value in settings.items()]


def axes_texts(axes: Mapping[str, object], together: Collection[str]) -> list[str]:
    """Axes as `override` takes them, from Python's values.

    Args:
        axes: The values of each setting by its dotted key: a list, an array, or a table of a range.
        together: Keys that vary together, of which values choose among the steps that there are.

    Raises:
        InputError: If the values are no list or range, or none that a configuration can hold.
    """
    if not isinstance(axes, Mapping):
        raise InputError(f"axes = {shown(axes)} is not allowed: give lists of values by setting.")
    texts = []
    for key, entry in axes.items():
        values = plain(f"axis {key}", entry)
        if not isinstance(values, list | dict) or not values:
            raise InputError(
                f"axis {shown(key)} = {shown(entry)} is not allowed: give a list of values, or a "
                "range such as {'start': 0.1, 'stop': 10.0, 'points': 5}."
            )
        swept = key if str(key).removeprefix("study.") in together else f"axes.{key}"
        texts.append(f"{swept}={write_value(values, f'axis {key}')}")
    return texts


def plain(key: str, value: object) -> Any:
    """A value of Python's as a configuration holds it.

    Args:
        key: Where it stands, for the error.
        value: Plain data; or tuples, ranges, arrays of any shape, and objects with `to_mapping`,
            also within lists and tables.

    Raises:
        InputError: If it is anything else.
    """
    if isinstance(value, Mapping):
        return {plain(key, name): plain(f"{key}.{name}", each) for name, each in value.items()}
    # Arrays and scalars of NumPy, and columns of pandas, which is not imported for that.
    if not isinstance(value, type) and callable(to_list := getattr(value, "tolist", None)):
        return plain(key, to_list())
    if isinstance(value, list | tuple | range):
        return [plain(key, each) for each in value]
    to_mapping = getattr(value, "to_mapping", None)
    if callable(to_mapping) and not isinstance(value, type):
        return plain(key, to_mapping())
    return plain_data(key, value)


def _narrowed(together: dict[str, Any], key: str, value: object) -> bool:
    """Leaves the steps that have a value of a key, or one of a shorter list of values, if any do.

    Args:
        together: The table [zip], which is changed.
        key: One of its keys.
        value: What is wanted of it.
    """
    columns = together.values()
    if not all(isinstance(column, list) for column in columns) or isinstance(value, dict):
        return False
    own, wanted = together[key], value if isinstance(value, list) else [value]
    if len({len(column) for column in columns}) > 1 or len(wanted) >= len(own):
        return False
    if not wanted or not all(each in own for each in wanted):
        return False
    steps = [
        step for step in zip(*columns, strict=True) if step[list(together).index(key)] in wanted
    ]
    for name, column in zip(together, zip(*steps, strict=True), strict=True):
        together[name] = list(column)
    return True


def _check_known_table(path: Sequence[str]) -> None:
    """Refuses a key that lacks its table, such as "stride", by the one that has it."""
    inner = {"convolution": field_names(ConvolutionSpec), "noise": field_names(NoiseConfiguration)}
    for table, keys in inner.items():
        if path[0] in keys:
            key = ".".join(path)
            raise InputError(f"setting {shown(key)} lacks its table: set {table}.{key} instead.")


def _check_brackets(key: str, text: str, value: object) -> None:
    """Refuses values apart by commas, which no list has without brackets; quoted, they are text."""
    if value == text and "," in text and isinstance(value_of_text(f"[{text}]"), list):
        raise InputError(
            f"setting {shown(f'{key}={text}')} is no list: put its values in brackets, "
            f"{shown(f'{key}=[{text}]')}."
        )


def _is_swept_over(path: Sequence[str], value: object) -> bool:
    """Whether a value is what a setting, not swept so far, is to be swept over."""
    if len(path) < 2 or path[0] not in TABLES:
        return False
    if isinstance(value, dict):
        return value.keys() >= {"start", "stop"}
    if not isinstance(value, list):
        return False
    if path[0] == "convolution" and path[1] in _PAIRS:
        return len(value) > 2 or any(isinstance(each, list) for each in value)
    return path[0] != "convolution" or (path[1] != "filters" or path[-1] in _FILTER_NUMBERS)


def split_key(key: str) -> list[str]:
    """The parts of a dotted key; dots within double quotes are part of a name, as in TOML.

    Args:
        key: As in "noise.depolarizing.p2".
    """
    return _DOT_OUTSIDE_QUOTES.split(key) if '"' in key else key.split(".")


def put(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Sets one entry of nested tables; a noise that is a name or a file is spelled out first.

    Args:
        document: The configuration, which is changed.
        path: The key's parts, from the outermost table inwards.
        value: What the key is set to.

    Raises:
        InputError: If the path leads through a value that is no table, or there is no such noise.
    """
    path = [part.strip('"') for part in path]
    table = document
    for depth, part in enumerate(path[:-1]):
        inner = table.setdefault(part, {})
        if list(path[: depth + 1]) == ["noise"] and isinstance(inner, str):
            inner = document["noise"] = _spelled_out(inner)
        if not isinstance(inner, dict):
            within = ".".join(path[: depth + 1])
            raise InputError(
                f"{'.'.join(path)} cannot be set: {within} = {shown(inner)} is not a table."
            )
        table = inner
    table[path[-1]] = value


def _spelled_out(noise: str) -> dict[str, Any]:
    """The table of a noise that is a name, or a file that holds noise."""
    configuration = as_noise(noise).configuration
    assert configuration is not None, "of a text no model is made"
    return configuration.to_mapping()


def axes_table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of settings and what they are swept over; empty if there is none.

    Args:
        document: The configuration.
        name: "axes" or "zip".

    Raises:
        InputError: If it is no table.
    """
    table = document.get(name, {})
    if not isinstance(table, Mapping):
        raise InputError(f"{name} = {shown(table)} must be a table of settings and their values.")
    return table


def value_of_text(text: str) -> Any:
    """A TOML value, or the text itself where it is none.

    Args:
        text: As in "key=text".
    """
    try:
        parsed = parsed_toml(f"value = {text}", "the setting")
    except InputError:
        return text
    value = parsed["value"]
    dated = isinstance(value, datetime.date | datetime.time)
    return text if dated or len(parsed) > 1 else value
