"""Bodies of quantum convolutions: their circuits, parameters that rotations share, gate counts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import cirq
import numpy as np
import pytest
from helpers import filled
from hypothesis import given, settings
from hypothesis import strategies as st

from qucnn_cirq import (
    ConvolutionSpec,
    DualAnsatz,
    InputError,
    QCNNBody,
    QuantumConvolution,
    RandomCircuit,
    RingBody,
    compile_convolution,
)
from qucnn_cirq.circuits.slots import TableAngle, fixed, ry
from qucnn_cirq.compiler.passes import two_qubit_depth, two_qubit_gates
from qucnn_cirq.compiler.pipeline import passes_for, run_passes
from qucnn_cirq.filters import Filter, filter_from_mapping
from qucnn_cirq.filters.places import neighbours, spiral
from qucnn_cirq.filters.shared_angles import SharedAngles

ROTATIONS = {"x": cirq.rx, "y": cirq.ry, "z": cirq.rz}
PAULIS = {"x": cirq.X, "y": cirq.Y, "z": cirq.Z}
Qubits = list[cirq.LineQubit]


def dual(ansatz: DualAnsatz, q: Qubits, values: Iterator[float]) -> Iterator[cirq.Operation]:
    for letter in ansatz.architecture:
        if letter == "s":
            yield from (ROTATIONS[a](next(values))(each) for each in q for a in ansatz.axes)
            continue
        for first, second in zip(q, q[1:], strict=False):
            for axis in ansatz.axes:
                angle = next(values)
                if letter == "d":
                    string = PAULIS[axis](first) * PAULIS[axis](second)
                    yield from cirq.decompose(
                        cirq.PauliStringPhasor(string, exponent_neg=angle / np.pi)
                    )
                else:
                    yield ROTATIONS[axis](angle)(second).controlled_by(first)


def ring(body: RingBody, q: Qubits, values: Iterator[float]) -> Iterator[cirq.Operation]:
    n = len(q)
    for _ in range(body.layers):
        yield from (cirq.CNOT(q[k], q[k + 1]) for k in range(n - 1))
        last = {"ring": n - 1, "even_ring": n - 1 - n % 2}.get(body.entangler)
        if last is not None:
            yield cirq.CNOT(q[last], q[0])
        for each in q:
            yield from (ROTATIONS[axis](next(values))(each) for axis in "zyz")


def su4(a: cirq.Qid, b: cirq.Qid, angles: np.ndarray) -> Iterator[cirq.Operation]:
    t = iter(angles)
    yield from (ROTATIONS[axis](next(t))(each) for each in (a, b) for axis in "zyz")
    yield from (cirq.CNOT(a, b), cirq.ry(next(t))(a), cirq.rz(next(t))(b))
    yield from (cirq.CNOT(b, a), cirq.ry(next(t))(a), cirq.CNOT(a, b))
    yield from (ROTATIONS[axis](next(t))(each) for each in (a, b) for axis in "zyz")


def so4(a: cirq.Qid, b: cirq.Qid, angles: np.ndarray) -> Iterator[cirq.Operation]:
    for number in (0, 2, 4):
        yield from (cirq.CZ(a, b),) * (number > 0)
        yield from (cirq.ry(angles[number])(a), cirq.ry(angles[number + 1])(b))


def qcnn_of_eight(body: QCNNBody, q: Qubits, values: Iterator[float]) -> Iterator[cirq.Operation]:
    """Written out for eight qubits."""
    convolve, size = (su4, 15) if body.block == "su4" else (so4, 6)
    for pairs, pools in (
        ("12 34 56 70 01 23 45 67", "01 32 45 76"),
        ("25 61 12 56", "12 65"),
        ("25", "25"),
    ):
        angles = np.array([next(values) for _ in range(size)])
        for first, second in pairs.split():
            yield from convolve(q[int(first)], q[int(second)], angles)
        z, x = next(values), next(values)
        for left, kept in pools.split():
            yield cirq.rz(z)(q[int(kept)]).controlled_by(q[int(left)])
            yield cirq.rx(x)(q[int(kept)]).controlled_by(q[int(left)], control_values=[0])


CASES: list[tuple[Filter, int, Callable[..., Iterator[cirq.Operation]]]] = [
    (DualAnsatz(), 2, dual),
    (DualAnsatz("sde"), 3, dual),
    (DualAnsatz("sdese", ("y",)), 3, dual),
    (DualAnsatz("ed", ("x", "y")), 3, dual),
    (DualAnsatz("de", ("z", "x")), 2, dual),
    (DualAnsatz("ed", ("x",)), 2, dual),
    (DualAnsatz("ed", ("z",)), 2, dual),
    (RingBody(), 5, ring),
    (RingBody(1), 4, ring),
    (RingBody(1, "ring"), 5, ring),
    (RingBody(3, "chain"), 3, ring),
    (RingBody(1, "none"), 1, lambda body, q, t: (ROTATIONS[a](next(t))(q[0]) for a in "zyz")),
    (QCNNBody("so4", merged=False), 8, qcnn_of_eight),
    (QCNNBody("su4", merged=False), 8, qcnn_of_eight),
    (QCNNBody("so4"), 8, qcnn_of_eight),
    (QCNNBody("su4"), 8, qcnn_of_eight),
]


def drawn(body: Filter, n_qubits: int, seed: int = 4, rows: int = 1) -> np.ndarray:
    size = (rows, body.n_parameters(n_qubits))
    return np.random.default_rng(seed).uniform(-4, 4, size)


def bound(body: Filter, n_qubits: int, parameters: np.ndarray) -> cirq.Circuit:
    """The body as it is compiled, as a circuit of matrices and CZ."""
    circuit = body.compact(cirq.LineQubit.range(n_qubits))
    angles = body.angles(n_qubits, parameters)
    return filled(circuit, {"filter": body.columns(n_qubits, angles)})


@pytest.mark.parametrize(
    ("body", "n_qubits", "plain"), CASES, ids=[f"{body}-{n}" for body, n, _ in CASES]
)
def test_a_body_is_the_same_unitary_as_in_the_gates_of_cirq(body, n_qubits, plain) -> None:
    q = cirq.LineQubit.range(n_qubits)
    parameters = drawn(body, n_qubits)
    values = iter(parameters[0])
    expected = cirq.Circuit(plain(body, q, values)).unitary(q, q)
    assert next(values, None) is None
    found = bound(body, n_qubits, parameters).unitary(q, q)
    assert cirq.equal_up_to_global_phase(found, expected, atol=1e-9)
    # As it is differentiated.
    found = filled(body.slots(q), {"filter": body.angles(n_qubits, parameters)}).unitary(q, q)
    assert cirq.equal_up_to_global_phase(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("body", "n_qubits", "plain"), CASES[:-4], ids=[f"{body}-{n}" for body, n, _ in CASES[:-4]]
)
def test_states_are_what_cirq_simulates(body, n_qubits, plain) -> None:
    q = cirq.LineQubit.range(n_qubits)
    parameters = drawn(body, n_qubits, rows=3)
    for state, row in zip(body.states(n_qubits, parameters), parameters, strict=True):
        expected = cirq.Circuit(plain(body, q, iter(row))).final_state_vector(
            qubit_order=q, dtype=np.complex128
        )
        assert abs(np.vdot(state, expected)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("body", [QCNNBody(), QCNNBody("so4", merged=False), RandomCircuit(5)])
def test_the_compact_circuit_prepares_the_states(body: Filter) -> None:
    angles = body.angles(4, drawn(body, 4, rows=3))
    found, expected = body.prepared(4, body.columns(4, angles)), body.states_at(4, angles)
    overlaps = np.abs((found.conj() * expected).sum(axis=1))
    np.testing.assert_allclose(overlaps, 1, atol=1e-9)


@pytest.mark.parametrize(
    ("body", "n_qubits"),
    [
        (QCNNBody("so4"), 4),
        (QCNNBody("so4", merged=False), 4),
        (QCNNBody("su4"), 4),
        (DualAnsatz("sde"), 3),
        (RandomCircuit(6, trainable=True), 3),
        (RingBody(1), 3),
    ],
    ids=str,
)
def test_shifts_of_all_rotations_give_the_gradient_by_shared_parameters(body, n_qubits) -> None:
    parameters = drawn(body, n_qubits)
    signs = np.random.default_rng(5).normal(size=2**n_qubits)

    def mean(states: np.ndarray) -> np.ndarray:
        return np.abs(states) ** 2 @ signs

    angles = body.angles(n_qubits, parameters)
    shifts = np.pi / 2 * np.eye(angles.shape[1])
    assert len(shifts) == body.n_angles(n_qubits)
    up, down = (mean(body.states_at(n_qubits, angles + sign * shifts)) for sign in (1, -1))
    found = body.parameter_slopes(n_qubits, (up - down) / 2)
    steps = 1e-5 * np.eye(parameters.shape[1])
    up, down = (mean(body.states(n_qubits, parameters + sign * steps)) for sign in (1, -1))
    np.testing.assert_allclose(found, (up - down) / 2e-5, atol=1e-8)


@given(
    architecture=st.text("sde", min_size=1, max_size=4),
    axes=st.permutations("xyz").flatmap(lambda axes: st.sampled_from([axes[:1], axes[:2]])),
    n_qubits=st.integers(1, 4),
)
@settings(max_examples=30, deadline=None)
def test_pairs_of_rotations_take_two_cz_whatever_the_axes(architecture, axes, n_qubits) -> None:
    ansatz = DualAnsatz(architecture, axes)
    pairs = (len(architecture) - architecture.count("s")) * (n_qubits - 1)
    circuit = ansatz.circuit_on(cirq.LineQubit.range(n_qubits))
    assert two_qubit_gates(circuit) == 2 * pairs
    assert filter_from_mapping(json.loads(json.dumps(ansatz.to_mapping()))) == ansatz


@pytest.mark.parametrize(
    "body",
    [
        DualAnsatz("sd", ["y"]),
        QCNNBody("so4", False),
        RandomCircuit(3, 8, 0.5, ["x", "x", "z"], "line", "none", True),
        RingBody(4, "chain"),
    ],
)
def test_a_body_is_read_from_what_it_writes(body: Filter) -> None:
    assert filter_from_mapping(json.loads(json.dumps(body.to_mapping()))) == body
    assert hash(filter_from_mapping(body.to_mapping())) == hash(body)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DualAnsatz("sdx"), "architecture = 'sdx' is not allowed: give a word of"),
        (lambda: DualAnsatz(""), "architecture = '' is not allowed"),
        (lambda: DualAnsatz("s", ("y", "y")), "names an axis twice"),
        (lambda: DualAnsatz("s", ("x", "y", "z")), "give one or two"),
        (lambda: DualAnsatz("s" * 1001), "has 1001 layers: give at most 1000"),
        (lambda: QCNNBody("su3"), "unknown block 'su3'"),
        (lambda: QCNNBody().n_parameters(6), "a QCNN on 6 qubits cannot keep half"),
        (lambda: QCNNBody().check_fits(1, (1, 2), 1), "a QCNN on 1 qubits"),
        (lambda: RandomCircuit(0), "rotations = 0 is not allowed"),
        (lambda: RandomCircuit(two_qubit_ratio=1), "two_qubit_ratio = 1 is not allowed"),
        (lambda: RandomCircuit(axes=()), r"axes = \(\) is not allowed"),
        (lambda: RandomCircuit(trainable=2), "trainable = 2 is not allowed"),
        (lambda: RingBody(0), "layers = 0 is not allowed"),
    ],
)
def test_a_body_refuses(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_a_random_circuit_is_the_same_in_every_process() -> None:
    code = (
        "import cirq; from qucnn_cirq import RandomCircuit;"
        "print(repr(RandomCircuit(9, 3).circuit_on(cirq.LineQubit.range(4))))"
    )
    run = [sys.executable, "-c", code]
    texts = {subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in "12"}
    here = repr(RandomCircuit(9, 3).circuit_on(cirq.LineQubit.range(4)))
    assert texts == {here + "\n"}
    assert repr(RandomCircuit(9, 4).circuit_on(cirq.LineQubit.range(4))) != here


def test_a_random_circuit_draws_as_it_was_told() -> None:
    q = cirq.LineQubit.range(9)
    circuit = RandomCircuit(2000, 1, 0.3, ("x", "x", "y")).circuit_on(q)
    count = two_qubit_gates(circuit)
    # The CNOTs before 2,000 rotations are negative binomial.
    assert count == pytest.approx(2000 * 0.3 / 0.7, abs=4 * np.sqrt(2000 * 0.3) / 0.7)
    pairs = [op.qubits for op in circuit.all_operations() if len(op.qubits) == 2]
    assert len(set(pairs)) == 72
    alone = RandomCircuit(2000, 1, 0.3, ("x", "x", "y"), entangler="none").circuit_on(q)
    kept = [
        op
        for op in circuit.all_operations()
        if len(op.qubits) == 1 and not np.allclose(cirq.unitary(op), cirq.unitary(cirq.H))
    ]
    for qubit in q:
        # Hadamard gates of CNOTs aside, the same gates on each qubit.
        own = [op for op in alone.all_operations() if op.qubits == (qubit,)]
        assert own == [op for op in kept if op.qubits == (qubit,)]
    # RX is the only rotation here that has an imaginary part.
    flips = sum(abs(cirq.unitary(op).imag).max() > 1e-3 for op in kept)
    assert flips / len(kept) == pytest.approx(2 / 3, abs=0.05)
    assert len(kept) == 2000


@pytest.mark.parametrize(
    ("body", "n_qubits"),
    [
        (QCNNBody(), 8),
        (QCNNBody(), 4),
        (QCNNBody(), 2),
        (RingBody(1), 9),
        (RingBody(1), 8),
        (RingBody(1), 4),
        (RandomCircuit(200, pairs="grid"), 9),
        (RandomCircuit(200, pairs="grid"), 4),
        (RandomCircuit(200, pairs="line"), 8),
        (DualAnsatz("de"), 9),
    ],
    ids=str,
)
def test_on_its_places_a_body_acts_on_neighbours(body: SharedAngles, n_qubits: int) -> None:
    places = body.places(n_qubits)
    assert len(set(places)) == n_qubits
    pairs = {
        tuple(sorted(qubit.x for qubit in op.qubits))
        for op in body.circuit_on(cirq.LineQubit.range(n_qubits)).all_operations()
        if len(op.qubits) == 2
    }
    assert pairs <= set(neighbours(places))


@given(st.integers(1, 60))
def test_a_spiral_steps_to_a_neighbour(n_qubits: int) -> None:
    places = spiral(n_qubits)
    assert len(set(places)) == n_qubits
    assert {(n, n + 1) for n in range(n_qubits - 1)} <= set(neighbours(places))


def test_the_qubit_read_is_the_one_that_is_kept() -> None:
    assert QCNNBody().kept(8) == (tuple(range(8)), (1, 2, 5, 6), (2, 5), (5,))
    assert [QCNNBody().read_qubit(n) for n in (2, 4, 8, 16)] == [1, 2, 5, 10]
    assert [QCNNBody(block).n_parameters(8) for block in ("su4", "so4")] == [51, 24]


def measured(
    body: SharedAngles, n_qubits: int, read: list[int], known: bool = False
) -> tuple[int, int]:
    """Two-qubit gates and depth of data, the body and a measurement, compiled.

    Args:
        body: What is compiled.
        n_qubits: Size of its register.
        read: The qubits that are measured.
        known: Whether its angles are numbers then.
    """
    q = cirq.LineQubit.range(n_qubits)
    # Data may be in any state.
    circuit = cirq.Circuit(ry(TableAngle("patch", n)).on(each) for n, each in enumerate(q))
    circuit += bound(body, n_qubits, drawn(body, n_qubits)) if known else body.compact(q)
    circuit = cirq.map_operations(
        circuit,
        lambda op, _: (
            fixed(cirq.unitary(op)).on(*op.qubits) if isinstance(op.gate, cirq.MatrixGate) else op
        ),
    )
    circuit.append(cirq.measure(*(q[n] for n in read)))
    compiled, _ = run_passes(circuit, passes_for("cz"))
    return two_qubit_gates(compiled), two_qubit_depth(compiled)


@pytest.mark.parametrize(
    ("body", "n_qubits", "read", "counts"),
    [
        (QCNNBody("su4"), 8, [5], (39, 15)),
        (QCNNBody("so4"), 8, [5], (33, 13)),
        (QCNNBody("su4", merged=False), 8, [5], (53, 21)),
        (QCNNBody("so4", merged=False), 8, [5], (40, 16)),
        (RingBody(2), 9, [0], (18, 18)),
        (RingBody(2, "chain"), 9, list(range(9)), (16, 10)),
        (RingBody(2, "chain"), 9, [0], (3, 3)),
    ],
    ids=str,
)
def test_gates_of_a_body_with_open_angles(body, n_qubits, read, counts) -> None:
    assert measured(body, n_qubits, read) == counts


@pytest.mark.parametrize("merged", [True, False])
def test_known_angles_take_no_fewer_gates_than_merged_blocks(merged: bool) -> None:
    assert measured(QCNNBody("su4", merged), 8, [5], known=True) == (39, 15)
    assert measured(QCNNBody("so4", merged), 8, [5], known=True) == (33, 13)


@pytest.mark.parametrize("ansatz", [DualAnsatz("sde"), DualAnsatz("sd", ("y",)), QCNNBody("so4")])
def test_a_class_state_is_compiled_and_trained_as_a_filter(ansatz: Filter) -> None:
    spec = ConvolutionSpec(kernel=(2, 2), filters=ansatz)
    layer = QuantumConvolution(compile_convolution(spec, "willow_pink"), "exact", shots=None)
    image = np.array([[[0.1, 0.5], [0.7, 0.3]]])
    (found,) = layer.forward(image).ravel()
    (state,) = ansatz.states(2, layer.parameters)
    patch = image.ravel() / np.linalg.norm(image)
    assert found == pytest.approx(abs(state.conj() @ patch) ** 2, abs=1e-9)
