"""Which rows of a results table repeat one another, and how a figure lays out all others.

Every figure and every mean goes through here: a cell holds rows that differ in the repetition
alone, and all other settings become lines, panels or figures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qucnn_cirq.errors import InputError

REPEATED = ("repeat", "seed", "first", "noise.drift.realisation")
"""The only columns over which means are taken: repetitions, drifts, and which images are read."""

MOST_LINES, MOST_PANELS, MOST_FIGURES = 10, 6, 8
"""Lines of a panel, panels of a figure, and figures of one kind."""

_NO_SETTINGS = ("point", "seconds", *REPEATED)

Values = Mapping[str, object]
Naming = Callable[[Values, Mapping[str, str]], str]
"""Names a group from its values and from texts that tell the values of each axis apart."""


def axes_of(table: pd.DataFrame, measured: Collection[str]) -> list[str]:
    """The settings that vary in a table, repetitions apart.

    Args:
        table: The results, with columns in any order.
        measured: The columns that a study documents as measured. Texts among them, such as the
            engine that was chosen, count as settings unless the other settings decide them.

    Returns:
        Names of columns, in the order of the table.
    """
    plain = _hashable(table)
    varying = [c for c in plain if c not in _NO_SETTINGS and plain[c].nunique(dropna=False) > 1]
    settings = [c for c in varying if c not in measured]
    texts = [c for c in varying if c in measured and _has_texts(plain[c])]
    chosen = settings + [c for c in texts if not _decides(plain, settings, c)]
    return [c for c in varying if c in chosen]


def is_numeric(values: pd.Series) -> bool:
    """Whether all values are finite numbers, so that they have places on an axis.

    Args:
        values: A column of a table, of any type.
    """
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return False
    return bool(np.isfinite(values.to_numpy(float, na_value=np.nan)).all())


def cells(
    table: pd.DataFrame, keys: Sequence[str], measured: Collection[str]
) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """The groups of rows over which means may be taken.

    Args:
        table: The results.
        keys: What is the same in each group.
        measured: As for `axes_of`.

    Yields:
        The values of the keys, and their rows: repetitions of one setting.

    Raises:
        InputError: If anything but the repetition differs within a group, if a repetition is there
            twice, or if there are no rows or no such columns.
    """
    plain = _hashable(table)
    require(table, keys)
    for axis in axes_of(table, measured):
        if axis not in keys and not _decides(plain, keys, axis):
            values = ", ".join(_short(value) for value in plain[axis].unique()[:2])
            raise InputError(
                f"a mean would pool {_short(axis)} ({values}, ...), which is no repetition: name "
                "it among the lines (hue) or panels (facet), or draw less of the table (filter)."
            )
    apart = [*keys, *(c for c in REPEATED if c in plain)]
    if plain.duplicated(apart).any() if apart else len(plain) > 1:
        raise InputError(
            "two rows have the same settings and the same repetition: leave one out, or keep the "
            "column that tells them apart."
        )
    yield from groups(table, keys)


def groups(
    table: pd.DataFrame, keys: Sequence[str]
) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """The rows of each combination of values, in the order of the table; missing ones count.

    Args:
        table: The results.
        keys: Names of columns; without any, all rows are one group.

    Yields:
        The values of the keys, and their rows.
    """
    if not keys:
        yield {}, table
        return
    plain = _hashable(table[list(keys)])
    numbers = plain.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()
    order = np.argsort(numbers, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        own = table.iloc[rows]
        yield {key: own[key].iloc[0] for key in keys}, own


def require(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuses a table that has no rows, or not these columns.

    Args:
        table: The results.
        columns: Names of the columns it must have.

    Raises:
        InputError: If so.
    """
    if table.empty:
        raise InputError("the table has no rows: there is nothing to draw.")
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(
            f"the table has no column {_short(missing[0])}: give the results as load() reads them."
        )


