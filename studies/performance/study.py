"""The performance study: times circuits on engines, loaders, and layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import attrs
import numpy as np

from noise_models import NoiseConfiguration, as_noise, fields
from noise_models.checks import whole_number
from noise_models.extensions import users_code
from noise_models.fields import fields_of
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import (
    AutoEngine,
    ExactEngine,
    check_engine_name,
    engine_class,
    engine_digest,
    expected_seconds,
)
from qucnn_cirq.engines.engine import relative_size
from qucnn_cirq.errors import InputError, shown
from qucnn_cirq.filters import XZAnsatz
from studies.images import data_digest
from studies.performance.circuits import time_circuits
from studies.performance.peers import PEERS
from studies.performance.tasks import LAYERS, LOADERS, patches_of, time_layer, time_loader
from studies.point import PlainData, convolution_field, noise_field, program_of
from studies.provenance import package_version
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest


@attrs.frozen
class PerformancePoint(PlainData):
    """Settings of one timing.

    Attributes:
        task: What is timed. "run": circuits whose angles are known. "solve": a loader's angles,
            with the infidelities that prove them. "load": the same as a layer does it, which also
            chooses each patch's circuit. "forward": feature maps of images, from cutting patches
            to shots. "step": a forward pass and the gradient of the parameters.
        engine: The name of an engine, as for a layer; in the task "run" those that simulate shots
            one by one, such as "qsim", are given shots, the others compute means. Or, in that task,
            another simulator, which computes the density matrix of the same bound and noisy
            circuit: "cirq" or, with the extra [peers], "aer", "qulacs" or "pennylane".
        loader: The compiler's loader, or "auto".
        cache: "cold": no angles and states of patches are known. "warm": those that the loader or
            the engine keeps are, from a call before. For all tasks but "run", whose angles are
            known and whose states are not.
        device: Name of the device to compile for.
        patches: Random patches of one call, in the task "run".
        images: Images of one call of all other tasks: the package's first ones.
        shots: Shots for each patch, where the engine takes them; of layers 0 for exact means.
        runs: Calls, of which the fastest counts.
        convolution: The convolution; filters default to a fixed random vector, and in the task
            "step" to four ansatze of three layers.
        noise: The noise.

    Raises:
        InputError: If a value is outside its range, or has no effect on the task.
    """

    name: ClassVar[str] = "performance"
    default_filter: ClassVar[str] = "random"

    task: str = fields.one_of(("run", *LOADERS, *LAYERS), default="run")
    engine: str = fields.named(check_engine_name, beside=PEERS, default="exact")
    loader: str = fields.text(default="auto")
    cache: str = fields.one_of(("cold", "warm"), default="cold")
    device: str = fields.text(default="willow_pink")
    patches: int = fields.whole(1, default=100)
    images: int = fields.whole(1, default=32)
    shots: int = fields.whole(0, default=10_000)
    runs: int = fields.whole(1, default=3)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """As `PlainData.from_mapping`; filters of a training step default to such with angles."""
        study, convolution = mapping.get("study"), mapping.get("convolution", {})
        is_step = isinstance(study, Mapping) and study.get("task") == "step"
        if is_step and isinstance(convolution, Mapping) and "filters" not in convolution:
            filters = [XZAnsatz(layers=3).to_mapping()] * 4
            mapping = {**mapping, "convolution": {**convolution, "filters": filters}}
        return super().from_mapping(mapping)

    def __attrs_post_init__(self) -> None:
        for each in fields_of(self):
            value = getattr(self, each.name)
            if each.name in _UNREAD[self.task] and not each.is_default(value):
                raise InputError(
                    f"{each.name} = {shown(value, 40)} has no effect on task = {self.task!r}: "
                    "leave it out."
                )
        if self.task == "run":
            whole_number("shots", self.shots, 1)
        elif self.engine in PEERS:
            raise InputError(f"engine = {self.engine!r} runs circuits alone: choose task = 'run'.")
        fixed = not self.convolution.n_parameters
        if self.task == "run" and not (fixed and self.convolution.n_filters == 1):
            raise InputError("task = 'run' times one fixed filter: give one.")
        if self.task == "step" and fixed:
            raise InputError(
                "task = 'step' needs filters with angles: set convolution.filters, such as to "
                "{kind = 'ansatz', layers = 3}."
            )


_UNREAD = {
    "run": ("cache", "images"),
    **dict.fromkeys(LOADERS, ("engine", "noise", "patches", "shots")),
    **dict.fromkeys(LAYERS, ("patches",)),
}
"""For each task the settings that have no effect on it."""

COLUMNS = {
    "seconds_per_patch": "the fastest call over its patches; compiling and binding do not count",
    "seconds_per_call": "the fastest call; of other simulators the sum over patches",
    "met": "patches of a call that are not blank",
    "times_exact": "seconds_per_patch over those of the exact engine for the same circuit and "
    "noise, many patches a call, timed beside it",
    "qubits": "qubits of the circuit",
    "two_qubit_gates": "its two-qubit gates",
    "filters": "filters of the convolution",
    "largest_infidelity": "largest infidelity of the patches' loaded states",
    "largest_deviation": "largest |mean - mean of the exact engine| over the patches",
    "largest_z": "the same in standard deviations of the shots, for engines that only sample",
}
_OVERHEAD = 0.2
"""Seconds for what is prepared once, with the circuit of 4x4 patches."""
_SHIFT = 8e-7
"""Seconds for the shots of one patch at one shift of an angle, of an engine that keeps states."""


def digest(settings: PerformancePoint) -> Mapping[str, str]:
    """Digest of the compiled circuits and of images, and the version of another simulator.

    Args:
        settings: Those of the point.
    """
    found = {"circuits": circuits_digest(lambda: program_of(settings))}
    if settings.task != "run":
        found["images"] = data_digest("train", 0, settings.images, None, settings.convolution)
    if settings.engine in PEERS:
        package = PEERS[settings.engine].package
        return {**found, "simulator": f"{package} {package_version(package)}"}
    return {**found, **engine_digest(settings.engine)}


def cost(settings: PerformancePoint) -> Cost:
    """What a point takes, roughly.

    Args:
        settings: Those of the point.
    """
    spec, compiled = settings.convolution, program_of(settings).filters[0]
    template, noise = compiled.template, as_noise(settings.noise)
    overhead = _OVERHEAD * max(1.0, program_of(settings).report.two_qubit_gates / 32)
    angles = compiled.seconds_to_load
    if settings.engine in PEERS:
        each = PEERS[settings.engine].seconds * relative_size(template)
    else:
        with users_code(f"engine {settings.engine}"):
            each = expected_seconds(settings.engine, template, noise, settings.shots)
    if settings.task == "run":
        patches = circuits = settings.patches
        exact = ExactEngine.seconds(template, noise, 0)
        seconds = patches * (angles + exact) + settings.runs * (patches * each + max(0.05, exact))
        return Cost(circuits, circuits * settings.shots, overhead + seconds, 2**28)
    patches = patches_of(settings).grid.n_occupied
    seconds = patches * angles * (1 if settings.cache == "warm" else settings.runs)
    if settings.task in LOADERS:
        return Cost(0, 0, overhead + seconds, 2**28)
    shifts = 0
    if settings.task == "step":
        shifts = sum(2 * each.n_angles(spec.register_qubits) for each in spec.filter_list)
    circuits = patches * (spec.n_filters + shifts)
    if issubclass(engine_class(settings.engine), ExactEngine | AutoEngine):
        # The patches evolve once for all filters and shifts.
        seconds += settings.runs * patches * (each + (shifts * _SHIFT if settings.shots else 0.0))
    else:
        seconds += settings.runs * circuits * each
    return Cost(circuits, circuits * settings.shots, overhead + seconds, 2**28)


def measure(settings: PerformancePoint, seed: np.random.SeedSequence) -> Measured:
    """Times the task; circuits are compared with the exact engine, loaded states with patches.

    Args:
        settings: The settings.
        seed: Seed of random patches, of shots and of parameters.

    Raises:
        InputError: If the convolution does not fit the device or the engine, or the simulator is
            not installed.
    """
    program = program_of(settings)
    row: Row = {
        "qubits": len(program.filters[0].template.qubits),
        "two_qubit_gates": program.report.two_qubit_gates,
        "filters": settings.convolution.n_filters,
    }
    if settings.task in LOADERS:
        return Measured([row | time_loader(settings)])
    times = time_layer if settings.task in LAYERS else time_circuits
    return Measured([row | times(settings, seed)])


STUDY = Study(
    settings=PerformancePoint,
    title="How long does a patch take, engine by engine?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.performance.figures",
    findings="studies.performance.findings",
    program=program_of,
    withheld="times how fast circuits are simulated here: no counts can stand in for that",
)
