"""Whether all numbers in a gate are finite, whatever the gate keeps them in."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import cirq
import numpy as np
import sympy

_NOT_FINITE = (sympy.nan, sympy.oo, -sympy.oo, sympy.zoo)


def is_finite(value: object) -> bool:
    """Whether no number in an object is NaN, infinite, or a whole one that no float holds.

    Args:
        value: A gate, an operation, or anything that they hold: numbers, symbols, arrays,
            containers and objects with attributes are looked into. Qubits and tags have none.
    """
    return _is_finite(value, set())


def _is_finite(value: Any, seen: set[int]) -> bool:
    if value is None or isinstance(value, str | bytes | type | cirq.Qid):
        return True
    if isinstance(value, sympy.Basic):
        return not value.has(*_NOT_FINITE)
    if isinstance(value, numbers.Number):
        if isinstance(value, numbers.Integral):
            # One that no float holds is an OverflowError for whoever calculates with it.
            return abs(int(value)) <= sys.float_info.max
        return bool(np.isfinite(complex(value)))  # type: ignore[call-overload]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
    if id(value) in seen:
        return True
    seen.add(id(value))
    return all(_is_finite(each, seen) for each in _parts(value))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values())
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return value
    if isinstance(value, cirq.TaggedOperation):
        return (value.sub_operation,)
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()))
    attributes = [getattr(value, name, None) for name in slots]
    return [*attributes, *getattr(value, "__dict__", {}).values()]
