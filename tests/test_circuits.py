"""Slots, loaders, filters and overlap tests, before anything is compiled."""

import cirq
import numpy as np
import pytest
from helpers import mean_of, random_states, state_of
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq.circuits.loaders import LOADERS, make_loader
from qucnn_cirq.circuits.observable import Observable
from qucnn_cirq.circuits.overlap_tests import OVERLAP_TESTS, MeetingPlace
from qucnn_cirq.circuits.slots import (
    FixedUnitary,
    Rotation,
    Slot,
    TableAngle,
    phased_xz_exponents,
)
from qucnn_cirq.circuits.walking_step import crossing_step, last_step, walking_step
from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import CircuitFilter, FixedFilter, XZAnsatz, filter_angles, filter_circuit

SPECIAL = [cirq.I, cirq.X, cirq.Y, cirq.Z, cirq.H, cirq.S, cirq.ry(np.pi), cirq.ry(-0.3)]


def test_phased_xz_exponents_rebuild_any_unitary():
    generator = np.random.RandomState(0)
    unitaries = [cirq.testing.random_unitary(2, random_state=generator) for _ in range(100)]
    unitaries += [cirq.unitary(gate) for gate in SPECIAL]
    exponents = phased_xz_exponents(np.array(unitaries))
    for unitary, x, z, a in zip(unitaries, *exponents, strict=True):
        gate = cirq.PhasedXZGate(x_exponent=x, z_exponent=z, axis_phase_exponent=a)
        cirq.testing.assert_allclose_up_to_global_phase(cirq.unitary(gate), unitary, atol=1e-9)


def test_slot_multiplies_its_factors_and_inverts():
    hadamard = FixedUnitary.from_matrix(cirq.unitary(cirq.H))
    slot = Slot((Rotation("x", TableAngle("patch", 1)), hadamard, Rotation("z", 0.4)))
    tables = {"patch": np.array([[9.0, 0.3], [9.0, -1.1]])}
    for row, angle in enumerate((0.3, -1.1)):
        expected = cirq.unitary(cirq.rz(0.4)) @ cirq.unitary(cirq.H) @ cirq.unitary(cirq.rx(angle))
        np.testing.assert_allclose(slot.unitaries(tables)[row], expected, atol=1e-12)
    identity = (slot**-1).unitaries(tables) @ slot.unitaries(tables)
    np.testing.assert_allclose(identity, np.stack([np.eye(2)] * 2), atol=1e-12)
    assert slot.tables == {"patch"}
    assert len(slot.simplified().factors) == 2


@pytest.mark.parametrize(
    ("name", "n_qubits", "two_qubit_gates"),
    [
        ("schmidt", 4, 7),
        ("line", 4, 7),
        *(("multiplexed", n, 2**n - n - 1) for n in (1, 2, 3, 4, 5)),
    ],
)
def test_loaders_prepare_the_vector(name, n_qubits, two_qubit_gates):
    loader = make_loader(name, n_qubits)
    states = random_states(n_qubits, 12, seed=n_qubits)
    angles = loader.angles(states)
    assert angles.shape == (12, loader.n_angles)
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = loader.circuit(qubits, "patch")
    for state, row in zip(states, angles, strict=True):
        prepared = state_of(circuit, qubits, {"patch": row[None]})
        assert abs(np.vdot(prepared, state)) ** 2 == pytest.approx(1, abs=1e-12)
    assert sum(len(op.qubits) == 2 for op in circuit.all_operations()) == two_qubit_gates


@given(st.lists(st.integers(-3, 3), min_size=16, max_size=16).filter(any))
@settings(deadline=None, max_examples=60)
def test_schmidt_loader_on_degenerate_patches(pixels):
    # Small integers give equal, vanishing and negative singular values in plenty.
    state = np.array(pixels) / np.linalg.norm(pixels)
    loader = make_loader("schmidt", 4)
    qubits = cirq.LineQubit.range(4)
    tables = {"patch": loader.angles(state[None])}
    prepared = state_of(loader.circuit(qubits, "patch"), qubits, tables)
    assert abs(np.vdot(prepared, state)) ** 2 == pytest.approx(1, abs=1e-12)


