"""The training study: trains and tests classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from noise_models.checks import true_or_false
from qucnn_cirq.convolution import ConvolutionSpec, extract_patches
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import XZAnsatz
from studies.crosscheck import CHECK_COLUMNS, check_generator, checked_patches, is_checked
from studies.estimating import circuits_of, mitigation_field
from studies.expected import noise_time
from studies.mitigation_cost import COST_COLUMNS, cost_row, parts_of
from studies.point import (
    AnsatzPoint,
    absolute_path,
    convolution_field,
    exact_layer,
    layer_seed,
    program_of,
)
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest
from studies.training.data import (
    LEAST_IMAGES,
    data_digests,
    first_images,
    occupied,
    training_set,
)
from studies.training.loop import Schedule, count_correct, train
from studies.training.models import (
    ConvolutionModel,
    IdealQuantumModel,
    Model,
    QuantumModel,
    SquaredOverlapModel,
)

MODELS = ("quantum", "squared_overlap", "convolution")
REGIMES = ("ideal", "as_run")
_MOST_IMAGES = 10**7
_MOST_CHECKED = 2000
"""Training images out of whose patches those of the cross-check are chosen."""
_DEFAULT = ConvolutionSpec(kernel=4, stride=3, filters=[XZAnsatz(layers=3)] * 4)


@attrs.frozen
class TrainingPoint(AnsatzPoint):
    """Settings of one classifier of handwritten digits: a convolution, then a linear softmax layer.

    Attributes:
        model: "quantum", ansatz filters; "squared_overlap", the fair classical control: squared
            cosines with free real kernels, as many as there are filters; or "convolution", a plain
            convolution with a ReLU.
        images: Training images, from the first one, at least 10: as many as the data have, or more
            with `originals`.
        originals: How many of them are images of the data; the others are copies of these, shifted
            and rotated a little (see `qucnn_cirq.augmentation`). None for all.
        test_images: Test images, from the first one; at least 10, never copies.
        data: A folder of IDX files with MNIST's names, or a .npz file with train_images,
            train_labels, test_images and test_labels, whose labels are within 0..9 and whose
            pixels are within 0..255; an absolute path. None for the 2,000 training and 500 test
            images that come with the package.
        epochs: Passes over the training images.
        batch: Images of a step.
        rate: Adam's learning rate of the filters; it falls to 0 along half a cosine.
        head_rate: That of the linear layer.
        mitigation: What makes overlaps, under the point's noise: an estimator's name or several
            joined by "+" (see `qucnn_cirq.estimators.ESTIMATORS`), of the counts of all outcomes;
            those that learn have seen patches of eight images of the package. Or a method that
            runs further circuits (`qucnn_cirq.mitigation.METHODS`), among which the shots are
            split. None takes the mean of the observable.
        shots: Shots for each patch, filter and shifted circuit; 0 takes exact means. Only for the
            quantum model, as is the noise.
        train: "as_run": trained with the shots and the noise that the test has; "ideal": trained
            without.
        loader: The compiler's loader.
        load_filters: Whether filters that are circuits are loaded as vectors.
    """

    name: ClassVar[str] = "training"

    model: str = fields.one_of(MODELS, default="quantum")
    images: int = fields.whole(LEAST_IMAGES, _MOST_IMAGES, default=500)
    originals: int | None = fields.whole(LEAST_IMAGES, _MOST_IMAGES, beside=(None,), default=None)
    test_images: int = fields.whole(LEAST_IMAGES, _MOST_IMAGES, default=500)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    epochs: int = fields.whole(1, default=10)
    batch: int = fields.whole(1, default=25)
    rate: float = fields.real(1e-6, 10.0, default=0.05)
    head_rate: float = fields.real(1e-6, 10.0, default=0.05)
    mitigation: str | None = mitigation_field()
    shots: int = fields.whole(0, default=0)
    train: str = fields.one_of(REGIMES, default="ideal")
    loader: str = fields.text(default="auto")
    load_filters: bool = fields.checked(true_or_false, default=False)
    convolution: ConvolutionSpec = convolution_field(_DEFAULT)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.model != "quantum" and (self.shots or self.noise.to_mapping()):
            raise InputError(f"model = {self.model!r} has neither shots nor noise: leave them out.")
        if self.mitigation is not None and not (self.shots or self.noise.to_mapping()):
            raise InputError(
                f"mitigation = {self.mitigation!r} has no effect where no circuits are run: set "
                "model = 'quantum' with shots or noise, or leave it out."
            )
        if self.originals is not None and self.originals > self.images:
            raise InputError(
                f"originals = {self.originals} is more than images = {self.images}, of which they "
                f"are a part: give {LEAST_IMAGES} to {self.images}, or leave it out."
            )

    @property
    def from_data(self) -> int:
        """Training images that are no copies."""
        return self.images if self.originals is None else self.originals


Array = NDArray[np.float64]

COLUMNS = {
    "epoch": "passes over the training images so far",
    "loss": "mean cross-entropy over the steps of this epoch, in nats",
    "train_accuracy": "fraction of the training images named right during this epoch",
    "correct": "test images named right, after the last epoch",
    "tested": "test images",
    "weights": "trained numbers of the convolution, without those of the linear layer",
    **COST_COLUMNS,
    **CHECK_COLUMNS,
}


def digest(settings: TrainingPoint) -> Mapping[str, str]:
    """Digests of the compiled circuits, if any are run, and of images of the user's own.

    Args:
        settings: Those of the point.

    Raises:
        InputError: If the images cannot be used.
    """
    images = data_digests(
        settings.from_data,
        settings.test_images,
        settings.data,
        settings.convolution,
        settings.from_data < settings.images,
    )
    if not _is_run(settings):
        return images
    return {"circuits": circuits_digest(lambda: program_of(settings)), **images}


def cost(settings: TrainingPoint) -> Cost:
    """What a point takes: training with circuits is most of it.

    Args:
        settings: Those of the point.
    """
    spec, data = settings.convolution, settings.data
    patches = settings.epochs * occupied("train", settings.images, data, spec)
    tested = occupied("test", settings.test_images, data, spec)
    steps = settings.epochs * -(-settings.images // settings.batch)
    # With circuits, maps and two for each rotation: their filters are evolved at every step, the
    # patches once for all, and shots drawn for each filter and patch.
    turned = spec.n_filters + 2 * spec.n_angles
    size = 4.0 ** max(0, spec.register_qubits - 4)
    circuits, seconds = 0, 1e-4 * (settings.images - settings.from_data)
    if _is_run(settings):
        time = noise_time(settings.noise, program_of(settings))
        circuits += tested * spec.n_filters
        seconds += time.of(tested * 1e-5 * size, tested * spec.n_filters)
    if _is_run(settings) and settings.train == "as_run":
        circuits += patches * turned
        each = 1e-7 if settings.shots else 0.0
        usual = steps * turned * 7e-5 * size + patches * (2e-6 * size + turned * each)
        # Half of the patches of digits are loaded by shorter circuits.
        seconds += time.of(usual, patches * turned / 2)
    else:
        seconds += steps * (turned * 2e-5 if settings.model == "quantum" else 2e-4) + patches * 4e-7
    each_patch = circuits_of(settings.mitigation, settings, program_of(settings))
    pixels = first_images("originals", settings.from_data, data).images[:1].nbytes
    return Cost(
        circuits * each_patch,
        circuits * settings.shots,
        0.02 + seconds * each_patch,
        2**28 + settings.images * pixels,
    )


def measure(settings: TrainingPoint, seed: np.random.SeedSequence) -> Measured:
    """Trains by mini-batches with Adam, then tests once.

    Args:
        settings: The settings.
        seed: Seed of the shots. Weights at the start and the order of the images derive from the
            settings' seed and repetition alone, so that all regimes start alike.

    Returns:
        A row for each epoch, the test in the last one; the weights at the end.

    Raises:
        InputError: If the convolution does not fit the device.
    """
    spec = settings.convolution
    train_images, train_labels = training_set(
        settings.images, settings.originals, settings.data, settings.seed
    )
    model = _model(settings, seed, training=True)
    order = np.random.default_rng([settings.seed, settings.repeat, _ORDER_STREAM])
    schedule = Schedule(settings.epochs, settings.batch, settings.rate, settings.head_rate)
    rows, head = train(model, spec, train_images, train_labels, schedule, order)
    row, tester = _tested(settings, seed, model, head)
    rows[-1] |= row
    if isinstance(tester, QuantumModel) and is_checked(settings, seed):
        layer, states = tester.layer, extract_patches(train_images[:_MOST_CHECKED], spec).states
        rows[-1] |= checked_patches(
            settings,
            layer.program,
            len(states),
            states.__getitem__,
            model.weights,
            check_generator(seed),
            layer.mitigation,
        )
    return Measured(rows, {"weights": model.weights, "head": head})


def _tested(
    settings: TrainingPoint, seed: np.random.SeedSequence, model: Model, head: Array
) -> tuple[Row, Model]:
    """What the test gave, and the model that it was made with, of which circuits are run again."""
    images, labels = first_images("test_images", settings.test_images, settings.data)
    tester = model
    if _is_run(settings):
        tester = _model(settings, seed, training=False)
        tester.weights = model.weights
    row: Row = {"correct": count_correct(tester, head, images, labels), "tested": len(labels)}
    if isinstance(tester, QuantumModel):
        layer = tester.layer
        states = extract_patches(images[:_MOST_CHECKED], settings.convolution).states
        parts = parts_of(layer.program, tester.weights, layer.noise, states)
        row |= cost_row(layer.mitigation, parts, layer.shots)
    return row, tester


def _is_run(settings: TrainingPoint) -> bool:
    """Whether circuits are run at all."""
    return settings.model == "quantum" and bool(settings.shots or settings.noise.to_mapping())


def _model(settings: TrainingPoint, seed: np.random.SeedSequence, training: bool) -> Model:
    spec = settings.convolution
    start = np.random.default_rng([settings.seed, settings.repeat])
    if settings.model == "squared_overlap":
        return SquaredOverlapModel(spec, start.normal(size=(spec.n_filters, spec.n_elements)))
    if settings.model == "convolution":
        kernels = start.normal(0, 0.3, (spec.n_filters, spec.n_elements + 1))
        return ConvolutionModel(spec, kernels)
    angles = start.uniform(0, 2 * np.pi, (spec.n_filters, spec.n_parameters))
    if not _is_run(settings) or (training and settings.train == "ideal"):
        return IdealQuantumModel(spec, angles)
    # The shots of the test are not those of the training.
    entropy = layer_seed(seed) // 2 if training else layer_seed(seed)
    return QuantumModel(
        exact_layer(settings, angles, settings.shots or None, entropy, run=not training)
    )


_ORDER_STREAM = 3


STUDY = Study(
    settings=TrainingPoint,
    title="How well does a classifier with a quantum convolution learn, with shots and noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.training.figures",
    findings="studies.training.findings",
    program=program_of,
    collects=True,
    predicts=False,
)
