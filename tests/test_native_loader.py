"""Six native gates a loader in SYC and sqrt-iSWAP."""

from __future__ import annotations

import cirq
import cirq_google
import numpy as np
import pytest
from helpers import state_of

from qucnn_cirq import ConvolutionSpec, FixedFilter, InputError, compile_convolution
from qucnn_cirq.circuits.loaders import NativeLoader, SymplecticLoader, make_loader
from qucnn_cirq.circuits.loaders import native as native_loader
from qucnn_cirq.circuits.loaders.native import WORDS
from qucnn_cirq.circuits.native_circuit import NativeCircuit
from qucnn_cirq.circuits.native_search import native_infidelities, solve_native_angles
from qucnn_cirq.compiler.gate_sets import rebase
from qucnn_cirq.drawing.placement import placement_of

GATES = {"syc": cirq_google.SYC, "sqrt_iswap": cirq.SQRT_ISWAP}
EXACT = 1e-20


def random_states(count: int, seed: int) -> np.ndarray:
    states = np.random.default_rng(seed).normal(size=(count, 16))
    return states / np.linalg.norm(states, axis=1, keepdims=True)


@pytest.mark.parametrize("gate", WORDS)
@pytest.mark.parametrize("word", ["", "MOMO", "210101", "OMOR"])
def test_circuit_in_cirq_makes_the_states_of_the_simulation(gate: str, word: str) -> None:
    loader, circuit = NativeLoader(gate, word), NativeCircuit(word, gate)
    angles = np.random.default_rng(1).uniform(-np.pi, np.pi, (2, loader.n_angles))
    qubits = cirq.LineQubit.range(4)
    template = loader.circuit(qubits, "patch")
    couplings = [op.gate for op in template.all_operations() if len(op.qubits) == 2]
    assert couplings == [GATES[gate]] * (len(word) + word.count("O"))
    for row, state in zip(angles, circuit.states(angles).T, strict=True):
        made = state_of(template, qubits, {"patch": row[None]})
        assert abs(np.vdot(made, state)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("gate", WORDS)
def test_derivatives_are_those_of_the_differences(gate: str) -> None:
    circuit = NativeCircuit("MOMRM", gate)
    angles = np.random.default_rng(2).uniform(-np.pi, np.pi, (2, circuit.n_angles + 1))
    targets = random_states(2, 3)
    differences, jacobians = circuit.differences(angles, targets)
    for column in range(angles.shape[1]):
        shift = np.zeros_like(angles)
        shift[:, column] = 1e-6
        after, _ = circuit.differences(angles + shift, targets, derivatives=False)
        before, _ = circuit.differences(angles - shift, targets, derivatives=False)
        np.testing.assert_allclose((after - before) / 2e-6, jacobians[:, :, column], atol=1e-8)
    # The distance of the state from the target, in the phase that is the last angle.
    states = circuit.states(angles[:, :-1]).T
    wanted = np.exp(-1j * angles[:, -1:]) * targets
    apart = np.linalg.norm(states - wanted, axis=1)
    np.testing.assert_allclose(np.linalg.norm(differences, axis=1), apart, atol=1e-12)


@pytest.mark.parametrize("word", WORDS["syc"][:3])
def test_six_syc_have_one_angle_more_than_a_state(word: str) -> None:
    circuit = NativeCircuit(word, "syc")
    angles = np.random.default_rng(4).uniform(-np.pi, np.pi, (1, circuit.n_angles))
    shifts = np.concatenate([1e-6 * np.eye(circuit.n_angles), -1e-6 * np.eye(circuit.n_angles)])
    ahead, behind = np.split(circuit.states(angles + shifts), 2, axis=1)
    states = np.concatenate([ahead - behind, 2e-6j * circuit.states(angles)], axis=1) / 2e-6
    # 30 parameters and a phase; of the first two qubits' six turns one is for nothing.
    rank = np.linalg.matrix_rank(np.concatenate([states.real, states.imag]), tol=1e-7)
    assert (rank, circuit.n_angles) == (31, 31)


@pytest.mark.parametrize("gate", WORDS)
def test_the_family_loads_every_vector(gate: str) -> None:
    low_rank = np.random.default_rng(6).normal(size=(2, 4, 2))
    states = np.concatenate(
        [
            random_states(6, 7),
            np.eye(16)[[0, 5]],
            np.full((1, 16), 0.25),
            [np.eye(4).ravel() / 2],
            [np.outer(*low_rank[0].T).ravel()],
            [(low_rank[0] @ low_rank[1].T).ravel()],
        ]
    )
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    left = np.arange(len(states))
    used = []
    for loader in NativeLoader(gate).family(None):
        angles, infidelities = loader.solve(states[left])
        qubits = cirq.LineQubit.range(4)
        loaded = infidelities <= EXACT
        for row, state in zip(angles[loaded][:2], states[left[loaded]][:2], strict=True):
            made = state_of(loader.circuit(qubits, "patch"), qubits, {"patch": row[None]})
            assert abs(np.vdot(made, state)) == pytest.approx(1, abs=1e-9)
        used += [loader.cost[0]] * int(loaded.sum())
        left = left[~loaded]
        if not len(left):
            break
    assert not len(left)
    assert np.mean(np.array(used) == 6) > 0.7


def test_a_result_does_not_depend_on_the_batch() -> None:
    circuit, states = NativeCircuit("MOMO", "sqrt_iswap"), random_states(5, 8)
    together, _ = solve_native_angles(states, circuit, (1, 3))
    alone = np.concatenate([solve_native_angles(each[None], circuit, (1, 3))[0] for each in states])
    np.testing.assert_allclose(np.exp(1j * together), np.exp(1j * alone), atol=1e-4)
    assert solve_native_angles(states[:0], circuit, (1,))[0].shape == (0, 36)


def test_shorter_words_come_close_within_a_tolerance() -> None:
    family = NativeLoader("syc").family(1e-2)
    assert [loader.cost[0] for loader in family] == [0, 2, 3, 4, 5, 6, 6, 6, 7, 6]
    assert isinstance(family[-1], SymplecticLoader)
    halves = np.random.default_rng(9).normal(size=(3, 2, 4))
    states = np.array([np.kron(left, right) for left, right in halves])
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    infidelities = family[1].solve(states)[1]
    # One SYC does not entangle a pair completely.
    assert infidelities.max() < 2e-2
    generator = np.random.default_rng(10)
    for loader in family[:2]:
        assert loader.solve(loader.random_states(4, generator))[1].max() < 2e-2


@pytest.mark.parametrize("gate", WORDS)
def test_solved_states_are_remembered(gate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loader, states = NativeLoader(gate), random_states(3, 11)
    angles, infidelities = loader.solve(states)
    circuit = NativeCircuit(loader.word, gate)
    np.testing.assert_allclose(native_infidelities(states, angles, circuit), infidelities)
    monkeypatch.setattr(native_loader, "solve_native_angles", None)
    np.testing.assert_array_equal(loader.angles(states[::-1]), angles[::-1])


@pytest.mark.parametrize("gate", GATES.values())
def test_an_inverted_gate_becomes_the_gate_itself(gate: cirq.Gate) -> None:
    qubits = cirq.LineQubit.range(2)
    inverse = cirq.Circuit(cirq.inverse(gate.on(*qubits)))
    native = rebase(inverse, gate_set="syc" if gate == cirq_google.SYC else "sqrt_iswap")
    assert [op.gate for op in native.all_operations() if len(op.qubits) == 2] == [gate]
    overlap = np.trace(cirq.unitary(inverse).conj().T @ native.unitary(qubit_order=qubits))
    assert abs(overlap) == pytest.approx(4, abs=1e-12)


def test_other_registers_are_refused() -> None:
    for n_qubits, gate_set in ((4, "cz"), (3, "syc"), (5, "sqrt_iswap")):
        with pytest.raises(InputError, match="native loader is for"):
            make_loader("native", n_qubits, gate_set)
    with pytest.raises(InputError, match="gate"):
        NativeLoader("cz")
    spec = ConvolutionSpec(filters=FixedFilter(np.arange(16).reshape(4, 4)))
    with pytest.raises(InputError, match="'native' has no form in CZ"):
        compile_convolution(spec, "sycamore", loader="native", layout="routed")


@pytest.mark.parametrize("gate", WORDS)
def test_each_form_leads_a_family_that_loads_everything(gate: str) -> None:
    states = random_states(3, seed=5)
    for loader in NativeLoader(gate).forms():
        family = loader.family(None)
        assert loader in family and isinstance(family[-1], SymplecticLoader)
        native = [each for each in family if isinstance(each, NativeLoader)]
        words = [each.word for each in native]
        assert words[0] == loader.settings()["word"] and set(words) == set(WORDS[gate]) | {words[0]}
        assert all(each.family(None) == (each,) for each in native[1:])
        assert min(each.solve(states)[1].max() for each in family) <= EXACT


COSTS = {
    ("sqrt_iswap", "ancilla"): 36,
    ("sqrt_iswap", "destructive"): 16,
    ("sqrt_iswap", "inversion"): 12,
    ("syc", "ancilla"): 38,
    ("syc", "destructive"): 20,
    ("syc", "inversion"): 12,
}


@pytest.mark.parametrize(("gate_set", "overlap"), COSTS)
def test_auto_takes_it_where_it_has_fewer_gates(gate_set: str, overlap: str) -> None:
    kernel = np.random.default_rng(1).normal(size=(4, 4))
    spec = ConvolutionSpec(kernel=(4, 4), filters=FixedFilter(kernel), overlap=overlap)
    program = compile_convolution(spec, "sycamore", gate_set=gate_set)
    assert program.report.loader == "native"
    assert program.report.two_qubit_gates == COSTS[gate_set, overlap]
    patch = np.random.default_rng(3).normal(size=(4, 4))
    circuit = program.circuit(patch)
    expected = np.vdot(patch, kernel) ** 2 / np.vdot(patch, patch) / np.vdot(kernel, kernel)
    gates = cirq.drop_terminal_measurements(circuit)
    qubits = sorted(gates.all_qubits())
    state = cirq.Simulator(dtype=np.complex128).simulate(gates, qubit_order=qubits)
    probabilities = np.abs(state.final_state_vector) ** 2
    bits = np.array(list(np.ndindex(*(2,) * len(qubits))))
    observable = program.filters[0].template.observable
    read = bits[:, [qubits.index(qubit) for qubit in observable.qubits]]
    if overlap == "ancilla":
        (walk,) = placement_of(circuit).walks
        # In SYC the ancilla stays before the last pair.
        assert len(walk) == (4 if gate_set == "syc" else 5)
    assert probabilities @ observable.values(read) == pytest.approx(expected, abs=1e-9)