def test_schmidt_loader_stays_on_the_ring():
    ring = {frozenset(pair) for pair in ((0, 1), (1, 2), (2, 3), (0, 3))}
    circuit = make_loader("schmidt", 4).circuit(cirq.LineQubit.range(4), "patch")
    pairs = {frozenset(q.x for q in op.qubits) for op in circuit.all_operations()}
    assert {pair for pair in pairs if len(pair) == 2} == ring


def test_unknown_loader_and_size_are_refused():
    with pytest.raises(InputError, match="Did you mean 'schmidt'"):
        make_loader("schmit", 4)
    with pytest.raises(InputError, match="registers of 4 qubits, not 3"):
        make_loader("schmidt", 3)
    with pytest.raises(InputError, match="at least one qubit"):
        make_loader("multiplexed", 0)
    assert set(LOADERS) >= {"schmidt", "multiplexed"}


@pytest.mark.parametrize(
    "filter_",
    [
        FixedFilter(np.arange(1, 9)),
        XZAnsatz(layers=2),
        XZAnsatz(layers=2, rotations=("y", "x"), entangler="ring"),
        CircuitFilter(
            cirq.Circuit(
                cirq.H.on_each(*cirq.LineQubit.range(3)),
                cirq.CCZ(*cirq.LineQubit.range(3)),
                cirq.ISWAP(*cirq.LineQubit.range(2)) ** 0.3,
                cirq.T(cirq.LineQubit(1)),
            )
        ),
    ],
    ids=["fixed", "ansatz", "ring", "circuit"],
)
def test_filter_circuits_prepare_the_filter(filter_):
    loader = make_loader("multiplexed", 3)
    parameters = np.random.default_rng(3).uniform(-4, 4, filter_.n_parameters(3))
    qubits = cirq.LineQubit.range(3)
    tables = {"filter": filter_angles(filter_, parameters, 3, loader)}
    prepared = state_of(filter_circuit(filter_, qubits, loader), qubits, tables)
    expected = filter_.states(3, parameters[None])[0]
    assert abs(np.vdot(prepared, expected)) == pytest.approx(1, abs=1e-7)


def test_filter_angles_refuse_wrong_parameters():
    loader = make_loader("multiplexed", 2)
    with pytest.raises(InputError, match="takes 4 parameters"):
        filter_angles(XZAnsatz(), np.zeros(3), 2, loader)
    with pytest.raises(InputError, match="finite"):
        filter_angles(XZAnsatz(), np.full(4, np.nan), 2, loader)


@pytest.mark.parametrize(("gate_set", "gates"), [("cz", 5), ("sqrt_iswap", 6), ("syc", 7)])
def test_walking_step_moves_x_onto_the_next_qubit(gate_set, gates):
    qubits = cirq.LineQubit.range(3)
    circuit = walking_step(*qubits, gate_set)
    step = cirq.unitary(circuit)
    moved = np.kron(np.kron(np.eye(2), cirq.unitary(cirq.X)), np.eye(2))
    before = np.kron(cirq.unitary(cirq.X), cirq.unitary(cirq.SWAP))
    np.testing.assert_allclose(step.conj().T @ moved @ step, before, atol=1e-12)
    assert sum(len(op.qubits) == 2 for op in circuit.all_operations()) == gates


@pytest.mark.parametrize(("gate_set", "gates"), [("cz", 5), ("sqrt_iswap", 6), ("syc", 6)])
def test_last_step_leaves_x_on_the_qubit_that_it_names(gate_set, gates):
    qubits = cirq.LineQubit.range(3)
    circuit, end = last_step(*qubits, gate_set)
    step = cirq.unitary(circuit)
    after = cirq.unitary(cirq.Circuit(cirq.X(end), cirq.I.on_each(*qubits)))
    before = np.kron(cirq.unitary(cirq.X), cirq.unitary(cirq.SWAP))
    np.testing.assert_allclose(step.conj().T @ after @ step, before, atol=1e-12)
    assert sum(len(op.qubits) == 2 for op in circuit.all_operations()) == gates


def test_crossing_step_takes_an_ancilla_in_plus_to_the_far_qubit():
    a, x, f = cirq.LineQubit.range(3)
    circuit = crossing_step(a, x, f, "syc")
    step = cirq.unitary(cirq.Circuit(cirq.ry(np.pi / 2)(a), circuit))[:, :4]
    after = np.kron(np.eye(4), cirq.unitary(cirq.X))
    np.testing.assert_allclose(step.conj().T @ after @ step, cirq.unitary(cirq.SWAP), atol=1e-14)
    pairs = [op.qubits for op in circuit.all_operations() if len(op.qubits) == 2]
    assert len(pairs) == 6 and set(pairs) == {(a, x), (x, f)}
    with pytest.raises(InputError, match="gate set"):
        crossing_step(a, x, f, "cz")


