"""Custom devices: diagrams, tables, graphs, specifications and files."""

from __future__ import annotations

import json
import math
import warnings

import cirq
import cirq_google
import networkx as nx
import numpy as np
import pytest
from cirq_google.api import v2
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import NoiseNote, as_noise
from noise_models.calibration_files import calibration_to_mapping
from qucnn_cirq import (
    ConvolutionSpec,
    FixedFilter,
    InputError,
    QuantumConvolution,
    compile_convolution,
    load_device,
)
from qucnn_cirq.cli import main
from qucnn_cirq.devices import describe_device, grid_device
from qucnn_cirq.devices.definitions import device_from_graph, device_from_mapping
from qucnn_cirq.devices.diagrams import read_diagram
from qucnn_cirq.drawing.device_text import device_text
from qucnn_cirq.validation import errors_of, validate

Q = cirq.GridQubit
LAB = """
[device]
name = "lab"
diagram = '''
o-o-o-o
| | | |
o-o-o-o
'''
origin = [2, 3]
gates = ["cz"]
measures_apart = true

[device.durations]
one_qubit = 20
two_qubit = 40
measurement = 500

[device.errors]
one_qubit = 0.001
two_qubit = { default = 0.004, "2,3:2,4" = 0.2 }
readout = { default = 0.02, "3,6" = [0.01, 0.05] }
t1 = 30
t2 = { default = 20, "2,3" = 5 }
"""


def same_grid(one: object, other: object) -> bool:
    return nx.utils.graphs_equal(one.graph, other.graph)


# Diagrams.


def test_the_three_forms_of_a_diagram():
    couplers = [(Q(0, 0), Q(0, 1)), (Q(0, 0), Q(1, 0))]
    expected = grid_device([Q(0, 0), Q(0, 1), Q(1, 0), Q(1, 1)], couplers)
    assert same_grid(load_device("o-o\n|\no o\n"), expected)
    assert same_grid(load_device("   A-B\n   |\n   C D"), expected)
    numbered = load_device("     10 11\n  9  o--o\n     |\n 10  o  o\n")
    moved = [(a + (9, 10), b + (9, 10)) for a, b in couplers]
    assert set(map(frozenset, numbered.graph.edges)) == set(map(frozenset, moved))
    ring = [Q(0, 0), Q(0, 1), Q(1, 0), Q(1, 1)]
    assert same_grid(load_device("oo\noo\n"), grid_device(ring))
    assert same_grid(load_device("oo\no.\n"), grid_device(ring[:3]))


@pytest.mark.parametrize("name", ["willow_pink", "sycamore", "rainbow", "grid:3x12", "grid:1x1"])
def test_what_is_printed_is_read_again(name):
    device = load_device(name)
    assert same_grid(load_device(device_text(device) + "\n"), device)


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_any_grid_is_printed_and_read_again(seed):
    generator = np.random.default_rng(seed)
    shift = generator.integers(0, 12, 2)
    qubits = [q + tuple(map(int, shift)) for q in Q.rect(4, 5) if generator.random() < 0.7]
    qubits = qubits or [Q(0, 0)]
    graph = grid_device(qubits).graph
    couplers = [edge for edge in graph.edges if generator.random() < 0.7]
    device = grid_device(qubits, couplers)
    assert same_grid(load_device(device_text(device) + "\n"), device)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n\n", "empty"),
        ("o+o\n", "'\\+' in line 1, character 2"),
        ("o-o\n- |\n", "'-' in line 2"),
        ("oo-o\n", "line 1, character 2"),
        ("o-o-\n", "does not join two neighbours"),
        ("o\n|\n", "does not join two neighbours"),
        ("..\n..\n", "no qubits"),
    ],
)
def test_a_wrong_diagram_is_refused_with_its_place(text, words):
    with pytest.raises(InputError, match=words):
        load_device(text)


def test_negative_places_are_refused():
    with pytest.raises(InputError, match="negative row or column"):
        grid_device([Q(0, -1), Q(0, 0)])


def test_an_origin_moves_a_diagram():
    qubits, couplers = read_diagram("o-o", (4, 7))
    assert qubits == [Q(4, 7), Q(4, 8)] and couplers == [(Q(4, 7), Q(4, 8))]


# Tables.


@pytest.fixture
def lab(tmp_path):
    path = tmp_path / "anything.toml"
    path.write_text(LAB)
    return load_device(path)


