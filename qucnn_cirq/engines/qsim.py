"""The qsim engines: state vectors; sampled errors, or the doubled register, when noisy.

Translating a Cirq circuit to qsim takes many times longer than simulating it. All instances of
a template share their structure, so gates are handed to qsim directly, with the numbers of
each patch filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cirq
import numpy as np
import qsimcirq
from numpy.typing import NDArray

from noise_models import Noise
from noise_models.checks import one_of, whole_number
from qucnn_cirq.advance import circuits_run
from qucnn_cirq.circuits.feed_forward import deferred
from qucnn_cirq.circuits.observable import counted
from qucnn_cirq.circuits.slots import AngleTables, of_patches
from qucnn_cirq.compiler.template import MEASUREMENT_KEY, Template
from qucnn_cirq.engines.branches import BranchedCircuit, expected_patterns
from qucnn_cirq.engines.engine import Engine
from qucnn_cirq.engines.outcomes import check_outcomes, recorded
from qucnn_cirq.engines.process import physical_process, read_observable
from qucnn_cirq.engines.qsim_circuits import CircuitWriter, evolved, probabilities_of
from qucnn_cirq.engines.streams import Outcome, Streams, outcome_from_means
from qucnn_cirq.errors import InputError

LARGEST_STATE = 26
"""Qubits of the largest state vector: 2^26 amplitudes of 8 bytes are half a GiB."""
LARGEST_SAMPLE = 2**31 - 1
"""Shots that a simulator can be asked for one by one: its counters have 32 bits."""
_MOST_THREADS = 1024
_METHODS = ("branches", "trajectories")


class QsimEngine(Engine):
    """Runs compiled circuits on qsim.

    Without gate noise the shots are drawn from the state vector's outcome distribution, one
    simulation a patch. Where every error is a unitary that acts by chance (see
    `qucnn_cirq.engines.branches`), the errors of all shots are drawn first, and shots with the same
    errors are drawn from one state vector. Under other noise every shot is a quantum trajectory of
    its own. The distribution is the same.

    Args:
        method: "branches" for that; "trajectories" for a trajectory a shot under any gate noise.
        threads: Threads of one simulation. More than one gains nothing below about 12 qubits.

    Attributes:
        reason: How the last run was done and why, in one line.
    """

    label = "qsim"
    samples = True

    def __init__(self, method: str = "branches", threads: int = 1) -> None:
        self.method = one_of("method", method, _METHODS)
        self.threads = whole_number("threads", threads, minimum=1, maximum=_MOST_THREADS)
        self.name = "qsim" if method == "branches" else f"qsim:{method}"
        self.reason = "nothing was run yet"

    def gives_means(self, template: Template, noise: Noise) -> bool:
        """Whether the state, doubled where it is noisy, fits the memory."""
        noisy = noise.gate_model != cirq.NO_NOISE
        return len(template.qubits) * (2 if noisy else 1) <= LARGEST_STATE

    @classmethod
    def seconds(cls, template: Template, noise: Noise, shots: int, variant: str = "") -> float:
        """One state without gate noise, else one for each pattern of errors or each shot."""
        circuit = template.marked_circuit.with_noise(noise.gate_model)
        circuit = deferred(circuit, noise.readout)
        operations = sum(1 for _ in circuit.all_operations())
        states, overhead = float(shots), 0.02
        if noise.gate_model == cirq.NO_NOISE:
            states, overhead = 1.0, 0.0
        elif variant != "trajectories":
            branched = BranchedCircuit.of(circuit, template.qubits)
            if branched is not None:
                states = expected_patterns(branched.mixtures, shots)
                operations = sum(mixture.usual is not None for mixture in branched.mixtures)
        # Handing a gate over takes longer than simulating it below about 13 qubits.
        return overhead + states * operations * (2e-6 + 2e-10 * 2.0 ** len(template.qubits))

    @classmethod
    def variants(cls) -> tuple[str, ...]:
        """One trajectory a shot under any noise, besides the engine as it is."""
        return "", "trajectories"

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """State vectors, or shots of noisy circuits; see `qucnn_cirq.engines.Engine`.

        Noisy means without shots come from the density matrix, as in
        `QsimDensityEngine`.
        """
        if shots is None or noise.gate_model == cirq.NO_NOISE:
            means = final_state_means(template, noise, tables, self.threads)
            self.reason = f"{self.name}: one final state a patch, of which shots are independent"
            return outcome_from_means(means, template, shots, streams)
        diagonal = _diagonal(template, noise)
        counts = np.empty((len(tables["filter"]), len(tables["patch"])), dtype=np.int64)
        for item, sample in self._noisy(template, noise, tables, shots, streams):
            if isinstance(sample, _Trajectories):
                values = template.observable.values(sample.bits(shots))
                counts[item] = np.count_nonzero(values == 1)
            else:
                numbers, means = sample.read(shots, lambda chances: chances @ diagonal)
                chances = np.clip(template.observable.probability(means), 0, 1)
                counts[item] = sample.generator.binomial(numbers, chances).sum()
        return Outcome(None, counts)

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """From the state vector, or the density matrix; see `qucnn_cirq.engines.Engine`."""
        return final_state_distributions(template, noise, tables, self.threads)

    def outcome_counts(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> NDArray[np.int64]:
        """As `Engine.outcome_counts`, by the ways of `run`."""
        if noise.gate_model == cirq.NO_NOISE:
            return super().outcome_counts(template, noise, tables, shots, streams)
        qubits = template.observable.qubits
        check_outcomes(qubits)
        counts = np.empty(
            (len(tables["filter"]), len(tables["patch"]), 1 << len(qubits)), dtype=np.int64
        )
        for item, sample in self._noisy(template, noise, tables, shots, streams):
            if isinstance(sample, _Trajectories):
                counts[item] = counted(sample.bits(shots))
            else:
                numbers, true = sample.read(shots, lambda all_: _of_outcomes(all_, template))
                read = np.maximum(recorded(true, qubits, noise), 0.0)
                read /= read.sum(axis=1, keepdims=True)
                counts[item] = sample.generator.multinomial(numbers, read).sum(axis=0)
        return counts

    def _noisy(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int,
        streams: Streams,
    ) -> Iterator[tuple[tuple[int, int], _Branches | _Trajectories]]:
        """What draws the shots of every filter and patch."""
        check_sample(shots, self.name)
        check_state(len(template.qubits))
        seeds = streams.item_seeds()
        self.reason = f"{self.name}: shots by branches, since every error is a unitary"
        for row, (column,), own in _chunks(tables, size=1):
            generator = np.random.default_rng(int(seeds[row, column]))
            noisy = template.bound_circuit(own).with_noise(noise.gate_model)
            noisy = deferred(noisy, noise.readout)
            circuit = template.bound_preparation(own) + noisy
            branched = None
            if self.method == "branches":
                branched = BranchedCircuit.of(circuit, template.qubits, self.threads)
            if branched is None:
                why = "asked for" if self.method != "branches" else "an error is no unitary"
                self.reason = f"{self.name}: a trajectory for every shot ({why})"
                qubits = template.observable.qubits
                yield (
                    (row, column),
                    _Trajectories(circuit, qubits, noise, generator, self.threads),
                )
            else:
                yield (row, column), _Branches(branched, generator)
            circuits_run(1)


@dataclass(frozen=True, eq=False)
class _Branches:
    """Draws shots by patterns of errors."""

    circuit: BranchedCircuit
    generator: np.random.Generator

    def read(
        self, shots: int, reading: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each pattern of errors that was drawn its shots and what is read of its state."""
        return self.circuit.sample(reading, shots, self.generator)


