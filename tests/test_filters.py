"""Filters: their states against Cirq, their data, and what they refuse."""

import copy
import pickle

import cirq
import numpy as np
import pytest
import sympy
from helpers import state_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qucnn_cirq.errors import InputError
from qucnn_cirq.filters import (
    ENTANGLERS,
    FILTER_KINDS,
    CircuitFilter,
    FixedFilter,
    XZAnsatz,
    filter_from_mapping,
)

ROTATION_GATES = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}


def simulated_ansatz(ansatz, n_qubits, parameters):
    """The ansatz's state by Cirq's simulator, from the definition in words."""
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = cirq.Circuit()
    angles = iter(parameters)
    for _ in range(ansatz.layers):
        for axis in ansatz.rotations:
            circuit += [ROTATION_GATES[axis](next(angles))(qubit) for qubit in qubits]
        if ansatz.entangler != "none":
            circuit += [cirq.CNOT(a, b) for a, b in zip(qubits, qubits[1:], strict=False)]
        if ansatz.entangler == "ring" and n_qubits > 2:
            circuit += cirq.CNOT(qubits[-1], qubits[0])
    simulator = cirq.Simulator(dtype=np.complex128)
    return simulator.simulate(circuit, qubit_order=qubits).final_state_vector


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("entangler", ENTANGLERS)
@pytest.mark.parametrize(
    ("layers", "rotations"), [(1, "xz"), (3, "xz"), (2, "y"), (2, "zyx"), (1, "zxz")]
)
def test_ansatz_states_are_those_cirq_simulates(n_qubits, entangler, layers, rotations):
    ansatz = XZAnsatz(layers, tuple(rotations), entangler)
    generator = np.random.default_rng(11)
    count = ansatz.n_parameters(n_qubits)
    assert count == layers * len(rotations) * n_qubits
    parameters = generator.uniform(-7, 7, size=(3, count))
    states = ansatz.states(n_qubits, parameters)
    expected = [simulated_ansatz(ansatz, n_qubits, row) for row in parameters]
    np.testing.assert_allclose(states, expected, atol=1e-12)


def test_ansatz_defaults_are_the_papers():
    assert XZAnsatz() == XZAnsatz(layers=1, rotations=("x", "z"), entangler="chain")
    assert XZAnsatz(layers=3).n_parameters(4) == 24


def test_cnot_pairs():
    assert XZAnsatz().cnot_pairs(4) == ((0, 1), (1, 2), (2, 3))
    assert XZAnsatz(entangler="ring").cnot_pairs(3) == ((0, 1), (1, 2), (2, 0))
    assert XZAnsatz(entangler="ring").cnot_pairs(2) == ((0, 1),)
    assert XZAnsatz(entangler="none").cnot_pairs(4) == ()
    assert XZAnsatz().cnot_pairs(1) == ()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_shift_rule_is_exact_for_the_ansatz(seed):
    generator = np.random.default_rng(seed)
    ansatz, n_qubits = XZAnsatz(layers=2), 2
    angles = generator.uniform(0, 2 * np.pi, ansatz.n_parameters(n_qubits))
    data = generator.normal(size=4)
    data /= np.linalg.norm(data)

    def overlap(shift):
        batch = angles + shift * np.eye(len(angles))
        return np.abs(ansatz.states(n_qubits, batch) @ data) ** 2

    by_shift_rule = (overlap(np.pi / 2) - overlap(-np.pi / 2)) / 2
    by_difference = (overlap(1e-5) - overlap(-1e-5)) / 2e-5
    np.testing.assert_allclose(by_shift_rule, by_difference, atol=1e-8)


def test_empty_batch_of_parameters_gives_no_states():
    assert XZAnsatz().states(2, np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("parameters", [np.zeros(4), np.zeros((1, 5)), np.zeros((1, 1, 4))])
def test_parameters_of_wrong_shape_are_refused(parameters):
    with pytest.raises(InputError, match=r"takes \(batch, 4\)"):
        XZAnsatz().states(2, parameters)


def test_parameters_that_are_not_finite_are_named():
    parameters = np.zeros((2, 4))
    parameters[1, 2] = np.inf
    with pytest.raises(InputError, match=r"parameters\[1, 2\] is inf"):
        XZAnsatz().states(2, parameters)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 0}, "layers = 0 .*within 1..1000"),
        ({"layers": 1.5}, "layers = 1.5"),
        ({"layers": True}, "layers = True"),
        ({"rotations": ()}, "rotations"),
        ({"rotations": ("x", "w")}, "unknown rotation 'w'"),
        ({"entangler": "rings"}, "Did you mean 'ring'"),
    ],
)
def test_ansatz_refuses(options, message):
    with pytest.raises(InputError, match=message):
        XZAnsatz(**options)


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=4),
        elements=st.floats(-1e308, 1e308),
    ).filter(np.any)
)
@settings(max_examples=80, deadline=None)
def test_fixed_filter_is_normalised_padded_and_round_trips(values):
    fixed = FixedFilter(values)
    vector = fixed.fixed_vector(7)
    assert vector.shape == (128,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-12)
    assert not vector[values.size :].any()
    largest = np.abs(values).argmax()
    np.testing.assert_allclose(
        vector[: values.size] / vector[largest],
        values.ravel() / values.ravel()[largest],
        atol=1e-12,
    )
    restored = filter_from_mapping(fixed.to_mapping())
    assert restored == fixed and hash(restored) == hash(fixed)


