"""The forward study: the layer without noise and, if there is some, with it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models import Calibration, NoiseConfiguration, as_noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.compilation import better_overlap_test
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import (
    ConvolutionSpec,
    Patches,
    classical_convolution,
    ideal_overlaps,
)
from qucnn_cirq.engines import engine_digest, make_engine
from qucnn_cirq.engines.collected import hands_out, measuring, predicted_under
from qucnn_cirq.filters import FixedFilter
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import CHECK_COLUMNS, checked_patches, is_checked
from studies.estimating import circuits_of, mitigated_rmse, mitigation_of
from studies.expected import noise_time
from studies.forward.configuration import ForwardPoint
from studies.images import (
    PatchBlocks,
    Selection,
    images_of,
    occupied_patches,
    side_by_side,
)
from studies.mitigation_cost import COST_COLUMNS, sampled_cost, seconds_to_prepare
from studies.outcomes import packed, unpacked
from studies.over_drift import DRIFT_COLUMNS, over_drift
from studies.point import compiler_options, layer_seed, noise_of_run, program_and_images, program_of
from studies.statistics import interval_columns, root_mean_square
from studies.sweep.study import Cost, Measured, Row, Study
from studies.wording import noise_in_words

Array = NDArray[np.float64]

RUNS = {"ideal": "", "noisy": "noisy_"}
"""The prefix of each run's columns and arrays."""

_ERRORS = {
    "rmse": "root mean square of estimate - F over the patches for which circuits were run",
    "rmse_all": "the same over all patches, blank ones included",
    "shot_noise_rmse": "what shots alone would cause at the exact overlaps F",
    "bias": "mean of estimate - F",
    "predicted_rmse": "root mean square error by theory: variance of the shots, and exact means",
    "predicted_rmse_all": "the same over all patches",
    "ratio": "rmse / predicted_rmse",
    "predicted_bias": "mean of the engine's mean - F",
    "systematic_rmse": "root mean square of the engine's mean - F: what more shots leave",
    "largest_mean_error": "largest |engine's mean - F|",
    "within_one_sigma": "fraction of estimates within a standard deviation of the engine's mean",
    "contraction": "slope of the least-squares line of the engine's means against F",
    "offset": "its value at F = 0",
}
COLUMNS = {
    "images": "images",
    "filters": "filters",
    "patches": "patches",
    "blank_patches": "patches that are all zero: F = 0 by definition, no circuit is run",
    "shots_taken": "shots for each patch and filter, of each run",
    "overlap": "the overlap test",
    "device": "the device",
    "qubits": "qubits of the circuit of a generic patch",
    "gate_set": "its native two-qubit gate",
    "two_qubit_gates": "its two-qubit gates",
    "two_qubit_depth": "its two-qubit depth",
    "moments": "its moments",
    "engine": "the engine of the run without noise",
    "noisy_engine": "the engine of the run with noise",
    **_ERRORS,
    **{f"noisy_{key}": f"{words}, with noise" for key, words in _ERRORS.items()},
    **interval_columns("noisy_predicted_rmse"),
    "mitigated_rmse": "RMSE by theory of the noisy run's shots with mitigation = "
    "'readout+two_point'",
    **DRIFT_COLUMNS,
    **COST_COLUMNS,
    "noise_in_words": "the noise of the noisy run; beside collected counts, the one that predicts",
    "warning": "that the circuit is next to never right, if it is",
    "hint": "which overlap test has a smaller predicted error, if one has",
    **CHECK_COLUMNS,
}
"""What the columns mean; those of errors need an engine that gives means, or noise."""


@dataclass(frozen=True, eq=False)
class Run:
    """What one engine measured; arrays have the shape (filters, occupied patches).

    Attributes:
        engine: The engine's name.
        estimates: The overlaps that follow from the counts.
        means: What the estimates are on average: the means from which shots were drawn, or what
            mitigation makes of infinitely many; None if the engine only sampled.
        variance: Of the estimates, where mitigation made them; else None.
    """

    engine: str
    estimates: Array
    means: Array | None
    variance: Array | None = None


def digest(settings: ForwardPoint) -> Mapping[str, str]:
    """Digests of the compiled circuits and of the images, and of an engine of the user's own.

    Args:
        settings: Those of the point.
    """
    return {
        **program_and_images(settings),
        **engine_digest(settings.noisy_engine),
    }


