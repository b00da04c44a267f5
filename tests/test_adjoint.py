"""Exact gradients of trained circuits: against finite differences, Cirq and the shift rule."""

import cirq
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import adjoint
from qucnn_cirq.adjoint import BlockedCircuit, gradients, means
from qucnn_cirq.circuits.slots import Rotation, Slot, TableAngle, fixed, rotation
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, XZAnsatz

AXES = ("x", "y", "z")


def drawn_circuit(generator, n_qubits, n_angles, gates=14):
    """Slots of several factors, CZ and other gates; angles recur, with either sign."""
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = cirq.Circuit()
    for _ in range(gates):
        qubit, other = generator.permutation(qubits)[:2]
        factors = [
            Rotation(
                AXES[generator.integers(3)],
                TableAngle(
                    "filter", int(generator.integers(n_angles)), int(generator.choice([1, -1]))
                ),
            )
            for _ in range(generator.integers(1, 4))
        ]
        circuit.append(Slot((*factors, Rotation("y", 0.3))).on(qubit))
        circuit.append(fixed(cirq.unitary(cirq.H)).on(other))
        two = [cirq.CZ, cirq.ISWAP**0.3, cirq.CNOT][generator.integers(3)]
        circuit.append(two(qubit, other))
    return circuit


def drawn_states(generator, batch, n_qubits):
    states = generator.normal(size=(2, batch, 2**n_qubits))
    return states[0] + 1j * states[1]


def bound(circuit, angles):
    def filled(operation, _):
        if not isinstance(operation.gate, Slot):
            return operation
        unitary = operation.gate.unitaries({"filter": angles[None]})[0]
        return cirq.MatrixGate(unitary).on(*operation.qubits)

    return cirq.map_operations(circuit, filled)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_qubits=st.integers(2, 4))
def test_means_and_gradients_are_those_of_the_unitary(seed, n_qubits):
    generator = np.random.default_rng(seed)
    circuit = drawn_circuit(generator, n_qubits, 5)
    angles = generator.uniform(-4, 4, 5)
    states = drawn_states(generator, 3, n_qubits)
    values = generator.normal(size=(2, 2**n_qubits))
    upstream = generator.normal(size=(2, 3))

    def expected(angles, states):
        unitary = cirq.unitary(
            cirq.Circuit(
                bound(circuit, angles), cirq.IdentityGate(n_qubits)(*cirq.LineQubit.range(n_qubits))
            )
        )
        return values @ np.abs(unitary @ states.T) ** 2

    by_angles, by_states, found = gradients(circuit, angles, states, values, upstream)
    np.testing.assert_allclose(found, expected(angles, states), atol=1e-10)
    np.testing.assert_allclose(means(circuit, angles, states, values), found, atol=1e-12)
    step = 1e-6
    for column, slope in enumerate(by_angles):
        moved = np.eye(5)[column] * step
        change = expected(angles + moved, states) - expected(angles - moved, states)
        assert slope == pytest.approx((change * upstream).sum() / (2 * step), abs=1e-5)
    moved = step * drawn_states(generator, 3, n_qubits)
    change = expected(angles, states + moved) - expected(angles, states - moved)
    assert (by_states.conj() * moved).real.sum() == pytest.approx(
        (change * upstream).sum() / 2, abs=1e-9
    )


def test_gradients_are_those_of_the_shift_rule():
    ansatz, generator = XZAnsatz(2, ("y", "z"), "ring"), np.random.default_rng(3)
    circuit = BlockedCircuit(ansatz.slots(cirq.LineQubit.range(3)), cirq.LineQubit.range(3))
    angles = generator.uniform(-3, 3, circuit.n_angles)
    states, values = drawn_states(generator, 4, 3), generator.normal(size=(1, 8))
    by_angles, _, _ = gradients(circuit, angles, states, values, np.ones((1, 4)))
    shifts = np.pi / 2 * np.eye(len(angles))
    shifted = [
        (means(circuit, angles + s, states, values) - means(circuit, angles - s, states, values))
        for s in shifts
    ]
    np.testing.assert_allclose(by_angles, np.sum(shifted, axis=(1, 2)) / 2, atol=1e-12)


@pytest.mark.parametrize("entangler", ["none", "ring"])
def test_outcomes_of_the_zero_state_are_the_filters_states(entangler):
    ansatz, generator = XZAnsatz(2, ("x", "z"), entangler), np.random.default_rng(4)
    circuit = BlockedCircuit(ansatz.slots(cirq.LineQubit.range(3)), cirq.LineQubit.range(3))
    angles = generator.uniform(-3, 3, 12)
    found = circuit.apply(angles, np.eye(1, 8))
    np.testing.assert_allclose(found, ansatz.states(3, angles[None]), atol=1e-12)


def test_a_users_circuit_is_differentiated_by_its_angles():
    qubits = cirq.LineQubit.range(2)
    theta = sympy.Symbol("theta")
    own = CircuitFilter(
        cirq.Circuit(cirq.ry(2 * theta)(qubits[0]), cirq.CNOT(*qubits), cirq.rz(theta)(qubits[1]))
    )
    angles = own.angles(2, np.array([[0.4]]))[0]
    by_angles, _, found = gradients(
        own.slots(qubits), angles, np.eye(1, 4), np.array([[1.0, 1, -1, -1]]), np.ones((1, 1))
    )
    assert found.item() == pytest.approx(np.cos(0.8))
    assert own.parameter_slopes(2, by_angles) == pytest.approx([-2 * np.sin(0.8)])


def test_blocks_of_states_change_nothing(monkeypatch):
    generator = np.random.default_rng(5)
    circuit, angles = drawn_circuit(generator, 3, 5), generator.uniform(-4, 4, 5)
    states, values = drawn_states(generator, 7, 3), generator.normal(size=(2, 8))
    upstream = generator.normal(size=(2, 7))
    whole = gradients(circuit, angles, states, values, upstream)
    monkeypatch.setattr(adjoint, "BLOCK_ELEMENTS", 33)
    for one, other in zip(whole, gradients(circuit, angles, states, values, upstream), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


Q = cirq.LineQubit.range(3)


@pytest.mark.parametrize(
    ("circuit", "angles", "states", "values", "said"),
    [
        (cirq.Circuit(cirq.X(Q[2])), 0, (1, 4), (1, 4), "q(2), which is not among its 2 qubits"),
        (cirq.Circuit(cirq.measure(Q[0])), 0, (1, 4), (1, 4), "unitary gates"),
        (
            cirq.Circuit(rotation("x", TableAngle("patch", 0)).on(Q[0])),
            1,
            (1, 4),
            (1, 4),
            "'patch'",
        ),
        (cirq.Circuit(rotation("x", TableAngle("filter", 2)).on(Q[0])), 2, (1, 4), (1, 4), "(3,)"),
        (cirq.Circuit(), 0, (1, 6), (1, 6), "states have shape (1, 6)"),
        (cirq.Circuit(), 0, (1, 4), (1, 8), "values have shape (1, 8)"),
        (BlockedCircuit(cirq.Circuit(), Q), 0, (1, 4), (1, 4), "2 qubits and the circuit 3"),
    ],
)
def test_what_does_not_fit_is_refused(circuit, angles, states, values, said):
    with pytest.raises(InputError) as caught:
        means(circuit, np.zeros(angles), np.ones(states), np.ones(values))
    assert said in str(caught.value)


def test_an_upstream_of_another_shape_is_refused():
    with pytest.raises(InputError, match="need \\(1, 2\\)"):
        gradients(cirq.Circuit(), np.zeros(0), np.ones((2, 4)), np.ones((1, 4)), np.ones((2, 1)))