class Lines:
    """The lines of a figure and their names, which are the same in all of its panels.

    Args:
        table: All rows of the figure.
        axes: What tells the lines apart.
        name: Names a line.

    Attributes:
        axes: What tells the lines apart.
        values: The values of these axes for each line, in the order of the table.
        ordered: Whether they stand for numbers.
    """

    def __init__(self, table: pd.DataFrame, axes: Sequence[str], name: Naming) -> None:
        require(table, axes)
        self.axes = tuple(axes)
        self.values = tuple(values for values, _ in groups(table, axes))
        self.ordered = len(self.axes) == 1 and is_numeric(table[self.axes[0]])
        self._labels = _named_groups(table, axes, name)

    @property
    def labels(self) -> list[str]:
        """Names of the lines, all different, in the order of the table."""
        return list(self._labels.values())

    def label(self, values: Values) -> str:
        """The name of the line that has these values, among others.

        Args:
            values: Values by axis; those of the lines' axes must be among them.
        """
        return self._labels[_key({axis: values[axis] for axis in self.axes})]


def images_read(table: pd.DataFrame, count: str) -> int:
    """How many different images repetitions read: those from `first` on, as many as a column says.

    Args:
        table: Repetitions of one setting.
        count: The column.
    """
    if "first" not in table:
        return int(table[count].max())
    read: set[int] = set()
    for first, images in zip(table["first"], table[count], strict=True):
        read |= set(range(int(first), int(first) + int(images)))
    return len(read)


def _named_groups(
    table: pd.DataFrame, axes: Sequence[str], name: Naming
) -> dict[tuple[object, ...], str]:
    """A name for each combination of values of some axes, no name twice."""
    texts = {axis: _texts(table[axis]) for axis in axes}
    found: dict[tuple[object, ...], str] = {}
    used: set[str] = set()
    for values, _ in groups(table, axes):
        own = {axis: texts[axis][_key({axis: value})] for axis, value in values.items()}
        label = name(values, own)
        if label in used:
            label = ", ".join([label, *(f"{axis} = {text}" for axis, text in own.items())])
        while label in used:
            label += "'"
        used.add(label)
        found[_key(values)] = label
    return found


@dataclass(frozen=True)
class Panel:
    """A part of a table that one panel shows: its title and its rows."""

    title: str
    table: pd.DataFrame


@dataclass(frozen=True)
class Arrangement:
    """How a table becomes figures.

    Attributes:
        figures: The panels of each figure; every row is in exactly one of them.
        lines: The axes that tell lines apart.
        panels: Those that tell panels apart.
        along: Axes whose values go along with those of the x axis.
    """

    figures: tuple[tuple[Panel, ...], ...]
    lines: tuple[str, ...]
    panels: tuple[str, ...]
    along: tuple[str, ...]


