"""The trainability study: the variance of gradients at random angles."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import fields
from qucnn_cirq.convolution import ConvolutionSpec, extract_patches
from qucnn_cirq.datasets import load_mnist
from qucnn_cirq.errors import InputError
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import (
    CHECK_COLUMNS,
    check_generator,
    checked_shifts,
    chosen_rows,
    is_checked,
)
from studies.expected import noise_time
from studies.point import AnsatzPoint, noise_of_run, program_of
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest

DATA = ("isotropic", "patches")


@attrs.frozen
class TrainabilityPoint(AnsatzPoint):
    """Settings of gradients at random angles.

    Attributes:
        data: "isotropic", random real unit vectors, or "patches" of handwritten digits.
        samples: Random pairs of angles and data, at least 10. With noise each takes two circuits
            a parameter.
    """

    name: ClassVar[str] = "trainability"

    data: str = fields.one_of(DATA, default="isotropic")
    samples: int = fields.whole(10, default=500)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.convolution.n_filters != 1:
            raise InputError("the trainability study takes one filter: give one.")
        if self.convolution.channels != 1 and self.data == "patches":
            raise InputError("data = 'patches' are of images with one channel.")


Array = NDArray[np.float64]

COLUMNS = {
    "qubits": "qubits of a register",
    "parameters": "angles of the filter",
    "variance": "variance of dF/dtheta over angles and data, the mean over the parameters",
    "variance_low": "lower end of its 95 % bootstrap interval over samples",
    "variance_high": "upper end",
    "largest_variance": "the largest variance of one parameter",
    "mean_overlap": "mean of F",
    "theory": "1 / (d (d + 2)), d = 2^qubits: isotropic real data, RY, no noise",
    **CHECK_COLUMNS,
}
_IMAGES = 64
_RESAMPLES = 400


def digest(settings: TrainabilityPoint) -> Mapping[str, str]:
    """Digest of the compiled circuits, if they are run.

    Args:
        settings: Those of the point.
    """
    if not settings.noise.to_mapping():
        return {}
    return {"circuits": circuits_digest(lambda: program_of(settings))}


def cost(settings: TrainabilityPoint) -> Cost:
    """What a point takes: circuits are run with noise only.

    Args:
        settings: Those of the point.
    """
    noisy = bool(settings.noise.to_mapping())
    # One for the overlap, and two for each shift.
    circuits = settings.samples * (1 + 2 * settings.convolution.n_angles) * noisy
    seconds = settings.samples * 2e-5 * settings.convolution.n_angles
    if noisy:
        # Each sample is another state, whose angles may have to be searched for.
        n_qubits, program = settings.convolution.register_qubits, program_of(settings)
        each = 3e-4 * 2.0 ** min(n_qubits, 4) * 16.0 ** max(0, n_qubits - 4)
        seconds += noise_time(settings.noise, program).of(settings.samples * each, circuits)
        seconds += settings.samples * program.filters[0].seconds_to_load
    return Cost(circuits, 0, seconds, 2**26)


def measure(settings: TrainabilityPoint, seed: np.random.SeedSequence) -> Measured:
    """Draws angles and data, and takes the gradient of each overlap.

    Args:
        settings: The settings.
        seed: Seed of angles and data.

    Raises:
        InputError: If the convolution does not fit the device.
    """
    spec = settings.convolution
    generator = np.random.default_rng(seed)
    states = _states(settings, generator)
    angles = generator.uniform(0, 2 * np.pi, (settings.samples, spec.n_parameters))
    take = _noisy if settings.noise.to_mapping() else _ideal
    gradients, overlaps = take(settings, states, angles)
    variances = gradients.var(axis=0, ddof=1)
    low, high = _bootstrap(gradients, generator)
    dimension = 2**spec.register_qubits
    row: Row = {
        "qubits": spec.register_qubits,
        "parameters": spec.n_parameters,
        "variance": float(variances.mean()),
        "variance_low": low,
        "variance_high": high,
        "largest_variance": float(variances.max()),
        "mean_overlap": float(overlaps.mean()),
        "theory": 1 / (dimension * (dimension + 2)),
    }
    if settings.noise.to_mapping() and is_checked(settings, seed):
        choose = check_generator(seed)
        chosen = chosen_rows(choose, len(states), settings.check_patches)
        cases = [(states[[sample]], angles[[sample]]) for sample in chosen]
        row |= checked_shifts(settings, program_of(settings), cases, choose)
    return Measured([row], {"variances": variances})


def _states(settings: TrainabilityPoint, generator: np.random.Generator) -> Array:
    """Unit vectors of the data, shape (samples, 2^n)."""
    spec = settings.convolution
    states = np.zeros((settings.samples, 2**spec.register_qubits))
    if settings.data == "patches":
        patches = _patch_states(spec.kernel_pair)
        return patches[generator.integers(len(patches), size=settings.samples)]
    states[:, : spec.n_elements] = generator.normal(size=(settings.samples, spec.n_elements))
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True))


@functools.lru_cache(maxsize=8)
def _patch_states(kernel: tuple[int, int]) -> Array:
    spec = ConvolutionSpec(kernel=kernel, stride=3)
    return np.asarray(extract_patches(load_mnist("train", _IMAGES).images, spec).states)


def _ideal(settings: TrainabilityPoint, states: Array, angles: Array) -> tuple[Array, Array]:
    """Gradients (samples, parameters) and overlaps, by linear algebra and the shift rule."""
    (filter_,) = settings.convolution.filter_list
    n_qubits = settings.convolution.register_qubits
    turned = filter_.angles(n_qubits, angles)

    def overlaps(rotations: Array) -> Array:
        amplitudes = (filter_.states_at(n_qubits, rotations).conj() * states).sum(axis=1)
        return np.asarray(np.abs(amplitudes) ** 2)

    shifts = np.pi / 2 * np.eye(turned.shape[1])
    slopes = [(overlaps(turned + shift) - overlaps(turned - shift)) / 2 for shift in shifts]
    return filter_.parameter_slopes(n_qubits, np.stack(slopes, axis=1)), overlaps(turned)


def _noisy(settings: TrainabilityPoint, states: Array, angles: Array) -> tuple[Array, Array]:
    """The same from exact means of the noisy circuits."""
    spec = settings.convolution
    program = program_of(settings)
    program.filters[0].prepare(states)
    images = states[:, : spec.n_elements].reshape(-1, spec.channels, *spec.kernel_pair)
    layer = QuantumConvolution(program, engine="exact", noise=noise_of_run(settings), shots=None)
    gradients, overlaps = np.empty_like(angles), np.empty(len(angles))
    for sample in range(len(angles)):
        layer.parameters = angles[sample : sample + 1]
        overlaps[sample] = layer.forward(images[sample : sample + 1], image_ids=[sample]).item()
        gradients[sample] = layer.backward(np.ones((1, 1, 1, 1)), "parameter_shift")[0]
    return gradients, overlaps


def _bootstrap(gradients: Array, generator: np.random.Generator) -> tuple[float, float]:
    """95 % percentile interval of the mean variance, resampling the samples."""
    values = [
        gradients[generator.integers(len(gradients), size=len(gradients))].var(axis=0).mean()
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


STUDY = Study(
    settings=TrainabilityPoint,
    title="How large are gradients before training, against qubits, depth and noise?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.trainability.figures",
    findings="studies.trainability.findings",
    program=program_of,
    withheld="takes exact means: it runs no shots",
)
