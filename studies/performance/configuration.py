"""The settings of one point of a performance sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import NoiseConfiguration, fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import check_engine_name
from qucnn_cirq.errors import InputError
from studies.performance.peers import PEERS
from studies.point import PlainData, convolution_field, noise_field


@attrs.frozen
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

    engine: str = fields.named(check_engine_name, beside=PEERS, default="exact")
    device: str = fields.text(default="willow_pink")
    patches: int = fields.whole(1, default=100)
    shots: int = fields.whole(1, default=10_000)
    runs: int = fields.whole(1, default=3)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.n_parameters or self.convolution.n_filters != 1:
            raise InputError("the performance study times one fixed filter: give one.")
