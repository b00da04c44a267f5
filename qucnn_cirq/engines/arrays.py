"""Array libraries that the exact engine can compute with: NumPy, or one for GPUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import one_of
from qucnn_cirq.errors import InputError, missing_extra

Array = Any
"""An array of whichever library."""


@dataclass(frozen=True, eq=False)
class ArrayLibrary:
    """What differs between array libraries; all else is indexing and operators.

    Attributes:
        name: The name under which it is chosen.
        device: Where its arrays live, in words.
        module: Has ``cos``, ``sin``, ``moveaxis`` and ``tensordot`` as NumPy has.
        put: Makes an array of the library of one of NumPy's; whole numbers stay whole.
        get: The way back.
        chunk_bytes: Size of the arrays that it works through fastest.
        itemsize: Bytes of a number.
    """

    name: str
    device: str
    module: Any
    put: Callable[[NDArray[Any]], Array]
    get: Callable[[Array], NDArray[Any]]
    chunk_bytes: int
    itemsize: int = 8


_PROCESSOR_CHUNK = 2**20
"""A megabyte: the arrays of a chunk fit the caches, and calls of NumPy are few enough."""

NUMPY = ArrayLibrary("numpy", "cpu", np, lambda array: array, lambda array: array, _PROCESSOR_CHUNK)
"""On the processor."""


def _in_single(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype == np.float64 else array


SINGLE = ArrayLibrary(
    "float32", "cpu", np, _in_single, lambda array: array.astype(float), _PROCESSOR_CHUNK, 4
)
"""On the processor, in single precision."""


def _torch() -> ArrayLibrary:
    try:
        import torch
    except ImportError:
        raise missing_extra("engine = 'exact:torch'", "torch", "engine = 'exact'") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return ArrayLibrary(
        "torch",
        device,
        torch,
        # A tensor cannot share memory that is read-only.
        lambda array: torch.as_tensor(np.require(array, requirements=("C", "W")), device=device),
        lambda array: np.asarray(array.cpu()),
        _PROCESSOR_CHUNK if device == "cpu" else 2**28,
    )


def _cupy() -> ArrayLibrary:
    try:
        import cupy
    except ImportError:
        raise InputError(
            "engine = 'exact:cupy' needs CuPy built for your CUDA: pip install cupy-cuda12x (or "
            "-cuda11x); or choose engine = 'exact'."
        ) from None
    return ArrayLibrary("cupy", "cuda", cupy, cupy.asarray, cupy.asnumpy, 2**28)


_LIBRARIES: dict[str, Callable[[], ArrayLibrary]] = {
    "numpy": lambda: NUMPY,
    "float32": lambda: SINGLE,
    "torch": _torch,
    "cupy": _cupy,
}
ARRAY_LIBRARIES = tuple(_LIBRARIES)
"""Names of the array libraries."""


def array_library(name: str) -> ArrayLibrary:
    """The array library of a name; torch computes on a CUDA device if there is one.

    Args:
        name: One of `ARRAY_LIBRARIES`.

    Raises:
        InputError: If the name is unknown or the library is not installed.
    """
    return _LIBRARIES[one_of("array library", name, ARRAY_LIBRARIES)]()
