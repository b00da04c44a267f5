"""Ticks that can be read: as many as fit, and no two with the same text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import Formatter, Locator, LogLocator, MaxNLocator, NullFormatter

_MOST = 9
_SHORT = (1e-3, 1e5)
"""Sizes of numbers that are short without a power of ten."""
_STEPS: tuple[tuple[float, ...], ...] = ((1, 2, 5), (1, 3))
"""Multiples of each power of ten that are marked, from the densest."""


def log_axis(axes: Axes, which: Literal["x", "y"]) -> None:
    """Makes an axis logarithmic, with ticks that can be read however short it is.

    Args:
        axes: The axes, before or after something is drawn.
        which: The axis.
    """
    axes.set(**{f"{which}scale": "log"})
    log_ticks(axes.xaxis if which == "x" else axes.yaxis)


def log_ticks(axis: Axis, percent: bool = False) -> None:
    """Gives a logarithmic axis or colour bar ticks that can be read.

    Args:
        axis: The axis.
        percent: Whether the numbers are shown in percent.
    """
    axis.set_major_locator(LogTicks())
    axis.set_major_formatter(TickTexts(percent))
    axis.set_minor_locator(LogLocator(subs=range(2, 10)))
    axis.set_minor_formatter(NullFormatter())


class LogTicks(Locator):
    """Powers of ten where there are several, multiples of them or round numbers otherwise."""

    def __call__(self) -> Sequence[float]:
        """The ticks of the axis as it is."""
        assert self.axis is not None
        low, high = sorted(self.axis.get_view_interval())
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The ticks between two numbers.

        Args:
            vmin: The smaller number.
            vmax: The larger number.
        """
        if not (0 < vmin < vmax < np.inf):
            return []
        # Texts of powers of ten are half as wide as others.
        space = self.axis.get_tick_space() if self.axis is not None else _MOST
        return tick_numbers(vmin, vmax, int(np.clip(space, 3, _MOST)))


def tick_numbers(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two positive ones, about evenly apart on a logarithmic axis.

    Args:
        low: The smaller number.
        high: The larger number.
        most: How many at most, at least 3.
    """
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    inside = (low * (1 - 1e-9), high * (1 + 1e-9))
    decades = range(first, last + 1)

    def multiples(steps: Sequence[float]) -> list[float]:
        found = [float(f"{step}e{power}") for power in decades for step in steps]
        return [number for number in found if inside[0] <= number <= inside[1]]

    powers = [power for power in decades if inside[0] <= 10.0**power <= inside[1]]
    # Multiples of numbers far from 1 are long, and not needed where there are several powers.
    are_long = len(powers) >= 3 and not (_SHORT[0] <= low and high < _SHORT[1])
    for steps in () if are_long else _STEPS:
        found = multiples(steps)
        if 3 <= len(found) <= most:
            return found
    if len(powers) >= 3:
        stride = -(-len(powers) // most)
        return [float(f"1e{power}") for power in powers if power % stride == 0]
    if high >= 10 * low:
        # Numbers evenly apart would crowd at the end of such an axis.
        few = multiples(_STEPS[0])
        return [float(f"1e{power}") for power in powers] if len(powers) == 2 else few[::2]
    numbers = MaxNLocator(min(most, 4), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(n) for n in numbers if n > 0 and inside[0] <= n <= inside[1]]


class TickTexts(Formatter):
    """Numbers with as many digits as they need, those far from 1 with a power of ten.

    Args:
        percent: Whether they are shown in percent.
    """

    def __init__(self, percent: bool = False) -> None:
        self._percent = percent
        self._far = False
        self._digits = 6

    def set_locs(self, locs: Sequence[float]) -> None:
        """Finds the form and the digits that suit all ticks of the axis.

        Args:
            locs: Where the ticks are.
        """
        shown = [abs(number) for number in locs if number != 0]
        self._far = bool(shown) and not _SHORT[0] <= min(shown) <= max(shown) < _SHORT[1]
        distinct = len(set(locs))
        for self._digits in range(6, 17):
            if len({f"{number:.{self._digits}g}" for number in locs}) == distinct:
                break

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The text of one number."""
        return tick_text(x, self._percent, self._far, self._digits)


def tick_text(number: float, percent: bool = False, far: bool = False, digits: int = 6) -> str:
    """A number as a tick says it: digits that are not rounding, a power of ten far from 1.

    Args:
        number: The number.
        percent: Whether it is shown in percent.
        far: Whether another tick of the axis is far from 1.
        digits: Significant digits; those behind them are rounding.
    """
    shown = float(f"{100 * number if percent else number:.{digits}g}")
    if percent:
        return f"{_plain_digits(shown)} %"
    if shown == 0 or (not far and _SHORT[0] <= abs(shown) < _SHORT[1]):
        return _plain_digits(shown)
    mantissa, _, power = f"{shown:.{digits - 1}e}".partition("e")
    factor = _plain_digits(float(mantissa))
    exponent = f"10^{{{int(power)}}}"
    return f"${{}}{exponent}$" if factor == "1" else rf"${{}}{factor}\times{exponent}$"


def _plain_digits(number: float) -> str:
    text = np.format_float_positional(number, trim="-")
    return text.replace("-", "\N{MINUS SIGN}")


def separate_labels(figure: Figure) -> bool:
    """Turns or leaves out labels of ticks that would be printed over each other.

    Args:
        figure: A figure that was drawn or laid out.

    Returns:
        Whether anything changed, so that the layout has to be found anew.
    """
    changed = False
    for axes in figure.axes:
        if not axes.get_visible() or not axes.axison:
            continue
        changed |= _separate(axes.xaxis, turn=True)
        changed |= _separate(axes.yaxis, turn=False)
    return changed


def shown_labels(axis: Axis) -> list[tuple[float, Text]]:
    """The labels of the major ticks that can be seen within the limits of an axis, with places.

    Args:
        axis: An axis of a figure that was drawn or laid out.

    Returns:
        For each label its place on the axis, in data coordinates, and the text.
    """
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    return [
        (float(tick.get_loc()), label)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if label.get_visible()
        and label.get_text()
        and low - slack <= tick.get_loc() <= high + slack
    ]


def _separate(axis: Axis, turn: bool) -> bool:
    labels = shown_labels(axis)
    if not _overlap(labels):
        return False
    texts = [label.get_text() for _, label in labels]
    # Of numbers some may be left out.
    if turn and any(any(c.isalpha() for c in text) and "${}" not in text for text in texts):
        axis.set_tick_params(labelrotation=90)
        labels = shown_labels(axis)
        if not _overlap(labels):
            return True
    stride = next(n for n in range(2, len(labels) + 2) if not _overlap(labels[::n]))
    kept = [(place, label.get_text()) for place, label in labels[::stride]]
    axis.set_ticks([place for place, _ in kept], [text for _, text in kept])
    return True


def _overlap(labels: Sequence[tuple[float, Text]]) -> bool:
    boxes = [label.get_window_extent() for _, label in labels]
    return any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))
