"""Bands around means do not squeeze the means that they are about."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.figure import Figure

from studies.drawing import series_styles

X = pd.Series([1.0, 2.0, 3.0])
MEANS = pd.Series([1.0, 1.5, 2.0])


def limits(half: float, draw: str, scale: str = "linear") -> tuple[float, float]:
    axes = Figure().subplots()
    axes.set_yscale(scale)
    (style,) = series_styles(1)
    style.plot(axes, X, MEANS)
    getattr(style, draw)(axes, X, MEANS - half, MEANS + half)
    low, high = axes.get_ylim()
    return low, high


@pytest.mark.parametrize("draw", ["fill", "bars"])
def test_axes_reach_beyond_means_by_twice_what_these_spread(draw: str) -> None:
    # Ends within are seen whole, with matplotlib's margin of 5 %.
    assert limits(0.5, draw) == pytest.approx((0.5 - 0.1, 2.5 + 0.1))
    for half in (13.0, 1e6):
        assert limits(half, draw) == pytest.approx((-1.0 - 0.25, 4.0 + 0.25))
    low, high = limits(13.0, draw, "log")
    assert 0 < low <= 1.0 and 4.0 <= high < 5.0


def test_a_band_around_one_height_is_seen_whole() -> None:
    axes = Figure().subplots()
    (style,) = series_styles(1)
    style.plot(axes, X, MEANS * 0 + 1)
    style.fill(axes, X, MEANS * 0 - 12, MEANS * 0 + 14)
    low, high = axes.get_ylim()
    assert low < -12 and high > 14


def test_ends_that_are_missing_are_left_out() -> None:
    axes = Figure().subplots()
    (style,) = series_styles(1)
    style.plot(axes, X, MEANS)
    style.fill(axes, X, MEANS.where(X < 3), MEANS + 0.1)
    assert axes.get_ylim() == pytest.approx((1.0 - 0.055, 2.1 + 0.055))
