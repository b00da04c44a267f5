"""Independent ways to obtain the numbers that the package computes, and waiting for events."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
from numpy.typing import NDArray

from noise_models import as_noise
from noise_models.writing import write_json
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.slots import AngleTables, Slot
from qucnn_cirq.compiler.program import Program
from studies.sweep.catalogue import load_study
from studies.sweep.chunks import MeasuredPoint
from studies.sweep.job import RunOptions, run_sweep
from studies.sweep.plan import Plan, Point
from studies.sweep.run import Stop, stored_points
from studies.sweep.study import Study
from studies.sweep.workers import Report, Task, Workers, run_chunk


def filled(circuit: cirq.AbstractCircuit, tables: AngleTables) -> cirq.Circuit:
    """A circuit with every slot replaced by its matrix, for one row of the tables."""
    return cirq.map_operations(
        circuit.unfreeze(),
        lambda op, _: (
            cirq.MatrixGate(op.gate.unitaries(tables)[0]).on(*op.qubits)
            if isinstance(op.gate, Slot)
            else op
        ),
    )


def state_of(
    circuit: cirq.AbstractCircuit, qubits: list[cirq.Qid], tables: AngleTables
) -> NDArray[np.complex128]:
    """State vector of |0...0> after a circuit of slots, by Cirq."""
    simulator = cirq.Simulator(dtype=np.complex128)
    state: NDArray[np.complex128] = simulator.simulate(
        filled(circuit, tables), qubit_order=qubits
    ).final_state_vector
    return state


def random_states(n_qubits: int, batch: int, seed: int) -> NDArray[np.float64]:
    """Real unit vectors, generic and degenerate: sparse, basis states, products, negative."""
    generator = np.random.default_rng(seed)
    states = generator.normal(size=(batch, 2**n_qubits))
    states[1::4] *= generator.random(states[1::4].shape) < 0.4
    states[2::4] = np.abs(states[2::4])
    states[:, 0] += 1e-3
    states[0] = 0
    states[0, -1] = -1
    return states / np.linalg.norm(states, axis=1, keepdims=True)


def mean_of(observable: Observable, probabilities: NDArray, qubits: list[cirq.Qid]) -> float:
    """Mean of an observable, given the probabilities of all bit patterns of ``qubits``."""
    patterns = np.array(list(np.ndindex(*(2,) * len(qubits))))
    columns = [qubits.index(qubit) for qubit in observable.qubits]
    return float(probabilities @ observable.values(patterns[:, columns]))


def density_matrix_mean(
    program: Program,
    patch: NDArray,
    noise: object = None,
    parameters: NDArray | None = None,
    filter_index: int = 0,
) -> float:
    """The overlap of one patch by Cirq's density matrix, readout errors as channels."""
    circuit = program.circuit(patch, parameters, filter_index=filter_index)
    noisy = as_noise(noise).noisy_circuit(circuit)
    unmeasured = cirq.Circuit(
        cirq.Moment(op for op in moment if not cirq.is_measurement(op)) for moment in noisy
    )
    qubits = sorted(circuit.all_qubits())
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(unmeasured, qubit_order=qubits).final_density_matrix
    observable = program.filters[filter_index].template.observable
    return mean_of(observable, np.diag(rho).real, qubits)


def read_study(source: str, settings: Iterable[str] = ()) -> Any:
    """The settings of the only point of a configuration."""
    kind, document = load_study(source, settings)
    return kind.read(document)


SAFETY_NET = 1800.0
"""Seconds after which something is taken to have hung; a busy machine is far from it."""


def wait_until(
    happened: Callable[[], object], process: subprocess.Popen[Any] | None = None
) -> None:
    """Waits for an event, however long a busy machine takes.

    Args:
        happened: Tells whether it has; asked again and again.
        process: What has to live until then.
    """
    given_up = time.monotonic() + SAFETY_NET
    while not happened():
        assert time.monotonic() < given_up, "it never happened"
        if process is not None and process.poll() is not None and not happened():
            raise AssertionError(f"the process ended first: {process.communicate()[1]!r}")
        time.sleep(0.01)


class HereAndNow(Workers):
    """Computes in this process; some points "kill" their worker, always or some times."""

    def __init__(self, deadly: Mapping[str, int] | None = None) -> None:
        super().__init__(2)
        self.deadly = Counter(deadly)
        self.handed_out: list[str] = []
        self.ready: list[Report] = []

    @property
    def free(self) -> int:
        return 1 - len(self.ready)

    def hand_out(self, study: str, tasks: Sequence[Task]) -> None:
        identities = [task.identity for task in tasks]
        self.handed_out += identities
        outcomes: list[MeasuredPoint] = []
        for task in tasks:
            if self.deadly[task[0]]:
                self.deadly[task[0]] -= 1
                break
            outcomes += run_chunk(study, [task])
        self.ready.append(Report(identities, outcomes, died=len(outcomes) < len(tasks)))

    def reports(self) -> Iterator[Report]:
        while self.ready:
            yield self.ready.pop()


def run_points(
    plan: Plan,
    points: Sequence[Point],
    folder: Path,
    workers: Workers,
    provenance: Mapping[str, Any],
    advance: Callable[[int], object],
    stop: Stop,
) -> list[MeasuredPoint]:
    """Measures and stores points to the end; returns the failures."""
    failures: list[MeasuredPoint] = []
    for outcomes in stored_points(plan, points, folder, workers, provenance, stop):
        failures += [outcome for outcome in outcomes if outcome.error is not None]
        advance(len(outcomes))
    return failures


@contextlib.contextmanager
def here_and_now(count: int, study: str) -> Iterator[Workers]:
    """In place of `studies.sweep.job.local_workers`, whose processes take seconds to start."""
    yield HereAndNow()


def undrawn(kind: Study, folder: Path, note: object = None) -> dict[str, Any]:
    """In place of `studies.sweep.job.finish`: a summary that says nothing, and no figures."""
    summary: dict[str, Any] = {"text": ""}
    write_json(folder / "summary.json", summary)
    return summary


def sweep_in_process(kind: Study, document: dict[str, Any], folder: Path) -> None:
    """A whole run of a sweep, without starting processes and without drawing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("studies.sweep.job.local_workers", here_and_now)
        patch.setattr("studies.sweep.job.finish", lambda *arguments: {})
        run_sweep(kind, document, folder, RunOptions(), quiet=True)


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_at(step: int, action: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Runs something that is killed before the n-th file is flushed, or a folder renamed."""
    calls = 0

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                raise Killed
            return original(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", dying(os.fsync))
        patch.setattr(Path, "rename", dying(Path.rename))
        try:
            action()
        except Killed:
            return True
    return False
