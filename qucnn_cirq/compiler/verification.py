"""A compiled program proves itself: bound circuits against the mathematics, and the device."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cirq
import numpy as np
from numpy.typing import NDArray

from noise_models.extensions import comes_with_project
from qucnn_cirq.circuits.feed_forward import deferred
from qucnn_cirq.circuits.loaded import evolved
from qucnn_cirq.circuits.loaders import EXACT
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import MeetingPlace
from qucnn_cirq.circuits.slots import Slot
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import Filter
from qucnn_cirq.measurements import Applied
from qucnn_cirq.measurements.of_bits import parity_table
from qucnn_cirq.specification import ConvolutionSpec
from qucnn_cirq.validation import Violation, errors_of, validate

if TYPE_CHECKING:
    from qucnn_cirq.compiler.compiled_filter import CompiledFilter
    from qucnn_cirq.compiler.program import Program

TOLERANCE = 1e-6
"""Largest deviation of an expectation value that passes."""
MOST_VERIFIED = 10_000
"""Patches of each filter: their circuits take milliseconds each, and longer on more qubits."""
_TRIED = 64
"""Vectors among which one is looked for that a circuit is chosen for."""


@dataclass(frozen=True)
class Verification:
    """What was checked and found.

    Attributes:
        circuits: Number of bound circuits that were simulated.
        largest_deviation: Largest difference between the measured observable's mean and |<x|f>|^2
            (times g, for a backward program). Where a patch x is loaded with infidelity e, the
            deviation counts that is beyond sqrt(e), which is as far as the loading can move F.
        violations: Rules of the device that a circuit breaks.
    """

    circuits: int
    largest_deviation: float
    violations: tuple[Violation, ...]

    @property
    def passed(self) -> bool:
        """Whether every circuit is right to 1e-6 and the device accepts it."""
        return self.largest_deviation <= TOLERANCE and not self.violations


def verify(program: Program, patches: int, seed: int) -> Verification:
    """Simulates bound circuits by Cirq's state vector simulator; see `Program.verify`.

    Args:
        program: The program.
        patches: Random patches for each filter, at least 1.
        seed: Seed of patches, parameters and upstream values.
    """
    generator = np.random.default_rng(seed)
    spec = program.spec
    deviations: list[float] = []
    violations: list[Violation] = []
    # What was asked for: a circuit may have become a vector.
    for compiled, given in zip(program.filters, spec.filter_list, strict=True):
        for state, index in _patches(program, compiled, patches, generator):
            angles = generator.uniform(-np.pi, np.pi, spec.n_parameters)
            upstream = float(generator.uniform(-1, 1)) if spec.backward else None
            variant = compiled.variants[index]
            tables = program.tables(compiled, variant, state, angles, upstream)
            circuit = variant.template.bound_circuit(tables)
            violations += errors_of(validate(circuit, program.device))
            circuit = variant.template.bound_preparation(tables) + circuit
            if spec.measurement is not None:
                expected = _outcomes(spec, given, state, angles)
                observable, relabelling = variant.template.observable, variant.template.relabelling
                found = simulated_outcomes(circuit, observable.qubits)
                if relabelling is not None:
                    found = relabelling.read(found)
                elif compiled.is_two_valued:
                    # All that is read is one sign: the probability of 1.
                    parity = parity_table(_n_bits(expected))
                    expected = np.atleast_1d(observable.probability(expected @ parity))
                    found = np.atleast_1d(observable.probability(found @ observable.table))
                allowed = np.sqrt(_infidelity(compiled, index, state))
                deviations.append(max(0.0, float(np.abs(found - expected).max() - allowed)))
                continue
            prepared = _prepared(spec, state)
            filter_state = given.states(spec.register_qubits, angles[None])[0]
            expected = abs(np.vdot(filter_state, prepared)) ** 2
            if upstream is not None:
                expected *= upstream
            measured = simulated_mean(circuit, compiled.template.observable)
            deviation = abs(measured - expected) - np.sqrt(_infidelity(compiled, index, state))
            deviations.append(max(0.0, float(deviation)))
    return Verification(len(deviations), max(deviations, default=0.0), tuple(violations))


def _prepared(spec: ConvolutionSpec, state: NDArray[np.float64]) -> NDArray[Any]:
    """The state that a patch is to have, shape (2^n,)."""
    prepared: NDArray[Any] = state[0] if spec.has_amplitudes else spec.encoding.states(state)[0]
    return prepared


def _outcomes(
    spec: ConvolutionSpec,
    given: Filter,
    state: NDArray[np.float64],
    angles: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The probability of every outcome of a filter that acts on a patch, shape (2^m,)."""
    measurement, n_qubits = spec.measurement, spec.register_qubits
    assert measurement is not None
    line = cirq.LineQubit.range(n_qubits)
    circuit = given.circuit_on(line)
    turns = Applied(measurement).meeting(MeetingPlace(tuple(line)))[0]
    if any(isinstance(op.gate, Slot) for op in circuit.all_operations()):
        rotations = given.angles(n_qubits, angles[None])
        (acted,) = given.applied(rotations, _prepared(spec, state)[None])
    else:
        # The circuit as it was given, and not as it is written here.
        names = given.parameter_names(n_qubits)
        resolved = cirq.resolve_parameters(circuit, dict(zip(names, angles, strict=True)))
        acted = resolved.unfreeze().final_state_vector(
            initial_state=_prepared(spec, state).astype(complex),
            qubit_order=line,
            ignore_terminal_measurements=False,
            dtype=np.complex128,
        )
    (outcome,) = evolved(turns, line, acted[None], {})
    return _marginal(np.abs(outcome) ** 2, measurement.read(n_qubits))


