"""Noise fitted to counts: the numbers under which what was recorded is most likely."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from noise_models import NoiseConfiguration, NoiseLike, as_noise
from noise_models.markup import html_table
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.advice import covariance_of, hard_to_tell
from qucnn_cirq.fitting.circuits import Counted, FitCircuit
from qucnn_cirq.fitting.likelihood import Likelihood, Point, maximum
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.prediction import NORMAL, Prediction, draws, interval_text, predicted
from qucnn_cirq.fitting.profile import profile_interval
from qucnn_cirq.fitting.surrogates import Grid, Surrogate, surrogate
from qucnn_cirq.fitting.uncertainty import Uncertainty

FloatArray = NDArray[np.float64]

_SECOND_START = 0.3
"""The second start, in units of the first."""
_MOST_MOVES = 12
_LEAST_SHARE = 0.05
_SETTLED = 1e-3
"""Gain of the log-likelihood that is no more followed: a 20th of a standard error."""
_AT_BOUND = 0.01
"""Distance from a bound, in sizes of a number, from which on it counts as being there."""
_FEWEST_EXPECTED = 5.0
"""Expected counts of a cell of chi-squared; smaller ones are added up."""


@dataclass(frozen=True)
class GoodnessOfFit:
    """Pearson's chi-squared.

    Attributes:
        value: The sum of squared deviations, each over what is expected.
        degrees: Degrees of freedom.
        chance: How often it is larger if the noise is right.
    """

    value: float
    degrees: int
    chance: float


class NoiseFit:
    """Numbers of a noise configuration with their uncertainty.

    Args:
        counted: The circuits with their counts.
        likelihood: The likelihood of the counts near the values.
        values: The values of largest likelihood, shape (numbers,).
        point: The likelihood there.

    Attributes:
        numbers: The free numbers and where they stand.
        values: The values of largest likelihood, shape (numbers,).
        log_likelihood: The log-likelihood, without the part that no noise changes.
        fisher: Fisher's information at the values, shape (numbers, numbers).
        counted: The circuits with their counts.
    """

    def __init__(
        self,
        counted: Sequence[Counted],
        likelihood: Likelihood,
        values: FloatArray,
        point: Point,
    ) -> None:
        self.counted = tuple(counted)
        self.likelihood = likelihood
        self.numbers = likelihood.surrogate.numbers
        self.values, self.log_likelihood, self.fisher = values, point.value, point.fisher

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted keys of the numbers."""
        return self.numbers.keys

    @cached_property
    def noise(self) -> NoiseConfiguration:
        """The noise with these values."""
        return self.numbers.configuration(self.values)

    @cached_property
    def covariance(self) -> FloatArray:
        """The inverse of Fisher's information, shape (numbers, numbers)."""
        return covariance_of(self.fisher, self.numbers.sizes)

    @property
    def errors(self) -> FloatArray:
        """Standard errors, shape (numbers,)."""
        return np.sqrt(np.diag(self.covariance))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each number: ``key``, ``start``, ``value``, ``error``, ``low`` and ``high``.

        The last two are the 95 % interval by Fisher's information, within the bounds; of a number
        that is at one of them it is that of `profile`.
        """
        low, high = self.numbers.bounds
        reach = NORMAL * self.errors
        close = _AT_BOUND * self.numbers.sizes
        at_bound = (self.values - low < close) | (high - self.values < close)
        low, high = np.maximum(low, self.values - reach), np.minimum(high, self.values + reach)
        for index in np.flatnonzero(at_bound).tolist():
            low[index], high[index] = self._profiled(index)
        return pd.DataFrame(
            {
                "key": self.keys,
                "start": self.numbers.start,
                "value": self.values,
                "error": self.errors,
                "low": low,
                "high": high,
            }
        )

    def profile(self, keys: Sequence[str] | None = None) -> pd.DataFrame:
        """95 % intervals by profile likelihood: right at bounds, and where it is no parabola.

        With more than three numbers of gates probabilities are those of first order around the fit.

        Args:
            keys: Which numbers; None for all.

        Returns:
            A row for each: ``key``, ``value``, ``low`` and ``high``.

        Raises:
            InputError: If a key is none of the free numbers.
        """
        rows = []
        for key in self.keys if keys is None else keys:
            index = self.numbers.index(key)
            rows.append((self.keys[index], self.values[index], *self._profiled(index)))
        return pd.DataFrame(rows, columns=["key", "value", "low", "high"])

    def _profiled(self, index: int) -> tuple[float, float]:
        return profile_interval(
            self.likelihood, self.values, self.log_likelihood, index, self.covariance
        )

    @cached_property
    def chi_squared(self) -> GoodnessOfFit:
        """How well the counts are explained. Against a wrong class of noise it has little power."""
        value, cells = 0.0, 0
        for counts, expected in zip(
            self.likelihood.counts, self.likelihood.expected(self.values), strict=True
        ):
            for row, mean in zip(counts, expected, strict=True):
                rare = mean < _FEWEST_EXPECTED
                pooled = np.append(mean[~rare], mean[rare].sum())
                seen = np.append(row[~rare], row[rare].sum())
                used = pooled > _FEWEST_EXPECTED
                value += float(((seen - pooled)[used] ** 2 / pooled[used]).sum())
                cells += max(0, int(used.sum()) - 1)
        degrees = max(1, cells - len(self.values))
        return GoodnessOfFit(value, degrees, float(chi2.sf(value, degrees)))

    @cached_property
    def hard_to_tell(self) -> tuple[str, ...]:
        """What the counts hardly tell, in words, with the circuit that would tell it."""
        return hard_to_tell(
            [each.circuit for each in self.counted],
            [each.shots for each in self.counted],
            self.numbers,
            self.values,
            self.fisher,
        )

    def draws(self, n_draws: int, seed: int = 0) -> FloatArray:
        """Values as they may be, normally distributed around the fit and within the bounds.

        Args:
            n_draws: How many.
            seed: Of the random numbers.

        Returns:
            Shape (draws, numbers).
        """
        return draws(self.values, self.covariance, self.numbers.bounds, n_draws, seed)

    def predict(
        self,
        function: Callable[[NoiseConfiguration], ArrayLike],
        n_draws: int = 0,
        seed: int = 0,
    ) -> Prediction:
        """Any figure that depends on the noise, with the uncertainty that the fit leaves.

        Args:
            function: Takes a noise configuration and gives a number or an array.
            n_draws: 0 to carry the covariance by the derivative, which calls the function twice
                for each number; else so many draws, of which the interval holds 95 %.
            seed: Of the draws.
        """
        return predicted(
            function,
            self.numbers.configuration,
            self.values,
            self.covariance,
            self.numbers.bounds,
            n_draws,
            seed,
        )

    def to_toml(self) -> str:
        """The fitted noise as TOML, with what was found as comments, and the covariance."""
        lines = [f"# {line}" for line in str(self).splitlines()]
        return "\n".join([*lines, self.noise.to_toml(), self.uncertainty.to_toml()])

    @property
    def uncertainty(self) -> Uncertainty:
        """What the counts leave uncertain of the numbers."""
        return Uncertainty(self.keys, self.covariance)

    def write(self, path: Path | str) -> None:
        """Writes `to_toml` to a file.

        Args:
            path: The file.

        Raises:
            OSError: If it cannot be written.
        """
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    def __repr__(self) -> str:
        return f"<noise fit of {', '.join(self.keys) or 'no numbers'}>"

    def __str__(self) -> str:
        shots = sum(each.shots for each in self.counted)
        number = sum(int((each.counts.sum(axis=1) > 0).sum()) for each in self.counted)
        lines = [
            f"fitted to {shots:,} shot{'s' * (shots != 1)} of {number} circuit{'s' * (number != 1)}"
        ]
        lines += [f"{key} = {text}" for key, text in self._intervals()]
        return "\n".join([*lines, *self.hard_to_tell])

    def _repr_html_(self) -> str:
        rows: list[tuple[str, object]] = [*self._intervals()]
        good = self.chi_squared
        rows.append(("chi-squared", f"{good.value:.0f} of {good.degrees}"))
        rows += [("hard to tell", each) for each in self.hard_to_tell]
        return html_table("noise fit", rows)

    def _intervals(self) -> list[tuple[str, str]]:
        """The numbers in words, by key."""
        columns = self.table[["value", "error", "low", "high"]].to_numpy()
        texts = [interval_text(*row) for row in columns]
        return list(zip(self.keys, texts, strict=True))


def fit_noise(
    circuits: Sequence[Counted],
    noise: NoiseLike,
    free: Sequence[str] = (),
) -> NoiseFit:
    """Finds the numbers of a noise configuration under which counts are most likely.

    All outcomes of every circuit count, with their exact probabilities. A fit of up to three
    numbers of gates makes a grid of exact probabilities once, which further fits of the same
    circuits, numbers and shots use again.

    Args:
        circuits: Circuits with their counts.
        noise: A configuration with start values.
        free: The dotted keys of the numbers to find, as "depolarizing.p2", "idle",
            "readout.p01", "scale", "scales.gate" or "depolarizing.couplers.4,5:4,6"; none to see
            how likely the counts are under the noise as it is.

    Raises:
        InputError: If an argument is not allowed.
    """
    if not circuits or not all(isinstance(each, Counted) for each in circuits):
        raise InputError("give circuits with their counts: FitCircuit.of(circuit).counted(counts).")
    configuration = as_noise(noise).configuration
    numbers = FreeNumbers.of(noise, free)
    assert configuration is not None
    low, high = numbers.bounds
    if (numbers.start < low).any() or (numbers.start > high).any():
        raise InputError("a start value is outside what the number may be: change it in the noise.")
    own = tuple(each.circuit for each in circuits)
    model = _kept_surrogate(own, configuration, tuple(free), tuple(each.shots for each in circuits))
    counts = [each.counts for each in circuits]
    # At 0 a number of either sign may have no slope, whatever the counts say.
    turned = np.where((numbers.start == 0) & (low < 0), numbers.sizes, 0.0)
    starts = [numbers.start, _SECOND_START * numbers.start + turned]
    for _ in range(_MOST_MOVES):
        likelihood = Likelihood(model, counts)
        found = [maximum(likelihood, each, *model.box, numbers.sizes) for each in starts]
        # What changes nothing stays where it started.
        values, point = max(
            found, key=lambda each: each[1].value - _SETTLED * (each is not found[0])
        )
        if isinstance(model, Grid):
            if model.covers(values):
                break
            model = model.moved(values)
            starts = [values]
            continue
        here = likelihood.at(model.centre)
        likelihood, point, gain = _ahead(likelihood, here, values, point.value - here.value)
        model = likelihood.surrogate
        values, starts = model.centre, [model.centre]
        if gain < _SETTLED:
            break
    return NoiseFit(circuits, likelihood, values, point)


def _ahead(
    likelihood: Likelihood, here: Point, values: FloatArray, gain: float
) -> tuple[Likelihood, Point, float]:
    """The likelihood around a point where the counts are more likely, by exact probabilities.

    Args:
        likelihood: With the first order around a point.
        here: What it is there.
        values: Where it is largest to first order, shape (numbers,).
        gain: By how much.

    Returns:
        The likelihood around the new point, what it is there, and the gain.
    """
    before = likelihood.surrogate
    tried = [(likelihood, here)]

    def add(values: FloatArray) -> None:
        model = before.moved(values)
        own = Likelihood(model, likelihood.counts)
        tried.append((own, own.at(model.centre)))

    add(values)
    change = tried[1][0].surrogate.centre - before.centre
    # A direction that is hardly told may bend more than the first order knows: then to the top
    # of the parabola along it.
    slope, rise = float(here.score @ change), tried[1][1].value - here.value
    if rise < gain / 2 and slope > rise:
        add(before.centre + max(_LEAST_SHARE, slope / (slope - rise) / 2) * change)
    best, point = max(tried, key=lambda each: each[1].value)
    return best, point, point.value - here.value


@functools.lru_cache(maxsize=8)
def _kept_surrogate(
    circuits: tuple[FitCircuit, ...],
    noise: NoiseConfiguration,
    free: tuple[str, ...],
    shots: tuple[int, ...],
) -> Surrogate:
    numbers = FreeNumbers.of(noise, free)
    return surrogate(circuits, numbers, numbers.start, shots)
