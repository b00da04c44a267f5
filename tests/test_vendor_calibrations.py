"""Calibrations as IBM publishes them, with invented numbers in the public formats."""

import copy
import json
import math
import warnings
from pathlib import Path
from typing import Any

import cirq
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise_models import (
    NoiseError,
    NoiseNote,
    as_noise,
    read_calibration,
    read_vendor_calibration,
    write_calibration,
)
from noise_models.thermal import ThermalChannel
from noise_models.vendors import depolarizing_beyond_decay, positions_by_rows
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.devices import load_device

# The headers and separators are those of the files; every number is made up.
OLDER = """\
"Qubit","T1 (us)","T2 (us)","Frequency (GHz)","Readout assignment error ","Prob meas0 prep1 ",\
"Prob meas1 prep0 ","Readout length (ns)","ID error ","√x (sx) error ","CNOT error ",\
"Gate time (ns)"
"0","100.0","80.0","5.1","0.02","0.03","0.01","700","3e-4","3e-4","0_1:0.008","0_1:300"
"1","120.0","90.0","5.2","0.02","0.03","0.01","700","2e-4","2e-4","1_0:0.008; 1_2:0.010",\
"1_0:300; 1_2:420"
"2","90.0","200.0","5.0","0.02","0.02","0.02","700","4e-4","4e-4","2_1:0.010","2_1:420"
"""
NEWER = """\
Qubit,T1 (us),T2 (us),Readout assignment error,Prob meas0 prep1,Prob meas1 prep0,\
Readout length (ns),ID error,Single-qubit gate length (ns),RX error,Z-axis rotation (rz) error,\
√x (sx) error,Pauli-X error,CZ error,Gate length (ns),RZZ error,MEASURE_2 error,Operational
0,200,150,0.01,0.012,0.008,1500,2e-4,32,2e-4,0,2e-4,2e-4,1:0.002,1:68,1:0.003,0.02,Yes
1,,150,0.01,0.012,0.008,1500,2e-4,32,2e-4,0,2e-4,2e-4,0:0.002;2:1;3:0.003,0:68;2:68;3:68,,,Yes
2,180,100,0.02,0.03,0.01,1500,3e-4,32,3e-4,0,3e-4,3e-4,1:1,1:68,,0.02,Yes
3,150,100,0.02,0.03,0.01,1500,3e-4,32,3e-4,0,3e-4,3e-4,1:0.003;4:0.004,1:68;4:68,,0.02,Yes
4,150,100,1,1,1,1500,1,32,1,0,1,1,3:0.004,3:68,,0.02,No
"""


def parameters(**values: tuple[float | None, str]) -> list[dict[str, Any]]:
    return [
        {"date": "2026-01-01T00:00:00+00:00", "name": name, "unit": unit, "value": value}
        for name, (value, unit) in values.items()
    ]


def qubit(t1: float = 0.1, p01: float = 0.01, p10: float = 0.02) -> list[dict[str, Any]]:
    return parameters(
        T1=(t1, "ms"),
        T2=(80.0, "us"),
        frequency=(5.0, "GHz"),
        readout_error=((p01 + p10) / 2, ""),
        prob_meas0_prep1=(p10, ""),
        prob_meas1_prep0=(p01, ""),
        readout_length=(900.0, "ns"),
    )


def gate(kind: str, qubits: list[int], error: float | None, length: float) -> dict[str, Any]:
    return {
        "qubits": qubits,
        "gate": kind,
        "name": kind + "_".join(map(str, qubits)),
        "parameters": parameters(gate_error=(error, ""), gate_length=(length, "ns")),
    }


PROPERTIES: dict[str, Any] = {
    "backend_name": "fake_lab",
    "backend_version": "1.0.0",
    "last_update_date": "2026-01-01T00:00:00+00:00",
    "qubits": [qubit(), qubit(0.12), qubit(0.08)],
    "gates": [
        *(gate("sx", [number], 5e-4 * (number + 1), 40.0) for number in range(3)),
        *(gate("rz", [number], 0.0, 0.0) for number in range(3)),
        gate("ecr", [1, 0], 0.007, 500.0),
        gate("ecr", [1, 2], 0.009, 500.0),
        {"qubits": [0], "gate": "reset", "name": "reset0", "parameters": []},
    ],
    "general": [],
}