def cost(settings: ForwardPoint) -> Cost:
    """What a point takes: both runs, and the shots of the check.

    Args:
        settings: Those of the point.
    """
    blocks = occupied_patches(*images_of(settings), settings.convolution)
    program = program_of(settings)
    mitigated = circuits_of(settings.mitigation, settings, program)
    circuits = blocks.grid.n_occupied * settings.convolution.n_filters
    size = 4.0 ** max(0, settings.convolution.register_qubits - 4)
    noisy = not as_noise(settings.noise).is_ideal
    each = {"exact": 2.5e-6 * size}
    seconds = circuits * each.get(settings.ideal_engine, 6e-5)
    if noisy:
        engine, time = settings.noisy_engine, noise_time(settings.noise, program)
        if engine == "exact":
            seconds += time.of_errors(each["exact"] * circuits, circuits)
        elif engine.removesuffix(":trajectories") == "qsim":
            seconds += circuits * 1.1e-4 * settings.shots
        else:
            seconds += circuits * 3e-2
        checked = min(settings.check_patches, blocks.grid.n_occupied)
        seconds += settings.check_fraction * checked * (0.02 + 4e-6 * settings.check_shots)
    seconds = seconds * mitigated + seconds_to_prepare(mitigated, program)
    seconds += blocks.grid.n_occupied * program.filters[0].seconds_to_load
    # Of each run counts, estimates and means; once exact and classical values, and the images.
    returned = circuits * (16 + 24 * (1 + noisy)) + blocks.selection.images.nbytes
    circuits *= 1 + noisy
    memory = returned + 30 * blocks.block_bytes
    return Cost(circuits * mitigated, circuits * settings.shots, 0.4 + seconds, memory)


def measure(
    settings: ForwardPoint,
    seed: np.random.SeedSequence,
    earlier: Mapping[str, NDArray[Any]] | None = None,
) -> Measured:
    """Runs the layer without noise and, if there is some, with it.

    Args:
        settings: The settings.
        seed: Seed of the shots of both runs and of the check.
        earlier: The arrays of the same point with fewer shots, to which more are added.

    Returns:
        One row with the columns `COLUMNS`. Of every filter and patch that is not blank, shape
        (filters, patches), `counts` (not of mitigation that runs further circuits),
        `estimates`, `exact` (the overlap F by linear algebra alone), `means` if the engine gives
        them, `variance` of mitigated estimates, counts of all outcomes
        (see `studies.outcomes.NAMES`) where they are kept, `classical` (the plain
        convolution) for fixed real kernels, and `noisy_counts` and so on. The `images`, their `ids`
        and `labels`, `blank` (images, rows, columns), `low`, the smaller value of a shot, and
        `rounds`, the shots of each
        round that was taken.

    Raises:
        InputError: If the convolution does not fit the device or the images.
        InputError: If the noise does not fit the device.
    """
    spec = settings.convolution
    blocks = occupied_patches(*images_of(settings), spec)
    selection, grid = blocks.selection, blocks.grid
    program = program_of(settings)
    for compiled in program.filters:
        # Noise that does not fit the circuit is found now rather than after the ideal run.
        as_noise(settings.noise).nominal.noisy_circuit(compiled.template.marked_circuit)
    rounds = [] if earlier is None else [int(each) for each in earlier["rounds"]]
    shots = settings.shots - sum(rounds)
    # Angles of an ansatz derive from the seed in the settings, so that points share them.
    parameters = QuantumConvolution(program, seed=settings.seed).parameters
    ideal_seed, noisy_seed, check_seed = seed.spawn(3)
    observable = program.filters[0].template.observable
    layers = {
        name: QuantumConvolution(
            program,
            engine=engine,
            noise=noise,
            shots=shots,
            seed=layer_seed(own_seed),
            parameters=parameters,
            mitigation=mitigation_of(
                settings, as_noise(noise), layer_seed(own_seed), len(rounds), engine
            ),
            keep_outcomes=settings.keep_outcomes,
        )
        for name, engine, noise, own_seed in (
            ("ideal", make_engine(settings.ideal_engine), None, ideal_seed),
            (
                "noisy",
                measuring(make_engine(settings.noisy_engine)),
                noise_of_run(settings),
                noisy_seed,
            ),
        )
        # What was measured elsewhere stands in the noisy run, whatever is predicted of it.
        if name == "ideal" or hands_out() or not as_noise(noise).is_ideal
    }

    def of_block(images: Selection, patches: Patches) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = {"exact": ideal_overlaps(patches, spec, parameters)}
        if any(isinstance(each, FixedFilter) for each in spec.filter_list):
            found["classical"] = _classical(spec, images.images, patches)
        for name, layer in layers.items():
            overlaps = layer.run(patches, images.ids, draw=len(rounds))
            if overlaps.counts is not None:
                found[f"{RUNS[name]}counts"] = overlaps.counts
            if overlaps.outcomes is not None:
                found |= packed(overlaps.outcomes, RUNS[name])
            if settings.mitigation is not None:
                found[f"{RUNS[name]}estimates"] = overlaps.estimates
                found[f"{RUNS[name]}variance"] = overlaps.variances
            means = _limit(layer, patches, overlaps.exact)
            if means is not None:
                found[f"{RUNS[name]}means"] = means
        return found

    arrays: dict[str, NDArray[Any]] = {"images": selection.images, "ids": selection.ids}
    if selection.labels is not None:
        arrays["labels"] = selection.labels
    arrays["blank"] = grid.blank.reshape(grid.batch, grid.rows, grid.columns)
    arrays |= side_by_side(starmap(of_block, blocks))
    runs: dict[str, Run] = {}
    for name, layer in layers.items():
        counts = arrays.get(f"{RUNS[name]}counts")
        if earlier is not None:
            if counts is not None:
                counts += earlier[f"{RUNS[name]}counts"]
            if settings.keep_outcomes:
                sizes = len(observable.table), RUNS[name]
                both = zip(unpacked(arrays, *sizes), unpacked(earlier, *sizes), strict=True)
                arrays |= packed([own + other for own, other in both], RUNS[name])
        means = arrays.get(f"{RUNS[name]}means")
        if settings.mitigation is None:
            assert counts is not None
            estimates = np.asarray(observable.mean(counts / settings.shots))
            runs[name] = Run(layer.engine.name, estimates, means)
        else:
            estimates, variance = _added(arrays, RUNS[name], earlier, shots, settings.shots)
            runs[name] = Run(layer.engine.name, estimates, means, variance)
            arrays[f"{RUNS[name]}variance"] = variance
        arrays[f"{RUNS[name]}estimates"] = estimates
    row = _row(settings, program, blocks, parameters, runs, arrays["exact"])
    last = list(layers.values())[-1]
    row |= sampled_cost(last, blocks, settings.shots)
    noisy = runs.get("noisy")
    if noisy is not None and noisy.means is not None:
        row |= over_drift(layers["noisy"], arrays["exact"], lambda each: _means_of(each, blocks))
    if noisy is not None and noisy.means is not None and is_checked(settings, seed):
        generator = np.random.default_rng(check_seed)
        row |= checked_patches(
            settings,
            program,
            grid.n_occupied,
            blocks.states,
            parameters,
            generator,
            last.mitigation,
        )
    arrays["low"] = np.array(observable.low)
    arrays["rounds"] = np.array([*rounds, shots], dtype=np.int64)
    return Measured([row], arrays, settings.shots)


