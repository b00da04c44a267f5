"""Predictions beside collected counts of another noise than the study's, such as a fitted one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from noise_models import Noise, NoiseConfiguration, NoiseLike, as_noise
from noise_models.errors import shown
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from qucnn_cirq.fitting import NoiseFit, Uncertainty
from studies.files import digest_of
from studies.sweep.chunks import MeasuredPoint
from studies.wording import noise_in_words

_PREDICTED = ("predicted_rmse", "noisy_predicted_rmse")
"""Columns that get an interval."""


@dataclass(frozen=True, eq=False)
class Predicting:
    """The noise of predictions.

    Attributes:
        noise: The noise.
        words: What it is called.
        uncertainty: What a fit left uncertain of it; None if nothing is known of that.
    """

    noise: Noise
    words: str
    uncertainty: Uncertainty | None = None

    @classmethod
    def of(cls, noise: NoiseLike | NoiseFit | Path, devices: Iterable[str]) -> Predicting:
        """Reads it.

        Args:
            noise: As for `noise_models.as_noise`; or a fit, or the file that it wrote, whose
                uncertainty is carried.
            devices: Names of the devices that the circuits are for.

        Raises:
            InputError: If it is not allowed, or is for other qubits.
        """
        if isinstance(noise, NoiseFit):
            found, name, uncertainty = Noise(noise.noise), "fitted: ", noise.uncertainty
        else:
            given = str(noise) if isinstance(noise, Path) else noise
            found, name, uncertainty = as_noise(given), "", None
            if isinstance(given, str):
                name = f"{Path(given).name}: "
                if given.lower().endswith(".toml"):
                    uncertainty = Uncertainty.from_toml(Path(given))
        if found.configuration is None:
            raise InputError(
                f"noise = {shown(noise)} is a noise model of another package: give noise as data."
            )
        for device in devices:
            found.check_places(load_device(device).graph, f"device {device!r}")
        words = noise_in_words(found.configuration.to_mapping()) or "none"
        return cls(found, f"{name}{words}", uncertainty)

    @property
    def configuration(self) -> NoiseConfiguration:
        """The noise as data."""
        assert self.noise.configuration is not None
        return self.noise.configuration

    @property
    def digest(self) -> str:
        """Tells it from any other."""
        uncertain = self.uncertainty
        known = None if uncertain is None else [uncertain.keys, uncertain.covariance.tolist()]
        return digest_of([self.configuration.to_mapping(), known])

    def measured(
        self, measure: Callable[[Noise | None], MeasuredPoint], columns: Container[str]
    ) -> MeasuredPoint:
        """A point beside its prediction, with an interval if that is known.

        Args:
            measure: Measures the point, predicted by a noise, None being that of the study; what is
                measured is the same.
            columns: Those of the study.

        Raises:
            InputError: If the noise, or some within its uncertainty, is not allowed for the point.
        """
        point = measure(self.noise)
        why = _refusal(point)
        if why is not None and _refusal(measure(None)) is None:
            # What was measured is not given up for a prediction.
            raise InputError(f"noise = {self.words} does not predict these points: {why}")
        places = [
            (index, column)
            for index, row in enumerate(point.rows)
            for column in _PREDICTED
            if row.get(column) is not None and f"{column}_low" in columns
        ]
        if self.uncertainty is None or not places:
            return point

        def values(noise: NoiseConfiguration) -> list[float]:
            found = point if noise == self.configuration else measure(Noise(noise))
            if found.error is not None:
                raise InputError(found.error)
            return [float(found.rows[index][column]) for index, column in places]  # type: ignore[arg-type]

        found = self.uncertainty.predicted(values, self.configuration)
        rows = [dict(row) for row in point.rows]
        for (index, column), low, high in zip(
            places, np.maximum(found.low, 0.0).tolist(), found.high.tolist(), strict=True
        ):
            rows[index] |= {f"{column}_low": low, f"{column}_high": high}
        return replace(point, rows=rows)


def _refusal(point: MeasuredPoint) -> str | None:
    """Why a point has no numbers, as an error or in its table; None if it has."""
    if point.error is not None:
        return point.error
    return next((str(row["refused"]) for row in point.rows if row.get("refused")), None)