@dataclass(frozen=True, eq=False)
class _Trajectories:
    """Draws a trajectory for every shot."""

    circuit: cirq.Circuit
    qubits: tuple[cirq.Qid, ...]
    noise: Noise
    generator: np.random.Generator
    threads: int

    def bits(self, shots: int) -> NDArray[np.integer]:
        """Recorded bits, shape (shots, measured qubits)."""
        simulator = qsimcirq.QSimSimulator(
            qsimcirq.QSimOptions(cpu_threads=self.threads, max_fused_gate_size=2),
            seed=int(self.generator.integers(2**31 - 1)),
        )
        bits = simulator.run(self.circuit, repetitions=shots).measurements[MEASUREMENT_KEY]
        return _misread(bits, self.qubits, self.noise, self.generator)


class QsimDensityEngine(Engine):
    """Runs the noisy circuit exactly on qsim, as a state vector of twice as many qubits.

    Serves every circuit, whether or not it factors, up to about 13 qubits.

    Args:
        threads: Threads of one simulation.
    """

    name = "qsim_density"
    label = "qucnn_cirq: density matrix on qsim"

    def __init__(self, threads: int = 1) -> None:
        self.threads = whole_number("threads", threads, minimum=1, maximum=_MOST_THREADS)

    def distribution(
        self, template: Template, noise: Noise, tables: AngleTables
    ) -> NDArray[np.float64]:
        """From the density matrix; see `qucnn_cirq.engines.Engine`."""
        return final_state_distributions(template, noise, tables, self.threads)

    def run(
        self,
        template: Template,
        noise: Noise,
        tables: AngleTables,
        shots: int | None,
        streams: Streams,
    ) -> Outcome:
        """Means, and shots drawn from them; see `qucnn_cirq.engines.Engine`."""
        means = final_state_means(template, noise, tables, self.threads)
        return outcome_from_means(means, template, shots, streams)


