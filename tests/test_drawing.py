"""Drawings of circuits and devices: complete, wrapped, and safe to open."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import cirq
import cirq_google
import numpy as np
import pytest
import sympy
from matplotlib.collections import EllipseCollection

from qucnn_cirq import ConvolutionSpec, InputError, XZAnsatz, compile_convolution, load_device
from qucnn_cirq.circuits.parts import PARTS, part_of
from qucnn_cirq.cli import main
from qucnn_cirq.drawing import columns
from qucnn_cirq.drawing.circuit_svg import circuit_svg
from qucnn_cirq.drawing.circuit_text import circuit_text
from qucnn_cirq.drawing.device_figure import device_figure, device_rows
from qucnn_cirq.drawing.device_text import device_text
from qucnn_cirq.drawing.palette import PART_COLOURS, in_order, tint
from qucnn_cirq.drawing.placement import placement_of
from qucnn_cirq.drawing.quirk import quirk_link

SVG = "{http://www.w3.org/2000/svg}"
Q = cirq.GridQubit
LINE = cirq.LineQubit.range(4)


@pytest.fixture(scope="module")
def program():
    spec = ConvolutionSpec(kernel=(2, 2), filters=XZAnsatz(2), backward=True)
    return compile_convolution(spec, "willow_pink")


@pytest.fixture(scope="module")
def circuit(program):
    return program.circuit(np.array([[1.0, 2], [-3, 0.5]]), np.linspace(0, 1, 8), upstream=0.5)


def boxes(svg: str) -> list[tuple[float, float]]:
    """Left and right edges of everything that is drawn."""
    found = []
    for each in ET.fromstring(svg).iter(f"{SVG}rect"):
        x = float(each.get("x", 0))
        found.append((x, x + float(each.get("width", 0))))
    return found


def titles(svg: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}title")]


# Circuits.


def test_every_operation_is_drawn_once_in_the_colour_of_its_part(program, circuit):
    svg = circuit_svg(circuit, program.device)
    operations = list(circuit.all_operations())
    assert len(titles(svg)) == len(operations)
    assert all(title.startswith("moment ") for title in titles(svg))
    for part in ("loader", "filter", "overlap", "backward"):
        own = [op for op in operations if part_of(op) == part]
        assert sum(f"({part}" in title for title in titles(svg)) == len(own) > 0
        assert f">{part}</text>" in svg
        assert PART_COLOURS[part] in svg
    assert PART_COLOURS["routing"] not in svg


def test_moments_and_durations_stand_above_the_wires(program, circuit):
    svg = circuit_svg(circuit, program.device)
    texts = [each.text for each in ET.fromstring(svg).iter(f"{SVG}text")]
    assert all(str(index) in texts for index in range(len(circuit)))
    assert {"25", "42", "600"} <= set(texts)
    assert "ns" not in [e.text for e in ET.fromstring(circuit_svg(circuit)).iter(f"{SVG}text")]


@pytest.mark.parametrize("width", [300, 700, 1400])
def test_a_circuit_of_200_moments_is_wrapped_and_nothing_is_cut_off(circuit, width):
    long = cirq.Circuit(circuit[:-1] * 20)[:200]
    svg = circuit_svg(long, width=width)
    root = ET.fromstring(svg)
    assert float(root.get("width")) == width
    assert all(left >= 0 and right <= width for left, right in boxes(svg))
    lowest = max(float(each.get("y")) for each in root.iter(f"{SVG}text"))
    assert lowest < float(root.get("height"))
    assert len(titles(svg)) == sum(map(len, long))
    systems = sum(each.text == "moment" for each in root.iter(f"{SVG}text"))
    assert systems > 2
    # Columns of a system do not overlap: the moments' numbers keep their distance.
    places = [
        (float(each.get("y")), float(each.get("x")))
        for each in root.iter(f"{SVG}text")
        if each.get("class") == "moment" and (each.text or "").isdecimal()
    ]
    for (y, x), (next_y, next_x) in zip(places, places[1:], strict=False):
        assert next_y > y or next_x - x >= 20


AWKWARD = {
    "empty": cirq.Circuit(),
    "empty moments": cirq.Circuit(cirq.Moment(), cirq.Moment(cirq.X(LINE[0])), cirq.Moment()),
    "no qubits": cirq.Circuit(cirq.global_phase_operation(1j)),
    "one wide gate": cirq.Circuit(cirq.CCX(*LINE[:3]), cirq.qft(*LINE)),
    "crossing": cirq.Circuit(cirq.Moment(cirq.CZ(LINE[0], LINE[2]), cirq.CZ(LINE[1], LINE[3]))),
    "powers": cirq.Circuit(cirq.CZ(*LINE[:2]) ** 0.3, cirq.SWAP(*LINE[:2]) ** 0.5),
    "symbols": cirq.Circuit(cirq.rx(sympy.Symbol("<a&b>"))(LINE[0])),
    "markup": cirq.Circuit(cirq.X(cirq.NamedQubit("</text><script>\x00\x1b&"))),
    "tags": cirq.Circuit(cirq.X(LINE[0]).with_tags('"><script>', "overlap")),
    "noise": cirq.Circuit(cirq.depolarize(0.1)(LINE[0]), cirq.reset(LINE[0])),
    "subcircuit": cirq.Circuit(
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.CZ(*LINE[:2])), repetitions=3)
    ),
    "control": cirq.Circuit(
        cirq.measure(LINE[0], key="a"), cirq.X(LINE[1]).with_classical_controls("a")
    ),
    "syc": cirq.Circuit(cirq_google.SYC(*LINE[:2]), cirq.SQRT_ISWAP_INV(*LINE[:2])),
    "matrix": cirq.Circuit(cirq.MatrixGate(np.eye(4)).on(*LINE[:2])),
    "long names": cirq.Circuit(cirq.X(cirq.NamedQubit("q" * 500))),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_circuits_give_valid_files(name):
    circuit = AWKWARD[name]
    svg = circuit_svg(circuit)
    root = ET.fromstring(svg)
    assert not list(root.iter(f"{SVG}script"))
    drawn = [op for op in circuit.all_operations() if op.qubits]
    assert len(titles(svg)) == len(drawn)
    assert circuit_text(circuit)


A, B, C, D = LINE
INNER = cirq.FrozenCircuit(cirq.H(A), cirq.measure(A, key="m"))


class Unnamed(cirq.Gate):
    """A gate that Cirq cannot draw."""

    def __init__(self, label: str | None, size: int = 1) -> None:
        self.label, self.size = label, size

    def _num_qubits_(self) -> int:
        return self.size

    def _circuit_diagram_info_(self, args):
        if self.label is None:
            return NotImplemented
        return (self.label,) * self.size

    def __repr__(self) -> str:
        return f"Unnamed({self.label!r}, {self.size})"


def repeated(**options):
    return cirq.CircuitOperation(INNER, **options)


DISTINCT = {
    "meter": cirq.measure(A),
    "meter with a key": cirq.measure(A, key="m"),
    "inverted meter": cirq.measure(A, invert_mask=(True,)),
    "confused meter": cirq.measure(A, confusion_map={(0,): np.array([[0.9, 0.1], [0.2, 0.8]])}),
    "two meters": [cirq.measure(A), cirq.measure(B)],
    "a joint meter": cirq.measure(A, B),
    "a joint meter, turned": cirq.measure(B, A),
    "a joint meter with a key": cirq.measure(A, B, key="m"),
    **{
        f"measured {sign}{name}": cirq.PauliMeasurementGate(
            cirq.DensePauliString(name, coefficient=int(f"{sign}1")), "m"
        ).on(*LINE[: len(name)])
        for name in ("X", "Y", "Z", "XX", "XY", "YX")
        for sign in ("+", "-")
    },
    "X": cirq.X(A),
    "X on another wire": [cirq.I(A), cirq.X(B)],
    "H, measured": [cirq.H(A), cirq.measure(A, key="m")],
    "subcircuit": repeated(),
    "another subcircuit": cirq.CircuitOperation(
        cirq.FrozenCircuit(cirq.X(A), cirq.measure(A, key="m"))
    ),
    "subcircuit, twice": repeated(repetitions=2),
    "subcircuit, backwards": cirq.CircuitOperation(cirq.FrozenCircuit(cirq.S(A)), repetitions=-1),
    "subcircuit, forwards": cirq.CircuitOperation(cirq.FrozenCircuit(cirq.S(A))),
    "subcircuit elsewhere": [cirq.I(A), repeated(qubit_map={A: B})],
    "subcircuit with a key": repeated(measurement_key_map={"m": "n"}),
    "subcircuit until": repeated(
        use_repetition_ids=False, repeat_until=cirq.KeyCondition(cirq.MeasurementKey("m"))
    ),
    "nested": cirq.CircuitOperation(cirq.FrozenCircuit(repeated())),
    "subcircuit of two": cirq.CircuitOperation(cirq.FrozenCircuit(cirq.CNOT(A, B))),
    "subcircuit of two, turned": cirq.CircuitOperation(cirq.FrozenCircuit(cirq.CNOT(B, A))),
    **{
        f"control {control} {values}": cirq.X(B).controlled_by(A, control_values=[values])
        for control, values in (("on", 1), ("off", 0))
    },
    "two controls": cirq.X(C).controlled_by(A, B, control_values=[1, 0]),
    "two other controls": cirq.X(C).controlled_by(A, B, control_values=[0, 1]),
    **{
        f"after {''.join(map(str, conditions))}": [
            cirq.measure(A, key="m"),
            cirq.measure(A, key="n"),
            gate.with_classical_controls(*conditions),
        ]
        for gate in (cirq.X(B),)
        for conditions in ((), ("m",), ("n",), (sympy.Eq(sympy.Symbol("m"), 0),))
    },
    "CZ": cirq.CZ(A, B),
    "CZ across": [cirq.CZ(A, C), cirq.I(B)],
    "CZ if": [cirq.measure(C, key="m"), cirq.CZ(A, B).with_classical_controls("m")],
    "CZ, no if": [cirq.measure(C, key="m"), cirq.CZ(A, B)],
    "reset": cirq.reset(A),
    "no gate": cirq.I(A),
    "damped": cirq.amplitude_damp(0.2)(A),
    "kraus": cirq.KrausChannel(cirq.kraus(cirq.amplitude_damp(0.2))).on(A),
    "other kraus": cirq.KrausChannel(cirq.kraus(cirq.amplitude_damp(0.3))).on(A),
    "keyed kraus": cirq.KrausChannel(cirq.kraus(cirq.amplitude_damp(0.2)), key="k").on(A),
    "otherwise keyed kraus": cirq.KrausChannel(cirq.kraus(cirq.amplitude_damp(0.2)), key="l").on(A),
    "mixture": cirq.MixedUnitaryChannel([(0.5, np.eye(2)), (0.5, cirq.unitary(cirq.X))]).on(A),
    "matrix": cirq.MatrixGate(cirq.unitary(cirq.ry(0.3))).on(A),
    "other matrix": cirq.MatrixGate(cirq.unitary(cirq.ry(0.4))).on(A),
    **{
        f"control of {kind.__name__}, global phase {shift}": gate.controlled().on(*LINE[:size])
        for size, gates in (
            (2, (cirq.XPowGate, cirq.ZPowGate, cirq.HPowGate)),
            (3, (cirq.CZPowGate, cirq.CXPowGate, cirq.SwapPowGate)),
        )
        for kind in gates
        for shift in (0, 0.5)
        # Those two are above: CNOT and CZ.
        if shift or kind not in (cirq.XPowGate, cirq.ZPowGate)
        for gate in (kind(global_shift=shift),)
    },
    "X and X": cirq.ParallelGate(cirq.X, 2).on(A, B),
    "X with X": cirq.PauliInteractionGate(cirq.X, False, cirq.X, False).on(A, B),
    **{
        f"named matrix {angle}": cirq.MatrixGate(cirq.unitary(cirq.rx(angle)), name="U").on(A)
        for angle in (0.3, 0.4)
    },
    **{
        f"prepared {index}": cirq.StatePreparationChannel(np.eye(4)[index]).on(A, B)
        for index in (0, 3)
    },
    **{
        f"controls in a sum {terms}": cirq.X(C).controlled_by(
            A, B, control_values=cirq.SumOfProducts(terms, name="sum")
        )
        for terms in (((0, 1), (1, 0)), ((0, 0), (1, 1)))
    },
    "qutrit": cirq.IdentityGate(1, (3,)).on(cirq.LineQid(0, 3)),
    "global phase": [cirq.X(A), cirq.global_phase_operation(1j)],
    "other global phase": [cirq.X(A), cirq.global_phase_operation(-1)],
    "pulse": cirq.PhasedXZGate(x_exponent=0.3, z_exponent=0.2, axis_phase_exponent=0.1)(A),
    "other pulse": cirq.PhasedXZGate(x_exponent=0.3, z_exponent=0.4, axis_phase_exponent=0.1)(A),
    "small power": cirq.X(A) ** 1e-4,
    "huge power": cirq.X(A) ** 1e200,
    **{
        f"custom {index}": Unnamed(label).on(A)
        for index, label in enumerate(
            (None, "", " ", "a\nb", "a\nc", "é", "M", "●", "l" * 300, "l" * 299 + "m", "\x1b[2J")
        )
    },
    "custom on two": Unnamed(None, 2).on(A, B),
    "custom on two, turned": Unnamed(None, 2).on(B, A),
    "long qubit": cirq.X(cirq.NamedQubit("q" * 300)),
    "other long qubit": cirq.X(cirq.NamedQubit("q" * 299 + "r")),
}


def visible(svg: str) -> str:
    """What a reader sees, without what pointing at it shows."""
    return re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)


@pytest.mark.parametrize("draw", [circuit_text, lambda circuit: visible(circuit_svg(circuit))])
def test_different_circuits_are_drawn_differently(draw):
    drawings = {name: draw(cirq.Circuit(content)) for name, content in DISTINCT.items()}
    by_drawing: dict[str, list[str]] = {}
    for name, drawing in drawings.items():
        by_drawing.setdefault(drawing, []).append(name)
    assert [names for names in by_drawing.values() if len(names) > 1] == []
    for name, content in DISTINCT.items():
        # Tags change nothing, and two drawings of one circuit are the same.
        tagged = [op.with_tags("t") for op in cirq.flatten_to_ops(content)]
        assert draw(cirq.Circuit(tagged)) == drawings[name], name
        assert all(each.isprintable() for each in drawings[name].replace("\n", "")), name


def test_a_subcircuit_is_a_box_whose_content_is_drawn_below():
    text = circuit_text(cirq.Circuit(repeated(repetitions=3, use_repetition_ids=False)))
    above, title, below = text.split("\n\n")[0], *text.split("\n\n")[1].split("\n", 1)
    assert re.search(r"circuit#[0-9a-f]{4}\[0\]\(x3 m\)", above)
    assert title.startswith(f"circuit{re.search('#[0-9a-f]{4}', above).group()}")
    assert below == circuit_text(INNER.unfreeze())
    # Doubling 60 times is drawn 60 times, not 2**60 times.
    doubled = cirq.FrozenCircuit(cirq.X(A))
    for _ in range(12):
        doubled = cirq.FrozenCircuit([cirq.CircuitOperation(doubled)] * 2)
    assert circuit_text(doubled.unfreeze()).count("moment") == 13


def quirk_columns(circuit: cirq.Circuit) -> list[object]:
    from urllib.parse import unquote

    return json.loads(unquote(quirk_link(circuit).split("#circuit=")[1]))["cols"]


def test_quirk_is_given_the_content_of_subcircuits_and_the_basis_of_measurements():
    assert quirk_columns(cirq.Circuit(repeated())) == [["H"], ["Measure"]]
    nested = cirq.CircuitOperation(cirq.FrozenCircuit(repeated()), qubit_map={A: B})
    assert quirk_columns(cirq.Circuit(cirq.X(A), nested)) == [
        ["X", "H"],
        [1, "Measure"],
    ]
    for pauli, columns_ in {
        cirq.X: [["H"], ["Measure"]],
        cirq.Y: [["X^½"], ["Measure"]],
        cirq.Z: [["Measure"]],
    }.items():
        assert quirk_columns(cirq.Circuit(cirq.measure_single_paulistring(pauli(A)))) == columns_
    # X^1/2 takes Y to Z.
    turned = cirq.unitary(cirq.X**0.5)
    assert np.allclose(turned.conj().T @ cirq.unitary(cirq.Z) @ turned, cirq.unitary(cirq.Y))


def test_wires_that_would_cross_get_columns_of_their_own():
    drawing = columns.lay_out(AWKWARD["crossing"])
    assert [(each.moment, len(each.operations)) for each in drawing.columns] == [(0, 1), (0, 1)]
    side_by_side = cirq.Circuit(cirq.Moment(cirq.CZ(*LINE[:2]), cirq.CZ(*LINE[2:])))
    assert len(columns.lay_out(side_by_side).columns) == 1
    measured = cirq.Circuit(cirq.Moment(cirq.measure(LINE[0], LINE[3]), cirq.CZ(*LINE[1:3])))
    assert len(columns.lay_out(measured).columns) == 1


def test_what_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(columns, "LARGEST_DRAWING", 3)
    with pytest.raises(InputError, match="more than 3 operations"):
        circuit_svg(cirq.Circuit(cirq.X.on_each(*LINE)))


def test_the_text_of_a_circuit():
    circuit = cirq.Circuit(
        cirq.H(LINE[0]), cirq.CNOT(LINE[0], LINE[2]), cirq.X(LINE[1]) ** 0.5, cirq.measure(LINE[2])
    )
    assert circuit_text(circuit).splitlines() == [
        "moment  0       1 2",
        "q(0):   H───────●───",
        "                │",
        "q(1):   X(0.50)─┼───",
        "                │",
        "q(2):   ────────⊕─M─",
    ]


def test_text_is_wrapped_and_names_all_moments(program, circuit):
    text = circuit_text(circuit, program.device, width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("moment") == text.count("ns") == text.count("q(5, 10):") > 2
    numbers = re.findall(r"\d+", " ".join(re.findall(r"^moment.*", text, re.MULTILINE)))
    assert [int(number) for number in numbers] == list(range(len(circuit)))


def test_palette():
    assert set(PART_COLOURS) == {*PARTS, None}
    assert len(set(PART_COLOURS.values())) == len(PART_COLOURS)
    assert tint("#000000", 0.0) == "#ffffff"
    assert tint("#0072b2", 1.0) == "#0072b2"
    assert in_order([None, "overlap", "loader", "loader"]) == ["loader", "overlap", None]


# Quirk.


def test_quirk_is_given_the_same_circuit(circuit):
    pieces = cirq.Circuit(
        cirq.H(LINE[0]),
        cirq.CNOT(LINE[0], LINE[2]),
        cirq.SWAP(*LINE[:2]),
        cirq.ry(0.3)(LINE[1]),
        cirq.CZ(*LINE[:2]),
        cirq.measure(LINE[2]),
    )
    link = quirk_link(pieces)
    from urllib.parse import unquote

    content = json.loads(unquote(link.split("#circuit=")[1]))["cols"]
    assert ["H", 1, 1] in content
    assert ["•", 1, "X"] in content
    assert ["Swap", "Swap", 1] in content
    matrix = next(cell for col in content for cell in col if isinstance(cell, dict))["matrix"]
    numbers = np.array([float(n) for n in re.findall(r"[-\d.]+", matrix)]).reshape(2, 2)
    assert np.allclose(numbers, cirq.unitary(cirq.ry(0.3)), atol=1e-8)
    assert quirk_link(circuit).startswith("https://algassert.com/quirk#circuit=")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (cirq.Circuit(cirq.X.on_each(*cirq.LineQubit.range(17))), "at most 16"),
        (cirq.Circuit(cirq.ISWAP(*LINE[:2])), "cannot show ISWAP"),
        (cirq.Circuit(cirq.X(LINE[0]) ** sympy.Symbol("t")), "numbers for angles"),
        (cirq.Circuit([cirq.ry(0.1 + i)(LINE[0]) for i in range(2000)]), "characters"),
        (cirq.Circuit(DISTINCT["subcircuit until"]), "until a condition"),
        (cirq.Circuit(repeated(repetitions=10**6, use_repetition_ids=False)), "too long"),
        (cirq.Circuit(DISTINCT["inverted meter"]), "inverted"),
        (cirq.Circuit(DISTINCT["confused meter"]), "confused"),
        (cirq.Circuit(DISTINCT["measured -X"]), "inverted"),
        (cirq.Circuit(DISTINCT["measured +XX"]), "cannot show"),
        (cirq.Circuit(DISTINCT["CZ if"]), "cannot show"),
        (cirq.Circuit(DISTINCT["after m"]), "cannot show"),
        (cirq.Circuit(DISTINCT["keyed kraus"]), "cannot show"),
        (cirq.Circuit(DISTINCT["control off 0"]), "cannot show"),
        (cirq.Circuit(DISTINCT["prepared 0"]), "cannot show"),
        (cirq.Circuit(cirq.measure(cirq.LineQid(0, 3))), "3 levels"),
        # Gates that Quirk skips, as they follow a measurement.
        (cirq.Circuit(cirq.measure(A), cirq.H(A)), "follows a measurement"),
        (cirq.Circuit(cirq.measure(A), cirq.SWAP(A, B), cirq.ry(1)(B)), "follows a measurement"),
        (cirq.Circuit(cirq.measure(A), cirq.CNOT(B, A)), "follows a measurement"),
        (cirq.Circuit(DISTINCT["measured +X"], cirq.X(A)), "follows a measurement"),
        (cirq.Circuit(cirq.measure(A), DISTINCT["measured +Y"]), "follows a measurement"),
    ],
)
def test_what_quirk_cannot_show_is_refused(bad, words):
    with pytest.raises(InputError, match=words):
        quirk_link(bad)


def test_quirk_is_given_gates_that_it_applies_to_measured_qubits():
    classical = [cirq.X(A), cirq.S(A), cirq.CNOT(A, B), cirq.CZ(B, A), cirq.SWAP(A, B), cirq.H(A)]
    assert len(quirk_columns(cirq.Circuit(cirq.measure(A), classical, cirq.measure(B)))) == 7


# Devices and placements.


def test_the_map_of_a_device_shows_its_qubits_and_couplers():
    assert device_text(load_device("grid:2x3")).splitlines() == [
        "  0 1 2",
        "0 o-o-o",
        "  | | |",
        "1 o-o-o",
    ]
    for name in ("willow_pink", "sycamore"):
        device = load_device(name)
        drawn = "\n".join(device_text(device).splitlines()[1:])
        assert drawn.count("o") == device.n_qubits
        along = re.sub(r"-+", "-", drawn).count("-")
        assert along + drawn.count("|") == device.graph.number_of_edges()


@pytest.mark.parametrize(
    ("options", "device", "settings"),
    [
        ({}, "willow_pink", {}),
        ({"backward": True}, "willow_pink", {}),
        ({}, "weber", {"walkers": 2}),
        ({"backward": True}, "grid:6x6", {"walkers": 2}),
        ({}, "grid:4x6", {"layout": "plaquettes"}),
    ],
)
def test_the_walk_is_the_ancillas(options, device, settings):
    spec = ConvolutionSpec(kernel=(4, 4), filters=XZAnsatz(), **options)
    program = compile_convolution(spec, device, **settings)
    template = program.filters[0].template
    placement = placement_of(template.circuit)
    roles = placement.roles
    assert {q for q, role in roles.items() if role == "data"} == set(template.data_qubits)
    assert {q for q, role in roles.items() if role == "filter"} == set(template.filter_qubits)
    assert sum(len(walk) - 1 for walk in placement.walks) == 4
    assert len(placement.walks) == settings.get("walkers", 1)
    for walk in placement.walks:
        assert roles[walk[0]] == "ancilla"
        assert all(
            program.device.graph.has_edge(a, b) for a, b in zip(walk, walk[1:], strict=False)
        )
    ends = {walk[-1] for walk in placement.walks}
    measured = set(template.observable.qubits)
    if options:
        assert {roles[qubit] for qubit in measured} == {"reader"}
    else:
        assert ends == measured


def test_other_circuits_have_no_walk():
    spec = ConvolutionSpec(kernel=(2, 2), overlap="destructive")
    template = compile_convolution(spec, "rainbow").filters[0].template
    placement = placement_of(template.circuit)
    assert placement.walks == () and len(placement.pairs) == 2
    foreign = placement_of(cirq.Circuit(cirq.CZ(*LINE[:2])))
    assert set(foreign.roles.values()) == {"other"} and foreign.walks == ()


def test_figures_show_errors_and_placement(program):
    plain = device_figure(load_device("grid:3x4"))
    assert len(plain.axes) == 1
    assert "not calibrated" in plain.axes[0].get_title()
    figure = device_figure(program.device, placement_of(program.filters[0].template.circuit))
    axes, *bars = figure.axes
    assert [bar.get_ylabel() for bar in bars] == [
        "readout error (disc)",
        "Pauli error of CZ (bar)",
    ]
    placement = placement_of(program.filters[0].template.circuit)
    discs, *rings = [each for each in axes.collections if isinstance(each, EllipseCollection)]
    assert len(discs.get_offsets()) == 105
    # Each qubit has a ring with a white edge.
    assert sum(len(ring.get_offsets()) for ring in rings) == 2 * len(placement.roles)
    rows = device_rows(program.device, placement)
    assert [row["role"] for row in rows].count("data") == 2
    assert len(rows) == 105 + program.device.graph.number_of_edges()
    assert all(0 < row["error"] <= 1 for row in rows)
    assert all(row["error"] is None for row in device_rows(load_device("grid:3x4")))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("column", "row")


# The command line.

CONFIGURATION = """
[convolution]
kernel = [2, 2]
filters = { kind = "ansatz", layers = 1 }
"""


def test_draw_on_the_command_line(tmp_path, capsys):
    config, out, image = tmp_path / "c.toml", tmp_path / "d.svg", tmp_path / "map.png"
    config.write_text(CONFIGURATION)
    np.save(tmp_path / "p.npy", np.ones((2, 2)))
    assert main(["draw", str(config), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["drawing"] == str(out)
    assert len(titles(out.read_text())) == report["operations"]
    assert "x0" in out.read_text()
    assert main(["draw", str(config), "--patch", str(tmp_path / "p.npy"), "--out", str(out)]) == 0
    assert "x0" not in out.read_text()
    assert main(["draw", str(config), "--map"]) == 0
    assert "D data, F filter, A ancilla" in capsys.readouterr().out
    assert main(["draw", str(config), "--map", "--device", "grid:3x4", "--out", str(image)]) == 0
    assert image.read_bytes().startswith(b"\x89PNG")
    assert main(["draw", str(config), "--quirk"]) == 0
    assert "algassert.com" in capsys.readouterr().out


def test_draw_reads_circuits_and_refuses_what_it_cannot_do(tmp_path, capsys, circuit):
    path = tmp_path / "circuit.json"
    cirq.to_json(circuit, path)
    assert main(["draw", str(path), "--device", "willow_pink", "--width", "70"]) == 0
    printed = capsys.readouterr().out
    assert "600" in printed
    assert max(map(len, printed.splitlines())) <= 70
    assert main(["draw", str(path), "--map", "--device", "willow_pink", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert len(content["walks"]) == 1 and "data" in content["qubits"].values()
    (tmp_path / "bad.json").write_text("{")
    for arguments, words in {
        (path, "--map"): "--device NAME",
        (path, "--map", "--device", "grid:2x2"): "has no qubit",
        (path, "--out", tmp_path / "a.png"): ".svg",
        (path, "--patch", path): "--patch is for a configuration",
        (
            path,
            "--map",
            "--device",
            "willow_pink",
            "--patch",
            path,
        ): "--patch is for a configuration",
        (path, "--width", "0"): "positive",
        (path, "--width", "90", "--quirk"): "--width is for drawings",
        (path, "--device", "weber", "--quirk"): "--device is for drawings",
        (path, "--width", "90", "--map", "--device", "willow_pink"): "--width is for drawings",
        (tmp_path / "bad.json",): "bad.json",
        (tmp_path / "none.json",): "none.json",
        (tmp_path / "none.toml",): "none.toml",
    }.items():
        assert main(["draw", *map(str, arguments)]) == 2, arguments
        captured = capsys.readouterr()
        assert words in captured.err and captured.err.count("\n") == 1


def test_devices_are_drawn_on_the_command_line(tmp_path, capsys):
    assert main(["devices", "grid:2x3"]) == 0
    assert "0 o-o-o" in capsys.readouterr().out
    for suffix, start in {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}.items():
        out = tmp_path / f"d.{suffix}"
        assert main(["devices", "rainbow", "--out", str(out), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["drawing"] == str(out)
        assert out.read_bytes().startswith(start)
    for arguments, words in {
        ("rainbow", "--out", str(tmp_path / "d.gif")): ".png, .svg, .pdf",
        ("--out", str(tmp_path / "d.png")): "NAME",
        ("rainbo",): "Did you mean 'rainbow'",
    }.items():
        assert main(["devices", *arguments]) == 2
        assert words in capsys.readouterr().err