def _means_of(layer: QuantumConvolution, blocks: PatchBlocks) -> Array:
    """The means of a layer without shots, shape (filters, occupied patches)."""
    each = ({"means": layer.run(patches, images.ids).estimates} for images, patches in blocks)
    return side_by_side(each)["means"]


def _limit(layer: QuantumConvolution, patches: Patches, means: Array | None) -> Array | None:
    """What the layer's estimates are on average: its exact means, unless they are mitigated."""
    if layer.mitigation is None:
        return means
    has_means = means is not None
    if layer.mitigation.runs_circuits:
        template = layer.program.filters[0].template
        has_means = layer.engine.gives_means(template, layer.noise)
    if not has_means:
        return None
    exact = copy.copy(layer)
    exact.shots = None
    return exact.run(patches).estimates


def _added(
    arrays: Mapping[str, NDArray[Any]],
    prefix: str,
    earlier: Mapping[str, NDArray[Any]] | None,
    shots: int,
    total: int,
) -> tuple[Array, Array]:
    """Mitigated estimates and their variances, with those of earlier rounds of shots."""
    part = shots / total
    estimates = part * arrays[f"{prefix}estimates"]
    variance = part**2 * arrays[f"{prefix}variance"]
    if earlier is not None:
        estimates += (1 - part) * earlier[f"{prefix}estimates"]
        variance += (1 - part) ** 2 * earlier[f"{prefix}variance"]
    return estimates, variance


