"""Circuits and programs written to files and read again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cirq
import cirq_google
import numpy as np
import pytest
import sympy

from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    XZAnsatz,
    compile_convolution,
    load_device,
)
from qucnn_cirq.cli import main
from qucnn_cirq.compiler import program_files
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.devices.definitions import device_from_mapping
from qucnn_cirq.exchange.plain import Codec
from qucnn_cirq.exchange.reading import read_circuit
from qucnn_cirq.exchange.writing import WRITERS, WrittenOut, write_circuit

PATCH = np.random.default_rng(5).normal(size=(4, 4))
SMALL = PATCH[:2, :2]
TABLE = {
    "name": "lab",
    "diagram": "ooooooo\nooooooo\nooooooo",
    "gates": ["cz"],
    "measures_apart": True,
    "durations": {"one_qubit": 20, "two_qubit": 40, "measurement": 500},
    "errors": {"two_qubit": {"default": 0.004, "0,0:0,1": 0.2}, "readout": [0.01, 0.03], "t1": 30},
}


# Circuits.


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("device", ["willow_pink", "sycamore"])
def test_a_compiled_circuit_comes_back_from_every_format(suffix, device, tmp_path):
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(2), backward=True)
    program = compile_convolution(spec, device)
    circuit = program.circuit(SMALL, np.linspace(-1, 1, 8), upstream=0.4)
    path = tmp_path / f"circuit{suffix}"
    write_circuit(circuit, path)
    back = read_circuit(path)
    assert back.all_qubits() == circuit.all_qubits()
    cirq.testing.assert_allclose_up_to_global_phase(
        cirq.drop_terminal_measurements(back).unitary(),
        cirq.drop_terminal_measurements(circuit).unitary(),
        atol=1e-6,
    )
    if suffix == ".json":
        assert back == circuit
    if suffix in (".json", ".pb"):
        # The result of the file's circuit is read as the program's own.
        result = cirq.Simulator(seed=1).run(back, repetitions=10)
        assert -1 <= program.estimate(result) <= 1
        for old, new in zip(circuit, back, strict=True):
            assert {op.qubits: op.tags for op in new} == {op.qubits: op.tags for op in old}


def test_openqasm_holds_no_confused_measurement(tmp_path):
    confused = cirq.measure(cirq.q(0), confusion_map={(0,): np.array([[0.9, 0.1], [0.2, 0.8]])})
    for suffix in ("qasm", "qasm3"):
        with pytest.raises(InputError, match="no confused measurement") as caught:
            write_circuit(cirq.Circuit(confused), tmp_path / f"a.{suffix}")
        assert len(str(caught.value)) <= 200
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("gate", [cirq.SQRT_ISWAP, cirq_google.SYC, cirq.CZ**0.3])
def test_gates_that_openqasm_has_no_word_for_are_told(gate, tmp_path):
    circuit = cirq.Circuit(gate(*cirq.GridQubit.rect(1, 2)))
    for suffix in (".qasm", ".qasm3"):
        with pytest.warns(WrittenOut, match="it is written as other gates"):
            write_circuit(circuit, tmp_path / f"circuit{suffix}")
    write_circuit(cirq.Circuit(cirq.CZ(*cirq.GridQubit.rect(1, 2))), tmp_path / "plain.qasm")
    write_circuit(circuit, tmp_path / "circuit.json")


@pytest.mark.parametrize("suffix", [".qasm", ".qasm3"])
def test_two_qubits_are_measured_under_a_name_in_openqasm(suffix, tmp_path):
    qubits = cirq.GridQubit.rect(1, 2)
    circuit = cirq.Circuit(cirq.CZ(*qubits), cirq.measure(*qubits, key="z"))
    write_circuit(circuit, tmp_path / f"circuit{suffix}")
    assert "m_z[1]" in (tmp_path / f"circuit{suffix}").read_text()


def test_what_a_format_cannot_hold_is_refused(tmp_path):
    symbolic = cirq.Circuit(cirq.X(cirq.GridQubit(0, 0)) ** sympy.Symbol("t"))
    noisy = cirq.Circuit(cirq.depolarize(0.1).on(cirq.GridQubit(0, 0)))
    for circuit in (symbolic, noisy):
        with pytest.raises(InputError, match="a.qasm: the circuit cannot be written as .qasm"):
            write_circuit(circuit, tmp_path / "a.qasm")
    with pytest.raises(InputError, match="cannot be written as .pb"):
        write_circuit(cirq.Circuit(cirq.MatrixGate(np.eye(2)).on(cirq.q(0, 0))), tmp_path / "a.pb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"\0\1\2", b"hello", b"\x0a\x05abc"])
def test_a_damaged_google_program_is_refused(content, tmp_path):
    path = tmp_path / "a.pb"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a.pb"):
        read_circuit(path)


# Programs.

REQUESTS = {
    "ansatz": ({"filters": XZAnsatz(2)}, "willow_pink", {}),
    "fixed": ({"filters": FixedFilter(PATCH)}, "willow_pink", {}),
    "several": ({"filters": [FixedFilter(PATCH), FixedFilter(PATCH.T)]}, "sycamore", {}),
    "budget": ({"filters": FixedFilter(PATCH)}, "willow_pink", {"infidelity": 0.01}),
    "schmidt": ({"filters": FixedFilter(PATCH)}, "grid:4x6", {"layout": "plaquettes"}),
    "comparison": ({"filters": FixedFilter(PATCH), "overlap": "inversion"}, "grid:3x3", {}),
    "multiplexed": ({"filters": XZAnsatz(1), "kernel": (2, 2)}, "rainbow", {}),
    "circuit": (
        {
            "kernel": (2, 2),
            "filters": cirq.Circuit(cirq.H(cirq.q(0)), cirq.CNOT(cirq.q(0), cirq.q(1))),
            "backward": True,
        },
        "willow_pink",
        {"walkers": 2},
    ),
    "custom device": ({"kernel": (2, 2)}, device_from_mapping(TABLE), {}),
    "routed": ({"kernel": (2, 2)}, load_device("ooooooo\n.....o.\n"), {}),
}


@pytest.fixture(scope="module")
def compiled():
    programs = {}

    def compile_named(name: str) -> Program:
        if name not in programs:
            options, device, settings = REQUESTS[name]
            spec = ConvolutionSpec(**{"kernel": (4, 4), **options})
            programs[name] = compile_convolution(spec, device, **settings)
        return programs[name]

    return compile_named


@pytest.mark.parametrize("name", REQUESTS)
def test_a_program_comes_back_as_it_was(name, compiled, tmp_path):
    program = compiled(name)
    path = tmp_path / "program.json"
    program.save(path)
    back = Program.load(path)
    assert back.spec == program.spec
    assert back.report == program.report
    assert [f.filter for f in back.filters] == [f.filter for f in program.filters]
    shape = (1, program.spec.channels, *program.spec.kernel_pair)
    images = np.random.default_rng(8).normal(size=shape)
    angles = np.linspace(0, 2, program.spec.n_parameters) if program.spec.n_parameters else None
    for index, (old, new) in enumerate(zip(program.filters, back.filters, strict=True)):
        assert program.circuit(images[0, 0], angles, filter_index=index) == back.circuit(
            images[0, 0], angles, filter_index=index
        )
        assert [v.passes for v in new.variants] == [v.passes for v in old.variants]
        assert [v.template.circuit for v in new.variants] == [
            v.template.circuit for v in old.variants
        ]
        assert new.rule == old.rule
    layers = [QuantumConvolution(each, engine="exact", shots=None) for each in (program, back)]
    if angles is not None:
        for layer in layers:
            layer.parameters = np.broadcast_to(angles, layer.parameters.shape)
    assert np.allclose(*(layer.forward(images) for layer in layers), rtol=0, atol=1e-9)
    # What it writes is the same again.
    again = tmp_path / "again.json"
    back.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_filters_go_on_sharing_a_template(compiled, tmp_path):
    program = compiled("several")
    assert len(program.structures) < len(program.filters)
    assert program.filters[0].template is program.filters[1].template
    program.save(tmp_path / "p")
    back = Program.load(tmp_path / "p")
    assert back.filters[0].template is back.filters[1].template
    assert back.structures == program.structures


def test_a_custom_device_comes_back_with_its_errors(compiled, tmp_path):
    program = compiled("custom device")
    program.save(tmp_path / "p")
    device = Program.load(tmp_path / "p").device
    assert device.name == "lab" and device.measures_apart
    a, b = cirq.GridQubit(0, 0), cirq.GridQubit(0, 1)
    assert device.two_qubit_error(a, b, "cz") == 0.2
    assert device.calibration == program.device.calibration
    assert set(device.graph.edges) == set(program.device.graph.edges)
    named = compiled("ansatz")
    named.save(tmp_path / "q")
    assert Program.load(tmp_path / "q").device is load_device("willow_pink")


def spoilt(whole: dict) -> dict[str, object]:
    """What a file may have become."""
    text = json.dumps(whole)
    number = re.search(r"0\.[0-9]{6,}", text)
    reported = re.search(r'"moments": \d+, "one', text)
    assert number is not None and reported is not None

    def changed(**entries: object) -> str:
        return json.dumps({**whole, **entries})

    def resealed(old: str, new: str) -> str:
        assert old in text
        other = json.loads(text.replace(old, new, 1))
        other["sha256"] = program_files._checksum(other["program"])
        return json.dumps(other)

    return {
        "is empty": "",
        "is no text": b"\xff\xfe\x00",
        "is not valid JSON": text[:-100],
        "this is no qucnn_cirq program": "{}",
        "this is no qucnn_cirq program: ": "[]",
        "version 1 of the format": changed(version=1),
        "version None of the format": json.dumps({"format": whole["format"]}),
        "compiled by qucnn_cirq '0.0.3'": changed(package="0.0.3"),
        "compiled by qucnn_cirq None": changed(package=None),
        "its checksum is wrong": text.replace(number.group(), "0.123456", 1),
        "its checksum is wrong; compile": changed(program=None),
        "which is not known here": resealed('"Template"', '"Popen"'),
        "holds no program .TypeError": resealed('"observable"', '"observable2"'),
        "report does not fit its circuit": resealed(reported.group(), '"moments": 999, "one'),
        "nested too deeply": "[" * 200_000,
    }


def test_damaged_files_and_other_versions_are_refused_in_one_line(compiled, tmp_path):
    path = tmp_path / "program.json"
    compiled("multiplexed").save(path)
    for words, content in spoilt(json.loads(path.read_text())).items():
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InputError, match=words) as refusal:
            Program.load(path)
        assert str(path) in str(refusal.value)
        assert len(str(refusal.value).splitlines()) == 1
    with pytest.raises(InputError, match="cannot read"):
        Program.load(tmp_path / "missing")


def test_every_flipped_byte_is_noticed(compiled, tmp_path, monkeypatch):
    # Without the process of its own, which has a test already.
    monkeypatch.setattr(program_files, "guarded", lambda path, function: None)
    path = tmp_path / "program.json"
    program = compiled("multiplexed")
    program.save(path)
    content = path.read_bytes()
    generator = np.random.default_rng(4)
    for place in generator.integers(0, len(content) - 1, 40):
        spoilt_content = bytearray(content)
        spoilt_content[place] ^= 1 << int(generator.integers(7))
        path.write_bytes(spoilt_content)
        try:
            back = Program.load(path)
        except InputError:
            continue
        # The rare flip that means the same, such as in the patch level of the version.
        assert back.circuit(SMALL, np.ones(4)) == program.circuit(SMALL, np.ones(4))


def test_what_cannot_be_written_is_refused(tmp_path):
    class Plain(cirq.Device):
        @property
        def metadata(self):
            return load_device("grid:3x4").cirq_device.metadata

    program = compile_convolution(ConvolutionSpec(kernel=(2, 2)), Plain())
    with pytest.raises(InputError, match="describe it in a TOML file"):
        program.save(tmp_path / "p")
    with pytest.raises(InputError, match="cannot be written"):
        Codec((), {}).write(object())
    assert list(tmp_path.iterdir()) == []


# The command line.


def test_compile_writes_programs_and_other_formats(tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text('[convolution]\nkernel = [2, 2]\nfilters = { kind = "ansatz", layers = 1 }\n')
    saved = tmp_path / "program.json"
    for suffix in WRITERS:
        out = tmp_path / f"circuit{suffix}"
        arguments = ["compile", str(config), "--device", "willow_pink", "--out", str(out)]
        assert main([*arguments, "--program", str(saved), "--quiet"]) == 0
        assert main(["validate", str(out), "--device", "willow_pink"]) in (0, 1)
        printed = capsys.readouterr().out
        assert "valid on willow_pink" in printed, printed
    assert isinstance(Program.load(saved), Program)
    assert Path(saved).stat().st_size < 100_000
