"""The settings of one point of a performance sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from noise_models import NoiseConfiguration
from qucnn_cirq.checks import whole_number
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError, unknown_name
from studies.point import PlainData, read_convolution

OWN = ("exact", "exact:torch", "exact:cupy", "qsim_density", "qsim", "sampler")
PEERS = ("aer", "pennylane")


@dataclass(frozen=True)
class PerformancePoint(PlainData):
    """Settings of one timing.

    Attributes:
        engine: "exact", "exact:torch", "exact:cupy", "qsim_density" or "sampler" of this package;
            "qsim", whose noisy shots are trajectories; or, with the extra [peers], "aer" or
            "pennylane": the density matrix of the same bound and noisy circuit.
        device: Name of the device to compile for.
        patches: Random patches of one call.
        shots: Shots for each patch, where the engine takes them; the others compute means.
        runs: Calls, of which the fastest counts.
        convolution: The convolution; filters default to a fixed random vector.
        noise: The noise.
    """

    name: ClassVar[str] = "performance"
    default_filter: ClassVar[str] = "random"

    engine: str = "exact"
    device: str = "willow_pink"
    patches: int = 100
    shots: int = 10_000
    runs: int = 3
    convolution: ConvolutionSpec = field(default_factory=lambda: read_convolution({}, "random"))
    noise: NoiseConfiguration = NoiseConfiguration()

    def __post_init__(self) -> None:
        if self.engine not in (*OWN, *PEERS):
            raise unknown_name("engine", self.engine, (*OWN, *PEERS))
        for key in ("patches", "shots", "runs"):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum=1))
        if self.convolution.n_parameters or self.convolution.n_filters != 1:
            raise InputError("the performance study times one fixed filter: give one.")
