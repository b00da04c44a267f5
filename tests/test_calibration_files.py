"""Calibrations of the user's own, in files and tables."""

import json
from pathlib import Path
from typing import Any

import cirq
import cirq_google
import numpy as np
import pytest
from helpers import sweep_in_process

from noise_models import (
    Calibration,
    NoiseConfiguration,
    NoiseError,
    NoiseNote,
    as_noise,
    load_calibration,
    read_calibration,
    write_calibration,
)
from noise_models.calibration import GateError
from noise_models.calibration_files import calibration_from_mapping, calibration_to_mapping
from qucnn_cirq import ConvolutionSpec, FixedFilter, QuantumConvolution, compile_convolution
from qucnn_cirq.cli import main
from qucnn_cirq.devices import load_device
from qucnn_cirq.errors import InputError
from studies.sweep.catalogue import study_named
from studies.sweep.job import RunOptions, run_sweep
from studies.sweep.plan import make_plan

LAB: dict[str, Any] = {
    "name": "lab",
    "durations": {"one_qubit": 25.0, "measurement": 500.0, "cz": 40.0, "sqrt_iswap": 30.0},
    "qubits": {
        "default": {"t1": 40.0, "t2": 30.0, "one_qubit": 0.001, "p01": 0.01, "p10": 0.02},
        "0,0": {"p10": 0.05},
        "0,1": {},
    },
    "couplers": {"0,0:0,1": {"cz": 0.004, "sqrt_iswap": {"error": 0.01, "phi": 0.1}}},
}
A, B = cirq.GridQubit.rect(1, 2)


def changed(*path_and_value: Any) -> dict[str, Any]:
    """The laboratory's calibration with one entry replaced, or removed if that is None."""
    *path, last, value = path_and_value
    mapping: dict[str, Any] = json.loads(json.dumps(LAB))
    table = mapping
    for key in path:
        table = table[key]
    if value is None:
        del table[last]
    else:
        table[last] = value
    return mapping


def state_after(noise: object, circuit: cirq.Circuit) -> np.ndarray:
    noisy = cirq.drop_terminal_measurements(as_noise(noise).noisy_circuit(circuit))
    simulator = cirq.DensityMatrixSimulator(dtype=np.complex128)
    return simulator.simulate(noisy).final_density_matrix


