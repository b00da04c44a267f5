"""What a system is: a model of other authors and its controls, learnt and tested alike."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.kinds import Kind
from qucnn_cirq.specification import ConvolutionSpec
from studies.sweep.study import Row
from studies.systems.data import Data
from studies.systems.running import Run

Array = NDArray[np.float64]

DIGITS = tuple(range(10))
ROLES: Mapping[str, str] = {
    "model": "the model itself",
    "unentangled": "the same circuit without entanglers",
    "classical": "a classical map of the same shape",
    "qucnn": "QuCNN: overlaps with filter states, the same head",
}
"""The part that each model of a system has in the comparison."""


class Model(abc.ABC):
    """One way to learn of training images: the model that a system is, or one of its controls.

    An object is made for one start, fitted once, without noise and without shots, and then asked
    with any. To add one, derive from this class, or from `Classifying` if it names digits.

    Attributes:
        role: A word of `ROLES`.
        label: What it is, in a few words; no two models of a system have the same.
        specs: The convolutions whose circuits it runs; none if it is classical.
        parameters: The angles of the filters of each of them, shape (filters, parameters), after
            `fit`.
    """

    role: str
    label: str
    specs: tuple[ConvolutionSpec, ...] = ()
    parameters: tuple[Array, ...] = ()

    @abc.abstractmethod
    def fit(self, data: Data, seed: int) -> None:
        """Learns, ideally.

        Args:
            data: Images from 0 to 1 and their digits.
            seed: Of whatever is drawn.
        """

    @abc.abstractmethod
    def tested(self, data: Data, run: Run) -> Row:
        """How good it is.

        Args:
            data: Images that it has not learnt from.
            run: How its circuits are run. A classical model does not look at it.

        Returns:
            Columns of `studies.systems.study.COLUMNS`, such as `correct` and `tested`.
        """

    def shapes(self, rows: int, columns: int) -> tuple[tuple[int, int], ...]:
        """Rows and columns of what the convolutions of `specs` are run on, also before `fit`.

        Args:
            rows: Of an image.
            columns: Of an image.
        """
        seen = self.inputs(np.zeros((1, rows, columns)))
        return tuple((each.shape[1], each.shape[2]) for each in seen)

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """What the convolutions of `specs` are run on.

        Args:
            images: Shape (n, rows, columns).

        Returns:
            For each of them images of shape (n, rows, columns), by default those given.
        """
        return (images,) * len(self.specs)


class Classifying(Model):
    """A model that names the digits of images; a subclass defines `fit` and `predict`."""

    @abc.abstractmethod
    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """The digit of each image, shape (n,).

        Args:
            images: Values from 0 to 1, shape (n, rows, columns).
            run: As for `tested`.
        """

    def tested(self, data: Data, run: Run) -> Row:
        """Images named right; see `Model.tested`.

        Args:
            data: As there.
            run: As there.
        """
        right = self.predict(data.images, run) == data.labels
        return {"correct": int(right.sum()), "tested": len(right)}


class System(Kind, abc.ABC):
    """A quantum convolution of other authors: its settings, and the models that are compared.

    A subclass is a frozen class of attrs, whose fields are its settings, in a module of its own,
    and a name in `studies.systems.models.SYSTEMS`.

    Attributes:
        kind: The word by which it is chosen.
        title: What it is, in a few words.
        takes_shots: Whether the shots of a test are those of its circuits.
    """

    what = "system"
    title: ClassVar[str]
    takes_shots: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Its name in figures: with the settings that one would vary."""
        return self.title

    @abc.abstractmethod
    def models(self, start: int, digits: tuple[int, ...] = DIGITS) -> tuple[Model, ...]:
        """The model itself first, then its controls, none of them fitted.

        Args:
            start: Number of the start, at least 0: other random circuits, other angles.
            digits: Those that are told apart.
        """
