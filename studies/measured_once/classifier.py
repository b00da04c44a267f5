"""A classifier whose maps and gradients come from counts, taken once or anew in every step.

Counts that are taken once and read in every epoch have the same errors in every epoch. These do
not average out over the training, as those of fresh shots do: filters are fitted to the patches
that the counts tell, not to the patches. Accuracy on images not trained with is the judge.
"""

from __future__ import annotations

import attrs
import numpy as np
from numpy.typing import NDArray

from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.collected import measuring
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import images_of
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.measured_once import MeasuredPatches
from qucnn_cirq.patches import extract_patches
from studies.measured_once.configuration import EACH, IDEAL, MeasuredOncePoint
from studies.measured_once.methods import angles_of, once, program_of_method, shares
from studies.point import layer_seed
from studies.sweep.study import Row
from studies.training.data import first_images
from studies.training.loop import Schedule, count_correct, train
from studies.training.models import IdealQuantumModel, Model, QuantumModel

Array = NDArray[np.float64]

_ORDER_STREAM = 3


class MeasuredModel(IdealQuantumModel):
    """Ansatz filters on the patches that counts tell: maps and gradients of any angles at any time.

    Args:
        spec: The convolution with all filters.
        weights: Angles, shape (filters, parameters).
        measured: What was measured of all images; their numbers are their places in it.
    """

    def __init__(self, spec: ConvolutionSpec, weights: Array, measured: MeasuredPatches) -> None:
        super().__init__(spec, weights)
        blocks, first = [], 0
        for patches in measured.patches:
            blocks.append(images_of(patches) + first)
            first += patches.batch
        self._states = np.concatenate([each.states for each in measured.likeliest])
        self._ends = np.searchsorted(np.concatenate(blocks), np.arange(first + 1))

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `studies.training.models.Model`."""
        own = [self._states[self._ends[each] : self._ends[each + 1]] for each in ids]
        cut = extract_patches(images, self.spec)
        # What was loaded in place of the pixels, padding of the register included.
        vectors = np.zeros((len(cut.vectors), self._states.shape[1]))
        vectors[cut.occupied] = np.concatenate(own)
        self._patches = attrs.evolve(cut, vectors=vectors)
        return np.asarray(self._patches.to_maps(self._overlaps()), dtype=float)


class SpreadModel(QuantumModel):
    """Ansatz filters that are run in every step, with other shots for gradients than for maps.

    Args:
        layer: The layer.
        of_a_value: Shots of each circuit of the maps.
        of_a_shift: Shots of each circuit of the gradients.
    """

    def __init__(self, layer: QuantumConvolution, of_a_value: int, of_a_shift: int) -> None:
        super().__init__(layer)
        self._of_a_value, self._of_a_shift = of_a_value, of_a_shift

    def maps(self, images: Array, ids: NDArray[np.int64], step: int) -> Array:
        """See `studies.training.models.Model`."""
        self.layer.shots = self._of_a_value
        return super().maps(images, ids, step)

    def gradient(self, upstream: Array, step: int) -> Array:
        """See `studies.training.models.Model`."""
        self.layer.shots = self._of_a_shift
        return super().gradient(upstream, step)


def classified(settings: MeasuredOncePoint, seed: np.random.SeedSequence) -> Row:
    """Trains and tests a classifier.

    Args:
        settings: Those of the point.
        seed: Seed of the shots. Angles at the start and the order of the images derive from the
            settings' seed and repetition alone, so that all methods start alike.

    Raises:
        InputError: If there are fewer shots than circuits.
    """
    spec = settings.spec
    images, labels = first_images("images", settings.images, settings.data)
    tested, wanted = first_images("test_images", settings.test_images, settings.data)
    order = np.random.default_rng([settings.seed, settings.repeat, _ORDER_STREAM])
    schedule = Schedule(settings.epochs, settings.batch, settings.rate, settings.rate)
    number = layer_seed(seed)
    # The shots of the test are not those of the training.
    model, shots, circuits = _learner(settings, images, number // 2)
    # Measured before any counts decide what is trained.
    tester, test_shots = _tester(settings, tested, model.weights, number)
    rows, head = train(model, spec, images, labels, schedule, order)
    tester.weights = model.weights
    exact = IdealQuantumModel(spec, model.weights)
    return {
        "loss": rows[-1]["loss"],
        "train_accuracy": rows[-1]["train_accuracy"],
        "correct": count_correct(tester, head, tested, wanted),
        "correct_exact": count_correct(exact, head, tested, wanted),
        "tested": len(wanted),
        "patches": _occupied(images, spec),
        "circuits": circuits,
        "shots_taken": shots,
        "training_shots": shots * _occupied(images, spec),
        "test_shots": test_shots * _occupied(tested, spec),
    }


def _learner(settings: MeasuredOncePoint, images: Array, seed: int) -> tuple[Model, int, int]:
    """The convolution to be trained, shots and circuits of a patch over all epochs."""
    spec, angles = settings.spec, angles_of(settings)
    if settings.method == IDEAL:
        return IdealQuantumModel(spec, angles), 0, 0
    if settings.method not in EACH:
        measured = once(settings, seed).measure(images, np.arange(len(images)))
        assert measured.shots is not None
        return MeasuredModel(spec, angles, measured), measured.shots, measured.circuits
    spent = shares(spec, settings.shots // settings.epochs, settings.share)
    if not (spent.of_a_value and spent.of_a_shift):
        raise InputError(
            f"shots = {settings.shots} are fewer than the circuits of {settings.epochs} epochs, "
            f"each of {spent.value_circuits} for values and {spent.gradient_circuits} for "
            f"gradients of a patch."
        )
    model = SpreadModel(_layer(settings, angles, seed), spent.of_a_value, spent.of_a_shift)
    circuits = settings.epochs * (spent.value_circuits + spent.gradient_circuits)
    return model, settings.epochs * spent.shots, circuits


def _tester(
    settings: MeasuredOncePoint, images: Array, weights: Array, seed: int
) -> tuple[Model, int]:
    """The convolution for the test, which takes the weights it is to test, and shots of a patch."""
    if settings.method == IDEAL:
        return IdealQuantumModel(settings.spec, weights), 0
    if settings.method not in EACH:
        measured = once(settings, seed).measure(images, np.arange(len(images)))
        assert measured.shots is not None
        return MeasuredModel(settings.spec, weights, measured), measured.shots
    layer = _layer(settings, weights, seed)
    layer.shots = settings.shots // settings.filters
    return QuantumModel(layer), layer.shots * settings.filters


def _layer(settings: MeasuredOncePoint, weights: Array, seed: int) -> QuantumConvolution:
    return QuantumConvolution(
        program_of_method(settings),
        engine=measuring(make_engine("auto")),
        noise=settings.noise,
        seed=seed,
        parameters=weights,
    )


def _occupied(images: Array, spec: ConvolutionSpec) -> int:
    return extract_patches(images, spec).n_occupied