def _n_bits(chances: NDArray[np.float64]) -> int:
    return (len(chances) - 1).bit_length()


def _marginal(chances: NDArray[np.float64], read: Sequence[int]) -> NDArray[np.float64]:
    """Probabilities of the outcomes of some qubits, in their own order, shape (2^m,)."""
    n_qubits = _n_bits(chances)
    tensor = np.moveaxis(chances.reshape((2,) * n_qubits), read, range(len(read)))
    of_read: NDArray[np.float64] = tensor.reshape(1 << len(read), -1).sum(axis=1)
    return of_read


def check_own_code(program: Program) -> None:
    """Refuses a program whose circuits are wrong, if code of the user's own has made them.

    Circuits of this project's own parts are verified by its tests; those of a user's overlap test,
    loader or filter are here, once in a process.

    Args:
        program: The program.

    Raises:
        InputError: If a random patch's circuit does not measure |<x|f>|^2, or breaks a rule of the
            device.
    """
    spec = program.spec
    parts: dict[str, object] = {f"encoding {spec.encoding.kind!r}": spec.encoding}
    if spec.measurement is None:
        parts[f"overlap test {spec.overlap!r}"] = spec.overlap_test
    else:
        parts[f"measurement {spec.measurement.kind!r}"] = spec.measurement
    for compiled, given in zip(program.filters, spec.filter_list, strict=True):
        parts[f"filter {given.kind!r}"] = given
        parts |= {f"loader {each.loader.name!r}": each.loader for each in compiled.variants}
    own = [name for name, part in parts.items() if not comes_with_project(part)]
    if not own:
        return
    found = _verified_once(program)
    if not found.passed:
        wrong = (
            "break rules of the device" if found.violations else "do not measure what they should"
        )
        raise InputError(
            f"circuits of {', '.join(own)} {wrong} (off by {found.largest_deviation:.2g}): mend "
            "it, and see what Program.verify() finds."
        )


@functools.lru_cache(maxsize=256)
def _verified_once(program: Program) -> Verification:
    return verify(program, patches=1, seed=0)


def _patches(
    program: Program, compiled: CompiledFilter, count: int, generator: np.random.Generator
) -> Iterator[tuple[NDArray[np.float64], int]]:
    """Unit vectors, shape (1, 2^n), of random patches, and of one for every other circuit.

    Each comes with the number of its circuit.
    """
    spec = program.spec
    if not spec.has_amplitudes:
        loader = compiled.loader
        for state in loader.random_states(count, generator):
            yield state[None], 0
        return
    size = spec.channels * int(np.prod(spec.kernel_pair))
    states = np.zeros((count, 2**spec.register_qubits))
    states[:, :size] = generator.normal(size=(count, size))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    chosen = compiled.choose(states).tolist()
    yield from ((state[None], index) for state, index in zip(states, chosen, strict=True))
    last = len(compiled.variants) - 1
    for index in sorted(set(range(last + 1)) - set(chosen)):
        if index == last:
            # It loads every vector, also those that it is not chosen for.
            yield states[:1], index
            continue
        tried = compiled.variants[index].loader.random_states(_TRIED, generator)
        tried[:, size:] = 0
        tried /= np.linalg.norm(tried, axis=1, keepdims=True)
        # The first one will do where a patch is too small for the circuit to be needed.
        of_tried = compiled.choose(tried)
        row = int((of_tried == index).argmax())
        yield tried[row : row + 1], int(of_tried[row])


def _infidelity(compiled: CompiledFilter, index: int, state: NDArray[np.float64]) -> float:
    """With which a shorter loader was allowed to load a state."""
    loader = compiled.variants[index].loader
    if index == len(compiled.variants) - 1:
        return 0.0
    infidelity = float(loader.solve(state)[1][0])
    return infidelity if infidelity > EXACT else 0.0


def simulated_mean(circuit: cirq.Circuit, observable: Observable) -> float:
    """Mean of an observable after an ideal circuit, by Cirq's state vector simulator.

    Args:
        circuit: A unitary circuit with measurements at its end only.
        observable: What is read; its qubits are among the circuit's.
    """
    outcomes = simulated_outcomes(circuit, observable.qubits)
    return float(outcomes @ observable.table)


def simulated_outcomes(circuit: cirq.Circuit, read: Sequence[cirq.Qid]) -> NDArray[np.float64]:
    """Probabilities of what is read after an ideal circuit, by Cirq's state vector simulator.

    Args:
        circuit: A unitary circuit with measurements at its end only.
        read: Qubits of the circuit, in the order of the bits.

    Returns:
        Shape (2^m,), the first qubit most significant.
    """
    gates = cirq.drop_terminal_measurements(deferred(circuit, lambda qubit: (0.0, 0.0)))
    qubits = sorted(circuit.all_qubits())
    simulator = cirq.Simulator(dtype=np.complex128)
    state = simulator.simulate(gates, qubit_order=qubits).final_state_vector
    return _marginal(np.abs(state) ** 2, [qubits.index(qubit) for qubit in read])