def read(tmp_path: Path, content: str | dict[str, Any], **settings: Any) -> tuple[Any, list[str]]:
    """The calibration of a file, and the notes."""
    is_text = isinstance(content, str)
    path = tmp_path / ("published.csv" if is_text else "published.json")
    path.write_text(content if is_text else json.dumps(content), encoding="utf-8")  # type: ignore[arg-type]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NoiseNote)
        calibration = read_vendor_calibration(path, **settings)
    return calibration, [str(each.message) for each in caught]


def infidelity(noise: object, operation: cirq.Operation) -> float:
    """The average infidelity of what follows a gate, by superoperators."""
    circuit = as_noise(noise).noisy_circuit(cirq.Circuit(operation))
    channels = cirq.Circuit(op for op in circuit.all_operations() if op != operation)
    size = 2 ** len(operation.qubits)
    order = list(operation.qubits)
    # 1 - F_e from the maximally entangled state.
    others = [cirq.NamedQubit(f"other {qubit}") for qubit in order]
    pairs = cirq.Circuit([cirq.H(a), cirq.CNOT(a, b)] for a, b in zip(order, others, strict=True))
    state = pairs.final_state_vector(qubit_order=[*order, *others])
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    rho = simulator.simulate(
        channels, qubit_order=[*order, *others], initial_state=state
    ).final_density_matrix
    fidelity = float(np.real(state.conj() @ rho @ state))
    return (1 - fidelity) * size / (size + 1)


def test_gates_have_the_infidelity_that_was_published(tmp_path: Path) -> None:
    calibration, notes = read(tmp_path, PROPERTIES)
    assert calibration.name == "fake_lab"
    line = cirq.LineQubit.range(3)
    for number, expected in enumerate((5e-4, 1e-3, 1.5e-3)):
        noise = {"calibrated": calibration}
        assert infidelity(noise, cirq.X(line[number])) == pytest.approx(expected, abs=1e-8)
    for pair, expected in (((0, 1), 0.007), ((1, 2), 0.009)):
        gate_ = cirq.CZ(*(line[number] for number in pair))
        assert infidelity({"calibrated": calibration}, gate_) == pytest.approx(expected, abs=1e-7)
    assert calibration.readout[line[0]] == (0.01, 0.02)
    t1, t2 = (1 / rate for rate in calibration.rates[line[1]])
    assert (t1, t2) == (pytest.approx(120e3), pytest.approx(80e3))
    assert calibration.measurement_ns == 900 and calibration.one_qubit_ns == 40
    assert notes == ["fake_lab: the errors of ecr are taken as those of cz."]


