"""The settings of one point of a compilation sweep."""

from __future__ import annotations

from typing import ClassVar

import attrs

from noise_models import NoiseConfiguration, fields
from qucnn_cirq.circuits.overlap_tests import AUTO
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError
from studies.point import PlainData, convolution_field, noise_field

COMPILERS = ("qucnn", "cirq", "qiskit", "pytket")


@attrs.frozen
class CompilationPoint(PlainData):
    """Settings of one compilation.

    Attributes:
        compiler: "qucnn", this package's; "cirq", its router and gate sets; or, with the extra
            [peers], "qiskit" or "pytket". The others are given the same loaders as two-qubit
            gates, then the textbook overlap test.
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first. Only "cz" for qiskit
            and pytket.
        walkers: Ancillas of the ancilla test; only for qucnn.
        seeds: Seeds that qiskit is tried with; the result with the fewest two-qubit gates counts.
        p1: Error of a one-qubit gate in the predicted error.
        p2: Error of a two-qubit gate in it.
        convolution: The convolution; filters default to a fixed random vector of the kernel's size.
        noise: Not used; the tables of all studies are the same.
    """

    name: ClassVar[str] = "compilation"
    default_filter: ClassVar[str] = "random"

    compiler: str = fields.one_of(COMPILERS, default="qucnn")
    device: str = fields.text(default="willow_pink")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    walkers: int = fields.whole(1, default=1)
    seeds: int = fields.whole(1, default=20)
    p1: float = fields.real(0.0, 1.0, default=0.001)
    p2: float = fields.real(0.0, 1.0, default=0.005)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.compiler in ("qiskit", "pytket") and self.gate_set not in (None, "cz"):
            raise InputError(
                f"compiler = {self.compiler!r} is compared in CZ: set gate_set = 'cz'."
            )
        if self.compiler != "qucnn" and self.convolution.overlap == AUTO:
            raise InputError(
                f"compiler = {self.compiler!r} does not choose the overlap test: set "
                "convolution.overlap."
            )
