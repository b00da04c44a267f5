"""Quantum data: every window's <f| rho |f> against density matrices by Cirq."""

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    CircuitFilter,
    FixedFilter,
    InputError,
    QuantumData,
    XZAnsatz,
    compile_windows,
    window_overlaps,
)
from qucnn_cirq.devices import grid_device

LINE = cirq.LineQubit.range(6)


def brickwork(depth, seed=0):
    generator = np.random.default_rng(seed)
    circuit = cirq.Circuit()
    for layer in range(depth):
        circuit.append(
            cirq.ry(angle).on(q) for q, angle in zip(LINE, generator.normal(size=6), strict=True)
        )
        circuit.append(cirq.CZ(*LINE[i : i + 2]) for i in range(layer % 2, 5, 2))
    return circuit + cirq.rx(0.3).on_each(*LINE)


def reduced_overlap(circuit, qubits, window, state):
    """<f| rho |f>, the reduced state by Cirq's own partial trace."""
    result = cirq.Simulator(dtype=np.complex128).simulate(circuit, qubit_order=qubits)
    rho = result.density_matrix_of(list(window))
    return float((state.conj() @ rho @ state).real)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_exact_values_are_those_of_the_reduced_state(seed, size):
    circuit = cirq.testing.random_circuit(LINE[:5], 6, 0.6, random_state=seed)
    data = QuantumData(circuit, LINE[:5])
    generator = np.random.default_rng(seed)
    window = tuple(LINE[index] for index in generator.permutation(5)[:size])
    state = generator.normal(size=2**size) + 1j * generator.normal(size=2**size)
    state /= np.linalg.norm(state)
    found = data.overlaps(window, state[None])[0]
    assert found == pytest.approx(reduced_overlap(circuit, LINE[:5], window, state), abs=1e-6)


@pytest.mark.parametrize(
    ("gate_set", "overlap"),
    [
        ("cz", "ancilla"),
        ("syc", "ancilla"),
        ("sqrt_iswap", "destructive"),
        ("cz", "inversion"),
        ("sqrt_iswap", "inversion"),
    ],
)
def test_circuits_measure_every_window(gate_set, overlap):
    filters = [FixedFilter(np.arange(1, 5)), FixedFilter([1.0, 0, 0, -1])]
    program = compile_windows(
        brickwork(2), filters, "grid:4x8", size=2, stride=2, overlap=overlap, gate_set=gate_set
    )
    assert program.windows == ((LINE[0], LINE[1]), (LINE[2], LINE[3]), (LINE[4], LINE[5]))
    found = program.verify()
    assert found.passed and found.circuits == 6
    state = np.array([1, 0, 0, -1]) / np.sqrt(2)
    exact = program.exact()
    for column, window in enumerate(program.windows):
        expected = reduced_overlap(brickwork(2), LINE, window, state)
        assert exact[1, column] == pytest.approx(expected, abs=1e-6)
    # Windows are entangled with the rest, so that no filter fits them perfectly.
    assert exact.max() < 0.999


@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 3),
    overlap=st.sampled_from(["ancilla", "destructive", "inversion"]),
    broken=st.sets(st.sampled_from(cirq.GridQubit.rect(4, 5)), max_size=2),
)
@settings(deadline=None, max_examples=10, derandomize=True)
def test_any_data_on_any_device_is_valid_and_correct(seed, size, overlap, broken):
    device = grid_device([q for q in cirq.GridQubit.rect(4, 5) if q not in broken])
    circuit = cirq.testing.random_circuit(LINE[:4], 5, 0.6, random_state=seed)
    own = cirq.testing.random_circuit(LINE[:size], 3, 0.7, random_state=seed + 1)
    filters = CircuitFilter(own, LINE[:size]) if seed % 2 else XZAnsatz(layers=1)
    data = QuantumData(circuit, LINE[:4])
    generator = np.random.default_rng(seed)
    windows = [tuple(LINE[i] for i in generator.permutation(4)[:size])]
    program = compile_windows(data, filters, device, size=size, windows=windows, overlap=overlap)
    assert program.verify(seed).passed