def check_sample(shots: int, engine: str) -> None:
    """Refuses more shots than a simulator that draws each of them can count.

    Args:
        shots: Shots for each item.
        engine: The engine's name, for the message.

    Raises:
        InputError: With the range.
    """
    if shots > LARGEST_SAMPLE:
        raise InputError(
            f"shots = {shots} is not allowed: engine = {engine!r} draws them one by one, within "
            f"1..{LARGEST_SAMPLE}; choose engine = 'exact' for more."
        )


def check_state(n_qubits: int, alternative: str = "") -> None:
    """Refuses a state vector that does not fit the memory.

    Args:
        n_qubits: Its qubits; twice those of a density matrix.
        alternative: What to use instead, besides a smaller kernel.

    Raises:
        InputError: With the size that would be needed.
    """
    if n_qubits > LARGEST_STATE:
        raise InputError(
            f"a state of {n_qubits} qubits takes {2.0 ** (n_qubits + 3) / 2**30:.1f} GiB, more "
            f"than the limit of {LARGEST_STATE} qubits; use "
            + (f"{alternative} or " if alternative else "")
            + "a smaller kernel."
        )


def final_state_means(
    template: Template, noise: Noise, tables: AngleTables, threads: int = 1
) -> NDArray[np.float64]:
    """Means of the observable from qsim's final state, one simulation for each patch.

    Without gate noise that is the state vector of the compiled circuit. With it, the density
    matrix is simulated as a state of twice as many qubits on which a channel is a matrix.
    Readout errors, being classical, act on the outcome probabilities.

    Args:
        template: The compiled circuit.
        noise: The noise.
        tables: The angle tables ``"patch"`` and ``"filter"``, as for `Engine.run`.
        threads: Threads of one simulation.

    Returns:
        Means of shape (filters, patches), right to about 1e-6 (qsim's single precision).

    Raises:
        InputError: If the state does not fit the memory.
    """
    diagonal = _diagonal(template, noise)
    means = np.empty((len(tables["filter"]), len(tables["patch"])))
    for item, probabilities in _final_states(template, noise, tables, threads):
        means[item] = probabilities @ diagonal
    return means


