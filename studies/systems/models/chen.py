"""The convolution of Chen et al.: rotations of nine qubits between rings of CNOTs."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from noise_models.checks import true_or_false
from qucnn_cirq.encodings import Arctan
from qucnn_cirq.filters import RingBody, XZAnsatz
from qucnn_cirq.heads import resized
from qucnn_cirq.measurements import EachZ
from qucnn_cirq.patches import sliding_windows
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.features import (
    CircuitMaps,
    ClassicalMaps,
    cosines,
    without_entanglers,
)
from studies.systems.models.model import DIGITS, Model, System
from studies.systems.training import trained_angles
from studies.training.loop import Schedule

Array = NDArray[np.float64]


@attrs.frozen
class Chen(System):
    """After S. Y.-C. Chen et al., arXiv:2012.12177: patches of 3x3, RY(atan x) RZ(atan x^2).

    Their data, simulated events of particle physics, are not public: handwritten digits take their
    place.

    Attributes:
        layers: Layers of CNOTs and general rotations.
        filters: Circuits with angles of their own.
        size: Rows and columns to which images are brought.
        stride: Step between patches.
        trained: Whether angles are trained; else they stay as they are drawn.
        epochs: Passes over the images that angles are trained with.
        images: How many of the training images these are; the head reads all.
    """

    kind: ClassVar[str] = "chen"
    title: ClassVar[str] = "Chen et al."

    layers: int = fields.whole(1, 20, default=1)
    filters: int = fields.whole(1, 64, default=1)
    size: int = fields.whole(3, 64, default=14)
    stride: int = fields.whole(1, default=2)
    trained: bool = fields.checked(true_or_false, default=True)
    epochs: int = fields.whole(1, default=4)
    images: int = fields.whole(10, default=200)

    @property
    def label(self) -> str:
        """Layers, and whether they are trained."""
        count = "1 layer" if self.layers == 1 else f"{self.layers} layers"
        return f"{self.title}, {count}, {'trained' if self.trained else 'random'}"

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other angles."""
        spec = self._spec()
        qucnn = ConvolutionSpec(
            kernel=3,
            stride=self.stride,
            filters=[XZAnsatz(layers=3)] * spec.n_maps,
            overlap="destructive",
        )
        random = cosines(spec, spec.n_maps, start)
        return (
            self._circuit("model", self.title, spec),
            self._circuit("unentangled", "without entanglers", without_entanglers(spec)),
            ClassicalMaps("classical", "pixels", lambda images: self._windows(self._seen(images))),
            ClassicalMaps("classical", "random cosines", lambda images: random(self._seen(images))),
            self._circuit("qucnn", "QuCNN", qucnn),
        )

    def _circuit(self, role: str, label: str, spec: ConvolutionSpec) -> CircuitMaps:
        train = self._train if self.trained else None
        return CircuitMaps(role, label, spec, self._seen, train)

    def _spec(self) -> ConvolutionSpec:
        return ConvolutionSpec(
            kernel=3,
            stride=self.stride,
            filters=[RingBody(self.layers)] * self.filters,
            encoding=Arctan(),
            measurement=EachZ(),
        )

    def _seen(self, images: Array) -> Array:
        smaller: Array = resized(images, self.size, self.size)
        return smaller

    def _windows(self, images: Array) -> Array:
        windows: Array = sliding_windows(images, self._spec()).reshape(len(images), -1)
        return windows

    def _train(self, spec: ConvolutionSpec, angles: Array, data: Data, seed: int) -> Array:
        own = Data(data.images[: self.images], data.labels[: self.images])
        return trained_angles(spec, angles, own, seed, Schedule(self.epochs, 20, 0.1, 0.1))
