"""OpenQASM of other programs is read as they mean it, and what is not read is named."""

from __future__ import annotations

import math

import cirq
import numpy as np
import pytest
import sympy

from qucnn_cirq import InputError
from qucnn_cirq.exchange import openqasm
from qucnn_cirq.exchange.openqasm import circuit_from_openqasm
from qucnn_cirq.exchange.reading import read_circuit

HEADERS = {
    2: 'OPENQASM 2.0;\ninclude "qelib1.inc";\n',
    3: 'OPENQASM 3.0;\ninclude "stdgates.inc";\n',
}
Q = [cirq.NamedQubit(f"q_{index}") for index in range(5)]


def read(body: str, version: int = 3, n_qubits: int = 4) -> cirq.Circuit:
    """A program on one register."""
    register = f"qreg q[{n_qubits}];\ncreg c[{n_qubits}];\n"
    return circuit_from_openqasm(HEADERS[version] + register + body)


def outcomes(circuit: cirq.Circuit) -> dict[str, int]:
    """What a circuit with one possible outcome measures."""
    result = cirq.Simulator(seed=1).run(circuit, repetitions=8)
    last = {key: rows[:, -1, 0] for key, rows in result.records.items()}
    assert all(len(set(rows.tolist())) == 1 for rows in last.values())
    return {key: int(rows[0]) for key, rows in last.items()}


def assert_same(circuit: cirq.Circuit, matrix: np.ndarray, qubits: list[cirq.NamedQubit]) -> None:
    own = circuit.unitary(qubit_order=qubits, qubits_that_should_be_present=qubits)
    cirq.testing.assert_allclose_up_to_global_phase(own, matrix, atol=1e-6)


# Gates, compared with Qiskit's.

ANGLES = (0.3, -1.1, 0.7, 2.2)
GATES = {
    name: (n_angles, n_qubits)
    for n_angles, n_qubits, names in (
        (0, 1, "id x y z h s sdg t tdg sx sxdg"),
        (1, 1, "rx ry rz p u1"),
        (2, 1, "u2"),
        (3, 1, "u u3 U"),
        (0, 2, "CX cx cy cz ch swap csx"),
        (1, 2, "cp cu1 crx cry crz rxx rzz"),
        (3, 2, "cu3"),
        (4, 2, "cu"),
        (0, 3, "ccx cswap rccx"),
        (0, 4, "rc3x c3x c3sqrtx"),
        (0, 5, "c4x"),
    )
    for name in names.split()
}


def operand_list(n_qubits: int) -> str:
    return ",".join(f"q[{index}]" for index in reversed(range(n_qubits)))


@pytest.mark.parametrize("name", GATES)
def test_a_gate_of_qelib1_is_qiskits(name):
    qasm2 = pytest.importorskip("qiskit.qasm2", reason="compared with Qiskit")
    from qiskit.quantum_info import Operator

    n_angles, n_qubits = GATES[name]
    angles = f"({','.join(map(str, ANGLES[:n_angles]))})" if n_angles else ""
    text = f"{HEADERS[2]}qreg q[{n_qubits}];\n{name}{angles} {operand_list(n_qubits)};\n"
    theirs = qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    assert_same(circuit_from_openqasm(text), Operator(theirs.reverse_bits()).data, Q[:n_qubits])


