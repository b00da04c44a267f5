"""The performance study's times of circuits whose angles are known, on engines and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models import as_noise
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.compiler.template import Template
from qucnn_cirq.engines import ExactEngine, Streams, make_engine
from qucnn_cirq.execution import Execution
from studies.performance.peers import PEERS, prepare
from studies.performance.tasks import fastest, per_patch
from studies.point import program_of
from studies.sweep.study import Row

if TYPE_CHECKING:
    from studies.performance.study import PerformancePoint

Tables = Mapping[str, NDArray[np.float64]]
_REFERENCE_SECONDS = 0.05
"""About how long the exact engine runs for comparison: 5,000 patches of four qubits."""


def time_circuits(settings: PerformancePoint, seed: np.random.SeedSequence) -> Row:
    """Times the circuit of random patches, and compares its means with the exact engine's.

    Args:
        settings: Those of the point.
        seed: Seed of the patches and of the shots.

    Returns:
        Columns of the study.

    Raises:
        InputError: If the convolution does not fit the engine, or the simulator is not installed.
    """
    compiled = program_of(settings).filters[0]
    spec, template, noise = settings.convolution, compiled.template, as_noise(settings.noise)
    generator = np.random.default_rng(seed)
    states = np.zeros((settings.patches, 2**spec.register_qubits))
    states[:, : spec.n_elements] = generator.normal(size=(settings.patches, spec.n_elements))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    tables = {"patch": compiled.loader.angles(states), "filter": compiled.filter_table(None)}
    expected = ExactEngine().means(template, noise, tables)[0]
    row: Row = {}
    if settings.engine in PEERS:
        seconds, means = _time_peer(settings, template, tables)
        row["largest_deviation"] = float(np.abs(means - expected).max())
    else:
        engine = make_engine(settings.engine)
        sampled = engine.samples or not engine.gives_means(template, noise)
        streams = Streams(int(generator.integers(2**31)), (0,), np.arange(settings.patches))
        execution = Execution(engine, noise, settings.shots if sampled else None, streams.seed)
        # What an engine keeps from one call to the next is kept here too, as in a sweep.
        call = partial(execution.circuits, template, tables, streams)
        seconds, found = fastest([call] * settings.runs)
        if found.means is not None:
            row["largest_deviation"] = float(np.abs(found.means[0] - expected).max())
        else:
            deviations = template.observable.variance(expected, settings.shots)
            z = (found.estimates[0] - expected) / np.sqrt(np.maximum(deviations, 1e-12))
            row["largest_z"] = float(np.abs(z).max())
    row["times_exact"] = seconds / settings.patches / _exact_seconds(settings, template, tables)
    return {**per_patch(seconds, settings.patches), **row}


def _exact_seconds(settings: PerformancePoint, template: Template, tables: Tables) -> float:
    """Seconds a patch of the exact engine, for the same circuit and noise and many patches."""
    noise = as_noise(settings.noise)
    count = int(np.ceil(_REFERENCE_SECONDS / ExactEngine.seconds(template, noise, 0)))
    many = {**tables, "patch": np.resize(tables["patch"], (count, tables["patch"].shape[1]))}
    call = partial(ExactEngine().means, template, noise, many)
    return fastest([call] * settings.runs)[0] / count


def _time_peer(
    settings: PerformancePoint, template: Template, tables: Tables
) -> tuple[float, NDArray[np.float64]]:
    """Seconds for all patches on another simulator, and their means."""
    noise = as_noise(settings.noise)
    seconds, means = 0.0, np.empty(settings.patches)
    for index in range(settings.patches):
        own = {**tables, "patch": tables["patch"][index : index + 1]}
        circuit = template.bound_circuit(own)
        physical = circuit if noise.is_ideal else noise.noisy_circuit(circuit)
        run, qubits = prepare(settings.engine, physical)
        least, probabilities = fastest([run] * settings.runs)
        seconds += least
        means[index] = _mean(probabilities, qubits, template.observable)
    return seconds, means


def _mean(
    probabilities: NDArray[np.float64], qubits: Sequence[cirq.Qid], observable: Observable
) -> float:
    """Mean of the observable under the outcome probabilities of all qubits."""
    positions = [qubits.index(qubit) for qubit in observable.qubits]
    patterns = np.arange(len(probabilities))
    bits = np.stack([(patterns >> (len(qubits) - 1 - p)) & 1 for p in positions], axis=1)
    return float(probabilities @ observable.values(bits))
