"""Checks of single values, shared by everything that takes input from a user."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from qucnn_cirq.errors import InputError, shown, unknown_name

LARGEST_COUNT = 2**63 - 1
"""The largest number that is stored: a signed integer of 64 bits."""
LARGEST_SEED = 2**64 - 1
"""The largest seed: what a ``numpy.random.SeedSequence`` hands on is unsigned."""
_DEEPEST = 6
"""Levels of nested lists that are searched for masked arrays; no argument has more dimensions."""


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
    # Compared before it is converted: an integer may exceed every float.
    if not is_number or not minimum <= value <= maximum:  # type: ignore[operator]
        raise InputError(
            f"{key} = {shown(value)} is not allowed: give a number within {minimum:g}..{maximum:g}."
        )
    return float(value)  # type: ignore[arg-type]


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


def real_array(key: str, value: object) -> npt.NDArray[np.float64]:
    """Copies real numbers of any kind into a float64 array.

    Args:
        key: The name of the argument, for the error.
        value: An array, nested sequences of numbers, or a tensor of PyTorch that takes part in no
            gradient; integers and booleans are converted.

    Returns:
        A new C-ordered float64 array of the same shape. NaN and infinity are let through.

    Raises:
        InputError: If the value is ragged, complex or not numeric, or has masked entries.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        if value.requires_grad:
            raise InputError(
                f"{key} is a tensor that requires a gradient, which ends here: give "
                "tensor.detach(), or use qucnn_cirq.torch_layer.QuantumConv2d."
            )
        return tensor_values(key, value)
    if _is_masked(value):
        raise InputError(f"{key} has masked entries: fill them first, as by array.filled(0).")
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"{key} is ragged: give an array whose rows are equally long.") from None
    except Exception as error:
        # Any class may offer itself as an array and fail in a way of its own.
        raise InputError(
            f"{key} is a {type(value).__name__} that cannot be read as an array ({error}): give "
            "a NumPy array of real numbers."
        ) from None
    # Types that others register, such as bfloat16, have kind "V" as structures have.
    is_extension = array.dtype.names is None and np.can_cast(array.dtype, np.float64)
    if array.dtype.kind not in "biuf" and not is_extension:
        raise InputError(
            f"{key} has entries of type {array.dtype}: give real numbers (integers or floats)."
        )
    # A number beyond the range of float64 becomes infinite, and is refused as such by the caller;
    # one below it becomes 0, as in any arithmetic.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.array(array, dtype=np.float64, order="C")


def tensor_values(key: str, tensor: Any) -> npt.NDArray[np.float64]:
    """Copies a tensor of PyTorch into a float64 array, whatever its type, layout and device.

    Raises:
        InputError: If it is complex, or has no values, as on the device "meta".
    """
    if tensor.is_complex():
        raise InputError(
            f"{key} has entries of type {tensor.dtype}: give real numbers, such as {key}.real."
        )
    import torch

    try:
        values = tensor.detach()
        if values.is_quantized:
            values = values.dequantize()
        if values.layout != torch.strided:
            values = values.to_dense()
        array = values.to("cpu", torch.float64).resolve_neg().numpy()
    except (RuntimeError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"{key} is a tensor whose values cannot be read ({error}): give a dense tensor with "
            "values."
        ) from None
    return np.array(array, order="C")


def _is_masked(value: object, depth: int = 0) -> bool:
    """Whether an array, or one within nested sequences, has masked entries."""
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return any(_is_masked(item, depth + 1) for item in value)
    return False


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

    Raises:
        InputError: If the key is missing.
    """
    if key not in mapping:
        raise InputError(f"{where} has no key {shown(key)}: add it.")
    return mapping[key]
