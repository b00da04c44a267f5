"""The quantum convolutional network: a whole image on eight qubits, which pooling brings to one."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.encodings import ENCODINGS
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter, QCNNBody, XZAnsatz, unentangled
from qucnn_cirq.filters.qcnn_body import BLOCKS, POOLINGS
from qucnn_cirq.heads import (
    BodyClassifier,
    NearestCentroid,
    PrincipalComponents,
    SoftmaxClassifier,
    resized,
    unit_rows,
)
from qucnn_cirq.heads.learner import Classifier
from qucnn_cirq.measurements import EachZ
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.features import CircuitMaps
from studies.systems.models.model import DIGITS, Classifying, Model, System
from studies.systems.running import Run
from studies.systems.training import trained_angles
from studies.training.loop import Schedule

Array = NDArray[np.float64]

THRESHOLDS = ("zero", "middle")
_COMPARED = 50
"""Images of either digit whose <Z> says where the middle is."""
ENCODINGS_OF_IMAGES = ("given", "amplitudes")
_SIZE = 16
"""Rows and columns of the images, whose pixels are the amplitudes of eight qubits."""
_QUBITS = 8
_QUCNN_FILTERS = 4
_QUCNN_LAYERS = 3


@attrs.frozen
class QCNN(System):
    """After Cong, Choi and Lukin, and Hur, Kim and Park, arXiv:2108.00661, on two digits.

    Images are brought to 16x16 pixels, which are the amplitudes of eight qubits. The mean square
    error, the rate and the batch of the training are the best of two losses and four pairs of rate
    and batch on a quarter of the training images that was held back, for both blocks and both pairs
    of digits 0 1 and 3 6.

    Attributes:
        block: As for `QCNNBody`.
        pooling: As for `QCNNBody`.
        threshold: What <Z> is compared with to name a digit: "zero"; or "middle", between its means
            for the first 50 training images of either digit, run as those of the test are.
        encoding: "given": the state is handed over, and only the body has noise; "amplitudes": a
            circuit loads it.
        epochs: Passes over the images.
        rate: Learning rate of Adam.
        batch: Images of a step.
    """

    kind: ClassVar[str] = "qcnn"
    title: ClassVar[str] = "QCNN"

    block: str = fields.one_of(BLOCKS, default="su4")
    pooling: str = fields.one_of(POOLINGS, default="deferred")
    threshold: str = fields.one_of(THRESHOLDS, default="zero")
    encoding: str = fields.one_of(ENCODINGS_OF_IMAGES, default="given")
    epochs: int = fields.whole(1, default=20)
    rate: float = fields.real(0.0, 10.0, default=0.05)
    batch: int = fields.whole(1, default=32)

    @property
    def label(self) -> str:
        """The block, what pools unless gates do, and what loads the image if anything does."""
        name = f"{self.title}, {self.block[:2].upper()}({self.block[2:]})"
        if self.pooling == "measured":
            name += ", measured pooling"
        if self.threshold == "middle":
            name += ", threshold in the middle"
        return name if self.encoding == "given" else f"{name}, with loader"

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other angles."""
        body = QCNNBody(self.block, pooling=self.pooling)
        size = body.n_parameters(_QUBITS)
        return (
            self._circuit("model", self.title, body),
            self._circuit("unentangled", "without entanglers", unentangled(body)),
            ClassicalHead("linear", SoftmaxClassifier()),
            ClassicalHead(f"linear, {size} parameters", SoftmaxClassifier(), size - 1),
            ClassicalHead("nearest centroid", NearestCentroid()),
            CircuitMaps("qucnn", "QuCNN", _qucnn(), seen, _trained),
        )

    def _circuit(self, role: str, label: str, body: Filter) -> BodyModel:
        return BodyModel(role, label, body, self)


