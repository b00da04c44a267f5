"""The measured_once study: one measurement of a patch against a circuit for each filter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qucnn_cirq.engines.collected import CountsError, hands_out
from qucnn_cirq.errors import InputError
from studies.images import data_digest, images_of
from studies.measured_once.classifier import classified
from studies.measured_once.configuration import BOUND, EACH, IDEAL, MeasuredOncePoint
from studies.measured_once.methods import patches_of, program_of_method, told
from studies.point import layer_seed
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest
from studies.training.data import data_digests, occupied


def _columns(name: str, symbol: str, forms: str) -> dict[str, str]:
    """The columns of what `studies.measured_once.errors.Errors.row` gives."""
    return {
        f"{name}_rmse": f"root mean square of estimate - {symbol} over patches and {forms}",
        f"{name}_rmse_low": "lower end of its 95 % interval, patches being independent",
        f"{name}_rmse_high": "upper end",
        f"{name}_rmse_worst": f"the largest over patches of the same over {forms}",
        f"{name}_rmse_median": f"the median over {forms} of the same over patches",
        f"{name}_bias": f"mean of estimate - {symbol}, with its sign",
        f"{name}_slope": f"how the error goes with {symbol}: -0.1 for a shrinkage of 10 %",
        f"{name}_systematic_rmse": "root mean square of what more shots leave of the error",
        f"{name}_coverage": f"part of the 95 % intervals that hold {symbol}; where nothing is "
        "drawn from exact variances, for normal errors",
    }


COLUMNS = {
    "patches": "patches that are not blank, that errors are told of or that are trained with",
    "circuits": "circuits of a patch, for values and gradients together; in training over all "
    "epochs",
    "gates_of_a_shot": "two-qubit gates of a shot, the mean over patches",
    "shots_taken": "shots of a patch that are run, for values and gradients together; in training "
    "over all epochs",
    "sampled": "1 if the numbers are of counts that were drawn or collected, 0 if they are exact",
    **_columns("values", "F", "filters"),
    **_columns("gradients", "dF/dtheta", "filters and angles"),
    "loss": "mean cross-entropy over the steps of the last epoch, in nats",
    "train_accuracy": "fraction of the training images named right during the last epoch",
    "correct": "test images named right from counts of their own",
    "correct_exact": "test images named right by the same classifier from exact overlaps",
    "tested": "test images",
    "training_shots": "shots of the training, over all patches and epochs",
    "test_shots": "shots of the test, over all patches",
    "refused": "why the method is not possible, or gives no values or no gradients",
}
"""What the columns mean; those that do not apply to any point are absent."""


def digest(settings: MeasuredOncePoint) -> Mapping[str, str]:
    """Digests of the compiled circuits and of the images.

    Args:
        settings: Those of the point.
    """
    circuits = {"circuits": circuits_digest(lambda: program_of_method(settings))}
    if settings.train:
        counts = settings.images, settings.test_images
        return {**circuits, **data_digests(*counts, settings.data, settings.convolution, False)}
    return {**circuits, "images": data_digest(*images_of(settings), settings.convolution)}


def cost(settings: MeasuredOncePoint) -> Cost:
    """What a point takes: the effects of a noise are fitted once, and gradients are many forms.

    Args:
        settings: Those of the point.
    """
    spec, data = settings.spec, settings.data
    size = 4.0 ** max(0, spec.register_qubits - 4)
    turned = spec.n_filters + 2 * spec.n_angles
    if settings.train:
        patches = occupied("train", settings.images, data, spec)
        tested = occupied("test", settings.test_images, data, spec)
        if settings.method == IDEAL:
            return Cost(0, 0, 0.5, 2**26)
        runs = settings.epochs * turned * patches if settings.method in EACH else 12 * patches
        seconds = 1.0 + 1e-6 * size * runs + 3e-4 * size * tested
        return Cost(runs, settings.shots * (patches + tested), seconds, 2**28)
    patches = patches_of(settings)[0].n_occupied
    if settings.method == BOUND:
        return Cost(0, 0, 0.05, 2**26)
    runs = patches * (turned if settings.method in EACH else 12)
    seconds = 0.5 + 2e-5 * size * patches * turned
    return Cost(runs, patches * settings.shots, seconds, int(80 * patches * (turned + 256 * size)))


def measure(settings: MeasuredOncePoint, seed: np.random.SeedSequence) -> Measured:
    """Tells the errors of one method, or trains and tests a classifier with it.

    Methods whose variance is exact are evaluated without shots, the others from counts that are
    drawn once for each patch; all of them from counts that were collected.

    Args:
        settings: The settings.
        seed: Seed of those counts, and of all shots of a training.

    Returns:
        One row with the columns that `COLUMNS` documents.

    Raises:
        InputError: If the convolution does not fit the device or the images.
    """
    try:
        row = classified(settings, seed) if settings.train else _errors(settings, layer_seed(seed))
    except CountsError:
        raise
    except InputError as error:
        # A sweep over filters, methods and shots holds some that do not go together.
        return Measured([{"refused": str(error)}])
    return Measured([row])


def _errors(settings: MeasuredOncePoint, seed: int) -> Row:
    found = told(settings, seed)
    row: Row = {
        "patches": patches_of(settings)[0].n_occupied,
        "circuits": found.circuits,
        "gates_of_a_shot": found.gates_of_a_shot,
        "shots_taken": found.shots,
        "sampled": int(
            settings.method.startswith("measured_once") or found.circuits > 0 and hands_out()
        ),
    }
    for name, errors in (("values", found.values), ("gradients", found.gradients)):
        if errors is None:
            row["refused"] = f"shots = {settings.shots} are too few for {name}"
        else:
            row |= errors.row(name)
    return row


STUDY = Study(
    settings=MeasuredOncePoint,
    title=(
        "What does one measurement of a patch tell of all filters and gradients, beside as many "
        "shots of a circuit for each?"
    ),
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.measured_once.figures",
    findings="studies.measured_once.findings",
    program=program_of_method,
    collects=True,
)
