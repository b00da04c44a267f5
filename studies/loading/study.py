"""The loading study: how well patches are loaded within a budget, and what their overlaps miss."""

from __future__ import annotations

from itertools import starmap
from typing import Any, ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseConfiguration, as_noise, fields
from qucnn_cirq.compiler.compiled_filter import CompiledFilter
from qucnn_cirq.convolution import ConvolutionSpec, Patches, ideal_overlaps
from qucnn_cirq.errors import InputError
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import CHECK_COLUMNS, checked_patches, is_checked
from studies.expected import noise_time
from studies.images import Selection, images_of, occupied_patches, side_by_side
from studies.point import (
    PlainData,
    absolute_path,
    convolution_field,
    noise_field,
    noise_of_run,
    program_and_images,
    program_of,
)
from studies.sweep.study import Cost, Measured, Row, Study


@attrs.frozen
class LoadingPoint(PlainData):
    """Settings of the patches of some images, loaded within one budget.

    Attributes:
        images: How many images, at least 2.
        split: The part of the data set, "train" or "test".
        first: Position of the first image in the data set, at least 0.
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first.
        placement: Where the circuits must be, as text for the argument of
            `qucnn_cirq.compile_convolution` of that name: "2_1 2_2 3_1" for qubits to choose
            from, or "data = 2_1 2_2, filter = 3_1 3_2"; None leaves it to the compiler.
        infidelity: Largest infidelity of a loaded patch, within 0..1; 0 is exact loading. Or
            "auto": for each patch what is best under the noise.
        check_fraction: Fraction of the points, chosen by their identity, of which some patches
            are run again on qsim, within 0..1.
        check_patches: How many patches of such a point.
        check_shots: Shots of each, at least 10.
        data: Where the images are, as an absolute path; None for those of the package.
        convolution: The convolution; without filters, the package's 4x4 kernel.
        noise: The noise, which must not be absent.

    Raises:
        InputError: If a value is outside its range.
    """

    name: ClassVar[str] = "loading"

    images: int = fields.whole(2, default=16)
    split: str = fields.text(default="train")
    first: int = fields.whole(0, default=0)
    device: str = fields.text(default="willow_pink")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    placement: str | None = fields.text(beside=(None,), default=None)
    infidelity: float | str = fields.real(0.0, 1.0, beside=("auto",), default=0.0)
    check_fraction: float = fields.real(0.0, 1.0, default=1.0)
    check_patches: int = fields.whole(0, default=1)
    check_shots: int = fields.whole(10, default=400)
    data: str | None = fields.checked(absolute_path, beside=(None,), default=None)
    convolution: ConvolutionSpec = convolution_field()
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.backward:
            raise InputError("convolution.backward = true is not possible here: leave it out.")
        if self.convolution.n_parameters:
            raise InputError("the loading study takes fixed filters: an ansatz has parameters.")
        if as_noise(self.noise).is_ideal:
            raise InputError(
                "the loading study weighs loaders under noise: give a table [noise], such as "
                "depolarizing = { p1 = 0.001, p2 = 0.005 }."
            )


COLUMNS = {
    "patches": "patches that are not blank",
    "loader_gates": "mean two-qubit gates of a loader",
    "mean_infidelity": "mean infidelity of the loaded states",
    "largest_infidelity": "the largest of them",
    "error": "mean of |F - exact F| under the noise, without shots",
    "error_without_noise": "the same without noise: the error of loading alone",
    "root_mean_square_error": "root mean square of F - exact F under the noise",
    **CHECK_COLUMNS,
}
"""What the columns mean."""


def cost(settings: LoadingPoint) -> Cost:
    """What a point takes: choosing loaders and solving for their angles is most of it.

    Args:
        settings: Those of the point.
    """
    blocks = occupied_patches(*images_of(settings), settings.convolution)
    circuits = blocks.grid.n_occupied * settings.convolution.n_filters
    program = program_of(settings)
    seconds = blocks.grid.n_occupied * program.filters[0].seconds_to_load
    seconds += noise_time(settings.noise, program).of(2e-4 * circuits, circuits)
    return Cost(circuits, 0, 0.1 + seconds, 30 * blocks.block_bytes)


def measure(settings: LoadingPoint, seed: np.random.SeedSequence) -> Measured:
    """Loads the patches and takes their overlaps with and without noise.

    The overlaps are exact means, without shots, so that nothing but loading and noise errs.

    Args:
        settings: The settings.
        seed: Seed of the cross-check.

    Returns:
        One row with the columns `COLUMNS`, and `image_error`, the mean of |F - exact F| under the
        noise of each image that has patches, over patches and filters.

    Raises:
        InputError: If the circuit that is compiled has no shorter loaders, or does not fit.
    """
    spec = settings.convolution
    blocks = occupied_patches(*images_of(settings), spec)
    none = np.zeros((spec.n_filters, 0))
    program = program_of(settings)
    compiled = program.filters[0]
    layers = [
        QuantumConvolution(program, engine="exact", noise=noise, shots=None)
        for noise in (noise_of_run(settings), None)
    ]

    def of_block(images: Selection, patches: Patches) -> dict[str, NDArray[Any]]:
        """Sums over the patches, and the error of each image."""
        exact = ideal_overlaps(patches, spec, none)
        compiled.load_patches(patches)
        gates, infidelities = _loading(compiled, patches.states)
        noisy, ideal = (layer.run(patches, images.ids).estimates - exact for layer in layers)
        error = np.abs(noisy).mean(axis=0)
        image = patches.positions()[0][patches.occupied]
        counts, errors = np.bincount(image), np.bincount(image, error)
        sums = {
            "gates": gates.sum(),
            "infidelity": infidelities.sum(),
            "largest_infidelity": infidelities.max(initial=0.0),
            "error": error.sum(),
            "error_without_noise": np.abs(ideal).sum(),
            "squares": (noisy**2).sum(),
        }
        image_error = errors[counts > 0] / counts[counts > 0]
        return {"image_error": image_error, **{key: np.array([sums[key]]) for key in sums}}

    found = side_by_side(starmap(of_block, blocks))
    patches = blocks.grid.n_occupied
    circuits = patches * spec.n_filters
    row: Row = {
        "patches": patches,
        "loader_gates": float(found["gates"].sum() / patches),
        "mean_infidelity": float(found["infidelity"].sum() / patches),
        "largest_infidelity": float(found["largest_infidelity"].max()),
        "error": float(found["error"].sum() / patches),
        "error_without_noise": float(found["error_without_noise"].sum() / circuits),
        "root_mean_square_error": float(np.sqrt(found["squares"].sum() / circuits)),
    }
    if is_checked(settings, seed):
        generator = np.random.default_rng(seed)
        row |= checked_patches(settings, program, patches, blocks.states, none, generator)
    return Measured([row], {"image_error": found["image_error"]})


def _loading(compiled: CompiledFilter, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-qubit gates and infidelity with which each state is loaded."""
    chosen = compiled.choose(states)
    per_loader = np.array([variant.loader.cost[0] for variant in compiled.variants])
    infidelities = np.zeros(len(states))
    for index, variant in enumerate(compiled.variants):
        own = chosen == index
        if own.any():
            infidelities[own] = variant.loader.solve(states[own])[1]
    return per_loader[chosen], infidelities


STUDY = Study(
    settings=LoadingPoint,
    title="What do shorter, inexact loaders cost, and what do they gain under noise?",
    digest=program_and_images,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.loading.figures",
    findings="studies.loading.findings",
    program=program_of,
    withheld="takes exact means, so that nothing but loading and noise errs: it runs no shots",
)