def test_a_table_gives_gates_errors_durations_and_rules(lab):
    assert (lab.name, lab.n_qubits, lab.two_qubit_gates) == ("lab", 8, ("cz",))
    assert lab.is_calibrated and lab.measures_apart
    assert min(lab.graph) == Q(2, 3)
    assert lab.two_qubit_error(Q(2, 3), Q(2, 4), "cz") == 0.2
    assert lab.two_qubit_error(Q(2, 4), Q(2, 3), "cz") == 0.2
    assert lab.two_qubit_error(Q(2, 4), Q(2, 5), "cz") == 0.004
    assert lab.one_qubit_error(Q(2, 3)) == 0.001
    assert lab.readout_error(Q(3, 6)) == pytest.approx(0.03)
    assert lab.coherence_ns(Q(2, 3)) == pytest.approx(5000)
    assert lab.coherence_ns(Q(3, 3)) == pytest.approx(20_000)
    pulse, coupling = cirq.X(Q(2, 3)), cirq.CZ(Q(2, 3), Q(2, 4))
    assert [lab.duration_ns(op) for op in (pulse, coupling, cirq.measure(Q(2, 3)))] == [20, 40, 500]
    assert lab.duration_ns(cirq.Z(Q(2, 3))) == 0
    assert lab.moment_ns([pulse, coupling]) == 40
    beside = cirq.Circuit(cirq.Moment(cirq.measure(Q(2, 3)), cirq.CZ(Q(3, 4), Q(3, 5))))
    assert [each.rule for each in validate(beside, lab)] == ["measurement_beside_gates"]
    # Decay is a Pauli error of (1 - e^(-t/T1))/4 for X and Y each.
    assert lab.decay_error(Q(3, 3), 0, 1000) > lab.decay_error(Q(3, 3), 0, 10) > 0


def test_the_compiler_avoids_what_is_bad_on_a_custom_device(lab):
    spec = ConvolutionSpec(kernel=(1, 2), filters=FixedFilter([[1, 2]]))
    program = compile_convolution(spec, lab)
    used = {frozenset(op.qubits) for op in program.circuit([[1, 3]]).all_operations()}
    assert frozenset((Q(2, 3), Q(2, 4))) not in used
    assert program.verify().passed


def test_durations_without_errors_are_in_cirqs_own_metadata():
    device = device_from_mapping(
        {"qubits": [[0, 0], [0, 1]], "durations": {"one_qubit": 21.5, "two_qubit": 33}}
    )
    assert not device.is_calibrated
    assert device.duration_ns(cirq.X(Q(0, 0))) == 21.5
    assert device.duration_ns(cirq.CZ(Q(0, 0), Q(0, 1))) == 33
    assert device.duration_ns(cirq.measure(Q(0, 0))) is None
    assert device.moment_ns([cirq.measure(Q(0, 0))]) is None


GOOD = {"qubits": [[0, 0], [0, 1], [1, 1]]}
TIMES = {"one_qubit": 20, "two_qubit": 40, "measurement": 500}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "either diagram or qubits"),
        ({**GOOD, "diagram": "o"}, "either diagram or qubits"),
        ({**GOOD, "qbits": 1}, "Did you mean 'qubits'"),
        ({"diagram": 5}, "must be a text"),
        ({"diagram": "o", "couplers": []}, "cannot be given with a diagram"),
        ({**GOOD, "origin": [1, 1]}, "origin is for a diagram"),
        ({"qubits": []}, "has no qubits"),
        ({"qubits": [[0]]}, "give a place on a grid"),
        ({"qubits": [["a", 0]]}, "whole number"),
        ({"qubits": 7}, "give a list"),
        ({**GOOD, "couplers": [[[0, 0]]]}, "give two places"),
        ({**GOOD, "couplers": [[[0, 0], [1, 1]]]}, "does not join two neighbours"),
        ({**GOOD, "couplers": [[[0, 0], [0, -1]]]}, "at least 0"),
        ({**GOOD, "gates": ["czz"]}, "Did you mean 'cz'"),
        ({**GOOD, "gates": []}, "give some of"),
        ({**GOOD, "measures_apart": 1}, "true or false"),
        ({**GOOD, "name": ""}, "give a text"),
        ({**GOOD, "durations": {"two_qbit": 1}}, "Did you mean 'two_qubit'"),
        ({**GOOD, "durations": {"two_qubit": -1}}, "durations.two_qubit = -1"),
        ({**GOOD, "errors": {"two_qubit": 2}}, "errors.two_qubit = 2"),
        ({**GOOD, "errors": {"readout": [0.1, 0.2, 0.3]}}, "errors.readout"),
        ({**GOOD, "errors": {"readout": {"0,0": 0.1}}}, "says nothing of '0,1'"),
        ({**GOOD, "errors": {"readout": {"5,5": 0.1, "default": 0.1}}}, "the device lacks"),
        ({**GOOD, "errors": {"two_qubit": {"0,0:1,1": 0.1, "default": 0.1}}}, "the device lacks"),
        ({**GOOD, "errors": {"two_qubit": {"0,0:": 0.1, "default": 0.1}}}, "no coupler"),
        ({**GOOD, "errors": {"t1": 10}}, "give device.durations"),
        ({**GOOD, "errors": {"t1": math.nan}, "durations": TIMES}, "t1 has no number"),
        ({**GOOD, "errors": {"t1": 0}, "durations": TIMES}, "errors.t1 = 0"),
    ],
)
def test_wrong_tables_are_refused(table, words):
    with pytest.raises(InputError, match=words):
        device_from_mapping(table)