def arrange(
    table: pd.DataFrame,
    x: Sequence[str],
    measured: Collection[str],
    name: Naming,
    lines: Collection[str] | None = None,
    along: Collection[str] = (),
    most_panels: int = MOST_PANELS,
) -> Arrangement:
    """Gives every setting of a table a line, in a panel, in a figure.

    Args:
        table: The results.
        x: The columns that are axes of each panel.
        measured: As for `axes_of`.
        name: Names panels.
        lines: Axes that should tell lines apart, all if None; where there are too many lines some
            of them tell panels apart instead. All other axes tell panels apart.
        along: Axes that need no lines of their own where the value at x decides theirs; numbers
            that go along with numbers never do.
        most_panels: Of one figure.

    Raises:
        InputError: If there would be too many figures.
    """
    require(table, x)
    plain = _hashable(table)
    rest = [axis for axis in axes_of(table, measured) if axis not in x]
    numeric = all(is_numeric(table[column]) for column in x)
    beside = tuple(
        axis
        for axis in rest
        if (axis in along or (numeric and is_numeric(table[axis]))) and _decides(plain, x, axis)
    )
    rest = [axis for axis in rest if axis not in beside]
    inner = [axis for axis in rest if lines is None or axis in lines]
    while len(inner) > 1 and _lines_of_a_panel(plain, rest, inner) > MOST_LINES:
        inner.remove(_axis_for_panels(plain, rest, inner))
    outer = [axis for axis in rest if axis not in inner]
    least = len(plain[outer].drop_duplicates()) if outer else 1
    if least > MOST_FIGURES * most_panels:
        raise _too_many(least, x, most_panels)
    titles = _named_groups(table, outer, name)
    panels: list[Panel] = []
    for values, own in groups(table, outer):
        each = [part for _, part in groups(own, inner)]
        pieces = -(-len(each) // MOST_LINES)
        for indices in np.array_split(np.arange(len(each)), pieces):
            part = f"lines {indices[0] + 1} to {indices[-1] + 1}" if pieces > 1 else ""
            title = ", ".join(text for text in (titles[_key(values)], part) if text)
            panels.append(Panel(title, pd.concat([each[index] for index in indices])))
    figures = tuple(
        tuple(panels[start : start + most_panels]) for start in range(0, len(panels), most_panels)
    )
    if len(figures) > MOST_FIGURES:
        raise _too_many(len(panels), x, most_panels)
    return Arrangement(figures, tuple(inner), tuple(outer), beside)


def _too_many(panels: int, x: Sequence[str], most_panels: int) -> InputError:
    return InputError(
        f"{panels} panels against {_short(' and '.join(x))} are more than "
        f"{MOST_FIGURES * most_panels}, the most that is drawn: draw a part of the table, with "
        "fewer values of the other axes."
    )


def line_axes(
    table: pd.DataFrame, x: str, measured: Collection[str], along: Collection[str]
) -> list[str]:
    """The axes that tell lines apart where one panel shows a whole table.

    Args:
        table: The results.
        x: The axis of the panel.
        measured: As for `axes_of`.
        along: As for `arrange`.
    """
    require(table, [x])
    plain = _hashable(table)
    axes = [axis for axis in axes_of(table, measured) if axis != x]
    return [axis for axis in axes if axis not in along or not _decides(plain, [x], axis)]


def _lines_of_a_panel(table: pd.DataFrame, rest: Sequence[str], inner: Sequence[str]) -> int:
    """The most lines of one panel."""
    outer = [axis for axis in rest if axis not in inner]
    distinct = table[list(rest)].drop_duplicates()
    if not outer:
        return len(distinct)
    return int(distinct.groupby(outer, sort=False, dropna=False).size().max())


def _axis_for_panels(table: pd.DataFrame, rest: Sequence[str], inner: Sequence[str]) -> str:
    """The axis that leaves few enough lines for the fewest panels, or else the fewest lines."""

    def cost(axis: str) -> tuple[int, int]:
        count = _lines_of_a_panel(table, rest, [each for each in inner if each != axis])
        outer = [each for each in rest if each not in inner or each == axis]
        return max(count, MOST_LINES), len(table[outer].drop_duplicates())

    return min(inner, key=cost)


def _decides(table: pd.DataFrame, keys: Sequence[str], column: str) -> bool:
    """Whether rows that agree in the keys agree in a column."""
    if not keys:
        return int(table[column].nunique(dropna=False)) <= 1
    grouped = table.groupby(list(keys), sort=False, dropna=False)[column]
    return int(grouped.nunique(dropna=False).max()) <= 1


def _hashable(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose lists and mappings, which a user's own may hold, are texts."""
    changed = {
        column: table[column].map(_plain)
        for column in table
        if table[column].dtype == object and column != "point"
    }
    return table.assign(**changed) if changed else table


def _plain(value: object) -> object:
    if isinstance(value, (list, dict, set, tuple, np.ndarray)):
        return str(value)
    # One kind of missing value, so that all of them are one group.
    return None if value is None or value is pd.NA or value != value else value


def _key(values: Values) -> tuple[object, ...]:
    return tuple(_plain(value) for value in values.values())


def _has_texts(values: pd.Series) -> bool:
    return any(isinstance(value, str) for value in values)


def value_texts(values: pd.Series) -> list[str]:
    """A text for each value, numbers with as few digits as tell all of them apart.

    Args:
        values: A column of a table.
    """
    texts = _texts(values)
    return [texts[(_plain(value),)] for value in values]


def _texts(values: pd.Series) -> dict[tuple[object, ...], str]:
    """A text for each value, numbers with as few digits as tell all of them apart."""
    distinct = list(dict.fromkeys(_plain(value) for value in values))
    numbers = [v for v in distinct if isinstance(v, (float, np.floating))]
    digits = next(
        (d for d in range(2, 17) if len({f"{v:.{d}g}" for v in numbers}) == len(numbers)), 17
    )

    def text(value: object) -> str:
        if value is None:
            return "none"
        return f"{value:.{digits}g}" if isinstance(value, (float, np.floating)) else str(value)

    return {(value,): text(value) for value in distinct}


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 30 else f"{text[:27]}..."
