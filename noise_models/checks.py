"""Checks of single values: each returns the value, or refuses it in one sentence."""

from __future__ import annotations

import math
import numbers
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from noise_models.errors import InputError, shown, unknown_name

LARGEST_COUNT = 2**63 - 1
"""The largest number that is stored: a signed integer of 64 bits."""
LARGEST_SEED = 2**64 - 1
"""The largest seed: what a ``numpy.random.SeedSequence`` hands on is unsigned."""
INFINITE = "inf"
"""An infinite number as plain data, as JSON has none."""


def whole_number(key: str, value: object, minimum: int, maximum: int = LARGEST_COUNT) -> int:
    """Reads a whole number.

    Args:
        key: The name of the setting, for the error.
        value: An integer of Python or numpy; 2.0 counts as 2, because a table may hold either.
        minimum: The smallest value allowed.
        maximum: The largest value allowed.

    Returns:
        The value as a Python int.

    Raises:
        InputError: If the value is not a whole number of that range.
    """
    given = value
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or not minimum <= value <= maximum:  # type: ignore[operator]
        is_large = is_whole and value > maximum  # type: ignore[operator]
        wanted = (
            f"within {minimum}..{maximum}"
            if is_large or maximum != LARGEST_COUNT
            else f"of at least {minimum}"
        )
        raise InputError(f"{key} = {shown(given)} is not allowed: give a whole number {wanted}.")
    return int(value)  # type: ignore[call-overload,no-any-return]


def real_number(
    key: str, value: object, minimum: float, maximum: float, meaning: str = "a number"
) -> float:
    """Checks a real number.

    Args:
        key: The name of the value, as the user would write it ("depolarizing.p2").
        value: What the user gave.
        minimum: The smallest value allowed.
        maximum: The largest value allowed. If it is infinite, so may the value be, also as the
            text "inf".
        meaning: What the number is, for the error ("the probability of a phase flip").

    Returns:
        The value as a Python float.

    Raises:
        InputError: If it is no number, is NaN, or lies outside the range.
    """
    if maximum == math.inf and isinstance(value, str) and value == INFINITE:
        return math.inf
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    # Compared before it is converted: an integer may exceed every float.
    most = min(maximum, sys.float_info.max)
    if not is_number or not (minimum <= value <= most or value == maximum):  # type: ignore[operator]
        said = meaning if meaning == "a number" else f"{meaning},"
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give {said} within {minimum:g}..{maximum:g}."
        )
    return float(value)  # type: ignore[arg-type]


def probability(key: str, value: object, meaning: str) -> float:
    """Checks a probability.

    Args:
        key: The name of the value, as the user would write it ("depolarizing.p2").
        value: What the user gave.
        meaning: What happens with it, for the error ("the probability of a phase flip").

    Returns:
        The value as a Python float.

    Raises:
        InputError: If it is no number within 0..1.
    """
    return real_number(key, value, 0.0, 1.0, meaning)


def text(key: str, value: object) -> str:
    """Checks a text.

    Args:
        key: The name of the setting, for the error.
        value: What the user gave.

    Returns:
        The value.

    Raises:
        InputError: If it is anything but a ``str``.
    """
    if not isinstance(value, str):
        raise InputError(f"{key} = {shown(value)} is not allowed: give a text.")
    return value


def true_or_false(key: str, value: object) -> bool:
    """Checks a switch.

    Args:
        key: The name of the setting, for the error.
        value: What the user gave: a Boolean of Python or numpy.

    Returns:
        The value as Python's own.

    Raises:
        InputError: If it is anything else.
    """
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{key} = {shown(value)} is not allowed: give true or false.")
    return bool(value)


def listener(key: str, value: object, told: str) -> None:
    """Checks that somebody can be told of something, or is nobody.

    Args:
        key: The name of the argument, for the error.
        value: A function, or None.
        told: What the function takes, in words.

    Raises:
        InputError: If it is neither.
    """
    if value is not None and not callable(value):
        raise InputError(
            f"{key} = {shown(value)} cannot be called: give a function that takes {told}."
        )


def whole_pair(
    key: str, value: object, minimum: int, maximum: int = LARGEST_COUNT
) -> tuple[int, int]:
    """Reads one whole number, meant for rows and columns alike, or a pair (rows, columns).

    Args:
        key: The name of the setting, for the error.
        value: A whole number, or a list, tuple or array of two.
        minimum: The smallest value allowed for either.
        maximum: The largest value allowed for either.

    Returns:
        The pair (rows, columns).

    Raises:
        InputError: If the value is neither.
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        number = whole_number(key, value, minimum, maximum)
        return number, number
    if len(value) != 2:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give a number or (rows, columns)."
        )
    rows, columns = (
        whole_number(f"{key}[{i}]", item, minimum, maximum) for i, item in enumerate(value)
    )
    return rows, columns


def one_of(kind: str, name: object, known: Iterable[str]) -> str:
    """Checks a name out of a known set.

    Args:
        kind: What is being named, in the singular, for the error.
        name: The name; anything but text is refused as an unknown name is.
        known: The valid names.

    Returns:
        The name.

    Raises:
        InputError: If it is not one of them.
    """
    names = tuple(known)
    if not isinstance(name, str) or name not in names:
        raise unknown_name(kind, name, names)
    return name


_Kind = TypeVar("_Kind")


def instance_of(key: str, value: object, kind: type[_Kind], maker: str) -> _Kind:
    """Checks that an argument is an object of the package's own.

    Args:
        key: The name of the argument, for the error.
        value: What was given.
        kind: Its class.
        maker: What makes such an object, for the error.

    Returns:
        The value.

    Raises:
        InputError: If it is of another class.
    """
    if not isinstance(value, kind):
        raise InputError(f"{key} is a {type(value).__name__}: give what {maker} returns.")
    return value


def several(key: str, value: object) -> list[Any]:
    """Checks that an argument is several things, not one text or path.

    Args:
        key: The name of the argument, for the error.
        value: What was given, which may be any iterable.

    Returns:
        The things.

    Raises:
        InputError: If it is none.
    """
    if isinstance(value, (str, bytes, os.PathLike)) or not isinstance(value, Iterable):
        raise InputError(f"{key} = {shown(value)} is no list: write {key}=[{shown(value)}].")
    return list(value)


def only_known_keys(where: str, mapping: object, known: Iterable[str]) -> Mapping[str, Any]:
    """Makes sure that a mapping has no key that would be ignored.

    Args:
        where: What the mapping describes, for the error ("convolution", "ansatz filter").
        mapping: The mapping.
        known: The keys it may have.

    Returns:
        The mapping itself.

    Raises:
        InputError: If it is not a mapping; for the first unknown key, with the nearest valid one.
    """
    if not isinstance(mapping, Mapping):
        raise InputError(f"{where} must be a table of keys and values, not {shown(mapping)}.")
    names = list(known)
    for key in mapping:
        if key not in names:
            raise unknown_name(f"key of {where}", key, names)
    return mapping


def required(mapping: Mapping[str, Any], key: str, where: str) -> Any:
    """The value of a key that a mapping must have.

    Args:
        mapping: The mapping.
        key: The key.
        where: What the mapping describes, for the error.

    Raises:
        InputError: If the key is missing.
    """
    if key not in mapping:
        raise InputError(f"{where} has no key {shown(key)}: add it.")
    return mapping[key]