class BodyModel(Classifying):
    """A circuit on the state of an image, of which one qubit tells two digits apart.

    Args:
        role: See `Model`.
        label: See `Model`.
        body: The circuit.
        system: How it is trained, and how images come in.
    """

    def __init__(self, role: str, label: str, body: Filter, system: QCNN) -> None:
        self.role, self.label = role, label
        read = QCNNBody().read_qubit(_QUBITS)
        spec = ConvolutionSpec(
            kernel=_SIZE,
            filters=[body],
            encoding=ENCODINGS.read(system.encoding),
            measurement=EachZ((read,)),
        )
        self.specs = (spec,)
        self._head = BodyClassifier(
            body,
            (read,),
            loss="mean_square",
            epochs=system.epochs,
            batch=system.batch,
            rate=system.rate,
        )
        self._is_middle = system.threshold == "middle"
        self._compared: tuple[Array, Array]

    def fit(self, data: Data, seed: int) -> None:
        """Trains the angles; see `Model.fit`.

        Raises:
            InputError: If there are more than two digits.
        """
        _check_two(data)
        self._head.set_params(seed=seed).fit(unit_rows(seen(data.images)), data.labels)
        self.parameters = (self._head.parameters_[None],)
        first, second = (data.images[data.labels == digit] for digit in self._head.classes_)
        self._compared = first[:_COMPARED], second[:_COMPARED]

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """See `Model.inputs`."""
        return (seen(images),)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """The first digit where <Z> is above the threshold; see `Classifying.predict`."""
        middle = 0.0
        if self._is_middle:
            middle = float(np.mean([self._means(own, run).mean() for own in self._compared]))
        found: NDArray[np.int64] = np.where(self._means(images, run) > middle, *self._head.classes_)
        return found

    def _means(self, images: Array, run: Run) -> Array:
        """<Z> of each image."""
        (spec,), (angles,), (smaller,) = self.specs, self.parameters, self.inputs(images)
        means: Array = run.maps(spec, angles, smaller).ravel()
        return means


class ClassicalHead(Classifying):
    """A classical classifier of the amplitudes.

    Args:
        label: See `Model`.
        head: The classifier.
        components: Principal components that are its features, fewer of few images; None for the
            amplitudes themselves.
    """

    role = "classical"

    def __init__(self, label: str, head: Classifier, components: int | None = None) -> None:
        self.label = label
        self._head, self._count = head, components
        self._components: PrincipalComponents | None = None

    def fit(self, data: Data, seed: int) -> None:
        """See `Model.fit`."""
        features = unit_rows(seen(data.images))
        if self._count is not None:
            self._components = PrincipalComponents(min(self._count, *features.shape))
            features = self._components.fit_transform(features)
        self._head.fit(features, data.labels)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """See `Classifying.predict`."""
        features = unit_rows(seen(images))
        if self._components is not None:
            features = self._components.transform(features)
        found: NDArray[np.int64] = self._head.predict(features)
        return found


def seen(images: Array) -> Array:
    """Images as the circuits get them, shape (n, 16, 16).

    Args:
        images: Shape (n, rows, columns).
    """
    smaller: Array = resized(images, _SIZE, _SIZE)
    return smaller


def _qucnn() -> ConvolutionSpec:
    """Filters on patches of the same images that do not overlap."""
    return ConvolutionSpec(
        kernel=4,
        stride=4,
        filters=[XZAnsatz(layers=_QUCNN_LAYERS)] * _QUCNN_FILTERS,
        overlap="destructive",
    )


def _trained(spec: ConvolutionSpec, angles: Array, data: Data, seed: int) -> Array:
    return trained_angles(spec, angles, data, seed, Schedule(4, 20, 0.1, 0.1))


def _check_two(data: Data) -> None:
    digits = np.unique(data.labels)
    if len(digits) > 2:
        raise InputError(
            f"a QCNN reads one qubit, which tells two digits apart, not {len(digits)}: give "
            "digits = [0, 1], say."
        )
