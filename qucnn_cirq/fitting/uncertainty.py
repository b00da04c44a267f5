"""What a fit leaves uncertain, kept beside the noise that it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from noise_models import NoiseConfiguration
from noise_models.tables import parsed_source, write_table
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting.numbers import FreeNumbers
from qucnn_cirq.fitting.prediction import Prediction, predicted

FloatArray = NDArray[np.float64]

_TABLE = "uncertainty"


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """The covariance of numbers of a noise.

    Attributes:
        keys: Their dotted keys.
        covariance: Shape (numbers, numbers).
    """

    keys: tuple[str, ...]
    covariance: FloatArray

    @classmethod
    def from_toml(cls, source: str | Path) -> Uncertainty | None:
        """Reads it from what `NoiseFit.to_toml` gives.

        Args:
            source: A path or the text itself, as for `noise_models.NoiseConfiguration.from_toml`.

        Returns:
            None if there is noise alone.

        Raises:
            InputError: If it cannot be read, or is no covariance.
        """
        document, origin = parsed_source(source)
        table = document.get(_TABLE)
        return None if table is None else cls._of(table, origin)

    @classmethod
    def _of(cls, table: Any, origin: str) -> Uncertainty:
        wrong = InputError(
            f"{origin}: [{_TABLE}] is no covariance: it has the keys numbers, a list of dotted "
            "keys, and covariance, a list of as many rows. Write it by `qucnn fit` or leave it out."
        )
        if not isinstance(table, Mapping) or set(table) != {"numbers", "covariance"}:
            raise wrong
        keys, rows = table["numbers"], table["covariance"]
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise wrong
        try:
            matrix = np.array(rows, dtype=float).reshape(len(keys), len(keys))
        except (TypeError, ValueError):
            raise wrong from None
        if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-6):
            raise wrong
        sizes = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        if len(keys) and np.linalg.eigvalsh(matrix / np.outer(sizes, sizes)).min() < -1e-6:
            raise wrong
        return cls(tuple(keys), matrix)

    def to_toml(self) -> str:
        """As a table [uncertainty], which noise that is read leaves out."""
        table = {"numbers": list(self.keys), "covariance": self.covariance.tolist()}
        return write_table(_TABLE, table)

    def predicted(
        self, function: Callable[[NoiseConfiguration], ArrayLike], noise: NoiseConfiguration
    ) -> Prediction:
        """A figure with what is uncertain of the noise, by its derivatives.

        Args:
            function: Takes a noise configuration and gives a number or an array.
            noise: The noise that was found.
        """
        numbers = FreeNumbers.of(noise, self.keys)
        return predicted(
            function, numbers.configuration, numbers.start, self.covariance, numbers.bounds, 0, 0
        )
