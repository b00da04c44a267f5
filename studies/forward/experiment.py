"""Running the forward study: numbers in, numbers out, no files."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from noise_models import NoiseConfiguration, as_noise
from qucnn_cirq.compiler.compilation import better_overlap_test, compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import (
    ConvolutionSpec,
    Patches,
    classical_convolution,
    extract_patches,
    ideal_overlaps,
)
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import FixedFilter
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import check_generator, chosen_rows, z_scores
from studies.forward.configuration import ForwardStudy
from studies.images import Selection
from studies.progress import Track, untracked

Array = npt.NDArray[np.float64]

_NOISY_STREAM = 1
_CHECK_STREAM = 2
"""Sets the shots of the noisy run apart from those of the ideal one."""


@dataclass(frozen=True, eq=False)
class ForwardRun:
    """What one engine measured; arrays have the shape (filters, occupied patches).

    Attributes:
        engine: The engine's name.
        seed: Seed of the shots, as for `QuantumConvolution`.
        counts: Shots with the observable's larger value.
        estimates: The overlaps that follow from the counts.
        means: The means from which shots were drawn, or None if the engine only sampled.
        seconds: Time taken.
    """

    engine: str
    seed: int
    counts: npt.NDArray[np.int64]
    estimates: Array
    means: Array | None
    seconds: float


@dataclass(frozen=True, eq=False)
class ForwardResult:
    """Everything a forward study found; arrays have the shape (filters, occupied patches).

    Attributes:
        study: The configuration.
        selection: The images.
        patches: Their patches.
        program: The compiled convolution.
        overlaps: The overlaps F = |<x|f>|^2 by linear algebra alone.
        classical: The plain classical convolution, NaN for filters that are not fixed real
            kernels.
        ideal: The ideal run.
        noisy: The noisy run, if there is noise.
        check: For some patches of the noisy run z-scores of qsim trajectories against its means,
            if it has any.
        compile_seconds: Time taken to compile.
    """

    study: ForwardStudy
    selection: Selection
    patches: Patches
    program: Program
    overlaps: Array
    classical: Array
    ideal: ForwardRun
    noisy: ForwardRun | None
    check: Array | None
    compile_seconds: float


def cut_patches(study: ForwardStudy, selection: Selection) -> Patches:
    """The patches of the images.

    Raises:
        InputError: If the images do not fit the convolution or all patches are blank.
    """
    patches = extract_patches(selection.images, study.convolution)
    if patches.n_occupied == 0:
        raise InputError(
            f"every patch of the {patches.batch} image(s) is all zero, so that no circuit would "
            "be run: choose other images."
        )
    return patches


def program_of(study: ForwardStudy) -> Program:
    """The compiled convolution of a study."""
    return compile_convolution(study.convolution, study.device, **_settings(study))


def overlap_hint(study: ForwardStudy, program: Program) -> str | None:
    """Which overlap test would do better than the study's, if one would."""
    return better_overlap_test(program, **_settings(study))


def _settings(study: ForwardStudy) -> dict[str, Any]:
    return {
        "layout": study.layout,
        "loader": study.loader,
        "gate_set": study.gate_set,
        "walkers": study.walkers,
        "infidelity": study.infidelity,
        "noise": study.noise if study.infidelity == "auto" else None,
    }


