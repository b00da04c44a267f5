"""Confidence intervals hold as often as they say, and are as narrow as they may be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from studies.statistics import mean_interval, proportion_interval
from studies.sweep.adaptive import interval


def test_wilson_intervals_hold_at_95_percent_averaged_over_proportions() -> None:
    trials = 40
    counts = np.arange(trials + 1)
    low, high = proportion_interval(counts, np.full(trials + 1, trials))
    proportions = np.linspace(0.05, 0.95, 901)
    held = (low <= proportions[:, None]) & (proportions[:, None] <= high)
    coverage = (stats.binom.pmf(counts, trials, proportions[:, None]) * held).sum(axis=1)
    # Without simulation: single proportions oscillate, their average is known to be this near.
    assert coverage.mean() == pytest.approx(0.95, abs=0.005)
    assert coverage.min() > 0.9


def test_wilson_intervals_are_the_roots_of_the_normal_approximation() -> None:
    for successes, trials in ((0, 10), (3, 17), (50, 100), (99, 100)):
        ends = [float(end) for end in proportion_interval(successes, trials)]
        z = stats.norm.ppf(0.975)
        for p in ends:
            deviation = (successes / trials - p) ** 2
            assert deviation == pytest.approx(z**2 * p * (1 - p) / trials, abs=1e-12)


def test_intervals_of_means_hold_at_95_percent() -> None:
    values = np.random.default_rng(11).normal(size=(1000, 5))
    ends = np.array([mean_interval(row)[1:] for row in values])
    held = ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean()
    # Four standard deviations of a binomial distribution.
    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 1000))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_all_looks_together_spend_the_allowed_probability_and_hardly_less(
    confidence: float,
) -> None:
    spent = 0.0
    for look in range(1, 400):
        trials, successes = 100 * look, 30 * look
        for end in interval(successes, trials, look, confidence):
            # Chernoff's bound of the probability that the average is as far off as that.
            divergence = sum(q * math.log(q / p) for q, p in ((0.3, end), (0.7, 1 - end)))
            spent += math.exp(-trials * divergence)
    assert 0.99 * (1 - confidence) < spent <= 1 - confidence


def test_looking_often_and_stopping_at_the_luckiest_moment_is_allowed() -> None:
    generator = np.random.default_rng(8)
    shots = generator.random((100, 2000)) < 0.3
    totals = np.cumsum(shots, axis=1)
    missed = 0
    for row in totals:
        ends = [
            interval(int(row[n - 1]), n, look, 0.5)
            for look, n in enumerate(range(100, 2001, 100), start=1)
        ]
        missed += any(not low <= 0.3 <= high for low, high in ends)
    assert missed / len(totals) < 0.5
