"""Checks of single values, shared by everything that takes input from a user."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qucnn_cirq.errors import InputError, unknown_name


def whole_number(key: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Reads a whole number.

    Args:
        key: The name of the setting, for the error.
        value: An integer of Python or numpy; 2.0 counts as 2, because a table may hold either.
        minimum: The smallest value allowed.
        maximum: The largest value allowed; None for any.

    Returns:
        The value as a Python int.

    Raises:
        InputError: If the value is not a whole number within `minimum`..`maximum`.
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < minimum:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give a whole number of at least {minimum}."
        )
    if maximum is not None and int(value) > maximum:
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give a whole number within "
            f"{minimum}..{maximum}."
        )
    return int(value)


def shown(value: object) -> str:
    """A value for a message: all of it, or the beginning of what is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        # Python writes no whole number of more than 4,300 digits.
        return f"a {type(value).__name__} of thousands of digits"
    return text if len(text) <= 40 else f"{text[:40]}..."


def real_number(key: str, value: object, minimum: float, maximum: float) -> float:
    """Checks a real number.

    Args:
        key: Name of the value, for the error message.
        value: The value given.
        minimum: Smallest value allowed.
        maximum: Largest value allowed.

    Raises:
        InputError: If it is no number, or outside its range.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_)
    if not is_number or not minimum <= float(value) <= maximum:  # type: ignore[arg-type]
        raise InputError(
            f"{key} = {value!r} is not allowed: give a number within {minimum:g}..{maximum:g}."
        )
    return float(value)  # type: ignore[arg-type]


def whole_pair(
    key: str, value: object, minimum: int, maximum: int | None = None
) -> tuple[int, int]:
    """Reads one whole number, meant for rows and columns alike, or a pair (rows, columns).

    Args:
        key: The name of the setting, for the error.
        value: A whole number, or a list, tuple or array of two.
        minimum: The smallest value allowed for either.
        maximum: The largest value allowed for either; None for any.

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


def real_array(key: str, value: object) -> npt.NDArray[np.float64]:
    """Copies real numbers of any kind into a float64 array.

    Args:
        key: The name of the argument, for the error.
        value: An array, or nested sequences of numbers; integers and booleans are converted.

    Returns:
        A new C-ordered float64 array of the same shape. NaN and infinity are let through.

    Raises:
        InputError: If the value is ragged, complex or not numeric.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{key} is ragged: give an array whose rows are equally long.") from None
    if array.dtype.kind not in "biuf":
        raise InputError(
            f"{key} has entries of type {array.dtype}: give real numbers (integers or floats)."
        )
    # A number beyond the range of float64 becomes infinite, and is refused as such by the caller.
    with np.errstate(over="ignore"):
        return np.array(array, dtype=np.float64, order="C")


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
        raise InputError(f"{where} must be a table of keys and values, not {mapping!r}.")
    names = list(known)
    for key in mapping:
        if key not in names:
            raise unknown_name(f"key of {where}", key, names)
    return mapping


def required(mapping: Mapping[str, Any], key: str, where: str) -> Any:
    """The value of a key that a mapping must have.

    Raises:
        InputError: If the key is missing.
    """
    if key not in mapping:
        raise InputError(f"{where} has no key {key!r}: add it.")
    return mapping[key]
