"""The settings of one point of a performance sweep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from noise_models import NoiseConfiguration
from qucnn_cirq.checks import whole_number
from qucnn_cirq.configuration import read_convolution
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import check_engine_name
from qucnn_cirq.errors import InputError
from studies.performance.peers import PEERS
from studies.point import PlainData


@dataclass(frozen=True)
class PerformancePoint(PlainData):
    """Settings of one timing.

    Attributes:
        engine: The name of an engine, as for a layer; those that simulate shots one by one, such
            as "qsim", are given shots, the others compute means. Or, with the extra [peers], "aer"
            or "pennylane": the density matrix of the same bound and noisy circuit.
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
        if not isinstance(self.engine, str) or self.engine not in PEERS:
            check_engine_name(self.engine)
        for key in ("patches", "shots", "runs"):
            object.__setattr__(self, key, whole_number(key, getattr(self, key), minimum=1))
        if self.convolution.n_parameters or self.convolution.n_filters != 1:
            raise InputError("the performance study times one fixed filter: give one.")
