"""What a study's `measure` returned, checked and brought to the form in which it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from noise_models.checks import LARGEST_COUNT, whole_number
from noise_models.errors import InputError, shown
from noise_models.values import plain_data
from studies.sweep.chunks import encode_array
from studies.sweep.study import Measured, Row

POINT = "point"
"""The column of a table that says which point a row is of."""


def stored_form(measured: object) -> tuple[list[Row], dict[str, Any], int]:
    """The rows, the arrays and the shots of a point, as plain data.

    What is wrong is refused here, where its point is known, and not where it is read again.

    Args:
        measured: What `measure` returned.

    Returns:
        Rows whose cells JSON knows, with null for what is not finite; encoded arrays by name; and
        the number of shots.

    Raises:
        InputError: If it is no `Measured`, has no rows, or holds what cannot be stored.
    """
    if not isinstance(measured, Measured):
        raise InputError(
            f"measure returned {shown(measured, 60)}: return a studies.sweep.study.Measured."
        )
    if not isinstance(measured.rows, list | tuple) or not measured.rows:
        raise InputError(
            f"measure returned rows = {shown(measured.rows, 60)}: give a list of one row or more."
        )
    rows = [_row(number, row) for number, row in enumerate(measured.rows)]
    if not isinstance(measured.arrays, Mapping):
        raise InputError(
            f"measure returned arrays = {shown(measured.arrays, 60)}: give a table of arrays."
        )
    arrays = {}
    for name, value in measured.arrays.items():
        kind = getattr(getattr(value, "dtype", None), "kind", "")
        if not isinstance(name, str) or not isinstance(value, np.ndarray) or kind not in "biufc":
            raise InputError(
                f"measure returned the array {shown(name, 40)} = {shown(value, 40)}: give numbers "
                "as a NumPy array, by name."
            )
        arrays[name] = encode_array(value)
    return rows, arrays, whole_number("the shots that measure returned", measured.shots, 0)


def _row(number: int, row: object) -> Row:
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise InputError(f"measure returned row {number} = {shown(row, 60)}: give cells by column.")
    if POINT in row:
        raise InputError(f"measure returned a column {POINT!r}, which names the point: rename it.")
    return {key: _cell(key, value) for key, value in row.items()}


def _cell(column: str, value: Any) -> str | int | float | bool | None:
    """A cell as JSON knows it; what is not finite becomes null."""
    plain = plain_data(f"the cell {column} that measure returned", value)
    if isinstance(plain, float):
        return plain if np.isfinite(plain) else None
    is_whole = isinstance(plain, int) and abs(plain) <= LARGEST_COUNT
    if plain is None or is_whole or isinstance(plain, str):
        return plain  # type: ignore[no-any-return]
    raise InputError(
        f"measure returned {column} = {shown(value, 60)}: give a number, a text, a Boolean or None."
    )
