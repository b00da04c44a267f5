"""Patches whose overlaps are known: what an estimator may learn from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from noise_models.checks import real_number, whole_number
from qucnn_cirq.arrays import real_array
from qucnn_cirq.circuits.loaders.loader import unit_vectors
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators.overlap_outcomes import loads, states_loaded
from qucnn_cirq.estimators.reading import Reading
from qucnn_cirq.estimators.remembered import Remembered

FloatArray = NDArray[np.float64]


class Sample(NamedTuple):
    """What one circuit learns from.

    Attributes:
        states: Real unit vectors that its loader loads, shape (patches, 2^n).
        weights: What each counts for, shape (patches,), 1 in sum.
    """

    states: FloatArray
    weights: FloatArray


class Training:
    """Patches like those to come, each for the circuit that it would be run with.

    A filter has several circuits, each for the patches that its loader is chosen for, and each
    learns from its own. Hundreds of outcomes learned from hundreds of patches fit these alone, so
    random states that the loader loads are added, of little weight in all: they count where a
    circuit has few patches, and everywhere tell the directions that its patches do not.

    Args:
        states: Real unit vectors, shape (patches, 2^n).
        background: How many training patches the random states count as, above 0.
        random: How many random states.
        seed: Of the random states.

    Raises:
        InputError: If the states are no real unit vectors.
    """

    def __init__(
        self,
        states: NDArray[np.float64],
        background: float = 50.0,
        random: int = 1000,
        seed: int = 0,
    ) -> None:
        given = real_array("training", states)
        shape = given.shape
        if len(shape) != 2 or not shape[0] or shape[1] < 2 or shape[1] & (shape[1] - 1):
            raise InputError(
                f"training patches have shape {shape}: give real unit vectors, shape "
                "(patches, 2^n), at least one."
            )
        self.states = unit_vectors(given, shape[1].bit_length() - 1)
        self.background = real_number("background", background, minimum=1e-6, maximum=1e9)
        self.random = whole_number("random", random, minimum=1)
        self.seed = whole_number("seed", seed, minimum=0)
        self._chosen: Remembered[Variant, NDArray[np.intp]] = Remembered()

    @classmethod
    def of(cls, training: Training | NDArray[np.float64]) -> Training:
        """Training patches, whichever way they are given.

        Args:
            training: Itself, or its states, shape (patches, 2^n).
        """
        return training if isinstance(training, cls) else cls(training)  # type: ignore[arg-type]

    def own(self, reading: Reading) -> FloatArray:
        """The training patches that are run with a circuit; that it loads, if it is told alone.

        Args:
            reading: The circuit.

        Returns:
            Shape (patches, 2^n), perhaps none.

        Raises:
            InputError: If they are of another size.
        """
        if self.states.shape[1] != len(reading.vector):
            raise InputError(
                f"training patches have {self.states.shape[1]} values and the filter "
                f"{len(reading.vector)}: cut them with the same kernel."
            )
        compiled = reading.compiled
        if compiled is None:
            return self.states[loads(reading, self.states)]
        if len(compiled.variants) == 1:
            return self.states
        # Filters of one structure share circuits.
        first = compiled.variants[0]
        if first not in self._chosen:
            self._chosen[first] = compiled.choose(self.states)
        own: FloatArray = self.states[
            self._chosen[first] == compiled.variants.index(reading.variant)
        ]
        return own

    def sample(self, reading: Reading) -> Sample:
        """What a circuit learns from.

        Args:
            reading: The circuit.

        Raises:
            InputError: If the patches are of another size, or the data no real vectors.
        """
        own = self.own(reading)
        others = states_loaded(reading, self.random, self.seed)
        total = len(own) + self.background
        weights = np.full(len(own) + len(others), 1 / total)
        weights[len(own) :] *= self.background / len(others)
        return Sample(np.concatenate([own, others]), weights)
