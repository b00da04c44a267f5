"""Mitigation in studies: estimators and methods by name, what they learn from, what they cost."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from noise_models import Noise, NoiseConfiguration, as_noise, fields
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.compiled_filter import Variant
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ConvolutionSpec, filter_states
from qucnn_cirq.engines import Engine, ExactEngine, as_twirl, twirled_engine
from qucnn_cirq.errors import InputError, unknown_name
from qucnn_cirq.estimators import (
    ESTIMATORS,
    TWIRL,
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
from qucnn_cirq.mitigation import (
    METHODS,
    ErrorCancellation,
    MitigationMethod,
    PurityRescaling,
    SelfOverlap,
)
from qucnn_cirq.patches import extract_patches
from studies.images import PatchBlocks, select_images
from studies.mitigation_cost import cost_row, parts_of, spread_rows
from studies.wording import span_text

TRAINING_IMAGES = 8
"""Images that estimators which learn have seen, none of those that a study reads."""


def check_names(name: object, beside: tuple[str, ...] = ()) -> str:
    """Refuses what names no mitigation.

    Args:
        name: An estimator's, or several joined by "+", each correcting those before it; or that of
            a method that runs further circuits (`qucnn_cirq.mitigation.METHODS`).
        beside: Further names that may stand in their place.

    Raises:
        InputError: If one is unknown, or they do not go together.
    """
    alone = (*METHODS, *beside)
    parts = str(name).split("+")
    for part in parts:
        if part in alone and len(parts) > 1:
            raise InputError(f"{name!r}: {part!r} is no estimator, and stands alone.")
        if part not in alone and not ESTIMATORS.may_hold(part):
            raise unknown_name("mitigation", part, (*ESTIMATORS, *alone))
    if parts[0] not in alone:
        check_chain(parts)
    return str(name)


def mitigation_field() -> Any:
    """The field of a study's settings that names what makes overlaps of all outcomes."""

    def check(key: str, value: object) -> str | None:
        return None if value is None else check_names(value)

    return fields.checked(check, default=None)


def make(
    name: str,
    settings: Any,
    training: Callable[[], Training],
    calibration_shots: int,
    seed: int,
    device: Noise,
    engine: Engine | None = None,
) -> Estimator | MitigationMethod:
    """The estimators, or the method, of a name.

    Args:
        name: As for `check_names`.
        settings: Those of a point: its shots, convolution, device and gate set.
        training: Gives the patches to learn from, to those that do.
        calibration_shots: Shots of each calibration circuit; 0 for exact means.
        seed: Of those, and of random circuits.
        device: The noise that calibration circuits are run under.
        engine: Runs those of estimators that have shots; None draws these from exact
            distributions. Those of a method are run as its other circuits are.

    Raises:
        InputError: If estimators do not go together.
    """
    if name in METHODS:
        return _method(name, settings, calibration_shots, seed)
    shots = max(1, settings.shots)
    calibrated: dict[str, Any] = {"device": device, "seed": seed, "engine": engine}
    if calibration_shots:
        calibrated["shots"] = calibration_shots
    settings_of: dict[str, dict[str, Any]] = {
        "optimal": {"shots": shots},
        "auto": {"shots": shots},
        "unbiased": {},
        "regression": calibrated,
        "readout": calibrated,
        "two_point": calibrated,
        "pauli_weights": calibrated,
    }
    names = name.split("+")
    own = {each: dict(settings_of[each]) for each in names if each in settings_of}
    for each in ("optimal", "regression", "unbiased", "auto"):
        if each in own:
            own[each]["training"] = training()
    return chain(names, own)


def mitigation_of(
    settings: Any, noise: Noise, seed: int, rounds: int = 0, engine: Engine | None = None
) -> Estimator | MitigationMethod | None:
    """What makes overlaps at a point.

    Args:
        settings: Those of a point with a field `mitigation`.
        noise: The noise that its circuits are run under.
        seed: That of the point's shots.
        rounds: Rounds of shots that were taken before: each has random circuits of its own.
        engine: What its circuits are run on. If that measures, calibration circuits are run as
            well, with the shots of a patch; else their means under the noise are exact.

    Returns:
        The estimator or method; None where the mean of the observable is taken.
    """
    if settings.mitigation is None:
        return None
    split = "test" if getattr(settings, "split", "test") == "train" else "train"
    return make(
        settings.mitigation,
        settings,
        functools.partial(_training, split, getattr(settings, "data", None), settings.convolution),
        0 if engine is None or not engine.is_measured else settings.shots,
        int(np.random.SeedSequence([seed, rounds]).generate_state(1)[0]),
        noise,
        engine,
    )


def _method(name: str, settings: Any, calibration_shots: int, seed: int) -> MitigationMethod:
    """The method of a name, as for `make`."""
    kind, own = METHODS[name], dict[str, Any]()
    if issubclass(kind, ErrorCancellation):
        own["seed"] = seed
    if issubclass(kind, (SelfOverlap, PurityRescaling)):
        own["calibration_shots"] = calibration_shots or None
    if issubclass(kind, PurityRescaling):
        own["copies"] = _copies(settings.convolution, settings.device, settings.gate_set)
    return kind(**own)


@functools.lru_cache(maxsize=8)
def _copies(convolution: ConvolutionSpec, device: str, gate_set: str | None) -> Variant:
    """The circuit of the destructive test of the first filter, which purities are read from."""
    spec = attrs.evolve(convolution, overlap="destructive")
    compiled = compile_convolution(spec, device, gate_set=gate_set).filters[0]
    # Shorter ones load some patches only.
    return compiled.variants[compiled.generic]


def circuits_of(name: str | None, settings: Any, program: Program) -> int:
    """Different circuits of each patch and filter, before anything is run.

    Args:
        name: The mitigation; None for none.
        settings: As for `make`.
        program: Its compiled convolution.

    Returns:
        1 without mitigation, and for estimators.

    Raises:
        InputError: If a method does not serve the circuits or their noise.
    """
    if name is None or name not in METHODS:
        return 1
    spec, noise = program.spec, as_noise(settings.noise)
    state = np.eye(2**spec.register_qubits)[:1]
    # Any angles: those of no special filter.
    parameters = np.ones((spec.n_filters, spec.n_parameters))
    parts = parts_of(program, parameters, noise, state)
    spent = cost_row(_method(name, settings, 0, 0), parts, settings.shots or None)
    return int(spent["circuits_a_patch"] or 1)


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
    states = blocks.states(spread_rows(blocks.grid.n_occupied))
    sums = np.zeros(2)
    for row, vector in enumerate(filter_states(spec, parameters)):
        compiled = program.filters[row]
        table = compiled.filter_table(parameters[row] if spec.n_parameters else None)
        engine = twirled_engine(ExactEngine(), as_twirl(TWIRL))
        readings = readings_of(compiled, table, vector, as_noise(noise), engine)
        try:
            errors = evaluate(TwoPoint(Readout()), Recording.of(readings, states))
        except InputError:
            return None
        sums += (errors.bias**2).mean(), errors.variance.mean()
    bias, variance = sums / spec.n_filters
    return float(bias), float(variance)