@given(
    st.integers(1, 2),
    st.floats(0, 0.3),
    st.floats(1, 100),
    st.floats(0.05, 2),
    st.floats(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_depolarising_and_decay_make_the_infidelity(
    n_qubits: int, infidelity: float, t1: float, part: float, duration: float
) -> None:
    """Against transfer matrices that are multiplied."""
    times = [(t1, part * t1), (2 * t1, t1)][:n_qubits]
    p = depolarizing_beyond_decay(infidelity, times, duration)
    d, size = 2**n_qubits, 4**n_qubits
    diagonal = np.ones(1)
    for own in times:
        kraus = cirq.kraus(ThermalChannel(duration / own[0], duration / own[1]))
        paulis = [cirq.unitary(each) for each in (cirq.I, cirq.X, cirq.Y, cirq.Z)]
        one = [sum(np.trace(q @ k @ q @ k.conj().T) for k in kraus).real / 2 for q in paulis]
        diagonal = np.kron(diagonal, one)
    damped = np.where(np.arange(size) == 0, 1, 1 - p * size / (size - 1))
    fidelity = float(diagonal @ damped) / size
    assert (1 - fidelity) * d / (d + 1) == pytest.approx(infidelity, abs=1e-10)


def test_older_tables(tmp_path: Path) -> None:
    calibration, notes = read(tmp_path, OLDER, name="falcon")
    line = cirq.LineQubit.range(3)
    assert list(calibration.rates) == line and calibration.name == "falcon"
    assert calibration.two_qubit_ns == {cirq.CZPowGate: 360.0}
    assert calibration.readout[line[0]] == (0.01, 0.03)
    # T2 beyond 2 T1 is cut before the decay is counted; of the pulses no time is known.
    assert infidelity({"calibrated": calibration}, cirq.CZ(*line[1:])) == pytest.approx(
        0.01, abs=1e-7
    )
    assert infidelity({"calibrated": calibration}, cirq.X(line[0])) == pytest.approx(3e-4, abs=1e-8)
    text = " ".join(notes)
    assert len(notes) == 4
    assert "how long one-qubit gates last is not given" in text
    assert "two-qubit gates last 300 to 420 ns; taken as the median, 360 ns" in text
    assert "the errors of cx are taken as those of cz" in text
    assert "t2 of 2 exceeds 2 t1" in text


LATEST = """\
Qubit,T1 (us),T2 (us),Readout assignment error,Init error,Prob meas0 prep1,Prob meas1 prep0,\
Readout length (ns),ID error,Single-qubit gate length (ns),RX error,Z-axis rotation (rz) error,\
√x (sx) error,Pauli-X error,XSLOW error,CZ error,Gate length (ns),RZZ error,MEASURE error,\
MEASURE_2 error,Operational
0,250,33.3,0.01,0.004,0.012,0.008,1500,2e-4,32,2e-4,0,2e-4,2e-4,,1:0.002,1:68,1:0.003,0.01,0.02,Yes
1,0.07,0.1,0.01,,0.012,0.008,1500,2e-4,32,2e-4,0,2e-4,2e-4,,0:0.002,0:68,0:0.003,0.01,0.02,Yes
2,123.4,99.9,0.01,0.02,0.012,0.008,1500,2e-4,32,2e-4,0,2e-4,NaN,,0:0.002,0:68,,0.01,0.02,Yes
"""


def test_errors_of_preparation_are_told_from_those_of_readout(tmp_path: Path) -> None:
    calibration, notes = read(tmp_path, "\ufeff" + LATEST)
    line = cirq.LineQubit.range(3)
    # The worst of the others where it is missing.
    assert calibration.preparation == {line[0]: 0.004, line[1]: 0.02, line[2]: 0.02}
    text = " ".join(notes)
    assert "left out without a meaning here: XSLOW error, RZZ error, MEASURE_2 error." in text
    assert "the init error of 1, 2 exceeds the readout error" in text
    noise = as_noise({"calibrated": calibration, "scales": {"gate": 0, "idle": 0}})
    # What was published is what is read of a qubit that was prepared in 0 or in 1.
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    for prepared, wrong in ((cirq.I, 0.008), (cirq.X, 0.012)):
        circuit = cirq.Circuit(prepared(line[0]), cirq.measure(line[0], key="m"))
        noisy = noise.noisy_circuit(circuit)
        before = cirq.Circuit(op for op in noisy.all_operations() if not cirq.is_measurement(op))
        chances = simulator.simulate(before, qubit_order=[line[0]]).final_density_matrix.diagonal()
        expected = wrong if prepared == cirq.I else 1 - wrong
        assert chances[1].real == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("key", ["init_error", "prob_init1_prep0"])
def test_properties_have_errors_of_preparation(key: str, tmp_path: Path) -> None:
    content = copy.deepcopy(PROPERTIES)
    content["qubits"][0] += parameters(**{key: (0.002, "")})
    content["qubits"][1] += parameters(**{key: (0.0, "")})
    content["qubits"][2] += parameters(**{key: (None, "")})
    content["gates"].append(gate("rzz", [0, 1], 0.004, 90.0))
    calibration, notes = read(tmp_path, content)
    line = cirq.LineQubit.range(3)
    assert calibration.preparation == {line[0]: 0.002, line[2]: 0.002}
    p01, p10 = calibration.readout[line[0]]
    contrast = 1 - p01 - p10
    assert (p01 + 0.002 * contrast, p10 + 0.002 * contrast) == pytest.approx((0.01, 0.02))
    assert calibration.readout[line[1]] == (0.01, 0.02)
    assert "fake_lab: left out without a meaning here: rzz." in notes


def test_numbers_are_written_as_they_were_published(tmp_path: Path) -> None:
    calibration, _ = read(tmp_path, LATEST)
    file = tmp_path / "converted.toml"
    write_calibration(calibration, file)
    written = file.read_text()
    for number in ("t1 = 250.0", "t2 = 33.3", "t1 = 0.07", "t2 = 0.1", "t1 = 123.4", "t2 = 99.9"):
        assert f"{number}," in written or f"{number} " in written, (number, written)
    assert "preparation = 0.004" in written
    again = read_calibration(file)
    assert again.rates == calibration.rates and again.preparation == calibration.preparation


def test_what_is_not_given_at_all_is_named(tmp_path: Path) -> None:
    _, notes = read(tmp_path, "Qubit,CZ error\n0,1:0.01\n1,0:0.01\n")
    text = " ".join(notes)
    for words in ("no T1 is given; taken as unlimited", "no readout error is given; taken as 0"):
        assert words in text


def test_what_is_broken_or_missing_is_named(tmp_path: Path) -> None:
    calibration, notes = read(tmp_path, NEWER)
    line = cirq.LineQubit.range(5)
    assert list(calibration.rates) == line[:4]
    assert {tuple(sorted(pair)) for pair in calibration.two_qubit} == {
        (line[0], line[1]),
        (line[1], line[3]),
    }
    assert 1 / calibration.rates[line[1]][0] == pytest.approx(150e3)
    assert notes == [
        "published: left out as broken: qubits 4.",
        "published: left out as broken or not measured: couplers 1-2.",
        "published: left out without a meaning here: RZZ error, MEASURE_2 error.",
        "published: T1 of 1 is missing; taken as the worst of the others.",
    ]
    with pytest.raises(NoiseError, match=r"has no calibration for qubit q\(4\)"):
        as_noise({"calibrated": calibration}).noisy_circuit(cirq.Circuit(cirq.X(line[4])))
    without = copy.deepcopy(PROPERTIES)
    without["gates"][6]["parameters"] = parameters(gate_error=(None, ""))
    without["gates"][0]["parameters"] = parameters(gate_error=(math.nan, ""))
    calibration, notes = read(tmp_path, without)
    assert set(calibration.two_qubit) == {(line[1], line[2]), (line[2], line[1])}
    assert "not measured: couplers 0-1." in notes[0]
    assert any("error of sx of 0 is missing" in each for each in notes)


def test_decay_that_exceeds_the_error_is_named(tmp_path: Path) -> None:
    slow = copy.deepcopy(PROPERTIES)
    slow["gates"][6] = gate("ecr", [1, 0], 0.001, 500.0)
    calibration, notes = read(tmp_path, slow)
    line = cirq.LineQubit.range(2)
    assert calibration.two_qubit[tuple(line)][cirq.CZPowGate].total == 0  # type: ignore[index]
    assert any("decay alone exceeds the error of 0-1" in each for each in notes)


def heavy_hex() -> list[tuple[int, int]]:
    """Two rows of 15 with bridges, numbered like Eagle's first ones."""
    rows = [(a, a + 1) for a in (*range(13), *range(18, 32))]
    bridges = [(0, 14), (14, 18), (4, 15), (15, 22), (8, 16), (16, 26), (12, 17), (17, 30)]
    more = [(20, 33), (33, 39), (24, 34), (34, 43), (28, 35), (35, 47), (32, 36), (36, 51)]
    return [*rows, *bridges, *more, *((a, a + 1) for a in range(37, 51))]


def test_rows_of_a_heavy_hexagonal_lattice_are_places_on_a_grid() -> None:
    found = positions_by_rows(heavy_hex())
    assert len(set(found.values())) == 52
    assert all(found[a].is_adjacent(found[b]) for a, b in heavy_hex())
    assert found[0] == cirq.GridQubit(0, 0) and found[37] == cirq.GridQubit(4, 0)
    square = [(3 * row + c, 3 * row + c + 1) for row in range(3) for c in range(2)]
    square += [(number, number + 3) for number in range(6)]
    assert positions_by_rows(square) == {n: cirq.GridQubit(*divmod(n, 3)) for n in range(9)}
    with pytest.raises(NoiseError, match="no rows, with or without bridges"):
        positions_by_rows([(0, 1), (1, 2), (2, 0)])


def test_positions_make_a_device(tmp_path: Path, capsys: Any) -> None:
    """Six qubits in a ring: two rows and no bridge."""
    ring = copy.deepcopy(PROPERTIES)
    ring["qubits"] = [qubit() for _ in range(7)]
    pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0)]
    ring["gates"] = [gate("sx", [number], 2e-4, 40.0) for number in range(7)]
    ring["gates"] += [gate("cz", list(pair), 0.004, 70.0) for pair in pairs]
    (tmp_path / "ring.json").write_text(json.dumps(ring))
    places = {"0": [0, 0], "1": [0, 1], "2": [0, 2], "3": [1, 2], "4": [1, 1], "5": [1, 0]}
    (tmp_path / "places.json").write_text(json.dumps({"positions": places}))
    files = [str(tmp_path / name) for name in ("ring.json", "lab.toml", "places.json", "dev.toml")]
    published, converted, positions, device = files
    command = ["noise", "--convert", published, converted, "--positions", positions]
    assert main([*command, "--device-file", device]) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [device, converted]
    assert "left out without a position: qubits 6" in printed.err
    calibration = read_calibration(converted)
    loaded = load_device(device)
    assert loaded.calibration is not None and loaded.two_qubit_gates == ("cz",)
    assert set(loaded.graph) == set(calibration.rates)
    assert loaded.graph.number_of_edges() == 6
    spec = ConvolutionSpec(
        kernel=(2, 2), filters=FixedFilter([1.0, -2.0, 0.5, 3.0]), overlap="destructive"
    )
    program = compile_convolution(spec, device)
    values = [
        QuantumConvolution(program, engine="exact", noise=noise, shots=None)
        .forward(np.array([[[0.3, 1.0], [-0.7, 0.2]]]))
        .item()
        for noise in (None, converted, device_noise(device, tmp_path))
    ]
    assert values[1] == pytest.approx(values[2], abs=1e-12)
    assert abs(values[0] - values[1]) > 1e-3


