"""Which rows of a table are drawn."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qucnn_cirq.errors import InputError, shown, unknown_name
from studies.grouping import is_numeric, value_texts
from studies.settings import plain, value_of_text

Where = Mapping[str, object] | Iterable[str]
"""Values by column, one or a list of them; or texts such as "noise.scale<=1"."""

_CONDITION = re.compile(r"\s*(.+?)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_ORDERS: dict[str, Callable[[pd.Series, float], pd.Series]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MOST_SHOWN = 12
"""Values of a column that an error lists."""


@dataclass(frozen=True)
class Condition:
    """What is asked of one column.

    Attributes:
        column: Its name.
        relation: "=", "!=", "<", "<=", ">" or ">=".
        values: Any of these for "=", none of them for "!="; one number otherwise.
    """

    column: str
    relation: str
    values: tuple[object, ...]

    def __str__(self) -> str:
        values = " or ".join(map(str, self.values))
        return f"{self.column} {self.relation} {values}"


def conditions_of(where: Where | None) -> list[Condition]:
    """What is asked of each column.

    Args:
        where: Values by column, or texts; nothing if None.

    Raises:
        InputError: If a text is no condition.
    """
    if where is None:
        return []
    if isinstance(where, Mapping):
        return [Condition(str(key), "=", _values(key, value)) for key, value in where.items()]
    return [_read(text) for text in ([where] if isinstance(where, str) else where)]


def selected(table: pd.DataFrame, conditions: Iterable[Condition]) -> pd.DataFrame:
    """The rows of a table for which all conditions hold.

    Args:
        table: The results.
        conditions: Those of `conditions_of`.

    Raises:
        InputError: If there is no such column, value or row.
    """
    left = np.ones(len(table), bool)
    for condition in conditions:
        if condition.column not in table:
            raise unknown_name("column", condition.column, table.columns)
        left &= _holds(table[condition.column], condition)
        if not left.any():
            raise InputError(f"no row is left where {condition}: ask for less.")
    return table[left]


def _read(text: object) -> Condition:
    parts = _CONDITION.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        raise InputError(
            f"filter {shown(text)} is not allowed: give COLUMN=VALUE, or another of !=, <, <=, "
            "> and >= in the place of =."
        )
    column, relation, value = parts.groups()
    return Condition(column, relation, _values(column, value_of_text(value)))


def _values(column: str, value: object) -> tuple[object, ...]:
    own = plain(f"filter {column}", value)
    return tuple(own) if isinstance(own, list) else (own,)


def _holds(column: pd.Series, condition: Condition) -> NDArray[np.bool_]:
    """Of which rows of a column, shape (rows,), a condition holds."""
    if condition.relation in _ORDERS:
        (value, *others) = condition.values or (None,)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if others or not is_number or not is_numeric(column.dropna()):
            raise InputError(
                f"filter {condition} is not allowed: {condition.relation} compares a column of "
                "numbers with a number; use = for others."
            )
        found: NDArray[np.bool_] = _ORDERS[condition.relation](column, float(str(value))).to_numpy()
        return found
    matches = [_equal(column, value) for value in condition.values]
    for value, match in zip(condition.values, matches, strict=True):
        if not match.any():
            known = list(dict.fromkeys(value_texts(column)))
            more = [] if len(known) <= _MOST_SHOWN else ["..."]
            raise InputError(
                f"no row has {condition.column} = {shown(value)}; there are "
                f"{', '.join([*known[:_MOST_SHOWN], *more])}."
            )
    either: NDArray[np.bool_] = np.any([np.zeros(len(column), bool), *matches], axis=0)
    return either if condition.relation == "=" else ~either


def _equal(column: pd.Series, value: object) -> NDArray[np.bool_]:
    """Which cells of a column, shape (rows,), are a value: as numbers, or as the table says it."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and is_numeric(column.dropna()):
        # Numbers of a range have twelve digits.
        numbers = column.to_numpy(float, na_value=np.nan)
        close: NDArray[np.bool_] = np.isclose(numbers, float(str(value)), rtol=1e-9, atol=0.0)
        return close
    wanted = "none" if value is None else str(value)
    texts = [text.lower() if isinstance(value, bool) else text for text in map(str, column)]
    wanted = wanted.lower() if isinstance(value, bool) else wanted
    pairs = zip(texts, value_texts(column), strict=True)
    return np.array([wanted in pair for pair in pairs], bool)
