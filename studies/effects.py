"""What a sweep found, axis by axis: how much a quantity changes, with intervals, in sentences.

Settings are compared at equal other settings: of each pair of values of an axis only such points
count as differ in nothing else. Intervals are over repetitions, ranges over the other settings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.grouping import REPEATED, axes_of, is_numeric, value_texts
from studies.statistics import mean_interval
from studies.wording import axis_text, axis_words, interval_text

_SHOTS, _EXACT = "shots", "exact means"
_MOST_TOLD = 3
"""Settings whose values are told one by one."""
_MOST_VALUES = 5
"""Values of an axis that are all told; of more the best and the last."""
_SMALL = 0.02
"""Ratios nearer to 1, and differences nearer to 0, are hardly any where nothing is repeated."""
_LEAST = 1e-100
"""Sizes of which ratios can be told."""
_WIDEST = np.log(1e12)
"""Intervals of ratios from whose one end to the other there is more say nothing: none is told."""
_TURNS = 1.1
"""How much larger, or smaller, than at both ends something in between is that is told."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """A measured column, and how it is spoken of.

    Attributes:
        column: Its name.
        words: What it is called, in the singular.
        by_ratio: Whether its values are compared by ratios, as those of errors are, which are
            positive; otherwise by differences, as those of accuracies are.
        form: How a value is written.
        best: Which is best where values of an axis are ranked, "lowest" or "highest".
    """

    column: str
    words: str
    by_ratio: bool = True
    form: str = ".3g"
    best: str = "lowest"


class _Change(NamedTuple):
    """How one value of an axis differs from another, at equal other settings.

    Attributes:
        mean: The mean over settings and repetitions: a geometric mean of ratios, or a difference.
        low: Lower end of its 95 % interval over repetitions; NaN where nothing is repeated.
        high: Upper end.
        least: The least of any other settings.
        most: The most.
        settings: How many other settings there are.
    """

    mean: float
    low: float
    high: float
    least: float
    most: float
    settings: int


def effects(
    table: pd.DataFrame, quantity: Quantity, measured: Collection[str], leave: Collection[str] = ()
) -> list[str]:
    """A sentence on each axis of a sweep: how a quantity changes along it.

    Args:
        table: The results, one row for each point.
        quantity: What is told of; rows without it are left out.
        measured: The columns that the study documents as measured.
        leave: Axes of which nothing is told; they are kept equal as all others.
    """
    if quantity.column not in table:
        return []
    values = pd.to_numeric(table[quantity.column], errors="coerce").astype(float)
    known = np.isfinite(values) & (values > _LEAST if quantity.by_ratio else True)
    rows = table.assign(**{quantity.column: values})[known]
    if rows.empty:
        return []
    axes = axes_of(rows, {*measured, quantity.column})
    lines = []
    for block in _blocks(rows, axes):
        if set(block) & set(leave):
            continue
        wide = _wide(rows, block, [axis for axis in axes if axis not in block], quantity.column)
        along = len(block) == 1 and is_numeric(rows[block[0]])
        # No shots are exact means, which are not few shots.
        along = along and not (block[0] == _SHOTS and (rows[_SHOTS] == 0).any())
        tell = _along if along else _among
        lines += tell(wide, quantity, _words(block))
    return lines


def measured_quantities(
    table: pd.DataFrame, columns: Iterable[str], most: int = 3
) -> list[Quantity]:
    """The first measured columns of numbers that vary, for studies that say nothing of theirs.

    Args:
        table: The results.
        columns: The columns that the study documents, in order.
        most: How many at most.
    """
    found = []
    for name in columns:
        if name in table and is_numeric(table[name].dropna()) and table[name].nunique() > 1:
            ratios = bool((table[name].dropna() > 0).all())
            found.append(Quantity(name, name.replace("_", " "), ratios))
    return found[:most]


def _words(block: Sequence[str]) -> str:
    return ", ".join(axis_words(axis) for axis in block)


def _blocks(table: pd.DataFrame, axes: Sequence[str]) -> list[tuple[str, ...]]:
    """Axes that vary by themselves, each alone; those that only vary together, as one."""
    texts = table[list(axes)].astype(str)
    free = []
    for axis in axes:
        others = [other for other in axes if other != axis]
        counts = texts.groupby(others)[axis].nunique() if others else texts[[axis]].nunique()
        if counts.max() > 1:
            free.append(axis)
    bound = tuple(axis for axis in axes if axis not in free)
    return [*((axis,) for axis in free), *([bound] if bound else [])]


class _Wide(NamedTuple):
    """A quantity by other settings and repetitions (rows) and by values of an axis (columns).

    Attributes:
        values: The quantity, shape (rows, columns); NaN where it was not measured.
        settings: The number of the other settings of each row.
        repeats: The number of the repetition of each row.
        levels: The values in words; numbers ascend.
        names: The other settings in words.
    """

    values: Array
    settings: NDArray[np.intp]
    repeats: NDArray[np.intp]
    levels: list[str]
    names: list[str]


def _wide(table: pd.DataFrame, block: Sequence[str], others: Sequence[str], column: str) -> _Wide:
    repeated = [name for name in REPEATED if name in table]
    texts = {axis: value_texts(table[axis]) for axis in (*block, *others)}
    setting = _joined(texts, others, table)
    level = _joined(texts, block, table)
    repeat = _joined({name: value_texts(table[name]) for name in repeated}, repeated, table)
    flat = pd.DataFrame(
        {"level": level, "setting": setting, "repeat": repeat, "value": table[column].to_numpy()}
    )
    wide = flat.pivot_table(
        index=["setting", "repeat"], columns="level", values="value", sort=False, aggfunc="mean"
    )
    if len(block) == 1 and is_numeric(table[block[0]]):
        pairs = dict(zip(level, table[block[0]], strict=True))
        wide = wide[sorted(wide.columns, key=lambda text: float(pairs[text]))]
    settings, names = pd.factorize(wide.index.get_level_values(0))
    repeats, _ = pd.factorize(wide.index.get_level_values(1))
    return _Wide(wide.to_numpy(float), settings, repeats, [*wide.columns], [*map(str, names)])


def _joined(texts: dict[str, list[str]], axes: Sequence[str], table: pd.DataFrame) -> list[str]:
    """Some axes of each row in words; numbers are told with what they are numbers of."""
    if not axes:
        return [""] * len(table)
    parts = []
    for axis in axes:
        if is_numeric(table[axis]):
            whole = pd.api.types.is_integer_dtype(table[axis])
            shown = [f"{int(text):,}" if whole else text for text in texts[axis]]
            named = [axis_text(axis, text) for text in shown]
            parts.append([_EXACT if text == f"{_SHOTS} 0" else text for text in named])
        else:
            parts.append(texts[axis])
    return [", ".join(row) for row in zip(*parts, strict=True)]


def _change(wide: _Wide, one: int, other: int, by_ratio: bool) -> _Change | None:
    """How one value of the axis differs from another; None if no point has its counterpart."""
    a, b = wide.values[:, other], wide.values[:, one]
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return None
    found = np.log(b[both] / a[both]) if by_ratio else b[both] - a[both]
    settings, repeats_of = wide.settings[both], wide.repeats[both]
    kept, are_same = _comparable(settings, repeats_of)
    each = pd.Series(found[kept]).groupby(settings[kept]).mean()
    repeats = pd.Series(found[kept]).groupby(repeats_of[kept]).mean()
    mean, low, high = mean_interval(repeats)
    if not are_same:
        mean = float(each.mean())
    if not are_same or len(repeats) < 2 or (by_ratio and high - low > _WIDEST):
        low = high = np.nan
    numbers = np.array([mean, low, high, each.min(), each.max()])
    mean, low, high, least, most = map(float, np.exp(numbers) if by_ratio else numbers)
    return _Change(mean, low, high, least, most, len(each))


def _comparable(
    settings: NDArray[np.intp], repeats: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], bool]:
    """Rows by which repetitions are compared over the same settings, of which some are under way.

    Settings with fewer repetitions than others are left out, or repetitions with fewer settings:
    what leaves more rows.

    Args:
        settings: The number of the setting of each row.
        repeats: The number of its repetition.

    Returns:
        Which rows are kept, and whether their repetitions are of the same settings. They are not
        where less than half would be left, as where each setting has repetitions of its own: then
        all rows are kept.
    """
    there = np.zeros((settings.max() + 1, repeats.max() + 1), bool)
    there[settings, repeats] = True
    whole_settings = (there == there[there.sum(1).argmax()]).all(1)[settings]
    whole_repeats = (there[:, there.sum(0).argmax()] == there.T).all(1)[repeats]
    kept = whole_settings if whole_settings.sum() > whole_repeats.sum() else whole_repeats
    if 2 * kept.sum() < len(kept):
        return np.ones(len(kept), bool), False
    return kept, True


def _along(wide: _Wide, quantity: Quantity, words: str) -> list[str]:
    """A sentence on an axis of numbers: what changes from its least to its largest."""
    last = len(wide.levels) - 1
    change = _change(wide, last, 0, quantity.by_ratio)
    if change is None:
        return []
    ends = wide.levels[0], wide.levels[last]
    none = 1.0 if quantity.by_ratio else 0.0
    verb, scatter = "grows" if change.mean > none else "falls", ""
    if np.isnan(change.low) and abs(change.mean - none) < _SMALL:
        verb = "hardly changes,"
    elif change.low <= none <= change.high:
        scatter = ", no more than it scatters"
    parts = []
    for number, name in enumerate(wide.names):
        pair = [_mean_text(wide, number, column, quantity) for column in (0, last)]
        if None not in pair:
            where = f" ({name})" if name else ""
            parts.append(f"from {pair[0]} to {pair[1]}{where}")
    if len(parts) <= _MOST_TOLD:
        told = f" {', '.join(parts)}"
        if len(parts) > 1 or quantity.by_ratio:
            told += f": {_change_text(change, quantity)}"
    else:
        told = f" {_change_text(change, quantity)}"
    names = [text.rpartition(" ")[2] for text in ends]
    line = f"From {words} {names[0]} to {names[1]}, {quantity.words} {verb}{told}"
    return [f"{line}{scatter}{_between(wide, quantity)}."]


def _between(wide: _Wide, quantity: Quantity) -> str:
    """Where in between a quantity is larger or smaller than at both ends, if by much."""
    if len(wide.levels) < 3:
        return ""
    complete = wide.values[np.isfinite(wide.values).all(axis=1)]
    if not len(complete):
        return ""
    means = np.exp(np.log(complete).mean(0)) if quantity.by_ratio else complete.mean(0)
    ends, inner = (means[0], means[-1]), means[1:-1]
    for place, word, turns in (
        (int(inner.argmin()), "lowest", inner.min() * _TURNS < min(ends)),
        (int(inner.argmax()), "highest", inner.max() > _TURNS * max(ends)),
    ):
        if quantity.by_ratio and turns:
            at = wide.levels[place + 1].rpartition(" ")[2]
            return f"; it is {word}, {inner[place]:{quantity.form}} in the mean, at {at}"
    return ""


def _among(wide: _Wide, quantity: Quantity, words: str) -> list[str]:
    """A sentence on an axis of names: which is best, and how the others stand beside it."""
    sign = 1 if quantity.best == "lowest" else -1
    best, changes = _ranked(wide, quantity, sign)
    if not changes:
        return []
    ranked = sorted(changes, key=lambda each: sign * each[1].mean)
    shown = ranked if len(ranked) <= _MOST_VALUES else [*ranked[: _MOST_VALUES - 1], ranked[-1]]
    told = [f"{wide.levels[place]} {_beside(change, quantity)}" for place, change in shown]
    left = len(ranked) - len(shown)
    if left:
        told.insert(-1, f"{left} others between")
    own = wide.values[:, best]
    typical = own[np.isfinite(own)]
    mean = np.exp(np.log(typical).mean()) if quantity.by_ratio else typical.mean()
    value = (
        f" ({mean:{quantity.form}} in the mean)"
        if len(wide.names) > 1
        else (f" ({_mean_text(wide, 0, best, quantity)})")
    )
    return [
        f"By {words}: {wide.levels[best]} has the {quantity.best} {quantity.words}{value}; at "
        f"equal other settings {', '.join(told)}."
    ]


def _ranked(wide: _Wide, quantity: Quantity, sign: int) -> tuple[int, list[tuple[int, _Change]]]:
    """The best value of an axis, and how those that share settings with it differ from it."""
    for best in range(len(wide.levels)):
        changes = [
            (place, change)
            for place in range(len(wide.levels))
            if place != best
            and (change := _change(wide, place, best, quantity.by_ratio)) is not None
        ]
        none = 1.0 if quantity.by_ratio else 0.0
        if changes and all(sign * (change.mean - none) >= 0 for _, change in changes):
            return best, changes
    return 0, []


def _beside(change: _Change, quantity: Quantity) -> str:
    form = ".3g" if quantity.by_ratio else "+.3f"
    told = interval_text(change.mean, change.low, change.high, form)
    words = f"has {told} times as much" if quantity.by_ratio else f"differs by {told}"
    return words + _range(change, form)


def _change_text(change: _Change, quantity: Quantity) -> str:
    form = ".3g" if quantity.by_ratio else "+.3f"
    told = interval_text(change.mean, change.low, change.high, form)
    return (f"to {told} times" if quantity.by_ratio else f"by {told}") + _range(change, form)


def _range(change: _Change, form: str) -> str:
    least, most = (
        f"{end:{form}}".replace("-", "\N{MINUS SIGN}") for end in (change.least, change.most)
    )
    if change.settings < 2 or least == most:
        return ""
    return f" ({least} to {most} over {change.settings} other settings)"


def _mean_text(wide: _Wide, setting: int, column: int, quantity: Quantity) -> str | None:
    """A value with its interval over repetitions; None if it was not measured."""
    own = wide.values[wide.settings == setting, column]
    own = own[np.isfinite(own)]
    if not len(own):
        return None
    mean, low, high = mean_interval(own)
    if len(own) < 2:
        low = high = np.nan
    return interval_text(mean, low, high, quantity.form)