def device_noise(device: str, tmp_path: Path) -> str:
    file = str(tmp_path / "exported.toml")
    assert main(["noise", "--export", device, file]) == 0
    return file


def test_options_that_do_not_fit_are_refused(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "old.csv").write_text(OLDER, encoding="utf-8")
    published, out = str(tmp_path / "old.csv"), str(tmp_path / "out.toml")
    for arguments, message in (
        (["--positions", "rows"], "--positions belongs to --convert"),
        (["--device-file", out], "--device-file belongs to --convert"),
        (["--convert", published, str(tmp_path / "out.txt")], "let it end in .toml or .json"),
        (["--convert", published, out, "--device-file", out], "a device has qubits on a grid"),
        (["--convert", published, out, "--positions", str(tmp_path / "no.json")], "cannot read"),
        (["--convert", str(tmp_path / "no.csv"), out], "cannot read"),
    ):
        assert main(["noise", *arguments]) == 2
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "no column Qubit"),
        ("Qubit,Qubit\n1,2\n", "two columns"),
        ("Qubit\n", "no qubit is left"),
        ("Qubit,T1 (us)\n0\n", "row 2 has 1 cells"),
        ("Qubit,T1 (us)\n0,1\n0,2\n", "two rows of qubit 0"),
        ("Qubit,T1 (us)\nx,1\n", "the number of a qubit = 'x' is not allowed"),
        ("Qubit,T1 (us)\n0,fast\n", "t1 .* of qubit 0 = 'fast' is not allowed"),
        ("Qubit,T1 (years)\n0,1\n", "in no unit of time"),
        ("Qubit,CZ error\n0,0_1\n", "it should be as 0_1:0.005"),
        ("Qubit,CZ error\n0,0_1:0.1\n", "two-qubit gate on qubit 1, of which it says nothing"),
        ("Qubit,CZ error\n0,0_0:0.1\n", "on qubit 0 and itself"),
        ("Qubit,CZ error\n0,1:-0.1\n1,\n", "the error of coupler 0-1 = -0.1 is below 0"),
        ("Qubit,√x (sx) error\n0,-1\n", "error of sx of '0' = -1.0 is not allowed"),
        ("Qubit,T1 (us)\n0,inf\n", "is not allowed"),
        ("Qubit,Prob meas0 prep1\n0,1.0\n", "no qubit is left"),
        ('Qubit,sx error\n0,"0,002"\n', "'0,002' has a decimal comma: write a point"),
        ("Qubit,sx error\n0,0,002\n", "3 cells, the first one 2: numbers with a decimal comma"),
        ("Qubit;T1 (us);sx error\n0;1;0,1\n", "no column Qubit: .* Write commas between cells"),
        ("Qubit,Error CZ\n0,1:0.1\n", "no column of errors that is known: download it in English"),
        ("Qubit,Init error\n0,0.6\n", "init error of '0' = 0.6 is not allowed"),
        ({}, "qubits and gates are missing"),
        ({"qubits": 3, "gates": []}, "qubits = 3 is not a list"),
        ({"qubits": [[3]], "gates": []}, r"qubits\[0\] has 3: it should be a table"),
        ({"qubits": [[]], "gates": [3]}, r"gates\[0\] is 3, and no table"),
        ({"qubits": [[]], "gates": [gate("cz", [0, 1], 0.1, 9)]}, "not among the qubits"),
        ({"qubits": [[]], "gates": [{"gate": "cz"}]}, "qubits = None is not a list"),
        (
            {"qubits": [parameters(T1=(1.0, "weeks"))], "gates": []},
            "column 'T1' is in no unit of time",
        ),
    ],
)
def test_other_files_are_refused_in_one_line(
    content: str | dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NoiseError, match=message) as refusal:
        read(tmp_path, content)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", OLDER.encode("utf-16")])
