"""Blocks of two qubits, and users' circuits written in them: equal to what was given, and short."""

import cirq
import numpy as np
import pytest
import sympy
from helpers import state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import ConvolutionSpec, compile_convolution
from qucnn_cirq.circuits.blocks import block, block_from_one, block_from_two, gates_of
from qucnn_cirq.filters import CircuitFilter

A, B = cirq.LineQubit.range(2)
SEEDS = st.integers(0, 2**31 - 1)


def local(generator):
    first, second = (
        cirq.testing.random_unitary(2, random_state=int(generator.integers(2**31)))
        for _ in range(2)
    )
    return np.kron(first, second)


KINDS = {
    "any": lambda g: cirq.testing.random_unitary(4, random_state=int(g.integers(2**31))),
    "controlled": lambda g: cirq.unitary(cirq.CZ ** g.uniform(0.01, 1.9)),
    "slight": lambda g: cirq.unitary(cirq.CZ ** (1e-6 * g.normal())),
    "local": lambda g: np.eye(4),
    "swap": lambda g: cirq.unitary(cirq.SWAP),
    "iswap": lambda g: cirq.unitary(cirq.ISWAP),
}
MOST_GATES = {
    # On any state, where one qubit is in |0>, where both are.
    "any": (3, 2, 1),
    "controlled": (2, 1, 1),
    "slight": (2, 1, 1),
    "local": (0, 0, 0),
    "swap": (3, 2, 0),
    "iswap": (2, 2, 1),
}


def unitary(operations):
    return cirq.Circuit(operations).unitary(
        qubit_order=[A, B], qubits_that_should_be_present=[A, B]
    )


@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_blocks_are_the_same_but_for_a_phase_in_few_gates(kind, seed):
    generator = np.random.default_rng(seed)
    matrix = local(generator) @ KINDS[kind](generator) @ local(generator)
    any_state, one, both = (
        block(A, B, matrix),
        block_from_one(A, B, matrix[:, :2]),
        block_from_two(A, B, matrix[:, 0])[0],
    )
    for columns, written in ((4, any_state), (2, one), (1, both)):
        assert written is not None
        made = unitary(written)[:, :columns]
        cirq.testing.assert_allclose_up_to_global_phase(made, matrix[:, :columns], atol=1e-11)
    counts = gates_of(any_state), gates_of(one), gates_of(both)
    assert all(count <= most for count, most in zip(counts, MOST_GATES[kind], strict=True))


def users_circuit(n_qubits, generator):
    """Gates as users write them, on any pairs."""
    qubits = cirq.LineQubit.range(n_qubits)
    gates = {cirq.H: 1, cirq.T: 1, cirq.CNOT: 2, cirq.CZ: 2, cirq.ISWAP: 2, cirq.SWAP: 2}
    for _ in range(3):
        angle = float(generator.uniform(-np.pi, np.pi))
        gates |= {cirq.ry(angle): 1, cirq.rx(angle): 1, cirq.CZPowGate(exponent=angle): 2}
    moments = int(generator.integers(3, 15))
    circuit = cirq.testing.random_circuit(
        qubits, moments, 0.8, gate_domain=gates, random_state=int(generator.integers(2**31))
    )
    return circuit, qubits


@given(seed=SEEDS, n_qubits=st.integers(2, 4), has_symbols=st.booleans())
@settings(max_examples=40, deadline=None)
def test_users_circuits_prepare_the_same_state(seed, n_qubits, has_symbols):
    generator = np.random.default_rng(seed)
    circuit, qubits = users_circuit(n_qubits, generator)
    if has_symbols:
        theta, phi = sympy.symbols("theta phi")
        first, second = generator.choice(n_qubits, 2, replace=False)
        circuit += [cirq.rx(theta)(qubits[first]), cirq.CZ(*qubits[:2]) ** (2 * phi + 0.1)]
        circuit += users_circuit(n_qubits, generator)[0]
        circuit += cirq.ry(phi - theta)(qubits[second])
    filter_ = CircuitFilter(circuit, qubits)
    parameters = generator.uniform(-4, 4, (1, filter_.n_parameters(n_qubits)))
    written = filter_.slots(qubits)
    prepared = state_of(written, qubits, {"filter": filter_.angles(n_qubits, parameters)})
    expected = filter_.states(n_qubits, parameters)[0]
    assert abs(np.vdot(prepared, expected)) ** 2 == pytest.approx(1, abs=1e-11)
    before = cirq.optimize_for_target_gateset(circuit, gateset=cirq.CZTargetGateset())
    if not has_symbols:
        assert gates_of(written.all_operations()) <= gates_of(before.all_operations())