def test_destructive_test_in_sqrt_iswap_reads_the_swap():
    x, f = cirq.LineQubit.range(2)
    place = MeetingPlace((x,), pairs=((x, f),), gate_set="sqrt_iswap")
    meeting, observable = OVERLAP_TESTS["destructive"].meeting(place)
    unitary = meeting.unitary(qubit_order=(x, f))
    ((_, signs),) = observable.groups
    measured = unitary.conj().T @ np.diag(signs) @ unitary
    np.testing.assert_allclose(measured, cirq.unitary(cirq.SWAP), atol=1e-12)


def test_observable_values_mean_and_variance():
    a, b, c = cirq.LineQubit.range(3)
    observable = Observable((((a, b), (1.0, 1.0, 1.0, -1.0)), ((c,), (1.0, -1.0))), low=-1.0)
    bits = np.array([[0, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]])
    assert observable.values(bits).tolist() == [1, -1, 1, -1]
    assert observable.mean(observable.probability(0.3)) == pytest.approx(0.3)
    assert observable.variance(0.6, 100) == pytest.approx((1 - 0.36) / 100)
    zeros = Observable((((a,), (1.0, 0.0)),), low=0.0)
    assert zeros.variance(0.6, 100) == pytest.approx(0.6 * 0.4 / 100)


@pytest.mark.parametrize("name", OVERLAP_TESTS)
@given(seed=st.integers(0, 10**6), n_qubits=st.integers(1, 3))
@settings(deadline=None, max_examples=15)
def test_overlap_tests_measure_the_overlap(name, seed, n_qubits):
    x, f = random_states(n_qubits, 3, seed)[1:]
    loader, test = make_loader("multiplexed", n_qubits), OVERLAP_TESTS[name]
    tables = {"patch": loader.angles(x[None]), "filter": loader.angles(f[None])}
    data = tuple(cirq.NamedQubit.range(n_qubits, prefix="x"))
    other = tuple(cirq.NamedQubit.range(n_qubits, prefix="f"))
    place = MeetingPlace(
        data,
        preparation=loader.circuit(data, "filter"),
        pairs=tuple(zip(data, other, strict=True)),
        walks=(tuple(zip((cirq.NamedQubit("a"), *data), data, other, strict=False)),),
    )
    circuit = loader.circuit(data, "patch")
    if not test.undoes_filter:
        circuit += loader.circuit(other, "filter")
    meeting, observable = test.meeting(place)
    circuit += meeting
    qubits = sorted(circuit.all_qubits())
    probabilities = np.abs(state_of(circuit, qubits, tables)) ** 2
    mean = mean_of(observable, probabilities, qubits)
    assert mean == pytest.approx(np.dot(x, f) ** 2, abs=1e-10)


@pytest.mark.parametrize("g", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_backward_reader_multiplies_by_g(g):
    x, f = random_states(2, 3, seed=8)[1:]
    loader = make_loader("multiplexed", 2)
    data, other = cirq.LineQubit.range(2), cirq.LineQubit.range(2, 4)
    start, reader = cirq.LineQubit(4), cirq.LineQubit(5)
    walk = ((start, data[0], other[0]), (data[0], data[1], other[1]))
    place = MeetingPlace(tuple(data), walks=(walk,), reader=reader)
    meeting, observable = OVERLAP_TESTS["ancilla"].meeting(place)
    circuit = loader.circuit(data, "patch") + loader.circuit(other, "filter") + meeting
    tables = {
        "patch": loader.angles(x[None]),
        "filter": loader.angles(f[None]),
        "upstream": np.array([[np.arccos(g)]]),
    }
    qubits = sorted(circuit.all_qubits())
    probabilities = np.abs(state_of(circuit, qubits, tables)) ** 2
    assert observable.qubits == (reader,)
    mean = mean_of(observable, probabilities, qubits)
    assert mean == pytest.approx(g * np.dot(x, f) ** 2, abs=1e-10)