# Graphs and specifications.


def test_a_networkx_graph_with_errors():
    graph = nx.grid_2d_graph(2, 3)
    graph.graph["gates"] = ["cz"]
    nx.set_node_attributes(graph, 0.03, "readout")
    nx.set_edge_attributes(graph, 0.007, "two_qubit")
    graph.edges[(0, 0), (0, 1)]["two_qubit"] = 0.1
    device = load_device(graph)
    assert same_grid(device, load_device("grid:2x3"))
    assert device.two_qubit_gates == ("cz",)
    assert device.readout_error(Q(0, 0)) == 0.03
    assert device.two_qubit_error(Q(0, 1), Q(0, 0), "cz") == 0.1
    assert device.two_qubit_error(Q(0, 1), Q(0, 2), "cz") == 0.007
    plain = device_from_graph(load_device("weber").graph, "copy")
    assert same_grid(plain, load_device("weber")) and not plain.is_calibrated
    for bad, words in (
        (nx.path_graph(3), "place on a grid"),
        (nx.Graph([((0, 0), (2, 2))]), "neighbours"),
        (nx.Graph(), "no qubits"),
        (nx.Graph([((-1, 0), (0, 0))]), "at least 0"),
    ):
        with pytest.raises(InputError, match=words):
            load_device(bad)


def test_cirqs_specification_as_object_and_as_files(tmp_path):
    weber = load_device("weber")
    specification = weber.cirq_device.to_proto()
    (tmp_path / "mine.textproto").write_text(text_format.MessageToString(specification))
    (tmp_path / "mine.json").write_text(cirq.to_json(weber.cirq_device))
    for source in (specification, tmp_path / "mine.textproto", str(tmp_path / "mine.json")):
        device = load_device(source)
        assert same_grid(device, weber)
        assert device.two_qubit_gates == weber.two_qubit_gates
        assert device.duration_ns(cirq.X(Q(5, 5))) == 25
        assert not device.is_calibrated
    broken = v2.device_pb2.DeviceSpecification()
    broken.valid_qubits.append("nonsense")
    for bad, words in ((broken, "not valid"), (v2.device_pb2.DeviceSpecification(), "no qubits")):
        with pytest.raises(InputError, match=words):
            load_device(bad)


# Files.


