"""QuClassi: a trained state for each class, met with the image's state in an overlap test."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.encodings import AMPLITUDES, DenseAngle, Encoding
from qucnn_cirq.filters import DualAnsatz, Filter, XZAnsatz
from qucnn_cirq.heads import (
    NearestCentroid,
    PrincipalComponents,
    QuClassiClassifier,
    SoftmaxClassifier,
)
from qucnn_cirq.heads.class_states import TRAININGS
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.classical import ClassicalModel, flat
from studies.systems.models.model import DIGITS, Classifying, Model, System
from studies.systems.running import Run

Array = NDArray[np.float64]

OVERLAPS = tuple(OVERLAP_TESTS)
"""Tests that compare an image with a class."""
ARCHITECTURES = ("s", "sd", "sde")
_TRAININGS = {"cross_entropy": "cross entropy", "own_class": "authors' rule"}


@attrs.frozen
class QuClassi(System):
    """After Stein et al., "QuClassi", arXiv:2103.11307.

    Principal components of an image are two to a qubit; each class has a state of as many qubits,
    and the class of an image is the one whose state it overlaps most.

    Attributes:
        architecture: Layers of the class states, as of `DualAnsatz`: "s", "sd" or "sde".
        training: "own_class", the authors' rule, or "cross_entropy", see `QuClassiClassifier`.
        overlap: The overlap test.
        components: Principal components.
        epochs: Passes over the training images.
        batch: Images of a step.
        rate: Learning rate.
    """

    kind: ClassVar[str] = "quclassi"
    title: ClassVar[str] = "QuClassi"

    architecture: str = fields.one_of(ARCHITECTURES, default="sd")
    training: str = fields.one_of(TRAININGS, default="cross_entropy")
    overlap: str = fields.one_of(OVERLAPS, default="inversion")
    components: int = fields.whole(2, 16, default=16)
    epochs: int = fields.whole(1, default=30)
    batch: int = fields.whole(1, default=20)
    rate: float = fields.real(0.0, 10.0, default=0.05)

    @property
    def label(self) -> str:
        """The layers in the authors' letters, the training and the overlap test."""
        letter = self.architecture[-1].upper()
        return f"{self.title} {letter}, {_TRAININGS[self.training]}, {self.overlap}"

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other angles."""
        own, count = DenseAngle(), len(digits)
        body, product = DualAnsatz(self.architecture), DualAnsatz("s")
        models: list[Model] = [ClassStates("model", self.title, self, count, body, own)]
        if body != product:
            label = "without entanglers"
            models.append(ClassStates("unentangled", label, self, count, product, own))
        for name, learner in (("centroid", NearestCentroid()), ("linear", SoftmaxClassifier())):
            components = PrincipalComponents(self.components)
            models.append(ClassicalModel(name, learner, flat, components))
        filters = XZAnsatz(layers=3)
        models.append(ClassStates("qucnn", "QuCNN", self, count, filters, AMPLITUDES))
        return tuple(models)


class ClassStates(Classifying):
    """States of classes, and principal components of images.

    Args:
        role: See `Model`.
        label: See `Model`.
        system: The settings.
        classes: How many classes there are.
        body: What prepares the state of a class.
        encoding: How components become a state.
    """

    def __init__(
        self,
        role: str,
        label: str,
        system: QuClassi,
        classes: int,
        body: Filter,
        encoding: Encoding,
    ) -> None:
        self.role, self.label = role, label
        spec = ConvolutionSpec(
            kernel=(1, system.components),
            filters=[body] * classes,
            overlap=system.overlap,
            encoding=encoding,
        )
        self.specs = (spec,)
        self._components = PrincipalComponents(system.components)
        self._system = system
        self._classifier: QuClassiClassifier

    def fit(self, data: Data, seed: int) -> None:
        """Finds the components, then the angles of the classes' states."""
        (spec,), system = self.specs, self._system
        features = self._components.fit_transform(flat(data.images))
        self._classifier = QuClassiClassifier(
            spec.filter_list[0],
            spec.encoding,
            system.training,
            epochs=system.epochs,
            batch=system.batch,
            rate=system.rate,
            seed=seed,
        ).fit(features, data.labels)
        self.parameters = (self._classifier.parameters_,)

    def shapes(self, rows: int, columns: int) -> tuple[tuple[int, int], ...]:
        """One row of components; see `Model.shapes`."""
        return ((1, self._system.components),)

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """See `Model.inputs`."""
        return (self._components.transform(flat(images))[:, None],)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """See `Classifying.predict`."""
        (seen,) = self.inputs(images)
        overlaps = run.maps(self.specs[0], self.parameters[0], seen)[:, :, 0, 0].T
        self._classifier.set_params(overlaps=lambda parameters, features: overlaps)
        found: NDArray[np.int64] = self._classifier.predict(seen[:, 0])
        return found
