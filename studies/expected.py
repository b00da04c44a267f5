"""How much longer noise makes exact runs, for what studies expect a point to take."""

from __future__ import annotations

from dataclasses import dataclass

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.engines.drifting import drift_passes
from qucnn_cirq.engines.prepared import seconds_if_joined
from studies.mitigation_cost import MOST_SAMPLED

_SECONDS_OF_PASS = 0.04
"""To prepare the circuits for other rates."""


@dataclass(frozen=True)
class NoiseTime:
    """What noise does to the time of exact runs.

    Attributes:
        passes: Rates at which means are computed: several where they drift.
        over_drift: Further ones, for the errors over all realisations of the drift.
        joined: Seconds of each circuit where noise joins patch and filter before they meet, so that
            both are evolved together; else 0.
    """

    passes: int
    over_drift: int
    joined: float

    def of(self, usual: float, circuits: float = 1.0) -> float:
        """Seconds of some circuits.

        Args:
            usual: What they take where the registers are apart and nothing drifts.
            circuits: How many they are.
        """
        preparing = _SECONDS_OF_PASS * (self.passes + self.over_drift - 1)
        return preparing + self.passes * max(usual, circuits * self.joined)

    def of_errors(self, usual: float, circuits: int) -> float:
        """Seconds of the means of a study that tells errors over drifts and with mitigation.

        Args:
            usual: As for `of`.
            circuits: As for `of`.
        """
        seconds = self.of(usual, circuits)
        seconds += self.over_drift * max(usual, circuits * self.joined)
        if not self.over_drift:
            # Calibrations of what the errors are compared with, and its own distributions.
            seconds += 2 * min(circuits, MOST_SAMPLED) * self.joined
        return seconds


def noise_time(noise: NoiseConfiguration, program: Program) -> NoiseTime:
    """What noise does to the time of exact runs of a program.

    Args:
        noise: The noise.
        program: The compiled convolution.
    """
    drift = as_noise(noise).drift
    return NoiseTime(
        drift_passes(drift),
        0 if drift is None else len(drift.over_all()),
        seconds_if_joined(program.filters[0].template, as_noise(noise)),
    )