@pytest.mark.parametrize("suffix", [".toml", ".json"])
@pytest.mark.parametrize("name", ["willow_pink", "weber", "rainbow"])
def test_shipped_calibrations_survive_a_file(name: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"other{suffix}"
    write_calibration(load_calibration(name), file)
    assert not list(tmp_path.glob("*.partial"))
    found, expected = read_calibration(file), load_calibration(name)
    assert found.name == name
    assert found.readout == expected.readout and found.one_qubit == expected.one_qubit
    assert found.two_qubit_ns == expected.two_qubit_ns and list(found.two_qubit_ns) == list(
        expected.two_qubit_ns
    )
    for qubit, rates in expected.rates.items():
        assert found.rates[qubit] == pytest.approx(rates, rel=1e-14)
    assert found.two_qubit.keys() == expected.two_qubit.keys()
    for coupler, errors in expected.two_qubit.items():
        for gate, error in errors.items():
            again = found.two_qubit[coupler][gate]
            assert again.coherent == error.coherent
            assert again.depolarizing == pytest.approx(error.depolarizing, abs=1e-15)
            assert again.total == pytest.approx(error.total, abs=1e-15)


def test_errors_of_zero_put_in_no_channels() -> None:
    a, b = cirq.GridQubit(0, 0), cirq.GridQubit(0, 1)
    perfect = GateError(0.0, cirq.PhasedFSimGate(0.0), 0.0)
    two_qubit = {pair: {cirq.CZPowGate: perfect} for pair in ((a, b), (b, a))}
    calibration = Calibration(
        "mine", dict.fromkeys((a, b), (0.0, 0.0)), 25.0, {cirq.CZPowGate: 40.0}, 500.0, {},
        two_qubit, dict.fromkeys((a, b), (0.0, 0.0)),
    )  # fmt: skip
    circuit = cirq.Circuit(cirq.X(a), cirq.CZ(a, b), cirq.measure(a, b))
    assert as_noise({"calibrated": calibration}).noisy_circuit(circuit) == circuit


@pytest.mark.parametrize(
    ("name", "gate_set"), [("willow_pink", "cz"), ("weber", "sqrt_iswap"), ("rainbow", "syc")]
)
def test_a_file_gives_the_same_means_as_the_name(name: str, gate_set: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write_calibration(load_calibration(name), file)
    spec = ConvolutionSpec(kernel=(2, 2), filters=FixedFilter([1.0, 2.0, -1.0, 0.5]))
    program = compile_convolution(spec, name, gate_set=gate_set)
    patches = np.random.default_rng(1).normal(size=(1, 4, 4))
    means = [
        QuantumConvolution(program, engine="exact", noise=noise, shots=None).forward(patches)
        for noise in (name, str(file), {"calibrated": str(file)})
    ]
    np.testing.assert_allclose(means[1], means[0], atol=1e-13)
    np.testing.assert_array_equal(means[2], means[1])


def test_properties_of_cirq_google_are_read(tmp_path: Path) -> None:
    properties = cirq_google.engine.load_device_noise_properties("willow_pink")
    file = tmp_path / "today.json"
    cirq.to_json(properties, file)
    found = read_calibration(file)
    assert found.name == "today"
    expected = load_calibration("willow_pink")
    assert (found.rates, found.two_qubit) == (expected.rates, expected.two_qubit)
    snapshot = cirq_google.engine.load_median_device_calibration("willow_pink")
    cirq.to_json(snapshot, file)
    with pytest.raises(NoiseError, match=r"holds a Calibration of Cirq.*noise_properties_from_cal"):
        read_calibration(file)
    file.write_text('{"cirq_type": "GoogleNoiseProperties", "gate_times_ns": 3}')
    with pytest.raises(NoiseError, match="today.json': its GoogleNoiseProperties cannot be"):
        read_calibration(file)


def test_numbers_mean_what_they_say() -> None:
    noise = as_noise({"calibrated": LAB})
    assert noise.readout(A) == (0.01, 0.05) and noise.readout(B) == (0.01, 0.02)
    after = [
        op
        for op in as_noise({"calibrated": LAB}).noisy_circuit(cirq.Circuit(cirq.CZ(A, B)))
        if op != cirq.Moment(cirq.CZ(A, B))
    ]
    gates = [op.gate for moment in after for op in moment]
    assert cirq.depolarize(0.004, 2) in gates
    # 40 ns of T1 = 40 us and T2 = 30 us leave exp(-0.001) and exp(-0.04/30) of Z and X.
    plus = state_after(
        {"calibrated": LAB, "scales": {"readout": 0}},
        cirq.Circuit(cirq.Moment(cirq.H(A)), cirq.Moment(cirq.CZ(A, B))),
    )
    x = 2 * plus.reshape(2, 2, 2, 2).trace(axis1=1, axis2=3)[0, 1].real
    kept = (1 - 4 / 3 * 0.001) * (1 - 16 / 15 * 0.004)
    assert x == pytest.approx(kept * np.exp(-25e-3 / 30) * np.exp(-40e-3 / 30), abs=1e-12)


def test_coherent_errors_are_part_of_the_error() -> None:
    calibration = calibration_from_mapping(LAB)
    error = calibration.error_of(cirq.SQRT_ISWAP(A, B))
    part = 1 - abs(np.trace(cirq.unitary(cirq.PhasedFSimGate(0, phi=0.1)))) ** 2 / 16
    assert error.coherent.phi == 0.1
    assert error.depolarizing == pytest.approx(0.01 - part) and error.total == 0.01
    assert calibration.error_of(cirq.CZ(B, A)).depolarizing == 0.004


def test_a_calibration_is_data_of_the_configuration() -> None:
    noise = NoiseConfiguration.from_mapping({"calibrated": LAB, "scale": 0.5})
    assert isinstance(noise.calibrated, Calibration)
    assert noise.to_mapping()["calibrated"]["couplers"]["0,0:0,1"]["cz"] == 0.004
    for again in (
        NoiseConfiguration.from_toml(noise.to_toml()),
        NoiseConfiguration.from_json(noise.to_json()),
    ):
        assert again == noise and hash(again) == hash(noise)
    other = NoiseConfiguration.from_mapping(
        {"calibrated": changed("couplers", "0,0:0,1", "cz", 0.005), "scale": 0.5}
    )
    assert other != noise and other.to_mapping() != noise.to_mapping()
    assert "lab" in repr(noise) and len(repr(noise)) < 400
    assert calibration_to_mapping(calibration_from_mapping(LAB))["name"] == "lab"


def test_what_no_time_is_given_for_does_not_decay() -> None:
    ideal = {"qubits": {"0,0": {}, "0,1": {}}, "couplers": {"0,0:0,1": {"cz": 0.0}}}
    circuit = cirq.Circuit(cirq.H(A), cirq.CZ(A, B), cirq.measure(A, B))
    assert np.allclose(state_after({"calibrated": ideal}, circuit), state_after(None, circuit))
    assert calibration_to_mapping(calibration_from_mapping(ideal))["qubits"]["0,0"] == {
        "one_qubit": 0.0,
        "p01": 0.0,
        "p10": 0.0,
    }


def test_qubits_and_couplers_outside_are_refused() -> None:
    noise = as_noise({"calibrated": LAB})
    with pytest.raises(NoiseError, match="'lab' has no calibration for qubit q\\(5, 5\\)"):
        noise.noisy_circuit(cirq.Circuit(cirq.X(cirq.GridQubit(5, 5))))
    alone = as_noise({"calibrated": changed("couplers", {})})
    with pytest.raises(NoiseError, match="'lab' has no coupler 0,0:0,1"):
        alone.noisy_circuit(cirq.Circuit(cirq.CZ(A, B)))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (changed("qubits", None), "calibration.qubits is missing"),
        (changed("qubits", {}), "calibration.qubits is missing: list them"),
        (changed("qubits", "0,0", "t1", -1.0), "calibration.qubits.'0,0'.t1 = -1.0 is not allowed"),
        (changed("qubits", "0,0", "t3", 1.0), "unknown key of calibration.qubits.'0,0' 't3'"),
        (
            changed("couplers", "0,0:0,1", "cz", 1.5),
            "'0,0:0,1'.cz = 1.5 is not allowed: .* within 0..1",
        ),
        (changed("couplers", "0,0:0,1", "iswap", 0.1), "'iswap'. Did you mean"),
        (changed("couplers", "0,0:0,1", {}), "names no gate"),
        (changed("couplers", "0,0:1,1", {"cz": 0.1}), "calibration.qubits lacks 1,1"),
        (changed("couplers", "0,0", {"cz": 0.1}), "no coupler"),
        (changed("durations", "cz", None), "calibration.durations.cz is missing: t1 and t2 act"),
        (changed("durations", "cz", -3), "calibration.durations.cz = -3"),
        (changed("qubit", {}), "'qubit'. Did you mean 'qubits'"),
        (changed("qubits", "0,0", "t1", "40 furlongs"), "t1 = '40 furlongs' is not allowed"),
        (changed("qubits", "0,0", "p01", "1 us"), "p01 = '1 us' is not allowed"),
    ],
)
def test_what_is_not_allowed_is_named(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(NoiseError, match=message):
        as_noise({"calibrated": mapping})


def test_files_that_hold_no_calibration_are_named(tmp_path: Path) -> None:
    for text, message in (
        ("[calibration", "is not valid TOML"),
        ("[device]\nname = 'x'", "must hold a table .calibration"),
        ("[calibration]\nqubits = 3", "calibration.qubits is missing, or not a table"),
    ):
        file = tmp_path / "bad.toml"
        file.write_text(text)
        with pytest.raises(NoiseError, match=f"bad.toml.*{message}"):
            as_noise({"calibrated": str(file)})
    with pytest.raises(NoiseError, match=r"cannot read .*none.json"):
        as_noise({"calibrated": str(tmp_path / "none.json")})
    with pytest.raises(NoiseError, match="calibrated = 3 is not a processor's name"):
        as_noise({"calibrated": 3})
    with pytest.raises(NoiseError, match="let it end in .toml or .json"):
        write_calibration(load_calibration("rainbow"), tmp_path / "x.txt")
    with pytest.raises(NoiseError, match="cannot be written"):
        write_calibration(load_calibration("rainbow"), tmp_path / "missing" / "x.toml")


def test_files_with_a_configuration_are_noise_too(tmp_path: Path) -> None:
    for suffix in ("toml", "json"):
        noise = NoiseConfiguration.from_mapping({"calibrated": LAB, "idle": 0.01})
        file = tmp_path / f"noise.{suffix}"
        file.write_text(noise.to_toml() if suffix == "toml" else noise.to_json())
        assert as_noise(str(file)).configuration == noise
        write_calibration(calibration_from_mapping(LAB), file)
        assert as_noise(str(file)).configuration == NoiseConfiguration.from_mapping(
            {"calibrated": LAB}
        )
    file.write_text("{")
    with pytest.raises(NoiseError, match="is not valid JSON"):
        as_noise(str(file))


def test_a_device_of_ones_own_gives_its_noise(tmp_path: Path) -> None:
    device = tmp_path / "lab.toml"
    device.write_text(
        '[device]\ndiagram = """\no-o-o\n| | |\no-o-o\n"""\ngates = ["cz"]\n'
        "[device.errors]\ntwo_qubit = 0.01\nreadout = 0.02\n"
    )
    calibration = load_device(str(device)).calibration
    assert calibration is not None
    write_calibration(calibration, tmp_path / "errors.json")
    noise = as_noise(str(tmp_path / "errors.json"))
    assert noise.readout(cirq.GridQubit(1, 2)) == (0.02, 0.02)
    assert noise.configuration == NoiseConfiguration(calibrated=calibration)


def test_a_sweep_knows_the_content_of_the_file_and_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "today.toml"
    write_calibration(load_calibration("willow_pink"), file)
    document = {
        "study": {"name": "noise", "images": 1, "shots": 100},
        "convolution": {"stride": 9},
        "noise": {"calibrated": str(file)},
        "axes": {"noise.scale": [0.5, 1.0]},
    }
    kind = study_named("noise")
    plan = make_plan(kind, document)
    sweep_in_process(kind, document, tmp_path / "out")
    (copy,) = (tmp_path / "out" / "inputs").rglob("*.toml")
    assert copy.name == "today.toml" and copy.read_bytes() == file.read_bytes()
    file.write_text(file.read_text().replace("one_qubit = 25.0", "one_qubit = 26.0"))
    assert make_plan(kind, document).digest != plan.digest
    with pytest.raises(InputError, match="holds results of another sweep"):
        run_sweep(kind, document, tmp_path / "out", RunOptions(), quiet=True)
    document["noise"] = {"calibrated": str(copy)}
    assert make_plan(kind, document).digest == plan.digest


# What vendors publish: taken, and said.


@pytest.mark.parametrize(
    ("mapping", "note", "clean"),
    [
        (changed("qubits", "0,0", "t2", 100.0), "t2 of 0,0 exceeds 2 t1", ("0,0", "t2", 80.0)),
        (changed("qubits", "0,0", "t1", float("nan")), "0,0 have no t1", ("0,0", "t1", 40.0)),
        (changed("qubits", "0,1", "p10", float("nan")), "0,1 have no p10", ("0,1", "p10", 0.05)),
    ],
)
def test_values_that_are_missing_or_too_good_are_taken_with_a_note(
    mapping: dict[str, Any], note: str, clean: tuple[str, str, float]
) -> None:
    with pytest.warns(NoiseNote, match=f"lab: .*{note}") as notes:
        calibration = calibration_from_mapping(mapping)
    assert len(notes) == 1
    place, key, value = clean
    assert calibration_to_mapping(calibration)["qubits"][place][key] == pytest.approx(value)


def test_missing_values_are_the_worst_of_the_others() -> None:
    mapping = changed("qubits", "0,0", "t1", 20.0)
    mapping["qubits"]["0,1"] |= {"t1": None, "one_qubit": float("nan"), "p01": None}
    mapping["qubits"]["0,2"] = None
    mapping["couplers"]["0,1:0,2"] = {"cz": None, "sqrt_iswap": {"error": float("nan")}}
    with pytest.warns(NoiseNote):
        found = calibration_to_mapping(calibration_from_mapping(mapping))
    assert found["qubits"]["0,1"] == pytest.approx(
        {"t1": 20, "t2": 30, "one_qubit": 0.001, "p01": 0.01, "p10": 0.02}
    )
    assert found["couplers"]["0,1:0,2"]["cz"] == 0.004


def test_keys_of_others_are_left_out_with_a_note() -> None:
    mapping = changed("last_update_date", "2026-01-01")
    mapping["qubits"]["0,0"]["frequency"] = 5.1
    mapping["couplers"]["0,0:0,1"]["cnot"] = 0.5
    with pytest.warns(NoiseNote) as notes:
        assert calibration_from_mapping(mapping) == calibration_from_mapping(LAB)
    said = " ".join(str(each.message) for each in notes)
    assert all(key in said for key in ("last_update_date", "frequency", "cnot"))


def test_numbers_in_texts_and_units_are_read() -> None:
    mapping = changed("qubits", "0,0", "t1", "0.04 ms")
    mapping["qubits"]["default"] |= {"t1": "40", "t2": "30 us", "p01": "1e-2"}
    mapping["durations"] |= {"one_qubit": "25 ns", "measurement": "0.5us"}
    found, expected = calibration_from_mapping(mapping), calibration_from_mapping(LAB)
    assert found.readout == expected.readout
    assert (found.one_qubit_ns, found.measurement_ns) == (25.0, 500.0)
    for qubit, rates in expected.rates.items():
        assert found.rates[qubit] == pytest.approx(rates, rel=1e-14)


@pytest.mark.parametrize("suffix", [".TOML", ".JSON", ".Json"])
def test_suffixes_marks_and_line_ends_of_other_systems(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"LAB{suffix}"
    write_calibration(calibration_from_mapping(LAB), file)
    text = file.read_text().replace("\n", "\r\n")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    expected = as_noise({"calibrated": LAB}).configuration
    assert as_noise(str(file)).configuration == expected
    assert as_noise({"calibrated": str(file)}).configuration == expected


def test_gaps_in_the_properties_of_cirq_google_are_filled(tmp_path: Path) -> None:
    properties = cirq_google.engine.load_device_noise_properties("rainbow")
    dead = sorted(properties.t1_ns)[3]
    document = json.loads(cirq.to_json(properties))
    for key in ("t1_ns", "tphi_ns", "readout_errors"):
        for entry in document[key]:
            if (entry[0]["row"], entry[0]["col"]) == (dead.row, dead.col):
                entry[1] = None
    file = tmp_path / "rainbow.json"
    file.write_text(json.dumps(document))
    with pytest.warns(NoiseNote, match=f"rainbow: T1 of .*{dead.row}, {dead.col}"):
        found = read_calibration(file)
    others = load_calibration("rainbow")
    slowest = max(rate for rate, _ in others.rates.values())
    assert found.rates[dead][0] == pytest.approx(slowest)
    assert found.readout[dead][0] == max(p01 for q, (p01, _) in others.readout.items() if q != dead)
    assert all(np.isfinite(found.rates[qubit]).all() for qubit in others.rates)


@pytest.mark.parametrize("time", [-0.5, 0.0])
def test_a_time_of_zero_or_less_is_refused(time: float, tmp_path: Path) -> None:
    properties = cirq_google.engine.load_device_noise_properties("rainbow")
    document = json.loads(cirq.to_json(properties))
    document["t1_ns"][3][1] = time
    file = tmp_path / "rainbow.json"
    file.write_text(json.dumps(document))
    with pytest.raises(
        NoiseError, match=r"T1 of .* is not allowed: give a number within 0.001..inf"
    ):
        read_calibration(file)


def test_the_command_line_says_notes_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(
        "[device]\ndiagram = 'o-o'\n"
        "[device.durations]\none_qubit = 20\ntwo_qubit = 40\nmeasurement = 500\n"
        "[device.errors]\nt1 = 10\nt2 = { default = 15, '0,0' = 30 }\n"
    )
    assert main(["devices", str(file)]) == 0
    assert capsys.readouterr().err == (
        "qucnn: note: lab: t2 of 0,0 exceeds 2 t1 (measured apart?); taken as 2 t1.\n"
    )
    assert main(["devices", str(file), "--quiet"]) == 0
    assert capsys.readouterr().err == ""