def run_experiment(
    study: ForwardStudy, selection: Selection, patches: Patches, track: Track = untracked
) -> ForwardResult:
    """Compiles the convolution, then runs it without and, if there is noise, with noise.

    Args:
        study: The configuration.
        selection: The images.
        patches: Their patches, as from `cut_patches`.
        track: Shows how far it is.

    Raises:
        InputError: If the convolution does not fit the device.
        NoiseError: If the noise does not fit the device.
    """
    started = time.perf_counter()
    program = program_of(study)
    for compiled in program.filters:
        # Once for all images: a loader whose angles are solved for is quicker with many patches.
        compiled.prepare(patches.states)
    compile_seconds = time.perf_counter() - started
    noisy = not as_noise(study.noise).is_ideal
    if noisy:
        # Noise that does not fit the circuit is found now rather than after the ideal run.
        for compiled in program.filters:
            as_noise(study.noise).noisy_circuit(compiled.template.marked_circuit)
    ideal_layer = QuantumConvolution(
        program, engine=study.ideal_engine, shots=study.shots, seed=study.seed
    )
    ideal = _run(ideal_layer, study.ideal_engine, selection, patches, track, "ideal")
    run, check = None, None
    if noisy:
        noisy_layer = _noisy_layer(program, study, study.noise, ideal_layer.parameters)
        run = _run(noisy_layer, study.noisy_engine, selection, patches, track, "noisy")
        if run.means is not None and study.check_patches:
            check = _checked(noisy_layer, study, patches)
    return ForwardResult(
        study=study,
        selection=selection,
        patches=patches,
        program=program,
        overlaps=ideal_overlaps(patches, study.convolution, ideal_layer.parameters),
        classical=_classical(study.convolution, selection.images, patches),
        ideal=ideal,
        noisy=run,
        check=check,
        compile_seconds=compile_seconds,
    )


def _checked(layer: QuantumConvolution, study: ForwardStudy, patches: Patches) -> Array:
    generator = check_generator(np.random.SeedSequence([study.seed, _CHECK_STREAM]))
    rows = chosen_rows(generator, patches.n_occupied, study.check_patches)
    return z_scores(
        layer.program,
        study.noise,
        patches.states[rows],
        layer.parameters,
        study.check_shots,
        int(generator.integers(2**31)),
    )


def _noisy_layer(
    program: Program, study: ForwardStudy, noise: NoiseConfiguration, parameters: Array
) -> QuantumConvolution:
    # With one seed for both runs their shot noise would be correlated.
    seed = np.random.SeedSequence([study.seed, _NOISY_STREAM]).generate_state(1, np.uint64)[0]
    return QuantumConvolution(
        program,
        engine=study.noisy_engine,
        noise=noise,
        shots=study.shots,
        seed=int(seed),
        parameters=parameters,
    )


def _run(
    layer: QuantumConvolution,
    engine: str,
    selection: Selection,
    patches: Patches,
    track: Track,
    description: str,
) -> ForwardRun:
    """Image by image, which changes no number: each image has a random stream of its own."""
    started = time.perf_counter()
    occupied = np.bincount(patches.positions()[0][patches.occupied], minlength=patches.batch)
    counts, estimates, means = [], [], []
    for index in track(list(range(patches.batch)), description):
        chosen = slice(index, index + 1)
        if not occupied[index]:
            continue
        overlaps = layer.run(selection.images[chosen], image_ids=selection.ids[chosen])
        assert overlaps.counts is not None
        counts.append(overlaps.counts)
        estimates.append(overlaps.estimates)
        means.append(overlaps.exact)
    return ForwardRun(
        engine=engine,
        seed=layer.seed,
        counts=np.concatenate(counts, axis=1),
        estimates=np.concatenate(estimates, axis=1),
        means=_joined(means),
        seconds=time.perf_counter() - started,
    )


def _joined(parts: list[Array | None]) -> Array | None:
    present = [part for part in parts if part is not None]
    return np.concatenate(present, axis=1) if present else None


def _classical(spec: ConvolutionSpec, images: Array, patches: Patches) -> Array:
    values = np.full((spec.n_filters, patches.n_occupied), np.nan)
    shape = (spec.channels, *spec.kernel_pair)
    for row, filter_ in enumerate(spec.filter_list):
        if isinstance(filter_, FixedFilter):
            kernel = filter_.values.reshape(1, *shape)
            values[row] = patches.from_maps(classical_convolution(images, kernel, spec))[0]
    return values
