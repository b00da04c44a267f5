"""Slow drift: all rates of noise times a factor that differs from image to image."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Sequence
from typing import ClassVar

import attrs
import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from noise_models.errors import InputError
from noise_models.kind import NoiseKind, Strength
from noise_models.timeline import Step

LARGEST_SD = 0.5
LARGEST_CORRELATION = 0.999
MOST_DEVIATIONS = 4.0
"""Where the normal distribution is cut."""
FIRST_CONTENT_ID = 2**62
"""From here on numbers of images are digests of what is in them."""
_LEAST_WEIGHT = 1e-4
"""Relative weight of the oldest step that is remembered."""
_GAUSS_NODES = 5
_NORMAL = statistics.NormalDist()
_DRIFT = 0x6472696674
"""Sets the stream of steps apart from those of shots."""


@attrs.frozen
class DriftNoise(NoiseKind):
    """A factor on all rates, readout included, for each image of a run.

    The factor is what `scale` is multiplied by for all circuits of the image. Its logarithm is
    normal, cut at four standard deviations, so that its mean is 1; from image to image, in the
    order of their numbers, it is an autoregressive process of first order: x of the next is
    `correlation` times x, plus a step of its own. Steps derive from the realisation and the number
    of the image, so that an image has the same factor in any batch, order or process, and in all
    circuits of one realisation. Images without numbers of their own are independent.

    It does nothing by itself. A layer resolves it, image by image; what cannot do so, as an error
    budget or an estimator that assumes noise, refuses it: see `Noise.nominal`.

    Args:
        sd: Relative standard deviation of the factor, 0..0.5.
        correlation: Correlation of x between successive images, 0..0.999.
        realisation: Number of the realisation, at least 0: runs of the same number have the same
            factors, whatever their shots. None takes the seed of the run.

    Raises:
        InputError: If a value is out of range.
    """

    key: ClassVar[str] = "drift"

    sd: float = fields.real(0.0, LARGEST_SD, "the relative standard deviation of all rates")
    correlation: float = fields.real(
        0.0, LARGEST_CORRELATION, "the correlation between successive images", default=0.0
    )
    realisation: int | None = fields.whole(0, beside=(None,), default=None)

    def has_gate_noise(self, strength: Strength) -> bool:
        """Never by itself."""
        return False

    def layers(self, step: Step, strength: Strength) -> Iterable[Sequence[cirq.Operation]]:
        """None: it changes the rates of the other kinds."""
        return []

    def factor(self, deviations: float) -> float:
        """The factor on all rates.

        Args:
            deviations: How far the logarithm is from its mean, in standard deviations.
        """
        width = self._width
        return math.exp(width * deviations - width**2 / 2)

    @property
    def _width(self) -> float:
        """The standard deviation of the logarithm."""
        return math.sqrt(math.log1p(self.sd**2))

    def deviations(self, seed: int, images: NDArray[np.integer]) -> NDArray[np.float64]:
        """How far each image's logarithm is from its mean, in standard deviations.

        Args:
            seed: Seed of the run, for drift that names no realisation.
            images: Numbers of images, shape (n,).

        Returns:
            Shape (n,), within plus and minus `MOST_DEVIATIONS`.
        """
        distinct, inverse = np.unique(images, return_inverse=True)
        own = seed if self.realisation is None else self.realisation
        values = [_deviation(own, int(image), self.correlation) for image in distinct]
        found: NDArray[np.float64] = np.array(values)[inverse]
        return found

    def over_all(self) -> list[tuple[float, float]]:
        """Factors and weights that give means over all realisations, by Gauss's quadrature.

        What is a polynomial of degree 9 in the logarithm of the factor has its exact mean, but for
        the cut at four standard deviations.

        Returns:
            Factors and their weights, which add up to 1.
        """
        places, weights = np.polynomial.hermite_e.hermegauss(_GAUSS_NODES)
        weights /= weights.sum()
        return [
            (self.factor(place), weight)
            for place, weight in zip(places.tolist(), weights.tolist(), strict=True)
        ]


@functools.lru_cache(maxsize=65536)
def _deviation(seed: int, image: int, correlation: float) -> float:
    """The autoregressive process as the sum of the steps that are remembered, of variance 1."""
    length = 1
    # Numbers made of what is in an image have no order, and are far apart.
    if correlation > 0 and image < FIRST_CONTENT_ID:
        length += math.ceil(math.log(_LEAST_WEIGHT) / math.log(correlation))
    weights = correlation ** np.arange(length)
    # Images are numbered from 0: what came before is one step of all that variance.
    own = min(length, image + 1)
    rest = math.sqrt(float(np.sum(weights[own:] ** 2)))
    weights = np.append(weights[:own], rest)
    steps = np.array([*(_step(seed, image - age) for age in range(own)), _step(seed, -1)])
    value = float(weights @ steps) / math.sqrt(float(weights @ weights))
    return max(-MOST_DEVIATIONS, min(MOST_DEVIATIONS, value))


@functools.lru_cache(maxsize=65536)
def _step(seed: int, image: int) -> float:
    """A normal number that belongs to an image."""
    words = np.random.SeedSequence([_DRIFT, seed, image + 1]).generate_state(1, np.uint64)
    return _NORMAL.inv_cdf((float(words[0] >> np.uint64(12)) + 0.5) / 2.0**52)


def refuse_drift(drift: DriftNoise | None) -> None:
    """Refuses noise whose rates are not known before an image is.

    Args:
        drift: The drift of a configuration, if there is one.

    Raises:
        InputError: If there is one.
    """
    if drift is not None and drift.sd > 0:
        raise InputError(
            "noise.drift gives every image rates of its own, which only the means and shots of "
            "layers know: leave drift out here (Noise.nominal is the noise without)."
        )
