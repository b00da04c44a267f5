"""Reading circuits of strangers: what is read, and that nothing else does harm."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import threading
from pathlib import Path

import cirq
import numpy as np
import pytest
import sympy

from noise_models.files import file_text
from qucnn_cirq import InputError, guard
from qucnn_cirq.cli import main
from qucnn_cirq.exchange.reading import read_circuit
from qucnn_cirq.guard import guarded

A, B = cirq.GridQubit(4, 4), cirq.GridQubit(4, 5)
BELL = cirq.Circuit(cirq.H(A), cirq.CZ(A, B).with_tags("overlap"), cirq.measure(A, B, key="m"))


def one_line(capsys: pytest.CaptureFixture[str], path: Path) -> str:
    """The line with which `qucnn validate` refuses a file, with exit code 2."""
    assert main(["validate", str(path), "--device", "sycamore"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert len(captured.err) <= 201
    # In a message that would be too long a path is shown by its end.
    assert f"{path.parent.name}/{path.name}"[:99] in captured.err
    return captured.err


def test_cirq_json_is_read_with_tags_keys_and_symbols(tmp_path):
    path = tmp_path / "circuit.json"
    circuit = BELL + cirq.Circuit(cirq.X(B) ** sympy.Symbol("t"))
    for given in (circuit, circuit.freeze()):
        cirq.to_json(given, path)
        assert read_circuit(path) == circuit
    assert [op.tags for op in read_circuit(path).all_operations()][1] == ("overlap",)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
def test_openqasm_comes_back_on_its_grid_qubits(version, tmp_path):
    path = tmp_path / "circuit.qasm"
    path.write_text(cirq.qasm(BELL, args=cirq.QasmArgs(version=version)))
    back = read_circuit(path)
    assert back.all_qubits() == {A, B}
    cirq.testing.assert_allclose_up_to_global_phase(
        cirq.drop_terminal_measurements(back).unitary(),
        cirq.drop_terminal_measurements(BELL).unitary(),
        atol=1e-8,
    )


def test_foreign_openqasm_keeps_its_names(tmp_path):
    path = tmp_path / "circuit"
    path.write_text('// hello\nOPENQASM 2.0;\ninclude "qelib1.inc";\nqreg r[2];\ncx r[0],r[1];\n')
    circuit = read_circuit(path)
    assert circuit == cirq.Circuit(cirq.CNOT(*map(cirq.NamedQubit, ("r_0", "r_1"))))


def test_a_moment_that_overlaps_is_a_violation_and_no_reading_error(tmp_path, capsys):
    path = tmp_path / "overlap.json"
    plain = json.loads(cirq.to_json(cirq.Circuit(cirq.Moment(cirq.H(A)), cirq.Moment(cirq.H(B)))))
    layer = plain["moments"][1]["operations"]
    layer.append(layer[0])
    path.write_text(json.dumps(plain))
    assert main(["validate", str(path), "--device", "sycamore", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    (violation,) = report["violations"]
    assert (violation["rule"], violation["moment"]) == ("overlapping_operations", 1)
    assert violation["qubits"] == ["q(4, 5)"]
    with pytest.raises(InputError, match="acts on a qubit twice"):
        read_circuit(path)


def test_warnings_are_printed_and_do_not_fail(tmp_path, capsys):
    path = tmp_path / "long.json"
    qubit = cirq.GridQubit(0, 6)
    cirq.to_json(cirq.Circuit(cirq.WaitGate(cirq.Duration(millis=1)).on(qubit)), path)
    assert main(["validate", str(path), "--device", "willow_pink"]) == 0
    printed = capsys.readouterr().out
    assert "warning" in printed and "valid on willow_pink" in printed
    assert main(["validate", str(path), "--device", "willow_pink", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] and len(report["warnings"]) == 1


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def circuit_of(operation: object) -> str:
    moment = {"cirq_type": "Moment", "operations": [operation]}
    return json.dumps({"cirq_type": "Circuit", "moments": [moment]})


def gate_on(gate: object) -> str:
    qubit = {"cirq_type": "GridQubit", "row": 0, "col": 0}
    return circuit_of({"cirq_type": "GateOperation", "gate": gate, "qubits": [qubit]})


def power_tower(height: int) -> object:
    tower: object = {"cirq_type": "sympy.Integer", "i": 9}
    for _ in range(height):
        nine = {"cirq_type": "sympy.Integer", "i": 9}
        tower = {"cirq_type": "sympy.Pow", "args": [nine, tower]}
    return tower


BAD = {
    "empty": b"",
    "blank": b" \n\n",
    "binary": bytes(range(256)),
    "zeros": bytes(1000),
    "truncated": cirq.to_json(BELL).encode()[:-40],
    "half": cirq.to_json(BELL).encode()[: len(cirq.to_json(BELL)) // 2],
    "a number": b"7",
    "a list": b"[1, 2]",
    "null": b"null",
    "no circuit": cirq.to_json(A).encode(),
    "deep lists": nested(100_000).encode(),
    "deep objects": b'{"a":' * 100_000,
    "unknown type": b'{"cirq_type": "nothing"}',
    "type of another kind": b'{"cirq_type": ["Circuit"]}',
    "a module's function": b'{"cirq_type": "os.system", "command": "touch PROOF"}',
    "builtin": b'{"cirq_type": "builtins.eval", "source": "open(\'PROOF\', \'w\')"}',
    "private": b'{"cirq_type": "cirq.__loader__"}',
    "moments of numbers": b'{"cirq_type": "Circuit", "moments": [1, 2]}',
    "moments are text": b'{"cirq_type": "Circuit", "moments": "abc"}',
    "operations of text": b'{"cirq_type": "Circuit", "moments": '
    b'[{"cirq_type": "Moment", "operations": ["x"]}]}',
    "no moments": b'{"cirq_type": "Circuit"}',
    "qubit of text": circuit_of(
        {"cirq_type": "GateOperation", "gate": {"cirq_type": "_PauliX"}, "qubits": ["a"]}
    ).encode(),
    "row of text": circuit_of(
        {
            "cirq_type": "GateOperation",
            "gate": {"cirq_type": "_PauliX", "exponent": 1.0, "global_shift": 0.0},
            "qubits": [{"cirq_type": "GridQubit", "row": "a", "col": []}],
        }
    ).encode(),
    "gate of a number": gate_on(5).encode(),
    "endless reference": b'{"cirq_type": "REF", "key": 1}',
    "html": b"<html></html>",
    "pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94.",
    "python": b"import os; os.system('touch PROOF')",
    "qasm without version": b"OPENQASM;",
    "qasm of the future": b"OPENQASM 9.0;\nqreg q[1];",
    "qasm that includes": b'OPENQASM 2.0;\ninclude "/etc/passwd";\nqreg q[1];\nx q[0];',
    "qasm with an unknown gate": b"OPENQASM 2.0;\nqreg q[1];\nfrobnicate q[0];",
    "qasm cut short": b"OPENQASM 2.0;\nqreg q[1];\nU(0.1,",
    "qasm that divides by zero": b"OPENQASM 2.0;\nqreg q[1];\nU(1/0,0,0) q[0];",
    "surrogates": b"\xed\xa0\x80",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "circuit.json"
    path.write_bytes(BAD[name])
    one_line(capsys, path)
    assert not (tmp_path / "PROOF").exists()


def test_spoilt_circuits_are_refused_or_read_but_never_a_traceback(tmp_path, capsys):
    generator = np.random.default_rng(12)
    whole = cirq.to_json(BELL)
    fragments = ["null", "-1", '"x"', "[]", "{}", "1e999", '{"cirq_type": "Moment"}', "true", ""]
    path = tmp_path / "circuit.json"
    outcomes = set()
    for _ in range(40):
        # Something between two commas or colons becomes something else.
        pieces = re.split(r"([,:])", whole)
        for place in generator.integers(0, len(pieces), 2):
            pieces[place] = fragments[generator.integers(len(fragments))]
        path.write_text("".join(pieces))
        outcomes.add(main(["validate", str(path), "--device", "sycamore"]))
        assert capsys.readouterr().err.count("\n") <= 1
    assert outcomes <= {0, 1, 2} and 2 in outcomes


EXPENSIVE = {
    "power tower": gate_on(
        {"cirq_type": "XPowGate", "exponent": power_tower(4), "global_shift": 0.0}
    ),
    "huge identity": gate_on({"cirq_type": "IdentityGate", "num_qubits": 10**12}),
    "qasm power tower": "OPENQASM 2.0;\nqreg q[1];\nU(9^9^9^9,0,0) q[0];",
    "qasm register": "OPENQASM 2.0;\nqreg q[2000000000];\nU(0,0,0) q;",
    "qasm doubling gates": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ngate g0 a {x a;}\n'
    + "".join(f"gate g{i} a {{" + f"g{i - 1} a;" * 9 + "}\n" for i in range(1, 12))
    + "g11 q[0];",
}


@pytest.mark.parametrize("name", EXPENSIVE)
def test_files_that_ask_for_too_much_are_stopped(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 1.0)
    monkeypatch.setattr(guard, "MEMORY_BYTES", 2**28)
    path = tmp_path / "circuit"
    path.write_text(EXPENSIVE[name])
    one_line(capsys, path)
    # The children are gone, and this process stayed small.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20


def test_special_files_and_large_ones_are_not_opened(tmp_path, capsys):
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(100 * 2**20)
    assert "100 MiB" in one_line(capsys, large)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "no regular file" in one_line(capsys, pipe)
    assert "no regular file" in one_line(capsys, Path("/dev/zero"))
    one_line(capsys, tmp_path)
    one_line(capsys, tmp_path / "missing")
    one_line(capsys, tmp_path / ("x" * 300))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    one_line(capsys, loop)
    assert main(["validate", "nul\0byte", "--device", "sycamore"]) == 2


def test_a_disk_that_fails_while_a_file_is_read_is_one_sentence(tmp_path, capsys, monkeypatch):
    path = tmp_path / "layer.toml"
    path.write_text("[convolution]")

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fdopen", failing)
    with pytest.raises(InputError, match=r"layer.toml: Input/output error\.$"):
        file_text(path)


def _raise(_: Path, error: Exception) -> None:
    raise error


def test_whatever_goes_wrong_in_the_child_is_one_reason(monkeypatch):
    path = Path("some.json")
    for error, words in {
        InputError("refused as it is"): "refused as it is",
        RecursionError(): "some.json: is nested too deeply",
        MemoryError(): "some.json: needs more memory",
        KeyError("k"): "some.json: cannot be handled .KeyError",
    }.items():
        with pytest.raises(InputError, match=words):
            guarded(path, _raise, error)
    with pytest.raises(InputError, match="some.json: cannot be read within the memory"):
        guarded(path, _end)
    monkeypatch.setattr(guard, "SECONDS", 0.2)
    with pytest.raises(InputError, match="some.json: takes longer than 0.2 s"):
        guarded(path, _sleep)


def _end(_: Path) -> None:
    os._exit(1)


def _sleep(_: Path) -> None:
    threading.Event().wait()
