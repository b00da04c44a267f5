"""Models of maps: a convolution, quantum or not, and a linear head that reads all its maps."""

from __future__ import annotations

import abc
from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.filters import unentangled
from qucnn_cirq.heads import RandomCosines, SoftmaxClassifier
from qucnn_cirq.patches import sliding_windows
from qucnn_cirq.specification import ConvolutionSpec
from studies.systems.data import Data
from studies.systems.models.model import Classifying
from studies.systems.running import Run

Array = NDArray[np.float64]

_IDEAL = Run()


class MapModel(Classifying):
    """A map of patches, then softmax regression on all maps; a subclass defines `maps`.

    Args:
        role: See `Model`.
        label: See `Model`.
    """

    def __init__(self, role: str, label: str) -> None:
        self.role, self.label = role, label
        self._head = SoftmaxClassifier()

    @abc.abstractmethod
    def maps(self, images: Array, run: Run) -> Array:
        """The maps that the head reads, shape (n, ...).

        Args:
            images: Shape (n, rows, columns).
            run: How circuits are run.
        """

    def fit(self, data: Data, seed: int) -> None:
        """Fits the head; see `Model.fit`.

        Args:
            data: As there.
            seed: As there.
        """
        self._head.fit(_flat(self.maps(data.images, _IDEAL)), data.labels)

    def predict(self, images: Array, run: Run) -> NDArray[np.int64]:
        """See `Classifying.predict`."""
        found: NDArray[np.int64] = self._head.predict(_flat(self.maps(images, run)))
        return found


class CircuitMaps(MapModel):
    """The maps of a quantum convolution whose angles are drawn, or none.

    Args:
        role: See `Model`.
        label: See `Model`.
        spec: The convolution.
        seen: What the convolution is run on, from the images; these themselves if None.
        train: Finds the angles from those at the start, what the convolution is run on, and the
            labels; they stay as they are drawn if None.
    """

    def __init__(
        self,
        role: str,
        label: str,
        spec: ConvolutionSpec,
        seen: Callable[[Array], Array] | None = None,
        train: Callable[[ConvolutionSpec, Array, Data, int], Array] | None = None,
    ) -> None:
        super().__init__(role, label)
        self.specs = (spec,)
        self._seen, self._train = seen, train

    def fit(self, data: Data, seed: int) -> None:
        """Draws the angles, trains them if that is wanted, and fits the head."""
        (spec,) = self.specs
        drawn = np.random.default_rng(seed)
        angles = drawn.uniform(0, 2 * np.pi, (spec.n_filters, spec.n_parameters))
        if self._train is not None and angles.size:
            (seen,) = self.inputs(data.images)
            angles = self._train(spec, angles, Data(seen, data.labels), seed)
        self.parameters = (angles,)
        super().fit(data, seed)

    def inputs(self, images: Array) -> tuple[Array, ...]:
        """See `Model.inputs`.

        Args:
            images: Shape (n, rows, columns).

        Returns:
            One array of shape (n, rows, columns).
        """
        return (images if self._seen is None else self._seen(images),)

    def maps(self, images: Array, run: Run) -> Array:
        """See `MapModel.maps`."""
        return run.maps(self.specs[0], self.parameters[0], self.inputs(images)[0])


class ClassicalMaps(MapModel):
    """Maps that no circuit makes.

    Args:
        role: See `Model`.
        label: See `Model`.
        function: Makes the maps of images, of any shape (n, ...).
    """

    def __init__(self, role: str, label: str, function: Callable[[Array], Array]) -> None:
        super().__init__(role, label)
        self._function = function

    def maps(self, images: Array, run: Run) -> Array:
        """See `MapModel.maps`."""
        return self._function(images)


def without_entanglers(spec: ConvolutionSpec) -> ConvolutionSpec:
    """The same convolution with the circuits of its filters in product form.

    Args:
        spec: The convolution.
    """
    return attrs.evolve(spec, filters=[unentangled(each) for each in spec.filter_list])


def cosines(spec: ConvolutionSpec, count: int, seed: int) -> Callable[[Array], Array]:
    """Random cosines of the patches of a convolution, as many as it has maps.

    Args:
        spec: The convolution, of which only the patches matter.
        count: How many.
        seed: Of the frequencies and phases.

    Returns:
        Makes maps of shape (n, patches * count) of images of shape (n, rows, columns).
    """

    def function(images: Array) -> Array:
        windows = sliding_windows(images, spec).reshape(-1, spec.n_elements)
        drawn = RandomCosines(count, width=2 * np.pi / np.sqrt(spec.n_elements), seed=seed)
        found: Array = drawn.fit_transform(windows).reshape(len(images), -1)
        return found

    return function


def _flat(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)