def test_a_window_gets_only_the_part_it_depends_on():
    program = compile_windows(brickwork(1), XZAnsatz(), "willow_pink", size=2, overlap="inversion")
    # One CZ inside window 0; window 1 is joined to a qubit on either side.
    assert [program.report(window).qubits for window in range(3)] == [2, 4, 2]
    ghz = cirq.Circuit(cirq.H(LINE[0]), (cirq.CNOT(*LINE[i : i + 2]) for i in range(5)))
    program = compile_windows(ghz, FixedFilter([1, 0, 0, 1]), size=2, overlap="inversion")
    np.testing.assert_allclose(program.exact(), 0.5, atol=1e-12)
    assert program.report(0).two_qubit_gates < program.report(4).two_qubit_gates


def test_two_walkers_decoupling_and_places():
    block = cirq.GridQubit.rect(3, 6, top=1, left=1)
    program = compile_windows(
        brickwork(2),
        XZAnsatz(layers=2),
        "grid:6x8",
        size=3,
        stride=3,
        walkers=2,
        dynamical_decoupling="XX",
        placement=block,
    )
    assert program.verify().passed
    parameters = np.linspace(0, 2, program.spec.n_parameters)
    for window in range(2):
        circuit = program.circuit(window, parameters)
        assert circuit.all_qubits() <= set(block)
        assert len(cirq.drop_terminal_measurements(circuit).all_qubits()) >= 7
    routed = compile_windows(brickwork(2), XZAnsatz(), "grid:4x4", size=2, layout="routed")
    assert routed.report().layout == "routed"
    assert routed.verify().passed


def test_engines_agree_on_windows_under_noise():
    noise = {"depolarizing": {"p1": 0.002, "p2": 0.01}, "readout": {"p01": 0.01, "p10": 0.03}}
    program = compile_windows(brickwork(1), FixedFilter([1, 2, 3, 4]), "grid:4x6", size=2, stride=2)
    ideal = window_overlaps(program, engine="exact", shots=None)
    np.testing.assert_allclose(ideal, program.exact(), atol=1e-9)
    noisy = window_overlaps(program, engine="exact", noise=noise, shots=None)
    doubled = window_overlaps(program, engine="qsim_density", noise=noise, shots=None)
    np.testing.assert_allclose(noisy, doubled, atol=1e-5)
    assert np.abs(noisy - ideal).max() > 0.01
    sampled = window_overlaps(program, noise=noise, engine="exact", shots=20_000, seed=4)
    assert np.abs(sampled - noisy).max() < 5 / np.sqrt(20_000)
    again = window_overlaps(program, noise=noise, engine="exact", shots=20_000, seed=4)
    np.testing.assert_array_equal(sampled, again)
    result = cirq.Simulator(seed=2).run(program.circuit(1), repetitions=20_000)
    assert program.estimate(result, 1) == pytest.approx(ideal[0, 1], abs=5 / np.sqrt(20_000))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 7}, "the data has 6 qubits"),
        ({"size": 2, "stride": 0}, "stride = 0"),
        ({"size": 2, "windows": [LINE[:3]]}, "size = 2 qubits"),
        ({"size": 2, "windows": [LINE[:2]], "stride": 2}, "stride = 2 has no effect"),
        ({"size": 2, "windows": [[LINE[0], LINE[0]]]}, "distinct"),
        ({"size": 2, "windows": [[LINE[0], cirq.LineQubit(9)]]}, "no qubit of the data"),
        ({"size": 2, "overlap": "auto"}, "unknown overlap test 'auto'"),
        ({"size": 2, "layout": "plaquettes"}, "unknown layout"),
        ({"size": 2, "placement": {"data": []}}, "list of qubits"),
        ({"size": 3}, "fixed filter has shape"),
    ],
)
def test_bad_requests_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        compile_windows(brickwork(1), FixedFilter([1, 2, 3, 4]), "grid:4x8", **arguments)


def test_what_is_no_state_is_refused():
    with pytest.raises(InputError, match="quantum data has a measurement"):
        QuantumData(cirq.Circuit(cirq.measure(LINE[0])))
    with pytest.raises(InputError, match="quantum data needs a cirq.Circuit"):
        QuantumData(3)
    program = compile_windows(brickwork(1), XZAnsatz(), "grid:4x8", size=2, overlap="inversion")
    with pytest.raises(InputError, match="window = 5 is outside 0..4"):
        program.circuit(5, np.zeros(4))
    with pytest.raises(InputError, match="takes 4 parameters"):
        program.circuit(0)
    with pytest.raises(InputError, match=r"shape \(1, 4\)"):
        window_overlaps(program, np.zeros((1, 3)))