def qiskit_zoo():
    """A circuit of gates that Qiskit's exporters write as they are, define, or decompose."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import library

    circuit = QuantumCircuit(4, global_phase=0.4)
    circuit.h(range(4))
    for name, angles, qubits in (
        ("sx", (), (1,)),
        ("rzz", (0.3,), (0, 1)),
        ("rxx", (0.2,), (1, 2)),
        ("ryy", (0.1,), (0, 2)),
        ("rzx", (0.3,), (0, 1)),
        ("ecr", (), (0, 1)),
        ("iswap", (), (1, 2)),
        ("dcx", (), (0, 1)),
        ("r", (0.1, 0.2), (0,)),
        ("cs", (), (0, 1)),
        ("csx", (), (0, 1)),
        ("ccz", (), (0, 1, 2)),
        ("cswap", (), (0, 1, 2)),
        ("rccx", (), (0, 1, 2)),
        ("rcccx", (), (0, 1, 2, 3)),
        ("cp", (0.4,), (0, 1)),
        ("p", (0.4,), (1,)),
        ("u", (0.1, 0.2, 0.3), (0,)),
        ("cu", (0.1, 0.2, 0.3, 0.4), (0, 1)),
    ):
        getattr(circuit, name)(*angles, *qubits)
    circuit.mcx([0, 1, 2], 3)
    circuit.cx(0, 1, ctrl_state=0)
    circuit.unitary(np.array([[0, 1], [1j, 0]]), [0])
    circuit.append(library.XXPlusYYGate(0.3, 0.2), [0, 1])
    circuit.append(library.PhaseGate(0.3).control(3), [0, 1, 2, 3])
    return circuit


@pytest.mark.parametrize("version", [2, 3])
def test_what_qiskit_exports_has_its_unitary(version, tmp_path):
    qiskit = pytest.importorskip("qiskit", reason="compared with Qiskit")
    from qiskit import qasm2, qasm3
    from qiskit.quantum_info import Operator

    zoo = qiskit_zoo()
    path = tmp_path / "zoo.qasm"
    path.write_text((qasm2 if version == 2 else qasm3).dumps(zoo))
    assert_same(read_circuit(path), Operator(zoo.reverse_bits()).data, Q[:4])
    measured = qiskit.QuantumCircuit(3)
    measured.h(range(3))
    measured.measure_all()
    path.write_text((qasm2 if version == 2 else qasm3).dumps(measured))
    keys = [f"meas_{index}" for index in range(3)]
    assert read_circuit(path) == cirq.Circuit(
        cirq.Moment(cirq.H.on_each(Q[:3])),
        cirq.Moment(cirq.measure(qubit, key=key) for qubit, key in zip(Q, keys, strict=False)),
    )


def test_what_pytket_exports_has_its_unitary():
    pytket = pytest.importorskip("pytket", reason="compared with pytket")
    from pytket.qasm import circuit_to_qasm_str

    circuit = pytket.Circuit(4)
    circuit.H(0).CX(0, 1).ZZPhase(0.3, 0, 1).XXPhase(0.2, 1, 2).TK1(0.1, 0.2, 0.3, 0)
    circuit.CU1(0.3, 0, 1).CRz(0.2, 0, 1).CRx(0.2, 1, 2).CSX(0, 1).CV(0, 1).CCX(0, 1, 2)
    circuit.CSWAP(0, 1, 2).SX(0).V(1).ECR(0, 1).YYPhase(0.3, 0, 1).ISWAPMax(0, 1).CU3(
        0.1, 0.2, 0.3, 2, 3
    )
    circuit.add_barrier([0, 1])
    for header in ("qelib1", "hqslib1", "hqslib1_dev"):
        text = circuit_to_qasm_str(circuit, header=header)
        assert_same(circuit_from_openqasm(text), circuit.get_unitary(), Q[:4])
        circuit.TK2(0.1, 0.2, 0.3, 0, 1)


def test_what_pennylane_exports_has_its_unitary():
    qml = pytest.importorskip("pennylane", reason="compared with PennyLane")

    with qml.tape.QuantumTape() as tape:
        for operation in (
            *(qml.Hadamard(0), qml.CNOT([0, 1]), qml.Rot(0.1, 0.2, 0.3, wires=1), qml.SX(2)),
            *(qml.PhaseShift(0.3, wires=0), qml.U3(0.1, 0.2, 0.3, wires=0), qml.QFT([0, 1, 2])),
            *(qml.IsingXX(0.3, [0, 1]), qml.CRX(0.2, [0, 1]), qml.ISWAP([0, 1]), qml.ECR([1, 2])),
            *(qml.MultiControlledX([0, 1, 2]), qml.CSWAP([0, 1, 2]), qml.adjoint(qml.SX)(0)),
        ):
            qml.apply(operation) if operation not in tape.operations else None
    text = qml.to_openqasm(tape, measure_all=False, rotations=False)
    assert_same(circuit_from_openqasm(text), qml.matrix(tape, wire_order=[0, 1, 2]), Q[:3])


# Modifiers, definitions and the other words of OpenQASM 3.

X, Z = cirq.X, cirq.Z
S = Z**0.5
MODIFIED = {
    "ctrl @ x q[0], q[1];": cirq.CNOT(Q[0], Q[1]),
    "negctrl @ x q[0], q[1];": X(Q[1]).controlled_by(Q[0], control_values=[0]),
    "ctrl(2) @ z q[0], q[1], q[2];": cirq.CCZ(*Q[:3]),
    "negctrl @ ctrl @ x q[0], q[1], q[2];": X(Q[2]).controlled_by(*Q[:2], control_values=[0, 1]),
    "inv @ s q[0];": S(Q[0]) ** -1,
    "pow(1/2) @ x q[0];": X(Q[0]) ** 0.5,
    "pow(-2) @ s q[0];": Z(Q[0]),
    "inv @ pow(3) @ t q[0];": Z(Q[0]) ** -0.75,
    "ctrl @ gphase(pi/2) q[0];": S(Q[0]),
    "negctrl @ gphase(pi/2) q[0];": [X(Q[0]), S(Q[0]), X(Q[0])],
    "ctrl(2) @ gphase(pi/2) q[0], q[1];": cirq.CZ(Q[0], Q[1]) ** 0.5,
    "gphase(0.3); x q[0];": X(Q[0]),
    # A control shows phases: u3 and u2 of stdgates.inc are rz, ry and rz in a row.
    "ctrl @ u3(0.3, 0.5, 0.8) q[0], q[1];": [
        gate(Q[1]).controlled_by(Q[0]) for gate in (cirq.rz(0.8), cirq.ry(0.3), cirq.rz(0.5))
    ],
    "ctrl @ u2(0.5, 0.8) q[0], q[1];": [
        gate(Q[1]).controlled_by(Q[0])
        for gate in (cirq.rz(0.8), cirq.ry(math.pi / 2), cirq.rz(0.5))
    ],
    "gate g(a) b, c { rx(a) b; cx b, c; } inv @ g(0.3) q[0], q[1];": [
        cirq.CNOT(Q[0], Q[1]),
        cirq.rx(-0.3)(Q[0]),
    ],
    "gate g a { gphase(pi/2); z a; } ctrl @ g q[0], q[1];": [S(Q[0]), cirq.CZ(Q[0], Q[1])],
    "gate h a { x a; } gate k a { h a; h a; h a; } k q[0];": X(Q[0]),
    "gate g(pi2) a { rz(pi2/2) a; } g(pi) q[0];": cirq.rz(math.pi / 2)(Q[0]),
    "h q;": cirq.H.on_each(Q[:4]),
    "cx q[0], q[1:2];": [cirq.CNOT(Q[0], Q[1]), cirq.CNOT(Q[0], Q[2])],
    "cx q[0:1], q[{2, -1}];": [cirq.CNOT(Q[0], Q[2]), cirq.CNOT(Q[1], Q[3])],
    "x q[0:2:3];": [X(Q[0]), X(Q[2])],
    "let a = q[1:] ++ q[0]; x a[-1]; z a[0];": [X(Q[0]), Z(Q[1])],
    "let a = {q[2]}; x a;": X(Q[2]),
    "for int i in [0:2] { rx(i) q[i]; }": [cirq.rx(i)(Q[i]) for i in range(3)],
    "for uint[8] i in {3, 1} z q[i];": [Z(Q[3]), Z(Q[1])],
    "for int i in [2:-1:1] { x q[i]; }": [X(Q[2]), X(Q[1])],
    "for int i in [1:0] { x q[0]; } y q[0];": cirq.Y(Q[0]),
    "const float[64] a = pi/4; int n = 2; rz(n*a) q[0];": cirq.rz(math.pi / 2)(Q[0]),
    "rz(-2**2 + sin(pi/2) + sqrt(9) - (1 + 2)/3 % 2) q[0];": cirq.rz(-1.0)(Q[0]),
    "rz(.5e1 + 1_000 - 1000. + π - pi) q[0];": cirq.rz(5.0)(Q[0]),
    "rz(0x1F - 0b1_1 - 0o7) q[0];": cirq.rz(21.0)(Q[0]),
    "box { x q[0]; }": X(Q[0]),
    "id q[0],q[1]; x q[0];": X(Q[0]),
    "int n = 1; if (true) { int n = 5; rx(n) q[0]; } rx(n) q[1];": [
        cirq.rx(5.0)(Q[0]),
        cirq.rx(1.0)(Q[1]),
    ],
    "for int i in [0:2] { let a = q[i]; x a; }": X.on_each(Q[:3]),
    "bit k = '0'; if (k) x q[0]; else z q[0];": Z(Q[0]),
    "@note\npragma whatever it says;\nx q[0];": X(Q[0]),
    "/* a\nx q[1]; */ x q[0]; // y q[0];": X(Q[0]),
    "U1q(0.3, 0.4) q[0];": cirq.PhasedXPowGate(
        exponent=0.3 / math.pi, phase_exponent=0.4 / math.pi
    ).on(Q[0]),
}


@pytest.mark.parametrize("body", MODIFIED)
def test_what_a_program_says_is_what_it_does(body):
    expected = cirq.Circuit(MODIFIED[body])
    matrix = expected.unitary(qubit_order=Q[:4], qubits_that_should_be_present=Q[:4])
    assert_same(read(body), matrix, Q[:4])


def test_a_gate_of_a_header_means_the_headers_gates():
    # rccx of the header contains h, whatever the file calls by that name.
    assert_same(
        read("gate h a { x a; }\nrccx q[0],q[1],q[2];"),
        read("rccx q[0],q[1],q[2];").unitary(qubits_that_should_be_present=Q[:4]),
        Q[:4],
    )


VERSION_3_WORDS = [
    *(word for word in openqasm._STATEMENTS if word.isidentifier()),
    *("float", "int", "uint", "angle", "bool", "ctrl", "negctrl", "inv", "pow", "gphase", "else"),
]
VERSION_2_WORDS = (
    *("OPENQASM", "include", "qreg", "creg", "gate", "opaque"),
    *("measure", "reset", "barrier", "if"),
)


@pytest.mark.parametrize("word", sorted({*VERSION_3_WORDS} - {*VERSION_2_WORDS}))
def test_words_of_version_3_are_free_in_version_2(word):
    text = (
        f"{HEADERS[2]}gate {word}(a) b, c {{ rx(a) b; cx b, c; }}\n"
        f"gate outer b, c {{ {word}(0.2) c, b; }}\nqreg {word}[2];\ncreg bit_{word}[1];\n"
        f"{word}(0.3) {word}[0], {word}[1];\nouter {word}[0], {word}[1];\nh {word};\n"
    )
    first, second = qubits = [cirq.NamedQubit(f"{word}_{index}") for index in range(2)]
    expected = cirq.Circuit(
        [cirq.rx(0.3)(first), cirq.CNOT(first, second)],
        [cirq.rx(0.2)(second), cirq.CNOT(second, first), cirq.H.on_each(qubits)],
    )
    assert_same(circuit_from_openqasm(text), expected.unitary(qubit_order=qubits), qubits)


def test_equal_operations_of_a_long_circuit_are_one_object():
    circuit = read("h q[0];\nrx(0.3) q[1];\ncx q[0], q[1];\n" * 50 + "rx(0.4) q[1];", version=2)
    operations = list(circuit.all_operations())
    assert len(operations) == 151
    assert len({id(operation) for operation in operations}) == 4


def test_a_symbol_that_cancels_leaves_later_numbers_alone():
    circuit = read("input float a; rz(a - a + 1) q[0]; rz(1) q[0];")
    *_, last = circuit.all_operations()
    assert not cirq.is_parameterized(last)


def test_inputs_stay_symbols():
    circuit = read("input float[64] θ; rx(2*θ) q[0]; U(θ, θ/2, 0.1) q[1]; rz(cos(θ)) q[2];")
    theta = sympy.Symbol("θ")
    assert cirq.parameter_symbols(circuit) == {theta}
    resolved = cirq.resolve_parameters(circuit, {"θ": 0.4})
    assert_same(
        resolved,
        read("rx(0.8) q[0]; U(0.4, 0.2, 0.1) q[1]; rz(cos(0.4)) q[2];").unitary(
            qubits_that_should_be_present=Q[:4]
        ),
        Q[:4],
    )


@pytest.mark.parametrize(
    ("newline", "mark", "first"),
    [
        ("\n", "\ufeff", "OPENQASM 2.0;"),
        ("\r\n", "", "OPENQASM 3;"),
        ("\r\n", "\ufeff", "/* a\n*/ // b\nOPENQASM 2;"),
        ("\r", "", "/* a\n*/ // b\nOPENQASM 2;"),
        ("\r", "\ufeff", "OPENQASM 3;"),
    ],
)
def test_marks_line_ends_and_versions_do_not_matter(newline, mark, first, tmp_path):
    text = f"{mark}{first}\ninclude 'qelib1.inc';\nqreg q[2]; // two\ncx q[0],q[1];\n"
    path = tmp_path / "circuit"
    path.write_bytes(text.replace("\n", newline).encode())
    assert read_circuit(path) == cirq.Circuit(cirq.CNOT(Q[0], Q[1]))
    cirq_json = tmp_path / "circuit.json"
    cirq_json.write_text(f"{mark}{cirq.to_json(cirq.Circuit(X(Q[0])))}")
    assert read_circuit(cirq_json) == cirq.Circuit(X(Q[0]))


def test_many_comments_before_no_program_are_refused_at_once(tmp_path):
    path = tmp_path / "comments.txt"
    path.write_text("/**/" * 60 + "nothing")
    with pytest.raises(InputError, match="no OpenQASM"):
        read_circuit(path)


def test_a_program_without_a_version_is_read_by_its_name(tmp_path):
    path = tmp_path / "circuit.qasm"
    path.write_text('include "stdgates.inc"; qubit[2] q; cx q[0], q[1];')
    assert read_circuit(path) == cirq.Circuit(cirq.CNOT(Q[0], Q[1]))


def test_physical_qubits_keep_their_names():
    circuit = circuit_from_openqasm("OPENQASM 3.0;\nbit[1] m;\nsx $12;\nm[0] = measure $12;\n")
    qubit = cirq.NamedQubit("$12")
    assert circuit == cirq.Circuit(X(qubit) ** 0.5, cirq.measure(qubit, key="m_0"))


# Time.


def test_barriers_keep_operations_apart():
    assert read("x q[0]; x q[0]; barrier q[0], q[1]; y q[1]; z q[2];") == cirq.Circuit(
        cirq.Moment(X(Q[0]), Z(Q[2])), cirq.Moment(X(Q[0])), cirq.Moment(cirq.Y(Q[1]))
    )
    everything = cirq.Circuit(cirq.Moment(X(Q[0])), cirq.Moment(Z(Q[2])))
    for barrier in (
        "barrier;",
        "barrier q;",
        "gate g a, b, c { barrier a, b, c; } g q[0],q[1],q[2];",
    ):
        assert read(f"x q[0]; {barrier} z q[2];") == everything


def test_delays_are_waits():
    expected = cirq.Circuit(cirq.wait(Q[0], nanos=1500), cirq.wait(Q[1], nanos=20))
    assert read("delay[1.5us] q[0]; delay[20ns] q[1];") == expected


# Measurements and what depends on them.

CONDITIONS = {
    # After x q[0] and measuring q[0] and q[1]: the register is 01, as a number 1.
    "if (c == 1) x q[2];": 1,
    "if (c == 2) x q[2];": 0,
    "if (c == 17) x q[2];": 0,
    "if (c != 1) x q[2];": 0,
    "if (1 == c) x q[2];": 1,
    "if (c[0] == 1) x q[2];": 1,
    "if (c[1] == 0) x q[2];": 1,
    "if (c[3]) x q[2];": 0,
    "if (c[3] == 0) x q[2];": 1,
    "if (c[0]) { x q[2]; }": 1,
    "if (!c[0]) { x q[2]; }": 0,
    "if (c[1]) { x q[2]; } else { y q[2]; }": 1,
    "if (c[0]) { } else { y q[2]; }": 0,
    "if (c[0] && !c[1]) x q[2];": 1,
    "if (c[1] || c[0]) x q[2];": 1,
    "if (c[0] & ~c[1]) x q[2];": 1,
    "if (c[0] & c[1]) x q[2];": 0,
    "if (c[0] ^ c[1]) x q[2];": 1,
    "if (c[0] ^ c[0]) x q[2];": 0,
    "if (c[1] | c[0]) x q[2];": 1,
    "if (~c[0] | c[1]) x q[2];": 0,
    "if ((c & 3) == 1) x q[2];": 1,
    "if ((c[0:1] ^ 0b10) == 3) x q[2];": 1,
    f"if (c == {2**63 + 1}) x q[2];": 0,
    "if (c == 0x1) x q[2];": 1,
    "if (c > 0) x q[2];": 1,
    "if (c < 1) x q[2];": 0,
    "if (c[0]) { if (c[1]) { y q[2]; } else { x q[2]; } }": 1,
    "if (c[0] == true) { x q[2:3]; }": 1,
    "gate g a { x a; y a; x a; } if (c == 1) g q[2];": 1,
    "if (c == 1) x q[0]; measure q[0] -> c[0]; if (c == 0) x q[2];": 1,
    "if (c == 1) reset q[0]; measure q[0] -> c[0]; if (c[0]) x q[2];": 0,
}


@pytest.mark.parametrize("body", CONDITIONS)
def test_conditions_hold_for_what_was_measured(body):
    circuit = read(
        f"x q[0]; measure q[0] -> c[0]; c[1] = measure q[1];\n{body}\nmeasure q[2] -> c[2];"
    )
    assert outcomes(circuit)["c_2"] == CONDITIONS[body]


def test_a_phase_is_estimated_bit_by_bit():
    # The phase is 5/8 of a turn; each bit is read with corrections for those before it. The gate
    # has a header's name and other operands, and one qubit is measured three times.
    rounds = (
        "cu q[0],q[1];\n" * 4,
        "cu q[0],q[1];\ncu q[0],q[1];\nif(c==1) u1(-pi/2) q[0];\n",
        "cu q[0],q[1] ;\nif(c==1) u1(-pi/4) q[0];\nif(c==2) u1(-2*pi/4) q[0];\n"
        "if(c==3) u1(pi*-0.75) q[0];\n",
    )
    body = "".join(
        f"h q[0];\n{each}h q[0];\nmeasure q[0] -> c[{index}];\nreset q[0];\n"
        for index, each in enumerate(rounds)
    )
    text = (
        "gate half a {\nu1 (5*pi/8) a;\n}\n"
        "gate cu a,b\n{\nhalf a; cx a,b;\nu1(-5*pi/8) b;\ncx a,b; half b;\n }\n"
        f"x q[1]; // the eigenstate that isn’t trivial\n{body}"
    )
    for newline in ("\n", "\r\n"):
        circuit = read(text.replace("\n", newline), version=2)
        assert outcomes(circuit) == {"c_0": 1, "c_1": 0, "c_2": 1}


def test_a_register_is_measured_bit_by_bit():
    for measured in ("measure q -> c;", "c = measure q;"):
        assert outcomes(read(f"x q[1]; {measured}")) == {"c_0": 0, "c_1": 1, "c_2": 0, "c_3": 0}
    assert cirq.measurement_key_names(read("measure q[1];")) == {"q_1"}
    declared = circuit_from_openqasm("OPENQASM 3.0; qubit q; x q; bit b = measure q;")
    assert outcomes(declared) == {"b_0": 1}


# What is not read.

REFUSED = {
    "frobnicate q[0];": (5, "no gate 'frobnicate'"),
    "x q[0]\ny q[1];": (5, "','"),
    "x q[4];": (5, "none of index 4"),
    "x r[0];": (5, "'r' is not declared"),
    "x c[0];": (5, "a qubit is expected"),
    "\n\ncx q[0], q[0];": (7, "twice"),
    "cx q[0];": (5, "0 angles and 2 qubits"),
    "rx q[0];": (5, "1 angles"),
    "rx(1/0) q[0];": (5, "'/'"),
    "rx(log(0)) q[0];": (5, "log of 0"),
    "rx(1e999) q[0];": (5, "not finite"),
    "rx(10**400) q[0];": (5, "'**'"),
    "rx(-1**0.5 + (-1)**0.5) q[0];": (5, "not finite"),
    "rx(a) q[0];": (5, "'a' is no number"),
    f"rx({'9' * 5000}) q[0];": (5, "too large"),
    "rx(2^3) q[0];": (5, "**"),
    "opaque g a; g q[0];": (5, "opaque"),
    "gate g a { g a; } g q[0];": (5, "nested"),
    "gate g a, a { x a; }": (5, "one name"),
    "gate measure a { x a; }": (5, "cannot be the name of a gate"),
    "include 'other.inc';": (5, "can be included"),
    "def f(int a) -> int { return a; }": (5, "'def'"),
    "while (c[0]) { x q[0]; }": (5, "'while'"),
    "measure q[0] -> c[0]; if (c[0]) measure q[1] -> c[1];": (5, "under a condition"),
    "measure q -> c[0];": (5, "4 qubits are measured into 1"),
    "qubit[2000000000] r;": (5, "within 1..500,000"),
    "qubit[0] r;": (5, "within 1.."),
    "qubit q;": (5, "declared twice"),
    "x q[0:9999999999];": (5, "500,000"),
    "for int i in [0:9999999999] { x q[0]; }": (5, "500,000"),
    "pow(999999999) @ x q[0];": (5, "500,000"),
    "pow(0.5) @ u(1,2,3) q[0];": (5, "no power"),
    "ctrl @ ctrl @ x q[0];": (5, "controls"),
    "ctrl(0) @ x q[0];": (5, "at least one control"),
    "delay[100dt] q[0];": (5, "delay"),
    "if (c[0]) { x q[0];": (5, "not closed"),
    "c[0] = 1;": (5, "begin as 0"),
    "let a = q;\nlet a = b;": (6, "'b' is not declared"),
    "x q[0]; $$$": (5, "begins no statement"),
    "/* never closed": (5, "begins no statement"),
    "\U0001f600 q[0];": (5, "begins no statement"),
    "int a = c;": (5, "no bits"),
    "int a;": (5, "changes while"),
    "rx(2 & 3) q[0];": (5, "joins bits only"),
    "if ((c & 16) == 2) x q[0];": (5, "as many bits"),
    "if ((c[0] & c) == 2) x q[0];": (5, "as many bits"),
    "if (~2 == 2) x q[0];": (5, "bits only"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_is_not_understood_is_named_with_its_line(body, tmp_path):
    line, words = REFUSED[body]
    path = tmp_path / "circuit.qasm"
    path.write_text(HEADERS[3] + f"qubit[4] q;\nbit[4] c;\n{body}\n")
    with pytest.raises(InputError) as caught:
        read_circuit(path)
    message = str(caught.value)
    assert f"{path}: line {line} (" in message
    assert words in message.split(")", 1)[1]
    assert "\n" not in message and len(message) <= 200


def test_gates_that_double_are_stopped(monkeypatch):
    monkeypatch.setattr(openqasm, "LARGEST", 5_000)
    for body in ("g{0} a; g{0} a;", "g{0} a; barrier a; g{0} a;", "g{0} a; gphase(1); g{0} a;"):
        text = "gate g0 a { }\n" + "".join(
            f"gate g{index + 1} a {{ {body.format(index)} }}\n" for index in range(60)
        )
        with pytest.raises(InputError, match="asks for more than"):
            read(f"{text}g60 q[0];")
