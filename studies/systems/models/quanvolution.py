"""Quanvolution: random circuits on patches, and a head that alone is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.encodings import ENCODINGS
from qucnn_cirq.filters import RandomCircuit, XZAnsatz
from qucnn_cirq.measurements import MEASUREMENTS
from qucnn_cirq.patches import sliding_windows
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.models.features import (
    CircuitMaps,
    ClassicalMaps,
    cosines,
    without_entanglers,
)
from studies.systems.models.model import DIGITS, Model, System

Array = NDArray[np.float64]

FORMS = ("angle", "threshold")
_QUCNN_LAYERS = 3


@attrs.frozen
class Quanvolution(System):
    """After Henderson et al., "Quanvolutional Neural Networks", arXiv:1904.04767.

    Attributes:
        form: "angle": RY(pi x) of every value of a patch and <Z> of every qubit, as in most later
            work; "threshold": |1> for a value above 0, and the number of ones of the most likely
            outcome, as in the paper. In both forms the circuits are not trained.
        kernel: Rows and columns of a patch, on as many qubits as it has values.
        stride: Step between patches.
        rotations: Rotations of each random circuit.
        circuits: Random circuits.
    """

    kind: ClassVar[str] = "quanvolution"
    title: ClassVar[str] = "quanvolution"

    form: str = fields.one_of(FORMS, default="angle")
    kernel: int = fields.whole(1, 4, default=2)
    stride: int = fields.whole(1, default=2)
    rotations: int = fields.whole(1, 1000, default=4)
    circuits: int = fields.whole(1, 64, default=1)

    @property
    def label(self) -> str:
        """The form, the circuits and their rotations."""
        name = self.title if self.form == "angle" else "quanvolution, Henderson's form"
        count = f"{self.circuits} x " if self.circuits > 1 else ""
        return f"{name}, {count}{self.rotations} rotations"

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other circuits."""
        spec = self._spec(start)
        qucnn = ConvolutionSpec(
            kernel=self.kernel,
            stride=self.stride,
            filters=[XZAnsatz(layers=_QUCNN_LAYERS)] * spec.n_maps,
            overlap="destructive",
        )
        return (
            CircuitMaps("model", self.title, spec),
            CircuitMaps("unentangled", "without entanglers", without_entanglers(spec)),
            *(
                ClassicalMaps("classical", label, function)
                for label, function in self._classical(spec, start).items()
            ),
            CircuitMaps("qucnn", "QuCNN, random filters", qucnn),
        )

    def _spec(self, start: int) -> ConvolutionSpec:
        return ConvolutionSpec(
            kernel=self.kernel,
            stride=self.stride,
            filters=[
                RandomCircuit(self.rotations, seed=_SEEDS_OF_A_START * start + number)
                for number in range(self.circuits)
            ],
            encoding=ENCODINGS.read(self.form),
            measurement=MEASUREMENTS.read("z" if self.form == "angle" else "most_likely"),
        )

    def _classical(self, spec: ConvolutionSpec, start: int) -> dict[str, Callable[[Array], Array]]:
        """The classical maps by what they are."""

        def windows(images: Array) -> Array:
            return sliding_windows(images, spec).reshape(len(images), -1, spec.n_elements)

        if self.form == "angle":
            return {"pixels": windows, "random cosines": cosines(spec, spec.n_maps, start)}
        table = np.random.default_rng(start).integers(
            0, spec.n_elements + 1, (1 << spec.n_elements, spec.n_maps)
        )
        places = 1 << np.arange(spec.n_elements)
        return {
            "ones of the patch": lambda images: (windows(images) > 0).sum(axis=2).astype(float),
            "random table": lambda images: table[(windows(images) > 0) @ places].astype(float),
        }


_SEEDS_OF_A_START = 1000
"""More than there are circuits."""
