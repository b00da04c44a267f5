"""Circuit files of anybody: read, or refused in one line of at most 200 characters."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import cirq
import numpy as np
import pytest

from qucnn_cirq import ConvolutionSpec, InputError, compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.drawing.circuit_text import circuit_text
from qucnn_cirq.drawing.quirk import quirk_link
from qucnn_cirq.exchange import openqasm, reading
from qucnn_cirq.guard import guarded, refusal

A, B = cirq.GridQubit(4, 4), cirq.GridQubit(4, 5)
CIRCUIT = cirq.Circuit(
    cirq.H(A),
    cirq.CZ(A, B).with_tags("overlap"),
    cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(A), cirq.measure(A, key="k"))),
    cirq.rx(0.3)(B).with_classical_controls("k"),
    cirq.measure(A, B, key="m"),
)
QASM_2 = """OPENQASM 2.0;
include "qelib1.inc";
gate g(a, b) c, d { rx(a/2) c; cu(a, b, -a, pi) c, d; barrier c, d; }
qreg q[3];
creg c[3];
h q;
g(0.3, 2^2) q[0], q[1];
barrier q;
measure q[0] -> c[0];
if (c == 1) x q[1];
reset q[0];
measure q -> c;
"""
QASM_3 = """OPENQASM 3.0;
include "stdgates.inc";
input float[64] t;
qubit[3] q;
bit[3] c;
let a = q[0:1] ++ q[2];
for int i in [0:2] { rx(t * i) q[i]; ctrl(2) @ inv @ pow(2) @ U(t, 1e-3, -tau/3) a[0], a[1], q[2]; }
c[0] = measure q[0];
if (c[0] && !c[1]) { gphase(0.2); delay[10ns] q[1]; } else { x $0; }
"""
PIECES = [
    *("", " ", "\n", ";", "(", ")", "[", "]", "{", "}", "'", '"', "@", "#", "//", "/*", "\\", "\0"),
    *("0", "-1", "1e308", "1e999", "nan", "inf", "9" * 30, "9" * 5000, "**", "^", "1/0", "9**9**9"),
    *(
        "q",
        "c",
        "a",
        "g",
        "q[99]",
        "q[0:-1:0]",
        "\ufeff",
        "\U0001f600",
        "\u202e",
        "$1",
        "é",
        "null",
    ),
    *("[[[[[[", "{{{{{{", "((((((", "gate", "ctrl @", "measure", "for", "if", "U", "pow(1e9) @"),
    *("true", "{}", "[]", '{"cirq_type": "Moment"}', '{"cirq_type": "Circuit"}', "-0.0", "1e-320"),
]


def mutated(text: str, random: np.random.Generator) -> str:
    """A text of which some pieces were cut out, doubled, swapped or replaced."""
    for _ in range(random.integers(1, 4)):
        first, last = sorted(random.integers(0, len(text) + 1, 2))
        last = min(last, first + int(random.integers(0, 20)))
        piece = PIECES[random.integers(len(PIECES))]
        text = [
            text[:first] + piece + text[last:],
            text[:first] + text[last:],
            text[:last] + text[first:],
            text[:first],
        ][random.choice(4, p=[0.6, 0.2, 0.15, 0.05])]
    return text


def outcome(path: Path, work: Callable[[Path], object]) -> str:
    """Whether a file was read or refused; everything else is an error of this test."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            work(path)
        except InputError as error:
            line = str(refusal(path, error))
            assert line == str(refusal(path, line)), "a refusal is changed by being passed on"
            assert len(line) <= 200 and line.isprintable(), line
            assert f"{path.parent.name}/{path.name}" in line
            assert "Traceback" not in line
            return "refused"
    return "read"


def read_and_drawn(path: Path) -> None:
    circuit = reading.parsed_circuit(path)
    assert circuit_text(circuit).replace("\n", "").isprintable()
    circuit_svg(circuit)
    try:
        quirk_link(circuit)
    except InputError as error:
        assert len(str(error)) <= 200


