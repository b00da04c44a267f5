"""Which of several kinds of noise explains counts best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from noise_models.markup import html_table
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.fit import NoiseFit

_CLEAR = 3.0
"""Difference of log-likelihoods, less one for each number, that counts as clear: odds of 20."""
_REJECTED = 0.05


@dataclass(frozen=True, eq=False)
class ModelComparison:
    """Kinds of noise, the best first.

    Attributes:
        fits: The fits by name.
        table: A row for each, the best first: ``model``, ``log_likelihood`` relative to the best,
            ``numbers`` that were free, ``criterion`` (log-likelihood less one for each number,
            relative to the best), and ``chi_squared_chance``.
    """

    fits: Mapping[str, NoiseFit]
    table: pd.DataFrame

    @property
    def best(self) -> str:
        """The name of the kind that explains the counts best."""
        return str(self.table["model"].iloc[0])

    @property
    def is_clear(self) -> bool:
        """Whether the next one is clearly worse."""
        return bool(self.table["criterion"].iloc[1] < -_CLEAR)

    @property
    def message(self) -> str:
        """What was found, in words."""
        first, second = self.table.iloc[0], self.table.iloc[1]
        if not self.is_clear:
            return (
                f"the counts do not tell {first['model']} from {second['model']}: their "
                f"log-likelihoods differ by {abs(second['log_likelihood']):.1f}."
            )
        text = (
            f"{first['model']} explains the counts better than {second['model']}: its "
            f"log-likelihood is higher by {-second['log_likelihood']:.1f}, with "
            f"{_numbers(int(first['numbers']))} free against {second['numbers']}."
        )
        if second["chi_squared_chance"] > _REJECTED:
            text += f" Chi-squared alone would not have rejected {second['model']}."
        return text

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"<comparison of {', '.join(self.fits)}: {self.best}>"

    def _repr_html_(self) -> str:
        rows = [
            (str(row.model), f"{row.criterion:+.1f} ({row.numbers} free)")
            for row in self.table.itertuples()
        ]
        return html_table(self.message, rows)


def compare_models(fits: Mapping[str, NoiseFit]) -> ModelComparison:
    """Compares kinds of noise by their likelihood of the same counts.

    Chi-squared hardly sees that noise is of the wrong kind: wrong numbers make up for it.

    Args:
        fits: Fits to the same counts by name, as ``{"uniform": fit_noise(...), ...}``.

    Raises:
        InputError: If there are fewer than two, or they are of other counts.
    """
    if len(fits) < 2 or not all(isinstance(each, NoiseFit) for each in fits.values()):
        raise InputError("give two or more results of fit_noise, each under a name.")
    first = next(iter(fits.values()))
    for name, fit in fits.items():
        if len(fit.counted) != len(first.counted) or any(
            one.circuit is not other.circuit or not np.array_equal(one.counts, other.counts)
            for one, other in zip(fit.counted, first.counted, strict=True)
        ):
            raise InputError(f"{name} is fitted to other counts: likelihoods do not compare.")
    rows = [
        (
            name,
            fit.log_likelihood,
            len(fit.values),
            fit.log_likelihood - len(fit.values),
            fit.chi_squared.chance,
        )
        for name, fit in fits.items()
    ]
    columns = ["model", "log_likelihood", "numbers", "criterion", "chi_squared_chance"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.sort_values("criterion", ascending=False, kind="stable", ignore_index=True)
    for column in ("log_likelihood", "criterion"):
        table[column] -= table[column].iloc[0]
    return ModelComparison(dict(fits), table)


def _numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count} numbers"
