"""Validation: a corpus of circuits with known violations, and agreement with Cirq."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import cirq
import cirq_google
import networkx as nx
import numpy as np
import pytest
import sympy

from qucnn_cirq import InputError, load_device
from qucnn_cirq.cli import main
from qucnn_cirq.devices import Device, grid_device
from qucnn_cirq.validation import RULES, check, errors_of, place, placing, validate

Q = cirq.GridQubit
A, B, C, D = Q(0, 0), Q(0, 1), Q(0, 2), Q(1, 1)
FAR = Q(7, 7)
X = cirq.PhasedXZGate(x_exponent=1, z_exponent=0.25, axis_phase_exponent=0.5)
T = sympy.Symbol("t")
NAN, INF = float("nan"), float("inf")
COUPLER = cirq_google.Coupler
NS = cirq.Duration(nanos=9)

SMALL = grid_device([A, B, C, D], [(A, B), (B, C), (B, D)], name="small", two_qubit_gates=["cz"])
APART = Device("apart", SMALL.cirq_device, measures_apart=True)
SYC = grid_device([A, B, C], name="syc", two_qubit_gates=["syc"])
WILLOW, WEBER = load_device("willow_pink"), load_device("weber")
WP, WQ = sorted(WILLOW.graph.edges)[0]
ONLY_WILLOW = max(WILLOW.graph)


def moments(*layers: object) -> cirq.Circuit:
    return cirq.Circuit(cirq.Moment(layer) for layer in layers)


def sub(*layers: object, **options: object) -> cirq.CircuitOperation:
    return cirq.CircuitOperation(moments(*layers).freeze(), **options)


# Device, circuit, and what is wrong: rule, moment, qubits.
CORPUS: dict[str, tuple[Device, object, list[tuple[str, int, tuple[cirq.Qid, ...]]]]] = {
    # Nothing.
    "empty": (SMALL, cirq.Circuit(), []),
    "empty moments": (SMALL, moments([], [], []), []),
    "one pulse": (SMALL, moments([X(A)]), []),
    "pulses side by side": (SMALL, moments([X(A), X(B), X(C), X(D)]), []),
    "a coupler": (SMALL, moments([cirq.CZ(A, B)]), []),
    "a coupler, reversed": (SMALL, moments([cirq.CZ(D, B)]), []),
    "virtual z": (SMALL, moments([cirq.Z(A) ** 0.3]), []),
    "physical z": (SMALL, moments([cirq.Z(A).with_tags(cirq_google.PhysicalZTag())]), []),
    "identity": (SMALL, moments([cirq.I(A)]), []),
    "hadamard is a pulse": (SMALL, moments([cirq.H(A)]), []),
    "wait": (SMALL, moments([cirq.WaitGate(cirq.Duration(nanos=50)).on(A)]), []),
    "wait on uncoupled qubits": (
        SMALL,
        moments([cirq.WaitGate(cirq.Duration(nanos=9), num_qubits=2).on(A, C)]),
        [],
    ),
    "measurement": (SMALL, moments([cirq.measure(A)]), []),
    "measurement of uncoupled qubits": (SMALL, moments([cirq.measure(A, C)]), []),
    "measured twice": (SMALL, moments([cirq.measure(A)], [cirq.measure(A, key="b")]), []),
    "measured beside a gate": (SMALL, moments([cirq.measure(A), cirq.CZ(B, C)]), []),
    "gate after another's measurement": (SMALL, moments([cirq.measure(A)], [X(B)]), []),
    "tagged": (SMALL, moments([X(A).with_tags("anything", 3)]), []),
    "subcircuit": (SMALL, moments([sub([X(A)], [cirq.CZ(A, B)])]), []),
    "looped subcircuit": (SMALL, moments([sub([X(A)], [cirq.CZ(A, B)], repetitions=9)]), []),
    "apart, measured alone": (APART, moments([cirq.CZ(A, B)], [cirq.measure(A, B)]), []),
    "apart, pulse beside measurement": (APART, moments([cirq.measure(A), X(B)]), []),
    "reset after measurement": (
        WILLOW,
        moments([cirq.measure(WP)], [cirq.reset(WP)], [X(WP)]),
        [],
    ),
    "syc as fsim": (SYC, moments([cirq.FSimGate(np.pi / 2, np.pi / 6)(A, B)]), []),
    # Unknown qubits.
    "a far pulse": (SMALL, moments([X(FAR)]), [("unknown_qubit", 0, (FAR,))]),
    "a far measurement": (SMALL, moments([cirq.measure(FAR)]), [("unknown_qubit", 0, (FAR,))]),
    "one foot outside": (SMALL, moments([], [cirq.CZ(A, FAR)]), [("unknown_qubit", 1, (A, FAR))]),
    "both feet outside": (
        SMALL,
        moments([cirq.CZ(FAR, Q(7, 8))]),
        [("unknown_qubit", 0, (FAR, Q(7, 8)))],
    ),
    "hole in the grid": (SMALL, moments([X(Q(1, 0))]), [("unknown_qubit", 0, (Q(1, 0),))]),
    "negative": (SMALL, moments([X(Q(-1, 0))]), [("unknown_qubit", 0, (Q(-1, 0),))]),
    "line qubit": (
        SMALL,
        moments([X(cirq.LineQubit(0))]),
        [("unknown_qubit", 0, (cirq.LineQubit(0),))],
    ),
    "named qubit": (
        SMALL,
        moments([X(cirq.NamedQubit("a"))]),
        [("unknown_qubit", 0, (cirq.NamedQubit("a"),))],
    ),
    "willow qubit on weber": (
        WEBER,
        moments([X(ONLY_WILLOW)]),
        [("unknown_qubit", 0, (ONLY_WILLOW,))],
    ),
    "measured together, one far": (
        SMALL,
        moments([cirq.measure(A, FAR)]),
        [("unknown_qubit", 0, (A, FAR))],
    ),
    "far inside a subcircuit": (
        SMALL,
        moments([X(A)], [sub([X(FAR)])]),
        [("unknown_qubit", 1, (FAR,))],
    ),
    # Missing couplers.
    "two apart": (SMALL, moments([cirq.CZ(A, C)]), [("missing_coupler", 0, (A, C))]),
    "diagonal": (SMALL, moments([cirq.CZ(A, D)]), [("missing_coupler", 0, (A, D))]),
    "third moment": (
        SMALL,
        moments([X(A)], [cirq.CZ(A, B)], [cirq.CZ(C, D)]),
        [("missing_coupler", 2, (C, D))],
    ),
    "the same coupler twice": (
        SMALL,
        moments([cirq.CZ(A, C)], [cirq.CZ(A, C)]),
        [("missing_coupler", 0, (A, C)), ("missing_coupler", 1, (A, C))],
    ),
    "inside a subcircuit": (
        SMALL,
        moments([sub([X(A)], [cirq.CZ(A, C), X(B)])]),
        [("missing_coupler", 0, (A, C))],
    ),
    # Gate set.
    "cnot": (SMALL, moments([cirq.CNOT(A, B)]), [("gate_set", 0, (A, B))]),
    "swap": (SMALL, moments([cirq.SWAP(A, B)]), [("gate_set", 0, (A, B))]),
    "iswap root": (SMALL, moments([cirq.SQRT_ISWAP(A, B)]), [("gate_set", 0, (A, B))]),
    "partial cz": (SMALL, moments([cirq.CZ(A, B) ** 0.5]), [("gate_set", 0, (A, B))]),
    "cz on syc": (SYC, moments([cirq.CZ(A, B)]), [("gate_set", 0, (A, B))]),
    "toffoli": (SMALL, moments([cirq.CCX(A, B, C)]), [("gate_set", 0, (A, B, C))]),
    "matrix": (
        SMALL,
        moments([cirq.MatrixGate(cirq.unitary(cirq.T)).on(A)]),
        [("gate_set", 0, (A,))],
    ),
    "bit flip": (SMALL, moments([cirq.bit_flip(0.1).on(A)]), [("gate_set", 0, (A,))]),
    "depolarising": (SMALL, moments([cirq.depolarize(0.1).on(A)]), [("gate_set", 0, (A,))]),
    "reset": (SMALL, moments([cirq.reset(A)]), [("gate_set", 0, (A,))]),
    "global phase": (SMALL, cirq.Circuit(cirq.global_phase_operation(1j)), [("gate_set", 0, ())]),
    "classical control": (
        SMALL,
        moments([cirq.measure(A, key="a")], [X(B).with_classical_controls("a")]),
        [("gate_set", 1, (B,))],
    ),
    "controlled gate": (
        SMALL,
        moments([cirq.ControlledGate(cirq.Y).on(A, B)]),
        [("gate_set", 0, (A, B))],
    ),
    "pauli string": (
        SMALL,
        cirq.Circuit((cirq.X(A) * cirq.X(B)).with_coefficient(1)),
        [("gate_set", 0, (A, B))],
    ),
    "gate in a loop": (
        SMALL,
        moments([sub([cirq.T(A)], [cirq.CNOT(A, B)], repetitions=2)]),
        [("gate_set", 0, (A, B))] * 2,
    ),
    # Numbers that are none.
    "exponents that no float holds": (
        SMALL,
        moments([cirq.X(A) ** (2 * 10**400), cirq.Z(B) ** -(10**400 + 1)]),
        [("not_finite", 0, (A,)), ("not_finite", 0, (B,))],
    ),
    "nan in a pulse": (SMALL, moments([], [cirq.X(A) ** NAN]), [("not_finite", 1, (A,))]),
    "nan in a virtual z": (SMALL, moments([cirq.Z(A) ** NAN]), [("not_finite", 0, (A,))]),
    "infinite phase": (
        SMALL,
        moments(
            [cirq.PhasedXZGate(x_exponent=1, z_exponent=INF, axis_phase_exponent=0).on(A)],
            [cirq.PhasedXPowGate(phase_exponent=-INF).on(B)],
        ),
        [("not_finite", 0, (A,)), ("not_finite", 1, (B,))],
    ),
    "nan in a global shift": (
        SMALL,
        moments([cirq.XPowGate(global_shift=NAN).on(A)]),
        [("not_finite", 0, (A,))],
    ),
    "nan in a coupler": (
        SMALL,
        moments([cirq.CZ(A, B) ** NAN], [cirq.FSimGate(NAN, 0).on(A, B)]),
        [("not_finite", 0, (A, B)), ("not_finite", 1, (A, B))],
    ),
    "infinite wait": (
        SMALL,
        moments([cirq.WaitGate(cirq.Duration(nanos=INF)).on(A)]),
        [("not_finite", 0, (A,))],
    ),
    "nan in a confusion map": (
        SMALL,
        moments([cirq.measure(A, confusion_map={(0,): np.array([[0.9, 0.1], [NAN, 1]])})]),
        [("not_finite", 0, (A,))],
    ),
    "nan in matrices": (
        SMALL,
        moments(
            [cirq.MatrixGate(NAN * np.eye(2), unitary_check=False).on(A)],
            [cirq.KrausChannel([np.eye(2), np.full((2, 2), INF)]).on(A)],
        ),
        [("not_finite", 0, (A,)), ("not_finite", 1, (A,))],
    ),
    "nan in a pauli string": (
        SMALL,
        cirq.Circuit((cirq.X(A) * cirq.X(B)).with_coefficient(NAN)),
        [("not_finite", 0, (A, B))],
    ),
    "nan under a control": (
        SMALL,
        moments(
            [cirq.measure(B, key="m")],
            [(cirq.X(A) ** NAN).with_classical_controls("m")],
            [cirq.ControlledGate(cirq.X**NAN).on(A, C)],
        ),
        [("not_finite", 1, (A,)), ("missing_coupler", 2, (A, C)), ("not_finite", 2, (A, C))],
    ),
    "a symbol that stands for nan": (
        SMALL,
        moments([sub([cirq.X(A) ** T]).with_params({T: NAN})], [cirq.Z(B) ** sympy.nan]),
        [("not_finite", 0, (A,)), ("not_finite", 1, (B,))],
    ),
    "nan, tagged and nested": (
        SMALL,
        moments([sub([sub([(cirq.X(A) ** NAN).with_tags("t")])]).with_tags("u")]),
        [("not_finite", 0, (A,))],
    ),
    # Unresolved parameters.
    "symbol in a pulse": (
        SMALL,
        moments([cirq.PhasedXZGate(x_exponent=T, z_exponent=0, axis_phase_exponent=0).on(A)]),
        [("unresolved_parameters", 0, (A,))],
    ),
    "symbol in a phase": (
        SMALL,
        moments([], [cirq.Z(A) ** T]),
        [("unresolved_parameters", 1, (A,))],
    ),
    "symbol in a coupler": (
        SMALL,
        moments([cirq.CZ(A, B) ** (T + 1)]),
        [("unresolved_parameters", 0, (A, B))],
    ),
    "symbolic rotation": (SMALL, moments([cirq.rx(T).on(A)]), [("unresolved_parameters", 0, (A,))]),
    # After measurement.
    "pulse after": (
        SMALL,
        moments([cirq.measure(A)], [X(A)]),
        [("after_measurement", 1, (A,))],
    ),
    "much later": (
        SMALL,
        moments([cirq.measure(A)], [], [X(B)], [cirq.CZ(A, B)]),
        [("after_measurement", 3, (A, B))],
    ),
    "twice after": (
        SMALL,
        moments([cirq.measure(A, B)], [X(A)], [X(B)]),
        [("after_measurement", 1, (A,)), ("after_measurement", 2, (B,))],
    ),
    "virtual z after": (
        SMALL,
        moments([cirq.measure(A)], [cirq.Z(A)]),
        [("after_measurement", 1, (A,))],
    ),
    "loop that measures": (
        SMALL,
        moments([sub([X(A)], [cirq.measure(A)], repetitions=5, use_repetition_ids=False)]),
        [("after_measurement", 0, (A,))],
    ),
    # Measurement beside two-qubit gates.
    "apart, beside": (
        APART,
        moments([cirq.measure(A), cirq.CZ(B, C)]),
        [("measurement_beside_gates", 0, (B, C))],
    ),
    "apart, beside, later": (
        APART,
        moments([cirq.CZ(A, B)], [cirq.CZ(B, C)], [cirq.measure(A), cirq.CZ(B, D), X(C)]),
        [("measurement_beside_gates", 2, (B, D))],
    ),
    # Overlaps, which a cirq.Moment cannot hold.
    "overlap": (SMALL, [[X(A), X(A)]], [("overlapping_operations", 0, (A,))]),
    "overlap of a coupler": (
        SMALL,
        [[X(A)], [cirq.CZ(A, B), cirq.CZ(B, C)]],
        [("overlapping_operations", 1, (B, C))],
    ),
    "three at once": (
        SMALL,
        [[X(A), X(A), X(A)]],
        [("overlapping_operations", 0, (A,)), ("overlapping_operations", 0, (A,))],
    ),
    # Subcircuits.
    "apart, subcircuit that measures last": (
        APART,
        moments([sub([cirq.CZ(A, B)], [cirq.measure(A, B)])]),
        [],
    ),
    "apart, nested and renamed": (
        APART,
        moments(
            [sub([sub([X(A)], [cirq.CZ(A, C)])], [cirq.measure(C)], qubit_map={C: B})],
            [X(D)],
        ),
        [],
    ),
    "apart, two subcircuits that begin together": (
        APART,
        moments([sub([X(A)], [cirq.measure(A)]), sub([X(B)], [cirq.CZ(B, C)])]),
        [("measurement_beside_gates", 0, (B, C))],
    ),
    "a loop goes on after its measurement": (
        APART,
        moments([sub([cirq.CZ(A, B)], [cirq.measure(A)], repetitions=3, use_repetition_ids=False)]),
        [("after_measurement", 0, (A, B))],
    ),
    "a loop without end": (
        SMALL,
        moments([sub([X(A)], repetitions=T)]),
        [("unresolved_parameters", 0, (A,))],
    ),
    "a loop until": (
        SMALL,
        moments(
            [
                sub(
                    [cirq.measure(A, key="m")],
                    use_repetition_ids=False,
                    repeat_until=cirq.KeyCondition(cirq.MeasurementKey("m")),
                )
            ]
        ),
        [("gate_set", 0, (A,))],
    ),
    "no round at all": (SMALL, moments([sub([cirq.CNOT(A, B)], repetitions=0)]), []),
    # Couplers as targets.
    "a coupler waits": (SMALL, moments([cirq.WaitGate(NS).on(COUPLER(A, B))], [X(A)]), []),
    "a coupler beside its qubit": (SMALL, moments([X(A), cirq.X(COUPLER(B, A)) ** 0.5]), []),
    "a coupler of qubits apart": (
        SMALL,
        moments([cirq.WaitGate(NS).on(COUPLER(A, C))]),
        [("missing_coupler", 0, (COUPLER(A, C),))],
    ),
    "a coupler that leaves the device": (
        SMALL,
        moments([cirq.WaitGate(NS).on(COUPLER(A, FAR))]),
        [("unknown_qubit", 0, (COUPLER(A, FAR),))],
    ),
    "a gate between coupler and qubit": (
        SMALL,
        moments([cirq.CZ(COUPLER(A, B), A)]),
        [("missing_coupler", 0, (COUPLER(A, B), A))],
    ),
    # Several at once.
    "foreign gate on no coupler": (
        SMALL,
        moments([cirq.CNOT(A, C)]),
        [("missing_coupler", 0, (A, C)), ("gate_set", 0, (A, C))],
    ),
    "everything about one gate": (
        APART,
        [[cirq.measure(A)], [cirq.measure(C), cirq.CNOT(C, A)]],
        [
            ("overlapping_operations", 1, (C, A)),
            ("missing_coupler", 1, (C, A)),
            ("gate_set", 1, (C, A)),
            ("after_measurement", 1, (C, A)),
            ("measurement_beside_gates", 1, (C, A)),
        ],
    ),
    "symbol, far, after": (
        SMALL,
        moments([cirq.measure(FAR)], [cirq.X(FAR) ** T]),
        [
            ("unknown_qubit", 0, (FAR,)),
            ("unknown_qubit", 1, (FAR,)),
            ("unresolved_parameters", 1, (FAR,)),
            ("after_measurement", 1, (FAR,)),
        ],
    ),
    "one in every moment": (
        SMALL,
        moments([X(FAR)], [cirq.T(A)], [cirq.CNOT(A, B)], [cirq.CZ(A, D)], [cirq.measure(A)]),
        [("unknown_qubit", 0, (FAR,)), ("gate_set", 2, (A, B)), ("missing_coupler", 3, (A, D))],
    ),
    "two in one moment": (
        SMALL,
        moments([cirq.bit_flip(0.5).on(D), cirq.CZ(A, C), X(B)]),
        [("gate_set", 0, (D,)), ("missing_coupler", 0, (A, C))],
    ),
}


def found(device: Device, circuit: object) -> list[tuple[str, int, tuple[cirq.Qid, ...]]]:
    return [(each.rule, each.moment, each.qubits) for each in validate(circuit, device)]


def test_the_corpus_is_large_and_has_every_rule():
    rules = {rule for _, _, broken in CORPUS.values() for rule, _, _ in broken}
    # Cirq's own objections and the warning have tests of their own.
    assert rules == set(RULES) - {"device", "coherence_time"}
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("name", CORPUS)
def test_known_violations_are_found_exactly(name):
    device, circuit, expected = CORPUS[name]
    assert sorted(map(str, found(device, circuit))) == sorted(map(str, expected))


@pytest.mark.parametrize("name", CORPUS)
def test_every_violation_says_where_what_and_what_to_do(name):
    device, circuit, _ = CORPUS[name]
    layers = list(circuit)
    for violation in validate(circuit, device):
        assert violation.hint and violation.reason
        assert len(str(violation).splitlines()) == 1
        assert str(violation.moment) in str(violation)
        mapping = violation.to_mapping()
        assert mapping["rule"] in RULES
        if not any(isinstance(op, cirq.CircuitOperation) for op in layers[violation.moment]):
            assert violation.qubits in [op.qubits for op in layers[violation.moment]]


EXTRA_RULES = {
    "unresolved_parameters",
    "after_measurement",
    "measurement_beside_gates",
    "overlapping_operations",
    "coherence_time",
}


def random_circuit(device: Device, generator: np.random.Generator) -> cirq.Circuit:
    """Mostly right; now and then a qubit, a coupler or a gate that the device lacks."""
    qubits, couplers = sorted(device.graph), sorted(device.graph.edges)
    gates = [cirq.CZ, cirq.SQRT_ISWAP, cirq_google.SYC, cirq.CNOT, cirq.ISWAP, cirq.CZ**0.5]
    native = cirq.CZ if "cz" in device.two_qubit_gates else cirq.SQRT_ISWAP
    circuit = cirq.Circuit()
    for _ in range(generator.integers(0, 8)):
        kind = generator.random()
        qubit = FAR if generator.random() < 0.03 else qubits[generator.integers(len(qubits))]
        if kind < 0.5:
            pair = couplers[generator.integers(len(couplers))]
            if generator.random() < 0.06:
                pair = tuple(qubits[i] for i in generator.choice(len(qubits), 2, replace=False))
            gate = gates[generator.integers(6)] if generator.random() < 0.1 else native
            circuit.append(gate(*pair))
        elif kind < 0.85:
            one = [X, cirq.Z**0.3, cirq.H, cirq.T, cirq.X**0.25, cirq.bit_flip(0.1)]
            weights = [0.3, 0.2, 0.2, 0.15, 0.13, 0.02]
            circuit.append(one[generator.choice(6, p=weights)](qubit))
        elif kind < 0.95:
            circuit.append(cirq.measure(qubit, key=str(len(circuit))))
        else:
            circuit.append(cirq.WaitGate(cirq.Duration(nanos=20)).on(qubit))
    return circuit


@pytest.mark.parametrize("name", ["willow_pink", "weber", "rainbow", "sycamore", "grid:4x4"])
def test_at_least_one_error_exactly_when_cirq_raises(name):
    device = load_device(name)
    generator = np.random.default_rng(7)
    raised = 0
    for _ in range(100):
        circuit = random_circuit(device, generator)
        try:
            device.cirq_device.validate_circuit(circuit)
            accepted = True
        except ValueError:
            accepted = False
            raised += 1
        ours = [each for each in validate(circuit, device) if each.rule not in EXTRA_RULES]
        assert accepted == (not ours), circuit
    assert 20 < raised < 80


def test_what_only_cirq_objects_to_is_passed_on_with_its_moment():
    class Picky(cirq_google.GridDevice):
        def validate_circuit(self, circuit: cirq.AbstractCircuit) -> None:
            for moment in circuit:
                self.validate_moment(moment)

        def validate_moment(self, moment: cirq.Moment) -> None:
            if len(moment) == 3:
                raise ValueError("three is\na crowd")

    device = Device("picky", Picky(SMALL.cirq_device.metadata))
    assert validate(moments([X(A), X(B)], [X(A)]), device) == []
    (violation,) = validate(moments([X(A)], [X(A), X(B), X(C)]), device)
    assert (violation.rule, violation.moment) == ("device", 1)
    assert violation.reason == "three is a crowd"


def test_the_part_of_the_layer_is_named():
    step = cirq.CZ(A, C).with_tags("overlap", "step 2")
    loader = cirq.CNOT(A, B).with_tags("loader")
    parts = [each.part for each in validate(moments([step], [loader], [cirq.CZ(A, D)]), SMALL)]
    assert parts == ["overlap step 2", "loader", None]


def test_hints_name_the_nearest_free_placement():
    # The whole circuit fits one row further down.
    device = load_device("grid:4x4")
    shifted = moments([cirq.CZ(Q(-1, 1), Q(0, 1))], [X(Q(-1, 2))])
    assert all("by +1 rows and +0 columns" in each.hint for each in validate(shifted, device))
    # It fits nowhere, but a single qubit can move.
    (violation,) = validate(moments([X(A), X(C), X(D)], [cirq.CZ(B, Q(5, 1))]), SMALL)
    assert "no free qubit is coupled to q(0, 1)" in violation.hint
    (violation,) = validate(moments([X(A), X(C)], [cirq.CZ(B, Q(5, 1))]), SMALL)
    assert violation.hint == "use q(1, 1), which is free and coupled to q(0, 1)"
    # On a line of three, A and C need a swap.
    line = grid_device([A, B, C], name="line")
    (violation,) = validate(moments([cirq.CZ(A, C)], [cirq.CZ(A, B)], [cirq.CZ(B, C)]), line)
    assert violation.hint.startswith("1 SWAP would bring them together")
    islands = grid_device([A, C], name="islands")
    (violation,) = validate(moments([cirq.CZ(A, C)]), islands)
    assert "unconnected" in violation.hint


@pytest.mark.parametrize(
    ("gate", "device", "words"),
    [
        (cirq.CNOT, SMALL, "use 1 cz"),
        (cirq.SWAP, SMALL, "use 3 cz"),
        (cirq.CNOT, SYC, "use 2 syc"),
        (cirq.CCX, SMALL, "split it"),
        (cirq.MatrixGate(cirq.unitary(cirq.H)), SMALL, "use PhXZ"),
        (cirq.depolarize(0.1), SMALL, "noise"),
        (cirq.ResetChannel(), SMALL, "start in |0>"),
    ],
)
def test_hints_name_the_native_equivalent(gate, device, words):
    circuit = cirq.Circuit(gate.on(*sorted(device.graph)[: cirq.num_qubits(gate)]))
    assert words in validate(circuit, device)[0].hint


def test_a_circuit_longer_than_the_coherence_time_is_warned_of():
    wait = cirq.WaitGate(cirq.Duration(micros=10)).on(WP)
    limit = WILLOW.coherence_ns(WP)
    assert 10_000 < limit < 200_000
    needed = int(limit // 10_000)
    short = cirq.Circuit([wait] * needed, cirq.measure(WP))
    assert validate(short, WILLOW) == []
    long = cirq.Circuit([wait] * (needed + 1), cirq.measure(WP))
    (warning,) = validate(long, WILLOW)
    assert (warning.rule, warning.moment, warning.qubits) == ("coherence_time", needed, (WP,))
    assert warning.is_warning and errors_of([warning]) == []
    check(long, WILLOW)
    # What the qubit does not live through does not count: it starts late.
    late = cirq.Circuit([cirq.WaitGate(cirq.Duration(millis=1)).on(WQ)], cirq.Moment(X(WP)))
    assert [each.qubits for each in validate(late, WILLOW)] == [(WQ,)]


def test_check_raises_with_the_first_violation_and_the_number_of_others():
    circuit = moments([X(A)], [cirq.CNOT(A, C)], [X(FAR)])
    with pytest.raises(InputError, match=r"'small' cannot run the circuit: moment 1: .*\(2 more\)"):
        check(circuit, SMALL)
    check(moments([X(A)]), SMALL)


def test_the_work_grows_no_faster_than_the_circuit():
    generator = np.random.default_rng(3)
    qubits, couplers = sorted(WILLOW.graph), sorted(WILLOW.graph.edges)
    operations = [
        cirq.CZ(*couplers[generator.integers(len(couplers))])
        if index % 3 == 0
        else cirq.PhasedXZGate(
            x_exponent=generator.random(), z_exponent=0.1, axis_phase_exponent=0.2
        ).on(qubits[generator.integers(len(qubits))])
        for index in range(2_000)
    ]
    broken = [cirq.CNOT(*couplers[index % len(couplers)]) for index in range(2_000)]
    for offered, share in ((operations, 0), (broken, 1)):
        calls = {}
        for size in (500, 2_000):
            circuit = cirq.Circuit(offered[:size])
            with counted_calls() as count:
                assert len(errors_of(validate(circuit, WILLOW))) == share * size
            calls[size] = count[0]
        # Calls of functions, as a clock would also measure what else the machine does.
        assert calls[2_000] < 5 * calls[500]
        assert calls[2_000] < 2_000 * 1_000


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    count = [0]

    def called(frame: object, event: str, argument: object) -> None:
        count[0] += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        yield count
    finally:
        sys.setprofile(None)


def test_too_many_operations_are_refused():
    loop = sub([X(A)])
    for _ in range(25):
        loop = sub([loop], [loop])
    with pytest.raises(InputError, match="at most 1000000"):
        validate(cirq.Circuit(loop), SMALL)


def followed(circuit: cirq.Circuit, device: Device) -> cirq.Circuit:
    """The circuit after every hint of the form "use PLACE" has been followed."""
    places = {}
    for each in validate(circuit, device):
        if each.rule == "unknown_qubit":
            hint = each.hint.removeprefix("use ")
            unknown = next(qubit for qubit in each.qubits if qubit not in device.graph)
            moves = [part.split(" for ") for part in hint.split(" and ")]
            if ", which" in hint:
                moves = [(hint.split(", which")[0], str(unknown))]
        else:
            parts = each.hint.removeprefix("use ").split(": ")[0].split(" and ")
            moves = [part.split(" instead of ") for part in parts]
        for to, moved in moves:
            assert places.setdefault(moved, to) == to
    by_name = {str(qubit): qubit for qubit in (*circuit.all_qubits(), *device.graph)}
    assert len(set(places.values())) == len(places)
    return circuit.transform_qubits({by_name[a]: by_name[b] for a, b in places.items()})


LINE = cirq.LineQubit.range(8)
NAMED = [cirq.NamedQubit(name) for name in "abcd"]


@pytest.mark.parametrize(
    "circuit",
    [
        cirq.Circuit(X.on_each(*LINE)),
        cirq.Circuit(cirq.CZ(a, b) for a, b in zip(LINE, LINE[1:], strict=False)),
        cirq.Circuit(cirq.CZ(a, b) for a, b in zip(NAMED, NAMED[1:] + NAMED[:1], strict=True)),
        cirq.Circuit(cirq.CZ(Q(0, 0), LINE[0]), cirq.CZ(Q(0, 0), LINE[1]), cirq.CZ(*LINE[1:3])),
        cirq.Circuit(cirq.CZ(Q(0, 0), Q(9, 9)), cirq.CZ(Q(0, 0), Q(8, 8)), X(Q(3, 3))),
        cirq.Circuit(cirq.CZ(Q(0, 0), Q(3, 3)), cirq.CZ(Q(0, 0), Q(0, 1))),
    ],
)
def test_hints_can_be_followed_together(circuit):
    device = load_device("grid:4x4")
    assert validate(circuit, device)
    assert validate(followed(circuit, device), device) == []


def test_hints_say_when_they_cannot_be_followed_together():
    star = cirq.Circuit(X.on_each(*LINE), (cirq.CZ(LINE[0], other) for other in LINE[1:6]))
    hints = [each.hint for each in validate(star, load_device("grid:4x4"))]
    assert hints and all("no places with all couplers were found: route" in each for each in hints)


@pytest.mark.parametrize(
    "pairs",
    [
        nx.cycle_graph(20),
        nx.path_graph(50),
        nx.balanced_tree(2, 3),
        nx.disjoint_union(nx.cycle_graph(30), nx.cycle_graph(12)),
    ],
    ids=["ring", "line", "tree", "two rings"],
)
def test_large_registers_are_placed_in_few_steps(pairs, monkeypatch):
    monkeypatch.setattr(placing, "MOST_STEPS", 30_000)
    named = nx.relabel_nodes(pairs, {node: cirq.NamedQubit(f"q_{node}") for node in pairs})
    circuit = cirq.Circuit(cirq.CZ(*pair) for pair in named.edges)
    places = place(circuit, "willow_pink")
    assert errors_of(validate(circuit.transform_qubits(places), "willow_pink")) == []


def test_registers_without_a_grid_are_placed(tmp_path, capsys):
    ring = cirq.Circuit(cirq.CZ(a, b) for a, b in zip(LINE, LINE[1:] + LINE[:1], strict=True))
    for device in ("grid:3x3", "willow_pink"):
        assert validate(ring.transform_qubits(place(ring, device)), device) == []
    star = cirq.Circuit(cirq.CZ(LINE[0], other) for other in LINE[1:6])
    with pytest.raises(InputError, match="no placement of the circuit's 6 qubits .* exists"):
        place(star, "willow_pink")
    with pytest.raises(InputError, match="no placement"):
        place(cirq.Circuit(cirq.CZ(a, b) for a, b in zip(LINE, LINE[1:], strict=False)), SMALL)
    fits = cirq.Circuit(cirq.CZ(A, B))
    assert place(fits, SMALL) == {A: A, B: B}
    file = tmp_path / "ring.json"
    file.write_text(cirq.to_json(ring))
    arguments = ["validate", str(file), "--device", "grid:3x3"]
    assert main(arguments) == 1
    assert main([*arguments, "--place", "auto"]) == 0
    assert "placed q(0) on " in capsys.readouterr().out
    file.write_text(cirq.to_json(star))
    assert main([*arguments, "--place", "auto"]) == 2