def test_devices_of_files_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "lab.toml"
    path.write_text(LAB)
    assert main(["devices", str(path), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["name"], row["qubits"], row["couplers"], row["calibrated"]) == ("lab", 8, 10, True)
    circuit = tmp_path / "circuit.json"
    cirq.to_json(cirq.Circuit(cirq.CZ(Q(2, 3), Q(2, 5))), circuit)
    assert main(["validate", str(circuit), "--device", str(path)]) == 1
    assert "no coupler joins q(2, 3), q(2, 5)" in capsys.readouterr().out
    diagram = tmp_path / "two.txt"
    diagram.write_text("o-o\n")
    assert load_device(str(diagram)).name == "two"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.toml", "", "empty"),
        ("a.toml", "[device", "not valid TOML"),
        ("a.toml", "[devices]\n", "no table"),
        ("a.toml", "[device]\nname = 'weber'\ndiagram = 'o'", "taken by a calibrated device"),
        ("weber.txt", "o-o", "taken by a calibrated device"),
        ("a.txt", "o?o", "'\\?' in line 1"),
        ("a.txt", "\0\0", "in line 1"),
        ("a.textproto", "hello", "no device specification"),
        ("a.json", "{}", "holds a dict"),
        ("a.json", "[" * 100_000, "nested"),
        ("a.toml", "a = " + "[" * 100_000, "nested|not valid TOML"),
    ],
)
def test_bad_files_are_refused_in_one_line(name, content, words, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(content)
    assert main(["devices", str(path)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    with pytest.raises(InputError, match=words):
        load_device(str(path))


def test_files_that_are_missing_or_of_another_kind_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load_device(str(tmp_path / "missing.toml"))
    with pytest.raises(InputError, match="suffix"):
        load_device(tmp_path / "device.yaml")
    with pytest.raises(InputError, match="give a name, a file"):
        load_device(5)


def test_a_compiled_device_is_googles():
    assert isinstance(load_device("oo\noo\n").cirq_device, cirq_google.GridDevice)


# Fields that are missing, zero, or not measured.

FULL = {
    "qubits": [[row, column] for row in range(3) for column in range(4)],
    "durations": TIMES,
    "errors": {"one_qubit": 0.001, "two_qubit": 0.01, "readout": 0.02, "t1": 30, "t2": 20},
}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_fields_are_missing_or_zero_a_device_works_or_is_refused_when_loaded(seed):
    random = np.random.default_rng(seed)
    table = {**FULL, "durations": dict(TIMES), "errors": dict(FULL["errors"])}
    for part in ("durations", "errors"):
        for key in list(table[part]):
            chance = random.random()
            if chance < 0.3:
                del table[part][key]
            elif chance < 0.5 and key not in ("t1", "t2"):
                table[part][key] = 0
            elif chance < 0.6 and key in ("one_qubit", "readout") and part == "errors":
                table[part][key] = {"0,0": math.nan, "default": table[part][key]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NoiseNote)
        try:
            device = device_from_mapping(table)
        except InputError as refusal:
            assert "give device.durations" in str(refusal)
            return
        spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 2, -1, 0.5]))
        program = compile_convolution(spec, device, dynamical_decoupling="XY4")
        noise = as_noise({"calibrated": calibration_to_mapping(device.calibration)})
        layer = QuantumConvolution(program, engine="exact", noise=noise, shots=None)
        assert -1 <= layer.forward(np.array([[[1.0, 2], [-1, 0.5]]])).item() <= 1
        circuit = program.circuit(np.array([[1.0, 2], [-1, 0.5]]))
        assert not errors_of(validate(circuit, device))
        assert describe_device(device)["calibrated"]
        assert device_text(device)


def test_errors_without_durations_compile():
    graph = nx.grid_2d_graph(2, 3)
    nx.set_edge_attributes(graph, 0.006, "two_qubit")
    device = load_device(graph)
    assert device.duration_ratio("cz") == 1.0
    assert device.duration_ns(cirq.CZ(Q(0, 0), Q(0, 1))) is None
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 2, -1, 0.5]))
    program = compile_convolution(spec, device)
    gates = sum(len(op.qubits) == 2 for op in program.filters[0].template.circuit.all_operations())
    assert program.report.predicted_error == pytest.approx(1 - 0.994**gates, rel=1e-6)


def test_devices_without_couplers_or_two_qubit_gates_are_described():
    alone = device_from_mapping({"qubits": [[0, 0]], "errors": {"readout": 0.1}})
    assert describe_device(alone)["median_two_qubit_error"] is None
    specification = load_device("grid:1x2").cirq_device.to_proto()
    for kind in list(specification.valid_gates):
        if kind.WhichOneof("gate") in ("cz", "syc", "sqrt_iswap"):
            specification.valid_gates.remove(kind)
    silent = load_device(specification)
    assert describe_device(silent)["two_qubit_gates"] == []
    with pytest.raises(InputError, match="offers no two-qubit gate"):
        compile_convolution(
            ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1, 0, 0, 1])), silent
        )