def test_thirty_users_circuits_take_few_gates():
    """Merged in blocks of two qubits, without regard to |0>, they take 216 CZ."""
    total, before = 0, 0
    for seed in range(30):
        circuit, qubits = users_circuit(2 + seed % 3, np.random.default_rng(seed))
        total += gates_of(CircuitFilter(circuit, qubits).slots(qubits).all_operations())
        merged = cirq.optimize_for_target_gateset(circuit, gateset=cirq.CZTargetGateset())
        before += gates_of(merged.all_operations())
    assert before > 200
    assert total <= 56


def test_what_zero_controls_and_swaps_are_left_out():
    a, b, c = qubits = cirq.LineQubit.range(3)
    theta = sympy.Symbol("theta")
    circuit = cirq.Circuit(
        cirq.CNOT(a, b),
        cirq.rx(theta)(c),
        cirq.SWAP(b, c),
        cirq.CZ(a, b) ** 0.3,
        cirq.ISWAP(a, c),
        cirq.H(a),
        cirq.CNOT(a, b),
    )
    filter_ = CircuitFilter(circuit, qubits)
    written = filter_.slots(qubits)
    assert gates_of(written.all_operations()) == 1
    for angle in (0.4, 2.0):
        rows = filter_.angles(3, np.array([[angle]]))
        prepared = state_of(written, qubits, {"filter": rows})
        expected = filter_.states(3, [[angle]])[0]
        assert abs(np.vdot(prepared, expected)) ** 2 == pytest.approx(1, abs=1e-12)


def test_a_circuit_that_prepares_a_real_vector_is_loaded_where_that_is_better():
    qubits = cirq.LineQubit.range(4)
    gates = {cirq.ry(0.3): 1, cirq.ry(1.2): 1, cirq.CNOT: 2, cirq.CZ: 2}
    circuit = cirq.testing.random_circuit(qubits, 20, 0.8, gate_domain=gates, random_state=1)

    long = CircuitFilter(circuit + cirq.Z(qubits[0]) ** 2)
    short = CircuitFilter(
        cirq.Circuit(cirq.CNOT(qubits[0], qubits[1]), cirq.ry(1).on_each(*qubits))
    )
    for filter_, kind in ((long, "fixed"), (short, "circuit")):
        spec = ConvolutionSpec(kernel=(4, 4), filters=filter_, overlap="destructive")
        program = compile_convolution(spec, "grid:5x6")
        assert program.filters[0].filter.kind == kind
        assert program.verify().passed
        kept = compile_convolution(spec, "grid:5x6", loader="symplectic")
        assert kept.filters[0].filter == filter_
        assert program.report.predicted_error <= kept.report.predicted_error


def test_a_circuit_with_complex_amplitudes_is_kept():
    qubits = cirq.LineQubit.range(2)
    circuit = cirq.Circuit(cirq.ry(1).on_each(*qubits), cirq.CZ(*qubits) ** 0.5)
    filter_ = CircuitFilter(circuit, qubits)
    assert filter_.real_vector(2) is None
    turned = CircuitFilter(cirq.Circuit(cirq.rx(1)(qubits[0]), cirq.S(qubits[0])), qubits)
    np.testing.assert_allclose(
        np.abs(turned.real_vector(2)), [np.cos(0.5), 0, np.sin(0.5), 0], atol=1e-12
    )


def test_a_seam_of_loader_and_filter_is_merged_and_proved():
    qubits = cirq.LineQubit.range(4)
    bell = cirq.Circuit(cirq.rx(0.7)(qubits[2]), cirq.CNOT(*qubits[2:]), cirq.T(qubits[2]))
    filter_ = CircuitFilter(bell, qubits)
    spec = ConvolutionSpec(kernel=(4, 4), filters=filter_, overlap="inversion")
    program = compile_convolution(spec, "grid:5x6", prove=True)
    # Six CZ load every patch; that of the filter is merged with the last of them.
    assert program.report.two_qubit_gates == 6
    assert all(
        each.report.predicted_error <= program.report.predicted_error
        for each in program.filters[0].variants
    )
