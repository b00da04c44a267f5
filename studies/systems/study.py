"""The systems study: other quantum convolutions, each tested beside its controls."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from noise_models import as_noise
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.verification import check_own_code
from qucnn_cirq.convolution import extract_patches
from qucnn_cirq.encodings import Threshold
from qucnn_cirq.engines import as_twirl
from qucnn_cirq.specification import ConvolutionSpec
from studies.crosscheck import (
    CHECK_COLUMNS,
    check_generator,
    check_row,
    chosen_rows,
    is_checked,
    z_scores,
)
from studies.point import layer_seed, noise_of_run
from studies.statistics import proportion_interval
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest
from studies.systems.configuration import SystemsPoint
from studies.systems.data import Data, selected
from studies.systems.models import Model, System
from studies.systems.running import Run
from studies.training.data import data_digests

COLUMNS = {
    "model": "the system, with the settings that tell it from others of its kind",
    "role": "the part in the comparison: model, unentangled, classical or qucnn",
    "control": "what was tested, in words",
    "correct": "test images named right",
    "tested": "test images of the digits that are told apart",
    "accuracy": "their ratio",
    "accuracy_low": "lower end of Wilson's 95 % interval over test images",
    "accuracy_high": "upper end",
    "hellinger": "Hellinger distance of values that are made from those of test images, the mean "
    "over values and digits; of models that make data",
    "hellinger_training": "the same from those of the training images",
    "circuits": "circuits of an image, or of all digits whose data are made",
    "qubits": "qubits of a circuit, ancillas included",
    "two_qubit_gates": "native two-qubit gates of a circuit, the mean over its filters; 0 if "
    "classical",
    "two_qubit_depth": "longest chain of these, likewise",
    "predicted_error": "probability that an operation errs, as the compiler weighs layouts, "
    "likewise",
    **CHECK_COLUMNS,
}


def digest(settings: SystemsPoint) -> Mapping[str, str]:
    """Digests of the compiled circuits of the model and its controls, and of the user's images.

    Args:
        settings: Those of the point.

    Raises:
        InputError: If the images cannot be used.
    """
    found: dict[str, str] = {}
    for model in _models(settings):
        for number, spec in enumerate(model.specs):
            run = _run(settings, 0)
            name = f"circuits of {model.role}, {model.label}, {number}"
            found[name] = circuits_digest(functools.partial(run.program, spec))
    counts = settings.images, settings.test_images
    return {**found, **data_digests(*counts, settings.data, _PIXELS, False)}


def cost(settings: SystemsPoint) -> Cost:
    """What a point takes.

    Args:
        settings: Those of the point.
    """
    _, test = _data(settings)
    circuits, seconds, largest, run = 0, 0.03, 0.0, _run(settings, 0)
    for model in _models(settings):
        for number, spec in enumerate(model.specs):
            rows, columns = spec.output_shape(*model.shapes(*test.images.shape[1:])[number])
            own = len(test.labels) * rows * columns
            circuits += own * spec.n_filters
            if not settings.shots and as_noise(settings.noise).drift is None:
                # About as many patches of handwritten digits differ.
                own = min(own // 4, 1 << spec.register_qubits) if _is_bits(spec) else own // 4
            size = 4.0 ** max(0, spec.register_qubits - 4)
            largest = max(largest, 4.0**spec.register_qubits)
            circuits_run = own * spec.n_filters
            usual = circuits_run * (1e-4 if settings.shots else 2e-5 + 2e-6 * size)
            seconds += usual if run.is_ideal else run.seconds(spec, usual, circuits_run)
    # Operators that were carried back, and states of patches, are kept by the engine.
    # What was learnt is kept for points of other noise.
    learnt = repr((settings.system, settings.digits, settings.images, settings.data))
    return Cost(
        circuits,
        circuits * settings.shots,
        seconds,
        int(2**29 + 1.2e4 * largest),
        {f"{learnt} {settings.seed} {settings.repeat}": _LEARNING_SECONDS},
    )


_LEARNING_SECONDS = 1.0
"""What a system and its controls take to learn from a thousand images or less."""


def _is_bits(spec: ConvolutionSpec) -> bool:
    return isinstance(spec.encoding, Threshold)


def measure(settings: SystemsPoint, seed: np.random.SeedSequence) -> Measured:
    """Tests the model and its controls, learnt ideally, with the noise and the shots.

    Args:
        settings: The settings.
        seed: Seed of the shots. What is drawn for the learning derives from the settings' seed and
            repetition alone, so that all noises are met by the same models.

    Returns:
        A row for the model and for each control.

    Raises:
        InputError: If a circuit does not fit the device, or the images not the model.
    """
    _, test = _data(settings)
    run = _run(settings, layer_seed(seed))
    rows = []
    for model in fitted(
        settings.system,
        settings.digits,
        settings.images,
        settings.data,
        settings.seed,
        settings.repeat,
    ):
        row: Row = {
            "model": settings.system.label,
            "role": model.role,
            "control": model.label,
        }
        row |= _with_interval(model.tested(test, run))
        row |= _costs(model, test, run)
        if model.role == "model" and not run.is_ideal and is_checked(settings, seed):
            row |= _checked(settings, model, test, check_generator(seed))
        rows.append(row)
    return Measured(rows)


@functools.lru_cache(maxsize=4)
def fitted(
    system: System,
    digits: tuple[int, ...],
    images: int,
    data: str | None,
    seed: int,
    repeat: int,
) -> tuple[Model, ...]:
    """The model and its controls after learning, kept for points of other noise.

    Args:
        system: The system.
        digits: The digits that are told apart.
        images: As for `SystemsPoint`.
        data: As for `SystemsPoint`.
        seed: As for `SystemsPoint`.
        repeat: As for `SystemsPoint`.
    """
    models = system.models(_start(seed, repeat), digits)
    for model in models:
        model.fit(selected("images", images, data, digits), _start(seed, repeat))
    return models


def program_of(settings: SystemsPoint) -> Program:
    """The compiled circuits of the model itself, those of its first convolution.

    Args:
        settings: Those of the point.

    Raises:
        InputError: If they do not fit the device.
    """
    program = _run(settings, 0).program(_models(settings)[0].specs[0])
    check_own_code(program)
    return program


def withheld(settings: SystemsPoint) -> str:
    """Why the circuits of a point are not handed out; empty if they are.

    Args:
        settings: Those of the point.
    """
    if settings.system.takes_shots and not settings.shots:
        return "takes exact means: set shots."
    return ""


def _models(settings: SystemsPoint) -> tuple[Model, ...]:
    """The models of a point, not fitted."""
    return settings.system.models(_start(settings.seed, settings.repeat), settings.digits)


def _start(seed: int, repeat: int) -> int:
    return seed * _MOST_REPEATS + repeat


_MOST_REPEATS = 1000
_PIXELS = ConvolutionSpec(kernel=1)
"""Fits images of any size."""


def _data(settings: SystemsPoint) -> tuple[Data, Data]:
    return (
        selected("images", settings.images, settings.data, settings.digits),
        selected("test_images", settings.test_images, settings.data, settings.digits),
    )


def _run(settings: SystemsPoint, seed: int) -> Run:
    return Run(
        settings.device,
        noise_of_run(settings),
        settings.shots or None,
        seed,
        twirl=as_twirl(settings.twirl),
    )


def _with_interval(row: Row) -> Row:
    """Adds accuracy and its interval where images were named."""
    if "correct" not in row:
        return row
    correct, tested = float(row["correct"] or 0), float(row["tested"] or 0)
    low, high = proportion_interval(correct, tested)
    own: Row = {
        "accuracy": correct / tested,
        "accuracy_low": float(low),
        "accuracy_high": float(high),
    }
    return {**row, **own}


def _costs(model: Model, test: Data, run: Run) -> Row:
    """What the circuits of a model cost, the mean over all filters."""
    if not model.specs:
        return {"circuits": 0, "qubits": 0, "two_qubit_gates": 0.0, "two_qubit_depth": 0.0,
                "predicted_error": 0.0}  # fmt: skip
    reports, circuits = [], 0
    for spec, seen in zip(model.specs, model.inputs(test.images[:1]), strict=True):
        filters = run.program(spec).filters
        rows, columns = spec.output_shape(*seen.shape[1:])
        circuits += rows * columns * sum(run.circuits(compiled) for compiled in filters)
        reports += [compiled.report for compiled in filters]
    return {
        "circuits": circuits,
        "qubits": max(each.qubits for each in reports),
        "two_qubit_gates": float(np.mean([each.two_qubit_gates for each in reports])),
        "two_qubit_depth": float(np.mean([each.two_qubit_depth for each in reports])),
        "predicted_error": float(np.mean([each.predicted_error for each in reports])),
    }


def _checked(
    settings: SystemsPoint, model: Model, test: Data, generator: np.random.Generator
) -> Row:
    """Runs the circuits of some patches again on qsim."""
    scores = []
    run = _run(settings, 0)
    seen = model.inputs(test.images[: settings.check_patches])
    for spec, angles, images in zip(model.specs, model.parameters, seen, strict=True):
        patches = extract_patches(images, spec)
        rows = chosen_rows(generator, patches.n_occupied, settings.check_patches)
        if len(rows):
            seed = int(generator.integers(2**31))
            scores.append(
                z_scores(
                    run.program(spec),
                    settings.noise,
                    patches.inputs[rows],
                    angles,
                    settings.check_shots,
                    seed,
                    twirl=run.twirl,
                )
            )
    return check_row(np.concatenate(scores)) if scores else {}


STUDY = Study(
    settings=SystemsPoint,
    title="What do other quantum convolutions reach, beside their controls and under noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.systems.figures",
    findings="studies.systems.findings",
    program=program_of,
    collects=True,
    predicts=False,
    withheld=withheld,
)
