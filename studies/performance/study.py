"""The performance study: times one engine on one kind of circuit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import attrs
import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseConfiguration, as_noise, fields
from noise_models.extensions import users_code
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.engines import (
    ExactEngine,
    Streams,
    check_engine_name,
    engine_digest,
    expected_seconds,
    make_engine,
)
from qucnn_cirq.engines.engine import relative_size
from qucnn_cirq.errors import InputError
from qucnn_cirq.execution import Execution
from studies.performance.peers import PEERS, fastest, prepare
from studies.point import PlainData, convolution_field, noise_field, program_of
from studies.provenance import package_version
from studies.sweep.study import Cost, Measured, Row, Study, circuits_digest


@attrs.frozen
class PerformancePoint(PlainData):
    """Settings of one timing.

    Attributes:
        engine: The name of an engine, as for a layer; those that simulate shots one by one, such
            as "qsim", are given shots, the others compute means. Or another simulator, which
            computes the density matrix of the same bound and noisy circuit: "cirq" or, with the
            extra [peers], "aer", "qulacs" or "pennylane".
        device: Name of the device to compile for.
        patches: Random patches of one call.
        shots: Shots for each patch, where the engine takes them; the others compute means.
        runs: Calls, of which the fastest counts.
        convolution: The convolution; filters default to a fixed random vector.
        noise: The noise.
    """

    name: ClassVar[str] = "performance"
    default_filter: ClassVar[str] = "random"

    engine: str = fields.named(check_engine_name, beside=PEERS, default="exact")
    device: str = fields.text(default="willow_pink")
    patches: int = fields.whole(1, default=100)
    shots: int = fields.whole(1, default=10_000)
    runs: int = fields.whole(1, default=3)
    convolution: ConvolutionSpec = convolution_field("random")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.n_parameters or self.convolution.n_filters != 1:
            raise InputError("the performance study times one fixed filter: give one.")


COLUMNS = {
    "seconds_per_patch": "fastest call over its patches; compiling and binding are not counted",
    "qubits": "qubits of the circuit",
    "two_qubit_gates": "its two-qubit gates",
    "largest_deviation": "largest |mean - mean of the exact engine| over the patches",
    "largest_z": "the same in standard deviations of the shots, for engines that only sample",
}


def digest(settings: PerformancePoint) -> Mapping[str, str]:
    """Digest of the compiled circuits, and the version of another simulator.

    Args:
        settings: Those of the point.
    """
    circuits = {"circuits": circuits_digest(lambda: program_of(settings))}
    if settings.engine in PEERS:
        package = PEERS[settings.engine].package
        return {**circuits, "simulator": f"{package} {package_version(package)}"}
    return {**circuits, **engine_digest(settings.engine)}


def cost(settings: PerformancePoint) -> Cost:
    """What a point takes, roughly.

    Args:
        settings: Those of the point.
    """
    template = program_of(settings).filters[0].template
    if settings.engine in PEERS:
        each = PEERS[settings.engine].seconds * relative_size(template)
    else:
        with users_code(f"engine {settings.engine}"):
            noise = as_noise(settings.noise)
            each = expected_seconds(settings.engine, template, noise, settings.shots)
    seconds = settings.runs * settings.patches * each
    return Cost(settings.patches, settings.patches * settings.shots, seconds, 2**28)


def measure(settings: PerformancePoint, seed: np.random.SeedSequence) -> Measured:
    """Times the engine, and compares what it gives with the exact engine.

    Args:
        settings: The settings.
        seed: Seed of the patches and of the shots.

    Raises:
        InputError: If the convolution does not fit the device or the engine, or the simulator is
            not installed.
    """
    program = program_of(settings)
    compiled = program.filters[0]
    spec, template, noise = settings.convolution, compiled.template, as_noise(settings.noise)
    generator = np.random.default_rng(seed)
    states = np.zeros((settings.patches, 2**spec.register_qubits))
    states[:, : spec.n_elements] = generator.normal(size=(settings.patches, spec.n_elements))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    tables = {"patch": compiled.loader.angles(states), "filter": compiled.filter_table(None)}
    expected = ExactEngine().means(template, noise, tables)[0]
    row: Row = {"qubits": len(template.qubits), "two_qubit_gates": program.report.two_qubit_gates}
    if settings.engine in PEERS:
        seconds, means = _peer(settings, program, tables)
        row["largest_deviation"] = float(np.abs(means - expected).max())
        return Measured([{**row, "seconds_per_patch": seconds / settings.patches}])
    engine = make_engine(settings.engine)
    shots = settings.shots if engine.samples or not engine.gives_means(template, noise) else None
    streams = Streams(int(generator.integers(2**31)), (0,), np.arange(settings.patches))
    execution = Execution(engine, noise, shots, streams.seed)
    outcomes = []

    def call() -> None:
        # What an engine keeps from one call to the next is kept here too, as in a sweep.
        outcomes.append(execution.circuits(template, tables, streams))

    row["seconds_per_patch"] = fastest(call, settings.runs) / settings.patches
    found = outcomes[-1]
    if found.means is not None:
        row["largest_deviation"] = float(np.abs(found.means[0] - expected).max())
    else:
        deviations = template.observable.variance(expected, settings.shots)
        z = (found.estimates[0] - expected) / np.sqrt(np.maximum(deviations, 1e-12))
        row["largest_z"] = float(np.abs(z).max())
    return Measured([row])


def _peer(
    settings: PerformancePoint, program: Program, tables: Mapping[str, NDArray[np.float64]]
) -> tuple[float, NDArray[np.float64]]:
    """Seconds for all patches, and their means."""
    template, noise = program.filters[0].template, as_noise(settings.noise)
    seconds = 0.0
    means = np.empty(settings.patches)
    for index in range(settings.patches):
        own = {**tables, "patch": tables["patch"][index : index + 1]}
        circuit = template.bound_circuit(own)
        physical = circuit if noise.is_ideal else noise.noisy_circuit(circuit)
        run, qubits = prepare(settings.engine, physical)
        seconds += fastest(run, settings.runs)
        means[index] = _mean(run(), qubits, template.observable)
    return seconds, means


def _mean(
    probabilities: NDArray[np.float64], qubits: Sequence[cirq.Qid], observable: Observable
) -> float:
    """Mean of the observable under the outcome probabilities of all qubits."""
    positions = [qubits.index(qubit) for qubit in observable.qubits]
    patterns = np.arange(len(probabilities))
    bits = np.stack([(patterns >> (len(qubits) - 1 - p)) & 1 for p in positions], axis=1)
    return float(probabilities @ observable.values(bits))


STUDY = Study(
    settings=PerformancePoint,
    title="How long does a patch take, engine by engine?",
    digest=digest,
    cost=cost,
    measure=measure,
    columns=COLUMNS,
    figures="studies.performance.figures",
    program=program_of,
)
