"""QuantumFlow: neurons whose outputs are overlaps with states of equal sizes and signs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from noise_models import fields
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS
from qucnn_cirq.filters import FixedFilter
from qucnn_cirq.heads import BinaryClassifier, RandomCosines, SoftmaxClassifier, resized, unit_rows
from qucnn_cirq.heads.features import RESAMPLINGS
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.classical import ClassicalModel
from studies.systems.models.model import DIGITS, Classifying, Model, System
from studies.systems.running import Run

Array = NDArray[np.float64]

OVERLAPS = tuple(OVERLAP_TESTS)
_SIZE = 4

Find = Callable[[Array, NDArray[np.int64], int], Array]


@attrs.frozen
class QuantumFlow(System):
    """After Jiang, Xiong and Shi, "QuantumFlow", Nat. Commun. 12, 579 (2021): its layer U-LYR.

    An image of 4x4 is the 16 amplitudes of four qubits. A neuron's output is the overlap with a
    state of amplitudes +-1/4; a linear head reads the outputs of all neurons.

    Attributes:
        neurons: How many.
        overlap: The overlap test.
        epochs: Passes over the training images.
        batch: Images of a step.
        rate: Learning rate.
        resampling: How images are brought to 4x4, as of `qucnn_cirq.heads.resized`; the authors'
            code has it bilinear.
    """

    kind: ClassVar[str] = "quantumflow"
    title: ClassVar[str] = "QuantumFlow"

    neurons: int = fields.whole(1, 64, default=4)
    overlap: str = fields.one_of(OVERLAPS, default="inversion")
    epochs: int = fields.whole(1, default=100)
    batch: int = fields.whole(1, default=32)
    rate: float = fields.real(0.0, 10.0, default=0.02)
    resampling: str = fields.one_of(RESAMPLINGS, default="bilinear")

    @property
    def label(self) -> str:
        """The neurons and the overlap test."""
        return f"{self.title}, {self.neurons} neurons, {self.overlap}"

    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """See `System.models`: another start has other weights."""
        cosines = RandomCosines(self.neurons, width=2 * np.pi / _SIZE, seed=start)
        return (
            Neurons("model", self.title, self, self._trained("binary"), start),
            Neurons("unentangled", "weights without entanglers", self, self._product, start),
            ClassicalModel("linear", SoftmaxClassifier(), self.small),
            ClassicalModel("random cosines", SoftmaxClassifier(), self.small, cosines),
            Neurons("qucnn", "QuCNN, real weights", self, self._trained("real"), start),
        )

    def resized(self, images: Array) -> Array:
        """Images of 4x4, shape (n, 4, 4).

        Args:
            images: Shape (n, rows, columns).
        """
        found: Array = resized(images, _SIZE, _SIZE, self.resampling)
        return found

    def small(self, images: Array) -> Array:
        """Unit vectors of images of 4x4, shape (n, 16).

        Args:
            images: Shape (n, rows, columns).
        """
        found: Array = unit_rows(self.resized(images))
        return found

    def _trained(self, weights: str) -> Find:
        """Finds weights by gradients; their own head is fitted again, as those of the controls."""

        def find(small: Array, labels: NDArray[np.int64], seed: int) -> Array:
            chosen = BinaryClassifier(
                self.neurons, weights, self.epochs, self.batch, self.rate, seed
            )
            found: Array = chosen.fit(small, labels).filters_
            return found

        return find

    def _product(self, small: Array, labels: NDArray[np.int64], seed: int) -> Array:
        """Those of the 16 signs that Z gates make alone which tell digits apart best.

        By the variance between digits over that within; there are as many as there are neurons,
        again from the first where there are too few.
        """
        signs = hadamard(_SIZE**2) / _SIZE
        outputs = _outputs(small, signs)
        digits = np.unique(labels)
        means = np.array([outputs[labels == each].mean(axis=0) for each in digits])
        within = sum(outputs[labels == each].var(axis=0) for each in digits)
        # Of single images nothing varies within a digit.
        ratios = means.var(axis=0) / np.maximum(within, np.finfo(float).tiny ** 0.5)
        best = np.argsort(-ratios, kind="stable")
        found: Array = signs[np.resize(best, self.neurons)]
        return found


class Neurons(Classifying):
    """Overlaps with fixed filters, and a linear head.

    Before it has learnt, all its filters are random signs.

    Args:
        role: See `Model`.
        label: See `Model`.
        system: The settings.
        find: Finds the filters, shape (neurons, 16), from images of 4x4, labels and a seed.
        start: Number of the start.
    """

    def __init__(self, role: str, label: str, system: QuantumFlow, find: Find, start: int) -> None:
        self.role, self.label = role, label
        self._system, self._find, self._head = system, find, SoftmaxClassifier()
        drawn = np.random.default_rng(start)
        self._set_filters(drawn.choice([-1.0, 1.0], (system.neurons, _SIZE**2)))

    def fit(self, data: Data, seed: int) -> None:
        """Finds the weights and the head."""
        small = self._system.small(data.images)
        filters = self._find(small, data.labels, seed)
        self._set_filters(filters)
        self._head.fit(_outputs(small, filters), data.labels)

    def shapes(self, rows: int, columns: int) -> tuple[tuple[int, int], ...]:
        """See `Model.shapes`."""
        return ((_SIZE, _SIZE),)

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """Images of 4x4; see `Model.inputs`."""
        return (self._system.resized(images),)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """See `Classifying.predict`."""
        (seen,), (spec,) = self.inputs(images), self.specs
        outputs = run.maps(spec, self.parameters[0], seen)[:, :, 0, 0]
        found: NDArray[np.int64] = self._head.predict(outputs)
        return found

    def _set_filters(self, rows: Array) -> None:
        self.specs = (
            ConvolutionSpec(
                kernel=_SIZE,
                filters=[FixedFilter(row.reshape(_SIZE, _SIZE)) for row in rows],
                overlap=self._system.overlap,
            ),
        )
        self.parameters = (np.zeros((len(rows), 0)),)


def _outputs(small: Array, filters: Array) -> Array:
    outputs: Array = (small @ filters.T) ** 2
    return outputs
