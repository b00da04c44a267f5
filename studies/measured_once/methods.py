"""What methods make of the shots of a patch: values of all filters, and all gradients."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.verification import check_own_code
from qucnn_cirq.convolution import ConvolutionSpec, filter_states
from qucnn_cirq.engines import ExactEngine, twirled_engine
from qucnn_cirq.engines.collected import hands_out, measuring
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    Optimal,
    Recording,
    Training,
    evaluate,
    evaluated,
    gradient_forms,
    overlap_forms,
    readings_of,
)
from qucnn_cirq.execution import Execution
from qucnn_cirq.gradients import shifted
from qucnn_cirq.measured_once import MeasuredOnce
from qucnn_cirq.patches import Patches, extract_patches
from studies.estimating import TRAINING_IMAGES
from studies.images import images_of, select_images, selected
from studies.measured_once.configuration import BOUND, EACH, ONCE, MeasuredOncePoint
from studies.measured_once.errors import Errors

Array = NDArray[np.float64]

_CIRCUITS = {
    "measured_once": "bases",
    "measured_once_destructive": "destructive",
    "optimal": "destructive",
}
"""What `qucnn_cirq.measured_once.MeasuredOnce` calls the circuits of a method."""


@dataclass(frozen=True, eq=False)
class Told:
    """What a method tells of patches, and what it takes.

    Attributes:
        values: Errors of the overlaps; None where there are fewer shots than circuits.
        gradients: Errors of the derivatives by all angles of all filters; likewise.
        circuits: Circuits of a patch, of values and gradients together.
        gates_of_a_shot: Two-qubit gates of a shot, the mean over patches; None of the bound.
        shots: Shots of a patch that are run.
    """

    values: Errors | None
    gradients: Errors | None
    circuits: int
    gates_of_a_shot: float | None
    shots: int


@dataclass(frozen=True)
class Shares:
    """How a method with a circuit for each filter and shift spends the shots of a patch.

    Attributes:
        value_circuits: Circuits for values.
        gradient_circuits: Circuits for gradients.
        of_a_value: Shots of each of the first.
        of_a_shift: Shots of each of the others.
    """

    value_circuits: int
    gradient_circuits: int
    of_a_value: int
    of_a_shift: int

    @property
    def shots(self) -> int:
        """Shots of a patch that are run; a remainder is not."""
        return self.value_circuits * self.of_a_value + self.gradient_circuits * self.of_a_shift


def shares(spec: ConvolutionSpec, shots: int, share: float) -> Shares:
    """Spends shots.

    Args:
        spec: The convolution with all filters.
        shots: Shots of a patch in all.
        share: The part of them that goes into values.
    """
    values, shifts = spec.n_filters, 2 * spec.n_angles
    for_values = round(share * shots)
    return Shares(values, shifts, for_values // values, (shots - for_values) // shifts)


def angles_of(settings: MeasuredOncePoint) -> Array:
    """The angles of the filters, the same for all methods.

    Args:
        settings: Those of the point.

    Returns:
        Radians, shape (filters, parameters).
    """
    generator = np.random.default_rng([settings.seed, settings.repeat])
    shape = settings.filters, settings.convolution.n_parameters
    return generator.uniform(0, 2 * np.pi, shape)


def once(settings: MeasuredOncePoint, seed: int = 0, exactly: bool = False) -> MeasuredOnce:
    """What measures patches once.

    Args:
        settings: Those of a point with such a method.
        seed: Seed of the shots.
        exactly: Whether distributions are taken in place of shots.
    """
    return MeasuredOnce(
        settings.convolution,
        settings.device,
        measuring(ExactEngine()),
        noise=settings.noise,
        assumed=settings.assumed,
        shots=None if exactly else settings.shots,
        seed=seed,
        circuit=_CIRCUITS[settings.method],
    )


def program_of_method(settings: MeasuredOncePoint) -> Program:
    """What is compiled: the circuits of a patch alone, or those of the filters.

    Args:
        settings: Those of the point.

    Raises:
        InputError: If it cannot be compiled, or code of the user's own makes circuits that are
            wrong.
    """
    if settings.method in ONCE:
        program = once(settings, exactly=True).program
    else:
        overlap = EACH.get(settings.method, "inversion")
        spec = attrs.evolve(settings.spec, overlap=overlap)
        program = compile_convolution(spec, settings.device, load_filters=settings.load_filters)
    check_own_code(program)
    return program


def patches_of(settings: MeasuredOncePoint) -> tuple[Patches, NDArray[np.int64]]:
    """The patches that errors are told of, and the number of each image.

    Args:
        settings: Those of the point.

    Returns:
        The patches, and numbers of shape (images,).

    Raises:
        InputError: If the images do not fit the convolution or all patches are blank.
    """
    return _patches(images_of(settings), settings.convolution)


def told(settings: MeasuredOncePoint, seed: int) -> Told:
    """The errors that a method makes.

    Args:
        settings: Those of the point.
        seed: Seed of the counts, of what has no exact variance.

    Raises:
        InputError: If there are fewer shots than circuits.
    """
    patches, ids = patches_of(settings)
    if settings.method in EACH:
        return _each(settings, patches)
    values, gradients = _forms(settings)
    if settings.method == BOUND:
        bounds = [_bound(forms, patches.states, settings.shots) for forms in (values, gradients)]
        return Told(bounds[0], bounds[1], 0, None, settings.shots)
    if settings.method == "optimal":
        return _optimal(settings, patches, values, gradients)
    layer = once(settings, seed)
    (found,) = layer.measure(patches, ids).likeliest
    (limit,) = once(settings, exactly=True).measure(patches, ids).likeliest
    errors = []
    for forms in (values, gradients):
        exact, ends = (evaluated(forms, states) for states in (patches.states, limit.states))
        errors.append(Errors.sampled(exact, *found.estimates(forms), ends))
    compiled = layer.program.filters[0]
    assert layer.shots is not None
    circuits = layer.program.spec.n_filters
    return Told(errors[0], errors[1], circuits, _gates(compiled, patches), layer.shots)


def _optimal(
    settings: MeasuredOncePoint,
    patches: Patches,
    values: Array,
    gradients: Array,
) -> Told:
    """Linear weights of the counts of the destructive test with one product state."""
    layer = once(settings, exactly=True)
    compiled, parameters = layer.program.filters[0], layer.parameters
    readings = readings_of(
        compiled,
        compiled.filter_table(parameters),
        filter_states(layer.program.spec, parameters)[0],
        as_noise(settings.assumed),
        twirled_engine(ExactEngine(), layer.twirl),
    )
    split = "test" if settings.split == "train" else "train"
    estimator = Optimal(_training(split, settings.data, settings.convolution), settings.shots)
    errors = []
    if hands_out():
        run = Execution(
            layer.engine, as_noise(settings.noise), settings.shots, 0, twirl=layer.twirl
        )
        table = compiled.filter_table(parameters)
        # No shots are drawn that numbers of images would set apart.
        images = np.zeros(patches.n_occupied, dtype=np.intp)
        parts = list(run.outcomes(compiled, patches, images, table, numbers=(0,), purpose=0))
        for forms in (values, gradients):
            exact = evaluated(forms, patches.states)
            found, variances, limits = np.empty((3, *exact.shape))
            for part in parts:
                assert part.counts is not None and part.distribution is not None
                reading, columns = readings[part.index], part.columns
                of_counts = estimator.estimate(reading, part.counts[0], forms)
                found[:, columns], variances[:, columns] = of_counts
                limits[:, columns] = estimator.limit(reading, part.distribution[0], forms)
            errors.append(Errors.sampled(exact, found, variances, limits))
    else:
        recording = Recording.of(readings, patches, settings.noise)
        for forms in (values, gradients):
            known = evaluate(estimator, recording, forms)
            errors.append(Errors.known(known.exact, known.bias, known.variance / settings.shots))
    return Told(errors[0], errors[1], 1, _gates(compiled, patches), settings.shots)


def _each(settings: MeasuredOncePoint, patches: Patches) -> Told:
    """A circuit for each filter and for each shifted angle."""
    spec, angles = settings.spec, angles_of(settings)
    spent = shares(spec, settings.shots, settings.share)
    if not (spent.of_a_value or spent.of_a_shift):
        raise InputError(
            f"shots = {settings.shots} are fewer than the circuits of a patch: "
            f"{spent.value_circuits} for values and {spent.gradient_circuits} for gradients."
        )
    compiled = program_of_method(settings).filters[0]

    def measured(rotations: Array, shots: int) -> tuple[Array, Array]:
        """Estimates of counts that were collected, else exact means; and the means."""
        own = shots if hands_out() else None
        run = Execution(measuring(ExactEngine()), as_noise(settings.noise), own, 0)
        table = compiled.table_at(rotations)
        numbers, images = range(len(table)), np.zeros(patches.n_occupied, dtype=np.intp)
        found = run.patches(compiled, patches, images, table, numbers=numbers, purpose=0)
        # There are none where it is only noted which circuits are run.
        return found.estimates, found.estimates if found.means is None else found.means

    rotations, variance = compiled.rotations(angles), compiled.template.observable.variance
    value_forms, slope_forms = _forms(settings)
    values = gradients = None
    if spent.of_a_value:
        found, means = measured(rotations, spent.of_a_value)
        exact = evaluated(value_forms, patches.states)
        values = _errors(exact, found, variance(means, spent.of_a_value), means)
    if spent.of_a_shift:
        shifts = np.concatenate([shifted(row, np.pi / 2) for row in rotations])
        found, means = measured(shifts, spent.of_a_shift)
        scattered = variance(means, spent.of_a_shift)

        def apart(each: Array) -> Array:
            """Of each filter those ahead first, then those behind."""
            return np.moveaxis(each.reshape(len(angles), 2, -1, patches.n_occupied), 1, 0)

        slopes, limits = (
            _of_parameters(spec, (apart(each)[0] - apart(each)[1]) / 2) for each in (found, means)
        )
        scatter = _of_parameters(spec, apart(scattered).sum(axis=0) / 4, squared=True)
        gradients = _errors(evaluated(slope_forms, patches.states), slopes, scatter, limits)
    circuits = spent.value_circuits + spent.gradient_circuits
    return Told(values, gradients, circuits, _gates(compiled, patches), spent.shots)


def _errors(exact: Array, values: Array, variances: Array, limits: Array) -> Errors:
    """Those of counts that were collected; else known, the values being their own limits."""
    if hands_out():
        return Errors.sampled(exact, values, variances, limits)
    return Errors.known(exact, limits - exact, variances)


def _of_parameters(spec: ConvolutionSpec, slopes: Array, squared: bool = False) -> Array:
    """By the chain rule, of the angles of filters: shape (filters * parameters, patches).

    Args:
        spec: The convolution.
        slopes: By each angle, shape (filters, angles, patches).
        squared: Whether they are variances, of what is independent.
    """
    filter_, n_qubits = spec.filter_list[0], spec.register_qubits
    weights = filter_.angle_weights(n_qubits)
    if weights is None:
        return slopes.reshape(-1, slopes.shape[-1])
    factors = weights**2 if squared else weights
    found: Array = np.einsum("fap,ak->fkp", slopes, factors)
    return found.reshape(-1, slopes.shape[-1])


def _bound(forms: Array, states: Array, shots: int) -> Errors:
    """The Cramer-Rao bound of real pure states, whose information is 4 N in every direction."""
    slopes = np.einsum("kij,pj->kpi", forms, states, optimize=True)
    exact = np.einsum("kpi,pi->kp", slopes, states)
    variance = np.maximum((slopes**2).sum(axis=-1) - exact**2, 0.0) / shots
    return Errors.known(exact, np.zeros_like(exact), variance)


def _forms(settings: MeasuredOncePoint) -> tuple[Array, Array]:
    """Forms of the overlaps, and of their derivatives filter by filter."""
    spec, angles = settings.spec, angles_of(settings)
    filter_ = spec.filter_list[0]
    gradients = [gradient_forms(filter_, spec.register_qubits, row) for row in angles]
    return overlap_forms(filter_states(spec, angles)), np.concatenate(gradients)


def _gates(compiled: CompiledFilter, patches: Patches) -> float:
    """Two-qubit gates of a shot, the mean over patches."""
    loads = compiled.load_patches(patches)
    gates = sum(load.variant.report.two_qubit_gates * len(load.columns) for load in loads)
    return gates / patches.n_occupied


@functools.lru_cache(maxsize=8)
def _patches(
    images: tuple[str, int, int, str | None], spec: ConvolutionSpec
) -> tuple[Patches, NDArray[np.int64]]:
    selection = selected(*images)
    patches = extract_patches(selection.images, spec)
    if not patches.n_occupied:
        raise InputError(
            f"every patch of the {patches.batch} image(s) is all zero, so that no circuit would be "
            "run: choose other images."
        )
    return patches, selection.ids


@functools.lru_cache(maxsize=8)
def _training(split: str, data: str | None, spec: ConvolutionSpec) -> Training:
    """Patches of images of the other part of the data."""
    return Training(
        extract_patches(select_images(split, 0, TRAINING_IMAGES, data).images, spec).states
    )
