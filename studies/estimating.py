"""Estimators of studies: by name, with the patches that some of them learn from."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from noise_models import Noise, fields
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.estimators import ESTIMATORS, Estimator, Training, chain
from qucnn_cirq.gradient_methods import Coin
from qucnn_cirq.gradients import GradientMethod
from qucnn_cirq.patches import extract_patches
from studies.images import select_images

TRAINING_IMAGES = 8
"""Images that estimators which learn have seen, none of those that a study reads."""


def check_names(name: object) -> str:
    """Refuses what names no estimators.

    Args:
        name: An estimator's, or several joined by "+", each correcting those before it.

    Raises:
        InputError: If one is unknown.
    """
    for part in str(name).split("+"):
        if part not in ESTIMATORS:
            raise unknown_name("estimator", part, tuple(ESTIMATORS))
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
        "regression": calibrated,
        "readout": calibrated,
        "two_point": calibrated,
        "pauli_weights": calibrated,
    }
    names = name.split("+")
    own = {each: dict(settings[each]) for each in names if each in settings}
    for each in ("optimal", "regression"):
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
    if not method.runs_circuits:
        raise InputError(
            f"method = {method.name!r} runs no circuits: mitigation has no effect, leave it out."
        )
