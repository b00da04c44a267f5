"""Estimators of studies: by name, with the patches that some of them learn from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration, as_noise, fields
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ConvolutionSpec, filter_states
from qucnn_cirq.engines import ExactEngine
from qucnn_cirq.errors import InputError
from qucnn_cirq.estimators import (
    Estimator,
    Readout,
    Recording,
    Training,
    TwoPoint,
    chain,
    check_chain,
    evaluate,
    readings_of,
)
from qucnn_cirq.gradient_methods import Coin
from qucnn_cirq.gradients import GradientMethod
from qucnn_cirq.measured_gradient import MeasuredOnceGradient
from qucnn_cirq.patches import extract_patches
from studies.images import PatchBlocks, select_images
from studies.wording import span_text

TRAINING_IMAGES = 8
"""Images that estimators which learn have seen, none of those that a study reads."""


def check_names(name: object) -> str:
    """Refuses what names no estimators.

    Args:
        name: An estimator's, or several joined by "+", each correcting those before it.

    Raises:
        InputError: If one is unknown, or corrects no other.
    """
    check_chain(str(name).split("+"))
    return str(name)


def mitigation_field() -> Any:
    """The field of a study's settings that names what makes overlaps of all outcomes."""

    def check(key: str, value: object) -> str | None:
        return None if value is None else check_names(value)

    return fields.checked(check, default=None)


def make_estimator(
    name: str,
    training: Callable[[], Training],
    shots: int,
    calibration_shots: int,
    seed: int,
    device: Noise,
) -> Estimator:
    """The estimators of a name.

    Args:
        name: As for `check_names`.
        training: Gives the patches to learn from, to those that do.
        shots: Shots of each patch.
        calibration_shots: Shots of each calibration circuit; 0 for exact means.
        seed: Of those.
        device: The noise that calibration circuits are run under.

    Raises:
        InputError: If estimators do not go together.
    """
    calibrated: dict[str, Any] = {"device": device, "seed": seed}
    if calibration_shots:
        calibrated["shots"] = calibration_shots
    settings: dict[str, dict[str, Any]] = {
        "optimal": {"shots": shots},
        "auto": {"shots": shots},
        "unbiased": {},
        "regression": calibrated,
        "readout": calibrated,
        "two_point": calibrated,
        "pauli_weights": calibrated,
    }
    names = name.split("+")
    own = {each: dict(settings[each]) for each in names if each in settings}
    for each in ("optimal", "regression", "unbiased", "auto"):
        if each in own:
            own[each]["training"] = training()
    return chain(names, own)


def mitigation_of(settings: Any, noise: Noise) -> Estimator | None:
    """What makes overlaps of all outcomes at a point.

    Args:
        settings: Those of a point with a field `mitigation`.
        noise: The noise that its circuits are run under.

    Returns:
        The estimator; None where the mean of the observable is taken.
    """
    if settings.mitigation is None:
        return None
    split = "test" if getattr(settings, "split", "test") == "train" else "train"
    return make_estimator(
        settings.mitigation,
        functools.partial(_training, split, getattr(settings, "data", None), settings.convolution),
        max(1, settings.shots),
        0,
        settings.seed,
        noise,
    )


@functools.lru_cache(maxsize=8)
def _training(split: str, data: str | None, convolution: ConvolutionSpec) -> Training:
    """Patches of the part of the data that is not read."""
    images = select_images(split, 0, TRAINING_IMAGES, data).images
    return Training(extract_patches(images, convolution).states)


def check_goes_with(mitigation: str | None, method: type[GradientMethod] | None) -> None:
    """Refuses a gradient method that reads single outcomes together with mitigation.

    Args:
        mitigation: The setting.
        method: The class of the method; None if it is not known here.

    Raises:
        InputError: If they do not go together.
    """
    if mitigation is None or method is None:
        return
    if method.takes_reader or issubclass(method, Coin):
        raise InputError(
            f"method = {method.name!r} reads single outcomes, of which mitigation makes overlaps: "
            "choose method = 'parameter_shift', or leave mitigation out."
        )
    if issubclass(method, MeasuredOnceGradient):
        raise InputError(
            f"method = {method.name!r} is an estimator of its own: mitigation has no effect, leave "
            "it out."
        )
    if not method.runs_circuits:
        raise InputError(
            f"method = {method.name!r} runs no circuits: mitigation has no effect, leave it out."
        )


COMPARED = "readout+two_point"
"""What studies without mitigation are compared with: it learns from no patches."""
_MOST_COMPARED = 300
"""Patches of each filter that are compared."""


def mitigated_rmse(
    program: Program,
    parameters: NDArray[np.float64],
    blocks: PatchBlocks,
    noise: NoiseConfiguration,
    shots: int,
) -> float | None:
    """The RMSE that mitigation would make of the same shots, over some of the patches.

    Args:
        program: The compiled convolution.
        parameters: Angles of the filters, shape (filters, parameters).
        blocks: The patches.
        noise: The noise.
        shots: Shots of each patch and filter.

    Returns:
        That of `COMPARED`, exactly; None where it is not possible or the circuits have no exact
        distributions.
    """
    found = _compared(program, parameters.tobytes(), blocks, noise)
    if found is None:
        return None
    bias, variance = found
    return float(np.sqrt(bias + variance / shots))


def mitigation_lines(table: pd.DataFrame, rmse: str) -> list[str]:
    """Says where mitigation would have made a smaller error of the same shots.

    Args:
        table: Results with a column `mitigated_rmse`, or without.
        rmse: The column of the error that was measured.

    Returns:
        A line; none where it would not have been smaller anywhere.
    """
    if "mitigated_rmse" not in table:
        return []
    ratio = (table["mitigated_rmse"] / table[rmse]).dropna()
    better = ratio[ratio < 1]
    if better.empty:
        return []
    where = "" if len(table) == 1 else f" in {len(better)} of {len(table)} points"
    return [
        f"mitigation = {COMPARED!r} would make {span_text(better, '.2f')} times the RMSE of the "
        f"same shots{where}; see docs/estimators.md"
    ]


@functools.lru_cache(maxsize=64)
def _compared(
    program: Program, angles: bytes, blocks: PatchBlocks, noise: NoiseConfiguration
) -> tuple[float, float] | None:
    """Mean squared bias, and mean variance of one shot."""
    spec = program.spec
    shape = spec.n_filters, spec.n_parameters
    parameters = np.frombuffer(angles).reshape(shape)
    count = blocks.grid.n_occupied
    states = blocks.states(np.unique(np.linspace(0, count - 1, _MOST_COMPARED).astype(np.intp)))
    sums = np.zeros(2)
    for row, vector in enumerate(filter_states(spec, parameters)):
        compiled = program.filters[row]
        table = compiled.filter_table(parameters[row] if spec.n_parameters else None)
        readings = readings_of(compiled, table, vector, as_noise(noise), ExactEngine())
        try:
            errors = evaluate(TwoPoint(Readout()), Recording.of(readings, states))
        except InputError:
            return None
        sums += (errors.bias**2).mean(), errors.variance.mean()
    bias, variance = sums / spec.n_filters
    return float(bias), float(variance)