def test_fixed_filter_keeps_a_read_only_copy():
    given_values = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    fixed = FixedFilter(given_values)
    given_values[0, 0] = 9
    assert fixed.values.tolist() == [[1, 2], [3, 4]] and fixed.values.dtype == np.float64
    for same in (fixed, pickle.loads(pickle.dumps(fixed)), copy.deepcopy(fixed)):
        assert same == fixed
        with pytest.raises(ValueError, match="read-only"):
            same.values[0, 0] = 5


def test_fixed_filters_are_compared_by_content():
    assert FixedFilter([1, 0]) == FixedFilter(np.array([1.0, -0.0]))
    assert hash(FixedFilter([1, 0])) == hash(FixedFilter([1.0, -0.0]))
    assert FixedFilter([1, 0]) != FixedFilter([0, 1])
    assert FixedFilter([1, 0]) != XZAnsatz()
    assert len({FixedFilter([1, 2]), FixedFilter((1.0, 2.0)), FixedFilter([[1, 2]])}) == 2


def test_fixed_filter_states_repeat_the_vector():
    states = FixedFilter([3, 4]).states(2, np.zeros((2, 0)))
    np.testing.assert_allclose(states, [[0.6, 0.8, 0, 0]] * 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 0], "all zero"),
        ([], "shape"),
        (3.0, "shape"),
        ([1, np.nan], r"nan at \(1,\)"),
        ([[1, 2], [3, -np.inf]], r"-inf at \(1, 1\)"),
        ([1j, 0], "complex128"),
        (["a"], "real numbers"),
        ([[1, 2], [3]], "ragged"),
    ],
)
def test_fixed_filter_refuses(values, message):
    with pytest.raises(InputError, match=message):
        FixedFilter(values)


def test_fixed_filter_larger_than_the_register():
    with pytest.raises(InputError, match="holds at most 2"):
        FixedFilter([1, 2, 3]).fixed_vector(1)


def example_circuit():
    a, b, c = cirq.LineQubit.range(3)
    return cirq.Circuit(
        cirq.H(a), cirq.CNOT(a, b) ** 0.5, cirq.T(b), cirq.rx(0.3)(c), cirq.CZ(b, c)
    )


def test_circuit_filter_state_in_register_order():
    circuit = example_circuit()
    expected = cirq.Simulator(dtype=np.complex128).simulate(circuit).final_state_vector
    state = CircuitFilter(circuit).states(3, np.zeros((1, 0)))[0]
    np.testing.assert_allclose(state, expected, atol=1e-12)

    reverse = CircuitFilter(circuit, qubits=cirq.LineQubit.range(3)[::-1])
    state = reverse.states(3, np.zeros((1, 0)))[0]
    np.testing.assert_allclose(state, expected.reshape(2, 2, 2).T.ravel(), atol=1e-12)
    assert reverse != CircuitFilter(circuit)


def test_circuit_filter_with_an_idle_qubit():
    a, b = cirq.LineQubit.range(2)
    state = CircuitFilter(cirq.Circuit(cirq.X(b)), qubits=[a, b]).states(2, np.zeros((2, 0)))
    np.testing.assert_allclose(np.abs(state), [[0, 1, 0, 0]] * 2)


def test_circuit_filter_is_hashable_immutable_and_round_trips():
    circuit = example_circuit()
    original = CircuitFilter(circuit)
    circuit.append(cirq.X(cirq.LineQubit(0)))
    assert original == CircuitFilter(example_circuit())
    assert hash(original) == hash(CircuitFilter(example_circuit()))
    assert filter_from_mapping(original.to_mapping()) == original
    assert pickle.loads(pickle.dumps(original)) == original

    named = CircuitFilter(
        cirq.Circuit(cirq.Y(cirq.NamedQubit("b"))),
        cirq.NamedQubit.range(2, prefix="q") + [cirq.NamedQubit("b")],
    )
    assert filter_from_mapping(named.to_mapping()) == named


def test_circuit_filter_text_does_not_depend_on_how_a_number_is_written():
    qubit = cirq.LineQubit(0)
    texts = {
        CircuitFilter(cirq.Circuit(cirq.XPowGate(exponent=exponent)(qubit))).to_mapping()["circuit"]
        for exponent in (1, 1.0)
    }
    assert len(texts) == 1


T = sympy.Symbol("t")
A, B, C = cirq.LineQubit.range(3)