def test_files_that_are_no_text_are_named_once(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_bytes(content)
    with pytest.raises(NoiseError) as refusal:
        read_vendor_calibration(path)
    assert str(refusal.value).count(str(path)) == 1


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ({}, "no table of rows and columns"),
        ({"0": [0, 0], "1": [0, 0]}, "qubits 0, 1 are at the same place"),
        ({"0": 3}, "0 is 3: give .row, column."),
        ({"x": [0, 0]}, "positions: 'x' = 'x' is not allowed"),
        ({"0": [0, -1]}, "is not allowed"),
        ({"7": [0, 0]}, "no qubit is left"),
        (3, "no table of rows"),
    ],
)
def test_other_positions_are_refused(positions: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(NoiseError, match=message):
        read(tmp_path, PROPERTIES, positions=positions)


ODD: list[Any] = [None, True, "", "x", "nan", -1, 10**400, 1e308, math.nan, [], {}, [[]], "9" * 99]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_damaged_files_are_valid_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    made = 0
    for _ in range(150):
        content: Any = NEWER
        if kind == "csv":
            cells = NEWER.split(",")
            cells[random.integers(20, len(cells))] = str(ODD[random.integers(len(ODD))])[:200]
            start = int(random.integers(len(content)))
            content = ",".join(cells)
            if random.integers(3) == 0:
                content = content[:start] + content[start + int(random.integers(30)) :]
        else:
            content = copy.deepcopy(PROPERTIES)
            *path, last = places(content)[1:][random.integers(len(places(content)) - 1)]
            parent = content
            for key in path:
                parent = parent[key]
            parent[last] = ODD[random.integers(len(ODD))]
        try:
            calibration, _ = read(tmp_path, content)
        except NoiseError as refusal:
            line = str(refusal)
            assert "\n" not in line and len(line) <= 200
            continue
        made += 1
        used = next(iter(calibration.rates))
        as_noise({"calibrated": calibration}).noisy_circuit(cirq.Circuit(cirq.X(used)))
    assert 0 < made < 150
