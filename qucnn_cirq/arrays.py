"""Arrays of real numbers from whatever a user has them in."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from qucnn_cirq.errors import InputError, shown

_DEEPEST = 6
"""Levels of nested lists that are searched for masked arrays; no argument has more dimensions."""


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
    """Copies a tensor of PyTorch into a float64 array of its shape, on whatever device it is.

    Args:
        key: The name of the argument, for the error.
        tensor: A ``torch.Tensor``; what gradients it takes part in is not followed.

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


def check_finite(what: str, array: npt.NDArray[np.float64]) -> None:
    """Refuses NaN and infinity.

    Args:
        what: What has the numbers, for the message ("kernels have").
        array: Of any shape.

    Raises:
        InputError: If one is not finite; it says which.
    """
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise InputError(f"{what} {array[index]} at {index}: give finite numbers.")


def _is_masked(value: object, depth: int = 0) -> bool:
    """Whether an array, or one within nested sequences, has masked entries."""
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    if isinstance(value, (list, tuple)) and depth < _DEEPEST:
        return any(_is_masked(item, depth + 1) for item in value)
    return False


def checked_order(key: str, order: object) -> tuple[int, ...] | None:
    """An order of qubits.

    Args:
        key: What it is, for the error.
        order: The numbers 0 to n - 1 in any order; None for none.

    Returns:
        None also for all in turn, so that equal orders are equal.

    Raises:
        InputError: If it is anything else.
    """
    if order is None:
        return None
    if isinstance(order, np.ndarray):
        order = order.tolist()
    numbers = list(order) if isinstance(order, list | tuple) else None
    if (
        numbers is None
        or any(isinstance(each, bool) or not isinstance(each, int | np.integer) for each in numbers)
        or sorted(numbers) != list(range(len(numbers)))
        or not numbers
    ):
        raise InputError(
            f"{key} = {shown(order)} is not allowed: give the numbers 0 to n - 1 of the n qubits, "
            "each once."
        )
    own = tuple(int(each) for each in numbers)
    return None if own == tuple(range(len(own))) else own


def bits_in_order(
    vectors: npt.NDArray[np.float64], order: tuple[int, ...] | None
) -> npt.NDArray[np.float64]:
    """Vectors whose elements' numbers have their bits in another order.

    Args:
        vectors: Shape (..., 2^n).
        order: Which bit comes first, second and so on; None for all in turn.

    Returns:
        The same shape.

    Raises:
        InputError: If the order is of another number of qubits.
    """
    if order is None:
        return vectors
    if vectors.shape[-1] != 1 << len(order):
        raise InputError(
            f"order = {list(order)} is of {len(order)} qubits, and vectors have "
            f"{vectors.shape[-1]} elements: give an order of "
            f"{vectors.shape[-1].bit_length() - 1} qubits."
        )
    leading = vectors.shape[:-1]
    tensor = vectors.reshape(*leading, *(2,) * len(order))
    axes = [*range(len(leading)), *(len(leading) + bit for bit in order)]
    return np.ascontiguousarray(tensor.transpose(axes)).reshape(vectors.shape)
