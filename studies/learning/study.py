"""The learning study: how well, and how fast, an ansatz learns a filter."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping
from typing import ClassVar

import attrs
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from noise_models import fields
from qucnn_cirq.datasets import load_classical_filter
from qucnn_cirq.engines.collected import await_counts
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.gradient_methods import METHODS
from qucnn_cirq.gradients import shifted
from qucnn_cirq.optimizers import Adam
from qucnn_cirq.progress import Steps
from studies.crosscheck import CHECK_COLUMNS, check_generator, checked_shifts, is_checked
from studies.estimating import check_goes_with, circuits_of, mitigation_field
from studies.expected import noise_time
from studies.mitigation_cost import COST_COLUMNS, cost_row, parts_of
from studies.point import AnsatzPoint, exact_layer, layer_seed, program_of
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest

_LOGGER = logging.getLogger(__name__)

TARGETS = ("trained", "random")


@attrs.frozen
class LearningPoint(AnsatzPoint):
    """Settings of one run of gradient ascent on the overlap of filter and target.

    Attributes:
        target: The state to learn: "trained", the kernel of a classical network that comes with
            the package, or "random", a random real vector for each repetition.
        method: How the gradient is obtained, see `qucnn_cirq.gradient_methods.METHODS`;
            "exact" is ideal.
        mitigation: What makes overlaps, under the point's noise: an estimator's name or several
            joined by "+" (see `qucnn_cirq.estimators.ESTIMATORS`), of the counts of all outcomes;
            those that learn have seen patches of eight images of the package. Or a method that
            runs further circuits (`qucnn_cirq.mitigation.METHODS`) for each setting of the angles,
            among which the shots are split. None takes the mean of the observable.
        shots: Shots of each circuit; 0 takes exact (noisy) means.
        iterations: Steps of the optimiser Adam.
        rate: Its learning rate, in radians.
        record: Every how many iterations the fidelity is recorded.
        starts: Random starts of the search for the best fidelity that the ansatz can reach.
    """

    name: ClassVar[str] = "learning"

    target: str = fields.one_of(TARGETS, default="trained")
    method: str = fields.named(METHODS.check_name, default="exact")
    mitigation: str | None = mitigation_field()
    shots: int = fields.whole(0, default=0)
    iterations: int = fields.whole(1, default=100)
    rate: float = fields.real(1e-6, 10.0, default=0.1)
    record: int = fields.whole(1, default=2)
    starts: int = fields.whole(1, default=20)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.convolution.n_filters != 1:
            raise InputError("the learning study fits one filter: give one in convolution.filters.")
        if self.target == "trained" and self.convolution.kernel != (4, 4):
            raise InputError(
                f"target = 'trained' is a 4x4 kernel and does not fit kernel = "
                f"{self.convolution.kernel}: choose target = 'random'."
            )
        check_goes_with(self.mitigation, METHODS.get(self.method))
        if self.method == "exact" and (self.shots or self.noise.to_mapping()):
            raise InputError(
                "method = 'exact' has neither shots nor noise: choose 'parameter_shift' or another "
                "method that runs circuits."
            )


Array = NDArray[np.float64]

COLUMNS = {
    "iteration": "steps of the optimiser so far",
    "fidelity": "exact overlap |<f(theta)|target>|^2 of the angles at this iteration",
    "ceiling": "best fidelity found for this ansatz by exact optimisation from many starts",
    "parameters": "angles of the filter",
    "circuits": "circuits run so far",
    "shots_taken": "shots taken so far",
    **COST_COLUMNS,
    **CHECK_COLUMNS,
}


def digest(settings: LearningPoint) -> Mapping[str, str]:
    """Digest of the compiled circuits.

    Args:
        settings: Those of the point.
    """
    if settings.method == "exact":
        return {}
    circuits = {"circuits": circuits_digest(lambda: program_of(settings))}
    return {**circuits, **METHODS.digests("method", settings.method)}


def cost(settings: LearningPoint) -> Cost:
    """What a point takes.

    Args:
        settings: Those of the point.
    """
    (filter_,) = settings.convolution.filter_list
    runs = METHODS[settings.method].settings(filter_, settings.convolution.register_qubits)
    circuits, each = runs * settings.iterations, 1
    if settings.mitigation is not None:
        each = circuits_of(settings.mitigation, settings, program_of(settings))
    angles, size = (
        settings.convolution.n_parameters,
        2.0 ** (settings.convolution.register_qubits - 4),
    )
    usual = (4e-4 + 3e-5 * angles * size) * each
    seconds = settings.iterations * usual
    if settings.method != "exact":
        time = noise_time(settings.noise, program_of(settings))
        seconds = time.of(seconds, circuits * each)
    # The search for the best fidelity takes more steps, of more shifts, with every angle.
    target = settings.target, settings.seed, settings.repeat * (settings.target == "random")
    shared = {
        repr((settings.convolution.to_mapping(), target, settings.starts)): (
            1e-5 * settings.starts * angles**3 * size
        )
    }
    return Cost(circuits * each, circuits * settings.shots, seconds, 64 * 2**20, shared)


def measure(settings: LearningPoint, seed: np.random.SeedSequence) -> Measured:
    """Runs the optimiser from random angles.

    Args:
        settings: The settings.
        seed: Seed of the shots. Angles at the start derive from the settings' seed and repetition
            alone, so that runs with and without noise start alike.

    Returns:
        A row for each recorded iteration, the first (0) and the last included; the angles at the
        end.

    Raises:
        InputError: If the convolution does not fit the device.
    """
    spec = settings.convolution
    (filter_,) = spec.filter_list
    n_qubits = spec.register_qubits
    target = _target_state(settings)
    generator = np.random.default_rng([settings.seed, settings.repeat])
    angles = generator.uniform(0, 2 * np.pi, spec.n_parameters)
    best = ceiling(filter_, n_qubits, tuple(target), settings.starts)
    layer, each = None, 1
    if settings.method != "exact":
        layer = exact_layer(settings, angles[None], settings.shots or None, layer_seed(seed))
        image = target[: spec.n_elements].reshape(1, spec.channels, *spec.kernel_pair)
        # The gradient is of the images of a forward pass, of which no shots are wanted.
        layer.shots = None
        layer.run(image, image_ids=[0])
        layer.shots = settings.shots or None
        each = circuits_of(settings.mitigation, settings, layer.program)
    optimizer = Adam(settings.rate)
    rows: list[Row] = []
    circuits = shots = 0
    steps = Steps(_LOGGER, "learning", settings.iterations, "iterations", level=logging.DEBUG)
    for iteration in range(settings.iterations + 1):
        if iteration % settings.record == 0 or iteration == settings.iterations:
            fidelity = float(_fidelities(filter_, n_qubits, angles[None], target)[0])
            rows.append(
                {
                    "iteration": iteration,
                    "fidelity": fidelity,
                    "ceiling": best,
                    "parameters": spec.n_parameters,
                    "circuits": circuits,
                    "shots_taken": shots,
                }
            )
        if iteration == settings.iterations:
            break
        if layer is None:
            gradient = -_slopes(filter_, n_qubits, angles, target)
        else:
            layer.parameters = angles[None]
            found = layer.gradient(-np.ones((1, 1, 1, 1)), settings.method, iteration)
            gradient = found.values[0]
            circuits += found.circuits * each
            shots += found.shots or 0
        await_counts()
        angles = angles + optimizer.step(gradient)
        steps.finished(fidelity_recorded=fidelity)
    if layer is not None:
        parts = parts_of(layer.program, angles[None], layer.noise, target[None])
        rows[-1] |= cost_row(layer.mitigation, parts, settings.shots or None)
    if layer is not None and is_checked(settings, seed):
        cases = [(target[None], angles[None])] * settings.check_patches
        choose = check_generator(seed)
        rows[-1] |= checked_shifts(
            settings, layer.program, cases, choose, mitigation=layer.mitigation
        )
    return Measured(rows, {"angles": angles, "target": target})


def _target_state(settings: LearningPoint) -> Array:
    """The state to learn, a real unit vector."""
    size = 2**settings.convolution.register_qubits
    if settings.target == "trained":
        values = load_classical_filter().ravel()
    else:
        generator = np.random.default_rng([settings.seed, settings.repeat, _TARGET_STREAM])
        values = generator.normal(size=settings.convolution.n_elements)
    state = np.zeros(size)
    state[: values.size] = values / np.linalg.norm(values)
    return state


_TARGET_STREAM = 7


@functools.lru_cache(maxsize=64)
def ceiling(filter_: Filter, n_qubits: int, target: tuple[float, ...], starts: int) -> float:
    """The best fidelity that exact optimisation finds, from random starts of a fixed seed.

    Args:
        filter_: An ansatz.
        n_qubits: Qubits that it acts on.
        target: The state to reach, a unit vector of 2^n_qubits values; a tuple, as results are
            kept.
        starts: Number of starts, at least 1.
    """
    wanted = np.array(target)
    generator = np.random.default_rng(2024)
    best = 0.0
    for _ in range(starts):
        found = minimize(
            lambda angles: (
                -float(_fidelities(filter_, n_qubits, angles[None], wanted)[0]),
                -_slopes(filter_, n_qubits, angles, wanted),
            ),
            generator.uniform(0, 2 * np.pi, filter_.n_parameters(n_qubits)),
            jac=True,
            method="L-BFGS-B",
        )
        best = max(best, -float(found.fun))
    return best


def _fidelities(filter_: Filter, n_qubits: int, angles: Array, target: Array) -> Array:
    overlaps: Array = np.abs(filter_.states(n_qubits, angles).conj() @ target) ** 2
    return overlaps


def _slopes(filter_: Filter, n_qubits: int, angles: Array, target: Array) -> Array:
    """Exact derivatives of the fidelity, by the shift rule."""
    rows = shifted(filter_.angles(n_qubits, angles[None])[0], np.pi / 2)
    plus, minus = np.split(np.abs(filter_.states_at(n_qubits, rows).conj() @ target) ** 2, 2)
    return filter_.parameter_slopes(n_qubits, (plus - minus) / 2)


STUDY = Study(
    settings=LearningPoint,
    title="How well, and how fast, does an ansatz learn a filter?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.learning.figures",
    findings="studies.learning.findings",
    program=program_of,
    collects=True,
    predicts=False,
)
