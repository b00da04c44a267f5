"""The gradient study: what gradients cost in shots, and whether they are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from noise_models.checks import real_number, whole_number
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.convolution import extract_patches, ideal_overlaps
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.gradient_methods import METHODS
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import (
    CHECK_COLUMNS,
    check_generator,
    checked_shifts,
    chosen_rows,
    is_checked,
)
from studies.estimating import check_goes_with, circuits_of, mitigation_field
from studies.expected import noise_time
from studies.mitigation_cost import COST_COLUMNS, cost_row, parts_of
from studies.point import AnsatzPoint, exact_layer, layer_seed, program_of
from studies.statistics import interval_columns, mean_interval
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest

STATES = ("superposition", "mixed", "patch")


def _not_zero(key: str, value: object) -> float:
    upstream = real_number(key, value, -1e6, 1e6)
    if upstream == 0:
        raise InputError(f"{key} = 0 makes every gradient 0: give another number.")
    return upstream


@attrs.frozen
class GradientPoint(AnsatzPoint):
    """Settings of gradients of one overlap.

    Attributes:
        method: How the gradient is obtained, see `qucnn_cirq.gradient_methods.METHODS`;
            one of your own is "module:attribute" or "path/to/file.py:attribute".
        mitigation: What makes overlaps, under the point's noise: an estimator's name or several
            joined by "+" (see `qucnn_cirq.estimators.ESTIMATORS`), of the counts of all outcomes;
            those that learn have seen patches of eight images of the package. Or a method that
            runs further circuits (`qucnn_cirq.mitigation.METHODS`) for each setting of the angles,
            among which the shots are split. None takes the mean of the observable.
        shots: Shots of each circuit.
        upstream: The back-propagated value g; not 0.
        state: The data: "superposition" (equal amplitudes), "mixed" (the maximally mixed state, as
            an even mixture of basis states: every gradient is 0), or "patch" (a patch of the
            first handwritten digit).
        draws: Independent gradients from which the error is measured, at least 2.
    """

    name: ClassVar[str] = "gradient"

    method: str = fields.named(METHODS.check_name, default="in_circuit")
    mitigation: str | None = mitigation_field()
    shots: int = fields.whole(1, default=10_000)
    upstream: float = fields.checked(_not_zero, default=0.5)
    state: str = fields.one_of(STATES, default="superposition")
    draws: int = fields.whole(2, default=20)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        known = METHODS.get(self.method)
        if known is not None and not known.runs_circuits:
            raise InputError(f"method = {self.method!r} runs no circuits: choose another.")
        check_goes_with(self.mitigation, known)
        if self.state == "mixed":
            whole_number("shots", self.shots, self.convolution.n_elements)
        if known is not None and known.takes_reader and not self.convolution.allows_backward:
            raise InputError(
                f"method = {self.method!r} reads the ancilla: set convolution.overlap = 'ancilla'."
            )


Array = NDArray[np.float64]

COLUMNS = {
    "parameters": "angles, over all filters",
    "circuits": "different circuits of one gradient",
    "shots_taken": "shots of one gradient, over all its circuits",
    "overlap": "the exact overlap F",
    "gradient_norm": "length of the exact gradient",
    "rmse": "root mean square of estimate - exact gradient, over angles and draws",
    "rmse_low": "lower end of the 95 % confidence interval of rmse",
    "rmse_high": "upper end",
    "bias_rmse": "root mean square over angles of the noisy mean - exact gradient",
    "shot_rmse": "root of the mean variance that the formula gives",
    "predicted_rmse": "root of bias_rmse^2 + shot_rmse^2",
    **interval_columns("predicted_rmse"),
    "formula_items": "estimates compared with the noisy means",
    "formula_chi_squared": "sum of their squared z-scores by the formula's variance",
    "direction": "mean cosine between estimated and exact gradient",
    **COST_COLUMNS,
    **CHECK_COLUMNS,
}


def digest(settings: GradientPoint) -> Mapping[str, str]:
    """Digest of the compiled circuits.

    Args:
        settings: Those of the point.
    """
    circuits = {"circuits": circuits_digest(lambda: program_of(settings))}
    return {**circuits, **METHODS.digests("method", settings.method)}


def cost(settings: GradientPoint) -> Cost:
    """What a point takes.

    Args:
        settings: Those of the point.
    """
    spec, method = settings.convolution, METHODS[settings.method]
    patches = spec.n_elements if settings.state == "mixed" else 1
    runs = sum(method.settings(each, spec.register_qubits) for each in spec.filter_list)
    circuits = runs * patches * settings.draws
    shots = circuits * (settings.shots // patches)
    program = program_of(settings)
    each = circuits_of(settings.mitigation, settings, program)
    time = noise_time(settings.noise, program)
    # The exact mean and the maps besides.
    draws = settings.draws + 2
    usual = (4e-4 + 2e-5 * runs) * each * draws
    seconds = 0.002 + time.of(usual, runs * patches * each * draws)
    # The first point of a method compiles its circuits, and evolves what all points share.
    shared = {f"{settings.method} of {settings.convolution.to_mapping()}": 0.3}
    return Cost(circuits * each, shots, seconds, 64 * 2**20, shared)


def measure(settings: GradientPoint, seed: np.random.SeedSequence) -> Measured:
    """Takes independent gradients and compares them with the exact one.

    Args:
        settings: The settings.
        seed: Seed of the shots. The angles derive from the settings' seed and repetition alone,
            so that all methods differentiate the same function.

    Raises:
        InputError: If the convolution does not fit the device.
    """
    spec = settings.convolution
    angles = np.random.default_rng([settings.seed, settings.repeat]).uniform(
        0, 2 * np.pi, (spec.n_filters, spec.n_parameters)
    )
    images = _data_images(settings)
    layer = exact_layer(settings, angles, None, layer_seed(seed))
    parts = len(images)
    # The parts of a mixture are one data state: they share a random stream.
    maps = layer.run(images, np.zeros(parts, dtype=int)).maps
    # Each part is measured with all of g and a share of the shots; the mixture is their mean.
    upstream = np.full_like(maps, settings.upstream)
    exact = layer.gradient(upstream, "exact").values / parts
    mean = layer.gradient(upstream, settings.method).values / parts
    layer.shots = settings.shots // parts
    found = [layer.gradient(upstream, settings.method, draw) for draw in range(settings.draws)]
    estimates = np.array([each.values for each in found]) / parts
    variance = np.array([each.variances for each in found]) / parts**2
    states = extract_patches(images, spec).states
    parts_run = parts_of(layer.program, angles, layer.noise, states)
    squares = ((estimates - exact) ** 2).mean(axis=(1, 2))
    row: Row = {
        "parameters": exact.size,
        "circuits": found[0].circuits * circuits_of(settings.mitigation, settings, layer.program),
        "shots_taken": found[0].shots,
        "overlap": _overlap(settings, images, angles),
        "gradient_norm": float(np.linalg.norm(exact)),
        **_rmse(squares),
        "direction": _direction(estimates, exact),
        **cost_row(layer.mitigation, parts_run, layer.shots),
    }
    if METHODS[settings.method].variance_is_whole:
        # That of SPSA lacks the random signs, and its mean depends on them.
        bias = float(np.sqrt(((mean - exact) ** 2).mean()))
        z_squared = (estimates - mean) ** 2 / variance
        row |= {
            "bias_rmse": bias,
            "shot_rmse": float(np.sqrt(variance.mean())),
            "predicted_rmse": float(np.sqrt(bias**2 + variance.mean())),
            "formula_items": z_squared.size,
            "formula_chi_squared": float(z_squared.sum()),
        }
    if is_checked(settings, seed):
        row |= _checked(settings, layer, images, seed)
    return Measured([row], {"estimates": estimates, "exact": exact})


def _checked(
    settings: GradientPoint,
    layer: QuantumConvolution,
    images: Array,
    seed: np.random.SeedSequence,
) -> Row:
    """Runs some of the shifted circuits again, with the value g on its own qubit if it has one."""
    generator = check_generator(seed)
    states = extract_patches(images, settings.convolution).states
    program, upstream = layer.program, None
    if METHODS[settings.method].takes_reader:
        spec = attrs.evolve(settings.convolution, backward=True)
        program = compile_convolution(spec, settings.device, gate_set=settings.gate_set)
        upstream = settings.upstream / max(1.0, abs(settings.upstream))
    # Each is chosen when it is asked for: all draws come from one generator, case by case.
    cases = (
        (states[chosen_rows(generator, len(states), 1)], layer.parameters)
        for _ in range(settings.check_patches)
    )
    return checked_shifts(settings, program, cases, generator, upstream, layer.mitigation)


def _data_images(settings: GradientPoint) -> Array:
    """The data state as images of the kernel's size, shape (parts, channels, rows, columns)."""
    spec = settings.convolution
    shape = (spec.channels, *spec.kernel_pair)
    size = int(np.prod(shape))
    if settings.state == "superposition":
        return np.ones((1, *shape))
    if settings.state == "mixed":
        return np.eye(size).reshape(size, *shape)
    rows, columns = spec.kernel_pair
    image = load_mnist("train", 1).images[0]
    if rows > image.shape[0] or columns > image.shape[1]:
        raise InputError(f"state = 'patch': the digit is smaller than kernel = {spec.kernel}.")
    top, left = (image.shape[0] - rows) // 2, (image.shape[1] - columns) // 2
    part = image[top : top + rows, left : left + columns]
    return np.broadcast_to(part, (1, *shape)).copy()


def _overlap(settings: GradientPoint, images: Array, angles: Array) -> float:
    patches = extract_patches(images, settings.convolution)
    return float(ideal_overlaps(patches, settings.convolution, angles).mean())


def _rmse(squares: Array) -> Row:
    """Root mean square over draws, with Student's interval of the mean square."""
    mean, low, high = mean_interval(squares)
    ends = np.sqrt(np.maximum([mean, low, high], 0))
    return dict(zip(("rmse", "rmse_low", "rmse_high"), map(float, ends), strict=True))


def _direction(estimates: Array, exact: Array) -> float | None:
    length = np.linalg.norm(exact)
    if length < 1e-12:
        return None
    flat = estimates.reshape(len(estimates), -1)
    cosines = flat @ exact.ravel() / (np.linalg.norm(flat, axis=1) * length)
    return float(cosines.mean())


STUDY = Study(
    settings=GradientPoint,
    title="What does multiplying by g on the processor cost in shots, and is it right?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.gradient.figures",
    findings="studies.gradient.findings",
    program=program_of,
    collects=True,
)
