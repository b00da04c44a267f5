"""The noise study: the forward pass under noise, and what a classifier makes of its maps."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import starmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.convolution import ConvolutionSpec, Patches, ideal_overlaps
from qucnn_cirq.engines import make_engine
from qucnn_cirq.engines.collected import await_counts, hands_out, measuring, predicted_under
from qucnn_cirq.errors import InputError
from qucnn_cirq.heads.linear import LinearClassifier
from qucnn_cirq.layer import QuantumConvolution
from studies.crosscheck import CHECK_COLUMNS, checked_patches, is_checked
from studies.estimating import circuits_of, mitigated_rmse, mitigation_of
from studies.expected import noise_time
from studies.forward import study as forward
from studies.images import (
    PatchBlocks,
    Selection,
    data_digest,
    images_of,
    occupied_patches,
    side_by_side,
)
from studies.mitigation_cost import COST_COLUMNS, sampled_cost, seconds_to_prepare
from studies.noise.configuration import MOST_LOOKS, NoisePoint
from studies.over_drift import DRIFT_COLUMNS, over_drift
from studies.point import layer_seed, noise_of_run, program_of
from studies.statistics import interval_columns, root_mean_square
from studies.sweep.adaptive import interval
from studies.sweep.study import Cost, Measured, Row, Study

Array = NDArray[np.float64]

COLUMNS = {
    "patches": "patches that are not blank, for which circuits were run",
    "blank_patches": "patches that are all zero: F = 0, no circuit",
    "filters": "filters",
    "shots_taken": "shots for each patch and filter",
    "two_qubit_gates": "two-qubit gates of the circuit of a generic patch",
    "two_qubit_depth": "its two-qubit depth",
    "moments": "its moments",
    "engine": "the engine",
    "mean_overlap": "mean of the exact overlap F = |<x|f>|^2",
    "mean_estimate": "mean of the estimates",
    "estimate_low": "lower end of the 95 % confidence interval of the mean noisy overlap",
    "estimate_high": "upper end; valid although the shots stop when it is narrow",
    "rmse": "root mean square of estimate - F over patches and filters",
    "mean_absolute_error": "mean of |estimate - F|",
    "bias": "mean of noisy mean - F (of estimate - F where the engine has no means); predicted, "
    "where counts were collected",
    "measured_bias": "mean of estimate - F of collected counts",
    "measured_bias_error": "its standard error by shots",
    "systematic_rmse": "root mean square of noisy mean - F: the error that more shots leave",
    "shot_rmse": "root of the mean variance of the shots, from the noisy means",
    "predicted_rmse": "root of systematic_rmse^2 + shot_rmse^2",
    **interval_columns("predicted_rmse"),
    "mitigated_rmse": "RMSE by theory of as many shots with mitigation = 'readout+two_point'",
    "relative_rmse": "rmse / root mean square of F",
    "correlation": "Pearson correlation of estimates and F",
    "images_classified": "images that the classifier read",
    "correct": "images of which it named the digit",
    "correct_exact": "the same with exact feature maps",
    **DRIFT_COLUMNS,
    **COST_COLUMNS,
    **CHECK_COLUMNS,
}
"""What the columns mean; those that do not apply to any point are absent."""


def digest(settings: NoisePoint) -> Mapping[str, str]:
    """Digests of the compiled circuits and of the images.

    Args:
        settings: Those of the point.
    """
    digests = forward.digest(settings)
    if not settings.classify:
        return digests
    trained = ("train", 0, settings.classify, settings.data)
    return {**digests, "training images": data_digest(*trained, settings.convolution)}


def cost(settings: NoisePoint) -> Cost:
    """What a point takes: patches times filters, about 3 microseconds each where exact.

    The noisy states of loaders and filters are kept for points that differ in shots alone.

    Args:
        settings: Those of the point.
    """
    blocks = occupied_patches(*images_of(settings), settings.convolution)
    circuits = blocks.grid.n_occupied * settings.convolution.n_filters
    register = settings.convolution.register_qubits
    engine = settings.noisy_engine.removesuffix(":trajectories")
    size = 4.0 ** max(0, register - 4)
    program = program_of(settings)
    mitigated = circuits_of(settings.mitigation, settings, program)
    runs, time = circuits * mitigated, noise_time(settings.noise, program)
    if engine == "exact":
        seconds = time.of_errors(2.5e-6 * size * runs, runs)
    else:
        seconds = runs * (1.1e-4 * settings.shots if engine == "qsim" else 3e-2)
    seconds += seconds_to_prepare(mitigated, program)
    # A test that loads both on qubits of their own has the larger states.
    evolved = 0.02 if len(program.filters[0].template.qubits) <= register else 0.12
    key = repr((settings.convolution.to_mapping(), settings.device, settings.noise.to_mapping()))
    return Cost(
        circuits * mitigated,
        circuits * settings.shots,
        0.005 + seconds,
        # Counts of all shots and of a round, estimates, exact overlaps and means.
        40 * circuits + max(8 * 4 ** (register + 4), 30 * blocks.block_bytes),
        {key: evolved * size} if engine == "exact" else {},
    )


def most_shots(settings: NoisePoint) -> int:
    """The most shots of each circuit that a point takes.

    Args:
        settings: Those of the point.
    """
    return settings.shots if settings.precision is None else settings.most_shots


def measure(
    settings: NoisePoint,
    seed: np.random.SeedSequence,
    earlier: Mapping[str, NDArray[Any]] | None = None,
) -> Measured:
    """Runs the forward pass of one point.

    Args:
        settings: The settings.
        seed: Seed of the shots.
        earlier: The arrays of the same point with fewer shots, to which more are added.

    Returns:
        One row with the columns that `COLUMNS` documents; `counts` (but of mitigation that runs
        further circuits), `estimates`, the `exact`
        overlaps and the `variance` of mitigated estimates, shape (filters, patches that are not
        blank); and in `rounds` the shots of each
        round that was taken.

    Raises:
        InputError: If the convolution does not fit the device or the images.
        InputError: If the noise does not fit the device.
    """
    spec = settings.convolution
    blocks = occupied_patches(*images_of(settings), spec)
    grid = blocks.grid
    program = program_of(settings)
    parameters = _parameters(spec, settings.seed, settings.repeat)
    exact = _exact(blocks, spec, parameters)
    shots_seed, checks_seed = seed.spawn(2)
    rounds_before = 0 if earlier is None else len(earlier["rounds"])
    engine = measuring(make_engine(settings.noisy_engine))
    layer = QuantumConvolution(
        program,
        engine=engine,
        noise=noise_of_run(settings),
        shots=settings.shots,
        seed=layer_seed(shots_seed),
        parameters=parameters,
        mitigation=mitigation_of(
            settings, as_noise(settings.noise), layer_seed(shots_seed), rounds_before, engine
        ),
    )
    means, taken, rounds, ends = _take_shots(layer, blocks, settings, earlier)
    shots, observable = sum(rounds), program.filters[0].template.observable
    estimates = taken.get("estimates")
    if estimates is None:
        estimates = np.asarray(observable.mean(taken["counts"] / shots))
    report = program.report
    row: Row = {
        "patches": grid.n_occupied,
        "blank_patches": int(grid.blank.sum()),
        "filters": spec.n_filters,
        "shots_taken": shots,
        "two_qubit_gates": report.two_qubit_gates,
        "two_qubit_depth": report.two_qubit_depth,
        "moments": report.moments,
        "engine": layer.engine.name,
        **_errors(estimates, means, exact),
        **sampled_cost(layer, blocks, shots),
    }
    if settings.mitigation is None:
        row["estimate_low"], row["estimate_high"] = (float(observable.mean(end)) for end in ends)
    if hands_out():
        # Of the estimates alone, whatever is predicted of them.
        # Over one shot less, since estimates are closer to themselves than the means are.
        spread = taken.get("variance")
        if spread is None:
            spread = observable.variance(estimates, max(1, shots - 1))
        row["measured_bias"] = float((estimates - exact).mean())
        row["measured_bias_error"] = float(np.sqrt(spread.mean() / spread.size))
    if means is not None:
        variance = taken.get(
            "variance", observable.variance(np.clip(means, observable.low, 1), shots)
        )
        systematic = root_mean_square(means - exact)
        row["systematic_rmse"] = systematic
        row |= over_drift(layer, exact, lambda each: _overlaps(each, blocks)["exact"])
        noise = predicted_under(settings.noise)
        if settings.mitigation is None and not as_noise(noise).is_ideal:
            row["mitigated_rmse"] = mitigated_rmse(program, parameters, blocks, noise, shots)
        row["shot_rmse"] = float(np.sqrt(variance.mean()))
        row["predicted_rmse"] = float(np.sqrt(systematic**2 + variance.mean()))
    if settings.classify:
        maps = {"correct": estimates, "correct_exact": exact}
        row |= _classified(settings, blocks, maps)
    if is_checked(settings, seed):
        generator = np.random.default_rng(checks_seed)
        row |= checked_patches(
            settings,
            program,
            grid.n_occupied,
            blocks.states,
            parameters,
            generator,
            layer.mitigation,
        )
    arrays = {
        **taken,
        "estimates": estimates,
        "exact": exact,
        "rounds": np.array(rounds, dtype=np.int64),
    }
    return Measured([row], arrays, shots)


def _take_shots(
    layer: QuantumConvolution,
    blocks: PatchBlocks,
    settings: NoisePoint,
    earlier: Mapping[str, NDArray[Any]] | None,
) -> tuple[Array | None, dict[str, NDArray[Any]], list[int], tuple[float, float]]:
    """Rounds of shots until there are enough, or the mean is known well enough.

    Each round has streams of its own, by its number, so that one that is taken later is independent
    of those before.

    Returns:
        What the estimates are on average if that is known; the counts of all rounds, and mitigated
        estimates with their variance; the shots of each round; and the confidence interval of the
        mean probability of the observable's larger value.
    """
    template = layer.program.filters[0].template
    observable = template.observable
    shape = settings.convolution.n_filters, blocks.grid.n_occupied
    taken: dict[str, NDArray[Any]] = {}
    if layer.mitigation is None or not layer.mitigation.runs_circuits:
        taken["counts"] = np.zeros(shape, dtype=np.int64)
    if settings.mitigation is not None:
        taken |= {"estimates": np.zeros(shape), "variance": np.zeros(shape)}
    rounds: list[int] = []
    if earlier is not None:
        taken = {name: earlier[name].copy() for name in taken}
        rounds += [int(each) for each in earlier["rounds"]]
    means: Array | None = None
    has_run, ends = False, (0.0, 1.0)
    while True:
        shots, look = sum(rounds), len(rounds)
        if rounds:
            if settings.precision is not None:
                await_counts()
            if "counts" in taken:
                counted = int(taken["counts"].sum())
                ends = interval(counted, shots * taken["counts"].size, look)
            half_width = (ends[1] - ends[0]) / 2 * (1 - observable.low)
            enough = (
                shots >= settings.shots
                if settings.precision is None
                else half_width <= settings.precision
                or shots >= settings.most_shots
                or look >= MOST_LOOKS
            )
            if enough:
                break
        # With a precision, rounds as large as all before them, so that looking often costs little.
        more = settings.shots - shots if settings.precision is None else shots or settings.shots
        layer.shots = min(more, most_shots(settings) - shots)
        found = _overlaps(layer, blocks, draw=look)
        if "counts" in taken:
            taken["counts"] += found["counts"]
        if settings.mitigation is not None:
            part = layer.shots / (shots + layer.shots)
            for name, power in (("estimates", 1), ("variance", 2)):
                taken[name] *= (1 - part) ** power
                taken[name] += part**power * found[name]
        rounds.append(layer.shots)
        means, has_run = found.get("exact"), True
    is_raw = settings.mitigation is None
    if not (has_run and is_raw) and layer.engine.gives_means(template, as_noise(settings.noise)):
        layer.shots = None
        means = _overlaps(layer, blocks)["exact" if is_raw else "estimates"]
    return means, taken, rounds, ends


def _overlaps(
    layer: QuantumConvolution, blocks: PatchBlocks, draw: int = 0
) -> dict[str, NDArray[Any]]:
    """What the layer counts and, where there are any, exact means and mitigated estimates."""

    def of_block(images: Selection, patches: Patches) -> dict[str, NDArray[Any]]:
        found = layer.run(patches, images.ids, draw)
        every = {"exact": found.exact, "counts": found.counts}
        if layer.mitigation is not None:
            every |= {"estimates": found.estimates, "variance": found.variances}
        return {name: array for name, array in every.items() if array is not None}

    return side_by_side(starmap(of_block, blocks))


def _exact(blocks: PatchBlocks, spec: ConvolutionSpec, parameters: Array) -> Array:
    each = ({"exact": ideal_overlaps(patches, spec, parameters)} for _, patches in blocks)
    return side_by_side(each)["exact"]


def _errors(estimates: Array, means: Array | None, exact: Array) -> Row:
    errors = estimates - exact
    row: Row = {
        "mean_overlap": float(exact.mean()),
        "mean_estimate": float(estimates.mean()),
        "rmse": root_mean_square(errors),
        "mean_absolute_error": float(np.abs(errors).mean()),
        "bias": float(errors.mean()),
        "relative_rmse": root_mean_square(errors) / root_mean_square(exact),
    }
    if estimates.size > 1 and estimates.std() > 0 and exact.std() > 0:
        row["correlation"] = float(np.corrcoef(estimates.ravel(), exact.ravel())[0, 1])
    if means is not None:
        row["bias"] = float((means - exact).mean())
    return row


def _classified(settings: NoisePoint, blocks: PatchBlocks, maps: Mapping[str, Array]) -> Row:
    """What a linear classifier, fitted to exact maps of other images, makes of maps."""
    spec, labels = settings.convolution, _labels(blocks.selection)
    if settings.split == "train":
        raise InputError(
            "classify fits to images of the training split: read other ones, split = 'test'."
        )
    # An ansatz has other angles in each repetition, fixed filters do not.
    repeat = settings.repeat if spec.n_parameters else 0
    classifier = _fitted(settings.classify, settings.data, spec, settings.seed, repeat)
    row: Row = {"images_classified": len(labels)}
    for name, values in maps.items():
        features = blocks.grid.to_maps(values).reshape(len(labels), -1)
        row[name] = int((classifier.predict(features) == labels).sum())
    return row


def _labels(selection: Selection) -> NDArray[np.int64]:
    if selection.labels is None:
        raise InputError("classify needs labels, and these images have none: set classify = 0.")
    return selection.labels


def _parameters(spec: ConvolutionSpec, seed: int, repeat: int) -> Array:
    """Angles of an ansatz: the same for all points with the same seed and repetition."""
    generator = np.random.default_rng([seed, repeat])
    return generator.uniform(0, 2 * np.pi, (spec.n_filters, spec.n_parameters))


@functools.lru_cache(maxsize=8)
def _fitted(
    count: int, data: str | None, convolution: ConvolutionSpec, seed: int, repeat: int
) -> LinearClassifier:
    blocks = occupied_patches("train", 0, count, data, convolution)
    labels = _labels(blocks.selection)
    exact = _exact(blocks, convolution, _parameters(convolution, seed, repeat))
    return LinearClassifier.fit(blocks.grid.to_maps(exact).reshape(count, -1), labels)


STUDY = Study(
    settings=NoisePoint,
    title="How wrong are the feature maps, and what does a classifier make of them?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.noise.figures",
    findings="studies.noise.findings",
    program=program_of,
    targets=("shots", "precision", "most_shots"),
    most_shots=most_shots,
    collects=True,
)