@pytest.mark.parametrize(
    ("circuit", "qubits", "message"),
    [
        (cirq.Circuit(), None, "no qubits"),
        ("H", None, "not str"),
        (cirq.Circuit(cirq.H(cirq.q(0)), cirq.measure(cirq.q(0))), None, "measurement"),
        (cirq.Circuit(cirq.rx(T * T)(cirq.q(0))), None, r"the angle 't\*\*2': write a sum"),
        (cirq.Circuit(cirq.rx(sympy.sin(T))(cirq.q(0))), None, "write a sum of symbols"),
        (
            cirq.Circuit(cirq.PhasedFSimGate(T, 0.1)(*cirq.LineQubit.range(2))),
            None,
            "symbols Cirq cannot resolve",
        ),
        (cirq.Circuit(cirq.ry(T)(A).controlled_by(B, C)), None, "cannot write in rotations"),
        (cirq.Circuit(cirq.depolarize(0.1)(cirq.q(0))), None, "not unitary"),
        (cirq.Circuit(cirq.CNOT(cirq.q(0), cirq.q(1))), [cirq.q(0)], r"acts on q\(1\)"),
        (cirq.Circuit(cirq.H(cirq.q(0))), [cirq.q(0), cirq.q(0)], "twice"),
        (cirq.Circuit(cirq.IdentityGate(qid_shape=(3,))(cirq.LineQid(0, 3))), None, "qudit"),
    ],
)
def test_circuit_filter_refuses(circuit, qubits, message):
    with pytest.raises(InputError, match=message) as refused:
        CircuitFilter(circuit, qubits)
    assert len(str(refused.value)) <= 200


def test_circuit_filter_of_another_size_is_refused():
    with pytest.raises(InputError, match="3 qubits and the patch register has 4"):
        CircuitFilter(example_circuit()).states(4, np.zeros((1, 0)))


def test_circuit_without_json_form_is_refused_when_written():
    class Unknown(cirq.Gate):
        def _num_qubits_(self):
            return 1

        def _unitary_(self):
            return np.eye(2)

    filter_ = CircuitFilter(cirq.Circuit(Unknown()(cirq.q(0))))
    with pytest.raises(InputError, match="cannot be written as JSON"):
        filter_.to_mapping()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "no key 'kind': add one of ansatz"),
        ("ansatz", "must be a table"),
        ({"kind": "ansat"}, "Did you mean 'ansatz'"),
        ({"kind": ["ansatz"]}, "unknown filter kind"),
        ({"kind": "ansatz", "layer": 2}, "Did you mean 'layers'"),
        ({"kind": "fixed"}, "no key 'values'"),
        ({"kind": "fixed", "value": [1]}, "Did you mean 'values'"),
        ({"kind": "circuit"}, "no key 'circuit'"),
        ({"kind": "circuit", "circuit": "{"}, "not readable as Cirq JSON"),
        ({"kind": "circuit", "circuit": "[]"}, "not list"),
        ({"kind": "circuit", "circuit": 3}, "must be text"),
    ],
)
def test_filter_from_mapping_refuses(mapping, message):
    with pytest.raises(InputError, match=message):
        filter_from_mapping(mapping)


def test_every_kind_is_registered_under_its_own_name():
    assert set(FILTER_KINDS) >= {
        "ansatz",
        "fixed",
        "circuit",
        "dual",
        "qcnn",
        "random_circuit",
        "ring",
    }
    assert all(cls.kind == kind for kind, cls in FILTER_KINDS.items())


@pytest.mark.parametrize("n_qubits", [2, 3, 4])
def test_a_fixed_circuit_of_a_users_is_shortened_where_it_acts_on_zero(n_qubits):
    qubits = cirq.LineQubit.range(n_qubits)
    circuit = cirq.Circuit(
        cirq.MatrixGate(cirq.testing.random_unitary(4, random_state=n_qubits + shift)).on(*pair)
        for pair in zip(qubits, qubits[1:], strict=False)
        for shift in range(2)
    )
    written = CircuitFilter(circuit, qubits).slots(qubits)
    # One CZ for the first pair, two for each that follows.
    assert sum(len(op.qubits) == 2 for op in written.all_operations()) == 2 * n_qubits - 3
    prepared = state_of(written, qubits, {})
    expected = circuit.final_state_vector(qubit_order=qubits, dtype=np.complex128)
    assert abs(np.vdot(prepared, expected)) ** 2 == pytest.approx(1, abs=1e-12)


def test_only_what_comes_before_all_rotations_of_a_qubit_acts_on_zero():
    a, b = qubits = cirq.LineQubit.range(2)
    theta = sympy.Symbol("theta")
    circuit = cirq.Circuit(
        cirq.rx(theta)(a), cirq.CZ(a, b) ** 0.3, cirq.ISWAP(a, b) ** 0.7, cirq.ry(theta)(b)
    )
    filter_ = CircuitFilter(circuit, qubits)
    written = filter_.slots(qubits)
    assert sum(len(op.qubits) == 2 for op in written.all_operations()) == 2
    for angle in (0.4, 2.0):
        rows = filter_.angles(2, np.array([[angle]]))
        prepared = state_of(written, qubits, {"filter": rows})
        expected = filter_.states(2, [[angle]])[0]
        assert abs(np.vdot(prepared, expected)) ** 2 == pytest.approx(1, abs=1e-12)