def _row(
    settings: ForwardPoint,
    program: Program,
    blocks: PatchBlocks,
    parameters: Array,
    runs: Mapping[str, Run],
    exact: Array,
) -> Row:
    report, grid = program.report, blocks.grid
    row: Row = {
        "images": grid.batch,
        "filters": len(exact),
        "patches": len(grid),
        "blank_patches": int(grid.blank.sum()),
        "shots_taken": settings.shots,
        "overlap": program.spec.overlap,
        "device": report.device,
        "qubits": report.qubits,
        "gate_set": report.gateset,
        "two_qubit_gates": report.two_qubit_gates,
        "two_qubit_depth": report.two_qubit_depth,
        "moments": report.moments,
    }
    occupied = grid.n_occupied / len(grid)
    for name, run in runs.items():
        prefix = RUNS[name]
        row[f"{prefix}engine"] = run.engine
        observable = program.filters[0].template.observable
        errors = _error_row(run, exact, observable, settings.shots, occupied)
        row |= {f"{prefix}{key}": value for key, value in errors.items()}
    if "noisy" in runs:
        noise = predicted_under(settings.noise)
        row["noise_in_words"] = _noise_text(noise)
        # What assumes the noise cannot know the rates of each image.
        is_steady = as_noise(noise).drift is None
        if settings.mitigation is None and is_steady and runs["noisy"].means is not None:
            row["mitigated_rmse"] = mitigated_rmse(
                program, parameters, blocks, noise, settings.shots
            )
    if report.warning is not None:
        row["warning"] = report.warning
    hint = better_overlap_test(program, **compiler_options(settings))
    if hint is not None:
        row["hint"] = hint
    return row


def _error_row(run: Run, exact: Array, observable: Observable, shots: int, occupied: float) -> Row:
    """Errors of one run, measured and predicted, with the columns of `COLUMNS` without prefix.

    Args:
        run: The run.
        exact: The overlaps F, shape (filters, occupied patches).
        observable: What a shot gives.
        shots: Shots for each patch and filter.
        occupied: Fraction of the patches that are not blank: those have no error, as their overlap
            is 0 by definition.
    """
    errors = run.estimates - exact
    rmse = root_mean_square(errors)
    row: Row = {
        "rmse": rmse,
        "rmse_all": rmse * float(np.sqrt(occupied)),
        "shot_noise_rmse": float(np.sqrt(observable.variance(exact, shots).mean())),
        "bias": float(errors.mean()),
    }
    if run.means is None:
        return row
    systematic = run.means - exact
    variance = run.variance
    if variance is None:
        # Single-precision means may lie a rounding beyond 1.
        variance = observable.variance(np.clip(run.means, observable.low, 1.0), shots)
    predicted = float(np.sqrt((systematic**2 + variance).mean()))
    slope, offset = _line(exact.ravel(), run.means.ravel())
    return row | {
        "predicted_rmse": predicted,
        "predicted_rmse_all": predicted * float(np.sqrt(occupied)),
        "ratio": rmse / predicted if predicted > 0 else None,
        "predicted_bias": float(systematic.mean()),
        "systematic_rmse": root_mean_square(systematic),
        "largest_mean_error": float(np.abs(systematic).max()),
        "within_one_sigma": float((np.abs(run.estimates - run.means) <= np.sqrt(variance)).mean()),
        "contraction": slope,
        "offset": offset,
    }


def _classical(spec: ConvolutionSpec, images: Array, patches: Patches) -> Array:
    """The plain convolution, NaN for filters that are not fixed real kernels."""
    values = np.full((spec.n_filters, patches.n_occupied), np.nan)
    shape = (spec.channels, *spec.kernel_pair)
    for row, filter_ in enumerate(spec.filter_list):
        if isinstance(filter_, FixedFilter):
            kernel = filter_.values.reshape(1, *shape)
            values[row] = patches.from_maps(classical_convolution(images, kernel, spec))[0]
    return values


def _noise_text(noise: NoiseConfiguration) -> str:
    """The noise in a line; a calibration by its name."""
    calibrated = noise.calibrated
    name = calibrated.name if isinstance(calibrated, Calibration) else calibrated
    named = {} if name is None else {"calibrated": name}
    return noise_in_words({**noise.to_mapping(), **named})


def _line(x: Array, y: Array) -> tuple[float | None, float | None]:
    """Slope and offset of the least-squares line, None where the points do not fix it."""
    spread = x - x.mean()
    if not spread.any():
        return None, None
    slope = float((spread * y).sum() / (spread**2).sum())
    return slope, float(y.mean() - slope * x.mean())


STUDY = Study(
    settings=ForwardPoint,
    title="How wrong do the feature maps of a quantum convolution become, and why?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.forward.figures",
    findings="studies.forward.findings",
    program=program_of,
    targets=("shots",),
    most_shots=lambda settings: settings.shots,
    collects=True,
)
