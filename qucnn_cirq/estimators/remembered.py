"""What estimators found for a circuit, while the circuit exists."""

from __future__ import annotations

import weakref
from typing import Any, Self, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(weakref.WeakKeyDictionary[K, V]):
    """What was found for each key; no part of a copy, whose keys are others."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()