def final_state_distributions(
    template: Template, noise: Noise, tables: AngleTables, threads: int = 1
) -> NDArray[np.float64]:
    """The distribution of recorded outcomes from qsim's final state, as `final_state_means`.

    Args:
        template: The compiled circuit.
        noise: The noise.
        tables: The angle tables ``"patch"`` and ``"filter"``, as for `Engine.run`.
        threads: Threads of one simulation.

    Returns:
        Shape (filters, patches, outcomes), right to about 1e-6.

    Raises:
        InputError: If the state does not fit the memory, or there are too many measured qubits.
    """
    check_outcomes(template.observable.qubits)
    shape = (len(tables["filter"]), len(tables["patch"]), len(template.observable.table))
    found = np.empty(shape)
    for item, probabilities in _final_states(template, noise, tables, threads):
        found[item] = _of_outcomes(probabilities, template)
    return recorded(found, template.observable.qubits, noise)


def _final_states(
    template: Template, noise: Noise, tables: AngleTables, threads: int
) -> Iterator[tuple[tuple[int, int], NDArray[np.float64]]]:
    """The probabilities of all bit patterns, shape (2^qubits,), for each filter and patch."""
    elements = physical_process(template, noise)
    doubled = any(len(element.kraus) > 1 for element in elements)
    n_qubits = len(template.qubits) * (2 if doubled else 1)
    fits = doubled and len(template.qubits) <= LARGEST_STATE
    check_state(n_qubits, "shots on the qsim engine (trajectories)" if fits else "")
    writer = CircuitWriter(elements, template.qubits, doubled)
    for row, columns, own in _chunks(template.preparing(tables)):
        for column, gates in zip(columns, writer.gates(own), strict=True):
            yield (row, column), probabilities_of(evolved(n_qubits, gates, threads), doubled)
            circuits_run(1)


def _of_outcomes(probabilities: NDArray[np.float64], template: Template) -> NDArray[np.float64]:
    """What all bit patterns of all qubits give for the measured ones, shape (2^measured,)."""
    qubits, measured = template.qubits, template.observable.qubits
    rest = tuple(axis for axis, qubit in enumerate(qubits) if qubit not in measured)
    kept = [qubit for qubit in qubits if qubit in measured]
    tensor = probabilities.reshape((2,) * len(qubits)).sum(axis=rest)
    found: NDArray[np.float64] = tensor.transpose([kept.index(each) for each in measured]).ravel()
    return found


def _chunks(tables: AngleTables, size: int = 64) -> Iterator[tuple[int, range, AngleTables]]:
    """Filter by filter, some patches at a time: their numbers and their rows of the tables."""
    n_patches = len(tables["patch"])
    for row in range(len(tables["filter"])):
        for start in range(0, n_patches, size):
            columns = range(start, min(start + size, n_patches))
            own = of_patches(tables, slice(columns.start, columns.stop))
            yield row, columns, {**own, "filter": tables["filter"][row : row + 1]}


def _diagonal(template: Template, noise: Noise) -> NDArray[np.float64]:
    """The recorded observable on all qubits, most significant first."""
    order: list[cirq.Qid] = []
    diagonal = np.ones(1)
    for qubits, values in read_observable(template.observable, noise):
        diagonal = np.asarray(np.kron(diagonal, values), dtype=np.float64)
        order += qubits
    rest = [qubit for qubit in template.qubits if qubit not in order]
    whole = np.asarray(np.kron(diagonal, np.ones(2 ** len(rest))), dtype=np.float64)
    axes = [[*order, *rest].index(qubit) for qubit in template.qubits]
    return whole.reshape((2,) * len(template.qubits)).transpose(axes).ravel()


def _misread(
    bits: NDArray[np.integer],
    qubits: Sequence[cirq.Qid],
    noise: Noise,
    generator: np.random.Generator,
) -> NDArray[np.integer]:
    """Flips recorded bits with the readout errors: much cheaper than channels in the circuit."""
    errors = np.array([noise.readout(qubit) for qubit in qubits])
    if errors.any():
        probability = np.where(bits == 0, errors[:, 0], errors[:, 1])
        bits = bits ^ (generator.random(bits.shape) < probability)
    for pair, chance in noise.joint_readout(qubits):
        flips = generator.random(len(bits)) < chance
        bits = bits.copy()
        bits[:, [list(qubits).index(qubit) for qubit in pair]] ^= flips[:, None]
    return bits