@pytest.mark.parametrize("kind", ["qasm 2", "qasm 3", "json"])
def test_mutated_circuits_are_read_or_refused(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(openqasm, "LARGEST", 5_000)
    random = np.random.default_rng([18, len(kind), ord(kind[-1])])
    whole = {"qasm 2": QASM_2, "qasm 3": QASM_3, "json": cirq.to_json(CIRCUIT, indent=None)}[kind]
    path = tmp_path / ("c.json" if kind == "json" else "c.qasm")
    seen = set()
    for _ in range(60 if kind == "json" else 150):
        path.write_text(mutated(whole, random), errors="surrogatepass")
        try:
            seen.add(outcome(path, read_and_drawn))
        except RecursionError:
            seen.add("refused by the guard")
    assert {"read", "refused"} <= seen


def test_random_bytes_and_statements_are_read_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(openqasm, "LARGEST", 5_000)
    random = np.random.default_rng(7)
    for index in range(60):
        path = tmp_path / ("c.pb" if index % 3 == 0 else "c.qasm" if index % 3 == 1 else "c")
        content = random.bytes(int(random.integers(1, 200)))
        path.write_bytes(b"OPENQASM 3;" * (index % 2) + content)
        assert outcome(path, reading.parsed_circuit) in ("read", "refused")
    words = [*PIECES, *openqasm._STATEMENTS, "OPENQASM 3;", "qubit[2] q;", "bit c;", ",", "x", "->"]
    for _ in range(150):
        text = " ".join(words[index] for index in random.integers(0, len(words), 12))
        path = tmp_path / "c.qasm"
        path.write_text(f"OPENQASM 3;\n{text}")
        assert outcome(path, reading.parsed_circuit) in ("read", "refused")


def test_spoilt_programs_are_refused(tmp_path):
    """Even those whose checksum fits."""
    path = tmp_path / "program.json"
    compile_convolution(ConvolutionSpec(kernel=(1, 2)), "grid:2x3").save(path)
    whole = path.read_text()
    random = np.random.default_rng(5)
    for _ in range(40):
        path.write_text(mutated(whole, random), errors="surrogatepass")
        assert outcome(path, Program.load) in ("read", "refused")


def doubling(levels: int, times: int, body: str) -> str:
    gates = [f"gate g0 a {{ {body} }}"]
    gates += [f"gate g{i} a {{ {f'g{i - 1} a; ' * times} }}" for i in range(1, levels)]
    return "\n".join(["OPENQASM 2.0;", "qreg q[1];", *gates, f"g{levels - 1} q[0];"])


HOSTILE = {
    "gates of nothing that double": doubling(50, 2, ""),
    "gates that multiply": doubling(12, 9, "x a;"),
    "gates in a row": doubling(5000, 1, "x a;"),
    "brackets": f"OPENQASM 3;\nqubit q;\nrx{'(' * 20_000} q;",
    "signs": f"OPENQASM 3;\nqubit q;\nrx({'-' * 20_000}1) q;",
    "powers": f"OPENQASM 3;\nqubit q;\nrx({'9**' * 5_000}9) q;",
    "blocks": f"OPENQASM 3;\nqubit q;\nbit c;\nc = measure q;\n{'if (c) {' * 5_000}",
    "loops in loops": "OPENQASM 3;\nqubit q;\n" + "for int i in [0:999] " * 9 + "{ }",
    "loops of nothing": "OPENQASM 3;\nqubit q;\nfor int i in [0:999999999999] { }",
    "a register times itself": "OPENQASM 3;\nqubit[4000] q;\n" + "h q;" * 4000,
    "aliases that double": "OPENQASM 3;\nqubit[2] a;\n"
    + "".join(f"let {chr(98 + i)} = {chr(97 + i)} ++ {chr(97 + i)};" for i in range(24)),
    "modifiers": f"OPENQASM 3;\nqubit q;\n{'inv @ ' * 20_000} x q;",
    "powers of powers": f"OPENQASM 3;\nqubit q;\n{'pow(1000) @ ' * 9} x q;",
    "huge power": "OPENQASM 3;\nqubit q;\npow(1e300) @ x q;",
    "nested lists": "[" * 100_000,
    "nested circuits": '{"cirq_type": "Circuit", "moments": [' * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_grows_without_bound_is_stopped_early(name, tmp_path, monkeypatch):
    monkeypatch.setattr(openqasm, "LARGEST", 5_000)
    path = tmp_path / "c.json"
    path.write_text(HOSTILE[name])

    def work(path: Path) -> None:
        guarded(path, reading.parsed_circuit)

    assert outcome(path, work) == "refused"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1e300"])
def test_exponents_that_are_no_numbers_are_drawn_or_refused(value, tmp_path):
    plain = json.loads(cirq.to_json(cirq.Circuit(cirq.X(A) ** 0.5)))
    path = tmp_path / "c.json"
    path.write_text(json.dumps(plain).replace("0.5", value))
    outcome(path, read_and_drawn)


def test_a_refusal_is_one_line_of_bounded_length():
    for path in (Path("c.json"), Path("/" + "d" * 300 + "/c.json"), Path("a\nb\x1b")):
        for reason in ("short.", "long " * 100, "two\nlines", f"{path} is bad", "\x1b[2J"):
            line = str(refusal(path, reason))
            assert len(line) <= 200 and line.isprintable()
