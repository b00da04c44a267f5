"""The mitigation study: what a method makes of the shots of each patch, and what it costs."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration, as_noise
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ConvolutionSpec, filter_states
from qucnn_cirq.engines import (
    ExactEngine,
    Streams,
    as_twirl,
    twirled_engine,
)
from qucnn_cirq.engines.collected import CountsError, hands_out, measuring
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    Estimates,
    Estimator,
    Evaluation,
    LinearEstimator,
    Mitigation,
    Raw,
    Recording,
    Training,
    evaluate,
    evaluated,
    readings_of,
)
from qucnn_cirq.estimators import (
    images_of as image_numbers,
)
from qucnn_cirq.layer import QuantumConvolution
from qucnn_cirq.mitigation import CircuitMitigation, MitigationMethod
from qucnn_cirq.patches import extract_patches
from studies.estimating import circuits_of, make
from studies.expected import noise_time
from studies.images import images_of, occupied_patches, selected
from studies.mitigation.configuration import MitigationPoint
from studies.mitigation.methods import BOUND, bound
from studies.mitigation_cost import COST_COLUMNS, cost_row
from studies.point import layer_seed, program_and_images, program_of
from studies.statistics import root_mean_square
from studies.sweep.study import Cost, Measured, Row, Study

COLUMNS = {
    "patches": "patches of the tested images that are not blank",
    "trained_on": "patches of the other images, which methods that learn have seen",
    "two_qubit_gates": "two-qubit gates of the circuit of a generic patch",
    "rmse": "root mean square of estimate - F over the tested patches",
    "bias": "mean of estimate - F, with its sign (the offset)",
    "shrinkage": "part of the RMSE that goes with F: |slope| times the spread of F",
    "rest": "part of the RMSE that neither offset, shrinkage nor shots make",
    "systematic_rmse": "root mean square of mean estimate - F: what more shots leave",
    "shot_rmse": "root of the mean variance of the shots",
    "slope": "how the bias goes with F: -0.1 for a shrinkage of 10 %",
    "raw_rmse": "rmse of the mean of the observable from as many shots",
    "sampled": "1 if the numbers are of counts that were drawn or collected, 0 if they are exact",
    "coverage": "part of the 95 % intervals that hold F, where there are counts",
    **COST_COLUMNS,
    "refused": "why the method is not possible for this test, if it is not",
}
"""What the columns mean; those that do not apply to any point are absent."""

Array = NDArray[np.float64]

_RAW = Raw()
_CONFIDENCE = 1.96
"""Standard errors to either side of a 95 % interval."""


def cost(settings: MitigationPoint) -> Cost:
    """What a point takes: distributions are kept for all methods under one noise.

    Args:
        settings: Those of the point.
    """
    blocks = occupied_patches(*images_of(settings), settings.convolution)
    patches = blocks.grid.n_occupied
    program = program_of(settings)
    outcomes = len(program.filters[0].template.observable.table)
    own = circuits_of(settings.method, settings, program)
    circuits, loaders = patches * own, len(program.filters[0].variants)
    tested = patches * (settings.images - settings.training) / settings.images
    seconds = 0.005 + 1e-6 * patches * outcomes / 64
    for name in settings.method.split("+"):
        of_circuit, of_patch = _SECONDS.get(name, (0.005, 0.0))
        seconds += of_circuit * loaders + of_patch * tested
    # What runs circuits of its own computes their distributions for itself, the others share one.
    time = noise_time(settings.noise, program)
    seconds += time.of(0.0, tested * own if own > 1 else 0)
    assumed = settings.assumed, settings.assumed_scale
    recorded = repr((settings.convolution.to_mapping(), settings.device, settings.noise, assumed))
    shared = {recorded: 0.012 * loaders + time.of(0.0, patches)}
    return Cost(circuits, patches * settings.shots, seconds, 64 * patches * outcomes, shared)


_SECONDS = {
    "likelihood": (0.02, 8e-4),
    "pec": (0.05, 0.0),
    "self_overlap": (0.02, 8e-4),
    "shadows": (0.12, 5e-5),
    "unbiased": (0.11, 0.0),
    "zne": (0.06, 0.0),
    "zne_richardson": (0.06, 0.0),
}
"""Seconds of methods for each circuit that loads patches, and for each patch that is tested."""


def measure(settings: MitigationPoint, seed: np.random.SeedSequence) -> Measured:
    """Estimates the overlaps of all tested patches by one method.

    Linear methods are evaluated exactly, from whole distributions. Others estimate from counts
    that are drawn once for each patch. Of counts that were collected all methods make their
    estimates: `rmse` and `coverage` are theirs, the bias and its parts what the noise predicts.

    Args:
        settings: The settings.
        seed: Seed of those counts.

    Returns:
        One row with the columns that `COLUMNS` documents, and `exact`, `bias` and `variance` of
        each tested patch, `variance` being that of one shot; where there are counts `estimates`
        and what they say of their variance, `estimate_variances`; each of shape (patches,).

    Raises:
        InputError: If the convolution does not fit the device or the images.
    """
    program = program_of(settings)
    plain, numbers = _recording(settings, "none")
    tested = numbers >= settings.training
    raw = evaluate(_RAW, plain).of(tested)
    row: Row = {
        "patches": int(tested.sum()),
        "trained_on": int((~tested).sum()),
        "two_qubit_gates": program.report.two_qubit_gates,
        "raw_rmse": float(raw.rmse(settings.shots)[0]),
    }
    try:
        found, more, sample = _evaluated(settings, plain, tested, raw, seed)
    except CountsError:
        raise
    except InputError as error:
        # A sweep over tests and methods holds pairs that do not go together.
        return Measured([{**row, "refused": str(error)}])
    row |= more
    row |= {
        "bias": float(found.offset[0]),
        "slope": float(found.slope[0]),
        "shrinkage": float(found.shrinkage[0]),
        "rest": float(found.rest[0]),
        "systematic_rmse": float(np.sqrt((found.bias**2).mean())),
        "shot_rmse": float(found.shot_noise(settings.shots)[0]),
    }
    if sample is None:
        row["rmse"] = float(found.rmse(settings.shots)[0])
    else:
        errors = sample.values - found.exact
        covered = np.abs(errors) <= _CONFIDENCE * np.sqrt(sample.variances)
        row |= {"rmse": root_mean_square(errors), "coverage": float(covered.mean())}
    arrays = {"exact": found.exact[0], "bias": found.bias[0], "variance": found.variance[0]}
    if sample is not None:
        arrays |= {"estimates": sample.values[0], "estimate_variances": sample.variances[0]}
    return Measured([row], arrays)


def _evaluated(
    settings: MitigationPoint,
    plain: Recording,
    tested: NDArray[np.bool_],
    raw: Evaluation,
    seed: np.random.SeedSequence,
) -> tuple[Evaluation, Row, Estimates | None]:
    """The errors on the tested patches, what else is known of them, and estimates of counts."""
    if settings.method == BOUND:
        variance = bound(raw.exact, 1)
        return Evaluation(raw.exact, np.zeros_like(raw.exact), variance), {"sampled": 0}, None
    by = make(
        settings.method,
        settings,
        lambda: Training(plain.states[~tested]),
        settings.calibration_shots,
        settings.seed,
        as_noise(settings.noise),
        measuring(ExactEngine()) if hands_out() else None,
    )
    takes_twirl = isinstance(by, MitigationMethod) or by.takes_twirl
    recording = _recording(settings, settings.twirl)[0] if takes_twirl else plain
    assumed = settings.assumed_noise
    parts = [
        (replace(reading, noise=assumed), recording.states[columns[tested[columns]]])
        for reading, columns, _ in recording.parts
        if tested[columns].any()
    ]
    sample: Estimates | None = None
    layer: QuantumConvolution | None = None
    if hands_out():
        layer = _layer(settings, by, seed)
        exact = evaluated(recording.own_form, recording.states)[:, tested]
        found, sample = _from_elsewhere(settings, layer, exact)
    elif isinstance(by, MitigationMethod):
        found = _of_circuits(settings, by, recording, tested)
    elif isinstance(by, LinearEstimator):
        found = evaluate(by, recording).of(tested)
    else:
        found, sample = _from_counts(settings, by, recording, tested, seed)
    # While there is a layer, its estimator knows which calibration circuits it ran.
    spent = cost_row(by if layer is None else layer.mitigation, parts, settings.shots)
    return found, {"sampled": int(sample is not None), **spent}, sample


def _from_counts(
    settings: MitigationPoint,
    estimator: Estimator,
    recording: Recording,
    tested: NDArray[np.bool_],
    seed: np.random.SeedSequence,
) -> tuple[Evaluation, Estimates]:
    """An estimator that has no exact variance, from counts that are drawn once."""
    exact = evaluated(recording.own_form, recording.states)[0]
    values, variances, limits = np.empty((3, len(exact)))
    number = int(seed.generate_state(1, np.uint64)[0])
    for index, (reading, columns, chances) in enumerate(recording.parts):
        own = tested[columns]
        places = columns[own]
        streams = Streams(number, (0,), places, variant=index)
        counts = streams.multinomial(settings.shots, chances[own][None])[0]
        found = estimator.estimate(reading, counts)
        values[places], variances[places] = found.values[0], found.variances[0]
        limits[places] = estimator.limit(reading, chances[own])[0]
    sample = Estimates(values[None, tested], variances[None, tested])
    errors = Evaluation(
        exact[None, tested],
        (limits - exact)[None, tested],
        sample.variances * settings.shots,
    )
    return errors, sample


def _layer(
    settings: MitigationPoint, by: Estimator | MitigationMethod, seed: np.random.SeedSequence
) -> QuantumConvolution:
    """A layer that measures by a method, on what is collected if anything is."""
    assumed, twirl = settings.assumed_noise, settings.twirl
    return QuantumConvolution(
        program_of(settings),
        engine=measuring(ExactEngine()),
        noise=settings.noise,
        shots=settings.shots,
        seed=layer_seed(seed),
        mitigation=CircuitMitigation(by, assumed, twirl)
        if isinstance(by, MitigationMethod)
        else Mitigation(by, assumed, twirl=twirl),
    )


def _from_elsewhere(
    settings: MitigationPoint, layer: QuantumConvolution, exact: Array
) -> tuple[Evaluation, Estimates]:
    """Any method from counts that were collected, and its bias by the noise where they were run.

    The exact overlaps have the shape (1, patches). Variances are what the method says of the
    counts.
    """
    images = selected(*images_of(settings)).images[settings.training :]
    patches = extract_patches(images, settings.convolution)
    found = layer.run(patches)
    layer.shots = None
    bias = layer.run(patches).estimates - exact
    sample = Estimates(found.estimates, found.variances)
    return Evaluation(exact, bias, sample.variances * settings.shots), sample


def _of_circuits(
    settings: MitigationPoint,
    method: MitigationMethod,
    recording: Recording,
    tested: NDArray[np.bool_],
) -> Evaluation:
    """A method that runs further circuits, exactly."""
    exact = evaluated(recording.own_form, recording.states)
    means, variances = np.zeros_like(exact), np.zeros_like(exact)
    noise, assumed = as_noise(settings.noise), settings.assumed_noise
    for reading, columns, _ in recording.parts:
        places = columns[tested[columns]]
        if not len(places):
            continue
        states, own = recording.states[places], replace(reading, noise=assumed)
        found = method.moments(own, states, settings.shots, noise)
        means[:, places], variances[:, places] = found
    return Evaluation(exact, means - exact, variances * settings.shots).of(tested)


def _recording(settings: MitigationPoint, twirl: str) -> tuple[Recording, NDArray[np.intp]]:
    """What is recorded of the patches, and the number of the image of each."""
    return _recorded(
        images_of(settings),
        settings.convolution,
        program_of(settings),
        settings.noise,
        settings.assumed_noise,
        twirl,
    )


@functools.lru_cache(maxsize=8)
def _recorded(
    images: tuple[str, int, int, str | None],
    spec: ConvolutionSpec,
    program: Program,
    noise: NoiseConfiguration,
    assumed: Noise,
    twirl: str,
) -> tuple[Recording, NDArray[np.intp]]:
    """As `_recording`, kept for points that differ in method and shots alone."""
    patches = extract_patches(selected(*images).images, spec)
    compiled = program.filters[0]
    readings = readings_of(
        compiled,
        compiled.filter_table(None),
        filter_states(spec)[0],
        assumed,
        twirled_engine(ExactEngine(), as_twirl(twirl)),
    )
    return Recording.of(readings, patches, noise), image_numbers(patches)


STUDY = Study(
    settings=MitigationPoint,
    title="What do estimators and mitigation make of the same shots, and what do they cost?",
    digest=program_and_images,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.mitigation.figures",
    findings="studies.mitigation.findings",
    program=program_of,
    collects=True,
)
